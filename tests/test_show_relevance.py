"""Signed maps: every value in its place, zero in the middle of every scale."""

import numpy as np
import pytest

from helpers.show.relevance import relevance_maps
from helpers.show.style import SIGN_COLOURS

IMAGE = np.random.default_rng(0).random((8, 8, 3))
MAPS = {
    "cat": np.random.default_rng(1).standard_normal((3, 2, 2)),
    "dog": 5 * np.random.default_rng(2).standard_normal((3, 2, 2)),
}
NAMES = ["block 1", "block 2", "all"]


@pytest.mark.parametrize("shared_scale", [False, True])
def test_values_stand_in_rows_and_zero_is_white(shared_scale):
    figure = relevance_maps(IMAGE, MAPS, NAMES, shared_scale=shared_scale, title="Two classes")
    panels = figure.axes[:8]
    highest = max(np.abs(values).max() for values in MAPS.values())
    for row, (name, values) in enumerate(MAPS.items()):
        np.testing.assert_allclose(panels[4 * row].images[0].get_array(), IMAGE, atol=1e-6)
        assert panels[4 * row].get_ylabel() == name
        for column in range(3):
            drawn = panels[4 * row + 1 + column].images[0]
            np.testing.assert_array_equal(drawn.get_array(), values[column])
            limit = highest if shared_scale else np.abs(values[column]).max()
            assert drawn.get_clim() == pytest.approx((-limit, limit))
            assert drawn.get_cmap().name == SIGN_COLOURS
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles == ["image", *NAMES, "", "", "", ""]


def test_a_photograph_a_row_and_a_map_of_nothing():
    images = {"cat": IMAGE, "dog": (255 * IMAGE).astype("uint8")}
    maps = {"cat": np.zeros((1, 2, 2)), "dog": np.full((1, 2, 2), np.nan)}
    figure = relevance_maps(images, maps, ["all"])
    assert figure.axes[1].images[0].get_clim() == (-1, 1)
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relevance_maps(IMAGE, {}, NAMES), "received none"),
        (lambda: relevance_maps(IMAGE, MAPS["cat"], NAMES), "received none"),
        (lambda: relevance_maps(IMAGE, MAPS, NAMES[:2]), "columns must hold 3 names"),
        (lambda: relevance_maps({"cat": IMAGE}, MAPS, NAMES), "received none for 'dog'"),
        (lambda: relevance_maps(IMAGE, {"cat": np.zeros((2, 2))}, NAMES), "3 non-empty axes"),
        (lambda: relevance_maps(IMAGE * 3, MAPS, NAMES), r"values in \[0, 1\]"),
    ],
)
def test_what_cannot_be_drawn_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
