"""The form of a result: the reference's kind of numbers, given to an answer whose numbers are right.

An answer in float64, as a list or as a tensor may be as right as the reference's float32 array; but what
comes after the exercise was written for the reference. So `check` hands such an answer back in a thin coat,
which brings its results into the reference's form, learned from what the reference gives on the cases.
"""

import functools
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.course.exercise import Case
from helpers.course.snapshots import to_numpy


@dataclass(frozen=True)
class Leaf:
    """A number or an array. `family` is "python", "numpy", "tensor", or "other" for what is left alone.

    Attributes:
        dtype: name of its number type; of a Python number "int", "float" or "bool".
        floats_follow: whether its float type is that of the arguments.
        tensors_follow: whether it is a tensor where an argument is.
    """

    family: str
    dtype: str
    floats_follow: bool = False
    tensors_follow: bool = False


@dataclass(frozen=True)
class Parts:
    """Several values: a tuple, a dict, or a list, whose entries have one form if `parts` holds one alone."""

    kind: type
    parts: tuple  # (name, form)


def form_of(value):
    """Describe a result as Leaf or Parts."""
    if type(value) in (tuple, dict):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        return Parts(type(value), tuple((name, form_of(part)) for name, part in named))
    if type(value) is list:
        forms = tuple(enumerate(form_of(part) for part in value))
        return Parts(list, forms[:1] if len({form for _, form in forms}) == 1 else forms)
    if type(value) in (bool, int, float):
        return Leaf("python", type(value).__name__)
    if isinstance(value, np.generic) or type(value) is np.ndarray:
        return Leaf("numpy", value.dtype.name)
    if is_tensor(value):
        return Leaf("tensor", _dtype_of(value))
    return Leaf("other", type(value).__name__)


def is_tensor(value):
    """Tell whether a value is a concrete or traced tensor of Keras' backend."""
    keras = sys.modules.get("keras")
    return keras is not None and hasattr(value, "dtype") and bool(keras.ops.is_tensor(value))


def learn(form, with_other_floats, with_tensors):
    """Join three forms of the same result into one that knows what follows the arguments.

    Args:
        form: of the result for the arguments of a case.
        with_other_floats: for the same arguments in another float type; None if it is not known.
        with_tensors: for the same arguments as tensors; None if it is not known.
    """
    if isinstance(form, Parts):
        others = [
            dict(other.parts) if isinstance(other, Parts) else {}
            for other in (with_other_floats, with_tensors)
        ]
        return Parts(
            form.kind, tuple((n, learn(f, *(other.get(n) for other in others))) for n, f in form.parts)
        )
    floats_follow = isinstance(with_other_floats, Leaf) and with_other_floats.dtype != form.dtype
    tensors_follow = isinstance(with_tensors, Leaf) and with_tensors.family == "tensor" != form.family
    return Leaf(form.family, form.dtype, floats_follow, tensors_follow)


def in_other_floats(case):
    """Give the same call with float32 arrays in float64, and float64 arrays in float32."""
    other = {"float32": "float64", "float64": "float32"}
    return _changed(case, lambda array: array.astype(other.get(array.dtype.name, array.dtype.name)))


def in_tensors(case):
    """Give the same call with tensors of Keras' backend for its arrays."""
    from keras import ops

    return _changed(case, ops.convert_to_tensor)


def coat(answer, form):
    """Wrap a right answer so that it returns the reference's kind of numbers; its name and source stay."""

    @functools.wraps(answer)
    def coated(*args, **kwargs):
        return give_form(answer(*args, **kwargs), form, (*args, *kwargs.values()))

    coated.coat_of = answer
    return coated


def uncoated(answer):
    """Take the coats off that `coat` has put on."""
    while "coat_of" in getattr(answer, "__dict__", {}):
        answer = answer.coat_of
    return answer


def give_form(value, form, arguments=()):
    """Bring a result into a form; what cannot be brought into it comes back as it is."""
    try:
        return _given(value, form, arguments)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError):
        return value


def _given(value, form, arguments):
    if value is None:
        return None
    if isinstance(form, Parts):
        if isinstance(value, dict) and form.kind is dict:
            return {name: _given(value[name], part, arguments) for name, part in form.parts}
        values = list(value.values()) if isinstance(value, dict) else list(value)
        if form.kind is list and len(form.parts) == 1:
            return [_given(entry, form.parts[0][1], arguments) for entry in values]
        if len(values) != len(form.parts):
            return value
        named = {name: _given(entry, part, arguments) for entry, (name, part) in zip(values, form.parts)}
        return named if form.kind is dict else form.kind(named.values())
    if form.family == "other" or type(value).__name__ == "KerasTensor":
        return value
    dtype = (_float_type(arguments) or form.dtype) if form.floats_follow else form.dtype
    if form.family == "tensor" or (form.tensors_follow and any(map(is_tensor, arguments))):
        return _as_tensor(value, dtype)
    array = to_numpy(value)
    array = array.real if array.dtype.kind == "c" else array
    if form.family == "numpy":
        return array.astype(dtype, copy=False)[()]
    if array.size != 1:
        return value
    number = array.reshape(()).item()
    return {"int": lambda x: int(round(x)), "float": float, "bool": bool}[form.dtype](number)


def _as_tensor(value, dtype):
    from keras import ops

    if is_tensor(value):
        return value if _dtype_of(value) == dtype else ops.cast(value, dtype)
    if isinstance(value, list | tuple) and any(is_tensor(part) for part in value):
        return ops.stack([_as_tensor(part, dtype) for part in value])  # gradients flow on
    return ops.convert_to_tensor(to_numpy(value), dtype)


def _float_type(arguments):
    """Give the widest float type among the arguments; "" if none is of floats."""
    types = {_dtype_of(value) for value in arguments if is_tensor(value) or isinstance(value, np.ndarray)}
    ordered = [name for name in ("float64", "float32", "bfloat16", "float16") if name in types]
    return ordered[0] if ordered else ""


def _dtype_of(value):
    keras = sys.modules.get("keras")
    if isinstance(value, np.ndarray) or keras is None:
        return value.dtype.name
    return keras.backend.standardize_dtype(value.dtype)


def _changed(case, change):
    def changed(value) -> Any:
        if isinstance(value, np.ndarray):
            return change(value)
        return [changed(part) for part in value] if isinstance(value, list) else value

    return Case(*map(changed, case.args), **{name: changed(value) for name, value in case.kwargs.items()})
