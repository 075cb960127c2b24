"""Compare an answer with what was expected, and put the most telling difference into words."""

import numpy as np

from helpers.course.sandbox import Group, Outcome, Unusable

KINDS = {"b": "booleans", "i": "whole numbers", "u": "whole numbers", "f": "floats", "c": "complex numbers"}


def same(expected, got, tolerance):
    """Tell whether two snapshots agree: structure, shape, values (to a share of the largest expected)."""
    if isinstance(expected, Group):
        return (
            isinstance(got, Group)
            and _same_names(expected, got)
            and all(same(expected.parts[name], got.parts[name], tolerance) for name in expected.parts)
        )
    if not isinstance(expected, np.ndarray) or not isinstance(got, np.ndarray) or expected.shape != got.shape:
        return False
    if "U" in (expected.dtype.kind, got.dtype.kind):
        return expected.dtype.kind == got.dtype.kind and bool((expected == got).all())
    finite = np.abs(expected[np.isfinite(expected)].astype("complex128"))
    scale = finite.max() if finite.size and finite.max() > 0 else 1.0
    wide = "complex128" if "c" in (expected.dtype.kind, got.dtype.kind) else "float64"
    return bool(
        np.allclose(
            got.astype(wide), expected.astype(wide), rtol=tolerance, atol=tolerance * scale, equal_nan=True
        )
    )


def difference(expected, outcome, tolerance, part=""):
    """Say how an answer differs from what was expected: structure, shape, kind of number, NaN, values."""
    got = outcome.value if isinstance(outcome, Outcome) else outcome
    if isinstance(got, Unusable):
        return f"{part or 'it'} returns {got.what}." if not part else f"{part} is {got.what}."
    if isinstance(expected, Group):
        return _group_difference(expected, got, tolerance, part)
    subject = part or "the result"
    if isinstance(got, Group):
        return (
            f"{subject} is a {got.kind.__name__}; expected one {'number' if expected.ndim == 0 else 'array'}."
        )
    if got is None:
        return f"{subject} is None."
    if expected.shape != got.shape:
        return f"{subject} has a wrong shape: expected {_shape(expected)}, received {_shape(got)}."
    wanted_kind, got_kind = (_number_kind(array) for array in (expected, got))
    if wanted_kind != got_kind and not (wanted_kind == "floats" and got_kind == "whole numbers"):
        hint = ""
        if (wanted_kind, got_kind) == ("whole numbers", "floats"):
            hint = ": use // where you divide" + ", dtype=int where you make an array" * bool(expected.ndim)
        if (
            same(expected, got, tolerance)
            or "text" in (wanted_kind, got_kind)
            or got_kind == "complex numbers"
        ):
            return f"{subject} holds {got_kind}; expected {wanted_kind}{hint}."
    if same(expected, got, tolerance):
        return ""
    if wanted_kind == "text":
        return f"{subject} is {str(got)!r}; expected another text."
    if isinstance(outcome, Outcome) and outcome.is_input:
        return "it returns its argument as it came."
    return _value_difference(expected, got, subject, tolerance)


def _group_difference(expected, got, tolerance, part):
    wanted = (
        f"a dict with {', '.join(expected.parts)}"
        if expected.kind is dict
        else f"{len(expected.parts)} values"
    )
    if not isinstance(got, Group):
        return f"{part or 'it'} returns one value; expected {wanted}."
    if not _same_names(expected, got):
        received = f"{len(got.parts)} value{'s' * (len(got.parts) != 1)}"
        if got.kind is dict:
            received = f"a dict with {', '.join(got.parts) or 'nothing'}"
        return f"{part or 'it'} returns {received}; expected {wanted}."
    for name in expected.parts:
        label = f"part {name!r}" if expected.kind is dict or not name.isdigit() else f"value {int(name) + 1}"
        if problem := difference(expected.parts[name], got.parts[name], tolerance, label):
            return problem
    return ""


def _same_names(expected, got):
    """Tell whether two groups have the same parts; the order of a dict does not count."""
    if expected.kind is dict and got.kind is dict:
        return expected.parts.keys() == got.parts.keys()
    return list(expected.parts) == list(got.parts)


def _value_difference(expected, got, subject, tolerance):
    wide = "complex128" if "c" in (expected.dtype.kind, got.dtype.kind) else "float64"
    wanted, found = expected.astype(wide), got.astype(wide)
    num_nan = int(np.isnan(found).sum() - np.isnan(wanted).sum())
    if num_nan > 0:
        causes = "look for 0/0, log(0) or infinity minus infinity"
        return f"{subject} holds NaN in {num_nan} of {got.size} places: {causes}."
    if got.ndim == 0:
        return f"{subject} is {_number(got)}; expected {_number(expected)}."
    if same(np.sort(wanted, axis=None), np.sort(found, axis=None), tolerance):
        return f"{subject} holds the right numbers in the wrong order: look at your reshape and transpose."
    small = tolerance * (np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0) or 1.0)
    if wide == "float64" and expected.dtype.kind != "b" and got.size > 2:
        with np.errstate(all="ignore"):
            factors, offset = (found / wanted)[np.abs(wanted) > small], found - wanted
        if (
            factors.size > 2
            and np.ptp(factors) < 1e-3 * abs(factors.mean())
            and same(wanted * factors.mean(), found, 1e-3)
        ):
            return f"every value is {_number(factors.mean())} times what is expected."
        if np.ptp(offset) < small:
            direction = "large" if offset.mean() > 0 else "small"
            return f"every value is {_number(abs(offset.mean()))} too {direction}."
    off = ~np.isclose(found, wanted, rtol=tolerance, atol=small, equal_nan=True)
    index = tuple(int(i) for i in np.argwhere(off)[0])
    return (
        f"{int(off.sum())} of {got.size} values are wrong: at [{', '.join(map(str, index))}] "
        f"expected {_number(expected[index])}, received {_number(got[index])}."
    )


def _number_kind(array):
    return KINDS.get(array.dtype.kind, "text")


def _number(value):
    return f"{value}" if np.asarray(value).dtype.kind in "biu" else f"{value:.4g}"


def _shape(array):
    return "a single number" if array.ndim == 0 else str(array.shape)
