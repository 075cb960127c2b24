"""Lesson 06, attention maps: the class token's map, entropy, distance in pixels, and the focused layers."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question


def _attention(seed, *shape, sharpness=2.0):
    weights = np.exp(sharpness * np.random.default_rng(seed).standard_normal(shape))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype("float32")


def _sides(num_patches, grid):
    return (round(num_patches**0.5),) * 2 if grid is None else grid


# class_attention(attention_weights, *, grid=None)


def _map_cases():
    return [
        (_attention(60, 2, 3, 4, 10, 10),),
        Case(_attention(61, 2, 3, 7, 7), grid=(2, 3)),
        Case(_attention(62, 13, 13), grid=(4, 3)),
    ]


def _laid_out(patches, grid):
    return patches.reshape(*patches.shape[:-1], *_sides(patches.shape[-1], grid))


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
    rows, columns = _sides(attention_weights.shape[-1] - 1, grid)
    return _laid_out(attention_weights[..., 0, 1:], (columns, rows)).swapaxes(-1, -2)


def _map_grid_turned(attention_weights, *, grid=None):
    rows, columns = _sides(attention_weights.shape[-1] - 1, grid)
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


# attention_entropy(attention_weights)


def _entropy_cases():
    one_hot = np.eye(5, dtype="float32")[[0, 3, 3, 1, 2]]
    halves = np.float32([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])
    return [(_attention(63, 2, 3, 4, 6, 6),), (np.stack([one_hot, _attention(64, 5, 5)]),), (halves,)]


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


# mean_attention_distance(attention_weights, patch_size, *, grid=None)


def _distance_cases():
    return [
        (_attention(65, 2, 3, 4, 10, 10), 4),
        Case(_attention(66, 3, 2, 2, 7, 7), 16, grid=(2, 3)),
        Case(_attention(67, 1, 2, 3, 13, 13), patch_size=2, grid=(4, 3)),
    ]


def _patch_distances(num_patches, patch_size, grid):
    rows, columns = np.divmod(np.arange(num_patches), _sides(num_patches, grid)[1])
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
    rows, columns = np.divmod(np.arange(patches.shape[-1]), _sides(patches.shape[-1], grid)[1])
    blocks = np.abs(rows[:, None] - rows) + np.abs(columns[:, None] - columns)
    return _distance(patches, patch_size * blocks)


def _distance_squared(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    return _distance(patches, _patch_distances(patches.shape[-1], patch_size, grid) ** 2)


def _distance_grid_turned(attention_weights, patch_size, *, grid=None):
    patches = attention_weights[..., 1:, 1:]
    rows, columns = _sides(patches.shape[-1], grid)
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


# most_focused_layers(attention_weights, region, patch_size=None)


def _focus_cases():
    rng = np.random.default_rng(68)

    def masks(batch, height, width):
        masks = rng.random((batch, height, width)) < 0.3
        masks[:, : height // 2, : width // 3] = True
        return masks

    return [
        (_attention(69, 4, 2, 3, 10, 10), masks(2, 12, 12), 4),
        (_attention(70, 5, 3, 2, 17, 17), masks(3, 8, 8), 2),
        (_attention(71, 3, 2, 2, 10, 10), masks(2, 6, 6)[0], 2),
    ]


def _coverage(region, patch_size):
    region = np.asarray(region)[None] if np.ndim(region) == 2 else np.asarray(region)
    rows, columns = region.shape[1] // patch_size, region.shape[2] // patch_size
    patches = region.reshape(len(region), rows, patch_size, columns, patch_size).astype("float64")
    return patches.mean(axis=(2, 4)).reshape(len(region), -1)  # (batch or 1, num_patches)


def _ranked(shares):
    return np.argsort(-shares, kind="stable"), shares


def _looked(attention_weights):
    return attention_weights[..., 0, 1:].astype("float64").mean(axis=2)  # (depth, batch, num_patches)


def _shares(looked, coverage):
    return (looked * coverage).sum(axis=-1) / looked.sum(axis=-1)  # (depth, batch)


def _focus_least_first(attention_weights, region, patch_size=None):
    shares = _shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1)
    return np.argsort(shares, kind="stable"), shares


def _focus_from_one(attention_weights, region, patch_size=None):
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return layers + 1, shares


def _focus_shares_sorted(attention_weights, region, patch_size=None):
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return layers, shares[layers]


def _focus_swapped(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))[::-1]


def _focus_not_renormalised(attention_weights, region, patch_size=None):
    return _ranked((_looked(attention_weights) * _coverage(region, patch_size)).sum(axis=-1).mean(axis=1))


def _focus_any_touch(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size) > 0).mean(axis=1))


def _focus_all_queries(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 1:, 1:].astype("float64").mean(axis=(2, 3))
    return _ranked(_shares(looked, _coverage(region, patch_size)).mean(axis=1))


def _focus_class_token_as_key(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 1:, 0].astype("float64").mean(axis=2)
    return _ranked(_shares(looked, _coverage(region, patch_size)).mean(axis=1))


def _focus_by_peak(attention_weights, region, patch_size=None):
    return _ranked((_looked(attention_weights) * _coverage(region, patch_size)).max(axis=-1).mean(axis=1))


def _focus_over_area(attention_weights, region, patch_size=None):
    coverage = _coverage(region, patch_size)
    return _ranked((_shares(_looked(attention_weights), coverage) / coverage.mean(axis=-1)).mean(axis=1))


def _focus_best_head(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, 1:].astype("float64")  # (depth, batch, num_heads, num_patches)
    return _ranked(_shares(looked, _coverage(region, patch_size)[:, None]).max(axis=2).mean(axis=1))


def _focus_heads_after(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, 1:].astype("float64")
    return _ranked(_shares(looked, _coverage(region, patch_size)[:, None]).mean(axis=(1, 2)))


def _focus_first_mask(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)[:1]).mean(axis=1))


EXERCISES = [
    Exercise(
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
            Mutant(
                _map_of_all_queries, "you average over all queries; only the class token's row is asked for."
            ),
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
    ),
    Exercise(
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
    ),
    Exercise(
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
    ),
    Exercise(
        key="attention.most_focused_layers",
        title="Find the layers that look at the object",
        reference="helpers.analysis.attention:most_focused_layers",
        cases=_focus_cases,
        mutants=(
            Mutant(
                _focus_least_first, "the least focused layer comes first; sort from the largest share down."
            ),
            Mutant(_focus_from_one, "count the layers from 0: they are indices."),
            Mutant(
                _focus_shares_sorted,
                "the shares are sorted too; give them in the order of the model; layers[0] is the largest.",
            ),
            Mutant(_focus_swapped, "the two results are swapped: the layers come first, then the shares."),
            Mutant(
                _focus_not_renormalised,
                "you did not divide by what the patches get together: a class token that looks at itself "
                "then seems less focused.",
            ),
            Mutant(
                _focus_any_touch,
                "a patch that the region touches with one pixel counts whole; weight it by its covered part.",
            ),
            Mutant(
                _focus_all_queries, "you average over the patches as queries; only the class token is asked."
            ),
            Mutant(
                _focus_class_token_as_key,
                "that is how much each patch looks at the class token; the class token asks: it is the row.",
            ),
            Mutant(
                _focus_by_peak,
                "you take the brightest patch; it may lie on the object while most of the map does not.",
            ),
            Mutant(
                _focus_over_area,
                "you divided by the area of the region; that is a good number, and not the share asked for.",
            ),
            Mutant(_focus_best_head, "you take the best head; average the heads first."),
            Mutant(
                _focus_heads_after,
                "you average the heads' shares; average the maps first, so that a head that hardly looks at "
                "patches counts little.",
            ),
            Mutant(_focus_first_mask, "each image has its own mask; you use the first for all."),
        ),
        hints=(
            "`patch_coverage(region, grid, patch_size)` says how much of each patch lies inside.",
            "Average the heads of `attention_weights[..., 0, 1:]`; share = Σ map · coverage / Σ map for each "
            "image; average the images; `np.argsort(-shares)`.",
            "`looked = attention_weights[..., 0, 1:].mean(axis=2)`; `shares = ((looked * coverage).sum(-1) / "
            "looked.sum(-1)).mean(axis=1)`, where coverage is (batch, num_patches) or (1, num_patches)",
        ),
        difficulty=4,
        importance=4,
        minutes=15,
    ),
]

QUIZ = [
    Question(
        "`layer(tokens, tokens)` of a Keras `MultiHeadAttention` gives an array (batch, 65, 64). What is it?",
        [
            (
                "The attention weights, averaged over the heads, with a row for each of the 65 queries.",
                False,
                "Weights would be (65, 65): a query and a key for each entry. They come only with "
                "`return_attention_scores=True`.",
            ),
            (
                "The output: for each token, an average of values, projected.",
                True,
                "65 tokens of 64 features. It may be negative, and no row sums to 1.",
            ),
            (
                "The scores before the softmax.",
                False,
                "Scores have a key axis too. What Keras calls scores has been through the softmax.",
            ),
            (
                "The map of 64 patches, once for each token.",
                False,
                "That 64 is the width of the token. That there are 64 patches too is an accident.",
            ),
        ],
    ),
    Question(
        "A head's mean attention distance is 16.5 px in 32×32 images. What does it look at?",
        [
            (
                "Across the whole picture, from each patch to the patches on the other side.",
                False,
                "Farther than even attention would be more than 16.5 px; the corners are 39.6 px apart.",
            ),
            (
                "Evenly at everything, or sharply at places as far away on average.",
                True,
                "Uniform attention has this distance, and a sharp head may have it too. The entropy tells.",
            ),
            (
                "At its neighbours.",
                False,
                "A neighbour is 4 px away here, 5.7 px along the diagonal.",
            ),
            (
                "At the class token.",
                False,
                "The class token stands nowhere and has no distance; renormalising takes it out.",
            ),
        ],
    ),
    Question(
        "Two heads each look at one patch, and not at the same one. You average them, then take the entropy.",
        [
            (
                "0: both heads are sharp.",
                False,
                "Each has entropy 0, but their average has two equal halves.",
            ),
            (
                "ln 2: the average is blurred, though no head is.",
                True,
                "Measure each head, then average. The entropy of a mean is never less than the mean entropy.",
            ),
            (
                "ln 65: the average knows nothing.",
                False,
                "That would be an even look at 65 tokens; here only two get any weight.",
            ),
        ],
    ),
    Question(
        "The class token's map lies on the ball. Which of these does that show?",
        [
            (
                "The model says “football” because of the ball.",
                False,
                "In section 6 one map served two answers, and the second had nothing to do with the object.",
            ),
            (
                "The ball's pixels matter to the answer.",
                False,
                "Change them and see. A map shows neither which pixels made a token nor what was used.",
            ),
            (
                "In that layer, the class token mixes in values from the tokens at the ball's place.",
                True,
                "That is all. What those tokens carry by then, and whether it reaches the answer, takes an "
                "intervention to find out.",
            ),
            (
                "Nothing at all: attention is noise.",
                False,
                "Exchange the last map for another picture's and many answers change. It is a part of the "
                "computation, only not the reason.",
            ),
        ],
    ),
]
