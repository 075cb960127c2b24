"""Write what every lesson has in common and nobody should type: its Colab badge and its set-up cell.

    python -m helpers.course.badges            write both into all lessons
    python -m helpers.course.badges --check    change nothing; fail if a lesson is behind

The course's address stands in one place, `[project.urls] Repository` of pyproject.toml, and goes from there
into both.
"""

import argparse
import re
import sys
import tomllib

import nbformat

from helpers.course.runner import ROOT, find_lessons, write_notebook

COLAB = "https://colab.research.google.com"
BADGE_LINE = re.compile(r"^\[!\[Open [Ii]n Colab\].*$")
PLACEHOLDER = "{repository}"


def repository_address(pyproject=ROOT / "pyproject.toml"):
    """Read the course's address from the one place where it stands.

    Returns:
        str such as "https://github.com/OWNER/NAME".
    Raises:
        ValueError: if it is not a GitHub address: Colab opens notebooks from there only.
    """
    address = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ValueError(
            f"Expected https://github.com/OWNER/NAME as Repository in {pyproject.name}; received {address!r}."
        )
    return address


def badge(lesson, address):
    """Give the Markdown line that opens a lesson in Colab.

    Args:
        lesson: str, the name of the notebook's file.
        address: str, from `repository_address`.
    """
    path = address.removeprefix("https://github.com/")
    target = f"{COLAB}/github/{path}/blob/main/notebooks/{lesson}"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({target})"


def setup_source(address):
    """Give the source of the set-up cell, the same in every lesson."""
    from helpers.course.setup import SETUP_CELL

    return SETUP_CELL.replace(PLACEHOLDER, address).strip()


def refresh(notebook, lesson, address, setup_cell):
    """Put the badge on a lesson's first line, and the set-up cell into the cell tagged `setup`; in place.

    Args:
        notebook: nbformat notebook.
        lesson: str, the name of its file.
        address, setup_cell: str.
    Returns:
        list of str, what was behind; empty if nothing was.
    Raises:
        ValueError: if the lesson does not begin with Markdown, or has not exactly one cell tagged `setup`.
    """
    title = notebook.cells[0]
    tagged = [cell for cell in notebook.cells if "setup" in cell.metadata.get("tags", [])]
    if title.cell_type != "markdown" or len(tagged) != 1:
        raise ValueError(
            f"{lesson}: expected a Markdown cell first and one cell tagged 'setup'; "
            f"received a {title.cell_type} cell first and {len(tagged)} tagged."
        )
    behind = []
    lines = title.source.splitlines()
    rest = lines[1:] if BADGE_LINE.match(lines[0]) else ["", *lines]
    with_badge = "\n".join([badge(lesson, address), *rest])
    if title.source != with_badge:
        behind.append("badge")
        title.source = with_badge
    if tagged[0].source != setup_cell:
        behind.append("set-up cell")
        tagged[0].source = setup_cell
    return behind


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m helpers.course.badges", description="Write badges and set-up cells."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a lesson is behind")
    options = parser.parse_args(arguments)
    address, any_behind = repository_address(), False
    setup_cell = setup_source(address)
    for path in find_lessons():
        notebook = nbformat.read(path, as_version=4)
        behind = refresh(notebook, path.name, address, setup_cell)
        any_behind |= bool(behind)
        if behind and not options.check:
            write_notebook(notebook, path)
        state = "is behind" if options.check else "written"
        print(f"{path.stem}: {' and '.join(behind)} {state}" if behind else f"{path.stem}: up to date")
    if options.check and any_behind:
        print("Run `make badges`.")
    return 1 if options.check and any_behind else 0


if __name__ == "__main__":
    sys.exit(main())
