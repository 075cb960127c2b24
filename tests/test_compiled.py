"""Compiled or not, the numbers are the same, of the weights as they are now; and nothing is left behind."""

import copy
import dataclasses
import gc
import json
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model import compiled as module
from helpers.model.compiled import compiled
from helpers.model.gradients import gradients
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

ROOT = Path(__file__).resolve().parents[1]
BACKEND = keras.backend.backend()
CONFIG = ViTConfig(
    image_size=16, patch_size=8, hidden_dim=16, depth=2, num_heads=2, mlp_dim=24, num_classes=5
)
IMAGES = np.random.default_rng(0).random((7, 16, 16, 3), dtype="float32")


def randomise(model, seed=1):
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        spread = 0.4 * rng.standard_normal(variable.shape)
        variable.assign((1 + np.abs(spread) if "variance" in variable.path else spread).astype("float32"))
    return model


def make(kind="vit", seed=1, **changes):
    if kind == "resnet":
        return randomise(ResNet(ResNetConfig(depth=8, width=4, image_size=16)), seed)
    return randomise(VisionTransformer(dataclasses.replace(CONFIG, **changes)), seed)


def eager(model, images=IMAGES):
    return ops.convert_to_numpy(model(images, training=False))


@pytest.fixture(scope="module")
def vit():
    return make()


def stream(model, images, scale=1.0):
    """The tokens before and after the first block, to be run compiled."""
    tokens = model.embed(images)
    return [tokens * scale, model.blocks[0](tokens) * scale]


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_logits_are_those_of_the_model_called_as_it_stands(kind):
    model = make(kind)
    expected = eager(model)
    assert np.abs(expected).max() > 0.1
    for batch_size in (7, 3, 1, 500):
        found = compiled(model)(IMAGES, batch_size=batch_size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_bytes_are_images_in_256_steps(vit):
    bytes_ = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype="uint8")
    np.testing.assert_allclose(compiled(vit)(bytes_), eager(vit, bytes_.astype("float32") / 255), atol=1e-5)


def test_a_list_of_results_comes_batch_by_batch_and_whole(vit):
    expected = [ops.convert_to_numpy(tensor) for tensor in stream(vit, IMAGES)]
    parts = list(compiled(vit, stream).batches(IMAGES, batch_size=3))
    assert [len(part[0]) for part in parts] == [3, 3, 1]
    for found, tensor, *pieces in zip(compiled(vit, stream)(IMAGES, batch_size=3), expected, *parts):
        np.testing.assert_allclose(found, tensor, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(found, np.concatenate(pieces))


def test_changed_weights_are_seen():
    model = make()
    before = compiled(model)(IMAGES)
    for seed in (2, 3):
        randomise(model, seed)
        found = compiled(model)(IMAGES)
        np.testing.assert_allclose(found, eager(model), rtol=1e-5, atol=1e-5)
        assert np.abs(found - before).max() > 0.1


def test_weights_changed_by_training_are_seen():
    model = make()
    compiled(model)(IMAGES)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.SparseCategoricalCrossentropy(True))
    before = eager(model)
    model.fit(IMAGES, np.zeros(7, "int32"), epochs=1, verbose=0)
    assert np.abs(eager(model) - before).max() > 1e-3
    np.testing.assert_allclose(compiled(model)(IMAGES), eager(model), rtol=1e-5, atol=1e-5)


def test_two_models_do_not_mix(vit):
    other, wider = make(seed=5), make(seed=6, hidden_dim=32)
    for _ in range(2):
        for model in (vit, other, wider):
            np.testing.assert_allclose(compiled(model)(IMAGES), eager(model), rtol=1e-5, atol=1e-5)


