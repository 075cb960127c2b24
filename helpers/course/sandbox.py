"""Run a learner's function on one case, and keep what came of it as plain arrays that nobody else holds."""

import inspect
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.course.limits import TimeUp, call_within, left_as_found, memory_limit


@dataclass(frozen=True)
class Unusable:
    """An answer, or a part of one, that no array can be made of; `what` completes "it returns …"."""

    what: str


@dataclass(frozen=True)
class Group:
    """Several values: `kind` is tuple, list or dict, `parts` a dict of name -> value."""

    kind: type
    parts: dict


@dataclass(frozen=True)
class Outcome:
    """What came of a call: `value` (None, arrays, Group or Unusable), or `error`, or neither in time."""

    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    is_input: bool = False  # it handed one of its arguments back
    changed: tuple = ()  # names of the arguments that it changed in place

    @property
    def returned(self):
        return self.error is None and not self.timed_out


def run(function, case, *, seconds, probe=None, names=()):
    """Call `function` on a case. Nothing that it does gets out, but for a KeyboardInterrupt.

    Args:
        function: callable.
        case: Case; used up, since the function may change its arguments.
        seconds: float, the time limit.
        probe: None, or a function of the answer and the case's arguments.
        names: names of the parameters, to say which argument was changed.
    Returns:
        Outcome.
    """
    arguments = _named_arguments(case, names)

    def call():
        before = {name: snapshot(value) for name, value in arguments.items()}
        answer = function(*case.args, **case.kwargs)
        is_input = any(answer is value for value in arguments.values() if _is_array(value))
        if probe is not None and answer is not None:
            answer = probe(answer, *case.args, **case.kwargs)
        value = snapshot(answer)
        after = {name: snapshot(argument) for name, argument in arguments.items()}
        changed = tuple(name for name in before if not identical(before[name], after[name]))
        return Outcome(value=value, is_input=is_input, changed=changed)

    try:
        with left_as_found(), memory_limit():
            return call_within(seconds, call)
    except TimeUp:
        return Outcome(timed_out=True)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, GeneratorExit and whatever else a learner's code may raise
        return Outcome(error=error)


def snapshot(value):
    """Copy a value into NumPy arrays: None, array, Group of such, or Unusable."""
    if value is None:
        return None
    if isinstance(value, tuple | list):
        if hasattr(value, "_fields"):
            return Group(tuple, {name: snapshot(getattr(value, name)) for name in value._fields})
        return Group(type(value), {str(index): snapshot(part) for index, part in enumerate(value)})
    if isinstance(value, dict):
        return Group(dict, {str(name): snapshot(part) for name, part in value.items()})
    if isinstance(value, bool | int | float | complex | str | np.generic):
        return _checked(np.array(value), value)
    if inspect.iscoroutine(value):
        value.close()
        return Unusable("a coroutine: leave out `async`")
    if inspect.isgenerator(value):
        return Unusable("a generator: use `return` and not `yield`")
    if inspect.isclass(value) or callable(value):
        return Unusable(f"a {_kind(value)}, not an array: is a pair of brackets missing after its name?")
    if type(value).__name__ == "KerasTensor":
        return Unusable("a symbolic KerasTensor: compute on the arrays that come in, without keras.Input")
    if not _is_array(value):
        return Unusable(f"a {type(value).__name__}, not an array")
    return _checked(_to_numpy(value), value)


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


def _is_array(value):
    return isinstance(value, np.ndarray) or hasattr(value, "__array__") or hasattr(value, "numpy")


def _to_numpy(value):
    if hasattr(value, "detach"):  # torch
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    return np.array(value)  # a copy: what the function keeps and changes later no longer matters


def _checked(array, value):
    if array.dtype.kind == "V" or array.dtype.name in ("bfloat16", "float16"):
        return array.astype("float32")
    if array.dtype.kind in "biufcU":
        return array
    return Unusable(f"a {type(value).__name__} of {array.dtype.name}, not of numbers")


def _kind(value):
    if inspect.isclass(value):
        return "class"
    keras = sys.modules.get("keras")
    return "layer" if keras and isinstance(value, keras.layers.Layer) else "function"


def _named_arguments(case, names):
    names = [*names, *(f"argument {n + 1}" for n in range(len(names), len(case.args)))]
    return dict(zip(names, case.args)) | case.kwargs
