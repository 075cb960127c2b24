"""Figures that show where attention lies: over a photograph, and head by head."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import ATTENTION_COLOURS, FAINT_INK, as_image, as_matrix, styled

PHOTO_SHARE = 0.45  # how much of the photograph shows through the colours of the map
DARKEST = (
    0.15  # what black becomes in the grey photograph: on real black the colours of a map cannot be told apart
)


@styled
def overlay(
    image,
    maps,
    *,
    title=None,
    smooth=True,
    unit="attention weight",
    shared_scale=True,
    columns=3,
    show_image=True,
):
    """Lay attention over a photograph: the photograph first, then a panel for each map, with the scale.

    Args:
        image: (height, width, 3), float in [0, 1] or uint8.
        maps: (grid, grid) of values 0 or more, one a patch; or {name: map} for several panels.
        title: title of the figure.
        smooth: interpolate between patches; False draws each patch as a square, which is what the model has.
        unit: what the numbers of the map are, for the colour bar.
        shared_scale: one colour scale for all panels; with False each has its own: patterns can be compared
            between panels, sizes cannot.
        columns: panels in a row.
        show_image: begin with the photograph itself.
    Returns:
        matplotlib Figure. The last image of each map's axes, `axes.images[-1]`, holds the values of the map.
    Raises:
        ValueError: if a map is not two-dimensional, is negative, or does not cover the image evenly.
    """
    image = as_image(image)
    panels = dict(maps) if isinstance(maps, Mapping) else {"": maps}
    panels = {str(name): _as_map(values, image, name) for name, values in panels.items()}
    if not panels:
        raise ValueError("maps is empty: there is nothing to lay over the image.")
    height, width = image.shape[:2]
    grey = grey_photo(image)
    highest = max(float(np.nanmax(values)) for values in panels.values()) or 1.0

    count = len(panels) + show_image
    columns = min(columns, count)
    rows = -(-count // columns)
    cell = min(3.4, 8.6 / columns)
    fig = Figure(figsize=(cell * columns + 0.9, rows * (cell * height / width + 0.35) + 0.4 * bool(title)))
    grid = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    if show_image:
        grid[0].imshow(image, extent=(0, width, height, 0))
        grid[0].set_title("Image")
    map_axes = grid[int(show_image) : count]
    for axes, (name, values) in zip(map_axes, panels.items(), strict=True):
        axes.imshow(grey, extent=(0, width, height, 0))
        drawn = axes.imshow(
            values,
            extent=(0, width, height, 0),
            cmap=ATTENTION_COLOURS,
            alpha=1 - PHOTO_SHARE,
            vmin=0,
            vmax=highest if shared_scale else (float(np.nanmax(values)) or 1.0),
            interpolation="bicubic" if smooth else "nearest",
        )
        axes.set_title(name or "Attention")
        if not shared_scale:
            fig.colorbar(drawn, ax=axes, fraction=0.046, pad=0.03, label=unit)
    for axes in grid[count:]:
        axes.remove()
    if shared_scale:
        fig.colorbar(
            drawn, ax=grid[:count].tolist(), fraction=0.046 if rows == 1 else 0.03, pad=0.02, label=unit
        )
    if title:
        fig.suptitle(title)
    return fig


@styled
def head_grid(
    attention, *, title="Attention, every head", unit="attention weight", shared_scale=False, count_from=1
):
    """Draw one small map for each head; with several layers, a row a layer.

    Args:
        attention: (num_heads, rows, columns) or (depth, num_heads, rows, columns), values 0 or more: maps of
            the class token over the patches, or whole token × token matrices.
        title: title of the figure.
        unit: what the numbers are, for the colour bar.
        shared_scale: one colour scale for all; with False each panel uses its own range, and its highest
            value stands below it.
        count_from: number of the first layer and head.
    Returns:
        matplotlib Figure; axes in order of layers, then heads.
    Raises:
        ValueError: if the shape is another or a value is negative.
    """
    attention = np.asarray(attention)
    if attention.ndim == 3:
        attention = attention[None]
    attention = as_matrix(attention, "attention", num_axes=4)
    if np.nanmin(attention) < 0:
        raise ValueError(
            "attention holds negative values; attention weights after the softmax are 0 or more."
        )
    depth, num_heads = attention.shape[:2]
    cell = float(np.clip(8.4 / num_heads, 0.65, 1.9))
    fig = Figure(figsize=(cell * num_heads + 0.9, (0.92 * cell + 0.2 * (not shared_scale)) * depth + 0.6))
    fig.get_layout_engine().set(w_pad=0.02, h_pad=0.02)
    grid = fig.subplots(depth, num_heads, squeeze=False)
    highest = float(np.nanmax(attention)) or 1.0
    for layer, head in np.ndindex(depth, num_heads):
        axes, values = grid[layer, head], attention[layer, head]
        own = float(np.nanmax(values))
        drawn = axes.imshow(
            values, cmap=ATTENTION_COLOURS, vmin=0, vmax=highest if shared_scale else own or 1.0
        )
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if layer == 0:
            axes.set_title(
                f"Head {head + count_from}" if cell > 0.8 else head + count_from,
                fontsize=9,
                loc="center",
                pad=4,
            )
        if head == 0:
            name = f"Layer {layer + count_from}" if cell > 0.8 else layer + count_from
            axes.set_ylabel(name if depth > 1 else "", fontsize=9)
        if not shared_scale and cell > 0.6:
            axes.set_xlabel(
                f"max {own:.2g}" if cell > 0.9 else f"{own:.2g}", fontsize=7.5, labelpad=2, color=FAINT_INK
            )
    if shared_scale:
        fig.colorbar(drawn, ax=grid, fraction=0.03, pad=0.02, label=unit)
    else:
        bar_to_own_max(fig, grid, unit)
    fig.suptitle(title)
    return fig


def grey_photo(image):
    """Take the colour out of a photograph (height, width, 3): the only colours left are those of the map."""
    brightness = image @ np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
    return np.repeat(DARKEST + (1 - DARKEST) * brightness[..., None], 3, axis=-1)


def bar_to_own_max(fig, grid, unit, opacity=1.0):
    """Add the colour bar of panels that have their own scales: it runs from 0 to "max"."""
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), ATTENTION_COLOURS)
    label = f"{unit},\neach panel from 0 to its own max"
    bar = fig.colorbar(
        scale, ax=grid, fraction=0.03, pad=0.02, label=label, alpha=opacity, shrink=max(0.9 / len(grid), 0.25)
    )
    bar.set_ticks([0, 1], labels=["0", "max"])


def _as_map(values, image, name):
    values = as_matrix(values, f"map {name!r}" if name else "map")
    if np.isnan(values).all() or np.nanmin(values) < 0:
        raise ValueError(
            "a map must hold values of 0 or more. Draw signed values with heatmap(..., signed=True)."
        )
    height, width = image.shape[:2]
    if height * values.shape[1] != width * values.shape[0]:
        raise ValueError(
            f"a map of {values.shape[0]} × {values.shape[1]} patches does not cover an image of "
            f"{height} × {width} with squares. "
            "Drop the class token, then reshape: attention[1:].reshape(grid, grid)."
        )
    return values
