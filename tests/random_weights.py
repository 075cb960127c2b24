"""Weights that are neither zeros nor what training begins with: nothing in a network is without effect."""

import numpy as np


def with_random_weights(model, seed=1, scale=0.5):
    """Give every weight of a model, biases and gains too, normal numbers; return the model."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(rng.standard_normal(variable.shape).astype("float32") * scale)
    return model
