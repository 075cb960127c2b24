"""effective_receptive_field(model, images, layer): the field of one place."""

import functools

import numpy as np

from helpers.course.exercise import Exercise, Mutant


@functools.cache
def _small_vit(grid):
    from helpers.model.vit import VisionTransformer, ViTConfig

    config = ViTConfig(
        image_size=2 * grid, patch_size=2, hidden_dim=6, depth=2, num_heads=2, mlp_dim=8, num_classes=3
    )
    model, rng = VisionTransformer(config), np.random.default_rng(93 + grid)
    for weights in model.weights:
        if len(weights.shape) > 1:
            weights.assign(rng.standard_normal(tuple(weights.shape)).astype("float32"))
    return model


def _field_cases():
    return [
        (_small_vit(grid), np.random.default_rng(seed).random((2, 2 * grid, 2 * grid, 3), "float32"), layer)
        for grid, seed, layer in ((4, 94, "block_0"), (3, 95, "block_1"))
    ]


@functools.lru_cache(maxsize=64)
def _kept_gradient(model, content, layer, token):
    """Differentiate the mean feature of a token, or of all for None: (batch, size, size, 3)."""
    from keras import ops

    from helpers.model.gradients import gradients
    from helpers.model.layers import layer_features

    size = model.config.image_size
    images = np.frombuffer(content, "float32").reshape(-1, size, size, 3)

    def read(arrays):
        features = layer_features(model, arrays[0], layer)[layer]
        chosen = features if token is None else features[:, token]
        return ops.sum(ops.mean(chosen, axis=-1))

    return gradients(read, [images])[1][0]


def _gradient(model, images, layer, token):
    """As `_kept_gradient`, which many mistakes share."""
    return _kept_gradient(model, np.asarray(images, "float32").tobytes(), layer, token)


def _middle(model):
    return 1 + (model.config.grid_size // 2) * (model.config.grid_size + 1)


def _field(model, images, layer, token):
    return np.abs(_gradient(model, images, layer, token)).mean(axis=(0, -1))


def _field_no_class_token(model, images, layer):
    return _field(model, images, layer, _middle(model) - 1)


def _field_of_class_token(model, images, layer):
    return _field(model, images, layer, 0)


def _field_of_first_patch(model, images, layer):
    return _field(model, images, layer, 1)


def _field_column_missing(model, images, layer):
    return _field(model, images, layer, _middle(model) - model.config.grid_size // 2)


def _field_of_all(model, images, layer):
    return _field(model, images, layer, None)


def _field_signed(model, images, layer):
    return _gradient(model, images, layer, _middle(model)).mean(axis=(0, -1))


def _field_images_first(model, images, layer):
    return np.abs(_gradient(model, images, layer, _middle(model)).mean(axis=0)).mean(axis=-1)


def _field_colours_first(model, images, layer):
    return np.abs(_gradient(model, images, layer, _middle(model)).mean(axis=-1)).mean(axis=0)


def _field_features_summed(model, images, layer):
    return model.config.hidden_dim * _field(model, images, layer, _middle(model))


def _field_images_summed(model, images, layer):
    return len(images) * _field(model, images, layer, _middle(model))


def _field_squared(model, images, layer):
    return (_gradient(model, images, layer, _middle(model)) ** 2).mean(axis=(0, -1))


EXERCISE = Exercise(
    key="receptive_field.effective_receptive_field",
    title="The field of one place",
    reference="helpers.analysis.receptive_field:effective_receptive_field",
    cases=_field_cases,
    mutants=(
        Mutant(
            _field_no_class_token,
            "one patch off: the class token is token 0, so row r, column c is token 1 + r · grid + c.",
        ),
        Mutant(_field_of_class_token, "this is the field of token 0, the class token, and not of a place."),
        Mutant(_field_of_first_patch, "this is the field of the first patch, in the corner."),
        Mutant(
            _field_of_all,
            "you differentiate all tokens together; the field of the whole layer has no centre. Choose "
            "one token.",
        ),
        Mutant(
            _field_column_missing,
            "this is the left edge of the middle row: add the column, grid // 2, as well.",
        ),
        Mutant(_field_signed, "no absolute value: what brightens and what darkens cancel."),
        Mutant(
            _field_images_first,
            "you average over the images before the absolute value, so images cancel one another.",
        ),
        Mutant(
            _field_colours_first,
            "you average over the colours before the absolute value, so colours cancel one another.",
        ),
        Mutant(_field_features_summed, "you add the features up; differentiate their mean."),
        Mutant(_field_images_summed, "you add the images up; the field is their average."),
        Mutant(_field_squared, "you square the gradient; the field is its absolute value."),
    ),
    hints=(
        "One token, one number: the mean of its features. Which token is the middle of the grid?",
        "`grid = model.config.grid_size`, `middle = grid // 2`; the token is `1 + middle * grid + "
        "middle`. Sum the images inside the function: each pixel belongs to one image.",
        "`read = lambda arrays: ops.sum(ops.mean(layer_features(model, arrays[0], layer)[layer][:, "
        "token], axis=-1))`; `np.abs(gradients(read, [images])[1][0]).mean(axis=(0, -1))`",
    ),
    difficulty=3,
    importance=4,
    minutes=12,
)
