"""A law that every right result keeps and a wrong one breaks is named; no law is named for a right one."""

import numpy as np
import pytest

from helpers.course.invariants import broken_invariant

SHARES = [np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.1, 0.2, 0.7]])]
SYMMETRIC = [np.array([[3.0, -1, 4], [-1, 5, -9], [4, -9, 2]])]
HOLLOW = [np.array([[0.0, -1, 4], [-3, 0, -9], [4, -8, 0]])]
CENTRED = [np.array([[1.0, -1], [-3, 3]])]
COUNTS = [np.array([1, 2, 30])]
FREE = [np.array([[3.0, -1], [2, 5]])]

BROKEN = {
    "negative": (SHARES, [np.array([[-0.25, 1.25], [0.5, 0.5]]), SHARES[1]], "below 0, and it has -0.25"),
    "sums to 1": (
        SHARES,
        [SHARES[0], np.array([[0.2, 0.2, 0.7]])],
        "to 1 along axis -1, and these to 1.1",
    ),
    "sums to 0": (CENTRED, [np.array([[2.0, -1], [-3, 3]])], "sum to 0 along axis -1, and these to 1"),
    "above 1": ([np.array([0.2, 0.9])], [np.array([0.2, 4.5])], "between 0 and 1, and it has 4.5"),
    "diagonal": (HOLLOW, [HOLLOW[0] + 7 * np.eye(3)], "diagonal is 0 everywhere, and this one holds 7"),
    "symmetry": (SYMMETRIC, [np.triu(SYMMETRIC[0])], "symmetric, its entry [i, j] the same as [j, i]"),
    "whole": (COUNTS, [np.array([1, 2, 30.5])], "whole numbers, and it has 30.5"),
}


@pytest.mark.parametrize("law", BROKEN)
def test_the_law_that_is_broken_is_named(law):
    expected, found, words = BROKEN[law]
    assert words in broken_invariant(expected, found, 1e-4)


@pytest.mark.parametrize("right", [SHARES, SYMMETRIC, HOLLOW, CENTRED, COUNTS, FREE])
def test_what_keeps_every_law_breaks_none(right):
    assert broken_invariant(right, right, 1e-4) == ""


SILENT = {
    "no law to break": (FREE, [-FREE[0]]),
    "the law holds in one right result alone": ([SHARES[0], FREE[0]], [SHARES[0] - 1, FREE[0]]),
    "an error of rounding": (SHARES, [SHARES[0] + 1e-8, SHARES[1]]),
    "one number": ([np.array(3)], [np.array(-3.5)]),
    "another shape": (SHARES, [SHARES[0][0], SHARES[1]]),
    "NaN": (SHARES, [SHARES[0] * np.nan, SHARES[1]]),
    "text": ([np.array(["a", "b"])], [np.array(["b", "c"])]),
    "zeros have no sum": ([np.zeros((2, 3))], [np.ones((2, 3)) * 0.5]),
}


@pytest.mark.parametrize("why", SILENT)
def test_nothing_is_said_where_no_law_speaks(why):
    expected, found = SILENT[why]
    assert broken_invariant(expected, found, 1e-4) == ""


def shares(values, scale=2.0):
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def test_a_wrong_answer_is_told_the_law_and_the_smallest_case(own):
    """A softmax whose last row is a little off keeps no relation to the right one."""

    def a_little_off(values, scale=2.0):
        result = shares(values)
        result[-1] = result[-1] ** 1.3 + 0.01
        return result

    said = own(a_little_off, reference=f"{__name__}:shares")[1]
    assert "the right values sum to 1 along axis -1, and these to" in said and "mallest case" in said
