"""How a network starts: plain noise, or attention as trained networks have it (mimetic initialisation)."""

import numpy as np
from keras import ops

from helpers.model.checkpoints import build_model, load_manifest


def untrained_twin(name, seed=None, *, initialisation=None, folder=None):
    """Build a shipped network untrained: the control for what training has done.

    The same architecture and the same kind of start, not the run's own first weights: the numbers are drawn
    by NumPy, so that they are the same on every backend.

    Args:
        name: a name of the manifest, such as "cifar/4".
        seed: int; None for the run's own.
        initialisation: "plain", "mimetic", or None for the run's own.
        folder: as in `load_checkpoint`.
    Returns:
        VisionTransformer or ResNet.
    Raises:
        ValueError: for a name that the manifest does not have.
    """
    manifest = load_manifest(folder)
    if name not in manifest:
        raise ValueError(
            f"Unknown checkpoint {name!r}: expected one of {', '.join(manifest) or '(none are here)'}."
        )
    row = manifest[name]
    seed = row["seed"] if seed is None else seed
    model = build_model(row["kind"], row["config"])
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        if len(shape) < 2 or variable.path.endswith("class_token"):
            continue  # offsets and gains start at 0 and 1 whatever the seed
        spread = 0.02 if row["kind"] == "VisionTransformer" else np.sqrt(2 / np.prod(shape[:-1]))
        numbers = rng.standard_normal(shape)
        while (far := np.abs(numbers) > 2).any():  # cut at two standard deviations
            numbers[far] = rng.standard_normal(far.sum())
        variable.assign((spread * numbers).astype("float32"))
    if (initialisation or row["recipe"]["initialisation"]) == "mimetic" and hasattr(model, "patch_embedding"):
        mimetic_initialisation(model, seed)
    return model


def mimetic_initialisation(
    model, seed=0, *, query_key=(0.7, 0.7), value_output=(0.4, -0.4), position_scale=0.3
):
    """Set the attention matrices and positions of an untrained model to look like those of a trained one.

    Per head W_Q W_Kᵀ ≈ a Z + b I, so that a token first looks at tokens like itself; over all heads
    W_V W_O ≈ a Z + b I with b < 0; Z is Gaussian with variance 1 / hidden_dim. Positions start as
    two-dimensional sines and cosines. Trockman & Kolter 2023, https://arxiv.org/abs/2305.09828, section 3.

    Args:
        model: VisionTransformer, changed in place.
        seed: int.
        query_key, value_output: (a, b) of the two products.
        position_scale: float, the factor on the sines and cosines (the class token's position stays as it
            is).
    """
    rng = np.random.default_rng(seed)
    width, num_heads, head_dim = model.config.hidden_dim, model.config.num_heads, model.config.head_dim

    def target(noise, identity):
        return noise * rng.standard_normal((width, width)) / np.sqrt(width) + identity * np.eye(width)

    for block in model.blocks:
        queries, keys = (np.zeros((width, num_heads, head_dim)) for _ in range(2))
        for head in range(num_heads):
            queries[:, head], keys[:, head] = split_product(target(*query_key), head_dim)
        values, output = split_product(target(*value_output), width)
        qkv = np.concatenate([queries.reshape(width, width), keys.reshape(width, width), values], axis=1)
        block.attention.qkv.kernel.assign(qkv.astype("float32"))
        block.attention.output_projection.kernel.assign(output.T.astype("float32"))
    positions = ops.convert_to_numpy(model.class_token_and_position.position_embedding).copy()
    positions[0, int(model.config.has_class_token) :] = position_scale * sincos_positions(
        model.config.grid_size, width
    )
    model.class_token_and_position.position_embedding.assign(positions)


def split_product(matrix, rank):
    """Write a matrix as left · rightᵀ of a given rank, the singular values shared evenly between the two."""
    left, singular_values, right = np.linalg.svd(matrix)
    root = np.sqrt(singular_values[:rank])
    return left[:, :rank] * root, right[:rank].T * root


def sincos_positions(grid_size, hidden_dim, temperature=10_000.0):
    """Give fixed two-dimensional positions: a quarter of the features each for sin and cos of row and column.

    Args:
        grid_size: int, patches along a side; hidden_dim: int, a multiple of 4.
    Returns:
        float (grid_size², hidden_dim) in [-1, 1], row by row.
    Raises:
        ValueError: if hidden_dim is not a multiple of 4.
    """
    if hidden_dim % 4:
        raise ValueError(
            f"Sine and cosine of row and column need a hidden_dim that is a multiple of 4: {hidden_dim}."
        )
    frequencies = temperature ** -(np.arange(hidden_dim // 4) / (hidden_dim // 4))
    rows, columns = np.divmod(np.arange(grid_size**2), grid_size)
    angles = np.concatenate([np.outer(rows, frequencies), np.outer(columns, frequencies)], axis=1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
