"""Whose function is it? What the course has handed back, or brings itself, is nobody's answer."""

import inspect
from pathlib import Path

from helpers.course.source import code_of, unwrapped

HELPERS = Path(__file__).resolve().parents[1]

_handed_out = []  # the course's own versions that `check` has given away; compared by identity


def note_handed_out(function):
    """Remember that `check` has given this function of the course away; hand it on."""
    if not any(function is known for known in _handed_out):
        _handed_out.append(function)
    return function


def is_the_courses(answer):
    """Tell whether an answer is a function, or a class, of the course itself, under whatever name.

    It is what stands in the innermost of all wrappers that counts (functools.partial and wraps, a bound
    method, tf.function), and where its code was read from, so that a reloaded module changes nothing. A
    function of the learner's own that calls the course's one is the learner's.
    """
    innermost = unwrapped(answer)
    if any(innermost is known for known in _handed_out):
        return True
    code = code_of(innermost)
    if code is not None:
        return HELPERS in Path(code.co_filename).parents
    kind = innermost if inspect.isclass(innermost) else type(innermost)
    return str(getattr(kind, "__module__", "")).split(".")[0] == HELPERS.name
