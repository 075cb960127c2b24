"""On the command line a refusal is a sentence and status 2; a fault of the course keeps its traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.train.recipe import find_recipe
from helpers.train.refusals import in_a_sentence

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def a_backend_that_is_one(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "tensorflow"))


def test_the_courses_refusal_is_its_sentence(capsys):
    assert in_a_sentence(lambda: find_recipe("nonsense")) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("Unknown recipe 'nonsense': expected one of ")
    assert len(told.err.splitlines()) == 1


def test_a_file_that_cannot_be_had_is_told(capsys, tmp_path):
    assert in_a_sentence(lambda: (tmp_path / "nowhere" / "x").write_text("")) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_what_is_no_refusal_keeps_its_traceback():
    with pytest.raises(ValueError, match="invalid literal"):
        in_a_sentence(lambda: int("x"))
    with pytest.raises(ZeroDivisionError):
        in_a_sentence(lambda: 1 / 0)
    with pytest.raises(SystemExit):
        in_a_sentence(lambda: sys.exit(3))


def test_otherwise_the_status_is_the_commands():
    assert [in_a_sentence(lambda status=status: status) for status in (0, 1, 130)] == [0, 1, 130]


def test_a_backend_that_is_none_is_told(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert in_a_sentence(lambda: pytest.fail("it ran")) == 2
    assert "KERAS_BACKEND chooses the backend 'theano'" in capsys.readouterr().err


def test_the_command_does_so(tmp_path):
    command = [
        "--data",
        "shapes",
        "--model",
        "cifar/4",
        "--recipe",
        "nonsense",
        "--out",
        str(tmp_path / "run"),
    ]
    result = subprocess.run(
        [sys.executable, "-m", "helpers.train", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("Unknown recipe 'nonsense'")
    assert "Traceback" not in result.stderr
