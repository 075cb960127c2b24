"""Figures of the residual stream: lines by branch, receptive fields by depth, the patches of a feature."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from helpers.analysis.receptive_field import receptive_radius
from helpers.show.charts import MARKERS
from helpers.show.panels import expect_panels, same_names
from helpers.show.style import FAINT_INK, LINE_COLOURS, as_image, as_matrix, check_names, outline, styled

LINES = ("-", "--", ":", "-.")


@styled
def branch_panels(panels, *, title="", x_label="block", y_label="", x_start=1, even=None):
    """Draw lines over the blocks, one panel a branch or a token, all on one scale.

    Args:
        panels: {title: {name: values}}, values (blocks,); the same names in all panels, each with a colour,
            dash and marker of its own. NaN leaves a gap.
        title, x_label, y_label: str.
        x_start: number of the first block.
        even: None or a value to mark with a faint line: 1 for ratios.
    Returns:
        matplotlib Figure; `fig.axes[i].lines` are the lines of panel i, in their order.
    Raises:
        ValueError: if there is nothing to draw, or the panels do not hold the same names.
    """
    expect_panels(panels, "{title: {name: values}}")
    same_names(panels, "lines")
    fig = Figure(figsize=(3.6 * len(panels) + 0.6, 3.7))
    grid = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (panel, series) in zip(grid, panels.items()):
        looks = zip(
            series.items(), itertools.cycle(LINE_COLOURS), itertools.cycle(LINES), itertools.cycle(MARKERS)
        )
        for (name, values), colour, line, marker in looks:
            values = as_matrix(values, f"panels[{panel!r}][{name!r}]", num_axes=1)
            x = x_start + np.arange(len(values))
            axes.plot(x, values, line, color=colour, marker=marker, markersize=4.5, label=name)
        if even is not None:
            axes.axhline(even, color=FAINT_INK, linewidth=0.8, zorder=0)
        axes.set(title=panel, xlabel=x_label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
    grid[0].set(ylabel=y_label, ylim=(0, None))  # the panels share it, so only when all lines are drawn
    fig.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, handlelength=3)
    if title:
        fig.suptitle(title)
    return fig


@styled
def receptive_fields(fields, depths, *, title=""):
    """Draw effective receptive fields, a row a network and a column a depth, with the radius below each.

    Each panel has its own scale, from 0 to its largest value: fields of two layers have other units.

    Args:
        fields: {network: (columns, height, width)}, 0 or more, as `effective_receptive_field` gives them.
        depths: names of the columns, such as the blocks after which each field is taken.
        title: str.
    Returns:
        matplotlib Figure; `fig.axes[i].images[0]` holds panel i, row by row, as a share of its largest value.
    Raises:
        ValueError: if there is nothing to draw, a network has another number of fields than there are depths,
            or a value is negative.
    """
    if not isinstance(fields, Mapping) or not fields:
        raise ValueError("Expected fields as {network: (columns, height, width)}; received none.")
    depths = [str(depth) for depth in depths]
    fig = Figure(figsize=(1.55 * len(depths) + 0.5, 1.8 * len(fields) + (0.4 if title else 0.1)))
    grid = fig.subplots(len(fields), len(depths), squeeze=False)
    for row, (name, maps) in zip(grid, fields.items()):
        maps = as_matrix(maps, f"fields[{name!r}]", num_axes=3)
        check_names(depths, len(maps), "depths")
        for axes, values, radius in zip(row, maps, receptive_radius(maps)):
            axes.imshow(values / (values.max() or 1), vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel("nothing" if np.isnan(radius) else f"radius {radius:.1f} px", fontsize=8)
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(name, fontsize=9)
    for axes, depth in zip(grid[0], depths):
        axes.set_title(depth)
    if title:
        fig.suptitle(title)
    return fig


@styled
def marked_patches(images, patches, patch_size, *, columns=6, title=""):
    """Draw images, each with a square round one patch of it.

    Args:
        images: (batch, height, width, channels), float in [0, 1] or uint8.
        patches: (batch,) which patch of each image, row by row from 0; the class token does not count.
        patch_size: side of a patch in pixels.
        columns: images in a row.
        title: str.
    Returns:
        matplotlib Figure, one axes an image; `axes.patches` are its square, twice: dark, and light in it.
    Raises:
        ValueError: if there is not one patch an image, or an image has no such patch.
    """
    images, patches = [as_image(image) for image in images], np.asarray(patches)
    if not images or patches.shape != (len(images),) or patches.dtype.kind not in "iu":
        raise ValueError(
            f"Expected the number of one patch for each of {len(images)} images; received {patches.dtype} "
            f"{patches.shape}."
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    fig = Figure(figsize=(1.3 * columns, 1.35 * rows + (0.4 if title else 0)))
    grid = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes, image, patch in zip(grid, images, patches.tolist()):
        across, down = image.shape[1] // patch_size, image.shape[0] // patch_size
        if not 0 <= patch < across * down:
            raise ValueError(
                f"Expected patches from 0 to {across * down - 1}, without the class token; received {patch}."
            )
        row, column = divmod(patch, across)
        axes.imshow(image)
        corner = column * patch_size - 0.5, row * patch_size - 0.5
        outline(axes, corner, patch_size, patch_size, line_widths=(3.5, 1.5))
    for axes in grid:
        axes.set_axis_off()
    if title:
        fig.suptitle(title)
    return fig
