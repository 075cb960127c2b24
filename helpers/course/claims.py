"""Paper versus measured: a table of claims, each with the numbers it rests on and the verdict they give.

python -m helpers.course.claims            write all claims of the executed lessons into README.md
python -m helpers.course.claims --check    change nothing; fail if README.md is behind
"""

import argparse
import re
import sys

import nbformat
import numpy as np

from helpers.course.runner import ROOT, find_lessons
from helpers.marked import put_between

VERDICTS = ("reproduced", "weaker here", "not seen at this scale", "not tried")
HEADER = "| | claim | paper | ours | verdict |\n|---|---|---|---|---|"
START, END = "<!-- claims: written by python -m helpers.course.claims -->", "<!-- end of claims -->"


class PaperTable:
    """Collect the claims of one lesson and show them as one table.

    Args:
        source: str, the paper that makes the claims; a row may name another.
    """

    def __init__(self, source):
        self.source, self.rows = source, []

    def add(self, claim, paper, ours, *, reproduced, weaker=False, tried=True, source=None, digits=2):
        """Add a claim. The verdict follows from the conditions, so that they can be read, and changed.

        The same claim of the same paper again takes its old row's place, so a cell can be run twice.

        Args:
            claim: str, what the paper says, in one sentence.
            paper: str, the paper's number, or what its figure shows.
            ours: dict from a name to numbers: every seed and set of images there is; shown as their range.
                Or a str that is shown as it is.
            reproduced: bool, a condition on `ours`.
            weaker: bool, a milder one; it counts where `reproduced` is false.
            tried: False if what the paper did was not done here: then there is no verdict.
            source: str, another paper than the table's.
            digits: int, decimals of `ours`.
        Returns:
            str, the verdict.
        Raises:
            ValueError: where a number of `ours` is not finite, or there is none.
        """
        verdict = VERDICTS[3 if not tried else 0 if reproduced else 1 if weaker else 2]
        measured = ours if isinstance(ours, str) else spread(ours, digits)
        cells = [claim, f"{paper} ({source or self.source})", measured, verdict]
        row = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        known = [own[:2] for own in self.rows]
        if row[:2] in known:
            self.rows[known.index(row[:2])] = row
        else:
            self.rows.append(row)
        return verdict

    def markdown(self):
        """Give the table as Markdown, its rows numbered from 1."""
        rows = [f"| {number} | " + " | ".join(row) + " |" for number, row in enumerate(self.rows, start=1)]
        return "\n".join([HEADER, *rows])

    def show(self):
        """Display the table under a cell; outside a notebook, print it."""
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.display import Markdown, display

        if InteractiveShell.initialized():
            display(Markdown(self.markdown()))
        else:
            print(self.markdown())


def spread(values, digits=2):
    """Give the range of each named set of numbers, such as "ViT 0.53 to 0.59, ResNet 0.12"."""
    texts = []
    for name, numbers in values.items():
        numbers = np.asarray(numbers, dtype="float64").ravel()
        if not len(numbers) or not np.isfinite(numbers).all():
            raise ValueError(f"Expected finite numbers for {name!r}; received {numbers!r}.")
        ends = [f"{number:.{digits}f}" for number in (numbers.min(), numbers.max())]
        texts.append(f"{name} " + (ends[0] if ends[0] == ends[1] else " to ".join(ends)))
    return ", ".join(texts)


def claims_of(notebook):
    """Read the rows of the tables that a notebook shows.

    Returns:
        list of [number, claim, paper, ours, verdict], each a str.
    """
    rows = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text.startswith(HEADER):
                for line in text.splitlines()[2:]:
                    rows.append([part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def table_of_all(lessons):
    """Give the claims of all lessons as one Markdown table, and how many got which verdict.

    Args:
        lessons: list of Path, executed notebooks.
    """
    lines = []
    for path in lessons:
        for number, *cells in claims_of(nbformat.read(path, as_version=4)):
            lines.append([f"[{path.name[:2]}](notebooks/{path.name}).{number}", *cells])
    told = [f"{sum(line[-1] == verdict for line in lines)} {verdict}" for verdict in VERDICTS]
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([f"{len(lines)} claims: {', '.join(told)}.", "", HEADER, *rows])


def refresh(readme, lessons):
    """Give the text of README.md with the table of all claims between its two marks.

    Raises:
        ValueError: where the marks are missing.
    """
    table = table_of_all(lessons)
    return put_between(readme, START, END, table, page="README.md", what="the table")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m helpers.course.claims", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if README.md is behind")
    options = parser.parse_args(arguments)
    path = ROOT / "README.md"
    now = path.read_text(encoding="utf-8")
    fresh = refresh(now, find_lessons())
    if options.check:
        if now != fresh:
            print("README.md is behind the lessons. Run: python -m helpers.course.claims", file=sys.stderr)
        return int(now != fresh)
    path.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
