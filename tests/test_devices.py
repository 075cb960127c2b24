"""Several devices: the same losses as one, on eight virtual processors; and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from helpers.train.devices import data_parallel, list_devices

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import json, sys
import keras

crop = int(sys.argv[1])
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 8)
from helpers.data.shapes import make_shapes
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.devices import data_parallel
from helpers.train.fit import train
from helpers.train.recipe import Recipe

changes = dict(crop_padding=crop, flip=crop > 0, clip_norm=float(crop > 0))
recipe = Recipe("test", epochs=2, batch_size=32, warmup_epochs=0.5, **changes)
config = ViTConfig.variant("shapes/16", hidden_dim=16, depth=1, num_heads=2, mlp_dim=32)
found = []
for count in (1, 8):
    with data_parallel(count, recipe.batch_size):
        keras.utils.set_random_seed(0)
        model = VisionTransformer(config)
        outcome = train(model, make_shapes(120, seed=0), recipe)
    kernel = model.head.kernel.value
    if keras.backend.backend() == "jax":
        held = len(kernel.devices())
    else:
        held = len(getattr(kernel, "values", [0]))
    weights = [float(keras.ops.sum(keras.ops.abs(w))) for w in model.weights]
    found.append({"losses": [entry["loss"] for entry in outcome.history], "weights": weights, "held": held})
print(json.dumps(found))
"""


def run(backend, crop):
    """Train on one device and on eight, in a process of its own, which sees one processor as eight."""
    flags = "--xla_force_host_platform_device_count=8"
    environment = os.environ | {"KERAS_BACKEND": backend, "XLA_FLAGS": flags, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT, str(crop)]
    child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    return json.loads(child.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("backend, crop", [("jax", 4), ("tensorflow", 0)])
def test_eight_devices_give_the_losses_of_one(backend, crop):
    """On JAX with crop, flip and clipped gradients; without them on TensorFlow, which has them by device."""
    pytest.importorskip(backend)
    one, eight = run(backend, crop)
    assert (one["held"], eight["held"]) == (1, 8)
    np.testing.assert_allclose(eight["losses"], one["losses"], atol=1e-4)
    np.testing.assert_allclose(eight["weights"], one["weights"], rtol=1e-3)


@pytest.mark.parametrize("wanted", [0, -1, 2.0, "two", 10_000])
def test_a_number_of_devices_that_there_is_not(wanted):
    with pytest.raises(ValueError, match="num_devices must be"), data_parallel(wanted, 32):
        pass


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="one device only")
def test_a_batch_that_cannot_be_shared_out(monkeypatch):
    monkeypatch.setattr("helpers.train.devices.list_devices", lambda backend: ["cpu:0", "cpu:1", "cpu:2"])
    with pytest.raises(ValueError, match="Take a multiple: 33"), data_parallel(3, 32):
        pass


def test_one_device_changes_nothing():
    with data_parallel(1, 32):
        if keras.backend.backend() == "jax":
            assert keras.distribution.distribution() is None
    assert list_devices(keras.backend.backend())
