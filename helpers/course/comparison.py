"""`compare`: a prediction beside what was measured."""

import math
import numbers

from helpers.course.speech import say

MAX_ITEMS = 8  # of a list that is printed


def compare(prediction, measured, unit="", digits=None):
    """Print a prediction beside what was measured.

    Args:
        prediction: a number, a text, a list of them; None where there is none.
        measured: the same.
        unit: str, such as "tokens" or "%".
        digits: int, decimals to print; None for whole numbers as they are and three figures of others.
    """
    result = f"Measured: {_with_unit(measured, unit, digits)}."
    if (
        prediction is None
        or prediction is Ellipsis
        or (isinstance(prediction, str) and not prediction.strip())
    ):
        say(f"You made no prediction. {result}")
        return
    if not _is_printable(prediction):
        say(f"Your prediction is a {type(prediction).__name__}; write a number or a word. {result}")
        return
    agree = _with_unit(prediction, unit, digits).casefold() == _with_unit(measured, unit, digits).casefold()
    guess = _with_unit(prediction, unit, None)  # not rounded to `digits`: a share of 0.62 is not 1%
    say(f"You predicted {guess}. {result}{' Exactly.' if agree else ''}")


def _with_unit(value, unit, digits):
    text = _format(value, digits)
    if not unit or not any(character.isdigit() for character in text) or text.endswith(unit):
        return text  # "lots", and "62%", which brings its unit along
    return f"{text}{'' if unit[:1] in '%°' else ' '}{unit}"


def _format(value, digits):
    if hasattr(value, "numpy") and not callable(getattr(value, "shape", None)):
        value = value.numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        items = [
            _format(item, digits)
            for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
        return ", ".join(items[:MAX_ITEMS]) + (", …" if len(items) > MAX_ITEMS else "")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value).strip()
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}"
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if digits is not None:
        text = f"{value:,.{digits}f}"
        return text.lstrip("-") if float(text.replace(",", "")) == 0 else text
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _is_printable(value):
    if isinstance(value, list | tuple | set | frozenset):
        return all(_is_printable(item) for item in value)
    return isinstance(value, str | bool | numbers.Real) or hasattr(value, "tolist") or hasattr(value, "numpy")
