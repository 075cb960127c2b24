"""extract_patches(images, patch_size): cut images into patches."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _cut_cases():
    images = np.random.default_rng(1).random((2, 8, 12, 3), dtype="float32")
    return [(images, 4), (images[:1, :6, :6], 3), (images[:, :, :4], 2), (images[..., :1], 4)]


def _cut(images, patch_size, order):
    batch, height, width, channels = images.shape
    rows, columns = height // patch_size, width // patch_size
    pixels = images.reshape(batch, rows, patch_size, columns, patch_size, channels)
    return pixels.transpose(order).reshape(batch, rows * columns, patch_size * patch_size * channels)


def _cut_reshape_only(images, patch_size):
    return _cut(images, patch_size, (0, 1, 2, 3, 4, 5))


def _cut_by_columns(images, patch_size):
    return _cut(images, patch_size, (0, 3, 1, 2, 4, 5))


def _cut_channels_first(images, patch_size):
    return _cut(images, patch_size, (0, 1, 3, 5, 2, 4))


def _cut_mirrored(images, patch_size):
    return _cut(images, patch_size, (0, 1, 3, 4, 2, 5))


def _cut_all_mirrored(images, patch_size):
    return _cut(images, patch_size, (0, 3, 1, 4, 2, 5))


def _cut_every_nth_pixel(images, patch_size):
    batch, height, width, channels = images.shape
    rows, columns = height // patch_size, width // patch_size
    pixels = images.reshape(batch, patch_size, rows, patch_size, columns, channels).transpose(
        0, 2, 4, 1, 3, 5
    )
    return pixels.reshape(batch, rows * columns, patch_size * patch_size * channels)


def _cut_sides_swapped(images, patch_size):
    batch, height, width, channels = images.shape
    rows, columns = width // patch_size, height // patch_size
    pixels = images.reshape(batch, rows, patch_size, columns, patch_size, channels).transpose(
        0, 1, 3, 2, 4, 5
    )
    return pixels.reshape(batch, rows * columns, patch_size * patch_size * channels)


def _cut_grid_left(images, patch_size):
    batch, height, width, channels = images.shape
    rows, columns = height // patch_size, width // patch_size
    return _cut(images, patch_size, (0, 1, 3, 2, 4, 5)).reshape(batch, rows, columns, -1)


def _cut_not_flattened(images, patch_size):
    channels = images.shape[-1]
    patches = _cut(images, patch_size, (0, 1, 3, 2, 4, 5))
    return patches.reshape(*patches.shape[:2], patch_size, patch_size, channels)


def _cut_batch_joined(images, patch_size):
    patches = _cut(images, patch_size, (0, 1, 3, 2, 4, 5))
    return patches.reshape(-1, patches.shape[-1])


def _cut_first_image(images, patch_size):
    return _cut(images[:1], patch_size, (0, 1, 3, 2, 4, 5))


def _cut_square_only(images, patch_size):
    batch, height, width, channels = images.shape
    side = height // patch_size
    pixels = images.reshape(batch, side, patch_size, side, patch_size, channels)
    return pixels.transpose(0, 1, 3, 2, 4, 5).reshape(batch, side * side, -1)


def _cut_always_rgb(images, patch_size):
    patches = _cut(images, patch_size, (0, 1, 3, 2, 4, 5))
    return patches.reshape(*patches.shape[:2], patch_size * patch_size * 3)


EXERCISE = Exercise(
    key="patches.extract_patches",
    title="Cut images into patches",
    reference="helpers.model.patches:extract_patches",
    cases=_cut_cases,
    mutants=(
        Mutant(
            _cut_reshape_only,
            "reshape alone cuts strips of one pixel row after another, not squares: split height and "
            "width into (rows, patch_size, columns, patch_size), then transpose.",
        ),
        Mutant(_cut_by_columns, "the patches come column by column; read the grid like a page, row by row."),
        Mutant(
            _cut_channels_first,
            "inside a patch all red values come first; keep the three values of a pixel side by side.",
        ),
        Mutant(_cut_mirrored, "each patch is mirrored: rows and columns inside the patch are swapped."),
        Mutant(
            _cut_all_mirrored,
            "height and width are swapped in the grid and inside each patch: look at the order of the "
            "transpose.",
        ),
        Mutant(
            _cut_every_nth_pixel,
            "each patch takes pixels from all over the image: split the height into (rows, "
            "patch_size), not into (patch_size, rows), and the width likewise.",
        ),
        Mutant(
            _cut_sides_swapped,
            "rows and columns are swapped, which is right for square images only: the rows come from "
            "the height.",
        ),
        Mutant(
            _cut_grid_left,
            "the patches still lie in a grid: join rows and columns into one axis, the sequence.",
        ),
        Mutant(
            _cut_not_flattened,
            "the patches are still little images: join their last three axes into one vector each.",
        ),
        Mutant(
            _cut_batch_joined,
            "the patches of all images are in one long list: keep the batch as the first axis.",
        ),
        Mutant(_cut_first_image, "this cuts the first image only: keep the whole batch."),
        Mutant(
            _cut_square_only,
            "this is right for square images only: rows come from the height, columns from the width.",
        ),
        Mutant(
            _cut_always_rgb,
            "this is right for three channels only: take the number of channels from images.shape.",
        ),
    ),
    hints=(
        "Draw one image of 4×4 pixels, number its pixels from 0 to 15 and cut it into four. Which "
        "numbers are in the first patch? They are not neighbours in memory.",
        "Reshape to (batch, rows, patch_size, columns, patch_size, channels). Which two axes must "
        "change places, so that all pixels of a patch come last?",
        "Transpose that with (0, 1, 3, 2, 4, 5), then reshape to "
        "(batch, rows * columns, patch_size * patch_size * channels).",
    ),
    difficulty=3,
    importance=5,
    minutes=15,
)
