"""Patches: worked by hand, against the library's own operation, and back again."""

import numpy as np
import pytest
from keras import ops

from helpers.model.patches import assemble_patches, extract_patches, num_patches, patch_of_pixel


def test_a_small_image_by_hand():
    image = np.arange(16).reshape(1, 4, 4, 1)
    patches = ops.convert_to_numpy(extract_patches(image, 2))
    expected = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    np.testing.assert_array_equal(patches[0], expected)


@pytest.mark.parametrize("shape, patch_size", [((2, 8, 12, 3), 4), ((1, 32, 32, 3), 4), ((3, 6, 4, 1), 2)])
def test_the_librarys_operation_gives_the_same(shape, patch_size):
    images = np.random.default_rng(0).random(shape, dtype="float32")
    ours = ops.convert_to_numpy(extract_patches(images, patch_size))
    theirs = ops.convert_to_numpy(ops.image.extract_patches(images, patch_size, strides=patch_size))
    np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize("shape, patch_size", [((2, 8, 12, 3), 4), ((1, 32, 32, 1), 8), ((2, 9, 3, 4), 3)])
def test_there_and_back_changes_nothing(shape, patch_size):
    images = np.random.default_rng(1).random(shape, dtype="float32")
    patches = extract_patches(images, patch_size)
    back = ops.convert_to_numpy(assemble_patches(patches, shape[1:3], channels=shape[3]))
    np.testing.assert_array_equal(back, images)


@pytest.mark.parametrize(
    "size, patch, count", [(32, 4, 64), (224, 16, 196), (224, 32, 49), ((8, 12), 4, 6), (4, 4, 1)]
)
def test_counts(size, patch, count):
    assert num_patches(size, patch) == count


@pytest.mark.parametrize(
    "size, patch, told", [(30, 4, "28×28"), ((32, 30), 8, "32×24"), (32, 0, "patch_size"), (32, 2.5, "2.5")]
)
def test_sizes_that_do_not_divide_are_told(size, patch, told):
    with pytest.raises(ValueError, match=told):
        num_patches(size, patch)


@pytest.mark.parametrize("shape", [(32, 32, 3), (0, 32, 32, 3), (1, 2, 32, 32, 3)])
def test_wrong_rank_and_empty_batches_are_told(shape):
    with pytest.raises(ValueError, match="batch"):
        extract_patches(np.zeros(shape, "float32"), 4)


@pytest.mark.parametrize(
    "shape, size", [((1, 64, 48), 30), ((1, 64, 47), 32), ((64, 48), 32), ((1, 63, 48), 32)]
)
def test_patches_that_do_not_tile_are_told(shape, size):
    with pytest.raises(ValueError, match="patches"):
        assemble_patches(np.zeros(shape, "float32"), size)


def test_every_pixel_is_in_the_patch_that_is_named():
    height, width, patch_size = 6, 8, 2
    image = np.arange(height * width).reshape(
        1, height, width, 1
    )  # each pixel's value is its place in memory
    patches = ops.convert_to_numpy(extract_patches(image, patch_size))[0]
    for y, x in np.ndindex(height, width):
        assert image[0, y, x, 0] in patches[patch_of_pixel((y, x), (height, width), patch_size)]


@pytest.mark.parametrize("pixel, index", [((0, 0), 0), ((15, 223), 13), ((16, 0), 14), ((223, 223), 195)])
def test_the_corners_of_a_photograph_by_hand(pixel, index):
    assert patch_of_pixel(pixel, 224, 16) == index


@pytest.mark.parametrize(
    "pixel, size, told", [((8, 0), (8, 12), "0 to 7"), ((0, -1), 8, "-1"), ((0, 0), 9, "8×8")]
)
def test_a_pixel_outside_the_image_is_told(pixel, size, told):
    with pytest.raises(ValueError, match=told):
        patch_of_pixel(pixel, size, 4)
