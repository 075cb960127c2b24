"""Every lesson's exercises: whole, told apart from one another, and safe from answers of any kind."""

import numpy as np
import pytest

from helpers.course.checks import FALLBACK, check
from helpers.course.diagnosis import CORRECT, NOT_ATTEMPTED, WRONG, diagnose
from helpers.course.exercises import exercises_by_lesson, lesson_numbers, load_lesson
from helpers.course.snapshots import identical, snapshot
from helpers.course.trials import agree, mutant_outcome

LESSONS, BROKEN = exercises_by_lesson()
EXERCISES = [exercise for lesson in LESSONS.values() for exercise in lesson]
pytestmark = pytest.mark.usefixtures("hasty")
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)


def test_every_lesson_loads():
    assert BROKEN == {}
    assert {"00", "01"} <= set(lesson_numbers())


def test_load_lesson_takes_numbers_and_names_what_there_is():
    assert load_lesson(1) is load_lesson("01")
    with pytest.raises(ValueError, match="expected one of 00, 01"):
        load_lesson("77")


def test_keys_are_unique():
    keys = [exercise.key for exercise in EXERCISES]
    assert len(keys) == len(set(keys))


@each_exercise
def test_the_reference_does_its_own_cases(exercise):
    reference = exercise.load_reference()
    assert diagnose(exercise, reference, reference).kind == CORRECT


@each_exercise
def test_a_stub_is_not_attempted_yet(exercise, capsys):
    def stub(*args, **kwargs):
        """What to write."""
        return None  # noqa: RET501 - as in a lesson

    reference = exercise.load_reference()
    answer = type("Stub", (), {"__init__": stub, "call": stub}) if isinstance(reference, type) else stub
    assert check(exercise.key, answer) is reference
    assert capsys.readouterr().out == f"○ {exercise.key}: not attempted yet. {FALLBACK}\n"


@each_exercise
def test_every_mutant_is_told_what_it_is(exercise):
    reference = exercise.load_reference()
    for mutant in exercise.mutants:
        verdict = diagnose(exercise, mutant.function, reference)
        assert verdict.kind == WRONG, f"{mutant.function.__name__} is taken for right: add a case"
        assert verdict.words == mutant.message, f"{mutant.function.__name__} is taken for another mistake"


@each_exercise
def test_no_two_mutants_agree_on_all_cases(exercise):
    numbers = range(len(exercise.make_cases()))
    outcomes = [[mutant_outcome(exercise, mutant, n) for n in numbers] for mutant in exercise.mutants]
    for i, one in enumerate(outcomes):
        for j, other in enumerate(outcomes[:i]):
            alike = all(
                type(a.error) is type(b.error) and agree(a.value, b.value, exercise.tolerance)
                for a, b in zip(one, other)
            )
            names = [exercise.mutants[k].function.__name__ for k in (j, i)]
            assert not alike, f"{' and '.join(names)} give the same on every case: add a case, or drop one"


with_switches = pytest.mark.parametrize(
    "exercise", [e for e in EXERCISES if e.switches], ids=lambda exercise: exercise.key
)


@with_switches
def test_without_a_slip_the_switches_are_right_and_each_slip_is_seen(exercise):
    reference, switches = exercise.load_reference(), exercise.switches
    assert diagnose(exercise, switches.function, reference).kind == CORRECT
    for slipped in [m for m in switches.mutants() if "slips at once" not in m.message]:
        assert diagnose(exercise, slipped.function, reference).kind == WRONG, slipped.message


@with_switches
def test_two_slips_at_once_are_named_as_two(exercise):
    reference = exercise.load_reference()
    named = [m for m in exercise.switches.mutants() if m.message.startswith("two slips at once")]
    said = [
        diagnose(exercise, slipped.function, reference).words for slipped in named[:: len(named) // 9 + 1]
    ]
    assert sum(words.startswith("two slips at once") for words in said) > len(said) / 2, said


@each_exercise
def test_a_mutant_that_comes_as_a_list_or_a_tensor_is_named_as_well(exercise):
    if exercise.probe is not None:
        pytest.skip("its answer is no array")
    from keras import ops

    def as_lists(value):
        if isinstance(value, dict):
            return {name: as_lists(part) for name, part in value.items()}
        return [as_lists(part) for part in value] if isinstance(value, tuple) else np.asarray(value).tolist()

    def as_tensors(value):
        if isinstance(value, dict):
            return {name: as_tensors(part) for name, part in value.items()}
        return tuple(map(as_tensors, value)) if isinstance(value, tuple) else ops.convert_to_tensor(value)

    mutant, reference = exercise.mutants[0], exercise.load_reference()
    for form in (as_lists, as_tensors):
        verdict = diagnose(exercise, lambda *a, f=form, **k: f(mutant.function(*a, **k)), reference)
        assert verdict.words == mutant.message


@each_exercise
def test_its_texts_are_whole(exercise):
    messages = [mutant.message for mutant in exercise.mutants]
    assert len(messages) == len(set(messages)) >= 2
    assert all(message.endswith((".", "?", "!")) for message in messages), messages
    assert not any("\n" in text or text != text.strip() for text in [*messages, *exercise.hints])
    assert len(set(exercise.hints)) == 3


@each_exercise
def test_its_cases_are_always_the_same_and_more_than_one(exercise):
    first, second = exercise.make_cases(), exercise.make_cases()
    assert len(first) == len(second) >= 2
    for a, b in zip(first, second):
        assert identical(snapshot(a.args), snapshot(b.args))
        assert identical(snapshot(a.kwargs), snapshot(b.kwargs))
        for one, other in zip(a.args, b.args):
            assert not (isinstance(one, np.ndarray) and np.shares_memory(one, other)), "made anew each time"


@each_exercise
@pytest.mark.parametrize(
    "answer",
    [lambda *a, **k: "text", lambda *a, **k: 1 / 0, lambda *a, **k: np.nan, [], 3],
    ids=["text", "exception", "NaN", "list", "number"],  # names, not addresses: two test processes must agree
)
def test_no_hostile_answer_gets_through(exercise, answer):
    verdict = diagnose(exercise, answer, exercise.load_reference())
    assert verdict.kind == WRONG
    assert verdict.words.endswith((".", "?"))


def test_a_stub_that_keeps_its_docstring_is_still_a_stub():
    exercise = LESSONS["01"][0]

    def stub(image_size, patch_size):
        """Count the patches."""

    assert diagnose(exercise, stub, exercise.load_reference()).kind == NOT_ATTEMPTED
