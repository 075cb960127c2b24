"""Signed maps beside their photograph: what speaks for a class, and what against it."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import SIGN_COLOURS, as_image, as_matrix, check_names, colour_scale, styled


@styled
def relevance_maps(images, maps, columns, *, shared_scale=False, unit="relevance", title=""):
    """Draw signed maps over the patches, a row a photograph or a class, the photograph first.

    Red speaks for the class, blue against it, white says nothing. Maps of one block, of one head and of the
    whole network differ in size by far, so each panel has its own scale unless told otherwise.

    Args:
        images: {row: (height, width, 3)}, float in [0, 1] or uint8; or one image for all rows.
        maps: {row: (columns, rows of patches, columns of patches)}, of either sign: such as
            patch_map(add_up(relevance, "block"), has_class_token=False)[:, image].
        columns: names of the maps: blocks, heads or methods.
        shared_scale: one colour scale for all panels; else each runs from −own to +own largest size.
        unit: what the numbers are, for the colour bar.
        title: title of the figure.
    Returns:
        matplotlib Figure; axes row by row, in each row the photograph and then the maps, `axes.images[0]`
        holding the values.
    Raises:
        ValueError: if there is nothing to draw, or rows, columns and images do not fit each other.
    """
    if not isinstance(maps, Mapping) or not maps:
        raise ValueError("Expected maps as {row: (columns, rows, columns of patches)}; received none.")
    columns = [str(name) for name in columns]
    maps = {name: as_matrix(values, f"maps[{name!r}]", num_axes=3) for name, values in maps.items()}
    for values in maps.values():
        check_names(columns, len(values), "columns")
    images = images if isinstance(images, Mapping) else dict.fromkeys(maps, images)
    if missing := [name for name in maps if name not in images]:
        raise ValueError(f"Expected an image for each row of maps; received none for {missing[0]!r}.")
    _, _, highest = colour_scale(np.concatenate([values.ravel() for values in maps.values()]), signed=True)
    cell = float(np.clip(9.0 / (len(columns) + 1), 0.8, 1.8))
    fig = Figure(figsize=(cell * (len(columns) + 1) + 1.3, cell * len(maps) + (0.75 if title else 0.4)))
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    grid = fig.subplots(len(maps), len(columns) + 1, squeeze=False)
    for line, (name, values) in zip(grid, maps.items()):
        line[0].imshow(as_image(images[name]))
        line[0].set_ylabel(name, fontsize=9)
        for axes, each in zip(line[1:], values):
            limit = highest if shared_scale else colour_scale(each, signed=True)[2]
            axes.imshow(each, cmap=SIGN_COLOURS, vmin=-limit, vmax=limit)
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for axes, name in zip(grid[0], ["image", *columns]):
        axes.set_title(name, fontsize=9.5 if cell > 1 else 8)
    own = 1 if not shared_scale else highest
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(-own, own), SIGN_COLOURS)
    label = unit if shared_scale else f"{unit},\neach panel to its own max"
    bar = fig.colorbar(scale, ax=grid, fraction=0.03, pad=0.02, label=label)
    bar.outline.set_visible(False)
    if not shared_scale:
        bar.set_ticks([-1, 0, 1], labels=["against", "0", "for"])
    if title:
        fig.suptitle(title)
    return fig