def test_a_setting_of_a_layer_that_becomes_another_is_seen():
    model = make()
    before = compiled(model)(IMAGES)
    model.blocks[1].has_skip = False
    found = compiled(model)(IMAGES)
    np.testing.assert_allclose(found, eager(model), rtol=1e-5, atol=1e-5)
    assert np.abs(found - before).max() > 0.1
    model.blocks[1].has_skip = True
    np.testing.assert_allclose(compiled(model)(IMAGES), before, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's own warning")
def test_many_models_are_no_mistake(caplog):
    """TensorFlow warns of a function that is traced again and again; here each model is traced once."""
    for seed in range(8):
        compiled(make(seed=seed))(IMAGES)
    assert "retracing" not in caplog.text


@pytest.mark.skipif(BACKEND == "torch", reason="torch runs the function as it stands")
def test_once_for_many_batches_and_once_more_for_other_options():
    model, calls = make(), []

    def counted(model, images, power):
        calls.append(tuple(images.shape))
        return model.embed(images) ** power

    compiled(model, counted, 1)(IMAGES, batch_size=2)  # batches of 2, 2, 2 and 1
    list(compiled(model, counted, 1).batches(IMAGES[:4], batch_size=2))
    assert calls == [(2, 16, 16, 3)]
    compiled(model, counted, 2)(IMAGES, batch_size=2)
    assert len(calls) == 2
    for batch_size in (3, 3, 4):
        compiled(model, counted, 1)(IMAGES, batch_size=batch_size)
    assert len(calls) == (3 if BACKEND == "tensorflow" else 4)  # TensorFlow: one for all other sizes


def test_arrays_are_handed_on_and_not_compiled_in():
    model, calls = make(), []

    def scaled(model, images, factors, offset):
        calls.append(1)
        return model(images) * factors + offset

    expected = eager(model)
    for seed in (0, 1):
        factors = np.random.default_rng(seed).random(5, dtype="float32")
        found = compiled(model, scaled, 3.0)(IMAGES, factors, batch_size=7)
        np.testing.assert_allclose(found, expected * factors + 3, rtol=1e-5, atol=1e-5)
    assert len(calls) == (2 if BACKEND == "torch" else 1)


@pytest.mark.parametrize(
    "images, told",
    [
        (np.full((2, 16, 16, 3), 200, "float32"), "Divide by 255"),
        (np.zeros((2, 20, 16, 3), "float32"), "Resize"),
        (np.zeros((2, 16, 16, 3), "int32"), "float images"),
        (np.zeros((0, 16, 16, 3), "float32"), "at least one image"),
    ],
)
def test_bad_images_are_told_though_the_model_was_compiled_before(vit, images, told):
    compiled(vit)(IMAGES[:2])
    with pytest.raises(ValueError, match=told):
        compiled(vit)(images)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_a_bad_batch_size_is_told(vit, batch_size):
    with pytest.raises(ValueError, match="batch_size must be"):
        compiled(vit)(IMAGES, batch_size=batch_size)


def test_what_was_compiled_goes_with_its_model():
    model = make()
    compiled(model)(IMAGES)
    compiled(model, stream)(IMAGES)
    assert model in module._COMPILED
    gc.collect()  # models of earlier tests
    gone, before = weakref.ref(model), len(module._COMPILED)
    del model
    gc.collect()
    assert gone() is None and len(module._COMPILED) == before - 1


def test_the_model_itself_stays_as_it_is():
    model = make()
    before = set(vars(model))
    compiled(model)(IMAGES)
    assert set(vars(model)) == before
    with keras.saving.custom_object_scope({"VisionTransformer": VisionTransformer}):
        twin, thawed = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(eager(thawed), eager(model))
    randomise(twin, 7)
    for each in (model, twin):
        np.testing.assert_allclose(compiled(each)(IMAGES), eager(each), rtol=1e-5, atol=1e-5)
    assert np.abs(eager(model) - eager(twin)).max() > 0.1


def test_gradients_flow_through_as_if_nothing_were_compiled(vit):
    def total(tensors):
        return ops.sum(compiled(vit).tensors(tensors[0]) ** 2)

    value, (found,) = gradients(total, [IMAGES])
    expected_value, (expected,) = gradients(lambda tensors: ops.sum(vit(tensors[0]) ** 2), [IMAGES])
    np.testing.assert_allclose(value, expected_value, rtol=1e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(found).max() > 1e-3


def test_a_gradient_that_is_being_recorded_is_not_disturbed(vit):
    """The slope of x² is 2 x, though a model is run compiled between its two factors."""
    if BACKEND == "jax":
        import jax

        def square(x):
            compiled(vit)(IMAGES)
            return x * x

        assert float(jax.grad(square)(3.0)) == 6
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = x * x
            compiled(vit)(IMAGES)
            y = y * 1.0
        assert float(tape.gradient(y, x)) == 6
    else:
        import torch

        x = torch.tensor(3.0, requires_grad=True)
        y = x * x
        compiled(vit)(IMAGES)
        assert torch.is_grad_enabled()
        y.backward()
        assert float(x.grad) == 6


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a tf.function of TensorFlow")
def test_inside_a_compiled_function_it_is_a_part_of_that(vit):
    import tensorflow as tf

    @tf.function
    def outer(images):
        return compiled(vit).tensors(images) + 1

    np.testing.assert_allclose(outer(tf.constant(IMAGES)).numpy(), eager(vit) + 1, rtol=1e-5, atol=1e-5)


def test_mixed_precision_stays_mixed():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make()
    finally:
        keras.config.set_dtype_policy("float32")
    logits = compiled(model)(IMAGES)
    assert logits.dtype == np.float32 and model.blocks[0].compute_dtype == "bfloat16"
    size = np.abs(eager(model)).max()
    np.testing.assert_allclose(logits, eager(model), atol=0.05 * size)
    tokens, _ = compiled(model, stream).tensors(IMAGES)
    assert keras.backend.standardize_dtype(tokens.dtype) == "bfloat16"


SCRIPT = """
import json
import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
from helpers.model.compiled import compiled
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.devices import data_parallel

config = ViTConfig.variant("shapes/16", hidden_dim=16, depth=1, num_heads=2, mlp_dim=32)
images = np.random.default_rng(0).random((6, 32, 32, 3), dtype="float32")
with data_parallel(4, 32):
    model = VisionTransformer(config)
    errors = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        for variable in model.weights:
            variable.assign(0.4 * rng.standard_normal(variable.shape).astype("float32"))
        expected = keras.ops.convert_to_numpy(model(images))
        errors.append(float(np.abs(compiled(model)(images, batch_size=4) - expected).max()))
errors.append(float(np.abs(compiled(model)(images) - expected).max()))
if keras.backend.backend() == "tensorflow":
    strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
    with strategy.scope():
        model = VisionTransformer(config)
    expected = model(images).numpy()
    for run in (strategy.run, tf.function(strategy.run)):
        for part in strategy.experimental_local_results(run(compiled(model).tensors, (tf.constant(images),))):
            errors.append(float(np.abs(part.numpy() - expected).max()))
print(json.dumps({"errors": errors, "size": float(np.abs(expected).max())}))
"""


@pytest.mark.timeout(600)
@pytest.mark.skipif(BACKEND == "torch", reason="Keras spreads torch over devices only by torch's own scripts")
def test_a_model_on_several_devices():
    """Four virtual processors; on TensorFlow also inside a replica, where it is a part of what is around."""
    flags = "--xla_force_host_platform_device_count=4"
    environment = os.environ | {"KERAS_BACKEND": BACKEND, "XLA_FLAGS": flags, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT]
    child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert child.returncode == 0, child.stderr[-2000:]
    found = json.loads(child.stdout.strip().splitlines()[-1])
    assert len(found["errors"]) == (7 if BACKEND == "tensorflow" else 3)
    assert max(found["errors"]) < 1e-5 and found["size"] > 1e-3
