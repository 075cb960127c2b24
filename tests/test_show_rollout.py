"""The graph of rollout: every line in its place, as wide as its weight."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from helpers.show.rollout import WIDEST, attention_graph
from helpers.show.style import GRID_LINE, LINE_COLOURS

FIRST = np.array([[0.5, 0.5, 0], [0, 1, 0], [0.25, 0, 0.75]])
SECOND = np.array([[0.75, 0.25, 0], [0, 0, 1], [0, 0, 1]])


def test_lines_run_from_keys_to_queries():
    axes = attention_graph(np.stack([FIRST, SECOND])).axes[0]
    for block, (lines, weights) in enumerate(zip(axes.collections, (FIRST, SECOND))):
        segments = np.array(lines.get_segments())  # (9, 2 ends, x and y)
        for query, key in np.ndindex(3, 3):
            (x_from, y_from), (x_to, y_to) = segments[3 * query + key]
            assert (x_from, y_from, x_to, y_to) == (block, key, block + 1, query)
            assert lines.get_linewidths()[3 * query + key] == pytest.approx(WIDEST * weights[query, key])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["input", "layer 1", "layer 2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["class", "patch 1", "patch 2"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the class token stands on top


def test_what_leads_to_the_query_is_coloured():
    first, second = attention_graph(np.stack([FIRST, SECOND]), query=0).axes[0].collections
    coloured = [
        [to_rgb(c) == to_rgb(LINE_COLOURS[0]) for c in lines.get_colors()] for lines in (first, second)
    ]
    assert coloured[1] == [True] * 3 + [False] * 6  # the lines of query 0
    assert coloured[0] == [True] * 6 + [False] * 3  # query 0 gives token 2 of the layer below nothing
    assert to_rgb(first.get_colors()[-1]) == to_rgb(GRID_LINE)


@pytest.mark.parametrize(
    "mixing, options, told",
    [
        (FIRST, {}, "3 non-empty axes"),
        (np.full((1, 2, 3), 0.5), {}, r"received \(1, 2, 3\)"),
        (np.eye(21)[None], {}, "at most 20 tokens"),
        (np.eye(3)[None] * 2, {}, "received 0 to 2"),
        (-np.eye(3)[None], {}, "received -1 to"),
        (np.eye(3)[None], {"query": 3}, "from 0 to 2; received 3"),
        (np.eye(3)[None], {"token_names": ["a"]}, "3 names"),
    ],
)
def test_what_cannot_be_drawn_is_told(mixing, options, told):
    with pytest.raises(ValueError, match=told):
        attention_graph(mixing, **options)
