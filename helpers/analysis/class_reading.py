"""The class space in plain lines: how the head reads a token, and how it reads one part of a sum.

`project_to_classes` and `direct_effects` do so for whole models.
"""

import numpy as np

from helpers.analysis.attention import as_array


def read_tokens(tokens, gamma, beta, kernel, bias, epsilon=1e-6):
    """Read tokens as the head does: the final LayerNorm, then the matrix of the classes.

    logits = (gamma · (x − mean(x)) / √(var(x) + epsilon) + beta) · kernel + bias, mean and variance over the
    features of each token.

    Args:
        tokens: float (..., hidden_dim).
        gamma, beta: (hidden_dim,), scale and shift of the final LayerNorm.
        kernel, bias: (hidden_dim, num_classes) and (num_classes,), the head.
        epsilon: float, that of the model's norms.
    Returns:
        float (..., num_classes).
    Raises:
        ValueError: if the widths do not fit.
    """
    tokens, gamma, beta, kernel, bias = map(as_array, (tokens, gamma, beta, kernel, bias))
    _check_widths(tokens, gamma, kernel)
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    normalised = centred / np.sqrt(tokens.var(axis=-1, keepdims=True) + epsilon)
    return (gamma * normalised + beta) @ kernel + bias


def direct_effect(part, stream, gamma, kernel, epsilon=1e-6):
    """Say what one part of the last stream adds to each class, with the last norm held as the stream has it.

    effect = gamma · (part − mean(part)) / √(var(stream) + epsilon) · kernel. Parts that add up to the stream
    have effects that add up to its logits, but for beta · kernel + bias, which belongs to no part
    (Gandelsman et al. 2024, https://arxiv.org/abs/2310.05916, section 3).

    Args:
        part: float (..., hidden_dim), what an embedding, a branch, a head or a token put into the stream.
        stream: float (..., hidden_dim), the class token after the last block.
        gamma: (hidden_dim,), scale of the final LayerNorm.
        kernel: (hidden_dim, num_classes), the head's matrix.
        epsilon: float, that of the model's norms.
    Returns:
        float (..., num_classes), in logits.
    Raises:
        ValueError: if the widths do not fit.
    """
    part, stream, gamma, kernel = map(as_array, (part, stream, gamma, kernel))
    _check_widths(part, gamma, kernel)
    _check_widths(stream, gamma, kernel)
    centred = part - part.mean(axis=-1, keepdims=True)
    return gamma * centred / np.sqrt(stream.var(axis=-1, keepdims=True) + epsilon) @ kernel


def _check_widths(tokens, gamma, kernel):
    if kernel.ndim != 2 or tokens.shape[-1:] != kernel.shape[:1] or gamma.shape != kernel.shape[:1]:
        raise ValueError(
            "Expected tokens (..., hidden_dim), gamma (hidden_dim,) and kernel (hidden_dim, num_classes) of "
            f"one width; received {tokens.shape}, {gamma.shape} and {kernel.shape}."
        )
