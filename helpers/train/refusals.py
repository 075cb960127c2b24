"""On the command line a refusal is its sentence and exit status 2; a traceback is for faults."""

import sys
import traceback
from pathlib import Path

import helpers
from helpers.keras_settings import backend_problem

HELPERS = Path(helpers.__file__).resolve().parent


def in_a_sentence(main):
    """Run a command; where the course itself refuses, print why and nothing else.

    Args:
        main: function without arguments that returns the exit status.
    Returns:
        int, what `main` returned; 2 where the course refused.
    """
    if problem := backend_problem():
        print(problem, file=sys.stderr)
        return 2
    try:
        return main()
    except (ValueError, OSError) as error:
        if not is_a_refusal(error):
            raise
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2


def is_a_refusal(error):
    """Tell whether an error says what the user can do: the course raised it, or it names a file."""
    if isinstance(error, OSError) and error.filename is not None:
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and HELPERS in Path(frames[-1].filename).resolve().parents
