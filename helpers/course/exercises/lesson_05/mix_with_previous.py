"""mix_with_previous(images, labels, keep): MixUp."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _mix_cases():
    random = np.random.default_rng(5)

    def batch(size, num_classes):
        labels = np.eye(num_classes, dtype="float32")[random.integers(0, num_classes, size)]
        labels[0] = 1 / num_classes
        images = random.random((size, 4, 6, 3), dtype="float32")
        return images, labels, random.uniform(0.05, 0.95, size).astype("float32")

    return [batch(3, 4), batch(5, 2)]


def _blend(values, keep, partner=None):
    keep = np.reshape(keep, (-1,) + (1,) * (values.ndim - 1))
    return keep * values + (1 - keep) * (np.roll(values, 1, axis=0) if partner is None else partner)


def _mix_labels_left(images, labels, keep):
    return _blend(images, keep), labels


def _mix_labels_swapped(images, labels, keep):
    return _blend(images, keep), _blend(labels, 1 - keep)


def _mix_all_swapped(images, labels, keep):
    return _blend(images, 1 - keep), _blend(labels, 1 - keep)


def _mix_one_share(images, labels, keep):
    first = np.full_like(keep, keep[0])
    return _blend(images, first), _blend(labels, first)


def _mix_colours(images, labels, keep):
    mixed = keep * images + (1 - keep) * np.roll(images, 1, axis=0)
    return mixed, _blend(labels, keep)


def _mix_other_partner(images, labels, keep):
    return _blend(images, keep), _blend(labels, keep, np.roll(labels, -1, axis=0))


def _mix_next(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, -1, axis=0)) for values in (images, labels))


def _mix_no_axis(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, 1)) for values in (images, labels))


def _mix_first_alone(images, labels, keep):
    mixed = [_blend(values, keep) for values in (images, labels)]
    mixed[0][0], mixed[1][0] = images[0], labels[0]
    return tuple(mixed)


def _mix_halves(images, labels, keep):
    half = np.full_like(keep, 0.5)
    return _blend(images, half), _blend(labels, half)


EXERCISE = Exercise(
    key="augment.mix_with_previous",
    title="MixUp",
    reference="helpers.data.augment:mix_with_previous",
    cases=_mix_cases,
    mutants=(
        Mutant(
            _mix_labels_left,
            "the images are mixed and the labels are not: a picture that is 30 % coffee must be labelled so.",
        ),
        Mutant(
            _mix_labels_swapped,
            "the images are right, but the labels have the shares swapped: an image keeps the share"
            " keep, and so must its label.",
        ),
        Mutant(
            _mix_all_swapped,
            "the shares are swapped: keep is what an image keeps of itself, 1 - keep what it takes "
            "from the one before it.",
        ),
        Mutant(
            _mix_one_share,
            "every image gets the first image's share: keep holds one number for each, so reshape "
            "it and use them all.",
        ),
        Mutant(
            _mix_colours,
            "keep is multiplied with the last axis, the colours (or does not fit it): reshape it to "
            "(batch, 1, 1, 1) for the images.",
        ),
        Mutant(
            _mix_other_partner,
            "images and labels have different partners: roll both by 1 in the same direction.",
        ),
        Mutant(
            _mix_next,
            "each image is mixed with the one after it; the one before it comes with roll(…, 1, axis=0).",
        ),
        Mutant(
            _mix_no_axis,
            "roll without axis=0 shifts single numbers through the whole array, not images through "
            "the batch.",
        ),
        Mutant(
            _mix_first_alone,
            "the first image stays as it is; it takes the last one as its partner, as roll gives it.",
        ),
        Mutant(_mix_halves, "every pair is mixed half and half: use keep."),
    ),
    hints=(
        "Two arrays have to be mixed with the same shares: the images and their labels.",
        "np.roll(images, 1, axis=0) puts before each image its partner. For the images the shares "
        "need the shape (batch, 1, 1, 1), for the labels (batch, 1).",
        "share = keep.reshape(-1, 1, 1, 1); mixed = share * images + (1 - share) * np.roll(images, "
        "1, axis=0). Then the same for the labels with keep.reshape(-1, 1), and return both.",
    ),
    difficulty=2,
    importance=4,
    minutes=10,
)
