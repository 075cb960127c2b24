"""confusion_matrix(labels, predictions, num_classes): the confusion matrix."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _confusion_cases():
    return [
        (np.array([0, 0, 1, 1, 1, 2]), np.array([0, 2, 1, 1, 0, 1]), 3),
        (np.array([1, 1, 0, 3]), np.array([1, 1, 3, 1]), 5),
        (np.array([0, 1, 1]), np.array([0, 1, 0]), 2),
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


def _confusion_shares_of_all(labels, predictions, num_classes):
    return _confusion(labels, predictions, num_classes) / len(labels)


def _confusion_diagonal(labels, predictions, num_classes):
    return np.diag(np.diag(_confusion(labels, predictions, num_classes)))


def _confusion_right_a_class(labels, predictions, num_classes):
    return np.diag(_confusion(labels, predictions, num_classes))


def _confusion_from_one(labels, predictions, num_classes):
    matrix = np.zeros((num_classes + 1, num_classes + 1), int)
    np.add.at(matrix, (labels + 1, predictions + 1), 1)
    return matrix


def _confusion_both_ways(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix + matrix.T


def _confusion_labels_twice(labels, predictions, num_classes):
    return _confusion(labels, labels, num_classes)


def _confusion_predictions_twice(labels, predictions, num_classes):
    return _confusion(predictions, predictions, num_classes)


def _confusion_last_image_missing(labels, predictions, num_classes):
    return _confusion(labels[:-1], predictions[:-1], num_classes)


def _confusion_started_at_one(labels, predictions, num_classes):
    return 1 + _confusion(labels, predictions, num_classes)


def _confusion_products(labels, predictions, num_classes):
    counts = [np.bincount(values, minlength=num_classes) for values in (labels, predictions)]
    return np.outer(*counts)


def _confusion_accuracy(labels, predictions, num_classes):
    return (labels == predictions).mean()


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
            "a pair is counted once, however often it comes, as matrix[labels, predictions] += 1 does: use "
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
        Mutant(_confusion_shares_of_all, "these are shares of all images: return the counts."),
        Mutant(
            _confusion_diagonal,
            "only the right answers are counted: what was taken for another class belongs off the diagonal.",
        ),
        Mutant(
            _confusion_right_a_class,
            "these are the right answers of each class; the matrix has a row and a column for each class.",
        ),
        Mutant(
            _confusion_from_one, "the matrix has a row and a column too many: classes are counted from 0."
        ),
        Mutant(
            _confusion_both_ways,
            "each pair is counted in both directions: row the true class, column the predicted one, "
            "and no more.",
        ),
        Mutant(
            _confusion_labels_twice,
            "the labels stand for rows and columns both: the column is the prediction.",
        ),
        Mutant(
            _confusion_predictions_twice,
            "the predictions stand for rows and columns both: the row is the true class.",
        ),
        Mutant(_confusion_last_image_missing, "the last image is missing: does a range end too early?"),
        Mutant(_confusion_started_at_one, "every entry is one too large: begin with zeros."),
        Mutant(
            _confusion_products,
            "this multiplies how often each class comes; count the pairs, image by image.",
        ),
        Mutant(_confusion_accuracy, "this is the share of right answers; a matrix of counts is asked for."),
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
