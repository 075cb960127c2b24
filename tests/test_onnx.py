"""The course's models leave for ONNX from TensorFlow, and give there what they give here, for any batch."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig, gelu

MODELS = {
    "class token": lambda: VisionTransformer(ViTConfig.variant("shapes/4", depth=2)),
    "mean, layer scale, no head": lambda: VisionTransformer(
        ViTConfig.variant("shapes/4", depth=1, pooling="mean", layer_scale=0.5, num_classes=0)
    ),
    "resnet": lambda: ResNet(ResNetConfig(depth=8, width=4)),
}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="Keras exports by tf2onnx on TensorFlow only"
)
@pytest.mark.parametrize("name", MODELS)
def test_the_exported_file_computes_the_same(name, tmp_path):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    rng, model = np.random.default_rng(0), MODELS[name]()
    for variable in model.weights:
        if "seed" not in variable.path:
            variable.assign(variable + rng.uniform(0.05, 0.2, variable.shape).astype("float32"))
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (entrance,) = session.get_inputs()
    assert not isinstance(entrance.shape[0], int) and entrance.shape[1:] == [32, 32, 3]
    for batch in (1, 3, 8):
        images = rng.random((batch, 32, 32, 3), "float32")
        (found,) = session.run(None, {entrance.name: images})
        np.testing.assert_allclose(found, ops.convert_to_numpy(model(images)), rtol=1e-4, atol=1e-4)


def test_the_gelu_is_the_exact_one():
    """x · Φ(x) with the Φ of SciPy, and its slope Φ(x) + x · φ(x)."""
    from scipy.stats import norm

    from helpers.model.gradients import gradients

    x = np.linspace(-12, 12, 2001)
    np.testing.assert_allclose(
        ops.convert_to_numpy(gelu(ops.convert_to_tensor(x, "float32"))), x * norm.cdf(x), atol=1e-6
    )
    keras_own = keras.activations.gelu(ops.convert_to_tensor(x, "float32"), approximate=False)
    np.testing.assert_allclose(
        ops.convert_to_numpy(gelu(ops.convert_to_tensor(x, "float32"))),
        ops.convert_to_numpy(keras_own),
        atol=1e-6,
    )
    _, (slope,) = gradients(lambda given: ops.sum(gelu(given[0])), [x])
    np.testing.assert_allclose(slope, norm.cdf(x) + x * norm.pdf(x), atol=2e-6)


def test_in_half_precision_the_gelu_is_rounded_once():
    x = ops.convert_to_tensor(np.linspace(-6, 6, 301), "bfloat16")
    found = gelu(x)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    expected = ops.cast(gelu(ops.cast(x, "float32")), "bfloat16")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.cast(found, "float32")), ops.convert_to_numpy(ops.cast(expected, "float32"))
    )
