"""Figures of the class space: lines with what a guess gets, and small maps beside their images."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from helpers.show.charts import MARKERS
from helpers.show.panels import expect_panels
from helpers.show.residual import LINES
from helpers.show.style import (
    FAINT_INK,
    INK,
    LINE_COLOURS,
    as_image,
    as_matrix,
    check_names,
    colour_scale,
    styled,
)


@styled
def chance_panels(
    panels,
    chance,
    *,
    bands=None,
    title="",
    x_label="after block",
    y_label="",
    x_start=0,
    limits=(0, 1),
):
    """Draw lines over the blocks, a panel a question, each with a line at what a guess gets.

    Args:
        panels: {title: {name: values}}, values (blocks,); a name looks the same in every panel, and may be
            missing in some. NaN leaves a gap.
        chance: what a guess gets, a number for all panels or {title: number}, None for no line in a panel.
        bands: None, or {title: {name: (lowest, highest)}}, each (blocks,): a pale band, such as the range
            over seeds and sets of images.
        title, x_label, y_label: str; y_label, or {title: label} where the panels show different things.
        x_start: number of the first block.
        limits: (lowest, highest) of the y axis of all panels.
    Returns:
        matplotlib Figure; `fig.axes[i].lines` are the lines of panel i in their order, the last one chance.
    Raises:
        ValueError: if there is nothing to draw, or a band or a chance belongs to no panel or line.
    """
    expect_panels(panels, "{title: {name: values}}")
    chance = dict(chance) if isinstance(chance, Mapping) else dict.fromkeys(panels, chance)
    labels = dict(y_label) if isinstance(y_label, Mapping) else dict.fromkeys(panels, y_label)
    bands = {} if bands is None else bands
    strangers = [str(panel) for panel in (*chance, *bands) if panel not in panels]
    strangers += [
        f"{name} in {panel}"
        for panel in bands
        if panel in panels
        for name in bands[panel]
        if name not in panels[panel]
    ]
    if strangers:
        raise ValueError(
            f"Expected chance and bands for panels and lines that are there; received {', '.join(strangers)}."
        )
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    looks = dict(
        zip(names, zip(itertools.cycle(LINE_COLOURS), itertools.cycle(LINES), itertools.cycle(MARKERS)))
    )
    fig = Figure(figsize=(max(3.6 * len(panels), 5.4) + 0.6, 3.8))
    grid = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    handles = {}
    for axes, (panel, series) in zip(grid, panels.items()):
        for name, values in series.items():
            values = as_matrix(values, f"panels[{panel!r}][{name!r}]", num_axes=1)
            colour, line, marker = looks[name]
            x = x_start + np.arange(len(values))
            handles[name] = axes.plot(
                x, values, line, color=colour, marker=marker, markersize=4.5, label=name
            )[0]
            if name in bands.get(panel, {}):
                low, high = (np.broadcast_to(edge, values.shape) for edge in bands[panel][name])
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        if chance.get(panel) is not None:
            handles["chance"] = axes.axhline(
                chance[panel], color=FAINT_INK, linewidth=1.2, linestyle=(0, (1, 1.5)), label="chance"
            )
        axes.set(title=panel, xlabel=x_label, ylabel=labels.get(panel, ""), ylim=limits)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
    if len(set(labels.values())) == 1:
        for axes in grid[1:]:
            axes.set_ylabel("")
    fig.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3)
    if title:
        fig.suptitle(title)
    return fig


@styled
def maps_beside_images(images, maps, columns, *, names=None, limits=None, signed=False, unit="", title=""):
    """Draw each image, and beside it one small map a column, all maps on one colour scale.

    Args:
        images: (batch, height, width, channels), float in [0, 1] or uint8.
        maps: (batch, columns, rows of patches, columns of patches).
        columns: names of the columns of maps.
        names: None, or a name for each image.
        limits: (lowest, highest) of the colour scale; None for 0 and all values.
        signed: whether 0 is in the middle of a scale of two colours.
        unit: what the numbers are, for the colour bar.
        title: str.
    Returns:
        matplotlib Figure; row by row the image and its maps, `fig.axes[i].images[0]` holds each.
    Raises:
        ValueError: if there is not a row of maps for each image, or numbers of names and columns differ.
    """
    images, maps = [as_image(image) for image in images], as_matrix(maps, "maps", num_axes=4)
    columns = check_names(columns, maps.shape[1], "columns")
    if len(images) != len(maps):
        raise ValueError(f"Expected maps of {len(images)} images; received those of {len(maps)}.")
    names = check_names([""] * len(images) if names is None else names, len(images), "names")
    colours, low, high = colour_scale(maps, signed)
    low, high = (low, high) if limits is None else limits
    size = (1.2 * (len(columns) + 1) + 1.4, 1.25 * len(images) + (0.65 if title else 0.35))
    fig = Figure(figsize=size)
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    grid = fig.subplots(len(images), len(columns) + 1, squeeze=False)
    for row, image, name, layers in zip(grid, images, names, maps):
        row[0].imshow(image)
        row[0].set_ylabel(name, fontsize=9, color=INK)
        for axes, values in zip(row[1:], layers):
            drawn = axes.imshow(values, cmap=colours, vmin=low, vmax=high)
        for axes in row:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for axes, name in zip(grid[0], ["image", *columns]):
        axes.set_title(name, fontsize=9.5)
    bar = fig.colorbar(drawn, ax=grid, fraction=0.03, pad=0.02, label=unit)
    bar.outline.set_visible(False)
    if title:
        fig.suptitle(title)
    return fig
