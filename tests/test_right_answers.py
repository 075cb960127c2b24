"""Right answers in every form are correct, and what `check` hands back is of the reference's kind of array.

So what follows in a lesson cannot tell the learner's answer from the course's own: lesson by lesson, this is
tried in tests/test_lessons_go_on.py.
"""

import pytest
from answer_forms import FORMS, in_form

from helpers.course.checks import check
from helpers.course.exercises import exercises_by_lesson
from helpers.course.forms import form_of, in_other_floats, in_tensors

pytestmark = [
    pytest.mark.usefixtures("hasty"),
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
]

EXERCISES = {exercise.key: exercise for lesson in exercises_by_lesson()[0].values() for exercise in lesson}
NETWORKS = {"receptive_field.effective_receptive_field"}  # a gradient through a network for each call


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
