"""From a run to a checkpoint: its manifest row, the shipped file, and the check of all shipped ones."""

import dataclasses
import shlex
import time
from pathlib import Path

import keras

from helpers.data.cifar10 import DataUnavailable, load_cifar10
from helpers.data.sources import UNKNOWN_COPY
from helpers.model.checkpoints import build_model, load_checkpoint, save_checkpoint, write_manifest
from helpers.model.manifest import CHECKPOINTS, load_manifest
from helpers.train.fit import accuracy
from helpers.train.scores import ImagesAtHand, add_score, expect, is_cifar10, known_scores, refresh_tables


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
    """Put what a finished run kept among the shipped checkpoints, its snapshots too; print one line each.

    Raises:
        SystemExit: if the run has kept nothing, or something of it cannot be loaded or shipped; one line says
            why. What was shipped before that line stays.
    """
    kept = Path(run) / "checkpoint"
    try:
        manifest = load_manifest(kept)
        if not manifest:
            raise SystemExit(f"There is no checkpoint in {Path(run).name}: expected the --out of a run.")
        for name, row in manifest.items():
            save_checkpoint(load_checkpoint(name, kept), name, row, checkpoints)
            print(f"{name} is shipped: {row['test_accuracy']:.2%} on {row['data']}.")
    except ValueError as error:
        raise SystemExit(str(error)) from error


def verify(checkpoints=None):
    """Score every shipped checkpoint on all its test images, and compare with what the manifest expects.

    One line a checkpoint; the last line counts them, and says what was not verified and why.

    Args:
        checkpoints: folder with manifest.json; None for the shipped ones.
    Returns:
        int, the exit status: 0 where there are checkpoints and all were verified, else 1.
    """
    try:
        manifest = load_manifest(checkpoints)
    except ValueError as error:
        print(f"{error}\n0 verified: the manifest cannot be read")
        return 1
    if not manifest:
        print(f"0 verified: there is no manifest.json with a checkpoint in {checkpoints or CHECKPOINTS}")
        return 1
    images, failed = ImagesAtHand(), {}  # why -> names
    for name, row in manifest.items():
        line, why = _verify_one(name, row, checkpoints, images)
        print(f"{name}: {line}", flush=True)
        if why:
            failed.setdefault(why, []).append(name)
    count = len(manifest) - sum(map(len, failed.values()))
    told = "".join(f"; {len(names)} {why}: {', '.join(names)}" for why, names in failed.items())
    print(f"{count} of {len(manifest)} verified{told}")
    return int(bool(failed))


def _verify_one(name, row, checkpoints, images):
    """Give what is to be said of one checkpoint, and why it is not verified, "" where it is."""
    dataset, problem = images.for_row(row)
    if problem:
        return f"not verified: {problem}.", f"skipped, {problem}"
    expected = expect(row, dataset.source)
    if expected is None:
        known = " or ".join(known_scores(row)) or "no set at all"
        problem = f"the images at hand are {dataset.source}"
        return f"not verified: its row has the score on {known}, and {problem}.", f"skipped, {problem}"
    try:
        model = load_checkpoint(name, checkpoints)
    except ValueError as error:
        return f"not verified: {error}", "cannot be loaded"
    found = accuracy(model, dataset.x_test, dataset.y_test)
    agrees = abs(found - expected.score) <= expected.tolerance
    line = f"manifest {expected.score:.2%} on {expected.source}, measured {found:.2%}"
    line += f" on {dataset.source} ({expected.note})" if expected.note else ""
    return f"{line}: {'agrees' if agrees else 'DIFFERS'}", "" if agrees else "out of tolerance"


def score(checkpoints=None):
    """Score every checkpoint that was trained on CIFAR-10 on the test images of the CIFAR-10 at hand.

    What was measured goes into `scores` of its row, by the name of the set, and, for the shipped ones, into
    the tables of README.md and data/README.md. Run it once for each set, with COURSE_DATA.

    Args:
        checkpoints: folder with manifest.json; None for the shipped ones.
    Returns:
        int, the exit status: 0 where each of them was scored.
    """
    try:
        manifest, dataset = load_manifest(checkpoints), load_cifar10()
    except (ValueError, DataUnavailable) as error:
        print(error)
        return 1
    if dataset.source == UNKNOWN_COPY:
        print("Nothing is scored: nobody could tell later which images these were.")
        return 1
    failed = 0
    for name, row in manifest.items():
        if not is_cifar10(row):
            continue
        try:
            found = accuracy(load_checkpoint(name, checkpoints), dataset.x_test, dataset.y_test)
        except ValueError as error:
            print(f"{name}: not scored: {error}")
            failed += 1
            continue
        add_score(row, dataset.source, found)
        write_manifest(manifest, checkpoints)
        print(f"{name}: {found:.2%} on {dataset.source}", flush=True)
    if checkpoints is None:
        refresh_tables(manifest)
    return int(bool(failed))
