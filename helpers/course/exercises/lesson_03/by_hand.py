"""Attention in plain NumPy, for the wrong answers of this lesson."""

import numpy as np


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def dot_products(queries, keys):
    return queries @ np.swapaxes(keys, -1, -2)


def scaled_scores(queries, keys):
    return dot_products(queries, keys) / np.sqrt(queries.shape[-1])
