"""The figures of lesson 06: the right map over the right image, every head where it belongs, sorted lines."""

import numpy as np
import pytest

from helpers.show.attention_maps import heads_by_layer, maps_over_images, sorted_heads

PHOTOS = np.full((2, 8, 12, 3), 0.5, "float32")  # 2 × 3 patches of 4 pixels


def test_each_map_lies_over_its_image():
    first, last = np.arange(12.0).reshape(2, 2, 3), np.arange(12.0, 24.0).reshape(2, 2, 3)
    figure = maps_over_images(PHOTOS, {"layer 1": first, "layer 4": last}, titles=["ring", "star"])
    panels = figure.axes[:6]
    for index in range(2):
        image, left, right = panels[3 * index : 3 * index + 3]
        assert image.get_title(loc="center") == ["ring", "star"][index]
        np.testing.assert_array_equal(left.images[-1].get_array(), first[index])
        np.testing.assert_array_equal(right.images[-1].get_array(), last[index])
        assert right.images[-1].get_extent() == [0, 12, 8, 0]
    assert [axes.get_title(loc="center") for axes in panels[1:3]] == ["layer 1", "layer 4"]


def test_a_map_has_its_own_scale_and_says_its_largest_value():
    faint = np.full((2, 2, 3), 0.002)
    faint[0, 1, 1] = 0.01
    axes = maps_over_images(PHOTOS, {"faint": faint}).axes[1]
    assert axes.images[-1].get_clim() == (0, 0.01)
    assert axes.get_xlabel() == "max 0.01"


def test_maps_that_do_not_belong_to_the_images_are_told():
    with pytest.raises(ValueError, match="received none"):
        maps_over_images(PHOTOS, {})
    with pytest.raises(ValueError, match="one map for each of 2 images"):
        maps_over_images(PHOTOS, {"one": np.ones((1, 2, 3))})
    with pytest.raises(ValueError, match="0 or more"):
        maps_over_images(PHOTOS, {"signed": -np.ones((2, 2, 3))})
    with pytest.raises(ValueError, match="0 or more"):
        maps_over_images(PHOTOS, {"holes": np.full((2, 2, 3), np.nan)})


def test_every_head_is_a_dot_above_its_layer():
    axes = heads_by_layer([[1, 3], [4, np.nan], [5, 7]], "entropy (nats)", yardsticks={"even": 4.2}).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2], [2, 4], [3, 6]])
    dots = axes.collections[0].get_offsets()
    assert np.ma.getmaskarray(dots).any(axis=1).tolist() == [False, False, False, True, False, False]
    np.testing.assert_array_equal(
        np.ma.filled(dots, 0)[[0, 1, 2, 4, 5]], [[1, 1], [1, 3], [2, 4], [3, 5], [3, 7]]
    )
    assert axes.lines[1].get_label() == "even" and set(axes.lines[1].get_ydata()) == {4.2}


def test_the_two_lowest_and_two_highest_layers_are_drawn_sorted():
    distances = np.array([[3, 1, 2], [6, 5, 4], [0, 0, 0], [7, 9, 8], [12, 10, 11]], "float64")
    figure = sorted_heads({"small": distances, "large": 2 * distances}, {"small": 16.5, "large": 33})
    for axes, factor in zip(figure.axes, (1, 2), strict=True):
        lines = axes.lines[:4]
        assert [line.get_label() for line in lines] == ["layer 1", "layer 2", "layer 4", "layer 5"]
        for line, start in zip(lines, (1, 4, 7, 10), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), factor * np.arange(start, start + 3))
        assert set(axes.lines[4].get_ydata()) == {16.5 * factor}


def test_a_model_without_yardstick_or_layers_is_told():
    with pytest.raises(ValueError, match="none for 'small'"):
        sorted_heads({"small": np.ones((4, 2))}, {"large": 16.5})
    with pytest.raises(ValueError, match="'small' has 3"):
        sorted_heads({"small": np.ones((3, 2))}, {"small": 16.5})
    with pytest.raises(ValueError, match="received none"):
        sorted_heads({}, {})
