"""class_value_agreement(values, prototypes): has the layer a memory like the class?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_12.made import numbers


def _cases():
    by_hand = np.array([[1.0, 0], [0, 10], [-3, 4], [-1, -1]]), np.array([[3.0, 4], [0, 1], [-5, 0]])
    away = -np.abs(numbers(122, 6, 3)), np.abs(numbers(123, 4, 3))  # no memory is like any class
    return [by_hand, (3 * numbers(120, 7, 5), 2 * numbers(121, 4, 5)), away]


def _unit(vectors, axis=-1):
    return vectors / np.linalg.norm(vectors, axis=axis, keepdims=True)


def _cosines(values, prototypes):
    return _unit(values) @ _unit(prototypes).T


def _columns_of_prototypes(values, prototypes):
    return (_unit(values) @ _unit(prototypes, 0).T).max(axis=0)


def _columns_of_both(values, prototypes):
    return (_unit(values, 0) @ _unit(prototypes, 0).T).max(axis=0)


def _columns_of_values(values, prototypes):
    return (_unit(values, 0) @ _unit(prototypes).T).max(axis=0)


def _not_normalised(values, prototypes):
    return (values @ prototypes.T).max(axis=0)


def _values_not_normalised(values, prototypes):
    return (values @ _unit(prototypes).T).max(axis=0)


def _prototypes_not_normalised(values, prototypes):
    return (_unit(values) @ prototypes.T).max(axis=0)


def _normalised_after(values, prototypes):
    logits = values @ prototypes.T
    return (logits / np.linalg.norm(logits, axis=0)).max(axis=0)


def _best_class_of_each_memory(values, prototypes):
    return _cosines(values, prototypes).max(axis=1)


def _mean_of_memories(values, prototypes):
    return _cosines(values, prototypes).mean(axis=0)


def _sign_lost(values, prototypes):
    return np.abs(_cosines(values, prototypes)).max(axis=0)


def _which_memory(values, prototypes):
    return _cosines(values, prototypes).argmax(axis=0)


def _lowest(values, prototypes):
    return _cosines(values, prototypes).min(axis=0)


def _mean_of_classes(values, prototypes):
    return _cosines(values, prototypes).max(axis=0).mean()


def _all_of_them(values, prototypes):
    return _cosines(values, prototypes)


def _squared_lengths(values, prototypes):
    values, prototypes = (v / (v**2).sum(axis=-1, keepdims=True) for v in (values, prototypes))
    return (values @ prototypes.T).max(axis=0)


EXERCISE = Exercise(
    key="key_value.class_value_agreement",
    title="Has the layer a memory like the class?",
    reference="helpers.analysis.key_value:class_value_agreement",
    cases=_cases,
    mutants=(
        Mutant(
            _columns_of_prototypes,
            "E is normalised along the wrong axis: a class is a row of E, and its length runs along the "
            "hidden axis, the last. The tutorial of the paper's authors does what you did.",
        ),
        Mutant(
            _columns_of_both,
            "both are normalised along the wrong axis: a length runs along the hidden axis, the last.",
        ),
        Mutant(
            _columns_of_values,
            "the values are normalised along the wrong axis: a memory's length runs along its last axis.",
        ),
        Mutant(_not_normalised, "nothing has length 1 yet: long memories win, like them or not."),
        Mutant(_values_not_normalised, "the values have not length 1: long memories win."),
        Mutant(_prototypes_not_normalised, "the rows of E have not length 1: long classes win."),
        Mutant(
            _normalised_after,
            "you divide the products by their own length; divide values and classes by theirs, before.",
        ),
        Mutant(
            _best_class_of_each_memory,
            "turned round: this is the best class of each memory; asked is the best memory of each class.",
        ),
        Mutant(_mean_of_memories, "you average over the memories; one that is alike is enough: the maximum."),
        Mutant(_sign_lost, "the signs are lost: a memory that points away from a class speaks against it."),
        Mutant(_which_memory, "this says which memory it is; how alike it is was asked for."),
        Mutant(_lowest, "this is the memory that is least like the class; take the most."),
        Mutant(_mean_of_classes, "one number for all classes; one for each is asked for."),
        Mutant(_all_of_them, "these are all cosines; keep the greatest of each class."),
        Mutant(_squared_lengths, "you divide by the squared lengths: a root is missing."),
    ),
    hints=(
        "A cosine is a product of two vectors of length 1. How long is a row of E?",
        "`prototypes / np.linalg.norm(prototypes, axis=-1, keepdims=True)` gives each class length 1; the "
        "values likewise.",
        "`(unit(values) @ unit(prototypes).T).max(axis=0)`: rows are memories, columns are classes.",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
