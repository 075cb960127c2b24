"""What attention weights say by themselves: where the class token looks, how far, how sharply, and when.

They say how tokens are mixed, which is not yet why the model decides as it does (Jain & Wallace 2019,
https://arxiv.org/abs/1902.10186).
"""

import math

import numpy as np

ALL_AXES = "(depth, batch, num_heads, num_tokens, num_tokens)"  # what `activations` gives
ROW_TOLERANCE = 0.01  # how far the sum of a row may lie from 1: rows computed in bfloat16 are that rough


def class_attention(attention_weights, *, grid=None):
    """Lay the class token's attention over the patches out as the image is.

    map[r, c] = attention_weights[0, 1 + r · columns + c]: row 0 of the queries is the class token, and what
    it gives to itself, key 0, is left out, so that a map sums to 1 − attention_weights[0, 0].

    Args:
        attention_weights: float (..., queries, keys), rows sum to 1, the class token first in both; also
            the output of `attention_rollout`.
        grid: None where the patches form a square, else (rows, columns).
    Returns:
        float (..., rows, columns), the leading axes kept.
    Raises:
        ValueError: if the rows do not sum to 1, or the patches do not fill the grid.
    """
    weights = as_attention(attention_weights, "(..., queries, keys)", square=False)
    return patch_map(weights[..., 0, :], grid=grid)


def patch_map(token_values, *, grid=None, has_class_token=True):
    """Lay one number a token out as the image is, the class token left out.

    Args:
        token_values: (..., num_tokens), such as one row of a rollout; patches row-major over the grid.
        grid: None where the patches form a square, else (rows, columns).
        has_class_token: whether the first token is the class token.
    Returns:
        (..., rows, columns).
    Raises:
        ValueError: if the patches do not fill the grid.
    """
    patches = as_array(token_values)[..., int(has_class_token) :]
    rows, columns = _grid_shape(patches.shape[-1], grid, has_class_token)
    return patches.reshape(*patches.shape[:-1], rows, columns)


def attention_entropy(attention_weights):
    """Measure how widely each query looks, as the entropy of its row: −Σ_k A[q, k] · ln A[q, k].

    exp(entropy) is the number of keys over which even attention would have the same entropy. Shannon 1948;
    used for the heads of a transformer by Clark et al. 2019, https://arxiv.org/abs/1906.04341.

    Args:
        attention_weights: float (..., queries, keys), rows sum to 1.
    Returns:
        float (..., queries), in nats: 0 for a query that looks at one key, ln(keys) for even attention.
    Raises:
        ValueError: if the rows do not sum to 1.
    """
    weights = as_attention(attention_weights, "(..., queries, keys)", square=False)
    logarithms = np.log(weights, out=np.zeros_like(weights), where=weights > 0)  # 0 · ln 0 counts as 0
    return np.abs(np.einsum("...k,...k->...", weights, logarithms))  # the sum is never above 0


def mean_attention_distance(
    attention_weights, patch_size, *, grid=None, has_class_token=True, renormalise=True
):
    """Measure how far a head looks: the mean distance between patches, weighted by attention.

    mean over the queries q of Σ_k A[q, k] · distance(q, k), where q and k are patches only and the distance
    runs from centre to centre (Raghu et al. 2021, https://arxiv.org/abs/2108.08810). The class
    token stands nowhere; without its column the rows of A no longer sum to 1. So they are divided by what is
    left of them, which makes them an average over patches. With `renormalise=False` they stay as they are,
    as in much public code: attention to the class token then counts as distance 0, and a head that looks at
    it more seems to look less far.

    Args:
        attention_weights: float (depth, batch, num_heads, num_tokens, num_tokens), as `activations` gives
            them; or fewer axes in front of the last two. Rows sum to 1.
        patch_size: side of a patch in pixels.
        grid: None where the patches form a square, else (rows, columns).
        has_class_token: whether the first token is the class token.
        renormalise: see above.
    Returns:
        float64 (depth, num_heads), in pixels, for five axes: all queries of all images count alike. With
        fewer axes the leading ones are kept, and nothing but the queries is averaged. A renormalised query
        that gives the patches nothing has no distance and does not count; where none counts, NaN. Even
        attention gives 16.5 px for 8×8 patches of 4 px, 116.5 for 14×14 of 16, 115.5 for 7×7 of 32.
    Raises:
        ValueError: if the shape is another, the rows do not sum to 1, the patches do not fill the grid, or
            `patch_size` is not above 0.
    """
    weights = as_attention(attention_weights, ALL_AXES, max_axes=5)
    first = int(has_class_token)
    weights = weights[..., first:, first:]
    distances = patch_distances(_grid_shape(weights.shape[-1], grid, has_class_token), patch_size)
    total = np.einsum("...qk,qk->...q", weights, distances)
    counted = np.ones(total.shape, bool)
    if renormalise:
        looked = weights.sum(axis=-1, dtype="float64")
        counted = looked > 0
        total = np.divide(total, looked, out=np.zeros_like(total), where=counted)
    averaged = (1, -1) if weights.ndim == 5 else -1
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: no query looks at any patch
        return total.sum(axis=averaged) / counted.sum(axis=averaged)


