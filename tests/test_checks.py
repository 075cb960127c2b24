"""What a learner calls around an exercise: check, hint, solution, the card."""

import dataclasses
import subprocess
import sys

import pytest
from own_exercise import own_exercise, unscaled

from helpers.course import checks
from helpers.course.checks import check, exercise_card, hint, solution
from helpers.course.exercise import Mutant
from helpers.course.exercises import exercises_by_lesson

LESSONS, _ = exercises_by_lesson()
EXERCISES = [exercise for lesson in LESSONS.values() for exercise in lesson]


# When the course itself is at fault


def test_an_unknown_key_names_its_neighbours_and_hands_the_function_back(capsys):
    assert check("patches.extract_patch", len) is len
    printed = capsys.readouterr().out
    assert printed.startswith(
        "! There is no exercise 'patches.extract_patch': did you mean 'patches.extract_patches'"
    )
    assert check(17, len) is len


def test_a_helper_that_cannot_be_loaded_does_not_break_the_lesson(own, capsys):
    result, line = own(len, reference="helpers.model.no_such_module:f")
    assert result is len
    assert "could not be loaded (ModuleNotFoundError" in line


def test_a_broken_lesson_file_leaves_the_others(monkeypatch, capsys):
    monkeypatch.setattr(
        checks, "exercises_by_lesson", lambda: ({"01": LESSONS["01"]}, {"02": SyntaxError("bad")})
    )
    assert check("patches.num_patches", lambda image_size, patch_size: 3) is not None
    check("tokens.project", len)
    assert "the exercises of lesson 02 could not be loaded (bad)" in capsys.readouterr().out


def test_a_reference_that_fails_is_not_the_learners_fault(monkeypatch, capsys):
    exercise = own_exercise(cases=lambda: [("text",), ("text",)], reference="math:sqrt")
    monkeypatch.setattr(checks, "exercises_by_lesson", lambda: ({"99": (exercise,)}, {}))
    check(exercise.key, lambda values: 3)
    assert "! own.double_rows: the check itself failed" in capsys.readouterr().out


def test_finding_exercises_needs_neither_tensorflow_nor_keras():
    code = (
        "import sys\nfrom helpers.course.exercises import exercises_by_lesson\n"
        "from helpers.course.checks import check\nfrom helpers.course.quiz import quiz\n"
        "assert exercises_by_lesson()[0]\nprint(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "NoDot"},
        {"reference": "helpers.model.patches.extract_patches"},
        {"hints": ("one", "two")},
        {"mutants": (Mutant(unscaled, "one."),)},
        {"difficulty": 6},
    ],
)
def test_an_incomplete_exercise_is_refused(changes):
    with pytest.raises(ValueError, match="expected"):
        own_exercise(**changes)


def test_an_exercise_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        own_exercise().minutes = 3


# hint, solution, card


def test_hints_come_one_by_one(capsys):
    exercise = LESSONS["01"][0]
    for level in (1, 2, 3):
        hint(exercise.key, level)
        assert (
            capsys.readouterr().out == f"Hint {level} of 3 for {exercise.key}: {exercise.hints[level - 1]}\n"
        )
    hint(exercise.key, 4)
    assert "hints 1, 2 and 3" in capsys.readouterr().out
    hint("no.such")
    assert "There is no exercise" in capsys.readouterr().out


def test_the_solution_is_the_helpers_own_source(capsys):
    solution("patches.extract_patches")
    printed = capsys.readouterr().out
    assert printed.startswith(
        "The solution of patches.extract_patches is extract_patches in helpers/model/patches.py.\n"
    )
    assert "def extract_patches(images, patch_size):" in printed and "ops.transpose" in printed


def test_in_a_notebook_the_solution_is_markdown_with_a_fixed_twin(monkeypatch):
    import IPython

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": 1})())
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    solution("patches.extract_patches")
    assert (
        shown[0]["text/plain"]
        == "The solution of patches.extract_patches is extract_patches in helpers/model/patches.py."
    )
    assert "```python\ndef extract_patches(" in shown[0]["text/markdown"]


def test_the_card(capsys):
    exercise_card("patches.extract_patches")
    assert capsys.readouterr().out == (
        "Cut images into patches · difficulty ●●●○○ · importance ●●●●● · 15 minutes\n"
    )


def test_a_console_without_circles_gets_a_line_all_the_same():
    code = "from helpers.course.checks import check\ncheck('welcome.mean_colour', lambda image: None)"
    result = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "COURSE_RUNNER": "1"},
        capture_output=True,
    )
    assert b"? welcome.mean_colour: not attempted yet." in result.stdout, result.stderr
