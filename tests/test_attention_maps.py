"""Attention read as maps, entropies, distances and shares, against answers known without the code."""

import math

import numpy as np
import pytest
from keras import ops

from helpers.analysis.attention import (
    attention_entropy,
    class_attention,
    mean_attention_distance,
    most_focused_layers,
    patch_coverage,
    patch_distances,
    patch_map,
)
from helpers.model.activations import activations
from helpers.model.vit import VisionTransformer, ViTConfig


def uniform(num_tokens, *leading):
    return np.full((*leading, num_tokens, num_tokens), 1 / num_tokens)


def random_attention(*shape, seed=0):
    weights = np.exp(2 * np.random.default_rng(seed).standard_normal(shape))
    return weights / weights.sum(axis=-1, keepdims=True)


def looks_at(*keys, num_tokens):
    """Each query looks at one key only."""
    return np.eye(num_tokens)[list(keys)]


# class_attention and patch_map


def test_class_attention_is_laid_out_row_by_row():
    weights = np.zeros((5, 5))
    weights[:, 0] = 1
    weights[0] = [0.1, 0.2, 0.3, 0.15, 0.25]
    np.testing.assert_array_equal(class_attention(weights), [[0.2, 0.3], [0.15, 0.25]])


def test_class_attention_keeps_the_leading_axes_and_takes_a_grid():
    weights = random_attention(2, 3, 4, 7, 7)
    maps = class_attention(weights, grid=(2, 3))
    assert maps.shape == (2, 3, 4, 2, 3)
    assert maps[1, 2, 3, 1, 0] == weights[1, 2, 3, 0, 4]  # token 4: second row, first column
    np.testing.assert_allclose(maps.sum(axis=(-2, -1)), 1 - weights[..., 0, 0])


def test_class_attention_of_a_model():
    config = ViTConfig(
        image_size=16, patch_size=4, hidden_dim=12, depth=2, num_heads=3, mlp_dim=8, num_classes=2
    )
    images = np.random.default_rng(0).random((2, 16, 16, 3), dtype="float32")
    run = activations(VisionTransformer(config), images)
    maps = class_attention(run.attention_weights)
    assert maps.shape == (2, 2, 3, 4, 4)
    assert mean_attention_distance(run.attention_weights, patch_size=4).shape == (2, 3)
    np.testing.assert_array_equal(maps[1, 0, 2].ravel(), run.attention_weights[1, 0, 2, 0, 1:])


def test_patch_map_without_a_class_token():
    np.testing.assert_array_equal(patch_map(np.arange(4), has_class_token=False), [[0, 1], [2, 3]])
    np.testing.assert_array_equal(patch_map([9, 0, 1, 2, 3, 4, 5], grid=(3, 2)), [[0, 1], [2, 3], [4, 5]])


@pytest.mark.parametrize(
    "num_tokens, grid, told", [(7, None, "6 patches .* no square"), (7, (2, 2), "6 patches .* not 2 × 2")]
)
def test_patches_that_fill_no_grid_are_told(num_tokens, grid, told):
    for function in (class_attention, lambda weights, grid: mean_attention_distance(weights, 4, grid=grid)):
        with pytest.raises(ValueError, match=told):
            function(uniform(num_tokens), grid=grid)
    with pytest.raises(ValueError, match="no square"):
        class_attention(uniform(1))


# attention_entropy


def test_entropy_of_even_and_of_single_minded_attention():
    np.testing.assert_allclose(attention_entropy(uniform(65, 2, 3)), np.full((2, 3, 65), math.log(65)))
    np.testing.assert_array_equal(attention_entropy(np.eye(4)), np.zeros(4))
    assert not np.signbit(attention_entropy(np.eye(4))).any()


def test_entropy_by_hand():
    weights = [[0.5, 0.5, 0.0, 0.0], [0.5, 0.25, 0.125, 0.125]]
    np.testing.assert_allclose(attention_entropy(weights), np.log(2) * np.array([1, 1.75]))


def test_entropy_keeps_the_leading_axes():
    weights = random_attention(2, 3, 4, 5, 6)
    slow = [-sum(p * math.log(p) for p in row) for row in weights.reshape(-1, 6)]
    np.testing.assert_allclose(attention_entropy(weights), np.reshape(slow, (2, 3, 4, 5)))


