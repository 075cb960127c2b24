"""Put into words how an answer differs from what was expected, on the smallest case that fails."""

import numpy as np

from helpers.course import words
from helpers.course.circumstances import failing_alone
from helpers.course.explanations import (
    invariant,
    label_of,
    other_arguments,
    relation,
    returned_argument,
    size_difference,
    wrong_leaf,
)
from helpers.course.fitting import alike, as_array, same
from helpers.course.snapshots import Group, Unusable

MAX_SHOWN = 12  # numbers of a result that is written out


def difference(exercise, compared, reference, names):
    """Say how an answer differs from what was expected.

    Args:
        exercise: Exercise.
        compared: list of Trial, one of them not good.
        reference: callable.
        names: list of str, the parameters.
    Returns:
        str, sentences that follow a colon: what is wrong, as far as the numbers say it, and a case.
    """
    failing = [trial for trial in compared if not trial.good]
    others = failing_alone(compared, names)
    smallest = min(failing, key=lambda trial: trial.size)
    for trial in failing:
        if problem := _wrong_form(trial.expected, trial.got):
            return f"{problem} Case: {trial.call}{others}."
    what = (
        returned_argument(compared, names)
        or relation(exercise, compared, names)
        or other_arguments(exercise, compared, reference, names)
        or size_difference(exercise, compared, names)
        or invariant(exercise, compared)
        or _counted(smallest, exercise.tolerance)
    )
    shown = _evidence(smallest, exercise.tolerance)
    which = "Case" if len(failing) == 1 else "Smallest case that fails"
    return f"{what}. {which}: {smallest.call}: {shown}{others}."


def _wrong_form(expected, got, part=""):
    """Say that something is no array at all, has not as many parts, or holds text."""
    subject = part or "it"
    if isinstance(got, Unusable):
        return words.sentence(f"{subject} {'is' if part else 'returns'} {got.what}")
    expected = as_array(expected, list)
    if isinstance(expected, Group):
        if not isinstance(got, Group) or list(got.parts) != list(expected.parts):
            return f"{subject} returns {_described(got)}; expected {_described(expected)}."
        problems = (
            _wrong_form(expected.parts[name], got.parts[name], label_of(expected, name))
            for name in expected.parts
        )
        return next(filter(None, problems), "")
    subject = part or "the result"
    if got is None:
        return f"{subject} is None."
    if isinstance(got, Group):
        one = "number" if expected.ndim == 0 else f"array of shape {expected.shape}"
        return f"{part or 'it'} {'is' if part else 'returns'} {_described(got)}; expected one {one}."
    if "U" in (expected.dtype.kind, got.dtype.kind) and expected.dtype.kind != got.dtype.kind:
        return f"{subject} holds {_kind(got)}; expected {_kind(expected)}."
    return ""


def _described(value):
    if not isinstance(value, Group):
        return "one value"
    if value.kind is dict:
        return f"a dict with {', '.join(value.parts) or 'nothing'}"
    return f"{len(value.parts)} value{'s' * (len(value.parts) != 1)}"


def _kind(array):
    kinds = {
        "b": "booleans",
        "i": "whole numbers",
        "u": "whole numbers",
        "f": "numbers",
        "c": "complex numbers",
    }
    return kinds.get(array.dtype.kind, "text")


def _counted(trial, tolerance):
    """Say how many values are wrong, or that the shape is, or that there is NaN."""
    _, label, wanted, came = wrong_leaf(trial, tolerance)
    subject = label or "the result"
    if wanted.shape != came.shape:
        return (
            f"{subject} has a wrong shape: expected {words.shape_of(wanted)}, received {words.shape_of(came)}"
        )
    if wanted.dtype.kind == "U":
        return f"{subject} is another text than expected"
    if num_nan := int(
        np.isnan(came.astype("complex128")).sum() - np.isnan(wanted.astype("complex128")).sum()
    ):
        if num_nan > 0:
            causes = "look for 0/0, log(0) or infinity minus infinity"
            return f"{subject} holds NaN in {num_nan} of {came.size} places: {causes}"
    if came.ndim == 0 and wanted.dtype.kind in "iu":
        off = float(came) - int(wanted)
        return f"{subject} is {words.number(abs(off))} too {'large' if off > 0 else 'small'}"
    if came.ndim == 0:
        return f"{subject} is not the right number"
    off = int((~alike(wanted, came, tolerance)).sum())
    many = wanted.dtype.kind == "f" and len(np.unique(wanted)) > 5
    if many and same(np.sort(wanted, axis=None), np.sort(came, axis=None), tolerance):
        return f"{subject} holds the right numbers in another order"
    whose = f" of {label}" if label else ""
    return f"{off} of {came.size} values{whose} {'is' if off == 1 else 'are'} wrong"


def _evidence(trial, tolerance):
    """Write what was expected and what came: in full where it is small, else in the first wrong place."""
    _, label, wanted, came = wrong_leaf(trial, tolerance)
    start = f"{label} " if label else ""
    if wanted.size <= MAX_SHOWN and came.size <= MAX_SHOWN:
        unlike = ~alike(wanted, came, tolerance) if wanted.shape == came.shape else None
        expected, received = words.pair(wanted, came, unlike)
        return f"{start}expected {expected}, received {received}"
    if wanted.shape != came.shape:
        return f"{start}expected shape {words.shape_of(wanted)}, received {words.shape_of(came)}"
    index = tuple(int(i) for i in np.argwhere(~alike(wanted, came, tolerance))[0])
    expected, received = words.pair(wanted[index], came[index])
    return f"{start}at [{', '.join(map(str, index))}] expected {expected}, received {received}"
