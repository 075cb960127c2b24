"""Figures of lesson 03: where a patch looks, what the scale prevents, and what attention costs."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.show.maps import overlay
from helpers.show.style import LINE_COLOURS, as_matrix, styled

OUTLINE = LINE_COLOURS[1]  # of the patch that asks; neither in the photograph nor in the colours of the map


@styled
def looks_from(image, attention_weights, queries, *, title=""):
    """Draw where chosen patches look: a map for each, with the patch that asks outlined.

    Args:
        image: (height, width, 3), float in [0, 1] or uint8.
        attention_weights: (num_patches, num_patches), rows are queries; row-major over a grid that covers
            the image with squares; no class token.
        queries: {name: (row, column)} of the patches that ask, counted from 0.
        title: title of the figure.
    Returns:
        matplotlib Figure: the photograph, then one map a query, each with its own scale.
    Raises:
        ValueError: if the weights are not those of such a grid, or a query lies outside it.
    """
    weights = as_matrix(attention_weights, "attention_weights")
    height, width = np.shape(image)[:2]
    patch_size = (height * width / len(weights)) ** 0.5
    rows, columns = round(height / patch_size), round(width / patch_size)
    if weights.shape != (rows * columns,) * 2 or rows * patch_size != height or columns * patch_size != width:
        raise ValueError(
            "Expected weights (num_patches, num_patches) of square patches that cover the image, without the "
            f"class token; received {weights.shape} for an image of {height} × {width}."
        )
    maps = {}
    for name, (row, column) in queries.items():
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(
                f"Expected queries inside the grid of {rows} × {columns} patches, counted from 0; "
                f"received {name!r} at ({row}, {column})."
            )
        maps[name] = weights[row * columns + column].reshape(rows, columns)
    figure = overlay(image, maps, title=title, smooth=False, shared_scale=False, columns=len(maps) + 1)
    photo, *panels = figure.axes[: len(maps) + 1]
    for (row, column), panel in zip(queries.values(), panels, strict=True):
        for axes in (photo, panel):
            corner = (column * patch_size, row * patch_size)
            axes.add_patch(
                Rectangle(corner, patch_size, patch_size, fill=False, edgecolor=OUTLINE, linewidth=2)
            )
    return figure


@styled
def saturation(head_dims, largest, slopes, *, title="What the scale prevents"):
    """Draw how sharp the softmax becomes with the length of the vectors, and how little its slopes pass back.

    Args:
        head_dims: (n,) lengths of the queries and keys.
        largest: {name: (n,)} largest attention weight of a query, mean over queries, 0 to 1.
        slopes: {name: (n,)} sum over the keys of p · (1 − p), mean over queries, 0 to 1; same names.
        title: title of the figure.
    Returns:
        matplotlib Figure: axes 0 the largest weight, axes 1 the slopes.
    Raises:
        ValueError: if a line has not one value for each of `head_dims`, or the names differ.
    """
    figure = Figure(figsize=(8.4, 3.3))
    panels = figure.subplots(1, 2, sharex=True)
    _lines(panels, head_dims, (largest, slopes))
    for axes, name in zip(panels, ("largest attention weight", "slopes, Σ p (1 − p)"), strict=True):
        axes.set(xlabel="head_dim", ylabel=name, ylim=(0, 1.05), xscale="log")
        axes.set_xticks(head_dims, labels=head_dims)
        axes.minorticks_off()
    panels[0].set_title("One key takes all …")
    panels[1].set_title("… and less gradient comes back")
    panels[0].legend(handlelength=3)
    figure.suptitle(title)
    return figure


@styled
def cost_and_time(num_tokens, multiply_adds, milliseconds, *, title="One attention layer"):
    """Draw what was counted beside what the clock says, against the number of tokens.

    Args:
        num_tokens: (n,) numbers of tokens.
        multiply_adds: {name: (n,)} multiply-adds of each part.
        milliseconds: {name: (n,)} measured time of each part; same names.
        title: title of the figure.
    Returns:
        matplotlib Figure: axes 0 the count in 10⁹, axes 1 the time.
    Raises:
        ValueError: if a line has not one value for each of `num_tokens`, or the names differ.
    """
    figure = Figure(figsize=(8.4, 3.3))
    panels = figure.subplots(1, 2, sharex=True)
    counted = {name: np.asarray(values, "float64") / 1e9 for name, values in multiply_adds.items()}
    _lines(panels, num_tokens, (counted, milliseconds))
    panels[0].set(xlabel="tokens", ylabel="10⁹ multiply-adds", xlim=(0, None))
    panels[1].set(xlabel="tokens", ylabel="time (ms)")
    panels[0].set_title("Counted")
    panels[1].set_title("Measured, on this machine")
    panels[0].legend(handlelength=3)
    for axes in panels:
        axes.set_ylim(0, None)
    figure.suptitle(title)
    return figure


def _lines(panels, x, groups):
    """Draw each group of named lines into its panel; a name looks the same in both."""
    x = as_matrix(x, "x", num_axes=1)
    names = list(groups[0])
    for axes, group in zip(panels, groups, strict=True):
        if not isinstance(group, Mapping) or set(group) != set(names):
            raise ValueError(f"Expected the same names in both panels; received {names} and {list(group)}.")
        for name, colour, dash, marker in zip(names, LINE_COLOURS, ("-", "--", "-."), "os^", strict=False):
            values = as_matrix(group[name], name, num_axes=1)
            if values.shape != x.shape:
                raise ValueError(f"{name!r} has {len(values)} values for {len(x)} positions.")
            axes.plot(x, values, dash, color=colour, marker=marker, markersize=4.5, label=name)
        axes.grid()
