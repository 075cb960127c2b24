"""What `check` hands back for a correct answer: the answer itself, in a coat where its results need one."""

import functools
import inspect
import sys

from helpers.course.forms import coat, in_other_floats, in_tensors, learn
from helpers.course.sandbox import run

CHANGES = (in_other_floats, in_tensors)  # of a case's arguments, after which a result may have another form


def in_form(exercise, answer, reference, forms):
    """Hand a correct answer back so that its results have the form of the reference's.

    Args:
        exercise: Exercise.
        answer: the learner's function, which is correct.
        reference: callable, the tested function.
        forms: (form of the answer's result, form of the reference's) for every case.
    Returns:
        `answer` itself if it returns what the reference does, for floats of either width and for tensors;
        else in a coat.
    """
    if inspect.isclass(answer) or not forms:
        return answer
    form, *others = _form_of_reference(exercise, reference)
    if all(mine == theirs for mine, theirs in forms):
        tried = _forms(exercise, answer, CHANGES[: len(others)])
        if all(mine is None or theirs is None or mine == theirs for mine, theirs in zip(tried, others)):
            return answer
    return coat(answer, form)


@functools.lru_cache(maxsize=256)
def _form_of_reference(exercise, reference):
    """Learn the form of the reference's result: the whole form, and what it is after each change."""
    changes = CHANGES if "keras" in sys.modules else CHANGES[:1]
    given, *others = _forms(exercise, reference, [lambda case: case, *changes])
    return learn(given, *[*others, None][:2]), *others


def _forms(exercise, function, changes):
    """Give the form of what a function returns for the first case after each change; None where it fails."""
    cases = [change(exercise.make_cases()[0]) for change in changes]
    found = [run(function, case, seconds=exercise.limit_s) for case in cases]
    return [outcome.form if outcome.returned else None for outcome in found]
