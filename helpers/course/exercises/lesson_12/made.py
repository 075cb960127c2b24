"""Numbers to try answers on."""

import numpy as np


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)
