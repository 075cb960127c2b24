"""What is wrong with an answer: every bad kind of it is told, and what is right is taken."""

import functools
import re

import numpy as np
import pytest
from own_exercise import count_signs, double_and_total, double_rows, in_a_notebook, plain_cases

from helpers.course.exercise import Mutant


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
        "and in the right order, but they are laid out as (1, 2, 3) and not as (2, 3).",
    ),
    "number": (
        "answer = lambda v, scale=2: 7.0",
        "expected (2, 2), received a single number. Smallest case that fails: values [[1, 2]",
    ),
    "tuple": ("answer = lambda v, scale=2: (v * scale, 1)", "returns 2 values; expected one array of shape"),
    "text": ("answer = lambda v, scale=2: 'six'", "the result holds text; expected numbers."),
    "objects": (
        "answer = lambda v, scale=2: np.array([[{}] * 3] * 2)",
        "an ndarray of object, not of numbers",
    ),
    "generator": ("def answer(v, scale=2):\n    yield v", "use `return` and not `yield`"),
    "coroutine": ("async def answer(v, scale=2):\n    return v", "leave out `async`"),
    "function": ("answer = lambda v, scale=2: np.sum", "is a pair of brackets missing"),
    "class inside": ("answer = lambda v, scale=2: dict", "a class, not an array"),
    "object": ("answer = lambda v, scale=2: object()", "an object, not an array"),
    "symbolic": (
        "import keras\nanswer = lambda v, scale=2: keras.KerasTensor((2, 3))",
        "a symbolic KerasTensor",
    ),
    "NaN": (
        "def answer(v, scale=2):\n    v = v * scale\n    v[0, 0] = np.nan\n    return v",
        "holds NaN in 1 of 4 places: look for 0/0",
    ),
    "complex": ("answer = lambda v, scale=2: v * (scale + 1j)", "received [[2+1j, 4+2j], [8+4j, 10+5j]]"),
    "None at times": (
        "def answer(v, scale=2):\n    if v.shape == (2, 3):\n        return v * scale",
        "returns None for values [[1, 2], [4, 5]]: does every way",
    ),
    "input back, scaled": (
        "def answer(v, scale=2):\n    v *= scale\n    return v",
        "changes its argument `values`",
    ),
    "correct but changes": (
        "def answer(v, scale=2):\n    out = v * scale\n    v[:] = 0\n    return out",
        "changes its argument `values` in place",
    ),
    "wrong order": ("answer = lambda v, scale=2: (v * scale)[:, ::-1]", "axis 1 runs the other way round."),
    "factor": ("answer = lambda v, scale=2: v", "nothing was scaled."),
    "offset": ("answer = lambda v, scale=2: v * scale + 0.5", "every value is 0.5 too large"),
    "one value": (
        "def answer(v, scale=2):\n    v = v * scale\n    v[0, -1] = 99\n    return v",
        "1 of 4 values is wrong. Smallest case that fails: values [[1, 2], [4, 5]]: "
        "expected [[2, 4], [8, 10]], received [[2, 99], [8, 10]].",
    ),
    "some cases": (
        "def answer(v, scale=2):\n    return v * 2 if v.shape[0] > 1 else v * v",
        "Case: values [[1, 2, 3]], scale 3.0: expected [[3, 6, 9]], received [[1, 4, 9]]; "
        "other cases are right: only those fail where `scale` is given.",
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
        "wrong parameters: expected (values, scale=2.0), but it takes (nothing).",
    ),
    "other parameters": ("def answer(v):\n    return v * 2", "(values, scale=2.0), but it takes (v)."),
    "huge": (
        "def answer(v, scale=2):\n    return np.ones((10**6, 10**7))",
        "more memory than this machine has",
    ),
    "random": (
        "def answer(v, scale=2):\n    return np.random.rand(*v.shape)",
        "gives another result when it is called again",
    ),
    "class": ("class answer:\n    pass", "this is the class answer; a function is expected."),
    "value": ("answer = np.ones(3)", "this is an ndarray, not a function"),
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


def test_several_results_are_compared_by_name(own):
    fields = {
        "reference": "own_exercise:double_and_total",
        "cases": plain_cases,
        "mutants": (
            Mutant(lambda values: {"double": values, "total": values.sum()}, "not doubled."),
            Mutant(lambda values: {"double": values * 2, "total": values.mean()}, "the mean."),
        ),
    }
    for right in (
        lambda values: double_and_total(values),
        lambda values: tuple(double_and_total(values).values()),
        lambda values: dict(reversed(double_and_total(values).items())),
    ):
        result, line = own(right, **fields)
        assert line.endswith("correct.")
        assert list(result(np.arange(3.0))) == ["double", "total"]
    assert own(lambda v: {"double": v, "total": v.sum()}, **fields)[1] == "not doubled."
    assert "expected a dict with double, total" in own(lambda v: v, **fields)[1]
    assert "returns a dict with double; expected a dict" in own(lambda v: {"double": v * 2}, **fields)[1]
    assert "returns 3 values; expected a dict" in own(lambda v: (v, v, v), **fields)[1]
    line = own(lambda v: {"double": v * 2, "total": 0.0}, **fields)[1]
    assert "part 'total' expected 15, received 0" in line


COUNTS = {
    "reference": "own_exercise:count",
    "cases": plain_cases,
    "mutants": (Mutant(len, "one side."), Mutant(lambda v: v.shape[1], "the other side.")),
}


def test_a_whole_number_may_come_in_any_form(own):
    for right in (
        lambda values: values.size,
        lambda values: float(values.size),
        lambda values: np.array([values.size]),
        lambda values: [[np.float32(values.size)]],
    ):
        result, line = own(right, **COUNTS)
        assert line.endswith("correct.")
        given = result(np.zeros((3, 5)))
        assert given == 15 and type(given) is int


def test_a_number_that_is_not_whole_is_no_count_however_near(own):
    assert own(len, **COUNTS)[1] == "one side."
    line = own(lambda values: values.size + 1e-4, **COUNTS)[1]
    assert "the result is 0.0001 too large. Smallest case that fails: values [[0, 1, 2], [3, 4, 5]]" in line
    assert "expected 6, received 6.0001." in line
    assert "the result is 3 too small." in own(lambda values: values.size - 3, **COUNTS)[1]


def test_counts_may_come_as_floats_and_come_back_whole(own):
    fields = {
        "reference": "own_exercise:count_signs",
        "cases": plain_cases,
        "mutants": (Mutant(lambda v: count_signs(-v), "turned."), Mutant(lambda v: 0 * count_signs(v), "0.")),
    }
    result, line = own(lambda values: count_signs(values) * 1.0, **fields)
    assert line.endswith("correct.")
    assert result(np.arange(6.0)).dtype == count_signs(np.arange(6.0)).dtype


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
    assert own(type("Mine", (Doubler,), {}), **fields)[1].endswith("correct.")
    assert own(Tripler, **fields)[1] == "always three."
    assert own(lambda scale: Doubler(scale), **fields)[1].startswith(
        "this is a function; a class is expected"
    )
