"""smooth_labels(labels, smoothing): label smoothing."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _smooth_cases():
    one_hot = np.eye(10, dtype="float32")[[3, 0, 9]]
    mixed = np.array([[0.7, 0.3, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5]], "float32")
    return [(one_hot, 0.1), (mixed, 0.2), (one_hot[:, :5] + 0.1, 0.0)]


def _smooth_only_taken(labels, smoothing):
    return labels * (1 - smoothing)


def _smooth_only_given(labels, smoothing):
    return labels + smoothing / labels.shape[-1]


def _smooth_whole_share(labels, smoothing):
    return labels * (1 - smoothing) + smoothing


def _smooth_others(labels, smoothing):
    return labels * (1 - smoothing) + (1 - labels) * smoothing / (labels.shape[-1] - 1)


def _smooth_others_chosen(labels, smoothing):
    return np.where(labels == 1, 1 - smoothing, smoothing / (labels.shape[-1] - 1))


def _smooth_chosen(labels, smoothing):
    share = smoothing / labels.shape[-1]
    return np.where(labels == 1, 1 - smoothing + share, share)


def _smooth_one_part_less(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / (labels.shape[-1] - 1)


def _smooth_ten_classes(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / 10


def _smooth_by_batch(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / len(labels)


def _smooth_one_hot_only(labels, smoothing):
    num_classes = labels.shape[-1]
    return np.eye(num_classes)[labels.argmax(axis=-1)] * (1 - smoothing) + smoothing / num_classes


EXERCISE = Exercise(
    key="pieces.smooth_labels",
    title="Label smoothing",
    reference="helpers.train.pieces:smooth_labels",
    cases=_smooth_cases,
    mutants=(
        Mutant(
            _smooth_only_taken,
            "a share is taken from each label and given to nobody: the rows sum to 1 - smoothing.",
        ),
        Mutant(
            _smooth_only_given,
            "every class gets its share and none was taken before: the rows sum to 1 + smoothing.",
        ),
        Mutant(
            _smooth_whole_share,
            "every class gets the whole share: divide smoothing by the number of classes.",
        ),
        Mutant(
            _smooth_others,
            "the share goes to the wrong classes only; it is spread over all classes, the right one"
            " too, so that it keeps 1 - smoothing + smoothing / num_classes.",
        ),
        Mutant(
            _smooth_others_chosen,
            "the share goes to the wrong classes only; it is spread over all classes, the right one too. "
            "And labels may be mixed: a 0.7 is neither 0 nor 1.",
        ),
        Mutant(
            _smooth_chosen,
            "right for one-hot labels, not for mixed ones: a 0.7 is neither 0 nor 1. Compute with the "
            "labels; do not choose.",
        ),
        Mutant(
            _smooth_one_part_less,
            "this divides by num_classes - 1; the right class gets its part too: num_classes parts.",
        ),
        Mutant(
            _smooth_ten_classes,
            "this is right for ten classes only: their number is labels.shape[-1].",
        ),
        Mutant(_smooth_by_batch, "this divides by the number of images; divide by the number of classes."),
        Mutant(
            _smooth_one_hot_only,
            "this makes one-hot labels first, and forgets what MixUp has mixed: smooth the labels "
            "as they are.",
        ),
    ),
    hints=(
        "What is taken from a row must be given back to it, or it does not sum to 1 any more.",
        "Take: multiply by 1 - smoothing. Give: add the same small number to every class. How large is it?",
        "(1 - smoothing) * labels + smoothing / labels.shape[-1].",
    ),
    difficulty=1,
    importance=3,
    minutes=5,
)
