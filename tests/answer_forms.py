"""The forms that right numbers come in: arrays, backend tensors, lists, wider floats, matrices."""

import functools

import numpy as np
from right_answers import answer_to

from helpers.course.snapshots import to_numpy


def mapped(value, leaf):
    if isinstance(value, dict):
        return {name: mapped(part, leaf) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(part, leaf) for part in value)
    return leaf(value)


def as_tensor(value):
    from keras import ops

    return ops.convert_to_tensor(value)


def as_float64(value):
    array = np.asarray(value)
    return array.astype("float64") if array.dtype.kind == "f" else array


def as_matrix(value):
    return np.matrix(value) if getattr(value, "ndim", 0) == 2 else value


def as_masked(value):
    return np.ma.asarray(value) if isinstance(value, np.ndarray) else value


FORMS = {
    "as it is": lambda value: value,
    "tensor": lambda value: mapped(value, as_tensor),
    "list": lambda value: mapped(value, lambda part: np.asarray(part).tolist()),
    "float64": lambda value: mapped(value, as_float64),
    "matrix": lambda value: mapped(value, as_matrix),
    "masked": lambda value: mapped(value, as_masked),
    "list for tuple": lambda value: list(value) if isinstance(value, tuple) else value,
}


def in_form(key, form):
    """Give the right answer to an exercise, which takes arguments of any kind and answers in a form."""
    answer = answer_to(key)

    def plain(value):
        if isinstance(value, list):
            return [plain(part) for part in value]
        return to_numpy(value) if hasattr(value, "__array__") else value

    @functools.wraps(answer)
    def formed(*args, **kwargs):
        values = answer(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
        return FORMS[form](values)

    return formed
