"""minibatch_cka(batches_a, batches_b): compare two layers, batch by batch."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_08.by_hand import (
    as_rows,
    minus_diagonal_vector,
    no_diagonal,
    plainly_centred,
    u_centred,
)


def _batch_cases():
    def batches(seed, sizes, shape_a, width_b):
        rng = np.random.default_rng(seed)
        a = [rng.standard_normal((n, *shape_a)) * 2**step + 0.8 for step, n in enumerate(sizes)]
        mix = rng.standard_normal((int(np.prod(shape_a)), width_b))
        b = [as_rows(x) @ mix + 1.5 * rng.standard_normal((len(x), width_b)) - 0.5 for x in a]
        return a, b

    tokens_a, flat_b = batches(89, (8, 6, 13), (2, 3), 4)
    rng = np.random.default_rng(1)
    unrelated = [[rng.standard_normal((n, width)) for n in (6, 5)] for width in (2, 3)]  # below 0, by chance
    tokens_b = [b.reshape(len(b), 2, 2) for b in flat_b]
    return [(tokens_a, tokens_b), batches(90, (12, 5), (6,), 9), tuple(unrelated)]


def _dot(gram_a, gram_b):
    return (gram_a * gram_b).sum()


def _hollow(features):
    """The U-centred Gram matrix of a batch, as the lesson builds it."""
    rows = as_rows(features)
    return no_diagonal(u_centred(no_diagonal(rows @ rows.T)))


def _terms(x, y, gram_of):
    """HSIC of x with y, of x with itself, and of y with itself."""
    pairs = ((x, y), (x, x), (y, y))
    n = len(gram_of(x))
    return np.array([_dot(gram_of(one), gram_of(other)) for one, other in pairs]) / (n * (n - 3))


def _sums(batches_a, batches_b, gram_of=_hollow):
    return np.sum([_terms(x, y, gram_of) for x, y in zip(batches_a, batches_b)], axis=0)


def _ratio(terms):
    return float(terms[0] / np.sqrt(terms[1] * terms[2]))


def _cka_ratios_averaged(batches_a, batches_b):
    return float(np.mean([_ratio(_terms(x, y, _hollow)) for x, y in zip(batches_a, batches_b)]))


def _cka_no_root(batches_a, batches_b):
    cross, self_a, self_b = _sums(batches_a, batches_b)
    return float(cross / (self_a * self_b))


def _plainly_centred(features):
    return plainly_centred(as_rows(features) @ as_rows(features).T)


def _cka_biased_over_n_minus_3(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, _plainly_centred))


def _biased_terms(batches_a, batches_b):
    weighted = [
        _terms(x, y, _plainly_centred) * len(x) * (len(x) - 3) / (len(x) - 1) ** 2
        for x, y in zip(batches_a, batches_b)
    ]
    return np.array(weighted)


def _cka_biased(batches_a, batches_b):
    return _ratio(_biased_terms(batches_a, batches_b).sum(axis=0))


def _cka_biased_averaged(batches_a, batches_b):
    return float(np.mean([_ratio(terms) for terms in _biased_terms(batches_a, batches_b)]))


def _cka_not_centred(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, lambda x: as_rows(x) @ as_rows(x).T))


def _cka_zeroed_only(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, lambda x: no_diagonal(as_rows(x) @ as_rows(x).T)))


def _cka_diagonal_as_vector(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, lambda x: minus_diagonal_vector(as_rows(x) @ as_rows(x).T)))


def _cka_tokens_as_examples(batches_a, batches_b):
    flat_a, flat_b = ([x.reshape(-1, x.shape[-1]) for x in batches] for batches in (batches_a, batches_b))
    return _ratio(_sums(flat_a, flat_b))


def _cka_one_batch(batches_a, batches_b):
    return _ratio(_sums([np.concatenate(batches_a)], [np.concatenate(batches_b)]))


def _cka_last_batch(batches_a, batches_b):
    return _ratio(_sums(batches_a[-1:], batches_b[-1:]))


def _cka_first_batch(batches_a, batches_b):
    return _ratio(_sums(batches_a[:1], batches_b[:1]))


def _cka_large_batches_count_more(batches_a, batches_b):
    weighted = [_terms(x, y, _hollow) * len(x) * (len(x) - 3) for x, y in zip(batches_a, batches_b)]
    return _ratio(np.sum(weighted, axis=0))


def _cka_root_each_batch(batches_a, batches_b):
    terms = np.array([_terms(x, y, _hollow) for x, y in zip(batches_a, batches_b)])
    return float(terms[:, 0].sum() / np.sqrt(terms[:, 1] * terms[:, 2]).sum())


def _cka_hsic(batches_a, batches_b):
    return float(_sums(batches_a, batches_b)[0])


def _cka_not_below_zero(batches_a, batches_b):
    return max(0.0, _ratio(_sums(batches_a, batches_b)))


def _cka_size(batches_a, batches_b):
    return abs(_ratio(_sums(batches_a, batches_b)))


def _cka_roots_averaged(batches_a, batches_b):
    cross, self_a, self_b = np.mean([_terms(x, y, _hollow) for x, y in zip(batches_a, batches_b)], axis=0)
    return float(cross / (np.sqrt(self_a) + np.sqrt(self_b)))


def _cka_mean_of_selves(batches_a, batches_b):
    cross, self_a, self_b = _sums(batches_a, batches_b)
    return float(2 * cross / (self_a + self_b))


def _cka_over_self_a(batches_a, batches_b):
    cross, self_a, _ = _sums(batches_a, batches_b)
    return float(cross / self_a)


def _cka_over_self_b(batches_a, batches_b):
    cross, _, self_b = _sums(batches_a, batches_b)
    return float(cross / self_b)


def _cka_squared(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b)) ** 2


def _cka_features_not_flattened(batches_a, batches_b):
    """Average the tokens of each image."""
    pooled_a, pooled_b = (
        [x.mean(axis=1) if x.ndim > 2 else x for x in many] for many in (batches_a, batches_b)
    )
    return _ratio(_sums(pooled_a, pooled_b))


def _cka_one_over_n_squared(batches_a, batches_b):
    weighted = [
        _terms(x, y, _hollow) * len(x) * (len(x) - 3) / len(x) ** 2 for x, y in zip(batches_a, batches_b)
    ]
    return _ratio(np.sum(weighted, axis=0))


def _cka_matrix_products(batches_a, batches_b):
    terms = []
    for x, y in zip(batches_a, batches_b):
        a, b, n = _hollow(x), _hollow(y), len(x)
        terms.append([(one @ other).sum() / (n * (n - 3)) for one, other in ((a, b), (a, a), (b, b))])
    with np.errstate(all="ignore"):
        return _ratio(np.sum(terms, axis=0))


def _cka_each_batch(batches_a, batches_b):
    return np.array([_ratio(_terms(x, y, _hollow)) for x, y in zip(batches_a, batches_b)])


EXERCISE = Exercise(
    key="minibatch.minibatch_cka",
    title="Compare two layers, batch by batch",
    reference="helpers.analysis.minibatch:minibatch_cka",
    cases=_batch_cases,
    mutants=(
        Mutant(
            _cka_ratios_averaged,
            "you averaged the ratios of the batches; add up numerators and denominators, divide once.",
        ),
        Mutant(_cka_no_root, "the root is missing: divide by √(Σ HSIC(K, K) · Σ HSIC(L, L))."),
        Mutant(
            _cka_biased,
            "that is the biased HSIC: each image is compared with itself. Use `u_centre_gram`.",
        ),
        Mutant(
            _cka_biased_over_n_minus_3,
            "the centring is the plain one: each image is compared with itself. Use `u_centre_gram`.",
        ),
        Mutant(
            _cka_biased_averaged,
            "the HSIC is the biased one, and the ratios are averaged: two reasons to come out too high.",
        ),
        Mutant(
            _cka_not_centred,
            "the Gram matrices are not centred; what all images share then counts as likeness.",
        ),
        Mutant(
            _cka_zeroed_only,
            "the diagonal is 0, and nothing is centred: what all images share then counts.",
        ),
        Mutant(
            _cka_diagonal_as_vector,
            "`np.diag(gram)` is a vector, subtracted from every row; set the diagonal to 0 instead.",
        ),
        Mutant(
            _cka_tokens_as_examples,
            "you took each token for an example; an image is one example, in one long row.",
        ),
        Mutant(
            _cka_one_batch,
            "you put all batches into one; the value is fine, but the matrix is then images × images: "
            "stay within a batch.",
        ),
        Mutant(_cka_last_batch, "only the last batch counts: add up, with `+=`."),
        Mutant(_cka_first_batch, "only the first batch counts: is the `return` inside the loop?"),
        Mutant(
            _cka_large_batches_count_more,
            "divide each batch by its own n(n − 3); else a large batch counts more than its images.",
        ),
        Mutant(
            _cka_root_each_batch,
            "you take the root batch by batch; add up HSIC(K, K) and HSIC(L, L) first, then one root.",
        ),
        Mutant(_cka_hsic, "that is the sum of HSIC(K, L); divide it, so that a scale does not matter."),
        Mutant(
            _cka_not_below_zero,
            "the estimate was clamped to 0 where it falls below: leave it there, or it is biased again.",
        ),
        Mutant(
            _cka_size,
            "the sign is lost: the debiased estimate may fall below 0 by chance. Leave it there, or "
            "it is biased again.",
        ),
        Mutant(_cka_roots_averaged, "you divide by the sum of the two roots; divide by their product."),
        Mutant(
            _cka_mean_of_selves, "you divide by the mean of the two; divide by the root of their product."
        ),
        Mutant(
            _cka_over_self_a,
            "you divide by Σ HSIC(K, K) alone; divide by the root of its product with Σ HSIC(L, L).",
        ),
        Mutant(
            _cka_over_self_b,
            "you divide by Σ HSIC(L, L) alone; divide by the root of its product with Σ HSIC(K, K).",
        ),
        Mutant(_cka_squared, "this is the square of CKA."),
        Mutant(
            _cka_features_not_flattened,
            "you averaged the tokens of each image; `gram_matrix` lays them in one long row.",
        ),
        Mutant(_cka_one_over_n_squared, "you divide by n²; HSIC₁ divides by n(n − 3)."),
        Mutant(
            _cka_matrix_products, "K @ L is a matrix product; HSIC multiplies entry by entry: (K * L).sum()."
        ),
        Mutant(
            _cka_each_batch,
            "this is one number a batch, each its own ratio; add up over the batches, divide once.",
        ),
    ),
    hints=(
        "Three sums run along with the batches. What happens to them after the last batch?",
        "In each batch, for K and L from `u_centre_gram(gram_matrix(…))`: add (K * L).sum(), (K * K)"
        ".sum() and (L * L).sum(), each over n(n − 3), to their sums. Then divide once.",
        "`K, L = (u_centre_gram(gram_matrix(z)) for z in (x, y))`; `cross += (K * L).sum() / (n * (n - "
        "3))` and so on; after the loop `return cross / np.sqrt(self_a * self_b)`",
    ),
    difficulty=4,
    importance=5,
    minutes=15,
)
