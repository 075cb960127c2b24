"""Gradients inside what a backend compiles: by hand, and as tensors together with what else was computed."""

import keras
import numpy as np
from keras import ops

from helpers.model.compiled import compiled
from helpers.model.tensor_gradients import gradients_and_more

X, Y = np.array([1.0, -2.0, 3.0], "float32"), np.array([0.5, 4.0, -1.0], "float32")


def polynomial(tensors):
    x, y = tensors
    return ops.sum(x * x * y), [x + y, 2 * y]


def test_a_polynomial_by_hand():
    """∂ x² y is 2 x y for x and x² for y."""
    found, (total, double) = gradients_and_more(
        polynomial, [ops.convert_to_tensor(X), ops.convert_to_tensor(Y)]
    )
    for tensor, expected in zip([*found, total, double], (2 * X * Y, X**2, X + Y, 2 * Y), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(tensor), expected)


def test_where_a_backend_compiles():
    """A dense layer's output squared and summed: 2 (x W + b) Wᵀ, for each image by itself."""

    def walk(model, images, factors):
        def total(tensors):
            output = model(tensors[0])
            return ops.sum(ops.square(output) * factors[:, None]), output

        (found,), output = gradients_and_more(total, [images])
        return [found, output]

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    images = np.random.default_rng(0).random((40, 3), dtype="float32")
    factors = np.linspace(-1, 1, 40, dtype="float32")
    found, output = compiled(model, walk)(images, factors)
    kernel, bias = (ops.convert_to_numpy(weight) for weight in model.weights)
    np.testing.assert_allclose(output, images @ kernel + bias, atol=1e-6)
    np.testing.assert_allclose(found, 2 * (output * factors[:, None]) @ kernel.T, atol=1e-6)
