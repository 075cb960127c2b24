"""Put numbers, arrays and calls into words: short, and never so short that two unlike numbers look alike."""

import dataclasses
import math

import numpy as np

MAX_NUMBERS = 16  # of an array that is written out
MAX_CALL = 150  # characters of a call whose arrays are written out
DIGITS = range(4, 18)


def number(value, digits=4):
    """Write a number: whole ones as they are, others with so many digits."""
    if isinstance(value, bool | np.bool_) or np.asarray(value).dtype.kind in "biuU":
        return f"{value}"
    value = complex(value)
    if value.imag:
        return f"{value:.{digits}g}"
    real = value.real + 0.0  # 0.0 for -0.0
    if not math.isfinite(real):
        return "NaN" if math.isnan(real) else f"{real}"
    return f"{int(real)}" if real.is_integer() and abs(real) < 1e6 else f"{real:.{digits}g}"


def array(values, digits=4):
    """Write an array as nested lists, such as [[1, 2], [3, 4]]."""
    values = np.asarray(values)
    if values.ndim == 0:
        return number(values[()], digits)
    return f"[{', '.join(array(part, digits) for part in values)}]"


def pair(wanted, found, unlike=None):
    """Write two numbers, or two arrays, with so many digits that they differ wherever `unlike` says so.

    Args:
        wanted, found: numbers or arrays.
        unlike: bool of their shape where they differ; None for everywhere.
    Returns:
        two str.
    """
    wanted, found = np.asarray(wanted), np.asarray(found)
    places = np.ones(wanted.shape, bool) if unlike is None else np.asarray(unlike)
    texts = array(wanted), array(found)
    if wanted.shape != found.shape:
        return texts
    for digits in DIGITS:
        texts = array(wanted, digits), array(found, digits)
        both = zip(np.atleast_1d(wanted[places]), np.atleast_1d(found[places]))
        if all(number(a, digits) != number(b, digits) for a, b in both):
            break
    return texts


def call_text(case, names):
    """Write the arguments of a call: "scale 2, values [[1, 2], [3, 4]]"; shapes where that gets long."""
    arguments = named_arguments(case, names)
    written = ", ".join(f"{name} {argument(value)}" for name, value in arguments)
    if len(written) <= MAX_CALL:
        return written
    return ", ".join(f"{name} {argument(value, in_full=False)}" for name, value in arguments)


def named_arguments(case, names):
    """Give (name, value) for every argument of a call."""
    names = [*names, *("an argument" for _ in range(len(names), len(case.args)))]
    return [*zip(names, case.args), *case.kwargs.items()]


def argument(value, in_full=True):
    """Write one argument of a call; an array with its numbers, or as "of shape (2, 3)"."""
    shape = getattr(value, "shape", None)
    if shape is not None and not callable(shape):
        small = in_full and isinstance(value, np.ndarray) and value.size <= MAX_NUMBERS
        return array(value, 3) if small else f"of shape {tuple(shape)}"
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return repr(value)
    if isinstance(value, list):
        return _listed(value, in_full)
    if words := getattr(value, "in_words", None):  # a function that a case was given
        return words
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f for f in dataclasses.fields(value) if getattr(value, f.name) != f.default]
        return f"({', '.join(f'{f.name} {getattr(value, f.name)!r}' for f in fields)})"
    return a_kind(value)


def a_kind(value):
    """Name the type of a value with its article: "an ndarray", "a list"."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' or name == 'ndarray' else 'a'} {name}"


def sentence(text):
    """End a text with a full stop, unless it ends as a sentence already."""
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def shape_of(values):
    """Write the shape of an array, as somebody would say it."""
    return "a single number" if values.ndim == 0 else str(values.shape)


def size_of(case):
    """Say how large a call is: (how many numbers it is given, the sum of its whole numbers).

    The smaller, the easier to follow by hand.
    """
    values = [*case.args, *case.kwargs.values()]
    return sum(map(_size, values)), sum(map(_magnitude, values))


def _listed(values, in_full):
    if in_full and all(isinstance(value, str | int | float) for value in values):
        return repr(values)
    shapes = {str(tuple(value.shape)) for value in values if hasattr(value, "shape")}
    if len(shapes) == 1:
        return f"{len(values)} of shape {shapes.pop()}"
    return f"a list of {len(values)}"


def _magnitude(value):
    if dataclasses.is_dataclass(value):
        return sum(_magnitude(part) for part in vars(value).values())
    if isinstance(value, list | tuple):
        return sum(map(_magnitude, value))
    return abs(value) if isinstance(value, int) else 0


def _size(value):
    if isinstance(value, list | tuple):
        return sum(_size(part) for part in value)
    if isinstance(value, str):
        return len(value)
    return int(getattr(value, "size", 1)) if isinstance(value, np.ndarray) else 1
