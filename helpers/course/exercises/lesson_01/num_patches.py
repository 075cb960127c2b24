"""How many patches?"""

from helpers.course.exercise import Case, Exercise, Mutant


def _count_cases():
    left_over = [Case((11, 18), 4).refused_or(2 * 4), Case((10, 9), 4).refused_or(2 * 2)]
    return [((224, 224), 16), ((32, 48), 8), ((12, 4), 4), ((4, 12), 4), *left_over]


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


def _count_rounded_up(image_size, patch_size):
    height, width = image_size
    return -(-height // patch_size) * -(-width // patch_size)


def _count_rounded(image_size, patch_size):
    return round(image_size[0] / patch_size) * round(image_size[1] / patch_size)


def _count_by_area(image_size, patch_size):
    return image_size[0] * image_size[1] // patch_size**2


def _count_with_fractions(image_size, patch_size):
    return image_size[0] / patch_size * (image_size[1] / patch_size)


def _count_width_in_pixels(image_size, patch_size):
    return image_size[0] // patch_size * image_size[1]


def _count_height_in_pixels(image_size, patch_size):
    return image_size[0] * (image_size[1] // patch_size)


def _count_rows_and_columns(image_size, patch_size):
    return image_size[0] // patch_size, image_size[1] // patch_size


def _count_pixels_of_a_patch(image_size, patch_size):
    return patch_size**2


def _count_pixels(image_size, patch_size):
    return image_size[0] * image_size[1]


EXERCISE = Exercise(
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
        Mutant(_count_area_by_side, "this divides the image's area by the patch's side: divide by its area."),
        Mutant(
            _count_with_class_token,
            "this counts one more than the patches; the class token comes in lesson 02.",
        ),
        Mutant(_count_sliding, "this counts every position of a sliding window; patches do not overlap."),
        Mutant(
            _count_one_too_many,
            "this rounds up where nothing is left over: one row and one column too many.",
        ),
        Mutant(
            _count_rounded_up,
            "you round up: what is left over at an edge is no whole patch, so // and not ceil.",
        ),
        Mutant(
            _count_rounded,
            "you round to the nearest: what is left over at an edge is no whole patch, so // rounds down.",
        ),
        Mutant(
            _count_by_area,
            "you divide areas: strips that are left over at two edges then add up to patches that are"
            " not there. Round each side down first.",
        ),
        Mutant(
            _count_with_fractions,
            "you divide with /, so an image of 10 pixels has two and a half patches: // gives whole ones.",
        ),
        Mutant(
            _count_width_in_pixels,
            "the height is counted in patches, but the width in pixels: divide it too.",
        ),
        Mutant(
            _count_height_in_pixels,
            "the width is counted in patches, but the height in pixels: divide it too.",
        ),
        Mutant(
            _count_rows_and_columns,
            "these are rows and columns; multiply them, so that one number comes out.",
        ),
        Mutant(
            _count_pixels_of_a_patch,
            "this is the number of pixels in a patch; asked is the number of patches.",
        ),
        Mutant(_count_pixels, "this is the number of pixels of the image; asked is the number of patches."),
    ),
    hints=(
        "Lay the patches out as a grid. How many rows has it, and how many columns?",
        "There are height // patch_size rows. Do the same for the columns; then how many cells has the grid?",
        "height, width = image_size; the answer is (height // patch_size) * (width // patch_size).",
    ),
    difficulty=1,
    importance=4,
    minutes=5,
)
