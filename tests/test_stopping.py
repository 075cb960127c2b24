"""Ctrl-C in the middle of `predict`, `evaluate` and `fit`: the model keeps its weights, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

IMAGES = np.random.default_rng(0).random((6, 8, 8, 3), "float32")
LABELS = np.arange(6) % 3
CONFIG = ViTConfig(image_size=8, patch_size=4, hidden_dim=8, depth=1, num_heads=2, mlp_dim=8, num_classes=3)


def compiled(model):
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",  # elsewhere XLA only takes time
    )
    return model


@pytest.fixture(scope="module")
def model():
    """One for all, so that each step is compiled once; it learns at a rate of 0."""
    return compiled(VisionTransformer(CONFIG))


class Stop(keras.callbacks.Callback):
    """Ctrl-C at one place of the loop."""

    def __init__(self, place, batch):
        super().__init__()
        self.batch = batch
        for name in ("predict", "test", "train"):
            setattr(self, f"on_{name}_batch_{place}", self.look)

    def look(self, batch, logs=None):
        if batch == self.batch:
            raise KeyboardInterrupt


CALLS = {
    "predict": lambda model, **how: model.predict(IMAGES, batch_size=2, verbose=0, **how),
    "evaluate": lambda model, **how: model.evaluate(IMAGES, LABELS, batch_size=2, verbose=0, **how),
    "fit": lambda model, **how: model.fit(IMAGES, LABELS, batch_size=2, verbose=0, **how),
}


def unharmed(model, before):
    for variable, value in zip(model.trainable_weights, before):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)


def usable(model, before, tmp_path):
    """All that a learner does next: call, save, predict, evaluate, train."""
    unharmed(model, before)
    logits = ops.convert_to_numpy(model(IMAGES))
    model.save_weights(tmp_path / "after.weights.h5")
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), logits, atol=1e-4)
    assert np.isfinite(model.evaluate(IMAGES, LABELS, verbose=0)).all()
    assert np.isfinite(model.fit(IMAGES, LABELS, verbose=0).history["loss"]).all()


@pytest.mark.parametrize(
    "name, place, batch",
    [("predict", "end", 0), ("predict", "begin", 1), ("evaluate", "end", 2), ("fit", "end", 0)],
)
def test_between_two_steps(model, name, place, batch, tmp_path):
    before = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_weights]
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](model, callbacks=[Stop(place, batch)])
    usable(model, before, tmp_path)


@pytest.mark.parametrize("name", CALLS)
def test_while_the_first_step_is_compiled(name):
    """The moment at which most people lose patience."""
    model = compiled(VisionTransformer(CONFIG))
    step = f"{'train' if name == 'fit' else 'test' if name == 'evaluate' else 'predict'}_step"
    before = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_weights]

    def impatient(*args, **kwargs):
        raise KeyboardInterrupt

    setattr(model, step, impatient)
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](model)
    unharmed(model, before)


@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_while_a_step_computes(model, name, tmp_path):
    """The signal comes between the end of the compiled step and the moment Keras keeps what it gave back."""
    CALLS[name](model)
    before = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_weights]
    attribute = f"{'test' if name == 'evaluate' else 'predict'}_function"
    step, count = getattr(model, attribute), [0]

    def interrupted(*args):
        result = step(*args)
        count[0] += 1
        if count[0] == 2:
            raise KeyboardInterrupt
        return result

    setattr(model, attribute, interrupted)
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](model)
    setattr(model, attribute, step)
    usable(model, before, tmp_path)


def test_a_resnet_too():
    model = compiled(ResNet(ResNetConfig(depth=8, width=2, num_classes=3, image_size=8)))
    before = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_weights]
    with pytest.raises(KeyboardInterrupt):
        CALLS["predict"](model, callbacks=[Stop("end", 1)])
    unharmed(model, before)
    assert np.isfinite(ops.convert_to_numpy(model.stem.kernel)).all()


def test_what_is_not_stopped_is_as_before(model):
    """The last of this file: it trains."""
    logits = ops.convert_to_numpy(model(IMAGES))
    np.testing.assert_allclose(model.predict(IMAGES, batch_size=4, verbose=0), logits, atol=1e-4)
    model.optimizer.learning_rate = 0.1
    losses = model.fit(IMAGES, LABELS, epochs=6, verbose=0, validation_data=(IMAGES, LABELS)).history["loss"]
    assert losses[-1] < losses[0]
    assert np.abs(ops.convert_to_numpy(model(IMAGES)) - logits).max() > 1e-3
