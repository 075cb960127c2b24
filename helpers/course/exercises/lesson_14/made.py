"""Maps to try answers on."""

import numpy as np


def random_maps(seed, *shape):
    return np.exp(1.2 * np.random.default_rng(seed).standard_normal(shape))


GRID = (-2, -1)
