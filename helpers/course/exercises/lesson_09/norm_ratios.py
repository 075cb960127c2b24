"""norm_ratios(skip, branch): how much is carried?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _ratio_cases():
    rng = np.random.default_rng(92)
    by_hand = np.float32([[3, 4], [1, 0]]), np.float32([[0, 10], [2, 0]])
    return [by_hand] + [
        tuple(scale * rng.standard_normal(shape).astype("float32") for scale in scales)
        for shape, scales in (((3, 7, 5), (2, 1)), ((2, 4, 3, 6), (1, 3)))
    ]


def _norm(values, axis=-1):
    return np.sqrt((values**2).sum(axis=axis))


def _ratio_upside_down(skip, branch):
    return _norm(branch) / _norm(skip)


def _ratio_after_the_add(skip, branch):
    return _norm(skip) / _norm(skip + branch)


def _ratio_share(skip, branch):
    return _norm(skip) / (_norm(skip) + _norm(branch))


def _ratio_squared(skip, branch):
    return (skip**2).sum(axis=-1) / (branch**2).sum(axis=-1)


def _ratio_over_tokens(skip, branch):
    return _norm(skip, -2) / _norm(branch, -2)


def _ratio_one_norm(skip, branch):
    return np.abs(skip).sum(axis=-1) / np.abs(branch).sum(axis=-1)


def _ratio_of_entries(skip, branch):
    return np.abs(skip / branch).mean(axis=-1)


def _ratio_all_tokens(skip, branch):
    return _norm(skip).mean(axis=-1) / _norm(branch).mean(axis=-1)


def _ratio_length_of_fraction(skip, branch):
    return _norm(skip / branch)


def _ratio_difference(skip, branch):
    return _norm(skip) - _norm(branch)


def _ratio_of_difference(skip, branch):
    return _norm(skip - branch) / _norm(branch)


def _ratio_maxima(skip, branch):
    return np.abs(skip).max(axis=-1) / np.abs(branch).max(axis=-1)


def _ratio_sums(skip, branch):
    return skip.sum(axis=-1) / branch.sum(axis=-1)


def _ratio_deviations(skip, branch):
    return skip.std(axis=-1) / branch.std(axis=-1)


def _ratio_everything(skip, branch):
    return np.linalg.norm(skip) / np.linalg.norm(branch)


def _ratio_logarithm(skip, branch):
    return np.log(_norm(skip) / _norm(branch))


def _ratio_cosine(skip, branch):
    return (skip * branch).sum(axis=-1) / (_norm(skip) * _norm(branch))


def _ratio_skip_alone(skip, branch):
    return _norm(skip)


def _ratio_axis_kept(skip, branch):
    return _norm(skip)[..., None] / _norm(branch)[..., None]


EXERCISE = Exercise(
    key="residual.norm_ratios",
    title="How much is carried?",
    reference="helpers.analysis.residual:norm_ratios",
    cases=_ratio_cases,
    mutants=(
        Mutant(
            _ratio_upside_down,
            "upside down: what the skip carries stands on top, so above 1 means carried.",
        ),
        Mutant(
            _ratio_after_the_add,
            "you divide by the stream after the addition, z + f(z); the branch is f(z), before it.",
        ),
        Mutant(_ratio_share, "this is a share, between 0 and 1; the ratio is ‖z‖ / ‖f(z)‖."),
        Mutant(_ratio_squared, "a root is missing: these are squared lengths."),
        Mutant(
            _ratio_over_tokens,
            "the lengths run over the tokens; a token's length runs over its features, the last axis.",
        ),
        Mutant(_ratio_one_norm, "you add up absolute values; ‖·‖ is the root of the sum of squares."),
        Mutant(
            _ratio_of_entries,
            "you divide entry by entry, and average; one small entry blows that up. Lengths first.",
        ),
        Mutant(_ratio_all_tokens, "one number for all tokens: keep the tokens' axis."),
        Mutant(
            _ratio_length_of_fraction,
            "you divide entry by entry and take the length of that; take two lengths, then divide.",
        ),
        Mutant(_ratio_difference, "you subtract the lengths; divide them."),
        Mutant(
            _ratio_of_difference,
            "you take the length of z − f(z); the two lengths are those of z and of f(z).",
        ),
        Mutant(_ratio_maxima, "these are the largest entries; ‖·‖ is the root of the sum of squares."),
        Mutant(_ratio_sums, "you add up the entries; ‖·‖ is the root of the sum of squares."),
        Mutant(
            _ratio_deviations,
            "these are standard deviations, which take the mean off first; ‖·‖ is the root of the sum"
            " of squares.",
        ),
        Mutant(
            _ratio_everything,
            "this is one length for everything: give `axis=-1`, so that each token has its own.",
        ),
        Mutant(_ratio_logarithm, "this is the logarithm of the ratio; give the ratio."),
        Mutant(
            _ratio_cosine, "this is the cosine of the angle between the two; divide one length by the other."
        ),
        Mutant(_ratio_skip_alone, "this is the length of the skip alone; divide by that of the branch."),
        Mutant(_ratio_axis_kept, "the features' axis is still there, with one entry: leave `keepdims` out."),
    ),
    hints=(
        "Two lengths a token, then one division.",
        "`np.linalg.norm(…, axis=-1)` gives the length of each token.",
        "`np.linalg.norm(skip, axis=-1) / np.linalg.norm(branch, axis=-1)`",
    ),
    difficulty=1,
    importance=5,
    minutes=5,
)
