"""Measure how far a head looks, in pixels."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant
from helpers.course.exercises.lesson_06.made import attention, sides


def _distance_cases():
    by_hand = np.float32([[0.2, 0.5, 0.3], [0.2, 0.6, 0.2], [0.5, 0.1, 0.4]])
    return [
        (attention(65, 2, 3, 4, 10, 10), 4),
        Case(attention(66, 3, 2, 2, 7, 7), 16, grid=(2, 3)),
        Case(attention(67, 1, 2, 3, 13, 13), patch_size=2, grid=(4, 3)),
        Case(by_hand[None, None, None], 10, grid=(1, 2)),
    ]


def _patch_distances(num_patches, patch_size, grid):
    rows, columns = np.divmod(np.arange(num_patches), sides(num_patches, grid)[1])
    return patch_size * np.hypot(rows[:, None] - rows, columns[:, None] - columns)


def _distance(weights, distances, *, renormalise=True, axis=(1, 3)):
    """Average over the patches; weights (depth, batch, heads, patches, patches), class token cut off."""
    if renormalise:
        weights = weights / weights.sum(axis=-1, keepdims=True)
    return np.sum(weights * distances, axis=-1).mean(axis=axis)


def _distance_in_patches(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], 1, grid))


def _distance_not_renormalised(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), renormalise=False)


def _distance_renormalised_at_the_end(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    far = _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), renormalise=False)
    return far / patches.sum(axis=-1).mean(axis=(1, 3))


def _distance_class_token_in_the_corner(attention_weights, patch_size, *, grid=None):
    weights = attention_weights[..., :-1, :-1]
    return _distance(weights, _patch_distances(weights.shape[-1], patch_size, grid))


def _distance_columns_averaged(attention_weights, patch_size, *, grid=None):
    patches = np.swapaxes(attention_weights[..., 1:, 1:], -1, -2)
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_of_row_numbers(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    index = np.arange(patches.shape[-1])
    return _distance(patches, patch_size * np.abs(index[:, None] - index))


def _distance_city_blocks(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    rows, columns = np.divmod(np.arange(patches.shape[-1]), sides(patches.shape[-1], grid)[1])
    blocks = np.abs(rows[:, None] - rows) + np.abs(columns[:, None] - columns)
    return _distance(patches, patch_size * blocks)


def _distance_squared(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid) ** 2)


def _distance_grid_turned(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    rows, columns = sides(patches.shape[-1], grid)
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, (columns, rows)))


def _distance_heads_averaged(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), axis=(1, 2, 3))


def _distance_each_image(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), axis=3)


def _distance_summed(attention_weights, patch_size, *, grid=None):
    return _distance_each_image(attention_weights, patch_size, grid=grid).mean(axis=1) * (
        attention_weights.shape[-1] - 1
    )


def _distance_not_weighted(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    even = np.full_like(patches, 1 / patches.shape[-1])
    return _distance(even, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_root_of_squares(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return np.sqrt(_distance(patches, _patch_distances(patches.shape[-1], patch_size, grid) ** 2))


def _distance_class_token_as_query(attention_weights, patch_size, *, grid=None):
    """Let the class token stand at distance 0 from everything, and keep its row and column."""
    distances = np.pad(_patch_distances(attention_weights.shape[-1] - 1, patch_size, grid), ((1, 0), (1, 0)))
    return _distance(attention_weights, distances)


def _distance_scaled_twice(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return patch_size * _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_mean_over_keys(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid)) / patches.shape[-1]


def _distance_depth_averaged(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), axis=(0, 3))


def _distance_each_query(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid), axis=1)


def _distance_to_the_favourite(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    one_hot = np.eye(patches.shape[-1])[patches.argmax(axis=-1)]
    return _distance(one_hot, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_of_mean_attention(attention_weights, patch_size, *, grid=None):
    """Average the images before the rows are divided."""
    patches = attention_weights[..., 1:, 1:].mean(axis=1, keepdims=True)
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_rows_alone(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    rows, _ = np.divmod(np.arange(patches.shape[-1]), sides(patches.shape[-1], grid)[1])
    return _distance(patches, patch_size * np.abs(rows[:, None] - rows))


def _distance_softmax_again(attention_weights, patch_size, *, grid=None):
    patches = np.exp(attention_weights[..., 1:, 1:])
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid))


def _distance_whole_matrix_to_one(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    patches = patches / patches.sum(axis=(-2, -1), keepdims=True)
    distances = _patch_distances(patches.shape[-1], patch_size, grid)
    return (patches * distances).sum(axis=(-2, -1)).mean(axis=1)


EXERCISE = Exercise(
    key="attention.mean_attention_distance",
    title="Measure how far a head looks, in pixels",
    reference="helpers.analysis.attention:mean_attention_distance",
    cases=_distance_cases,
    mutants=(
        Mutant(_distance_in_patches, "this is in patches; a patch is patch_size pixels wide."),
        Mutant(
            _distance_not_renormalised,
            "without the class token's column the rows no longer sum to 1: divide each by what is left.",
        ),
        Mutant(
            _distance_renormalised_at_the_end,
            "you divide the mean by the mean of what is left; divide each row by its own sum first.",
        ),
        Mutant(
            _distance_class_token_in_the_corner,
            "the class token was taken for the first patch; it stands nowhere, so drop row and column 0.",
        ),
        Mutant(
            _distance_columns_averaged,
            "rows and columns are swapped: a row is a query, and its shares are what it looks at.",
        ),
        Mutant(
            _distance_of_row_numbers,
            "you take the distance in the sequence; with 8 columns, patches 8 and 16 are neighbours.",
        ),
        Mutant(
            _distance_city_blocks,
            "that goes round the corner; take the straight line, √(Δrow² + Δcolumn²).",
        ),
        Mutant(_distance_squared, "the root is missing: these are squared distances."),
        Mutant(_distance_grid_turned, "the grid is (rows, columns); you have it the other way round."),
        Mutant(_distance_heads_averaged, "you average over the heads; give one distance for each head."),
        Mutant(_distance_each_image, "average over the images too: the result is (depth, num_heads)."),
        Mutant(_distance_summed, "you add up over the queries; take their mean."),
        Mutant(
            _distance_not_weighted,
            "the attention is not used: this is the distance of uniform attention, the yardstick.",
        ),
        Mutant(
            _distance_root_of_squares,
            "you take the root of the mean squared distance; take the mean of the distances themselves.",
        ),
        Mutant(
            _distance_class_token_as_query,
            "the class token is still there, at distance 0 from all: drop its row and its column.",
        ),
        Mutant(
            _distance_scaled_twice, "patch_size is multiplied twice: `patch_distances` gives pixels already."
        ),
        Mutant(
            _distance_mean_over_keys,
            "you take the mean over the keys; the shares are the weights of a mean already, so add up.",
        ),
        Mutant(
            _distance_depth_averaged,
            "you averaged over the layers; average over the images and the queries, axes 1 and 3.",
        ),
        Mutant(_distance_each_query, "average over the queries too: the result is (depth, num_heads)."),
        Mutant(
            _distance_to_the_favourite,
            "this is the distance to the patch that gets the most; weigh all patches by their share.",
        ),
        Mutant(
            _distance_of_mean_attention,
            "you average the images before you divide the rows; divide each row of each image first.",
        ),
        Mutant(_distance_rows_alone, "only the rows are in the distance; it is √(Δrow² + Δcolumn²)."),
        Mutant(
            _distance_softmax_again,
            "you take a softmax of what has been through one: divide each row by its sum.",
        ),
        Mutant(
            _distance_whole_matrix_to_one,
            "you divide by the sum of the whole matrix; divide each row by its own sum.",
        ),
    ),
    hints=(
        "The class token has no place in the image. What do the rows sum to once its column is gone?",
        "Cut off row 0 and column 0, divide each row by its sum, multiply by "
        "`patch_distances((rows, columns), patch_size)`, add up over the keys.",
        "`seen = attention_weights[..., 1:, 1:]`; `seen = seen / seen.sum(axis=-1, keepdims=True)`; "
        "`return (seen * distances).sum(axis=-1).mean(axis=(1, 3))`",
    ),
    difficulty=3,
    importance=4,
    minutes=12,
)
