"""Read a folder that the library `transformers` has written: config.json, model.safetensors and, for how the
images are normalised, preprocessor_config.json. Neither that library nor PyTorch is needed.

Everything in config.json that changes a number is either computed or refused by its name; nothing is dropped.
"""

import json
from pathlib import Path

import numpy as np
from keras import ops

from helpers.model.checkpoints import set_weights
from helpers.model.safetensors import read_safetensors
from helpers.model.vit import IMAGENET_MEAN, IMAGENET_STD, VisionTransformer, ViTConfig, interpolate_positions

EXACT_GELU = ("gelu", "gelu_python")  # x · Φ(x); "gelu_new", "gelu_fast", … are approximations
# What transformers takes where config.json does not say it.
DEFAULTS = dict(
    hidden_size=768, num_hidden_layers=12, num_attention_heads=12, hidden_act="gelu", qkv_bias=True
)
DEFAULTS |= dict(image_size=224, num_channels=3)
OF_KIND = {
    "vit": dict(intermediate_size=3072, layer_norm_eps=1e-12, patch_size=16),
    "dinov2": dict(mlp_ratio=4, layer_norm_eps=1e-6, patch_size=14, use_swiglu_ffn=False),
}
# our name inside a block: theirs, of each kind
LAYERS = {
    "vit": {
        "norm1": "layernorm_before",
        "attention/output_projection": "attention.output.dense",
        "norm2": "layernorm_after",
        "mlp/expand": "intermediate.dense",
        "mlp/contract": "output.dense",
    },
    "dinov2": {
        "norm1": "norm1",
        "attention/output_projection": "attention.output.dense",
        "norm2": "norm2",
        "mlp/expand": "mlp.fc1",
        "mlp/contract": "mlp.fc2",
    },
}
# The parts of a network that have no say in what ours computes: other heads' and other tasks'.
UNUSED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.mask_token")


def is_transformers_folder(folder):
    """Say whether a folder has the config.json of transformers, rather than that of keras-hub."""
    try:
        return "model_type" in json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def load_transformers_folder(folder, image_size=None):
    """Load a ViT or a DINOv2 that transformers' `save_pretrained` has written.

    ViTForImageClassification comes with its head; ViTModel and Dinov2Model have none, and give the normalised
    class token (transformers' `last_hidden_state[:, 0]`; its pooler, if there is one, is left out).

    Args:
        folder: str or Path.
        image_size: pixels on each side, a multiple of the patch size; the positions are interpolated to it.
            None for the model's own.
    Returns:
        VisionTransformer; images in [0, 1] are normalised as preprocessor_config.json says, else as its
        library does: with mean and deviation 0.5 for ViT, those of ImageNet for DINOv2.
    Raises:
        ValueError: for another kind of model, a setting or weights that our class does not have, or a file
            that cannot be read; the message names it.
    """
    folder = Path(folder)
    theirs = _read_json(folder / "config.json")
    kind = theirs.get("model_type")
    if kind not in OF_KIND:
        raise ValueError(
            f"Our VisionTransformer cannot compute this model of transformers: it has model_type={kind!r}; "
            f"expected one of {', '.join(OF_KIND)}."
        )
    theirs = DEFAULTS | OF_KIND[kind] | theirs
    _refuse_what_we_have_not(theirs)
    arrays = _without_prefix(_read_weights(folder), kind)
    classes = len(arrays["classifier.bias"]) if "classifier.bias" in arrays else 0
    if classes and arrays["classifier.weight"].shape[1] != theirs["hidden_size"]:
        raise ValueError(
            f"Our VisionTransformer cannot compute this {kind} of transformers: its classifier reads "
            f"{arrays['classifier.weight'].shape[1]} features, more than the class token's "
            f"{theirs['hidden_size']}. Save its backbone (model.{kind}) alone."
        )
    own_size, patch_size = (_side(theirs[name], name) for name in ("image_size", "patch_size"))
    width = theirs["hidden_size"]
    config = ViTConfig(
        image_size=own_size if image_size is None else image_size,
        patch_size=patch_size,
        hidden_dim=width,
        depth=theirs["num_hidden_layers"],
        num_heads=theirs["num_attention_heads"],
        mlp_dim=theirs["intermediate_size"] if kind == "vit" else int(width * theirs["mlp_ratio"]),
        num_classes=classes,
        channels=theirs["num_channels"],
        layer_scale=1.0 if kind == "dinov2" else None,
        layer_norm_epsilon=float(theirs["layer_norm_eps"]),
        **read_normalisation(folder, theirs["num_channels"], kind),
    )
    ours = VisionTransformer(config)
    set_weights(ours, _our_names(arrays, kind, config), folder.name)
    return ours


