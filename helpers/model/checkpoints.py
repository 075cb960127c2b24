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

from helpers.model.manifest import CHECKPOINTS, file_name_for, find_row, load_manifest, read_stored


def load_checkpoint(name, folder=None):
    """Build a trained model by name: `load_checkpoint("cifar/4")`.

    Args:
        name: a name of the manifest.
        folder: where manifest.json and the files lie; None for the shipped ones.
    Returns:
        VisionTransformer or ResNet with its trained weights.
    Raises:
        ValueError: for an unknown name, a manifest that cannot be read, a file that is missing or not the one
            the manifest describes, or weights of another configuration.
    """
    row = find_row(name, folder)
    arrays = read_arrays(read_stored(name, row, folder), row["file"])
    try:
        model = build_model(row["kind"], row["config"])
        set_weights(model, arrays, name)
    except ValueError as error:
        raise ValueError(
            f"{error} Here they are what the row of {name!r} in manifest.json says, so that row and "
            f"{row['file']} do not belong together: fetch both again."
        ) from error
    return model


def read_arrays(content, file_name):
    """Read every array of a .npz file that is in memory, with pickles switched off.

    Args:
        content: bytes of the file.
        file_name: str, for the message.
    Returns:
        dict from name to array.
    Raises:
        ValueError: if it is no such file, or holds anything else than numbers.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except Exception as error:  # readers of damaged files raise nearly anything
        raise ValueError(
            f"{file_name} is no .npz file of arrays ({type(error).__name__}): expected what save_checkpoint "
            "writes. Store the weights with save_checkpoint, or fetch the file again."
        ) from error


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
    Raises:
        ValueError: if `name` can be no file's, another checkpoint has the file, or the manifest that is there
            cannot be read; then nothing is written.
    """
    folder = Path(folder or CHECKPOINTS)
    manifest = load_manifest(folder)
    file_name = file_name_for(name, manifest)
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(
        buffer, **{key: np.asarray(value).astype("float16") for key, value in named_weights(model).items()}
    )
    row = manifest_row | {
        "kind": type(model).__name__,
        "config": dataclasses.asdict(model.config),
        "num_parameters": int(model.count_params()),
        "file": file_name,
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    write_whole(folder / file_name, buffer.getvalue())
    write_manifest(manifest | {name: row}, folder)
    return json.loads(json.dumps(row))


def write_manifest(manifest, folder=None):
    """Write the manifest whole, its names in order."""
    text = json.dumps(dict(sorted(manifest.items())), indent=2, ensure_ascii=False) + "\n"
    write_whole(Path(folder or CHECKPOINTS) / "manifest.json", text.encode("utf-8"))


def build_model(kind, config):
    """Build an untrained model from the two entries of a manifest row.

    Args:
        kind: "VisionTransformer" or "ResNet".
        config: dict of its configuration's fields, or the configuration itself.
    Raises:
        ValueError: for another kind, or a configuration that is not of this kind.
    """
    from helpers.model.resnet import ResNet, ResNetConfig
    from helpers.model.vit import VisionTransformer, ViTConfig

    kinds = {"VisionTransformer": (VisionTransformer, ViTConfig), "ResNet": (ResNet, ResNetConfig)}
    if kind not in kinds:
        raise ValueError(f"Unknown kind of model {kind!r}: expected one of {', '.join(kinds)}.")
    model_class, config_class = kinds[kind]
    if isinstance(config, config_class):
        return model_class(config)
    known = [field.name for field in dataclasses.fields(config_class)]
    if not isinstance(config, dict) or not set(config) <= set(known):
        extra = ", ".join(map(str, config)) if isinstance(config, dict) else type(config).__name__
        raise ValueError(
            f"This is no configuration of a {kind}: expected some of {', '.join(known)}; received {extra}. "
            "Take kind and config from the same run, and the code of the course that has them."
        )
    try:
        return model_class(config_class(**config))
    except TypeError as error:
        raise ValueError(f"This is no configuration of a {kind}: {error}; received {config}.") from error


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
        raise ValueError(f"{_other_names(name, variables, missing, extra)}.")
    values = {key: _as_numbers(arrays[key], key, name) for key in variables}
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


def _other_names(name, variables, missing, extra):
    """Say how the names of arrays differ from those of a model."""
    first, others = ", ".join(list(variables)[:2]), ", ".join(extra[:2])
    if len(missing) == len(variables):
        what = f"none has a name that the model knows: expected {first}, …; received {others or 'nothing'}"
        what += ", …" if len(extra) > 2 else ""
        return f"The weights of {name!r} are not the course's: {what}. Store them with save_checkpoint"
    parts = [f"the model also has {', '.join(missing[:2])}"] if missing else []
    parts += [f"the model has no {others}"] if extra else []
    counts = f"{len(missing)} of the model's {len(variables)} arrays are missing, {len(extra)} are too many"
    return (
        f"The weights of {name!r} are of another configuration: {counts} ({'; '.join(parts)}). "
        "Build the model with the configuration that they were trained with"
    )


def _as_numbers(array, key, name):
    array = np.asarray(array)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":  # which NumPy counts as no number
        raise ValueError(
            f"The weights of {name!r} are no numbers: {key} is {array.dtype}; expected float16 or float32."
        )
    return array.astype("float32")


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
