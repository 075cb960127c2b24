"""Cuts by name: which edges, that what is cut is gone, and that removing is exactly dropping."""

import numpy as np
import pytest
from random_weights import with_random_weights

from helpers.model.activations import DropTokens, activation_batches, activations
from helpers.model.attention_cuts import (
    cut_patches_from_class_token,
    cut_patches_from_each_other,
    remove_patches,
)
from helpers.model.vit import VisionTransformer, ViTConfig

IMAGES = np.random.default_rng(0).random((4, 12, 12, 3), dtype="float32")
MANY = np.random.default_rng(1).random((36, 12, 12, 3), dtype="float32")  # enough to be compiled


def make_model(**changes):
    config = dict(image_size=12, patch_size=4, hidden_dim=12, depth=3, num_heads=2, mlp_dim=16, num_classes=4)
    model = VisionTransformer(ViTConfig(**(config | changes)))
    return with_random_weights(model)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.mark.parametrize("images", [IMAGES, MANY], ids=["eager", "compiled"])
def test_patches_cut_from_each_other_in_both_readings(model, images):
    whole = activations(model, images).attention_weights
    text, code = (
        activations(model, images, interventions=[cut_patches_from_each_other(model.config, reading=name)])
        for name in ("text", "code")
    )
    for block in range(3):  # (batch, heads, 10, 10)
        kept = text.attention_weights[block]
        patches = kept[..., 1:, 1:]
        assert (patches * (1 - np.eye(9)) == 0).all() and (np.diagonal(patches, 0, -2, -1) > 0).all()
        assert (kept[..., 1:, 0] > 0).all()  # the class token may be looked at
        np.testing.assert_allclose(kept[..., 0, :].sum(axis=-1), 1, atol=1e-5)
        np.testing.assert_allclose(
            code.attention_weights[block][..., 1:, 1:], np.broadcast_to(np.eye(9), patches.shape), atol=1e-5
        )
        assert (code.attention_weights[block][..., 1:, 0] == 0).all()
        np.testing.assert_allclose(code.attention_weights[block][..., 0, :].sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(text.attention_weights[0][..., 0, :], whole[0][..., 0, :], atol=1e-5)
    # In the code's reading a patch token hangs on its own patch alone.
    other = images.copy()
    other[:, :4, :4] = 1 - other[:, :4, :4]
    cut = [cut_patches_from_each_other(model.config, reading="code")]
    changed = activations(model, other, interventions=cut)
    np.testing.assert_allclose(changed.tokens[-1][:, 2:], code.tokens[-1][:, 2:], atol=1e-4)
    assert np.abs(changed.tokens[-1][:, 1] - code.tokens[-1][:, 1]).max() > 0.1


@pytest.mark.parametrize("images", [IMAGES, MANY], ids=["eager", "compiled"])
@pytest.mark.parametrize("renormalise", [False, True])
def test_patches_cut_from_the_class_token(model, images, renormalise):
    whole = activations(model, images).attention_weights[1]
    cut = cut_patches_from_class_token(model.config, renormalise=renormalise, blocks=(0, 1))
    run = activations(model, images, interventions=[cut])
    assert (run.attention_weights[:2, ..., 1:, 0] == 0).all() and (run.attention_weights[2] > 0).all()
    sums = run.attention_weights[0][..., 1:, :].sum(axis=-1)
    left = 1 - activations(model, images).attention_weights[0][..., 1:, 0]
    np.testing.assert_allclose(sums, 1 if renormalise else left, atol=1e-5)
    assert whole[..., 1:, 0].min() > 0


@pytest.mark.parametrize("renormalise", [False, True])
def test_only_with_renormalising_do_patches_not_hang_on_the_class_token(model, renormalise):
    """Without it, the share that the class token had drawn is lost, and how much that was depends on it."""
    moved = make_model()
    moved.class_token_and_position.class_token.assign(np.ones((1, 1, 12), "float32"))
    cut = [cut_patches_from_class_token(model.config, renormalise=renormalise)]
    one, other = (activations(m, IMAGES, interventions=cut).tokens[-1] for m in (model, moved))
    difference = np.abs(one - other).max(axis=(0, 2))  # of each token
    assert difference[0] > 0.1
    assert (difference[1:] < 1e-4).all() if renormalise else (difference[1:] > 1e-2).all()


def test_mean_pooling_has_patches_alone():
    model = make_model(pooling="mean")
    texts = [cut_patches_from_each_other(model.config, reading=reading) for reading in ("text", "code")]
    for cut in texts:
        assert (cut.edges == ~np.eye(9, dtype=bool)).all()
    for make, message in (
        (lambda: cut_patches_from_class_token(model.config), "class token to cut.*Token 0 is a patch"),
        (lambda: remove_patches(np.zeros(9, bool), model.config), "mean pooling.*DropTokens"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize("images", [IMAGES, MANY], ids=["eager", "compiled"])
def test_removing_is_exactly_dropping_another_number_from_each_image(model, images):
    removed = np.random.default_rng(2).random((len(images), 9)) < np.linspace(0, 1, len(images))[:, None]
    assert removed[0].sum() == 0 and removed[-1].sum() == 9
    run = activations(model, images, interventions=[remove_patches(removed, model.config)])
    for index in (0, 1, len(images) // 2, -1):
        drop = DropTokens(tuple(np.flatnonzero(removed[index]) + 1))
        alone = activations(model, images[[index]], interventions=[drop])
        left = np.flatnonzero(np.concatenate([[True], ~removed[index]]))
        np.testing.assert_allclose(run.logits[index], alone.logits[0], atol=1e-5)
        expected = alone.tokens[:, 0]
        limit = 1e-5 * max(1, np.abs(expected).max())
        np.testing.assert_allclose(run.tokens[:, index][:, left], expected, atol=limit)


def test_the_same_patches_of_all_images(model):
    removed = np.arange(9) % 3 == 0
    run = activations(model, IMAGES, interventions=[remove_patches(removed, model.config)])
    alone = activations(model, IMAGES, interventions=[DropTokens((1, 4, 7))])
    np.testing.assert_allclose(run.logits, alone.logits, atol=1e-5)
    batches = activation_batches(model, IMAGES, 2, interventions=[remove_patches(removed, model.config)])
    np.testing.assert_allclose(np.concatenate([b.logits for b in batches]), run.logits, atol=1e-5)


def test_what_cannot_be_cut(model):
    with pytest.raises(ValueError, match='"text" or "code"; received \'paper\''):
        cut_patches_from_each_other(model.config, reading="paper")
    for removed, received in (
        (np.zeros((4, 10), bool), r"bool \(4, 10\)"),
        (np.zeros((4, 9)), r"float64 \(4, 9\)"),
        (np.zeros((1, 4, 9), bool), r"bool \(1, 4, 9\)"),
    ):
        with pytest.raises(ValueError, match=f"with 9 patches, without the class token.*received {received}"):
            remove_patches(removed, model.config)
    cut = [remove_patches(np.zeros((4, 9), bool), model.config)]
    with pytest.raises(ValueError, match="CutAttention needs an entry for each of 3 images; received 4"):
        activations(model, IMAGES[:3], interventions=cut)


@pytest.mark.parametrize("batch_size", [2, 3])
def test_each_batch_loses_its_own_patches(model, batch_size):
    for images in (IMAGES, MANY):
        removed = np.random.default_rng(2).random((len(images), 9)) < 0.5
        change = [remove_patches(removed, model.config)]
        whole = activations(model, images, interventions=change)
        batches = activation_batches(model, images, batch_size, interventions=change)
        np.testing.assert_allclose(np.concatenate([b.logits for b in batches]), whole.logits, atol=1e-4)
