"""The Vision Transformer against things that nobody here wrote, and against what must hold of any of them."""

import ast
import importlib
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model import vit
from helpers.model.gradients import gradients
from helpers.model.vit import (
    EncoderBlock,
    LayerNorm,
    MultiHeadSelfAttention,
    PatchEmbedding,
    VisionTransformer,
    ViTConfig,
    interpolate_positions,
)

TINY = ViTConfig(image_size=16, patch_size=4, hidden_dim=24, depth=3, num_heads=3, mlp_dim=40, num_classes=7)


def numbers(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def pictures(batch=2, size=16, seed=0):
    return np.random.default_rng(seed).random((batch, size, size, 3), dtype="float32")


def randomise(layer, seed=0):
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        variable.assign(rng.standard_normal(variable.shape).astype("float32") * 0.3)


@pytest.mark.parametrize(
    "name, parameters",
    [("Ti/16", 5_717_416), ("S/16", 22_050_664)],
)
def test_published_parameter_counts(name, parameters):
    assert VisionTransformer(ViTConfig.variant(name)).count_params() == parameters


@pytest.mark.parametrize(
    "name, parameters",
    [("B/16", 86_567_656), ("B/32", 88_224_232), ("L/16", 304_326_632), ("H/14", 632_045_800)],
)
def test_published_parameter_counts_of_the_giants_by_formula(name, parameters):
    assert count_by_formula(ViTConfig.variant(name)) == parameters


@pytest.mark.parametrize("name", ["cifar/4", "cifar-small/4", "shapes/4", "Ti/16"])
def test_the_formula_is_the_model(name):
    config = ViTConfig.variant(name)
    assert VisionTransformer(config).count_params() == count_by_formula(config)


def count_by_formula(config):
    d, m = config.hidden_dim, config.mlp_dim
    patch = config.patch_size**2 * config.channels * d + d
    block = 4 * (d * d + d) + (d * m + m) + (m * d + d) + 2 * 2 * d
    return (
        patch
        + d
        + config.num_tokens * d
        + config.depth * block
        + 2 * d
        + d * config.num_classes
        + config.num_classes
    )


@pytest.mark.parametrize("hidden_dim, num_heads", [(24, 3), (32, 8), (16, 1)])
def test_attention_equals_keras(hidden_dim, num_heads):
    ours = MultiHeadSelfAttention(hidden_dim, num_heads)
    theirs = keras.layers.MultiHeadAttention(num_heads, key_dim=hidden_dim // num_heads)
    tokens = numbers(2, 10, hidden_dim)
    ours(tokens)
    theirs(tokens, tokens)
    randomise(theirs)
    kernels = [theirs._query_dense, theirs._key_dense, theirs._value_dense]
    ours.qkv.kernel.assign(
        np.concatenate([ops.convert_to_numpy(k.kernel).reshape(hidden_dim, -1) for k in kernels], axis=1)
    )
    ours.qkv.bias.assign(np.concatenate([ops.convert_to_numpy(k.bias).reshape(-1) for k in kernels]))
    ours.output_projection.kernel.assign(
        ops.convert_to_numpy(theirs._output_dense.kernel).reshape(-1, hidden_dim)
    )
    ours.output_projection.bias.assign(ops.convert_to_numpy(theirs._output_dense.bias))
    expected, expected_weights = theirs(tokens, tokens, return_attention_scores=True)
    weights, _ = ours.weights_and_values(tokens)
    np.testing.assert_allclose(ops.convert_to_numpy(ours(tokens)), ops.convert_to_numpy(expected), atol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(weights), ops.convert_to_numpy(expected_weights), atol=1e-5
    )


@pytest.mark.parametrize("policy, tolerance", [("float32", 2e-5), ("mixed_bfloat16", 2e-2)])
def test_layer_norm_and_its_gradient_equal_keras(policy, tolerance):
    tokens = numbers(2, 5, 8, scale=3.0) + 2.0
    ours = LayerNorm(epsilon=1e-6, dtype=policy)
    theirs = keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32")
    for layer in (ours, theirs):
        layer.build(tokens.shape)
        randomise(layer)
    assert keras.backend.standardize_dtype(ours(tokens).dtype) == ours.compute_dtype
    weights = numbers(2, 5, 8, seed=1)  # of a sum whose gradient is not 0, as that of the plain sum would be

    def value_and_slope(layer):
        def weighted(tensors):
            return ops.sum(ops.cast(layer(tensors[0]), "float32") * weights)

        value = ops.stop_gradient(ops.cast(layer(tokens), "float32"))
        return ops.convert_to_numpy(value), gradients(weighted, [tokens])[1][0]

    for mine, expected in zip(value_and_slope(ours), value_and_slope(theirs), strict=True):
        np.testing.assert_allclose(mine, expected, atol=tolerance)


def test_attention_equals_a_slow_float64_loop():
    layer = MultiHeadSelfAttention(12, 3)
    tokens = numbers(1, 5, 12)
    layer(tokens)
    randomise(layer, seed=3)
    kernel, bias = (
        ops.convert_to_numpy(layer.qkv.kernel).astype("float64"),
        ops.convert_to_numpy(layer.qkv.bias).astype("float64"),
    )
    qkv = tokens[0].astype("float64") @ kernel + bias
    mixed = np.zeros((5, 12))
    for head in range(3):
        columns = slice(4 * head, 4 * head + 4)
        q, k, v = (qkv[:, 12 * part : 12 * part + 12][:, columns] for part in range(3))
        for query in range(5):
            score = np.array([q[query] @ k[key] / 2.0 for key in range(5)])  # √head_dim = 2
            weight = np.exp(score) / np.exp(score).sum()
            mixed[query, columns] = weight @ v
    expected = mixed @ ops.convert_to_numpy(layer.output_projection.kernel) + ops.convert_to_numpy(
        layer.output_projection.bias
    )
    np.testing.assert_allclose(ops.convert_to_numpy(layer(tokens))[0], expected, atol=1e-5)


def test_rows_of_attention_sum_to_one():
    layer = MultiHeadSelfAttention(12, 3)
    weights, _ = layer.weights_and_values(numbers(2, 7, 12, scale=30))
    np.testing.assert_allclose(ops.convert_to_numpy(ops.sum(weights, axis=-1)), 1, atol=1e-5)


def test_a_block_does_not_know_the_order_of_its_tokens():
    block, tokens = EncoderBlock(24, 3, 40), numbers(2, 9, 24)
    block(tokens)
    randomise(block)
    order = np.random.default_rng(5).permutation(9)
    shuffled = ops.convert_to_numpy(block(tokens[:, order]))
    np.testing.assert_allclose(shuffled, ops.convert_to_numpy(block(tokens))[:, order], atol=1e-4)


def test_without_positions_shuffled_patches_give_the_same_logits_and_with_them_they_do_not():
    model = VisionTransformer(TINY)
    randomise(model)
    images = pictures()
    rows = np.random.default_rng(2).permutation(4)
    shuffled = images.reshape(2, 4, 4, 16, 3)[:, rows].reshape(images.shape)
    assert np.abs(logits(model, images) - logits(model, shuffled)).max() > 1e-2
    positions = model.class_token_and_position.position_embedding
    positions.assign(np.zeros(positions.shape))
    np.testing.assert_allclose(logits(model, images), logits(model, shuffled), atol=1e-4)


def logits(model, images):
    return ops.convert_to_numpy(model(images))


def test_patch_embedding_is_one_matrix_for_all_patches():
    layer, images = PatchEmbedding(4, 6), pictures()
    layer(images)
    kernel = ops.convert_to_numpy(layer.projection.kernel).reshape(48, 6)
    patches = images.reshape(2, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 16, 48)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(images)), patches @ kernel, atol=1e-5)


