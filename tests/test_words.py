"""Numbers, arrays and calls in words: short, and two unlike ones never look alike."""

import numpy as np
import pytest

from helpers.course import words
from helpers.course.exercise import Case
from helpers.model.vit import ViTConfig


@pytest.mark.parametrize(
    "value, text",
    [(3, "3"), (3.0, "3"), (-0.0, "0"), (1 / 3, "0.3333"), (1e-9, "1e-09"), (float("nan"), "NaN")]
    + [(np.float32(0.1), "0.1"), (True, "True"), (float("-inf"), "-inf"), (22050664, "22050664")],
)
def test_a_number(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize("gap", [1e-1, 1e-4, 1e-7, 1e-10, 2e-16])
def test_two_unlike_numbers_never_look_alike(gap):
    wanted, found = 1.3862943611198906, 1.3862943611198906 + gap
    expected, received = words.pair(wanted, found)
    assert expected != received
    assert words.pair([0.5, wanted], [0.5, found], [False, True])[0].startswith("[0.5, ")


def test_only_what_is_unlike_takes_more_digits():
    assert words.pair([1 / 3, 0.5], [1 / 3, 0.25], [False, True]) == ("[0.3333, 0.5]", "[0.3333, 0.25]")


def test_a_call_is_written_out_where_it_is_short_and_else_by_its_shapes():
    names = ["a", "b"]
    case = Case(np.arange(4.0).reshape(2, 2), 4, scale=None)
    assert words.call_text(case, names) == "a [[0, 1], [2, 3]], b 4, scale None"
    assert words.call_text(Case(np.zeros((5, 7)), 4), names) == "a of shape (5, 7), b 4"
    assert words.call_text(Case(["x/bias", "kernel"]), names) == "a ['x/bias', 'kernel']"
    assert words.call_text(Case([np.zeros((2, 3))] * 3), names) == "a 3 of shape (2, 3)"


def test_a_configuration_is_written_by_what_it_sets():
    text = words.argument(ViTConfig(6, 2, 4, 3, 2, 5, 7))
    assert text == (
        "(image_size 6, patch_size 2, hidden_dim 4, depth 3, num_heads 2, mlp_dim 5, num_classes 7)"
    )


def test_the_smaller_call_is_the_one_with_fewer_then_smaller_numbers():
    assert words.size_of(Case(np.zeros(3), 9)) < words.size_of(Case(np.zeros((2, 2)), 1))
    assert words.size_of(Case((4, 4), 2)) < words.size_of(Case((224, 224), 16))


def test_a_function_says_what_it_does_if_it_was_told_so():
    def double(x):
        return 2 * x

    assert words.argument(double) == "a function"
    double.in_words = "x → 2x"
    assert words.argument(double) == "x → 2x"
