"""A learner's own file with the name of a module: found, named, and told how to get out of the way."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from helpers import shadows
from helpers.shadows import NameTaken, find_shadows, forget_strangers, refuse_shadows

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = os.path.dirname(os.path.dirname(pytest.__file__))
PYTHON = os.path.dirname(os.__file__)


@pytest.fixture
def folder(tmp_path):
    for name in (
        "keras.py",
        "random.py",
        "notes.py",
        "my.random.py",
        "01_lesson.ipynb",
        "test.py",
        "data.py",
    ):
        (tmp_path / name).write_text("")
    for name in ("copy", "matplotlib", "own"):
        (tmp_path / name).mkdir()
    (tmp_path / "copy" / "__init__.py").write_text("")
    return tmp_path


def names(found):
    return [os.path.basename(file) for file in found]


def test_what_would_be_loaded_instead_is_found_and_nothing_else(folder):
    """`matplotlib` is a folder without __init__.py, which Python passes by where there is the real one."""
    path = [str(folder), PYTHON, PACKAGES]
    assert names(find_shadows(path, [folder])) == ["copy", "keras.py", "random.py"]
    assert find_shadows(path, [folder])[1] == str(folder / "keras.py")


def test_what_comes_after_the_real_one_is_not_in_the_way(folder):
    """A kernel looks into the lesson's folder after Python's own modules and before the packages."""
    assert names(find_shadows([PYTHON, str(folder), PACKAGES], [folder])) == ["keras.py"]
    assert find_shadows([PYTHON, PACKAGES, str(folder)], [folder]) == []


def test_only_the_learners_folders_are_looked_at(folder):
    assert find_shadows([str(folder), PYTHON, PACKAGES], [folder / "own"]) == []


def test_the_folder_of_the_lesson_is_the_one_where_python_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert names(find_shadows(["", PYTHON, PACKAGES])) == ["copy", "keras.py", "random.py"]


def test_the_courses_own_folders_are_free_of_them():
    assert find_shadows([str(ROOT), str(ROOT / "notebooks"), PYTHON, PACKAGES]) == []


def test_in_a_notebook_it_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(shadows, "find_shadows", lambda: [str(folder / "keras.py"), str(folder / "copy")])
    with pytest.raises(NameTaken) as caught:
        refuse_shadows()
    (line,) = caught.value._render_traceback_()
    assert line.startswith(f"{folder / 'keras.py'} has the name of the module keras")
    assert "rename it (my_keras, say), then restart the kernel" in line
    assert line.endswith(f"So do {folder / 'copy'}.")


@pytest.mark.parametrize("command", ["-c from helpers.course.setup import start", "-m helpers.course.doctor"])
@pytest.mark.parametrize("name", ["random", "copy", "keras"])
def test_on_the_command_line_it_is_the_sentence_alone(tmp_path, name, command):
    """`python -m` and `python -c` look into the folder where they run first of all."""
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one was loaded')")
    option, _, rest = command.partition(" ")
    result = subprocess.run(
        [sys.executable, option, rest],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith(f"{tmp_path / name}.py has the name of the module {name}")
    assert len(result.stderr.splitlines()) == 1


def test_another_package_helpers_is_forgotten_and_ours_stays(monkeypatch):
    theirs, ours = types.ModuleType("helpers.theirs"), types.ModuleType("helpers.ours")
    theirs.__file__, ours.__file__ = "/elsewhere/helpers/theirs.py", str(ROOT / "helpers" / "ours.py")
    monkeypatch.setitem(sys.modules, "helpers.theirs", theirs)
    monkeypatch.setitem(sys.modules, "helpers.ours", ours)
    forget_strangers()
    assert "helpers.theirs" not in sys.modules and sys.modules["helpers.ours"] is ours
    assert sys.modules["helpers.shadows"] is shadows
