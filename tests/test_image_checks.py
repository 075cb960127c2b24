"""Pixels in a wrong range are refused on every way into a model, before anything is computed with them."""

import re

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.activations import activation_batches, activations
from helpers.model.compiled import compiled
from helpers.model.gradients import attention_gradients
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

RIGHT = np.random.default_rng(0).random((4, 8, 8, 3), "float32")
RIGHT[0, 0, 0], RIGHT[0, 0, 1] = 0, 1
LABELS = np.arange(4) % 3
MEAN, STD = np.array([0.49, 0.48, 0.45], "float32"), np.array([0.25, 0.24, 0.26], "float32")
WRONG = {
    "0 to 255": (RIGHT * 255, "from 0 to 255. Divide by 255."),
    "-1 to 1": (RIGHT * 2 - 1, "from -1 to 1. Undo the scaling to [-1, 1]: images / 2 + 0.5."),
    "mean and deviation": (
        (RIGHT - MEAN) / STD,
        "Undo the normalisation with its mean and standard deviation",
    ),
    "a little above": (RIGHT * 1.1, "from 0 to 1.1. Cut what lies outside"),
    "not a number": (np.where(RIGHT == 1, np.nan, RIGHT), "pixels that are not numbers"),
}
CONFIG = ViTConfig(image_size=8, patch_size=4, hidden_dim=8, depth=1, num_heads=2, mlp_dim=8, num_classes=3)
ON_TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.function, tf.data")


@pytest.fixture(scope="module")
def model():
    model = VisionTransformer(CONFIG)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=keras.backend.backend() == "jax")
    return model


class Items(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.images[2 * index : 2 * index + 2], LABELS[2 * index : 2 * index + 2]


def generator(images):
    yield from Items(images)


WAYS = {
    "call": lambda model, images: model(images),
    "predict": lambda model, images: model.predict(images, verbose=0),
    "predict by name": lambda model, images: model.predict(x=images, batch_size=2, verbose=0),
    "predict a batch": lambda model, images: model.predict_on_batch(images),
    "fit": lambda model, images: model.fit(images, LABELS, verbose=0),
    "fit a tensor": lambda model, images: model.fit(ops.convert_to_tensor(images), LABELS, verbose=0),
    "fit items": lambda model, images: model.fit(Items(images), verbose=0),
    "fit a generator": lambda model, images: model.fit(generator(images), verbose=0),
    "validate": lambda model, images: model.fit(RIGHT, LABELS, validation_data=(images, LABELS), verbose=0),
    "train a batch": lambda model, images: model.train_on_batch(images, LABELS),
    "evaluate": lambda model, images: model.evaluate(images, LABELS, verbose=0),
    "test a batch": lambda model, images: model.test_on_batch(images, LABELS),
    "activations": lambda model, images: activations(model, images),
    "activation batches": lambda model, images: list(activation_batches(model, images, batch_size=2)),
    "gradients": lambda model, images: attention_gradients(model, images),
    "compiled": lambda model, images: compiled(model)(images),
}


@pytest.mark.parametrize("way", WAYS)
def test_another_range_is_refused_on_every_way(model, way):
    images, told = WRONG["0 to 255"]
    before = [ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    with pytest.raises(ValueError, match=re.escape(told)):
        WAYS[way](model, images)
    if way != "validate":
        after = [ops.convert_to_numpy(variable) for variable in model.trainable_variables]
        assert all(np.array_equal(one, other) for one, other in zip(before, after))


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("way", ["call", "predict", "fit"])
def test_every_wrong_range_is_told_with_what_came_and_what_to_do(model, way, name):
    images, told = WRONG[name]
    with pytest.raises(ValueError, match=re.escape(told)):
        WAYS[way](model, images.astype("float32"))


def test_a_resnet_refuses_them_too():
    resnet = ResNet(ResNetConfig(depth=8, width=2, num_classes=3, image_size=8))
    for way in ("call", "predict", "predict a batch"):
        with pytest.raises(ValueError, match=re.escape(WRONG["-1 to 1"][1])):
            WAYS[way](resnet, WRONG["-1 to 1"][0])


def test_what_undoes_them_gives_the_right_images(model):
    """The advice of each sentence, done: the same logits as of the right images."""
    logits = ops.convert_to_numpy(model(RIGHT))
    for again in (WRONG["0 to 255"][0] / 255, WRONG["-1 to 1"][0] / 2 + 0.5):
        np.testing.assert_allclose(ops.convert_to_numpy(model(again)), logits, atol=1e-4)
    normalised = WRONG["mean and deviation"][0]
    np.testing.assert_allclose(ops.convert_to_numpy(model(normalised * STD + MEAN)), logits, atol=1e-4)


def test_what_rounding_does_is_no_other_range(model):
    for images in (RIGHT + 1e-4, RIGHT - 1e-4, np.zeros_like(RIGHT), np.ones_like(RIGHT)):
        model(images)
        model.predict(images, verbose=0)
    half = ops.cast(RIGHT, "bfloat16")
    model(half)


@pytest.mark.parametrize("way", ["call", "predict"])
def test_divided_by_255_twice_is_said(model, way):
    """Dark images may be meant: a warning."""
    with pytest.warns(UserWarning, match="where 1 is white: were they divided by 255 twice"):
        WAYS[way](model, RIGHT / 255)


def test_whole_numbers_are_refused_before_keras_converts_them(model):
    for way in ("call", "predict", "fit", "evaluate"):
        with pytest.raises(ValueError, match=r'images.astype\("float32"\) / 255'):
            WAYS[way](model, (RIGHT * 255).astype("uint8"))


def test_right_images_go_all_ways_and_none_is_lost(model):
    for way in WAYS.values():
        way(model, RIGHT)
    given = model.predict(generator(RIGHT), verbose=0)  # the first that was looked at is there
    np.testing.assert_allclose(given, model.predict(RIGHT, verbose=0), atol=1e-5)


@ON_TENSORFLOW
def test_inside_tf_function(model):
    import tensorflow as tf

    function = tf.function(model)
    np.testing.assert_allclose(function(RIGHT).numpy(), model(RIGHT).numpy(), atol=1e-5)
    for images in (RIGHT * 255, RIGHT * 2 - 1):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"expects images in \[0, 1\]"):
            function(images)


@ON_TENSORFLOW
def test_a_tf_data_dataset(model):
    import tensorflow as tf

    def dataset(images):
        return tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(2)

    model.fit(dataset(RIGHT), verbose=0)
    model.predict(dataset(RIGHT).map(lambda images, labels: images), verbose=0)
    for late in (RIGHT * 255, np.concatenate([RIGHT[:2], RIGHT[2:] * 255])):  # the second batch alone, too
        for method in (model.fit, model.evaluate):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"expects images in \[0, 1\]"):
                method(dataset(late), verbose=0)
    with pytest.raises(ValueError, match="received uint8"):
        model.predict(dataset((RIGHT * 255).astype("uint8")), verbose=0)
