"""Token-to-patch CKA against the definition in loops, planted places and invariants."""

import numpy as np
import pytest
from keras import ops

from helpers.analysis.localization import localization_score, token_localization
from helpers.model.activations import activations
from helpers.model.patches import extract_patches
from helpers.model.vit import VisionTransformer, ViTConfig


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def unbiased_hsic(x, y):
    """Song et al. 2012, equation 5, term by term: Gram matrices without their diagonals."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    ones = np.ones(n)
    second = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return (np.trace(k @ m) + second - 2 / (n - 2) * ones @ k @ m @ ones) / (n * (n - 3))


def slow_cka(x, y, batches):
    """Batch by batch, each weighted by its images; the ratio is taken of the sums."""
    sums = np.zeros(3)
    for batch in batches:
        a, b = x[batch], y[batch]
        sums += [len(a) * unbiased_hsic(*pair) for pair in ((a, b), (a, a), (b, b))]
    return sums[0] / np.sqrt(sums[1] * sums[2])


@pytest.mark.parametrize(
    "batch_size, batches",  # as even as can be
    [(256, [slice(0, 14)]), (14, [slice(0, 14)]), (6, [slice(0, 5), slice(5, 10), slice(10, 14)])],
)
def test_every_pair_is_the_definition(batch_size, batches):
    patches = numbers(14, 6, 3) + 2
    tokens = numbers(14, 5, 7, seed=1) + 4
    tokens[:, :, :3] += patches[:, :5]
    maps = token_localization(tokens, patches, grid=(2, 3), batch_size=batch_size)
    assert maps.shape == (5, 2, 3) and maps.dtype == np.float64
    for token, row, column in np.ndindex(maps.shape):
        expected = slow_cka(tokens[:, token], patches[:, row * 3 + column], batches)
        assert maps[token, row, column] == pytest.approx(expected, abs=1e-9)


def test_no_batch_is_too_small():
    """7 images in batches of 4 would leave 3, of which no HSIC can be had: all 7 are one batch."""
    tokens, patches = numbers(7, 4, 5), numbers(7, 4, 3, seed=1)
    found = token_localization(tokens, patches, batch_size=4)
    np.testing.assert_allclose(found, token_localization(tokens, patches))


def test_planted_places_are_found():
    """Token t is a turned, stretched and shifted copy of patch place[t]: CKA is exactly 1 there."""
    patches = numbers(60, 6, 4)
    place = [4, 0, 5, 2, 2]
    turn = np.linalg.qr(numbers(9, 9, seed=1))[0][:4]  # (4, 9), its rows orthonormal
    maps = token_localization(3 * patches[:, place] @ turn + 7, patches, grid=(2, 3))
    flat = maps.reshape(5, 6)
    np.testing.assert_array_equal(flat.argmax(axis=1), place)
    np.testing.assert_allclose(flat[range(5), place], 1)
    flat[range(5), place] = 0
    assert np.abs(flat).max() < 0.3 and abs(flat.mean()) < 0.03


def test_what_is_unrelated_gives_0_though_the_images_are_fewer_than_the_features():
    maps = token_localization(numbers(40, 16, 400), numbers(40, 16, 300, seed=1))
    assert abs(maps.mean()) < 0.01  # uncorrected CKA: 0.89


def test_what_all_positions_share_in_an_image_is_no_place():
    """The examples are images: a brightness of the whole image makes all positions alike."""
    brightness = 10 * numbers(50, 1, 1)
    patches = np.ones((50, 4, 3)) * brightness + 0.1 * numbers(50, 4, 3, seed=1)
    maps = token_localization(np.ones((50, 4, 5)) * brightness, patches)
    np.testing.assert_allclose(maps, 1, atol=0.01)


@pytest.mark.filterwarnings("error")
def test_a_token_that_is_the_same_in_every_image_has_no_map():
    tokens = numbers(37, 5, 6).astype("float32")
    tokens[:, 0] = numbers(6, seed=2) / 3
    maps = token_localization(tokens, numbers(37, 4, 3, seed=1), batch_size=10)
    assert np.isnan(maps[0]).all() and np.isfinite(maps[1:]).all()


def test_layers_are_kept_and_any_backend_is_taken():
    tokens, patches = numbers(2, 3, 12, 4, 5).astype("float32"), numbers(12, 4, 3, seed=1).astype("float32")
    maps = token_localization(ops.convert_to_tensor(tokens), ops.convert_to_tensor(patches), batch_size=6)
    assert isinstance(maps, np.ndarray) and maps.shape == (2, 3, 4, 2, 2)
    for index in np.ndindex(2, 3):
        expected = token_localization(tokens[index], patches, batch_size=6)
        np.testing.assert_allclose(maps[index], expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
def test_the_embeddings_of_a_model_stand_at_their_own_patches(pooling):
    model = VisionTransformer(
        ViTConfig(
            image_size=16,
            patch_size=4,
            hidden_dim=48,
            depth=1,
            num_heads=2,
            mlp_dim=8,
            num_classes=2,
            pooling=pooling,
        )
    )
    images = np.random.default_rng(0).random((300, 16, 16, 3), dtype="float32")
    run = activations(model, images, keep="tokens")
    score = localization_score(token_localization(run.tokens[0], extract_patches(images, 4)))
    assert score.shape == (4, 4) and score.min() > 0.4


def test_what_does_not_fit_is_told():
    tokens, patches = numbers(10, 5, 6), numbers(10, 4, 3)
    for wrong in (tokens[:9], tokens[0], tokens[None, :, 0]):
        with pytest.raises(ValueError, match=r"of the same n images.*received .* and \(10, 4, 3\)"):
            token_localization(wrong, patches)
    with pytest.raises(ValueError, match=r"patches \(n, num_patches, patch_values\).*\(10, 4, 3, 1\)"):
        token_localization(tokens, patches[..., None])
    with pytest.raises(ValueError, match="4 at least"):
        token_localization(tokens[:3], patches[:3])
    with pytest.raises(ValueError, match="batch_size of 4 images or more; received 3"):
        token_localization(tokens, patches, batch_size=3)
    with pytest.raises(ValueError, match="3 patches.* no square"):
        token_localization(tokens, patches[:, :3])


def test_every_position_is_made_a_gram_matrix_once_a_batch(gram_matrices):
    """40 images in 4 batches, 17 tokens, 16 patches: 132 Gram matrices; pair by pair there would be 2176."""
    token_localization(numbers(40, 17, 6), numbers(40, 16, 5), batch_size=10)
    assert gram_matrices == ([(10, 6)] * 17 + [(10, 5)] * 16) * 4


# localization_score


def test_the_score_by_hand():
    maps = np.zeros((4, 2, 2))
    maps[0] = [[0.9, 0.1], [0.2, 0.3]]  # 0.9 − 0.2
    maps[1] = [[0.5, 0.5], [0.5, 0.5]]  # as like to all: 0
    maps[2] = [[0.0, 0.0], [1.0, 0.0]]  # its own alone: 1
    maps[3] = [[0.6, 0.0], [0.3, 0.0]]  # elsewhere: −0.3
    np.testing.assert_allclose(localization_score(maps), [[0.7, 0], [1, -0.3]], atol=1e-12)
    with_class_token = np.concatenate([np.full((1, 2, 2), 5.0), maps])
    np.testing.assert_allclose(localization_score(with_class_token), [[0.7, 0], [1, -0.3]], atol=1e-12)


def test_the_score_keeps_leading_axes_and_the_order_of_the_grid():
    maps = numbers(2, 3, 6, 2, 3)
    found = localization_score(maps)
    assert found.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(found[1, 2], localization_score(maps[1, 2]))
    own = maps[0, 0, 5, 1, 2]
    assert found[0, 0, 1, 2] == pytest.approx(own - (maps[0, 0, 5].sum() - own) / 5)


@pytest.mark.parametrize("shape", [(3, 2, 2), (6, 2, 2), (4, 4), (1, 1, 1)])
def test_maps_without_a_token_a_patch_are_told(shape):
    with pytest.raises(ValueError, match="a token for each of rows · columns patches"):
        localization_score(np.zeros(shape))
