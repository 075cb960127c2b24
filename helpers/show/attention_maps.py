"""Figures of lesson 06: the maps of chosen layers over several images, and one number a head."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from helpers.show.maps import PHOTO_SHARE, bar_to_own_max, grey_photo
from helpers.show.style import (
    ATTENTION_COLOURS,
    FAINT_INK,
    LINE_COLOURS,
    as_image,
    as_matrix,
    check_names,
    styled,
)

LOOKS = tuple(zip(LINE_COLOURS, ("-", "--", "-.", ":"), "os^D", strict=False))  # for a print in grey too


@styled
def maps_over_images(images, maps, *, titles=None, title="", unit="attention weight"):
    """Draw a row for each image: the image, then its maps side by side, each with its own scale.

    Args:
        images: (batch, height, width, 3), float in [0, 1] or uint8.
        maps: {name: (batch, rows, columns)} of values 0 or more, one a patch.
        titles: names of the images, drawn above each.
        title: title of the figure.
        unit: what the numbers of the maps are, for the colour bar.
    Returns:
        matplotlib Figure; axes in order, image by image. The last image of a map's axes, `axes.images[-1]`,
        holds its values, and the label below says the largest.
    Raises:
        ValueError: if there is no map, or one does not belong to the images, is negative or has holes.
    """
    images = [as_image(image, f"images[{index}]") for index, image in enumerate(images)]
    titles = [""] * len(images) if titles is None else check_names(titles, len(images), "titles")
    if not isinstance(maps, Mapping) or not maps:
        raise ValueError("Expected maps as {name: (batch, rows, columns)}; received none.")
    maps = {str(name): as_matrix(values, f"map {name!r}", num_axes=3) for name, values in maps.items()}
    for name, values in maps.items():
        if len(values) != len(images) or not (values >= 0).all():
            raise ValueError(
                f"Expected map {name!r} with values of 0 or more, one map for each of {len(images)} images; "
                f"received {values.shape}, from {values.min():.3g}. Drop the class token, then reshape."
            )
    height, width = images[0].shape[:2]
    cell = min(2.1, 8.4 / (len(maps) + 1))
    figure = Figure(
        figsize=(cell * (len(maps) + 1) + 0.9, (0.9 * cell * height / width + 0.42) * len(images))
    )
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.02)
    grid = figure.subplots(len(images), len(maps) + 1, squeeze=False)
    for row, image, name in zip(grid, images, titles, strict=True):
        height, width = image.shape[:2]
        row[0].imshow(image, extent=(0, width, height, 0))
        row[0].set_title(name, fontsize=9.5, loc="center", weight="normal", pad=4)
    for column, (name, values) in zip(grid.T[1:], maps.items(), strict=True):
        column[0].set_title(name, fontsize=9.5, loc="center", pad=4)
        for axes, image, drawn in zip(column, images, values, strict=True):
            extent = (0, image.shape[1], image.shape[0], 0)
            axes.imshow(grey_photo(image), extent=extent)
            highest = float(drawn.max())
            axes.imshow(
                drawn,
                extent=extent,
                cmap=ATTENTION_COLOURS,
                alpha=1 - PHOTO_SHARE,
                vmin=0,
                vmax=highest or 1.0,
            )
            axes.set_xlabel(f"max {highest:.2g}", fontsize=7.5, labelpad=2, color=FAINT_INK)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    bar_to_own_max(figure, grid, unit)
    if title:
        figure.suptitle(title)
    return figure


@styled
def heads_by_layer(values, y_label, *, yardsticks=None, title=""):
    """Draw one number a head: a dot for each head above its layer, and a line through the mean of the heads.

    Args:
        values: (depth, num_heads) numbers, layer by layer; NaN leaves a dot out.
        y_label: what the numbers are, with the unit.
        yardsticks: {name: number} of values to compare with, drawn as horizontal lines.
        title: title of the figure.
    Returns:
        matplotlib Figure; `fig.axes[0].lines[0]` is the mean, the dots are `fig.axes[0].collections[0]`.
    Raises:
        ValueError: if `values` has other axes.
    """
    values = as_matrix(values, "values")
    depth, num_heads = values.shape
    layers = np.arange(1, depth + 1)
    figure = Figure(figsize=(7.0, 3.5))
    axes = figure.subplots()
    axes.plot(layers, np.nanmean(values, axis=1), color=LINE_COLOURS[0], label="mean of the heads")
    axes.scatter(
        np.repeat(layers, num_heads), values.ravel(), s=26, color=LINE_COLOURS[1], zorder=3, label="one head"
    )
    for (name, height), (colour, dash, _) in zip((yardsticks or {}).items(), LOOKS[2:] + LOOKS, strict=False):
        axes.axhline(float(height), color=colour, linestyle=dash, label=name)
    axes.set(xlabel="layer", ylabel=y_label, ylim=(0, None), xticks=layers)
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=3)
    figure.suptitle(title)
    return figure


@styled
def sorted_heads(distances, uniform, *, title="Mean attention distance, heads sorted"):
    """Draw the heads of the two lowest and the two highest layers, from the nearest to the farthest looking.

    As in Raghu et al. 2021, figure 3 (https://arxiv.org/abs/2108.08810).

    Args:
        distances: {model: (depth, num_heads)} mean attention distance in pixels; a panel a model.
        uniform: {model: number} the distance of uniform attention in that model, in pixels.
        title: title of the figure.
    Returns:
        matplotlib Figure, one axes a model; its first lines are the layers 1, 2, last but one, last.
    Raises:
        ValueError: if a model has fewer than four layers, or no yardstick.
    """
    if not isinstance(distances, Mapping) or not distances:
        raise ValueError("Expected distances as {model: (depth, num_heads)}; received none.")
    if missing := [name for name in distances if name not in uniform]:
        raise ValueError(
            f"Expected the distance of uniform attention for each model; none for {missing[0]!r}."
        )
    figure = Figure(figsize=(min(4.2 * len(distances) + 0.6, 9.2), 3.6))
    panels = figure.subplots(1, len(distances), squeeze=False)[0]
    for axes, (name, values) in zip(panels, distances.items(), strict=True):
        values = as_matrix(values, f"distances[{name!r}]")
        depth, num_heads = values.shape
        if depth < 4:
            raise ValueError(
                f"Expected four layers at least, two lowest and two highest; {name!r} has {depth}."
            )
        heads = np.arange(1, num_heads + 1)
        for layer, (colour, dash, marker) in zip((0, 1, depth - 2, depth - 1), LOOKS, strict=True):
            label = f"layer {layer + 1}"
            axes.plot(
                heads, np.sort(values[layer]), dash, color=colour, marker=marker, markersize=4.5, label=label
            )
        axes.axhline(float(uniform[name]), color=FAINT_INK, linewidth=1, label="uniform")
        top = 1.08 * max(float(np.nanmax(values)), float(uniform[name]))
        axes.set(xlabel="heads, sorted", ylim=(0, top), xticks=heads)
        axes.set_title(name)
        axes.grid(axis="y")
        axes.legend(fontsize=8.5, handlelength=3, loc="lower right")
    panels[0].set_ylabel("distance (pixels)")
    figure.suptitle(title)
    return figure
