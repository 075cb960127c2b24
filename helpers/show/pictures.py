"""Figures that show images and the patches they are cut into."""

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import FAINT_INK, as_image, check_names, styled


@styled
def image_grid(images, titles=None, columns=None, *, title=None):
    """Draw images side by side.

    Args:
        images: (batch, height, width, 3), float in [0, 1] or uint8; or a list of images of any sizes.
        titles: names, one an image.
        columns: images in a row; at most 6 if not given.
        title: title of the whole figure.
    Returns:
        matplotlib Figure, one axes an image.
    Raises:
        ValueError: if an image has a wrong shape or range, or the number of titles is not that of the images.
    """
    if getattr(images, "ndim", 4) == 3:
        raise ValueError(
            f"images must be (batch, height, width, 3), got {images.shape}. For one image pass images[None]."
        )
    images = [as_image(image, f"images[{index}]") for index, image in enumerate(images)]
    if not images:
        raise ValueError("images is empty: there is nothing to draw.")
    titles = [""] * len(images) if titles is None else check_names(titles, len(images), "titles")
    columns = min(len(images), 6 if columns is None else columns)
    if columns < 1:
        raise ValueError(f"columns must be 1 or more, got {columns}.")
    rows = -(-len(images) // columns)
    cell = float(np.clip(8.4 / columns, 0.6, 2.6))
    shape = max(image.shape[0] / image.shape[1] for image in images)
    fig = Figure(figsize=(columns * cell, rows * (cell * shape + 0.28 * any(titles)) + 0.35 * bool(title)))
    grid = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes, image, name in zip(grid, images, titles, strict=False):
        axes.imshow(image)
        axes.set_title(name, fontsize=9.5, loc="center", weight="normal", pad=4)
    for axes in grid:
        axes.set_axis_off()
    for axes in grid[len(images) :]:
        axes.remove()
    if title:
        fig.suptitle(title)
    return fig


@styled
def patch_grid(image, patch_size, *, title=None):
    """Draw an image with the grid that cuts it, and beside it its patches pulled apart.

    Args:
        image: (height, width, 3), float in [0, 1] or uint8; both sides must be multiples of `patch_size`.
        patch_size: int, side of a patch in pixels.
        title: title of the figure.
    Returns:
        matplotlib Figure; axes 0 holds the image, axes 1 the patches with gaps between them.
    Raises:
        ValueError: if the patches do not fit the image.
    """
    image = as_image(image)
    height, width = image.shape[:2]
    rows, columns = _grid_of(height, width, patch_size)
    gap = max(1, round(patch_size / 5))
    patches = image.reshape(rows, patch_size, columns, patch_size, 3).transpose(
        0, 2, 1, 3, 4
    )  # (rows, columns, p, p, 3)
    pulled_apart = _with_gaps(patches, gap)

    fig = Figure(figsize=(8.2, 4.1 * height / width + 0.7))
    left, right = fig.subplots(1, 2)
    left.imshow(image, extent=(0, width, height, 0))
    for side, axis, count in ((height, left.axhline, rows), (width, left.axvline, columns)):
        for position in np.linspace(0, side, count + 1):
            axis(
                position, color="black", linewidth=1.5, alpha=0.35
            )  # a dark edge keeps the line visible on bright pixels
            axis(position, color="white", linewidth=0.7, alpha=0.95)
    left.set_title(f"{height} × {width} pixels")
    left.set(xlabel="x (pixels)", ylabel="y (pixels)", xticks=_few_ticks(width), yticks=_few_ticks(height))
    right.imshow(pulled_apart)
    right.set_title(f"{rows} × {columns} = {rows * columns} patches of {patch_size} × {patch_size} pixels")
    _number_the_patches(right, rows, columns, patch_size + gap, patch_size)
    if title:
        fig.suptitle(title)
    return fig


@styled
def patch_sequence(patches, patch_size, *, columns=16, limit=64, start=0, title=None):
    """Draw patches as the sequence that the model reads, with the index of each.

    Args:
        patches: (num_patches, patch_size² · channels), values in [0, 1], as from
            `extract_patches(images, patch_size)[0]`.
        patch_size: int, side of a patch in pixels.
        columns: patches in a row; the sequence goes on in the next row.
        limit: draw at most so many patches; the title says how many there are.
        start: index of the first patch that is drawn.
        title: title of the figure.
    Returns:
        matplotlib Figure, one axes; an image for each patch.
    Raises:
        ValueError: if the length of a patch does not fit `patch_size`.
    """
    patches = np.asarray(patches)
    channels = patches.shape[-1] // patch_size**2 if patches.ndim == 2 else 0
    if patches.ndim != 2 or channels not in (1, 3) or patches.shape[-1] != channels * patch_size**2:
        raise ValueError(
            f"patches must be (num_patches, {patch_size}² · 3 = {3 * patch_size**2}), got {patches.shape}. "
            "For a batch pass the patches of one image: patches[0]."
        )
    total = len(patches)
    if not 0 <= start < total:
        raise ValueError(f"start must be the index of a patch, 0 to {total - 1}, got {start}.")
    shown = patches[start : start + limit].reshape(-1, patch_size, patch_size, channels)
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)

    fig = Figure(
        figsize=(min(8.6, 0.9 * columns + 0.4), (min(8.6, 0.9 * columns + 0.4) / columns) * 1.36 * rows + 0.5)
    )
    axes = fig.subplots()
    for position, patch in enumerate(
        as_image(shown.reshape(-1, patch_size, channels), "patches").reshape(-1, patch_size, patch_size, 3)
    ):
        row, column = divmod(position, columns)
        left, top = column * 1.12, row * 1.52
        axes.imshow(patch, extent=(left, left + 1, top + 1, top))
        axes.text(
            left + 0.5, top + 1.09, start + position, ha="center", va="top", fontsize=8, color=FAINT_INK
        )
    axes.set(xlim=(-0.06, columns * 1.12 - 0.06), ylim=(rows * 1.52, -0.06), aspect="equal")
    axes.set_axis_off()
    part = "" if len(shown) == total else f", {start} to {start + len(shown) - 1} drawn"
    axes.set_title(title or f"A sequence of {total} patches of {patch_size} × {patch_size} pixels{part}")
    return fig


def _grid_of(height, width, patch_size):
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise ValueError(
            f"patches of {patch_size} pixels do not tile an image of {height} × {width}. "
            "Choose a patch_size that divides both sides, or resize the image."
        )
    return height // patch_size, width // patch_size


def _with_gaps(patches, gap):
    """(rows, columns, p, p, 3) -> one white picture in which the patches stand `gap` pixels apart."""
    rows, columns, size = patches.shape[:3]
    step = size + gap
    canvas = np.ones((rows * step - gap, columns * step - gap, 3), "float32")
    for row, column in np.ndindex(rows, columns):
        canvas[row * step : row * step + size, column * step : column * step + size] = patches[row, column]
    return canvas


def _number_the_patches(axes, rows, columns, step, size):
    every_x, every_y = -(-columns // 8), -(-rows // 8)
    x, y = np.arange(0, columns, every_x), np.arange(0, rows, every_y)
    axes.set_xticks(x * step + (size - 1) / 2, labels=x)
    axes.set_yticks(y * step + (size - 1) / 2, labels=y)
    axes.set(xlabel="column of the grid", ylabel="row of the grid")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _few_ticks(side):
    return np.linspace(0, side, 5).astype(int)
