"""From the last block back to the image: attention followed through all blocks, in three ways.

One block's weights tell where a token looks, but what lies there has been mixed by the blocks before. Rollout
multiplies the blocks, gradient rollout weighs them by what they do to a class, and flow asks how much could
get through.
"""

import math

import numpy as np

from helpers.analysis.attention import ALL_AXES, as_array, as_attention

HEAD_FUSIONS = {"mean": np.sum, "max": np.max, "min": np.min}  # the sum and a division beat np.mean by far
UNITS = 2**30  # the flow solver counts in whole numbers of 32 bits: a capacity of 1 is this many


def attention_rollout(
    attention_weights,
    *,
    residual=0.5,
    head_fusion="mean",
    discard_ratio=0.0,
    has_class_token=None,
    queries=None,
):
    """Trace how much of each input token has reached each output token.

    A = (1 − residual) · fuse(attention) + residual · I per block, each row then divided by its sum, and
    multiplied from the first block to the last: A_depth … A_2 A_1 (Abnar & Zuidema 2020,
    https://arxiv.org/abs/2005.00928). The mean of heads and the residual of 0.5 are theirs; the maximum, the
    minimum and the discarding come from https://github.com/jacobgil/vit-explain.

    With "mean" and nothing discarded the rows sum to 1 by themselves, and `residual` is the share of the skip
    connection. Else the division changes it: the maximum of the heads leaves the skip less than `residual`,
    the minimum and discarding leave it more. A row with nothing left keeps its own token.

    Discarding sets the lowest weights of a block to 0 before the skip is added, for each image by itself: of
    all weights from any token to a patch, the share `discard_ratio`. Weights to the class token, its own and
    every patch's, are kept and do not count. Of equal weights at the limit all are kept.

    Args:
        attention_weights: float (depth, batch, num_heads, num_tokens, num_tokens), the first block first; or
            any other axes, or none, in the place of batch. Rows sum to 1.
        residual: float in [0, 1], the weight of the skip connection.
        head_fusion: "mean", "max" or "min" over the heads.
        discard_ratio: float in [0, 1), the share of weights to discard.
        has_class_token: whether the first token is the class token, which is never discarded. None: where
            the number of tokens is a square there is none, all being patches of a square image, else there
            is one. Only discarding needs to know.
        queries: indices of the output tokens to trace, such as [0] for the class token alone, which takes
            a fraction of the time; None for all.
    Returns:
        float (batch, num_tokens, num_tokens), or (batch, len(queries), num_tokens); rows sum to 1.
        float64 for float64 weights, else float32.
    Raises:
        ValueError: if the shape is another, rows do not sum to 1, an option is out of its range, or a query
            is no token.
    """
    weights = as_attention(attention_weights, ALL_AXES, min_axes=4)
    queries = _check_queries(queries, weights.shape[-1])
    traced = None
    for block in weights[::-1]:  # from the last: a few rows of the product need no more than these rows
        mixing = _mix(block, residual, head_fusion, discard_ratio, has_class_token)
        traced = mixing[..., queries, :] if traced is None else traced @ mixing
    return traced


def block_mixing(
    attention_weights, *, residual=0.5, head_fusion="mean", discard_ratio=0.0, has_class_token=None
):
    """Say how one block mixes the tokens, its skip connection included: the factor of `attention_rollout`.

    Args:
        attention_weights: float (..., num_heads, num_tokens, num_tokens) of one block.
        residual, head_fusion, discard_ratio, has_class_token: as in `attention_rollout`.
    Returns:
        float (..., num_tokens, num_tokens); rows sum to 1.
    Raises:
        ValueError: if the shape is another, rows do not sum to 1, or an option is out of its range.
    """
    weights = as_attention(attention_weights, "(..., num_heads, num_tokens, num_tokens)", min_axes=3)
    return _mix(weights, residual, head_fusion, discard_ratio, has_class_token)


