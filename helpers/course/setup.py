"""The first cell of every lesson: find the course, quieten TensorFlow, set threads and seeds, say one line.

It installs nothing where the course was installed as README.md says, and on Colab only what Colab lacks;
TensorFlow, Keras, NumPy and ipywidgets are never touched. It must be readable by any Python 3, so that an
old one gets a sentence and not a syntax error.
"""

import contextlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile

from helpers.course.machine import usable_cpus

OLDEST_PYTHON = (3, 11)
READY = "Ready: the course is set up."

# `python -m helpers.course.badges` puts the course's address in and writes this into every lesson.
SETUP_CELL = """\
import os
import subprocess
import sys
from pathlib import Path

here = Path.cwd()
address = os.environ.get("COURSE_REPOSITORY", "{repository}")
places = [place / name for place in (here, *here.parents) for name in ("", "how-a-vit-sees")]
places = [str(place) for place in places if os.path.isdir(place / "helpers" / "course")]
if not places and "google.colab" in sys.modules:
    if subprocess.call(["git", "clone", "--quiet", "--depth", "1", address, "how-a-vit-sees"]):
        sys.exit(f"The course could not be fetched from {address}. Check the network, then run this again.")
    places = [str(here / "how-a-vit-sees")]
if "helpers.course" not in sys.modules:
    sys.modules.pop("helpers", None)  # somebody else's, of the same name
sys.path[:0] = places[:1]
try:
    from helpers.course.setup import start
except ModuleNotFoundError:
    sys.exit(f"The course must lie in {here} or above it. Get it there: git clone {address} how-a-vit-sees")

start()
"""

# import name -> package: all that may ever be installed, and without its dependencies.
MAY_BE_INSTALLED = {
    "pooch": "pooch",
    "skimage": "scikit-image",
    "lazy_loader": "lazy-loader",
    "imageio": "imageio",
    "tifffile": "tifffile",
}


class SetUpProblem(RuntimeError):
    """The lesson cannot run here. Notebooks show its message alone, in one line, and stop."""

    def _render_traceback_(self):  # IPython asks for this; it replaces the traceback
        return [str(self)]


def start(seed=0):
    """Set up a lesson; calling it again does no harm and begins the random numbers anew.

    Args:
        seed: int, where the random numbers of Python, NumPy and Keras begin.
    Raises:
        SetUpProblem: if Python or Keras is too old for the course, a package is missing, or Keras' settings
            name a backend that the course cannot use.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise SetUpProblem(
            "The course needs Python {}.{} or newer; this is Python {}.{}. {}".format(
                *OLDEST_PYTHON, *sys.version_info[:2], _where_to_get_newer()
            )
        )
    _set_environment()
    if on_colab():
        install_missing()
    from helpers.course.loading import load_keras, settle  # only here: an old Python cannot read it

    with quiet_stderr():
        keras = load_keras()
        _prepare_devices(keras)
        _set_seeds(keras, seed)
    settle(keras)
    _style_figures()
    print(READY)


def on_colab():
    """Tell whether this is a Colab session."""
    return "google.colab" in sys.modules


def missing_packages():
    """Name the packages of the allow-list that are not installed here.

    Returns:
        tuple of str, names as pip knows them.
    """
    return tuple(package for module, package in MAY_BE_INSTALLED.items() if not _is_installed(module))


def install_missing():
    """Install what `missing_packages` names, without dependencies; what is installed already stays as it is.

    Returns:
        tuple of str, what was installed; empty if nothing was missing or pip could not (a line says so).
    """
    packages = missing_packages()
    if not packages:
        return ()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *packages]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    importlib.invalidate_caches()
    if result.returncode:
        print(f"{', '.join(packages)} could not be installed: parts of the lessons will not work.")
        return ()
    return packages


@contextlib.contextmanager
def quiet_stderr():
    """Keep what is written to stderr, by C++ too, out of the notebook; if the block fails, give it back.

    TensorFlow writes its first lines before any of its settings is read, so only this helps.
    """
    try:
        keep = os.dup(2)
    except OSError:  # no stderr at all, as under pythonw
        yield
        return
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as caught:
        with contextlib.suppress(Exception):  # sys.stderr may be None, or closed
            sys.stderr.flush()
        os.dup2(caught.fileno(), 2)
        failed = True
        try:
            with contextlib.redirect_stderr(caught):
                yield
            failed = False
        finally:
            caught.flush()
            os.dup2(keep, 2)
            os.close(keep)
            if failed:
                caught.seek(0)
                print(caught.read(), file=sys.stderr, end="")


def parse_version(text):
    """Read the leading numbers of a version: "3.15.1" and "3.15.1rc0" are (3, 15, 1)."""
    numbers = []
    for part in str(text).split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _set_environment():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    threads = str(usable_cpus())
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, threads)


def _prepare_devices(keras):
    if keras.backend.backend() != "tensorflow":
        keras.config.disable_flash_attention()  # it cannot return attention weights
        return
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        # Else the first notebook takes the whole GPU. RuntimeError: it is in use already, too late to ask.
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)


def _set_seeds(keras, seed):
    if keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules:
        keras.utils.set_random_seed(seed)
        return
    # keras.utils.set_random_seed would load TensorFlow for seconds, only to seed what nobody uses.
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global numbers are what there is to seed
    try:
        from keras.src.backend.common import global_state
        from keras.src.random import seed_generator
        from keras.src.utils import rng_utils

        global_state.set_global_attribute(rng_utils.GLOBAL_RANDOM_SEED, seed)
        global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, None)
    except (ImportError, AttributeError):  # another Keras than the two we know: slower, and right
        keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)


def _style_figures():
    try:
        import matplotlib

        from helpers.show.style import COLOURS_AND_FONTS
    except ImportError:
        return
    matplotlib.rcParams.update(COLOURS_AND_FONTS)


def _is_installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _where_to_get_newer():
    if on_colab():
        return "Choose Runtime > Change runtime type > Runtime version > Latest."
    return "Install one from python.org, then make the environment again as README.md says."


def how_to_install():
    if on_colab():
        return "Choose Runtime > Disconnect and delete runtime, then run this cell again."
    return "Run `pip install -r requirements.txt` in the course's folder, then restart the kernel."
