"""What `check` hands back for a correct answer: the answer itself, in a coat where its results need one."""

import functools
import sys

from helpers.course.forms import coat, in_other_floats, in_tensors, learn
from helpers.course.sandbox import run


def in_form(exercise, answer, reference, forms):
    """Hand a correct answer back so that its results have the form of the reference's.

    Args:
        exercise: Exercise.
        answer: the learner's function, which is correct.
        reference: callable, the tested function.
        forms: (form of the answer's result, form of the reference's) for every case.
    Returns:
        `answer` itself if it returns what the reference does, for floats of either width; else in a coat.
    """
    if exercise.probe is not None or not forms:
        return answer
    form, narrow_or_wide = _form_of_reference(exercise, reference)
    if all(mine == theirs for mine, theirs in forms):
        case = in_other_floats(exercise.make_cases()[0])
        outcome = run(answer, case, seconds=exercise.limit_s)
        if not outcome.returned or outcome.form == narrow_or_wide:
            return answer
    return coat(answer, form)


@functools.lru_cache(maxsize=256)
def _form_of_reference(exercise, reference):
    """Learn the form of the reference's result: the whole form, and that for floats of the other width."""
    asked = [exercise.make_cases()[0], in_other_floats(exercise.make_cases()[0])]
    if "keras" in sys.modules:
        asked.append(in_tensors(exercise.make_cases()[0]))
    found = [run(reference, case, seconds=exercise.limit_s) for case in asked]
    given, other, tensors = [*(o.form if o.returned else None for o in found), None][:3]
    return learn(given, other, tensors), other
