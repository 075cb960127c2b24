"""How alike two layers are, by centred kernel alignment (CKA): of one network, or of two that differ in all.

Features are never compared with each other, only the answers to "which images are alike?", so that the widths
may differ and it does not matter how a layer is turned.
"""

import math

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.hsic import as_features, gram_matrix, hsic
from helpers.analysis.layer_grams import LayerGrams, rounding_of
from helpers.model.layers import layer_features, layer_names


def linear_cka(x, y, *, debiased=True):
    """Compare two layers: CKA = HSIC(K, L) / √(HSIC(K, K) · HSIC(L, L)), with K = X Xᵀ and L = Y Yᵀ.

    1 for the same up to a rotation and a scale, and not changed by these; a general linear map changes it
    (Kornblith et al. 2019, https://arxiv.org/abs/1905.00414). The biased estimate of independent features
    is far above 0 where features are more than examples: 1 / √((1 + n/p)(1 + n/q)) for Gaussians with n
    examples, p and q features; 0.98 at 256 and 12,480. The debiased one is 0 there, give or take.

    Args:
        x, y: float (batch, ...), the same examples in the same order, each flattened to one row.
        debiased: with HSIC₁ (at least 4 examples), else the biased HSIC (at least 2).
    Returns:
        float of at most 1; biased from 0, debiased also below 0 by chance. NaN where in x or in y no two
        examples are more alike than any others, as with constant features: there is nothing to compare.
        All in float64, batch² numbers a layer.
    Raises:
        ValueError: if the shapes do not fit, examples are too few, or a value is not finite.
    """
    x, y = (as_features(features, name) for features, name in ((x, "x"), (y, "y")))
    if len(x) != len(y):
        raise ValueError(
            f"Expected the same examples in x and y; received {len(x)} and {len(y)}. "
            "Give both layers the same images."
        )
    gram_x, gram_y = (
        gram_matrix(rows - rows.mean(axis=0, dtype="float64")) for rows in (x, y)
    )  # saves digits
    cross = hsic(gram_x, gram_y, debiased=debiased)
    self_x, self_y = (hsic(gram, gram, debiased=debiased) for gram in (gram_x, gram_y))
    return float(_align(cross, self_x, self_y, rounding_of(gram_x), rounding_of(gram_y)))


class MinibatchCKA:
    """Compare all layers of one network with all of another over any number of images, in bounded memory.

    CKA[i, j] = Σ HSIC₁(K_i, L_j) / √(Σ HSIC₁(K_i, K_i) · Σ HSIC₁(L_j, L_j)), summed over the batches: the
    ratio is taken once, at the end (Nguyen et al. 2021, https://arxiv.org/abs/2010.15327). HSIC₁ has no
    bias at any batch size, so that the sums aim at what all images at once would give. Each batch counts by
    its number of images, which the paper leaves open: the HSIC₁ of a last batch of 4 is mostly chance, and
    would trouble the sum as much as one of 64 steadies it.

    Each layer's Gram matrix is made once a batch, U-centred and laid out as one row of batch² numbers; one
    matrix product of these rows is all pairs. Features in float32 are multiplied as such, all the rest is
    float64, which is right to 6 digits.

    ```python
    similarity = MinibatchCKA()
    for images in batches:
        similarity.update(layer_features(vit, images), layer_features(resnet, images))
    matrix = similarity.result()
    ```
    """

    def __init__(self):
        self.num_batches = 0
        self._layers = None
        self._sums = None

    def update(self, features_a, features_b=None):
        """Add a batch.

        Args:
            features_a, features_b: list or dict of float arrays (batch, ...) of any backend, one a layer,
                each flattened to (batch, everything); the same images, at least 4, in the same order. None
                for the features of a again. Any number of layers on each side, the same in every update.
        Returns:
            The object itself.
        Raises:
            ValueError: if the layers are not those of the first update, numbers of images differ or are below
                4, or a value is not finite. What was added before stays as it was.
        """
        side_a = LayerGrams.of(features_a, "features_a")
        same = features_b is None or features_b is features_a
        return self._add(side_a, side_a if same else LayerGrams.of(features_b, "features_b"))

    def result(self):
        """Give the similarities so far.

        Returns:
            float64 (layers_a, layers_b), from -1 to 1, about 0 for layers that have nothing in common. NaN
            in the whole row or column of a layer in which, in every batch, no two images are more alike
            than any others: constant features, such as of dead units, or images all equally far apart.
        Raises:
            ValueError: before the first update.
        """
        if not self.num_batches:
            raise ValueError("There is no similarity before a batch: call update(features_a, features_b).")
        return _align(*self._sums)

    def _add(self, a, b):
        if a.num_images != b.num_images:
            raise ValueError(
                "Expected the same images in features_a and features_b; received "
                f"{a.num_images} and {b.num_images}."
            )
        if self._layers not in (None, (a.names, b.names)):
            raise ValueError(
                f"Expected the layers of the first update, {_listed(self._layers)}; received "
                f"{_listed((a.names, b.names))}. Begin a new MinibatchCKA for other layers."
            )
        cross = a.grams @ b.grams.T / (a.num_images * (a.num_images - 3))
        terms = (cross, a.self_hsic[:, None], b.self_hsic, a.rounding[:, None], b.rounding)
        terms = [a.num_images * term for term in terms]
        self._sums = terms if self._sums is None else [sum(pair) for pair in zip(self._sums, terms)]
        self._layers = a.names, b.names
        self.num_batches += 1
        return self


