"""CIFAR-10 as a file: reading it without trusting it, checking it, and writing it whole or not at all.

It comes in three forms: NPZ, plain arrays; ARCHIVE, the published .tar.gz; BATCHES, the folder that is in it.
"""

import contextlib
import hashlib
import io
import os
import pickle
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.data.sources import ORIGINAL, name_source

NPZ, ARCHIVE, BATCHES = "arrays", "the archive", "unpacked batches"
ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# What the readers of .npz, tar, gzip and pickle raise where a file is not what it should be.
BROKEN = (OSError, EOFError, KeyError, TypeError, AttributeError, zlib.error, zipfile.BadZipFile)
BROKEN += (tarfile.TarError, pickle.UnpicklingError)


@dataclass(frozen=True)
class Archive:
    """One published file: what it is called, how to know it again, what is in it, and where it can be had.

    `batch_md5` has the published md5 of each file of batches, by its name, the training batches in order.
    """

    file_name: str
    sha256: str
    num_bytes: int
    num_train: int
    num_test: int
    urls: tuple[str, ...]
    batch_md5: dict[str, str] = field(default_factory=dict)


def kind_of_file(path):
    """Tell by its first bytes whether a file is NPZ or ARCHIVE; where they say neither, by its name."""
    start = _first_bytes(path) or b""
    if start.startswith(b"\x1f\x8b"):  # gzip
        return ARCHIVE
    return NPZ if start.startswith(b"PK") or path.suffix.lower() == ".npz" else ARCHIVE


def read_file(path, kind, published):
    """Read the arrays, each form by its own reader: `read_npz`, `read_archive` or `read_batches`."""
    return {NPZ: read_npz, ARCHIVE: read_archive, BATCHES: read_batches}[kind](path, published)


def check_file(path, kind, published):
    """Say which set a candidate is, after it was opened and checked; nothing that has a checksum is unpacked.

    Args, Raises: as for `read_npz`; `kind` is NPZ, ARCHIVE or BATCHES.
    Returns:
        str, one of the names of `helpers.data.sources`.
    """
    if kind == NPZ:
        return name_source(read_npz(path, published))
    try:
        if kind == ARCHIVE:
            with _published_archive(path, published):
                return ORIGINAL
        for name in published.batch_md5:
            _published_batch(path, name, published)
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror or error})") from error
    return ORIGINAL


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
        what = _stray(path) or getattr(error, "strerror", "")
        what = what or f"{type(error).__name__}; it may be cut short"
        raise ValueError(f"not a readable .npz file ({what})") from error
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
    try:
        with _published_archive(path, published) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
            return _join(lambda name: archive.extractfile(f"cifar-10-batches-py/{name}").read(), published)
    except BROKEN as error:
        raise ValueError(f"not a readable archive ({error})") from error


def read_batches(path, published):
    """Read the folder that the archive unpacks to, each file after its md5 was checked.

    Args, Returns, Raises: as for `read_npz`; `path` is the folder.
    """
    try:
        return _join(lambda name: _published_batch(path, name, published), published)
    except BROKEN as error:
        raise ValueError(f"not readable batches ({error})") from error


@contextlib.contextmanager
def _published_archive(path, published):
    # the open file, at its beginning
    if not path.is_file():
        raise ValueError("no such file")
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != published.sha256:
            what = _stray(path) or "its checksum is another; it may be cut short"
            raise ValueError(f"not the published archive: {what}")
        file.seek(0)
        yield file


def _published_batch(folder, name, published):
    # the bytes of one file of batches: those that were checked are those that are read
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{name} is missing; unpack the archive again") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != published.batch_md5[name]:
        raise ValueError(f"{name} is not the published file: its md5 is another; unpack the archive again")
    return content


def _join(get_content, published):
    names = [f"data_batch_{number}" for number in range(1, 6)]
    x_train, y_train = (np.concatenate(parts) for parts in zip(*[_unpickle(get_content(n)) for n in names]))
    x_test, y_test = _unpickle(get_content("test_batch"))
    return check_arrays(
        {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}, published
    )


def _unpickle(content):
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


def _first_bytes(path, count=64):
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError:  # whoever reads it whole will say why it cannot be
        return None


def _stray(path):
    # what else people have in the place of a large file, in a few words; "" for anything else
    start = _first_bytes(path)
    if start == b"":
        return "it is empty"
    if (start or b"").startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, a few lines that stand for the file: run `git lfs pull`"
    if (start or b"").lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page"
    return ""