# mean_attention_distance


def test_distances_between_patches():
    distances = patch_distances((8, 8), 4)
    assert distances.max() == pytest.approx(39.5980, abs=5e-5)  # 7 √2 patches of 4 pixels
    assert distances[0].mean() == pytest.approx(21.8880, abs=5e-5)
    assert distances[3 * 8 + 3].mean() == pytest.approx(12.3756, abs=5e-5)
    assert distances[0, 1] == distances[0, 8] == 4
    np.testing.assert_array_equal(distances, distances.T)
    assert patch_distances((2, 3), 1)[0, 5] == pytest.approx(math.sqrt(1 + 4))


@pytest.mark.parametrize(
    "patches, patch_size, expected, exact_to",
    [(8, 4, 16.545931, 5e-7), (14, 16, 116.5, 0.05), (7, 32, 115.5, 0.05), (1, 16, 0, 0)],
)
def test_even_attention(patches, patch_size, expected, exact_to):
    """The class token makes no difference to where the patches look, beside each other."""
    with_token = mean_attention_distance(uniform(patches**2 + 1), patch_size)
    without = mean_attention_distance(uniform(patches**2), patch_size, has_class_token=False)
    assert with_token == pytest.approx(expected, abs=exact_to)
    assert without == pytest.approx(expected, abs=exact_to)


def test_the_other_convention_counts_the_class_token_as_distance_0():
    distance = mean_attention_distance(uniform(65), 4, renormalise=False)
    assert distance == pytest.approx(16.545931 * 64 / 65, abs=5e-7)


@pytest.mark.parametrize("renormalise", [True, False])
def test_a_patch_that_looks_at_itself_looks_0_far(renormalise):
    assert mean_attention_distance(np.eye(65), 4, renormalise=renormalise) == 0


def test_all_look_at_the_corner():
    weights = looks_at(*[1] * 65, num_tokens=65)
    assert mean_attention_distance(weights, 4) == pytest.approx(21.8880, abs=5e-5)


def test_the_class_token_s_own_row_does_not_count():
    weights = np.eye(10)
    weights[0] = np.eye(10)[9]
    assert mean_attention_distance(weights, 4) == 0


@pytest.mark.parametrize("renormalise", [True, False])
def test_against_loops_on_an_oblong_grid(renormalise):
    depth, batch, heads, rows, columns = 2, 3, 2, 3, 4
    weights = random_attention(depth, batch, heads, 13, 13)
    expected = np.zeros((depth, heads))
    for layer, image, head in np.ndindex(depth, batch, heads):
        for q in range(rows * columns):
            row = weights[layer, image, head, 1 + q]
            share = 1 / sum(row[1:]) if renormalise else 1
            for k in range(rows * columns):
                far = 5 * math.dist(divmod(q, columns), divmod(k, columns))
                expected[layer, head] += share * row[1 + k] * far / (rows * columns * batch)
    found = mean_attention_distance(weights, 5, grid=(rows, columns), renormalise=renormalise)
    np.testing.assert_allclose(found, expected)


def test_images_are_averaged_and_fewer_axes_kept():
    weights = random_attention(2, 5, 3, 17, 17)
    single = np.stack([mean_attention_distance(weights[:, image], 4) for image in range(5)])
    assert single.shape == (5, 2, 3)
    np.testing.assert_allclose(mean_attention_distance(weights, 4), single.mean(axis=0))
    assert mean_attention_distance(weights[0, 0], 4).shape == (3,)
    assert mean_attention_distance(weights[0, 0, 0], 4) == pytest.approx(single[0, 0, 0])


def test_queries_that_look_at_the_class_token_alone_have_no_distance():
    weights = looks_at(0, 0, 0, 0, 3, num_tokens=5)  # patch 3, at (1, 1), looks at patch 2, at (1, 0)
    assert mean_attention_distance(weights, 10) == 10
    assert mean_attention_distance(weights, 10, renormalise=False) == 10 / 4
    nowhere = looks_at(0, 0, 0, 0, 0, num_tokens=5)
    assert np.isnan(mean_attention_distance(nowhere, 10))
    assert mean_attention_distance(nowhere, 10, renormalise=False) == 0


