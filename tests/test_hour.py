"""The hour's comparison: what is trained beside ours, how its time is counted, and the table that is kept."""

import argparse
import json

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks import hour
from helpers.model.checkpoints import load_manifest
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.__main__ import parse
from helpers.train.members import SCALES, members
from helpers.train.recipe import find_recipe
from helpers.train.reference import load_reference


def passes(*seconds):
    return [
        {"test_accuracy": (number + 1) / 10, "processor_seconds": each} for number, each in enumerate(seconds)
    ]


@pytest.mark.parametrize("minutes, expected", [(1, 0.1), (2, 0.2), (1.99, 0.1), (60, 0.3)])
def test_a_pass_counts_when_it_ends_within_the_budget(minutes, expected):
    assert hour.within(passes(60, 60, 60), minutes) == expected
    assert np.isnan(hour.within(passes(61), 1))


def test_the_table_shows_both_and_their_ratio(capsys):
    hour.print_table({"ours": passes(30, 30, 30, 30), "baseline": passes(50, 50)}, 1.7)
    printed = capsys.readouterr().out
    assert "| 2 | 20.00% | 20.00% |" in printed and "| 4 | 40.00% |  |" in printed
    assert "ours 30.00%, functional Keras 20.00%, 1.50 times" in printed


def test_the_other_network_is_the_vit_that_tutorials_write():
    """The same numbers by our own network: 64 patches, no class token, mean pooling, nothing else."""
    theirs = hour.functional_vit(keras, layers)
    config = ViTConfig.variant("cifar/4", hidden_dim=128, depth=6, num_heads=4, mlp_dim=512, pooling="mean")
    assert theirs.count_params() == VisionTransformer(config).count_params()
    assert theirs(np.zeros((2, 32, 32, 3), "float32")).shape == (2, 10)


def test_a_pass_crops_and_flips_each_image_by_itself():
    """Images of noise: only one place and side of the padded image gives the pixels that came out."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (512, 32, 32, 3)).astype("uint8")
    labels = rng.integers(0, 10, 512)
    batches = hour.one_pass(keras, images, labels, seed=3)
    assert len(batches) == 2
    order = np.random.default_rng(3).permutation(512)
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    places = set()
    for step in range(2):
        pixels, answers = batches[step]
        assert pixels.dtype == np.float32 and 0 <= pixels.min() and pixels.max() <= 1
        for index, image, answer in zip(order[256 * step :], np.round(255 * pixels).astype("uint8"), answers):
            assert answer.argmax() == labels[index] and answer.sum() == 1
            found = [
                (top, left, flipped)
                for top in range(9)
                for left in range(9)
                for flipped in (False, True)
                if (
                    padded[index, top : top + 32, left : left + 32][:, :: -1 if flipped else 1] == image
                ).all()
            ]
            assert len(found) == 1
            places.update(found)
    assert len(places) > 120  # of 162: each image has a place of its own


def test_both_histories_are_written_whole(tmp_path):
    path = tmp_path / "hour.json"
    options = argparse.Namespace(minutes=2, hardware="a core", write=str(path))
    hour.write_table({"ours": passes(30, 40), "baseline": passes(50)}, options, "CIFAR-10")
    table = json.loads(path.read_text())
    assert table["runs"]["ours"] == {"test_accuracy": [0.1, 0.2], "processor_seconds": [30, 40]}
    assert table["runs"]["baseline"]["processor_seconds"] == [50]
    assert table["hardware"] == "a core" and table["minutes"] == 2
    assert table["data"] == "CIFAR-10" and table["date"]


def test_ours_is_a_member_of_the_family():
    options = parse([*members(SCALES["cpu"])[hour.MEMBER], "--out", "runs"])
    recipe = find_recipe(options.recipe)
    assert (recipe.name, recipe.initialisation, recipe.epochs) == ("hour", "plain", 36)


def test_the_kept_table_is_of_this_command_and_shows_the_hour():
    table = load_reference("hour")
    assert list(table["runs"]) == list(hour.NAMES) and "CIFAR-10" in table["data"] and table["hardware"]
    assert table["command"] == "python benchmarks/hour.py"
    for run in table["runs"].values():
        assert list(run) == list(hour.FIELDS) and len({len(values) for values in run.values()}) == 1
        assert len(run["test_accuracy"]) > 10 and all(0.1 < value < 1 for value in run["test_accuracy"])
    shipped = load_manifest()[hour.MEMBER]["history"]
    ours = table["runs"]["ours"]["test_accuracy"]
    assert ours == [entry["test_accuracy"] for entry in shipped]  # the run that made the shipped weights
