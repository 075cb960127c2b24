"""Figures of places: small maps over the patches of an image, each in its cell, its own place marked."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import FAINT_INK, INK, as_matrix, check_names, colour_scale, outline, styled

NOTHING = "#d0d7de"  # the ground of a map without a value


@styled
def place_maps(maps, columns, *, own=None, notes=None, limits=None, unit="", title=""):
    """Draw one small map a cell, all on one colour scale: a row a network, a column a layer or a token.

    Args:
        maps: {row: (columns, rows of patches, columns of patches)}; a map that is all NaN says so.
        columns: names of the columns.
        own: None, or for each column the place (row, column) that a square marks, counted from 0.
        notes: None, or {row: a text for each column}, written below the map.
        limits: (lowest, highest) of the colour scale; by default 0 and all values are in it.
        unit: what the numbers are, for the colour bar.
        title: title of the figure.
    Returns:
        matplotlib Figure; `fig.axes[i].images[0]` holds map i, row by row.
    Raises:
        ValueError: if there is nothing to draw, numbers of maps, places, notes and columns differ, or a place
            lies outside its map.
    """
    if not isinstance(maps, Mapping) or not maps:
        raise ValueError("Expected maps as {row: (columns, rows, columns of patches)}; received none.")
    columns = [str(name) for name in columns]
    maps = {name: as_matrix(values, f"maps[{name!r}]", num_axes=3) for name, values in maps.items()}
    for name, values in maps.items():
        check_names(columns, len(values), "columns")
        if notes is not None:
            check_names(notes[name], len(values), f"notes[{name!r}]")
    if own is not None and len(own) != len(columns):
        raise ValueError(f"Expected a place for each of {len(columns)} columns; received {len(own)}.")
    _, low, high = colour_scale(np.concatenate([values.ravel() for values in maps.values()]), signed=False)
    low, high = (low, high) if limits is None else limits
    height = 1.3 + 0.2 * (notes is not None)
    fig = Figure(figsize=(1.35 * len(columns) + 1.5, height * len(maps) + (0.65 if title else 0.35)))
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    grid = fig.subplots(len(maps), len(columns), squeeze=False)
    for line, (name, values) in zip(grid, maps.items()):
        for index, (axes, each) in enumerate(zip(line, values)):
            drawn = axes.imshow(each, vmin=low, vmax=high)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if np.isnan(each).all():
                axes.set_facecolor(NOTHING)
                axes.text(0.5, 0.5, "NaN", transform=axes.transAxes, ha="center", va="center", color=INK)
            if own is not None:
                _mark(axes, own[index], each.shape)
            if notes is not None:
                axes.set_xlabel(notes[name][index], fontsize=8, labelpad=2, color=FAINT_INK)
        line[0].set_ylabel(name, fontsize=9)
    for axes, name in zip(grid[0], columns):
        axes.set_title(name, fontsize=9.5)
    bar = fig.colorbar(drawn, ax=grid, fraction=0.03, pad=0.02, label=unit)
    bar.outline.set_visible(False)
    if title:
        fig.suptitle(title)
    return fig


def _mark(axes, place, shape):
    """Draw a square round a place, dark and light, seen on either ground."""
    row, column = place
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise ValueError(f"Expected a place on the grid of {shape[0]} × {shape[1]}; received {place}.")
    outline(axes, (column - 0.5, row - 0.5), 1, 1, line_widths=(3, 1.3))