@pytest.mark.parametrize("patch_size", [0, -4, math.nan])
def test_a_patch_size_of_nothing_is_told(patch_size):
    with pytest.raises(ValueError, match="patch_size in pixels, above 0"):
        mean_attention_distance(uniform(5), patch_size)


# most_focused_layers


def planted(*shares):
    """Layers whose class token gives 0.2 to itself, and of the rest these shares to the patch at (0, 1)."""
    weights = np.tile(np.eye(5), (len(shares), 1, 1))
    for layer, share in enumerate(shares):
        weights[layer, 0] = [0.2, *(0.8 * np.array([1, 3 * share / (1 - share), 1, 1]) * (1 - share) / 3)]
    return weights


MASK = np.array([[False, True], [False, False]])


def test_the_planted_layer_is_found():
    layers, shares = most_focused_layers(planted(0.25, 0.9, 0.1), MASK)
    np.testing.assert_array_equal(layers, [1, 0, 2])
    np.testing.assert_allclose(shares, [0.25, 0.9, 0.1])


@pytest.mark.parametrize(
    "region, patch_size",
    [
        (MASK.repeat(8, axis=0).repeat(8, axis=1), 8),
        (255 * MASK.astype("uint8"), None),
        ((0, 8, 8, 16), 8),
        ((0, 1, 1, 2), None),
    ],
)
def test_masks_and_boxes_in_pixels_or_patches(region, patch_size):
    _, shares = most_focused_layers(planted(0.25, 0.9), region, patch_size)
    np.testing.assert_allclose(shares, [0.25, 0.9])


def test_even_attention_gives_each_layer_the_area():
    box = (3, 5, 20, 27)
    layers, shares = most_focused_layers(uniform(65, 3, 2, 4), box, 4)
    np.testing.assert_allclose(shares, 17 * 22 / 32**2)
    np.testing.assert_array_equal(layers, [0, 1, 2])  # equal ones keep their order


def test_heads_and_images_are_averaged():
    one, two = planted(0.1, 0.6), planted(0.3, 0.2)
    _, over_heads = most_focused_layers(np.stack([one, two], axis=1), MASK)
    _, over_images = most_focused_layers(np.stack([one, two], axis=1)[:, :, None], MASK)
    np.testing.assert_allclose(over_heads, [0.2, 0.4])
    np.testing.assert_allclose(over_images, [0.2, 0.4])


def test_each_image_has_its_own_mask():
    weights = np.stack([planted(0.1, 0.7)] * 2, axis=1)[:, :, None]  # (depth, batch, heads, tokens, tokens)
    _, shares = most_focused_layers(weights, np.stack([MASK, ~MASK]))
    np.testing.assert_allclose(shares, [(0.1 + 0.9) / 2, (0.7 + 0.3) / 2])
    with pytest.raises(ValueError, match="one for each image.*received 3 masks"):
        most_focused_layers(weights, np.stack([MASK] * 3))
    with pytest.raises(ValueError, match="one for each image"):
        most_focused_layers(weights[:, 0], np.stack([MASK] * 2))


def test_a_class_token_that_looks_at_itself_alone_has_no_share_anywhere():
    _, shares = most_focused_layers(np.eye(5)[None], MASK)
    np.testing.assert_array_equal(shares, [0])


def test_an_oblong_grid():
    weights = np.tile(np.eye(7), (1, 1, 1))
    weights[0, 0] = np.eye(7)[6]  # the patch at (1, 2) of 2 × 3
    assert most_focused_layers(weights, (4, 8, 8, 12), 4, grid=(2, 3))[1] == [1]


def test_coverage_counts_parts_of_patches():
    expected = np.outer([0.75, 0.5], [0.0, 1.0, 0.25])
    np.testing.assert_allclose(patch_coverage((1, 4, 6, 9), (2, 3), 4), expected)
    mask = np.zeros((8, 12))
    mask[1:6, 4:9] = 1
    np.testing.assert_allclose(patch_coverage(mask, (2, 3), 4), expected)
    np.testing.assert_allclose(patch_coverage(mask[None], (2, 3), 4), expected[None])


