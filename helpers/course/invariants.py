"""What every right result of an exercise keeps, and what came does not: sums of 1, symmetry, signs."""

import numpy as np

from helpers.course import words
from helpers.course.fitting import alike


def broken_invariant(expected, found, tolerance):
    """Say which law the right results keep on every case, and what came breaks.

    A law is named only if there is something to see in it: matrices of one row have no symmetry, and a
    single number has no sums.

    Args:
        expected, found: lists of numeric arrays, one a case, each pair of the same shape.
        tolerance: as of the exercise.
    Returns:
        str, a clause that ends without a full stop; "" if no law is broken.
    """
    if any(wanted.shape != came.shape for wanted, came in zip(expected, found)):
        return ""
    both = [*expected, *found]
    if not all(array.dtype.kind in "biuf" and array.size > 1 and np.isfinite(array).all() for array in both):
        return ""
    slack = max(tolerance, 1e-9)
    if clause := _whole(expected, found, slack):
        return clause
    expected = [array.astype("float64") for array in expected]
    found = [array.astype("float64") for array in found]
    for law in (_never_negative, _sums, _never_above_one, _empty_diagonal, _symmetric):
        if clause := law(expected, found, slack):
            return clause
    return ""


def _never_negative(expected, found, slack):
    least = min(array.min() for array in found)
    if min(array.min() for array in expected) < 0 or least >= -slack:
        return ""
    return f"no right value is below 0, and it has {words.number(float(least))}"


def _never_above_one(expected, found, slack):
    most = max(array.max() for array in found)
    if max(array.max() for array in expected) > 1 or most <= 1 + slack or not _are_shares(expected):
        return ""
    return f"every right value lies between 0 and 1, and it has {words.number(float(most))}"


def _are_shares(arrays):
    return all((array >= 0).all() for array in arrays) and any(
        ((array > 0) & (array < 1)).any() for array in arrays
    )


def _sums(expected, found, slack):
    """Sums along one axis that are the same number, 0 or 1, in every right result."""
    for axis in range(-1, -min(array.ndim for array in expected) - 1, -1):
        if min(array.shape[axis] for array in expected) < 2:
            continue
        for total in (0.0, 1.0):
            right = [array.sum(axis=axis) for array in expected]
            if not all(np.allclose(sums, total, atol=1e-5) for sums in right) or not any(
                array.any() for array in expected
            ):
                continue
            came = np.concatenate([array.sum(axis=axis).ravel() for array in found])
            off = came[np.abs(came - total) > max(slack, 1e-4)]
            if off.size:
                return (
                    f"the right values sum to {total:.0f} along axis {axis}, and these to "
                    f"{words.number(float(off[0]))}"
                )
    return ""


def _square(arrays):
    return all(array.ndim >= 2 and array.shape[-1] == array.shape[-2] > 1 for array in arrays)


def _empty_diagonal(expected, found, slack):
    if not _square(expected) or any(_diagonal(array).any() for array in expected):
        return ""
    came = np.concatenate([_diagonal(array).ravel() for array in found])
    off = came[np.abs(came) > slack]
    if not off.size or not any(array.any() for array in expected):
        return ""
    return f"the right diagonal is 0 everywhere, and this one holds {words.number(float(off[0]))}"


def _diagonal(array):
    return np.diagonal(array, axis1=-2, axis2=-1)


def _symmetric(expected, found, slack):
    if not _square(expected) or not all(_is_symmetric(array, slack) for array in expected):
        return ""
    if all(_is_symmetric(array, slack) for array in found):
        return ""
    return "a right result is symmetric, its entry [i, j] the same as [j, i], and this one is not"


def _is_symmetric(array, slack):
    return alike(array, np.swapaxes(array, -1, -2), slack).all()


def _whole(expected, found, slack):
    if not all(array.dtype.kind in "biu" for array in expected):
        return ""
    came = np.concatenate([array.astype("float64").ravel() for array in found])
    off = came[np.abs(came - np.round(came)) > slack]
    return f"right values are whole numbers, and it has {words.number(float(off[0]))}" if off.size else ""
