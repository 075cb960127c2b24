"""Settings of Keras that other work has left over: found, put right for the lesson, and said."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from helpers.course.environment import judge_settings
from helpers.course.packages import BUT
from helpers.keras_settings import (
    backend_problem,
    chosen_backend,
    in_words,
    left_over,
    put_right,
    settings_file,
)
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig, interpolate_positions

ROOT = Path(__file__).resolve().parents[1]
QUICK = "jax" if importlib.util.find_spec("jax") else keras.backend.backend()  # any will do
LEFT_OVER = {
    "floatx": "float16",
    "epsilon": 1e-3,
    "backend": QUICK,
    "image_data_format": "channels_first",
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder for Keras' settings, and no variable that says anything."""
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def write(home, **settings):
    (home / "keras.json").write_text(json.dumps(settings))


def test_nothing_is_left_over_where_keras_wrote_its_own_file(home):
    assert left_over() == [] and chosen_backend() == ("tensorflow", "") and backend_problem() == ""
    write(home, floatx="float32", epsilon=1e-7, backend="tensorflow", image_data_format="channels_last")
    assert left_over() == [] and backend_problem() == ""


def test_each_is_found_with_its_place(home, monkeypatch):
    write(home, **LEFT_OVER)
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    found = {setting.name: (setting.value, setting.place, setting.needed) for setting in left_over()}
    file = str(home / "keras.json")
    assert found == {
        "image_data_format": ("channels_first", file, "channels_last"),
        "floatx": ("float16", file, "float32"),
        "epsilon": (1e-3, file, 1e-7),
        "max_epochs": ("1", "KERAS_MAX_EPOCHS", None),
    }
    row = judge_settings(left_over())
    assert row.verdict == BUT and "image_data_format channels_first" in row.found
    assert file in row.advice and "KERAS_MAX_EPOCHS" in row.advice


@pytest.mark.parametrize("content", ["{", "[]", "3", ""])
def test_a_damaged_file_says_nothing(home, content):
    (home / "keras.json").write_text(content)
    assert left_over() == []


def test_the_file_is_where_keras_looks(home, monkeypatch):
    assert settings_file() == home / "keras.json"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert settings_file() == home / ".keras" / "keras.json"


def test_a_backend_that_is_none_is_told_where_it_was_chosen(home, monkeypatch):
    write(home, backend="theano")
    assert "keras.json chooses the backend 'theano'" in backend_problem()
    monkeypatch.setenv("KERAS_BACKEND", "numpy")  # it cannot train
    assert "KERAS_BACKEND chooses the backend 'numpy'" in backend_problem()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert backend_problem() == ""


def test_what_this_kernel_was_told_is_put_right(home):
    config = keras.config
    assert put_right(keras) == [] and in_words([]) == ""
    try:
        config.set_image_data_format("channels_first")
        config.set_floatx("float16")
        config.set_dtype_policy("mixed_bfloat16")
        changed = put_right(keras)
        assert (config.image_data_format(), config.floatx()) == ("channels_last", "float32")
        assert config.dtype_policy().name == "float32"
    finally:
        config.set_image_data_format("channels_last")
        config.set_floatx("float32")
        config.set_dtype_policy("float32")
    assert [setting.name for setting in changed] == ["image_data_format", "floatx", "dtype_policy"]
    assert {setting.place for setting in changed} == {"set in this kernel"}
    assert in_words(changed) == (
        "Keras was set otherwise than the course needs: image_data_format was channels_first (set in this "
        "kernel), floatx was float16 (set in this kernel), dtype_policy was mixed_bfloat16 (set in this "
        "kernel). In this kernel it is now: channels_last, float32, float32."
    )


def test_a_keras_that_knows_fewer_settings_is_no_trouble(home):
    policy = SimpleNamespace(name="float32")
    old = SimpleNamespace(config=SimpleNamespace(floatx=lambda: "float32", dtype_policy=lambda: policy))
    assert put_right(old) == []


