"""CKA by closed forms, by hand, by loops with an explicit H, and by the wrong versions that people write."""

import numpy as np
import pytest
from keras import ops

from benchmarks import cka as benchmark
from helpers.analysis import layer_grams
from helpers.analysis.hsic import centre_gram, gram_matrix, hsic, u_centre_gram
from helpers.analysis.layer_grams import LayerGrams
from helpers.analysis.similarity import MinibatchCKA, cka_matrix, identify_layers, linear_cka
from helpers.model.layers import layer_features, layer_names
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def related(n, p=20, q=12, seed=0):
    """Two layers that share some of what they say."""
    x = gaussian(n, p, seed=seed)
    return x, x @ gaussian(p, q, seed=99) + 4 * gaussian(n, q, seed=seed + 1000)


def rotation(size, seed=0):
    return np.linalg.qr(gaussian(size, size, seed=seed))[0]


# Independent implementations, in float64


def loop_gram(x):
    rows = [np.ravel(row).astype("float64") for row in x]
    return np.array([[float(np.sum(a * b)) for b in rows] for a in rows])


def slow_biased_cka(x, y):
    """HSIC = tr(K H L H) with an explicit H."""
    k, m = loop_gram(x), loop_gram(y)
    h = np.eye(len(k)) - 1 / len(k)
    return np.trace(k @ h @ m @ h) / np.sqrt(np.trace(k @ h @ k @ h) * np.trace(m @ h @ m @ h))


