"""Figures of the whole network: how a block is wired, where its parameters sit, how one batch is learned."""

import math

import numpy as np
from keras.callbacks import Callback
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from helpers.show.progress import in_notebook, is_quiet
from helpers.show.style import FAINT_INK, INK, LINE_COLOURS, LivePicture, show, styled

# What stands on the stream (True) and what on the branch (False), from the input up; None is the plus.
HALVES = {
    "pre-norm": (("norm", False), ("part", False), None),
    "post-norm": (("part", False), None, ("norm", True)),
    "skip after the norm": (("norm", True), ("part", False), None),
    "no skip": (("norm", True), ("part", True)),
}
BOX_COLOURS = {"Norm": "#fbe3b5", "Attention": "#c4def0", "MLP": "#bfe5d8"}
PART_COLOURS = {
    "patch embedding": "#E69F00",
    "class token, positions": "#56B4E9",
    "attention": "#0072B2",
    "MLP": "#009E73",
    "norms": "#1b1f24",
    "head": "#CC79A7",
}


@styled
def wirings(names=("pre-norm", "post-norm", "skip after the norm")):
    """Draw how an encoder block can be wired, side by side: tokens go in at the bottom and come out on top.

    Args:
        names: of "pre-norm", "post-norm", "skip after the norm", "no skip".
    Returns:
        matplotlib Figure, an axes a wiring.
    Raises:
        ValueError: for an unknown name; the message lists those that exist.
    """
    if not names or set(names) - set(HALVES):
        raise ValueError(f"names must be some of {', '.join(HALVES)}; received {list(names)}.")
    fig = Figure(figsize=(2.4 * len(names), 4.0))
    for axes, name in zip(fig.subplots(1, len(names), squeeze=False)[0], names):
        axes.set_title(name, loc="center")
        axes.set(xlim=(-1.3, 2.5), ylim=(-0.75, 9.6))
        axes.axis("off")
        height = _draw_half(axes, HALVES[name], "Attention", 0.0)
        height = _draw_half(axes, HALVES[name], "MLP", height)
        _line(axes, (0, 0), (0, height), arrow=True, stream=True)
        axes.text(0, -0.2, "tokens", ha="center", va="top")
    return fig


def _draw_half(axes, half, part, start):
    """Draw one branch from the height `start` upwards, and give the height at which it ends."""
    height, leaves = start + 0.5, None
    for step in half:
        if step is None:  # the plus: the branch comes back
            height += 0.35
            _line(axes, (1.4, height - 0.6), (1.4, height), stream=False)
            _line(axes, (1.4, height), (0.17, height), arrow=True)
            axes.plot(0, height, "o", markersize=15, color="white", markeredgecolor=INK, zorder=4)
            axes.text(0, height, "+", ha="center", va="center_baseline", fontsize=12, zorder=5)
            height += 0.75
            leaves = None
            continue
        kind, on_stream = step
        if not on_stream and leaves is None:
            leaves = height
            _line(axes, (0, height), (1.4, height))
            _line(axes, (1.4, height), (1.4, height + 0.5))
            height += 0.45
        name = "Norm" if kind == "norm" else part
        _box(axes, 0 if on_stream else 1.4, height + 0.5, name)
        height += 1.25
        if not on_stream:
            _line(axes, (1.4, height - 0.25), (1.4, height + 0.1))
    return height + 0.2


def _box(axes, x, y, name):
    shape = FancyBboxPatch(
        (x - 0.85, y - 0.4),
        1.7,
        0.8,
        boxstyle="round,pad=0,rounding_size=0.18",
        facecolor=BOX_COLOURS[name],
        edgecolor=INK,
        linewidth=0.9,
        zorder=4,
    )
    axes.add_patch(shape)
    axes.text(x, y, name, ha="center", va="center_baseline", fontsize=9, zorder=5)


def _line(axes, start, end, *, arrow=False, stream=False):
    look = dict(
        color=LINE_COLOURS[0] if stream else FAINT_INK,
        linewidth=3.2 if stream else 1.4,
        arrowstyle="-|>" if arrow else "-",
        mutation_scale=14 if stream else 10,
        shrinkA=0,
        shrinkB=0,
    )
    axes.annotate("", xy=end, xytext=start, arrowprops=look, zorder=2 if stream else 3)


