"""Trained weights: small files of 16-bit numbers, a manifest that says where each came from, and their check
sums.

The model is always rebuilt from its configuration in code; a file holds nothing but arrays (no pickle, no
code).
"""

import dataclasses
import hashlib
import io
import json
import os
from pathlib import Path

import keras
import numpy as np

from helpers.shipped import shipped

CHECKPOINTS = shipped("checkpoints")


def load_manifest(folder=None):
    """Read what is known of every shipped checkpoint.

    Returns:
        dict from name to row: config, recipe, data, passes, seed, test_accuracy, hardware, seconds, command,
            sha256, …
    """
    path = Path(folder or CHECKPOINTS) / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def load_checkpoint(name, folder=None):
    """Build a trained model by name: `load_checkpoint("cifar/4")`.

    Args:
        name: a name of the manifest.
        folder: where manifest.json and the files lie; None for the shipped ones.
    Returns:
        VisionTransformer or ResNet with its trained weights.
    Raises:
        ValueError: for an unknown name, a file that is missing or not the one the manifest describes, or
            weights of another configuration.
    """
    folder = Path(folder or CHECKPOINTS)
    manifest = load_manifest(folder)
    if name not in manifest:
        raise ValueError(
            f"Unknown checkpoint {name!r}: expected one of {', '.join(manifest) or '(none are here)'}."
        )
    row = manifest[name]
    path = folder / row["file"]
    if not path.exists():
        raise ValueError(
            f"The weights of {name!r} are not there: expected {path.name} in {folder.name}/. Fetch it again."
        )
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != row["sha256"]:
        raise ValueError(
            f"{path.name} is not the file that the manifest describes: expected sha256 "
            f"{row['sha256'][:12]}…, "
            f"received {found[:12]}… ({len(content)} bytes). It is corrupted or of another version: fetch "
            f"it again."
        )
    model = build_model(row["kind"], row["config"])
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        set_weights(model, arrays, name)
    return model


def save_checkpoint(model, name, manifest_row, folder=None):
    """Store the weights of a model as 16-bit numbers, and its row in the manifest; both files are replaced
    whole.

    Args:
        model: VisionTransformer or ResNet.
        name: str, such as "cifar/4"; the file is named after it.
        manifest_row: dict, what is to be known of the run; kind, config, file, sha256 and num_parameters are
            added.
        folder: where to; None for the shipped ones.
    Returns:
        dict, the complete row.
    """
    folder = Path(folder or CHECKPOINTS)
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(
        buffer, **{key: np.asarray(value).astype("float16") for key, value in named_weights(model).items()}
    )
    file_name = name.replace("/", "-") + ".npz"
    write_whole(folder / file_name, buffer.getvalue())
    row = manifest_row | {
        "kind": type(model).__name__,
        "config": dataclasses.asdict(model.config),
        "num_parameters": int(model.count_params()),
        "file": file_name,
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    manifest = load_manifest(folder) | {name: row}
    text = json.dumps(dict(sorted(manifest.items())), indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / "manifest.json", text.encode("utf-8"))
    return json.loads(json.dumps(row))


def build_model(kind, config):
    """Build an untrained model from the two entries of a manifest row."""
    from helpers.model.resnet import ResNet, ResNetConfig
    from helpers.model.vit import VisionTransformer, ViTConfig

    kinds = {"VisionTransformer": (VisionTransformer, ViTConfig), "ResNet": (ResNet, ResNetConfig)}
    if kind not in kinds:
        raise ValueError(f"Unknown kind of model {kind!r}: expected one of {', '.join(kinds)}.")
    model_class, config_class = kinds[kind]
    return model_class(config_class(**config) if isinstance(config, dict) else config)


def named_weights(model):
    """Give every weight as an array by its name inside the model, such as "block_0/attention/qkv/kernel"."""
    names = {}
    for variable in model.weights:
        key = variable.path.removeprefix(model.name + "/")
        if key in names:
            raise ValueError(f"Two weights of {model.name} have the name {key!r}.")
        names[key] = np.array(keras.ops.convert_to_numpy(variable))
    return names


def set_weights(model, arrays, name="these weights"):
    """Put named arrays into a model, all or none.

    Raises:
        ValueError: if names or shapes differ from the model's, or a number is not finite.
    """
    variables = {variable.path.removeprefix(model.name + "/"): variable for variable in model.weights}
    missing, extra = sorted(set(variables) - set(arrays)), sorted(set(arrays) - set(variables))
    if missing or extra:
        raise ValueError(
            f"The weights of {name!r} are of another configuration: {len(missing)} are missing "
            f"({', '.join(missing[:2]) or 'none'}), {len(extra)} are not in the model "
            f"({', '.join(extra[:2]) or 'none'}). "
            "Build the model with the configuration that they were trained with."
        )
    values = {key: np.asarray(arrays[key]).astype("float32") for key in variables}
    for key, variable in variables.items():
        if tuple(variable.shape) != values[key].shape:
            raise ValueError(
                f"The weights of {name!r} are of another configuration: {key} was expected with shape "
                f"{tuple(variable.shape)}, received {values[key].shape}."
            )
        if not np.isfinite(values[key]).all():
            raise ValueError(f"The weights of {name!r} are damaged: {key} holds numbers that are not finite.")
    for key, variable in variables.items():
        variable.assign(values[key])


def write_whole(path, content):
    """Write bytes beside the file, then put them in its place in one step: nobody reads half a file."""
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
