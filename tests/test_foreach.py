"""An optimizer's step for all weights at once: weights and state as Keras' own, which goes one by one.

On TensorFlow and JAX the optimizer is left as it is; the rest needs torch and is skipped without it (see
tests/test_torch_forward.py).
"""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.train.foreach import ForeachSteps, with_foreach
from helpers.train.muon import StackedMuon
from helpers.train.optimizer import make_optimizer
from helpers.train.recipe import find_recipe

on_torch = pytest.mark.skipif(keras.backend.backend() != "torch", reason="steps that torch alone has")

# Wide, tall, square, twice the same; then what AdamW gets: by its name, or since it is no matrix.
SHAPES = {"a": (6, 18), "b": (18, 6), "c": (6, 6), "d": (6, 18), "e": (6, 6)}
SHAPES |= {"head": (4, 9), "bias": (9,), "position_embedding": (1, 5, 6), "kernel": (3, 3, 2, 6)}


def after_steps(optimizer, num_steps=6, scale=1.0):
    """Weights and state after some steps of drawn gradients of the given size."""
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=s).astype("float32"), name=n) for n, s in SHAPES.items()]
    optimizer.exclude_from_weight_decay(var_names=["bias", "position_embedding"])
    optimizer.build(variables)
    for _ in range(num_steps):
        gradients = [scale * rng.normal(size=shape).astype("float32") for shape in SHAPES.values()]
        optimizer.apply([ops.convert_to_tensor(gradient) for gradient in gradients], variables)
    return {v.path: ops.convert_to_numpy(v) for v in variables + optimizer.variables}


OPTIONS = {
    "plain": {},
    "clipped": {"global_clipnorm": 0.5},
    "averaged": {"use_ema": True, "ema_momentum": 0.9},
    "all": {"weight_decay": 0.1, "global_clipnorm": 1.0, "use_ema": True, "ema_momentum": 0.95},
    "averages that overwrite": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "clipped one by one": {"clipnorm": 0.3, "weight_decay": 0.1},
    "accumulated": {"gradient_accumulation_steps": 2, "weight_decay": 0.1},
}
MUON = {
    "no Nesterov": {"nesterov": False},
    "no size": {"rms_rate": None},
    "two decays": {"weight_decay": 0.1, "adam_weight_decay": 0.02, "adam_lr_ratio": 0.3},
    "no decay": {"weight_decay": None, "adam_weight_decay": None},
}
KINDS = {f"AdamW, {name}": (keras.optimizers.AdamW, options) for name, options in OPTIONS.items()}
KINDS |= {f"Muon, {name}": (keras.optimizers.Muon, options) for name, options in (OPTIONS | MUON).items()}


@on_torch
@pytest.mark.parametrize("scale", [1.0, 1e-3], ids=["long gradients", "short gradients"])
@pytest.mark.parametrize("kind, options", KINDS.values(), ids=KINDS)
def test_equal_to_keras(kind, options, scale):
    options = options | ({"exclude_layers": ["head"]} if kind is keras.optimizers.Muon else {})
    rate = keras.optimizers.schedules.PolynomialDecay(0.02, 10, 0.001)
    expected = after_steps(kind(rate, **options), scale=scale)
    ours = StackedMuon if kind is keras.optimizers.Muon else kind
    found = after_steps(with_foreach(ours(rate, **options)), scale=scale)
    assert len(found) == len(expected)
    for (name, value), wanted in zip(found.items(), expected.values()):
        np.testing.assert_allclose(value, wanted, atol=1e-5, err_msg=name)


@on_torch
def test_the_recipes_optimizers_take_these_steps():
    for name in ("hour", "full", "resnet"):
        assert isinstance(make_optimizer(find_recipe(name), 10), ForeachSteps)


@on_torch
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_gradient_that_is_no_number_shows(wrong):
    """As in Keras: the norm is then no number, and so is every weight; nothing goes on quietly."""
    variable = keras.Variable(np.ones((2, 3), "float32"))
    optimizer = with_foreach(keras.optimizers.AdamW(0.1, global_clipnorm=1.0))
    optimizer.build([variable])
    optimizer.apply([ops.full((2, 3), wrong)], [variable])
    assert np.isnan(ops.convert_to_numpy(variable)).all()


@on_torch
def test_survives_its_configuration():
    optimizer = with_foreach(StackedMuon(0.02, momentum=0.9, exclude_layers=["head"]))
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="what the other backends keep")
def test_elsewhere_nothing_changes():
    optimizer = StackedMuon(0.02)
    assert with_foreach(optimizer) is optimizer and type(optimizer) is StackedMuon
    assert type(make_optimizer(find_recipe("hour"), 10)) is StackedMuon
    assert type(make_optimizer(find_recipe("full"), 10)) is keras.optimizers.AdamW
