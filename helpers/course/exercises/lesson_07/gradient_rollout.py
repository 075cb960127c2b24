"""gradient_rollout(attention_weights, attention_gradients): roll out what speaks for a class."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_07.by_hand import attention, eye_like, product_of, rows_to_one


def _gradient_cases():
    rng = np.random.default_rng(77)
    by_hand = [[0.5, 0.5], [0.2, 0.8]], [[2, -2], [5, 0]]
    return [tuple(np.float32(x).reshape(1, 1, 1, 2, 2) for x in by_hand)] + [
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


def _gradient_largest_head(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients * attention_weights, 0).max(axis=-3))


def _gradient_matrix_product(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_weights @ attention_gradients, 0).mean(axis=-3))


def _gradient_matrix_product_turned(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients @ attention_weights, 0).mean(axis=-3))


def _gradient_added(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients + attention_weights, 0).mean(axis=-3))


def _gradient_squared(attention_weights, attention_gradients):
    return _relevance_product(((attention_gradients * attention_weights) ** 2).mean(axis=-3))


def _gradient_cut_above(attention_weights, attention_gradients):
    return _relevance_product(np.minimum(attention_gradients * attention_weights, 0).mean(axis=-3))


def _gradient_first_missing(attention_weights, attention_gradients):
    return _relevance_product(_positive(attention_weights, attention_gradients)[1:])


def _gradient_last_missing(attention_weights, attention_gradients):
    return _relevance_product(_positive(attention_weights, attention_gradients)[:-1])


def _gradient_first_twice(attention_weights, attention_gradients):
    relevance = _positive(attention_weights, attention_gradients)
    return _relevance_product([relevance[0], *relevance])


def _gradient_factors_transposed(attention_weights, attention_gradients):
    return _relevance_product(np.swapaxes(_positive(attention_weights, attention_gradients), -1, -2))


def _gradient_result_transposed(attention_weights, attention_gradients):
    return np.swapaxes(_relevance_product(_positive(attention_weights, attention_gradients)), -1, -2)


def _gradient_blocks_added(attention_weights, attention_gradients):
    return eye_like(attention_weights) + _positive(attention_weights, attention_gradients).sum(axis=0)


def _gradient_blocks_averaged(attention_weights, attention_gradients):
    return eye_like(attention_weights) + _positive(attention_weights, attention_gradients).mean(axis=0)


def _gradient_last_block(attention_weights, attention_gradients):
    return eye_like(attention_weights) + _positive(attention_weights, attention_gradients)[-1]


def _gradient_normalised_at_the_end(attention_weights, attention_gradients):
    return rows_to_one(_relevance_product(_positive(attention_weights, attention_gradients)))


def _gradient_identity_taken_off(attention_weights, attention_gradients):
    rolled = _relevance_product(_positive(attention_weights, attention_gradients))
    return rolled - eye_like(rolled)


def _gradient_attention_at_the_start(attention_weights, attention_gradients):
    """Begin with zeros in the place of the identity."""
    return np.zeros_like(_positive(attention_weights, attention_gradients)[0])


def _gradient_heads_kept(attention_weights, attention_gradients):
    heads = np.maximum(attention_gradients * attention_weights, 0)
    return product_of([head + eye_like(head) for head in heads])


def _gradient_times_attention_before(attention_weights, attention_gradients):
    """Weigh the gradient with the attention averaged over the heads."""
    weights = attention_weights.mean(axis=-3, keepdims=True)
    return _relevance_product(np.maximum(attention_gradients * weights, 0).mean(axis=-3))


def _gradient_ones(attention_weights, attention_gradients):
    return product_of([block + 1 for block in _positive(attention_weights, attention_gradients)])


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
        Mutant(_gradient_largest_head, "you take the largest of the heads; the equation takes their mean."),
        Mutant(
            _gradient_matrix_product,
            "A @ G is a matrix product; each weight meets its own gradient: A * G, entry by entry.",
        ),
        Mutant(
            _gradient_matrix_product_turned,
            "G @ A is a matrix product; each weight meets its own gradient: G * A, entry by entry.",
        ),
        Mutant(_gradient_added, "you add attention and gradient; multiply them, entry by entry."),
        Mutant(
            _gradient_squared,
            "you square the product, so what speaks against the class counts as much as what speaks "
            "for it: max(·, 0).",
        ),
        Mutant(
            _gradient_cut_above, "this keeps what speaks against the class: np.maximum(·, 0), not np.minimum."
        ),
        Mutant(_gradient_first_missing, "the first block is missing from the product."),
        Mutant(_gradient_last_missing, "the last block is missing from the product."),
        Mutant(_gradient_first_twice, "the first block is in the product twice."),
        Mutant(
            _gradient_factors_transposed,
            "the factors are transposed before the product: row q holds what token q takes.",
        ),
        Mutant(_gradient_result_transposed, "rows and columns of the result are swapped."),
        Mutant(
            _gradient_blocks_added,
            "you add the blocks up; multiply the factors I + C, the first on the right.",
        ),
        Mutant(
            _gradient_blocks_averaged,
            "you average the blocks; multiply the factors I + C, the first on the right.",
        ),
        Mutant(_gradient_last_block, "this is the last block alone; multiply all of them."),
        Mutant(
            _gradient_normalised_at_the_end,
            "you divide each row of the result by its sum; equation 6 does not.",
        ),
        Mutant(_gradient_identity_taken_off, "you take the identity off again at the end; R keeps it."),
        Mutant(
            _gradient_attention_at_the_start,
            "it is 0 everywhere: a product that begins with zeros stays there. Begin with the identity.",
        ),
        Mutant(
            _gradient_heads_kept,
            "the heads are still there; take their mean in each block, before the product.",
        ),
        Mutant(
            _gradient_times_attention_before,
            "you average the attention over the heads before it meets the gradients; multiply head by head.",
        ),
        Mutant(_gradient_ones, "you add 1 to every entry; only the diagonal gets it: np.eye(num_tokens)."),
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
