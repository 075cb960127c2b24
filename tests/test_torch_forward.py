"""The forward pass of torch against the model's own: the same logits and gradients, whatever the model has.

The environment of `make test` has no torch, so there all of this is skipped. Where torch is installed:
`KERAS_BACKEND=torch python -m pytest tests/test_torch_forward.py tests/test_foreach.py`.
"""

import dataclasses

import keras
import numpy as np
import pytest

from helpers.model.vit import VisionTransformer, ViTConfig

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch's own forward pass")

CONFIG = dataclasses.replace(
    ViTConfig.variant("cifar-small/4"), hidden_dim=24, depth=3, num_heads=3, mlp_dim=40
)
VARIANTS = {
    "class token": {},
    "mean pooling": {"pooling": "mean"},
    "layer scale": {"layer_scale": 0.3},
    "a block without skips": {"blocks_without_skip": (1,)},
    "no skips, layer scale, mean": {"blocks_without_skip": (0, 2), "layer_scale": 0.7, "pooling": "mean"},
    "stochastic depth": {"stochastic_depth": 0.5},
    "other sizes": {"patch_size": 8, "num_heads": 2, "num_classes": 7, "image_mean": (0.1, 0.2, 0.3)},
    "one channel": {"channels": 1, "image_mean": (0.4,), "image_std": (0.3,)},
}


def make_model(policy="float32", **changes):
    """A model whose every weight is drawn, so that no gain is 1, no offset 0 and no token the same."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = VisionTransformer(dataclasses.replace(CONFIG, **changes))
    finally:
        keras.config.set_dtype_policy(previous)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "seed" not in variable.path:
            size = 1.0 if variable.path.endswith("gamma") else 0.0
            variable.assign(size + 0.2 * rng.normal(size=variable.shape).astype("float32"))
    return model


def logits_and_gradients(function, model, images, training):
    """Logits, and the gradient of their cross-entropy by every weight, as NumPy."""
    import torch

    model.zero_grad()
    keras.utils.set_random_seed(3)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):  # the branches that are dropped: the same in both
            layer.seed_generator.state.assign(np.array([5, 7], "uint32"))
    logits = function(images, training=training)
    labels = torch.arange(len(images)) % logits.shape[1]
    torch.nn.functional.cross_entropy(logits.float(), labels).backward()
    gradients = [variable.value.grad for variable in model.trainable_variables]
    return logits.detach().float().numpy(), [gradient.float().numpy().copy() for gradient in gradients]


def both(model, training=True):
    import torch

    from helpers.train.torch_forward import TorchForward, can_run

    assert can_run(model)
    config = model.config
    shape = (6, config.image_size, config.image_size, config.channels)
    images = torch.tensor(np.random.default_rng(1).random(shape, dtype="float32"))
    expected = logits_and_gradients(model, model, images, training)
    return logits_and_gradients(TorchForward(model), model, images, training), expected


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_float32_is_equal(changes, training):
    model = make_model(**changes)
    (logits, gradients), (expected, expected_gradients) = both(model, training)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert len(gradients) == len(expected_gradients) == len(model.trainable_variables)
    for variable, found, wanted in zip(model.trainable_variables, gradients, expected_gradients):
        assert np.abs(wanted).max() > 0, variable.path  # nothing is compared with nothing
        np.testing.assert_allclose(
            found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()), err_msg=variable.path
        )


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_bfloat16_differs_by_its_rounding(changes):
    """bfloat16 has eight bits, and the two ways round at other places: both are as far from float32."""
    model = make_model("mixed_bfloat16", **changes)
    (logits, gradients), (expected, expected_gradients) = both(model)
    assert np.abs(logits - expected).max() <= 2e-2 * max(1, np.abs(expected).max())
    exact = both(make_model(**changes))[1][1]
    all_three = (gradients, expected_gradients, exact)
    found, wanted, exact = (np.concatenate([g.ravel() for g in some]) for some in all_three)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-2)
    assert np.linalg.norm(found - exact) <= 1.2 * np.linalg.norm(wanted - exact)


def test_a_batch_in_parts_is_equal(monkeypatch):
    """Six images in parts of four and two."""
    from helpers.train import torch_forward

    monkeypatch.setattr(torch_forward, "IMAGES_AT_ONCE", 4)
    (logits, gradients), (expected, expected_gradients) = both(make_model())
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_stochastic_depth_drops_whole_branches():
    """Without training nothing is dropped; with it the logits differ from call to call."""
    import torch

    from helpers.train.torch_forward import TorchForward

    model = make_model(stochastic_depth=0.8)
    forward, images = TorchForward(model), torch.rand(8, 32, 32, 3)
    assert torch.equal(forward(images), forward(images))
    assert not torch.equal(forward(images, training=True), forward(images, training=True))


def test_weights_are_the_models_own():
    """A weight that is assigned later, as a checkpoint or an average is, counts at once."""
    import torch

    from helpers.train.torch_forward import TorchForward

    model, other = make_model(), make_model()
    forward, images = TorchForward(model), torch.rand(2, 32, 32, 3)
    for variable, source in zip(model.weights, other.weights):
        variable.assign(0.5 * keras.ops.cast(source.value, variable.dtype))
    np.testing.assert_allclose(forward(images).detach().numpy(), model(images).detach().numpy(), atol=1e-5)


def test_what_it_cannot_run_is_left_to_the_model():
    from helpers.model.resnet import ResNet, ResNetConfig
    from helpers.train.torch_forward import can_run
    from helpers.train.training_model import forward_pass

    class Other(VisionTransformer):
        """A model that may compute anything."""

    resnet = ResNet(ResNetConfig.variant("resnet8"))
    for model in (make_model("mixed_float16"), make_model(num_classes=0), Other(CONFIG), resnet):
        assert not can_run(model)
        assert forward_pass(model) is model


def test_the_training_model_runs_it():
    from helpers.data import Dataset
    from helpers.train.recipe import find_recipe
    from helpers.train.torch_forward import TorchForward
    from helpers.train.training_model import TrainingModel

    images, labels = np.zeros((4, 32, 32, 3), "uint8"), np.zeros(4, "int64")
    dataset = Dataset(images, labels, images, labels, [str(number) for number in range(10)])
    training = TrainingModel(make_model(), dataset, find_recipe("hour", batch_size=4), 0)
    assert isinstance(training.logits_of, TorchForward)
    names = [variable.path for variable in training.trainable_variables]
    assert len(names) == len(set(names))
