"""The names and the features of a network's layers."""

import numpy as np
import pytest
from keras import ops

from helpers.model.activations import activations
from helpers.model.gradients import gradients
from helpers.model.layers import layer_features, layer_names
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(size=(3, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module", params=[{}, {"pooling": "mean"}, {"layer_scale": 0.3}, {"skips": (1,)}])
def vit(request):
    changes = dict(request.param)
    if "skips" in changes:
        changes["blocks_without_skip"] = changes.pop("skips")
    return VisionTransformer(
        ViTConfig(
            image_size=32,
            patch_size=8,
            hidden_dim=24,
            depth=3,
            num_heads=2,
            mlp_dim=40,
            num_classes=5,
            **changes,
        )
    )


def test_a_vit_has_an_embedding_and_three_layers_a_block(vit):
    names = layer_names(vit)
    assert names[:4] == ["embedding", "block_0.attention", "block_0.mlp", "block_0"]
    assert len(names) == len(set(names)) == 3 * 3 + 1


def test_the_features_of_a_vit_are_its_activations(vit, images):
    features = layer_features(vit, images)
    run = activations(vit, images, keep="all")
    assert list(features) == layer_names(vit)
    expected = {"embedding": run.tokens[0]}
    for index in range(3):
        expected[f"block_{index}.attention"] = run.attention_output[index]
        expected[f"block_{index}.mlp"] = run.mlp_output[index]
        expected[f"block_{index}"] = run.tokens[index + 1]
    for name, value in expected.items():
        np.testing.assert_allclose(ops.convert_to_numpy(features[name]), value, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("depth", [8, 20])
def test_the_last_features_of_a_resnet_give_its_logits(depth, images):
    model = ResNet(ResNetConfig(depth=depth, width=4))
    rng = np.random.default_rng(1)
    for variable in model.weights:  # moved statistics, so that a norm in the wrong mode is seen
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
    features = layer_features(model, images)
    assert len(features) == 1 + 3 * (depth - 2) // 2
    last = list(features.values())[-1]
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.classify(last)), ops.convert_to_numpy(model(images)), atol=1e-5
    )
    for name, value in features.items():
        assert (float(ops.min(value)) < 0) == name.endswith("branch")  # all others are after a ReLU
    skip, branch = (ops.convert_to_numpy(features[name]) for name in ("block_0", "block_1.branch"))
    if depth > 8:  # a block that keeps the shape: its shortcut is what comes in
        np.testing.assert_allclose(
            np.maximum(skip + branch, 0), ops.convert_to_numpy(features["block_1"]), atol=1e-5
        )


def test_only_the_layers_asked_for_are_given_in_the_order_of_the_data(vit, images):
    features = layer_features(vit, images, ["block_1", "embedding"])
    assert list(features) == ["embedding", "block_1"]
    assert list(layer_features(vit, images, "block_0.mlp")) == ["block_0.mlp"]


def test_nothing_after_the_last_layer_is_computed(vit, images, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a later block was run")

    monkeypatch.setattr(vit.blocks[2], "finish", refuse)
    layer_features(vit, images, ["block_1"])


def test_an_unknown_layer_is_told(vit, images):
    with pytest.raises(ValueError, match="There is no layer 'block_9': expected some of embedding, block_0"):
        layer_features(vit, images, ["block_9"])


def test_another_model_is_told():
    with pytest.raises(
        ValueError, match="Expected a VisionTransformer or a ResNet of the course; received a dict"
    ):
        layer_names({})


@pytest.mark.parametrize("names", [None, ["block_0.mlp", "block_1"]])
def test_many_images_give_what_a_few_at_a_time_give(vit, names):
    resnet = ResNet(ResNetConfig(depth=8, width=4))
    many = np.random.default_rng(2).uniform(size=(40, 32, 32, 3)).astype("float32")
    for model in (vit, resnet):
        asked = names and [name.replace("mlp", "branch") if model is resnet else name for name in names]
        found = layer_features(model, many, asked)
        few = [layer_features(model, part, asked) for part in np.split(many, 2)]
        assert list(found) == list(few[0]) == (asked or layer_names(model))
        for name, values in found.items():
            expected = np.concatenate([ops.convert_to_numpy(part[name]) for part in few])
            limit = 1e-5 * max(1, np.abs(expected).max())
            np.testing.assert_allclose(ops.convert_to_numpy(values), expected, atol=limit, rtol=0)


def test_gradients_flow_through_the_features_of_many_images(vit):
    many = np.random.default_rng(2).uniform(size=(40, 32, 32, 3)).astype("float32")

    def total(arrays):
        return ops.sum(layer_features(vit, arrays[0], "block_1")["block_1"] ** 2)

    _, (found,) = gradients(total, [many])
    pieces = [gradients(total, [part])[1][0] for part in np.split(many, 2)]
    assert np.abs(found).max() > 1e-3
    np.testing.assert_allclose(found, np.concatenate(pieces), atol=1e-4, rtol=1e-4)


def test_bad_images_are_told_however_many_there_are(vit):
    for count in (2, 40):
        with pytest.raises(ValueError, match="Divide by 255"):
            layer_features(vit, np.full((count, 32, 32, 3), 200, "float32"))


def test_a_model_of_a_class_that_was_loaded_again_is_known_by_its_name():
    """As after %autoreload: its class is the course's, and no longer the one that the module holds."""
    names = {"__module__": VisionTransformer.__module__, "__qualname__": "VisionTransformer", "blocks": [0]}
    stale = type("VisionTransformer", (), names)()
    assert not isinstance(stale, VisionTransformer)
    assert layer_names(stale) == ["embedding", "block_0.attention", "block_0.mlp", "block_0"]


def test_another_class_of_the_same_name_is_told_apart_by_its_module():
    other = type("VisionTransformer", (), {"__module__": "somewhere_else"})()
    with pytest.raises(ValueError, match="VisionTransformer of somewhere_else. If .* restart the kernel"):
        layer_names(other)
