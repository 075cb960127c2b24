"""Explain what came by what was expected, or by the arguments: nothing that the numbers do not say."""

import dataclasses
import inspect

import numpy as np

from helpers.course import words
from helpers.course.arguments import changed_case, slips_for
from helpers.course.fitting import as_array, fit, same
from helpers.course.invariants import broken_invariant
from helpers.course.off_by import off_by_sizes
from helpers.course.relations import find_relation
from helpers.course.sandbox import run
from helpers.course.snapshots import Group, Unusable


def leaves(expected, got):
    """Give (label, expected array, received array) for each part; the label of a single array is ""."""
    expected = as_array(expected, list)
    if not isinstance(expected, Group):
        return [("", expected, got)]
    return [
        ((label_of(expected, name) + label).strip(), wanted, came)
        for name in expected.parts
        for label, wanted, came in leaves(expected.parts[name], got.parts[name])
    ]


def wrong_leaf(trial, tolerance):
    """Give a part that is wrong: (its place, its label, expected, received); of several, one of floats.

    What is counted or ranked often only follows from it.
    """
    wrong = [
        (place, *leaf)
        for place, leaf in enumerate(leaves(trial.expected, trial.got))
        if not same(*leaf[1:], tolerance)
    ]
    return min(wrong, key=lambda leaf: leaf[2].dtype.kind != "f")


def relation(exercise, compared, names):
    """Say how what came is related to what was expected, part by part; "" if no relation is seen."""
    label, expected, found, usable = _one_part(exercise, compared)
    if any(array.dtype.kind not in "biuf" for array in [*expected, *found]):
        return ""
    clause = find_relation(expected, found, exercise.tolerance, [_sizes(t, names) for t in usable])
    return f"{label}: {clause}" if label and clause else clause


def size_difference(exercise, compared, names):
    """Say what product of sizes a single whole number is off by, on every case; "" if none."""
    label, expected, found, usable = _one_part(exercise, compared)
    if any(array.ndim or array.dtype.kind not in "iuf" for array in (*expected, *found)):
        return ""
    if any(array.dtype.kind == "f" for array in expected):
        return ""
    sizes = [_sizes(trial, names, inside=True) for trial in usable]
    clause = off_by_sizes([float(x) for x in expected], [float(x) for x in found], sizes)
    return f"{label}: {clause}" if label and clause else clause


def invariant(exercise, compared):
    """Say which law of the right results what came breaks, in the part that is wrong; "" if none."""
    label, expected, found, _ = _one_part(exercise, compared)
    clause = broken_invariant(expected, found, exercise.tolerance)
    return f"{label}: {clause}" if label and clause else clause


def _one_part(exercise, compared):
    """Give a part that is wrong, over all cases: its label, what was expected, what came, and the trials."""
    usable = [trial for trial in compared if trial.outcome.returned and not trial.outcome.error]
    place, label, *_ = wrong_leaf(next(t for t in usable if not t.good), exercise.tolerance)
    pairs = [leaves(trial.expected, trial.got)[place][1:] for trial in usable]
    expected, found = zip(*pairs)
    return label, expected, found, usable


def _sizes(trial, names, inside=False):
    """Name the sizes of the arguments of a call; `inside` also those that a configuration holds."""
    sizes = {}
    for name, value in words.named_arguments(trial.case, names):
        if isinstance(value, int) and not isinstance(value, bool):
            sizes[f"`{name}`"] = value
        if isinstance(value, np.ndarray):
            for axis, length in enumerate(value.shape):
                sizes[f"the length of axis {axis} of `{name}`"] = length
        if inside and dataclasses.is_dataclass(value):
            held = {each: getattr(value, each, None) for each in dir(value) if not each.startswith("_")}
            sizes |= {each: size for each, size in held.items() if type(size) is int}
    return sizes


def returned_argument(compared, names):
    """Say which argument came back as it was, on every case; "" if none."""
    for name in names:
        for trial in compared:
            value = dict(words.named_arguments(trial.case, names)).get(name)
            came = trial.got
            if not (
                isinstance(value, np.ndarray) and isinstance(came, np.ndarray) and came.shape == value.shape
            ):
                break
            if not np.array_equal(value, came):
                break
        else:
            return f"it returns `{name}` as it came"
    return ""


def other_arguments(exercise, compared, reference, names):
    """Say for which other arguments the answer would be right; "" if for none, or if one is a network."""
    cases = [trial.case for trial in compared]
    if any(_is_network(value) for case in cases for value in (*case.args, *case.kwargs.values())):
        return ""  # each question would be a run of it
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(reference).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    for slip in slips_for(cases, names, defaults):
        for trial, case in zip(compared, exercise.make_cases()):
            changed = changed_case(case, names, slip)
            outcome = changed and run(reference, changed, seconds=exercise.limit_s, probe=exercise.probe)
            if not outcome or not outcome.returned or isinstance(outcome.value, Unusable):
                break
            if not same(outcome.value, fit(trial.outcome.value, outcome.value), exercise.tolerance):
                break
        else:
            return f"it gives what would be right if {slip.words}"
    return ""


def _is_network(value):
    return hasattr(value, "trainable_weights")


def label_of(group, name):
    """Name a part of a group: "part 'scores'", or "value 2"."""
    return f"part {name!r}" if group.kind is dict or not name.isdigit() else f"value {int(name) + 1}"
