"""Figures of lesson 02: what positions have learned."""

import math

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import styled


@styled
def position_maps(similarity, *, title="Position similarity"):
    """Draw, at the place of every patch, the map of how similar all places are to it.

    Args:
        similarity: (num_patches, num_patches) in [-1, 1], row-major over a square grid, no class token.
        title: str.
    Returns:
        matplotlib Figure: grid × grid little maps on one scale, rows and columns counted from 0 as in
        `patch_grid`, and a colour bar.
    Raises:
        ValueError: if the matrix is not square, or its patches form no square grid.
    """
    similarity = np.asarray(similarity)
    grid = math.isqrt(len(similarity))
    if similarity.ndim != 2 or similarity.shape != (grid * grid, grid * grid):
        raise ValueError(
            "Expected similarities (num_patches, num_patches) of a square grid, without the class token; "
            f"received {similarity.shape}."
        )
    figure = Figure(figsize=(6.6, 6))
    axes = figure.subplots(grid, grid, squeeze=False)
    for place, panel in enumerate(axes.flat):
        picture = panel.imshow(
            similarity[place].reshape(grid, grid), cmap="cividis", vmin=similarity.min(), vmax=1
        )
        panel.set(xticks=[], yticks=[])
    for index in range(grid):
        axes[index, 0].set_ylabel(index)
        axes[-1, index].set_xlabel(index)
    figure.suptitle(title)
    figure.supxlabel("Column of the grid")
    figure.supylabel("Row of the grid")
    figure.colorbar(picture, ax=axes, label="Cosine similarity", shrink=0.8)
    return figure