@styled
def parameter_shares(counts, title="Where the parameters sit"):
    """Draw for each model one bar of 100 %, cut by part; its total stands at the end.

    Args:
        counts: {model: {part: number of parameters}}, every model with the same parts.
        title: str.
    Returns:
        matplotlib Figure; its bars are the shares in percent, part by part.
    Raises:
        ValueError: if there is nothing to draw, or the models have not the same parts.
    """
    parts = list(next(iter(counts.values()), {}))
    if not parts or any(list(each) != parts for each in counts.values()):
        raise ValueError(
            "counts must hold the same parts, in one order, for each model; received "
            f"{ {name: list(each) for name, each in counts.items()} }."
        )
    numbers = np.array([[each[part] for part in parts] for each in counts.values()], "float64")
    shares = 100 * numbers / numbers.sum(axis=1, keepdims=True)
    fig = Figure(figsize=(8.2, 0.42 * len(counts) + 1.5))
    axes = fig.subplots()
    rows, left = np.arange(len(counts)), np.zeros(len(counts))
    for index, part in enumerate(parts):
        colour = PART_COLOURS.get(part, LINE_COLOURS[index % len(LINE_COLOURS)])
        axes.barh(rows, shares[:, index], left=left, color=colour, height=0.72, label=part)
        for row, share in enumerate(shares[:, index]):
            if share >= 4:
                axes.text(left[row] + share / 2, row, f"{share:.0f}", ha="center", va="center", color="white")
        left += shares[:, index]
    for row, total in enumerate(numbers.sum(axis=1)):
        axes.text(101, row, _millions(total), va="center")
    axes.set_yticks(rows, labels=list(counts))
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.set(xlim=(0, 100), xlabel="share of the parameters (%)")
    axes.set_title(title)
    fig.legend(loc="outside lower center", ncols=len(parts), handlelength=1.4, columnspacing=1.4)
    return fig


def _millions(count):
    return f"{count / 1e6:,.1f} M" if count >= 1e6 else f"{count / 1e6:.2f} M"


@styled
def loss_curve(losses, accuracies, num_classes, title="One batch, again and again"):
    """Draw how one batch is learned: the loss, with that of guessing, and the share of right answers.

    Args:
        losses: (steps,) mean cross-entropy in nats.
        accuracies: (steps,) in [0, 1].
        num_classes: int; guessing costs ln(num_classes).
        title: str.
    Returns:
        matplotlib Figure; axes 0 holds the loss, axes 1 the accuracy in percent.
    Raises:
        ValueError: if the two differ in length.
    """
    if len(losses) != len(accuracies):
        raise ValueError(
            f"Expected one accuracy for each loss; received {len(losses)} and {len(accuracies)}."
        )
    fig = Figure(figsize=(8.0, 3.0))
    loss, accuracy = fig.subplots(1, 2)
    steps = np.arange(1, len(losses) + 1)
    loss.plot(steps, losses, color=LINE_COLOURS[0])
    loss.axhline(math.log(num_classes), color=FAINT_INK, linestyle=":")
    loss.annotate(
        f"guessing among {num_classes}: {math.log(num_classes):.2f}",
        (0.99, math.log(num_classes)),
        xycoords=loss.get_yaxis_transform(),
        xytext=(0, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        color=FAINT_INK,
        fontsize=8.5,
    )
    loss.set(yscale="log", ylabel="mean cross-entropy (nats)")
    loss.set_title("Loss" + (f": {losses[-1]:.3f}" if len(losses) else ""))
    accuracy.plot(steps, 100 * np.asarray(accuracies, "float64"), color=LINE_COLOURS[1])
    accuracy.set(ylim=(0, 104), ylabel="right answers (%)")
    accuracy.set_title("Accuracy" + (f": {100 * accuracies[-1]:.0f} %" if len(losses) else ""))
    for axes in (loss, accuracy):
        axes.set_xlabel("steps")
        axes.grid()
    fig.suptitle(title)
    return fig


class LiveLoss(Callback):
    """Draw `loss_curve` while Keras' `fit` goes, one picture replaced in place; one entry an epoch.

    Where outputs are stored or compared (the course's runner, nbval), only the last picture is shown.

    Args:
        num_classes: int.
        title: str.
        alt: str, the description of the picture; fixed, as it is compared.
        every: int, epochs between two drawings.
        quiet: None asks `is_quiet`.
    """

    def __init__(self, num_classes, *, title="One batch, again and again", alt="", every=10, quiet=None):
        super().__init__()
        self.num_classes, self.title, self.every = num_classes, title, every
        self.alt = alt or "The loss on one batch falls to almost 0, and its accuracy rises to 100 %."
        self.quiet, self.picture = is_quiet(quiet), LivePicture(self.alt)
        self.losses, self.accuracies = [], []

    def figure(self):
        """Draw the run as it stands."""
        return loss_curve(self.losses, self.accuracies, self.num_classes, title=self.title)

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(float(logs["loss"]))
        self.accuracies.append(float(logs["accuracy"]))
        if not self.quiet and epoch % self.every == 0:
            self._draw()

    def on_train_end(self, logs=None):
        if self.quiet:
            show(self.figure(), alt=self.alt)
        else:
            self._draw()

    def _draw(self):
        if in_notebook():
            self.picture.draw(self.figure())
