"""class_attention(attention_weights, *, grid=None): lay the class token's attention out as the image is."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant
from helpers.course.exercises.lesson_06.made import attention, sides


def _map_cases():
    return [
        (attention(60, 2, 3, 4, 10, 10),),
        Case(attention(61, 2, 3, 7, 7), grid=(2, 3)),
        Case(attention(62, 13, 13), grid=(4, 3)),
        Case(np.float32([[0.2, 0.5, 0.3], [0.1, 0.6, 0.3], [0.7, 0.2, 0.1]]), grid=(1, 2)),
    ]


def _laid_out(patches, grid):
    return patches.reshape(*patches.shape[:-1], *sides(patches.shape[-1], grid))


def _map_class_token_kept(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 0, :-1], grid)


def _map_class_token_as_key(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 1:, 0], grid)


def _map_of_first_patch(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 1, 1:], grid)


def _map_of_all_queries(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 1:].mean(axis=-2), grid)


def _map_heads_averaged(attention_weights, *, grid=None):
    averaged = attention_weights.mean(axis=-3) if attention_weights.ndim > 2 else attention_weights
    return _laid_out(averaged[..., 0, 1:], grid)


def _map_columns_first(attention_weights, *, grid=None):
    rows, columns = sides(attention_weights.shape[-1] - 1, grid)
    return _laid_out(attention_weights[..., 0, 1:], (columns, rows)).swapaxes(-1, -2)


def _map_grid_turned(attention_weights, *, grid=None):
    rows, columns = sides(attention_weights.shape[-1] - 1, grid)
    return _laid_out(attention_weights[..., 0, 1:], (columns, rows))


def _map_softmax_again(attention_weights, *, grid=None):
    exponentials = np.exp(attention_weights[..., 0, :])
    return _laid_out((exponentials / exponentials.sum(axis=-1, keepdims=True))[..., 1:], grid)


def _map_sums_to_one(attention_weights, *, grid=None):
    patches = attention_weights[..., 0, 1:]
    return _laid_out(patches / patches.sum(axis=-1, keepdims=True), grid)


def _map_highest_is_one(attention_weights, *, grid=None):
    patches = attention_weights[..., 0, 1:]
    return _laid_out(patches / patches.max(axis=-1, keepdims=True), grid)


def _map_lowest_is_zero(attention_weights, *, grid=None):
    patches = attention_weights[..., 0, 1:]
    low, high = patches.min(axis=-1, keepdims=True), patches.max(axis=-1, keepdims=True)
    return _laid_out((patches - low) / (high - low), grid)


def _map_flat(attention_weights, *, grid=None):
    return attention_weights[..., 0, 1:]


def _map_last_is_class_token(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., -1, :-1], grid)


def _map_upside_down(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 0, 1:], grid)[..., ::-1, :]


def _map_mirrored(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 0, 1:], grid)[..., ::-1]


def _map_of_patch_queries(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 1:, 1:].mean(axis=-2), grid)


def _map_of_all_summed(attention_weights, *, grid=None):
    return _laid_out(attention_weights[..., 1:].sum(axis=-2), grid)


def _map_logarithm(attention_weights, *, grid=None):
    return np.log(_laid_out(attention_weights[..., 0, 1:], grid))


def _map_all_tokens(attention_weights, *, grid=None):
    return attention_weights[..., 0, :]


def _map_patch_to_patch(attention_weights, *, grid=None):
    return attention_weights[..., 1:, 1:]


EXERCISE = Exercise(
    key="attention.class_attention",
    title="Lay the class token's attention out as the image is",
    reference="helpers.analysis.attention:class_attention",
    cases=_map_cases,
    mutants=(
        Mutant(
            _map_class_token_kept,
            "the class token is still in the map: key 0 is no patch, and every patch has moved by one.",
        ),
        Mutant(
            _map_class_token_as_key,
            "that is how much each patch looks at the class token; the class token asks: it is the row.",
        ),
        Mutant(_map_of_first_patch, "row 1 is the first patch's; the class token's row is row 0."),
        Mutant(_map_of_all_queries, "you average over all queries; only the class token's row is asked for."),
        Mutant(
            _map_heads_averaged,
            "you average over the heads; they look at different things, so keep each head's map.",
        ),
        Mutant(
            _map_columns_first,
            "the map is mirrored at its diagonal: patches run along the rows first, as you read.",
        ),
        Mutant(_map_grid_turned, "the grid is (rows, columns); you have it the other way round."),
        Mutant(
            _map_softmax_again,
            "you take a softmax of what has been through one: these are weights and not scores.",
        ),
        Mutant(
            _map_sums_to_one,
            "you scaled the map to sum 1; what the class token keeps for itself must stay missing.",
        ),
        Mutant(
            _map_highest_is_one,
            "you divided by the maximum; leave the weights as they are, a figure can scale colours.",
        ),
        Mutant(
            _map_lowest_is_zero,
            "you stretched the map to 0 … 1; leave the weights as they are, a figure can scale colours.",
        ),
        Mutant(_map_flat, "the row is right; now lay it out over the grid."),
        Mutant(
            _map_last_is_class_token,
            "the class token is the first token, not the last: row 0, and keys from 1 on.",
        ),
        Mutant(_map_upside_down, "the map stands on its head: the first patch is at the top left."),
        Mutant(_map_mirrored, "the map is mirrored left to right: the first patch is at the top left."),
        Mutant(
            _map_of_patch_queries,
            "you average over the patches as queries; only the class token's row is asked for.",
        ),
        Mutant(_map_of_all_summed, "you add up over all queries; only the class token's row is asked for."),
        Mutant(_map_logarithm, "these are logarithms; leave the weights as they are."),
        Mutant(
            _map_all_tokens,
            "this is the class token's row with its own key 0 in it: drop that, then lay the rest out"
            " over the grid.",
        ),
        Mutant(_map_patch_to_patch, "this is how patches look at patches; the class token asks: row 0."),
    ),
    hints=(
        "Which row belongs to the class token, and which column is no patch?",
        "Take `attention_weights[..., 0, 1:]`, then reshape its last axis to (rows, columns).",
        "`row = attention_weights[..., 0, 1:]`; `side = round(row.shape[-1] ** 0.5)` where grid is None; "
        "`return row.reshape(*row.shape[:-1], *grid)`",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