def test_mean_pooling_reads_the_patches():
    import dataclasses

    model = VisionTransformer(dataclasses.replace(TINY, pooling="mean"))
    assert model.config.num_tokens == 16
    tokens = numbers(2, 16, 24)
    expected = model.head(ops.mean(model.norm(tokens), axis=1))
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.classify(tokens)), ops.convert_to_numpy(expected), atol=1e-6
    )


def test_stochastic_depth_and_layer_scale():
    import dataclasses

    model = VisionTransformer(dataclasses.replace(TINY, stochastic_depth=0.5, layer_scale=0.1))
    assert [block.stochastic_depth for block in model.blocks] == [0, 0.25, 0.5]
    images = pictures(8)
    np.testing.assert_array_equal(logits(model, images), logits(model, images))
    drawn = [ops.convert_to_numpy(model(images, training=True)) for _ in range(3)]
    assert np.abs(drawn[0] - drawn[1]).max() > 0 or np.abs(drawn[1] - drawn[2]).max() > 0
    assert model.count_params() == count_by_formula(TINY) + TINY.depth * 2 * TINY.hidden_dim


def test_every_weight_is_trained():
    model = VisionTransformer(TINY)
    names = [variable.path for variable in model.trainable_variables]
    assert any("class_token" in name.split("/")[-1] for name in names)
    assert any("position_embedding" in name for name in names)
    assert len(model.trainable_variables) == len(model.weights)


