"""Figures of similarity: which layers of two networks are alike, and likeness against attention distance."""

import dataclasses
import itertools
import re
from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.show.charts import MARKERS
from helpers.show.style import FAINT_INK, INK, LINE_COLOURS, as_matrix, styled

MOST_LABELS = 11  # names along one axis: more would touch
NOTHING = "#d0d7de"  # the ground of cells without a value, under their hatching


@dataclasses.dataclass(frozen=True)
class Axis:
    """The layers of one network along one side of a map.

    Attributes:
        network: its name, such as "ViT".
        layers: the names of its layers, as `layer_names` gives them, in the order of the data.
        stages: the blocks with which a new stage begins, counted from 0; a thicker line goes before each.
    """

    network: str
    layers: tuple
    stages: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(map(str, self.layers)))
        object.__setattr__(self, "stages", tuple(self.stages))


@styled
def similarity_maps(maps, *, title="", columns=2, mark_best=False):
    """Draw the similarity of layers as colours, one panel a pair of networks, all on the scale from 0 to 1.

    The first layer is at the bottom left, as in Raghu et al. 2021, figure 1
    (https://arxiv.org/abs/2108.08810). Thin lines part the blocks, thicker ones the stages. Values below 0,
    which the debiased estimate has by chance, take the colour of 0.

    Args:
        maps: {title: (cka, axis_a, axis_b)}: a matrix (layers_a, layers_b), drawn with a going up and b going
            right, and an `Axis` for each; NaN is hatched.
        title: title of the figure.
        columns: panels side by side.
        mark_best: put a dot on the largest value of each row: the layer of b most like this one of a.
    Returns:
        matplotlib Figure; `fig.axes[i].images[0]` holds the matrix of panel i.
    Raises:
        ValueError: if a matrix does not fit its axes, or holds a value above 1.
    """
    if not isinstance(maps, Mapping) or not maps:
        raise ValueError("Expected maps as {title: (cka, axis_a, axis_b)}; received none.")
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    fig = Figure(figsize=(3.55 * columns + 0.9, 3.6 * rows + (0.35 if title else 0.05)))
    panels = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, (cka, side_a, side_b)) in zip(panels, maps.items()):
        drawn = _similarity_map(axes, _as_similarity(cka, side_a, side_b, name), side_a, side_b, mark_best)
        axes.set_title(name)
    for axes in panels[len(maps) :]:
        axes.remove()
    bar = fig.colorbar(drawn, ax=list(panels[: len(maps)]), fraction=0.035, pad=0.02, label="CKA")
    bar.outline.set_visible(False)
    if title:
        fig.suptitle(title)
    return fig


@styled
def likeness_by_distance(points, *, paths=None, uniform=None, title="", y_label="CKA", limits=(0, 1)):
    """Draw how alike something is over the mean attention distance: dots, and paths along which it is moved.

    Args:
        points: {name: (distances, likeness)}, two arrays (n,): distances in pixels; a colour and a marker a
            name.
        paths: {name: (distances, likeness)} drawn as lines through their points, from left to right; the
            first path has the colour of the first points, and so on.
        uniform: None or the distance of an even look, in pixels: a vertical line.
        title, y_label: str.
        limits: (lowest, highest) of the y axis.
    Returns:
        matplotlib Figure; `fig.axes[0].lines` are the points and paths, in their order.
    Raises:
        ValueError: if there is nothing to draw, or numbers of distances and values differ.
    """
    if not points and not paths:
        raise ValueError("Expected points or paths as {name: (distances, likeness)}; received none.")
    fig = Figure(figsize=(7.0, 3.7))
    axes = fig.subplots()
    for line, series in (("none", points or {}), ("-", paths or {})):
        looks = zip(series.items(), itertools.cycle(LINE_COLOURS), itertools.cycle(MARKERS))
        for (name, pair), colour, marker in looks:
            x, y = (as_matrix(values, f"values of {name!r}", num_axes=1) for values in pair)
            if x.shape != y.shape:
                raise ValueError(
                    f"Expected as many values as distances in {name!r}; received {y.size}, {x.size}."
                )
            order = np.argsort(x)
            face = colour if line == "none" else to_rgba(colour, 0.35)
            look = {"linestyle": line, "color": colour, "marker": marker, "markerfacecolor": face}
            axes.plot(x[order], y[order], label=name, markersize=6, **look)
    if uniform is not None:
        axes.axvline(float(uniform), color=FAINT_INK, linewidth=1, linestyle=":", label="even look")
    axes.set(xlabel="mean attention distance (pixels)", ylabel=y_label, ylim=limits, xlim=(0, None))
    axes.margins(x=0.05)
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=3, numpoints=1)
    axes.set_title(title)
    return fig


