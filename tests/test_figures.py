"""Figures: the tests read the data in a figure; one looks at pixels: the background is opaque and light."""

import base64
import io

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from skimage import data

from helpers.show import figures, style


@pytest.fixture(scope="module")
def cat():
    return (data.chelsea()[:224, 75:299] / 255).astype("float32")


def test_show_sends_a_picture_with_its_description(notebook):
    figures.show(figures.bars([1, 2], ["a", "b"]), alt=" Two bars. ")
    [(bundle, options)] = notebook
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["text/plain"] == "Two bars."
    assert options["raw"] is True
    assert options["metadata"]["image/png"]["alt"] == "Two bars."
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert options["metadata"]["image/png"]["width"] == round(picture.width * 96 / 120)


def test_the_background_is_opaque_and_light(notebook):
    figures.show(figures.curves({"a": [1, 2]}), alt="A line.")
    picture = Image.open(io.BytesIO(base64.b64decode(notebook[0][0]["image/png"]))).convert("RGBA")
    assert picture.getpixel((0, 0)) == (255, 255, 255, 255)


def test_the_same_figure_gives_the_same_bytes():
    first, second = (style.figure_png(figures.bars([1, 2], ["a", "b"]))[0] for _ in range(2))
    assert first == second
    assert b"Software" not in first


def test_show_closes_a_pyplot_figure(notebook):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    fig = pyplot.figure()
    figures.show(fig, alt="Nothing yet.")
    assert not pyplot.fignum_exists(fig.number)


def test_outside_a_notebook_show_prints_the_description(capsys):
    figures.show(figures.bars([1], ["a"]), alt="One bar.")
    assert capsys.readouterr().out == "One bar.\n"


def test_show_wants_a_figure_and_a_description():
    with pytest.raises(ValueError, match="expects a matplotlib Figure, got list"):
        figures.show([], alt="x")
    with pytest.raises(ValueError, match="needs a description"):
        figures.show(Figure(), alt="  ")


def test_a_figure_leaves_the_session_as_it_was(cat):
    before = dict(matplotlib.rcParams)
    figures.overlay(cat, np.ones((14, 14)))
    assert dict(matplotlib.rcParams) == before


def test_image_grid_draws_each_image_once(cat):
    fig = figures.image_grid([cat, cat[::-1], cat], ["a", "b", "c"], columns=2, title="Cats")
    assert len(fig.axes) == 3
    np.testing.assert_array_equal(fig.axes[1].images[0].get_array(), cat[::-1])
    assert [axes.get_title() for axes in fig.axes] == ["a", "b", "c"]
    assert fig.get_suptitle() == "Cats"


def test_images_may_be_bytes_or_grey():
    image = np.arange(16, dtype="uint8").reshape(4, 4) * 17
    drawn = figures.image_grid([image]).axes[0].images[0].get_array()
    assert drawn.shape == (4, 4, 3)
    np.testing.assert_allclose(drawn[..., 2], image / 255, atol=1e-7)


def test_patch_grid_pulls_the_patches_apart(cat):
    fig = figures.patch_grid(cat, 32)
    canvas = fig.axes[1].images[0].get_array()
    gap = 6  # a fifth of the patch
    assert canvas.shape == (7 * 32 + 6 * gap, 7 * 32 + 6 * gap, 3)
    row, column = 2, 5
    top, left = row * (32 + gap), column * (32 + gap)
    np.testing.assert_array_equal(canvas[top : top + 32, left : left + 32], cat[64:96, 160:192])
    assert (canvas[32 : 32 + gap] == 1).all()
    assert len(fig.axes[0].lines) == 2 * (8 + 8)  # 8 borders each way, drawn twice: dark under white


def test_patch_grid_of_an_oblong_image(cat):
    fig = figures.patch_grid(cat[:64], 32)
    assert "2 × 7 = 14 patches" in fig.axes[1].get_title(loc="left")


def test_patch_sequence_numbers_the_patches():
    patches = np.random.default_rng(0).random((10, 4 * 4 * 3))
    fig = figures.patch_sequence(patches, 4, columns=4, limit=6, start=2)
    axes = fig.axes[0]
    assert [text.get_text() for text in axes.texts] == ["2", "3", "4", "5", "6", "7"]
    np.testing.assert_allclose(axes.images[0].get_array(), patches[2].reshape(4, 4, 3), atol=1e-6)
    assert "10 patches" in axes.get_title(loc="left") and "2 to 7 drawn" in axes.get_title(loc="left")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda cat: figures.image_grid(cat), r"pass images\[None\]"),
        (lambda cat: figures.image_grid([]), "nothing to draw"),
        (lambda cat: figures.image_grid([cat], ["a", "b"]), "one for each item, got 2"),
        (lambda cat: figures.image_grid([cat], columns=0), "columns must be 1 or more"),
        (
            lambda cat: figures.image_grid([cat[..., :2]]),
            r"must be \(height, width, 3\), got \(224, 224, 2\)",
        ),
        (lambda cat: figures.image_grid([cat * 255]), "Divide by 255"),
        (lambda cat: figures.image_grid([cat * np.nan]), r"values in \[0, 1\]"),
        (lambda cat: figures.patch_grid(cat[None], 16), "For a batch pass one image"),
        (lambda cat: figures.patch_grid(cat, 15), "patches of 15 pixels do not tile an image of 224 × 224"),
        (lambda cat: figures.patch_sequence(np.ones((3, 5)), 4), "= 48"),
        (lambda cat: figures.patch_sequence(np.ones((2, 3, 48)), 4), r"patches\[0\]"),
        (lambda cat: figures.patch_sequence(np.ones((3, 48)), 4, start=3), "0 to 2, got 3"),
    ],
)
def test_wrong_images_are_refused(cat, call, message):
    with pytest.raises(ValueError, match=message):
        call(cat)


