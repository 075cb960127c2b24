"""Self-attention as pure functions: what MultiHeadSelfAttention does between its two projections.

Attention is a weighted average whose weights come from the tokens themselves (Vaswani et al. 2017,
https://arxiv.org/abs/1706.03762, section 3.2).
"""

from keras import ops

from helpers.model.image_checks import is_concrete

BLOCKED = -1e9  # a score whose softmax is exactly 0, and which stays finite


def attention_weights(queries, keys):
    """Say how much each query looks at each key: softmax(Q Kᵀ / √head_dim), over the keys.

    Args:
        queries: float (..., num_queries, head_dim).
        keys: float (..., num_keys, head_dim).
    Returns:
        (..., num_queries, num_keys); each row sums to 1.
    Raises:
        ValueError: if queries and keys have not the same head_dim, or fewer than two axes.
    """
    return ops.softmax(attention_scores(queries, keys), axis=-1)


def attention_scores(queries, keys):
    """Compare each query with each key, before the softmax: Q Kᵀ / √head_dim.

    Args, Raises: as `attention_weights`.
    Returns:
        (..., num_queries, num_keys), any real numbers; for queries and keys of independent numbers with mean
        0 and variance 1 the scores have mean 0 and variance 1 (Vaswani et al. 2017, section 3.2.1).
    """
    queries, keys = ops.convert_to_tensor(queries), ops.convert_to_tensor(keys)
    if min(len(queries.shape), len(keys.shape)) < 2 or queries.shape[-1] != keys.shape[-1]:
        raise ValueError(
            "Expected queries (..., num_queries, head_dim) and keys (..., num_keys, head_dim); received "
            f"{tuple(queries.shape)} and {tuple(keys.shape)}. Project both to the same head_dim."
        )
    return ops.matmul(queries, ops.swapaxes(keys, -1, -2)) * queries.shape[-1] ** -0.5


def scaled_dot_product_attention(queries, keys, values, mask=None):
    """Average the values by how well their keys fit each query: softmax(Q Kᵀ / √head_dim) V.

    Args:
        queries: float (..., num_queries, head_dim).
        keys: float (..., num_keys, head_dim).
        values: float (..., num_keys, value_dim).
        mask: None, or bool that broadcasts to (..., num_queries, num_keys); True may be looked at, as in
            Keras. It acts before the softmax, so that each row still sums to 1.
    Returns:
        output: (..., num_queries, value_dim).
        attention_weights: (..., num_queries, num_keys); each row sums to 1.
    Raises:
        ValueError: if the shapes do not fit, the mask is not boolean, or a query may look at nothing.
    """
    scores, values = attention_scores(queries, keys), ops.convert_to_tensor(values)
    if len(values.shape) < 2 or values.shape[-2] != scores.shape[-1]:
        raise ValueError(
            f"Expected one value for each of the {scores.shape[-1]} keys, (..., num_keys, value_dim); "
            f"received values {tuple(values.shape)}."
        )
    if mask is not None:
        mask = ops.convert_to_tensor(mask)
        if "bool" not in str(mask.dtype):
            raise ValueError(
                f"Expected a boolean mask, True where a query may look; received {mask.dtype}. "
                "Write it as a comparison, such as mask > 0."
            )
        if is_concrete(mask) and not bool(ops.all(ops.any(mask, axis=-1))):
            raise ValueError(
                "Expected a mask that leaves each query at least one key; received a row of False. "
                "Let every token look at itself."
            )
        scores = ops.where(mask, scores, ops.cast(BLOCKED, scores.dtype))
    weights = ops.softmax(scores, axis=-1)
    return ops.matmul(weights, values), weights


def split_heads(tokens, num_heads):
    """Deal the features of each token out to the heads: the first head_dim to the first head, and so on.

    Args:
        tokens: (batch, num_tokens, hidden_dim).
        num_heads: int that divides hidden_dim.
    Returns:
        (batch, num_heads, num_tokens, head_dim), head_dim = hidden_dim / num_heads.
    Raises:
        ValueError: if the tokens have not three axes, or the heads do not divide hidden_dim.
    """
    tokens = ops.convert_to_tensor(tokens)
    if len(tokens.shape) != 3 or num_heads < 1 or tokens.shape[-1] % num_heads:
        raise ValueError(
            "Expected tokens (batch, num_tokens, hidden_dim) with a hidden_dim that num_heads divides; "
            f"received {tuple(tokens.shape)} and num_heads={num_heads}. Choose heads that divide "
            "the last axis."
        )
    _, num_tokens, hidden_dim = tokens.shape
    tokens = ops.reshape(tokens, (-1, num_tokens, num_heads, hidden_dim // num_heads))
    return ops.transpose(tokens, (0, 2, 1, 3))  # (batch, num_heads, num_tokens, head_dim)


def merge_heads(heads):
    """Put the heads side by side again, the inverse of `split_heads`.

    Args:
        heads: (batch, num_heads, num_tokens, head_dim).
    Returns:
        (batch, num_tokens, num_heads · head_dim).
    Raises:
        ValueError: if the heads have not four axes.
    """
    heads = ops.convert_to_tensor(heads)
    if len(heads.shape) != 4:
        raise ValueError(
            "Expected heads (batch, num_heads, num_tokens, head_dim); received "
            f"{tuple(heads.shape)}. split_heads gives that shape."
        )
    _, num_heads, num_tokens, head_dim = heads.shape
    tokens = ops.transpose(heads, (0, 2, 1, 3))  # (batch, num_tokens, num_heads, head_dim)
    return ops.reshape(tokens, (-1, num_tokens, num_heads * head_dim))


def attention_cost(num_tokens, hidden_dim):
    """Count the multiply-adds of one self-attention layer for one image; biases and softmax left out.

    The number of heads does not matter: each head is narrower by as much as there are more of them.

    Args:
        num_tokens: int, class token included.
        hidden_dim: int, num_heads · head_dim.
    Returns:
        dict: "projections", 4 · num_tokens · hidden_dim² (queries, keys, values, output); "scores" and
        "mixing", num_tokens² · hidden_dim each (Q Kᵀ, and the weights times V).
    Raises:
        ValueError: if a number is below 1.
    """
    if num_tokens < 1 or hidden_dim < 1:
        raise ValueError(
            f"Expected num_tokens and hidden_dim of at least 1; received {num_tokens} and {hidden_dim}."
        )
    pairs = num_tokens**2 * hidden_dim
    return {"projections": 4 * num_tokens * hidden_dim**2, "scores": pairs, "mixing": pairs}
