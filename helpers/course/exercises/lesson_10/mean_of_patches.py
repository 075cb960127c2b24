"""mean_of_patches(tokens, num_patches): the mean of the patch tokens."""

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_10.made import numbers


def _mean_cases():
    return [
        (numbers(109, 2, 7, 5), 6),  # with a class token
        (numbers(110, 3, 4, 6), 4),  # without one
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
