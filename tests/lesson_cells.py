"""The code cells of a lesson that follow from its exercises, to be run with answers of any form.

A cell is run if it calls an answer, or if such a cell needs it, without quizzes and pictures: a part of the
lesson, in which every number that an answer gives is used.
"""

import ast
import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@dataclass(frozen=True)
class Cell:
    """A code cell: its place in the notebook, its source, the names that it reads and those that it makes."""

    number: int
    source: str
    reads: frozenset
    makes: frozenset
    printed: str  # what it printed when the lesson was stored; None where that is not compared
    key: str  # of the exercise that it holds; "" for none
    answer: str  # the name that this exercise's answer has; "" for none


def cells_of(lesson):
    """Read the code cells of a lesson below its set-up cell: list of Cell."""
    [path] = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [(number, cell) for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    return [_cell(number, cell) for number, cell in code if "helpers.course.setup" not in cell.source]


def cells_that_follow(cells):
    """Choose the cells that hold or use the exercises' answers, and what these need."""
    answers = {cell.answer for cell in cells if cell.key}
    chosen = {cell.number for cell in cells if cell.key or cell.reads & answers}
    needed = set()
    for cell in reversed(cells):
        if cell.number in chosen or cell.makes & needed:
            chosen.add(cell.number)
            needed |= cell.reads
    return [cell for cell in cells if cell.number in chosen]


def run_cell(cell, namespace):
    """Run a cell in a namespace, without showing its pictures; give what it prints."""
    printed = io.StringIO()
    if "show" in namespace:
        namespace["show"] = lambda figure, alt: None
    with contextlib.redirect_stdout(printed):
        exec(compile(cell.source, f"<cell {cell.number}>", "exec"), namespace)  # noqa: S102
    return printed.getvalue()


def _cell(number, cell):
    tree = ast.parse(cell.source)
    streams = [output.text for output in cell.outputs if output.get("name") == "stdout"]
    compared = "nbval-ignore-output" not in cell.metadata.get("tags", [])
    reads, makes = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (reads if isinstance(node.ctx, ast.Load) else makes).add(node.id)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            reads.add(node.target.id)
        if isinstance(node, ast.Import | ast.ImportFrom):
            makes |= {(name.asname or name.name).split(".")[0] for name in node.names}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            makes.add(node.name)
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            makes |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
    return Cell(
        number,
        cell.source,
        frozenset(reads),
        frozenset(makes),
        "".join(streams) if compared else None,
        *_exercise_of(tree),
    )


def _exercise_of(tree):
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if getattr(node.value.func, "id", "") == "check":
                return node.value.args[0].value, node.targets[0].id
    return "", ""