def gradient_rollout(attention_weights, attention_gradients, *, normalise=False, queries=None):
    """Trace the attention that speaks for a class: a rollout in which gradients weigh each head and token.

    C = mean over heads of max(gradient · attention, 0) per block, then (I + C_depth) … (I + C_2)(I + C_1)
    (Chefer, Gur & Wolf 2021, https://arxiv.org/abs/2103.15679, equations 5 and 6). The gradient of a block
    belongs to the attention of the same block. The row of the class token is the map; its values count only
    beside each other, since C grows with the gradients.

    With `normalise=True` each row of I + C is divided by its sum, as in the gradient rollout of
    https://github.com/jacobgil/vit-explain (which takes the mean over heads before the maximum, and pairs the
    blocks in reverse order).

    Args:
        attention_weights: float (depth, batch, num_heads, num_tokens, num_tokens), the first block first; or
            any other axes, or none, in the place of batch. Rows sum to 1.
        attention_gradients: float, the same shape: ∂ logit / ∂ attention weight, as
            `helpers.model.gradients.attention_gradients` gives them.
        normalise: whether rows are made to sum to 1.
        queries: indices of the output tokens to trace; None for all.
    Returns:
        float (batch, num_tokens, num_tokens), or (batch, len(queries), num_tokens), 0 or more.
    Raises:
        ValueError: if the shapes are others or differ, rows do not sum to 1, a gradient is not finite, or a
            query is no token.
    """
    weights = as_attention(attention_weights, ALL_AXES, min_axes=4)
    gradients = as_array(attention_gradients)
    if gradients.shape != weights.shape or not np.isfinite(gradients).all():
        raise ValueError(
            f"Expected finite gradients of the shape of the attention weights, {weights.shape}; received "
            f"{gradients.shape}. Take them from attention_gradients(model, images), for the same images."
        )
    queries = _check_queries(queries, weights.shape[-1])
    traced = None
    for block, gradient in zip(weights[::-1], gradients[::-1]):
        relevance = np.maximum(gradient * block, 0).mean(axis=-3)  # (..., num_tokens, num_tokens)
        mixing = _with_skip(relevance, 1, normalise=normalise)
        traced = mixing[..., queries, :] if traced is None else traced @ mixing
    return traced


def attention_flow(attention_weights, *, residual=0.5, head_fusion="mean", normalise=True, queries=None):
    """Ask how much could get from each input token to each output token, if weights were widths of pipes.

    The tokens before each block and after the last are nodes; the edge from a token to one of the layer below
    has the capacity A[query, key] of `attention_rollout`. The answer for a pair is the maximum flow between
    them (Abnar & Zuidema 2020, https://arxiv.org/abs/2005.00928), each pair by itself. Rollout
    multiplies along a path, flow is limited by its narrowest pipe, so more gets through: over many blocks of
    wide attention every flow reaches 1, all there is, and says nothing any more.

    For small cases: one maximum flow for each image, query and token. The class token of one image, 9 blocks
    and 65 tokens take 0.1 s on one core; all its 65 tokens, 6 s.

    Args:
        attention_weights: float (depth, batch, num_heads, num_tokens, num_tokens), the first block first; or
            any other axes, or none, in the place of batch. Rows sum to 1.
        residual, head_fusion: as in `attention_rollout`.
        normalise: whether each row is divided by its sum, as in the authors' code; else the flows themselves,
            0 to 1.
        queries: indices of the output tokens, such as [0] for the class token alone; None for all.
    Returns:
        float64 (batch, num_tokens, num_tokens), or (batch, len(queries), num_tokens), exact to 1e-5.
    Raises:
        ValueError: as in `attention_rollout`.
    """
    weights = as_attention(attention_weights, ALL_AXES, min_axes=4)
    queries = _check_queries(queries, weights.shape[-1])
    mixing = np.stack([_mix(block, residual, head_fusion, 0.0, None) for block in weights])
    mixing = mixing.astype("float64")  # (depth, ..., num_tokens, num_tokens)
    flows = np.empty((*mixing.shape[1:-2], len(queries), mixing.shape[-1]))
    for image in np.ndindex(mixing.shape[1:-2]):
        flows[image] = _maximum_flows(mixing[:, *image], queries)
    return flows / flows.sum(axis=-1, keepdims=True) if normalise else flows


