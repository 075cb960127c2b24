"""mix_with_previous(images, labels, keep): MixUp."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _mix_cases():
    random = np.random.default_rng(5)

    def batch(size, num_classes):
        labels = np.eye(num_classes, dtype="float32")[random.integers(0, num_classes, size)]
        labels[0] = 1 / num_classes
        images = random.normal(0.5, 0.8, (size, 4, 6, 3)).astype("float32")
        return images, labels, random.uniform(0.05, 0.95, size).astype("float32")

    by_hand = np.float32([[[[0, 0, 0]]], [[[1, 2, 4]]]]), np.eye(2, dtype="float32"), np.float32([0.9, 0.5])
    return [batch(3, 4), batch(5, 2), by_hand]


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


def _mix_order_turned(images, labels, keep):
    return tuple(_blend(values, keep, values[::-1]) for values in (images, labels))


def _mix_keep_rolled(images, labels, keep):
    return tuple(_blend(values, np.roll(keep, 1)) for values in (images, labels))


def _mix_shares_of_partners(images, labels, keep):
    """Give the partner the share that it would keep itself."""
    others = 1 - np.roll(keep, 1)

    def blended(values):
        shape = (-1,) + (1,) * (values.ndim - 1)
        return keep.reshape(shape) * values + others.reshape(shape) * np.roll(values, 1, axis=0)

    return blended(images), blended(labels)


def _mix_partner_whole(images, labels, keep):
    def added(values):
        return keep.reshape((-1,) + (1,) * (values.ndim - 1)) * values + np.roll(values, 1, axis=0)

    return added(images), added(labels)


def _mix_same_share_for_both(images, labels, keep):
    def added(values):
        return keep.reshape((-1,) + (1,) * (values.ndim - 1)) * (values + np.roll(values, 1, axis=0))

    return added(images), added(labels)


def _mix_own_alone(images, labels, keep):
    return keep.reshape(-1, 1, 1, 1) * images, keep.reshape(-1, 1) * labels


def _mix_images_left(images, labels, keep):
    return images, _blend(labels, keep)


def _mix_images_swapped(images, labels, keep):
    return _blend(images, 1 - keep), _blend(labels, keep)


def _mix_labels_chosen(images, labels, keep):
    chosen = (keep >= 0.5)[:, None]
    return _blend(images, keep), np.where(chosen, labels, np.roll(labels, 1, axis=0))


def _mix_labels_halved(images, labels, keep):
    return _blend(images, keep), _blend(labels, np.full_like(keep, 0.5))


def _mix_labels_one_hot(images, labels, keep):
    return _blend(images, keep), np.eye(labels.shape[-1])[_blend(labels, keep).argmax(axis=-1)]


def _mix_columns_rolled(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, 1, axis=1)) for values in (images, labels))


def _mix_partner_after_in_labels_too_far(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, 2, axis=0)) for values in (images, labels))


def _mix_results_swapped(images, labels, keep):
    return _blend(labels, keep), _blend(images, keep)


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
        Mutant(
            _mix_order_turned,
            "the partners come from the batch read backwards; the partner is the one before: "
            "np.roll(…, 1, axis=0).",
        ),
        Mutant(
            _mix_keep_rolled,
            "the shares are rolled as well: each image keeps the share that keep gives to it.",
        ),
        Mutant(
            _mix_shares_of_partners,
            "the partner comes in with 1 minus its own share; the two shares of an image sum to 1: "
            "keep and 1 - keep.",
        ),
        Mutant(_mix_partner_whole, "the partner is added whole; it comes in with the share 1 - keep."),
        Mutant(
            _mix_same_share_for_both, "image and partner both get the share keep; the partner gets 1 - keep."
        ),
        Mutant(_mix_own_alone, "the partner is missing: add (1 - keep) times the one before."),
        Mutant(
            _mix_images_left,
            "the labels are mixed and the images are not: both are mixed with the same shares.",
        ),
        Mutant(
            _mix_images_swapped,
            "the labels are right, but the images have the shares swapped: an image keeps the share "
            "keep of itself.",
        ),
        Mutant(
            _mix_labels_chosen, "each label is chosen from the two; mix them, with the shares of the images."
        ),
        Mutant(
            _mix_labels_halved,
            "the labels are mixed half and half: they have the shares of the images, keep and 1 - keep.",
        ),
        Mutant(_mix_labels_one_hot, "the mixed labels were made one-hot again: leave them mixed."),
        Mutant(_mix_columns_rolled, "roll moved rows of pixels, axis=1: the images are axis 0."),
        Mutant(
            _mix_partner_after_in_labels_too_far,
            "the partner is the last but one: the one before comes with roll(…, 1, axis=0).",
        ),
        Mutant(
            _mix_results_swapped, "the two results have changed places: first the images, then the labels."
        ),
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
