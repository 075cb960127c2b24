"""A deep stack of untrained blocks, to see what its wiring does to the signal and to the gradient.

A wiring is a function with the arguments of `helpers.model.parts.encoder_block`: tokens, norm1, attention,
norm2, mlp. The weights are those of Xiong et al. 2020 (https://arxiv.org/abs/2002.04745, section 3.1).
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from helpers.model.gradients import gradients
from helpers.model.parts import block_parts, layer_norm


@dataclasses.dataclass(frozen=True)
class Stack:
    """The weights of untrained blocks: a dict a block, with the names of `helpers.model.parts`."""

    blocks: tuple
    num_heads: int

    @property
    def hidden_dim(self):
        return len(self.blocks[0]["norm1/gamma"])


def untrained_stack(depth, *, hidden_dim=64, num_heads=4, mlp_dim=128, seed=0):
    """Draw the weights of a stack: matrices normal with variance 2 / (inputs + outputs), biases 0, gains 1.

    Args:
        depth: int, number of blocks.
        hidden_dim, num_heads, mlp_dim: int, the sizes of a block.
        seed: int.
    Returns:
        Stack.
    Raises:
        ValueError: if there is no block, or the heads do not share the width evenly.
    """
    if depth < 1 or hidden_dim % num_heads:
        raise ValueError(
            "Expected a depth of at least 1, and a hidden_dim that is a multiple of num_heads; "
            f"received depth {depth}, hidden_dim {hidden_dim}, num_heads {num_heads}."
        )
    rng = np.random.default_rng(seed)

    def matrix(inputs, outputs):
        spread = np.sqrt(2 / (inputs + outputs))
        return rng.normal(0, spread, (inputs, outputs)).astype("float32")

    def block():
        ones, zeros = np.ones(hidden_dim, "float32"), np.zeros(hidden_dim, "float32")
        qkv = [matrix(hidden_dim, hidden_dim) for _ in range(3)]  # each as wide as it is long, then joined
        return {
            "norm1/gamma": ones,
            "norm1/beta": zeros,
            "attention/qkv/kernel": np.concatenate(qkv, axis=1),
            "attention/qkv/bias": np.zeros(3 * hidden_dim, "float32"),
            "attention/output_projection/kernel": matrix(hidden_dim, hidden_dim),
            "attention/output_projection/bias": zeros,
            "norm2/gamma": ones,
            "norm2/beta": zeros,
            "mlp/expand/kernel": matrix(hidden_dim, mlp_dim),
            "mlp/expand/bias": np.zeros(mlp_dim, "float32"),
            "mlp/contract/kernel": matrix(mlp_dim, hidden_dim),
            "mlp/contract/bias": zeros,
        }

    return Stack(tuple(block() for _ in range(depth)), num_heads)


def run_stack(tokens, stack, wiring):
    """Send tokens through a stack and keep the stream after every block.

    Args:
        tokens: float (batch, num_tokens, hidden_dim).
        stack: Stack.
        wiring: function of tokens, norm1, attention, norm2 and mlp.
    Returns:
        NumPy (depth + 1, batch, num_tokens, hidden_dim); 0 is what went in.
    """
    stream = [ops.convert_to_tensor(tokens)]
    for weights in stack.blocks:
        stream.append(wiring(stream[-1], *block_parts(weights, stack.num_heads)))
    return np.stack([ops.convert_to_numpy(tokens) for tokens in stream])


def gradient_norms(tokens, labels, stack, wiring, *, seed=0):
    """Measure how strongly the loss pulls at each block's second MLP matrix.

    The loss is the mean cross-entropy of logits that an untrained head reads off token 0, after a last norm
    without weights. The last norm leaves a post-norm stream as it is.

    Args:
        tokens: float (batch, num_tokens, hidden_dim).
        labels: integer (batch,), from 0.
        stack: Stack.
        wiring: function of tokens, norm1, attention, norm2 and mlp, of operations that can be differentiated.
        seed: int, of the head.
    Returns:
        NumPy (depth,), the root of the sum of squares of each block's gradient (Frobenius norm).
    """
    name, num_classes = "mlp/contract/kernel", int(np.max(labels)) + 1
    spread = np.sqrt(2 / (stack.hidden_dim + num_classes))
    head = np.random.default_rng(seed).normal(0, spread, (stack.hidden_dim, num_classes)).astype("float32")
    one_hot = np.eye(num_classes, dtype="float32")[np.asarray(labels)]

    def loss(matrices):
        stream = ops.convert_to_tensor(tokens)
        for weights, matrix in zip(stack.blocks, matrices):
            stream = wiring(stream, *block_parts(weights | {name: matrix}, stack.num_heads))
        logits = ops.matmul(layer_norm(stream[:, 0], 1.0, 0.0), head)
        return ops.mean(keras.losses.categorical_crossentropy(one_hot, logits, from_logits=True))

    _, found = gradients(loss, [weights[name] for weights in stack.blocks])
    return np.array([np.linalg.norm(gradient) for gradient in found])
