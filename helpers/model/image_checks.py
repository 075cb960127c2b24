"""Refuse images that a model was not built for, before a layer fails in its own words, or does not fail.

Pixels in a wrong range are the silent kind: `cifar/4` is right on 81 of 100 images in [0, 1], on 42 where
they are in [-1, 1] and on 4 where they are in 0 … 255, and no layer would say a word.
"""

import functools
import types
import warnings

import keras
import numpy as np
from keras import ops

TOLERANCE = 1e-3  # beyond [0, 1]: what rounding, also of 16 bits, does to a pixel
METHODS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")


def check_images(images, config):
    """Refuse images that the model was not built for, saying what was expected, what came and what to do.

    The numbers are looked at wherever they are there, that is outside compiled functions. In one that
    `tf.function` compiles they are looked at when it runs, and TensorFlow raises its InvalidArgumentError.

    Args:
        images: tensor (batch, image_size, image_size, channels), float in [0, 1].
        config: ViTConfig or ResNetConfig.
    Raises:
        ValueError: for another shape, no image, whole numbers, a pixel below 0, above 1 or not a number.
    """
    expected = f"(batch, {config.image_size}, {config.image_size}, {config.channels})"
    if len(images.shape) != 4 or tuple(images.shape[1:]) != (config.image_size,) * 2 + (config.channels,):
        raise ValueError(
            f"This model expects images of shape {expected}; received {tuple(images.shape)}. "
            "Resize them, or add the batch axis with image[None]."
        )
    if images.shape[0] == 0:
        raise ValueError(f"This model expects at least one image, {expected}; received an empty batch.")
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        raise ValueError(
            f"This model expects float images in [0, 1]; received "
            f"{keras.backend.standardize_dtype(images.dtype)}. "
            'Convert bytes with images.astype("float32") / 255.'
        )
    if is_concrete(images):
        # Keras' torch backend stops the gradient of tensors alone, not of NumPy.
        pixels = images if isinstance(images, np.ndarray) else ops.stop_gradient(images)
        _check_range(*(float(value) for value in ops.stack([ops.min(pixels), ops.max(pixels)])))
    elif keras.backend.backend() == "tensorflow" and not isinstance(images, keras.KerasTensor):
        _check_range_when_run(images)


def is_concrete(tensor):
    """Say whether the numbers are there to be looked at: not while a backend compiles or traces."""
    if isinstance(tensor, (keras.KerasTensor, np.ndarray)):
        return isinstance(tensor, np.ndarray)
    return (
        hasattr(tensor, "numpy")
        if keras.backend.backend() != "jax"
        else "Tracer" not in type(tensor).__name__
    )


def looks_at_images(model_class):
    """Let `fit`, `evaluate`, `predict` and their `…_on_batch` look at the first images before they compile.

    A decorator of a model's class, which has a `config`. Of arrays it looks at the first batch, of a
    PyDataset and of a DataLoader's data set at the first item, of a generator at the first that it gives,
    which is not lost. The images of a tf.data.Dataset are looked at as they come, on TensorFlow.

    Args:
        model_class: subclass of keras.Model.
    Returns:
        the same class.
    """
    for name in METHODS:
        setattr(model_class, name, _looking_first(getattr(model_class, name)))
    return model_class


def _looking_first(method):
    @functools.wraps(method)
    def call(model, x=None, *args, **kwargs):
        return method(model, _look(x, kwargs.get("batch_size"), model.config), *args, **kwargs)

    return call


def _look(x, batch_size, config):
    """Check the first images of whatever Keras takes as `x`; give what is to be used in its place."""
    if isinstance(x, types.GeneratorType):
        first = next(x, None)
        if first is None:
            return x
        _check_first(first, config)
        return _with_first(first, x)
    if isinstance(x, keras.utils.PyDataset):
        _check_first(x[0], config)
    elif hasattr(x, "element_spec") and hasattr(x, "map"):  # tf.data.Dataset
        _check_first(x.element_spec, config)
        if keras.backend.backend() == "tensorflow":
            return x.map(lambda *parts: _checked(parts, config))
    elif hasattr(x, "shape"):
        _check_first(x[: batch_size or 32], config)
    elif hasattr(x, "dataset") and hasattr(x.dataset, "__getitem__"):  # torch's DataLoader
        first = x.dataset[0]
        first = first[0] if isinstance(first, (tuple, list)) else first
        if hasattr(first, "shape"):
            check_images(ops.convert_to_tensor(first)[None], config)
    return x


def _check_first(batch, config):
    images = batch[0] if isinstance(batch, (tuple, list)) else batch
    if type(images).__name__ == "TensorSpec":
        if images.shape.rank is not None:
            check_images(keras.KerasTensor(images.shape, images.dtype.name), config)
    elif hasattr(images, "shape"):  # else it is no image, and Keras says so
        check_images(ops.convert_to_tensor(images), config)


def _with_first(first, rest):
    yield first
    yield from rest


def _checked(parts, config):
    check_images(parts[0], config)
    return parts if len(parts) > 1 else parts[0]


def _check_range(least, most):
    if -TOLERANCE <= least and most <= 1 + TOLERANCE:
        if 0 < most <= 1.001 / 255:
            warnings.warn(
                f"The brightest pixel of these images is {most:.2g}, where 1 is white: were they divided by "
                "255 twice?",
                stacklevel=4,
            )
        return
    if least != least or most != most:  # NaN
        raise ValueError("This model expects images in [0, 1]; received pixels that are not numbers (NaN).")
    if most > 4:
        advice = "Divide by 255."
    elif abs(least + 1) < 0.2 and most <= 1 + TOLERANCE:
        advice = "Undo the scaling to [-1, 1]: images / 2 + 0.5."
    elif least < -0.5:
        advice = "Undo the normalisation with its mean and standard deviation: images * std + mean."
    else:
        advice = "Cut what lies outside with numpy.clip(images, 0, 1), if that is what is meant."
    raise ValueError(
        f"This model expects images in [0, 1], and normalises them itself; received values from {least:.3g} "
        f"to {most:.3g}. {advice}"
    )


def _check_range_when_run(images):
    """Put the look into TensorFlow's graph; where XLA compiles, it is left out."""
    import tensorflow as tf

    told = "This model expects images in [0, 1], and normalises them itself; received values from, to:"
    least, most = ops.min(images), ops.max(images)
    inside = ops.logical_and(least >= -TOLERANCE, most <= 1 + TOLERANCE)
    tf.raw_ops.Assert(condition=inside, data=[told, least, most])
