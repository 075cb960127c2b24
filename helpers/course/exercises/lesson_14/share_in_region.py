"""share_in_region(maps, coverage): say which share of a map lies in a region."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_14.made import GRID, random_maps


def _share_cases():
    rng = np.random.default_rng(144)

    def coverage(*shape):
        part = rng.integers(0, 5, shape) / 4
        part[..., 0, 0], part[..., -1, -1] = 1, 0.5
        return part

    return [
        (random_maps(140, 2, 3, 4, 6), coverage(4, 6)),
        (random_maps(141, 5, 5, 3), coverage(5, 3)),
        (random_maps(142, 4, 4), coverage(4, 4)),
        (np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([[0, 1], [0, 0.5]])),
    ]


def _share_not_divided(maps, coverage):
    return (maps * coverage).sum(axis=GRID)


def _share_mean(maps, coverage):
    return (maps * coverage).mean(axis=GRID)


def _share_over_region(maps, coverage):
    return (maps * coverage).sum(axis=GRID) / coverage.sum()


def _share(maps, coverage):
    return (maps * coverage).sum(axis=GRID) / maps.sum(axis=GRID)


def _share_over_area(maps, coverage):
    return _share(maps, coverage) / coverage.mean()


def _share_any_touch(maps, coverage):
    return _share(maps, coverage > 0)


def _share_whole_patches(maps, coverage):
    return _share(maps, coverage == 1)


def _share_most_of_patch(maps, coverage):
    return _share(maps, coverage >= 0.5)


def _share_outside(maps, coverage):
    return 1 - _share(maps, coverage)


def _share_odds(maps, coverage):
    return _share(maps, coverage) / (1 - _share(maps, coverage))


def _share_percent(maps, coverage):
    return 100 * _share(maps, coverage)


def _share_of_all_maps(maps, coverage):
    return (maps * coverage).sum() / maps.sum()


def _share_together(maps, coverage):
    return (maps * coverage).sum(axis=GRID) / maps.sum()


def _share_of_peak(maps, coverage):
    return (maps * coverage).max(axis=GRID) / maps.max(axis=GRID)


def _share_one_axis(maps, coverage):
    return (maps * coverage).sum(axis=-1) / maps.sum(axis=-1)


def _share_of_max_cells(maps, coverage):
    return (maps * coverage).max(axis=GRID)


def _share_cells(maps, coverage):
    return maps * coverage / maps.sum(axis=GRID, keepdims=True)


def _share_squares(maps, coverage):
    return _share(maps**2, coverage)


EXERCISE = Exercise(
    key="regions.share_in_region",
    title="Say which share of a map lies in a region",
    reference="helpers.analysis.regions:share_in_region",
    cases=_share_cases,
    mutants=(
        Mutant(
            _share_not_divided,
            "you add up what lies inside; a share also divides by the whole map.",
        ),
        Mutant(_share_mean, "you take a mean of what lies inside; add up, then divide by the map's sum."),
        Mutant(
            _share_over_region,
            "you divide by the region; a share divides by the sum of the map.",
        ),
        Mutant(
            _share_over_area,
            "you divide by the area as well: that is how many times an even map; give the share.",
        ),
        Mutant(
            _share_any_touch,
            "patches that lie partly in the region count whole; multiply by the coverage.",
        ),
        Mutant(
            _share_whole_patches,
            "patches that lie partly in the region are dropped; multiply by the coverage.",
        ),
        Mutant(
            _share_most_of_patch,
            "a patch counts whole or not at all; multiply by the coverage, so that a half counts half.",
        ),
        Mutant(_share_outside, "that is the share outside."),
        Mutant(_share_odds, "you divide the inside by the outside; divide it by all."),
        Mutant(_share_percent, "this is in percent; a share runs from 0 to 1."),
        Mutant(
            _share_of_all_maps,
            "you add all maps up to one number; each map has its own share.",
        ),
        Mutant(
            _share_together,
            "you divide by the sum of all maps together; each map is divided by its own sum.",
        ),
        Mutant(
            _share_of_peak,
            "you compare the brightest patches; add all patches up.",
        ),
        Mutant(
            _share_one_axis,
            "you add up along one axis only; a map has two, rows and columns.",
        ),
        Mutant(
            _share_of_max_cells,
            "this is the brightest patch inside; add all up, then divide by the map's sum.",
        ),
        Mutant(_share_cells, "this is the share of each patch; add them up over the map."),
        Mutant(_share_squares, "the map is squared; take it as it is."),
    ),
    hints=(
        "What lies inside, over what there is. A patch that is half inside counts half.",
        "The last two axes are the map: sum over `axis=(-2, -1)`, twice.",
        "`inside = (maps * coverage).sum(axis=(-2, -1))`; `return inside / maps.sum(axis=(-2, -1))`",
    ),
    difficulty=1,
    importance=5,
    minutes=6,
)
