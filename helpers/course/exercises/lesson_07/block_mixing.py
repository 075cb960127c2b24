"""Say how one block mixes the tokens."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Switches
from helpers.course.exercises.lesson_07.by_hand import attention, eye_like, rows_to_one

FUSIONS = {"mean": np.mean, "max": np.max, "min": np.min}


def _mixing_cases():
    return [
        (attention(70, 2, 3, 6, 6),),
        Case(attention(71, 3, 4, 5, 5), residual=0.2),
        Case(attention(72, 2, 4, 5, 5), residual=0.3, head_fusion="max"),
        Case(attention(73, 4, 7, 7), residual=0.6, head_fusion="min"),
        Case(np.float32([[[0.4, 0.6], [0, 1]], [[0.8, 0.2], [0.6, 0.4]]]), residual=0.25),
    ]


def _mixed(weights, skip, branch, fuse=np.mean):
    return rows_to_one(branch * fuse(weights, axis=-3) + skip * eye_like(weights))


def _mixing_no_identity(attention_weights, *, residual=0.5, head_fusion="mean"):
    return rows_to_one(FUSIONS[head_fusion](attention_weights, axis=-3))


def _mixing_not_normalised(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = FUSIONS[head_fusion](attention_weights, axis=-3)
    return (1 - residual) * fused + residual * eye_like(attention_weights)


def _mixing_swapped(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, 1 - residual, residual, FUSIONS[head_fusion])


def _mixing_plus_one(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, 1, 1, FUSIONS[head_fusion])


def _mixing_whole_attention(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, residual, 1, FUSIONS[head_fusion])


def _mixing_always_mean(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, residual, 1 - residual)


def _mixing_normalised_first(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = rows_to_one(FUSIONS[head_fusion](attention_weights, axis=-3))
    return (1 - residual) * fused + residual * eye_like(attention_weights)


def _mixing_columns(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / mixing.sum(axis=-2, keepdims=True)


def _mixing_whole_matrix(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / mixing.sum(axis=(-2, -1), keepdims=True)


def _mixing_first_axis(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = FUSIONS[head_fusion](attention_weights, axis=0)
    return rows_to_one((1 - residual) * fused + residual * eye_like(attention_weights))


def _mixing_heads_kept(attention_weights, *, residual=0.5, head_fusion="mean"):
    return rows_to_one((1 - residual) * attention_weights + residual * eye_like(attention_weights))


def _mixing_all_ones(attention_weights, *, residual=0.5, head_fusion="mean"):
    return rows_to_one((1 - residual) * FUSIONS[head_fusion](attention_weights, axis=-3) + residual)


def _mixing_softmax_again(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(rows_to_one(np.exp(attention_weights)), residual, 1 - residual, FUSIONS[head_fusion])


def _mixing_without_class_token(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights[..., 1:, 1:], residual, 1 - residual, FUSIONS[head_fusion])


def _mixing_softmax_of_rows(attention_weights, *, residual=0.5, head_fusion="mean"):
    """Make the rows sum to 1 by a softmax, not by a division."""
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return rows_to_one(np.exp(mixing))


def _mixing_heads_summed(attention_weights, *, residual=0.5, head_fusion="mean"):
    fuse = {"mean": np.sum, "max": np.max, "min": np.min}[head_fusion]
    return _mixed(attention_weights, residual, 1 - residual, fuse)


def _mixing_first_head(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights[..., :1, :, :], residual, 1 - residual)


def _mixing_branch_alone_scaled(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(attention_weights, 1, 1 - residual, FUSIONS[head_fusion])


def _mixing_multiplied(attention_weights, *, residual=0.5, head_fusion="mean"):
    fused = FUSIONS[head_fusion](attention_weights, axis=-3)
    with np.errstate(all="ignore"):
        return rows_to_one((1 - residual) * fused * residual * eye_like(attention_weights))


def _mixing_by_length(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / np.linalg.norm(mixing, axis=-1, keepdims=True)


def _mixing_by_maximum(attention_weights, *, residual=0.5, head_fusion="mean"):
    mixing = _mixing_not_normalised(attention_weights, residual=residual, head_fusion=head_fusion)
    return mixing / mixing.max(axis=-1, keepdims=True)


def _mixing_transposed(attention_weights, *, residual=0.5, head_fusion="mean"):
    return _mixed(np.swapaxes(attention_weights, -1, -2), residual, 1 - residual, FUSIONS[head_fusion])


def _mixing_not_normalised_plus_one(attention_weights, *, residual=0.5, head_fusion="mean"):
    return FUSIONS[head_fusion](attention_weights, axis=-3) + eye_like(attention_weights)


def _mixing_max_and_min_swapped(attention_weights, *, residual=0.5, head_fusion="mean"):
    fuse = {"mean": np.mean, "max": np.min, "min": np.max}[head_fusion]
    return _mixed(attention_weights, residual, 1 - residual, fuse)


def _mixing_with(attention_weights, *, residual=0.5, head_fusion="mean", weigh=None, fuse=None, divide=None):
    fused = FUSIONS["mean" if fuse == "mean" else head_fusion](attention_weights, axis=-3)
    if fuse == "sum" and head_fusion == "mean":
        fused = fused * attention_weights.shape[-3]
    skips = {None: residual, "swapped": 1 - residual, "one": 1, "none": 0, "half": 0.5, "whole": residual}
    branches = {None: 1 - residual, "swapped": residual, "one": 1, "none": 1, "half": 0.5, "whole": 1}
    mixing = branches[weigh] * fused + skips[weigh] * eye_like(attention_weights)
    if divide == "columns":
        return mixing / mixing.sum(axis=-2, keepdims=True)
    if divide == "softmax":
        return rows_to_one(np.exp(mixing))
    return mixing if divide == "no" else rows_to_one(mixing)


_SWITCHES = Switches(
    _mixing_with,
    {
        "weigh": {
            "swapped": "residual goes to the attention and not to the identity",
            "one": "both attention and identity count whole",
            "none": "the identity is missing",
            "half": "residual is taken for 0.5",
            "whole": "the attention counts whole, not 1 − residual",
        },
        "fuse": {"mean": "the heads are always averaged", "sum": "the heads are added up, not averaged"},
        "divide": {
            "no": "the rows are not divided by their sums",
            "columns": "the columns are divided, not the rows",
            "softmax": "a softmax makes the rows sum to 1, where they should be divided by their sums",
        },
    },
)


EXERCISE = Exercise(
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
            "residual is not used: attention and identity count alike in every call; the identity counts "
            "residual, attention 1 − residual.",
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
        Mutant(
            _mixing_softmax_of_rows,
            "a softmax makes the rows sum to 1, but changes all proportions: divide each row by its sum.",
        ),
        Mutant(
            _mixing_heads_summed,
            'you add the heads up; "mean" averages them, or attention outweighs the identity.',
        ),
        Mutant(_mixing_first_head, "this is the first head alone; fuse all of them."),
        Mutant(_mixing_branch_alone_scaled, "the identity counts whole; give it residual."),
        Mutant(
            _mixing_multiplied,
            "you multiply attention and identity, which leaves the diagonal alone: add them.",
        ),
        Mutant(_mixing_by_length, "you divide each row by its length; divide it by its sum."),
        Mutant(_mixing_by_maximum, "you divide each row by its maximum; divide it by its sum."),
        Mutant(_mixing_transposed, "rows and columns are swapped: row q holds what query q takes."),
        Mutant(
            _mixing_not_normalised_plus_one,
            "this is A + I: the identity counts residual, attention 1 − residual, and each row is "
            "divided by its sum.",
        ),
        Mutant(_mixing_max_and_min_swapped, '"max" and "min" have changed places.'),
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
    switches=_SWITCHES,
)