def test_a_models_data_format_is_its_own():
    """Images lie as (height, width, channels) here, whatever a file on this machine says of layers."""
    images = np.random.default_rng(0).random((2, 32, 32, 3), "float32")
    config = ViTConfig(32, 8, 12, 1, 3, 16, 5)
    first = [VisionTransformer(config), ResNet(ResNetConfig(depth=8, width=4))]
    positions = np.random.default_rng(1).normal(size=(1, 17, 12)).astype("float32")
    stretched = ops.convert_to_numpy(interpolate_positions(positions, 6))
    keras.config.set_image_data_format("channels_first")
    try:
        second = [VisionTransformer(config), ResNet(ResNetConfig(depth=8, width=4))]
        for model, other in zip(first, second):
            other.set_weights(model.get_weights())
            np.testing.assert_allclose(
                ops.convert_to_numpy(other(images)), ops.convert_to_numpy(model(images)), atol=1e-5
            )
        again = ops.convert_to_numpy(interpolate_positions(positions, 6))
    finally:
        keras.config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(again, stretched)


# As a learner would meet it: a fresh process


def python(code, home, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS", "COURSE_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | {"KERAS_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_a_lesson_runs_and_says_what_was_put_right(home):
    write(home, **LEFT_OVER)
    code = """
from helpers.course.setup import start
start()
import keras, numpy as np
layer = keras.layers.Conv2D(4, 2)
print(layer(np.zeros((1, 8, 8, 3), "float32")).shape[-1], layer.kernel.dtype, keras.config.epsilon())
start()
"""
    result = python(code, home)
    assert result.returncode == 0, result.stderr
    said, ready, shape, again = result.stdout.splitlines()
    assert said.startswith(
        "Keras was set otherwise than the course needs: image_data_format was channels_first"
    )
    assert str(home / "keras.json") in said
    assert shape.split()[0] == "4" and "float32" in shape and shape.endswith("1e-07")
    assert ready == again == "Ready: the course is set up."
    assert json.loads((home / "keras.json").read_text()) == LEFT_OVER  # the learner's own file is left alone


def test_a_backend_that_is_none_is_one_line(home):
    write(home, backend="theano")
    notebook = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_cell('from helpers.course.setup import start; start()')"
    )
    result = python(notebook, home, IPYTHONDIR=os.devnull)
    told = result.stdout.strip().splitlines()
    assert len(told) == 1 and "keras.json chooses the backend 'theano'" in told[0]
    assert "restart the kernel" in told[0]


@pytest.mark.parametrize(
    "settings", [dict(floatx="float17"), dict(epsilon=1), dict(image_data_format="last")]
)
def test_settings_that_keras_refuses_name_the_file(home, settings):
    write(home, **LEFT_OVER | settings)
    code = """
from helpers.course.setup import SetUpProblem, start
try:
    start()
except SetUpProblem as problem:
    print(problem)
"""
    told = python(code, home).stdout
    assert told.startswith("Keras could not be loaded (") and len(told.splitlines()) == 1
    assert f"It reads its settings in {home / 'keras.json'}" in told


def test_a_backend_whose_package_is_missing_is_named(home):
    code = """
import sys
sys.modules["torch"] = None
from helpers.course.setup import SetUpProblem, start
try:
    start()
except SetUpProblem as problem:
    print(problem)
"""
    told = python(code, home, KERAS_BACKEND="torch").stdout
    assert told.startswith("Keras could not be loaded with the backend torch, which KERAS_BACKEND chooses")


def test_a_backend_chosen_too_late_is_told(home):
    code = """
import os
from helpers.course.setup import start
start()
os.environ["KERAS_BACKEND"] = "torch"
start()
"""
    result = python(code, home, KERAS_BACKEND=QUICK)
    ready, told, again = result.stdout.splitlines()
    assert ready == again == "Ready: the course is set up."
    assert told.startswith(
        f"The backend stays {QUICK}: Keras was loaded before KERAS_BACKEND became 'torch'."
    )
    assert "restart the kernel and set it above this cell" in told
