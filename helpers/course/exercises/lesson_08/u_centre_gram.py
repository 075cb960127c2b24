"""u_centre_gram(gram): centre without comparing an image with itself."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_08.by_hand import (
    centred_then_hollow,
    centring_matrix,
    minus_diagonal_vector,
    no_diagonal,
    plainly_centred,
    random_gram,
    u_centred,
)


def _u_cases():
    by_hand = np.array([[9.0, 1, 2, 0], [1, 9, 0, 3], [2, 0, 9, 1], [0, 3, 1, 9]])
    return [(random_gram(86, 6),), (by_hand,), (random_gram(88, 9),)]


def _u_diagonal_as_vector_only(gram):
    return gram - np.diag(gram)


def _u_zeroed_only(gram):
    return no_diagonal(gram)


def _u_centred_then_zeroed(gram):
    return centred_then_hollow(gram)


def _u_means(gram):
    hollow = no_diagonal(gram)
    return no_diagonal(centring_matrix(gram) @ hollow @ centring_matrix(gram))


def _u_one_less(gram):
    return no_diagonal(u_centred(no_diagonal(gram), beside=1))


def _u_diagonal_in_the_sums(gram):
    return no_diagonal(u_centred(gram))


def _u_diagonal_left(gram):
    return u_centred(no_diagonal(gram))


def _u_whole_sum_missing(gram):
    hollow = no_diagonal(gram)
    return no_diagonal(u_centred(hollow) - hollow.sum() / ((len(gram) - 1) * (len(gram) - 2)))


def _u_diagonal_as_vector_left(gram):
    return u_centred(gram - np.diag(gram))


def _u_no_keepdims(gram):
    hollow, n = no_diagonal(gram), len(gram)
    whole = hollow.sum() / ((n - 1) * (n - 2))
    return no_diagonal(hollow - hollow.sum(axis=0) / (n - 2) - hollow.sum(axis=1) / (n - 2) + whole)


def _u_no_brackets(gram):
    hollow, n = no_diagonal(gram), len(gram)
    rows, columns = hollow.sum(axis=1, keepdims=True), hollow.sum(axis=0)
    return no_diagonal(hollow - rows / (n - 2) - columns / (n - 2) + hollow.sum() / (n - 1) * (n - 2))


def _u_whole_mean(gram):
    return no_diagonal(u_centred(no_diagonal(gram), overall=0))


def _u_rows_alone(gram):
    hollow, n = no_diagonal(gram), len(gram)
    return no_diagonal(hollow - hollow.sum(axis=1, keepdims=True) / (n - 2))


def _u_whole_sum_subtracted(gram):
    hollow, n = no_diagonal(gram), len(gram)
    return no_diagonal(u_centred(hollow) - 2 * hollow.sum() / ((n - 1) * (n - 2)))


def _u_means_of_others(gram):
    """Divide by n − 1, the number of entries that are left in a row, and the whole sum by n (n − 1)."""
    hollow, n = no_diagonal(gram), len(gram)
    rows, columns = hollow.sum(axis=1, keepdims=True), hollow.sum(axis=0)
    return no_diagonal(hollow - rows / (n - 1) - columns / (n - 1) + hollow.sum() / (n * (n - 1)))


def _u_whole_sum_over_n_squared(gram):
    hollow, n = no_diagonal(gram), len(gram)
    rows, columns = hollow.sum(axis=1, keepdims=True), hollow.sum(axis=0)
    return no_diagonal(hollow - rows / (n - 2) - columns / (n - 2) + hollow.sum() / n**2)


def _u_whole_sum_over_n_minus_2_squared(gram):
    hollow, n = no_diagonal(gram), len(gram)
    rows, columns = hollow.sum(axis=1, keepdims=True), hollow.sum(axis=0)
    return no_diagonal(hollow - rows / (n - 2) - columns / (n - 2) + hollow.sum() / (n - 2) ** 2)


def _u_off_diagonal_alone(gram):
    """Keep the diagonal and lose the rest: 1 − eye was meant."""
    return gram * np.eye(len(gram))


def _u_hsic_scale(gram):
    n = len(gram)
    return no_diagonal(u_centred(no_diagonal(gram))) / (n * (n - 3))


def _u_gram_kept(gram):
    """Sum without the diagonal, and subtract from the Gram matrix as it came, diagonal and all."""
    return gram + u_centred(no_diagonal(gram)) - no_diagonal(gram)


def _u_own_mean_alone(gram):
    hollow, n = no_diagonal(gram), len(gram)
    return no_diagonal(hollow - hollow.sum() / (n * (n - 1)))


EXERCISE = Exercise(
    key="hsic.u_centre_gram",
    title="Centre without comparing an image with itself",
    reference="helpers.analysis.hsic:u_centre_gram",
    cases=_u_cases,
    mutants=(
        Mutant(
            minus_diagonal_vector,
            "`np.diag(gram)` is a vector: you subtracted it from every row, and changed all entries; set "
            "the diagonal to 0 instead.",
        ),
        Mutant(
            _u_diagonal_as_vector_only,
            "`np.diag(gram)` is a vector: you subtracted it from every row; set the diagonal to 0, then "
            "centre.",
        ),
        Mutant(
            _u_diagonal_as_vector_left,
            "`np.diag(gram)` is a vector: you subtracted it from every row; set the diagonal to 0 "
            "instead, before you centre and again after.",
        ),
        Mutant(_u_zeroed_only, "the diagonal is 0, and nothing is centred yet."),
        Mutant(
            _u_no_keepdims,
            "the sums of the rows were subtracted along the rows: `keepdims=True` makes them a column.",
        ),
        Mutant(
            _u_no_brackets,
            "`/ (n - 1) * (n - 2)` divides and then multiplies: put brackets round (n − 1)(n − 2).",
        ),
        Mutant(
            _u_centred_then_zeroed,
            "you centred with the diagonal and took it out afterwards; its values are in all the means.",
        ),
        Mutant(plainly_centred, "that is plain centring: each image is still compared with itself."),
        Mutant(
            _u_means,
            "you divided by n; without the diagonal, the sums go over n − 2, and the whole sum over "
            "(n − 1)(n − 2).",
        ),
        Mutant(_u_one_less, "you divided by n − 1; rows then do not sum to 0: it takes n − 2."),
        Mutant(
            _u_diagonal_in_the_sums,
            "the diagonal is still in the sums; set it to 0 before you add up.",
        ),
        Mutant(
            _u_diagonal_left,
            "subtracting has filled the diagonal again; set it to 0 once more, at the end.",
        ),
        Mutant(
            _u_whole_sum_missing,
            "the last term is missing: what rows and columns took away twice, Σ K / ((n − 1)(n − 2)).",
        ),
        Mutant(_u_whole_mean, "the whole sum goes over (n − 1)(n − 2), not over n(n − 1)."),
        Mutant(
            _u_rows_alone,
            "only the sums of the rows are gone; subtract those of the columns, and add the whole sum.",
        ),
        Mutant(
            _u_whole_sum_subtracted,
            "the last term is added, not subtracted: rows and columns took it away twice.",
        ),
        Mutant(
            _u_means_of_others,
            "you divided by n − 1, the entries that are left; rows then do not sum to 0: it takes n −"
            " 2, and (n − 1)(n − 2).",
        ),
        Mutant(_u_whole_sum_over_n_squared, "the whole sum goes over (n − 1)(n − 2), not over n²."),
        Mutant(
            _u_whole_sum_over_n_minus_2_squared, "the whole sum goes over (n − 1)(n − 2), not over (n − 2)²."
        ),
        Mutant(
            _u_off_diagonal_alone, "this keeps the diagonal and loses the rest: multiply by 1 − np.eye(n)."
        ),
        Mutant(_u_hsic_scale, "you divided by n(n − 3), which belongs to HSIC; only centre here."),
        Mutant(
            _u_gram_kept,
            "the diagonal of the Gram matrix is still there: set it to 0, before you centre and again after.",
        ),
        Mutant(
            _u_own_mean_alone,
            "one number was subtracted everywhere; each row and each column has a sum of its own.",
        ),
    ),
    hints=(
        "The diagonal must be 0 at two moments. Which?",
        "Zero the diagonal of a copy; subtract row sums and column sums over n − 2; add the whole sum "
        "over (n − 1)(n − 2); zero the diagonal again.",
        "`hollow = gram * (1 - np.eye(n))`; `result = hollow - hollow.sum(0) / (n - 2) - "
        "hollow.sum(1, keepdims=True) / (n - 2) + hollow.sum() / ((n - 1) * (n - 2))`",
    ),
    difficulty=3,
    importance=4,
    minutes=12,
)
