"""Remember, on this computer only, which exercises were tried, solved, or looked up; and show it.

Kept in one small JSON file: $COURSE_PROGRESS, else the platform's folder for settings. Where it cannot be
read or written the course says so once and goes on without it. Of two notebooks that write at once, one waits
for the other. The course's runner and pytest leave no trace in it.
"""

import contextlib
import html
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers.course.exercises import exercises_by_lesson
from helpers.course.speech import say
from helpers.data.lock import FileLock
from helpers.data.places import chosen_path

UNWATCHED = ("COURSE_RUNNER", "PYTEST_CURRENT_TEST")  # set by the course's runner and by pytest
SYMBOLS = {"correct": "●", "wrong": "✗", "open": "○"}
WAIT_S = 15.0  # for another notebook, which needs a few milliseconds
GONE_S = 10.0  # without a sign of life from a notebook that holds the lock: it was killed
MEANINGS = {"correct": "correct", "wrong": "tried, not right yet", "open": "not attempted yet"}

_said = []  # what was said of a file that cannot be written: once in a notebook is enough


@dataclass(frozen=True)
class ProgressRow:
    """An exercise and where the learner stands: `state` is "correct", "wrong" or "open"."""

    lesson: str
    key: str
    title: str
    state: str
    solution_seen: bool

    @property
    def words(self):
        return MEANINGS[self.state] + (", solution seen" if self.solution_seen else "")


@dataclass(frozen=True)
class Progress:
    """What is done so far: a table in a notebook, lines of text elsewhere."""

    rows: tuple

    @property
    def num_correct(self):
        return sum(row.state == "correct" for row in self.rows)

    def __repr__(self):
        width = max((len(row.key) for row in self.rows), default=0)
        lines = [f"{self.num_correct} of {len(self.rows)} exercises are correct."]
        for row in self.rows:
            lines.append(f"{row.lesson}  {SYMBOLS[row.state]} {row.key:<{width}}  {row.words}")
        return "\n".join(lines)

    def _repr_html_(self):
        body = "".join(
            f"<tr><td>{row.lesson}</td><td><code>{html.escape(row.key)}</code></td>"
            f'<td style="text-align:left">{html.escape(row.title)}</td>'
            f'<td style="text-align:left">{SYMBOLS[row.state]} {row.words}</td></tr>'
            for row in self.rows
        )
        return (
            f"<p><b>{self.num_correct} of {len(self.rows)}</b> exercises are correct.</p>"
            "<table><thead><tr><th>Lesson</th><th>Exercise</th><th></th><th>So far</th></tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def progress():
    """Show what is done so far.

    Returns:
        Progress, with a row for every exercise of the lessons that are here.
    """
    known = _read()
    rows = []
    for lesson, exercises in exercises_by_lesson()[0].items():
        for exercise in exercises:
            entry = known.get(exercise.key, {})
            state = entry.get("state") if entry.get("state") in ("correct", "wrong") else "open"
            seen = bool(entry.get("solution_seen"))
            rows.append(ProgressRow(lesson, exercise.key, exercise.title, state, seen))
    return Progress(tuple(rows))


def record(key, *, state=None, solution_seen=None):
    """Remember how an exercise went. Does nothing where nobody watches; says once where it cannot be written.

    Args:
        key: str.
        state: "correct" or "wrong"; None leaves it. What was correct once stays correct.
        solution_seen: True, or None to leave it.
    """
    if _nobody_watches():
        return
    try:
        path = progress_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), timeout=WAIT_S, stale_after=GONE_S):
            _add(key, state, solution_seen)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: there is no home folder
        _say_once(error)


def _add(key, state, solution_seen):
    known = _read()
    entry = dict(known.get(key, {}))
    if state and entry.get("state") != "correct":
        entry["state"] = state
    if solution_seen:
        entry["solution_seen"] = True
    if entry != known.get(key, {}):
        _write(known | {key: entry})


def _say_once(error):
    if not _said:
        _said.append(error)
        say(
            f"! Your progress cannot be kept ({type(error).__name__}: {error}); all else works. To keep it, "
            "set COURSE_PROGRESS to a file in a folder of your own, and restart the kernel."
        )


def progress_file():
    """Tell where progress is kept: $COURSE_PROGRESS, else a file in the platform's folder for settings."""
    if chosen := chosen_path("COURSE_PROGRESS"):
        return chosen
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "how-a-vit-sees" / "progress.json"


def _nobody_watches():
    return any(os.environ.get(name) for name in UNWATCHED)


def _read():
    """Read {key: entry}; empty where nobody watches, or the file is missing, damaged or of another kind."""
    if _nobody_watches():
        return {}
    try:
        content = json.loads(progress_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError, RecursionError):
        return {}
    exercises = content.get("exercises") if isinstance(content, dict) else None
    if not isinstance(exercises, dict):
        return {}
    return {key: entry for key, entry in exercises.items() if isinstance(entry, dict)}


def _write(exercises):
    path = progress_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": 1, "exercises": exercises}, indent=1, ensure_ascii=False, sort_keys=True)
    handle, name = tempfile.mkstemp(prefix=path.name, suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
