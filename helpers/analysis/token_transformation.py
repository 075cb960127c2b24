"""A rollout that asks what attention passes on, too: a patch that is looked at but arrives faint counts less.

Attention says how much of a token is taken; the values say what is taken. TokenTM weighs one with the other.
"""

import numpy as np

from helpers.analysis.attention import as_array

KEEP = ("tokens", "attention_weights", "attention_output", "values", "mlp_output")


def transformation_weights(before, after):
    """Say how much of each token survives a transformation: its length and its direction.

    ‖after‖ / ‖before‖ · exp(cos) / mean over tokens of exp(cos), cos the cosine of before and after (Wu et
    al. 2024, https://arxiv.org/abs/2403.14552).

    Args:
        before, after: float (..., num_tokens, hidden_dim).
    Returns:
        float (..., num_tokens), 0 or more; 0 for a token that had no length.
    Raises:
        ValueError: if the shapes differ.
    """
    before, after = as_array(before), as_array(after)
    if before.shape != after.shape or before.ndim < 2:
        raise ValueError(
            "Expected tokens before and after, both (..., num_tokens, hidden_dim); received "
            f"{before.shape} and {after.shape}."
        )
    old, new = (np.linalg.norm(tokens, axis=-1) for tokens in (before, after))
    both = old * new
    direction = np.exp((before * after).sum(axis=-1) / np.where(both > 0, both, 1))
    return new / np.where(old > 0, old, 1) * (old > 0) * direction / direction.mean(axis=-1, keepdims=True)


def token_transformation(model, images, *, batch_size=64):
    """Trace patches to what the head reads, by attention times what becomes of each token: TokenTM.

    C = diag(‖x‖) of the embedded tokens; then per block C ← (A · W + I) C and C ← (W′ + I) C. A is the mean
    of the heads, W holds the `transformation_weights` of each token on its way through values and output
    projection, W′ those of its MLP. Written from the description of TokenTM (Wu et al. 2024,
    https://arxiv.org/abs/2403.14552); it asks about no class. Where a block has no skip, I is left out.

    Args:
        model: VisionTransformer.
        images: (n, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        batch_size: images at a time.
    Returns:
        float32 (n, num_patches), 0 or more: the class token's row, or the mean of the patches' rows.
    Raises:
        ValueError: as `activation_batches` does.
    """
    from helpers.model.activations import activation_batches  # only here: arrays need no backend

    runs = activation_batches(model, images, batch_size, keep=KEEP)
    return np.concatenate([_trace(model, run) for run in runs])


def _trace(model, run):
    rows = None  # of the product of the factors, from the last block: (batch, 1 or all, num_tokens)
    for index in reversed(range(len(model.blocks))):
        block, before = model.blocks[index], run.tokens[index]
        skip = np.float32(block.has_skip)
        middle = skip * before + run.attention_output[index]
        passed = _pass_on(block, run.values[index])
        attention = run.attention_weights[index].mean(axis=1)  # (batch, queries, keys)
        attention = attention * transformation_weights(before, passed)[:, None, :]
        attention = attention + skip * np.eye(attention.shape[-1], dtype=attention.dtype)
        kept = transformation_weights(middle, run.mlp_output[index]) + skip  # (batch, num_tokens)
        if rows is None:
            first = slice(0, 1) if model.config.has_class_token else slice(None)
            rows = np.eye(attention.shape[-1], dtype=attention.dtype)[None, first]
        rows = (rows * kept[:, None, :]) @ attention
    rows = rows * np.linalg.norm(run.tokens[0], axis=-1)[:, None, :]
    return rows.mean(axis=1)[:, int(model.config.has_class_token) :]


def _pass_on(block, values):
    """What each token hands on when it is looked at: (batch, heads, tokens, head_dim) -> (…, hidden_dim)."""
    from keras import ops

    merged = values.swapaxes(1, 2).reshape(len(values), values.shape[2], -1)
    passed = merged @ ops.convert_to_numpy(block.attention.output_projection.kernel)
    return passed if block.scale1 is None else ops.convert_to_numpy(block.scale1(passed))
