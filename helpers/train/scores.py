"""What a network scores, and on which images: what the manifest has, and what follows for other images."""

import time
from dataclasses import dataclass
from pathlib import Path

import keras

import helpers.data
from helpers.data.cifar10 import DataUnavailable, load_cifar10
from helpers.data.sources import JPEG_COPY, MIXTURE, different_test_images
from helpers.marked import put_between
from helpers.model.manifest import load_manifest
from helpers.shipped import REPOSITORY

TOLERANCE = 0.002  # of an accuracy, between two machines
START, END = "<!-- scores: written by python -m helpers.train --score -->", "<!-- end of the scores -->"

# Which networks the tables of the two files name; None for all.
TABLES = {"README.md": ("cifar/4", "cifar-hour", "resnet-cifar"), "data/README.md": None}


@dataclass(frozen=True)
class Expectation:
    """An accuracy that was measured on the set `source`, and how far another may lie from it, and why."""

    score: float
    source: str
    tolerance: float
    note: str = ""


def is_cifar10(row):
    """Say whether a row's network was trained on CIFAR-10 or a copy of it."""
    return str(row.get("data", "")).startswith("CIFAR-10")


def known_scores(row):
    """Give the accuracies that a row of the manifest has, in [0, 1], by the names of the sets."""
    own = {row["data"]: row["test_accuracy"]} if row.get("data") and "test_accuracy" in row else {}
    return row.get("scores", {}) | own


def expect(row, source):
    """Give what the manifest lets one expect on a set of images.

    Two sets that share all but k of n test images cannot differ by more than k / n: where the set itself was
    not scored, one that is nearly the same stands in for it, with that much more tolerance.

    Args:
        row: dict of the manifest.
        source: str, the name of the set.
    Returns:
        Expectation, or None where nothing follows from what was measured.
    """
    scores, count = known_scores(row), row.get("num_test_images", 10_000)
    apart = {name: different_test_images(name, source) for name in scores}
    near = sorted((number, name) for name, number in apart.items() if number is not None)
    if not near:
        return None
    number, name = near[0]
    if number == 0:
        return Expectation(scores[name], name, TOLERANCE)
    note = f"{number} of {count:,} test images differ, which is worth up to {number / count:.2%}"
    return Expectation(scores[name], name, TOLERANCE + number / count, note)


def add_score(row, source, accuracy):
    """Write into a row what was measured on a set, with what it was measured."""
    row["scores"] = dict(sorted((row.get("scores", {}) | {source: round(accuracy, 4)}).items()))
    how = (keras.backend.backend(), keras.config.dtype_policy().name, f"Keras {keras.__version__}")
    row["scored"] = ", ".join([*how, time.strftime("%Y-%m-%d")])


class ImagesAtHand:
    """The sets that this machine has, each loaded when it is first asked for."""

    def __init__(self):
        self.loaded = {}

    def for_row(self, row):
        """Give the set that belongs to a row of the manifest.

        Returns:
            tuple (Dataset, ""), or (None, why there is none).
        """
        if is_cifar10(row):
            if "cifar10" not in self.loaded:
                try:
                    self.loaded["cifar10"] = load_cifar10()
                except DataUnavailable:
                    self.loaded["cifar10"] = None
            problem = "CIFAR-10 could not be had, load_cifar10() says why"
            dataset = self.loaded["cifar10"]
            return (None, problem) if dataset is None else (dataset, "")
        if "shapes" not in self.loaded:
            self.loaded["shapes"] = helpers.data.load_images("shapes")
        dataset = self.loaded["shapes"]
        if row.get("data") != dataset.source:
            return None, f"it needs {row.get('data', 'data that its row does not name')}"
        if (count := row.get("num_test_images", len(dataset.x_test))) != len(dataset.x_test):
            return None, f"it was scored on {count:,} test images and here are {len(dataset.x_test):,}"
        return dataset, ""


def scores_table(manifest, names=None):
    """Give the scores of networks as a Markdown table, and a sentence on what moves.

    Args:
        manifest: dict, as `load_manifest` gives it.
        names: of the networks; None for all that were trained on CIFAR-10.
    """
    rows = {name: manifest[name] for name in names or manifest if is_cifar10(manifest.get(name, {}))}
    lines = ["| network | trained on | right on the JPEG copy | right on the original |", "|---|---|---|---|"]
    gains = []
    for name, row in rows.items():
        scores = known_scores(row)
        pair = [scores.get(source) for source in (JPEG_COPY, MIXTURE)]
        gains += [] if None in pair else [pair[1] - pair[0]]
        cells = [f"`{name}`", f"{row['num_training_images']:,} images of {row['data']}"]
        cells += ["not measured" if score is None else f"{score:.2%}" for score in pair]
        lines.append("| " + " | ".join(cells) + " |")
    if gains:
        least, most = 100 * min(gains), 100 * max(gains)
        lines += ["", f"The second score less the first: {least:+.2f} to {most:+.2f} points."]
    return "\n".join(lines)


def refresh(text, manifest, names=None):
    """Give the text of a README with the table of scores between its two marks.

    Raises:
        ValueError: where the marks are missing.
    """
    table = scores_table(manifest, names)
    return put_between(text, START, END, table, page="The README", what="the table of scores")


def refresh_tables(manifest=None, root=REPOSITORY):
    """Write the table of scores into README.md and data/README.md."""
    for file, names in TABLES.items():
        path = Path(root) / file
        text = refresh(path.read_text(encoding="utf-8"), manifest or load_manifest(), names)
        path.write_text(text, encoding="utf-8")
