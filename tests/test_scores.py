"""Scores by the set of images: what is verified, what is not, and that the exit status never says more."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import helpers.data
from helpers.data import Dataset
from helpers.data.cifar10 import DataUnavailable
from helpers.data.shapes import make_shapes
from helpers.data.sources import JPEG_COPY, MIXTURE, ORIGINAL, UNKNOWN_COPY, different_test_images
from helpers.model.manifest import load_manifest
from helpers.train import scores, shipping
from helpers.train.__main__ import main, parse
from helpers.train.scores import TOLERANCE, expect, is_cifar10, known_scores, refresh, scores_table

ROOT = Path(__file__).resolve().parents[1]
SHAPES = make_shapes(4, seed=0)
ROWS = {
    "cifar/4": {
        "data": JPEG_COPY,
        "test_accuracy": 0.798,
        "scores": {JPEG_COPY: 0.798, MIXTURE: 0.807},
        "num_test_images": 10_000,
        "num_training_images": 50_000,
    },
    "cifar/4-mine": {
        "data": ORIGINAL,
        "test_accuracy": 0.9,
        "num_test_images": 10_000,
        "num_training_images": 5_000,
    },
    "shapes/4": {"data": SHAPES.source, "test_accuracy": 0.997, "num_test_images": len(SHAPES.x_test)},
}
AS_MEASURED = {
    (JPEG_COPY, "cifar/4"): 0.798,
    (MIXTURE, "cifar/4"): 0.807,
    (ORIGINAL, "cifar/4"): 0.8075,
    (MIXTURE, "cifar/4-mine"): 0.8985,
    (ORIGINAL, "cifar/4-mine"): 0.9,
    (SHAPES.source, "shapes/4"): 0.997,
}


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A folder of checkpoints, and a machine that has one CIFAR-10 or none; networks that are only names."""

    def make(source=None, rows=ROWS, measured=()):
        def load():
            if source is None:
                raise DataUnavailable(["nowhere"])
            images = np.zeros((1, 32, 32, 3), np.uint8)
            return Dataset(images, np.zeros(1, int), images, np.zeros(1, int), "0123456789", source=source)

        def load_checkpoint(name, folder):
            if name == "broken":
                raise ValueError("broken.npz is a pointer of Git LFS.")
            return name

        found = AS_MEASURED | dict(measured)
        monkeypatch.setattr(helpers.data, "load_images", lambda name: SHAPES)
        monkeypatch.setattr(scores, "load_cifar10", load)
        monkeypatch.setattr(shipping, "load_cifar10", load)
        monkeypatch.setattr(shipping, "load_checkpoint", load_checkpoint)
        images_of = {id(SHAPES.x_test): SHAPES.source}
        monkeypatch.setattr(
            shipping,
            "accuracy",
            lambda model, images, labels: found[images_of.get(id(images), source), model],
        )
        (tmp_path / "manifest.json").write_text(json.dumps(rows), encoding="utf-8")
        return tmp_path

    return make


def only(*names, **changes):
    return {name: ROWS[name] | changes for name in names}


# ---- what one set lets one expect of another


def test_two_sets_are_as_far_apart_as_the_images_that_differ():
    assert different_test_images(MIXTURE, MIXTURE) == different_test_images(ORIGINAL, ORIGINAL) == 0
    assert different_test_images(ORIGINAL, MIXTURE) == different_test_images(MIXTURE, ORIGINAL) == 25
    assert different_test_images(ORIGINAL, JPEG_COPY) is None
    assert different_test_images(UNKNOWN_COPY, UNKNOWN_COPY) is None  # one name, and any images


def test_the_original_is_compared_with_the_mixture_and_25_images_more_tolerance():
    row = ROWS["cifar/4"]
    assert expect(row, MIXTURE).score == 0.807 and expect(row, MIXTURE).tolerance == TOLERANCE
    original = expect(row, ORIGINAL)
    assert original.score == 0.807 and original.source == MIXTURE
    assert original.tolerance == pytest.approx(TOLERANCE + 25 / 10_000)
    assert "25 of 10,000 test images differ" in original.note and "0.25%" in original.note
    assert expect(row, UNKNOWN_COPY) is None
    assert expect(row | {"data": UNKNOWN_COPY, "scores": {}}, UNKNOWN_COPY) is None


