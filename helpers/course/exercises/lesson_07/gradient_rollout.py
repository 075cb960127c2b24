"""gradient_rollout(attention_weights, attention_gradients): roll out what speaks for a class."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_07.by_hand import attention, eye_like, product_of, rows_to_one


def _gradient_cases():
    rng = np.random.default_rng(77)
    return [
        (attention(78, *shape), scale * rng.standard_normal(shape).astype("float32"))
        for shape, scale in (((3, 2, 4, 6, 6), 1), ((4, 1, 3, 5, 5), 4), ((2, 3, 2, 7, 7), 0.5))
    ]


def _relevance_product(relevance):
    return product_of([block + eye_like(block) for block in relevance])


def _positive(weights, gradients):
    return np.maximum(gradients * weights, 0).mean(axis=-3)


def _gradient_reversed_pairs(attention_weights, attention_gradients):
    return _relevance_product(_positive(attention_weights, attention_gradients[::-1]))


def _gradient_reversed_product(attention_weights, attention_gradients):
    return _relevance_product(_positive(attention_weights, attention_gradients)[::-1])


def _gradient_mean_first(attention_weights, attention_gradients):
    return _relevance_product(np.maximum((attention_gradients * attention_weights).mean(axis=-3), 0))


def _gradient_sign_kept(attention_weights, attention_gradients):
    return _relevance_product((attention_gradients * attention_weights).mean(axis=-3))


def _gradient_sign_lost(attention_weights, attention_gradients):
    return _relevance_product(np.abs(attention_gradients * attention_weights).mean(axis=-3))


def _gradient_negative_part(attention_weights, attention_gradients):
    return _relevance_product(_positive(attention_weights, -attention_gradients))


def _gradient_alone(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients, 0).mean(axis=-3))


def _gradient_unused(attention_weights, attention_gradients):
    return _relevance_product(attention_weights.mean(axis=-3))


def _gradient_no_identity(attention_weights, attention_gradients):
    return product_of(_positive(attention_weights, attention_gradients))


def _gradient_half_identity(attention_weights, attention_gradients):
    blocks = _positive(attention_weights, attention_gradients)
    return product_of([0.5 * block + 0.5 * eye_like(block) for block in blocks])


def _gradient_heads_summed(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients * attention_weights, 0).sum(axis=-3))


def _gradient_heads_averaged_early(attention_weights, attention_gradients):
    weights, gradients = attention_weights.mean(axis=-3), attention_gradients.mean(axis=-3)
    return _relevance_product(np.maximum(gradients * weights, 0))


def _gradient_normalised(attention_weights, attention_gradients):
    blocks = _positive(attention_weights, attention_gradients)
    return product_of([rows_to_one(block + eye_like(block)) for block in blocks])


EXERCISE = Exercise(
    key="rollout.gradient_rollout",
    title="Roll out what speaks for a class",
    reference="helpers.analysis.rollout:gradient_rollout",
    cases=_gradient_cases,
    mutants=(
        Mutant(
            _gradient_reversed_pairs,
            "the gradients run the other way: block 1's attention met the last block's gradient.",
        ),
        Mutant(
            _gradient_reversed_product,
            "the product is reversed: the first block acts first, so it stands on the right.",
        ),
        Mutant(
            _gradient_mean_first,
            "you average the heads before the maximum, so heads against the class cancel heads for it; "
            "take max(·, 0) of each head first.",
        ),
        Mutant(_gradient_sign_kept, "negative entries are still there: max(gradient · attention, 0)."),
        Mutant(
            _gradient_sign_lost,
            "you took the absolute value: what speaks against the class counts as much as what speaks "
            "for it.",
        ),
        Mutant(_gradient_negative_part, "the sign is turned round: this speaks against the class."),
        Mutant(
            _gradient_alone,
            "the attention is missing: a gradient says what a weight would do, times how much is there.",
        ),
        Mutant(_gradient_unused, "the gradients are not used, so no class was asked for."),
        Mutant(_gradient_no_identity, "the skip connection is missing: each factor is I + C."),
        Mutant(
            _gradient_half_identity,
            "the factor is I + C, whole; the halves belong to the rollout without gradients.",
        ),
        Mutant(_gradient_heads_summed, "you add the heads up; the equation takes their mean."),
        Mutant(
            _gradient_heads_averaged_early,
            "you average attention and gradients over the heads before they meet; multiply head by head.",
        ),
        Mutant(
            _gradient_normalised,
            "you divide each row by its sum; equation 6 does not, and a block that matters more counts more.",
        ),
    ),
    hints=(
        "Head by head: how much is there, times what it does for the class. What about the negative?",
        "C = mean over axis -3 of np.maximum(gradient · attention, 0); the factor is np.eye + C; "
        "multiply as before.",
        "`relevance = np.maximum(attention_gradients * attention_weights, 0).mean(axis=-3)`; "
        "`traced = eye`; `for block in relevance: traced = (eye + block) @ traced`",
    ),
    difficulty=3,
    importance=4,
    minutes=12,
)
