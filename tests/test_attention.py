"""Attention as pure functions: against Keras' own, a slow loop in float64, and numbers worked out by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.attention import (
    attention_cost,
    attention_scores,
    attention_weights,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from helpers.model.vit import MultiHeadSelfAttention


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def slow_attention(queries, keys, values, mask):
    """One query, one key at a time, in float64."""
    output = np.zeros((len(queries), values.shape[-1]))
    for i, query in enumerate(queries.astype("float64")):
        seen = [j for j in range(len(keys)) if mask[i, j]]
        exponentials = [math.exp(sum(query * keys[j]) / math.sqrt(len(query))) for j in seen]
        for share, j in zip(exponentials, seen, strict=True):
            output[i] += share / sum(exponentials) * values[j]
    return output


def test_three_tokens_by_hand():
    queries = np.array([[2.0, 0.0, 0.0, 0.0]])
    keys = np.array([[math.log(2), 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    expected = [[0.5, 0.25, 0.25]]  # scores ln 2, 0, 0
    np.testing.assert_allclose(ops.convert_to_numpy(attention_weights(queries, keys)), expected, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_as_a_slow_loop(masked):
    queries, keys, values = numbers(5, 8), numbers(7, 8, seed=1), numbers(7, 3, seed=2)
    mask = np.random.default_rng(3).random((5, 7)) < 0.5 if masked else np.ones((5, 7), bool)
    mask[:, 0] = True
    output, weights = scaled_dot_product_attention(queries, keys, values, mask if masked else None)
    expected = slow_attention(queries, keys, values, mask)
    np.testing.assert_allclose(ops.convert_to_numpy(output), expected, atol=1e-5)
    weights = ops.convert_to_numpy(weights)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights[~mask] == 0).all()


def test_as_keras_dot_product_attention():
    queries, keys, values = (numbers(2, 3, 6, 4, seed=seed) for seed in range(3))
    mask = np.tril(np.ones((6, 6), bool))
    output, _ = scaled_dot_product_attention(queries, keys, values, mask)
    in_keras_order = [np.moveaxis(x, 1, 2) for x in (queries, keys, values)]  # (batch, tokens, heads, dim)
    expected = ops.dot_product_attention(*in_keras_order, mask=mask[None, None])
    found = np.moveaxis(ops.convert_to_numpy(output), 1, 2)
    np.testing.assert_allclose(found, ops.convert_to_numpy(expected), atol=1e-5)


def test_as_keras_multi_head_attention():
    tokens = numbers(2, 7, 12)
    layer = keras.layers.MultiHeadAttention(3, 4, use_bias=False)
    expected, expected_weights = layer(tokens, tokens, return_attention_scores=True)
    query, key, value, out = (ops.convert_to_numpy(w) for w in layer.weights)
    heads = [split_heads(tokens @ w.reshape(12, 12), 3) for w in (query, key, value)]
    output, weights = scaled_dot_product_attention(*heads)
    found = ops.convert_to_numpy(merge_heads(output)) @ out.reshape(12, 12)
    np.testing.assert_allclose(found, ops.convert_to_numpy(expected), atol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(weights), ops.convert_to_numpy(expected_weights), atol=1e-5
    )


def test_as_the_models_layer():
    tokens = numbers(2, 7, 12)
    layer = MultiHeadSelfAttention(12, 3)
    expected = layer(tokens)
    heads = [split_heads(part, 3) for part in ops.split(layer.qkv(tokens), 3, axis=-1)]
    found = layer.output_projection(merge_heads(scaled_dot_product_attention(*heads)[0]))
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected), atol=1e-5)


def test_split_heads_deals_neighbours_to_one_head_and_merge_undoes_it():
    tokens = np.arange(24.0).reshape(1, 2, 12)
    heads = ops.convert_to_numpy(split_heads(tokens, 3))
    np.testing.assert_array_equal(heads[0, 1], [[4, 5, 6, 7], [16, 17, 18, 19]])
    np.testing.assert_array_equal(ops.convert_to_numpy(merge_heads(heads)), tokens)


def test_scores_have_the_variance_one():
    scores = attention_scores(numbers(400, 64), numbers(400, 64, seed=1))
    assert abs(float(ops.var(scores)) - 1) < 0.05


def test_cost_is_that_of_the_matrix_products():
    # 3 tokens of 2 features: four products (3, 2)·(2, 2), then (3, 2)·(2, 3), then (3, 3)·(3, 2)
    assert attention_cost(3, 2) == {"projections": 48, "scores": 18, "mixing": 18}


def test_what_does_not_fit_is_told():
    ones = np.ones
    with pytest.raises(ValueError, match="same head_dim"):
        attention_weights(ones((2, 3)), ones((2, 4)))
    with pytest.raises(ValueError, match="one value for each of the 2 keys"):
        scaled_dot_product_attention(ones((2, 3)), ones((2, 3)), ones((3, 3)))
    with pytest.raises(ValueError, match="boolean mask"):
        scaled_dot_product_attention(*[ones((2, 3))] * 3, mask=ones((2, 2)))
    with pytest.raises(ValueError, match="row of False"):
        scaled_dot_product_attention(*[ones((2, 3))] * 3, mask=np.array([[True, True], [False, False]]))
    with pytest.raises(ValueError, match="num_heads=5"):
        split_heads(ones((1, 2, 12)), 5)
    with pytest.raises(ValueError, match="four axes|num_heads, num_tokens"):
        merge_heads(ones((1, 2, 12)))
    with pytest.raises(ValueError, match="at least 1"):
        attention_cost(0, 4)
