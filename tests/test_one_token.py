"""One token at a time: as all at once, as worked out by hand, and what must not change it."""

import numpy as np
import pytest

from helpers.analysis.linear_probe import fit_probes
from helpers.analysis.localization import token_localization
from helpers.analysis.one_token import locate_token, mean_of_patches, probe_scores


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_one_token_is_a_row_of_all():
    patches, tokens = numbers(30, 6, 4) + 2, numbers(30, 7, 5, seed=1) - 1
    tokens[:, 1:, :4] += 2 * patches
    everything = token_localization(tokens, patches, grid=(2, 3)).reshape(7, 6)
    for token in range(7):
        np.testing.assert_allclose(locate_token(tokens, patches, token), everything[token], atol=1e-9)


def test_a_planted_place_is_found_and_only_there():
    patches, tokens = numbers(200, 6, 4), numbers(200, 3, 5, seed=1)
    rotation = np.linalg.qr(numbers(4, 4, seed=2))[0]
    tokens[:, 2, :4], tokens[:, 2, 4] = 3 * patches[:, 5] @ rotation + 7, 0
    found = locate_token(tokens, patches, 2)
    assert found.shape == (6,) and found[5] == pytest.approx(1)
    assert np.abs(found[:5]).max() < 0.05
    np.testing.assert_array_equal(found, locate_token(tokens, patches, -1))


def test_a_token_that_is_always_the_same_has_no_place():
    tokens = numbers(20, 3, 5)
    tokens[:, 0] = 0.25
    assert np.isnan(locate_token(tokens, numbers(20, 4, 3), 0)).all()


@pytest.mark.parametrize(
    ("tokens", "patches", "token", "message"),
    [
        (numbers(2, 8, 3, 5), numbers(8, 4, 3), 0, "of one layer"),
        (numbers(8, 3, 5), numbers(8, 12), 0, "of one layer"),
        (numbers(8, 3, 5), numbers(9, 4, 3), 0, "of the same images"),
        (numbers(8, 3, 5), numbers(8, 4, 3), 3, "from 0 to 2; received 3"),
    ],
)
def test_tokens_that_cannot_be_located(tokens, patches, token, message):
    with pytest.raises(ValueError, match=message):
        locate_token(tokens, patches, token)


def test_scores_by_hand():
    # One feature, at 1 and 3 in class 0 and at 5 in class 1; its mean is 3. Targets of class 0: 1, 1, −1,
    # with mean 1/3. Xᵀ X = 4 + 0 + 4 = 8, Xᵀ Y = −2 · 2/3 + 0 − 2 · 4/3 = −4; for λ = 8, W = −4 / 16.
    features, labels = np.array([[1.0], [3], [5]]), np.array([0, 0, 1])
    found = probe_scores(features, labels, np.array([[3.0], [7], [-1]]), 8)
    expected = np.array([1 / 3, 1 / 3 - 1, 1 / 3 + 1])
    np.testing.assert_allclose(found, np.stack([expected, -expected], axis=1))


def test_the_minimum_of_what_it_says():
    """Least squares of a longer system: a row √λ · e for each feature, and none for the bias."""
    features, labels, new = numbers(12, 20), np.arange(12) % 3, numbers(5, 20, seed=1)
    penalty = 0.7
    rows = np.block([[features, np.ones((12, 1))], [np.sqrt(penalty) * np.eye(20), np.zeros((20, 1))]])
    targets = np.concatenate([2 * np.eye(3)[labels] - 1, np.zeros((20, 3))])
    solution = np.linalg.lstsq(rows, targets, rcond=None)[0]
    np.testing.assert_allclose(
        probe_scores(features, labels, new, penalty), np.c_[new, np.ones(5)] @ solution, atol=1e-9
    )


def test_the_probes_of_all_tokens_are_these_on_standardised_features():
    tokens, labels, new = numbers(40, 3, 8) + 3, np.arange(40) % 4, numbers(9, 3, 8, seed=1) + 3
    probes = fit_probes(tokens, labels, ridge=0.5)
    for token in range(3):
        mean, deviation = tokens[:, token].mean(axis=0), tokens[:, token].std(axis=0)
        x, x_new = (tokens[:, token] - mean) / deviation, (new[:, token] - mean) / deviation
        expected = new[:, token] @ probes.weights[token] + probes.bias[token]
        np.testing.assert_allclose(probe_scores(x, labels, x_new, 0.5 * 8), expected, atol=1e-4)


def test_where_the_origin_lies_does_not_matter():
    features, labels, new = numbers(12, 4), np.arange(12) % 3, numbers(5, 4, seed=1)
    there, here = (probe_scores(features + far, labels, new + far, 2.0) for far in (0, 100))
    np.testing.assert_allclose(there, here, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": numbers(6, 2, 3)}, "features \\(n, width\\)"),
        ({"new_features": numbers(6, 4)}, "new_features \\(m, width\\)"),
        ({"labels": np.arange(5)}, "one label, 0 or more"),
        ({"labels": np.arange(6) - 1}, "one label, 0 or more"),
        ({"labels": np.arange(6.0)}, "float64"),
        ({"penalty": 0}, "penalty above 0; received 0"),
        ({"penalty": np.nan}, "penalty above 0"),
    ],
)
def test_probes_that_cannot_be_fitted(changes, message):
    given = {
        "features": numbers(6, 3),
        "labels": np.arange(6) % 2,
        "new_features": numbers(2, 3),
        "penalty": 1,
    }
    with pytest.raises(ValueError, match=message):
        probe_scores(**given | changes)


def test_the_class_token_is_left_out_and_no_patch_is():
    patches = numbers(2, 5, 4, 3)
    with_class_token = np.concatenate([np.full((2, 5, 1, 3), 1e6), patches], axis=2)
    for tokens in (patches, with_class_token):
        np.testing.assert_allclose(mean_of_patches(tokens, 4), patches.sum(axis=2) / 4)


@pytest.mark.parametrize("shape", [(5, 6, 3), (5, 3, 3), (4,)])
def test_other_numbers_of_tokens_are_refused(shape):
    with pytest.raises(ValueError, match="4 of patches and perhaps a class token"):
        mean_of_patches(np.zeros(shape), 4)
