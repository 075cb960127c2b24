"""Gradients of a number with respect to arrays, the same call on TensorFlow, JAX and PyTorch."""

import keras
import numpy as np
from keras import ops

from helpers.model.compiled import compiled
from helpers.model.image_checks import check_images
from helpers.model.kinds import expect_vit


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


def image_gradients(model, function, images, array, *options):
    """Differentiate a number that a model makes of images with respect to the images.

    On TensorFlow the way back is compiled once for a model, a function and its options, and kept as
    `compiled` keeps it: more images, or other weights, are not traced again.

    Args:
        model: Keras model, built.
        function: takes the model, images, the array and the options and returns a scalar tensor, computed
            with `keras.ops`. Defined once, in a module: it is known by its identity.
        images: float32 (batch, height, width, channels).
        array: float32, numbers that may be others in every call.
        options: hashable, such as the name of a layer.
    Returns:
        NumPy, ∂ value / ∂ images, of the shape of the images.
    Raises:
        ValueError: as `gradients`, and as the model does for images that are not for it.
    """
    if keras.backend.backend() != "tensorflow":
        return gradients(lambda given: function(model, given[0], array, *options), [images])[1][0]
    found = compiled(model, _way_back, function, *options).tensors(images, array)
    return np.array(ops.convert_to_numpy(found))


def _way_back(model, images, array, function, *options):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        value = _checked(function(model, images, array, *options))
    return tape.gradient(value, images, unconnected_gradients="zero")


def attention_gradients(model, images, target=None):
    """Say how a class's logit changes with each attention weight: ∂ logit / ∂ attention_weights.

    Each weight counts as an input of its own, as if it could change without the others of its row; what the
    blocks after it make of the change is included.

    Args:
        model: VisionTransformer.
        images: (batch, image_size, image_size, channels), float in [0, 1].
        target: whose logit: a class, or (batch,) classes, one an image; None for the class that the model
            gives each image. Or a function, computed with `keras.ops`, of the logits (batch, num_classes)
            that returns one number; it must treat the images each by itself for the gradients to belong to
            each image alone.
    Returns:
        float32 (depth, batch, num_heads, queries, keys), of the shape and order of `attention_weights` of
        `activations`.
    Raises:
        ValueError: if the model is no VisionTransformer; if it has no head, and so no classes, and `target`
            is no function; if a class is not one of the model's, or there is not one class an image; and as
            `model` does for the images.
    """
    expect_vit(model)
    check_images(ops.convert_to_tensor(images), model.config)  # here, where the pixels are there to be seen
    score = target if callable(target) else _logit_of(target, len(images), model.config.num_classes)

    def changed(additions):
        tokens = model.embed(images)
        for block, addition in zip(model.blocks, additions):
            attention_weights, values = block.attention.weights_and_values(block.norm1(tokens))
            attention_weights = attention_weights + ops.cast(addition, attention_weights.dtype)
            output = block.attention.combine(attention_weights, values)
            tokens = block.join(tokens, block.finish(output, block.scale1))
            tokens = block.join(tokens, block.finish(block.mlp(block.norm2(tokens)), block.scale2))
        return score(model.classify(tokens))

    config = model.config
    nothing = np.zeros((len(images), config.num_heads, config.num_tokens, config.num_tokens), "float32")
    return np.stack(gradients(changed, [nothing] * config.depth)[1])


def _logit_of(target, num_images, num_classes):
    """Make the function of the logits that adds up one logit an image."""
    if not num_classes:
        raise ValueError(
            "This model has no head: it gives features, and no class has a logit. Give as target a function "
            "of the features that returns one number, such as keras.ops.sum, or take a model with a head."
        )
    if target is None:
        return lambda logits: ops.sum(ops.max(logits, axis=-1))
    classes = np.asarray(target)
    whole = classes.dtype.kind in "iu" and classes.shape in ((), (num_images,))
    if not whole or classes.min() < 0 or classes.max() >= num_classes:
        raise ValueError(
            f"Expected a class from 0 to {num_classes - 1}, or one for each of {num_images} images; received "
            f"{target!r}."
        )
    chosen = np.eye(num_classes, dtype="float32")[np.broadcast_to(classes, num_images)]
    return lambda logits: ops.sum(ops.multiply(logits, chosen))  # (batch, num_classes)


def _with_tensorflow(function, tensors):
    import tensorflow as tf

    # As a graph, TensorFlow leaves the gradients of the weights out, which nobody asked for. One step after
    # the other it computes them too, and the one of small convolutions can end the process (TensorFlow 2.21
    # on a CPU with several threads).
    @tf.function(autograph=False)
    def differentiate(given):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(given)
            value = _checked(function(given))
        return value, tape.gradient(value, given, unconnected_gradients="zero")

    return differentiate.get_concrete_function(tensors)(tensors)  # each function is traced once, on purpose


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
