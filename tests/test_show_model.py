"""The figures of the whole network: what is drawn, and what is refused."""

import math

import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from helpers.show.model import HALVES, LiveLoss, loss_curve, parameter_shares, wirings


def boxes(axes):
    """Give the names of the boxes from the bottom to the top, with whether each stands on the stream."""
    names = {text.get_position(): text.get_text() for text in axes.texts if text.get_text()}
    found = []
    for box in axes.patches:
        assert isinstance(box, FancyBboxPatch)
        x, y = box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2
        name = next(name for place, name in names.items() if np.allclose(place, (x, y)))
        found.append((y, name, abs(x) < 0.1))
    return [(name, on_stream) for _, name, on_stream in sorted(found)]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("pre-norm", [("Norm", False), ("Attention", False), ("Norm", False), ("MLP", False)]),
        ("post-norm", [("Attention", False), ("Norm", True), ("MLP", False), ("Norm", True)]),
        ("skip after the norm", [("Norm", True), ("Attention", False), ("Norm", True), ("MLP", False)]),
        ("no skip", [("Norm", True), ("Attention", True), ("Norm", True), ("MLP", True)]),
    ],
)
def test_a_wiring_stands_in_its_order(name, expected):
    axes = wirings([name]).axes[0]
    assert boxes(axes) == expected
    assert [text.get_text() for text in axes.texts].count("+") == (0 if name == "no skip" else 2)


def test_wirings_stand_side_by_side():
    fig = wirings(tuple(HALVES))
    assert [axes.get_title(loc="center") for axes in fig.axes] == list(HALVES)


@pytest.mark.parametrize("names", [("pre",), ()])
def test_an_unknown_wiring_is_refused(names):
    with pytest.raises(ValueError, match="pre-norm, post-norm"):
        wirings(names)


def test_shares_are_percent_and_the_total_stands_at_the_end():
    counts = {"small": {"MLP": 3, "head": 1}, "large": {"MLP": 45_000_000, "head": 5_000_000}}
    axes = parameter_shares(counts).axes[0]
    widths = np.array([[bar.get_width() for bar in bars] for bars in axes.containers])
    np.testing.assert_allclose(widths, [[75, 90], [25, 10]])
    texts = [text.get_text() for text in axes.texts]
    assert {"75", "90", "25", "10", "0.00 M", "50.0 M"} == set(texts)


@pytest.mark.parametrize("counts", [{}, {"a": {"MLP": 1}, "b": {"head": 1}}])
def test_models_with_other_parts_are_refused(counts):
    with pytest.raises(ValueError, match="the same parts"):
        parameter_shares(counts)


def test_a_loss_curve_shows_what_guessing_costs():
    loss, accuracy = loss_curve([2.3, 0.5, 0.25], [0.1, 0.5, 1.0], 10).axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [2.3, 0.5, 0.25])
    assert loss.lines[1].get_ydata()[0] == pytest.approx(math.log(10)) and loss.get_yscale() == "log"
    assert loss.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert accuracy.lines[0].get_ydata().tolist() == [10, 50, 100]
    assert accuracy.get_title(loc="left") == "Accuracy: 100 %"


def test_losses_and_accuracies_of_different_length_are_refused():
    with pytest.raises(ValueError, match="received 2 and 1"):
        loss_curve([1, 2], [1], 10)


def test_live_loss_shows_one_picture_at_the_end_where_outputs_are_stored(capsys):
    live = LiveLoss(10, alt="A falling line.", quiet=True)
    for epoch, loss in enumerate((2.0, 1.0)):
        live.on_epoch_end(epoch, {"loss": loss, "accuracy": 1 - loss / 2})
    assert capsys.readouterr().out == ""
    live.on_train_end()
    assert capsys.readouterr().out == "A falling line.\n"  # outside IPython: the description alone
    assert live.losses == [2.0, 1.0] and live.accuracies == [0.0, 0.5]


def test_live_loss_draws_nothing_outside_a_notebook(capsys, notebook):
    """Nor in a terminal's IPython, which has no kernel: nothing there can be replaced in place."""
    live = LiveLoss(10, quiet=False)
    live.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.0})
    live.on_train_end()
    assert capsys.readouterr().out == "" and notebook == []