def test_what_was_measured_on_the_very_set_comes_first():
    row = ROWS["cifar/4"] | {"scores": {MIXTURE: 0.807, ORIGINAL: 0.8071}}
    assert expect(row, ORIGINAL).source == ORIGINAL and expect(row, ORIGINAL).tolerance == TOLERANCE


def test_a_row_without_scores_still_has_its_own():
    assert known_scores(ROWS["shapes/4"]) == {SHAPES.source: 0.997}
    assert known_scores({}) == {}


# ---- verify: 0 where there are checkpoints and every one was verified, and nowhere else


@pytest.mark.parametrize("source", [MIXTURE, ORIGINAL])
def test_all_are_verified_on_the_original_and_on_the_mixture(world, capsys, source):
    assert shipping.verify(world(source)) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "3 of 3 verified"
    assert len(lines) == 3 and all(line.endswith("agrees") for line in lines)
    assert ("25 of 10,000 test images differ" in lines[0]) == (source == ORIGINAL)


def test_the_copy_verifies_what_was_scored_on_it(world, capsys):
    assert shipping.verify(world(JPEG_COPY, only("cifar/4", "shapes/4"))) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 verified"


@pytest.mark.parametrize(
    "source, found, status",
    [
        (MIXTURE, 0.8089, 0),  # 0.19 points off
        (MIXTURE, 0.8091, 1),
        (MIXTURE, 0.798, 1),  # as right as on the copy
        (ORIGINAL, 0.8114, 0),  # 0.44 points: two machines, and 25 images
        (ORIGINAL, 0.8026, 0),
        (ORIGINAL, 0.8116, 1),
        (ORIGINAL, 0.8024, 1),
    ],
)
def test_the_tolerance(world, capsys, source, found, status):
    folder = world(source, only("cifar/4"), {(source, "cifar/4"): found})
    assert shipping.verify(folder) == status
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == ("1 of 1 verified" if status == 0 else "0 of 1 verified; 1 out of tolerance: cifar/4")


def test_without_cifar10_the_shapes_are_verified_and_the_status_is_not_0(world, capsys):
    assert shipping.verify(world(None)) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("1 of 3 verified; 2 skipped, CIFAR-10 could not be had")
    assert last.endswith(": cifar/4, cifar/4-mine")


@pytest.mark.parametrize("source", [UNKNOWN_COPY, JPEG_COPY])
def test_other_images_verify_nothing(world, capsys, source):
    assert shipping.verify(world(source, only("cifar/4-mine"))) == 1
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith(f"cifar/4-mine: not verified: its row has the score on {ORIGINAL}, and")
    assert last == f"0 of 1 verified; 1 skipped, the images at hand are {source}: cifar/4-mine"


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"data": "my photographs"}, "skipped, it needs my photographs: mine"),
        ({}, "skipped, it needs data that its row does not name: mine"),
        (ROWS["shapes/4"] | {"num_test_images": 48}, "skipped, it was scored on 48 test images and here are"),
    ],
)
def test_data_of_ones_own_are_named(world, capsys, changes, told):
    assert shipping.verify(world(MIXTURE, {"mine": {"test_accuracy": 0.5} | changes})) == 1
    assert told in capsys.readouterr().out.splitlines()[-1]


def test_a_file_that_cannot_be_loaded_does_not_end_the_rest(world, capsys):
    rows = {"broken": ROWS["cifar/4"]} | only("shapes/4")
    assert shipping.verify(world(MIXTURE, rows)) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert "broken.npz is a pointer of Git LFS" in first and second.endswith("agrees")
    assert last == "1 of 2 verified; 1 cannot be loaded: broken"


