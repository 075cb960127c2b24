"""Run a learner's function on one case, and keep what came of it as plain arrays that nobody else holds."""

import warnings
from dataclasses import dataclass
from typing import Any

from helpers.course.forms import form_of
from helpers.course.limits import TimeUp, call_within, left_as_found, memory_limit
from helpers.course.snapshots import identical, is_array, snapshot


@dataclass(frozen=True)
class Outcome:
    """What came of a call: `value` (None, arrays, Group or Unusable), or `error`, or neither in time."""

    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    is_input: bool = False  # it handed one of its arguments back
    changed: tuple = ()  # names of the arguments that it changed in place
    form: Any = None  # what kind of numbers it returned

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
        is_input = any(answer is value for value in arguments.values() if is_array(value))
        form = form_of(answer)
        if probe is not None and answer is not None:
            answer = probe(answer, *case.args, **case.kwargs)
        value = snapshot(answer)
        after = {name: snapshot(argument) for name, argument in arguments.items()}
        changed = tuple(name for name in before if not identical(before[name], after[name]))
        return Outcome(value=value, is_input=is_input, changed=changed, form=form)

    try:
        with left_as_found(), memory_limit():
            return call_within(seconds, call)
    except TimeUp:
        return Outcome(timed_out=True)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, GeneratorExit and whatever else a learner's code may raise
        return Outcome(error=error)


def run_trusted(function, case, probe=None):
    """Call a function of the course's own on a case: no limits, and so much faster."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = function(*case.args, **case.kwargs)
            if probe is not None:
                answer = probe(answer, *case.args, **case.kwargs)
            return Outcome(value=snapshot(answer))
    except Exception as error:
        return Outcome(error=error)


def _named_arguments(case, names):
    names = [*names, *(f"argument {n + 1}" for n in range(len(names), len(case.args)))]
    return dict(zip(names, case.args)) | case.kwargs
