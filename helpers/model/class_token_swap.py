"""Give each image another image's class token after some block: is the class in it used, or only there?

A probe may read the class off a class token that the blocks after it make anew. If the decision goes with the
token, what it held by then was used; if it stays with the image, it was only decodable.
"""

import dataclasses

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class SwapClassTokens:
    """Permute the class tokens over the images of a batch after a block, and let the model go on.

    Args:
        block: int, from 0; what it gives is changed, and the next block reads the change.
        permutation: int (batch,), each image once: image i goes on with the class token of
            permutation[i]. `swap_between_classes` makes one in which no image keeps its class.
    """

    block: int
    permutation: np.ndarray

    def change_stream(self, block, tokens):
        return _swap(tokens, self.permutation) if block == self.block else tokens

    def check(self, config):
        """Refuse a model whose head reads no class token, and what is no permutation."""
        if not config.has_class_token:
            raise ValueError(
                "SwapClassTokens needs a class token; this model has none, its head reads the mean of the "
                'patches (pooling="mean"). Take a model with a class token, such as cifar/4.'
            )
        order = np.asarray(self.permutation)
        whole = order.dtype.kind in "iu" and order.ndim == 1
        if not whole or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(
                "SwapClassTokens needs a permutation: the numbers 0 to batch − 1, each once; received "
                f"{order.dtype} {order.shape}. swap_between_classes(labels) makes one."
            )

    def check_batches(self, num_images, batch_size):
        """Refuse batches that are not as long as the permutation: it holds for the images of one."""
        count = len(np.asarray(self.permutation))
        if num_images and (min(batch_size, num_images) != count or num_images % count):
            raise ValueError(
                f"SwapClassTokens permutes {count} images, so every batch must hold {count}; received "
                f"{num_images} images, {min(batch_size, num_images)} at a time. Hand over as many images as "
                "the permutation has, or a multiple of it with that batch_size."
            )


@dataclasses.dataclass(frozen=True)
class SwapAfter:
    """SwapClassTokens by numbers alone, compiled once for all blocks: the block, then the permutation."""

    numbers: object

    def change_stream(self, block, tokens):
        return ops.where(self.numbers[0] == block, _swap(tokens, self.numbers[1:]), tokens)


def _swap(tokens, permutation):
    swapped = ops.take(tokens[:, :1], permutation, axis=0)  # (batch, 1, hidden_dim)
    return ops.concatenate([swapped, tokens[:, 1:]], axis=1)


def swap_between_classes(labels, seed=0):
    """Draw a permutation that gives every image the class token of an image of another class.

    The images are put in the order of their classes, drawn anew within each, and all move on by the size of
    the largest class.

    Args:
        labels: int (batch,).
        seed: int.
    Returns:
        int32 (batch,), with labels[permutation] ≠ labels throughout.
    Raises:
        ValueError: if more than half of the images are of one class, as in a batch of one class alone.
    """
    labels = np.asarray(labels)
    numbers = np.unique(labels, return_counts=True)[1] if labels.ndim == 1 else ()
    if labels.ndim != 1 or not len(labels) or 2 * max(numbers) > len(labels):
        raise ValueError(
            "Expected labels (batch,) of which no class has more than half, so that each image finds another "
            f"of another class; received shape {labels.shape}, the most frequent "
            f"{max(numbers, default=0)} times. Take a mixed batch."
        )
    drawn = np.random.default_rng(seed).permutation(len(labels))
    by_class = drawn[np.argsort(labels[drawn], kind="stable")]
    permutation = np.empty(len(labels), "int32")
    permutation[by_class] = np.roll(by_class, -max(numbers))
    return permutation
