"""extract_patches(images, patch_size): cut images into patches."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _cut_cases():
    images = np.random.default_rng(1).normal(size=(3, 8, 12, 3)).astype("float32")
    numbered = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    cases = [(images, 4), (images[:1, :6, :6], 3), (images[:, :, :4], 2), (images[:2, ..., :1], 4)]
    return [*cases, (numbered, 2), (numbered[:, :2], 2)]


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


def _cut_rows_of_patches_turned(images, patch_size):
    return _cut(images, patch_size, (0, 1, 3, 2, 4, 5))[:, ::-1]


def _cut_transposed_after(images, patch_size):
    return _cut(images, patch_size, (0, 1, 3, 2, 4, 5)).swapaxes(1, 2)


def _cut_sliding(images, patch_size):
    _, height, width, _ = images.shape
    corners = [(y, x) for y in range(height - patch_size + 1) for x in range(width - patch_size + 1)]
    patches = [images[:, y : y + patch_size, x : x + patch_size] for y, x in corners]
    return np.stack(patches, axis=1).reshape(len(images), len(corners), -1)


def _cut_last_missing(images, patch_size):
    _, height, width, _ = images.shape
    rows, columns = range(0, height - patch_size, patch_size), range(0, width - patch_size, patch_size)
    patches = [images[:, y : y + patch_size, x : x + patch_size] for y in rows for x in columns]
    return np.stack(patches, axis=1).reshape(len(images), len(patches), -1)


def _cut_scaled(images, patch_size):
    return _cut(images, patch_size, (0, 1, 3, 2, 4, 5)) / 255


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
        Mutant(
            _cut_rows_of_patches_turned,
            "the patches come in the reverse order: the sequence begins at the top left.",
        ),
        Mutant(
            _cut_transposed_after, "patches and values have changed places: (batch, num_patches, values)."
        ),
        Mutant(_cut_sliding, "your patches overlap: step on by patch_size, not by 1."),
        Mutant(
            _cut_last_missing,
            "the last row and the last column of patches are missing: a range ends before its end.",
        ),
        Mutant(_cut_scaled, "the pixels were divided by 255: leave their values as they are."),
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
