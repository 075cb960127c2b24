"""Load Keras for a lesson and give it the course's settings, or say in a line why that cannot be."""

import os
import sys

from helpers.course.setup import SetUpProblem, how_to_install, parse_version
from helpers.keras_settings import (
    BACKENDS,
    backend_problem,
    chosen_backend,
    in_words,
    put_right,
    settings_file,
)
from helpers.shadows import find_shadows

OLDEST_KERAS = (3, 13)


def load_keras():
    """Import Keras.

    Returns:
        the module.
    Raises:
        SetUpProblem: if it is missing, too old, or told of a backend or settings that it cannot use.
    """
    if sys.modules.get("keras") is None and (problem := backend_problem()):
        raise SetUpProblem(problem)
    try:
        import keras
    except ImportError as error:
        raise SetUpProblem(_why_it_is_missing(error)) from error
    except Exception as error:  # what Keras says of settings that it cannot read
        said = " ".join(str(error).split())[:200]
        raise SetUpProblem(
            f"Keras could not be loaded ({type(error).__name__}: {said}). It reads its settings in "
            f"{settings_file()} and in variables that begin with KERAS_: mend or delete what stands there "
            "(Keras writes the file anew), then restart the kernel."
        ) from error
    if parse_version(keras.__version__) < OLDEST_KERAS:
        raise SetUpProblem(
            f"The course needs Keras {OLDEST_KERAS[0]}.{OLDEST_KERAS[1]} or newer; "
            f"this is Keras {keras.__version__}. {how_to_install()}"
        )
    return keras


def settle(keras):
    """Put right what Keras was told by other work, and print a line of what was, or cannot be.

    Args:
        keras: the module.
    Raises:
        SetUpProblem: if it was loaded with a backend that cannot train.
    """
    backend, wanted = keras.backend.backend(), os.environ.get("KERAS_BACKEND")
    if backend not in BACKENDS:
        raise SetUpProblem(
            f"Keras was loaded with the backend {backend}, which cannot train. Set KERAS_BACKEND to "
            "tensorflow, jax or torch above this cell, then restart the kernel."
        )
    if wanted and wanted != backend:
        print(
            f"The backend stays {backend}: Keras was loaded before KERAS_BACKEND became {wanted!r}. To "
            "change it, restart the kernel and set it above this cell."
        )
    if changed := in_words(put_right(keras)):
        print(changed)
    for file in find_shadows(["", *sys.path], [""]):  # not in the way here: nobody would have come so far
        print(
            f"{file} has the name of a module of Python: rename it, before a program here loads it instead."
        )


def _why_it_is_missing(error):
    backend, place = chosen_backend()
    says_more = "`python -m helpers.course.doctor` says more."
    if not place or backend == "tensorflow":
        return f"Keras could not be loaded ({error}). {how_to_install()} {says_more}"
    return (
        f"Keras could not be loaded with the backend {backend}, which {place} chooses ({error}). Install "
        f"{backend}, or choose another there, then restart the kernel. {says_more}"
    )
