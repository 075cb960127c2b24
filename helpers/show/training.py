"""Figures of training: what augmentation does to one image, and a run's curves, drawn while it goes.

with LiveCurves(recipe, num_images, out=folder) as live:
    train(model, dataset, recipe, out=folder, report=live)
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from helpers.show.charts import bars
from helpers.show.progress import ProgressBar, in_notebook, is_quiet
from helpers.show.style import FAINT_INK, LINE_COLOURS, LivePicture, as_image, show, styled
from helpers.train.schedule import warmup_cosine


@styled
def draws(rows, *, title=None):
    """Draw rows of images, each with its name on the left: one kind of change a row, one draw a column.

    Args:
        rows: {name: images}, images (n, height, width, 3), float in [0, 1] or uint8; every n the same.
        title: title of the figure.
    Returns:
        matplotlib Figure, an axes an image, row by row.
    Raises:
        ValueError: if there are no rows, or they differ in length.
    """
    counts = {name: len(images) for name, images in rows.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ValueError(f"rows must all hold the same number of images, at least 1; received {counts}.")
    columns = next(iter(counts.values()))
    cell = min(1.15, 7.4 / columns)
    fig = Figure(figsize=(cell * columns + 1.2, (cell + 0.06) * len(rows) + 0.35 * bool(title)))
    fig.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0)
    grid = fig.subplots(len(rows), columns, squeeze=False)
    for line, (name, images) in zip(grid, rows.items()):
        for index, (axes, image) in enumerate(zip(line, images)):
            axes.imshow(as_image(image, f"{name} [{index}]"))
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    if title:
        fig.suptitle(title)
    return fig


def shares(labels, class_names):
    """Put soft labels into words, the largest first: "cat 0.70" and below it "coffee 0.30".

    Args:
        labels: float (n, num_classes), rows sum to 1.
        class_names: num_classes names.
    Returns:
        list of n str; classes with less than half a percent are left out.
    """
    texts = []
    for row in np.asarray(labels):
        order = [index for index in np.argsort(-row, kind="stable") if row[index] >= 0.005]
        texts.append("\n".join(f"{class_names[index]} {row[index]:.2f}" for index in order))
    return texts


@styled
def run_curves(history, recipe, num_images, *, title="", stopped_after=None):
    """Draw a run: training loss, test accuracy and learning rate over the passes; the rest is pale.

    Args:
        history: list of dicts with "pass", "loss" and "test_accuracy", as `train` gives it; may be empty.
        recipe: Recipe, for the length of the run and its learning rate.
        num_images: int, training images.
        title: title of the figure.
        stopped_after: int, a pass after which the run was stopped: a dotted line.
    Returns:
        matplotlib Figure; axes 0 holds the loss, axes 1 the accuracy in percent, axes 2 the learning rate.
    """
    fig = Figure(figsize=(8.6, 2.75 + 0.3 * bool(title)))
    loss, accuracy, rate = fig.subplots(1, 3)
    passes = [entry["pass"] for entry in history]
    marker = "o" if recipe.epochs <= 40 else None
    panels = (
        (loss, [entry["loss"] for entry in history], "Training loss", ": {:.2f}", LINE_COLOURS[0]),
        (
            accuracy,
            [100 * e["test_accuracy"] for e in history],
            "Test accuracy",
            ": {:.1f} %",
            LINE_COLOURS[1],
        ),
    )
    for axes, values, name, number, colour in panels:
        axes.plot(passes, values, color=colour, marker=marker, markersize=4)
        axes.set_title(name + (number.format(values[-1]) if values else ""))
    loss.set_ylabel("mean cross-entropy (nats)")
    accuracy.set_ylabel("right answers (%)")
    when, rates = _learning_rates(recipe, num_images)
    done = when <= (passes[-1] if passes else 0)
    rate.plot(when, 1000 * rates, color=FAINT_INK, alpha=0.35)
    rate.plot(when[done], 1000 * rates[done], color=LINE_COLOURS[2])
    rate.set_title("Learning rate")
    rate.set(ylabel="rate (thousandths)", ylim=(0, 1080 * recipe.learning_rate))
    for axes in (loss, accuracy, rate):
        axes.set(xlabel="passes over the images", xlim=(0, recipe.epochs * 1.02))
        axes.margins(y=0.12)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
        if stopped_after:
            axes.axvline(stopped_after, color=FAINT_INK, linestyle=":", linewidth=1.4)
    if title:
        fig.suptitle(title, fontsize=10.5)
    return fig


def ablation_bars(table, noise="another-seed"):
    """Draw what each change of a recipe adds to the test accuracy or takes away, the worst first.

    Args:
        table: what `benchmarks/ablate.py --write` keeps: "rows", {name: {"what", "test_accuracy"}} with an
            accuracy a pass, the recipe as it is first; "passes" and "date".
        noise: the row that changes nothing but the seed. It has no bar; the grey strip is as wide.
    Returns:
        matplotlib Figure, horizontal bars in points; `fig.axes[0].patches` begins with the bars.
    Raises:
        ValueError: if the table has no such row.
    """
    ends = {name: 100 * row["test_accuracy"][-1] for name, row in table["rows"].items()}
    if noise not in ends:
        raise ValueError(f"The table has no row {noise!r}; it has {', '.join(ends)}.")
    first = next(iter(ends.values()))
    strip = abs(ends.pop(noise) - first)
    names = sorted(list(ends)[1:], key=ends.get)
    title = f"Each change against {first:.1f} % after {table['passes']} passes; {table['date']}"
    gained, labels = [ends[name] - first for name in names], [table["rows"][name]["what"] for name in names]
    fig = bars(gained, labels, title, "test accuracy", "points", horizontal=True, number_format="{:+.1f}")
    fig.axes[0].axvspan(-strip, strip, color=FAINT_INK, alpha=0.25, linewidth=0, zorder=0)
    return fig


def _learning_rates(recipe, num_images, points=400):
    """Give positions in passes and the learning rate at each, over the whole run."""
    steps_a_pass = max(1, num_images // recipe.batch_size)
    total = recipe.epochs * steps_a_pass
    steps = np.unique(np.linspace(0, total - 1, points).round().astype("int64"))
    warmup = min(int(recipe.warmup_epochs * steps_a_pass), total)
    rates = warmup_cosine(steps, peak=recipe.learning_rate, warmup_steps=warmup, total_steps=total)
    return steps / steps_a_pass, np.asarray(rates)


def passes_done(out):
    """Read the history of a run that was stopped, from the state that `train` keeps in its folder.

    Args:
        out: folder that `train` was given, or None.
    Returns:
        list of dicts, one a pass; empty where there is no state, or none that can be read (`train` tells).
    """
    path = Path(out, "state.npz") if out is not None else None
    if path is None or not path.exists():
        return []
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return json.loads(str(arrays["story"]))["history"]
    except Exception:
        return []


class LiveCurves:
    """What `train` reports to while it goes: a progress bar, and `run_curves` drawn anew after every pass.

    In a notebook one picture is replaced in place. Where outputs are stored or compared (the course's runner,
    nbval), nothing is drawn on the way, and the finished picture is shown once at the end.

    Args:
        recipe: Recipe of the run.
        num_images: int, training images.
        out: folder that `train` is given. The passes that an earlier call has done are read from it and drawn
            first; a dotted line marks where they end.
        title: title of the figure.
        alt: str, the description of the picture; fixed, as it is compared.
        quiet: None asks `is_quiet`.
    """

    def __init__(self, recipe, num_images, *, out=None, title="", alt="Curves of the run.", quiet=None):
        self.recipe, self.num_images, self.title, self.alt = recipe, num_images, title, alt
        self.history = passes_done(out)
        self.stopped_after = len(self.history) if 0 < len(self.history) < recipe.epochs else None
        self.quiet = is_quiet(quiet)
        self.images_a_pass = num_images // recipe.batch_size * recipe.batch_size
        self.picture, self.bar = LivePicture(alt), None
        self.counted = 0

    def __enter__(self):
        left = (self.recipe.epochs - len(self.history)) * self.images_a_pass
        self.bar = ProgressBar(left, "images", label="Training", quiet=self.quiet)
        self._draw()
        return self

    def __call__(self, entry):
        """Take a report of `train`: of a pass, or of the images done within one."""
        if "test_accuracy" in entry:
            self.history.append(entry)
            self.counted = 0
            self._draw()
            return
        self.bar.update(entry["images"] - self.counted, note=f"pass {entry['pass']} of {self.recipe.epochs}")
        self.counted = entry["images"]

    def __exit__(self, *exception):
        self.bar.close()
        if self.quiet:
            show(self.figure(), alt=self.alt)

    def figure(self):
        """Draw the run as it stands."""
        return run_curves(
            self.history, self.recipe, self.num_images, title=self.title, stopped_after=self.stopped_after
        )

    def _draw(self):
        if not self.quiet and in_notebook():
            self.picture.draw(self.figure())
