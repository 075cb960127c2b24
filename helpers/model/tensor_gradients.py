"""Gradients as tensors of the backend, for functions that are compiled; `gradients` gives NumPy."""

import keras


def gradients_and_more(function, tensors):
    """Differentiate one number, and keep what else was computed on the way to it.

    Args:
        function: takes the list of tensors; returns a scalar tensor and anything made of tensors, computed
            with `keras.ops`.
        tensors: list of float tensors, where to differentiate; the function uses each.
    Returns:
        list of tensors, ∂ number / ∂ tensor, each of its tensor's shape; and the second thing that the
        function returned, which no gradient flows through.
    """
    return _BACKENDS[keras.backend.backend()](function, tensors)


def _with_tensorflow(function, tensors):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value, more = function(tensors)
    return tape.gradient(value, tensors), more


def _with_jax(function, tensors):
    import jax

    return jax.grad(function, has_aux=True)(tensors)


def _with_torch(function, tensors):
    import torch

    with torch.enable_grad():
        tensors = [tensor.detach().requires_grad_() for tensor in tensors]
        value, more = function(tensors)
        found = torch.autograd.grad(value, tensors)
    return list(found), keras.tree.map_structure(lambda tensor: tensor.detach(), more)


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax, "torch": _with_torch}
