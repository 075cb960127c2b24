"""Lesson 08, CKA: the Gram matrix, centring it with and without its diagonal, and one ratio over batches."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Question


def _features(seed, *shape, offset=0.7):
    return np.random.default_rng(seed).standard_normal(shape) + offset


def _rows(features):
    return features.reshape(len(features), -1)


# gram_matrix(features)


def _gram_cases():
    return [(_features(80, 6, 3, 4),), (_features(81, 5, 7),), (_features(82, 4, 2, 3, 2),)]


def _gram_of_tokens(features):
    tokens = features.reshape(-1, features.shape[-1])
    return tokens @ tokens.T


def _gram_of_features(features):
    return _rows(features).T @ _rows(features)


def _gram_of_features_tokens(features):
    tokens = features.reshape(-1, features.shape[-1])
    return tokens.T @ tokens


def _gram_tokens_averaged(features):
    pooled = features.reshape(len(features), -1, features.shape[-1]).mean(axis=1)
    return pooled @ pooled.T


def _gram_first_token(features):
    first = features.reshape(len(features), -1, features.shape[-1])[:, 0]
    return first @ first.T


def _gram_a_token_each(features):
    tokens = features.reshape(len(features), -1, features.shape[-1])
    return np.einsum("itd,jtd->tij", tokens, tokens)


def _gram_cosine(features):
    rows = _rows(features) / np.linalg.norm(_rows(features), axis=1, keepdims=True)
    return rows @ rows.T


def _gram_distances(features):
    rows = _rows(features)
    return ((rows[:, None] - rows) ** 2).sum(axis=-1)


def _gram_centred(features):
    rows = _rows(features) - _rows(features).mean(axis=0)
    return rows @ rows.T


def _gram_mean(features):
    rows = _rows(features)
    return rows @ rows.T / rows.shape[1]


def _gram_reshape_turned(features):
    columns = features.reshape(-1, len(features))
    return columns.T @ columns


# centre_gram(gram)


def _gram(seed, num_examples, width=5):
    rows = _features(seed, num_examples, width)
    return rows @ rows.T


def _centre_cases():
    return [(_gram(83, 6),), (_gram(84, 4),), (_gram(85, 9),)]


def _centre_not(gram):
    return gram + 0.0


def _centre_columns(gram):
    return gram - gram.mean(axis=0)


def _centre_rows(gram):
    return gram - gram.mean(axis=1, keepdims=True)


def _centre_mean_not_returned(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True)


def _centre_mean_taken_again(gram):
    return _centre_mean_not_returned(gram) - gram.mean()


def _centre_whole_mean(gram):
    return gram - gram.mean()


def _centre_no_keepdims(gram):
    return gram - gram.mean(axis=0) - gram.mean(axis=1) + gram.mean()


def _centre_sums(gram):
    return gram - gram.sum(axis=0) - gram.sum(axis=1, keepdims=True) + gram.sum()


def _centring_matrix(gram):
    return np.eye(len(gram)) - 1 / len(gram)


def _centre_elementwise(gram):
    return _centring_matrix(gram) * gram * _centring_matrix(gram)


def _centre_standardised(gram):
    centred = _centring_matrix(gram) @ gram @ _centring_matrix(gram)
    scale = np.sqrt(np.diagonal(centred))
    return centred / np.outer(scale, scale)


def _no_diagonal(gram):
    return gram * (1 - np.eye(len(gram)))


def _centre_no_diagonal(gram):
    return _no_diagonal(_centring_matrix(gram) @ gram @ _centring_matrix(gram))


# u_centre_gram(gram)


def _u_cases():
    return [(_gram(86, 6),), (_gram(87, 4),), (_gram(88, 9),)]


def _u_centred(gram, *, beside=2, overall=2):
    """Centre with sums over n − beside, and the whole sum over (n − 1)(n − overall)."""
    n = len(gram)
    rows, columns = gram.sum(axis=1, keepdims=True), gram.sum(axis=0)
    return gram - rows / (n - beside) - columns / (n - beside) + gram.sum() / ((n - 1) * (n - overall))


def _u_diagonal_as_vector(gram):
    return _no_diagonal(_u_centred(gram - np.diag(gram)))


def _u_diagonal_as_vector_only(gram):
    return gram - np.diag(gram)


def _u_zeroed_only(gram):
    return _no_diagonal(gram)


def _u_centred_then_zeroed(gram):
    return _centre_no_diagonal(gram)


def _u_plain_centring(gram):
    return _centring_matrix(gram) @ gram @ _centring_matrix(gram)


def _u_means(gram):
    hollow = _no_diagonal(gram)
    return _no_diagonal(_centring_matrix(gram) @ hollow @ _centring_matrix(gram))


def _u_one_less(gram):
    return _no_diagonal(_u_centred(_no_diagonal(gram), beside=1))


def _u_diagonal_in_the_sums(gram):
    return _no_diagonal(_u_centred(gram))


def _u_diagonal_left(gram):
    return _u_centred(_no_diagonal(gram))


def _u_whole_sum_missing(gram):
    hollow = _no_diagonal(gram)
    return _no_diagonal(_u_centred(hollow) - hollow.sum() / ((len(gram) - 1) * (len(gram) - 2)))


def _u_diagonal_as_vector_left(gram):
    return _u_centred(gram - np.diag(gram))


def _u_no_keepdims(gram):
    hollow, n = _no_diagonal(gram), len(gram)
    whole = hollow.sum() / ((n - 1) * (n - 2))
    return _no_diagonal(hollow - hollow.sum(axis=0) / (n - 2) - hollow.sum(axis=1) / (n - 2) + whole)


def _u_no_brackets(gram):
    hollow, n = _no_diagonal(gram), len(gram)
    rows, columns = hollow.sum(axis=1, keepdims=True), hollow.sum(axis=0)
    return _no_diagonal(hollow - rows / (n - 2) - columns / (n - 2) + hollow.sum() / (n - 1) * (n - 2))


def _u_whole_mean(gram):
    return _no_diagonal(_u_centred(_no_diagonal(gram), overall=0))


# minibatch_cka(batches_a, batches_b)


def _batch_cases():
    def batches(seed, sizes, shape_a, width_b):
        rng = np.random.default_rng(seed)
        a = [rng.standard_normal((n, *shape_a)) * 2**step + 0.8 for step, n in enumerate(sizes)]
        mix = rng.standard_normal((int(np.prod(shape_a)), width_b))
        b = [_rows(x) @ mix + 1.5 * rng.standard_normal((len(x), width_b)) - 0.5 for x in a]
        return a, b

    tokens_a, flat_b = batches(89, (8, 6, 13), (2, 3), 4)
    return [(tokens_a, [b.reshape(len(b), 2, 2) for b in flat_b]), batches(90, (12, 5), (6,), 9)]


def _dot(gram_a, gram_b):
    return (gram_a * gram_b).sum()


def _hollow(features):
    """The U-centred Gram matrix of a batch, as the lesson builds it."""
    rows = _rows(features)
    return _no_diagonal(_u_centred(_no_diagonal(rows @ rows.T)))


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
    return _u_plain_centring(_rows(features) @ _rows(features).T)


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
    return _ratio(_sums(batches_a, batches_b, lambda x: _rows(x) @ _rows(x).T))


def _cka_zeroed_only(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, lambda x: _no_diagonal(_rows(x) @ _rows(x).T)))


def _cka_diagonal_as_vector(batches_a, batches_b):
    return _ratio(_sums(batches_a, batches_b, lambda x: _u_diagonal_as_vector(_rows(x) @ _rows(x).T)))


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


EXERCISES = [
    Exercise(
        key="hsic.gram_matrix",
        title="Compare every image with every other one",
        reference="helpers.analysis.hsic:gram_matrix",
        cases=_gram_cases,
        mutants=(
            Mutant(
                _gram_of_tokens,
                "you took each token for an example; an image is one example, with all of its tokens in one "
                "long row.",
            ),
            Mutant(
                _gram_of_features,
                "that compares features with features, XᵀX; compare images with images, XXᵀ.",
            ),
            Mutant(
                _gram_of_features_tokens,
                "that compares the features of a token, XᵀX; compare images with images, XXᵀ.",
            ),
            Mutant(
                _gram_tokens_averaged,
                "you averaged the tokens, which loses where in the image something is; lay them in a row.",
            ),
            Mutant(_gram_first_token, "only the first token is compared; all of them belong to the image."),
            Mutant(
                _gram_a_token_each,
                "that is a matrix for each token; add them up, or flatten before you multiply.",
            ),
            Mutant(
                _gram_cosine,
                "you divided by the lengths, which gives cosines; CKA divides once, and at the end.",
            ),
            Mutant(_gram_distances, "these are squared distances; the inner products are asked for."),
            Mutant(_gram_centred, "you centred already; here the features stay as they are."),
            Mutant(_gram_mean, "you divide by the number of features; an inner product is a sum."),
            Mutant(
                _gram_reshape_turned,
                "`reshape(-1, n)` mixes the images; the first axis must stay: `reshape(n, -1)`.",
            ),
        ),
        hints=(
            "What is one example here, a token or an image? How many rows must there be?",
            "Flatten all axes but the first, so that an image is one long row; then all inner products are "
            "one matrix product.",
            "`rows = features.reshape(len(features), -1)`; `return rows @ rows.T`",
        ),
        difficulty=1,
        importance=5,
        minutes=5,
    ),
    Exercise(
        key="hsic.centre_gram",
        title="Move the origin to the mean of the images",
        reference="helpers.analysis.hsic:centre_gram",
        cases=_centre_cases,
        mutants=(
            Mutant(_centre_not, "the Gram matrix is not centred: it came back as it was."),
            Mutant(
                _centre_columns, "only the means of the columns are gone; the rows have means of their own."
            ),
            Mutant(_centre_rows, "only the means of the rows are gone; the columns have means of their own."),
            Mutant(
                _centre_mean_not_returned,
                "the mean of all entries was subtracted twice, with the rows and with the columns: add it "
                "once.",
            ),
            Mutant(_centre_mean_taken_again, "the mean of all entries must be added back, not subtracted."),
            Mutant(
                _centre_whole_mean,
                "one number was subtracted everywhere; each row and each column has a mean of its own.",
            ),
            Mutant(
                _centre_no_keepdims,
                "the means of the rows were subtracted along the rows: `keepdims=True` makes them a column.",
            ),
            Mutant(_centre_sums, "those are sums; subtract means, so divide by the number of examples."),
            Mutant(
                _centre_elementwise, "HKH are matrix products, `H @ K @ H`; with `*` most of K becomes tiny."
            ),
            Mutant(
                _centre_standardised,
                "you divided by the size of each example too, which gives correlations; only centre.",
            ),
            Mutant(
                _centre_no_diagonal,
                "the diagonal is gone; that comes later, and differently. Here it stays.",
            ),
        ),
        hints=(
            "What must every row sum to when the origin is the mean? And every column?",
            "Subtract the mean of each row and of each column. What has now been subtracted twice?",
            "`return gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()`",
        ),
        difficulty=2,
        importance=5,
        minutes=8,
    ),
    Exercise(
        key="hsic.u_centre_gram",
        title="Centre without comparing an image with itself",
        reference="helpers.analysis.hsic:u_centre_gram",
        cases=_u_cases,
        mutants=(
            Mutant(
                _u_diagonal_as_vector,
                "`np.diag(gram)` is a vector: you subtracted it from every row, and changed all entries; set "
                "the diagonal to 0 instead.",
            ),
            Mutant(
                _u_diagonal_as_vector_only,
                "`np.diag(gram)` is a vector: you subtracted it from every row; set the diagonal to 0, then "
                "centre.",
            ),
            Mutant(
                _u_diagonal_as_vector_left,
                "`np.diag(gram)` is a vector: you subtracted it from every row; set the diagonal to 0 "
                "instead, before you centre and again after.",
            ),
            Mutant(_u_zeroed_only, "the diagonal is 0, and nothing is centred yet."),
            Mutant(
                _u_no_keepdims,
                "the sums of the rows were subtracted along the rows: `keepdims=True` makes them a column.",
            ),
            Mutant(
                _u_no_brackets,
                "`/ (n - 1) * (n - 2)` divides and then multiplies: put brackets round (n − 1)(n − 2).",
            ),
            Mutant(
                _u_centred_then_zeroed,
                "you centred with the diagonal and took it out afterwards; its values are in all the means.",
            ),
            Mutant(_u_plain_centring, "that is plain centring: each image is still compared with itself."),
            Mutant(
                _u_means,
                "you divided by n; without the diagonal, the sums go over n − 2, and the whole sum over "
                "(n − 1)(n − 2).",
            ),
            Mutant(_u_one_less, "you divided by n − 1; rows then do not sum to 0: it takes n − 2."),
            Mutant(
                _u_diagonal_in_the_sums,
                "the diagonal is still in the sums; set it to 0 before you add up.",
            ),
            Mutant(
                _u_diagonal_left,
                "subtracting has filled the diagonal again; set it to 0 once more, at the end.",
            ),
            Mutant(
                _u_whole_sum_missing,
                "the last term is missing: what rows and columns took away twice, Σ K / ((n − 1)(n − 2)).",
            ),
            Mutant(_u_whole_mean, "the whole sum goes over (n − 1)(n − 2), not over n(n − 1)."),
        ),
        hints=(
            "The diagonal must be 0 at two moments. Which?",
            "Zero the diagonal of a copy; subtract row sums and column sums over n − 2; add the whole sum "
            "over (n − 1)(n − 2); zero the diagonal again.",
            "`hollow = gram * (1 - np.eye(n))`; `result = hollow - hollow.sum(0) / (n - 2) - "
            "hollow.sum(1, keepdims=True) / (n - 2) + hollow.sum() / ((n - 1) * (n - 2))`",
        ),
        difficulty=3,
        importance=4,
        minutes=12,
    ),
    Exercise(
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
    ),
]

QUIZ = [
    Question(
        "One layer has 128 features a token, the other 64 channels a pixel. Why can CKA compare them?",
        [
            (
                "It cuts the wider one down to the width of the other.",
                False,
                "Nothing is cut. All features take part, in an inner product.",
            ),
            (
                "It compares two matrices of images × images, and these have the same size.",
                True,
                "Features are never compared with features, only the answers to “which images are alike?”.",
            ),
            (
                "It looks for the best linear map from one to the other.",
                False,
                "That is regression, and CCA's idea. CKA fits nothing, and a general linear map changes it.",
            ),
            (
                "It cannot; both must be averaged over tokens and pixels first.",
                False,
                "Averaging is a choice. (n, 65, 128) and (n, 8, 8, 64) both flatten to n rows.",
            ),
        ],
    ),
    Question(
        "Two layers with 8,320 features each, 100 images, plain HSIC: CKA is 0.98. What do you know?",
        [
            (
                "Both layers find the same images alike, and nearly to the same degree.",
                False,
                "That is what 0.98 would mean if noise did not reach it too.",
            ),
            (
                "One of them is a turned and scaled copy of the other, with little noise on top.",
                False,
                "A copy would have 1, but so little under 1 proves nothing here.",
            ),
            (
                "Nothing yet: noise of this shape has 0.99.",
                True,
                "1 / (1 + 100 / 8,320). Each image resembles itself in both layers. Debias, then look.",
            ),
            (
                "Somebody forgot to centre.",
                False,
                "Centring does not cure it: in section 4 both layers were noise around 0.",
            ),
        ],
    ),
    Question(
        "A map of a trained network with itself is bright from corner to corner. What has training done?",
        [
            (
                "It made all layers do the same.",
                False,
                "Look at the map of the untrained network first: in section 6 it was the brighter one.",
            ),
            (
                "You cannot tell from this map alone: it takes the untrained network's map beside it.",
                True,
                "Skips, positions and the pictures themselves make layers alike before the first step.",
            ),
            (
                "It made the later layers superfluous.",
                False,
                "Alike is not equal. A small difference between two layers may be all that the answer hangs "
                "on.",
            ),
        ],
    ),
    Question(
        "Two layers have a CKA of 0.99. A linear probe reads the class from one of them. And from the other?",
        [
            (
                "As well, give or take a percent.",
                False,
                "So one would think. In section 3 one layer had the label and the other had lost it, at 0.99 "
                "and more.",
            ),
            (
                "It may fail.",
                True,
                "CKA weighs a direction by its variance, and the class may lie in a faint one.",
            ),
            (
                "It must fail, for otherwise CKA would be 1.",
                False,
                "It may work too: a probe reads just as well from many layers that have less than 1.",
            ),
        ],
    ),
]
