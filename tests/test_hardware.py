"""What a run computes on: its name, its precision, its threads, on machines that the tests make up."""

import sys
from types import SimpleNamespace

import keras
import pytest

from helpers.train.hardware import accelerators, choose_precision, describe_hardware, thread_settings

CAPABILITY = {"Tesla T4": (7, 5), "NVIDIA L4": (8, 9)}


def pretend(monkeypatch, backend, names):
    """Let Keras run on a backend that sees these GPUs."""
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    gpus = [SimpleNamespace(device_kind=name, platform="gpu", capability=CAPABILITY[name]) for name in names]
    modules = {
        "jax": SimpleNamespace(devices=lambda: gpus or [SimpleNamespace(device_kind="cpu", platform="cpu")]),
        "tensorflow": SimpleNamespace(
            config=SimpleNamespace(
                list_physical_devices=lambda kind: gpus,
                experimental=SimpleNamespace(
                    get_device_details=lambda gpu: {
                        "device_name": gpu.device_kind,
                        "compute_capability": gpu.capability,
                    }
                ),
            )
        ),
        "torch": SimpleNamespace(
            cuda=SimpleNamespace(
                is_available=lambda: bool(gpus),
                device_count=lambda: len(gpus),
                get_device_name=lambda number: gpus[number].device_kind,
                get_device_capability=lambda: gpus[0].capability,
            )
        ),
    }
    monkeypatch.setitem(sys.modules, backend, modules[backend])


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
@pytest.mark.parametrize(
    "names, told, precision",
    [
        (["Tesla T4"], "Tesla T4", "mixed_float16"),  # no bfloat16 in its tensor cores
        (["NVIDIA L4"], "NVIDIA L4", "mixed_bfloat16"),
        (["NVIDIA L4"] * 4, "4 x NVIDIA L4", "mixed_bfloat16"),
    ],
)
def test_a_gpu_is_named_and_gets_its_own_precision(monkeypatch, backend, names, told, precision):
    pretend(monkeypatch, backend, names)
    assert accelerators() == names and describe_hardware() == describe_hardware(1) == told
    assert choose_precision() == precision and choose_precision("float32") == "float32"


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
@pytest.mark.parametrize("flags, precision", [({"avx2"}, "float32"), ({"amx_bf16"}, "mixed_bfloat16")])
def test_a_processor_computes_in_bfloat16_only_where_it_can(monkeypatch, backend, flags, precision):
    pretend(monkeypatch, backend, [])
    monkeypatch.setattr("helpers.train.hardware.cpu_flags", lambda: flags)
    assert accelerators() == [] and choose_precision() == precision


def test_jax_computes_in_float32_on_every_processor(monkeypatch):
    pretend(monkeypatch, "jax", [])
    monkeypatch.setattr("helpers.train.hardware.cpu_flags", lambda: {"amx_bf16"})
    assert accelerators() == [] and choose_precision() == "float32"


def test_a_machine_is_described_with_the_cores_that_a_run_was_held_to(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("helpers.train.hardware.accelerators", list)
    assert describe_hardware().startswith("8 cores, ") and describe_hardware(8) == describe_hardware()
    assert describe_hardware(1).startswith("1 of 8 cores, ")


def test_one_number_holds_tensorflow_and_torch_to_their_threads():
    settings = thread_settings(3)
    assert settings["OMP_NUM_THREADS"] == settings["TF_NUM_INTRAOP_THREADS"] == "3"
    assert settings["TF_NUM_INTEROP_THREADS"] == "1"
