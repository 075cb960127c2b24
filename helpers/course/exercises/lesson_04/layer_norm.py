"""layer_norm(tokens, gamma, beta, epsilon=1e-6): LayerNorm."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant


def _norm_cases():
    rng = np.random.default_rng(4)

    def numbers(*shape, scale=1.0, shift=0.0):
        return (scale * rng.standard_normal(shape) + shift).astype("float32")

    small = numbers(3, 4, 6, scale=0.02)
    small[0, 1] = 0.5  # a token whose features are all alike: its variance is 0
    return [
        Case(small, numbers(6), numbers(6), epsilon=4e-3),
        Case(numbers(2, 5, 8, shift=1.5), numbers(8), numbers(8)),
        Case(numbers(1, 3, 12, scale=3.0), numbers(12), numbers(12), epsilon=1e-2),
    ]


def _norm(tokens, gamma, beta, epsilon, *, axis=-1, ddof=0):
    mean, variance = tokens.mean(axis, keepdims=True), tokens.var(axis, keepdims=True, ddof=ddof)
    return gamma * (tokens - mean) / np.sqrt(variance + epsilon) + beta


def _norm_over_tokens(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=1)


def _norm_over_batch(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=0)


def _norm_over_batch_and_tokens(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=(0, 1))


def _norm_over_image(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=(1, 2))


def _norm_over_all(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, axis=None)


def _norm_ddof(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon, ddof=1)


def _norm_no_epsilon(tokens, gamma, beta, epsilon=1e-6):
    with np.errstate(all="ignore"):
        return _norm(tokens, gamma, beta, 0.0)


def _norm_epsilon_outside(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / (tokens.std(-1, keepdims=True) + epsilon) + beta


def _norm_fixed_epsilon(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, 1e-6)


def _norm_keras_epsilon(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, 1e-3)


def _norm_by_variance(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / (tokens.var(-1, keepdims=True) + epsilon) + beta


def _norm_no_mean(tokens, gamma, beta, epsilon=1e-6):
    return gamma * tokens / np.sqrt(np.mean(tokens**2, axis=-1, keepdims=True) + epsilon) + beta


def _norm_only_scaled(tokens, gamma, beta, epsilon=1e-6):
    return gamma * tokens / np.sqrt(tokens.var(-1, keepdims=True) + epsilon) + beta


def _norm_fresh_layer(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, 1e-3)


def _norm_swapped(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, beta, gamma, epsilon)


def _norm_centred(tokens, gamma, beta, epsilon=1e-6):
    return tokens - tokens.mean(-1, keepdims=True)


def _norm_plain(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, epsilon)


def _norm_no_gamma(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, beta, epsilon)


def _norm_no_beta(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, 0.0, epsilon)


def _norm_shift_first(tokens, gamma, beta, epsilon=1e-6):
    return gamma * (_norm(tokens, 1.0, 0.0, epsilon) + beta)


EXERCISE = Exercise(
    key="parts.layer_norm",
    title="LayerNorm",
    reference="helpers.model.parts:layer_norm",
    cases=_norm_cases,
    mutants=(
        Mutant(
            _norm_over_tokens,
            "mean and variance run over the tokens: each token has its own, over its features (axis=-1).",
        ),
        Mutant(
            _norm_over_batch,
            "mean and variance run over the batch: then one image changes the answer for another. Take "
            "axis=-1.",
        ),
        Mutant(
            _norm_over_batch_and_tokens,
            "mean and variance run over all tokens of all images, as in a batch norm. Take axis=-1.",
        ),
        Mutant(
            _norm_over_image,
            "there is one mean and one variance an image; each token has its own (axis=-1).",
        ),
        Mutant(
            _norm_over_all,
            "there is one mean and one variance for everything: name the axis, axis=-1.",
        ),
        Mutant(
            _norm_ddof,
            "the variance divides by hidden_dim − 1, as a statistician's estimate does; here it divides "
            "by hidden_dim (ddof=0).",
        ),
        Mutant(
            _norm_no_epsilon,
            "epsilon is missing: a token whose features are all alike gives 0/0. It goes under the root.",
        ),
        Mutant(
            _norm_epsilon_outside,
            "epsilon is added to the standard deviation; it belongs inside the root, to the variance.",
        ),
        Mutant(
            _norm_fixed_epsilon,
            "epsilon is always 1e-6: use the argument, which may be another number.",
        ),
        Mutant(
            _norm_keras_epsilon,
            "epsilon is always 1e-3, Keras' default: use the argument.",
        ),
        Mutant(
            _norm_by_variance, "this divides by the variance; divide by its root, the standard deviation."
        ),
        Mutant(
            _norm_no_mean,
            "the mean is not taken off: that is RMSNorm, which other networks use. Subtract it first.",
        ),
        Mutant(_norm_only_scaled, "the variance is right, but the mean was never taken off the tokens."),
        Mutant(
            _norm_fresh_layer,
            "that is a fresh Keras layer: its gamma is 1, its beta 0 and its epsilon 1e-3. Use the "
            "arguments.",
        ),
        Mutant(_norm_swapped, "gamma and beta have changed places: gamma scales, beta is added."),
        Mutant(
            _norm_centred,
            "the mean is taken off, which is half of it: divide by the standard deviation next.",
        ),
        Mutant(_norm_plain, "gamma and beta are missing: gamma · normalised + beta."),
        Mutant(_norm_no_gamma, "gamma is missing: multiply by it before you add beta."),
        Mutant(_norm_no_beta, "beta is missing: add it at the end."),
        Mutant(_norm_shift_first, "beta is scaled by gamma too: multiply first, then add beta."),
    ),
    hints=(
        "Which axis holds the features of one token? Mean and variance run over that one alone.",
        "Keep the axis, so that shapes fit: tokens.mean(axis=-1, keepdims=True) is (batch, num_tokens, "
        "1). The same with var.",
        "gamma * (tokens - mean) / np.sqrt(variance + epsilon) + beta.",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
