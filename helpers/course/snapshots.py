"""Copy what an answer returned into plain arrays that nobody else holds."""

import inspect
import numbers
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from helpers.course.words import a_kind


@dataclass(frozen=True)
class Unusable:
    """An answer, or a part of one, that no array can be made of; `what` completes "it returns …"."""

    what: str


@dataclass(frozen=True)
class Group:
    """Several values: `kind` is tuple, list or dict, `parts` a dict of name -> value."""

    kind: type
    parts: dict


LISTS = (list, range, type({}.keys()), type({}.values()), zip, map, filter)


def snapshot(value):
    """Copy a value into NumPy arrays: None, array, Group of such, or Unusable."""
    if value is None:
        return None
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Group(tuple, {name: snapshot(getattr(value, name)) for name in value._fields})
    if isinstance(value, (tuple, *LISTS)):
        kind = tuple if isinstance(value, tuple) else list
        return Group(kind, {str(index): snapshot(part) for index, part in enumerate(value)})
    if isinstance(value, Mapping):
        return Group(dict, {str(name): snapshot(part) for name, part in value.items()})
    if isinstance(value, bool | int | float | complex | str | np.generic):
        return _checked(np.array(value), value)
    if isinstance(value, numbers.Real):  # a fraction
        return np.array(float(value))
    if inspect.iscoroutine(value):
        value.close()
        return Unusable("a coroutine: leave out `async`")
    if inspect.isgenerator(value):
        return Unusable("a generator: use `return` and not `yield`, or put list(…) round it")
    if inspect.isclass(value) or callable(value):
        return Unusable(f"a {_kind(value)}, not an array: is a pair of brackets missing after its name?")
    if type(value).__name__ == "KerasTensor":
        return Unusable("a symbolic KerasTensor: compute on the arrays that come in, without keras.Input")
    if not is_array(value):
        return Unusable(f"{a_kind(value)}, not an array")
    return _checked(to_numpy(value), value)


def identical(a, b):
    """Tell whether two snapshots are equal in every bit that counts; NaN equals NaN."""
    if isinstance(a, Group) and isinstance(b, Group):
        return list(a.parts) == list(b.parts) and all(
            identical(a.parts[name], b.parts[name]) for name in a.parts
        )
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return (
            a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        )
    return type(a) is type(b) and (a is None or isinstance(a, Unusable))


def is_array(value):
    """Tell whether NumPy can read a value: its own arrays, tensors of any backend, and the like."""
    return isinstance(value, np.ndarray) or hasattr(value, "__array__") or hasattr(value, "numpy")


def to_numpy(value):
    """Copy an array of any kind into a plain NumPy array; what is masked becomes NaN."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return value.astype("float64").filled(np.nan)
    if hasattr(value, "detach"):  # torch
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    return np.array(value)  # a copy: what the function keeps and changes later no longer matters


def _checked(array, value):
    if array.dtype.kind == "V" or array.dtype.name in ("bfloat16", "float16"):
        return array.astype("float32")
    if array.dtype.kind == "O" and all(isinstance(entry, numbers.Real) for entry in array.flat):
        return array.astype("float64")  # whole numbers beyond 64 bits, fractions
    if array.dtype.kind in "biufcU":
        return array
    return Unusable(f"{a_kind(value)} of {array.dtype.name}, not of numbers")


def _kind(value):
    if inspect.isclass(value):
        return "class"
    keras = sys.modules.get("keras")
    return "layer" if keras and isinstance(value, keras.layers.Layer) else "function"
