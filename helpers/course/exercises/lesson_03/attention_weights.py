"""attention_weights(queries, keys): say who looks at whom."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Switches
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
        (np.float32([[2, 0, 0, 0]]), np.float32([[1, 5, 0, 0], [0, 1, 0, 0]])),
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


def _weights_over_both(queries, keys):
    return softmax(scaled_scores(queries, keys), axis=(-2, -1))


def _weights_times_root(queries, keys):
    return softmax(dot_products(queries, keys) * np.sqrt(queries.shape[-1]))


def _weights_by_number_of_queries(queries, keys):
    return softmax(dot_products(queries, keys) / np.sqrt(queries.shape[-2]))


def _weights_of_angles(queries, keys):
    queries, keys = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (queries, keys))
    return softmax(dot_products(queries, keys))


def _weights_sign_turned(queries, keys):
    return softmax(-scaled_scores(queries, keys))


def _weights_twice(queries, keys):
    return softmax(softmax(scaled_scores(queries, keys)))


def _weights_sigmoid(queries, keys):
    return 1 / (1 + np.exp(-scaled_scores(queries, keys)))


def _weights_exponentials(queries, keys):
    return np.exp(scaled_scores(queries, keys))


def _weights_base_two(queries, keys):
    return softmax(np.log(2) * scaled_scores(queries, keys))


def _weights_distances(queries, keys):
    return softmax(-((queries[..., :, None, :] - keys[..., None, :, :]) ** 2).sum(axis=-1))


def _weights_hardest(queries, keys):
    scores = scaled_scores(queries, keys)
    return (scores == scores.max(axis=-1, keepdims=True)).astype(float)


def _weights_of_features(queries, keys):
    return softmax(np.swapaxes(queries, -1, -2) @ keys / np.sqrt(queries.shape[-1]))


def _weights(queries, keys, *, divide=None, axis=-1, then=None):
    hidden_dim = queries.shape[-1]
    divisors = {None: hidden_dim**0.5, "no": 1, "all": hidden_dim, "times": hidden_dim**-0.5}
    divisors |= {"keys": keys.shape[-2] ** 0.5, "queries": queries.shape[-2] ** 0.5}
    weights = softmax(dot_products(queries, keys) / divisors[divide], axis=axis)
    return np.swapaxes(weights, -1, -2) if then == "turned" else softmax(weights) if then else weights


_SWITCHES = Switches(
    _weights,
    {
        "divide": {
            "no": "the scale is missing",
            "all": "head_dim divides and not its root",
            "times": "√head_dim multiplies instead of dividing",
            "keys": "the root of the number of keys divides, not √head_dim",
            "queries": "the root of the number of queries divides, not √head_dim",
        },
        "axis": {
            -2: "the softmax runs over the queries",
            (-2, -1): "the softmax runs over all queries and keys at once",
            0: "the softmax runs over axis 0",
        },
        "then": {"turned": "rows and columns are swapped", "again": "a second softmax follows"},
    },
)


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
        Mutant(
            _weights_over_both,
            "your softmax runs over queries and keys together, so all weights of a matrix sum to 1; "
            "each row must: axis=-1 alone.",
        ),
        Mutant(
            _weights_times_root,
            "you multiply by √head_dim; divide by it, or the softmax gets sharper and not softer.",
        ),
        Mutant(
            _weights_by_number_of_queries,
            "you divide by the root of the number of queries, not of head_dim, the last axis.",
        ),
        Mutant(
            _weights_of_angles,
            "you divide queries and keys by their lengths; the scores are plain dot products over √head_dim.",
        ),
        Mutant(_weights_sign_turned, "the sign is turned: the key that fits best gets the least."),
        Mutant(_weights_twice, "a softmax went over the weights again; once is enough."),
        Mutant(
            _weights_sigmoid,
            "this is a sigmoid of each score; the softmax lets the keys of a row share 1 among them.",
        ),
        Mutant(
            _weights_exponentials,
            "these are the exponentials; divide each row by its sum, so that it sums to 1.",
        ),
        Mutant(_weights_base_two, "these are powers of 2; the softmax takes powers of e, np.exp."),
        Mutant(
            _weights_distances, "these come from distances between queries and keys; take their dot products."
        ),
        Mutant(_weights_hardest, "the best key takes all; the softmax gives every key a share."),
        Mutant(
            _weights_of_features,
            "features are compared with features: (queries, head_dim) times (head_dim, keys) compares"
            " queries with keys.",
        ),
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
    switches=_SWITCHES,
)
