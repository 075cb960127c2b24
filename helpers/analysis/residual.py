"""The residual stream: what its skip connections carry, how the class token changes, when the model decides.

Every block adds two branches to the stream, attention and MLP: z becomes z + f(z). Which of the two, z or
f(z), is the longer says whether a branch corrects the token or makes it anew.
"""

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.kept_fields import kept_fields

SUM_TOLERANCE = 0.02  # of the stream's length: how far bfloat16 may leave stream and branches from adding up


def norm_ratios(skip, branch):
    """Compare what the skip connection carries with what the branch adds: ‖z‖ / ‖f(z)‖.

    z is the stream before the branch, and f(z) the branch's output before it is added to z (Raghu et al.
    2021, https://arxiv.org/abs/2108.08810, section 5). Above 1 the skip connection carries more of the token,
    below 1 the branch does.

    Args:
        skip: float (..., num_tokens, hidden_dim), z; for a convolutional network (..., height, width,
            channels).
        branch: float, the same shape, f(z) before the residual add.
    Returns:
        float (..., num_tokens), or (..., height, width), 0 or more. Where the branch is 0, inf; where both
        are, NaN.
    Raises:
        ValueError: if the shapes differ or have fewer than two axes.
    """
    skip, branch = as_array(skip), as_array(branch)
    if skip.shape != branch.shape or skip.ndim < 2:
        raise ValueError(
            "Expected the skip and the branch of the same tokens, both (..., num_tokens, hidden_dim); "
            f"received {skip.shape} and {branch.shape}."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.linalg.norm(skip, axis=-1) / np.linalg.norm(branch, axis=-1)


def branch_norm_ratios(run, *, blocks_without_skip=()):
    """Give the norm ratios of both branches of every block, from one run of the model.

    The attention of block i is added to tokens[i], its MLP to tokens[i] + attention_output[i].

    Args:
        run: what `activations(model, images, keep=("tokens", "attention_output", "mlp_output"))` gives.
        blocks_without_skip: blocks, from 0, that were trained without skip connections:
            `model.config.blocks_without_skip`. Nothing passes their branches by, so their ratios are 0.
    Returns:
        attention, mlp: float (depth, batch, num_tokens) each, as `norm_ratios`.
    Raises:
        ValueError: if the run lacks one of the three fields; or if stream and branches do not add up, as
            where a block without skip was not named or `RemoveSkip` took one away.
    """
    stream, attention, mlp = kept_fields(run, ("tokens", "attention_output", "mlp_output"))
    has_skip = ~np.isin(np.arange(len(attention)), list(blocks_without_skip))
    has_skip = has_skip.reshape(-1, 1, 1, 1)  # (depth, batch, num_tokens, hidden_dim)
    before_attention = np.where(has_skip, stream[:-1], 0)
    after_attention = before_attention + attention
    before_mlp = np.where(has_skip, after_attention, 0)
    after_mlp = before_mlp + mlp
    error = np.linalg.norm(after_mlp - stream[1:], axis=(-2, -1)).max(axis=-1)  # (depth,)
    length = np.linalg.norm(stream[1:], axis=(-2, -1)).max(axis=-1)
    if (wrong := ~(error <= SUM_TOLERANCE * length)).any():
        raise ValueError(
            "Expected a stream that each block adds its branches to; received one where block "
            f"{int(wrong.argmax())}, from 0, does not. Set blocks_without_skip=model.config."
            "blocks_without_skip; for a run with RemoveSkip, give norm_ratios the skip and the branch."
        )
    return norm_ratios(before_attention, attention), norm_ratios(before_mlp, mlp)


def class_token_evolution(tokens, *, token=0):
    """Compare the class token after every block with itself after every other block.

    cos(i, j) = mean over images of t_i · t_j / (‖t_i‖ ‖t_j‖), t_i the token in the stream before block i.
    The mean of all tokens counts too, unlike in CKA: a part that is the same for every image raises it.

    Args:
        tokens: float (layers, batch, num_tokens, hidden_dim), such as run.tokens.
        token: which token; 0 is the class token where the model has one. None for each, with an axis of
            tokens in front.
    Returns:
        float (layers, layers) in [-1, 1], symmetric, 1 on the diagonal; or (num_tokens, layers, layers). NaN
        where a token is 0 and has no direction.
    Raises:
        ValueError: for another shape, or a token that is not there.
    """
    tokens = _as_stream(tokens)
    layers, batch, num_tokens, hidden_dim = tokens.shape
    if token is not None and not 0 <= token < num_tokens:
        raise ValueError(f"Expected a token from 0 to {num_tokens - 1}, or None; received {token!r}.")
    chosen = tokens if token is None else tokens[:, :, [token]]
    with np.errstate(invalid="ignore"):
        directions = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    directions = directions.transpose(2, 0, 1, 3)  # (num_tokens, layers, batch, hidden_dim)
    directions = directions.reshape(-1, layers, batch * hidden_dim)
    cosines = directions @ directions.transpose(0, 2, 1) / batch
    return cosines if token is None else cosines[0]


def logits_per_block(model, tokens):
    """Ask what the model would decide if it ended after each block: its own final norm and head, as they are.

    Args:
        model: VisionTransformer.
        tokens: float (layers, batch, num_tokens, hidden_dim), such as run.tokens: 0 is before the first
            block, and the last is what the head is made for.
    Returns:
        float (layers, batch, num_classes); the last are the model's own logits.
    Raises:
        ValueError: for a model that is no VisionTransformer, another shape, or another width than its own.
    """
    from helpers.model.kinds import expect_vit  # only here: arrays need no backend, slow to load

    expect_vit(model)
    tokens = _as_stream(tokens)
    if tokens.shape[-1] != model.config.hidden_dim:
        raise ValueError(
            f"Expected tokens of this model, {model.config.hidden_dim} features wide; received "
            f"{tokens.shape[-1]}."
        )
    from keras import ops

    read = tokens[:, :, :1] if model.config.has_class_token else tokens  # what the head looks at
    logits = model.classify(ops.convert_to_tensor(read.reshape(-1, *read.shape[2:])))
    return ops.convert_to_numpy(logits).reshape(*tokens.shape[:2], -1)


def decision_block(logits_per_block):
    """Find the block where the decision falls: the first from which on the predicted class is the final one.

    Args:
        logits_per_block: (layers, batch, num_classes), as `logits_per_block` gives them, in the order of the
            model. Of equal logits the lowest class counts.
    Returns:
        int (batch,), an index of the first axis: for logits of run.tokens 0 means before any block, and i
        after block i, counted from 1.
    Raises:
        ValueError: for another shape, or logits that are not finite.
    """
    logits = as_array(logits_per_block)
    if logits.ndim != 3 or 0 in logits.shape or not np.isfinite(logits).all():
        raise ValueError(
            f"Expected finite logits (layers, batch, num_classes); received {logits.shape}. Take them from "
            "logits_per_block(model, run.tokens)."
        )
    predicted = logits.argmax(axis=-1)  # (layers, batch)
    differs = predicted != predicted[-1]
    return np.where(differs.any(axis=0), len(predicted) - differs[::-1].argmax(axis=0), 0)


def _as_stream(tokens):
    if tokens is None or np.ndim(tokens) != 4 or 0 in np.shape(tokens):
        raise ValueError(
            "Expected tokens (layers, batch, num_tokens, hidden_dim), such as activations(model, images)."
            f"tokens; received {None if tokens is None else tuple(np.shape(tokens))}."
        )
    return as_array(tokens)
