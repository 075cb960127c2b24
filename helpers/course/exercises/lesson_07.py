"""Lesson 07, attention rollout: one block's mixing, the product of all blocks, and gradients for a class."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question


def _attention(seed, *shape, sharpness=2.0):
    weights = np.exp(sharpness * np.random.default_rng(seed).standard_normal(shape))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype("float32")


def _eye(weights):
    return np.eye(weights.shape[-1], dtype="float32")


def _rows(mixing):
    return mixing / mixing.sum(axis=-1, keepdims=True)


FUSIONS = {"mean": np.mean, "max": np.max, "min": np.min}


# block_mixing(attention_weights, *, residual=0.5, head_fusion="mean")


def _mixing_cases():
    return [
        (_attention(70, 2, 3, 6, 6),),
        Case(_attention(71, 3, 4, 5, 5), residual=0.2),
        Case(_attention(72, 2, 4, 5, 5), residual=0.3, head_fusion="max"),
        Case(_attention(73, 4, 7, 7), residual=0.6, head_fusion="min"),
    ]


def _mixed(weights, skip, branch, fuse=np.mean):
    return _rows(branch * fuse(weights, axis=-3) + skip * _eye(weights))


def _mixing_no_identity(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _rows(FUSIONS[head_fusion](attention_weights, axis=-3))


def _mixing_not_normalised(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = FUSIONS[head_fusion](attention_weights, axis=-3)
    return (1 - residual) * fused + residual * _eye(attention_weights)


def _mixing_swapped(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, 1 - residual, residual, FUSIONS[head_fusion])


def _mixing_plus_one(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, 1, 1, FUSIONS[head_fusion])


def _mixing_whole_attention(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, residual, 1, FUSIONS[head_fusion])


def _mixing_always_mean(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, residual, 1 - residual)


def _mixing_normalised_first(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = _rows(FUSIONS[head_fusion](attention_weights, axis=-3))
    return (1 - residual) * fused + residual * _eye(attention_weights)


def _mixing_columns(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / mixing.sum(axis=-2, keepdims=True)


def _mixing_whole_matrix(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / mixing.sum(axis=(-2, -1), keepdims=True)


def _mixing_first_axis(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = FUSIONS[head_fusion](attention_weights, axis=0)
    return _rows((1 - residual) * fused + residual * _eye(attention_weights))


def _mixing_heads_kept(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _rows((1 - residual) * attention_weights + residual * _eye(attention_weights))


def _mixing_all_ones(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _rows((1 - residual) * FUSIONS[head_fusion](attention_weights, axis=-3) + residual)


def _mixing_softmax_again(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(_rows(np.exp(attention_weights)), residual, 1 - residual, FUSIONS[head_fusion])


def _mixing_without_class_token(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights[..., 1:, 1:], residual, 1 - residual, FUSIONS[head_fusion])


# attention_rollout(attention_weights, *, residual=0.5)


def _rollout_cases():
    return [
        (_attention(74, 3, 2, 4, 6, 6),),
        Case(_attention(75, 4, 3, 2, 5, 5), residual=0.2),
        Case(_attention(76, 2, 1, 3, 7, 7), residual=0.8),
    ]


def _blocks(weights, residual):
    return [(1 - residual) * block.mean(axis=-3) + residual * _eye(weights) for block in weights]


def _product(blocks):
    """Multiply from the first block to the last: later blocks from the left."""
    traced = blocks[0]
    for block in blocks[1:]:
        traced = block @ traced
    return traced


def _rollout_reversed(attention_weights, *, residual=0.5):
    return _product(_blocks(attention_weights, residual)[::-1])


def _rollout_no_identity(attention_weights, *, residual=0.5):
    return _product([block.mean(axis=-3) for block in attention_weights])


def _rollout_identity_unscaled(attention_weights, *, residual=0.5):
    return _product([block.mean(axis=-3) + _eye(block) for block in attention_weights])


def _rollout_residual_ignored(attention_weights, *, residual=0.5):
    return _product(_blocks(attention_weights, 0.5))


def _rollout_swapped(attention_weights, *, residual=0.5):
    return _product(_blocks(attention_weights, 1 - residual))


def _rollout_identity_once(attention_weights, *, residual=0.5):
    traced = _product([block.mean(axis=-3) for block in attention_weights])
    return (1 - residual) * traced + residual * _eye(traced)


def _rollout_mean_of_blocks(attention_weights, *, residual=0.5):
    return np.mean(_blocks(attention_weights, residual), axis=0)


def _rollout_elementwise(attention_weights, *, residual=0.5):
    return np.prod(_blocks(attention_weights, residual), axis=0)


def _rollout_last_only(attention_weights, *, residual=0.5):
    return _blocks(attention_weights, residual)[-1]


def _rollout_last_missing(attention_weights, *, residual=0.5):
    return _product(_blocks(attention_weights[:-1], residual))


def _rollout_transposed(attention_weights, *, residual=0.5):
    return np.swapaxes(_product(_blocks(attention_weights, residual)), -1, -2)


def _rollout_each_head(attention_weights, *, residual=0.5):
    heads = [(1 - residual) * block + residual * _eye(block) for block in attention_weights]
    return _product(heads).mean(axis=-3)


def _rollout_images_averaged(attention_weights, *, residual=0.5):
    mean = attention_weights.mean(axis=1, keepdims=True)
    return _product(_blocks(np.broadcast_to(mean, attention_weights.shape), residual))


def _rollout_softmax_again(attention_weights, *, residual=0.5):
    return _product(_blocks(_rows(np.exp(attention_weights)), residual))


def _rollout_without_class_token(attention_weights, *, residual=0.5):
    return _product(_blocks(_rows(attention_weights[..., 1:, 1:]), residual))


def _rollout_class_row(attention_weights, *, residual=0.5):
    return _product(_blocks(attention_weights, residual))[..., 0, :]


# gradient_rollout(attention_weights, attention_gradients)


def _gradient_cases():
    rng = np.random.default_rng(77)
    return [
        (_attention(78, *shape), scale * rng.standard_normal(shape).astype("float32"))
        for shape, scale in (((3, 2, 4, 6, 6), 1), ((4, 1, 3, 5, 5), 4), ((2, 3, 2, 7, 7), 0.5))
    ]


def _relevance_product(relevance):
    return _product([block + _eye(block) for block in relevance])


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
    return _product(_positive(attention_weights, attention_gradients))


def _gradient_half_identity(attention_weights, attention_gradients):
    blocks = _positive(attention_weights, attention_gradients)
    return _product([0.5 * block + 0.5 * _eye(block) for block in blocks])


def _gradient_heads_summed(attention_weights, attention_gradients):
    return _relevance_product(np.maximum(attention_gradients * attention_weights, 0).sum(axis=-3))


def _gradient_heads_averaged_early(attention_weights, attention_gradients):
    weights, gradients = attention_weights.mean(axis=-3), attention_gradients.mean(axis=-3)
    return _relevance_product(np.maximum(gradients * weights, 0))


def _gradient_normalised(attention_weights, attention_gradients):
    blocks = _positive(attention_weights, attention_gradients)
    return _product([_rows(block + _eye(block)) for block in blocks])


EXERCISES = [
    Exercise(
        key="rollout.block_mixing",
        title="Say how one block mixes the tokens",
        reference="helpers.analysis.rollout:block_mixing",
        cases=_mixing_cases,
        mutants=(
            Mutant(
                _mixing_no_identity,
                "the skip connection is missing: each token also keeps its own content, residual · I.",
            ),
            Mutant(
                _mixing_not_normalised,
                "the rows no longer sum to 1: the maximum or minimum of heads is no average, so divide each "
                "row by its sum.",
            ),
            Mutant(
                _mixing_swapped,
                "the two weights are swapped: residual belongs to the identity, 1 − residual to attention.",
            ),
            Mutant(
                _mixing_plus_one,
                "this is A + I for every residual; the identity counts residual, attention 1 − residual.",
            ),
            Mutant(
                _mixing_whole_attention,
                "attention counts fully; give it 1 − residual before the identity is added.",
            ),
            Mutant(_mixing_always_mean, 'you always average the heads; head_fusion may be "max" or "min".'),
            Mutant(
                _mixing_normalised_first,
                "you make the rows sum to 1 before the identity is added; add it first, then divide.",
            ),
            Mutant(
                _mixing_columns,
                "the columns sum to 1; a query shares out its own row, so sum over the keys.",
            ),
            Mutant(
                _mixing_whole_matrix,
                "you divide by the sum of the whole matrix: each row needs its own, axis=-1 with keepdims.",
            ),
            Mutant(
                _mixing_first_axis,
                "you fused over the first axis, the images; the heads are the third axis from the end.",
            ),
            Mutant(_mixing_heads_kept, "the heads are still there; fuse them over axis -3."),
            Mutant(
                _mixing_all_ones,
                "you added residual to every entry; only the diagonal gets it: `np.eye(num_tokens)`.",
            ),
            Mutant(
                _mixing_softmax_again,
                "you take a softmax of what has been through one: these are weights and not scores.",
            ),
            Mutant(
                _mixing_without_class_token,
                "you dropped the class token; it carries content from block to block, so keep it to the end.",
            ),
        ),
        hints=(
            "Which axis holds the heads, and what does a token keep that no head gives to it?",
            "Fuse over axis -3, take (1 − residual) of it, add residual · `np.eye(num_tokens)`, divide each "
            "row by its sum.",
            '`fuse = {"mean": np.mean, "max": np.max, "min": np.min}[head_fusion]`; `mixing = (1 - residual) '
            "* fuse(attention_weights, axis=-3) + residual * np.eye(num_tokens)`; "
            "`return mixing / mixing.sum(axis=-1, keepdims=True)`",
        ),
        difficulty=2,
        importance=5,
        minutes=10,
    ),
    Exercise(
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
    ),
    Exercise(
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
                "you divide each row by its sum; equation 6 does not, and a block that matters more counts "
                "more.",
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
    ),
]

QUIZ = [
    Question(
        "Two blocks have the factors A₁ (first) and A₂. Which product is the rollout, rows as queries?",
        [
            (
                "A₁ A₂, in the order in which the blocks run.",
                False,
                "That sends the input through the second block first. In section 2 it lost patch b.",
            ),
            (
                "A₂ A₁.",
                True,
                "New tokens are A₁ · tokens, then A₂ · (A₁ · tokens). The later block stands on the left.",
            ),
            (
                "Either: the rows sum to 1 in both.",
                False,
                "They do, and so the sums cannot tell you. Matrices do not commute.",
            ),
        ],
    ),
    Question(
        "You let `residual` go towards 1. What does the class token's map over the patches become?",
        [
            (
                "The average of the raw maps of all layers.",
                True,
                "The few steps left are single steps: the product has one term of attention a layer.",
            ),
            (
                "The raw map of the last layer.",
                False,
                "No layer is special: each gives one small term.",
            ),
            (
                "Even over all patches.",
                False,
                "Its sum goes to 0, not its shape. Scaled to sum 1, it is the average of the layers.",
            ),
            (
                "The plain product of the attention matrices.",
                False,
                "That is the other end, residual 0.",
            ),
        ],
    ),
    Question(
        "In an image with a crescent and a heart, which of these maps depends on the class you ask about?",
        [
            (
                "The rollout.",
                False,
                "It takes attention weights and nothing else; no class comes in.",
            ),
            (
                "The raw attention of the last layer.",
                False,
                "It is the same whichever logit you read afterwards.",
            ),
            (
                "The gradient rollout.",
                True,
                "The gradient belongs to one logit, and weighs every head and token by what it does for it.",
            ),
            (
                "Attention flow.",
                False,
                "Its capacities are the factors of the rollout; no class comes in.",
            ),
        ],
    ),
    Question(
        "Rollout puts less of its map on the object than the last layer's raw attention. What follows?",
        [
            (
                "Rollout is wrong.",
                False,
                "It answers another question: where content came from, if blocks only mixed tokens.",
            ),
            (
                "Raw attention explains the answer better.",
                False,
                "Lying on the object is what we find pretty. Blanking patches out ranked them the other way.",
            ),
            (
                "Nothing about faithfulness: share inside the object and effect on the answer are two "
                "measurements.",
                True,
                "And here they disagree. Say which one you mean.",
            ),
        ],
    ),
]
