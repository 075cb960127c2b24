"""shares_of_every_box(one_map, height, width): move the box over the whole map."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_14.made import GRID, random_maps


def _every_cases():
    by_hand = np.array([[1.0, 4.0, 2.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    return [
        (random_maps(148, 5, 7), 2, 3),
        (random_maps(149, 6, 6), 1, 4),
        (random_maps(150, 4, 9), 3, 2),
        (by_hand, 1, 2),
    ]


def _every(one_map, height, width):
    return np.lib.stride_tricks.sliding_window_view(one_map, (height, width)).sum(axis=GRID) / one_map.sum()


def _every_one_too_few(one_map, height, width):
    return _every(one_map, height, width)[:-1, :-1]


def _every_past_the_edge(one_map, height, width):
    rows, columns = one_map.shape
    padded = np.pad(one_map, ((0, height - 1), (0, width - 1)))
    return _every(padded, height, width)[:rows, :columns]


def _every_turned(one_map, height, width):
    return _every(one_map, width, height)


def _every_not_divided(one_map, height, width):
    return _every(one_map, height, width) * one_map.sum()


def _every_mean(one_map, height, width):
    return _every(one_map, height, width) * one_map.sum() / (height * width)


def _every_over_best(one_map, height, width):
    found = _every(one_map, height, width)
    return found / found.max()


def _every_sums_to_one(one_map, height, width):
    found = _every(one_map, height, width)
    return found / found.sum()


def _every_side_by_side(one_map, height, width):
    return _every(one_map, height, width)[::height, ::width]


def _every_flat(one_map, height, width):
    return _every(one_map, height, width).ravel()


def _every_end_inside(one_map, height, width):
    rows, columns = one_map.shape
    places = np.ndindex(rows - height + 1, columns - width + 1)
    found = [one_map[r : r + height - 1, c : c + width - 1].sum() for r, c in places]
    return np.array(found).reshape(rows - height + 1, columns - width + 1) / one_map.sum()


def _every_best(one_map, height, width):
    return _every(one_map, height, width).max()


def _every_row_missing(one_map, height, width):
    return _every(one_map, height, width)[:-1]


def _every_column_missing(one_map, height, width):
    return _every(one_map, height, width)[:, :-1]


def _every_brightest(one_map, height, width):
    boxes = np.lib.stride_tricks.sliding_window_view(one_map, (height, width))
    return boxes.max(axis=GRID) / one_map.max()


def _every_transposed(one_map, height, width):
    return _every(one_map, height, width).T


def _every_odds(one_map, height, width):
    found = _every(one_map, height, width)
    return found / (1 - found)


def _every_outside(one_map, height, width):
    return 1 - _every(one_map, height, width)


def _every_over_area(one_map, height, width):
    return _every(one_map, height, width) * one_map.size / (height * width)


def _every_one_too_large(one_map, height, width):
    rows, columns = one_map.shape
    places = np.ndindex(rows - height + 1, columns - width + 1)
    found = [one_map[r : r + height + 1, c : c + width + 1].sum() for r, c in places]
    return np.array(found).reshape(rows - height + 1, columns - width + 1) / one_map.sum()


EXERCISE = Exercise(
    key="regions.shares_of_every_box",
    title="Move the box over the whole map",
    reference="helpers.analysis.regions:shares_of_every_box",
    cases=_every_cases,
    mutants=(
        Mutant(
            _every_one_too_few,
            "the last place is missing: a box of height h fits rows − h + 1 times.",
        ),
        Mutant(
            _every_past_the_edge,
            "you let the box hang over the edge; it must lie wholly on the map.",
        ),
        Mutant(_every_turned, "height and width are swapped: the height counts rows."),
        Mutant(_every_not_divided, "you add up what lies inside; a share also divides by the whole map."),
        Mutant(_every_mean, "you take the mean inside the box; the share is its sum over the map's sum."),
        Mutant(_every_over_best, "you divide by the best box; divide by the sum of the map."),
        Mutant(
            _every_sums_to_one,
            "you made the shares of all boxes sum to 1; boxes overlap, so divide by the sum of the map.",
        ),
        Mutant(
            _every_side_by_side,
            "your boxes stand side by side; move by one patch at a time, so that they overlap.",
        ),
        Mutant(_every_flat, "the numbers are right; lay them out as (rows, columns) of places."),
        Mutant(
            _every_end_inside,
            "your boxes are one row and one column too small: a slice ends before its end.",
        ),
        Mutant(_every_best, "this is the best place alone; the share at every place is asked for."),
        Mutant(
            _every_row_missing,
            "the last row of places is missing: a box of height h fits rows − h + 1 times.",
        ),
        Mutant(
            _every_column_missing,
            "the last column of places is missing: a box of width w fits columns − w + 1 times.",
        ),
        Mutant(_every_brightest, "you compare the brightest patches; add all patches of the box up."),
        Mutant(_every_transposed, "rows and columns of the result are swapped."),
        Mutant(_every_odds, "you divide the inside by the outside; divide it by all."),
        Mutant(_every_outside, "that is the share outside the box."),
        Mutant(
            _every_over_area,
            "you divide by the area as well: that is how many times an even map; give the share.",
        ),
        Mutant(
            _every_one_too_large,
            "your boxes are one row and one column too large: a slice from r to r + height has height rows.",
        ),
    ),
    hints=(
        "In how many places does a box of 2 rows fit on a map of 5 rows?",
        "Two loops, over rows − height + 1 and columns − width + 1; at each place the sum of a slice.",
        "`np.array([[one_map[r : r + height, c : c + width].sum() for c in range(columns - width + 1)] "
        "for r in range(rows - height + 1)]) / one_map.sum()`",
    ),
    difficulty=2,
    importance=3,
    minutes=10,
)
