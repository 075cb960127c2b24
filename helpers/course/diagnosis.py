"""Say what is wrong with an answer: one of the known mistakes, or else the most telling difference."""

import inspect
from dataclasses import dataclass
from typing import Any

from helpers.course import source, trials
from helpers.course.differences import difference
from helpers.course.parameters import wrong_parameters
from helpers.course.words import a_kind, sentence

NOT_ATTEMPTED = "not attempted yet"
CORRECT = "correct"
WRONG = "wrong"
UNSTEADY = (
    "it gives another result when it is called again with the same arguments: is it random, or does it keep "
    "something from the call before?"
)


@dataclass(frozen=True)
class Verdict:
    """NOT_ATTEMPTED, CORRECT or WRONG; `words` name the mistake, and follow a colon.

    Attributes:
        forms: for a correct answer, (its form, the reference's form) on every case.
    """

    kind: str
    words: str = ""
    forms: Any = ()


def diagnose(exercise, answer, reference):
    """Try an answer on every case of an exercise.

    Args:
        exercise: Exercise.
        answer: whatever the learner handed over.
        reference: callable, the tested function.
    Returns:
        Verdict.
    Raises:
        RuntimeError: if the reference itself cannot do the cases.
    """
    if problem := _no_function(answer, reference):
        return Verdict(WRONG, problem)
    if source.is_stub(answer):
        return Verdict(NOT_ATTEMPTED)
    names = trials.parameters_of(exercise, inspect.signature(reference))
    if problem := wrong_parameters(answer, exercise.make_cases(), reference, names):
        return Verdict(WRONG, source.overwritten_name(answer) or problem)
    tried = trials.outcomes(exercise, answer, names)
    if all(outcome.returned and outcome.value is None for outcome in tried):
        return _returns_nothing(answer)
    steady = trials.repeats(exercise, answer, names, tried[0])
    # The answer has done its work before there is an expected result that it could look at.
    expected = trials.expected_outcomes(exercise, reference, names)
    compared = trials.compare(exercise, tried, expected, names)
    problem = _known_problem(exercise, compared, answer) or _misbehaviour(compared, answer)
    if problem := problem or ("" if steady else UNSTEADY):
        return Verdict(WRONG, problem)
    if all(trial.good for trial in compared):
        forms = [(a.form, b.form) for a, b in zip(tried, expected) if a.returned and b.returned]
        return Verdict(CORRECT, forms=forms)
    return Verdict(WRONG, difference(exercise, compared, reference, names))


def _no_function(answer, reference):
    if inspect.isclass(answer) and not inspect.isclass(reference):
        return f"this is the class {answer.__name__}; a function is expected."
    if inspect.isclass(reference) and not inspect.isclass(answer):
        return f"this is {a_kind(answer)}; a class is expected, without brackets after its name."
    if not callable(answer):
        return f"this is {a_kind(answer)}, not a function: pass its name, without brackets."
    return ""


def _returns_nothing(answer):
    if source.forgets_return(answer):
        return Verdict(WRONG, "it returns None. Is a `return` missing at its end?")
    if source.returns_a_value(answer):
        advice = "What works in place, as `np.fill_diagonal` does, returns nothing itself."
        return Verdict(WRONG, f"it returns None. {advice}")
    return Verdict(NOT_ATTEMPTED)


def _known_problem(exercise, compared, answer):
    """Name an overwritten name, a loop without end, or the mutant that the answer is; "" if it is none."""
    if all(trial.good for trial in compared):
        return ""
    if problem := source.overwritten_name(answer):
        return problem
    if compared[-1].outcome.timed_out:
        return f"it did not come back within {exercise.limit_s:g} seconds: is there a loop without end?"
    return next((m.message for m in exercise.known_mistakes() if trials.is_mutant(exercise, m, compared)), "")


def _misbehaviour(compared, answer):
    """Say that an answer failed, changed its arguments or returned None at times; "" if it did not."""
    for trial in compared:
        outcome = trial.outcome
        if outcome.error is not None and not trial.good:
            others = "; other cases are right" if any(t.good for t in compared) else ""
            case = f" Case: {trial.call}{others}." if isinstance(outcome.error, Exception) else ""
            return sentence(source.describe_error(outcome.error, answer)) + case
        if outcome.changed:
            name = outcome.changed[0]
            return f"it changes its argument `{name}` in place: work on a copy, or on new arrays."
        if outcome.returned and outcome.value is None:
            return f"it returns None for {trial.call}: does every way through it end in a `return`?"
    return ""
