"""attention_entropy(attention_weights): measure how widely a query looks."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_06.made import attention


def _entropy_cases():
    one_hot = np.eye(5, dtype="float32")[[0, 3, 3, 1, 2]]
    halves = np.float32([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])
    return [(attention(63, 2, 3, 4, 6, 6),), (np.stack([one_hot, attention(64, 5, 5)]),), (halves,)]


def _entropy(weights, logarithm=np.log):
    return -np.sum(weights * logarithm(np.where(weights > 0, weights, 1)), axis=-1)


def _entropy_in_bits(attention_weights):
    return _entropy(attention_weights, np.log2)


def _entropy_over_queries(attention_weights):
    return _entropy(np.swapaxes(attention_weights, -1, -2))


def _entropy_no_guard(attention_weights):
    with np.errstate(all="ignore"):
        return -np.sum(attention_weights * np.log(attention_weights), axis=-1)


def _entropy_no_sign(attention_weights):
    return -_entropy(attention_weights)


def _entropy_of_logarithms(attention_weights):
    return -np.sum(np.log(np.where(attention_weights > 0, attention_weights, 1)), axis=-1)


def _entropy_mean(attention_weights):
    return _entropy(attention_weights) / attention_weights.shape[-1]


def _entropy_share(attention_weights):
    return _entropy(attention_weights) / np.log(attention_weights.shape[-1])


def _entropy_number_of_keys(attention_weights):
    return np.exp(_entropy(attention_weights))


def _entropy_heads_averaged(attention_weights):
    return _entropy(attention_weights.mean(axis=-3) if attention_weights.ndim > 3 else attention_weights)


def _entropy_without_class_token(attention_weights):
    return _entropy(attention_weights[..., 1:])


def _entropy_softmax_again(attention_weights):
    exponentials = np.exp(attention_weights)
    return _entropy(exponentials / exponentials.sum(axis=-1, keepdims=True))


def _entropy_class_token_only(attention_weights):
    return _entropy(attention_weights[..., 0, :])


def _entropy_guarded_by(small):
    def entropy(attention_weights):
        return -np.sum(attention_weights * np.log(attention_weights + small), axis=-1)

    return entropy


def _entropy_not_weighted(attention_weights):
    return -np.log(np.where(attention_weights > 0, attention_weights, 1)).mean(axis=-1)


def _entropy_terms(attention_weights):
    return -attention_weights * np.log(np.where(attention_weights > 0, attention_weights, 1))


def _entropy_of_everything(attention_weights):
    return _entropy(attention_weights).mean()


def _entropy_queries_averaged(attention_weights):
    return _entropy(attention_weights).mean(axis=-1)


def _entropy_query_rows_averaged(attention_weights):
    return _entropy(attention_weights.mean(axis=-2))


def _entropy_squares(attention_weights):
    return 1 - np.sum(attention_weights**2, axis=-1)


def _entropy_below_even(attention_weights):
    return np.log(attention_weights.shape[-1]) - _entropy(attention_weights)


def _entropy_largest(attention_weights):
    return attention_weights.max(axis=-1)


def _entropy_decimal(attention_weights):
    return _entropy(attention_weights, np.log10)


def _entropy_in_log1p(attention_weights):
    return np.sum(attention_weights * np.log1p(attention_weights), axis=-1)


def _entropy_over_both(attention_weights):
    return _entropy(attention_weights).sum(axis=-1)


EXERCISE = Exercise(
    key="attention.attention_entropy",
    title="Measure how widely a query looks",
    reference="helpers.analysis.attention:attention_entropy",
    cases=_entropy_cases,
    mutants=(
        Mutant(_entropy_in_bits, "this is in bits; for nats take the natural logarithm, `np.log`."),
        Mutant(
            _entropy_over_queries,
            "you add up over the queries, axis -2; a query's shares are a row, so run over the keys.",
        ),
        Mutant(
            _entropy_no_guard,
            "a weight of 0 gives 0 · ln 0 = NaN; it must count as 0.",
        ),
        Mutant(_entropy_no_sign, "the sign is missing: ln of a share is negative, and entropy is not."),
        Mutant(_entropy_of_logarithms, "you add up the logarithms; each is weighted by its own share."),
        Mutant(_entropy_mean, "you take the mean over the keys; the shares are the weights, so add up."),
        Mutant(_entropy_share, "you divide by ln(keys), the largest entropy; the answer is in nats."),
        Mutant(_entropy_number_of_keys, "that is exp(entropy), the number of keys; give the entropy."),
        Mutant(
            _entropy_heads_averaged,
            "you average the heads before you measure; the average of sharp heads is blurred.",
        ),
        Mutant(
            _entropy_without_class_token,
            "you left the class token out; it takes its share as a key like any other.",
        ),
        Mutant(
            _entropy_softmax_again,
            "you take a softmax of what has been through one: these are weights and not scores.",
        ),
        Mutant(_entropy_class_token_only, "that is the class token's row; every query is asked for."),
        Mutant(
            _entropy_guarded_by(1e-3),
            "the number that you add inside the logarithm is so large that it shows: where a share is"
            " 0, put 1 in its place, as ln 1 is 0.",
        ),
        Mutant(
            _entropy_not_weighted,
            "you average the logarithms; each is weighted by its own share, and then added up.",
        ),
        Mutant(_entropy_terms, "these are the terms −p · ln p; add them up over the keys."),
        Mutant(_entropy_of_everything, "this is one number for everything; each query has its own entropy."),
        Mutant(
            _entropy_queries_averaged,
            "you averaged over the queries at the end; each query has its own entropy.",
        ),
        Mutant(
            _entropy_query_rows_averaged,
            "you average the rows of all queries before you measure; each query has its own entropy.",
        ),
        Mutant(_entropy_squares, "this is 1 − Σ p², the impurity of Gini; the entropy takes logarithms."),
        Mutant(
            _entropy_below_even,
            "this is how far the entropy lies below that of an even look; give the entropy itself.",
        ),
        Mutant(_entropy_largest, "this is the largest share; the entropy takes all of them."),
        Mutant(
            _entropy_decimal, "this takes the logarithm to base 10; for nats take the natural one, `np.log`."
        ),
        Mutant(
            _entropy_in_log1p, "np.log1p is ln(1 + p), which the entropy is not made of: it is −Σ p · ln p."
        ),
        Mutant(_entropy_over_both, "you add up over the queries too; each query has its own entropy."),
    ),
    hints=(
        "Each row is a probability distribution. What must happen to a share of exactly 0?",
        "−Σ p · ln p over the last axis. Replace 0 by 1 inside the logarithm: ln 1 is 0.",
        "`safe = np.where(attention_weights > 0, attention_weights, 1)`; "
        "`return -np.sum(attention_weights * np.log(safe), axis=-1)`",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
