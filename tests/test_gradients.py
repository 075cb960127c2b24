"""Gradients of logits with respect to attention weights, against finite differences of the whole model."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis.rollout import gradient_rollout
from helpers.model.activations import CutAttention, activations
from helpers.model.gradients import attention_gradients
from helpers.model.vit import VisionTransformer, ViTConfig

CONFIG = ViTConfig(
    image_size=8,
    patch_size=4,
    hidden_dim=12,
    depth=2,
    num_heads=2,
    mlp_dim=16,
    num_classes=3,
    layer_scale=0.5,
)
IMAGES = np.random.default_rng(0).random((3, 8, 8, 3), dtype="float32")


@dataclasses.dataclass(frozen=True)
class AddAttention(CutAttention):
    """Add (batch, num_heads, queries, keys) to the weights of one block; no row is scaled back."""

    edges: np.ndarray
    blocks: tuple[int]

    def change_attention(self, block, attention_weights):
        if block not in self.blocks:
            return attention_weights
        return ops.add(attention_weights, self.edges)


def make_model(**changes):
    model = VisionTransformer(dataclasses.replace(CONFIG, **changes))
    return with_random_weights(model)


@pytest.fixture(scope="module")
def model():
    return make_model()


def by_differences(model, classes, step=2e-3):
    """(f(w + step) − f(w − step)) / (2 step) for every single weight: each in a copy of its image."""
    shape = (CONFIG.num_heads, model.config.num_tokens, model.config.num_tokens)
    number = np.prod(shape)
    copies = np.repeat(IMAGES, number, axis=0)
    each = step * np.tile(np.eye(number, dtype="float32"), (len(IMAGES), 1)).reshape(-1, *shape)
    found = []
    for block in range(CONFIG.depth):
        more, less = (
            activations(model, copies, keep=(), interventions=[AddAttention(change, (block,))]).logits
            for change in (each, -each)
        )
        slopes = (more.astype("float64") - less) / (2 * step)  # (images · number, num_classes)
        found.append(slopes[range(len(slopes)), np.repeat(classes, number)].reshape(len(IMAGES), *shape))
    return np.stack(found)


@pytest.fixture(scope="module")
def differences(model):
    return by_differences(model, [2, 0, 1])


def test_against_finite_differences(model, differences):
    found = attention_gradients(model, IMAGES, target=[2, 0, 1])
    assert found.shape == (2, 3, 2, 5, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found, differences, atol=5e-3 * np.abs(differences).max())


def test_gradient_rollout_of_finite_differences(model, differences):
    weights = activations(model, IMAGES).attention_weights
    exact = gradient_rollout(weights, attention_gradients(model, IMAGES, target=[2, 0, 1]))
    rough = gradient_rollout(weights, differences)
    assert exact[:, 0, 1:].max() > 0.1  # there is something to compare
    np.testing.assert_allclose(exact, rough, rtol=0.02, atol=0.01 * exact.max())


def test_mean_pooling_against_finite_differences():
    model = make_model(pooling="mean")
    found = attention_gradients(model, IMAGES, target=1)
    expected = by_differences(model, [1, 1, 1])
    assert found.shape == (2, 3, 2, 4, 4)
    np.testing.assert_allclose(found, expected, atol=5e-3 * np.abs(expected).max())


def test_in_the_last_block_only_the_class_token_s_row_matters(model):
    found = attention_gradients(model, IMAGES)
    np.testing.assert_array_equal(found[-1, :, :, 1:], 0)
    assert np.abs(found[-1, :, :, 0]).min() > 0 and np.abs(found[0]).min() > 0


def test_the_target_is_the_predicted_class_or_a_function(model):
    classes = ops.convert_to_numpy(model(IMAGES)).argmax(axis=-1)
    expected = attention_gradients(model, IMAGES, target=classes)
    np.testing.assert_allclose(attention_gradients(model, IMAGES), expected)
    chosen = np.eye(3, dtype="float32")[classes]
    as_function = attention_gradients(
        model, IMAGES, target=lambda logits: -2 * ops.sum(ops.multiply(logits, chosen))
    )
    np.testing.assert_allclose(as_function, -2 * expected, rtol=1e-5, atol=1e-6)


def test_one_class_for_all(model):
    np.testing.assert_allclose(
        attention_gradients(model, IMAGES, target=2), attention_gradients(model, IMAGES, target=[2, 2, 2])
    )


def test_each_image_by_itself(model):
    alone = [attention_gradients(model, IMAGES[[image]], target=[image])[:, 0] for image in range(3)]
    together = attention_gradients(model, IMAGES, target=[0, 1, 2])
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("target", [3, -1, [0, 1], [0, 1, 3], 0.5, [[0, 1, 2]], "cat"])
def test_classes_that_are_not_there_are_told(model, target):
    with pytest.raises(ValueError, match="a class from 0 to 2, or one for each of 3 images"):
        attention_gradients(model, IMAGES, target=target)


def test_other_images_are_told(model):
    with pytest.raises(ValueError, match=r"expects images of shape \(batch, 8, 8, 3\)"):
        attention_gradients(model, IMAGES[:, :4])


@pytest.mark.parametrize("target", [None, 0, [0, 1, 2]])
def test_without_a_head_there_is_no_class(target):
    """The largest feature is no class, and its gradient explains none."""
    painter = VisionTransformer(dataclasses.replace(CONFIG, num_classes=0))
    with pytest.raises(ValueError, match="has no head.* a function of the features"):
        attention_gradients(painter, IMAGES, target=target)


def test_without_a_head_a_number_of_the_features_can_still_be_asked_for():
    painter = VisionTransformer(dataclasses.replace(CONFIG, num_classes=0))
    asked = np.random.default_rng(1).normal(size=(1, 12)).astype("float32")
    found = attention_gradients(painter, IMAGES, target=lambda features: ops.sum(features * asked))
    with_head = VisionTransformer(CONFIG)
    with_head.set_weights(painter.get_weights() + [asked.T @ np.eye(1, 3, dtype="float32"), np.zeros(3)])
    np.testing.assert_allclose(found, attention_gradients(with_head, IMAGES, target=0), rtol=1e-3, atol=1e-6)


def test_another_librarys_model_is_told():
    theirs = keras.Sequential([keras.layers.Dense(3)], name="theirs")
    for arguments in (dict(), dict(target=1), dict(target=ops.sum)):
        with pytest.raises(
            ValueError, match="Expected a VisionTransformer of the course; received a Sequential"
        ):
            attention_gradients(theirs, IMAGES, **arguments)
