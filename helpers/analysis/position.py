"""How alike the position embeddings are: what a model has learned about the plane that its patches lie in."""

import numpy as np


def position_similarity(position_embedding):
    """Compare every position with every other: the cosine of the angle between their vectors.

    cos(i, j) = p_i · p_j / (‖p_i‖ ‖p_j‖); Dosovitskiy et al. 2021, figure 7, https://arxiv.org/abs/2010.11929.

    Args:
        position_embedding: (1, num_tokens, hidden_dim) or (num_tokens, hidden_dim), any backend's.
    Returns:
        float64 (num_tokens, num_tokens) in [-1, 1], symmetric, 1 on the diagonal.
    Raises:
        ValueError: for another shape, or a position whose vector is 0 and so has no direction.
    """
    positions = np.asarray(position_embedding, dtype="float64")
    if positions.ndim == 3 and len(positions) == 1:
        positions = positions[0]
    if positions.ndim != 2:
        raise ValueError(
            "Expected positions (1, num_tokens, hidden_dim) or (num_tokens, hidden_dim); "
            f"received {np.shape(position_embedding)}."
        )
    lengths = np.linalg.norm(positions, axis=-1, keepdims=True)
    if not lengths.all():
        raise ValueError("A position whose vector is 0 has no direction to compare; give trained positions.")
    directions = positions / lengths
    return directions @ directions.T


def neighbour_share(similarity, grid_size):
    """Give the share of patches whose most similar other patch touches them (diagonals included).

    Args:
        similarity: (num_patches, num_patches), without the class token, row-major over the grid.
        grid_size: int, patches along a side.
    Returns:
        float in [0, 1]. On an 8×8 grid chance is 0.104.
    """
    similarity = np.array(similarity, dtype="float64")
    np.fill_diagonal(similarity, -np.inf)
    best = similarity.argmax(axis=1)
    here = np.stack(np.divmod(np.arange(grid_size**2), grid_size))
    there = np.stack(np.divmod(best, grid_size))
    return float(np.mean(np.abs(here - there).max(axis=0) == 1))
