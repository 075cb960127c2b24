"""CKA of two layers over batches, in a few plain lines; `MinibatchCKA` does so for all layers at once."""

import math

import numpy as np

from helpers.analysis.hsic import as_features, gram_matrix, hsic
from helpers.analysis.layer_grams import rounding_of


def minibatch_cka(batches_a, batches_b, *, debiased=True):
    """Compare two layers whose features come in batches.

    CKA = Σ HSIC(K, L) / √(Σ HSIC(K, K) · Σ HSIC(L, L)), each sum over the batches, the root and the ratio
    once, at the end (Nguyen et al. 2021, https://arxiv.org/abs/2010.15327). With the debiased HSIC the sums
    aim at what all examples at once would give, whatever the batch size; with the biased one they do not.
    Every batch counts the same, as in the paper, so that a small last one makes the sums noisy: make batches
    even, or use `MinibatchCKA`, in which they count by their number of examples.

    Args:
        batches_a, batches_b: lists of float (batch, ...), a batch of one layer and the same examples in the
            other, each flattened to one row an example; batches may differ in size.
        debiased: with HSIC₁ (at least 4 examples a batch), else the biased HSIC (at least 2).
    Returns:
        float of at most 1. NaN where, in every batch, in a or in b no two examples are more alike than any
        others.
    Raises:
        ValueError: if there is no batch, numbers of batches or of examples differ, a batch is too small, or a
            value is not finite.
    """
    if len(batches_a) != len(batches_b) or not len(batches_a):
        raise ValueError(
            "Expected the same batches of both layers, and at least one; received "
            f"{len(batches_a)} and {len(batches_b)}."
        )
    _check_sizes(batches_a, "batches_a", 4 if debiased else 2)
    _check_sizes(batches_b, "batches_b", 4 if debiased else 2)
    cross = self_a = self_b = least_a = least_b = 0.0
    for x, y in zip(batches_a, batches_b):
        gram_a, gram_b = (gram_matrix(_centred(features)) for features in (x, y))
        cross += hsic(gram_a, gram_b, debiased=debiased)
        self_a += hsic(gram_a, gram_a, debiased=debiased)
        self_b += hsic(gram_b, gram_b, debiased=debiased)
        least_a += rounding_of(gram_a)
        least_b += rounding_of(gram_b)
    if not (self_a > least_a and self_b > least_b):
        return math.nan
    return float(cross / (np.sqrt(self_a) * np.sqrt(self_b)))


def _check_sizes(batches, name, least):
    for index, batch in enumerate(batches):
        if np.ndim(batch) and len(batch) < least:
            advice = "; the biased HSIC takes 2" if least == 4 else ""
            raise ValueError(
                f"Expected at least {least} examples in every batch; {name}[{index}] has {len(batch)}. Leave "
                f"it out, or make the batches even{advice}."
            )


def _centred(features):
    """Subtract the mean of the batch: HSIC does not need it, and it saves digits."""
    rows = as_features(features).astype("float64")
    return rows - rows.mean(axis=0)
