"""What the lessons need of their environment: one row for each thing, found without changing anything."""

import json
import os
import sys
from pathlib import Path

from helpers.course.machine import available_memory, total_memory, usable_cpus
from helpers.course.packages import BUT, OK, STOP, Row, judge_python, package_rows, way_out
from helpers.course.setup import on_colab, quiet_stderr
from helpers.keras_settings import BACKENDS, backend_problem, chosen_backend, left_over, settings_file
from helpers.shipped import shipped

CHECKPOINTS = shipped("checkpoints")
GIB = 1 << 30


def look_around():
    """Look at everything that the lessons need.

    Returns:
        tuple of Row.
    """
    backend, backend_row = _load_keras()
    rows = [judge_python(sys.version_info), backend_row, *package_rows(backend)]
    rows += [_device(backend), judge_memory(available_memory(), total_memory())]
    rows += [judge_data(), judge_checkpoints()]
    if settings := left_over():
        rows.append(judge_settings(settings))
    return tuple(rows)


def _load_keras():
    """Import Keras, quietly, and give its backend's name and row."""
    if sys.modules.get("keras") is None and (problem := backend_problem()):
        return "", Row("Backend", chosen_backend()[0], STOP, problem)
    try:
        with quiet_stderr():
            import keras

            backend = keras.backend.backend()
    except Exception as error:  # a broken TensorFlow raises all sorts
        message = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        advice = f"Keras could not be loaded ({message}): {way_out()}."
        if settings_file().exists():
            advice += f" Or what stands in {settings_file()} is at fault."
        return "", Row("Backend", chosen_backend()[0], STOP, advice)
    if backend in BACKENDS:
        return backend, Row("Backend", backend)
    advice = backend_problem() or "The course runs on tensorflow, jax or torch: restart the kernel."
    return backend, Row("Backend", backend, STOP, advice)


def _device(backend):
    gpus = _gpus(backend)
    if gpus:
        return Row("Device", f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}: {', '.join(gpus)}")
    usable, visible = usable_cpus(), os.cpu_count() or 1
    found = f"CPU, {usable} of {visible} cores" if usable < visible else f"CPU, {usable} cores"
    if on_colab():
        return Row("Device", found, OK, "For a GPU choose Runtime > Change runtime type > T4 GPU.")
    return Row(
        "Device", found, OK, "No GPU is needed: where training would take long, trained weights are loaded."
    )


def _gpus(backend):
    try:
        with quiet_stderr():
            if backend == "tensorflow":
                import tensorflow as tf

                devices = tf.config.list_physical_devices("GPU")
                details = [tf.config.experimental.get_device_details(device) for device in devices]
                return [detail.get("device_name", "unnamed") for detail in details]
            if backend == "jax":
                import jax

                return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
            if backend == "torch":
                import torch

                return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    except Exception:  # a driver that does not fit is no GPU
        return []
    return []


def judge_memory(available, total):
    """Give the row for free and for all memory, in bytes or None."""
    if available is None or total is None:
        return Row("Memory", "unknown", OK, "The lessons need 3 GiB.")
    found = f"{available / GIB:.1f} of {total / GIB:.1f} GiB free"
    if available < 1.5 * GIB:
        return Row("Memory", found, STOP, "The lessons need 3 GiB: shut down other kernels and programs.")
    if available < 3 * GIB:
        return Row("Memory", found, BUT, "Training may need more than is free: shut down other kernels.")
    return Row("Memory", found)


def judge_data():
    """Give the row that says whether CIFAR-10 is on this machine."""
    places = cifar10_places()
    if any(_is_file(place) for place in places):
        return Row("Data", "CIFAR-10 is on this machine")
    advice = "It is downloaded when it is first used, 170 MB; without it the lessons use the built-in shapes."
    if chosen := os.environ.get("COURSE_DATA"):
        return Row("Data", "no CIFAR-10 in COURSE_DATA", BUT, f"COURSE_DATA is {chosen}. {advice}")
    return Row("Data", "CIFAR-10 is not here", BUT, advice)


def cifar10_places():
    """List the files of this machine in which `load_cifar10` would find CIFAR-10; opens none of them."""
    places = []
    if folder := os.environ.get("COURSE_DATA"):
        places += [Path(folder) / "cifar10.npz", Path(folder) / "cifar-10-python.tar.gz"]
    try:
        from helpers.data.cifar10 import cache_folder

        places.append(cache_folder() / "cifar10.npz")
        keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    except (ImportError, RuntimeError):  # no pooch, or no home folder
        return places
    names = ("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz")
    return places + [keras_home / "datasets" / name for name in names]


def judge_settings(settings):
    """Give the row for settings of Keras, left over from other work, that the course does not need.

    Args:
        settings: list of helpers.keras_settings.Setting, at least one.
    """
    found = ", ".join(f"{setting.name} {setting.value}" for setting in settings)
    places = " and ".join(dict.fromkeys(setting.place for setting in settings))
    advice = f"This comes from {places}. The first cell of a lesson puts it right there, and nowhere else."
    return Row("Keras settings", found, BUT, advice)


def judge_checkpoints(folder=CHECKPOINTS):
    """Give the row for the trained weights that ship with the course."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        missing = [name for name, row in manifest.items() if not _is_file(folder / row["file"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Row(
            "Trained models",
            "none",
            BUT,
            "data/checkpoints/manifest.json cannot be read: fetch the course again.",
        )
    if missing or not manifest:
        found = f"missing: {', '.join(missing)}" if missing else "none"
        return Row("Trained models", found, BUT, "Fetch data/checkpoints again: some lessons load them.")
    return Row("Trained models", ", ".join(sorted(manifest)))


def _is_file(path):
    try:
        return path.is_file()
    except OSError:
        return False
