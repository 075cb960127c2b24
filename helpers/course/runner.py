"""Run the lessons without a browser, the way `make test` runs them.

    python -m helpers.course.runner                 every lesson, with a table of times
    python -m helpers.course.runner --fast 01 04    two of them, at COURSE_FAST=1
    python -m helpers.course.runner --write 03      run it and store what came out

Each lesson gets a fresh kernel of this very Python. What is stored is what nbval will compare: no stderr, no
times, no widget state, execution counts from 1, stable cell ids; two runs write the same bytes wherever the
figures are the same.
"""

import argparse
import os
import re
import signal
import sys
import tempfile
import time
from asyncio import get_event_loop
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from helpers.shipped import REPOSITORY

ROOT = REPOSITORY
NOTEBOOKS = ROOT / "notebooks"
BUDGET = {False: 180, True: 60}  # seconds a lesson may take on two cores: in full, and fast
IGNORED = "nbval-ignore-output"
KEPT_CELL_METADATA = ("tags", "cellView", "jupyter")
NOTEBOOK_METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def lesson_variables(folder):
    """Give the environment variables under which every lesson is run, here and by nbval.

    Args:
        folder: str or Path, an empty folder for what a lesson would otherwise leave in the learner's own
        files.
    Returns:
        dict of str: COURSE_RUNNER tells helpers that nobody watches; COURSE_PROGRESS and IPYTHONDIR keep the
        run away from the learner's progress and from personal start-up files. PYTEST_CURRENT_TEST keeps
        ipykernel from catching what TensorFlow's C++ writes to stderr, which nbval never sees either.
    """
    return {
        "COURSE_RUNNER": "1",
        "COURSE_PROGRESS": str(Path(folder) / "progress.json"),
        "IPYTHONDIR": str(Path(folder) / "ipython"),
        "PYTHONHASHSEED": "0",
        "PYTEST_CURRENT_TEST": "a lesson",
    }


