"""Patches to tokens: against Keras' own convolution and the model's layers."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.patches import extract_patches
from helpers.model.tokens import prepend_class_token, project_patches
from helpers.model.vit import ClassTokenAndPosition


@pytest.mark.parametrize("channels", [1, 3])
def test_projection_is_a_strided_convolution(channels):
    images = np.random.default_rng(0).random((2, 8, 12, channels), dtype="float32")
    convolution = keras.layers.Conv2D(5, 4, strides=4, bias_initializer="random_normal")
    expected = ops.convert_to_numpy(convolution(images)).reshape(2, 6, 5)
    found = project_patches(extract_patches(images, 4), convolution.kernel, convolution.bias)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


def test_class_token_is_what_the_layer_does_without_positions():
    layer = ClassTokenAndPosition(6, 5)
    layer.class_token.assign(np.arange(5.0).reshape(1, 1, 5))
    layer.position_embedding.assign(np.zeros((1, 7, 5)))
    patches = np.random.default_rng(0).random((3, 6, 5), dtype="float32")
    found = ops.convert_to_numpy(prepend_class_token(patches, layer.class_token))
    np.testing.assert_allclose(found, ops.convert_to_numpy(layer(patches)), atol=1e-6)
    np.testing.assert_array_equal(found[:, 0], np.tile(np.arange(5.0), (3, 1)))
    np.testing.assert_array_equal(found[:, 1:], patches)


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="patch size of the kernel"):
        project_patches(np.zeros((1, 4, 12)), np.zeros((4, 4, 3, 5)), np.zeros(5))
    with pytest.raises(ValueError, match="1, 1, 5"):
        prepend_class_token(np.zeros((1, 4, 5)), np.zeros((1, 5)))
