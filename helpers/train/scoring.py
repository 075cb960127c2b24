"""Score a model on many images: its logits, and the share that it gets right."""

import contextlib

import keras
import numpy as np
from keras import ops


def predict_logits(model, images, batch_size=500):
    """Run a model over many uint8 or [0, 1] images; the last batch is padded so that one shape is compiled.

    Args:
        images: (n, height, width, channels), uint8 or float in [0, 1].
    Returns:
        float32 (n, num_classes), NumPy.
    """
    logits = []
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        count = len(batch)
        if batch.dtype == np.uint8:
            batch = batch.astype("float32") / 255
        if count < batch_size and start:
            batch = np.concatenate([batch, np.zeros((batch_size - count, *batch.shape[1:]), batch.dtype)])
        with no_gradients():
            logits.append(ops.convert_to_numpy(ops.cast(model(batch, training=False), "float32"))[:count])
    return np.concatenate(logits)


def no_gradients():
    """Spare torch the book-keeping of gradients; the other backends keep none outside training."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


def accuracy(model, images, labels, batch_size=500):
    """Give the share of images whose largest logit is their label's, in [0, 1]."""
    return float(
        np.mean(predict_logits(model, images, batch_size).argmax(axis=-1) == np.asarray(labels).reshape(-1))
    )
