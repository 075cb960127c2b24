"""The effective receptive field: which pixels a feature in the middle of a layer depends on, and how much.

Luo et al. 2016, https://arxiv.org/abs/1701.04128; for Vision Transformers Raghu et al. 2021,
https://arxiv.org/abs/2108.08810, section 4.
"""

import numpy as np

from helpers.analysis.attention import as_array

COPIES = 32  # images, or copies of them, that go through the network at once: bounds the memory


def effective_receptive_field(model, images, layer, *, location=None, per_feature=False):
    """Measure how much each pixel moves the features at one place of a layer: |∂ features / ∂ pixel|.

    field[y, x] = mean over images and colours of |∂ m / ∂ image[y, x]|, where m is the mean of the features
    at the location: one pass back, as in Luo et al. and most public code. Features that pull a pixel in
    opposite directions cancel in m. `per_feature=True` does what Raghu et al. describe: each feature is
    differentiated by itself, and the absolute values are averaged, which takes as many passes as there are
    features.

    Args:
        model: VisionTransformer or ResNet.
        images: (batch, image_size, image_size, channels), float in [0, 1]; the paper takes 32.
        layer: a name of `helpers.model.layers.layer_names`: "block_3" is the stream after the fourth block,
            as in the paper.
        location: (row, column) on the layer's grid, from 0; "class_token" for the class token; None for the
            centre, (rows // 2, columns // 2).
        per_feature: see above.
    Returns:
        float64 (height, width), 0 or more, in units of the feature for the whole range of a pixel, 0 to 1.
    Raises:
        ValueError: if the layer or the location is not there; and as `model` does for the images.
    """
    from helpers.model.layers import layer_features

    images = as_array(images).astype("float32")
    if not isinstance(layer, str):
        raise ValueError(f'Expected one layer by its name, such as "block_0"; received {layer!r}.')
    shape = tuple(layer_features(model, images[:1], layer)[layer].shape)[1:]
    place = _find(model, shape, location)
    num_features = shape[-1]
    readouts = np.eye(num_features) if per_feature else np.full((1, num_features), 1 / num_features)
    pairs = list(np.ndindex(len(images), len(readouts)))
    total = np.zeros(images.shape[1:3])
    for start in range(0, len(pairs), COPIES):
        image, readout = np.transpose(pairs[start : start + COPIES])
        gradient = _gradient(model, layer, place, images[image], readouts[readout])
        total += np.abs(gradient).mean(axis=-1).sum(axis=0, dtype="float64")
    return total / len(pairs)


def receptive_radius(field):
    """Say how far a receptive field reaches: the root mean square distance of its gradient from its centre.

    √(Σ g · |p − c|² / Σ g) over the pixels p, where c is the centre of mass Σ g · p / Σ g.

    Args:
        field: (..., height, width), 0 or more.
    Returns:
        float64 (...), in pixels: 0 for a single pixel, √((n² − 1) / 6) for an even field of n × n: 13.1 for
        a whole image of 32 × 32. NaN for a field of nothing.
    Raises:
        ValueError: for fewer than two axes, or a value that is negative or not finite.
    """
    weights = _as_field(field)
    with np.errstate(invalid="ignore"):
        weights = weights / weights.sum(axis=(-2, -1), keepdims=True)
    variance = 0
    for axis in (-1, -2):  # summed over the columns: a share for each row; then the other way round
        share = weights.sum(axis=axis)
        at = np.arange(share.shape[-1])
        centre = (share * at).sum(axis=-1, keepdims=True)
        variance = variance + (share * (at - centre) ** 2).sum(axis=-1)
    return np.sqrt(variance)


def receptive_share(field, mass=0.9):
    """Say how much of the image holds most of the gradient: the least share of pixels with `mass` of it.

    Args:
        field: (..., height, width), 0 or more.
        mass: the part of the gradient to hold, above 0 and up to 1.
    Returns:
        float64 (...) in (0, 1]: about `mass` for an even field, 1 / (height · width) for a single pixel. NaN
        for a field of nothing.
    Raises:
        ValueError: as `receptive_radius`; or for another `mass`.
    """
    if not 0 < mass <= 1:
        raise ValueError(f"Expected a mass above 0 and up to 1; received {mass!r}.")
    weights = _as_field(field)
    weights = -np.sort(-weights.reshape(*weights.shape[:-2], -1), axis=-1)  # the largest first
    held = np.cumsum(weights, axis=-1)
    total = held[..., -1:]
    enough = mass * total * (1 - 1e-12)  # sums of thousands of numbers are not exact
    needed = (held < enough).sum(axis=-1) + 1
    return np.where(total[..., 0] > 0, needed / weights.shape[-1], np.nan)


def _find(model, shape, location):
    """Turn a location into an index of a layer's features, (token,) or (row, column)."""
    is_vit = len(shape) == 2  # (num_tokens, hidden_dim), not (height, width, channels)
    rows, columns = (model.config.grid_size,) * 2 if is_vit else shape[:2]
    has_class_token = is_vit and model.config.has_class_token
    if location is None:
        location = (rows // 2, columns // 2)
    if isinstance(location, str):
        if location == "class_token" and has_class_token:
            return (0,)
    elif np.shape(location) == (2,) and 0 <= location[0] < rows and 0 <= location[1] < columns:
        row, column = (int(number) for number in location)
        return (row * columns + column + has_class_token,) if is_vit else (row, column)
    raise ValueError(
        f"Expected a location (row, column) inside the layer's grid of {rows} × {columns}"
        f"{', or ' + repr('class_token') if has_class_token else ''}; received {location!r}."
    )


def _gradient(model, layer, place, images, readouts):
    """Differentiate Σ readout · features at the place, each image with its readout (batch, num_features)."""
    from helpers.model.gradients import image_gradients

    return image_gradients(model, _read, images, readouts.astype("float32"), layer, tuple(map(int, place)))


def _read(model, images, readouts, layer, place):
    from keras import ops

    from helpers.model.layers import layer_features

    features = layer_features(model, images, layer)[layer]
    chosen = features[(slice(None), *place)]  # (batch, num_features)
    return ops.sum(ops.multiply(ops.cast(chosen, "float32"), readouts))


def _as_field(field):
    weights = as_array(field).astype("float64")
    if weights.ndim < 2 or 0 in weights.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            "Expected a receptive field (..., height, width) of finite numbers, 0 or more; received shape "
            f"{weights.shape}. Take it from effective_receptive_field, which gives absolute values."
        )
    return weights
