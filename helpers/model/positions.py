"""Learned positions for another number of patches, so that a network reads images of another size."""

import math

from keras import ops


def interpolate_positions(position_embedding, grid_size, *, has_class_token=True, antialias=True):
    """Stretch learned positions to another grid, so that a model reads images of another size.

    Bicubic, as in the paper (section 3.2); the class token's own position is kept as it is.

    Args:
        position_embedding: (1, num_tokens, hidden_dim), its patches on a square grid.
        grid_size: int, or (rows, columns): the new grid.
        has_class_token: whether the first token is the class token.
        antialias: whether a smaller grid is averaged rather than sampled. False only where a published model
            was interpolated so: then PyTorch, whose bicubic curve is another, gives other numbers, smaller
            and larger grids alike.
    Returns:
        (1, rows · columns + has_class_token, hidden_dim).
    Raises:
        ValueError: if the old patches do not form a square grid.
    """
    positions = ops.convert_to_tensor(position_embedding)
    first, patches = positions[:, : int(has_class_token)], positions[:, int(has_class_token) :]
    old = math.isqrt(patches.shape[1])
    if old * old != patches.shape[1]:
        raise ValueError(
            f"Expected positions of a square grid of "
            f"patches{' after one class token' if has_class_token else ''}; "
            f"received {patches.shape[1]} patches, which is no square. Set has_class_token to what the "
            f"model has."
        )
    rows, columns = (grid_size, grid_size) if isinstance(grid_size, int) else tuple(grid_size)
    if (rows, columns) == (old, old):
        return positions
    grid = ops.reshape(patches, (1, old, old, -1))
    grid = ops.image.resize(
        grid, (rows, columns), interpolation="bicubic", antialias=antialias, data_format="channels_last"
    )
    return ops.concatenate([first, ops.reshape(grid, (1, rows * columns, -1))], axis=1)
