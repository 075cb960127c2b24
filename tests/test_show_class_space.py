"""Figures of the class space: every line, chance line, band and map where it belongs."""

import numpy as np
import pytest

from helpers.show.class_space import chance_panels, maps_beside_images

PANELS = {"score": {"class token": [0.5, 0.9], "patches": [0.4, 0.6]}, "rate": {"patches": [0.1, np.nan]}}


def test_each_panel_holds_its_lines_and_then_chance():
    figure = chance_panels(PANELS, {"score": 0.55, "rate": 0.1}, title="Rising", y_label="share", x_start=1)
    for axes, (panel, series) in zip(figure.axes, PANELS.items(), strict=True):
        assert axes.get_title(loc="left") == panel
        *lines, chance = axes.lines
        assert [line.get_label() for line in lines] == list(series)
        for line, values in zip(lines, series.values()):
            np.testing.assert_array_equal(line.get_ydata(), values)
            np.testing.assert_array_equal(line.get_xdata(), [1, 2])
        np.testing.assert_array_equal(chance.get_ydata(), {"score": 0.55, "rate": 0.1}[panel])
    assert [axes.get_ylim() for axes in figure.axes] == [(0, 1), (0, 1)]
    assert [axes.get_ylabel() for axes in figure.axes] == ["share", ""]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class token", "patches", "chance"]
    assert figure.get_suptitle() == "Rising"


def test_a_name_looks_alike_in_every_panel_and_unlike_the_others():
    first, second = chance_panels(PANELS, 0.1).axes
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in first.lines[:2]]
    patches = second.lines[0]
    assert (patches.get_color(), patches.get_linestyle(), patches.get_marker()) == looks[1]
    assert looks[0][1:] != looks[1][1:]


def test_a_band_lies_round_its_line_and_a_panel_may_have_no_chance():
    bands = {"score": {"patches": ([0.3, 0.5], [0.5, 0.7])}}
    figure = chance_panels(
        PANELS, {"score": None, "rate": 0.1}, bands=bands, y_label={"score": "a", "rate": "b"}
    )
    (band,) = figure.axes[0].collections
    corners = band.get_paths()[0].vertices
    assert {tuple(np.round(corner, 6)) for corner in corners} >= {(0, 0.3), (0, 0.5), (1, 0.5), (1, 0.7)}
    assert len(figure.axes[0].lines) == 2 and not figure.axes[1].collections
    assert [axes.get_ylabel() for axes in figure.axes] == ["a", "b"]


@pytest.mark.parametrize(
    ("panels", "options", "message"),
    [
        ({}, {}, "received none"),
        ({"a": {}}, {}, "an empty one"),
        (PANELS, {"bands": {"share": {}}}, "received share"),
        (PANELS, {"bands": {"rate": {"class token": (0, 1)}}}, "received class token in rate"),
        ({"a": {"b": [[1]]}}, {}, r"panels\['a'\]\['b'\] must have 1"),
    ],
)
def test_panels_that_cannot_be_drawn(panels, options, message):
    with pytest.raises(ValueError, match=message):
        chance_panels(panels, 0.1, **options)


def test_each_map_stands_beside_its_image_on_one_scale():
    images, maps = np.random.default_rng(0).random((2, 8, 8, 3)), np.arange(24.0).reshape(2, 3, 2, 2) / 10
    figure = maps_beside_images(images, maps, "abc", names=["cat", "dog"], unit="score", title="Maps")
    cells = figure.axes[:8]
    for row in (0, 1):
        np.testing.assert_allclose(cells[4 * row].images[0].get_array(), images[row], atol=1e-6)
        assert cells[4 * row].get_ylabel() == ["cat", "dog"][row]
        for column in range(3):
            drawn = cells[4 * row + 1 + column].images[0]
            np.testing.assert_allclose(drawn.get_array(), maps[row, column])
            assert drawn.get_clim() == (0, 2.3)
    assert [axes.get_title(loc="left") for axes in cells[:4]] == ["image", "a", "b", "c"]
    assert figure.axes[8].get_ylabel() == "score" and figure.get_suptitle() == "Maps"


def test_a_sign_has_its_zero_in_the_middle():
    maps = np.array([-0.5, 2.0]).reshape(1, 2, 1, 1)
    figure = maps_beside_images(np.zeros((1, 4, 4, 3)), maps, "ab", signed=True)
    assert figure.axes[1].images[0].get_clim() == (-2, 2)
    figure = maps_beside_images(np.zeros((1, 4, 4, 3)), maps, "ab", limits=(0.1, 1))
    assert figure.axes[1].images[0].get_clim() == (0.1, 1)


def test_maps_that_belong_to_no_image():
    images, maps = np.zeros((2, 4, 4, 3)), np.zeros((2, 3, 2, 2))
    with pytest.raises(ValueError, match="maps of 2 images; received those of 1"):
        maps_beside_images(images, maps[:1], "abc")
    with pytest.raises(ValueError, match="columns must hold 3 names"):
        maps_beside_images(images, maps, "ab")
    with pytest.raises(ValueError, match="names must hold 2"):
        maps_beside_images(images, maps, "abc", names=["cat"])
