"""Effective receptive fields: the exact field of positive networks, finite differences, and closed forms."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis import receptive_field
from helpers.analysis.receptive_field import effective_receptive_field, receptive_radius, receptive_share
from helpers.model.gradients import gradients
from helpers.model.layers import layer_features, layer_names
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

CONFIG = ViTConfig(image_size=8, patch_size=4, hidden_dim=6, depth=2, num_heads=2, mlp_dim=8, num_classes=3)
IMAGES = np.random.default_rng(0).uniform(0.1, 0.9, (3, 8, 8, 3)).astype("float32")  # room for differences


def make_vit(**changes):
    model = VisionTransformer(dataclasses.replace(CONFIG, **changes))
    return with_random_weights(model)


@pytest.fixture(scope="module")
def vit():
    return make_vit()


@pytest.fixture(scope="module")
def resnet():
    """ResNet-14 with every weight 1 and every ReLU open: the network is linear, and no path cancels."""
    model = ResNet(ResNetConfig(depth=14, width=4, image_mean=(0,) * 3, image_std=(1,) * 3))
    for variable in model.weights:
        if "kernel" in variable.path:
            variable.assign(np.ones(variable.shape, "float32"))
    return model


def bright(number=2):
    return np.random.default_rng(2).uniform(0.1, 1, (number, 32, 32, 3)).astype("float32")


# ResNet: exactly the theoretical field


def theoretical_field(layer, row, column):
    """Walk back from a location to the rows and columns of pixels that reach it.

    A 3 × 3 convolution with stride 1 reads o − 1 … o + 1; with stride 2 and an even size, padded at the end
    alone, 2 o … 2 o + 2. A block with its shortcut reads what its two convolutions read.
    """
    strides = [1]  # the stem; then two convolutions a block, two blocks a stage, three stages
    for stage in range(3):
        strides += [2 if stage else 1, 1, 1, 1]
    name, _, part = layer.partition(".")
    count = 1 if name == "stem" else 1 + 2 * int(name.removeprefix("block_")) + (1 if part else 2)
    sizes = np.cumprod([1, *strides])  # the image is 32 / sizes[i] wide before convolution i
    mask = np.zeros((32, 32), bool)
    intervals = []
    for place in (row, column):
        low = high = place
        for index in reversed(range(count)):
            limit = 32 // sizes[index] - 1
            low, high = (low - 1, high + 1) if strides[index] == 1 else (2 * low, 2 * high + 2)
            low, high = max(low, 0), min(high, limit)
        intervals.append(slice(low, high + 1))
    mask[tuple(intervals)] = True
    return mask


def test_the_stem_sees_3_by_3_pixels(resnet):
    field = effective_receptive_field(resnet, bright(), "stem")
    expected = np.zeros((32, 32))
    expected[15:18, 15:18] = 1  # each weight is 1, whatever the feature and the colour
    np.testing.assert_allclose(field, expected, rtol=1e-4)


def test_the_next_convolution_sees_5_by_5_more_in_the_middle(resnet):
    field = effective_receptive_field(resnet, bright(), "block_0.conv1", location=(10, 20))
    expected = np.zeros((32, 32))
    expected[8:13, 18:23] = 4 * np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1])  # 4 features of the stem
    np.testing.assert_allclose(field, expected, rtol=1e-4)


LAYERS = dict(stem=32, block_0=32, block_1=32) | {"block_2.conv1": 16} | dict(block_2=16, block_3=16)
LAYERS |= dict(block_4=8, block_5=8)  # the sizes of their grids


@pytest.mark.parametrize("place", [None, (0, 0), (3, 6)])
@pytest.mark.parametrize("layer", LAYERS)
def test_deeper_layers_see_exactly_the_theoretical_field(resnet, layer, place):
    field = effective_receptive_field(resnet, bright(1), layer, location=place)
    expected = theoretical_field(layer, *(place or (LAYERS[layer] // 2,) * 2))
    np.testing.assert_array_equal(field > 0, expected)


def test_the_field_moves_with_the_location(resnet):
    here = effective_receptive_field(resnet, bright(1), "block_1", location=(16, 16))
    there = effective_receptive_field(resnet, bright(1), "block_1", location=(14, 19))
    assert here.sum() > 0
    np.testing.assert_allclose(there, np.roll(here, (-2, 3), axis=(0, 1)), rtol=1e-4)


# ViT


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
def test_an_embedding_sees_its_own_patch_as_its_weights_say(pooling):
    model = make_vit(pooling=pooling, image_std=(0.5, 0.25, 0.2))
    kernel = ops.convert_to_numpy(model.patch_embedding.projection.kernel)  # (4, 4, 3, hidden_dim)
    by_pixel = kernel / np.array([0.5, 0.25, 0.2])[:, None]
    for location in [None, (0, 1), (1, 0)]:
        row, column = location or (1, 1)
        for per_feature, expected in [
            (False, np.abs(by_pixel.mean(axis=-1)).mean(axis=-1)),
            (True, np.abs(by_pixel).mean(axis=(-2, -1))),
        ]:
            field = effective_receptive_field(
                model, IMAGES, "embedding", location=location, per_feature=per_feature
            )
            patch = field[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            np.testing.assert_allclose(patch, expected, rtol=1e-4)
            assert (field > 0).sum() == 16


@pytest.mark.parametrize("layer", ["block_0.attention", "block_0", "block_1.mlp", "block_1"])
@pytest.mark.parametrize("location", [None, (0, 1), "class_token"])
def test_after_one_attention_every_pixel_is_seen(vit, layer, location):
    assert effective_receptive_field(vit, IMAGES, layer, location=location).min() > 0


def test_the_class_token_sees_nothing_before_the_first_block(vit):
    field = effective_receptive_field(vit, IMAGES, "embedding", location="class_token")
    np.testing.assert_array_equal(field, np.zeros((8, 8)))


def by_differences(model, layer, place, step=1e-2):
    """(f(x + step) − f(x − step)) / (2 step) for every pixel and feature, each in a copy of its image."""
    shape = IMAGES.shape[1:]
    each = step * np.eye(np.prod(shape), dtype="float32").reshape(-1, *shape)
    slopes = []
    for image in IMAGES:
        more, less = (
            ops.convert_to_numpy(layer_features(model, image + change, layer)[layer])[:, *place]
            for change in (each, -each)
        )
        slopes.append(((more.astype("float64") - less) / (2 * step)).reshape(*shape, -1))
    return np.stack(slopes)  # (batch, height, width, channels, num_features)


PLACES = [("block_0", (0, 1), (2,)), ("block_1.mlp", (1, 0), (3,)), ("block_1", "class_token", (0,))]


@pytest.mark.parametrize("layer, location, place", PLACES)
def test_against_finite_differences(vit, layer, location, place):
    slopes = by_differences(vit, layer, place)
    for per_feature, expected in [
        (False, np.abs(slopes.mean(axis=-1)).mean(axis=(0, 3))),
        (True, np.abs(slopes).mean(axis=(0, 3, 4))),
    ]:
        found = effective_receptive_field(vit, IMAGES, layer, location=location, per_feature=per_feature)
        np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())


def test_resnet_features_against_finite_differences():
    """Weights of both signs; the ReLUs are held open, since differences go wrong at their kinks."""
    model = ResNet(ResNetConfig(depth=8, width=2, image_size=8))
    rng = np.random.default_rng(3)
    for variable in model.weights:
        if "kernel" in variable.path:
            variable.assign(0.05 * rng.standard_normal(variable.shape).astype("float32"))
        if "beta" in variable.path:
            variable.assign(np.full(variable.shape, 20, "float32"))
    assert float(ops.min(layer_features(model, IMAGES, "block_1")["block_1"])) > 0
    found = effective_receptive_field(model, IMAGES, "block_1", location=(2, 1), per_feature=True)
    expected = np.abs(by_differences(model, "block_1", (2, 1), step=0.1)).mean(axis=(0, 3, 4))
    np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())


def test_images_are_averaged_in_any_portions(vit, monkeypatch):
    alone = [effective_receptive_field(vit, IMAGES[[i]], "block_1", per_feature=True) for i in range(3)]
    monkeypatch.setattr(receptive_field, "COPIES", 4)
    together = effective_receptive_field(vit, IMAGES, "block_1", per_feature=True)
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow traces")
def test_the_way_back_is_traced_once_for_many_images_and_sees_new_weights(monkeypatch):
    model, traces = make_vit(), []
    inner = model.embed
    monkeypatch.setattr(model, "embed", lambda images: traces.append(len(images.shape)) or inner(images))
    before = effective_receptive_field(model, IMAGES, "block_1")
    first = len(traces)
    again = effective_receptive_field(model, IMAGES[::-1], "block_1")
    assert len(traces) == first + 1  # for the shape of the layer alone
    np.testing.assert_allclose(again, before, rtol=1e-4, atol=1e-6 * before.max())
    kernel = model.patch_embedding.weights[0]
    kernel.assign(2 * kernel)
    changed = effective_receptive_field(model, IMAGES, "block_1")
    assert len(traces) == first + 2 and np.abs(changed - before).max() > 1e-3 * before.max()
    place = receptive_field._find(model, (5, 6), None)
    readouts = np.full((3, 6), 1 / 6, "float32")

    def value(arrays):
        return receptive_field._read(model, arrays[0], readouts, "block_1", place)

    expected = np.abs(gradients(value, [IMAGES])[1][0]).mean(axis=(0, -1))
    np.testing.assert_allclose(changed, expected, rtol=1e-5, atol=1e-5 * expected.max())


def test_any_backend_s_images(vit):
    found = effective_receptive_field(vit, ops.convert_to_tensor(IMAGES), "block_0")
    assert isinstance(found, np.ndarray) and found.dtype == np.float64
    np.testing.assert_allclose(found, effective_receptive_field(vit, IMAGES, "block_0"), rtol=1e-5)


def test_what_is_not_there_is_told(vit, resnet):
    with pytest.raises(ValueError, match="There is no layer 'block_2'"):
        effective_receptive_field(vit, IMAGES, "block_2")
    with pytest.raises(ValueError, match="one layer by its name"):
        effective_receptive_field(vit, IMAGES, layer_names(vit))
    for location in [(2, 0), (0, -1), (0,), 3, "centre"]:
        with pytest.raises(ValueError, match="grid of 2 × 2, or 'class_token'; received"):
            effective_receptive_field(vit, IMAGES, "block_0", location=location)
    with pytest.raises(ValueError, match="grid of 32 × 32; received 'class_token'"):
        effective_receptive_field(resnet, bright(), "stem", location="class_token")
    with pytest.raises(ValueError, match="grid of 8 × 8; received"):
        effective_receptive_field(resnet, bright(), "block_5", location=(8, 8))
    with pytest.raises(ValueError, match="grid of 2 × 2; received 'class_token'"):
        effective_receptive_field(make_vit(pooling="mean"), IMAGES, "block_0", location="class_token")
    with pytest.raises(ValueError, match=r"expects images of shape \(batch, 8, 8, 3\)"):
        effective_receptive_field(vit, IMAGES[:, :4], "block_0")


# Numbers for a field


def square(size, top=0, left=0):
    field = np.zeros((32, 32))
    field[top : top + size, left : left + size] = 0.5
    return field


def test_the_radius_of_even_squares():
    assert receptive_radius(square(32)) == pytest.approx(13.0576, abs=5e-5)
    for size, top, left in [(1, 3, 8), (2, 0, 30), (5, 20, 11)]:
        expected = np.sqrt((size**2 - 1) / 6)
        assert receptive_radius(square(size, top, left)) == pytest.approx(expected, abs=1e-9)


def test_the_radius_by_hand():
    field = np.zeros((3, 5))
    field[0, 0], field[0, 4] = 3, 1  # the centre is at column 1: (3 · 1 + 1 · 9) / 4 = 3
    assert receptive_radius(field) == pytest.approx(np.sqrt(3))
    assert receptive_radius(field.T) == pytest.approx(np.sqrt(3))


def test_the_share_that_holds_most():
    assert receptive_share(square(32)) == pytest.approx(922 / 1024)  # the first whole number above 921.6
    assert receptive_share(square(1, 4, 4)) == 1 / 1024
    assert receptive_share(square(10), mass=0.5) == 50 / 1024
    assert receptive_share([[4, 1], [3, 2]], mass=0.7) == 0.5  # 4 + 3 of 10
    assert receptive_share([[4, 1], [3, 2]], mass=0.71) == 0.75
    assert receptive_share([[4, 1], [3, 2]], mass=1) == 1


@pytest.mark.filterwarnings("error")
def test_leading_axes_are_kept_and_nothing_has_no_size():
    fields = np.random.default_rng(0).random((2, 3, 6, 7))
    fields[1, 2] = 0
    for function in (receptive_radius, receptive_share):
        found = function(fields)
        assert found.shape == (2, 3) and np.isnan(found[1, 2])
        assert found[0, 1] == pytest.approx(function(fields[0, 1]))


def test_what_is_no_field_is_told():
    for wrong in (np.ones(3), -np.ones((2, 2)), np.full((2, 2), np.nan), np.ones((0, 2))):
        for function in (receptive_radius, receptive_share):
            with pytest.raises(ValueError, match="finite numbers, 0 or more; received shape"):
                function(wrong)
    with pytest.raises(ValueError, match="mass above 0 and up to 1; received 1.5"):
        receptive_share(square(2), mass=1.5)
