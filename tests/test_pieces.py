"""The small parts of training: by hand, and against the training loop, or Keras that does the same."""

import keras
import numpy as np
import pytest

from helpers.data.augment import mix_with_previous, mixup
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.fit import make_optimizer
from helpers.train.pieces import confusion_matrix, decay_mask, ema_update, smooth_labels
from helpers.train.recipe import find_recipe
from helpers.train.reference import load_reference


def test_smoothing_by_hand():
    np.testing.assert_allclose(smooth_labels(np.array([[1.0, 0, 0, 0]]), 0.2), [[0.85, 0.05, 0.05, 0.05]])
    mixed = np.array([[0.5, 0.5, 0.0, 0.0]])
    np.testing.assert_allclose(smooth_labels(mixed, 0.2), [[0.45, 0.45, 0.05, 0.05]])
    np.testing.assert_array_equal(smooth_labels(mixed, 0.0), mixed)


def test_smoothing_is_what_the_loss_of_keras_does():
    rng = np.random.default_rng(0)
    labels, logits = (
        np.eye(10, dtype="float32")[rng.integers(0, 10, 6)],
        rng.normal(size=(6, 10)).astype("float32"),
    )
    inside = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(labels, logits)
    outside = keras.losses.CategoricalCrossentropy(from_logits=True)(smooth_labels(labels, 0.1), logits)
    assert float(inside) == pytest.approx(float(outside), rel=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_smoothing_that_is_no_share_is_told(smoothing):
    with pytest.raises(ValueError, match="share"):
        smooth_labels(np.eye(3), smoothing)


@pytest.mark.parametrize(
    "model",
    [
        lambda: VisionTransformer(ViTConfig.variant("shapes/4")),
        lambda: VisionTransformer(ViTConfig.variant("shapes/8", layer_scale=1e-4, pooling="mean")),
        lambda: ResNet(ResNetConfig(depth=8, width=4)),
    ],
)
def test_the_mask_is_what_the_optimizer_does(model):
    """With a gradient of zero a weight moves only where it decays."""
    model = model()
    weights = model.trainable_weights
    for weight in weights:
        weight.assign(np.ones(weight.shape, "float32"))
    optimizer = make_optimizer(
        find_recipe("laptop", learning_rate=0.1, weight_decay=0.5, ema_momentum=0.0), 1
    )
    optimizer.build(weights)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in weights])
    moved = [bool((keras.ops.convert_to_numpy(weight) < 1).all()) for weight in weights]
    assert decay_mask([weight.path for weight in weights]) == moved
    assert 0 < sum(moved) < len(moved)


def test_the_last_part_of_a_path_decides():
    assert decay_mask(["upscale/kernel", "block_0/scale1/scale", "kernel", "bias"]) == [
        True,
        False,
        True,
        False,
    ]


def test_an_average_by_hand():
    assert ema_update(1.0, 2.0, 0.9) == pytest.approx(1.1)
    np.testing.assert_allclose(ema_update(np.zeros(2), np.array([1.0, 4.0]), 0.75), [0.25, 1.0])


def test_the_average_is_the_one_of_the_optimizer():
    weight = keras.Variable(np.zeros(3, "float32"))
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.8)
    optimizer.build([weight])
    average, value = None, np.zeros(3, "float32")
    for step in range(4):
        optimizer.apply([keras.ops.full((3,), -(step + 1.0))])  # adds 1, 2, 3, 4
        value = value + step + 1
        average = value if average is None else ema_update(average, value, 0.8)
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), average, rtol=1e-5)


def test_confusion_by_hand():
    found = confusion_matrix([0, 0, 1, 1, 1], [0, 2, 1, 1, 0], 3)
    np.testing.assert_array_equal(found, [[1, 0, 1], [1, 2, 0], [0, 0, 0]])
    assert confusion_matrix([], [], 2).sum() == 0


@pytest.mark.parametrize(
    "labels, predictions, told",
    [
        ([0, 1], [0], "one class an image"),
        ([0, 1], [[0, 1]], "argmax"),
        ([0, 3], [0, 0], "0 to 2"),
        ([0, 0], [0, -1], "0 to 2"),
        ([0, 0], [0.2, 0.8], "whole numbers"),
    ],
)
def test_a_confusion_of_wrong_arguments_is_told(labels, predictions, told):
    with pytest.raises(ValueError, match=told):
        confusion_matrix(labels, predictions, 3)


def test_mixing_by_hand():
    images = np.arange(3, dtype="float32").reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 3), "float32")
    mixed, labels = mix_with_previous(
        images, np.eye(3, dtype="float32"), np.array([1.0, 0.5, 0.25], "float32")
    )
    np.testing.assert_allclose(np.asarray(mixed)[:, 0, 0, 0], [0, 0.5, 0.25 * 2 + 0.75])
    np.testing.assert_allclose(np.asarray(labels), [[1, 0, 0], [0.5, 0.5, 0], [0, 0.75, 0.25]])


def test_mixup_mixes_image_and_label_alike():
    """Pictures whose brightness is the first class's share: after MixUp it must still be."""
    rng = np.random.default_rng(0)
    shares = rng.random(32).astype("float32")
    images = shares[:, None, None, None] * np.ones((32, 4, 4, 3), "float32")
    mixed, labels = mixup(images, np.stack([shares, 1 - shares], axis=1), keras.random.SeedGenerator(0))
    np.testing.assert_allclose(np.asarray(mixed)[:, 0, 0, 0], np.asarray(labels)[:, 0], atol=1e-6)


def test_references_are_found_and_complete():
    for row in load_reference("cifar10_plain_vits"):
        assert 10 < row["accuracy"] < 100 and row["passes"] > 0 and row["parameters"] > 1e5
        assert row["source"].startswith("https://")
    with pytest.raises(ValueError, match="cifar10_plain_vits"):
        load_reference("nothing")
