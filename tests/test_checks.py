"""Exercises and their checks: every lesson's exercises, and answers of every bad kind."""

import dataclasses
import functools
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from helpers.course import checks, diagnosis, limits
from helpers.course.checks import check, compare, exercise_card, hint, solution
from helpers.course.diagnosis import describe_case
from helpers.course.exercise import Case, Exercise, Mutant
from helpers.course.exercises import exercises_by_lesson, lesson_numbers, load_lesson
from helpers.course.sandbox import Group, Unusable, identical, run, snapshot

LESSONS, BROKEN = exercises_by_lesson()
EXERCISES = [exercise for lesson in LESSONS.values() for exercise in lesson]
FALLBACK = "The course's own version is used below."
PATIENCE = 250  # seconds for one call, on however busy a machine


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Give every function minutes, since a busy machine is no loop without end, but those in this list."""
    functions = []

    def run_patiently(function, case, *, seconds, **others):
        seconds = seconds if any(function is one for one in functions) else PATIENCE
        return run(function, case, seconds=seconds, **others)

    monkeypatch.setattr(diagnosis, "run", run_patiently)
    return functions


def line_of(capsys, key, answer):
    """Check an answer; give what came back and the mistake, without key and closing sentence."""
    result = check(key, answer)
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert printed.count("\n") == 1, printed
    assert "the check itself failed" not in printed
    return result, printed.strip().removeprefix(f"✗ {key}: ").removesuffix(f" {FALLBACK}")


# Every lesson's exercises


def test_every_lesson_file_loads():
    assert BROKEN == {}
    assert {"00", "01"} <= set(lesson_numbers())


def test_keys_are_unique():
    keys = [exercise.key for exercise in EXERCISES]
    assert len(keys) == len(set(keys))


each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)


@each_exercise
def test_the_helper_passes_its_own_check(exercise, capsys):
    reference = exercise.load_reference()
    assert check(exercise.key, reference) is reference
    assert capsys.readouterr().out == f"● {exercise.key}: correct.\n"


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
def test_every_mutant_is_told_what_it_is(exercise, capsys):
    for mutant in exercise.mutants:
        result, line = line_of(capsys, exercise.key, mutant.function)
        assert result is exercise.load_reference()
        assert line == mutant.message, f"{mutant.function.__name__} was taken for another mistake"


@each_exercise
def test_mutants_differ_from_one_another(exercise):
    def outcomes(mutant):
        cases = exercise.make_cases()
        tried = [run(mutant.function, c, seconds=PATIENCE, probe=exercise.probe) for c in cases]
        return [(type(o.error), o.value) for o in tried]

    everything = [outcomes(mutant) for mutant in exercise.mutants]
    for i, one in enumerate(everything):
        for j, other in enumerate(everything[:i]):
            alike = all(a[0] is b[0] and identical(a[1], b[1]) for a, b in zip(one, other))
            names = [exercise.mutants[k].function.__name__ for k in (i, j)]
            assert not alike, f"{' and '.join(names)} give the same on every case: add a case, or drop one"


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
def test_no_hostile_answer_gets_through(exercise, answer, capsys):
    result, line = line_of(capsys, exercise.key, answer)
    assert result is exercise.load_reference()
    assert line and "not attempted" not in line and "correct" not in line


# One exercise of our own, small and fast


def double_rows(values, scale=2.0):
    return np.asarray(values) * scale


def double_and_total(values):
    return {"double": np.asarray(values) * 2, "total": np.asarray(values).sum()}


def count(values):
    return int(np.asarray(values).size)


def count_signs(values):
    """How many values are below 3, and how many are not."""
    return np.array([(np.asarray(values) < 3).sum(), (np.asarray(values) >= 3).sum()])


def cases():
    values = np.arange(6, dtype="float32").reshape(2, 3) + 1
    return [(values,), (values[:, :2],), Case(values[:1], scale=3.0)]


def plain_cases():
    return [(np.arange(6.0).reshape(2, 3),), (np.arange(8.0).reshape(2, 4),)]


def transposed(values, scale=2.0):
    return (values * scale).T


def unscaled(values, scale=2.0):
    return values


def own_exercise(**changes):
    fields = {
        "key": "own.double_rows",
        "title": "Double the rows",
        "reference": f"{__name__}:double_rows",
        "cases": cases,
        "mutants": (
            Mutant(transposed, "the rows have become columns."),
            Mutant(unscaled, "nothing was scaled."),
        ),
        "hints": ("one.", "two.", "three."),
        "difficulty": 2,
        "importance": 4,
        "minutes": 5,
        "limit_s": 0.3,
    }
    return Exercise(**(fields | changes))


@pytest.fixture
def own(monkeypatch, capsys):
    """Try an answer on an exercise of our own; give what came back and the mistake."""

    def attempt(answer, **changes):
        exercise = own_exercise(**changes)
        monkeypatch.setattr(checks, "exercises_by_lesson", lambda: ({"99": (exercise,)}, {}))
        return line_of(capsys, exercise.key, answer)

    return attempt


def in_a_notebook(source, **names):
    """Define `answer` as a cell of a notebook would, among its globals."""
    namespace = {"np": np, **names}
    exec(source, namespace)  # noqa: S102
    return namespace["answer"]


def test_a_correct_answer_comes_back_itself(own):
    def answer(values, scale=2.0):
        return scale * values

    result, line = own(answer)
    assert result is answer
    assert line == "● own.double_rows: correct."


@pytest.mark.parametrize("backend", ["keras", "list of rows", "float64", "torch"])
def test_arrays_of_every_kind_are_taken(own, backend):
    torch = pytest.importorskip("torch") if backend == "torch" else None

    def answer(values, scale=2.0):
        if backend == "keras":
            from keras import ops

            return ops.convert_to_tensor(values) * scale
        if backend == "torch":
            return torch.tensor(values * scale, requires_grad=True)
        result = values.astype("float64") * scale
        return result if backend == "float64" else np.stack(list(result))

    assert own(answer)[0] is answer


def test_partial_lambda_and_object_are_functions(own):
    class Doubler:
        def __call__(self, values, scale=2.0):
            return values * scale

    def general(factor, values, scale=2.0):
        return factor * values * scale

    for answer in (lambda values, scale=2.0: values * scale, functools.partial(general, 1), Doubler()):
        assert own(answer)[0] is answer


def test_an_error_within_the_tolerance_is_correct_and_one_beyond_is_not(own):
    assert own(lambda values, scale=2.0: values * scale * 1.00001)[1].endswith("correct.")
    assert "times what is expected" in own(lambda values, scale=2.0: values * scale * 1.01)[1]


def test_the_tolerance_follows_the_size_of_the_values(own):
    """Values of a millionth, all of them wrong, are not taken for right because they are small."""
    tiny = {"cases": lambda: [(np.full((2, 3), 1e-6),), (np.full((1, 2), 1e-6),)]}
    assert not own(lambda values, scale=2.0: values * 0, **tiny)[1].endswith("correct.")


BAD_ANSWERS = {
    "shape": (
        "answer = lambda v, scale=2: (v * scale)[None]",
        "wrong shape: expected (2, 3), received (1, 2, 3)",
    ),
    "number": ("answer = lambda v, scale=2: 7.0", "expected (2, 3), received a single number"),
    "list": ("answer = lambda v, scale=2: (v * scale).tolist()", "is a list; expected one array"),
    "tuple": ("answer = lambda v, scale=2: (v * scale, 1)", "is a tuple; expected one array"),
    "text": ("answer = lambda v, scale=2: 'six'", "wrong shape"),
    "objects": (
        "answer = lambda v, scale=2: np.array([[{}] * 3] * 2)",
        "a ndarray of object, not of numbers",
    ),
    "generator": ("def answer(v, scale=2):\n    yield v", "use `return` and not `yield`"),
    "coroutine": ("async def answer(v, scale=2):\n    return v", "leave out `async`"),
    "function": ("answer = lambda v, scale=2: np.sum", "is a pair of brackets missing"),
    "class inside": ("answer = lambda v, scale=2: dict", "a class, not an array"),
    "object": ("answer = lambda v, scale=2: object()", "a object, not an array"),
    "symbolic": (
        "import keras\nanswer = lambda v, scale=2: keras.KerasTensor((2, 3))",
        "a symbolic KerasTensor",
    ),
    "NaN": (
        "def answer(v, scale=2):\n    v = v * scale\n    v[0, 0] = np.nan\n    return v",
        "holds NaN in 1 of 6 places",
    ),
    "complex": ("answer = lambda v, scale=2: v * (scale + 0j)", "holds complex numbers; expected floats"),
    "None at times": (
        "def answer(v, scale=2):\n    if v.shape == (2, 3):\n        return v * scale",
        "returns None for values of shape (2, 2): does every way",
    ),
    "input back, scaled": (
        "def answer(v, scale=2):\n    v *= scale\n    return v",
        "changes its argument `values`",
    ),
    "correct but changes": (
        "def answer(v, scale=2):\n    out = v * scale\n    v[:] = 0\n    return out",
        "changes its argument `values` in place",
    ),
    "wrong order": ("answer = lambda v, scale=2: (v * scale)[:, ::-1]", "right numbers in the wrong order"),
    "factor": ("answer = lambda v, scale=2: v", "nothing was scaled."),
    "offset": ("answer = lambda v, scale=2: v * scale + 0.5", "every value is 0.5 too large"),
    "one value": (
        "def answer(v, scale=2):\n    v = v * scale\n    v[0, -1] = 99\n    return v",
        "1 of 6 values are wrong: at [0, 2] expected 6, received 99",
    ),
    "some cases": (
        "def answer(v, scale=2):\n    return v * 2 if v.shape[0] > 1 else v * v",
        "Case: values of shape (1, 3), scale 3.0; other cases are right.",
    ),
    "exception": ("def answer(v, scale=2):\n    return v.reshape(7)", "ValueError in line 2: cannot reshape"),
    "bad exception": (
        "class Odd(Exception):\n    def __str__(self):\n        raise TypeError\n"
        "def answer(v, scale=2):\n    raise Odd",
        "Odd in line 5",
    ),
    "address": (
        "def answer(v, scale=2):\n    raise ValueError(f'{object()}')",
        "ValueError in line 2: <object object >.",
    ),
    "recursion": (
        "def answer(v, scale=2):\n    return answer(v)",
        "it calls itself without end (RecursionError",
    ),
    "exit": ("import sys\ndef answer(v, scale=2):\n    sys.exit(3)", "it leaves Python (SystemExit"),
    "generator exit": ("def answer(v, scale=2):\n    raise GeneratorExit", "GeneratorExit in line 2"),
    "undefined": (
        "def answer(v, scale=2):\n    return v * factor",
        "uses `factor`, which is not defined in line 2: run",
    ),
    "no import": (
        "def answer(v, scale=2):\n    return plt.imread(v)",
        "run `import matplotlib.pyplot as plt`",
    ),
    "unbound": ("def answer(v, scale=2):\n    w = w + v\n    return w", "UnboundLocalError in line 2"),
    "few parameters": (
        "def answer():\n    return 1",
        "wrong parameters: expected (values, scale), but it takes (nothing).",
    ),
    "other parameters": ("def answer(v):\n    return v * 2", "expected (values, scale), but it takes (v)."),
    "huge": (
        "def answer(v, scale=2):\n    return np.ones((10**6, 10**7))",
        "more memory than this machine has",
    ),
    "random": (
        "def answer(v, scale=2):\n    return np.random.rand(*v.shape)",
        "gives another result when it is called again",
    ),
    "class": ("class answer:\n    pass", "this is the class answer; a function is expected."),
    "value": ("answer = np.ones(3)", "this is a ndarray, not a function"),
    "nothing": ("answer = None", "this is a NoneType, not a function"),
}


@pytest.mark.parametrize("source, message", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_is_told_what_is_wrong(own, source, message):
    # The parameters are called v and scale; only the last case names one.
    result, line = own(in_a_notebook(source))
    assert result is double_rows
    assert message in line


def test_an_answer_that_keeps_something_is_wrong(own):
    calls = []

    def answer(values, scale=2.0):
        calls.append(values)
        return values * scale + (len(calls) > 3)

    assert "called again" in own(answer)[1]


def test_a_return_that_was_forgotten_is_not_a_stub(own):
    def forgotten(values, scale=2.0):
        result = values * scale  # noqa: F841

    assert own(forgotten)[1] == "it returns None. Is a `return` missing at its end?"


def test_a_function_that_works_in_place_returns_nothing(own):
    def filled(values, scale=2.0):
        doubled = values * scale
        result = doubled.sort()
        return result  # noqa: RET504

    assert own(filled)[1].startswith("it returns None. What works in place")


def test_work_that_still_ends_in_return_none_is_not_attempted(own):
    def begun(values, scale=2.0):
        rows = len(values)  # noqa: F841
        return None  # noqa: RET501

    assert "not attempted yet" in own(begun)[1]
    assert "not attempted yet" in own(lambda values, scale=2.0: None)[1]


@pytest.mark.parametrize(
    "name, value, source, advice",
    [
        ("np", 3, "np.multiply(values, scale)", "run `import numpy as np` again."),
        ("np", re, "np.multiply(values, scale)", "no longer means NumPy"),
        ("np", 3, "[np.abs(value) for value in values]", "no longer means NumPy"),
        ("ops", [], "ops.add(values, scale)", "run `from keras import ops` again."),
        ("keras", "", "keras.ops.add(1, 1)", "run `import keras` again."),
        ("plt", 1, "plt.imread(values)", "run `import matplotlib.pyplot as plt` again."),
        ("sum", 5, "sum(values)", "run `del sum`."),
    ],
)
def test_an_overwritten_name_is_found(own, name, value, source, advice):
    source = f"def answer(values, scale=2.0):\n    return {source}"
    line = own(in_a_notebook(source, **{name: value}))[1]
    assert f"`{name}` no longer means" in line
    assert advice in line


def test_a_name_that_is_not_used_may_be_overwritten(own):
    answer = in_a_notebook("def answer(values, scale=2.0):\n    return values * scale", np=3)
    assert own(answer)[0] is answer


def test_the_line_that_failed_is_shown(own):
    def answer(values, scale=2.0):
        total = values.sum()
        return total.reshape(5)

    assert "`return total.reshape(5)`" in own(answer)[1]


# Time, signals, threads, what leaks


LOOPS = {
    "pass": "while True: pass",
    "except": "while True:\n        try:\n            n = 1\n        except Exception:\n            pass",
    "bare except": "while True:\n        try:\n            n = 1\n        except:\n            pass",
    "sleep": "import time\n    time.sleep(1000)\n    return values",
}
in_a_thread_too = pytest.mark.parametrize("thread", [False, True], ids=["main thread", "other thread"])


def in_thread(function):
    """Call a function in a thread of its own, and wait for it."""
    worker = threading.Thread(target=function, daemon=True)
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive()


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
@in_a_thread_too
def test_a_loop_without_end_is_ended_and_not_tried_on_the_next_case(own, hasty, source, thread):
    if thread and "sleep" in source:
        pytest.skip("from another thread a call into C cannot be cut short")
    calls, found = [], []
    answer = in_a_notebook(f"def answer(values, scale=2.0):\n    calls.append(1)\n    {source}", calls=calls)
    hasty.append(answer)
    (in_thread if thread else lambda function: function())(lambda: found.append(own(answer)))
    assert found[0][0] is double_rows
    assert "did not come back within 0.3 seconds: is there a loop without end?" in found[0][1]
    assert len(calls) == 1


def test_a_call_that_comes_back_after_its_time_counts_as_late(own, hasty, monkeypatch):
    """From another thread a call into C cannot be cut short; once it is over, it is told all the same."""
    found, rung = [], threading.Event()
    interrupt = limits.ctypes.pythonapi.PyThreadState_SetAsyncExc

    def interrupt_and_tell(*arguments):
        interrupt(*arguments)
        rung.set()

    monkeypatch.setattr(limits.ctypes.pythonapi, "PyThreadState_SetAsyncExc", interrupt_and_tell)
    answer = in_a_notebook("def answer(values, scale=2.0):\n    rung.wait()\n    return values", rung=rung)
    hasty.append(answer)
    in_thread(lambda: found.append(own(answer)))
    assert "did not come back within 0.3 seconds: is there a loop without end?" in found[0][1]


def test_handlers_and_timers_of_others_are_put_back(monkeypatch):
    """A timer goes on with what was left of it less what the call took, by a clock that the test moves."""
    clock, rung, armed = [100.0], [], []
    setitimer = signal.setitimer

    def note(which, seconds, interval=0.0):
        armed.append((seconds, interval))
        return setitimer(which, seconds, interval)

    def take(seconds):
        clock[0] += seconds
        return "done"

    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    mine = signal.getsignal(signal.SIGALRM)
    others = signal.setitimer(signal.ITIMER_REAL, 5000, 7)
    try:
        left = signal.getitimer(signal.ITIMER_REAL)[0]
        monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(signal, "setitimer", note)
        assert limits.call_within(PATIENCE, lambda: take(1200)) == "done"
        assert signal.getsignal(signal.SIGALRM) is mine
        assert armed[:-1] == [(0, 0.0), (PATIENCE, limits.REPEAT_S), (0, 0.0)]
        assert 0 < armed[-1][0] <= left - 1200 and armed[-1][1] == 7
        with pytest.raises(limits.TimeUp):
            limits.call_within(0.1, lambda: threading.Event().wait(PATIENCE))
        assert signal.getsignal(signal.SIGALRM) is mine
        assert not rung
        with pytest.raises(limits.TimeUp):  # one that would have rung meanwhile rings at once
            limits.call_within(0.1, lambda: take(9000) and threading.Event().wait(PATIENCE))
        assert armed[-1] == (0.001, 7)
        while not rung:
            signal.pause()
    finally:
        setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)


def test_no_interruption_comes_late(monkeypatch):
    """The time ends in the moment in which the function comes back: what comes after it is left alone."""
    back, before = threading.Event(), set(threading.enumerate())
    interrupted = []

    class EndsTogether(threading.Event):
        def wait(self, timeout=None):
            if timeout is None:
                return super().wait()
            back.wait()
            return limits.TimeUp in interrupted  # at first: no, "the time is over"; then an end

    def interrupt(thread, error):
        interrupted.append(getattr(error, "value", error))

    with monkeypatch.context() as patch:
        patch.setattr(limits.threading, "Event", EndsTogether)
        patch.setattr(limits.ctypes.pythonapi, "PyThreadState_SetAsyncExc", interrupt)
        assert limits._with_watcher(PATIENCE, lambda: "done") == "done"
        [watcher] = set(threading.enumerate()) - before
        back.set()
        watcher.join()
    assert set(interrupted) == {None}  # called back, should one have been on its way


def test_keyboard_interrupt_passes_through(own):
    def answer(values, scale=2.0):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        own(answer)


def test_what_it_prints_draws_and_seeds_stays_inside(own):
    import matplotlib.pyplot as plt

    def answer(values, scale=2.0):
        for _ in range(10_000):
            print("flood")
        print("flood", file=sys.stderr)
        np.log(np.zeros(3))
        plt.figure()
        np.random.seed(5)  # noqa: NPY002
        return values * scale

    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    figures = plt.get_fignums()
    assert own(answer)[0] is answer
    assert np.random.random() == expected  # noqa: NPY002
    assert plt.get_fignums() == figures


def test_the_limit_of_memory_is_set_and_taken_back():
    pytest.importorskip("resource")
    code = (
        "import resource\nfrom helpers.course.limits import memory_limit\n"
        "limit = lambda: resource.getrlimit(resource.RLIMIT_AS)\nbefore = limit()\n"
        "with memory_limit():\n    inside = limit()\nprint(limit() == before, inside != before)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    free = limits.available_memory() is not None and limits.address_space() is not None
    gpu = any(Path(device).exists() for device in limits.GPU_DEVICES)
    assert result.stdout.split() == ["True", str(free and not gpu)], result.stderr


def test_the_answer_cannot_reach_the_expected_result(own):
    """What it returned is copied, and while it runs there is no expected result."""
    kept, seen = [], []

    def answer(values, scale=2.0):
        for earlier in kept:
            earlier[:] = -1
        frame = sys._getframe()
        while frame:
            seen.extend(name for name in frame.f_locals if name == "expected")
            frame = frame.f_back if frame.f_code.co_name != "diagnose" else None
        kept.append(values * scale)
        return kept[-1]

    result, line = own(answer)
    assert result is answer, line
    assert not seen


# Answers of several parts, whole numbers, layers and classes


def test_several_results_are_compared_by_name(own):
    fields = {
        "reference": f"{__name__}:double_and_total",
        "cases": plain_cases,
        "mutants": (
            Mutant(lambda values: {"double": values, "total": values.sum()}, "not doubled."),
            Mutant(lambda values: {"double": values * 2, "total": values.mean()}, "the mean."),
        ),
    }
    assert own(lambda values: double_and_total(values), **fields)[1].endswith("correct.")
    assert own(lambda v: {"double": v, "total": v.sum()}, **fields)[1] == "not doubled."
    assert "expected a dict with double, total" in own(lambda v: v, **fields)[1]
    assert "returns a dict with double; expected a dict" in own(lambda v: {"double": v * 2}, **fields)[1]
    assert "returns 3 values; expected a dict" in own(lambda v: (v, v, v), **fields)[1]
    assert own(lambda v: {"total": v.sum(), "double": v * 2}, **fields)[1].endswith("correct.")
    assert "part 'total' is 0" in own(lambda v: {"double": v * 2, "total": 0.0}, **fields)[1]


def test_a_count_that_is_no_whole_number_is_told_so(own):
    fields = {
        "reference": f"{__name__}:count",
        "cases": plain_cases,
        "mutants": (Mutant(len, "one side."), Mutant(lambda v: v.shape[1], "the other side.")),
    }
    assert own(lambda values: values.size, **fields)[1].endswith("correct.")
    assert own(lambda values: len(values), **fields)[1] == "one side."
    line = own(lambda values: values.size / 1, **fields)[1]
    assert "holds floats; expected whole numbers: use // where you divide." in line
    assert "the result is 3; expected 6" in own(lambda values: 3, **fields)[1]


def test_an_array_of_floats_where_counts_are_expected_is_told_how_it_comes(own):
    fields = {
        "reference": f"{__name__}:count_signs",
        "cases": plain_cases,
        "mutants": (Mutant(lambda v: count_signs(-v), "turned."), Mutant(lambda v: 0 * count_signs(v), "0.")),
    }
    assert own(lambda values: count_signs(values), **fields)[1].endswith("correct.")
    assert "dtype=int where you make an array." in own(lambda v: count_signs(v) * 1.0, **fields)[1]


class Doubler:
    def __init__(self, scale):
        self.scale = scale

    def call(self, values):
        return values * self.scale


def test_an_answer_that_is_a_class_is_probed(own):
    class Stub:
        def __init__(self, scale):
            return None

        def call(self, values):
            return None

    class Tripler(Doubler):
        def call(self, values):
            return values * 3

    class Halver(Doubler):
        def call(self, values):
            return values / self.scale

    fields = {
        "reference": f"{__name__}:Doubler",
        "cases": lambda: [(2.0,), (4.0,)],
        "probe": lambda doubler, scale: doubler.call(np.arange(4.0)),
        "mutants": (Mutant(Tripler, "always three."), Mutant(Halver, "halved.")),
    }
    assert own(Stub, **fields) == (Doubler, "○ own.double_rows: not attempted yet.")
    assert own(Doubler, **fields)[1].endswith("correct.")
    assert own(Tripler, **fields)[1] == "always three."
    assert own(lambda scale: Doubler(scale), **fields)[1].startswith(
        "this is a function; a class is expected"
    )


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
    assert check("patches.num_patches", EXERCISES[0].load_reference()) is not None
    check("tokens.project", len)
    assert "lesson_02.py could not be loaded (bad)" in capsys.readouterr().out


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


def test_the_pieces_of_the_sandbox():
    assert isinstance(snapshot({"a": (1, [2.0])}), Group)
    assert isinstance(snapshot(np.array([None])), Unusable)
    assert identical(snapshot(np.array([np.nan, 1.0])), snapshot(np.array([np.nan, 1.0])))
    assert not identical(snapshot(np.zeros(3)), snapshot(np.zeros(4)))
    assert not identical(snapshot([1, 2]), snapshot([1, 3]))
    assert (
        describe_case(Case(np.zeros((2, 3)), 4, scale=None), ["a", "b"])
        == "a of shape (2, 3), b 4, scale None"
    )


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


# compare

COMPARISONS = [
    ((None, 196, "tokens"), "You made no prediction. Measured: 196 tokens."),
    ((14, 196, "tokens"), "You predicted 14 tokens. Measured: 196 tokens."),
    ((196, 196, "tokens"), "You predicted 196 tokens. Measured: 196 tokens. Exactly."),
    ((..., 1), "You made no prediction. Measured: 1."),
    (("  ", 1), "You made no prediction. Measured: 1."),
    ((90, 93.58, "%"), "You predicted 90%. Measured: 93.6%."),
    ((0.5, 1 / 3), "You predicted 0.5. Measured: 0.333."),
    ((None, 86567656, "parameters"), "You made no prediction. Measured: 86,567,656 parameters."),
    ((None, 1234.5678), "You made no prediction. Measured: 1,235."),
    ((None, 999.7), "You made no prediction. Measured: 1,000."),
    ((None, 1.2e-5), "You made no prediction. Measured: 1.2e-05."),
    ((None, float("nan")), "You made no prediction. Measured: nan."),
    (("yes", "no"), "You predicted yes. Measured: no."),
    ((True, False), "You predicted True. Measured: False."),
    (([14, 14], (14, 14)), "You predicted 14, 14. Measured: 14, 14. Exactly."),
    (({"b", "a"}, ["a", "b"]), "You predicted a, b. Measured: a, b. Exactly."),
    ((np.float32(0.25), np.array(0.25)), "You predicted 0.25. Measured: 0.25. Exactly."),
    ((np.arange(20), 3), "You predicted 0, 1, 2, 3, 4, 5, 6, 7, …. Measured: 3."),
    ((print, 3), "Your prediction is a builtin_function_or_method; write a number or a word. Measured: 3."),
    (({"a": 1}, 3), "Your prediction is a dict; write a number or a word. Measured: 3."),
    (("lots", 196, "tokens"), "You predicted lots. Measured: 196 tokens."),
    (("196 tokens", 196, "tokens"), "You predicted 196 tokens. Measured: 196 tokens. Exactly."),
    (("62%", 61.8, "%", 0), "You predicted 62%. Measured: 62%. Exactly."),
    ((0.62, 61.8, "%", 0), "You predicted 0.62%. Measured: 62%."),
    ((62, 61.8, "%", 0), "You predicted 62%. Measured: 62%. Exactly."),
    (("Ring", "ring"), "You predicted Ring. Measured: ring. Exactly."),
]  # fmt: skip


@pytest.mark.parametrize("arguments, line", COMPARISONS)
def test_a_prediction_stands_beside_what_was_measured(arguments, line, capsys):
    compare(*arguments)
    assert capsys.readouterr().out == line + "\n"


def test_digits_fix_the_decimals(capsys):
    compare(1, 2 / 3, "px", digits=2)
    compare(None, -0.0001, digits=2)
    assert capsys.readouterr().out == (
        "You predicted 1 px. Measured: 0.67 px.\nYou made no prediction. Measured: 0.00.\n"
    )


def test_a_tensor_of_any_backend_can_be_compared(capsys):
    from keras import ops

    compare(ops.convert_to_tensor(2), ops.convert_to_tensor([1.5, 2.5]))
    assert capsys.readouterr().out == "You predicted 2. Measured: 1.5, 2.5.\n"


def test_load_lesson_takes_numbers_and_names_what_there_is():
    assert load_lesson(1) is load_lesson("01")
    with pytest.raises(ValueError, match="expected one of 00, 01"):
        load_lesson("77")
