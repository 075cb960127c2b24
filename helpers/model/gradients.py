"""Gradients of a number with respect to arrays, the same call on TensorFlow, JAX and PyTorch."""

import keras
import numpy as np
from keras import ops


def gradients(function, arrays):
    """Differentiate a function that turns arrays into one number.

    Args:
        function: takes a list of float tensors and returns a scalar tensor, computed with `keras.ops`.
        arrays: list of float arrays, where to differentiate.
    Returns:
        the value as a float, and a list of NumPy arrays, ∂ value / ∂ array, each of its array's shape; 0 for
        an array that the function does not use.
    Raises:
        ValueError: if the function returns more than one number.
    """
    tensors = [ops.convert_to_tensor(np.asarray(array, "float32")) for array in arrays]
    value, found = _BACKENDS[keras.backend.backend()](function, tensors)
    found = [ops.convert_to_numpy(gradient) for gradient in found]
    return float(ops.convert_to_numpy(value)), [np.array(gradient) for gradient in found]


def _with_tensorflow(function, tensors):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = _checked(function(tensors))
    return value, tape.gradient(value, tensors, unconnected_gradients="zero")


def _with_jax(function, tensors):
    import jax

    return jax.value_and_grad(lambda given: _checked(function(given)))(tensors)


def _with_torch(function, tensors):
    import torch

    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    value = _checked(function(tensors))
    found = torch.autograd.grad(value, tensors, allow_unused=True)
    found = [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found)]
    return value.detach(), found


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax, "torch": _with_torch}


def _checked(value):
    if tuple(value.shape) != ():
        raise ValueError(
            f"Expected a function that returns one number; received shape {tuple(value.shape)}. "
            "Take the mean or the sum of it."
        )
    return value
