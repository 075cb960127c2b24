"""centre_gram(gram): move the origin to the mean of the images."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_08.by_hand import centred_then_hollow, centring_matrix, random_gram


def _centre_cases():
    return [(random_gram(83, 6),), (random_gram(84, 4),), (random_gram(85, 9),)]


def _centre_not(gram):
    return gram + 0.0


def _centre_columns(gram):
    return gram - gram.mean(axis=0)


def _centre_rows(gram):
    return gram - gram.mean(axis=1, keepdims=True)


def _centre_mean_not_returned(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True)


def _centre_mean_taken_again(gram):
    return _centre_mean_not_returned(gram) - gram.mean()


def _centre_whole_mean(gram):
    return gram - gram.mean()


def _centre_no_keepdims(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1) + gram.mean()


def _centre_sums(gram):
    return gram - gram.sum(axis=0) - gram.sum(axis=1, keepdims=True) + gram.sum()


def _centre_elementwise(gram):
    return centring_matrix(gram) * gram * centring_matrix(gram)


def _centre_standardised(gram):
    centred = centring_matrix(gram) @ gram @ centring_matrix(gram)
    scale = np.sqrt(np.diagonal(centred))
    return centred / np.outer(scale, scale)


EXERCISE = Exercise(
    key="hsic.centre_gram",
    title="Move the origin to the mean of the images",
    reference="helpers.analysis.hsic:centre_gram",
    cases=_centre_cases,
    mutants=(
        Mutant(_centre_not, "the Gram matrix is not centred: it came back as it was."),
        Mutant(_centre_columns, "only the means of the columns are gone; the rows have means of their own."),
        Mutant(_centre_rows, "only the means of the rows are gone; the columns have means of their own."),
        Mutant(
            _centre_mean_not_returned,
            "the mean of all entries was subtracted twice, with the rows and with the columns: add it once.",
        ),
        Mutant(_centre_mean_taken_again, "the mean of all entries must be added back, not subtracted."),
        Mutant(
            _centre_whole_mean,
            "one number was subtracted everywhere; each row and each column has a mean of its own.",
        ),
        Mutant(
            _centre_no_keepdims,
            "the means of the rows were subtracted along the rows: `keepdims=True` makes them a column.",
        ),
        Mutant(_centre_sums, "those are sums; subtract means, so divide by the number of examples."),
        Mutant(_centre_elementwise, "HKH are matrix products, `H @ K @ H`; with `*` most of K becomes tiny."),
        Mutant(
            _centre_standardised,
            "you divided by the size of each example too, which gives correlations; only centre.",
        ),
        Mutant(
            centred_then_hollow,
            "the diagonal is gone; that comes later, and differently. Here it stays.",
        ),
    ),
    hints=(
        "What must every row sum to when the origin is the mean? And every column?",
        "Subtract the mean of each row and of each column. What has now been subtracted twice?",
        "`return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()`",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
