"""Progress is kept in one file, survives damage, and leaves no trace where nobody watches."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.course.checks import check, solution
from helpers.course.progress import UNWATCHED, progress, progress_file, record

module = sys.modules[progress.__module__]
ROOT = Path(__file__).resolve().parents[1]

KEY = "patches.num_patches"


@pytest.fixture
def file(monkeypatch, tmp_path):
    """A learner's own file: as if neither pytest nor the runner were there."""
    monkeypatch.setattr(module, "UNWATCHED", ())
    monkeypatch.setattr(module, "_said", [])
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "new folder" / "progress.json"))
    return tmp_path / "new folder" / "progress.json"


def row(key=KEY):
    return next(row for row in progress().rows if row.key == key)


def test_nothing_is_done_at_first(file):
    assert progress().num_correct == 0
    assert {row.state for row in progress().rows} == {"open"}
    assert not file.exists()


def test_checks_and_solutions_are_remembered(file, capsys):
    check(KEY, lambda image_size, patch_size: None)
    assert not file.exists()
    check(KEY, lambda image_size, patch_size: 3)
    assert (row().state, row().solution_seen) == ("wrong", False)
    solution(KEY)
    assert (row().state, row().solution_seen) == ("wrong", True)
    check(KEY, lambda size, patch: size[0] // patch * (size[1] // patch))
    assert (row().state, row().solution_seen) == ("correct", True)
    assert json.loads(file.read_text(encoding="utf-8"))["exercises"][KEY]["state"] == "correct"
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_what_was_correct_stays_correct(file):
    record(KEY, state="correct")
    record(KEY, state="wrong")
    assert row().state == "correct"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"exercises": 3}',
        b'{"exercises": {"patches.num_patches": 1}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
    ids=lambda damage: repr(damage[:14]),
)
def test_a_damaged_file_counts_as_empty_and_is_mended(file, damage):
    file.parent.mkdir()
    file.write_bytes(damage)
    assert row().state == "open"
    record(KEY, state="correct")
    assert row().state == "correct"


def test_an_unknown_state_counts_as_open(file):
    file.parent.mkdir()
    file.write_text(json.dumps({"exercises": {KEY: {"state": ["odd"]}}}))
    assert row().state == "open"


def test_a_file_that_cannot_be_written_is_left_alone(file, monkeypatch, capsys):
    file.parent.mkdir()
    file.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)

    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # root may write anywhere
    check(KEY, lambda image_size, patch_size: 3)
    first, second = capsys.readouterr().out, check(KEY, lambda image_size, patch_size: 3)
    assert "✗" in first and second is not None
    assert first.count("Your progress cannot be kept (PermissionError") == 1 and "COURSE_PROGRESS" in first
    assert "progress" not in capsys.readouterr().out, "once is enough"
    file.parent.chmod(stat.S_IRWXU)
    assert not file.exists()


def test_a_folder_in_the_place_of_the_file_is_no_matter(file):
    file.mkdir(parents=True)
    record(KEY, state="correct")
    assert row().state == "open"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(file, monkeypatch):
    record(KEY, state="wrong")
    before = file.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    record(KEY, state="correct")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_of_many_that_record_at_once_every_entry_is_kept(file):
    """Four notebooks, ten exercises each: each reads what is there, adds its own and writes all of it."""
    code = (
        "import sys\nfrom helpers.course import progress\nprogress.UNWATCHED = ()\nsys.stdin.readline()\n"
        "for n in range(10):\n    progress.record(f'own.{sys.argv[1]}_{n}', state='correct')"
    )
    notebooks = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number)],
            cwd=ROOT,
            env=os.environ | {"COURSE_PROGRESS": str(file)},
            stdin=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for notebook in notebooks:  # all of them are loaded by now, or soon; then they go off together
        notebook.stdin.write("go\n")
        notebook.stdin.flush()
    assert [notebook.wait() for notebook in notebooks] == [0] * 4
    kept = json.loads(file.read_text(encoding="utf-8"))["exercises"]
    assert len(kept) == 40
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("name", UNWATCHED)
def test_no_trace_is_left_where_nobody_watches(file, monkeypatch, name):
    record(KEY, state="correct")
    before = file.read_bytes()
    monkeypatch.setattr(module, "UNWATCHED", (name,))
    monkeypatch.setenv(name, "1")
    record("patches.extract_patches", state="correct")
    assert file.read_bytes() == before
    assert progress().num_correct == 0, "outputs must be the same for everybody"


def test_the_twin_and_the_table(file):
    record(KEY, state="correct")
    record("patches.extract_patches", state="wrong", solution_seen=True)
    text, html = repr(progress()), progress()._repr_html_()
    assert text.startswith(f"1 of {len(progress().rows)} exercises are correct.\n")
    assert re.search(r"^01  ● patches\.num_patches +correct$", text, flags=re.MULTILINE)
    assert "✗ patches.extract_patches" in text and "tried, not right yet, solution seen" in text
    assert "<b>1 of" in html and "<code>patches.num_patches</code>" in html


def test_the_place_of_the_file_on_each_system(monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/settings")
    monkeypatch.setattr(sys, "platform", "linux")
    assert progress_file() == Path("/settings/how-a-vit-sees/progress.json")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert progress_file().parts[-4:-1] == ("Library", "Application Support", "how-a-vit-sees")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", "/roaming")
    assert progress_file() == Path("/roaming/how-a-vit-sees/progress.json")


def test_without_a_home_folder_the_course_goes_on(file, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    record(KEY, state="correct")
    assert row().state == "open"
