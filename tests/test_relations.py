"""What became of the right result is found in the numbers, on all cases, or not said."""

import numpy as np
import pytest

from helpers.course.relations import find_relation
from helpers.course.steps import PLAIN_STEPS

RNG = np.random.default_rng(7)
EXPECTED = [RNG.normal(size=shape) for shape in ((2, 3, 4), (1, 5, 4))]
SHARES = [np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True) for x in EXPECTED]


def relation(change, expected=EXPECTED):
    return find_relation(expected, [np.asarray(change(x)) for x in expected], 1e-5)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda x: 3 * x, "every value is 3 times what is expected"),
        (lambda x: x / 7, "every value is 1/7 of what is expected"),
        (lambda x: x + 0.25, "every value is 0.25 too large"),
        (lambda x: -x, "every sign is turned round"),
        (np.abs, "it is the right result after one step too many: the absolute value"),
        (np.square, "it is the square of what is expected"),
        (lambda x: x.swapaxes(1, 2), "axes 1 and 2 have changed places"),
        (lambda x: x[:, ::-1], "axis 1 runs the other way round"),
        (lambda x: x[None], "the numbers are right, and in the right order, but they are laid out as"),
        (lambda x: x.mean(axis=1), "it is the right result after one step too many: the mean over axis 1"),
        (lambda x: x[:, 1:], "after one step too many: leaving out the first entry of axis 1"),
        (lambda x: np.roll(x, 1, axis=2), "one step too many: a shift on by one along axis 2"),
        (np.floor, "after one step too many: rounding down"),
    ],
)
def test_a_step_too_many_or_too_few_is_named(change, words):
    assert words in relation(change)


def test_a_missing_division_is_named():
    found = [np.exp(x) for x in EXPECTED]
    assert find_relation(SHARES, found, 1e-5) == (
        "one step is missing: dividing by its sum over axis 2 would make it right"
    )
    assert find_relation(SHARES, EXPECTED, 1e-5) == (
        "one step is missing: a softmax over axis 2 would make it right"
    )


def test_a_missing_root_is_named():
    assert find_relation(SHARES, [x**2 for x in SHARES], 1e-5) == (
        "it is the square of what is expected: a root is missing, or a square is one too many"
    )


def test_axes_are_counted_from_the_end_where_cases_have_unlike_many():
    expected = [SHARES[0], SHARES[1][0]]
    found = [np.exp(EXPECTED[0]), np.exp(EXPECTED[1][0])]
    assert "dividing by its sum over axis -1" in find_relation(expected, found, 1e-5)


def test_a_factor_that_is_a_size_is_named_by_it():
    sizes = [{"`num_heads`": 3, "`other`": 5}, {"`num_heads`": 4, "`other`": 5}]
    found = [3 * EXPECTED[0], 4 * EXPECTED[1]]
    assert find_relation(EXPECTED, found, 1e-5, sizes) == (
        "every value is 3 times what is expected, `num_heads` being the factor"
    )
    found = [EXPECTED[0] / 3**0.5, EXPECTED[1] / 2]
    assert "1/√3 of what is expected, `num_heads`" in find_relation(EXPECTED, found, 1e-5, sizes)


def test_a_relation_holds_on_every_case_or_is_not_said():
    assert find_relation(EXPECTED, [3 * EXPECTED[0], 4 * EXPECTED[1]], 1e-5) == ""
    assert find_relation(EXPECTED, [EXPECTED[0] ** 2, EXPECTED[1]], 1e-5) == ""
    assert find_relation(EXPECTED, [RNG.normal(size=x.shape) for x in EXPECTED], 1e-5) == ""


def test_two_numbers_are_too_few_for_a_relation():
    assert find_relation([np.array([2.0, 3.0])], [np.array([4.0, 9.0])], 1e-5) == ""
    assert find_relation([np.array([[5, 7]]), np.array([[5, 7]])], [np.array([[7, 5]])] * 2, 1e-5) == ""


def test_nothing_is_said_of_numbers_that_are_not_finite():
    assert find_relation(EXPECTED, [np.full_like(x, np.nan) for x in EXPECTED], 1e-5) == ""


def test_every_plain_step_has_its_words_once():
    assert len({step.words for step in PLAIN_STEPS}) == len(PLAIN_STEPS)
