"""mean_of_patches(tokens, num_patches): the mean of the patch tokens."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_10.made import numbers


def _mean_cases():
    return [
        (numbers(109, 2, 7, 5), 6),  # with a class token
        (numbers(110, 3, 4, 6), 4),  # without one
        (np.array([[[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]]]), 2),
    ]


def _mean_with_class_token(tokens, num_patches):
    return tokens.mean(axis=-2)


def _mean_first_always_dropped(tokens, num_patches):
    return tokens[..., 1:, :].mean(axis=-2)


def _mean_first_ones(tokens, num_patches):
    return tokens[..., :num_patches, :].mean(axis=-2)


def _mean_over_features(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=-1)


def _mean_over_images(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=0)


def _mean_first_token(tokens, num_patches):
    return tokens[..., 0, :]


def _mean_sum(tokens, num_patches):
    return tokens[..., -num_patches:, :].sum(axis=-2)


def _mean_axis_kept(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean(axis=-2, keepdims=True)


def _mean_of_everything(tokens, num_patches):
    return tokens[..., -num_patches:, :].mean()


def _mean_one_short(tokens, num_patches):
    return tokens[..., 1:num_patches, :].mean(axis=-2)


def _mean_all_summed(tokens, num_patches):
    return tokens.sum(axis=-2) / num_patches


def _mean_median(tokens, num_patches):
    return np.median(tokens[..., -num_patches:, :], axis=-2)


def _mean_maximum(tokens, num_patches):
    return tokens[..., -num_patches:, :].max(axis=-2)


def _mean_last_patch(tokens, num_patches):
    return tokens[..., -1, :]


def _mean_last_missing(tokens, num_patches):
    return tokens[..., -num_patches:-1, :].mean(axis=-2)


def _mean_over_all_tokens(tokens, num_patches):
    return tokens[..., -num_patches:, :].sum(axis=-2) / tokens.shape[-2]


def _mean_normalised(tokens, num_patches):
    mean = tokens[..., -num_patches:, :].mean(axis=-2)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def _mean_class_token_added(tokens, num_patches):
    return tokens[..., 0, :] + tokens[..., -num_patches:, :].mean(axis=-2)


EXERCISE = Exercise(
    key="one_token.mean_of_patches",
    title="The mean of the patch tokens",
    reference="helpers.analysis.one_token:mean_of_patches",
    cases=_mean_cases,
    mutants=(
        Mutant(
            _mean_with_class_token,
            "the class token is averaged in, where there is one: one part in 65, and the one that knows "
            "the class.",
        ),
        Mutant(
            _mean_first_always_dropped,
            "you always drop the first token; a network with mean pooling has no class token, and there "
            "you lose a patch.",
        ),
        Mutant(
            _mean_first_ones,
            "you keep the first tokens; the class token stands in front, so take the last ones.",
        ),
        Mutant(
            _mean_one_short,
            "`1:num_patches` ends one token short; counted from the end, the patches need no such care.",
        ),
        Mutant(
            _mean_all_summed,
            "the class token, where there is one, is in the sum and not in the count: leave it out.",
        ),
        Mutant(_mean_over_features, "you average over the features; average over the tokens, axis −2."),
        Mutant(_mean_over_images, "you average over the images; average over the tokens, axis −2."),
        Mutant(_mean_first_token, "this is the first token; asked is the mean of the patches."),
        Mutant(_mean_sum, "this is the sum; divide by the number of patches."),
        Mutant(_mean_axis_kept, "the tokens' axis is still there, with one entry: leave it out."),
        Mutant(_mean_of_everything, "one number for everything: average over the tokens alone, axis −2."),
        Mutant(_mean_median, "this is the median; the mean is asked for."),
        Mutant(_mean_maximum, "this is the maximum; the mean is asked for."),
        Mutant(_mean_last_patch, "this is the last patch alone; asked is the mean of all patches."),
        Mutant(_mean_last_missing, "the last patch is missing: `-num_patches:` runs to the end."),
        Mutant(_mean_over_all_tokens, "you divide by the number of tokens; the patches are num_patches."),
        Mutant(_mean_normalised, "you divide by the length as well; the mean is asked for."),
        Mutant(_mean_class_token_added, "the first token is added to the mean; leave it out."),
    ),
    hints=(
        "The patches are the last tokens, with or without a class token in front.",
        "`tokens[..., -num_patches:, :]` are the patches.",
        "`tokens[..., -num_patches:, :].mean(axis=-2)`",
    ),
    difficulty=1,
    importance=4,
    minutes=3,
)
