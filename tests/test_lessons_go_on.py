"""Every lesson goes on with a learner's tensors as with the course's own arrays, cell by cell.

Its exercises are answered rightly, in the backend's tensors; the cells that follow from them are run, and
must print what the lesson printed with the course's own.
"""

import os
import socket

import pytest
from answer_forms import in_form
from lesson_cells import cells_of, cells_that_follow, run_cell

from helpers.course.checks import check
from helpers.course.exercises import exercises_by_lesson
from helpers.model import pretrained

pytestmark = pytest.mark.usefixtures("hasty")

LESSONS = [lesson for lesson, found in exercises_by_lesson()[0].items() if found]
LONGEST_FIRST = sorted(LESSONS, key=lambda lesson: (lesson not in ("10", "09", "05"), lesson))


@pytest.fixture
def closed_world(monkeypatch, tmp_path):
    """No network, no CIFAR-10, fewer images: as the lessons are run in CI."""

    def unreachable(*_, **__):
        raise OSError("this test has no network")

    monkeypatch.setattr(pretrained, "load_pretrained", unreachable)
    monkeypatch.setattr(socket.socket, "connect", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("COURSE_CACHE", "KERAS_HOME", "XDG_CACHE_HOME", "HF_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("COURSE_FAST", "1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("lesson", LONGEST_FIRST)
def test_a_lesson_goes_on_with_tensors_as_with_the_courses_own(lesson, closed_world):
    namespace = {"__name__": "__main__", "os": os}  # which the set-up cell imports
    for cell in cells_that_follow(cells_of(lesson)):
        if cell.key:
            namespace[cell.answer] = check(cell.key, in_form(cell.key, "tensor"))
            continue
        printed = run_cell(cell, namespace)
        if cell.printed is not None:
            missing = set(cell.printed.splitlines()) - set(printed.splitlines())
            assert not missing, f"cell {cell.number} prints {printed}"