@pytest.mark.parametrize(
    "layer", [PatchEmbedding(4, 6), MultiHeadSelfAttention(12, 3), EncoderBlock(12, 3, 20)]
)
def test_layers_round_trip_through_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("grid", [6, 9, 14, 24, (5, 20)])
def test_positions_are_stretched_as_pillow_stretches(grid):
    """Of noise, enlarged and made smaller, on every backend: Pillow's bicubic averages as ours does."""
    from PIL import Image

    positions = np.random.default_rng(0).standard_normal((1, 14 * 14 + 1, 3)).astype("float32")
    rows, columns = (grid, grid) if isinstance(grid, int) else grid
    found = ops.convert_to_numpy(interpolate_positions(positions, grid))
    np.testing.assert_array_equal(found[:, 0], positions[:, 0])
    for feature in range(3):
        plane = Image.fromarray(positions[0, 1:, feature].reshape(14, 14))
        expected = np.asarray(plane.resize((columns, rows), Image.Resampling.BICUBIC))
        np.testing.assert_allclose(found[0, 1:, feature].reshape(rows, columns), expected, atol=1e-5)


def test_positions_interpolate():
    positions = numbers(1, 17, 6)
    bigger = ops.convert_to_numpy(interpolate_positions(positions, 8))
    assert bigger.shape == (1, 65, 6)
    np.testing.assert_array_equal(bigger[:, 0], positions[:, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(interpolate_positions(positions, 4)), positions)
    constant = ops.convert_to_numpy(
        interpolate_positions(np.ones((1, 16, 3), "float32"), (2, 6), has_class_token=False)
    )
    np.testing.assert_allclose(constant, np.ones((1, 12, 3)), atol=1e-5)
    with pytest.raises(ValueError, match="square"):
        interpolate_positions(positions, 8, has_class_token=False)


@pytest.mark.parametrize(
    "changes, told",
    [
        (dict(blocks_without_skip=(2, 9)), "blocks_without_skip"),
        (dict(image_size=30), "28×28"),
        (dict(num_heads=5), "Try num_heads=4"),
        (dict(hidden_dim=0), "hidden_dim"),
        (dict(depth=2.5), "depth"),
        (dict(pooling="max"), "pooling"),
        (dict(stochastic_depth=1.0), "stochastic_depth"),
        (dict(image_mean=(0.5,)), "image_mean"),
    ],
)
def test_bad_configurations_are_told(changes, told):
    import dataclasses

    with pytest.raises(ValueError, match=told):
        dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize("name", ["X/16", "B", "B/", "B/x", ""])
def test_unknown_variants_are_told(name):
    with pytest.raises(ValueError, match="size/patch"):
        ViTConfig.variant(name)


@pytest.mark.parametrize(
    "images, told",
    [
        (np.zeros((16, 16, 3), "float32"), "batch axis"),
        (np.zeros((2, 20, 16, 3), "float32"), "Resize"),
        (np.zeros((2, 16, 16, 1), "float32"), r"16, 16, 3"),
        (np.zeros((2, 16, 16, 3), "uint8"), "255"),
        (np.full((2, 16, 16, 3), 200, "float32"), "Divide by 255"),
        (np.zeros((0, 16, 16, 3), "float32"), "empty batch"),
    ],
)
def test_bad_images_are_told(images, told):
    with pytest.raises(ValueError, match=told):
        VisionTransformer(TINY)(images)


def test_the_file_that_learners_read_is_short_and_in_the_order_of_the_data():
    text = Path(vit.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    classes = [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert classes[:3] == ["PatchEmbedding", "ClassTokenAndPosition", "MultiHeadSelfAttention"]
    assert classes.index("MLP") < classes.index("EncoderBlock") and classes[-1] == "VisionTransformer"


@pytest.mark.parametrize(
    "home, names",
    [
        ("vit_config", "ViTConfig PUBLISHED_SIZES COURSE_SIZES CIFAR10_MEAN CIFAR10_STD"),
        ("vit_config", "IMAGENET_MEAN IMAGENET_STD"),
        ("image_checks", "check_images is_concrete"),
        ("positions", "interpolate_positions"),
    ],
)
def test_what_moved_out_of_the_file_can_still_be_imported_from_it(home, names):
    module = importlib.import_module(f"helpers.model.{home}")
    for name in names.split():
        assert getattr(vit, name) is getattr(module, name)


def test_weights_are_made_without_a_run_of_the_network(monkeypatch):
    """A run that only makes weights takes seconds on TensorFlow, and a lesson builds ten networks."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was run")

    expected = [(v.path.split("/", 1)[1], tuple(v.shape)) for v in VisionTransformer(TINY).weights]
    with monkeypatch.context() as patch:
        for layer in (VisionTransformer, EncoderBlock, MultiHeadSelfAttention, PatchEmbedding):
            patch.setattr(layer, "call", refuse)
        model = VisionTransformer(TINY)
    assert model.built and model.count_params() == count_by_formula(TINY)
    assert [(v.path.split("/", 1)[1], tuple(v.shape)) for v in model.weights] == expected
    assert logits(model, pictures()).shape == (2, 7)
