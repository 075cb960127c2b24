"""Augmentation: each image its own draw, worked by hand, nothing out of range, labels that still sum to 1."""

import math

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


def bilinear_by_hand(image, read_y, read_x):
    """One pixel after another: the mean of four neighbours by their nearness, grey where there is none."""
    height, width, _ = image.shape
    result = np.empty_like(image)
    for row, column in np.ndindex(height, width):
        y, x = read_y[row, column], read_x[row, column]
        total = 0.0
        for i in (math.floor(y), math.floor(y) + 1):
            for j in (math.floor(x), math.floor(x) + 1):
                pixel = image[i, j] if 0 <= i < height and 0 <= j < width else 0.5
                total = total + (1 - abs(y - i)) * (1 - abs(x - j)) * pixel
        result[row, column] = total
    return result


def operation_by_hand(image, name, sign, strength):
    """What RandAugment's operation of this name does with one image, in NumPy."""
    size = len(image)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    centre, amount, factor = (size - 1) / 2, sign * strength, 1 + sign * strength * 0.9
    angle = amount * math.pi / 6
    turned = np.cos(angle) * y - np.sin(angle) * x, np.cos(angle) * x + np.sin(angle) * y
    moved = {
        "shear_x": (y, x + 0.3 * amount * y),
        "shear_y": (y + 0.3 * amount * x, x),
        "translate_x": (y, x + 0.3 * size * amount),
        "translate_y": (y + 0.3 * size * amount, x),
        "rotate": turned,
    }
    if name in moved:
        read_y, read_x = moved[name]
        return bilinear_by_hand(image, read_y + centre, read_x + centre)
    grey = image.mean(axis=-1, keepdims=True)
    edge = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = sum(edge[i : i + size, j : j + size] for i in range(3) for j in range(3))
    levels = 2 ** (8 - round(4 * strength)) - 1
    low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    changed = {
        "identity": image,
        "brightness": factor * image,
        "colour": grey + factor * (image - grey),
        "contrast": grey.mean() + factor * (image - grey.mean()),
        "sharpness": (blurred := (around + 4 * image) / 13) + factor * (image - blurred),
        "posterize": np.floor(image * levels + 0.5) / levels,
        "solarize": np.where(image >= 1 - 0.99 * strength, 1 - image, image),
        "autocontrast": (image - low) / np.maximum(high - low, 1 / 255),
    }
    return np.clip(changed[name], 0, 1)


@pytest.fixture(params=["each for its own images", "all for all images"])
def way(request, monkeypatch):
    """Both ways to give each image its own change: backends differ in which they take."""
    own = request.param == "each for its own images"
    monkeypatch.setattr(augment, "runs_at_once", lambda images: own)
    return own


@pytest.mark.parametrize("magnitude", [3.0, 7.0, 10.0])
def test_each_operation_of_rand_augment_by_hand(way, magnitude):
    images = pictures(96, 9, seed=4)
    changed = array(augment.rand_augment(images, seed(5), num_operations=1, magnitude=magnitude))
    draws = seed(5)  # the same draws again, in the same order
    drawn = array(keras.random.randint((96,), 0, 13, dtype="int32", seed=draws))
    signs = np.where(array(keras.random.uniform((96,), seed=draws)) < 0.5, -1.0, 1.0)
    assert set(drawn) == set(range(13))
    for image, found, number, sign in zip(images, changed, drawn, signs, strict=True):
        name = augment.RAND_AUGMENT_OPERATIONS[number]
        expected = operation_by_hand(image.astype("float64"), name, sign, magnitude / 10)
        if name == "posterize":  # a value on the edge between two levels may fall to either
            near = np.abs(found - expected) < 1e-5
            assert near.mean() > 0.99
        else:
            np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


def test_each_change_sees_its_own_images_and_the_order_is_kept(monkeypatch):
    monkeypatch.setattr(augment, "runs_at_once", lambda images: True)
    images, which, more = pictures(7, 2), np.array([2, 0, 1, 2, 0, 0, 2]), np.arange(7.0, dtype="float32")
    seen = []

    def change(number):
        def apply(own, others):
            seen.append((number, list(array(others))))
            return own + 10 * number + augment.column(others)

        return apply

    result = array(augment.change_each(images, which, [change(n) for n in (1, 2, 3)], more))
    assert seen == [(1, [2]), (2, [0, 3, 6])]  # nothing is asked of the third
    expected = images + np.where(which, 10 * which + more, 0)[:, None, None, None]
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_mixing_by_hand(way):
    """λ, box and choice are drawn again in the same order, and blended and pasted in NumPy."""
    images, labels = pictures(200, 8, seed=6), one_hot(200)
    mixed, mixed_labels = map(array, augment.mixup_or_cutmix(images, labels, seed(7), probability=0.7))
    draws = seed(7)
    share = array(augment.draw_share(200, 1.0, draws))
    pasted = array(augment.box_to_paste(images, augment.draw_share(200, 1.0, draws), draws))
    choice = array(keras.random.uniform((200,), seed=draws))
    counts = {"mixup": 0, "cutmix": 0, "neither": 0}
    for i in range(200):
        if choice[i] < 0.35:
            kind, own, weight = "mixup", share[i], share[i]
        elif choice[i] >= 0.65:
            kind, own, weight = "cutmix", 1 - pasted[i].mean(), 1.0 - pasted[i]
        else:
            kind, own, weight = "neither", 1.0, 1.0
        counts[kind] += 1
        expected = weight * images[i] + (1 - weight) * images[i - 1]
        np.testing.assert_allclose(mixed[i], expected, atol=1e-5, err_msg=kind)
        expected = own * labels[i] + (1 - own) * labels[i - 1]
        np.testing.assert_allclose(mixed_labels[i], expected, atol=1e-5, err_msg=kind)
    assert counts["mixup"] > 45 and counts["cutmix"] > 45 and counts["neither"] > 30


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
