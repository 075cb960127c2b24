"""Say what is wrong with an answer: one of the known mistakes, or else the most telling difference."""

import inspect
import random

import numpy as np

from helpers.course import source
from helpers.course.differences import difference, same
from helpers.course.limits import left_as_found
from helpers.course.sandbox import Unusable, identical, run

NOT_ATTEMPTED = "not attempted yet"
CORRECT = "correct"
UNSTEADY = (
    "it gives another result when it is called again with the same arguments: is it random, or does it keep "
    "something from the call before?"
)


def diagnose(exercise, answer, reference):
    """Try an answer on every case of an exercise.

    Args:
        exercise: Exercise.
        answer: whatever the learner handed over.
        reference: callable, the tested function.
    Returns:
        str: NOT_ATTEMPTED, CORRECT, or the mistake as a sentence that follows a colon.
    Raises:
        RuntimeError: if the reference itself cannot do the cases.
    """
    names = parameter_names(reference)
    if problem := _no_function(answer, reference):
        return problem
    if source.is_stub(answer):
        return NOT_ATTEMPTED
    if problem := _wrong_parameters(answer, exercise, names):
        return source.overwritten_name(answer) or problem
    tried = _run_all(exercise, answer, names)
    if tried and all(outcome.returned and outcome.value is None for outcome in tried):
        if source.forgets_return(answer):
            return "it returns None. Is a `return` missing at its end?"
        if source.returns_a_value(answer):
            return "it returns None. What works in place, as `np.fill_diagonal` does, returns nothing itself."
        return NOT_ATTEMPTED
    repeats = _repeats(exercise, answer, names, tried[0])
    # The answer has done its work before there is an expected result that it could look at.
    expected = _run_all(exercise, reference, names)
    for outcome in expected:
        if not outcome.returned or outcome.value is None or isinstance(outcome.value, Unusable):
            raise RuntimeError(f"the course's own version does not do the cases of {exercise.key}: {outcome}")
    calls = [describe_case(case, names) for case in exercise.make_cases()]
    known = _known_problem(exercise, tried, expected, answer) or _misbehaviour(tried, calls, answer)
    if known:
        return known
    if not repeats:
        return UNSTEADY
    return _difference(exercise, tried, expected, calls) or CORRECT


def parameter_names(function):
    """List the names of a function's parameters; empty where Python cannot tell."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def describe_case(case, names):
    """Name the arguments of a call: "images of shape (2, 8, 12, 3), patch_size 4"."""
    names = [*names, *("an argument" for _ in range(len(names), len(case.args)))]
    arguments = [*zip(names, case.args), *case.kwargs.items()]
    return ", ".join(f"{name} {_describe_value(value)}" for name, value in arguments)


def _run_all(exercise, function, names):
    outcomes = []
    for case in exercise.make_cases():
        outcome = run(function, case, seconds=exercise.limit_s, probe=exercise.probe, names=names)
        outcomes.append(outcome)
        if outcome.timed_out:
            break
    return outcomes


def _no_function(answer, reference):
    if inspect.isclass(answer) and not inspect.isclass(reference):
        return f"this is the class {answer.__name__}; a function is expected."
    if inspect.isclass(reference) and not inspect.isclass(answer):
        return f"this is a {type(answer).__name__}; a class is expected, without brackets after its name."
    if not callable(answer):
        return f"this is a {type(answer).__name__}, not a function: pass its name, without brackets."
    return ""


def _wrong_parameters(answer, exercise, names):
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return ""
    for case in exercise.make_cases():
        try:
            signature.bind(*case.args, **case.kwargs)
        except TypeError:
            takes = ", ".join(signature.parameters) or "nothing"
            return f"wrong parameters: expected ({', '.join(names)}), but it takes ({takes})."
    return ""


def _known_problem(exercise, tried, expected, answer):
    """Name an overwritten name, a loop without end, or the mutant that the answer is; "" if it is none."""
    if all(_good(exercise, tried, expected)):
        return ""
    if problem := source.overwritten_name(answer):
        return problem
    if tried[-1].timed_out:
        return f"it did not come back within {exercise.limit_s:g} seconds: is there a loop without end?"
    return next((m.message for m in exercise.mutants if _is_mutant(exercise, m, tried, expected)), "")


def _misbehaviour(tried, calls, answer):
    """Say that an answer failed, changed its arguments or returned None at times; "" if it did not."""
    for outcome, call in zip(tried, calls):
        if outcome.error is not None:
            return source.describe_error(outcome.error, answer)
        if outcome.changed:
            name = outcome.changed[0]
            return f"it changes its argument `{name}` in place: work on a copy, or on new arrays."
        if outcome.value is None:
            return f"it returns None for {call}: does every way through it end in a `return`?"
    return ""


def _difference(exercise, tried, expected, calls):
    good = _good(exercise, tried, expected)
    for outcome, wanted, call, is_good in zip(tried, expected, calls, good):
        if problem := difference(wanted.value, outcome, exercise.tolerance):
            others = "; other cases are right" if any(good) and not is_good else ""
            return f"{problem} Case: {call}{others}."
    return ""


def _good(exercise, tried, expected):
    return [
        outcome.returned and same(wanted.value, outcome.value, exercise.tolerance)
        for outcome, wanted in zip(tried, expected)
    ]


def _is_mutant(exercise, mutant, tried, expected):
    """Tell whether an answer does on every case what a mutant does, and that is wrong on one of them.

    Failing with the same kind of exception on some cases counts as the same, but not on all of them.
    """
    its_outcomes = [
        run(mutant.function, case, seconds=exercise.limit_s, probe=exercise.probe)
        for case in exercise.make_cases()
    ]
    wrong = returned = False
    for its, outcome, wanted in zip(its_outcomes, tried, expected):
        if its.error is not None or outcome.error is not None:
            if type(its.error) is not type(outcome.error):
                return False
            wrong = True
        else:
            if not _agree(its.value, outcome.value, exercise.tolerance):
                return False
            returned = True
            wrong = wrong or not same(wanted.value, its.value, exercise.tolerance)
    return wrong and returned


def _agree(a, b, tolerance):
    return same(a, b, tolerance) or (a is None and b is None)


def _repeats(exercise, answer, names, first):
    """Tell whether the first case gives the same once more, with other random numbers to draw from."""
    if not first.returned:
        return True
    case = exercise.make_cases()[0]
    with left_as_found():
        random.seed("other numbers")
        np.random.seed(12345)  # noqa: NPY002 - the numbers that a learner may draw from
        again = run(answer, case, seconds=exercise.limit_s, probe=exercise.probe, names=names)
    same_value = identical(first.value, again.value) or same(first.value, again.value, exercise.tolerance)
    return again.returned and same_value


def _describe_value(value):
    shape = getattr(value, "shape", None)
    if shape is not None and not callable(shape):
        return f"of shape {tuple(shape)}"
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return repr(value)
    return f"a {type(value).__name__}"
