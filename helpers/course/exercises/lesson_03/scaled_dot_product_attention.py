"""scaled_dot_product_attention(queries, keys, values, mask=None): average the values, with a mask."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant
from helpers.course.exercises.lesson_03.by_hand import dot_products, scaled_scores, softmax


def _attend_cases():
    random = np.random.default_rng(4)

    def make(*shapes):
        return [random.normal(size=shape).astype("float32") for shape in shapes]

    some = random.random((5, 7)) < 0.6
    some[:, 2] = True
    return [
        tuple(make((3, 4), (3, 4), (3, 2))),
        Case(*make((2, 5, 16), (2, 7, 16), (2, 7, 3)), mask=some),
        Case(*make((2, 3, 6, 8), (2, 3, 6, 8), (2, 3, 6, 8)), mask=np.tril(np.ones((6, 6), bool))),
    ]


def _average(weights, values):
    return weights @ values, weights


def _attend_no_mask(queries, keys, values, mask=None):
    return _average(softmax(scaled_scores(queries, keys)), values)


def _attend_mask_after(queries, keys, values, mask=None):
    weights = softmax(scaled_scores(queries, keys))
    return _average(weights if mask is None else weights * mask, values)


def _attend_mask_reversed(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else np.where(mask, -1e9, scores)), values)


def _attend_mask_to_zero(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else scores * mask), values)


def _attend_mask_added(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    return _average(softmax(scores if mask is None else scores + mask), values)


def _attend_unscaled(queries, keys, values, mask=None):
    scores = dot_products(queries, keys)
    return _average(softmax(scores if mask is None else np.where(mask, scores, -1e9)), values)


def _attend_results_swapped(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    weights = softmax(scores if mask is None else np.where(mask, scores, -1e9))
    return weights, weights @ values


def _attend_scores_returned(queries, keys, values, mask=None):
    scores = scaled_scores(queries, keys)
    scores = scores if mask is None else np.where(mask, scores, -1e9)
    return softmax(scores) @ values, scores


EXERCISE = Exercise(
    key="attention.scaled_dot_product_attention",
    title="Average the values, with a mask",
    reference="helpers.model.attention:scaled_dot_product_attention",
    cases=_attend_cases,
    mutants=(
        Mutant(_attend_no_mask, "the mask is not used."),
        Mutant(
            _attend_mask_after,
            "you mask after the softmax: the blocked keys have already taken their share, and the rows "
            "do not sum to 1.",
        ),
        Mutant(_attend_mask_reversed, "the mask is reversed: True means that the query may look."),
        Mutant(
            _attend_mask_to_zero,
            "you multiply the scores by the mask; a score of 0 still gets weight, as e⁰ is 1.",
        ),
        Mutant(
            _attend_mask_added,
            "you add the mask as 0 and 1; a blocked score needs a huge negative number, such as -1e9.",
        ),
        Mutant(_attend_unscaled, "the scale is missing; divide the dot products by √head_dim."),
        Mutant(
            _attend_results_swapped,
            "the two results have changed places: first the output, then the weights.",
        ),
        Mutant(
            _attend_scores_returned,
            "you return the scores as second result; return the weights, after the softmax.",
        ),
    ),
    hints=(
        "Which score gets the weight 0 from a softmax?",
        "np.where(mask, scores, -1e9), then the softmax, then one matrix product with the values.",
        "`weights = ops.softmax(scores, axis=-1)` with the masked scores; "
        "`return ops.matmul(weights, values), weights`",
    ),
    difficulty=3,
    importance=5,
    minutes=12,
)
