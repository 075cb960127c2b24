"""What an answer returned, copied into arrays; and read as it was meant."""

import fractions

import numpy as np
import pytest

from helpers.course.fitting import fit, same
from helpers.course.snapshots import Group, Unusable, identical, snapshot


def read(value, like):
    """Read a value in the form of another."""
    return fit(snapshot(value), snapshot(like))


def test_what_is_copied():
    assert isinstance(snapshot({"a": (1, [2.0])}), Group)
    assert isinstance(snapshot(np.array([None])), Unusable)
    assert identical(snapshot(np.array([np.nan, 1.0])), snapshot(np.array([np.nan, 1.0])))
    assert not identical(snapshot(np.zeros(3)), snapshot(np.zeros(4)))
    assert not identical(snapshot([1, 2]), snapshot([1, 3]))


def test_what_is_masked_is_not_there():
    masked = np.ma.masked_equal([1.0, 2.0, 3.0], 2.0)
    np.testing.assert_array_equal(snapshot(masked), [1, np.nan, 3])
    assert type(snapshot(np.ma.array([1.0, 2.0]))) is np.ndarray


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        {"red": 1, "green": 2, "blue": 3},
        [np.float32(1), 2, fractions.Fraction(3)],
        np.array([1, 2, 3], dtype=object),
        range(1, 4),
        map(float, "123"),
        {"a": 1, "b": 2, "c": 3}.values(),
        np.ma.array([1.0, 2.0, 3.0]),
        np.array([1, 2, 3]) + 0j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_three_numbers_are_three_numbers(value):
    assert same(np.array([1.0, 2.0, 3.0]), read(value, np.zeros(3)), 1e-6)


def test_rows_that_differ_in_length_are_no_array():
    assert isinstance(read([[1, 2], [3]], np.zeros((2, 2))), Group)


def test_one_number_may_be_an_array_of_one():
    for value in (6, 6.0, np.array([6]), [[6]], (6,)):
        assert same(np.array(6), read(value, 6), 1e-6)
    assert read([6, 6], 6).shape == (2,)


def test_whole_numbers_must_be_whole_whatever_the_tolerance():
    assert same(np.array(10**8), np.array(1e8), 0.1)
    assert not same(np.array(10**8), np.array(1e8 + 1), 0.1)
    assert same(np.array([True, False]), np.array([1.0, 0.0]), 0.1)


def test_parts_are_taken_in_order_and_those_of_a_dict_by_name():
    pair = (np.zeros(2), np.ones(3))
    assert same(snapshot(pair), read([np.zeros(2), [1, 1, 1]], pair), 1e-6)
    assert same(snapshot({"a": 1, "b": 2}), read({"b": 2, "a": 1}, {"a": 1, "b": 2}), 1e-6)
    assert same(snapshot({"a": 1, "b": 2}), read((1, 2), {"a": 1, "b": 2}), 1e-6)
    assert same(snapshot((1, 2)), read(np.array([1, 2]), (1, 2)), 1e-6)


def test_an_array_with_as_many_rows_as_parts_is_not_cut_where_the_rows_do_not_fit():
    array = np.zeros((2, 3))
    assert read(array, (np.zeros((2, 3)), 0.0)).shape == (2, 3)