def slow_hsic1(k, m):
    """The three terms of Song et al. 2012, equation 5, as sums over distinct indices would have them."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    terms = np.trace(k @ m), (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)), one @ k @ m @ one
    return (terms[0] + terms[1] - 2 / (n - 2) * terms[2]) / (n * (n - 3))


def slow_cka(x, y):
    k, m = loop_gram(x), loop_gram(y)
    return slow_hsic1(k, m) / np.sqrt(slow_hsic1(k, k) * slow_hsic1(m, m))


def slow_minibatch_cka(batches):
    """batches: list of (features of a's layers, features of b's layers); each counts by its images."""
    shape = len(batches[0][0]), len(batches[0][1])
    result = np.empty(shape)
    for i, j in np.ndindex(shape):
        grams = [(loop_gram(a[i]), loop_gram(b[j])) for a, b in batches]
        cross = np.sum([len(k) * slow_hsic1(k, m) for k, m in grams])
        self_a, self_b = (
            np.sum([len(pair[s]) * slow_hsic1(pair[s], pair[s]) for pair in grams]) for s in (0, 1)
        )
        result[i, j] = cross / np.sqrt(self_a * self_b)
    return result


# Gram matrices and HSIC


def test_a_gram_matrix_by_hand():
    """Two examples of 2 × 2 numbers: all axes but the first are one row."""
    features = [[[1, 2], [0, 1]], [[3, 0], [1, 1]]]
    np.testing.assert_array_equal(gram_matrix(features), [[6, 4], [4, 11]])
    np.testing.assert_array_equal(centre_gram([[6, 4], [4, 11]]), [[2.25, -2.25], [-2.25, 2.25]])


def test_centring_is_a_product_with_h_and_belongs_to_centred_features():
    x = gaussian(7, 5) + 3
    h = np.eye(7) - 1 / 7
    np.testing.assert_allclose(centre_gram(gram_matrix(x)), h @ gram_matrix(x) @ h, atol=1e-12)
    np.testing.assert_allclose(centre_gram(gram_matrix(x)), gram_matrix(x - x.mean(axis=0)), atol=1e-12)
    general = gaussian(7, 7)
    np.testing.assert_allclose(centre_gram(general), h @ general @ h, atol=1e-12)


def test_u_centring_against_loops():
    gram = gram_matrix(gaussian(6, 4) + 2)
    expected = np.zeros((6, 6))
    for i in range(6):
        for j in range(6):
            if i != j:
                row = sum(gram[i, m] for m in range(6) if m != i)
                column = sum(gram[m, j] for m in range(6) if m != j)
                total = sum(gram[m, o] for m in range(6) for o in range(6) if m != o)
                expected[i, j] = gram[i, j] - row / 4 - column / 4 + total / 20
    centred = u_centre_gram(gram)
    np.testing.assert_allclose(centred, expected, atol=1e-12)
    np.testing.assert_allclose(centred.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(np.diag(centred), 0)


def test_u_centring_forgets_the_origin():
    x = gaussian(6, 4)
    np.testing.assert_allclose(u_centre_gram(gram_matrix(x + 5)), u_centre_gram(gram_matrix(x)), atol=1e-11)


@pytest.mark.parametrize("n", [4, 5, 9, 40])
def test_the_inner_product_of_u_centred_grams_is_hsic_1(n):
    """⟨Ũ(K), Ũ(L)⟩ = n(n−3) · HSIC₁(K, L)."""
    k, m = (gram_matrix(features + 1) for features in related(n))
    expected = slow_hsic1(k, m)
    np.testing.assert_allclose(np.sum(u_centre_gram(k) * u_centre_gram(m)), n * (n - 3) * expected)
    np.testing.assert_allclose(hsic(k, m), expected)


def test_hsic_1_is_the_mean_over_four_different_examples():
    """Its definition: E[K₁₂ L₁₂] + E[K₁₂ L₃₄] − 2 E[K₁₂ L₁₃] over distinct indices, here by all of them."""
    from itertools import permutations

    k, m = (gram_matrix(features) for features in related(6))
    values = [k[a, b] * (m[a, b] + m[c, d] - 2 * m[a, c]) for a, b, c, d in permutations(range(6), 4)]
    np.testing.assert_allclose(hsic(k, m), np.mean(values))


def test_biased_hsic_is_a_covariance():
    """Σ HKH ∘ HLH / (n−1)² = ‖cov(x, y)‖²."""
    x, y = related(30)
    covariance = np.cov(x.T, y.T)[:20, 20:]
    np.testing.assert_allclose(hsic(gram_matrix(x), gram_matrix(y), debiased=False), np.sum(covariance**2))


def test_debiased_hsic_has_no_bias_and_the_biased_one_has():
    """y = c · x + noise in one dimension: HSIC of infinitely many examples is cov² = 0.25, of n = 5 too."""
    found = {True: [], False: []}
    rng = np.random.default_rng(0)
    for _ in range(8000):
        x = rng.standard_normal((5, 1))
        y = 0.5 * x + rng.standard_normal((5, 1))
        grams = x @ x.T, y @ y.T
        for debiased, values in found.items():
            values.append(hsic(*grams, debiased=debiased))
    error = np.std(found[True]) / np.sqrt(8000)
    assert abs(np.mean(found[True]) - 0.25) < 4 * error < 0.06
    assert np.mean(found[False]) > 0.25 + 8 * error


def test_gram_functions_keep_leading_axes_and_leave_their_input():
    grams = np.stack([gram_matrix(gaussian(5, 3, seed=s)) for s in range(6)]).reshape(2, 3, 5, 5)
    before = grams.copy()
    for function in (centre_gram, u_centre_gram):
        np.testing.assert_allclose(function(grams)[1, 2], function(grams[1, 2]))
    for debiased in (True, False):
        both = hsic(grams, grams[::-1], debiased=debiased)
        assert both.shape == (2, 3)
        np.testing.assert_allclose(both[0, 1], hsic(grams[0, 1], grams[1, 1], debiased=debiased))
    np.testing.assert_array_equal(grams, before)


# linear_cka

both = pytest.mark.parametrize("debiased", [True, False], ids=["debiased", "biased"])


@both
@pytest.mark.parametrize("n", [4, 7, 30])
def test_cka_against_loops(debiased, n):
    x, y = related(n)
    found = linear_cka(x.reshape(n, 4, 5), y, debiased=debiased)
    assert isinstance(found, float)
    np.testing.assert_allclose(found, (slow_cka if debiased else slow_biased_cka)(x, y), rtol=1e-9)


def test_the_biased_one_by_its_formula_over_features():
    """‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) of centred features (Kornblith et al. 2019, equation 5)."""
    x, y = (features - features.mean(axis=0) for features in related(50))
    expected = np.sum((y.T @ x) ** 2) / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    np.testing.assert_allclose(linear_cka(x + 7, y, debiased=False), expected)


@both
def test_cka_of_a_layer_with_itself_is_1(debiased):
    for n, p in ((4, 1), (4, 300), (50, 7), (20, 2000)):
        np.testing.assert_allclose(linear_cka(*2 * [gaussian(n, p)], debiased=debiased), 1, atol=1e-12)


@both
def test_rotation_scale_and_shift_change_nothing_but_a_linear_map_does(debiased):
    x, y = related(40)
    before = linear_cka(x, y, debiased=debiased)
    for changed in (x @ rotation(20), -250 * x, x + gaussian(20), x[:, ::-1]):
        np.testing.assert_allclose(linear_cka(changed, y, debiased=debiased), before, rtol=1e-9)
    stretched = x * np.r_[10, np.ones(19)]
    assert abs(linear_cka(stretched, y, debiased=debiased) - before) > 0.1
    assert linear_cka(x, x @ gaussian(20, 20), debiased=debiased) < 0.9  # invertible, and yet not the same


@both
def test_it_matters_which_example_is_which(debiased):
    x, y = related(40)
    order = np.random.default_rng(1).permutation(40)
    before = linear_cka(x, y, debiased=debiased)
    np.testing.assert_allclose(linear_cka(x[order], y[order], debiased=debiased), before)
    assert linear_cka(x[order], y, debiased=debiased) < before - 0.1


def test_independent_features_are_0_though_the_biased_estimate_says_098():
    """1 / √((1 + n/p)(1 + n/q)): 0.980 for n = 128 and p = q = 6240, as for 256 and 12,480."""
    n, p = 128, 6240
    x, y = gaussian(n, p, seed=1), gaussian(n, p, seed=2)
    assert linear_cka(x, y, debiased=False) == pytest.approx(0.980, abs=0.001)
    assert abs(linear_cka(x, y)) < 0.03  # its standard deviation is √2 / n
    for q in (50, 500):
        found = linear_cka(x, gaussian(n, q, seed=3), debiased=False)
        assert found == pytest.approx(1 / np.sqrt((1 + n / p) * (1 + n / q)), abs=0.01)


@both
@pytest.mark.parametrize(
    "still",
    [
        np.zeros((32, 9)),
        np.full((32, 5000), 0.1),
        np.full((32, 50000), 1e6),
        np.tile(gaussian(1, 400), (32, 1)),
    ],
    ids=["zeros", "constant", "large constant", "the same row"],
)
def test_constant_features_have_no_similarity(still, debiased):
    for values in (still, still.astype("float32")):
        assert np.isnan(linear_cka(values, gaussian(32, 5), debiased=debiased))
        assert np.isnan(linear_cka(gaussian(32, 5), values, debiased=debiased))
        assert np.isnan(linear_cka(values, values, debiased=debiased))


def test_examples_that_are_all_equally_far_apart_have_no_debiased_similarity():
    """One-hot rows: no two are more alike than any others, so Ũ(K) is 0 but for rounding."""
    for n in (4, 33, 256):
        assert np.isnan(linear_cka(0.1 * np.eye(n), gaussian(n, 5)))
        assert np.isnan(MinibatchCKA().update([0.1 * np.eye(n, dtype="float32")]).result()).all()
        assert np.isfinite(linear_cka(np.eye(n), gaussian(n, 5), debiased=False))


def test_a_weak_but_real_similarity_is_no_rounding():
    """Beside one-hot rows, which say nothing, the small rest is all there is: the same as by itself."""
    rest = gaussian(64, 3)
    x = np.hstack([np.eye(64), 0.01 * rest])
    assert linear_cka(x, rest) == pytest.approx(1, abs=1e-9)
    assert MinibatchCKA().update([x.astype("float32")], [rest]).result()[0, 0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("scale", [1e60, 1e-60])
def test_float64_of_any_size(scale):
    x, y = related(20)
    for found in (linear_cka(scale * x, scale * y), MinibatchCKA().update([scale * x], [scale * y]).result()):
        np.testing.assert_allclose(found, linear_cka(x, y), rtol=1e-9)


def test_far_from_the_origin_no_digits_are_lost():
    x, y = related(20)
    for debiased in (True, False):
        expected = linear_cka(x, y, debiased=debiased)
        np.testing.assert_allclose(linear_cka(x + 1e6, y - 1e6, debiased=debiased), expected, rtol=1e-7)


# MinibatchCKA


def layers(n, seed=0, dtype="float32"):
    """Features of two networks as they come: three layers of tokens, two of feature maps."""
    x = gaussian(n, 6, 8, seed=seed)  # (batch, tokens, hidden)
    a = [x, np.tanh(x @ gaussian(8, 8, seed=50)), x + 3 * gaussian(n, 6, 8, seed=seed + 500)]
    maps = x.reshape(n, 48) @ gaussian(48, 32, seed=51)
    b = [maps.reshape(n, 4, 4, 2), np.maximum(maps, 0).reshape(n, 2, 2, 8) + 1]
    return [[layer.astype(dtype) for layer in side] for side in (a, b)]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-12)])
def test_minibatches_against_loops(dtype, tolerance):
    batches = [layers(n, seed, dtype) for seed, n in enumerate((12, 12, 20, 4))]
    similarity = MinibatchCKA()
    for a, b in batches:
        similarity.update(a, b)
    found = similarity.result()
    assert found.shape == (3, 2) and found.dtype == np.float64 and similarity.num_batches == 4
    np.testing.assert_allclose(found, slow_minibatch_cka(batches), atol=tolerance)


@pytest.mark.parametrize("offset, scale", [(0, 1), (0.5, 1), (1000, 1), (0, 1e-28), (0, 1e25)])
def test_float32_is_right_to_6_digits(offset, scale):
    """As wide as a real layer; off the origin, far off it, tiny, or too large for squares in float32."""
    x = gaussian(64, 8320, seed=1) * np.geomspace(1, 0.01, 8320)
    y = x[:, :4000] + gaussian(64, 4000, seed=2) * 0.1
    x, y = ((scale * features + offset).astype("float32") for features in (x, y))
    found = MinibatchCKA().update([x], [y]).result()
    np.testing.assert_allclose(found, [[slow_cka_fast(x, y)]], atol=1e-6)
    np.testing.assert_allclose(linear_cka(x, y), found[0, 0], atol=1e-6)


def slow_cka_fast(x, y):
    x, y = (features.astype("float64") / np.abs(features).max() for features in (x, y))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)  # for the digits
    k, m = x @ x.T, y @ y.T
    return slow_hsic1(k, m) / np.sqrt(slow_hsic1(k, k) * slow_hsic1(m, m))


def test_one_batch_is_the_whole():
    a, b = layers(30, dtype="float64")
    expected = [[linear_cka(x, y) for y in b] for x in a]
    np.testing.assert_allclose(MinibatchCKA().update(a, b).result(), expected, atol=1e-12)


def test_many_small_batches_give_what_all_images_would():
    """1000 batches of 6 beside one of 3000; the biased estimate does not get there with any number."""
    x = gaussian(6000, 8)
    y = x @ gaussian(8, 6, seed=99) + gaussian(6000, 6, seed=1)
    whole = linear_cka(x[:3000], y[:3000])
    small, biased = MinibatchCKA(), []
    for start in range(0, 6000, 6):
        pair = x[start : start + 6], y[start : start + 6]
        small.update([pair[0]], [pair[1]])
        biased.append(linear_cka(*pair, debiased=False))
    assert 0.4 < whole < 0.8
    assert small.result()[0, 0] == pytest.approx(whole, abs=0.03)
    assert np.mean(biased) > whole + 0.15


def test_the_same_network_twice():
    a, _ = layers(20)
    matrix = MinibatchCKA().update(a).result()
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-14)
    np.testing.assert_allclose(matrix, MinibatchCKA().update(a, list(a)).result(), atol=1e-14)
    assert np.abs(matrix).max() <= 1 + 1e-14


def test_dicts_and_lists_are_the_same():
    a, b = layers(12)
    named = MinibatchCKA().update(dict(zip(("one", "two", "three"), a)), {"x": b[0], "y": b[1]})
    np.testing.assert_array_equal(named.result(), MinibatchCKA().update(a, tuple(b)).result())


def test_arrays_of_the_backend_in_any_precision():
    a, b = ([np.round(4 * layer) / 4 for layer in side] for side in layers(12))  # exact in all precisions
    a = [np.clip(layer, -8, 8) for layer in a]
    b = [np.clip(layer, -8, 8) for layer in b]
    expected = MinibatchCKA().update(a, b).result()
    for dtype in ("float32", "bfloat16", "float16"):
        tensors = [[ops.convert_to_tensor(layer, dtype=dtype) for layer in side] for side in (a, b)]
        np.testing.assert_allclose(MinibatchCKA().update(*tensors).result(), expected, atol=1e-7)
    one = ops.convert_to_tensor(a[0]), ops.convert_to_tensor(b[0])
    np.testing.assert_allclose(linear_cka(*one), expected[0, 0], atol=1e-6)


def test_a_layer_that_never_varies_is_nan_and_troubles_no_other():
    a, b = layers(16)
    still = np.full((16, 70), 0.1, "float32")
    found = MinibatchCKA().update([a[0], still, a[1]], [b[0], np.zeros((16, 3)), b[1]]).result()
    np.testing.assert_array_equal(np.isnan(found), [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    np.testing.assert_allclose(found[[0, 2]][:, [0, 2]], MinibatchCKA().update(a[:2], b).result())


def test_a_layer_that_is_still_in_one_batch_counts_by_the_others():
    (a, b), (more, others) = layers(16), layers(16, seed=1)
    still = [np.full_like(a[0], 0.1), a[1], a[2]]
    found = MinibatchCKA().update(still, b).update(more, others).result()
    self_a = slow_hsic1(*2 * [loop_gram(more[0])])
    self_b = sum(slow_hsic1(*2 * [loop_gram(side[0])]) for side in (b, others))
    cross = slow_hsic1(loop_gram(more[0]), loop_gram(others[0]))
    np.testing.assert_allclose(found[0, 0], cross / np.sqrt(self_a * self_b), atol=1e-6)


def test_what_does_not_fit_is_told_and_changes_nothing():
    a, b = layers(12)
    similarity = MinibatchCKA()
    with pytest.raises(ValueError, match="no similarity before a batch"):
        similarity.result()
    before = similarity.update(a, b).result()
    more, others = layers(11)
    holed = [layer.copy() for layer in a]
    holed[1][3, 2, 1] = np.nan
    endless = [layer.copy() for layer in b]
    endless[0][0] = np.inf
    wrong = {
        r"same images in features_a and features_b; received 12 and 11": (a, others),
        r"same in every layer of features_a; received 11 in 1, and 12": ([a[0], more[1], a[2]], b),
        r"at least 4 images, .* received 3 in 0": ([x[:3] for x in a], [x[:3] for x in b]),
        r"layers of the first update, 3 \(0, 1, 2, …\) and 2": (a[:2], b),
        r"received 3 .* and 1 .*Begin a new": (a, b[:1]),
        r"received 3 \(x, y, z": (dict(zip("xyz", a)), b),
        r"NaN or infinity in features_a\[1\]": (holed, b),
        r"NaN or infinity in features_b\[0\]": (a, endless),
        r"features_a as a list or dict .*received \(12, 6, 8\)": (a[0], b),
        r"features_b as a list or dict .*at least one": (a, []),
        r"features_a as a list .*received NoneType": (None, b),
        r"features_b\[0\] \(batch, ...\) .*received \(12,\)": (a, [b[0][:, 0, 0, 0], b[1]]),
        r"none empty; received \(12, 0\)": ([a[0], np.zeros((12, 0)), a[1]], b),
    }
    for told, features in wrong.items():
        with pytest.raises(ValueError, match=told):
            similarity.update(*features)
    np.testing.assert_array_equal(similarity.result(), before)
    assert similarity.num_batches == 1


def test_what_does_not_fit_one_pair_is_told():
    x, y = related(10)
    with pytest.raises(ValueError, match="same examples in x and y; received 10 and 9"):
        linear_cka(x, y[:9])
    with pytest.raises(ValueError, match=r"n ≥ 4 examples; received \(3, 3\)"):
        linear_cka(x[:3], y[:3])
    assert np.isfinite(linear_cka(x[:3], y[:3], debiased=False))
    with pytest.raises(ValueError, match=r"n ≥ 2 examples; received \(1, 1\)"):
        linear_cka(x[:1], y[:1], debiased=False)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinity in y"):
            linear_cka(x, np.where(y > 2, bad, y))
        with pytest.raises(ValueError, match="NaN or infinity"):
            gram_matrix(np.where(y > 2, bad, y))
        with pytest.raises(ValueError, match="NaN or infinity"):
            hsic(np.full((5, 5), bad), np.eye(5))
    with pytest.raises(ValueError, match="same examples; received 5 and 6"):
        hsic(np.eye(5), np.eye(6))
    with pytest.raises(ValueError, match=r"received \(5, 4\)"):
        centre_gram(np.ones((5, 4)))
    with pytest.raises(ValueError, match=r"received \(10,\).*values\[:, None\]"):
        gram_matrix(np.ones(10))


# The versions that people write by mistake must differ from the right one in such cases


def cka_by(x, y, hsic_of):
    k, m = gram_matrix(x), gram_matrix(y)
    return hsic_of(k, m) / np.sqrt(hsic_of(k, k) * hsic_of(m, m))


def without_root(x, y):
    k, m = gram_matrix(x), gram_matrix(y)
    return hsic(k, m) / (hsic(k, k) * hsic(m, m))


def diagonal_as_a_row(gram):
    return gram - np.diag(gram)


MISTAKES = {
    "uncentred": lambda x, y: cka_by(x, y, lambda k, m: np.sum(k * m)),
    "uncentred, zero diagonal": lambda x, y: cka_by(x, y, lambda k, m: np.sum(k * m * (1 - np.eye(len(k))))),
    "no root": without_root,
    "diagonal subtracted as a row": lambda x, y: cka_by(
        x, y, lambda k, m: slow_hsic1(diagonal_as_a_row(k), diagonal_as_a_row(m))
    ),
    "diagonal kept": lambda x, y: cka_by(x, y, lambda k, m: hsic(k, m, debiased=False)),
    "centred once": lambda x, y: cka_by(
        x, y, lambda k, m: np.sum((k - k.mean(axis=0)) * (m - m.mean(axis=0)))
    ),
    "Gram of features": lambda x, y: cka_by(x.T[:8], y.T[:8], hsic),
    "tokens as examples": lambda x, y: linear_cka(x.reshape(-1, 4), y.reshape(-1, 4)),
    "mean of tokens": lambda x, y: linear_cka(
        x.reshape(len(x), -1, 4).mean(axis=1), y.reshape(len(y), -1, 4).mean(axis=1)
    ),
    "cosine of features": lambda x, y: np.sum(x * y) / np.linalg.norm(x) / np.linalg.norm(y),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_common_mistake_would_be_seen(mistake):
    x = gaussian(24, 12) + 1
    y = x @ rotation(12) + 1.5 * gaussian(24, 12, seed=1)
    expected = slow_cka(x, y)
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-9)
    assert MinibatchCKA().update([x], [y]).result()[0, 0] == pytest.approx(expected, abs=1e-9)
    assert abs(mistake(x, y) - expected) > 0.02


def test_the_mean_of_ratios_would_be_seen():
    batches = [layers(6, seed, "float64") for seed in range(5)]
    similarity = MinibatchCKA()
    ratios = [similarity.update(a, b) and MinibatchCKA().update(a, b).result() for a, b in batches]
    assert np.abs(similarity.result() - np.mean(ratios, axis=0)).max() > 0.02


# cka_matrix


@pytest.fixture(scope="module")
def vit():
    return VisionTransformer(
        ViTConfig(image_size=8, patch_size=4, hidden_dim=12, depth=2, num_heads=2, mlp_dim=16, num_classes=3)
    )


@pytest.fixture(scope="module")
def resnet():
    return ResNet(ResNetConfig(depth=8, width=4, image_size=8, num_classes=3))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (31, 8, 8, 3), dtype="uint8")


def test_two_models_against_loops(vit, resnet, images):
    found = cka_matrix(vit, resnet, images)
    a, b = (
        [ops.convert_to_numpy(f) for f in layer_features(m, images.astype("float32") / 255).values()]
        for m in (vit, resnet)
    )
    assert found.shape == (len(layer_names(vit)), len(layer_names(resnet))) == (7, 10)
    np.testing.assert_allclose(found, slow_minibatch_cka([(a, b)]), atol=1e-5)


def test_layers_are_rows_and_columns_in_the_order_asked_for(vit, resnet, images):
    whole = cka_matrix(vit, resnet, images)
    rows, columns = ["block_1", "embedding"], ["block_2", "stem", "block_0.conv1"]
    part = cka_matrix(vit, resnet, images, layers_a=rows, layers_b=columns)
    names = layer_names(vit), layer_names(resnet)
    index = np.ix_([names[0].index(row) for row in rows], [names[1].index(column) for column in columns])
    np.testing.assert_allclose(part, whole[index], atol=1e-6)
    assert cka_matrix(vit, resnet, images, layers_a="block_0", layers_b="stem").shape == (1, 1)


def test_one_model_is_run_once(vit, images, monkeypatch):
    runs = []
    monkeypatch.setattr(
        "helpers.analysis.similarity.layer_features",
        lambda model, batch, names: runs.append(len(batch)) or layer_features(model, batch, names),
    )
    matrix = cka_matrix(vit, None, images, batch_size=10)
    assert runs == [8, 8, 8, 7]
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-12)
    np.testing.assert_array_equal(cka_matrix(vit, vit, images, batch_size=10), matrix)
    assert len(runs) == 8
    part = cka_matrix(
        vit, None, images, batch_size=10, layers_a=["block_1"], layers_b=["embedding", "block_1"]
    )
    np.testing.assert_allclose(part, matrix[[-1]][:, [0, -1]], atol=1e-6)
    assert cka_matrix(vit, None, images, layers_a=["block_1", "block_0"]).shape == (2, 2)


@pytest.mark.parametrize(
    "count, batch_size, sizes",
    [
        (30, 256, [30]),
        (30, 10, [10] * 3),
        (29, 10, [10, 10, 9]),
        (31, 10, [8, 8, 8, 7]),
        (10, 4, [5, 5]),
        (7, 4, [7]),
    ],
)
def test_every_image_counts_once_a_pass_in_even_batches(vit, images, monkeypatch, count, batch_size, sizes):
    seen, told = [], []

    def remember(model, batch, names):
        seen.append(batch)
        return layer_features(model, batch, names)

    monkeypatch.setattr("helpers.analysis.similarity.layer_features", remember)
    cka_matrix(
        vit,
        None,
        images[:count],
        layers_a=["embedding"],
        batch_size=batch_size,
        passes=2,
        progress=lambda *numbers: told.append(numbers),
    )
    assert [len(batch) for batch in seen] == 2 * sizes
    for half in (seen[: len(sizes)], seen[len(sizes) :]):
        rows = np.sort(np.concatenate(half).reshape(count, -1), axis=0)
        np.testing.assert_array_equal(
            rows, np.sort(images[:count].reshape(count, -1), axis=0) / np.float32(255)
        )
    assert told == [(done, 2 * count) for done in np.cumsum(2 * sizes).tolist()]


def test_the_seed_is_the_order(vit, resnet, images):
    first, again, other = (cka_matrix(vit, resnet, images, batch_size=10, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(cka_matrix(vit, resnet, images, batch_size=10, seed=3, passes=2) - first).max() > 1e-3


def test_images_in_0_to_1_are_the_same(vit, images):
    found = cka_matrix(vit, None, images.astype("float32") / 255)
    np.testing.assert_allclose(found, cka_matrix(vit, None, images), atol=1e-6)


@pytest.mark.parametrize(
    "options, told",
    [
        (dict(batch_size=3), "batch_size as a whole number of at least 4; received 3"),
        (dict(batch_size=16.0), "received 16.0"),
        (dict(passes=0), "passes as a whole number of at least 1; received 0"),
        (dict(layers_a=["block_9"]), r"layers embedding, .*received \['block_9'\]"),
        (dict(layers_b=["embedding"]), r"layers stem, .*received \['embedding'\]"),
        (dict(layers_a=[]), r"received \[\]"),
    ],
)
def test_options_out_of_range_are_told(vit, resnet, images, options, told):
    with pytest.raises(ValueError, match=told):
        cka_matrix(vit, resnet, images, **options)


def test_too_few_images_and_no_model_are_told(vit, images):
    with pytest.raises(ValueError, match="at least 4 images; received 3"):
        cka_matrix(vit, None, images[:3])
    with pytest.raises(ValueError, match="VisionTransformer or a ResNet of the course; received a str"):
        cka_matrix(vit, "resnet", images)


# identify_layers


def test_identified_layers_by_hand():
    cka = np.array([[0.9, 0.2, 0.1], [0.3, 0.4, 0.8], [0.0, 0.2, 0.5]])
    assert identify_layers(cka) == pytest.approx(2 / 3)
    assert identify_layers(cka.T) == pytest.approx(
        2 / 3
    )  # the second column: 0.4 is its largest; the third not
    np.testing.assert_allclose(identify_layers(np.stack([cka, np.eye(3)])), [2 / 3, 1])


def test_a_tie_or_nan_is_no_identification():
    assert identify_layers(np.ones((4, 4))) == 0
    cka = np.eye(3)
    cka[1] = cka[:, 1] = np.nan
    assert identify_layers(cka) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"received \(3, 2\)"):
        identify_layers(cka[:, :2])


def test_layers_find_themselves_in_a_rotated_and_noisy_copy():
    """Each layer adds to the one before; turned, another width, and with noise, it still finds itself."""
    stream = np.cumsum(gaussian(6, 300, 40), axis=0)
    other = [np.hstack([s @ rotation(40, seed=i), gaussian(300, 9, seed=i)]) for i, s in enumerate(stream)]
    found = MinibatchCKA().update(list(stream), other).result()
    assert identify_layers(found) == 1
    assert identify_layers(found[:, ::-1]) == 0


# Work and memory


def test_a_gram_matrix_is_made_once_a_batch_and_not_once_a_pair(gram_matrices):
    a, b = ([gaussian(8, 6, seed=seed) for seed in range(first, first + 5)] for first in (0, 5))
    MinibatchCKA().update(a, b).update(a, b)
    assert len(gram_matrices) == 2 * (5 + 5)
    gram_matrices.clear()
    MinibatchCKA().update(a).update(a, a)  # one network with itself
    assert len(gram_matrices) == 2 * 5
    gram_matrices.clear()
    [[linear_cka(x, y) for y in b] for x in a]  # the slow way, as a check of the count
    assert len(gram_matrices) == 2 * 5 * 5


def test_memory_does_not_grow_with_the_images():
    import tracemalloc

    a, b = layers(64)
    similarity = MinibatchCKA()
    held = []
    tracemalloc.start()
    for _ in range(20):
        similarity.update(a, b)
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[-1] - held[1] < 20_000


@pytest.mark.parametrize("name", benchmark.CONTESTANTS)
def test_the_contestants_of_the_benchmark_compute_the_same(name, monkeypatch):
    """Two batches of the same images, so that the sums are those of one; the full Gram takes one, biased."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    a, b = (np.stack(side) for side in (layers(16)[0][:2], layers(16, seed=1)[0]))
    full = name.startswith("full")
    try:
        found = benchmark.CONTESTANTS[name](a, b, 1 if full else 2)()
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed")
    expected = [[linear_cka(x, y, debiased=not full) for y in b] for x in a]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_benchmark_tells_what_it_measured(tmp_path):
    options = benchmark.read_options(["--images", "32", "--batch", "16"])
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.stack(layers(16)[0]))
    row = benchmark.measure("MinibatchCKA", tmp_path, options)
    assert {"processor", "seconds", "memory"} == set(row)
    assert np.load(tmp_path / "MinibatchCKA.npy").shape == (3, 3)


def test_small_layers_in_stacks_are_what_they_are_one_by_one(monkeypatch):
    """Odd layers among them: zeros, numbers whose squares vanish or overflow, one large common part."""
    rng = np.random.default_rng(11)
    layers = [rng.standard_normal((8, width)).astype("float32") for width in (5, 7) for _ in range(70)]
    layers[2] *= 0
    layers[3] *= np.float32(1e-20)
    layers[75] *= np.float32(1e25)
    layers[76] += 100
    layers[77] = layers[77].astype("float64")
    stacked = LayerGrams.of(layers, "layers")
    monkeypatch.setattr(layer_grams, "SMALL", 0)
    alone = LayerGrams.of(layers, "layers")
    for field in ("grams", "self_hsic", "rounding"):
        np.testing.assert_array_equal(getattr(stacked, field), getattr(alone, field), err_msg=field)
    for gram, layer in zip(stacked.grams, layers):
        expected = u_centre_gram(gram_matrix(layer.astype("float64"))).reshape(-1)
        np.testing.assert_allclose(gram, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
