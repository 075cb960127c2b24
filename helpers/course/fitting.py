"""Read an answer as it was meant: a list for an array, 6.0 for 6, an array of one number for a number.

All of it works on snapshots (`helpers.course.snapshots`): arrays, groups of them, None or what is unusable.
"""

import numpy as np

from helpers.course.snapshots import Group

WHOLE = 1e-6  # how far a float may lie from the whole number that it stands for


def fit(got, expected):
    """Bring what came into the form of what was expected, where its numbers allow that.

    Args:
        got: snapshot of an answer.
        expected: snapshot of what the reference gives.
    Returns:
        snapshot: `got` in the form of `expected`, or as it came where it has another form.
    """
    expected = as_array(expected, list)
    if isinstance(expected, Group):
        parts = _parts_in_order(got, expected)
        if parts is None:
            return got
        fitted = {name: fit(part, expected.parts[name]) for name, part in parts.items()}
        return Group(expected.kind, fitted)
    if not isinstance(expected, np.ndarray):
        return got
    array = as_array(got)
    if not isinstance(array, np.ndarray):
        return got
    if array.dtype.kind == "c" and expected.dtype.kind != "c" and not array.imag.any():
        array = array.real
    if expected.ndim == 0 and array.size == 1:
        array = array.reshape(())
    return array


def as_array(value, kinds=(list, tuple, dict)):
    """Stack a group of numbers, or of arrays of one shape, into an array; give anything else back."""
    if not isinstance(value, Group) or not issubclass(value.kind, kinds) or not value.parts:
        return value
    parts = [as_array(part, kinds) for part in value.parts.values()]
    if not all(isinstance(part, np.ndarray) and part.shape == parts[0].shape for part in parts):
        return value
    text = [part.dtype.kind == "U" for part in parts]
    return np.stack(parts) if all(text) or not any(text) else value


def same(expected, got, tolerance):
    """Tell whether two snapshots agree: form, shape, values (to a share of the largest expected).

    What is expected as whole numbers must come as whole numbers, though they may be stored as floats.
    """
    expected = as_array(expected, list)
    if isinstance(expected, Group):
        return (
            isinstance(got, Group)
            and list(expected.parts) == list(got.parts)
            and all(same(expected.parts[name], got.parts[name], tolerance) for name in expected.parts)
        )
    if not isinstance(expected, np.ndarray) or not isinstance(got, np.ndarray) or expected.shape != got.shape:
        return False
    return bool(alike(expected, got, tolerance).all())


def alike(expected, got, tolerance):
    """Tell for each entry of two arrays of one shape whether they agree."""
    kinds = expected.dtype.kind, got.dtype.kind
    if "U" in kinds:  # an older NumPy compares text with numbers as a whole, and not entry by entry
        return expected == got if kinds[0] == kinds[1] else np.zeros(expected.shape, bool)
    wide = "complex128" if "c" in kinds else "float64"
    wanted, found = expected.astype(wide), got.astype(wide)
    if kinds[0] in "biu":
        return np.abs(found - wanted) <= WHOLE
    small = tolerance * largest(wanted)
    return np.isclose(found, wanted, rtol=tolerance, atol=small, equal_nan=True)


def largest(values):
    """Give the largest size among finite values; 1 where there is none, or all are 0."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _parts_in_order(got, expected):
    """Give the parts of an answer under the expected names; None if it has not as many, or other names."""
    if isinstance(got, np.ndarray):
        wanted = [getattr(part, "shape", None) for part in expected.parts.values()]
        whole = got.ndim > 0 and wanted == [got.shape[1:]] * len(got)
        return dict(zip(expected.parts, map(np.asarray, got))) if whole else None
    if not isinstance(got, Group) or len(got.parts) != len(expected.parts):
        return None
    if got.kind is dict and expected.kind is dict:
        known = got.parts.keys() == expected.parts.keys()
        return {name: got.parts[name] for name in expected.parts} if known else None
    return dict(zip(expected.parts, got.parts.values()))
