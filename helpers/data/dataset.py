"""A labelled set of images: the one shape in which every data set of the course arrives."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with labels, cut into a training and a test part, checked when it is made.

    Args:
        x_train: uint8 (num_train, height, width, channels), 0 to 255.
        y_train: integer (num_train,), an index into `class_names`.
        x_test, y_test: the same for the test part.
        class_names: one name for each class, in the order of the labels.
        masks_train, masks_test: bool (num_images, height, width), True on the object; or both None.
        source: a plain sentence: what this is and where it came from. Results are reported with it.
        backgrounds_train, backgrounds_test: integer (num_images,), an index into `background_names`, or None.
        background_names: one name for each kind of background.
    Raises:
        ValueError: if two parts do not fit together; the message says what was expected and what came.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    masks_train: np.ndarray | None = None
    masks_test: np.ndarray | None = None
    source: str = "unknown source"
    backgrounds_train: np.ndarray | None = None
    backgrounds_test: np.ndarray | None = None
    background_names: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "background_names", tuple(self.background_names))
        for part in ("train", "test"):
            images = getattr(self, f"x_{part}")
            _check_images(f"x_{part}", images)
            _check_labels(f"y_{part}", getattr(self, f"y_{part}"), len(images), len(self.class_names))
            _check_masks(f"masks_{part}", getattr(self, f"masks_{part}"), images.shape[:3])
            backgrounds = getattr(self, f"backgrounds_{part}")
            if backgrounds is not None:
                _check_labels(f"backgrounds_{part}", backgrounds, len(images), len(self.background_names))
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise ValueError(
                f"x_train and x_test must hold images of one size, got {self.x_train.shape[1:]} and "
                f"{self.x_test.shape[1:]}."
            )
        for field in ("masks", "backgrounds"):
            if (getattr(self, f"{field}_train") is None) != (getattr(self, f"{field}_test") is None):
                raise ValueError(f"{field}_train and {field}_test must both be given or both be None.")

    @property
    def masks(self):
        """The pair (masks_train, masks_test), or None where the set has no masks."""
        return None if self.masks_train is None else (self.masks_train, self.masks_test)

    @property
    def num_classes(self):
        """How many classes there are."""
        return len(self.class_names)

    def __repr__(self):
        size = "×".join(str(side) for side in self.x_train.shape[1:])
        return (
            f"Dataset({self.source}: {len(self.x_train):,} training and {len(self.x_test):,} test images "
            f"of {size}, {self.num_classes} classes)"
        )


def _check_images(name, images):
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if not isinstance(images, np.ndarray) or images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(
            f"{name} must be a uint8 array of shape (num_images, height, width, channels), "
            f"got {type(images).__name__} of shape {shape} and type {dtype}."
        )


def _check_labels(name, labels, num_images, num_classes):
    shape, dtype = getattr(labels, "shape", None), getattr(labels, "dtype", None)
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or shape != (num_images,):
        raise ValueError(
            f"{name} must be an integer array of shape ({num_images},), one label for each image, "
            f"got {type(labels).__name__} of shape {shape} and type {dtype}."
        )
    if num_images and not (labels.min() >= 0 and labels.max() < num_classes):
        raise ValueError(
            f"{name} must lie between 0 and {num_classes - 1}, as there are {num_classes} names, "
            f"got {labels.min()} to {labels.max()}."
        )


def _check_masks(name, masks, expected):
    if masks is None:
        return
    shape, dtype = getattr(masks, "shape", None), getattr(masks, "dtype", None)
    if not isinstance(masks, np.ndarray) or masks.dtype != np.bool_ or shape != expected:
        raise ValueError(
            f"{name} must be a bool array of shape {expected}, one mask for each image, "
            f"got {type(masks).__name__} of shape {shape} and type {dtype}."
        )
