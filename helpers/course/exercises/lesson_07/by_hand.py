"""Attention weights to try answers on, and rollout in plain NumPy."""

import numpy as np


def attention(seed, *shape, sharpness=2.0):
    weights = np.exp(sharpness * np.random.default_rng(seed).standard_normal(shape))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype("float32")


def eye_like(weights):
    return np.eye(weights.shape[-1], dtype="float32")


def rows_to_one(mixing):
    return mixing / mixing.sum(axis=-1, keepdims=True)


def product_of(blocks):
    """Multiply from the first block to the last: later blocks from the left."""
    traced = blocks[0]
    for block in blocks[1:]:
        traced = block @ traced
    return traced