def test_overlay_keeps_the_values_and_covers_the_image(cat):
    attention = np.random.default_rng(0).random((14, 14))
    fig = figures.overlay(cat, attention, title="Here")
    photo, panel = fig.axes[:2]
    np.testing.assert_array_equal(photo.images[0].get_array(), cat)
    drawn = panel.images[-1]
    np.testing.assert_array_equal(drawn.get_array(), attention)
    assert drawn.get_extent() == [0, 224, 224, 0] == panel.images[0].get_extent()
    assert drawn.get_clim() == (0, attention.max())
    assert fig.axes[-1].get_ylabel() == "attention weight"  # the colour bar
    assert drawn.cmap.name == "cividis"


def test_overlay_of_several_maps_shares_one_scale_or_gives_each_its_own(cat):
    maps = {"Layer 1": np.full((7, 7), 0.1), "Layer 12": np.full((7, 7), 0.4)}
    shared = figures.overlay(cat, maps, smooth=False)
    assert [axes.images[-1].get_clim()[1] for axes in shared.axes[1:3]] == [0.4, 0.4]
    assert [axes.get_title(loc="left") for axes in shared.axes[:3]] == ["Image", "Layer 1", "Layer 12"]
    own = figures.overlay(cat, maps, shared_scale=False, show_image=False)
    assert [axes.images[-1].get_clim()[1] for axes in own.axes[:2]] == [0.1, 0.4]
    assert len(own.axes) == 4  # two maps, two colour bars


def test_overlay_smooths_or_draws_squares(cat):
    attention = np.eye(7)
    assert figures.overlay(cat, attention).axes[1].images[-1].get_interpolation() == "bicubic"
    assert figures.overlay(cat, attention, smooth=False).axes[1].images[-1].get_interpolation() == "nearest"


def test_overlay_of_nothing_but_zeros_has_a_scale(cat):
    assert figures.overlay(cat, np.zeros((7, 7))).axes[1].images[-1].get_clim() == (0, 1)


def test_head_grid_draws_a_row_a_layer():
    attention = np.random.default_rng(0).random((2, 3, 4, 4))
    fig = figures.head_grid(attention)
    np.testing.assert_array_equal(fig.axes[4].images[0].get_array(), attention[1, 1])
    assert [axes.get_title() for axes in fig.axes[:3]] == ["Head 1", "Head 2", "Head 3"]
    assert fig.axes[3].get_ylabel() == "Layer 2"
    assert fig.axes[4].images[0].get_clim() == (0, attention[1, 1].max())
    assert fig.axes[4].get_xlabel() == f"max {attention[1, 1].max():.2g}"
    shared = figures.head_grid(attention[0], shared_scale=True)
    assert {axes.images[0].get_clim()[1] for axes in shared.axes[:3]} == {attention[0].max()}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda cat: figures.overlay(cat, np.ones(196)), "2 non-empty axes"),
        (lambda cat: figures.overlay(cat, np.ones((1, 197))), "Drop the class token"),
        (lambda cat: figures.overlay(cat, -np.ones((7, 7))), "signed=True"),
        (lambda cat: figures.overlay(cat, {}), "nothing to lay over"),
        (lambda cat: figures.head_grid(np.ones((3, 4))), "4 non-empty axes"),
        (lambda cat: figures.head_grid(-np.ones((3, 4, 4))), "after the softmax"),
    ],
)
def test_wrong_maps_are_refused(cat, call, message):
    with pytest.raises(ValueError, match=message):
        call(cat)


def test_heatmap_of_sizes_has_zero_in_its_scale():
    matrix = np.array([[2.0, 3.0], [4.0, 8.0]])
    fig = figures.heatmap(matrix, "Title", "x", "y", unit="bits", x_start=1)
    drawn = fig.axes[0].images[0]
    np.testing.assert_array_equal(drawn.get_array(), matrix)
    assert drawn.get_clim() == (0, 8) and drawn.cmap.name == "viridis"
    assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("x", "y")
    assert fig.axes[1].get_ylabel() == "bits"
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["1", "2"]
    assert [text.get_text() for text in fig.axes[0].texts] == ["2", "3", "4", "8"]


def test_heatmap_of_signs_is_white_at_zero():
    drawn = figures.heatmap([[-1.0, 4.0]], "t", "x", "y", signed=True).axes[0].images[0]
    assert drawn.get_clim() == (-4, 4)
    np.testing.assert_allclose(drawn.cmap(drawn.norm(0.0))[:3], 1, atol=0.05)


