"""Class tokens swapped between images: eager and compiled, by a walk through the layers, and refusals."""

import keras
import numpy as np
import pytest
from keras import ops
from test_attention_cuts import IMAGES, MANY, make_model

from helpers.model.activations import SwapClassTokens, activation_batches, activations
from helpers.model.class_token_swap import swap_between_classes


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.mark.parametrize("images", [IMAGES, MANY], ids=["eager", "compiled"])
@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_swap_as_a_walk_through_the_layers(model, images, block):
    order = np.random.default_rng(3).permutation(len(images))
    run = activations(model, images, interventions=[SwapClassTokens(block, order)])
    tokens = model.embed(images)
    for index, each in enumerate(model.blocks):
        tokens = ops.convert_to_numpy(each(tokens)).copy()
        if index == block:
            tokens[:, 0] = tokens[order, 0]
        limit = 1e-5 * max(1, np.abs(tokens).max())
        np.testing.assert_allclose(run.tokens[index + 1], tokens, atol=limit)
    np.testing.assert_allclose(run.logits, ops.convert_to_numpy(model.classify(tokens)), atol=1e-4)


def test_swapped_after_the_last_block_the_logits_go_with_the_token(model):
    order = np.array([2, 0, 3, 1])
    swapped = activations(model, IMAGES, interventions=[SwapClassTokens(2, order)])
    np.testing.assert_allclose(swapped.logits, activations(model, IMAGES).logits[order], atol=1e-5)
    nothing = activations(model, IMAGES, interventions=[SwapClassTokens(1, np.arange(4))])
    np.testing.assert_allclose(nothing.logits, activations(model, IMAGES).logits, atol=1e-5)


def test_a_swap_and_its_inverse_leave_everything(model):
    order = np.array([2, 0, 3, 1])
    both = [SwapClassTokens(1, order), SwapClassTokens(1, np.argsort(order))]
    found = activations(model, IMAGES, interventions=both)
    np.testing.assert_allclose(found.logits, activations(model, IMAGES).logits, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch compiles nothing")
def test_all_blocks_are_swapped_by_one_compiled_walk(monkeypatch):
    small, walks, order = make_model(), [], np.roll(np.arange(36), 1)
    inner = small.embed
    monkeypatch.setattr(small, "embed", lambda images: walks.append(1) or inner(images))
    for block in range(3):
        activations(small, MANY, keep=(), interventions=[SwapClassTokens(block, order)])
    assert len(walks) == 1


def test_batches_as_long_as_the_permutation(model):
    order = np.random.default_rng(4).permutation(18)
    whole = np.concatenate([order, order + 18])
    expected = activations(model, MANY, interventions=[SwapClassTokens(0, whole)])
    batches = activation_batches(model, MANY, 18, interventions=[SwapClassTokens(0, order)])
    np.testing.assert_allclose(np.concatenate([b.logits for b in batches]), expected.logits, atol=1e-4)


@pytest.mark.parametrize(
    ("images", "change", "message"),
    [
        (IMAGES, SwapClassTokens(3, np.arange(4)), "blocks 0 to 2"),
        (IMAGES, SwapClassTokens(0, np.arange(3)), "permutes 3 images.*received 4 images, 4 at a time"),
        (IMAGES, SwapClassTokens(0, np.array([0, 1, 1, 2])), r"a permutation.*int64 \(4,\)"),
        (IMAGES, SwapClassTokens(0, np.arange(4.0)), r"received float64 \(4,\)"),
        (IMAGES, SwapClassTokens(0, np.arange(1, 5)), "each once"),
    ],
)
def test_what_cannot_be_swapped(model, images, change, message):
    with pytest.raises(ValueError, match=message):
        activations(model, images, interventions=[change])


def test_a_last_batch_that_is_shorter_is_told(model):
    with pytest.raises(ValueError, match="every batch must hold 16; received 36 images, 16 at a time"):
        next(activation_batches(model, MANY, 16, interventions=[SwapClassTokens(0, np.arange(16))]))


def test_mean_pooling_has_no_class_token_to_swap():
    with pytest.raises(ValueError, match='none, its head reads the mean.*"mean".*such as cifar/4'):
        activations(make_model(pooling="mean"), IMAGES, interventions=[SwapClassTokens(0, np.arange(4))])


def test_every_image_gets_a_token_of_another_class():
    rng = np.random.default_rng(5)
    for labels in (np.arange(40) % 10, np.array([0, 1]), rng.integers(0, 10, 300), np.array([3, 3, 1, 2])):
        for seed in range(3):
            order = swap_between_classes(labels, seed)
            np.testing.assert_array_equal(np.sort(order), np.arange(len(labels)))
            assert (labels[order] != labels).all() and order.dtype == np.int32
    orders = [swap_between_classes(np.arange(40) % 10, seed) for seed in (0, 0, 1)]
    assert (orders[0] == orders[1]).all() and (orders[0] != orders[2]).any()


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 1], [], [[0, 1]]])
def test_classes_that_cannot_be_swapped(labels):
    with pytest.raises(ValueError, match="no class has more than half.*Take a mixed batch"):
        swap_between_classes(labels)
