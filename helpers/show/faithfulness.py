"""Figures of what maps are worth: accuracy while patches go, and all methods on one chart, chance marked."""

import itertools

import numpy as np
from matplotlib.figure import Figure

from helpers.show.charts import LINE_STYLES, MARKERS
from helpers.show.panels import expect_panels, same_names
from helpers.show.style import FAINT_INK, GRID_LINE, INK, LINE_COLOURS, as_matrix, styled

CHANCE = "random"


@styled
def removal_curves(panels, removed, *, title="", chance=CHANCE, y_label="accuracy"):
    """Draw the accuracy while patches are removed, a panel an order and a line a method.

    Args:
        panels: {title: {method: (points,)}}, accuracies in [0, 1]; the same methods in all panels.
        removed: (points,), how much is gone at each point, such as the share of the patches.
        title, y_label: str.
        chance: the method that stands for chance: it is drawn in grey, broad and behind the others.
    Returns:
        matplotlib Figure; `fig.axes[i].lines` are the lines of panel i, in the order of the methods.
    Raises:
        ValueError: if there is nothing to draw, the panels do not hold the same methods, or a line does not
            fit `removed`.
    """
    expect_panels(panels, "{title: {method: accuracies}}")
    same_names(panels, "methods")
    removed = as_matrix(removed, "removed", num_axes=1)
    fig = Figure(figsize=(3.6 * len(panels) + 0.6, 4.2))
    for axes, (panel, lines) in zip(
        fig.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items()
    ):
        looks = zip(*(itertools.cycle(each) for each in (LINE_COLOURS, LINE_STYLES, MARKERS)))
        for method, values in lines.items():
            values = as_matrix(values, f"panels[{panel!r}][{method!r}]", num_axes=1)
            if len(values) != len(removed):
                raise ValueError(
                    f"panels[{panel!r}][{method!r}] has {len(values)} values for {len(removed)} in removed."
                )
            if method == chance:
                axes.plot(removed, values, color=FAINT_INK, linewidth=5, alpha=0.45, label=method, zorder=1)
                continue
            colour, dash, marker = next(looks)
            every = max(1, len(values) // 8)
            axes.plot(
                removed,
                values,
                dash,
                color=colour,
                marker=marker,
                markevery=every,
                markersize=4,
                label=method,
            )
        axes.set(title=panel, xlabel="patches removed (share)")
        axes.grid(axis="y")
    fig.axes[0].set(ylabel=y_label, ylim=(0, None))
    fig.legend(*fig.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, handlelength=3)
    if title:
        fig.suptitle(title)
    return fig


@styled
def method_chart(panels, *, title="", chance=CHANCE):
    """Put all methods on one chart: a row a method, a panel a measure, a dot with the interval about it.

    Args:
        panels: {measure: {method: (value, low, high)}}; the same methods in all panels. The first panel's
            order of the methods is the order of the rows, from the top.
        title: str.
        chance: the method that stands for chance; its interval is a band behind all rows. None, or a method
            that is not there, for no band.
    Returns:
        matplotlib Figure; `fig.axes[i].lines[0]` are the dots of panel i, in the order of the methods, and
        `fig.axes[i].collections[0]` their intervals.
    Raises:
        ValueError: if there is nothing to draw, the panels do not hold the same methods, or a value lies
            outside its interval.
    """
    expect_panels(panels, "{measure: {method: (value, low, high)}}")
    methods = same_names(panels, "methods", in_any_order=True)
    fig = Figure(figsize=(2.1 + 2.3 * len(panels), 0.34 * len(methods) + 1.3))
    grid = fig.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = np.arange(len(methods))
    for axes, (measure, rows) in zip(grid, panels.items()):
        numbers = as_matrix([rows[method] for method in methods], f"panels[{measure!r}]")
        if (
            numbers.shape[1] != 3
            or not ((numbers[:, 1] <= numbers[:, 0]) & (numbers[:, 0] <= numbers[:, 2])).all()
        ):
            raise ValueError(
                f"Expected (value, low, high) with low ≤ value ≤ high for each method; received others in "
                f"{measure!r}."
            )
        colours = [FAINT_INK if method == chance else LINE_COLOURS[0] for method in methods]
        if chance in rows:
            axes.axvspan(rows[chance][1], rows[chance][2], color=GRID_LINE, zorder=0)
        axes.hlines(places, numbers[:, 1], numbers[:, 2], color=colours, linewidth=2)
        axes.plot(numbers[:, 0], places, "o", color=INK, markersize=5)
        axes.set(title=measure)
        axes.tick_params(length=0)
        axes.grid(axis="x")
    grid[0].set_yticks(places, labels=methods)
    grid[0].invert_yaxis()
    if title:
        fig.suptitle(title)
    return fig
