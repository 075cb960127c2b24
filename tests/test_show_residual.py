"""Figures of the residual stream: every line, field and square in its place, and nothing drawn in silence."""

import numpy as np
import pytest

from helpers.show.residual import branch_panels, marked_patches, receptive_fields


def test_each_panel_holds_its_lines_in_order():
    panels = {"attention": {"a": [1, 2, 4], "b": [3, 2, 1]}, "MLP": {"a": [5, 6, 7], "b": [0, 9, np.nan]}}
    figure = branch_panels(panels, title="Ratios", y_label="‖z‖ / ‖f(z)‖", even=1)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["attention", "MLP"]
    for axes, series in zip(figure.axes, panels.values()):
        for line, (name, values) in zip(axes.lines, series.items()):
            assert line.get_label() == name
            np.testing.assert_array_equal(line.get_ydata(), values)
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(
            axes.lines[2].get_ydata(), [1, 1]
        )  # what is carried equals what is added
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylabel() == "‖z‖ / ‖f(z)‖"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert figure.get_suptitle() == "Ratios"


def test_no_line_leaves_the_scale_whichever_panel_holds_the_largest():
    for last in (0.5, 90):
        figure = branch_panels({"attention": {"a": [1, 2]}, "MLP": {"a": [3, last]}})
        low, high = figure.axes[0].get_ylim()
        assert low == 0
        assert high >= max(3, last)


def test_lines_of_one_panel_differ_without_colour():
    one, other = branch_panels({"": {"a": [1, 2], "b": [2, 1]}}).axes[0].lines
    assert one.get_linestyle() != other.get_linestyle() or one.get_marker() != other.get_marker()


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ({}, "received none"),
        ({"MLP": {}}, "an empty one"),
        ({"attention": {"a": [1]}, "MLP": {"b": [1]}}, "received b in 'MLP'"),
        ({"MLP": {"a": [[1, 2]]}}, r"panels\['MLP'\]\['a'\] must have 1"),
    ],
)
def test_panels_that_cannot_be_drawn(panels, message):
    with pytest.raises(ValueError, match=message):
        branch_panels(panels)


def test_fields_stand_row_by_row_each_on_its_own_scale():
    even, one = np.full((32, 32), 5.0), np.zeros((32, 32))
    one[7, 9] = 0.25
    figure = receptive_fields(
        {"ViT": [even, one], "ResNet": [one, even]}, ["block 1", "block 9"], title="Fields"
    )
    expected = [even / 5, one * 4, one * 4, even / 5]
    for axes, field in zip(figure.axes, expected, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), field)
        assert axes.images[0].get_clim() == (0, 1)
    # sqrt((32² − 1) / 6) = 13.06 for an even field, 0 for one pixel
    below = ["radius 13.1 px", "radius 0.0 px", "radius 0.0 px", "radius 13.1 px"]
    assert [axes.get_xlabel() for axes in figure.axes] == below
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["block 1", "block 9", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["ViT", "", "ResNet", ""]


def test_a_field_of_nothing_says_so():
    axes = receptive_fields({"ViT": np.zeros((1, 4, 4))}, [0]).axes[0]
    assert axes.get_xlabel() == "nothing"
    assert not axes.images[0].get_array().any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "received none"),
        ({"ViT": np.ones((3, 4, 4))}, "depths must hold 3 names"),
        ({"ViT": np.ones((4, 4))}, "must have 3 non-empty axes"),
        ({"ViT": -np.ones((2, 4, 4))}, "0 or more"),
    ],
)
def test_fields_that_cannot_be_drawn(fields, message):
    with pytest.raises(ValueError, match=message):
        receptive_fields(fields, [1, 2])


def test_the_square_lies_round_its_patch():
    images = np.random.default_rng(0).random((3, 8, 12, 3))
    figure = marked_patches(images, [0, 4, 5], 4, columns=2, title="Best")
    drawn = [axes for axes in figure.axes if axes.images]
    # two rows of three patches: patch 4 is row 1, column 1; patch 5 row 1, column 2
    for axes, image, corner in zip(drawn, images, [(-0.5, -0.5), (3.5, 3.5), (7.5, 3.5)], strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), image, atol=1e-6)
        dark, light = axes.patches
        assert {square.get_xy() for square in (dark, light)} == {corner}
        assert {(square.get_width(), square.get_height()) for square in (dark, light)} == {(4, 4)}
        assert dark.get_linewidth() > light.get_linewidth()
    assert figure.get_suptitle() == "Best"


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        ([0], "one patch for each of 2"),
        ([0, 4], "from 0 to 3, .* received 4"),
        ([0, -1], "received -1"),
        ([0.0, 1.0], "float"),
    ],
)
def test_patches_that_are_not_there(patches, message):
    with pytest.raises(ValueError, match=message):
        marked_patches(np.zeros((2, 8, 8, 3)), patches, 4)
