"""The parts of an encoder block as pure functions: arrays and weights in, arrays out, nothing kept.

`helpers/model/vit.py` holds the same as layers, which own their weights. Weights are named here as they are
there, inside one block: "norm1/gamma", "attention/qkv/kernel", "mlp/expand/bias", …
"""

import numpy as np
from keras import ops

from helpers.model.attention import merge_heads, scaled_dot_product_attention, split_heads
from helpers.model.vit import gelu


def layer_norm(tokens, gamma, beta, epsilon=1e-6):
    """Give each token mean 0 and variance 1 over its own features, then a learned scale and shift.

    gamma · (x − mean(x)) / √(var(x) + epsilon) + beta, with mean and variance over the last axis
    (Ba, Kiros & Hinton 2016, https://arxiv.org/abs/1607.06450).

    Args:
        tokens: (..., hidden_dim).
        gamma, beta: (hidden_dim,), the scale and the shift of each feature.
        epsilon: float, keeps the root away from 0; 1e-6 in Vision Transformers, 1e-3 is Keras' default.
    Returns:
        the same shape as `tokens`.
    """
    tokens = ops.convert_to_tensor(tokens)
    mean = ops.mean(tokens, axis=-1, keepdims=True)  # (..., 1): each token has its own
    variance = ops.mean(ops.square(tokens - mean), axis=-1, keepdims=True)
    return gamma * (tokens - mean) / ops.sqrt(variance + epsilon) + beta


def mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    """Widen each token, bend it with the exact GELU, and bring it back to its width.

    GELU(x · W₁ + b₁) · W₂ + b₂, each token by itself (Dosovitskiy et al. 2021, section 3.1).

    Args:
        tokens: (..., hidden_dim).
        expand_kernel, expand_bias: (hidden_dim, mlp_dim) and (mlp_dim,).
        contract_kernel, contract_bias: (mlp_dim, hidden_dim) and (hidden_dim,).
    Returns:
        the same shape as `tokens`.
    """
    hidden = ops.matmul(tokens, expand_kernel) + expand_bias  # (..., mlp_dim)
    return ops.matmul(gelu(hidden), contract_kernel) + contract_bias


def self_attention(tokens, qkv_kernel, qkv_bias, output_kernel, output_bias, num_heads):
    """Let every token ask every token, in several heads: softmax(Q Kᵀ / √head_dim) V, then one projection.

    Args:
        tokens: (batch, num_tokens, hidden_dim).
        qkv_kernel, qkv_bias: (hidden_dim, 3 · hidden_dim) and (3 · hidden_dim,): queries, keys, values.
        output_kernel, output_bias: (hidden_dim, hidden_dim) and (hidden_dim,).
        num_heads: int, divides hidden_dim.
    Returns:
        the same shape as `tokens`.
    """
    queries_keys_values = ops.split(ops.matmul(tokens, qkv_kernel) + qkv_bias, 3, axis=-1)
    queries, keys, values = (split_heads(part, num_heads) for part in queries_keys_values)
    mixed, _ = scaled_dot_product_attention(queries, keys, values)  # (batch, num_heads, num_tokens, head_dim)
    return ops.matmul(merge_heads(mixed), output_kernel) + output_bias


def encoder_block(tokens, norm1, attention, norm2, mlp):
    """Wire one block so that the residual stream runs straight through it ("pre-norm").

    x + attention(norm1(x)), then x + mlp(norm2(x)) (Dosovitskiy et al. 2021, equations 2 and 3).

    Args:
        tokens: (batch, num_tokens, hidden_dim).
        norm1, attention, norm2, mlp: functions from tokens to tokens.
    Returns:
        the same shape as `tokens`.
    """
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


def block_weights(weights, block):
    """Pick the weights of one block out of those of a model, and name them as inside that block.

    Args:
        weights: dict from name to array, as `helpers.model.checkpoints.named_weights` gives it.
        block: int, from 0.
    Returns:
        dict with "norm1/gamma", "attention/qkv/kernel" and so on.
    Raises:
        ValueError: if there is no such block.
    """
    start = f"block_{block}/"
    found = {name.removeprefix(start): array for name, array in weights.items() if name.startswith(start)}
    if not found:
        raise ValueError(
            f"There is no block {block!r} in these weights: blocks are counted from 0. They hold "
            f"{', '.join(sorted({name.split('/')[0] for name in weights})) or 'nothing'}."
        )
    return found


def block_parts(weights, num_heads, *, layer_norm=layer_norm, mlp=mlp):
    """Give the four parts of a block as functions of the tokens alone, its weights filled in.

    Args:
        weights: dict, the weights of one block, from `block_weights`.
        num_heads: int.
        layer_norm, mlp: functions with the arguments of this module's own, to try others in their place.
    Returns:
        norm1, attention, norm2, mlp: the arguments that `encoder_block` takes after the tokens. Given NumPy
        tokens they return NumPy of the same type, so that functions of either kind can be mixed.
    """

    def filled(function, *names, **more):
        arrays = [weights[name] for name in names]

        def part(tokens):
            result = function(tokens, *arrays, **more)
            is_numpy = isinstance(tokens, np.ndarray)
            return ops.convert_to_numpy(result).astype(tokens.dtype) if is_numpy else result

        return part

    return (
        filled(layer_norm, "norm1/gamma", "norm1/beta"),
        filled(
            self_attention,
            "attention/qkv/kernel",
            "attention/qkv/bias",
            "attention/output_projection/kernel",
            "attention/output_projection/bias",
            num_heads=num_heads,
        ),
        filled(layer_norm, "norm2/gamma", "norm2/beta"),
        filled(mlp, "mlp/expand/kernel", "mlp/expand/bias", "mlp/contract/kernel", "mlp/contract/bias"),
    )


def count_parameters(config):
    """Count the numbers that a Vision Transformer learns, from its sizes alone.

    A dense layer from a to b features has a · b weights and b biases. A block has four dense layers of width
    hidden_dim in its attention (queries, keys, values, output), two in its MLP, and two norms.

    Args:
        config: ViTConfig.
    Returns:
        int: 86,567,656 for ViT-B/16 with 1000 classes.
    """
    width = config.hidden_dim
    patch_embedding = config.patch_size**2 * config.channels * width + width
    class_token_and_position = config.has_class_token * width + config.num_tokens * width
    norm = 2 * width
    attention = 4 * (width * width + width)
    mlp = (width * config.mlp_dim + config.mlp_dim) + (config.mlp_dim * width + width)
    layer_scale = 0 if config.layer_scale is None else 2 * width
    block = norm + attention + norm + mlp + layer_scale
    head = width * config.num_classes + config.num_classes
    return patch_embedding + class_token_and_position + config.depth * block + norm + head
