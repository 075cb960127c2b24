"""smooth_labels(labels, smoothing): label smoothing."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _smooth_cases():
    one_hot = np.eye(10, dtype="float32")[[3, 0, 9]]
    mixed = np.array([[0.7, 0.3, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5]], "float32")
    return [(one_hot, 0.1), (mixed, 0.2), (mixed[:1, :2], 0.0), (np.float32([[1, 0]]), 0.2)]


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


def _smooth_given_too_much(labels, smoothing):
    return labels * (1 - smoothing / labels.shape[-1]) + smoothing / labels.shape[-1]


def _smooth_half(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / 2


def _smooth_subtracted(labels, smoothing):
    return labels - smoothing + smoothing / labels.shape[-1]


def _smooth_zeros_alone(labels, smoothing):
    return np.where(labels == 0, smoothing / labels.shape[-1], labels * (1 - smoothing))


def _smooth_normalised(labels, smoothing):
    given = labels + smoothing / labels.shape[-1]
    return given / given.sum(axis=-1, keepdims=True)


def _smooth_share_of_each(labels, smoothing):
    return labels * (1 - smoothing) + labels * smoothing / labels.shape[-1]


def _smooth_swapped(labels, smoothing):
    return labels * smoothing + (1 - smoothing) / labels.shape[-1]


def _smooth_softmax(labels, smoothing):
    exponentials = np.exp(labels * (1 - smoothing) + smoothing / labels.shape[-1])
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _smooth_first_row(labels, smoothing):
    return (labels * (1 - smoothing) + smoothing / labels.shape[-1])[0]


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
        Mutant(
            _smooth_given_too_much,
            "the right class loses smoothing / num_classes alone; it loses the whole share, and gets "
            "its part back.",
        ),
        Mutant(
            _smooth_half,
            "this gives smoothing / 2 to every class, as if there were two: their number is "
            "labels.shape[-1].",
        ),
        Mutant(
            _smooth_subtracted,
            "the share was subtracted from every entry, so some fall below 0: multiply the labels by "
            "1 - smoothing.",
        ),
        Mutant(
            _smooth_zeros_alone,
            "classes that hold 0 get their part alone; every class gets one, the right one too.",
        ),
        Mutant(
            _smooth_normalised,
            "you divide each row by its sum, which takes a little less than the share: (1 - "
            "smoothing) * labels + smoothing / num_classes.",
        ),
        Mutant(
            _smooth_share_of_each,
            "the share goes back to the class that it was taken from: spread it over all classes.",
        ),
        Mutant(
            _smooth_swapped,
            "the two parts have changed places: the label keeps 1 - smoothing, and smoothing is spread.",
        ),
        Mutant(_smooth_softmax, "a softmax went over the labels: the rows sum to 1 already."),
        Mutant(_smooth_first_row, "this is the first row alone: all labels of the batch are asked for."),
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
