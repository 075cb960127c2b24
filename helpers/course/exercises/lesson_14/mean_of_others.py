"""mean_of_others(maps): draw the map that does not know the photograph."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_14.made import GRID, random_maps


def _others_cases():
    def faint_and_bright(seed, *shape):
        return random_maps(seed, *shape) * np.linspace(0.3, 2, shape[0])[:, None, None]

    return [
        (faint_and_bright(145, 5, 4, 6),),
        (faint_and_bright(146, 3, 3, 3),),
        (faint_and_bright(147, 4, 2, 5),),
        (np.array([[[1.0, 3.0]], [[1.0, 1.0]], [[8.0, 0.0]]]),),
    ]


def _scaled(maps):
    return maps / maps.sum(axis=GRID, keepdims=True)


def _others(maps):
    return (maps.sum(axis=0, keepdims=True) - maps) / (len(maps) - 1)


def _others_with_own(maps):
    return np.broadcast_to(_scaled(maps).mean(axis=0), maps.shape).copy()


def _others_mean_once(maps):
    return _scaled(maps).mean(axis=0)


def _others_not_scaled(maps):
    return _others(maps)


def _others_one_sum_for_all(maps):
    return _others(maps / maps.sum())


def _others_scaled_after(maps):
    return _scaled(_others(maps))


def _others_summed(maps):
    return _others(_scaled(maps)) * (len(maps) - 1)


def _others_wrong_count(maps):
    return _others(_scaled(maps)) * (len(maps) - 1) / len(maps)


def _others_by_peak(maps):
    return _others(maps / maps.max(axis=GRID, keepdims=True))


def _others_next_one(maps):
    return np.roll(_scaled(maps), -1, axis=0)


def _others_one_before(maps):
    return np.roll(_scaled(maps), 1, axis=0)


def _others_averaged_over_grid(maps):
    return _others(_scaled(maps)).mean(axis=GRID)


def _others_own_alone(maps):
    return _scaled(maps)


def _others_maximum(maps):
    scaled = _scaled(maps)
    return np.stack([np.delete(scaled, i, axis=0).max(axis=0) for i in range(len(maps))])


def _others_median(maps):
    scaled = _scaled(maps)
    return np.stack([np.median(np.delete(scaled, i, axis=0), axis=0) for i in range(len(maps))])


def _others_product(maps):
    scaled = _scaled(maps)
    return np.stack([np.delete(scaled, i, axis=0).prod(axis=0) for i in range(len(maps))])


def _others_own_subtracted(maps):
    return _scaled(maps).mean(axis=0) - _scaled(maps)


def _others_without_the_first(maps):
    return np.broadcast_to(_scaled(maps)[1:].mean(axis=0), maps.shape).copy()


def _others_without_the_last(maps):
    return np.broadcast_to(_scaled(maps)[:-1].mean(axis=0), maps.shape).copy()


def _others_softmax(maps):
    exponentials = np.exp(maps - maps.max(axis=GRID, keepdims=True))
    return _others(exponentials / exponentials.sum(axis=GRID, keepdims=True))


def _others_by_mean(maps):
    return _others(maps / maps.mean(axis=GRID, keepdims=True))


EXERCISE = Exercise(
    key="regions.mean_of_others",
    title="Draw the map that does not know the photograph",
    reference="helpers.analysis.regions:mean_of_others",
    cases=_others_cases,
    mutants=(
        Mutant(
            _others_with_own,
            "each photograph's own map is in its control; leave it out.",
        ),
        Mutant(
            _others_mean_once,
            "that is one mean of all; each photograph needs its own, without itself.",
        ),
        Mutant(
            _others_not_scaled,
            "you average the maps as they are, so brighter ones count more; divide each by its sum.",
        ),
        Mutant(
            _others_one_sum_for_all,
            "you divide by the sum of all maps together; divide each by its own sum.",
        ),
        Mutant(
            _others_scaled_after,
            "you average first and scale then, so brighter maps count more; scale each, then average.",
        ),
        Mutant(_others_summed, "you add the others up; divide by how many there are."),
        Mutant(
            _others_wrong_count,
            "you divide by the number of photographs; the others are one fewer.",
        ),
        Mutant(
            _others_by_peak,
            "you divide each map by its maximum; divide by its sum, so that all weigh the same.",
        ),
        Mutant(
            _others_next_one,
            "that is the next photograph's map; take the mean of all others.",
        ),
        Mutant(
            _others_one_before,
            "that is the map of the photograph before; take the mean of all others.",
        ),
        Mutant(
            _others_averaged_over_grid,
            "you averaged over the patches as well; the answer has the shape of the maps.",
        ),
        Mutant(
            _others_own_alone, "these are the photographs' own maps, scaled; take the mean of the others."
        ),
        Mutant(_others_maximum, "you take the maximum of the others; take their mean."),
        Mutant(_others_median, "you take the median of the others; take their mean."),
        Mutant(_others_product, "you multiply the others; take their mean."),
        Mutant(
            _others_own_subtracted,
            "you subtract the own map from the mean of all; the own must have no say in its mean at all.",
        ),
        Mutant(
            _others_without_the_first,
            "the first map is left out for all; each photograph leaves out its own.",
        ),
        Mutant(
            _others_without_the_last, "the last map is left out for all; each photograph leaves out its own."
        ),
        Mutant(
            _others_softmax,
            "a softmax makes the maps sum to 1, but changes all proportions: divide each by its sum.",
        ),
        Mutant(
            _others_by_mean, "you divide each map by its mean; divide by its sum, so that each has the sum 1."
        ),
    ),
    hints=(
        "Two steps: make all maps weigh the same, then average all but one.",
        "Divide each map by its sum over `axis=(1, 2)`. The sum of all, minus the own, is the sum of the "
        "others.",
        "`scaled = maps / maps.sum(axis=(1, 2), keepdims=True)`; "
        "`return (scaled.sum(axis=0) - scaled) / (len(maps) - 1)`",
    ),
    difficulty=3,
    importance=4,
    minutes=10,
)
