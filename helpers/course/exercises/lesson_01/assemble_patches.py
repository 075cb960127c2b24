"""Put the patches back together."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant


def _join_cases():
    random = np.random.default_rng(2)

    def patches(*shape):
        return random.normal(size=shape).astype("float32")

    numbered = np.arange(8, dtype="float32").reshape(1, 2, 4)
    return [
        (patches(3, 6, 48), (8, 12)),
        (patches(1, 4, 27), (6, 6)),
        Case(patches(2, 8, 4), (8, 4), channels=1),
        Case(numbered, (2, 4), channels=1),
        Case(np.arange(16, dtype="float32").reshape(1, 4, 4), (4, 4), channels=1),
    ]


def _join(patches, image_size, channels, order, inner=None):
    (height, width), batch = image_size, len(patches)
    patch_size = round((patches.shape[-1] / channels) ** 0.5)
    rows, columns = height // patch_size, width // patch_size
    pixels = patches.reshape(batch, rows, columns, *(inner or (patch_size, patch_size, channels)))
    return pixels.transpose(order).reshape(batch, height, width, channels)


def _join_reshape_only(patches, image_size, channels=3):
    return _join(patches, image_size, channels, (0, 1, 2, 3, 4, 5))


def _join_mirrored(patches, image_size, channels=3):
    return _join(patches, image_size, channels, (0, 1, 4, 2, 3, 5))


def _join_by_columns(patches, image_size, channels=3):
    (height, width), batch = image_size, len(patches)
    patch_size = round((patches.shape[-1] / channels) ** 0.5)
    rows, columns = height // patch_size, width // patch_size
    pixels = patches.reshape(batch, columns, rows, patch_size, patch_size, channels).transpose(
        0, 2, 3, 1, 4, 5
    )
    return pixels.reshape(batch, height, width, channels)


def _join_sides_swapped(patches, image_size, channels=3):
    (height, width), batch = image_size, len(patches)
    patch_size = round((patches.shape[-1] / channels) ** 0.5)
    rows, columns = width // patch_size, height // patch_size
    pixels = patches.reshape(batch, rows, columns, patch_size, patch_size, channels).transpose(
        0, 1, 3, 2, 4, 5
    )
    return pixels.reshape(batch, height, width, channels)


def _join_returned_turned(patches, image_size, channels=3):
    return _join(patches, image_size, channels, (0, 1, 3, 2, 4, 5)).transpose(0, 2, 1, 3)


def _join_channels_first(patches, image_size, channels=3):
    patch_size = round((patches.shape[-1] / channels) ** 0.5)
    return _join(patches, image_size, channels, (0, 1, 4, 2, 5, 3), (channels, patch_size, patch_size))


def _join_always_rgb(patches, image_size, channels=3):
    return _join(patches, image_size, 3, (0, 1, 3, 2, 4, 5))


def _join_square_only(patches, image_size, channels=3):
    (height, width), (batch, count, length) = image_size, patches.shape
    patch_size, side = round((length / channels) ** 0.5), int(count**0.5)
    pixels = patches.reshape(batch, side, side, patch_size, patch_size, channels)
    return pixels.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels)


def _join_order_turned(patches, image_size, channels=3):
    return _join(patches[:, ::-1], image_size, channels, (0, 1, 3, 2, 4, 5))


def _join_cut_off(patches, image_size, channels=3):
    return _join(patches, image_size, channels, (0, 1, 3, 2, 4, 5)).clip(0, 1)


def _join_first_image(patches, image_size, channels=3):
    return _join(patches[:1], image_size, channels, (0, 1, 3, 2, 4, 5))


def _join_no_batch(patches, image_size, channels=3):
    return _join(patches[:1], image_size, channels, (0, 1, 3, 2, 4, 5))[0]


def _join_side_by_side(patches, image_size, channels=3):
    """Lay all patches side by side in one row, then cut that to the size of the image."""
    patch_size = round((patches.shape[-1] / channels) ** 0.5)
    squares = patches.reshape(*patches.shape[:2], patch_size, patch_size, channels)
    return squares.transpose(0, 2, 1, 3, 4).reshape(len(patches), *image_size, channels)


EXERCISE = Exercise(
    key="patches.assemble_patches",
    title="Put the patches back together",
    reference="helpers.model.patches:assemble_patches",
    cases=_join_cases,
    mutants=(
        Mutant(
            _join_reshape_only,
            "reshape alone lays the patches down as strips of pixels: transpose before the last reshape.",
        ),
        Mutant(_join_mirrored, "each patch is mirrored: rows and columns inside the patch are swapped."),
        Mutant(_join_by_columns, "the grid is filled column by column; fill it like a page, row by row."),
        Mutant(
            _join_sides_swapped,
            "rows and columns are swapped, which is right for square images only: the rows come from "
            "the height.",
        ),
        Mutant(_join_returned_turned, "the image lies on its side: the height is the axis before the width."),
        Mutant(
            _join_channels_first,
            "the vectors are read as if all red values came first; the three values of a pixel are "
            "side by side.",
        ),
        Mutant(
            _join_always_rgb,
            "this is right for three channels only: use `channels` wherever you wrote 3.",
        ),
        Mutant(
            _join_square_only,
            "this is right for a square grid only: the rows come from the height, the columns from the "
            "width.",
        ),
        Mutant(
            _join_order_turned,
            "the patches are laid down in the reverse order: the first belongs at the top left.",
        ),
        Mutant(_join_cut_off, "values outside 0 to 1 were cut off: what was cut must come back as it was."),
        Mutant(_join_first_image, "this joins the first image only: keep the whole batch."),
        Mutant(_join_no_batch, "this joins the first image only, and the axis of the batch is gone."),
        Mutant(
            _join_side_by_side,
            "all patches lie side by side in one row before the last reshape: a row of the image "
            "holds `columns` of them.",
        ),
    ),
    hints=(
        "It is the way of extract_patches, walked backwards: the same shapes, in the opposite order.",
        "The side of a patch follows from its length: patch_size² · channels. Then reshape to "
        "(batch, rows, columns, patch_size, patch_size, channels).",
        "Transpose with (0, 1, 3, 2, 4, 5), which undoes itself, then reshape to (batch, height, "
        "width, channels).",
    ),
    difficulty=3,
    importance=3,
    minutes=10,
)
