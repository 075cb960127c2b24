"""All layers of a network as Gram matrices, quickly: what `MinibatchCKA` keeps of a batch.

The features of 28 layers are 240 MB for 256 images; their Gram matrices, 15 MB.
"""

import dataclasses

import numpy as np

from helpers.analysis.hsic import as_features, u_centre_gram

ROUNDING = 16  # in units of the last digit: what varies less than this, beside its size, does not vary
SMALL = 65_536  # numbers of one layer and batch: smaller ones are multiplied in stacks
STACK = 64  # layers of a stack


@dataclasses.dataclass(frozen=True)
class LayerGrams:
    """What is left of one network's features of one batch when nothing but HSIC is wanted.

    Attributes:
        names: tuple, of the layers: the keys of a dict, or 0, 1, … for a list.
        num_images: int.
        grams: float64 (layers, num_images²), each row a U-centred Gram matrix.
        self_hsic: float64 (layers,), HSIC₁ of each layer with itself.
        rounding: float64 (layers,), how large rounding alone could make it.
    """

    names: tuple
    num_images: int
    grams: np.ndarray
    self_hsic: np.ndarray
    rounding: np.ndarray

    @classmethod
    def of(cls, features, name):
        """Turn a list or dict of arrays (batch, ...) into Gram matrices; `name` is for errors."""
        if not (isinstance(features, (list, tuple)) or hasattr(features, "keys")) or not features:
            received = getattr(features, "shape", type(features).__name__)
            raise ValueError(
                f"Expected {name} as a list or dict of arrays, one a layer, and at least one; received "
                f"{received}. A single layer goes into a list: [features]."
            )
        by_name = dict(features) if hasattr(features, "keys") else dict(enumerate(features))
        layers = []  # the Gram matrix will tell of what is not finite
        for layer, values in by_name.items():
            layers.append(as_features(values, f"{name}[{layer!r}]", finite=False))
            if len(layers[-1]) < 4 or len(layers[-1]) != len(layers[0]):
                raise ValueError(
                    f"Expected at least 4 images, the same in every layer of {name}; received "
                    f"{len(layers[-1])} in {layer!r}, and {len(layers[0])} in the first layer."
                )
        num_images = len(layers[0])
        grams, rounding = np.empty((len(layers), num_images**2)), np.empty(len(layers))
        for rows, found in _gram_matrices(layers, [f"{name}[{layer!r}]" for layer in by_name]):
            rounding[rows] = rounding_of(found)
            grams[rows] = u_centre_gram(found).reshape(len(rows), -1)  # (…, num_images²)
        self_hsic = np.einsum("li,li->l", grams, grams) / (num_images * (num_images - 3))
        return cls(tuple(by_name), num_images, grams, self_hsic, rounding)

    def take(self, names):
        """Choose layers, in this order."""
        if tuple(names) == self.names:
            return self
        rows = [self.names.index(name) for name in names]
        return LayerGrams(
            tuple(names), self.num_images, self.grams[rows], self.self_hsic[rows], self.rounding[rows]
        )


def quick_gram(rows, name):
    """Compare all rows (batch, everything): in their own precision, or in float64 where that overflows.

    Centring does not change HSIC₁, and costs as much again in memory traffic; only where most of the features
    is what all images share are digits lost without it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        gram = rows @ rows.T
        if gram.mean() > 0.75 * np.diagonal(gram).mean():
            centred = rows - rows.mean(axis=0)
            gram = centred @ centred.T
        size = np.diagonal(gram).mean()
    if 1e-25 < size < np.inf:  # not so for NaN
        return gram
    centred = as_features(rows, name).astype("float64")
    centred -= centred.mean(axis=0)
    return centred @ centred.T


def _gram_matrices(layers, names):
    """Yield, for some layers at a time, their numbers and their Gram matrices (some, num_images, num_images).

    The tokens of a ViT taken one by one are hundreds of small layers, of one shape: these are multiplied in
    stacks, since calling NumPy would cost more than the arithmetic.
    """
    stacks, alone = {}, []
    for index, rows in enumerate(layers):
        if rows.size <= SMALL:
            stacks.setdefault((rows.shape, rows.dtype), []).append(index)
        else:
            alone.append(index)
    for indices in stacks.values():
        for first in range(0, len(indices), STACK):
            some = indices[first : first + STACK]
            grams, as_they_are = quick_grams(np.stack([layers[index] for index in some]))
            alone += [index for index, fine in zip(some, as_they_are) if not fine]
            if as_they_are.any():
                yield np.array(some)[as_they_are], grams[as_they_are]
    for index in alone:
        yield [index], quick_gram(layers[index], names[index])[None]


def quick_grams(stack):
    """Do what `quick_gram` does first for several layers at once, and say for which that is enough.

    Args:
        stack: float (layers, batch, everything).
    Returns:
        (layers, batch, batch), and bool (layers,): False where `quick_gram` goes on to other ways.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        grams = stack @ stack.swapaxes(1, 2)
        sizes = np.diagonal(grams, axis1=1, axis2=2).mean(axis=1)
        return grams, (grams.mean(axis=(1, 2)) <= 0.75 * sizes) & (1e-25 < sizes) & (sizes < np.inf)


def rounding_of(gram):
    """Say how large the HSIC of a layer with itself may seem by rounding alone, from its Gram matrix.

    Args:
        gram: float (..., n, n).
    Returns:
        float64 (...).
    """
    size = np.diagonal(gram, axis1=-2, axis2=-1).mean(axis=-1, dtype="float64")
    return (ROUNDING * np.finfo(gram.dtype).eps * size) ** 2