def patch_distances(grid, patch_size):
    """Measure the distances between the centres of patches: patch_size · √(Δrow² + Δcolumn²).

    Args:
        grid: (rows, columns).
        patch_size: side of a patch in pixels; 1 gives distances in patches.
    Returns:
        float64 (rows · columns, rows · columns), in pixels, row-major over the grid.
    Raises:
        ValueError: if `patch_size` is not above 0.
    """
    if not patch_size > 0:
        raise ValueError(f"Expected a patch_size in pixels, above 0; received {patch_size!r}.")
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return patch_size * np.hypot(row[:, None] - row, column[:, None] - column)


def most_focused_layers(attention_weights, region, patch_size=None, *, grid=None):
    """Say which layers put the most of the class token's attention inside a region of the image.

    For each layer the heads are averaged, then share = Σ_k a_k · coverage_k / Σ_k a_k over the patches k,
    where a is the class token's row and coverage the part of a patch that lies in the region; then the images
    are averaged. The class token's attention to itself does not count.

    Compare the shares with `patch_coverage(...).mean()`, which even attention gives: a region that fills half
    of the image gets half of it from a model that looks at nothing in particular.

    Args:
        attention_weights: float (depth, batch, num_heads, num_tokens, num_tokens), or without batch, or
            without batch and heads. Rows sum to 1; the class token is the first.
        region: a mask or a box, as in `patch_coverage`; a mask may have a batch axis in front, one mask an
            image.
        patch_size: side of a patch in pixels, for a region in pixels; None for one in patches.
        grid: None where the patches form a square, else (rows, columns).
    Returns:
        layers: int (depth,), counted from 0, the most focused first; the earlier of two equal ones first.
        shares: float64 (depth,) in [0, 1], in the order of the model.
    Raises:
        ValueError: if a shape is another, the rows do not sum to 1, or the region does not fit the image.
    """
    weights = as_attention(attention_weights, ALL_AXES, min_axes=3, max_axes=5)
    looked = weights[..., 0, 1:].astype("float64")  # (depth, ..., num_patches)
    grid = _grid_shape(looked.shape[-1], grid)
    if weights.ndim > 3:
        looked = looked.mean(axis=-2)  # the heads
    coverage = patch_coverage(region, grid, patch_size)
    if coverage.ndim == 3 and looked.shape[1:-1] != coverage.shape[:1]:
        raise ValueError(
            "Expected one mask, or one for each image of attention weights (depth, batch, …); received "
            f"{len(coverage)} masks for weights {weights.shape}."
        )
    coverage = coverage.reshape(*coverage.shape[:-2], -1)  # (num_patches,) or (batch, num_patches)
    inside, total = (looked * coverage).sum(axis=-1), looked.sum(axis=-1)
    shares = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    shares = shares.reshape(len(shares), -1).mean(axis=1)
    return np.argsort(-shares, kind="stable"), shares


