"""The parts as pure functions, against Keras' layers, closed forms and the model that they make up."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.checkpoints import load_checkpoint, named_weights
from helpers.model.gradients import gradients
from helpers.model.parts import (
    block_parts,
    block_weights,
    count_parameters,
    encoder_block,
    layer_norm,
    mlp,
    self_attention,
)
from helpers.model.stack import gradient_norms, run_stack, untrained_stack
from helpers.model.vit import MultiHeadSelfAttention, VisionTransformer, ViTConfig


def numbers(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


# layer_norm


def test_layer_norm_by_hand():
    # mean 2, variance (1 + 1) / 2 = 1 → −1 and 1; then 10 · x + 5
    np.testing.assert_allclose(array(layer_norm([[1.0, 3.0]], 10.0, 5.0, 0.0)), [[-5, 15]], atol=1e-5)


def test_layer_norm_of_an_even_token_is_its_shift():
    beta = numbers(4)
    np.testing.assert_allclose(array(layer_norm(np.full((2, 3, 4), 7.0, "float32"), 2.0, beta)[0, 0]), beta)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3])
def test_layer_norm_equals_keras(epsilon):
    layer, tokens = keras.layers.LayerNormalization(epsilon=epsilon), numbers(2, 5, 8, scale=0.05)
    layer(tokens)
    gamma, beta = numbers(8, seed=1), numbers(8, seed=2)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    ours = layer_norm(tokens, gamma, beta, epsilon)
    np.testing.assert_allclose(array(ours), array(layer(tokens)), atol=1e-5)


# mlp and self_attention


def test_mlp_equals_keras():
    tokens, weights = numbers(2, 5, 8), [numbers(8, 12), numbers(12), numbers(12, 8), numbers(8)]
    layers = keras.Sequential([keras.layers.Dense(12, activation="gelu"), keras.layers.Dense(8)])
    layers.build((None, 5, 8))
    layers.set_weights(weights)
    np.testing.assert_allclose(array(mlp(tokens, *weights)), array(layers(tokens)), atol=1e-4)


def test_mlp_does_each_token_by_itself():
    tokens, weights = numbers(1, 5, 8), [numbers(8, 12), numbers(12), numbers(12, 8), numbers(8)]
    changed = tokens.copy()
    changed[0, 2] += 1
    difference = np.abs(array(mlp(changed, *weights)) - array(mlp(tokens, *weights))).max(axis=-1)[0]
    assert (difference > 1e-3).tolist() == [False, False, True, False, False]


def test_self_attention_equals_the_layer():
    layer, tokens = MultiHeadSelfAttention(12, 3), numbers(2, 5, 12)
    layer(tokens)
    weights = [numbers(*variable.shape, seed=seed) for seed, variable in enumerate(layer.weights)]
    layer.set_weights(weights)
    ours = self_attention(tokens, *weights, num_heads=3)
    np.testing.assert_allclose(array(ours), array(layer(tokens)), atol=1e-4)


# encoder_block


def test_encoder_block_by_hand():
    def double(x):
        return 2 * x

    def plus(x):
        return x + 1

    # 3 → 3 + 2·(3 + 1) = 11 → 11 + (10·11)² = 12111
    assert encoder_block(3.0, plus, double, lambda x: 10 * x, lambda x: x * x) == 12111


def test_encoder_block_with_silent_branches_leaves_the_stream_alone():
    tokens = numbers(2, 3, 4)
    np.testing.assert_array_equal(
        encoder_block(tokens, np.tanh, np.zeros_like, np.tanh, np.zeros_like), tokens
    )


def test_the_parts_make_up_the_model():
    model = load_checkpoint("shapes/4")
    weights, images = named_weights(model), np.random.default_rng(0).random((3, 32, 32, 3), dtype="float32")
    tokens = model.embed(images)
    for block in range(model.config.depth):
        tokens = encoder_block(tokens, *block_parts(block_weights(weights, block), model.config.num_heads))
    tokens = layer_norm(tokens, weights["norm/gamma"], weights["norm/beta"])
    logits = array(tokens)[:, 0] @ weights["head/kernel"] + weights["head/bias"]
    np.testing.assert_allclose(logits, array(model(images)), atol=1e-4)


def test_parts_can_be_exchanged():
    weights = untrained_stack(1).blocks[0]
    norm1, _, _, branch = block_parts(weights, 4, layer_norm=lambda x, g, b: -x, mlp=lambda x, *w: len(w))
    assert norm1(1.0) == -1.0 and branch(None) == 4


def test_parts_answer_in_the_kind_that_they_are_given():
    weights, tokens = untrained_stack(1).blocks[0], numbers(1, 3, 64)
    wide = block_parts(weights, 4, layer_norm=lambda x, gamma, beta: x.mean() + np.float64(x))
    for part in (*block_parts(weights, 4), wide[0]):
        assert isinstance(part(tokens), np.ndarray) and part(tokens).dtype == "float32"
    assert not isinstance(block_parts(weights, 4)[1](ops.convert_to_tensor(tokens)), np.ndarray)


def test_block_weights_are_those_of_one_block():
    weights = {"block_1/norm1/gamma": 1, "block_10/norm1/gamma": 2, "norm/gamma": 3}
    assert block_weights(weights, 1) == {"norm1/gamma": 1}
    with pytest.raises(ValueError, match="no block 2 .*block_1, block_10, norm"):
        block_weights(weights, 2)


# count_parameters


@pytest.mark.parametrize(
    "name, expected",
    [
        ("Ti/16", 5_717_416),
        ("S/16", 22_050_664),
        ("B/16", 86_567_656),
        ("B/32", 88_224_232),
        ("L/16", 304_326_632),
        ("H/14", 632_045_800),
    ],
)
def test_the_published_variants(name, expected):
    assert count_parameters(ViTConfig.variant(name)) == expected


@pytest.mark.parametrize(
    "changes",
    [{}, {"pooling": "mean"}, {"layer_scale": 1e-4}, {"channels": 1, "image_mean": (0,), "image_std": (1,)}],
)
def test_the_formula_counts_what_the_model_has(changes):
    config = ViTConfig.variant("shapes/8", **({"num_classes": 7, "depth": 3} | changes))
    count = count_parameters(config)
    assert count == VisionTransformer(config).count_params() and isinstance(count, int)


def test_the_seeds_small_vit_is_not_22_million():
    whole = ViTConfig.variant("S/16")
    block = 12 * 384**2 + 13 * 384  # 4 d² + 8 d² weights; 4 d + 5 d biases, 4 d of norms
    expected = 22_050_664 - 4 * block
    assert count_parameters(dataclasses.replace(whole, depth=8)) == expected == 14_952_808


# gradients


def test_gradients_by_hand():
    # f = Σ a² · b: ∂a = 2 a b, ∂b = Σ a²
    value, (of_a, of_b, of_c) = gradients(
        lambda given: ops.sum(ops.square(given[0]) * given[1]), [np.array([1.0, 2.0]), 3.0, np.ones(2)]
    )
    assert value == 15
    np.testing.assert_allclose(of_a, [6, 12])
    np.testing.assert_allclose(of_b, 5)
    np.testing.assert_allclose(of_c, [0, 0])


def test_gradients_of_more_than_one_number_are_refused():
    with pytest.raises(ValueError, match=r"one number; received shape \(2,\)"):
        gradients(lambda given: given[0], [np.ones(2)])


# Stacks


def post_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def no_skip(tokens, norm1, attention, norm2, mlp):
    return mlp(norm2(attention(norm1(tokens))))


def test_a_stack_runs_block_by_block():
    tokens, stack = numbers(2, 5, 64), untrained_stack(3)
    stream = run_stack(tokens, stack, encoder_block)
    assert stream.shape == (4, 2, 5, 64)
    np.testing.assert_array_equal(stream[0], tokens)
    again = run_stack(stream[1], untrained_stack(3), lambda *parts: encoder_block(*parts))
    assert np.abs(again[1] - stream[2]).max() > 1e-3  # block 1 is not block 2
    np.testing.assert_allclose(
        array(encoder_block(stream[1], *block_parts(stack.blocks[1], 4))), stream[2], atol=1e-5
    )


def test_a_longer_stack_begins_like_a_shorter_one():
    short, long = untrained_stack(2, seed=5), untrained_stack(3, seed=5)
    for name, value in short.blocks[1].items():
        np.testing.assert_array_equal(value, long.blocks[1][name])


def test_the_matrices_keep_the_size_of_a_signal():
    weights = untrained_stack(1, hidden_dim=256, mlp_dim=256).blocks[0]
    assert weights["attention/output_projection/kernel"].std() == pytest.approx(256**-0.5, rel=0.02)
    assert weights["mlp/expand/kernel"].std() == pytest.approx(256**-0.5, rel=0.02)


def test_post_norm_keeps_the_stream_at_one_and_pre_norm_lets_it_grow():
    tokens, stack = numbers(4, 9, 64), untrained_stack(12)
    sizes = {
        wiring: np.sqrt((run_stack(tokens, stack, wiring)[-1] ** 2).mean())
        for wiring in (encoder_block, post_norm)
    }
    assert sizes[post_norm] == pytest.approx(1, abs=1e-3)
    assert 7**0.5 < sizes[encoder_block] < 19**0.5  # Xiong et al. 2020, lemma 2: 1 + l/2 to 1 + 3 l/2


def test_without_skips_all_tokens_become_one():
    last = run_stack(numbers(2, 9, 64), untrained_stack(8), no_skip)[-1]
    assert np.abs(last - last.mean(axis=1, keepdims=True)).max() < 1e-4


def test_gradient_norms_equal_a_step_of_the_loss():
    """Along its own direction a gradient of length g changes the loss by g a unit: central differences."""
    tokens, labels, stack = numbers(2, 5, 16), np.array([0, 2]), untrained_stack(2, hidden_dim=16, mlp_dim=8)
    norms = gradient_norms(tokens, labels, stack, encoder_block)
    assert norms.shape == (2,)
    head = np.random.default_rng(0).normal(0, np.sqrt(2 / 19), (16, 3)).astype("float32")

    def loss(matrix):
        blocks = (stack.blocks[0], stack.blocks[1] | {"mlp/contract/kernel": matrix.astype("float32")})
        stream = run_stack(tokens, dataclasses.replace(stack, blocks=blocks), encoder_block)[-1]
        logits = array(layer_norm(stream[:, 0], 1.0, 0.0)).astype("float64") @ head
        return float(np.mean(np.log(np.exp(logits).sum(axis=-1)) - logits[[0, 1], labels]))

    matrix = stack.blocks[1]["mlp/contract/kernel"].astype("float64")
    slopes = np.zeros_like(matrix)
    for place in np.ndindex(matrix.shape):
        step = np.zeros_like(matrix)
        step[place] = 1e-2
        slopes[place] = (loss(matrix + step) - loss(matrix - step)) / 2e-2
    assert norms[1] == pytest.approx(np.linalg.norm(slopes), rel=1e-2)


@pytest.mark.parametrize("depth, hidden_dim", [(0, 64), (2, 66)])
def test_an_impossible_stack_is_refused(depth, hidden_dim):
    with pytest.raises(ValueError, match="Expected a depth of at least 1"):
        untrained_stack(depth, hidden_dim=hidden_dim)
