"""identifiability_rate(class_logits, labels, has_class_token): how many image tokens name the class?"""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant
from helpers.course.exercises.lesson_11.made import numbers, own_logits, scores


def _rate_cases():
    cases = []
    for seed, shape, has_class_token in (
        (130, (4, 5, 3), True),
        (131, (4, 5, 3), False),
        (132, (2, 3, 4, 6, 3), True),
        (133, (3, 3, 4, 3), False),
    ):
        class_logits, labels = numbers(seed, *shape), np.arange(shape[-3]) % 3
        index = np.broadcast_to(labels[:, None, None], (*shape[:-1], 1))
        raised = np.take_along_axis(class_logits, index, axis=-1) + 0.4
        np.put_along_axis(class_logits, index, raised, axis=-1)
        class_logits[..., 0, :] *= 3  # the first token is another kind of token
        class_logits[..., 0, :] += np.eye(3)[labels] * 2
        class_logits[..., -1, -1, :] = 1.0  # a token that says nothing
        cases.append(Case(class_logits, labels, has_class_token=has_class_token))
    return cases


def _named(class_logits, labels, first):
    return (scores(class_logits, labels) == 1)[..., first:]


def _rate_class_token_counted(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, 0).mean(axis=(-2, -1))


def _rate_first_dropped(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, 1).mean(axis=(-2, -1))


def _rate_turned(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(not has_class_token)).mean(axis=(-2, -1))


def _rate_mean_score(class_logits, labels, *, has_class_token):
    return scores(class_logits, labels)[..., int(has_class_token) :].mean(axis=(-2, -1))


def _rate_of_images(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).any(axis=-1).mean(axis=-1)


def _rate_all_tokens(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).all(axis=-1).mean(axis=-1)


def _rate_class_token(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, 0)[..., 0].mean(axis=-1)


def _rate_one_number(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).mean()


def _rate_each_image(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).mean(axis=-1)


def _rate_each_token(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).mean(axis=-2)


def _rate_count(class_logits, labels, *, has_class_token):
    return _named(class_logits, labels, int(has_class_token)).sum(axis=(-2, -1))


def _rate_percent(class_logits, labels, *, has_class_token):
    return 100 * _named(class_logits, labels, int(has_class_token)).mean(axis=(-2, -1))


def _rate_ties_count(class_logits, labels, *, has_class_token):
    first = (class_logits > own_logits(class_logits, labels)).sum(axis=-1) == 0
    return first[..., int(has_class_token) :].mean(axis=(-2, -1))


def _rate_not_last(class_logits, labels, *, has_class_token):
    lowest = 1 / class_logits.shape[-1]
    return (scores(class_logits, labels)[..., int(has_class_token) :] > lowest + 1e-9).mean(axis=(-2, -1))


def _rate_wrong_end(class_logits, labels, *, has_class_token):
    return _named(-class_logits, labels, int(has_class_token)).mean(axis=(-2, -1))


def _rate_of_logits(class_logits, labels, *, has_class_token):
    return (own_logits(class_logits, labels) > 0)[..., int(has_class_token) :, 0].mean(axis=(-2, -1))


def _rate_last_dropped(class_logits, labels, *, has_class_token):
    named = _named(class_logits, labels, 0)
    return (named[..., :-1] if has_class_token else named).mean(axis=(-2, -1))


EXERCISE = Exercise(
    key="class_space.identifiability_rate",
    title="How many image tokens name the class?",
    reference="helpers.analysis.class_space:identifiability_rate",
    cases=_rate_cases,
    mutants=(
        Mutant(
            _rate_class_token_counted,
            "the class token is counted as an image token, where there is one: it knows the class best, and "
            "is no part of the image.",
        ),
        Mutant(
            _rate_first_dropped,
            "you always drop token 0; with mean pooling it is the patch in the upper left corner. A "
            "published table has this slip.",
        ),
        Mutant(_rate_turned, "turned round: drop token 0 where there is a class token, and only there."),
        Mutant(
            _rate_mean_score,
            "this is the mean score; the rate is the share of tokens that score 1. A guess gets .55 of the "
            "one and .10 of the other.",
        ),
        Mutant(
            _rate_of_images,
            "this is the share of images with one such token at least; asked is the share of the tokens.",
        ),
        Mutant(_rate_all_tokens, "this is the share of images whose tokens all score 1; count the tokens."),
        Mutant(_rate_class_token, "this is token 0 alone; asked are the image tokens."),
        Mutant(_rate_one_number, "one number for everything: keep the leading axes, such as the blocks."),
        Mutant(_rate_each_image, "one rate an image: average over the images too."),
        Mutant(_rate_each_token, "one rate a token: average over the tokens too."),
        Mutant(_rate_count, "this is a count; divide by the number of tokens and images."),
        Mutant(_rate_percent, "this is in percent; a share from 0 to 1 is asked for."),
        Mutant(
            _rate_ties_count,
            "a token whose highest logit is shared by several classes names none of them: its score is "
            "below 1.",
        ),
        Mutant(_rate_not_last, "you count where the true class is not last; count where it is first."),
        Mutant(_rate_wrong_end, "you count the tokens that put the true class last."),
        Mutant(_rate_of_logits, "you count true logits above 0; count those that are the highest."),
        Mutant(_rate_last_dropped, "the class token stands in front: you dropped the last token."),
    ),
    hints=(
        "You have the scores already. Which value says that the true class is first?",
        "Leave token 0 out where `has_class_token` is True, and only then; compare with 1; average.",
        "`scores = class_identifiability(class_logits, labels)[..., int(has_class_token):]`, then "
        "`(scores == 1).mean(axis=(-2, -1))`.",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