def _mix(weights, residual, head_fusion, discard_ratio, has_class_token):
    """Do what `block_mixing` says, with weights (..., num_heads, num_tokens, num_tokens) checked already."""
    if head_fusion not in HEAD_FUSIONS:
        names = ", ".join(f'"{name}"' for name in HEAD_FUSIONS)
        raise ValueError(f"Expected a head_fusion of {names}; received {head_fusion!r}.")
    if not 0 <= residual <= 1:
        raise ValueError(f"Expected a residual from 0 (no skip) to 1 (nothing else); received {residual!r}.")
    if not 0 <= discard_ratio < 1:
        raise ValueError(
            f"Expected a discard_ratio of at least 0 and less than 1; received {discard_ratio!r}. "
            "0.9 keeps the highest tenth."
        )
    fused = HEAD_FUSIONS[head_fusion](weights, axis=-3)  # (..., num_tokens, num_tokens)
    if head_fusion == "mean":
        fused /= weights.shape[-3]
    if has_class_token is None:
        has_class_token = math.isqrt(fused.shape[-1]) ** 2 != fused.shape[-1]
    _discard_lowest(fused[..., int(has_class_token) :], discard_ratio)
    fused *= 1 - residual
    return _with_skip(fused, residual)


def _maximum_flows(mixing, queries):
    """Solve one image: capacities (depth, num_tokens, num_tokens) -> flows (len(queries), num_tokens)."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_flow

    depth, num_tokens, _ = mixing.shape
    capacities = np.rint(mixing * UNITS).astype("int32")
    block, query, key = np.nonzero(capacities)
    nodes = ((block + 1) * num_tokens + query, block * num_tokens + key)  # layer · num_tokens + token
    graph = csr_matrix((capacities[block, query, key], nodes), shape=((depth + 1) * num_tokens,) * 2)
    flows = [
        [maximum_flow(graph, depth * num_tokens + query, key).flow_value for key in range(num_tokens)]
        for query in queries.tolist()
    ]
    return np.minimum(np.array(flows) / UNITS, 1.0)


def _discard_lowest(weights, ratio):
    """Set the lowest weights (..., num_tokens, keys) of each image to 0, in place."""
    flat = weights.reshape(*weights.shape[:-2], -1)
    discarded = int(ratio * flat.shape[-1] + 1e-9)  # 0.29 · 100 is 28.999…
    if discarded:
        limit = np.partition(flat, discarded, axis=-1)[..., discarded, None, None]
        weights *= weights >= limit


def _with_skip(mixing, skip, *, normalise=True):
    """Add the skip connection to (..., num_tokens, num_tokens), in place; then make its rows sum to 1."""
    diagonal = np.arange(mixing.shape[-1])
    mixing[..., diagonal, diagonal] += skip
    if normalise:
        total = mixing @ np.ones(mixing.shape[-1], mixing.dtype)
        mixing[..., diagonal, diagonal] += total == 0  # nothing comes in: the token stays as it is
        mixing /= np.where(total == 0, 1, total)[..., None]
    return mixing


def _check_queries(queries, num_tokens):
    if queries is None:
        return np.arange(num_tokens)
    chosen = np.asarray(queries)
    whole = chosen.ndim == 1 and chosen.dtype.kind in "iu" and len(chosen)
    if not (whole and 0 <= chosen.min() and chosen.max() < num_tokens):
        raise ValueError(
            f"Expected queries as a list of tokens from 0 to {num_tokens - 1}; received {queries!r}. "
            "The class token alone is [0]."
        )
    return chosen
