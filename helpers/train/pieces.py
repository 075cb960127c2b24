"""The small parts of a training run, each a function that can be worked out by hand."""

import numpy as np

from helpers.train.recipe import NO_DECAY


def smooth_labels(labels, smoothing):
    """Take a share from every label and spread it evenly over all classes, the right one too.

    (1 − s) · labels + s / num_classes (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7).
    Keras does this inside its losses, `label_smoothing=s`.

    Args:
        labels: float (..., num_classes), rows sum to 1: one-hot, or mixed by MixUp.
        smoothing: float in [0, 1), the share s.
    Returns:
        the same shape; rows still sum to 1.
    Raises:
        ValueError: if smoothing is not in [0, 1).
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is a share in [0, 1); received {smoothing!r}. Try 0.1.")
    return (1 - smoothing) * labels + smoothing / labels.shape[-1]


def decay_mask(paths):
    """Say for each weight whether weight decay pulls at it: at matrices, not at what NO_DECAY names.

    Args:
        paths: list of str, names of weights such as "block_0/norm1/gamma"; what follows the last "/" decides.
    Returns:
        list of bool, one a path: True where the weight decays.
    """
    return [path.split("/")[-1] not in NO_DECAY for path in paths]


def ema_update(average, value, momentum):
    """Move a running average a step towards a new value: m · average + (1 − m) · value.

    It remembers about 1 / (1 − m) steps. Keras' optimizers do this to every weight, `use_ema=True`.

    Args:
        average, value: float, or arrays of one shape.
        momentum: float in [0, 1), the share m of the average that stays.
    Returns:
        the new average.
    """
    return momentum * average + (1 - momentum) * value


def confusion_matrix(labels, predictions, num_classes):
    """Count how often each class was taken for each: row the true class, column the predicted one.

    Args:
        labels, predictions: integer (n,), in 0 to num_classes − 1.
        num_classes: int.
    Returns:
        integer (num_classes, num_classes); sums to n, and its diagonal holds the right answers.
    Raises:
        ValueError: if the two differ in length, or hold a class that there is not.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(
            f"labels and predictions are one class an image, both (n,); received {labels.shape} and "
            f"{predictions.shape}. For logits take logits.argmax(axis=-1)."
        )
    both = np.concatenate([labels, predictions])
    if both.size and both.dtype.kind not in "iu":
        raise ValueError(f"labels and predictions are whole numbers; received {both.dtype}. Take the argmax.")
    if both.size and not (both.min() >= 0 and both.max() < num_classes):
        raise ValueError(
            f"With {num_classes} classes they are numbered 0 to {num_classes - 1}; received {both.min()} to "
            f"{both.max()}."
        )
    matrix = np.zeros((num_classes, num_classes), "int64")
    np.add.at(matrix, (labels.astype("int64"), predictions.astype("int64")), 1)
    return matrix
