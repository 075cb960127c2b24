"""Lesson 01, images become sequences: counting, cutting, joining and finding patches."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question

# num_patches(image_size, patch_size), image_size = (height, width)


def _count_cases():
    return [((224, 224), 16), ((32, 48), 8), ((12, 4), 4), ((4, 12), 4)]


def _count_one_side(image_size, patch_size):
    return image_size[0] // patch_size


def _count_squared_height(image_size, patch_size):
    return (image_size[0] // patch_size) ** 2


def _count_squared_width(image_size, patch_size):
    return (image_size[1] // patch_size) ** 2


def _count_sides_added(image_size, patch_size):
    return image_size[0] // patch_size + image_size[1] // patch_size


def _count_area_by_side(image_size, patch_size):
    return image_size[0] * image_size[1] // patch_size


def _count_with_class_token(image_size, patch_size):
    return (image_size[0] // patch_size) * (image_size[1] // patch_size) + 1


def _count_sliding(image_size, patch_size):
    return (image_size[0] - patch_size + 1) * (image_size[1] - patch_size + 1)


def _count_one_too_many(image_size, patch_size):
    return (image_size[0] // patch_size + 1) * (image_size[1] // patch_size + 1)


# extract_patches(images, patch_size)


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


# assemble_patches(patches, image_size, channels=3), image_size = (height, width)


def _join_cases():
    random = np.random.default_rng(2)
    return [
        (random.random((2, 6, 48), dtype="float32"), (8, 12)),
        (random.random((1, 4, 27), dtype="float32"), (6, 6)),
        Case(random.random((2, 8, 4), dtype="float32"), (8, 4), channels=1),
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


# patch_of_pixel(pixel, image_size, patch_size), pixel = (y, x), image_size = (height, width)


def _find_cases():
    return [
        ((5, 9), (8, 12), 4),
        ((3, 11), (8, 12), 4),
        ((101, 37), (224, 224), 16),
        ((3, 5), (12, 6), 2),
        ((0, 0), (6, 6), 3),
    ]


def _find_sides_swapped(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return x // patch_size * (width // patch_size) + y // patch_size


def _find_by_columns(pixel, image_size, patch_size):
    (y, x), (height, _) = pixel, image_size
    return x // patch_size * (height // patch_size) + y // patch_size


def _find_rows_for_columns(pixel, image_size, patch_size):
    (y, x), (height, _) = pixel, image_size
    return y // patch_size * (height // patch_size) + x // patch_size


def _find_patch_size_for_columns(pixel, image_size, patch_size):
    y, x = pixel
    return y // patch_size * patch_size + x // patch_size


def _find_in_memory(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return (y * width + x) // patch_size**2


def _find_one_too_many(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return y // patch_size * (width // patch_size) + x // patch_size + 1


def _find_inside_the_patch(pixel, image_size, patch_size):
    y, x = pixel
    return y % patch_size * patch_size + x % patch_size


def _find_width_in_pixels(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return y // patch_size * width + x // patch_size


def _find_with_fractions(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return y / patch_size * (width / patch_size) + x / patch_size


def _find_place_in_grid(pixel, image_size, patch_size):
    y, x = pixel
    return y // patch_size, x // patch_size


EXERCISES = [
    Exercise(
        key="patches.num_patches",
        title="How many patches?",
        reference="helpers.model.patches:num_patches",
        cases=_count_cases,
        mutants=(
            Mutant(_count_one_side, "this counts the patches of one side only: a grid has rows and columns."),
            Mutant(
                _count_squared_height,
                "this squares the number of rows, which is right for square images only.",
            ),
            Mutant(
                _count_squared_width,
                "this squares the number of columns, which is right for square images only.",
            ),
            Mutant(_count_sides_added, "this adds rows and columns: a grid has rows times columns."),
            Mutant(
                _count_area_by_side, "this divides the image's area by the patch's side: divide by its area."
            ),
            Mutant(
                _count_with_class_token,
                "this counts one more than the patches; the class token comes in lesson 02.",
            ),
            Mutant(_count_sliding, "this counts every position of a sliding window; patches do not overlap."),
            Mutant(
                _count_one_too_many,
                "this rounds up where nothing is left over: one row and one column too many.",
            ),
        ),
        hints=(
            "Lay the patches out as a grid. How many rows has it, and how many columns?",
            "There are height // patch_size rows. Do the same for the columns; then how many cells has the "
            "grid?",
            "height, width = image_size; the answer is (height // patch_size) * (width // patch_size).",
        ),
        difficulty=1,
        importance=4,
        minutes=5,
    ),
    Exercise(
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
            Mutant(
                _cut_by_columns, "the patches come column by column; read the grid like a page, row by row."
            ),
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
    ),
    Exercise(
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
            Mutant(
                _join_returned_turned, "the image lies on its side: the height is the axis before the width."
            ),
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
    ),
    Exercise(
        key="patches.patch_of_pixel",
        title="Which patch holds this pixel?",
        reference="helpers.model.patches:patch_of_pixel",
        cases=_find_cases,
        mutants=(
            Mutant(
                _find_sides_swapped,
                "y and x are exchanged: a pixel is (y, x), and y chooses the row of the grid.",
            ),
            Mutant(_find_by_columns, "this counts down the columns; the sequence reads the grid row by row."),
            Mutant(
                _find_rows_for_columns,
                "a row of the grid holds width // patch_size patches, not height // patch_size.",
            ),
            Mutant(
                _find_patch_size_for_columns,
                "each row of the grid is counted as patch_size patches; it has width // patch_size of them.",
            ),
            Mutant(
                _find_in_memory,
                "this divides the pixel's place in memory: it is the reshape without the transpose, once "
                "more. Divide y and x each by the patch's side first.",
            ),
            Mutant(
                _find_one_too_many,
                "one too many: patches are counted from 0, and the class token comes in lesson 02.",
            ),
            Mutant(
                _find_inside_the_patch,
                "this is the pixel's place inside its patch: % gives the rest, // gives the row and column.",
            ),
            Mutant(
                _find_width_in_pixels,
                "each row of the grid is counted as width pixels; it has width // patch_size patches.",
            ),
            Mutant(
                _find_with_fractions, "this keeps the fractions: // gives whole rows and columns, / does not."
            ),
            Mutant(
                _find_place_in_grid,
                "this is the patch's row and column in the grid; the sequence has one number for both.",
            ),
        ),
        hints=(
            "First find the row and the column of the patch in the grid.",
            "The row is y // patch_size. How many patches stand in all the rows above it?",
            "columns = width // patch_size; the answer is row * columns + column.",
        ),
        difficulty=2,
        importance=3,
        minutes=5,
    ),
]

QUIZ = [
    Question(
        "An image has 224×224 pixels. You go from patches of 32 pixels to patches of 16. What happens to "
        "the number of patches, and to the cost of attention, which grows with its square?",
        [
            (
                "Twice the patches, four times the cost.",
                False,
                "Half the side gives twice the rows and twice the columns: from 7·7 = 49 to 14·14 = 196 "
                "patches.",
            ),
            (
                "Four times the patches, four times the cost.",
                False,
                "Four times the patches is right, 49 to 196. But every patch is compared with every patch, "
                "so the cost grows with the square.",
            ),
            (
                "Four times the patches, sixteen times the cost.",
                True,
                "49 becomes 196, and 49² = 2,401 pairs become 196² = 38,416.",
            ),
            (
                "The number of values stays the same, so the cost does too.",
                False,
                "The values are only regrouped, true: 196 vectors of 768 in place of 49 of 3,072. But "
                "attention compares vectors, and there are more of them.",
            ),
        ],
    ),
    Question(
        "Somebody cuts patches with `images.reshape(batch, num_patches, patch_size * patch_size * 3)` and "
        "nothing else. The shape is right. What is in the first “patch”?",
        [
            (
                "The top left square, as it should be.",
                False,
                "Only if the image is one patch wide. A reshape never moves a value in memory, and the "
                "second row of that square lies a whole image row further on.",
            ),
            (
                "The first pixels of the image in reading order: a piece of its top row or rows.",
                True,
                "Memory runs along the row. For 224 pixels and patch 16 these are 256 pixels: the whole "
                "first row and 32 pixels of the second.",
            ),
            (
                "The top left square, mirrored.",
                False,
                "That is what a wrong transpose gives. Without any transpose there is no square at all.",
            ),
        ],
    ),
    Question(
        "What has the model lost once the image is a sequence of patches, if nothing else is added?",
        [
            (
                "Detail: a patch is an average of its pixels.",
                False,
                "Nothing is averaged. Each patch keeps all its values, which is why the patches can be put "
                "back together without loss.",
            ),
            (
                "Colour, because each patch is flattened.",
                False,
                "Flattening keeps all three values of every pixel; it only puts them into one row.",
            ),
            (
                "Where each patch was.",
                True,
                "Attention treats its input as a set: shuffle the patches and it computes the same, "
                "shuffled. That is why lesson 02 adds position embeddings.",
            ),
        ],
    ),
    Question(
        "Your image has 30×30 pixels and the patches have 4. Which of these is a sound way out?",
        [
            (
                "Resize or crop to 28×28, or pad to 32×32, and know what it costs.",
                True,
                "Both sides are then multiples of 4. Cropping loses an edge, padding adds pixels that mean "
                "nothing, resizing blurs a little.",
            ),
            (
                "Use 30 / 4 = 7.5 patches a side.",
                False,
                "A grid has whole rows and columns, and every patch needs the same length, or no single "
                "matrix could embed them all.",
            ),
            (
                "Let `30 // 4` round down and carry on.",
                False,
                "In code this fails in the reshape, at best. At worst two pixel rows and columns are "
                "dropped and nobody notices.",
            ),
            (
                "Reshape the pixels into as many vectors of 48 values as there are.",
                False,
                "900 · 3 = 2,700 values are not a multiple of 48, and even where it fits such vectors are "
                "no squares.",
            ),
        ],
    ),
]
