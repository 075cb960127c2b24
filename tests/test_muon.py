"""Muon on stacks of matrices: every number as Keras' own, which takes them one by one."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.train.muon import StackedMuon
from helpers.train.optimizer import make_optimizer
from helpers.train.recipe import find_recipe

# Wide, tall (on its side beside the wide ones), square, twice the same; then what AdamW gets.
SHAPES = [(6, 18), (18, 6), (6, 6), (6, 18), (6, 6), (4, 9), (9,), (1, 5, 6), (3, 3, 2, 6)]


def variables(seed=0):
    rng = np.random.default_rng(seed)
    return [
        keras.Variable(rng.normal(size=shape).astype("float32"), name=f"matrix_{number}")
        for number, shape in enumerate(SHAPES)
    ]


def after_steps(optimizer, num_steps=5):
    held = variables()
    optimizer.build(held)
    rng = np.random.default_rng(1)
    for _ in range(num_steps):
        optimizer.apply([ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in SHAPES], held)
    return [ops.convert_to_numpy(variable) for variable in held + optimizer.variables]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nesterov": False},
        {"rms_rate": None},
        {"weight_decay": 0.1, "adam_weight_decay": 0.05, "global_clipnorm": 0.5},
        {"use_ema": True, "ema_momentum": 0.9, "exclude_layers": ["matrix_0"]},
    ],
)
def test_equal_to_keras(options):
    expected = after_steps(keras.optimizers.Muon(0.02, **options))
    for found, wanted in zip(after_steps(StackedMuon(0.02, **options)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_step_makes_the_singular_values_alike():
    """What Muon is for: whatever the gradient's singular values, the update's lie near one size."""
    rng = np.random.default_rng(2)
    matrix = keras.Variable(np.zeros((8, 16), "float32"), name="matrix")
    left, right = (np.linalg.qr(rng.normal(size=(n, 8)))[0] for n in (8, 16))
    gradient = (left * np.geomspace(1, 0.1, 8)) @ right.T
    optimizer = StackedMuon(1.0, rms_rate=None)
    optimizer.build([matrix])
    optimizer.apply([ops.convert_to_tensor(gradient.astype("float32"))])
    found = np.linalg.svd(ops.convert_to_numpy(matrix), compute_uv=False)
    assert found.max() / found.min() < 2  # of the gradient: 10


def test_the_recipes_optimizer_takes_its_matrices_in_stacks(monkeypatch):
    """Four blocks of a ViT have four shapes; two are each other's transposes."""
    from helpers.model.vit import VisionTransformer, ViTConfig

    model = VisionTransformer(ViTConfig.variant("shapes/8"))
    optimizer = make_optimizer(find_recipe("laptop"), 10)
    optimizer.build(model.trainable_variables)
    stacks = []
    kind = type(optimizer)  # on torch one of its own
    whole = kind.zeropower_via_newtonschulz5
    monkeypatch.setattr(
        kind,
        "zeropower_via_newtonschulz5",
        lambda self, x, steps: stacks.append(tuple(x.shape)) or whole(self, x, steps),
    )
    optimizer.apply([ops.ones(v.shape) for v in model.trainable_variables])
    assert sorted(stacks) == [(4, 64, 64), (4, 64, 192), (8, 64, 128)]  # output; qkv; both of the MLP


def test_survives_its_configuration():
    optimizer = StackedMuon(0.02, momentum=0.9, exclude_layers=["head"])
    again = StackedMuon.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


def muon_of(model):
    optimizer = make_optimizer(find_recipe("cpu"), 10)
    optimizer.build(model.trainable_variables)
    return {
        variable.path.partition("/")[2]
        for variable in model.trainable_variables
        if optimizer.adam_velocities[optimizer._get_variable_index(variable)] is None
    }


def test_keras_own_attention_has_no_matrix_for_muon_and_that_is_said():
    """Its kernels have three axes, its biases two: neither is a matrix that something is multiplied by."""
    entrance = keras.Input((5, 6))
    mixed = keras.layers.MultiHeadAttention(2, 3, name="multi_head_attention")(entrance, entrance)
    model = keras.Model(
        entrance, keras.layers.Dense(4, name="head")(keras.layers.Dense(6, name="mlp")(mixed))
    )
    with pytest.warns(UserWarning, match="4 kernels have three axes, as .*query/kernel: they get AdamW"):
        assert muon_of(model) == {"kernel"}  # the one of "mlp"; that of "head" is left out by its name
    layers = [model.get_layer("mlp"), model.get_layer("head")]
    assert [layer.kernel.path for layer in layers] == ["mlp/kernel", "head/kernel"]


def test_a_layer_whose_name_has_head_in_it_is_not_the_head():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, name="two_heads_mixed")])
    assert muon_of(model) == {"kernel"}
