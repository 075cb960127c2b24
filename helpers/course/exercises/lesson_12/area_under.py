"""area_under(curve, removed): one number for a curve of accuracies."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _cases():
    rng = np.random.default_rng(132)
    by_hand = np.array([0.8, 0.6, 0.2]), np.array([0, 2, 8])
    uneven = np.array([0.55, 0.7, 0.5, 0.45, 0.1]), np.array([0, 4, 16, 24, 64])
    late = rng.random((3, 6)), np.array([2, 3, 5, 9, 17, 30])
    return [by_hand, uneven, late]


def _strips(curve, removed):
    return np.diff(removed) * (curve[..., 1:] + curve[..., :-1]) / 2


def _span(removed):
    return removed[-1] - removed[0]


def _over_its_maximum(curve, removed):
    return _strips(curve, removed).sum(axis=-1) / _span(removed) / curve.max(axis=-1)


def _authors(curve, removed):
    return curve.sum(axis=-1) / (curve.max(axis=-1) * (curve.shape[-1] + 1))


def _over_its_start(curve, removed):
    return _strips(curve, removed).sum(axis=-1) / _span(removed) / curve[..., 0]


def _mean(curve, removed):
    return curve.mean(axis=-1)


def _even_strips(curve, removed):
    return ((curve[..., 1:] + curve[..., :-1]) / 2).mean(axis=-1)


def _not_divided(curve, removed):
    return _strips(curve, removed).sum(axis=-1)


def _divided_by_the_end(curve, removed):
    return _strips(curve, removed).sum(axis=-1) / removed[-1]


def _divided_by_points(curve, removed):
    return _strips(curve, removed).sum(axis=-1) / len(removed)


def _left(curve, removed):
    return (np.diff(removed) * curve[..., :-1]).sum(axis=-1) / _span(removed)


def _right(curve, removed):
    return (np.diff(removed) * curve[..., 1:]).sum(axis=-1) / _span(removed)


def _not_halved(curve, removed):
    return 2 * _strips(curve, removed).sum(axis=-1) / _span(removed)


def _above(curve, removed):
    return 1 - _strips(curve, removed).sum(axis=-1) / _span(removed)


def _drop(curve, removed):
    return curve[..., 0] - _strips(curve, removed).sum(axis=-1) / _span(removed)


def _last_strip_missing(curve, removed):
    return _strips(curve, removed)[..., :-1].sum(axis=-1) / _span(removed)


def _first_strip_missing(curve, removed):
    return _strips(curve, removed)[..., 1:].sum(axis=-1) / _span(removed)


EXERCISE = Exercise(
    key="faithfulness.area_under",
    title="One number for a curve",
    reference="helpers.analysis.faithfulness:area_under",
    cases=_cases,
    mutants=(
        Mutant(
            _over_its_maximum,
            "the curve's own maximum is divided out: a network that is bad and steady gets the same area as "
            "one that is good. The paper's public code divides by it.",
        ),
        Mutant(
            _authors,
            "this is the area of the paper's public code: a sum, divided by the curve's own maximum, so that "
            "networks and methods can no longer be compared.",
        ),
        Mutant(
            _over_its_start,
            "the accuracy with nothing removed is divided out; the plain area keeps it.",
        ),
        Mutant(_mean, "this is the mean of the points; where they lie unevenly, strips differ in width."),
        Mutant(_even_strips, "all strips count the same here; their widths are np.diff(removed)."),
        Mutant(_not_divided, "this is the area itself; divide by its width, removed[-1] - removed[0]."),
        Mutant(_divided_by_the_end, "the width is removed[-1] - removed[0]: the first need not be 0."),
        Mutant(_divided_by_points, "you divide by the number of points; divide by the width."),
        Mutant(_left, "each strip takes the height at its left end; a trapezoid takes the mean of both."),
        Mutant(_right, "each strip takes the height at its right end; a trapezoid takes the mean of both."),
        Mutant(_not_halved, "the heights of both ends are added and not halved."),
        Mutant(_above, "this is what lies above the curve."),
        Mutant(_drop, "this is the drop below the start, read as a score; the area itself is asked for."),
        Mutant(_last_strip_missing, "the last strip is missing."),
        Mutant(_first_strip_missing, "the first strip is missing."),
    ),
    hints=(
        "Between two points the curve is a straight line: a strip is a trapezoid.",
        "A strip's area is its width, `np.diff(removed)`, times the mean of the heights at both ends. Add "
        "them up, and divide by the whole width.",
        "`np.trapezoid(curve, removed, axis=-1) / (removed[-1] - removed[0])`",
    ),
    difficulty=2,
    importance=4,
    minutes=6,
)
