"""Figures of places: every map in its cell, on one scale, and the square on the place it names."""

import numpy as np
import pytest

from helpers.show.places import place_maps

MAPS = {"ViT": np.arange(24.0).reshape(2, 3, 4) / 10, "ResNet": -np.arange(24.0).reshape(2, 3, 4) / 100}


def test_each_map_stands_in_its_cell_on_one_scale():
    figure = place_maps(MAPS, ["block 1", 9], unit="CKA", title="Places")
    cells = figure.axes[:4]
    for axes, values in zip(cells, [*MAPS["ViT"], *MAPS["ResNet"]], strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), values)
        assert axes.images[0].get_clim() == (-0.23, 2.3)
    assert [axes.get_ylabel() for axes in cells] == ["ViT", "", "ResNet", ""]
    assert [axes.get_title(loc="left") for axes in cells] == ["block 1", "9", "", ""]
    assert figure.axes[4].get_ylabel() == "CKA"
    assert figure.get_suptitle() == "Places"
    assert place_maps(MAPS, "ab", limits=(0, 1)).axes[0].images[0].get_clim() == (0, 1)


def test_the_square_lies_on_the_place():
    figure = place_maps(MAPS, "ab", own=[(0, 3), (2, 1)])
    for index, corner in enumerate([(2.5, -0.5), (0.5, 1.5)] * 2):
        dark, light = figure.axes[index].patches
        assert dark.get_xy() == light.get_xy() == corner
        assert dark.get_linewidth() > light.get_linewidth()


def test_notes_stand_below_their_maps():
    notes = {"ViT": ["81 %", "9 %"], "ResNet": ["", "3 %"]}
    figure = place_maps(MAPS, "ab", notes=notes)
    assert [axes.get_xlabel() for axes in figure.axes[:4]] == ["81 %", "9 %", "", "3 %"]


def test_a_map_of_nothing_says_so():
    values = MAPS["ViT"].copy()
    values[0] = np.nan
    figure = place_maps({"ViT": values}, "ab")
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes[:2]] == [["NaN"], []]


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        ({}, {}, "received none"),
        ({"ViT": np.ones((3, 4))}, {}, "must have 3 non-empty axes"),
        ({"ViT": np.ones((3, 4, 4))}, {}, "columns must hold 3 names"),
        (MAPS, {"own": [(0, 0)]}, "each of 2 columns; received 1"),
        (MAPS, {"own": [(0, 0), (3, 0)]}, r"3 × 4; received \(3, 0\)"),
        (MAPS, {"notes": {"ViT": ["a", "b"], "ResNet": ["a"]}}, r"notes\['ResNet'\] must hold 2"),
    ],
)
def test_maps_that_cannot_be_drawn(maps, options, message):
    with pytest.raises(ValueError, match=message):
        place_maps(maps, "ab", **options)
