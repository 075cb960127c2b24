"""Colab, played: a `google.colab` module, an empty folder, no network, and the course in a bare repository.

The set-up cell is run as Colab would run it, in a fresh process of this environment. A stand-in for pip
writes down what it is asked to install, and installs nothing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers.course.badges import repository_address, setup_source
from helpers.course.runner import ROOT

NEVER_INSTALLED = {"tensorflow", "keras", "numpy", "ipywidgets", "ipython", "ipykernel"}

PIP = """
import json, os, sys
with open(os.environ["PIP_WAS_ASKED"], "a") as record:
    record.write(json.dumps(sys.argv[1:]) + "\\n")
"""

# A kernel without its sockets: the cell may use magics, and what it prints is what a learner would see.
SESSION = """
import os, sys
import google.colab
sys.modules.update(dict.fromkeys(os.environ["NOT_ON_COLAB"].split()))  # as if they were not installed
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in sys.argv[1:]:
    shell.run_cell(cell).raise_error()
"""

USE_THE_COURSE = """
import numpy as np
import helpers
from helpers.model.patches import extract_patches
print(helpers.__file__)
print(tuple(extract_patches(np.zeros((1, 8, 8, 3), "float32"), 4).shape))
"""


@pytest.fixture(scope="session")
def bare_repository(tmp_path_factory):
    """The working tree, as it is now, in a bare repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone of the course")
    tree, bare = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("bare") / "course.git"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--no-verify", "--message=the course"],
        ["clone", "--quiet", "--bare", ".", str(bare)],
    ):
        subprocess.run(["git", *command], cwd=tree, check=True, stdin=subprocess.DEVNULL)
    return bare


@pytest.fixture
def colab(tmp_path, bare_repository):
    """Run cells as Colab would, in a folder that starts empty; give what they printed and asked of pip."""
    content, stubs, record = tmp_path / "content", tmp_path / "stubs", tmp_path / "pip.jsonl"
    content.mkdir()
    for module, text in (("google/colab/__init__.py", ""), ("pip/__init__.py", ""), ("pip/__main__.py", PIP)):
        (stubs / module).parent.mkdir(parents=True, exist_ok=True)
        (stubs / module).write_text(text)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for script in ("pip", "pip3"):
        (scripts / script).write_text(f"#!{sys.executable}\n{PIP}")
        (scripts / script).chmod(0o755)

    def run(*cells, repository=bare_repository, missing=""):
        record.write_text("")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTEST_"))}
        result = subprocess.run(
            [sys.executable, "-c", SESSION, *cells],
            cwd=content,
            env=inherited
            | {
                "PYTHONPATH": f"{stubs}{os.pathsep}{ROOT / 'tests' / 'closed_world'}",
                "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "PIP_WAS_ASKED": str(record),
                "COURSE_REPOSITORY": str(repository),
                "MPLBACKEND": "Agg",
                "NOT_ON_COLAB": missing,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        asked = [json.loads(line) for line in record.read_text().splitlines()]
        return SimpleNamespace(code=result.returncode, printed=result.stdout, errors=result.stderr, pip=asked)

    run.content, run.stubs = content, stubs
    return run


SETUP = setup_source(repository_address())


def test_the_setup_cell_fetches_the_course_and_what_colab_has_is_never_installed_again(colab):
    session = colab(SETUP, USE_THE_COURSE)
    assert session.code == 0, session.printed + session.errors
    home, shape = session.printed.splitlines()[-2:]
    assert home.startswith(str(colab.content))
    assert shape == "(1, 4, 48)"
    assert session.pip == []


def test_what_is_missing_is_installed_without_what_it_would_bring(colab):
    session = colab(SETUP, missing="pooch skimage")
    assert session.code == 0, session.printed + session.errors
    words = [word for call in session.pip for word in call]
    names = {re.split(r"[\[<>=!~ @]", word)[0].lower() for word in words}
    assert {"pooch", "scikit-image"} <= names and not names & NEVER_INSTALLED
    assert all("--no-deps" in call for call in session.pip)
    assert not {"-U", "--upgrade", "--force-reinstall", "-r", "--requirement"} & set(words)


def test_a_second_run_of_the_cell_needs_no_repository(colab, tmp_path):
    assert colab(SETUP).code == 0
    again = colab(SETUP, USE_THE_COURSE, repository=tmp_path / "gone.git")
    assert again.code == 0, again.printed + again.errors


def test_the_cell_can_be_run_twice_in_one_session(colab):
    session = colab(SETUP, SETUP, USE_THE_COURSE)
    assert session.code == 0, session.printed + session.errors


def test_an_unreachable_course_is_said_in_one_clear_line(colab, tmp_path):
    session = colab(SETUP, repository=tmp_path / "gone.git")
    assert session.code != 0
    assert "gone.git" in session.printed + session.errors
