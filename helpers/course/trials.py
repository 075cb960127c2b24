"""An answer tried on every case of an exercise, beside what the course's own version gives there."""

import functools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.course import words
from helpers.course.fitting import fit, same
from helpers.course.limits import left_as_found
from helpers.course.sandbox import run, run_trusted
from helpers.course.snapshots import Unusable, identical


@dataclass(frozen=True)
class Trial:
    """One case: what was expected, and what came of the answer, read in the form of what was expected."""

    case: Any  # made anew, so with the arguments as they were
    expected: Any
    outcome: Any
    got: Any
    good: bool
    call: str
    size: tuple


def parameters_of(exercise, signature):
    """Name the parameters that the cases of an exercise use, in their order; those of a lesson's stub.

    Args:
        exercise: Exercise.
        signature: inspect.Signature of the reference, which may have more.
    Returns:
        list of str.
    """
    cases = exercise.make_cases()
    most = max(len(case.args) for case in cases)
    used = {name for case in cases for name in case.kwargs}
    return [name for n, name in enumerate(signature.parameters) if n < most or name in used]


def outcomes(exercise, function, names=()):
    """Run a function on every case, up to one that it does not come back from."""
    found = []
    for case in exercise.make_cases():
        found.append(run(function, case, seconds=exercise.limit_s, probe=exercise.probe, names=names))
        if found[-1].timed_out:
            break
    return found


def expected_outcomes(exercise, reference, names=()):
    """Run the reference on every case.

    Returns:
        list of Outcome.
    Raises:
        RuntimeError: if it cannot do one of them that it does not refuse by right.
    """
    found = outcomes(exercise, reference, names)
    for outcome, case in zip(found, exercise.make_cases()):
        fails = not outcome.returned or outcome.value is None or isinstance(outcome.value, Unusable)
        if fails and not case.may_be_refused:
            raise RuntimeError(f"the course's own version does not do the cases of {exercise.key}: {outcome}")
    return found


def compare(exercise, tried, expected, names):
    """Set what came of an answer beside what was expected: a list of Trial, one a case that was tried."""
    trials = []
    for outcome, wanted, case in zip(tried, expected, exercise.make_cases()):
        value = case.expected if case.may_be_refused else wanted.value
        got = fit(outcome.value, value)
        refused = case.may_be_refused and isinstance(outcome.error, ValueError | AssertionError)
        good = refused or (outcome.returned and same(value, got, exercise.tolerance))
        trials.append(
            Trial(case, value, outcome, got, good, words.call_text(case, names), words.size_of(case))
        )
    return trials


def is_mutant(exercise, mutant, trials):
    """Tell whether an answer does on every case what a mutant does, and that is wrong on one of them.

    Failing with the same kind of exception on some cases counts as the same, but not on all of them.
    """
    wrong = returned = False
    for number, trial in enumerate(trials):
        its = mutant_outcome(exercise, mutant, number)
        if its.error is not None or trial.outcome.error is not None:
            if type(its.error) is not type(trial.outcome.error):
                return False
            wrong = True
        else:
            value = fit(its.value, trial.expected)
            if not agree(value, trial.got, exercise.tolerance):
                return False
            returned = True
            wrong = wrong or not same(trial.expected, value, exercise.tolerance)
    return wrong and returned


@functools.lru_cache(maxsize=1 << 16)
def mutant_outcome(exercise, mutant, number):
    """Run a mutant on one case; it always does the same, so once is enough."""
    return run_trusted(mutant.function, _cases_of(exercise)[number], exercise.probe)


@functools.lru_cache(maxsize=64)
def _cases_of(exercise):
    """Make the cases once for all mutants, which leave their arguments as they are."""
    return exercise.make_cases()


def agree(a, b, tolerance):
    """Tell whether two wrong answers give the same, whatever their form."""
    return same(a, fit(b, a), tolerance) or (a is None and b is None)


def repeats(exercise, answer, names, first):
    """Tell whether the first case gives the same once more, with other random numbers to draw from."""
    if not first.returned:
        return True
    case = exercise.make_cases()[0]
    with left_as_found():
        random.seed("other numbers")
        np.random.seed(12345)  # noqa: NPY002 - the numbers that a learner may draw from
        again = run(answer, case, seconds=exercise.limit_s, probe=exercise.probe, names=names)
    same_value = identical(first.value, again.value) or agree(first.value, again.value, exercise.tolerance)
    return again.returned and same_value
