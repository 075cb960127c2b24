"""What became of the right result: a step too many, or one too few, which no list of mistakes has to know.

If what came is, on every case, the square of what was expected, then a square is what went wrong, whoever
wrote it and however. Each step is tried in both directions. tests/test_case_strength.py turns the same steps
round: no exercise may have cases on which a step that matters changes nothing.
"""

from itertools import combinations

import numpy as np

from helpers.course.fitting import alike, largest
from helpers.course.steps import ALL_AXES_STEPS, PLAIN_STEPS, along, exchange_axes, joint

FEWEST = 3  # unlike numbers that must be wrong, over all cases, before a relation is no accident
POWERS = {1: "{} times", -1: "1/{} of", 0.5: "√{} times", -0.5: "1/√{} of", 2: "{}² times", -2: "1/{}² of"}


def find_relation(expected, found, tolerance, sizes=()):
    """Say how the arrays that came are related to those that were expected, on every case alike.

    Args:
        expected, found: lists of numeric arrays, one a case.
        tolerance: as of the exercise.
        sizes: list of dict, one a case: name of a size -> its number, such as {"num_heads": 3}.
    Returns:
        str, a clause that ends without a full stop; "" if there is no relation, or too little to see one.
    """
    expected = [x.astype("float64") for x in expected]
    found = [x.astype("float64") for x in found]
    if not all(np.isfinite(x).all() for x in [*expected, *found]):
        return ""
    if not _enough(expected, found, tolerance):
        return ""
    with np.errstate(all="ignore"):
        return (
            _laid_out(expected, found, tolerance)
            or _scaled(expected, found, tolerance)
            or _scaled_by_size(expected, found, tolerance, sizes)
            or _stepped(expected, found, tolerance)
        )


def steps_for(arrays):
    """List the steps that can be taken with arrays, some of which may have more axes than others."""
    counts = {array.ndim for array in arrays}
    num_axes = min(counts)
    axes = range(num_axes) if len(counts) == 1 else range(-1, -num_axes - 1, -1)
    steps = list(PLAIN_STEPS)
    for axis in axes:
        steps += along(axis)
    for i, j in combinations(axes, 2):
        steps += [exchange_axes(*sorted((i, j))), *joint(*sorted((i, j)))]
    return steps + list(ALL_AXES_STEPS if max(counts) > 1 else ())


def _stepped(expected, found, tolerance):
    for step in steps_for(expected):
        if leads(step, expected, found, tolerance):
            return step.turned or f"it is the right result after one step too many: {step.words}"
    for step in steps_for(found):
        if step.can_be_missing and leads(step, found, expected, tolerance):
            return f"one step is missing: {step.words} would make it right"
    return ""


def leads(step, start, end, tolerance):
    """Tell whether a step leads from the arrays `start` to the arrays `end` on every case."""
    for before, after in zip(start, end):
        try:
            reached = step.function(before)
        except (ValueError, IndexError):  # an axis that this case does not have
            return False
        reached = None if reached is None else np.asarray(reached)
        if reached is None or reached.shape != after.shape or not np.isfinite(reached).all():
            return False
        if not alike(after, reached, tolerance).all():
            return False
    return True


def _enough(expected, found, tolerance):
    wrong = set()
    for wanted, came in zip(expected, found):
        off = ~alike(wanted, came, tolerance) if wanted.shape == came.shape else np.ones(wanted.shape, bool)
        wrong |= {round(value, 9) for value in wanted[off].tolist()}
    return len(wrong) >= FEWEST


def _same_shapes(expected, found):
    return all(a.shape == b.shape for a, b in zip(expected, found))


def _laid_out(expected, found, tolerance):
    if _same_shapes(expected, found):
        return ""
    for wanted, came in zip(expected, found):
        if wanted.size != came.size or not alike(wanted.ravel(), came.ravel(), tolerance).all():
            return ""
    wanted, came = next((a.shape, b.shape) for a, b in zip(expected, found) if a.shape != b.shape)
    return (
        f"the numbers are right, and in the right order, but they are laid out as {came} and not as {wanted}"
    )


def _scaled(expected, found, tolerance):
    """Find one factor, or one number too many, for all cases."""
    if not _same_shapes(expected, found):
        return ""
    factor = np.median(_factors(expected, found))
    if factor == factor and abs(factor) > 1e-9 and abs(factor + 1) > 1e-9:
        if all(alike(factor * a, b, max(tolerance, 1e-5)).all() for a, b in zip(expected, found)):
            return f"every value is {_times(factor)} what is expected"
    offset = float(np.median(np.concatenate([(b - a).ravel() for a, b in zip(expected, found)])))
    if abs(offset) > 1e-9 and all(alike(a + offset, b, tolerance).all() for a, b in zip(expected, found)):
        return f"every value is {abs(offset):.4g} too {'large' if offset > 0 else 'small'}"
    return ""


def _scaled_by_size(expected, found, tolerance, sizes):
    """Find a size of the arguments that all values are too large or too small by."""
    if len(sizes) < 2 or not _same_shapes(expected, found):
        return ""
    for name in sizes[0]:
        if not all(name in known for known in sizes) or len({known[name] for known in sizes}) < 2:
            continue
        for power, words in POWERS.items():
            factors = [known[name] ** power for known in sizes]
            if all(alike(f * a, b, max(tolerance, 1e-5)).all() for f, a, b in zip(factors, expected, found)):
                return (
                    f"every value is {words.format(sizes[0][name])} what is expected, {name} being the factor"
                )
    return ""


def _factors(expected, found):
    wanted = np.concatenate([x.ravel() for x in expected])
    came = np.concatenate([x.ravel() for x in found])
    clear = np.abs(wanted) > 1e-3 * largest(wanted)
    return came[clear] / wanted[clear]


def _times(factor):
    inverse = round(1 / factor)
    if abs(inverse) > 1 and abs(1 / factor - inverse) < 1e-6 * abs(inverse):
        return f"1/{inverse} of" if inverse > 0 else f"−1/{-inverse} of"
    return f"{factor:.4g} times"
