"""Where a learner says that something lies: paths as people write them, and the forms CIFAR-10 comes in."""

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.data.archive import ARCHIVE, BATCHES, NPZ, check_file, kind_of_file, read_file

NPZ_NAME = "cifar10.npz"
BATCHES_NAME = "cifar-10-batches-py"
# As published; as Keras 3 keeps it; as Keras 2 did.
ARCHIVE_NAMES = (
    "cifar-10-python.tar.gz",
    "cifar-10-batches-py-target_archive",
    "cifar-10-batches-py.tar.gz",
)
QUOTES = ('"', "'", "“”", "‘’")


def plain_path(text):
    """Read a path as people write it: without blanks at its ends, the quotes around it, and with ~ followed.

    Windows copies a path with quotes, and no shell takes them off or follows a ~ in `%env COURSE_DATA=~/x`.

    Args:
        text: str.
    Returns:
        pathlib.Path, or None where nothing is left.
    """
    text = text.strip()
    for pair in QUOTES:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[-1]:
            text = text[1:-1].strip()
            break
    return Path(os.path.expanduser(text)) if text else None


def chosen_path(variable):
    """Give the path that an environment variable names, read by `plain_path`; None where it names none."""
    return plain_path(os.environ.get(variable, ""))


@dataclass(frozen=True)
class Candidate:
    """A file or a folder that may be CIFAR-10, and in which form: NPZ, ARCHIVE or BATCHES."""

    path: Path
    kind: str

    def read(self, published):
        """Read the arrays; a ValueError says in a few words what is wrong with it."""
        return read_file(self.path, self.kind, published)

    def check(self, published):
        """Open it and name the set, without unpacking what a checksum tells; errors as for `read`."""
        return check_file(self.path, self.kind, published)


def find_candidates(path, published):
    """List what at a path may be CIFAR-10, judged by names and first bytes; nothing is read whole.

    Args:
        path: pathlib.Path of a folder that holds it under any of its usual names, or of the thing itself: the
            archive or the .npz file under any name, or the folder of unpacked batches.
        published: Archive, which knows the size of the archive.
    Returns:
        list of Candidate, the fastest to load first; empty where there is nothing.
    """
    if _is(path, "is_file"):
        if path.name in published.batch_md5 and _holds_batches(path.parent, published):
            return [Candidate(path.parent, BATCHES)]
        return [Candidate(path, kind_of_file(path))]
    files = [path / name for name in (NPZ_NAME, *ARCHIVE_NAMES)]
    files += [other for other in _files(path) if other not in files and _size(other) == published.num_bytes]
    found = [Candidate(file, kind_of_file(file)) for file in files if _is(file, "is_file")]
    folders = (path, path / BATCHES_NAME, path / f"{BATCHES_NAME}-target" / BATCHES_NAME)
    found += [Candidate(folder, BATCHES) for folder in folders if _holds_batches(folder, published)]
    return sorted(found, key=lambda candidate: (NPZ, BATCHES, ARCHIVE).index(candidate.kind))


def nothing_at(path):
    """Say in a few words why there is no candidate at a path, and what is there instead."""
    if not _is(path, "exists"):
        return f"there is no file or folder {path}"
    names = sorted(child.name for child in _children(path))
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    expected = f"expected {NPZ_NAME}, {ARCHIVE_NAMES[0]} or the folder {BATCHES_NAME}"
    return f"{path} holds no CIFAR-10: {expected}; it holds {told or 'nothing that can be listed'}"


def _holds_batches(folder, published):
    return any(_is(folder / name, "is_file") for name in published.batch_md5)


def _files(folder):
    return sorted(child for child in _children(folder) if _is(child, "is_file"))


def _children(folder):
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _size(path):
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _is(path, question):
    try:
        return getattr(path, question)()
    except (OSError, ValueError):  # a name that no file can have, or a folder that may not be entered
        return False
