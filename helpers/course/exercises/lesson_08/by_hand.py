"""Features to try answers on, and the centrings of this lesson in plain NumPy."""

import numpy as np


def random_features(seed, *shape, offset=0.7):
    return np.random.default_rng(seed).standard_normal(shape) + offset


def as_rows(features):
    return features.reshape(len(features), -1)


def random_gram(seed, num_examples, width=5):
    rows = random_features(seed, num_examples, width)
    return rows @ rows.T


def centring_matrix(gram):
    return np.eye(len(gram)) - 1 / len(gram)


def no_diagonal(gram):
    return gram * (1 - np.eye(len(gram)))


def centred_then_hollow(gram):
    return no_diagonal(centring_matrix(gram) @ gram @ centring_matrix(gram))


def u_centred(gram, *, beside=2, overall=2):
    """Centre with sums over n − beside, and the whole sum over (n − 1)(n − overall)."""
    n = len(gram)
    rows, columns = gram.sum(axis=1, keepdims=True), gram.sum(axis=0)
    return gram - rows / (n - beside) - columns / (n - beside) + gram.sum() / ((n - 1) * (n - overall))


def minus_diagonal_vector(gram):
    return no_diagonal(u_centred(gram - np.diag(gram)))


def plainly_centred(gram):
    return centring_matrix(gram) @ gram @ centring_matrix(gram)
