"""The set-up of a lesson: silent, cheap, repeatable, and clear where it cannot go on."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from helpers.course import setup
from helpers.course.setup import (
    MAY_BE_INSTALLED,
    READY,
    SETUP_CELL,
    SetUpProblem,
    install_missing,
    missing_packages,
    parse_version,
    quiet_stderr,
    start,
)

ROOT = Path(__file__).parents[1]
QUICK = {"KERAS_BACKEND": "jax"} if importlib.util.find_spec("jax") else {}  # where any backend will do


def python(code, cwd=ROOT, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS", "TF_", "OMP_", "COURSE_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
    )


def test_it_prints_one_line_and_nothing_else():
    """TensorFlow's import and first computation write nothing; the seeds begin anew each time."""
    result = python(
        "from helpers.course.setup import start\nstart()\nimport keras, numpy as np, random\n"
        "draw = lambda: (float(keras.random.normal(())), np.random.random(), random.random())\n"
        "first = draw()\nkeras.ops.matmul(keras.ops.ones((8, 8)), keras.ops.ones((8, 8)))\nstart()\n"
        "assert draw() == first\nassert draw() != first",
        KERAS_BACKEND="tensorflow",
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{READY}\n{READY}\n"
    assert result.stderr == ""


def test_on_jax_tensorflow_stays_out():
    pytest.importorskip("jax")
    result = python(
        "import sys\nfrom helpers.course.setup import start\nstart()\nimport keras\n"
        "first = float(keras.random.normal(()))\nstart()\nassert float(keras.random.normal(())) == first\n"
        "print('tensorflow' in sys.modules)",
        KERAS_BACKEND="jax",
    )
    assert result.stdout == f"{READY}\n{READY}\nFalse\n", result.stderr


def test_threads_follow_the_quota_and_not_over_what_was_chosen(monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(setup, "usable_cpus", lambda: 3)
    setup._set_environment()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == os.environ["TF_NUM_INTEROP_THREADS"] == "3"


def test_figures_look_like_the_courses(monkeypatch, capsys):
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcParams["figure.facecolor"] = "black"
        start()
        assert matplotlib.rcParams["figure.facecolor"] == "white"
    assert capsys.readouterr().out == f"{READY}\n"


def test_a_gpu_is_not_taken_whole_and_one_in_use_is_left(monkeypatch):
    import tensorflow as tf

    asked = []

    def grow(gpu, value):
        asked.append((gpu, value))
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"] if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    setup._prepare_devices(SimpleNamespace(backend=SimpleNamespace(backend=lambda: "tensorflow")))
    assert asked == [("a", True), ("b", True)]


# stderr


def test_stderr_is_quiet_inside_and_itself_again_outside(capfd):
    with quiet_stderr():
        os.write(2, b"chatter\n")
        print("chatter", file=sys.stderr)
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_what_was_written_is_given_back_if_the_block_fails(capfd):
    with pytest.raises(ImportError), quiet_stderr():
        os.write(2, b"libcudart.so not found\n")
        raise ImportError
    os.write(2, b"heard\n")
    printed = capfd.readouterr().err
    assert printed == "libcudart.so not found\nheard\n"


def test_quiet_leaves_no_file_open():
    def count():
        return len(os.listdir("/proc/self/fd"))

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    before = count()
    for _ in range(5):
        with quiet_stderr():
            pass
    assert count() == before


def test_without_stderr_it_goes_on():
    result = python(
        "import os\nos.close(2)\nfrom helpers.course.setup import quiet_stderr\n"
        "with quiet_stderr():\n    x = 1\nprint(x)"
    )
    assert result.stdout == "1\n"


# What is too old


def test_an_old_python_is_told_so_in_one_line(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    with pytest.raises(
        SetUpProblem, match=r"needs Python 3\.11 or newer; this is Python 3\.10\. Install"
    ) as caught:
        start()
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_an_old_python_can_read_the_file():
    course = ROOT / "helpers" / "course"
    for file in (
        course / "setup.py",
        course / "machine.py",
        course / "__init__.py",
        ROOT / "helpers" / "shadows.py",
    ):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
    ast.parse(SETUP_CELL, feature_version=(3, 7))


@pytest.mark.parametrize("version", ["2.15.0", "3.12.9"])
def test_an_old_keras_is_told_so(monkeypatch, version):
    keras = ModuleType("keras")
    keras.__version__ = version
    monkeypatch.setitem(sys.modules, "keras", keras)
    with pytest.raises(SetUpProblem, match=f"this is Keras {version}. Run `pip install"):
        start()


def test_a_keras_that_is_missing_or_broken_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(SetUpProblem, match="Keras could not be loaded"):
        start()


def test_a_notebook_shows_the_message_alone():
    result = python(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('import sys; sys.version_info = (3, 9, 1)\\n"
        "from helpers.course.setup import start; start()')",
        IPYTHONDIR=os.devnull,
    )
    assert "The course needs Python 3.11 or newer; this is Python 3.9." in result.stdout
    assert "Traceback" not in result.stdout and "SetUpProblem" not in result.stdout


def test_versions_are_read_as_numbers():
    assert parse_version("3.15.1") == (3, 15, 1)
    assert parse_version("2.22.0rc0") == (2, 22, 0)
    assert parse_version("2.21.0+cpu") == (2, 21, 0)
    assert parse_version("dev") == ()
    assert parse_version("3.9") < parse_version("3.13")


# Colab


def test_only_the_allow_list_is_installed_and_without_dependencies(monkeypatch):
    assert not {"tensorflow", "keras", "numpy", "ipywidgets", "ipython"} & set(MAY_BE_INSTALLED.values())
    commands = []

    def pip(command, **options):
        commands.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(setup, "_is_installed", lambda module: module not in ("pooch", "skimage"))
    monkeypatch.setattr(subprocess, "run", pip)
    assert missing_packages() == ("pooch", "scikit-image")
    assert install_missing() == ("pooch", "scikit-image")
    assert commands == [
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "pooch", "scikit-image"]
    ]


def test_nothing_is_installed_where_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(setup, "_is_installed", lambda module: True)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("pip was called"))
    assert install_missing() == ()


def test_a_pip_that_fails_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(setup, "_is_installed", lambda module: module != "pooch")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1))
    assert install_missing() == ()
    assert capsys.readouterr().out == "pooch could not be installed: parts of the lessons will not work.\n"


