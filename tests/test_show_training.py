"""Figures of training: what is drawn is the data; the live curves are quiet where outputs are compared."""

import json

import numpy as np
import pytest

from helpers.data import make_shapes
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.show.training import LiveCurves, ablation_bars, draws, passes_done, run_curves, shares
from helpers.train.fit import train
from helpers.train.recipe import find_recipe
from helpers.train.schedule import warmup_cosine

RECIPE = find_recipe("laptop", epochs=4, batch_size=50, learning_rate=1e-3)
HISTORY = [{"pass": n, "loss": 2.0 / n, "test_accuracy": 0.1 * n} for n in (1, 2, 3)]


def test_every_draw_has_its_place():
    rows = {"first": np.zeros((3, 4, 5, 3)), "second": np.ones((3, 4, 5, 3))}
    fig = draws(rows, title="All")
    assert len(fig.axes) == 6
    assert [axes.images[0].get_array().mean() for axes in fig.axes] == [0, 0, 0, 1, 1, 1]
    assert fig.axes[0].get_ylabel() == "first" and fig.axes[3].get_ylabel() == "second"


@pytest.mark.parametrize("rows", [{"a": np.zeros((2, 4, 4, 3)), "b": np.zeros((3, 4, 4, 3))}, {}, {"a": []}])
def test_rows_that_do_not_match_are_told(rows):
    with pytest.raises(ValueError, match="same number"):
        draws(rows)


def test_shares_in_words():
    found = shares(np.array([[0.3, 0.7, 0.0], [1.0, 0.0, 0.001]]), ("cat", "coffee", "rocket"))
    assert found == ["coffee 0.70\ncat 0.30", "cat 1.00"]


def test_a_run_is_drawn_as_it_was():
    fig = run_curves(HISTORY, RECIPE, 200, title="A run", stopped_after=2)
    loss, accuracy, rate = fig.axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [2, 1, 2 / 3])
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [10, 20, 30])
    whole, done = rate.lines[:2]
    steps = np.round(whole.get_xdata() * 4)  # 200 images, batches of 50
    expected = warmup_cosine(steps, peak=1e-3, warmup_steps=4, total_steps=16)
    np.testing.assert_allclose(whole.get_ydata(), 1000 * np.asarray(expected), rtol=1e-5)
    assert done.get_xdata().max() == 3
    assert loss.lines[1].get_xdata()[0] == 2
    assert loss.get_xlim()[1] >= 4


def test_a_run_that_has_not_begun_is_drawn():
    fig = run_curves([], RECIPE, 200)
    assert len(fig.axes[0].lines[0].get_ydata()) == 0 and fig.axes[0].get_title(loc="left") == "Training loss"


def report(live, passes):
    for number in passes:
        for images in (50, 100, 150, 200):
            live({"pass": number, "images": images, "seconds": 1.0})
        live({"pass": number, "loss": 1.0, "test_accuracy": 0.5})


ABLATION = {
    "passes": 2,
    "date": "2026-01-31",
    "rows": {
        "as-it-is": {"what": "the recipe", "test_accuracy": [0.3, 0.50]},
        "another-seed": {"what": "a seed", "test_accuracy": [0.3, 0.49]},
        "better": {"what": "a gain", "test_accuracy": [0.1, 0.54]},
        "worse": {"what": "a loss", "test_accuracy": [0.4, 0.42]},
    },
}


def test_an_ablation_is_drawn_from_the_worst_to_the_best_beside_the_noise():
    fig = ablation_bars(ABLATION)
    worst, best, strip = fig.axes[0].patches
    np.testing.assert_allclose([worst.get_width(), best.get_width()], [-8, 4])
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["a loss", "a gain"]
    np.testing.assert_allclose([strip.get_x(), strip.get_x() + strip.get_width()], [-1, 1])
    assert fig.axes[0].get_title(loc="left") == "Each change against 50.0 % after 2 passes; 2026-01-31"
    assert [text.get_text() for text in fig.axes[0].texts] == ["−8.0", "+4.0"]


def test_an_ablation_without_a_second_seed_is_told():
    with pytest.raises(ValueError, match="'twin'; it has as-it-is, another-seed, better"):
        ablation_bars(ABLATION, noise="twin")


def test_live_curves_show_one_picture_at_the_end(capsys):
    with LiveCurves(RECIPE, 210, alt="Two passes of four.", quiet=True) as live:
        report(live, (1, 2))
        assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "Two passes of four.\n"
    assert [entry["pass"] for entry in live.history] == [1, 2]
    assert live.bar.done == 400 and live.bar.total == 800


def keep(folder, history):
    np.savez(folder / "state.npz", story=json.dumps({"history": history}))


def test_live_curves_go_on_from_a_history(tmp_path, capsys):
    keep(tmp_path, HISTORY[:2])
    with LiveCurves(RECIPE, 210, out=tmp_path, quiet=True) as live:
        report(live, (3, 4))
    assert [entry["pass"] for entry in live.history] == [1, 2, 3, 4]
    assert live.bar.done == live.bar.total == 400
    assert len(live.figure().axes[1].lines[0].get_ydata()) == 4
    assert live.figure().axes[1].lines[1].get_xdata()[0] == 2  # the dotted line


def test_live_curves_of_a_finished_run_show_all_of_it(tmp_path, capsys):
    keep(tmp_path, [*HISTORY, HISTORY[-1] | {"pass": 4}])
    with LiveCurves(RECIPE, 210, out=tmp_path, quiet=True) as live:
        pass
    assert [entry["pass"] for entry in live.history] == [1, 2, 3, 4] and live.stopped_after is None


def test_passes_are_read_from_the_state_that_train_keeps(tmp_path):
    config = ViTConfig(32, 16, 8, 1, 2, 8, 10)
    recipe = find_recipe("laptop", epochs=3, batch_size=20)
    seen = []
    outcome = train(
        VisionTransformer(config),
        make_shapes(50),
        recipe,
        out=tmp_path,
        report=lambda entry: seen.append(passes_done(tmp_path)),
        stop_after=2,
    )
    assert passes_done(tmp_path) == outcome.history and len(outcome.history) == 2
    # Two batches and a score, each pass; a pass is written while the next one computes.
    found = [len(passes) for passes in seen]
    assert len(found) == 6 and found[:2] == [0, 0] and found == sorted(found)
    assert found[2] <= 1 and 1 <= found[5] <= 2


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_a_folder_without_a_readable_state_has_no_passes(tmp_path, content):
    if content is not None:
        (tmp_path / "state.npz").write_bytes(content)
    assert passes_done(tmp_path) == [] == passes_done(None)


def test_live_curves_replace_one_picture_in_a_notebook(monkeypatch):
    shown = []

    class Handle:
        def update(self, picture, **options):
            shown.append(("update", picture, options))

    def display(picture, display_id, **options):
        shown.append(("display", picture, options))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("helpers.show.training.in_notebook", lambda: True)
    with LiveCurves(RECIPE, 210, alt="Curves.", quiet=False) as live:
        live.bar._draw = lambda *a, **k: None
        report(live, (1, 2))
    assert [kind for kind, _, _ in shown] == ["display", "update", "update"]
    assert all(picture["text/plain"] == "Curves." for _, picture, _ in shown)
    assert all(options["metadata"]["image/png"]["alt"] == "Curves." for _, _, options in shown)
    assert len({picture["image/png"] for _, picture, _ in shown}) == 3