def find_lessons(selection=(), folder=NOTEBOOKS):
    """Find the lessons to run, in order.

    Args:
        selection: numbers ("3" or "03") or paths of notebooks; empty for all lessons.
        folder: Path, where the lessons are.
    Returns:
        list of Path.
    Raises:
        ValueError: if nothing answers to one of the numbers or paths; the message lists what is there.
    """
    lessons = {path.name[:2]: path for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb"))}
    if not selection:
        return list(lessons.values())
    found = []
    for wanted in map(str, selection):
        path = lessons.get(wanted.zfill(2)) or Path(wanted)
        if path.suffix != ".ipynb" or not path.is_file():
            raise ValueError(
                f"Expected the number of a lesson ({', '.join(lessons)}) or a notebook's path; "
                f"received {wanted!r}."
            )
        found.append(path)
    return found


@dataclass
class LessonRun:
    """What happened when one lesson was run: seconds per code cell, and what went wrong, if anything did."""

    path: Path
    notebook: nbformat.NotebookNode = None
    cell_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""


class ThisPython(AsyncKernelManager):
    """A kernel of the Python that runs this, whatever kernels the machine has registered under that name."""

    @property
    def kernel_spec(self):
        return KernelSpec(**get_kernel_dict())


class LessonClient(NotebookClient):
    """An nbclient that notes the cells whose outputs nbval would see otherwise.

    nbval ignores `clear_output`, display updates and the Output widget; what they leave would differ.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rewritten_cells = set()

    def clear_output(self, outs, msg, cell_index):
        if outs:
            self.rewritten_cells.add(cell_index)
        return super().clear_output(outs, msg, cell_index)

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] == "update_display_data":
            self.rewritten_cells.add(cell_index)
        return super().process_message(msg, cell, cell_index)

    def output(self, outs, msg, display_id, cell_index):
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            self.rewritten_cells.add(cell_index)
        return super().output(outs, msg, display_id, cell_index)


def run_lesson(path, *, fast=False, cell_timeout=300, on_cell=lambda done, total: None):
    """Run one lesson from top to bottom in a fresh kernel.

    Args:
        path: Path of the notebook; the kernel starts in its folder, as in JupyterLab.
        fast: bool, run with COURSE_FAST=1.
        cell_timeout: seconds that one cell may take.
        on_cell: called with (cells done, code cells in all) as the run goes on.
    Returns:
        LessonRun. Its notebook is normalised, its problem is empty or says which cell failed and how.
    """
    notebook = nbformat.read(path, as_version=4)
    run = LessonRun(path, notebook)
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    started = {}

    def restore_ctrl_c(**_):
        get_event_loop().remove_signal_handler(signal.SIGINT)  # nbclient's would only end this one kernel

    def start(cell_index, **_):
        started[cell_index] = time.perf_counter()
        on_cell(len(run.cell_seconds), total)

    def finish(cell_index, **_):
        run.cell_seconds.append(time.perf_counter() - started[cell_index])
        on_cell(len(run.cell_seconds), total)

    client = LessonClient(
        notebook,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        timeout=cell_timeout,
        record_timing=False,
        on_notebook_start=restore_ctrl_c if sys.platform != "win32" else None,
        on_cell_execute=start,
        on_cell_executed=finish,
    )
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lesson-") as folder:
        environment = os.environ | lesson_variables(folder)
        environment.pop("MPLBACKEND", None)
        environment.pop("COURSE_FAST", None)
        if fast:
            environment["COURSE_FAST"] = "1"
        try:
            client.execute(env=environment, stderr=DEVNULL)
        except (CellControlSignal, DeadKernelError) as error:
            run.problem = f"cell {len(started)} of {total}: {error}"
    run.seconds = time.perf_counter() - began
    unsteady = [
        cell.source
        for index, cell in enumerate(notebook.cells)
        if index in client.rewritten_cells and IGNORED not in cell.metadata.get("tags", [])
    ]
    if unsteady and not run.problem:
        run.problem = (
            "this cell clears or rewrites its output, which nbval does not follow; print once, "
            f"or tag it {IGNORED}:\n{unsteady[0]}"
        )
    normalise(notebook)
    return run


def normalise(notebook):
    """Leave in a notebook only what two runs of it have in common; in place, and returned.

    Args:
        notebook: nbformat notebook, version 4.
    Returns:
        The same notebook: the course's metadata, unique cell ids, no stderr, no widget views.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    taken = set()
    for index, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in taken:
            cell.id = next(name for n in range(index, 10_000) if (name := f"cell-{n:02d}") not in taken)
        taken.add(cell.id)
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )
        if cell.cell_type == "code":
            cell.outputs = _settled(cell.outputs)
    return notebook


def _settled(outputs):
    """Drop stderr and widget views, join what was printed in a row, play carriage returns as screens do."""
    settled = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                continue
            if settled and settled[-1].output_type == "stream":
                settled[-1].text += output.text
                continue
        elif "data" in output:
            output.data.pop("application/vnd.jupyter.widget-view+json", None)
        settled.append(output)
    for output in settled:
        if output.output_type == "stream":
            output.text = re.sub(r"^.*\r(?=[^\n])", "", output.text, flags=re.MULTILINE)
    return settled


