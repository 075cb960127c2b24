"""`check` takes nothing for an answer that the learner did not write, and records nothing for it."""

import functools

import numpy as np
import pytest
from own_exercise import double_rows

from helpers.course import checks, progress
from helpers.course.checks import NOT_YOURS, check
from helpers.course.exercises import exercises_by_lesson
from helpers.model import patches

EXERCISES = [exercise for lesson in exercises_by_lesson()[0].values() for exercise in lesson]


@pytest.fixture
def recorded(monkeypatch):
    keys = []
    monkeypatch.setattr(checks, "record", lambda key, **_: keys.append(key))
    return keys


def stub(values, scale=2.0):
    return None  # noqa: RET501 - as in a lesson


def test_what_check_has_handed_back_is_no_answer(own, recorded):
    """The stub is run once; then the check alone, because the `def` has another name or stands elsewhere."""
    handed_back, _ = own(stub)
    assert handed_back is double_rows
    again, line = own(handed_back)
    assert again is double_rows
    assert NOT_YOURS in line and line.startswith("○")
    assert recorded == []


def test_a_wrong_answer_then_the_old_name(own, recorded):
    handed_back, _ = own(lambda values, scale=2.0: values)
    assert NOT_YOURS in own(handed_back)[1]
    assert len(recorded) == 1  # the wrong answer


@pytest.mark.parametrize(
    "wrap",
    [
        lambda f: functools.partial(f),
        lambda f: functools.partial(functools.partial(f)),
        lambda f: functools.wraps(f)(lambda *args, **kwargs: f(*args, **kwargs)),
    ],
    ids=["partial", "partial of a partial", "wraps"],
)
def test_a_wrapper_round_it_changes_nothing(own, wrap):
    handed_back, _ = own(stub)
    assert NOT_YOURS in own(wrap(handed_back))[1]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_the_reference_is_nobodys_answer_on_any_exercise(exercise, recorded, capsys):
    reference = exercise.load_reference()
    assert check(exercise.key, reference) is reference
    assert NOT_YOURS in capsys.readouterr().out
    assert recorded == []


def test_another_function_of_the_course_is_nobodys_answer(recorded, capsys):
    assert check("patches.num_patches", patches.extract_patches) is patches.num_patches
    assert NOT_YOURS in capsys.readouterr().out
    assert recorded == []


def test_a_function_that_calls_the_courses_own_is_the_learners(recorded, capsys):
    def mine(image_size, patch_size):
        return patches.num_patches(image_size, patch_size)

    assert check("patches.num_patches", mine) is mine
    assert capsys.readouterr().out == "● patches.num_patches: correct.\n"
    assert recorded == ["patches.num_patches"]


def test_a_correct_answer_stays_correct_when_its_cell_is_run_again(own, recorded):
    """Its name then holds what `check` handed back: the answer itself, or the answer in its coat."""
    for answer in (lambda values, scale=2.0: values * scale, lambda v, scale=2.0: (v * scale).tolist()):
        once, _ = own(answer)
        twice, line = own(once)
        assert line.endswith("correct.")
        assert type(twice(np.ones((1, 1)))) is np.ndarray
    assert len(recorded) == 4


def test_progress_keeps_nothing_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "UNWATCHED", ())
    check("patches.num_patches", patches.num_patches)
    assert progress.progress().num_correct == 0
    assert not (tmp_path / "progress.json").exists()