def read_normalisation(folder, channels, kind="vit"):
    """Read how the images of a folder's model are normalised, for pixels in [0, 1].

    transformers computes (pixel · rescale_factor − mean) / deviation of pixels in 0 … 255, each of the two
    steps only if `do_rescale` and `do_normalize` are set.

    Returns:
        dict of image_mean and image_std, each a tuple of one float a channel.
    Raises:
        ValueError: if they are not one number for all channels or one a channel.
    """
    usual = (IMAGENET_MEAN, IMAGENET_STD) if kind == "dinov2" and channels == 3 else (0.5, 0.5)
    path = Path(folder) / "preprocessor_config.json"
    stated = _read_json(path) if path.is_file() else {}
    scale = 255 * float(stated.get("rescale_factor", 1 / 255)) if stated.get("do_rescale", True) else 255.0
    mean, std = stated.get("image_mean"), stated.get("image_std")
    mean, std = usual[0] if mean is None else mean, usual[1] if std is None else std
    if not stated.get("do_normalize", True):
        mean, std = 0.0, 1.0
    try:
        mean, std = (np.broadcast_to(np.asarray(each, "float64"), channels) / scale for each in (mean, std))
    except ValueError as error:
        raise ValueError(
            f"{path.name} has image_mean={mean} and image_std={std}: expected one number, or one for each of "
            f"the {channels} channels."
        ) from error
    return dict(image_mean=tuple(mean.tolist()), image_std=tuple(std.tolist()))


def _refuse_what_we_have_not(theirs):
    foreign = {
        "hidden_act": theirs["hidden_act"] not in EXACT_GELU,
        "use_swiglu_ffn": theirs.get("use_swiglu_ffn", False),
    }
    for name, is_foreign in foreign.items():
        if is_foreign:
            raise ValueError(
                f"Our VisionTransformer cannot compute this model of transformers: it has "
                f"{name}={theirs[name]!r}; expected {'gelu' if name == 'hidden_act' else 'False'}."
            )


def _read_weights(folder):
    """Read model.safetensors, or the shards that its index names."""
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.is_file():
        names = sorted(set(_read_json(index).get("weight_map", {}).values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        there = [path.name for path in sorted(folder.glob("*.bin"))]
        also = f" {there[0]} is a pickle, which can run any code, and is not opened." if there else ""
        raise ValueError(
            f"{folder.name} has a config.json of transformers, but no {missing[0]}: save the model there "
            f"with save_pretrained.{also}"
        )
    arrays = {}
    for name in names:
        arrays |= read_safetensors(folder / name)
    return arrays


def _without_prefix(arrays, kind):
    """Name the weights of a model with a head as those of one without: theirs begin with "vit.", …"""
    return {name.removeprefix(f"{kind}."): array for name, array in arrays.items()}


def _our_names(arrays, kind, config):
    """Give their weights under our names and in our shapes; what is missing or left over is told."""
    left = {name: array for name, array in arrays.items() if name not in UNUSED}

    def take(name, *, optional=None):
        if name not in left and optional is not None:
            return np.zeros(optional, "float32")
        if name not in left:
            raise ValueError(
                f"The weights of this model of transformers lack {name!r}: it is cut short, or of another "
                f"kind than its config.json says ({kind})."
            )
        return np.asarray(left.pop(name), "float32")

    def dense(ours, theirs):
        return {f"{ours}/kernel": take(f"{theirs}.weight").T, f"{ours}/bias": take(f"{theirs}.bias")}

    def norm(ours, theirs):
        return {f"{ours}/gamma": take(f"{theirs}.weight"), f"{ours}/beta": take(f"{theirs}.bias")}

    # (hidden_dim, channels, patch_size, patch_size) to (patch_size, patch_size, channels, hidden_dim)
    projection = "embeddings.patch_embeddings.projection"
    weights = {"patch_embedding/projection/kernel": take(f"{projection}.weight").transpose(2, 3, 1, 0)}
    weights["patch_embedding/projection/bias"] = take(f"{projection}.bias")
    weights["class_token_and_position/class_token"] = take("embeddings.cls_token")
    positions = interpolate_positions(take("embeddings.position_embeddings"), config.grid_size)
    weights["class_token_and_position/position_embedding"] = ops.convert_to_numpy(positions)
    for index in range(config.depth):
        ours, theirs = f"block_{index}", f"encoder.layer.{index}"
        parts = [f"{theirs}.attention.attention.{name}" for name in ("query", "key", "value")]
        kernels = [take(f"{part}.weight").T for part in parts]
        biases = [take(f"{part}.bias", optional=config.hidden_dim) for part in parts]
        weights[f"{ours}/attention/qkv/kernel"] = np.concatenate(kernels, axis=1)
        weights[f"{ours}/attention/qkv/bias"] = np.concatenate(biases)
        for name, other in LAYERS[kind].items():
            weights |= (norm if "norm" in name else dense)(f"{ours}/{name}", f"{theirs}.{other}")
        for number in (1, 2) if kind == "dinov2" else ():
            weights[f"{ours}/scale{number}/scale"] = take(f"{theirs}.layer_scale{number}.lambda1")
    weights |= norm("norm", "layernorm")
    if config.num_classes:
        weights |= dense("head", "classifier")
    if left:
        raise ValueError(
            f"Our VisionTransformer has no place for {len(left)} of the weights of this model of "
            f"transformers, such as {next(iter(left))!r}. It reads ViTForImageClassification, ViTModel and "
            "Dinov2Model."
        )
    return weights


def _side(size, name):
    """Give the one side of a square that may be written as [side, side]."""
    sides = set(size) if isinstance(size, (list, tuple)) else {size}
    if len(sides) != 1:
        raise ValueError(f"Our VisionTransformer reads square images in square patches: {name} is {size}.")
    return int(sides.pop())


def _read_json(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path.name} of {path.parent.name} cannot be read ({error}): save it again."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} of {path.parent.name} holds no settings: save the model again.")
    return found
