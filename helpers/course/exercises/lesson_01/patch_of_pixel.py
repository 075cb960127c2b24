"""Which patch holds this pixel?"""

from helpers.course.exercise import Exercise, Mutant


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


def _find_column_alone(pixel, image_size, patch_size):
    return pixel[1] // patch_size


def _find_row_alone(pixel, image_size, patch_size):
    return pixel[0] // patch_size


def _find_row_start(pixel, image_size, patch_size):
    return pixel[0] // patch_size * (image_size[1] // patch_size)


def _find_sides_added(pixel, image_size, patch_size):
    return pixel[0] // patch_size + pixel[1] // patch_size


def _find_sides_multiplied(pixel, image_size, patch_size):
    return (pixel[0] // patch_size) * (pixel[1] // patch_size)


def _find_x_in_pixels(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return y // patch_size * (width // patch_size) + x


def _find_y_in_pixels(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return y * (width // patch_size) + x // patch_size


def _find_divided_late(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return (y * (width // patch_size) + x) // patch_size


def _find_rounded_up(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return -(-y // patch_size) * (width // patch_size) + -(-x // patch_size)


def _find_rounded(pixel, image_size, patch_size):
    (y, x), (_, width) = pixel, image_size
    return round(y / patch_size) * (width // patch_size) + round(x / patch_size)


def _find_from_the_end(pixel, image_size, patch_size):
    (y, x), (height, width) = pixel, image_size
    rows, columns = height // patch_size, width // patch_size
    return rows * columns - 1 - (y // patch_size * columns + x // patch_size)


EXERCISE = Exercise(
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
        Mutant(_find_column_alone, "this is the column alone: add all the patches in the rows above."),
        Mutant(
            _find_row_alone,
            "this is the row of the grid alone: how many patches stand in the rows above, and in front?",
        ),
        Mutant(_find_row_start, "this is the first patch of the right row: add the column."),
        Mutant(
            _find_sides_added,
            "you add row and column: each row that lies above counts with all of its patches.",
        ),
        Mutant(
            _find_sides_multiplied,
            "you multiply row and column: rows above count with all of their patches, and the column "
            "is added.",
        ),
        Mutant(_find_x_in_pixels, "x is still in pixels: divide it by patch_size too."),
        Mutant(_find_y_in_pixels, "y is still in pixels: divide it by patch_size too."),
        Mutant(_find_divided_late, "you divide the sum at the end: divide y and x each by patch_size first."),
        Mutant(_find_rounded_up, "you round up: pixel 5 lies in patch 1 of side 4, which is 5 // 4."),
        Mutant(
            _find_rounded,
            "you round to the nearest: a pixel lies in the patch that has begun, so // rounds down.",
        ),
        Mutant(_find_from_the_end, "you count from the end: the sequence begins at the top left."),
    ),
    hints=(
        "First find the row and the column of the patch in the grid.",
        "The row is y // patch_size. How many patches stand in all the rows above it?",
        "columns = width // patch_size; the answer is row * columns + column.",
    ),
    difficulty=2,
    importance=3,
    minutes=5,
)
