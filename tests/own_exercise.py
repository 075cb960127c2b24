"""An exercise of our own, small and fast, to try answers of every kind on."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant

PATIENCE = 250  # seconds for one call, on however busy a machine


def double_rows(values, scale=2.0):
    return values * scale


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


def in_a_notebook(source, **names):
    """Define `answer` as a cell of a notebook would, among its globals."""
    namespace = {"np": np, **names}
    exec(source, namespace)  # noqa: S102
    return namespace["answer"]