def _as_similarity(cka, side_a, side_b, name):
    matrix = as_matrix(cka, f"the similarity of {name!r}")
    expected = len(side_a.layers), len(side_b.layers)
    if matrix.shape != expected:
        raise ValueError(
            f"Expected a similarity {expected} in {name!r}, {side_a.network} going up and {side_b.network} "
            f"going right; received {matrix.shape}. Is it turned?"
        )
    if np.nanmax(matrix, initial=0) > 1 + 1e-6:
        raise ValueError(
            f"Expected a similarity of at most 1 in {name!r}; received {np.nanmax(matrix):.3g}. HSIC is no "
            "CKA before it is divided."
        )
    return matrix


def _similarity_map(axes, matrix, side_a, side_b, mark_best):
    axes.set_facecolor(NOTHING)
    drawn = axes.imshow(matrix, vmin=0, vmax=1, origin="lower", aspect="auto")
    for row, column in np.argwhere(np.isnan(matrix)):
        cell = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", edgecolor=FAINT_INK, lw=0)
        axes.add_patch(cell)
    if np.isnan(matrix).any():
        axes.text(
            1, 1.01, "hatched: NaN", transform=axes.transAxes, ha="right", fontsize=7.5, color=FAINT_INK
        )
    for side, ticks, line in (
        (side_a, axes.set_yticks, axes.axhline),
        (side_b, axes.set_xticks, axes.axvline),
    ):
        positions, labels = _thinned(side.layers)
        ticks(positions, labels=labels)
        for edge, is_stage in _edges(side):
            line(edge, color="white", linewidth=1.6 if is_stage else 0.5, alpha=0.95 if is_stage else 0.45)
    if mark_best:
        filled = np.where(np.isnan(matrix), -np.inf, matrix)
        found = np.flatnonzero(np.isfinite(filled).any(axis=1))
        best = filled[found].argmax(axis=1)
        axes.plot(best, found, "o", color="white", markeredgecolor=INK, markersize=4, markeredgewidth=0.8)
    axes.set(xlabel=_axis_label(side_b), ylabel=_axis_label(side_a))
    axes.set(xlim=(-0.5, matrix.shape[1] - 0.5), ylim=(-0.5, matrix.shape[0] - 0.5))
    axes.tick_params(length=2, labelsize=8)
    axes.spines[:].set_visible(False)
    return drawn


def _block_of(layer):
    """Give the block a layer belongs to, counted from 0; -1 for what comes before the blocks."""
    found = re.match(r"block_(\d+)", layer)
    return int(found[1]) if found else -1


def _thinned(layers):
    """Choose the layers to name, the last of each block, as many as fit: positions, and blocks from 1."""
    ends = [(at, layer) for at, layer in enumerate(layers) if "." not in layer]
    if len(ends) < 2:
        ends = list(enumerate(layers))
    step = -(-len(ends) // MOST_LABELS)
    chosen = [end for index, end in enumerate(ends) if index % step == 0]
    return [at for at, _ in chosen], [str(_block_of(layer) + 1) for _, layer in chosen]


def _edges(side):
    """Say where a block begins: positions between two layers, and whether a stage begins there."""
    blocks = [_block_of(layer) for layer in side.layers]
    for at, (before, block) in enumerate(itertools.pairwise(blocks)):
        if block != before:
            yield at + 0.5, block in side.stages


def _axis_label(side):
    first = side.layers[0]
    return f"{side.network}, after block" + (f" (0: {first})" if _block_of(first) < 0 else "")
