"""Figures that show a matrix as colours, with its numbers where they fit."""

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import INK, as_matrix, check_names, colour_scale, styled

CELLS_WITH_NUMBERS = 12  # a matrix up to this size has its numbers in its cells


@styled
def heatmap(
    matrix,
    title,
    x_label,
    y_label,
    signed=False,
    unit="",
    *,
    x_names=None,
    y_names=None,
    x_start=0,
    y_start=0,
    limits=None,
    numbers=None,
):
    """Draw a matrix as colours, row 0 at the top.

    Args:
        matrix: (rows, columns); NaN leaves a cell empty.
        title, x_label, y_label: str.
        signed: False: viridis, with 0 in the scale. True: blue below zero, white at zero, red above.
        unit: what the numbers are, for the colour bar.
        x_names, y_names: names of columns and rows instead of numbers.
        x_start, y_start: number of the first column and row; 1 for layers.
        limits: (lowest, highest) of the colour scale.
        numbers: write the values into the cells; by default for matrices up to 12 × 12.
    Returns:
        matplotlib Figure; `fig.axes[0].images[0]` holds the matrix.
    Raises:
        ValueError: if the matrix has another number of axes, or names do not fit it.
    """
    matrix = as_matrix(matrix, "matrix")
    rows, columns = matrix.shape
    colours, low, high = colour_scale(matrix, signed)
    if limits is not None:
        low, high = limits
        if not low < high:
            raise ValueError(f"limits must be (lowest, highest) with lowest < highest, got {limits}.")
        if signed and low != -high:
            raise ValueError(f"a signed scale has zero in its middle: limits must be (-v, v), got {limits}.")
    cell = float(np.clip(5.2 / max(rows, columns), 0.02, 0.52))
    fig = Figure(figsize=(max(columns * cell, 1.6) + 1.9, max(rows * cell, 0.9) + 1.1))
    axes = fig.subplots()
    drawn = axes.imshow(matrix, cmap=colours, vmin=low, vmax=high)
    axes.set_title(title)
    axes.set(xlabel=x_label, ylabel=y_label)
    _label_cells(axes.set_xticks, columns, x_names, x_start, "x_names")
    _label_cells(axes.set_yticks, rows, y_names, y_start, "y_names")
    if x_names is not None and max(map(len, map(str, x_names))) > 4:
        axes.tick_params(axis="x", rotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = fig.colorbar(drawn, ax=axes, fraction=0.046, pad=0.03, label=unit)
    bar.outline.set_visible(False)
    if numbers or (numbers is None and max(rows, columns) <= CELLS_WITH_NUMBERS):
        _write_numbers(axes, drawn, matrix)
    return fig


@styled
def confusion(matrix, class_names, *, title="Which class is taken for which"):
    """Draw a confusion matrix: a row for the true class, a column for the predicted one.

    The colour and the number are the share of the row in percent, so that a rare class reads as well as a
    frequent one.

    Args:
        matrix: (num_classes, num_classes) counts.
        class_names: num_classes names.
        title: str.
    Returns:
        matplotlib Figure; `fig.axes[0].images[0]` holds the shares in percent.
    Raises:
        ValueError: if the matrix is not square, holds negative counts, or the names do not fit it.
    """
    matrix = as_matrix(matrix, "matrix")
    if matrix.shape[0] != matrix.shape[1] or not (matrix >= 0).all():
        raise ValueError(f"matrix must be square and hold counts of 0 or more, got shape {matrix.shape}.")
    class_names = check_names(class_names, len(matrix), "class_names")
    totals = matrix.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shares = 100 * matrix / totals  # NaN, an empty cell, for a class without examples
    cell = float(np.clip(5.6 / len(matrix), 0.3, 0.62))
    fig = Figure(figsize=(cell * len(matrix) + 2.6, cell * len(matrix) + 1.6))
    axes = fig.subplots()
    drawn = axes.imshow(shares, vmin=0, vmax=100)
    axes.set_title(title)
    axes.set(xlabel="predicted class", ylabel="true class")
    positions = np.arange(len(matrix))
    axes.set_xticks(positions, labels=class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(positions, labels=class_names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = fig.colorbar(drawn, ax=axes, fraction=0.046, pad=0.03, label="share of the true class (%)")
    bar.outline.set_visible(False)
    if len(matrix) <= 15:
        _write_numbers(axes, drawn, shares, "{:.0f}")
    return fig


def _label_cells(set_ticks, count, names, start, argument):
    if names is not None:
        names = check_names(names, count, argument)
        set_ticks(np.arange(count), labels=names)
        return
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if count / step <= 14)
    numbers = [
        number for number in range(start, start + count) if step == 1 or number % step == 0 or number == start
    ]
    if len(numbers) > 1 and step > 1 and numbers[1] - numbers[0] < step / 2:
        numbers.pop(1)  # 0 and 1 would touch
    set_ticks([number - start for number in numbers], labels=numbers)


def _write_numbers(axes, drawn, matrix, number_format=None):
    if number_format is None:
        largest = np.nanmax(np.abs(matrix)) if np.isfinite(matrix).any() else 0
        whole = np.array_equal(matrix[np.isfinite(matrix)], np.round(matrix[np.isfinite(matrix)]))
        number_format = "{:.0f}" if whole or largest >= 100 else "{:.1f}" if largest >= 10 else "{:.2f}"
    for (row, column), value in np.ndenumerate(matrix):
        if np.isnan(value):
            continue
        red, green, blue, _ = drawn.cmap(drawn.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        text = number_format.format(value).replace("-", "−")
        axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color="white" if dark else INK)
