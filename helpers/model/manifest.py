"""The manifest of trained weights: what is known of each, and whether its file is the one that it describes.

manifest.json holds {name: row}. A row's `file` lies beside it, and `sha256` says which file that is. Keras is
not needed to read them.
"""

import codecs
import hashlib
import json
import re
from pathlib import Path

from helpers.shipped import shipped

CHECKPOINTS = shipped("checkpoints")
LONGEST_FILE_NAME = 200  # bytes; file systems have 255, and `write_whole` needs some for itself

# A letter or a digit first; at the end no blank and no full stop, which Windows leaves out.
PART = r"\w(?:[\w.@+=,()%~ -]*[\w@+=,()%~-])?"
NAME = re.compile(f"{PART}(?:/{PART})*")


def load_manifest(folder=None):
    """Read what is known of every shipped checkpoint.

    Args:
        folder: where manifest.json lies; None for the shipped ones.
    Returns:
        dict from name to row: config, recipe, data, passes, seed, test_accuracy, hardware, seconds, command,
            sha256, …; empty where there is no manifest.json. `test_accuracy` was measured on the test images
            of `data`, which it was trained on; `scores` has that of other sets, by their names.
    Raises:
        ValueError: if it cannot be read; the message says where it breaks off and what to do.
    """
    path = Path(folder or CHECKPOINTS) / "manifest.json"
    if not path.exists():
        return {}
    advice = (
        "The files of weights beside it are as they were. Fetch manifest.json again (in a git clone: "
        "`git checkout -- manifest.json` in that folder), or mend that place."
    )
    try:
        text = _decode(path.read_bytes())
        manifest = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{_told(path)} cannot be read: {_why(error)}. {advice}") from error
    if not isinstance(manifest, dict) or not all(isinstance(row, dict) for row in manifest.values()):
        raise ValueError(
            f"{_told(path)} is JSON, but no manifest: expected an object with a row for each name, such as "
            f'{{"cifar/4": {{"file": "cifar-4.npz", …}}}}. {advice}'
        )
    return manifest


def find_row(name, folder=None):
    """Give the row of a checkpoint, with what is needed to load it.

    Raises:
        ValueError: for an unknown name, or a row that lacks kind, config, file or sha256.
    """
    manifest = load_manifest(folder)
    if name not in manifest:
        raise ValueError(
            f"Unknown checkpoint {name!r}: expected one of {', '.join(manifest) or '(none are here)'}."
        )
    row = manifest[name]
    gone = [field for field in ("kind", "config", "file", "sha256") if not row.get(field)]
    if gone:
        raise ValueError(
            f"The row of {name!r} in manifest.json has no {' and no '.join(gone)}. Fetch manifest.json again."
        )
    if not isinstance(row["file"], str) or Path(row["file"]).name != row["file"]:
        raise ValueError(
            f"The row of {name!r} in manifest.json has the file {row['file']!r}: expected the name of a file "
            "that lies beside it. Fetch manifest.json again."
        )
    return row


def read_stored(name, row, folder=None):
    """Read the file of a checkpoint, which must be the one that its row describes.

    Returns:
        bytes.
    Raises:
        ValueError: if it is missing, a pointer of Git LFS, or another file.
    """
    folder = Path(folder or CHECKPOINTS)
    path = folder / row["file"]
    if not path.exists():
        raise ValueError(
            f"The weights of {name!r} are not there: expected {path.name} in {folder.name}/. Fetch it again."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if is_lfs_pointer(content):
        raise ValueError(
            f"{path.name} is a pointer of Git LFS, {len(content)} bytes in the place of the weights of "
            f"{name!r}. Run `git lfs install` and `git lfs pull` in the course's folder, or fetch the course "
            "again with Git LFS installed."
        )
    found = hashlib.sha256(content).hexdigest()
    if found != row["sha256"]:
        raise ValueError(
            f"{path.name} is not the file that the manifest describes: expected sha256 "
            f"{str(row['sha256'])[:12]}…, received {found[:12]}… ({len(content)} bytes). It is corrupted or "
            "of another version: fetch it again."
        )
    return content


def is_lfs_pointer(content):
    """Say whether bytes are what Git LFS leaves in the place of a file that it has not fetched."""
    return content.startswith(b"version https://git-lfs.github.com/spec/")


def file_name_for(name, manifest):
    """Give the name of the file for a checkpoint: "cifar/4" is kept in cifar-4.npz.

    Args:
        name: str of letters, digits, blanks and . @ + = , ( ) % ~ - _ in parts with "/" between them.
        manifest: dict of the other checkpoints of the same folder.
    Raises:
        ValueError: if `name` cannot be a file's, or another checkpoint has that file.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(
            'Expected a name such as "cifar/4": parts with "/" between them, each begins with a letter or a '
            "digit, goes on with these, blanks and _ - . @ + = , ( ) % ~, and ends with no full stop and no "
            f"blank. Received {name!r}. Choose such a name."
        )
    file_name = name.replace("/", "-") + ".npz"
    if len(file_name.encode()) > LONGEST_FILE_NAME:
        raise ValueError(
            f"Expected a name of at most {LONGEST_FILE_NAME - 4} bytes; received {len(name.encode())}, "
            f"{name[:40]!r}…. Choose a shorter one."
        )
    for other, row in manifest.items():
        # Windows and macOS take A and a for one letter.
        if other != name and str(row.get("file")).casefold() == file_name.casefold():
            raise ValueError(
                f"{name!r} would be kept in {file_name}, where {other!r} is already, and would overwrite it. "
                "Choose another name."
            )
    return file_name


def _decode(content):
    if is_lfs_pointer(content):
        raise ValueError("it is a pointer of Git LFS; run `git lfs pull` in the course's folder")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as PowerShell's > writes
        return content.decode("utf-16")
    text = content.decode("utf-8-sig")  # with or without the byte-order mark of Windows' editors
    if re.search("^<<<<<<< ", text, re.MULTILINE):
        raise ValueError("it holds the marks <<<<<<< and >>>>>>> of a git merge that was not finished")
    return text


def _why(error):
    if isinstance(error, json.JSONDecodeError):
        if not error.doc.strip():
            return "it is empty"
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return getattr(error, "strerror", None) or str(error)


def _told(path):
    return f"{path.parent.name}/{path.name}"
