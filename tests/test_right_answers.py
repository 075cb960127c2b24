"""Right answers in every form are correct, and what `check` hands back is of the reference's kind of array.

So what follows in a lesson cannot tell the learner's answer from the course's own; for lessons whose cells go
on with NumPy this is tried as well, cell by cell, against what the lesson printed with the course's own.
"""

import functools
import socket

import numpy as np
import pytest
from lesson_cells import cells_of, cells_that_follow, run_cell
from right_answers import answer_to

from helpers.course.checks import check
from helpers.course.exercises import exercises_by_lesson
from helpers.course.forms import form_of, in_other_floats, in_tensors
from helpers.course.snapshots import to_numpy
from helpers.model import pretrained

pytestmark = [
    pytest.mark.usefixtures("hasty"),
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
]

EXERCISES = {exercise.key: exercise for lesson in exercises_by_lesson()[0].values() for exercise in lesson}
NETWORKS = {"receptive_field.effective_receptive_field"}  # a gradient through a network for each call


def mapped(value, leaf):
    if isinstance(value, dict):
        return {name: mapped(part, leaf) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(part, leaf) for part in value)
    return leaf(value)


def as_tensor(value):
    from keras import ops

    return ops.convert_to_tensor(value)


def as_float64(value):
    array = np.asarray(value)
    return array.astype("float64") if array.dtype.kind == "f" else array


def as_matrix(value):
    return np.matrix(value) if getattr(value, "ndim", 0) == 2 else value


def as_masked(value):
    return np.ma.asarray(value) if isinstance(value, np.ndarray) else value


FORMS = {
    "as it is": lambda value: value,
    "tensor": lambda value: mapped(value, as_tensor),
    "list": lambda value: mapped(value, lambda part: np.asarray(part).tolist()),
    "float64": lambda value: mapped(value, as_float64),
    "matrix": lambda value: mapped(value, as_matrix),
    "masked": lambda value: mapped(value, as_masked),
    "list for tuple": lambda value: list(value) if isinstance(value, tuple) else value,
}


def in_form(key, form):
    """Give the right answer to an exercise, which takes arguments of any kind and answers in a form."""
    answer = answer_to(key)

    def plain(value):
        if isinstance(value, list):
            return [plain(part) for part in value]
        return to_numpy(value) if hasattr(value, "__array__") else value

    @functools.wraps(answer)
    def formed(*args, **kwargs):
        values = answer(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
        return FORMS[form](values)

    return formed


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", EXERCISES)
def test_a_right_answer_comes_back_in_the_references_form(key, form, capsys):
    if key in NETWORKS and form not in ("as it is", "tensor"):
        pytest.skip("a gradient through a network for each call")
    exercise, reference = EXERCISES[key], EXERCISES[key].load_reference()
    back = check(key, in_form(key, form))
    assert capsys.readouterr().out == f"● {key}: correct.\n"
    changes = [lambda case: case] if key in NETWORKS else [lambda case: case, in_other_floats, in_tensors]
    for change in changes:
        for case in exercise.make_cases():
            if case.may_be_refused:
                continue
            case = change(case)
            try:
                expected = form_of(reference(*case.args, **case.kwargs))
            except Exception:  # tensors, which this one does not take
                continue
            assert form_of(back(*case.args, **case.kwargs)) == expected


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


@pytest.mark.parametrize("lesson", ["06", "07", "08", "14"])
def test_a_lesson_goes_on_with_tensors_as_with_the_courses_own(lesson, closed_world):
    namespace = {"__name__": "__main__"}
    for cell in cells_that_follow(cells_of(lesson)):
        if cell.key:
            namespace[cell.answer] = check(cell.key, in_form(cell.key, "tensor"))
            continue
        printed = run_cell(cell, namespace)
        if cell.printed is not None:
            missing = set(cell.printed.splitlines()) - set(printed.splitlines())
            assert not missing, f"cell {cell.number} prints {printed}"


def test_what_can_be_given_by_name_alone_is_told(monkeypatch, capsys, tmp_path):
    """ "Expected (a, b), but it takes (a, b)" would help nobody: the star is shown, and what it means."""
    from helpers.course.checks import check

    def by_name(*, image_size, patch_size):
        return (image_size // patch_size) ** 2

    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    check("patches.num_patches", by_name)
    said = capsys.readouterr().out
    assert "expected (image_size, patch_size), but it takes (*, image_size, patch_size)" in said
    assert "by name alone, and `image_size` comes by its place" in said
