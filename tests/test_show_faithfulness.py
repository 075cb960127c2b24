"""Figures of faithfulness: each line, dot and interval in its place, chance told apart, all else told."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers.show.faithfulness import method_chart, removal_curves
from helpers.show.style import FAINT_INK

CURVES = {
    "most important first": {"random": [0.9, 0.6, 0.1], "ours": [0.9, 0.2, 0.1]},
    "least important first": {"random": [0.9, 0.5, 0.1], "ours": [0.9, 0.8, 0.1]},
}
CHART = {
    "SaCo": {"ours": (0.4, 0.3, 0.5), "random": (0.0, -0.1, 0.1)},
    "AUC": {"random": (0.5, 0.45, 0.52), "ours": (0.7, 0.7, 0.7)},
}


def test_each_panel_holds_its_curves_in_order():
    figure = removal_curves(CURVES, [0, 0.5, 1], title="Removal")
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(CURVES)
    for axes, lines in zip(figure.axes, CURVES.values(), strict=True):
        assert [line.get_label() for line in axes.lines] == ["random", "ours"]
        for line, values in zip(axes.lines, lines.values()):
            np.testing.assert_array_equal(line.get_xdata(), [0, 0.5, 1])
            np.testing.assert_array_equal(line.get_ydata(), values)
        chance, ours = axes.lines
        assert to_hex(chance.get_color()) == FAINT_INK and chance.get_linewidth() > ours.get_linewidth()
        assert to_hex(ours.get_color()) != FAINT_INK and chance.get_zorder() < ours.get_zorder()
    low, high = figure.axes[1].get_ylim()
    assert low == 0 and high >= 0.9
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random", "ours"]
    assert figure.get_suptitle() == "Removal"


def test_many_methods_differ_without_colour():
    lines = {f"method {number}": np.linspace(1, 0, 65) for number in range(9)}
    looks = {
        (line.get_linestyle(), line.get_marker(), line.get_color())
        for line in removal_curves({"": lines}, np.arange(65) / 64).axes[0].lines
    }
    assert len(looks) == 9 and len({look[:2] for look in looks}) == 9


@pytest.mark.parametrize(
    ("panels", "told"),
    [
        ({}, "received none"),
        ({"a": {}}, "an empty one"),
        ({"a": {"x": [1, 1, 0]}, "b": {"y": [1, 1, 0]}}, "received y in 'b'"),
        ({"a": {"x": [1, 0]}}, "has 2 values for 3 in removed"),
        ({"a": {"x": [[1, 0, 0]]}}, r"panels\['a'\]\['x'\] must have 1"),
    ],
)
def test_curves_that_cannot_be_drawn(panels, told):
    with pytest.raises(ValueError, match=told):
        removal_curves(panels, [0, 0.5, 1])


def test_the_chart_has_a_row_a_method_and_chance_behind_all():
    figure = method_chart(CHART, title="What maps are worth")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["SaCo", "AUC"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["ours", "random"]
    assert figure.axes[0].yaxis_inverted()  # the first at the top
    for axes, rows in zip(figure.axes, CHART.values(), strict=True):
        in_order = [rows[method] for method in ("ours", "random")]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [value for value, _, _ in in_order])
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0, 1])
        segments = axes.collections[0].get_segments()
        np.testing.assert_allclose([segment[:, 0] for segment in segments], [row[1:] for row in in_order])
        assert to_hex(axes.collections[0].get_colors()[1]) == FAINT_INK
        (band,) = axes.patches
        np.testing.assert_allclose((band.get_x(), band.get_x() + band.get_width()), rows["random"][1:])
    assert figure.get_suptitle() == "What maps are worth"


def test_without_chance_there_is_no_band():
    assert not method_chart({"SaCo": {"ours": (0.4, 0.3, 0.5)}}).axes[0].patches


@pytest.mark.parametrize(
    ("panels", "told"),
    [
        ({}, "received none"),
        ({"SaCo": {}}, "received none"),
        (CHART | {"AUC": {"ours": (0, 0, 0)}}, "received ours in 'AUC'"),
        ({"SaCo": {"ours": (0.4, 0.5, 0.6)}}, "low ≤ value ≤ high .* in 'SaCo'"),
        ({"SaCo": {"ours": (0.4, 0.3)}}, "low ≤ value ≤ high"),
    ],
)
def test_charts_that_cannot_be_drawn(panels, told):
    with pytest.raises(ValueError, match=told):
        method_chart(panels)
