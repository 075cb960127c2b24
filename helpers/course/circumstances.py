"""What the cases that fail have in common, and the others have not."""

import numpy as np

from helpers.course.words import named_arguments


def failing_alone(compared, names):
    """Say what marks the cases that fail, if one thing alone does.

    Args:
        compared: list of Trial.
        names: list of str, the parameters.
    Returns:
        str, how a sentence about the smallest case that fails goes on; "" if no case is right.
    """
    good = [_marks(trial, names) for trial in compared if trial.good]
    if not good:
        return ""
    failing = [_marks(trial, names) for trial in compared if not trial.good]
    common = set.intersection(*failing) - set.union(*good)
    if len(common) == 1 and len(good) > 1:
        return f"; other cases are right: only those fail where {common.pop()}"
    return "; other cases are right"


def _marks(trial, names):
    """List what may be said of a call: which arguments it has, and what is special about them."""
    marks = set()
    for name, value in named_arguments(trial.case, names):
        if name in trial.case.kwargs and value is not None:
            marks.add(f"`{name}` is given")
        if isinstance(value, str):
            marks.add(f"`{name}` is {value!r}")
        if isinstance(value, tuple) and len(value) == 2 and value[0] != value[1]:
            marks.add(f"the two numbers of `{name}` differ")
        if isinstance(value, np.ndarray) and value.ndim > 1:
            marks.add(f"`{name}` has {value.ndim} axes")
            if len(value) > 1:
                marks.add(f"`{name}` holds more than one along axis 0")
    return marks
