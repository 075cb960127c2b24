"""The comparison by data set size: every run makes the same steps, and only the number of images differs."""

import json

import numpy as np
import pytest

from helpers.data import make_shapes
from helpers.train import data_sizes
from helpers.train.recipe import Recipe
from helpers.train.reference import REFERENCE, load_reference

RECIPE = Recipe("test", epochs=2, batch_size=20, ema_momentum=0.5)


def test_every_size_makes_the_same_steps(monkeypatch):
    seen = []

    def train(model, dataset, recipe, **options):
        seen.append(dataset)
        return type("Outcome", (), {"test_accuracy": 0.5})

    monkeypatch.setattr("helpers.train.fit.train", train)
    dataset = make_shapes(100)
    for size in (20, 80):
        assert data_sizes.accuracy_by_size("shapes/8", dataset, size, RECIPE) == 0.5
    few, all_of_them = seen
    assert len(few.x_train) == len(all_of_them.x_train) == 80
    assert len(np.unique(few.x_train, axis=0)) == 20
    np.testing.assert_array_equal(all_of_them.x_train, dataset.x_train)


@pytest.mark.parametrize("size", [0, 81])
def test_a_size_that_is_not_there_is_told(size):
    with pytest.raises(ValueError, match="1 and 80"):
        data_sizes.accuracy_by_size("shapes/8", make_shapes(100), size, RECIPE)


def test_the_command_measures_and_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(data_sizes, "SIZES", (64, 128))
    monkeypatch.setattr(data_sizes, "accuracy_by_size", lambda name, dataset, size, recipe: size / 1000)
    monkeypatch.setattr("helpers.train.hardware.choose_precision", lambda: "float32")
    data_sizes.main(["--out", str(tmp_path / "found.json"), "--epochs", "3"])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["test_accuracy"] == {"shapes/4": [0.064, 0.128], "resnet8": [0.064, 0.128]}
    assert found["steps"] == 6 and found["sizes"] == [64, 128]


def test_the_kept_measurement_is_of_this_command():
    table = load_reference("data_sizes")
    assert REFERENCE.name == "reference"
    assert tuple(table["sizes"]) == data_sizes.SIZES
    assert set(table["test_accuracy"]) == set(data_sizes.NETWORKS)
    for found in table["test_accuracy"].values():
        assert len(found) == len(data_sizes.SIZES) and all(0 < value <= 1 for value in found)
    assert {"command", "hardware", "date", "data", "steps", "seed"} <= set(table)
