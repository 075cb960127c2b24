"""Right for other arguments: an answer that does not use one of them, or takes two for each other."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from helpers.course.exercise import Case
from helpers.course.words import named_arguments


@dataclass(frozen=True)
class Slip:
    """A way to misread arguments: `words` follow "it gives what is right if …"."""

    words: str
    change: Callable  # from dict of arguments to dict of arguments, or None where it cannot be done


def slips_for(cases, names, defaults):
    """List the ways in which the arguments of these calls may be misread.

    Args:
        cases: list of Case.
        names: list of str, the parameters in their order.
        defaults: dict from name to default value.
    Returns:
        list of Slip.
    """
    calls = [dict(named_arguments(case, names)) for case in cases]
    slips = []
    for name in names:
        values = [call[name] for call in calls if name in call]
        if not values:
            continue
        plain = [value for value in values if isinstance(value, bool | int | float | str)]
        if len(plain) == len(values):
            options = {repr(value): value for value in [*plain, defaults.get(name, plain[0])]}
            slips += [_always(name, value) for value in options.values() if value is not None]
        if any(isinstance(value, np.ndarray) for value in values) and defaults.get(name, 0) is None:
            slips.append(_always(name, None))
        if all(isinstance(value, tuple) and len(value) > 1 for value in values):
            slips.append(
                Slip(
                    f"the numbers of `{name}` stood in the other order",
                    _with(name, lambda x: tuple(reversed(x))),
                )
            )
        if all(isinstance(value, np.ndarray) and value.ndim > 1 for value in values):
            slips.append(
                Slip(
                    f"the last two axes of `{name}` had changed places",
                    _with(name, lambda x: np.swapaxes(x, -1, -2).copy()),
                )
            )
        if all(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in values):
            slips.append(Slip(f"`{name}` had all its signs turned", _with(name, np.negative)))
    for one, other in combinations(names, 2):
        pairs = [(call[one], call[other]) for call in calls if one in call and other in call]
        if len(pairs) == len(calls) and all(_interchangeable(a, b) for a, b in pairs):
            slips.append(Slip(f"`{one}` and `{other}` had changed places", _exchanged(one, other)))
    return slips


def changed_case(case, names, slip):
    """Misread the arguments of a call; None where that cannot be done."""
    arguments = slip.change(dict(named_arguments(case, names)))
    if arguments is None:
        return None
    positional = names[: len(case.args)]
    return Case(*(arguments.pop(name) for name in positional), **arguments)


def _interchangeable(a, b):
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape
    return type(a) is type(b) and isinstance(a, int | float | list)


def _always(name, value):
    return Slip(f"`{name}` were always {value!r}", _with(name, lambda _: value))


def _with(name, change):
    """Change one argument of a call, where it is given."""
    return lambda call: call | {name: change(call[name])} if name in call else call


def _exchanged(one, other):
    return lambda call: call | {one: call[other], other: call[one]}
