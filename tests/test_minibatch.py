"""CKA over batches: one ratio of sums, as by hand, as `MinibatchCKA`, and no ratio where nothing varies."""

import numpy as np
import pytest

from helpers.analysis.hsic import gram_matrix, hsic
from helpers.analysis.minibatch import minibatch_cka
from helpers.analysis.similarity import MinibatchCKA, linear_cka

SIZES = (7, 12, 30)


@pytest.fixture
def batches():
    rng = np.random.default_rng(80)
    a = [rng.standard_normal((n, 3, 5)) + 2 for n in SIZES]
    b = [rows.reshape(n, 15) @ rng.standard_normal((15, 4)) for n, rows in zip(SIZES, a)]
    return a, b


@pytest.mark.parametrize("debiased", [True, False])
def test_the_ratio_of_sums(batches, debiased):
    terms = []
    for x, y in zip(*batches):
        first, second = gram_matrix(x), gram_matrix(y)
        terms.append(
            [hsic(*pair, debiased=debiased) for pair in ((first, second), (first, first), (second, second))]
        )
    cross, self_a, self_b = np.sum(terms, axis=0)
    ours = minibatch_cka(*batches, debiased=debiased)
    assert ours == pytest.approx(cross / np.sqrt(self_a * self_b), abs=1e-9)
    ratios = [c / np.sqrt(a * b) for c, a, b in terms]
    assert abs(ours - np.mean(ratios)) > 1e-3  # which is another number


def test_all_layers_at_once_give_the_same_for_even_batches(batches):
    even = [[rows[:7] for rows in side] for side in batches]
    similarity = MinibatchCKA()
    for x, y in zip(*even):
        similarity.update([x], [y])
    assert minibatch_cka(*even) == pytest.approx(similarity.result()[0, 0], abs=1e-9)


def test_all_layers_at_once_count_a_batch_by_its_examples(batches):
    """A batch of n counts like n of one: as if its HSIC stood n times in the plain sums."""
    similarity = MinibatchCKA()
    for x, y in zip(*batches):
        similarity.update([x], [y])
    repeated = [[rows for rows in side for _ in range(len(rows))] for side in batches]
    assert similarity.result()[0, 0] == pytest.approx(minibatch_cka(*repeated), abs=1e-9)
    assert abs(similarity.result()[0, 0] - minibatch_cka(*batches)) > 1e-3


def test_a_last_batch_of_4_troubles_no_sum_of_260():
    """260 = 4 · 64 + 4, beside all examples at once: over 30 draws, and how far off the plain sums are."""
    counted, plain = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((260, 12))
        y = x @ rng.standard_normal((12, 8)) + rng.standard_normal((260, 8))
        parts = [np.split(side, (64, 128, 192, 256)) for side in (x, y)]
        similarity, whole = MinibatchCKA(), linear_cka(x, y)
        for batch_x, batch_y in zip(*parts):
            similarity.update([batch_x], [batch_y])
        counted.append(similarity.result()[0, 0] - whole)
        plain.append(minibatch_cka(*parts) - whole)
    counted, plain = (np.sqrt(np.mean(np.square(errors))) for errors in (counted, plain))
    assert counted < 0.02 < 2 * counted < plain


@pytest.mark.parametrize("debiased", [True, False])
def test_one_batch_is_linear_cka(batches, debiased):
    x, y = (side[1] for side in batches)
    expected = linear_cka(x, y, debiased=debiased)
    assert minibatch_cka([x], [y], debiased=debiased) == pytest.approx(expected, abs=1e-9)


def test_by_hand():
    # On a line at 1, 1, −1, −1: K is ±1, and Ũ(K) is 1 for the two pairs that agree and −1/2 for the others
    # (rows sum to 0), so ⟨Ũ, Ũ⟩ = 4 · 1 + 8 · 1/4 = 6. Other pairs agree in y: ⟨Ũ(K), Ũ(L)⟩ =
    # 8 · (1 · −1/2) + 4 · (1/4) = −3, and CKA −1/2. Twice as large, or twice the batches, nothing changes.
    x, y = np.array([[1.0], [1], [-1], [-1]]), np.array([[1.0], [-1], [1], [-1]])
    assert minibatch_cka([x], [y]) == pytest.approx(-0.5)
    assert minibatch_cka([x, 2 * x], [y, 2 * y]) == pytest.approx(-0.5)
    # 16 times the weight for the second batch, in which both are the same: (−3 + 16 · 6) / (6 + 16 · 6).
    assert minibatch_cka([x, 2 * x], [y, 2 * x]) == pytest.approx(93 / 102)


def test_the_batch_size_does_not_bias_it():
    rng = np.random.default_rng(81)
    x, y = rng.standard_normal((2, 2000, 60))  # have nothing in common
    split = np.split(np.arange(2000), 200)
    parts = [x[rows] for rows in split], [y[rows] for rows in split]
    assert abs(minibatch_cka(*parts)) < 0.05  # four standard deviations
    assert minibatch_cka(*parts, debiased=False) > 0.8


@pytest.mark.parametrize("debiased", [True, False])
def test_nothing_varies(batches, debiased):
    constant = [np.full((n, 3), 0.1) for n in SIZES]
    assert np.isnan(minibatch_cka(batches[0], constant, debiased=debiased))


def test_all_equally_far_apart():
    corners = [3.7 * np.eye(n) for n in SIZES]  # what is left of them is rounding
    others = [np.random.default_rng(82).standard_normal((n, 4)) for n in SIZES]
    assert np.isnan(minibatch_cka(others, corners))
    assert np.isnan(minibatch_cka(corners, others))


@pytest.mark.parametrize(
    "a, b, told",
    [
        ([], [], "at least one; received 0 and 0"),
        ([np.ones((5, 2))], [np.ones((5, 2))] * 2, "received 1 and 2"),
        ([np.ones((5, 2))], [np.ones((6, 2))], "received 5 and 6"),
        ([np.ones((3, 2))], [np.ones((3, 2))], r"least 4 examples .* batches_a\[0\] has 3. Leave it out"),
        (
            [np.ones((5, 2)), np.ones((3, 2))],
            [np.ones((5, 2))] * 2,
            r"batches_a\[1\] has 3.*biased HSIC takes 2",
        ),
        ([np.ones((5, 2))], [np.full((5, 2), np.nan)], "NaN"),
    ],
)
def test_what_cannot_be_compared_is_told(a, b, told):
    with pytest.raises(ValueError, match=told):
        minibatch_cka(a, b)
