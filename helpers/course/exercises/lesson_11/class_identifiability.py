"""class_identifiability(class_logits, labels): where does the true class stand?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_11.made import numbers, own_logits, scores


def _score_cases():
    rows = [3, 1, 1, 0], [2, 2, 2, 2], [0, 5, 5, 5], [9, 1, 4, 4], [1, 0, 2, 2], [0, 3, 1, 2]
    tied = np.array(rows, float).reshape(3, 2, 4)  # three images of two tokens; two, three or all alike
    return [
        (np.array([[[0.5, 2.0, -1.0], [2.0, 0.5, -1.0]]]), np.array([0])),
        (tied, np.array([1, 3, 2])),
        (numbers(120, 2, 5, 3, 7), np.array([6, 0, 3, 3, 1])),
        (numbers(121, 2, 3, 4, 5, 6), np.array([1, 4, 0, 5])),
    ]


def _ranks(class_logits, labels):
    return (1 - scores(class_logits, labels)) * class_logits.shape[-1]


def _score_wrong_end(class_logits, labels):
    return scores(-class_logits, labels)


def _score_rank(class_logits, labels):
    return _ranks(class_logits, labels)


def _score_rank_share(class_logits, labels):
    return _ranks(class_logits, labels) / class_logits.shape[-1]


def _score_ties_last(class_logits, labels):
    return 1 - ((class_logits >= own_logits(class_logits, labels)).sum(axis=-1) - 1) / class_logits.shape[-1]


def _score_ties_first(class_logits, labels):
    return 1 - (class_logits > own_logits(class_logits, labels)).sum(axis=-1) / class_logits.shape[-1]


def _score_from_one(class_logits, labels):
    return scores(class_logits, labels) - 1 / class_logits.shape[-1]


def _score_one_fewer(class_logits, labels):
    return 1 - _ranks(class_logits, labels) / (class_logits.shape[-1] - 1)


def _score_argsort_once(class_logits, labels):
    """Read the class that stands at place `label`, for the place at which the class stands."""
    order = np.argsort(-class_logits, axis=-1, kind="stable")
    return 1 - own_logits(order, labels)[..., 0] / class_logits.shape[-1]


def _score_sorting(class_logits, labels):
    order = np.argsort(-class_logits, axis=-1, kind="stable")
    places = np.argsort(order, axis=-1, kind="stable")
    return 1 - own_logits(places, labels)[..., 0] / class_logits.shape[-1]


def _score_first_alone(class_logits, labels):
    return (scores(class_logits, labels) == 1).astype(float)


def _score_probability(class_logits, labels):
    exponentials = np.exp(class_logits - class_logits.max(axis=-1, keepdims=True))
    return own_logits(exponentials / exponentials.sum(axis=-1, keepdims=True), labels)[..., 0]


def _score_logit(class_logits, labels):
    return own_logits(class_logits, labels)[..., 0]


def _score_first_class(class_logits, labels):
    return scores(class_logits, np.zeros_like(labels))


def _score_token_mean(class_logits, labels):
    return scores(class_logits, labels).mean(axis=-1)


def _score_image_mean(class_logits, labels):
    return scores(class_logits, labels).mean(axis=-2)


def _score_of_images(class_logits, labels):
    """Rank the images, for each class, instead of the classes."""
    own = own_logits(class_logits, labels)[..., 0]
    column = np.moveaxis(class_logits[..., labels], -1, -3)  # (..., other, batch, tokens)
    higher = (np.swapaxes(column, -3, -2) > own[..., :, None, :]).sum(axis=-2)
    return 1 - higher / len(labels)


EXERCISE = Exercise(
    key="class_space.class_identifiability",
    title="Where does the true class stand?",
    reference="helpers.analysis.class_space:class_identifiability",
    cases=_score_cases,
    mutants=(
        Mutant(
            _score_wrong_end,
            "the rank is counted from the wrong end: 0 belongs to the highest logit, and `np.argsort` "
            "begins with the lowest.",
        ),
        Mutant(_score_rank, "this is the rank; divide it by the number of classes and subtract it from 1."),
        Mutant(_score_rank_share, "this is rank / |C|, 0 for the best; subtract it from 1."),
        Mutant(
            _score_ties_last,
            "of equal logits you give the true class the last place; let them share their places, half of "
            "the number of equal ones.",
        ),
        Mutant(
            _score_ties_first,
            "of equal logits you give the true class the first place, so a token that says nothing would "
            "look perfect; let them share their places, half of the number of equal ones.",
        ),
        Mutant(_score_from_one, "your ranks begin at 1; the highest logit has rank 0, and scores 1."),
        Mutant(_score_one_fewer, "you divide by |C| − 1; divide by |C|: the lowest score is 1 / |C|."),
        Mutant(
            _score_argsort_once,
            "sorted once too few: `argsort` says which class stands at each place; asked is at which place "
            "the class stands.",
        ),
        Mutant(
            _score_sorting,
            "of equal logits the one with the lower number comes first: count the higher logits, and half "
            "of the equal ones.",
        ),
        Mutant(_score_first_alone, "this says whether the class is first; asked is how far up it stands."),
        Mutant(_score_probability, "this is the probability of the true class; its rank is asked for."),
        Mutant(_score_logit, "this is the logit of the true class; its rank is asked for."),
        Mutant(_score_first_class, "this ranks class 0 in every image; take the label of each image."),
        Mutant(_score_token_mean, "the tokens were averaged; keep one score a token."),
        Mutant(_score_image_mean, "the images were averaged; keep one score for each of them."),
        Mutant(
            _score_of_images,
            "you rank the images for one class; rank the classes for one token.",
        ),
    ),
    hints=(
        "How many classes have a higher logit than the true one? That is the rank.",
        "Pick the true logit with `np.take_along_axis`, keep its axis, and compare all logits with it.",
        "`1 - ((logits > own).sum(-1) + ((logits == own).sum(-1) - 1) / 2) / logits.shape[-1]`, with own of "
        "shape (..., batch, tokens, 1).",
    ),
    difficulty=3,
    importance=5,
    minutes=12,
)
