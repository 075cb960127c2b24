"""Steps that an answer may take too many, or forget: a root, a softmax, an axis turned round."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Step:
    """Something done to an array.

    Attributes:
        words: a noun, such as "the square root".
        function: from array to array; None where it cannot be done.
        turned: a clause for a step that undoes itself, and so is neither too many nor missing; else "".
        can_be_missing: whether an answer may have forgotten it.
    """

    words: str
    function: Callable
    turned: str = ""
    can_be_missing: bool = True


def _when(condition, function):
    return lambda x: function(x) if condition(x) else None


def _not_negative(x):
    return (x >= 0).all()


ROOT_OR_SQUARE = "a root is missing, or a square is one too many"
PLAIN_STEPS = (
    Step("turning every sign", lambda x: -x, "every sign is turned round", False),
    Step("the absolute value", np.abs),
    Step("setting to 0 what is below 0", lambda x: np.maximum(x, 0)),
    Step("cutting off what lies outside 0 to 1", lambda x: np.clip(x, 0, 1)),
    Step("1 minus it", lambda x: 1 - x, "it is 1 minus what is expected", False),
    Step("1 divided by it", lambda x: 1 / x, "it is upside down, 1 divided by what is expected", False),
    Step("the square root", _when(_not_negative, np.sqrt)),
    Step("squaring", np.square, f"it is the square of what is expected: {ROOT_OR_SQUARE}"),
    Step("the exponential", np.exp),
    Step("the natural logarithm", _when(_not_negative, np.log)),
    Step("rounding down", np.floor),
    Step("rounding up", np.ceil),
    Step("rounding", np.rint),
)
ALL_AXES_STEPS = (
    Step("scaling everything to the sum 1", lambda x: x / x.sum()),
    Step("dividing everything by its maximum", lambda x: x / x.max()),
    Step("a softmax over everything at once", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
    Step("subtracting the mean of everything", lambda x: x - x.mean()),
    Step("the mean of everything", np.mean),
    Step("the sum of everything", np.sum),
)


def exchange_axes(i, j):
    """Give the step that exchanges two axes."""
    turned = f"axes {i} and {j} have changed places"
    return Step(f"exchanging axes {i} and {j}", lambda x: np.swapaxes(x, i, j), turned, False)


def joint(i, j):
    """List the steps that take two axes at once."""
    return (
        Step(f"the mean over axes {i} and {j}", lambda x: x.mean(axis=(i, j))),
        Step(f"the sum over axes {i} and {j}", lambda x: x.sum(axis=(i, j))),
        Step(
            f"reading axes {i} and {j} in the other order before the last reshape",
            lambda x: np.swapaxes(x, i, j).reshape(x.shape),
        ),
    )


def along(axis):
    """List the steps that run along one axis."""
    name = f"axis {axis}"

    def softmax(x):
        exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
        return exponentials / exponentials.sum(axis=axis, keepdims=True)

    def over(function):
        return lambda x: x / function(x, axis=axis, keepdims=True)

    def length(x, **options):
        return np.sqrt((x**2).sum(**options))

    def first_for_all(x):
        return np.broadcast_to(np.take(x, [0], axis=axis), x.shape)

    def mean_for_all(x):
        return np.broadcast_to(x.mean(axis=axis, keepdims=True), x.shape)

    return (
        Step(f"a softmax over {name}", softmax),
        Step(f"dividing by its sum over {name}", over(np.sum)),
        Step(f"dividing by its maximum over {name}", over(np.max)),
        Step(f"dividing by its length over {name}", over(length)),
        Step(f"subtracting its mean over {name}", lambda x: x - x.mean(axis=axis, keepdims=True)),
        Step(f"a running sum along {name}", lambda x: np.cumsum(x, axis=axis)),
        Step(f"sorting along {name}", lambda x: np.sort(x, axis=axis)),
        Step(f"turning {name}", lambda x: np.flip(x, axis), f"{name} runs the other way round", False),
        Step(f"a shift on by one along {name}", lambda x: np.roll(x, 1, axis=axis), "", False),
        Step(f"a shift back by one along {name}", lambda x: np.roll(x, -1, axis=axis), "", False),
        Step(f"the mean over {name}", lambda x: x.mean(axis=axis)),
        Step(f"the sum over {name}", lambda x: x.sum(axis=axis)),
        Step(f"the maximum over {name}", lambda x: x.max(axis=axis)),
        Step(f"taking the first entry of {name} alone", lambda x: np.take(x, 0, axis=axis)),
        Step(f"taking the last entry of {name} alone", lambda x: np.take(x, -1, axis=axis)),
        Step(f"leaving out the first entry of {name}", lambda x: np.delete(x, 0, axis=axis)),
        Step(f"leaving out the last entry of {name}", lambda x: np.delete(x, -1, axis=axis)),
        Step(f"copying the first entry of {name} over the others", first_for_all, "", False),
        Step(f"the mean over {name} in the place of each entry", mean_for_all, "", False),
    )
