"""Saved, loaded, copied, pickled and cloned: the same class, the same configuration, the same outputs."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model import resnet, vit
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.schedule import WarmupCosine

PACKAGE = "how_a_vit_sees"
RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 32, 32, 3), "float32")
TOKENS = RNG.normal(size=(2, 5, 12)).astype("float32")
PATCHES = RNG.normal(size=(2, 4, 12)).astype("float32")

MODELS = {
    "class token": lambda: VisionTransformer(ViTConfig.variant("shapes/4", depth=2)),
    "every option": lambda: VisionTransformer(
        ViTConfig.variant(
            "shapes/4",
            depth=3,
            pooling="mean",
            stochastic_depth=0.2,
            layer_scale=0.5,
            blocks_without_skip=(1,),
            num_classes=0,
        ),
        name="painter",
    ),
    "resnet": lambda: ResNet(ResNetConfig(depth=8, width=4), name="other"),
}
LAYERS = {
    "PatchEmbedding": (lambda: vit.PatchEmbedding(8, 12, name="cut"), IMAGES),
    "ClassTokenAndPosition": (lambda: vit.ClassTokenAndPosition(4, 12, name="first"), PATCHES),
    "ClassTokenAndPosition without": (lambda: vit.ClassTokenAndPosition(5, 12, False), TOKENS),
    "MultiHeadSelfAttention": (lambda: vit.MultiHeadSelfAttention(12, 3), TOKENS),
    "MLP": (lambda: vit.MLP(12, 20), TOKENS),
    "LayerNorm": (lambda: vit.LayerNorm(epsilon=1e-4), TOKENS),
    "LayerScale": (lambda: vit.LayerScale(12, 0.3), TOKENS),
    "EncoderBlock": (
        lambda: vit.EncoderBlock(
            12, 3, 20, stochastic_depth=0.1, layer_scale=0.5, has_skip=False, epsilon=1e-5
        ),
        TOKENS,
    ),
    "ResidualBlock": (lambda: resnet.ResidualBlock(6, stride=2), IMAGES),
    "ResidualBlock as wide": (lambda: resnet.ResidualBlock(3), IMAGES),
}


def result(model, inputs):
    return ops.convert_to_numpy(model(inputs))


def shake(model):
    """Give every weight a value that no initialiser would, so that one that is not restored is seen."""
    for variable in model.weights:
        if "seed" not in variable.path:
            variable.assign(RNG.uniform(0.3, 0.6, variable.shape).astype("float32"))
    return model


def through_a_file(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


COPIES = {
    "a .keras file": through_a_file,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "clone": lambda model, folder: cloned(model),
}


def cloned(model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    return clone


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back(name, way, tmp_path):
    model = shake(MODELS[name]())
    again = COPIES[way](model, tmp_path)
    assert type(again) is type(model) and again is not model
    assert again.config == model.config and again.name == model.name
    assert [v.path for v in again.weights] == [v.path for v in model.weights]
    np.testing.assert_allclose(result(again, IMAGES), result(model, IMAGES), rtol=1e-5, atol=1e-5)
    weight = next(v for v in again.weights if "kernel" in v.path)
    before = ops.convert_to_numpy(weight).copy()
    weight.assign(before + 1)  # a copy of its own, not a second name
    other = next(v for v in model.weights if v.path == weight.path)
    np.testing.assert_array_equal(ops.convert_to_numpy(other), before)


@pytest.mark.parametrize("name", LAYERS)
def test_a_learners_model_of_the_courses_layers_comes_back(name, tmp_path):
    make, inputs = LAYERS[name]
    entrance = keras.Input(inputs.shape[1:])
    model = shake(keras.Model(entrance, make()(entrance)))
    again = through_a_file(model, tmp_path)  # copies and pickles go the same way
    assert type(again.layers[-1]) is type(model.layers[-1])
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    np.testing.assert_allclose(result(again, inputs), result(model, inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_by_itself_is_rebuilt_from_its_configuration(name):
    make, inputs = LAYERS[name]
    layer = make()
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert keras.saving.get_registered_object(f"{PACKAGE}>{type(layer).__name__}") is type(layer)
    assert result(again, inputs).shape == result(layer, inputs).shape
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(result(again, inputs), result(layer, inputs), atol=1e-6)


def test_a_sequence_of_blocks_comes_back(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            vit.PatchEmbedding(8, 12),
            vit.ClassTokenAndPosition(16, 12),
            vit.EncoderBlock(12, 3, 20),
            vit.LayerNorm(),
            keras.layers.Dense(10),
        ]
    )
    again = through_a_file(shake(model), tmp_path)
    np.testing.assert_allclose(result(again, IMAGES), result(model, IMAGES), rtol=1e-5, atol=1e-5)


def test_a_model_in_training_goes_on_where_it_was(tmp_path):
    """The optimizer, its schedule and its state are in the file too."""
    labels = np.array([1, 2])
    model = MODELS["class token"]()
    optimizer = keras.optimizers.AdamW(WarmupCosine(1e-2, 2, 9))
    jit = keras.backend.backend() == "jax"
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit)
    model.fit(IMAGES, labels, epochs=2, verbose=0)
    again = through_a_file(model, tmp_path)
    assert isinstance(again.optimizer._learning_rate, WarmupCosine)
    assert int(again.optimizer.iterations) == 2
    losses = [
        m.fit(IMAGES, labels, epochs=2, verbose=0, shuffle=False).history["loss"] for m in (model, again)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_the_precision_of_a_model_comes_back(tmp_path):
    model = VisionTransformer(ViTConfig.variant("shapes/4", depth=1), dtype="mixed_bfloat16")
    again = through_a_file(model, tmp_path)
    assert again.dtype_policy.name == "mixed_bfloat16"
    for part in (model, again):
        assert part.blocks[0].attention.qkv.compute_dtype == "bfloat16"
        assert part.head.compute_dtype == part.blocks[0].attention.qkv.kernel.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    frozen = VisionTransformer(ViTConfig.variant("shapes/4", depth=1), trainable=False)
    assert not through_a_file(frozen, tmp_path).trainable
    np.testing.assert_allclose(result(again, IMAGES), result(model, IMAGES), atol=1e-6)


def test_every_class_that_keras_must_find_is_registered():
    """Every layer, model and schedule that helpers defines, but for those that live in one training run."""
    found = {
        value
        for module in (vit, resnet)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, keras.layers.Layer)
        if value.__module__.startswith("helpers.")
    } | {WarmupCosine}
    assert len(found) >= 11
    for value in found:
        assert keras.saving.get_registered_name(value) == f"{PACKAGE}>{value.__name__}"
