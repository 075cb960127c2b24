"""CIFAR-10 as a file: reading it without trusting it, checking it, and writing it whole or not at all."""

import hashlib
import io
import os
import pickle
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# What the readers of .npz, tar, gzip and pickle raise where a file is not what it should be.
BROKEN = (OSError, EOFError, KeyError, TypeError, AttributeError, zlib.error, zipfile.BadZipFile)
BROKEN += (tarfile.TarError, pickle.UnpicklingError)


@dataclass(frozen=True)
class Archive:
    """One published file: what it is called, how to know it again, what is in it, and where it can be had."""

    file_name: str
    sha256: str
    num_bytes: int
    num_train: int
    num_test: int
    urls: tuple[str, ...]


def read_npz(path, published):
    """Read the arrays of a .npz file, with pickles switched off.

    Args:
        path: pathlib.Path of the file.
        published: Archive, which knows how many images there must be.
    Returns:
        dict of x_train, y_train, x_test, y_test.
    Raises:
        ValueError: if the file is not there or not right; the message says in a few words what is wrong.
    """
    if not path.is_file():
        raise ValueError("no such file")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS}
    except KeyError as error:
        raise ValueError(f"it has no array {error}; expected {', '.join(ARRAYS)}") from error
    except (*BROKEN, ValueError) as error:
        raise ValueError(f"not a readable .npz file ({type(error).__name__}); it may be cut short") from error
    return check_arrays(arrays, published)


def check_arrays(arrays, published):
    """Return the arrays with flat int64 labels, or raise a ValueError that says what is wrong with which."""
    for part, num_images in (("train", published.num_train), ("test", published.num_test)):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.shape != (num_images, 32, 32, 3) or images.dtype != np.uint8:
            raise ValueError(
                f"x_{part} must be uint8 {(num_images, 32, 32, 3)}, it is {images.dtype} {images.shape}"
            )
        if labels.size != num_images or labels.dtype.kind not in "iu":
            raise ValueError(f"y_{part} must be {num_images} integers, it is {labels.dtype} {labels.shape}")
        if labels.min() < 0 or labels.max() > 9:
            raise ValueError(
                f"y_{part} must lie between 0 and 9, it goes from {labels.min()} to {labels.max()}"
            )
        arrays[f"y_{part}"] = labels.reshape(num_images).astype(np.int64)
    return arrays


def read_archive(path, published):
    """Read the published archive, after its sha256 was checked; nothing is extracted to the disk.

    Args, Returns, Raises: as for `read_npz`.
    """
    if not path.is_file():
        raise ValueError("no such file")
    try:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != published.sha256:
                raise ValueError("not the published archive: its checksum is another; it may be cut short")
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                train = [_read_batch(archive, f"data_batch_{number}") for number in range(1, 6)]
                x_test, y_test = _read_batch(archive, "test_batch")
    except BROKEN as error:
        raise ValueError(f"not a readable archive ({error})") from error
    x_train, y_train = (np.concatenate(parts) for parts in zip(*train))
    return check_arrays(
        {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}, published
    )


def _read_batch(archive, name):
    content = archive.extractfile(f"cifar-10-batches-py/{name}").read()
    batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (n, 3072) -> (n, 32, 32, 3)
    return np.ascontiguousarray(images), np.array(batch[b"labels"])


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that builds NumPy arrays and nothing else. A pickle may name any function to be called."""

    ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype")}
    ALLOWED |= {(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")}  # NumPy 1, 2

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no image needs")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def write_npz(arrays, folder):
    """Write `folder`/cifar10.npz beside its final name, then rename it: nobody ever sees half a file."""
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=folder) as beside:
        np.savez(Path(beside) / "cifar10.npz", **arrays)
        os.replace(Path(beside) / "cifar10.npz", Path(folder) / "cifar10.npz")
