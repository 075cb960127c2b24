"""attention_weights(queries, keys): say who looks at whom."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_03.by_hand import dot_products, scaled_scores, softmax


def _weights_cases():
    random = np.random.default_rng(3)
    return [
        (random.normal(size=(3, 4)).astype("float32"), random.normal(size=(3, 4)).astype("float32")),
        (random.normal(size=(2, 5, 16)).astype("float32"), random.normal(size=(2, 7, 16)).astype("float32")),
        (
            random.normal(size=(2, 3, 6, 8)).astype("float32"),
            random.normal(size=(2, 3, 6, 8)).astype("float32"),
        ),
    ]


def _weights_unscaled(queries, keys):
    return softmax(dot_products(queries, keys))


def _weights_by_head_dim(queries, keys):
    return softmax(dot_products(queries, keys) / queries.shape[-1])


def _weights_by_hidden_dim(queries, keys):
    hidden_dim = queries.shape[-1] * (queries.shape[1] if queries.ndim == 4 else 1)
    return softmax(dot_products(queries, keys) / np.sqrt(hidden_dim))


def _weights_by_tokens(queries, keys):
    return softmax(dot_products(queries, keys) / np.sqrt(keys.shape[-2]))


def _weights_over_queries(queries, keys):
    return softmax(scaled_scores(queries, keys), axis=-2)


def _weights_no_softmax(queries, keys):
    return scaled_scores(queries, keys)


def _weights_without_exp(queries, keys):
    scores = scaled_scores(queries, keys)
    return scores / scores.sum(axis=-1, keepdims=True)


def _weights_all_sum_to_one(queries, keys):
    return softmax(scaled_scores(queries, keys), axis=None)


def _weights_axis_0(queries, keys):
    return softmax(scaled_scores(queries, keys), axis=0)


def _weights_axis_1(queries, keys):
    return softmax(scaled_scores(queries, keys), axis=1)


def _weights_by_shape_1(queries, keys):
    return softmax(dot_products(queries, keys) / np.sqrt(queries.shape[1]))


def _weights_scaled_after(queries, keys):
    return softmax(dot_products(queries, keys)) / np.sqrt(queries.shape[-1])


def _weights_keys_ask(queries, keys):
    return softmax(scaled_scores(keys, queries))


EXERCISE = Exercise(
    key="attention.attention_weights",
    title="Say who looks at whom",
    reference="helpers.model.attention:attention_weights",
    cases=_weights_cases,
    mutants=(
        Mutant(_weights_unscaled, "the scale is missing; divide the dot products by √head_dim."),
        Mutant(_weights_by_head_dim, "you divide by head_dim; its square root is what evens the spread."),
        Mutant(
            _weights_by_hidden_dim,
            "you divide by √hidden_dim; a dot product here adds up head_dim numbers, the last axis.",
        ),
        Mutant(_weights_by_tokens, "you divide by the root of the number of tokens, not of head_dim."),
        Mutant(
            _weights_over_queries,
            "your softmax runs over the queries, so the columns sum to 1; each query, a row, must share "
            "out its own attention.",
        ),
        Mutant(_weights_no_softmax, "these are the scores; the weights come after the softmax."),
        Mutant(
            _weights_without_exp,
            "you divide the scores by their sum; the softmax takes exp of them first, so that no share "
            "is negative.",
        ),
        Mutant(
            _weights_all_sum_to_one,
            "all weights together sum to 1; each row must: sum over the last axis, keepdims=True.",
        ),
        Mutant(
            _weights_axis_0,
            "your softmax runs over axis 0, whatever that is; the keys are the last axis, -1.",
        ),
        Mutant(
            _weights_axis_1,
            "your softmax runs over axis 1, which is the keys only as long as there are two axes; take "
            "axis=-1.",
        ),
        Mutant(
            _weights_by_shape_1,
            "you divide by the root of shape[1], which is head_dim only as long as there are two axes; "
            "take shape[-1].",
        ),
        Mutant(_weights_scaled_after, "you scale after the softmax; the rows no longer sum to 1."),
        Mutant(_weights_keys_ask, "rows and columns are swapped: the queries are the rows."),
    ),
    hints=(
        "Compare every query with every key first. Which matrix product does all pairs at once?",
        "scores = queries @ keys with its last two axes swapped, divided by √head_dim; then a softmax "
        "over the last axis.",
        "`ops.softmax(queries @ np.swapaxes(keys, -1, -2) / queries.shape[-1] ** 0.5, axis=-1)`",
    ),
    difficulty=2,
    importance=5,
    minutes=10,
)
