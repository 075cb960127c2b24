"""What goes in: CIFAR-10, the built-in shapes, photographs, and the augmentation of images."""

import sys

from helpers.data.cifar10 import CLASS_NAMES as CIFAR10_CLASS_NAMES
from helpers.data.cifar10 import DataUnavailable, load_cifar10
from helpers.data.dataset import Dataset
from helpers.data.download import Limits
from helpers.data.photos import load_photo, photo_credit, photo_names
from helpers.data.shapes import make_shapes

__all__ = [
    "CIFAR10_CLASS_NAMES",
    "DataUnavailable",
    "Dataset",
    "Limits",
    "load_cifar10",
    "load_images",
    "load_photo",
    "make_shapes",
    "photo_credit",
    "photo_names",
]


def load_images(name="cifar10"):
    """Load the images that a lesson works on: CIFAR-10, or the built-in shapes where it cannot be had.

    Args:
        name: "cifar10" or "shapes".
    Returns:
        Dataset; its `source` says which images these are. One printed line announces the shapes. It goes to
        stderr, since what a lesson prints is compared and must be alike with and without CIFAR-10.
    Raises:
        ValueError: for another name.
    """
    if name == "shapes":
        return make_shapes()
    if name != "cifar10":
        raise ValueError(f'name must be "cifar10" or "shapes", got {name!r}.')
    try:
        return load_cifar10()
    except DataUnavailable:
        print(
            "CIFAR-10 could not be had: these are the built-in shapes. load_cifar10() says what was tried.",
            file=sys.stderr,
        )
        return make_shapes()
