"""From a run to a checkpoint: its manifest row, the shipped file, and the check of all shipped ones."""

import dataclasses
import shlex
import time
from pathlib import Path

import keras

from helpers.model.checkpoints import build_model, load_checkpoint, load_manifest, save_checkpoint
from helpers.train.fit import accuracy

TOLERANCE = 0.002  # of an accuracy, between two machines


def keep_checkpoint(model, name, dataset, recipe, history, *, arguments, folder, seed, hardware):
    """Store a model's weights as they will be shipped, scored as they are stored, with all that is known.

    Args:
        model: VisionTransformer or ResNet that holds the averaged weights.
        name: str, the checkpoint's.
        dataset, recipe, seed: what it was trained with.
        history: list of dict, one a pass.
        arguments: list of str, the command line.
        folder: where to.
        hardware: str, what it was trained on.
    Returns:
        dict, the manifest row; "test_accuracy" is that of the 16-bit weights in float32 arithmetic.
    """
    policy = keras.config.dtype_policy()
    row = {
        "recipe": dataclasses.asdict(recipe),
        "data": dataset.source,
        "num_training_images": len(dataset.x_train),
        "passes": len(history),
        "finished": len(history) >= recipe.epochs,  # False: its learning rate is not yet at 0
        "seed": seed,
        "num_test_images": len(dataset.x_test),
        "hardware": hardware,
        "backend": f"{keras.backend.backend()}, {policy.name}, Keras {keras.__version__}",
        "seconds": round(sum(entry["seconds"] for entry in history)),
        "date": time.strftime("%Y-%m-%d"),
        "command": f"KERAS_BACKEND={keras.backend.backend()} python -m helpers.train {shlex.join(arguments)}",
        "history": history,
    }
    keras.config.set_dtype_policy("float32")  # score what is shipped, not what was trained
    try:
        shipped = build_model(type(model).__name__, model.config)
        for variable, value in zip(shipped.weights, model.weights, strict=True):
            variable.assign(keras.ops.cast(keras.ops.cast(value, "float16"), "float32"))
        row["test_accuracy"] = round(accuracy(shipped, dataset.x_test, dataset.y_test), 4)
    finally:
        keras.config.set_dtype_policy(policy)
    return save_checkpoint(shipped, name, row, folder=folder)


def ship(run, checkpoints=None):
    """Put what a finished run kept among the shipped checkpoints, its snapshots too; print one line each."""
    kept = Path(run) / "checkpoint"
    manifest = load_manifest(kept)
    if not manifest:
        raise SystemExit(f"There is no checkpoint in {Path(run).name}: expected the --out of a run.")
    for name, row in manifest.items():
        save_checkpoint(load_checkpoint(name, kept), name, row, checkpoints)
        print(f"{name} is shipped: {row['test_accuracy']:.2%} on {row['data']}.")


def verify(checkpoints=None):
    """Score every shipped checkpoint on all its test images; the exit status says whether all agree."""
    from helpers.data import load_images

    datasets, worst = {}, 0
    for name, row in load_manifest(checkpoints).items():
        data = "cifar10" if "CIFAR-10" in row["data"] else "shapes"
        if data not in datasets:
            datasets[data] = load_images(data)
        dataset = datasets[data]
        if data == "cifar10" and dataset.source != row["data"]:
            print(f"{name}: not verified: needs {row['data']}, received {dataset.source}.")
            continue
        found = accuracy(load_checkpoint(name, checkpoints), dataset.x_test, dataset.y_test)
        agrees = abs(found - row["test_accuracy"]) <= TOLERANCE
        worst |= not agrees
        print(
            f"{name}: manifest {row['test_accuracy']:.2%}, measured {found:.2%}: "
            f"{'agrees' if agrees else 'DIFFERS'}"
        )
    return int(worst)
