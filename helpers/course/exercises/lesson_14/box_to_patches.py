"""box_to_patches(box, patch_size): say which patches a box touches."""

import math

from helpers.course.exercise import Exercise, Mutant


def _box_cases():
    return [
        ((10, 40, 176, 177), 14),
        ((28, 14, 56, 98), 14),
        ((3, 5, 30, 31), 4),
        ((64, 100, 220, 126), 16),
    ]


def _box_all_down(box, patch_size):
    return tuple(edge // patch_size for edge in box)


def _box_all_up(box, patch_size):
    return tuple(-(-edge // patch_size) for edge in box)


def _box_rounded(box, patch_size):
    return tuple(round(edge / patch_size) for edge in box)


def _box_last_inside(box, patch_size):
    top, left, bottom, right = box
    last_row, last_column = (bottom - 1) // patch_size, (right - 1) // patch_size
    return top // patch_size, left // patch_size, last_row, last_column


def _box_always_one_more(box, patch_size):
    top, left, bottom, right = (edge // patch_size for edge in box)
    return top, left, bottom + 1, right + 1


def _box_whole_patches(box, patch_size):
    top, left, bottom, right = box
    return -(-top // patch_size), -(-left // patch_size), bottom // patch_size, right // patch_size


def _ends(box, patch_size):
    top, left, bottom, right = (edge / patch_size for edge in box)
    return math.floor(top), math.floor(left), math.ceil(bottom), math.ceil(right)


def _box_columns_first(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return left, top, right, bottom


def _box_rows_then_columns(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return top, bottom, left, right


def _box_sizes(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return top, left, bottom - top, right - left


def _box_fractions(box, patch_size):
    return tuple(edge / patch_size for edge in box)


def _box_from_one(box, patch_size):
    return tuple(edge + 1 for edge in _ends(box, patch_size))


def _box_centre(box, patch_size):
    top, left, bottom, right = box
    return (top + bottom) // 2 // patch_size, (left + right) // 2 // patch_size


def _box_in_pixels(box, patch_size):
    return tuple(edge // patch_size * patch_size for edge in _ends_up(box, patch_size))


def _ends_up(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return tuple(edge * patch_size for edge in (top, left, bottom, right))


def _box_sides_swapped(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return bottom, right, top, left


def _box_start_less_one(box, patch_size):
    top, left, bottom, right = _ends(box, patch_size)
    return max(top - 1, 0), max(left - 1, 0), bottom, right


EXERCISE = Exercise(
    key="regions.box_to_patches",
    title="Say which patches a box touches",
    reference="helpers.analysis.regions:box_to_patches",
    cases=_box_cases,
    mutants=(
        Mutant(
            _box_all_down,
            "you round the end down as well, so a patch that the box touches only in part is lost.",
        ),
        Mutant(
            _box_all_up,
            "you round the start up as well, so the patch in which the box begins is lost.",
        ),
        Mutant(
            _box_rounded,
            "you round to the nearest edge; every patch that is touched counts, so down at the start and "
            "up at the end.",
        ),
        Mutant(
            _box_last_inside,
            "bottom and right are the last patches inside; ends are excluded, so they are one more.",
        ),
        Mutant(
            _box_always_one_more,
            "you always add 1 at the end; a box that ends on a patch's edge does not touch the next.",
        ),
        Mutant(
            _box_whole_patches,
            "you keep the patches that lie wholly inside; those that are touched count too.",
        ),
        Mutant(
            _box_columns_first,
            "x and y are swapped: rows come first, so (top, left, bottom, right).",
        ),
        Mutant(
            _box_rows_then_columns,
            "the order is (top, left, bottom, right); you give both rows, then both columns.",
        ),
        Mutant(_box_sizes, "you give height and width at the end; bottom and right are asked for."),
        Mutant(_box_fractions, "these are fractions of patches; whole ones are asked for."),
        Mutant(_box_from_one, "you count from 1; the first patch is row 0, column 0."),
        Mutant(_box_centre, "this is the patch in the middle of the box; four edges are asked for."),
        Mutant(_box_in_pixels, "these are pixels, on the edges of patches; count patches."),
        Mutant(_box_sides_swapped, "start and end have changed places: (top, left, bottom, right)."),
        Mutant(_box_start_less_one, "you begin one patch too early: // rounds down already."),
    ),
    hints=(
        "Pixel 0 to 13 lie in patch 0. In which patch does pixel 10 lie? And where does pixel 175?",
        "Down at the start, up at the end: `//` rounds down; `math.ceil(a / b)` rounds up.",
        "`top, left, bottom, right = box`; `return top // p, left // p, math.ceil(bottom / p), "
        "math.ceil(right / p)`",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
