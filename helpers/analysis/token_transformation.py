"""A rollout that asks what attention passes on, too: a patch that is looked at but arrives faint counts less.

Attention says how much of a token is taken; the values say what is taken. TokenTM weighs one with the other.
"""

import numpy as np

from helpers.analysis.attention import as_array


def transformation_weights(before, after):
    """Say how much of each token survives a transformation: its length and its direction.

    ‖after‖ / ‖before‖ · exp(cos) / mean over tokens of exp(cos), cos the cosine of before and after (Wu et
    al. 2024, https://arxiv.org/abs/2403.14552).

    Args:
        before, after: float (..., num_tokens, hidden_dim).
    Returns:
        float32 (..., num_tokens), 0 or more; 0 for a token that had no length.
    Raises:
        ValueError: if the shapes differ.
    """
    before, after = as_array(before), as_array(after)
    if before.shape != after.shape or before.ndim < 2:
        raise ValueError(
            "Expected tokens before and after, both (..., num_tokens, hidden_dim); received "
            f"{before.shape} and {after.shape}."
        )
    from keras import ops  # only here: the check needs no backend, slow to load

    pair = (ops.convert_to_tensor(tokens.astype("float32")) for tokens in (before, after))
    return ops.convert_to_numpy(_weights(*pair))


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
        ValueError: for a model that is no VisionTransformer, no image, or images that are not for it.
    """
    from helpers.model.compiled import compiled
    from helpers.model.kinds import expect_vit

    expect_vit(model)
    return compiled(model, _rows)(np.asarray(images), batch_size=batch_size)


def _weights(before, after):
    from keras import ops

    old, new = ops.norm(before, axis=-1), ops.norm(after, axis=-1)
    both = old * new
    direction = ops.exp(ops.sum(before * after, axis=-1) / ops.where(both > 0, both, 1.0))
    direction = direction / ops.mean(direction, axis=-1, keepdims=True)
    return ops.where(old > 0, new / ops.where(old > 0, old, 1.0), 0.0) * direction


def _rows(model, images):
    """Walk through the network, then back through the factors, row by row: (batch, num_patches)."""
    from keras import ops

    start = tokens = model.embed(images)
    factors, config = [], model.config
    for block in model.blocks:
        weights, values = block.attention.weights_and_values(block.norm1(tokens))
        middle = block.join(tokens, block.finish(block.attention.combine(weights, values), block.scale1))
        written = block.finish(block.mlp(block.norm2(middle)), block.scale2)
        passed = _weights(tokens, _pass_on(block, values))
        factors.append((ops.mean(weights, axis=1) * passed[:, None], _weights(middle, written)))
        tokens = block.join(middle, written)
    every = ops.eye(config.num_tokens, dtype=start.dtype)
    rows = every[None, :1] if config.has_class_token else every[None]
    for block, (attention, kept) in zip(model.blocks[::-1], factors[::-1]):
        rows = rows * (kept + float(block.has_skip))[:, None]
        rows = ops.matmul(rows, attention) + (rows if block.has_skip else 0.0)
    rows = ops.mean(rows * ops.norm(start, axis=-1)[:, None], axis=1)
    return ops.cast(rows[:, int(config.has_class_token) :], "float32")


def _pass_on(block, values):
    """Give what each token hands on when it is looked at: (batch, heads, tokens, head_dim) to (…, hidden)."""
    from keras import ops

    from helpers.model.attention import merge_heads

    passed = ops.matmul(merge_heads(values), block.attention.output_projection.kernel)
    return passed if block.scale1 is None else block.scale1(passed)
