"""Refuse images that a model was not built for, before a layer fails in its own words, or does not fail."""

import keras
from keras import ops


def check_images(images, config):
    """Refuse images that the model was not built for, saying what was expected, what came and what to do."""
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
    if is_concrete(images) and float(ops.max(ops.stop_gradient(images))) > 2:
        raise ValueError(
            "This model expects images in [0, 1], and normalises them itself; received values up to "
            f"{float(ops.max(images)):.0f}. Divide by 255."
        )


def is_concrete(tensor):
    """Say whether the numbers are there to be looked at: not while a backend compiles or traces."""
    if isinstance(tensor, keras.KerasTensor):
        return False
    return (
        hasattr(tensor, "numpy")
        if keras.backend.backend() != "jax"
        else "Tracer" not in type(tensor).__name__
    )