def test_away_from_colab_nothing_is_installed(monkeypatch, capsys):
    monkeypatch.setattr(setup, "install_missing", lambda: pytest.fail("installed something"))
    start()


# The set-up cell


def test_the_cell_is_short_and_names_the_repository_once():
    assert len([line for line in SETUP_CELL.splitlines() if line.strip()]) <= 20
    assert SETUP_CELL.count("{repository}") == 1
    assert max(map(len, SETUP_CELL.splitlines())) <= 110


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_the_cell_works_from_the_root_and_from_the_notebooks(folder):
    (ROOT / "notebooks").mkdir(exist_ok=True)
    result = python(
        SETUP_CELL + "\nimport helpers\nprint(helpers.__file__)",
        cwd=ROOT / folder,
        PYTHONSAFEPATH="1",
        **QUICK,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [READY, str(ROOT / "helpers" / "__init__.py")]


def test_the_cell_takes_this_course_and_no_other_helpers(tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("raise ImportError('somebody else')")
    result = python(SETUP_CELL, cwd=ROOT / "notebooks", PYTHONPATH=str(tmp_path), **QUICK)
    assert result.stdout == f"{READY}\n", result.stderr


def test_the_cell_looks_upwards_from_where_the_lesson_lies(tmp_path):
    course, folder = tmp_path / "course", "lessons/week 1/group 2"
    (course / folder).mkdir(parents=True)
    (course / "helpers").symlink_to(ROOT / "helpers")
    result = python(SETUP_CELL + PLACE, cwd=course / folder, PYTHONSAFEPATH="1", **QUICK)
    assert result.stdout.splitlines() == [READY, str(course)], result.stderr


def test_the_cell_finds_the_course_beside_a_folder_above(tmp_path):
    """A lesson alone in a folder of downloads, the course where `git clone` has put it."""
    (tmp_path / "downloads" / "lessons").mkdir(parents=True)
    (tmp_path / "how-a-vit-sees").mkdir()
    (tmp_path / "how-a-vit-sees" / "helpers").symlink_to(ROOT / "helpers")
    cwd = tmp_path / "downloads" / "lessons"
    result = python(SETUP_CELL + PLACE, cwd=cwd, PYTHONSAFEPATH="1", **QUICK)
    assert result.stdout.splitlines() == [READY, str(tmp_path / "how-a-vit-sees")], result.stderr


def test_without_the_course_the_cell_says_where_it_must_lie(tmp_path):
    result = python(
        SETUP_CELL, cwd=tmp_path, PYTHONSAFEPATH="1", COURSE_REPOSITORY="https://example.org/course"
    )
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == (
        f"The course must lie in {tmp_path} or above it. Get it there: git clone https://example.org/course "
        "how-a-vit-sees\n"
    )


def test_another_helpers_that_was_loaded_before_is_no_hindrance(tmp_path):
    theirs = tmp_path / "helpers"
    (theirs / "data").mkdir(parents=True)
    for file in ("__init__.py", "data/__init__.py", "model.py"):
        (theirs / file).write_text("")
    before = "import helpers.data, helpers.model\n"
    after = "import helpers.data\nfrom helpers.model.patches import num_patches\nprint(helpers.data.__file__)"
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1", **QUICK}
    result = python(before + SETUP_CELL + after, cwd=ROOT / "notebooks", **environment)
    assert result.stdout.splitlines() == [READY, str(ROOT / "helpers" / "data" / "__init__.py")], (
        result.stderr
    )


def test_running_the_cell_again_loads_nothing_anew():
    """Else a model made before would be of another class than the one that is tested for."""
    code = (
        SETUP_CELL
        + "import helpers\nfirst = helpers\n"
        + SETUP_CELL
        + "import helpers\nprint(first is helpers)"
    )
    result = python(code, cwd=ROOT / "notebooks", PYTHONSAFEPATH="1", **QUICK)
    assert result.stdout.splitlines() == [READY, READY, "True"], result.stderr


def test_a_file_that_may_get_in_the_way_is_told_and_the_lesson_goes_on(tmp_path):
    """As in a kernel, which looks into the lesson's folder after Python's own modules."""
    (tmp_path / "code.py").write_text("")
    code = "import os, sys\nos.chdir(sys.argv[1])\nfrom helpers.course.setup import start\nstart()"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | QUICK,
        capture_output=True,
        text=True,
    )
    told, ready = result.stdout.splitlines()
    assert told.startswith(f"{tmp_path / 'code.py'} has the name of a module of Python: rename it")
    assert ready == READY


PLACE = "\nimport helpers\nprint(os.path.dirname(os.path.dirname(helpers.__file__)))"
COLAB = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"


def test_on_colab_a_clone_that_fails_is_one_clear_line(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    address = str(tmp_path / "nothing")
    result = python(COLAB + SETUP_CELL, cwd=tmp_path, COURSE_REPOSITORY=address, PYTHONSAFEPATH="1")
    assert result.returncode != 0
    assert f"The course could not be fetched from {address}. Check the network" in result.stderr
    assert "Traceback" not in result.stderr


def test_elsewhere_nothing_is_cloned(tmp_path):
    result = python(SETUP_CELL, cwd=tmp_path, PYTHONSAFEPATH="1", COURSE_REPOSITORY=str(ROOT))
    assert not (tmp_path / "how-a-vit-sees").exists()
    assert result.returncode != 0 or result.stdout == f"{READY}\n"  # the course may be installed as a package