def write_notebook(notebook, path):
    """Write a notebook beside its place, then move it there: a reader never meets half a file."""
    text = nbformat.writes(notebook, version=4)
    partial = Path(path).with_name(f"{Path(path).name}.{os.getpid()}.partial")
    try:
        partial.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8", newline="\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def times_table(runs, *, fast=False, slowest=8, every_cell=False):
    """Lay out the times of the lessons, then of the slowest cells (or of every cell), as text."""
    width = max((len(run.path.stem) for run in runs), default=6)
    lines = ["", f"{'lesson':<{width}}  cells  seconds  slowest cell"]
    for run in runs:
        worst = max(range(len(run.cell_seconds)), key=run.cell_seconds.__getitem__, default=None)
        where = "" if worst is None else f"cell {worst + 1}, {run.cell_seconds[worst]:.1f} s"
        verdict = "FAILED" if run.problem else f"over {BUDGET[fast]} s" if run.seconds > BUDGET[fast] else ""
        times = f"{len(run.cell_seconds):5d}  {run.seconds:7.1f}  {where:<16}  {verdict}"
        lines.append(f"{run.path.stem:<{width}}  {times}".rstrip())
    if len(runs) > 1:
        cells, seconds = sum(len(run.cell_seconds) for run in runs), sum(run.seconds for run in runs)
        lines.append(f"{'in all':<{width}}  {cells:5d}  {seconds:7.1f}")
    cells = [(seconds, number + 1, run) for run in runs for number, seconds in enumerate(run.cell_seconds)]
    if not every_cell:
        cells = sorted(cells, key=lambda cell: -cell[0])[:slowest]
    lines += [
        "",
        f"{'every cell' if every_cell else 'slowest cells':<{width}}   cell  seconds  it begins with",
    ]
    for seconds, number, run in cells:
        code = [
            cell.source for cell in run.notebook.cells if cell.cell_type == "code" and cell.source.strip()
        ]
        first_line = code[number - 1].strip().splitlines()[0]
        lines.append(f"{run.path.stem:<{width}}  {number:5d}  {seconds:7.1f}  {first_line[:60]}")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m helpers.course.runner", description="Run lessons without a browser."
    )
    parser.add_argument(
        "lessons", nargs="*", metavar="NN", help="numbers of lessons, or paths; all if none is given"
    )
    parser.add_argument("--write", action="store_true", help="store the outputs in the notebooks")
    parser.add_argument(
        "--fast", action="store_true", help="run with COURSE_FAST=1: smaller images, fewer steps"
    )
    parser.add_argument(
        "--cells", action="store_true", help="list the time of every cell, not only of the slowest"
    )
    parser.add_argument(
        "--cell-timeout", type=int, default=300, metavar="S", help="seconds one cell may take (300)"
    )
    options = parser.parse_args(arguments)
    fast = options.fast or os.environ.get("COURSE_FAST") == "1"
    if options.write and fast:
        parser.error(
            "--write stores what the whole lesson gives: run it without --fast and without COURSE_FAST=1."
        )
    try:
        lessons = find_lessons(options.lessons)
    except ValueError as error:
        parser.error(str(error))

    watched = sys.stdout.isatty()
    runs = []
    try:
        for path in lessons:
            run = run_lesson(
                path, fast=fast, cell_timeout=options.cell_timeout, on_cell=_progress(path.stem, watched)
            )
            runs.append(run)
            if options.write and not run.problem:
                write_notebook(run.notebook, path)
            state = "FAILED" if run.problem else "written" if options.write else "passed"
            print(f"{_erase(watched)}{path.stem}  {state}  {run.seconds:.1f} s", flush=True)
            if run.problem:
                print(run.problem if watched else COLOUR.sub("", run.problem), flush=True)
    except KeyboardInterrupt:
        print(f"{_erase(watched)}Stopped.")
    print(times_table(runs, fast=fast, every_cell=options.cells))
    failed = [run.path.stem for run in runs if run.problem]
    if len(runs) < len(lessons):
        return 130
    print(
        f"\n{len(runs) - len(failed)} passed, {len(failed)} failed"
        + (f": {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


def _progress(name, watched):
    began = time.perf_counter()

    def show(done, total):
        if watched:
            seconds = time.perf_counter() - began
            print(
                f"{_erase(True)}{name}  cell {min(done + 1, total)} of {total}  {seconds:.0f} s",
                end="",
                flush=True,
            )

    return show


def _erase(watched):
    return "\r\x1b[K" if watched else ""


if __name__ == "__main__":
    sys.exit(main())
