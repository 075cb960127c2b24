"""The course's look: on its own figures whole, on a learner's figures only its colours and letters."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.course.setup import start
from helpers.show.charts import curves
from helpers.show.style import COLOURS_AND_FONTS, LAYOUT, STYLE, figure_png

RNG = np.random.default_rng(0)


@pytest.fixture
def lesson(monkeypatch, capsys):
    """A kernel after the set-up cell, in which every warning is an error."""
    plt.switch_backend("Agg")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        start()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
        plt.close("all")


def test_the_kernel_gets_colours_and_fonts_and_nothing_that_moves_or_hides(lesson):
    now, before = matplotlib.rcParams, matplotlib.rcParamsDefault
    assert (
        now["axes.prop_cycle"] == COLOURS_AND_FONTS["axes.prop_cycle"] and now["axes.titleweight"] == "bold"
    )
    changed = {name for name, value in before.items() if now[name] != value}
    changed -= {"backend", "backend_fallback", "interactive"}
    assert changed <= set(COLOURS_AND_FONTS)
    assert not set(COLOURS_AND_FONTS) & set(LAYOUT) and STYLE == COLOURS_AND_FONTS | LAYOUT
    moves = ("layout", "subplot", "spines", "loc", "pad", "dpi", "figsize", "autolayout", "interpolation")
    assert not [name for name in COLOURS_AND_FONTS if any(word in name for word in moves)]


def tight_layout():
    figure, axes = plt.subplots(2, 2)
    axes[0, 0].set_title("a title")
    plt.tight_layout()
    return figure


def subplots_adjust():
    figure, axes = plt.subplots(1, 3)
    figure.subplots_adjust(wspace=0.4, top=0.8)
    plt.subplots_adjust(hspace=0.3)
    assert figure.subplotpars.wspace == 0.4 and figure.subplotpars.top == 0.8
    return figure


def colour_bar_then_tight_layout():
    plt.figure()
    plt.imshow(RNG.random((8, 8)))
    plt.colorbar(label="weight")
    plt.tight_layout()
    return plt.gcf()


def one_colour_bar_for_all():
    figure, axes = plt.subplots(1, 2)
    drawn = [ax.imshow(RNG.random((4, 4))) for ax in axes]
    figure.colorbar(drawn[0], ax=axes, shrink=0.8)
    figure.subplots_adjust(top=0.85)
    figure.suptitle("maps")
    return figure


def an_axis_placed_by_hand():
    figure = plt.figure()
    left = figure.add_axes([0.1, 0.1, 0.3, 0.8])
    figure.add_axes([0.55, 0.1, 0.4, 0.8])
    figure.canvas.draw()
    np.testing.assert_allclose(left.get_position().bounds, (0.1, 0.1, 0.3, 0.8))
    return figure


def two_scales():
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], label="loss")
    other = axes.twinx()
    other.plot([0, 1], [1, 0], color="tab:red")
    axes.legend()
    plt.tight_layout()
    assert other.spines["right"].get_visible()
    return figure


def a_title_in_the_middle():
    plt.figure()
    plt.hist(RNG.normal(size=100))
    plt.title("histogram")
    assert plt.gca().get_title(loc="center") == "histogram"
    plt.tight_layout()
    return plt.gcf()


def a_grid_of_images():
    figure, axes = plt.subplots(3, 3, figsize=(6, 6), gridspec_kw={"wspace": 0, "hspace": 0})
    for ax in axes.flat:
        ax.imshow(RNG.random((8, 8, 3)))
        ax.axis("off")
    plt.tight_layout(pad=0)
    return figure


CALLS = [
    tight_layout,
    subplots_adjust,
    colour_bar_then_tight_layout,
    one_colour_bar_for_all,
    an_axis_placed_by_hand,
    two_scales,
    a_title_in_the_middle,
    a_grid_of_images,
]


@pytest.mark.parametrize("draw", CALLS, ids=lambda call: call.__name__)
def test_a_learners_usual_calls_work_and_warn_of_nothing(lesson, draw, tmp_path):
    draw().savefig(tmp_path / "figure.png", bbox_inches="tight")


PANDAS = {
    "lines": lambda table: table.plot(),
    "one plot a column": lambda table: table.plot(subplots=True, layout=(2, 2), sharex=True),
    "bars": lambda table: table.abs().head().plot.bar(stacked=True),
    "two scales": lambda table: table.plot(secondary_y=["a"]),
    "colour bar": lambda table: table.plot.scatter(x="a", y="b", c="c", colormap="viridis"),
    "histograms": lambda table: table.hist(),
    "boxes": lambda table: table.boxplot(),
}


@pytest.mark.parametrize("draw", PANDAS.values(), ids=PANDAS)
def test_pandas_draws(lesson, draw, tmp_path):
    pandas = pytest.importorskip("pandas")
    draw(pandas.DataFrame(RNG.normal(size=(30, 3)), columns=list("abc")))
    plt.tight_layout()
    plt.savefig(tmp_path / "figure.png")


SEABORN = {
    "heat map": lambda seaborn, table: seaborn.heatmap(table.corr(), annot=True),
    "pairs": lambda seaborn, table: seaborn.pairplot(table),
    "facets": lambda seaborn, table: seaborn.relplot(table, x="a", y="b", hue="c"),
    "joint": lambda seaborn, table: seaborn.jointplot(table, x="a", y="b"),
    "bars": lambda seaborn, table: seaborn.barplot(table),
}


@pytest.mark.parametrize("draw", SEABORN.values(), ids=SEABORN)
def test_seaborn_draws(lesson, draw, tmp_path):
    pandas, seaborn = pytest.importorskip("pandas"), pytest.importorskip("seaborn")
    draw(seaborn, pandas.DataFrame(RNG.normal(size=(30, 3)), columns=list("abc")))
    plt.savefig(tmp_path / "figure.png")


def test_the_courses_figures_keep_their_look_whatever_the_kernel_wears():
    """The look belongs to the figure: in a kernel with the course's colours it is that of the whole style."""

    def picture(kernel):
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(kernel)
            return figure_png(curves({"one": [1, 3, 2], "two": [2, 2, 4]}, "Loss", "pass"))[0]

    assert picture(COLOURS_AND_FONTS) == picture(STYLE)
