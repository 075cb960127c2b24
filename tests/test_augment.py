"""Augmentation: each image its own draw, worked by hand, nothing out of range, labels that still sum to 1."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.data import augment


def pictures(batch=64, size=8, seed=0):
    return np.random.default_rng(seed).random((batch, size, size, 3), dtype="float32")


def seed(value=0):
    return keras.random.SeedGenerator(value)


def array(x):
    return ops.convert_to_numpy(x)


def test_reflection_by_hand():
    index = np.arange(-3, 8)
    expected = [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]
    np.testing.assert_array_equal(array(augment.reflect(index, 5)), expected)


def test_every_crop_is_one_of_the_possible_ones_and_they_differ():
    """Each result must equal the reflected image shifted by some (row, column), mirrored or not."""
    images = pictures(40, 8)
    cropped = array(augment.random_crop_and_flip(images, seed(), padding=2))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    found = set()
    for image, result in zip(padded, cropped, strict=True):
        windows = {(r, c): image[r : r + 8, c : c + 8] for r in range(5) for c in range(5)}
        matches = [
            (r, c, f) for (r, c), w in windows.items() for f in (1, -1) if np.array_equal(w[:, ::f], result)
        ]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) > 15  # of 50, in 40 draws: one offset a batch would give 1 or 2


def test_no_shift_and_no_flip_is_the_image():
    images = pictures(4)
    np.testing.assert_array_equal(
        array(augment.random_crop_and_flip(images, seed(), padding=0, flip=False)), images
    )


def test_half_of_the_images_are_mirrored():
    images = pictures(400, 4)
    flipped = array(augment.random_crop_and_flip(images, seed(3), padding=0))
    share = np.mean([not np.array_equal(a, b) for a, b in zip(images, flipped, strict=True)])
    assert 0.4 < share < 0.6


def move(images, **changes):
    still = {"rotation": 0.0, "shear": (0.0, 0.0), "shift": (0.0, 0.0)} | changes
    batch = np.ones(len(images), "float32")
    arguments = {
        k: tuple(batch * x for x in v) if isinstance(v, tuple) else batch * v for k, v in still.items()
    }
    return array(augment.affine(images, **arguments))


def test_affine_by_hand():
    images = pictures(3, 6)
    np.testing.assert_allclose(move(images), images, atol=1e-6)
    shifted = move(images, shift=(2.0, 0.0))  # reads two pixels further right
    np.testing.assert_allclose(shifted[:, :, :4], images[:, :, 2:], atol=1e-6)
    np.testing.assert_allclose(shifted[:, :, 4:], 0.5, atol=1e-6)
    half = move(images, shift=(0.0, 0.5))
    np.testing.assert_allclose(half[:, :5], (images[:, :5] + images[:, 1:]) / 2, atol=1e-6)
    np.testing.assert_allclose(move(images, rotation=np.pi), images[:, ::-1, ::-1], atol=1e-5)
    np.testing.assert_allclose(move(images, rotation=np.pi / 2), np.rot90(images, -1, axes=(1, 2)), atol=1e-5)


def test_rand_augment_draws_for_each_image_and_stays_in_range():
    image = pictures(1, 16)
    images = np.repeat(image, 200, axis=0)
    changed = array(augment.rand_augment(images, seed(1), num_operations=1, magnitude=9))
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
    distinct = {changed[i].tobytes() for i in range(200)}
    assert len(distinct) > 12  # 13 operations, most with two signs; one draw a batch would give 1
    untouched = np.mean([np.allclose(c, image[0], atol=1e-6) for c in changed])
    assert 0.02 < untouched < 0.2  # "identity" is one of 13


def test_rand_augment_of_no_strength_leaves_nearly_all_as_it_is():
    images = pictures(100, 8)
    images[:, 0, 0], images[:, 0, 1] = 0, 1  # so that autocontrast has nothing to stretch
    changed = array(augment.rand_augment(images, seed(1), num_operations=1, magnitude=0))
    unchanged = np.mean(np.abs(changed - images).max(axis=(1, 2, 3)) < 1 / 255)
    assert unchanged > 0.85  # solarize at 0 still turns pure white


@pytest.mark.parametrize("magnitude", [-1, 11])
def test_a_wrong_magnitude_is_told(magnitude):
    with pytest.raises(ValueError, match="between 0 and 10"):
        augment.rand_augment(pictures(2), seed(), magnitude=magnitude)


def test_erasing_touches_the_share_it_says():
    images = np.zeros((400, 16, 16, 3), "float32")
    erased = array(augment.random_erasing(images, seed(), probability=0.25, area=(0.1, 0.4)))
    covered = (erased > 0).any(axis=-1)
    touched = covered.any(axis=(1, 2))
    assert 0.15 < touched.mean() < 0.35
    for mask in covered[touched]:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        assert box == mask.sum()  # one whole rectangle
        assert mask.mean() <= 0.6


def one_hot(batch, classes=5):
    return np.eye(classes, dtype="float32")[np.arange(batch) % classes]


def test_mixup_is_the_blend_that_its_labels_say():
    images, labels = pictures(32), one_hot(32)
    mixed, mixed_labels = map(array, augment.mixup(images, labels, seed()))
    np.testing.assert_allclose(mixed_labels.sum(axis=1), 1, atol=1e-5)
    keep = mixed_labels[np.arange(32), np.arange(32) % 5][:, None, None, None]
    np.testing.assert_allclose(mixed, keep * images + (1 - keep) * np.roll(images, 1, axis=0), atol=1e-5)
    assert np.std(keep) > 0.1  # each image its own


@pytest.mark.parametrize("alpha", [1.0, 0.3, 4.0])
def test_shares_have_the_moments_of_beta(alpha):
    """Beta(α, α) has mean 1/2 and variance 1 / (4 (2α + 1)); for α = 1 it is uniform: 1/12."""
    shares = array(augment.draw_share(20_000, alpha, seed(1)))
    variance = 1 / (4 * (2 * alpha + 1))
    assert shares.shape == (20_000,) and shares.min() >= 0 and shares.max() <= 1
    assert shares.mean() == pytest.approx(0.5, abs=4 * np.sqrt(variance / 20_000))
    assert shares.var() == pytest.approx(variance, rel=0.05)


def test_cutmix_counts_the_pixels_it_pasted():
    images, labels = pictures(64, 16), one_hot(64)
    mixed, mixed_labels = map(array, augment.cutmix(images, labels, seed(2)))
    pasted = (mixed != images).any(axis=-1)
    np.testing.assert_array_equal(mixed[pasted], np.roll(images, 1, axis=0)[pasted])
    share = 1 - mixed_labels[np.arange(64), np.arange(64) % 5]
    np.testing.assert_allclose(share, pasted.mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(mixed_labels.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("probability, low, high", [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 0.9, 1)])
def test_mixing_touches_the_share_it_says(probability, low, high):
    images, labels = pictures(300, 16), one_hot(300)
    mixed, mixed_labels = map(array, augment.mixup_or_cutmix(images, labels, seed(), probability=probability))
    touched = (mixed != images).any(axis=(1, 2, 3))
    assert low <= touched.mean() <= high
    np.testing.assert_allclose(mixed_labels[~touched], labels[~touched], atol=1e-6)


def test_the_same_seed_gives_the_same_images():
    images = pictures()
    first, second = (array(augment.rand_augment(images, seed(5))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