def cka_matrix(
    model_a,
    model_b,
    images,
    *,
    layers_a=None,
    layers_b=None,
    batch_size=256,
    passes=1,
    seed=0,
    progress=None,
):
    """Compare the layers of two models, or of one with itself: `MinibatchCKA` over `layer_features`.

    Args:
        model_a, model_b: VisionTransformer or ResNet; None or model_a again for `model_b` compares model_a
            with itself, and runs it once.
        images: (n, image_size, image_size, channels), n at least 4, float in [0, 1] or uint8 in 0 to 255.
        layers_a, layers_b: names from `layer_names`; None for all of the model, and in `layers_b`, for one
            model, those of `layers_a`.
        batch_size: images at a time, at least 4; batches are made as even as can be, none left over. From 32
            on it changes little (benchmarks/cka.md), but for the memory: all features asked for of one
            model are held at once, 240 MB for 256 images and 28 layers of the course's ViT.
        passes: how often all images are gone through, each time in other batches: for small batches. Where
            the noise is too much, more images help more.
        seed: int, of the random orders in which they are gone through.
        progress: function, called after every batch with the images done and those in all, over all passes.
    Returns:
        float64 (layers_a, layers_b), as `MinibatchCKA.result`.
    Raises:
        ValueError: for a layer or model that is not there, fewer than 4 images, or an option out of range.
    """
    images = np.asarray(images)
    _check_counts(images, batch_size, passes)
    same = model_b is None or model_b is model_a
    names_a = _named(model_a, layers_a)
    names_b = names_a if same and layers_b is None else _named(model_a if same else model_b, layers_b)
    order, count = np.random.default_rng(seed), len(images)
    num_batches = min(math.ceil(count / batch_size), count // 4)
    similarity, done = MinibatchCKA(), 0
    for _ in range(passes):
        for chosen in np.array_split(order.permutation(count), num_batches):
            batch = _as_images(images, np.sort(chosen))
            if same:
                both = LayerGrams.of(layer_features(model_a, batch, list({*names_a, *names_b})), "model_a")
                similarity._add(both.take(names_a), both.take(names_b))
            else:  # the features of one model at a time
                side_a = LayerGrams.of(layer_features(model_a, batch, names_a), "model_a").take(names_a)
                side_b = LayerGrams.of(layer_features(model_b, batch, names_b), "model_b").take(names_b)
                similarity._add(side_a, side_b)
            done += len(chosen)
            if progress is not None:
                progress(done, count * passes)
    return similarity.result()


def identify_layers(cka):
    """Test a similarity on two trainings of one architecture: does each layer find itself in the other?

    The share of rows whose largest column is the same layer (Kornblith et al. 2019,
    https://arxiv.org/abs/1905.00414, section 6.1). Guessing gives 1 / layers.

    Args:
        cka: float (..., layers, layers), as `cka_matrix` gives it; the same layers in the same order on
            both sides.
    Returns:
        float in [0, 1], or an array of them for the leading axes. A row in which another layer is just as
        large counts as not found, and so does one that is NaN.
    Raises:
        ValueError: if there are not as many rows as columns.
    """
    matrix = as_array(cka)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or 0 in matrix.shape:
        raise ValueError(
            f"Expected a similarity (..., layers, layers), the same layers twice; received {matrix.shape}."
        )
    others = np.where(np.eye(matrix.shape[-1], dtype=bool) | np.isnan(matrix), -np.inf, matrix)
    found = np.diagonal(matrix, axis1=-2, axis2=-1) > others.max(axis=-1)
    return found.mean(axis=-1)[()]


def _align(cross, self_a, self_b, rounding_a, rounding_b):
    """Divide once, and give NaN where a side does not vary."""
    varies = (self_a > rounding_a) & (self_b > rounding_b)
    sizes = np.sqrt(self_a) * np.sqrt(self_b)  # the product under one root could overflow
    return np.divide(cross, sizes, out=np.full(np.shape(cross), np.nan), where=varies)


def _named(model, layers):
    known = layer_names(model)
    names = known if layers is None else [layers] if isinstance(layers, str) else list(layers)
    if not names or any(name not in known for name in names):
        raise ValueError(f"Expected some of the layers {', '.join(known)}; received {names}.")
    return names


def _check_counts(images, batch_size, passes):
    for name, value, least in (("batch_size", batch_size, 4), ("passes", passes, 1)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"Expected {name} as a whole number of at least {least}; received {value!r}.")
    if len(images) < 4:
        raise ValueError(f"Expected at least 4 images; received {len(images)}. HSIC₁ needs that many.")


def _as_images(images, chosen):
    batch = images[chosen]
    return batch.astype("float32") / 255 if batch.dtype == np.uint8 else batch


def _listed(layers):
    return " and ".join(f"{len(names)} ({', '.join(map(str, names[:3]))}, …)" for names in layers)