@pytest.mark.parametrize(
    "region, patch_size, told",
    [
        (np.ones((4, 4)), None, r"2 × 2 patches.*received shape \(4, 4\)"),
        (np.ones((4, 4)), 4, r"8 × 8 pixels.*received shape \(4, 4\)"),
        (np.ones(5), None, r"or a box.*received shape \(5,\)"),
        (np.zeros((2, 2)), None, "an empty one"),
        (np.stack([np.eye(8), np.zeros((8, 8))]), 4, "an empty one"),
        ((0, 0, 9, 8), 4, "inside 8 × 8 pixels"),
        ((4, 0, 4, 8), 4, "inside 8 × 8 pixels"),
        ((-1, 0, 4, 8), 4, "inside 8 × 8 pixels"),
        ((0, 0, 4, 8), None, "inside 2 × 2 patches; set patch_size"),
    ],
)
def test_regions_that_do_not_fit_are_told(region, patch_size, told):
    with pytest.raises(ValueError, match=told):
        most_focused_layers(planted(0.5), region, patch_size)


# What all of them take and refuse

FUNCTIONS = {
    "class_attention": class_attention,
    "attention_entropy": attention_entropy,
    "mean_attention_distance": lambda weights: mean_attention_distance(weights, 4),
    "most_focused_layers": lambda weights: most_focused_layers(weights, (0, 0, 1, 1))[1],
}
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@each_function
def test_any_backend_and_precision(function):
    weights = random_attention(2, 3, 2, 5, 5)
    exact = function(weights)
    assert isinstance(exact, np.ndarray)
    for values, exact_to in [
        (ops.convert_to_tensor(weights, dtype="float32"), 1e-5),
        (ops.convert_to_tensor(weights, dtype="bfloat16"), 0.05),
        (weights.astype("float16"), 5e-3),
        (weights.tolist(), 1e-12),
    ]:
        found = function(values)
        assert isinstance(found, np.ndarray) and found.dtype in (np.float32, np.float64)
        np.testing.assert_allclose(found, exact, rtol=exact_to, atol=exact_to)


def test_half_precision_is_kept_in_float32():
    """A run of many images in half precision must not grow fourfold."""
    weights = random_attention(2, 5, 5)
    assert class_attention(weights).dtype == np.float64
    assert class_attention(weights.astype("float32")).dtype == np.float32
    assert class_attention(weights.astype("float16")).dtype == np.float32


@each_function
def test_the_weights_are_left_as_they_were(function):
    weights = random_attention(2, 3, 2, 5, 5)
    before = weights.copy()
    function(weights)
    np.testing.assert_array_equal(weights, before)


@each_function
@pytest.mark.parametrize(
    "wrong, told",
    [
        (np.random.default_rng(0).standard_normal((3, 2, 5, 5)), "after the softmax.*Scores need a softmax"),
        (uniform(5, 3, 2) * 0.9, "sums from 0.9 to 0.9.*renormalise=True"),
        (uniform(5, 3, 2) - np.eye(5) + np.eye(5)[::-1], "values from -0.8"),
        (np.full((3, 2, 5, 5), np.nan), "after the softmax"),
        (np.full(5, 0.2), r"received \(5,\)"),
        (np.ones((3, 0, 5, 5)), r"received \(3, 0, 5, 5\)"),
        (None, "None.*keep="),
    ],
    ids=["scores", "cut", "negative", "nan", "rank", "empty", "not kept"],
)
def test_what_is_no_attention_is_told(function, wrong, told):
    with pytest.raises(ValueError, match=told):
        function(wrong)


@pytest.mark.parametrize("name", ["mean_attention_distance", "most_focused_layers"])
def test_shapes_are_told(name):
    with pytest.raises(ValueError, match=r"num_tokens, num_tokens\); received \(3, 2, 4, 5\)"):
        FUNCTIONS[name](random_attention(3, 2, 4, 5))
    with pytest.raises(ValueError, match=r"received \(1, 3, 2, 2, 5, 5\)"):
        FUNCTIONS[name](random_attention(1, 3, 2, 2, 5, 5))
    with pytest.raises(ValueError, match=r"received \(5, 5\)"):
        most_focused_layers(uniform(5), MASK)
