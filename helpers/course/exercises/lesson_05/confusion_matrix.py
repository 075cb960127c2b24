"""confusion_matrix(labels, predictions, num_classes): the confusion matrix."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _confusion_cases():
    return [
        (np.array([0, 0, 1, 1, 1, 2]), np.array([0, 2, 1, 1, 0, 1]), 3),
        (np.array([1, 1, 0, 3]), np.array([1, 1, 3, 1]), 5),
    ]


def _confusion(labels, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def _confusion_transposed(labels, predictions, num_classes):
    return _confusion(predictions, labels, num_classes)


def _confusion_counted_once(labels, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    matrix[labels, predictions] += 1
    return matrix


def _confusion_by_column(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix / np.maximum(matrix.sum(axis=0, keepdims=True), 1)


def _confusion_by_row(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)


def _confusion_errors_only(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix - np.diag(np.diag(matrix))


def _confusion_seen_classes(labels, predictions, num_classes):
    return _confusion(labels, predictions, max(labels.max(), predictions.max()) + 1)


EXERCISE = Exercise(
    key="pieces.confusion_matrix",
    title="The confusion matrix",
    reference="helpers.train.pieces:confusion_matrix",
    cases=_confusion_cases,
    mutants=(
        Mutant(
            _confusion_transposed,
            "rows and columns are swapped: a row is a true class, a column what it was taken for.",
        ),
        Mutant(
            _confusion_counted_once,
            "matrix[labels, predictions] += 1 counts a pair once, however often it comes: use "
            "np.add.at, or a loop.",
        ),
        Mutant(
            _confusion_by_column,
            "these are shares of each column, so they say what a prediction is worth, not where a "
            "class went: return the counts.",
        ),
        Mutant(_confusion_by_row, "these are shares of each row: return the counts, the figure divides."),
        Mutant(_confusion_errors_only, "the right answers are missing: they belong on the diagonal."),
        Mutant(
            _confusion_seen_classes,
            "the matrix is too small where a class does not occur: it has num_classes rows and columns.",
        ),
    ),
    hints=(
        "Begin with zeros of shape (num_classes, num_classes). Each image adds 1 in one place.",
        "Its row is its label, its column the prediction. What does `matrix[labels, predictions] +="
        " 1` do with a pair that comes twice?",
        "np.add.at(matrix, (labels, predictions), 1) adds as often as the pair comes; a loop with "
        "zip does too.",
    ),
    difficulty=2,
    importance=3,
    minutes=8,
)