@pytest.mark.parametrize("content", [None, "{}", "{", '{"cifar/4": '])
def test_a_folder_with_nothing_to_verify(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    assert main(["--verify", "--checkpoints", str(tmp_path)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("0 verified: ")
    assert ("cannot be read" in last) == (content not in (None, "{}"))


def test_a_missing_folder_verifies_nothing(tmp_path, capsys):
    assert main(["--verify", "--checkpoints", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().out


# ---- score: what was measured is written down


def test_scoring_adds_the_set_at_hand_and_keeps_the_rest(world, capsys):
    folder = world(MIXTURE)
    assert main(["--score", "--checkpoints", str(folder)]) == 0
    after = load_manifest(folder)
    assert after["cifar/4-mine"]["scores"] == {MIXTURE: 0.8985}
    assert after["cifar/4-mine"]["test_accuracy"] == 0.9
    assert after["cifar/4"]["scores"] == {JPEG_COPY: 0.798, MIXTURE: 0.807}
    assert after["shapes/4"] == ROWS["shapes/4"]
    assert re.fullmatch(r"\w+, \w+, Keras [\d.]+, \d{4}-\d\d-\d\d", after["cifar/4"]["scored"])


@pytest.mark.parametrize("source, told", [(UNKNOWN_COPY, "which images"), (None, "could not be had")])
def test_images_that_nobody_can_name_are_not_scored_on(world, capsys, source, told):
    folder = world(source)
    before = (folder / "manifest.json").read_bytes()
    assert shipping.score(folder) == 1
    assert told in capsys.readouterr().out and (folder / "manifest.json").read_bytes() == before


def test_what_cannot_be_loaded_is_not_scored_and_told(world, capsys):
    folder = world(MIXTURE, {"broken": ROWS["cifar/4"]} | only("cifar/4-mine"))
    assert shipping.score(folder) == 1
    assert load_manifest(folder)["cifar/4-mine"]["scores"] == {MIXTURE: 0.8985}
    assert "broken: not scored" in capsys.readouterr().out


def test_a_name_that_no_file_can_have_is_told_before_the_training(capsys):
    with pytest.raises(SystemExit):
        parse(["--out", "runs/x", "--name", "a//b"])
    assert "--name: Expected a name such as" in capsys.readouterr().err


# ---- the tables


def test_the_table_says_what_was_measured_and_what_was_not():
    assert scores_table(ROWS).splitlines() == [
        "| network | trained on | right on the JPEG copy | right on the original |",
        "|---|---|---|---|",
        f"| `cifar/4` | 50,000 images of {JPEG_COPY} | 79.80% | 80.70% |",
        f"| `cifar/4-mine` | 5,000 images of {ORIGINAL} | not measured | not measured |",
        "",
        "The second score less the first: +0.90 to +0.90 points.",
    ]
    assert "cifar/4-mine" not in scores_table(ROWS, ["cifar/4", "not trained yet"])


@pytest.mark.parametrize("file", scores.TABLES)
def test_the_readme_says_what_the_manifest_says(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text == refresh(text, load_manifest(), scores.TABLES[file]), "run python -m helpers.train --score"


def test_the_prose_has_the_tolerances_of_the_code():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    apart = different_test_images(ORIGINAL, MIXTURE)
    assert f"may differ by {100 * TOLERANCE:g} points" in text.replace("\n", " ")
    assert f"another {apart / 100:g} are allowed" in text and f"{10_000 - apart:,} of its 10,000" in text
    for file in scores.TABLES:
        assert f"{apart / 100:g} points" in (ROOT / file).read_text(encoding="utf-8")


def test_a_readme_without_the_marks_is_told():
    with pytest.raises(ValueError, match="the table of scores goes between them"):
        refresh("# A page", ROWS)


@pytest.mark.parametrize("name", sorted(name for name, row in load_manifest().items() if is_cifar10(row)))
def test_every_shipped_network_of_cifar10_has_both_scores(name):
    row = load_manifest()[name]
    assert {JPEG_COPY, MIXTURE} <= set(row["scores"])
    assert abs(row["scores"][row["data"]] - row["test_accuracy"]) <= TOLERANCE  # each by its own backend
    assert row["scored"].startswith("tensorflow, float32")
