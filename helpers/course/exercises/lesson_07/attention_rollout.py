"""attention_rollout(attention_weights, *, residual=0.5): multiply the blocks."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Switches
from helpers.course.exercises.lesson_07.by_hand import attention, eye_like, product_of, rows_to_one


def _rollout_cases():
    return [
        (attention(74, 3, 2, 4, 6, 6),),
        Case(attention(75, 4, 3, 2, 5, 5), residual=0.2),
        Case(attention(76, 2, 1, 3, 7, 7), residual=0.8),
        Case(np.float32([[[[[0.4, 0.6], [0.2, 0.8]]]], [[[[0, 1], [0.5, 0.5]]]]]), residual=0),
    ]


def _blocks(weights, residual):
    return [(1 - residual) * block.mean(axis=-3) + residual * eye_like(weights) for block in weights]


def _rollout_reversed(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights, residual)[::-1])


def _rollout_no_identity(attention_weights, *, residual=0.5):
    return product_of([block.mean(axis=-3) for block in attention_weights])


def _rollout_identity_unscaled(attention_weights, *, residual=0.5):
    return product_of([block.mean(axis=-3) + eye_like(block) for block in attention_weights])


def _rollout_residual_ignored(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights, 0.5))


def _rollout_swapped(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights, 1 - residual))


def _rollout_identity_once(attention_weights, *, residual=0.5):
    traced = product_of([block.mean(axis=-3) for block in attention_weights])
    return (1 - residual) * traced + residual * eye_like(traced)


def _rollout_mean_of_blocks(attention_weights, *, residual=0.5):
    return np.mean(_blocks(attention_weights, residual), axis=0)


def _rollout_elementwise(attention_weights, *, residual=0.5):
    return np.prod(_blocks(attention_weights, residual), axis=0)


def _rollout_last_only(attention_weights, *, residual=0.5):
    return _blocks(attention_weights, residual)[-1]


def _rollout_last_missing(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights[:-1], residual))


def _rollout_transposed(attention_weights, *, residual=0.5):
    return np.swapaxes(product_of(_blocks(attention_weights, residual)), -1, -2)


def _rollout_each_head(attention_weights, *, residual=0.5):
    heads = [(1 - residual) * block + residual * eye_like(block) for block in attention_weights]
    return product_of(heads).mean(axis=-3)


def _rollout_images_averaged(attention_weights, *, residual=0.5):
    mean = attention_weights.mean(axis=1, keepdims=True)
    return product_of(_blocks(np.broadcast_to(mean, attention_weights.shape), residual))


def _rollout_softmax_again(attention_weights, *, residual=0.5):
    return product_of(_blocks(rows_to_one(np.exp(attention_weights)), residual))


def _rollout_without_class_token(attention_weights, *, residual=0.5):
    return product_of(_blocks(rows_to_one(attention_weights[..., 1:, 1:]), residual))


def _rollout_class_row(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights, residual))[..., 0, :]


def _rollout_first_missing(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights[1:], residual))


def _rollout_first_twice(attention_weights, *, residual=0.5):
    factors = _blocks(attention_weights, residual)
    return product_of([factors[0], *factors])


def _rollout_last_twice(attention_weights, *, residual=0.5):
    factors = _blocks(attention_weights, residual)
    return product_of([*factors, factors[-1]])


def _rollout_first_alone(attention_weights, *, residual=0.5):
    return _blocks(attention_weights, residual)[0]


def _rollout_factors_transposed(attention_weights, *, residual=0.5):
    return product_of([np.swapaxes(block, -1, -2) for block in _blocks(attention_weights, residual)])


def _rollout_skip_twice(attention_weights, *, residual=0.5):
    eye = eye_like(attention_weights)
    return product_of(
        [(1 - residual) * block + residual * eye for block in _blocks(attention_weights, residual)]
    )


def _rollout_skip_every_product(attention_weights, *, residual=0.5):
    """Add the identity to what was traced, and not to the factor."""
    traced = eye = eye_like(attention_weights)
    for block in attention_weights:
        traced = (1 - residual) * block.mean(axis=-3) @ traced + residual * eye
    return traced


def _rollout_power_of_the_mean(attention_weights, *, residual=0.5):
    factor = np.mean(_blocks(attention_weights, residual), axis=0)
    return np.linalg.matrix_power(factor, len(attention_weights))


def _rollout_blocks_added(attention_weights, *, residual=0.5):
    return np.sum(_blocks(attention_weights, residual), axis=0)


def _rollout_maximum_of_heads(attention_weights, *, residual=0.5):
    blocks = rows_to_one(
        (1 - residual) * attention_weights.max(axis=-3) + residual * eye_like(attention_weights)
    )
    return product_of(blocks)


def _rollout_heads_summed(attention_weights, *, residual=0.5):
    blocks = (1 - residual) * attention_weights.sum(axis=-3) + residual * eye_like(attention_weights)
    return product_of(blocks)


def _rollout_first_head(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights[:, :, :1], residual))


def _rollout_every_step(attention_weights, *, residual=0.5):
    factors = _blocks(attention_weights, residual)
    return np.stack([product_of(factors[: end + 1]) for end in range(len(factors))])


def _rollout_heads_kept(attention_weights, *, residual=0.5):
    return product_of([(1 - residual) * block + residual * eye_like(block) for block in attention_weights])


def _rollout_cls_column(attention_weights, *, residual=0.5):
    return product_of(_blocks(attention_weights, residual))[..., 0]


def _rolled_with(attention_weights, *, residual=0.5, order=None, skip=None, blocks=None, result=None):
    weights = {None: attention_weights, "first": attention_weights[1:], "last": attention_weights[:-1]}[
        blocks
    ]
    skips = {None: residual, "none": 0, "swapped": 1 - residual, "half": 0.5}
    share = skips[skip]
    factors = _blocks(weights, share)
    if result == "factors":
        factors = [np.swapaxes(factor, -1, -2) for factor in factors]
    if not factors:
        return eye_like(attention_weights)
    rolled = product_of(factors[::-1] if order else factors)
    return np.swapaxes(rolled, -1, -2) if result == "turned" else rolled


_SWITCHES = Switches(
    _rolled_with,
    {
        "order": {True: "the product is reversed"},
        "skip": {
            "none": "the skip connections are missing",
            "swapped": "residual goes to the attention and not to the identity",
            "half": "residual is taken for 0.5",
        },
        "blocks": {"first": "the first block is missing", "last": "the last block is missing"},
        "result": {
            "turned": "rows and columns of the result are swapped",
            "factors": "rows and columns of each factor are swapped",
        },
    },
)


EXERCISE = Exercise(
    key="rollout.attention_rollout",
    title="Multiply the blocks",
    reference="helpers.analysis.rollout:attention_rollout",
    cases=_rollout_cases,
    mutants=(
        Mutant(
            _rollout_reversed,
            "the product is reversed: the first block acts first, so it stands on the right, "
            "A_depth … A_2 A_1.",
        ),
        Mutant(
            _rollout_no_identity,
            "the skip connections are missing: every block's factor needs residual · I.",
        ),
        Mutant(
            _rollout_identity_unscaled,
            "you multiply A + I without dividing: the rows grow to 2 to the power of the depth.",
        ),
        Mutant(_rollout_residual_ignored, "residual is not used: you took 0.5 for every call."),
        Mutant(
            _rollout_swapped,
            "the two weights are swapped: residual belongs to the identity, 1 − residual to attention.",
        ),
        Mutant(
            _rollout_identity_once,
            "you added the identity once, after the product; every block has a skip connection.",
        ),
        Mutant(
            _rollout_mean_of_blocks,
            "you averaged the blocks; content goes through one after the other, which is a product.",
        ),
        Mutant(
            _rollout_elementwise,
            "you multiplied entry by entry; paths go through all tokens in between: a matrix product, @.",
        ),
        Mutant(_rollout_last_only, "this is the last block alone; multiply all of them."),
        Mutant(_rollout_last_missing, "the last block is missing from the product."),
        Mutant(
            _rollout_transposed,
            "rows and columns are swapped: row q says where the content of token q came from.",
        ),
        Mutant(
            _rollout_each_head,
            "you rolled out each head by itself and averaged at the end; the heads of a block are joined "
            "before the next block sees them, so fuse them block by block.",
        ),
        Mutant(
            _rollout_images_averaged,
            "you averaged over axis 1, the images, and all got the same; each image by itself.",
        ),
        Mutant(
            _rollout_softmax_again,
            "you take a softmax of what has been through one: these are weights and not scores.",
        ),
        Mutant(
            _rollout_without_class_token,
            "you dropped the class token before the product; paths lead through it: drop it last.",
        ),
        Mutant(_rollout_class_row, "that is the class token's row; give all rows."),
        Mutant(_rollout_first_missing, "the first block is missing from the product."),
        Mutant(
            _rollout_first_twice,
            "the first block is in the product twice: start with it, or with the identity, not with both.",
        ),
        Mutant(_rollout_last_twice, "the last block is in the product twice."),
        Mutant(_rollout_first_alone, "this is the first block alone; multiply all of them."),
        Mutant(
            _rollout_factors_transposed,
            "the factors are transposed before the product: row q of a factor holds what token q takes.",
        ),
        Mutant(
            _rollout_skip_twice,
            "the skip is in twice: `block_mixing` adds it already, so do not add residual · I again.",
        ),
        Mutant(
            _rollout_skip_every_product,
            "you add residual · I to what was traced, after each product; it belongs to the factor, "
            "before it.",
        ),
        Mutant(
            _rollout_power_of_the_mean,
            "you multiply the mean block with itself; every block has a factor of its own.",
        ),
        Mutant(
            _rollout_blocks_added,
            "you added the blocks up; content goes through one after the other, which is a product.",
        ),
        Mutant(_rollout_maximum_of_heads, "you take the maximum of the heads; their mean is asked for."),
        Mutant(_rollout_heads_summed, "you add the heads up; their mean is asked for."),
        Mutant(_rollout_first_head, "this follows the first head alone; take the mean of all."),
        Mutant(_rollout_every_step, "these are the products after each block; only the last is asked for."),
        Mutant(
            _rollout_heads_kept,
            "the heads are still there, each rolled out by itself; average them in each block, before"
            " the product.",
        ),
        Mutant(
            _rollout_cls_column, "that is a column, what all tokens took from the class token; give all rows."
        ),
    ),
    hints=(
        "Token 2 takes from token 1 in the first block. Which matrix must meet the input first?",
        "Start with the factor of block 1; for each further block, traced = factor @ traced.",
        "`traced = np.eye(num_tokens)`; `for block in attention_weights: "
        "traced = block_mixing(block, residual=residual) @ traced`; `return traced`",
    ),
    difficulty=3,
    importance=5,
    minutes=10,
    switches=_SWITCHES,
)
