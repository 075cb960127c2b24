"""What a learner calls around an exercise: `check`, `hint`, `solution`, `exercise_card`; and `compare`."""

import difflib
import inspect
import math
import numbers
import sys

from helpers.course import diagnosis
from helpers.course.exercises import exercises_by_lesson
from helpers.course.progress import record
from helpers.show.progress import in_notebook

FALLBACK = "The course's own version is used below."
MAX_ITEMS = 8  # of a list that is printed


def check(key, fn):
    """Try a function, print one line, and hand back a function that works.

    Args:
        key: str, the exercise, such as "patches.extract_patches".
        fn: the learner's function. It may do anything: fail, loop for ever, return anything.
    Returns:
        `fn` if it is correct, else the course's tested version; so what comes after the exercise runs always.
    """
    exercise, problem = _find(key)
    if exercise is None:
        _say(f"! {problem} Your function is used unchecked.")
        return fn
    try:
        reference = exercise.load_reference()
    except Exception as error:
        _say(
            f"! {key}: the course's own version could not be loaded ({type(error).__name__}: "
            f"{error}), so your function is used unchecked."
        )
        return fn
    try:
        verdict = diagnosis.diagnose(exercise, fn, reference)
    except Exception as error:
        _say(f"! {key}: the check itself failed ({type(error).__name__}: {error}). {FALLBACK}")
        return reference
    if verdict == diagnosis.NOT_ATTEMPTED:
        _say(f"○ {key}: not attempted yet. {FALLBACK}")
        return reference
    if verdict == diagnosis.CORRECT:
        record(key, state="correct")
        _say(f"● {key}: correct.")
        return fn
    record(key, state="wrong")
    _say(f"✗ {key}: {verdict} {FALLBACK}")
    return reference


def hint(key, level=1):
    """Print a hint: 1 is a nudge, 2 shows the way, 3 is nearly the answer."""
    exercise, problem = _find(key)
    if exercise is None:
        _say(f"! {problem}")
    elif level not in (1, 2, 3):
        _say(f"! {key}: there are hints 1, 2 and 3; received {level!r}.")
    else:
        _say(f"Hint {level} of 3 for {key}: {exercise.hints[level - 1]}")


def solution(key):
    """Show how the course itself does it: the source of the tested function, which therefore always works."""
    exercise, problem = _find(key)
    if exercise is None:
        _say(f"! {problem}")
        return
    try:
        function = inspect.unwrap(exercise.load_reference())
        source = inspect.getsource(function)
    except (ImportError, AttributeError, OSError, TypeError) as error:
        _say(f"! {key}: the source could not be read ({type(error).__name__}: {error}).")
        return
    record(key, solution_seen=True)
    module, _, name = exercise.reference.partition(":")
    file = module.replace(".", "/") + ".py"
    text = f"The solution of {key} is {name} in {file}."
    markdown = f"`{name}` in `{file}`:\n\n```python\n{source.rstrip()}\n```"
    _display(text, {"text/markdown": markdown}, outside=f"{text}\n\n{source}")


def exercise_card(key):
    """Show how hard and how important an exercise is, and how long it takes."""
    exercise, problem = _find(key)
    if exercise is None:
        _say(f"! {problem}")
        return
    _say(
        f"{exercise.title} · difficulty {_dots(exercise.difficulty)} · "
        f"importance {_dots(exercise.importance)} · {exercise.minutes} minutes"
    )


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
        _say(f"You made no prediction. {result}")
        return
    if not _is_printable(prediction):
        _say(f"Your prediction is a {type(prediction).__name__}; write a number or a word. {result}")
        return
    agree = _with_unit(prediction, unit, digits).casefold() == _with_unit(measured, unit, digits).casefold()
    guess = _with_unit(prediction, unit, None)  # not rounded to `digits`: a share of 0.62 is not 1%
    _say(f"You predicted {guess}. {result}{' Exactly.' if agree else ''}")


def _find(key):
    lessons, broken = exercises_by_lesson()
    exercises = {exercise.key: exercise for lesson in lessons.values() for exercise in lesson}
    if isinstance(key, str) and key in exercises:
        return exercises[key], ""
    near = difflib.get_close_matches(str(key), exercises, n=3, cutoff=0.4)
    for number, error in broken.items():
        return None, f"There is no exercise {key!r}; lesson_{number}.py could not be loaded ({error})."
    meant = (
        f"did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"expected one of {', '.join(exercises)}."
    )
    return None, f"There is no exercise {key!r}: {meant}"


def _dots(number):
    return "●" * number + "○" * (5 - number)


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


def _say(line):
    line = " ".join(line.split())
    try:
        print(line)
    except UnicodeEncodeError:  # a console that knows neither ○ nor ●
        print(line.encode(sys.stdout.encoding or "ascii", "replace").decode(sys.stdout.encoding or "ascii"))


def _display(text, rich, outside):
    """Display `rich` with `text` as its plain twin in a notebook; print `outside` anywhere else."""
    if not in_notebook():
        print(outside)
        return
    from IPython.display import display

    display({"text/plain": text, **rich}, raw=True)