def patch_coverage(region, grid, patch_size=None):
    """Say how much of each patch lies inside a region.

    Args:
        region: a mask (height, width) or (batch, height, width), whose values above 0 are inside; or a box
            (top, left, bottom, right) that ends before `bottom` and `right`.
        grid: (rows, columns) of patches.
        patch_size: side of a patch in pixels, for a region in pixels; None for one in patches.
    Returns:
        float64 (rows, columns) or (batch, rows, columns), 0 for outside to 1 for inside.
    Raises:
        ValueError: if the mask has not the size of the image, the box does not lie in it, or nothing is
            inside.
    """
    (rows, columns), side = grid, 1 if patch_size is None else patch_size
    unit = "patches; set patch_size where it is in pixels" if patch_size is None else "pixels"
    region = as_array(region)
    if region.shape == (4,):
        top, left, bottom, right = (float(edge) for edge in region)
        if not (0 <= top < bottom <= rows * side and 0 <= left < right <= columns * side):
            raise ValueError(
                f"Expected a box (top, left, bottom, right) inside {rows * side} × {columns * side} {unit}; "
                f"received {(top, left, bottom, right)}."
            )
        return np.outer(_overlap(top, bottom, rows, side), _overlap(left, right, columns, side))
    if region.ndim not in (2, 3) or region.shape[-2:] != (rows * side, columns * side):
        raise ValueError(
            f"Expected a mask (height, width) of {rows * side} × {columns * side} {unit}; or a box (top, "
            f"left, bottom, right); received shape {region.shape}. Resize the mask to what the model saw."
        )
    inside = (region > 0).astype("float64")
    if not inside.any(axis=(-2, -1)).all():
        raise ValueError("Expected a mask with something inside, values above 0; received an empty one.")
    patches = inside.reshape(*inside.shape[:-2], rows, side, columns, side)
    return patches.mean(axis=(-3, -1))  # (..., rows, columns)


def as_attention(attention_weights, expected, *, min_axes=2, max_axes=math.inf, square=True):
    """Check attention weights at the boundary: numbers of 0 or more in rows that sum to 1.

    Args:
        attention_weights: array of any backend.
        expected: str, the shape to name in an error.
        min_axes, max_axes: how many axes there may be.
        square: whether there must be as many queries as keys.
    Returns:
        NumPy array, float64 if it was float64 or whole numbers, else float32.
    Raises:
        ValueError: if it is not so.
    """
    if attention_weights is None:
        raise ValueError(
            f"Expected attention weights {expected}; received None. Ask for them: "
            'activations(model, images, keep="attention_weights").'
        )
    weights = as_array(attention_weights)
    wrong = not min_axes <= weights.ndim <= max_axes or 0 in weights.shape
    if wrong or (square and weights.shape[-1] != weights.shape[-2]):
        raise ValueError(
            f"Expected attention weights {expected}; received {weights.shape}. "
            "Give them as `activations` does, with queries and keys as the last two axes."
        )
    sums = weights @ np.ones(weights.shape[-1], weights.dtype)
    if not (weights.min() >= 0 and np.abs(sums - 1).max() <= ROW_TOLERANCE):  # also true for NaN
        raise ValueError(
            "Expected attention weights after the softmax, 0 or more, each row summing to 1 over the keys; "
            f"received values from {weights.min():.3g}, and sums from {sums.min():.3g} to {sums.max():.3g}. "
            "Scores need a softmax over the last axis first; cut attention needs renormalise=True."
        )
    return weights


def as_array(values):
    """Turn any backend's array into NumPy: float64 if it was, or for whole numbers; else float32."""
    if not isinstance(values, (np.ndarray, list, tuple)):
        from keras import ops  # only here: NumPy's own arrays need no backend, which takes seconds to load

        values = ops.convert_to_numpy(values)
    array = np.asarray(values)
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype("float64" if array.dtype.kind in "biu" else "float32")


def _grid_shape(num_patches, grid, has_class_token=True):
    rows, columns = (math.isqrt(num_patches),) * 2 if grid is None else grid
    if rows < 1 or rows * columns != num_patches:
        what = "no square" if grid is None else f"not {rows} × {columns}"
        raise ValueError(
            f"Expected patches that fill the grid; received {num_patches} patches"
            f"{' besides the class token' if has_class_token else ''}, which is {what}. "
            "Set grid=(rows, columns), or take tokens that are no patches away."
        )
    return rows, columns


def _overlap(start, end, count, side):
    """Give the part of each of `count` intervals of length `side` that lies between start and end."""
    edges = np.arange(count) * side
    return np.clip(np.minimum(end, edges + side) - np.maximum(start, edges), 0, None) / side
