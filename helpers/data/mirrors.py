"""CIFAR-10 from the network: the mirror in the room, the public ones, the original host, in this order.

One process downloads and the others wait; the archive is checked, and kept as plain arrays in the cache.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
import urllib.parse

from helpers.data.archive import read_archive, read_npz, write_npz
from helpers.data.download import SourceFailed, fetch, reachable
from helpers.data.lock import FileLock


class NotOnNetwork(Exception):
    """No server has it, or there is none to ask; the arguments are the lines to report."""


def download_cifar10(published, cache, limits):
    """Download CIFAR-10 into the cache, as `cifar10.npz`.

    Args:
        published: Archive: where it is, and how to know it.
        cache: pathlib.Path of a folder, which is made where there is none.
        limits: Limits.
    Returns:
        dict of x_train, y_train, x_test, y_test.
    Raises:
        NotOnNetwork: if it cannot be had, or the cache cannot be written; nothing is left of the attempt.
    """
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        raise NotOnNetwork("the network: switched off by COURSE_OFFLINE")
    give_up = time.monotonic() + limits.deadline
    urls = reachable(_addresses(published))
    if not urls:
        raise NotOnNetwork("the network: no server can be reached; this machine seems to be offline")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / "cifar10.lock", timeout=limits.deadline)
        if lock.path.exists():
            print("Another notebook is downloading CIFAR-10; waiting for it.", file=sys.stderr)
        with lock:
            with contextlib.suppress(ValueError):
                return read_npz(cache / "cifar10.npz", published)  # another kernel was faster
            _need_space(cache, published)
            for leftover in cache.glob("incoming-*"):  # of a process that was killed: the lock is ours
                shutil.rmtree(leftover, ignore_errors=True)
            return _download(urls, published, cache, limits, give_up)
    except OSError as error:
        raise NotOnNetwork(f"the network: {_explain(error, cache)}") from error


def _download(urls, published, cache, limits, give_up):
    reasons = []
    for url in urls:
        host = urllib.parse.urlsplit(url).netloc
        print(f"Downloading CIFAR-10, {published.num_bytes / 1e6:.0f} MB, from {host}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache) as folder:
            try:
                path = fetch(url, folder, published, limits=limits, give_up=give_up)
                arrays = read_archive(path, published)
            except (SourceFailed, ValueError) as error:
                reasons.append(f"{host}: {error}")
                print(f"\r  {error!s:<76}", file=sys.stderr)
                continue
        write_npz(arrays, cache)
        return arrays
    raise NotOnNetwork(*reasons)


def _addresses(published):
    own = os.environ.get("COURSE_MIRROR", "").strip()
    if own and not own.endswith((".gz", ".tgz")):
        own = f"{own.rstrip('/')}/{published.file_name}"
    return ((own,) if own else ()) + published.urls


def _need_space(folder, published):
    needed = published.num_bytes + (published.num_train + published.num_test) * 32 * 32 * 3
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
