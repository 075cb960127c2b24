"""centre_gram(gram): move the origin to the mean of the images."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_08.by_hand import centred_then_hollow, centring_matrix, random_gram


def _centre_cases():
    by_hand = np.array([[5.0, 1.0, 0.0], [1.0, 2.0, 3.0], [0.0, 3.0, 4.0]])
    return [
        (random_gram(83, 6),),
        (random_gram(84, 4),),
        (random_gram(85, 9),),
        (np.array([[4.0, 1.0], [1.0, 2.0]]),),
        (by_hand,),
    ]


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


def _centre_h_of_one_over_n_on_diagonal(gram):
    matrix = np.eye(len(gram)) * (1 - 1 / len(gram))
    return matrix @ gram @ matrix


def _centre_h_plus(gram):
    matrix = np.eye(len(gram)) + 1 / len(gram)
    return matrix @ gram @ matrix


def _centre_n_minus_one(gram):
    matrix = np.eye(len(gram)) - 1 / (len(gram) - 1)
    return matrix @ gram @ matrix


def _centre_by_spread(gram):
    centred = centring_matrix(gram) @ gram @ centring_matrix(gram)
    return centred / gram.std()


def _centre_over_n(gram):
    return centring_matrix(gram) @ gram @ centring_matrix(gram) / (len(gram) - 1) ** 2


def _centre_diagonal_mean(gram):
    return gram - np.diag(gram).mean()


def _centre_mean_added_twice(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + 2 * gram.mean()


def _centre_medians(gram):
    medians = np.median(gram, axis=0)
    return gram - medians - medians[:, None] + np.median(gram)


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
        Mutant(
            _centre_sums, "those are sums; subtract means, so divide by the number of examples (in H, 1/n)."
        ),
        Mutant(_centre_elementwise, "HKH are matrix products, `H @ K @ H`; with `*` most of K becomes tiny."),
        Mutant(
            _centre_standardised,
            "you divided by the size of each example too, which gives correlations; only centre.",
        ),
        Mutant(
            centred_then_hollow,
            "the diagonal is gone; that comes later, and differently. Here it stays.",
        ),
        Mutant(
            _centre_h_of_one_over_n_on_diagonal,
            "1/n stands on the diagonal alone; it is subtracted from every entry of I.",
        ),
        Mutant(_centre_h_plus, "1/n is added; H = I − 1/n takes the means away."),
        Mutant(_centre_n_minus_one, "H has 1/(n − 1) here; a mean divides by n."),
        Mutant(_centre_by_spread, "you divided by a standard deviation as well; only centre."),
        Mutant(_centre_over_n, "you divided by (n − 1)², which belongs to HSIC; only centre here."),
        Mutant(
            _centre_diagonal_mean,
            "the mean of the diagonal was subtracted everywhere; each row and each column has a mean "
            "of its own.",
        ),
        Mutant(
            _centre_mean_added_twice,
            "the mean of all entries is added twice: it was subtracted once too often, so add it once.",
        ),
        Mutant(_centre_medians, "these are medians; subtract means."),
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
