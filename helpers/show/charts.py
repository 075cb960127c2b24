"""Figures that show numbers as lengths and lines: bars and curves."""

import itertools

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import FAINT_INK, INK, LINE_COLOURS, as_matrix, check_names, styled

LINE_STYLES = ("-", "--", "-.", ":")  # with the colour, so that a print in grey still tells the lines apart
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@styled
def bars(
    values,
    labels,
    title="",
    y_label="",
    unit="",
    *,
    errors=None,
    highlight=None,
    horizontal=None,
    number_format="{:.3g}",
):
    """Draw one bar a value, with its number at the end.

    Args:
        values: (n,) numbers.
        labels: n names.
        title, y_label: str; `y_label` is the axis of the values.
        unit: str, behind the label of the axis, in brackets.
        errors: (n,) half-widths of the error bars.
        highlight: index of the one bar that the text speaks of; the others turn pale.
        horizontal: lay the bars down; by default where the names are long or many.
        number_format: format of the numbers at the bars.
    Returns:
        matplotlib Figure; `fig.axes[0].patches` are the bars.
    Raises:
        ValueError: if labels or errors do not fit the values.
    """
    values = as_matrix(values, "values", num_axes=1)
    labels = check_names(labels, len(values), "labels")
    if errors is not None:
        errors = as_matrix(errors, "errors", num_axes=1)
        if errors.shape != values.shape:
            raise ValueError(f"errors must hold one number a value, {len(values)}, got {len(errors)}.")
    if horizontal is None:
        horizontal = max(map(len, labels)) * len(labels) > 90 or max(map(len, labels)) > 16
    colours = [
        LINE_COLOURS[0] if highlight is None or index == highlight else "#a9c6dc"
        for index in range(len(values))
    ]
    positions = np.arange(len(values))
    axis_label = f"{y_label} ({unit})" if unit else y_label
    if horizontal:
        fig = Figure(figsize=(7.4, 0.34 * len(values) + 1.0))
        axes = fig.subplots()
        drawn = axes.barh(
            positions,
            values,
            xerr=errors,
            color=colours,
            height=0.72,
            error_kw={"ecolor": FAINT_INK, "capsize": 3},
        )
        axes.set_yticks(positions, labels=labels)
        axes.invert_yaxis()
        axes.set_xlabel(axis_label)
        axes.grid(axis="x")
        axes.axvline(0, color=FAINT_INK, linewidth=0.8)
        axes.margins(x=0.12)
    else:
        fig = Figure(figsize=(float(np.clip(0.75 * len(values) + 1.4, 3.6, 8.4)), 3.3))
        axes = fig.subplots()
        drawn = axes.bar(
            positions,
            values,
            yerr=errors,
            color=colours,
            width=0.72,
            error_kw={"ecolor": FAINT_INK, "capsize": 3},
        )
        axes.set_xticks(positions, labels=labels)
        axes.set_ylabel(axis_label)
        axes.grid(axis="y")
        axes.axhline(0, color=FAINT_INK, linewidth=0.8)
        axes.margins(y=0.12)
    axes.tick_params(length=0)
    texts = ["" if np.isnan(value) else number_format.format(value).replace("-", "−") for value in values]
    if horizontal or len(values) <= 20:
        axes.bar_label(drawn, labels=texts, padding=3, fontsize=8.5, color=INK)
    axes.set_title(title)
    return fig


@styled
def curves(
    series,
    title="",
    x_label="",
    y_label="",
    *,
    x=None,
    x_start=0,
    log_x=False,
    log_y=False,
    bands=None,
    limits=None,
):
    """Draw lines over one axis, each with its own colour, dash and marker.

    Args:
        series: {name: values}, values (n,); NaN leaves a gap. Without `x`, lines may differ in length.
        title, x_label, y_label: str; labels carry their unit, as in "Time (ms)".
        x: (n,) positions of the values; by default `x_start`, `x_start` + 1, …
        x_start: first position; 1 for layers and epochs.
        log_x, log_y: logarithmic axes.
        bands: {name: half-width} with (n,) half-widths, drawn as a pale band around that line.
        limits: (lowest, highest) of the y axis.
    Returns:
        matplotlib Figure; `fig.axes[0].lines` are the lines, in the order of `series`.
    Raises:
        ValueError: if a line does not fit `x`, or a band names no line.
    """
    if not series:
        raise ValueError("series is empty: pass {name: values}.")
    unknown = set(bands or {}) - set(series)
    if unknown:
        raise ValueError(f"bands name lines that are not in series: {sorted(unknown)}.")
    fig = Figure(figsize=(7.0, 3.7))
    axes = fig.subplots()
    looks = zip(
        series.items(),
        itertools.cycle(LINE_COLOURS),
        itertools.cycle(LINE_STYLES),
        itertools.cycle(MARKERS),
        strict=False,
    )
    for (name, values), colour, dash, marker in looks:
        values = as_matrix(values, f"series[{name!r}]", num_axes=1)
        positions = x_start + np.arange(len(values)) if x is None else as_matrix(x, "x", num_axes=1)
        if len(positions) != len(values):
            raise ValueError(
                f"series[{name!r}] has {len(values)} values for {len(positions)} positions in x."
            )
        few = len(values) <= 40
        axes.plot(
            positions, values, dash, color=colour, label=name, marker=marker if few else None, markersize=4.5
        )
        if bands and name in bands:
            half = np.broadcast_to(as_matrix(np.atleast_1d(bands[name]), "band", num_axes=1), values.shape)
            axes.fill_between(positions, values - half, values + half, color=colour, alpha=0.15, linewidth=0)
    if log_x:
        axes.set_xscale("log")
        if len(positions) <= 12:  # a tick for each, not for powers of ten
            axes.set_xticks(positions, labels=[f"{position:,g}" for position in positions])
            axes.minorticks_off()
    elif all(float(position).is_integer() for position in positions):
        axes.xaxis.get_major_locator().set_params(integer=True)
    if log_y:
        axes.set_yscale("log")
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_title(title)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.grid()
    if len(series) > 1 or list(series)[0]:
        outside = len(series) > 5
        axes.legend(
            **({"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if outside else {"loc": "best"}),
            handlelength=3,
        )
    return fig
