"""Numbers to compare with, each kept with where it comes from: data/reference/*.json."""

import json
from pathlib import Path

from helpers.shipped import shipped

REFERENCE = shipped("reference")


def load_reference(name, folder=None):
    """Read a table of numbers that others published, or that the course measured once.

    Args:
        name: str, the file's name without ".json", such as "cifar10_plain_vits".
        folder: where the tables lie; None for the course's own.
    Returns:
        what the file holds: a dict or a list.
    Raises:
        ValueError: for an unknown name; the message lists those that exist.
    """
    path = Path(folder or REFERENCE) / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.json"))) or "(none are here)"
        raise ValueError(f"Unknown reference {name!r}: expected one of {known}.")
    return json.loads(path.read_text(encoding="utf-8"))
