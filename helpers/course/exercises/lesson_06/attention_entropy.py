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
