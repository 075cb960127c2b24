"""What this machine is, and which numbers it is good at."""

import os
import platform
from pathlib import Path


def choose_precision(wanted="auto"):
    """Choose what the hardware is good at: float16 on a T4, bfloat16 on newer GPUs and CPUs that have it.

    Args:
        wanted: "auto", or a Keras dtype policy that is then returned as it is.
    Returns:
        "float32", "mixed_bfloat16" or "mixed_float16".
    """
    if wanted != "auto":
        return wanted
    import keras

    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform == "gpu":
            old = any(name in device.device_kind for name in ("T4", "V100", "P100"))
            return "mixed_float16" if old else "mixed_bfloat16"
        return "mixed_bfloat16" if device.platform == "tpu" else "float32"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if gpus := tf.config.list_physical_devices("GPU"):
            capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (7, 0))
            return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"
    else:
        import torch

        if torch.cuda.is_available():
            return "mixed_bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "mixed_float16"
    return "mixed_bfloat16" if cpu_flags() & {"amx_bf16", "avx512_bf16"} else "float32"


def thread_settings(threads):
    """Give the environment variables that hold TensorFlow and torch to so many threads, if set before them.

    Args:
        threads: int, those that share one operation.
    Returns:
        dict of str to str. TensorFlow runs one operation at a time.
    """
    shared = {name: str(threads) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
    return shared | {"TF_NUM_INTEROP_THREADS": "1"}


def cpu_flags():
    """Give the names of what the processor can do, as Linux lists them; none elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    return set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())


def accelerators():
    """Give the name of each GPU or TPU that Keras computes on, as its backend calls it; none on a CPU."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def describe_hardware(threads=None):
    """Name what a run computes on: its accelerators, or the processor and how many of its cores.

    Args:
        threads: int, how many threads the run is held to; None for as many as there are cores.
    Returns:
        str: "Tesla T4", "2 x NVIDIA L4", "8 cores, AMD EPYC", "1 of 8 cores, AMD EPYC".
    """
    if names := accelerators():
        return names[0] if len(names) == 1 else f"{len(names)} x {names[0]}"
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = next(
            line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")
        )
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    cores = os.cpu_count()
    return f"{threads} of {cores} cores, {name}" if threads and threads < cores else f"{cores} cores, {name}"
