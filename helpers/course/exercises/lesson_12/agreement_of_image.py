"""agreement_of_image(coefficients, class_values, label, k): do active memories speak for the class?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_12.made import numbers


def _cases():
    rng = np.random.default_rng(127)
    by_hand = (
        np.array([[0.0, 9, 0, -1], [5, 1, 2, 3], [0, -3, -2, 1], [-1, -2, 0, -9]]),
        np.array([[3.0, 0, -5], [40, 10, 0], [7, 4, 15], [-7, -1, 5]]),
    )
    more = [(*by_hand, 2, 1), (*by_hand, 0, 1), (*by_hand, 2, 2)]
    for seed, tokens, memories, classes, label, k in (
        (124, 12, 20, 6, 3, 3),
        (125, 10, 16, 16, 9, 2),
        (126, 17, 24, 5, 1, 4),
    ):
        values = numbers(seed + 10, memories, classes) + rng.standard_normal((memories, 1))
        more.append((numbers(seed, tokens, memories) - 0.3, values, label, k))
    return more


def _best(numbers, k, axis=-1):
    return np.argsort(-numbers, axis=axis).take(range(k), axis=axis)


def _rate(active, speakers):
    return np.isin(active, speakers).any(axis=-1).mean()


def _top_k_over_classes(coefficients, class_values, label, k):
    speaks = (_best(class_values, k) == label).any(axis=-1)  # of each memory: its k best classes
    return speaks[_best(coefficients[1:], k)].any(axis=-1).mean()


def _with_class_token(coefficients, class_values, label, k):
    return _rate(_best(coefficients, k), _best(class_values[:, label], k))


def _class_token_alone(coefficients, class_values, label, k):
    return _rate(_best(coefficients[:1], k), _best(class_values[:, label], k))


def _least_active(coefficients, class_values, label, k):
    return _rate(_best(-coefficients[1:], k), _best(class_values[:, label], k))


def _speak_against(coefficients, class_values, label, k):
    return _rate(_best(coefficients[1:], k), _best(-class_values[:, label], k))


def _both_from_the_wrong_end(coefficients, class_values, label, k):
    return _rate(_best(-coefficients[1:], k), _best(-class_values[:, label], k))


def _sizes(coefficients, class_values, label, k):
    return _rate(_best(np.abs(coefficients[1:]), k), _best(class_values[:, label], k))


def _all_must_agree(coefficients, class_values, label, k):
    return np.isin(_best(coefficients[1:], k), _best(class_values[:, label], k)).all(axis=-1).mean()


def _share_of_memories(coefficients, class_values, label, k):
    return np.isin(_best(coefficients[1:], k), _best(class_values[:, label], k)).mean()


def _most_active_alone(coefficients, class_values, label, k):
    return _rate(_best(coefficients[1:], 1), _best(class_values[:, label], k))


def _best_speaker_alone(coefficients, class_values, label, k):
    return _rate(_best(coefficients[1:], k), _best(class_values[:, label], 1))


def _says_the_class_first(coefficients, class_values, label, k):
    says = class_values.argmax(axis=-1)
    return (says[_best(coefficients[1:], k)] == label).any(axis=-1).mean()


def _over_the_tokens(coefficients, class_values, label, k):
    most = coefficients[1:].mean(axis=0)  # one ranking for all patches
    return _rate(_best(most, k), _best(class_values[:, label], k))


def _count(coefficients, class_values, label, k):
    return np.isin(_best(coefficients[1:], k), _best(class_values[:, label], k)).any(axis=-1).sum()


def _each_token(coefficients, class_values, label, k):
    return np.isin(_best(coefficients[1:], k), _best(class_values[:, label], k)).any(axis=-1)


def _one_more(coefficients, class_values, label, k):
    return _rate(_best(coefficients[1:], k + 1), _best(class_values[:, label], k + 1))


def _last_patch_missing(coefficients, class_values, label, k):
    return _rate(_best(coefficients[1:-1], k), _best(class_values[:, label], k))


EXERCISE = Exercise(
    key="one_image.agreement_of_image",
    title="Do active memories speak for the class?",
    reference="helpers.analysis.one_image:agreement_of_image",
    cases=_cases,
    mutants=(
        Mutant(
            _top_k_over_classes,
            "you take the k best classes of each memory; asked are the k best memories of the class. With "
            "ten classes and k = 5, half of all memories pass your test, and nearly every patch agrees.",
        ),
        Mutant(_with_class_token, "the class token is counted as an image token: row 0 is no patch."),
        Mutant(_class_token_alone, "this is the class token alone; asked is the share of the patches."),
        Mutant(_least_active, "these are the least active memories: argsort begins with the smallest."),
        Mutant(
            _speak_against,
            "these memories speak against the class: argsort begins with the smallest.",
        ),
        Mutant(
            _both_from_the_wrong_end,
            "both lists come from the wrong end: argsort begins with the smallest.",
        ),
        Mutant(
            _sizes,
            "you rank by size without the sign; a memory with a negative coefficient is not active.",
        ),
        Mutant(_all_must_agree, "you ask that all k agree; one of them is enough: any."),
        Mutant(_share_of_memories, "this is the share of memories; asked is the share of patches with one."),
        Mutant(_most_active_alone, "you take the most active memory alone; take the k most active."),
        Mutant(_best_speaker_alone, "you take the class's best memory alone; take its k best."),
        Mutant(
            _says_the_class_first,
            "you ask which memories say the class before all others; asked are the k that add most to it.",
        ),
        Mutant(_over_the_tokens, "one ranking for all patches: rank the memories in each patch by itself."),
        Mutant(_count, "this is a count; divide by the number of patches."),
        Mutant(_each_token, "these are the patches one by one; their share is asked for: the mean."),
        Mutant(_one_more, "one memory too many on both sides: k of them."),
        Mutant(_last_patch_missing, "the last patch is missing."),
    ),
    hints=(
        "Two lists: the k memories that are most active in a patch, and the k of the layer that add most to "
        "the class's logit. Do they share one?",
        "`speakers = np.argsort(-class_values[:, label])[:k]` is the second; row 0 of the coefficients is "
        "the class token.",
        "`active = np.argsort(-coefficients[1:], axis=-1)[:, :k]`, then "
        "`np.isin(active, speakers).any(axis=-1).mean()`.",
    ),
    difficulty=3,
    importance=4,
    minutes=12,
)