def test_heatmap_ticks_stay_readable_for_many_rows():
    fig = figures.heatmap(np.ones((65, 197)), "t", "x", "y", x_start=1)
    labels = [label.get_text() for label in fig.axes[0].get_xticklabels()]
    assert labels == ["1", *map(str, range(20, 198, 20))]
    assert not fig.axes[0].texts
    assert len(fig.axes[0].get_yticks()) <= 15


def test_heatmap_leaves_nan_empty():
    fig = figures.heatmap([[np.nan, 1.0]], "t", "x", "y")
    assert [text.get_text() for text in fig.axes[0].texts] == ["1"]
    assert figures.heatmap([[np.nan]], "t", "x", "y").axes[0].images[0].get_clim() == (0, 1)


def test_heatmap_of_negative_sizes_ends_at_zero():
    assert figures.heatmap([[-2.0, -1.0]], "t", "x", "y").axes[0].images[0].get_clim() == (-2, 0)


def test_confusion_shows_the_share_of_each_true_class():
    fig = figures.confusion([[3, 1], [0, 10]], ["cat", "dog"])
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), [[75, 25], [0, 100]])
    assert [text.get_text() for text in fig.axes[0].texts] == ["75", "25", "0", "100"]
    assert fig.axes[0].get_ylabel() == "true class"


def test_confusion_of_a_class_without_examples_is_an_empty_row():
    fig = figures.confusion([[0, 0], [1, 1]], ["cat", "dog"])
    assert np.isnan(np.asarray(fig.axes[0].images[0].get_array().filled(np.nan))[0]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.heatmap(np.ones(3), "t", "x", "y"), r"2 non-empty axes, got shape \(3,\)"),
        (lambda: figures.heatmap([[np.inf]], "t", "x", "y"), "infinite"),
        (lambda: figures.heatmap([[1.0]], "t", "x", "y", limits=(1, 1)), "lowest < highest"),
        (lambda: figures.heatmap([[1.0]], "t", "x", "y", signed=True, limits=(0, 1)), r"must be \(-v, v\)"),
        (lambda: figures.heatmap([[1.0]], "t", "x", "y", x_names=["a", "b"]), "x_names must hold 1 names"),
        (lambda: figures.confusion(np.ones((2, 3)), ["a", "b"]), "must be square"),
        (lambda: figures.confusion(-np.ones((2, 2)), ["a", "b"]), "0 or more"),
        (lambda: figures.confusion(np.ones((2, 2)), ["a"]), "class_names must hold 2 names"),
    ],
)
def test_wrong_matrices_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bars_hold_the_values_and_write_them():
    fig = figures.bars([1.5, -2.25], ["a", "b"], "Title", "gain", "%")
    axes = fig.axes[0]
    assert [bar.get_height() for bar in axes.patches] == [1.5, -2.25]
    assert [text.get_text() for text in axes.texts] == ["1.5", "−2.25"]
    assert axes.get_ylabel() == "gain (%)"


def test_bars_with_long_names_lie_down():
    fig = figures.bars([1, 2], ["a rather long name", "b"], y_label="gain")
    assert [bar.get_width() for bar in fig.axes[0].patches] == [1, 2]
    assert fig.axes[0].get_xlabel() == "gain"
    assert fig.axes[0].yaxis_inverted()  # the first name stands at the top


def test_bars_highlight_one():
    colours = [bar.get_facecolor() for bar in figures.bars([1, 2, 3], "abc", highlight=1).axes[0].patches]
    assert colours[0] == colours[2] != colours[1]


def test_curves_count_from_where_they_are_told():
    fig = figures.curves(
        {"a": [1, 2, 3], "b": [3, 2]}, "t", "layer", "bits", x_start=1, bands={"a": [0.1] * 3}
    )
    lines = fig.axes[0].lines
    np.testing.assert_array_equal(lines[0].get_xydata(), [[1, 1], [2, 2], [3, 3]])
    np.testing.assert_array_equal(lines[1].get_xdata(), [1, 2])
    assert lines[0].get_color() != lines[1].get_color()
    assert lines[0].get_linestyle() != lines[1].get_linestyle()  # readable without colours too
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["a", "b"]
    assert len(fig.axes[0].collections) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.bars([[1]], ["a"]), "1 non-empty axes"),
        (lambda: figures.bars([1, 2], ["a"]), "labels must hold 2 names"),
        (lambda: figures.bars([1, 2], "ab", errors=[1]), "one number a value, 2, got 1"),
        (lambda: figures.curves({}), "series is empty"),
        (lambda: figures.curves({"a": [1, 2]}, x=[1]), "2 values for 1 positions"),
        (lambda: figures.curves({"a": [1]}, bands={"b": [1]}), r"not in series: \['b'\]"),
    ],
)
def test_wrong_series_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_few_positions_on_a_logarithmic_axis_get_a_tick_each():
    axes = figures.curves({"a": [1, 2, 3]}, x=[1, 48, 16_000], log_x=True).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "48", "16,000"]
    assert len(axes.get_xticks(minor=True)) == 0
