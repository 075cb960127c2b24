"""Training: it learns, resumes as if it had never stopped, keeps what is there, refuses what cannot be."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from helpers.data import Dataset
from helpers.data.shapes import make_shapes
from helpers.model.checkpoints import build_model, load_checkpoint
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.fit import (
    ShuffledIndices,
    TrainingModel,
    accuracy,
    augment_batch,
    make_optimizer,
    predict_logits,
    train,
)
from helpers.train.recipe import Recipe
from helpers.train.scoring import Scorer

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ViTConfig(
    image_size=32, patch_size=8, hidden_dim=16, depth=2, num_heads=2, mlp_dim=32, num_classes=10
)
RECIPE = Recipe("test", epochs=3, batch_size=32, warmup_epochs=0.5, ema_momentum=0.9)
MIXED = dataclasses.replace(RECIPE, mix_probability=0.5, mix_until=0.5)


@pytest.fixture(scope="module")
def dataset():
    return make_shapes(200, seed=0)


def fresh_model():
    keras.utils.set_random_seed(0)
    return VisionTransformer(CONFIG)


def weights(model):
    return [ops.convert_to_numpy(v) for v in model.weights]


def assert_same(first, second, tolerance=1e-5):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def test_two_colours_are_learned():
    """A problem that any network solves: is the picture red or blue?"""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 160)
    images = rng.integers(0, 100, (160, 32, 32, 3), dtype="uint8")
    images[..., 0] += (100 * (labels == 0)[:, None, None]).astype("uint8")
    images[..., 2] += (100 * (labels == 1)[:, None, None]).astype("uint8")
    data = Dataset(images[:128], labels[:128], images[128:], labels[128:], ("red", "blue"))
    model = VisionTransformer(dataclasses.replace(CONFIG, num_classes=2))
    outcome = train(
        model, data, Recipe("test", epochs=6, batch_size=16, learning_rate=3e-3, ema_momentum=0.5)
    )
    assert outcome.finished and outcome.test_accuracy == 1.0
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(dataset, tmp_path):
    whole = fresh_model()
    expected = train(whole, dataset, MIXED, out=tmp_path / "whole")
    first = train(fresh_model(), dataset, MIXED, out=tmp_path / "parts", stop_after=1)
    assert not first.finished and len(first.history) == 1
    resumed = fresh_model()
    outcome = train(resumed, dataset, MIXED, out=tmp_path / "parts")
    assert outcome.finished and [entry["pass"] for entry in outcome.history] == [1, 2, 3]
    assert_same(weights(whole), weights(resumed))
    losses = [[entry["loss"] for entry in o.history] for o in (expected, outcome)]
    np.testing.assert_allclose(*losses, atol=1e-4)
    again = fresh_model()
    assert train(again, dataset, MIXED, out=tmp_path / "parts").finished  # nothing left to do
    assert_same(weights(whole), weights(again))


def test_ctrl_c_keeps_the_last_whole_pass(dataset, tmp_path):
    def interrupt(entry):
        if entry["pass"] == 2 and entry.get("images", 0) >= 64:
            raise KeyboardInterrupt

    model = fresh_model()
    outcome = train(model, dataset, RECIPE, out=tmp_path, report=interrupt)
    assert not outcome.finished and len(outcome.history) == 1
    one_pass = fresh_model()
    train(one_pass, dataset, RECIPE, stop_after=1)
    assert_same(weights(model), weights(one_pass))
    assert train(fresh_model(), dataset, RECIPE, out=tmp_path).finished


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix signal")
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="the files are the same on every backend; the resume itself is tested on each above",
)
def test_kill_9_and_resume(tmp_path):
    """Killed without warning in its second pass, the same command then ends like one never killed."""
    options = ["--data", "shapes", "--model", "shapes/16", "--epochs", "3"]
    options += ["--images", "1024", "--precision", "float32"]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TF_NUM_INTRAOP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    killed_in_the_second_pass = """if True:
        import os, signal, sys
        from helpers.train import __main__ as command

        class Killer(command.Reporter):
            def __call__(self, entry):
                if entry["pass"] == 2:  # after its first batch
                    os.kill(os.getpid(), signal.SIGKILL)
                super().__call__(entry)

        command.Reporter = Killer
        sys.exit(command.main())
    """

    def start(out, *program):
        command = [sys.executable, *program, *options, "--out", str(tmp_path / out)]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    killed = start("killed", "-c", killed_in_the_second_pass)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    history = json.loads((tmp_path / "killed" / "history.json").read_text())["history"]
    assert len(history) == 1
    for out in ("killed", "whole"):
        run = start(out, "-m", "helpers.train")
        assert run.returncode == 0 and "Test accuracy" in run.stdout, run.stderr[-2000:]
    first, second = (
        load_checkpoint("shapes/16", tmp_path / out / "checkpoint") for out in ("killed", "whole")
    )
    assert_same(weights(first), weights(second), tolerance=1e-3)  # stored as 16-bit numbers
    left_over = [p.name for p in (tmp_path / "killed").rglob("*") if "partial" in p.name]
    assert len(left_over) <= 1  # the file that was being written when it was killed, never one that is read


def test_the_state_of_another_run_is_refused(dataset, tmp_path):
    train(fresh_model(), dataset, RECIPE, out=tmp_path, stop_after=1)
    with pytest.raises(ValueError, match="another run: its recipe"):
        train(fresh_model(), dataset, dataclasses.replace(RECIPE, learning_rate=1e-4), out=tmp_path)
    with pytest.raises(ValueError, match="its seed"):
        train(fresh_model(), dataset, RECIPE, seed=1, out=tmp_path)


def test_a_corrupted_state_is_told(dataset, tmp_path):
    train(fresh_model(), dataset, RECIPE, out=tmp_path, stop_after=1)
    content = (tmp_path / "state.npz").read_bytes()
    (tmp_path / "state.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        train(fresh_model(), dataset, RECIPE, out=tmp_path)


def test_a_full_disk_leaves_the_last_state(dataset, tmp_path, monkeypatch):
    train(fresh_model(), dataset, RECIPE, out=tmp_path, stop_after=1)
    before = (tmp_path / "state.npz").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            train(fresh_model(), dataset, RECIPE, out=tmp_path)
    assert (tmp_path / "state.npz").read_bytes() == before
    assert train(fresh_model(), dataset, RECIPE, out=tmp_path).finished


def shrink_state(path, **story_changes):
    """Rewrite a state as another version of the loop might have left it: without its last array."""
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    story = json.loads(str(kept["story"])) | story_changes
    story["num_variables"] -= 1
    del kept[f"variable_{story['num_variables']:04d}"]
    np.savez(path, **(kept | {"story": json.dumps(story)}))


def test_the_state_of_another_version_of_the_loop_is_told_and_left_alone(dataset, tmp_path):
    train(fresh_model(), dataset, RECIPE, out=tmp_path, stop_after=1)
    shrink_state(tmp_path / "state.npz")
    before = (tmp_path / "state.npz").read_bytes()
    with pytest.raises(
        ValueError, match=r"another version .* expected layout 2 with \d+ arrays, found layout 2"
    ):
        train(fresh_model(), dataset, RECIPE, out=tmp_path)
    assert (tmp_path / "state.npz").read_bytes() == before


def test_a_state_without_a_layout_number_is_gone_on_with(dataset, tmp_path):
    """The layout before this number had the same arrays."""
    train(fresh_model(), dataset, RECIPE, out=tmp_path, stop_after=1)
    with np.load(tmp_path / "state.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    story = json.loads(str(kept["story"]))
    assert story.pop("layout") == 2
    np.savez(tmp_path / "state.npz", **(kept | {"story": json.dumps(story)}))
    outcome = train(fresh_model(), dataset, RECIPE, out=tmp_path)
    assert [entry["pass"] for entry in outcome.history] == [1, 2, 3]
    np.savez(tmp_path / "state.npz", **(kept | {"story": json.dumps(story | {"layout": 3})}))
    with pytest.raises(ValueError, match="expected layout 2 .* found layout 3"):
        train(fresh_model(), dataset, RECIPE, out=tmp_path)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch takes its steps one by one")
@pytest.mark.parametrize("steps_per_call", [5, 3])  # 5 steps a pass: one whole call; one of 3 and one of 2
def test_many_steps_in_one_call_give_the_weights_of_one_by_one(dataset, steps_per_call):
    recipe = dataclasses.replace(
        MIXED, epochs=2, optimizer="muon", rand_augment_operations=1, initialisation="plain"
    )
    one_by_one, together = fresh_model(), fresh_model()
    calls = []
    expected = train(one_by_one, dataset, recipe, steps_per_call=1)
    outcome = train(
        together,
        dataset,
        recipe,
        steps_per_call=steps_per_call,
        report=lambda entry: calls.append(entry["images"]) if "images" in entry else None,
    )
    assert_same(weights(one_by_one), weights(together))
    losses = [[entry["loss"] for entry in o.history] for o in (expected, outcome)]
    np.testing.assert_allclose(*losses, atol=1e-5)
    assert calls == ([160] if steps_per_call == 5 else [96, 160]) * 2


def test_a_pace_that_changes_within_a_run_changes_no_weight(dataset, monkeypatch):
    """As on an accelerator: a first pass in short calls, then in longer ones, by the speed that was seen."""
    recipe = dataclasses.replace(RECIPE, epochs=3)
    expected = fresh_model()
    train(expected, dataset, recipe, steps_per_call=1)
    monkeypatch.setattr("helpers.train.pace.is_accelerated", lambda: True)
    monkeypatch.setattr("helpers.train.pace.FIRST_PIECE", 2)
    monkeypatch.setattr("helpers.train.pace.SECONDS_A_CALL", 1e9)
    calls = []
    model = fresh_model()
    outcome = train(model, dataset, recipe, report=lambda entry: calls.append(entry.get("images")))
    assert_same(weights(expected), weights(model))
    assert [entry["pass"] for entry in outcome.history] == [1, 2, 3] and outcome.finished
    if keras.backend.backend() != "torch":
        assert calls == [64, 128, 160, None, 160, None, 160, None]


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "many"])
def test_a_call_has_at_least_one_step(dataset, wrong):
    with pytest.raises(ValueError, match="steps_per_call is a whole number"):
        train(fresh_model(), dataset, RECIPE, steps_per_call=wrong)


def test_a_pass_shorter_than_a_batch_is_told(dataset):
    with pytest.raises(ValueError, match="A pass needs 32 images"):
        train(fresh_model(), dataset, dataclasses.replace(RECIPE, images_per_pass=31))


def test_the_weights_of_each_pass_are_there_to_be_kept(dataset):
    """`each_pass` sees the averaged weights: those that a run of so many passes leaves."""
    seen = []
    model = fresh_model()
    train(model, dataset, RECIPE, each_pass=lambda history: seen.append((len(history), weights(model))))
    assert [number for number, _ in seen] == [1, 2, 3]
    first = fresh_model()
    train(first, dataset, RECIPE, stop_after=1)
    assert_same(seen[0][1], weights(first))
    assert_same(seen[2][1], weights(model))


def test_a_pass_over_few_images_shows_each_as_often_as_any_other():
    batches = ShuffledIndices(5, 3, seed=0, epoch=0, shown=15)
    assert len(batches) == 5
    order = np.concatenate([batches[step][0] for step in range(5)])
    for start in (0, 5, 10):
        assert sorted(order[start : start + 5]) == [0, 1, 2, 3, 4]
    assert order[:5].tolist() != order[5:10].tolist()
    batches.on_epoch_end()
    assert np.concatenate([batches[step][0] for step in range(5)]).tolist() != order.tolist()


def test_few_images_get_as_many_steps_as_many(tmp_path):
    few = make_shapes(50, seed=0)
    recipe = dataclasses.replace(RECIPE, epochs=1, batch_size=10, images_per_pass=100)
    lengths = []
    train(fresh_model(), few, recipe, report=lambda entry: lengths.append(entry.get("images")))
    assert max(filter(None, lengths)) == 100


def test_a_resnet_trains_with_the_same_loop(dataset):
    recipe = Recipe("test", epochs=1, batch_size=32, initialisation="plain")
    model = ResNet(ResNetConfig(depth=8, width=4))
    before = weights(model)
    outcome = train(model, dataset, recipe)
    assert outcome.finished
    moved = [not np.allclose(a, b) for a, b in zip(before, weights(model), strict=True)]
    assert np.mean(moved) > 0.9  # the moving averages of its norms too


def test_averaged_weights_are_what_is_left(dataset):
    """With momentum so near 1 that the average stays where it began, training seems to have done nothing."""
    model = fresh_model()
    start = weights(model)
    recipe = dataclasses.replace(RECIPE, epochs=1, initialisation="plain", ema_momentum=0.999999)
    train(model, dataset, recipe)
    assert_same(start, weights(model), tolerance=2e-3)
    raw = fresh_model()
    train(raw, dataset, dataclasses.replace(recipe, ema_momentum=0.0))
    assert max(np.abs(a - b).max() for a, b in zip(start, weights(raw), strict=True)) > 2e-3


def test_weight_decay_spares_what_is_no_matrix(dataset):
    """A gradient of zero leaves decay alone: matrices shrink, offsets, norms, token and positions stay."""
    model = fresh_model()
    for variable in model.weights:
        variable.assign(np.ones(variable.shape, "float32"))
    recipe = dataclasses.replace(RECIPE, learning_rate=0.1, weight_decay=0.5, ema_momentum=0.0)
    training = TrainingModel(model, dataset, recipe, seed=0)
    optimizer = make_optimizer(recipe, 10)
    optimizer.build(training.trainable_variables)
    optimizer.apply([ops.zeros(v.shape) for v in training.trainable_variables])
    for variable in model.weights:
        value = ops.convert_to_numpy(variable)
        matrix = variable.path.endswith("kernel")
        assert (value < 1).all() if matrix else (value == 1).all(), variable.path


def test_the_loss_is_the_smoothed_cross_entropy(dataset):
    recipe = Recipe("test", epochs=1, batch_size=2, label_smoothing=0.1)
    training = TrainingModel(fresh_model(), dataset, recipe, seed=0)
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]], "float32")
    labels = np.array([[1.0, 0, 0], [0, 0.5, 0.5]], "float32")
    smooth = labels * 0.9 + 0.1 / 3
    expected = -(smooth * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1).mean()
    found = float(training.compute_loss(y_pred={"logits": logits, "labels": labels}))
    assert found == pytest.approx(expected, abs=1e-5)


def test_predictions_do_not_depend_on_the_batch(dataset):
    model = fresh_model()
    whole = predict_logits(model, dataset.x_test, batch_size=1000)
    np.testing.assert_allclose(predict_logits(model, dataset.x_test, batch_size=7), whole, atol=1e-5)
    expected = np.mean(whole.argmax(axis=1) == dataset.y_test)
    assert accuracy(model, dataset.x_test, dataset.y_test) == pytest.approx(expected)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX counts on the device")
def test_a_count_on_the_device_is_the_accuracy(dataset, monkeypatch):
    """60 and 7 at a time, the last batch filled up; new weights are seen without compiling again."""
    monkeypatch.setattr("helpers.train.scoring.is_accelerated", lambda: True)
    model, images = fresh_model(), dataset.x_test
    scorers = [Scorer(model, images, dataset.y_test, batch_size) for batch_size in (60, 7)]
    for _ in range(2):
        expected = accuracy(model, images, dataset.y_test)
        assert [scorer() for scorer in scorers] == pytest.approx([expected] * 2, abs=1e-7)
        for variable in model.trainable_variables:
            variable.assign(variable + np.random.default_rng(0).normal(0, 0.5, variable.shape))


def test_augmentation_follows_the_recipe():
    images = np.random.default_rng(0).random((4, 32, 32, 3), dtype="float32")
    labels = np.eye(4, dtype="float32")
    nothing = Recipe("test", epochs=1, crop_padding=0, flip=False)
    same, same_labels = augment_batch(images, labels, nothing, keras.random.SeedGenerator(0))
    np.testing.assert_array_equal(ops.convert_to_numpy(same), images)
    np.testing.assert_array_equal(ops.convert_to_numpy(same_labels), labels)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda d: dataclasses.replace(d, x_train=d.x_train[:8], y_train=d.y_train[:8]), "batch needs 32"),
    ],
)
def test_data_that_cannot_be_trained_on_is_told(change, told):
    plain = make_shapes(200, seed=0)
    plain = Dataset(plain.x_train, plain.y_train, plain.x_test, plain.y_test, plain.class_names)
    with pytest.raises(ValueError, match=told):
        train(fresh_model(), change(plain), RECIPE)


def test_labels_beyond_the_models_classes_are_told(dataset):
    model = build_model("VisionTransformer", dataclasses.replace(CONFIG, num_classes=5))
    with pytest.raises(ValueError, match="5 classes"):
        train(model, dataset, RECIPE)
