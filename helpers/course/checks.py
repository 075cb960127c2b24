"""What a learner calls around an exercise: `check`, `hint`, `solution`, `exercise_card`; and `compare`."""

import difflib
import inspect

from helpers.course import diagnosis
from helpers.course.comparison import compare
from helpers.course.exercises import exercises_by_lesson
from helpers.course.forms import uncoated
from helpers.course.handing_back import in_form
from helpers.course.ownership import is_the_courses, note_handed_out
from helpers.course.progress import record
from helpers.course.speech import say
from helpers.show.progress import in_notebook

__all__ = ["check", "compare", "exercise_card", "hint", "solution"]

FALLBACK = "The course's own version is used below."
NOT_YOURS = (
    "this is the course's own version and not your function: run the cell with your `def` first, and give "
    "`check` the name that stands there."
)


def check(key, fn):
    """Try a function, print one line, and hand back a function that works.

    Args:
        key: str, the exercise, such as "patches.extract_patches".
        fn: the learner's function. It may do anything: fail, loop for ever, return anything.
    Returns:
        `fn` if it is correct, else the course's tested version; so what comes after the exercise runs always.
        A correct function whose results are of another kind than the course's (lists, float64, tensors)
        comes back in a coat that brings them into the course's form.
    """
    exercise, problem = _find(key)
    if exercise is None:
        say(f"! {problem} Your function is used unchecked.")
        return fn
    try:
        reference = exercise.load_reference()
    except Exception as error:
        say(
            f"! {key}: the course's own version could not be loaded ({type(error).__name__}: "
            f"{error}), so your function is used unchecked."
        )
        return fn
    fn = uncoated(fn)
    if fn is reference or is_the_courses(fn):
        say(f"○ {key}: {NOT_YOURS} {FALLBACK}")
        return note_handed_out(reference)
    try:
        verdict = diagnosis.diagnose(exercise, fn, reference)
        if verdict.kind == diagnosis.CORRECT:
            fn = in_form(exercise, fn, reference, verdict.forms)
    except Exception as error:
        say(f"! {key}: the check itself failed ({type(error).__name__}: {error}). {FALLBACK}")
        return note_handed_out(reference)
    if verdict.kind == diagnosis.NOT_ATTEMPTED:
        say(f"○ {key}: not attempted yet. {FALLBACK}")
        return note_handed_out(reference)
    record(key, state=verdict.kind)
    if verdict.kind == diagnosis.CORRECT:
        say(f"● {key}: correct.")
        return fn
    say(f"✗ {key}: {verdict.words} {FALLBACK}")
    return note_handed_out(reference)


def hint(key, level=1):
    """Print a hint: 1 is a nudge, 2 shows the way, 3 is nearly the answer."""
    exercise, problem = _find(key)
    if exercise is None:
        say(f"! {problem}")
    elif level not in (1, 2, 3):
        say(f"! {key}: there are hints 1, 2 and 3; received {level!r}.")
    else:
        say(f"Hint {level} of 3 for {key}: {exercise.hints[level - 1]}")


def solution(key):
    """Show how the course itself does it: the source of the tested function, which therefore always works."""
    exercise, problem = _find(key)
    if exercise is None:
        say(f"! {problem}")
        return
    try:
        function = inspect.unwrap(exercise.load_reference())
        source = inspect.getsource(function)
    except (ImportError, AttributeError, OSError, TypeError) as error:
        say(f"! {key}: the source could not be read ({type(error).__name__}: {error}).")
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
        say(f"! {problem}")
        return
    say(
        f"{exercise.title} · difficulty {_dots(exercise.difficulty)} · "
        f"importance {_dots(exercise.importance)} · {exercise.minutes} minutes"
    )


def _find(key):
    lessons, broken = exercises_by_lesson()
    exercises = {exercise.key: exercise for lesson in lessons.values() for exercise in lesson}
    if isinstance(key, str) and key in exercises:
        return exercises[key], ""
    near = difflib.get_close_matches(str(key), exercises, n=3, cutoff=0.4)
    for number, error in broken.items():
        return (
            None,
            f"There is no exercise {key!r}; the exercises of lesson {number} could not be loaded ({error}).",
        )
    meant = (
        f"did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"expected one of {', '.join(exercises)}."
    )
    return None, f"There is no exercise {key!r}: {meant}"


def _dots(number):
    return "●" * number + "○" * (5 - number)


def _display(text, rich, outside):
    """Display `rich` with `text` as its plain twin in a notebook; print `outside` anywhere else."""
    if not in_notebook():
        print(outside)
        return
    from IPython.display import display

    display({"text/plain": text, **rich}, raw=True)
