"""The figures of lesson 03: the right row over the right patch, the same lines in both panels."""

import numpy as np
import pytest

from helpers.show.attention import cost_and_time, looks_from, saturation

PHOTO = np.full((8, 12, 3), 0.5, "float32")  # 2 × 3 patches of 4 pixels


def test_each_map_is_the_row_of_its_query_and_the_patch_is_outlined():
    weights = np.arange(36.0).reshape(6, 6)
    figure = looks_from(PHOTO, weights, {"first": (0, 0), "last": (1, 2)}, title="Two looks")
    photo, first, last = figure.axes[:3]
    np.testing.assert_array_equal(first.images[-1].get_array(), weights[0].reshape(2, 3))
    np.testing.assert_array_equal(last.images[-1].get_array(), weights[5].reshape(2, 3))
    assert [axes.get_title(loc="left") for axes in (first, last)] == ["first", "last"]
    assert last.patches[0].get_bbox().extents.tolist() == [8, 4, 12, 8]  # left, top, right, bottom in pixels
    assert first.patches[0].get_bbox().extents.tolist() == [0, 0, 4, 4]
    assert len(photo.patches) == 2


@pytest.mark.parametrize("shape", [(7, 7), (6, 5), (5, 5)])
def test_weights_of_no_such_grid_are_told(shape):
    with pytest.raises(ValueError, match="without the class token"):
        looks_from(PHOTO, np.ones(shape), {"first": (0, 0)})


@pytest.mark.parametrize("place", [(2, 0), (0, 3), (-1, 0)])
def test_a_query_outside_the_grid_is_told(place):
    with pytest.raises(ValueError, match="inside the grid of 2 × 3"):
        looks_from(PHOTO, np.ones((6, 6)), {"here": place})


def test_saturation_draws_both_groups_alike():
    largest, slopes = {"a": [0.2, 0.9], "b": [0.1, 0.1]}, {"b": [0.9, 0.9], "a": [0.8, 0.2]}
    left, right = saturation([4, 64], largest, slopes).axes
    for axes, group in ((left, largest), (right, slopes)):
        assert [line.get_label() for line in axes.lines] == ["a", "b"]
        for line in axes.lines:
            np.testing.assert_array_equal(line.get_xdata(), [4, 64])
            np.testing.assert_array_equal(line.get_ydata(), group[line.get_label()])
    assert [line.get_color() for line in left.lines] == [line.get_color() for line in right.lines]


def test_cost_is_drawn_in_billions_and_time_as_it_is():
    left, right = cost_and_time([64, 128], {"pairs": [1e9, 4e9]}, {"pairs": [3.0, 7.0]}).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [1, 4])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [3, 7])
    assert "ms" in right.get_ylabel()


def test_lines_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="same names"):
        cost_and_time([1, 2], {"pairs": [1, 2]}, {"projections": [1, 2]})
    with pytest.raises(ValueError, match="'a' has 1 values for 2 positions"):
        saturation([4, 64], {"a": [0.5]}, {"a": [0.5]})
