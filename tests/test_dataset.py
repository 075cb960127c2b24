"""The one shape of a data set, and the choice between CIFAR-10 and the shapes."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import helpers.data as data
from helpers.data import Dataset, DataUnavailable, load_images

IMAGES = np.zeros((4, 8, 8, 3), np.uint8)
LABELS = np.array([0, 1, 1, 0])
MASKS = np.zeros((4, 8, 8), bool)
FIELDS = {
    "x_train": IMAGES,
    "y_train": LABELS,
    "x_test": IMAGES[:2],
    "y_test": LABELS[:2],
    "class_names": ["cat", "dog"],
}


def test_dataset_holds_what_it_was_given():
    dataset = Dataset(**FIELDS, source="two invented classes")
    assert dataset.class_names == ("cat", "dog") and dataset.num_classes == 2
    assert dataset.masks is None
    assert repr(dataset) == "Dataset(two invented classes: 4 training and 2 test images of 8×8×3, 2 classes)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.source = "another"


def test_masks_come_in_pairs():
    dataset = Dataset(**FIELDS, masks_train=MASKS, masks_test=MASKS[:2])
    assert dataset.masks[0] is MASKS and dataset.masks[1].shape == (2, 8, 8)
    with pytest.raises(ValueError, match="masks_train and masks_test must both"):
        Dataset(**FIELDS, masks_train=MASKS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x_train": IMAGES / 255}, "x_train must be a uint8 array .* got ndarray .* float64"),
        ({"x_train": IMAGES[..., 0]}, r"got ndarray of shape \(4, 8, 8\)"),
        ({"x_test": None}, "x_test must be a uint8 array .* got NoneType"),
        ({"x_test": np.zeros((2, 9, 8, 3), np.uint8)}, "images of one size"),
        ({"y_train": LABELS[:3]}, r"y_train must be an integer array of shape \(4,\)"),
        ({"y_train": LABELS[:, None]}, r"got ndarray of shape \(4, 1\)"),
        ({"y_train": LABELS * 1.0}, "float64"),
        ({"y_train": LABELS + 1}, "between 0 and 1, as there are 2 names, got 1 to 2"),
        ({"y_test": LABELS[:2] - 1}, "y_test must lie between 0 and 1"),
        ({"masks_train": MASKS * 1, "masks_test": MASKS[:2]}, "masks_train must be a bool array"),
        ({"masks_train": MASKS[:3], "masks_test": MASKS[:2]}, r"masks_train .* of shape \(4, 8, 8\)"),
        ({"backgrounds_train": LABELS, "backgrounds_test": LABELS[:2]}, "backgrounds_train must lie"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Dataset(**(FIELDS | changes))


def test_load_images_says_in_one_line_that_it_falls_back(monkeypatch, capsys):
    def fail():
        raise DataUnavailable(["here", "there"])

    monkeypatch.setattr(data, "load_cifar10", fail)
    monkeypatch.setattr(data, "make_shapes", lambda: "the shapes")
    assert load_images() == "the shapes"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1 and "CIFAR-10 could not be had" in printed.err
    assert load_images("shapes") == "the shapes"
    assert capsys.readouterr().err == ""


def test_load_images_prefers_cifar10(monkeypatch, capsys):
    monkeypatch.setattr(data, "load_cifar10", lambda: "CIFAR-10")
    assert load_images("cifar10") == "CIFAR-10"
    assert capsys.readouterr().err == ""
    with pytest.raises(ValueError, match="got 'mnist'"):
        load_images("mnist")


def test_data_needs_neither_tensorflow_nor_keras():
    heavy = "{'tensorflow', 'keras', 'pooch', 'skimage', 'scipy'}"
    code = f"import helpers.data, sys; print({heavy} & set(sys.modules))"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "set()"
