"""Score a model on many images: its logits, and the share that it gets right."""

import keras
import numpy as np

from helpers.model.compiled import compiled
from helpers.train.pace import is_accelerated


def predict_logits(model, images, batch_size=500):
    """Run a model, compiled, over many uint8 or [0, 1] images.

    Args:
        images: (n, height, width, channels), uint8 or float in [0, 1].
    Returns:
        float32 (n, num_classes), NumPy.
    """
    return compiled(model)(images, batch_size=batch_size)


def accuracy(model, images, labels, batch_size=500):
    """Give the share of images whose largest logit is their label's, in [0, 1]."""
    return float(
        np.mean(predict_logits(model, images, batch_size).argmax(axis=-1) == np.asarray(labels).reshape(-1))
    )


class Scorer:
    """The accuracy of a model on test images, again and again as its weights change.

    On an accelerator JAX keeps the images there as bytes, and counts over all of them in one compiled call;
    elsewhere this is `accuracy`.
    """

    def __init__(self, model, images, labels, batch_size=500):
        self.model, self.images, self.labels = model, images, np.asarray(labels).reshape(-1)
        self.count = None
        if keras.backend.backend() == "jax" and is_accelerated():
            self.count = count_on_device(model, self.images, self.labels, min(batch_size, len(images)))

    def __call__(self):
        """Give the share of images whose largest logit is their label's, in [0, 1]."""
        if self.count is None:
            return accuracy(self.model, self.images, self.labels)
        return float(self.count()) / len(self.labels)


def count_on_device(model, images, labels, batch_size):
    """Make a function that counts the right answers over all images in one call, on JAX.

    A smaller last batch is filled up with images whose label, −1, no answer meets.
    """
    import jax
    from jax import numpy as jnp

    left = -len(images) % batch_size
    images = jnp.asarray(np.concatenate([images, np.zeros((left, *images.shape[1:]), images.dtype)]))
    labels = jnp.asarray(np.concatenate([labels, np.full(left, -1)]).astype("int32"))
    images, labels = (array.reshape(-1, batch_size, *array.shape[1:]) for array in (images, labels))

    @jax.jit
    def count(trainable, non_trainable, images, labels):
        def count_batch(batch):
            pixels, wanted = batch  # (batch, height, width, channels), (batch,)
            pixels = pixels.astype("float32") / 255 if pixels.dtype == jnp.uint8 else pixels
            logits, _ = model.stateless_call(trainable, non_trainable, pixels, training=False)
            return (logits.argmax(axis=-1) == wanted).sum()

        return jax.lax.map(count_batch, (images, labels)).sum()

    def run():
        parts = (model.trainable_variables, model.non_trainable_variables)
        return count(*([variable.value for variable in part] for part in parts), images, labels)

    return run
