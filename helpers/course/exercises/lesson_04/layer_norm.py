"""layer_norm(tokens, gamma, beta, epsilon=1e-6): LayerNorm."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Switches


def _norm_cases():
    rng = np.random.default_rng(4)

    def numbers(*shape, scale=1.0, shift=0.0):
        return (scale * rng.standard_normal(shape) + shift).astype("float32")

    small = numbers(3, 4, 6, scale=0.02)
    small[0, 1] = 0.5  # a token whose features are all alike: its variance is 0
    by_hand = np.float32([[[1, 3]]]), np.float32([2, 4]), np.float32([10, 20])
    return [
        Case(small, numbers(6), numbers(6), epsilon=4e-3),
        Case(numbers(2, 5, 8, shift=1.5), numbers(8), numbers(8)),
        Case(numbers(1, 3, 12, scale=3.0), numbers(12), numbers(12), epsilon=1e-2),
        Case(*by_hand, epsilon=3.0),
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


def _norm_gamma_divides(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, epsilon) / gamma + beta


def _norm_gamma_added(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, 1.0, 0.0, epsilon) + gamma + beta


def _norm_beta_subtracted(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, -beta, epsilon)


def _norm_beta_multiplied(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, 0.0, epsilon) * beta


def _norm_epsilon_after(tokens, gamma, beta, epsilon=1e-6):
    return _norm_no_epsilon(tokens, gamma, beta) + epsilon


def _norm_epsilon_above(tokens, gamma, beta, epsilon=1e-6):
    with np.errstate(all="ignore"):
        centred = tokens - tokens.mean(-1, keepdims=True) + epsilon
        return gamma * centred / tokens.std(-1, keepdims=True) + beta


def _norm_epsilon_squared(tokens, gamma, beta, epsilon=1e-6):
    return _norm(tokens, gamma, beta, epsilon**2)


def _norm_by_absolute_deviation(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / (np.abs(centred).mean(-1, keepdims=True) + epsilon) + beta


def _norm_by_length(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).sum(-1, keepdims=True) + epsilon) + beta


def _norm_between_zero_and_one(tokens, gamma, beta, epsilon=1e-6):
    low, high = tokens.min(-1, keepdims=True), tokens.max(-1, keepdims=True)
    return gamma * (tokens - low) / (high - low + epsilon) + beta


def _norm_times_deviation(tokens, gamma, beta, epsilon=1e-6):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return gamma * centred * np.sqrt(tokens.var(-1, keepdims=True) + epsilon) + beta


def _norm_mean_off_late(tokens, gamma, beta, epsilon=1e-6):
    """Take the mean off after the division has been done: precedence without brackets."""
    deviation = np.sqrt(tokens.var(-1, keepdims=True) + epsilon)
    return gamma * tokens - tokens.mean(-1, keepdims=True) / deviation + beta


def _norm_gamma_before_division(tokens, gamma, beta, epsilon=1e-6):
    """Scale and shift first, and normalise that."""
    return _norm(gamma * tokens + beta, 1.0, 0.0, epsilon)


def _norm_beta_inside(tokens, gamma, beta, epsilon=1e-6):
    deviation = np.sqrt(tokens.var(-1, keepdims=True) + epsilon)
    return (gamma * (tokens - tokens.mean(-1, keepdims=True)) + beta) / deviation


def _norm_with(
    tokens, gamma, beta, epsilon=1e-6, *, axis=-1, centre=1, by=None, root=None, scale=None, shift=None
):
    tokens = np.asarray(tokens, "float64")
    centred = tokens - centre * tokens.mean(axis, keepdims=True)
    variance = tokens.var(axis, keepdims=True, ddof=by == "one less")
    if by == "squares":
        variance = (tokens**2).mean(axis, keepdims=True)
    inside = {"outside": 0.0, "none": 0.0, "keras": 1e-3, "fixed": 1e-6}.get(root, epsilon)
    divisor = variance + inside if root == "no root" else np.sqrt(variance + inside)
    normalised = centred / (divisor + epsilon * (root == "outside"))
    gamma, beta = (beta, gamma) if scale == "beta" else (gamma, beta)
    gamma = 1 if scale == "none" else gamma
    shifted = {"none": 0, "scaled": gamma * beta, "minus": -beta}.get(shift, beta)
    return gamma * normalised + shifted


_SWITCHES = Switches(
    _norm_with,
    {
        "axis": {
            1: "mean and variance run over the tokens, not over the features",
            0: "mean and variance run over the images, not over the features",
            (0, 1): "mean and variance run over all tokens of all images",
            (1, 2): "there is one mean and one variance for a whole image",
            None: "there is one mean and one variance for everything",
        },
        "centre": {0: "the mean is not taken off", 2: "the mean is taken off twice"},
        "by": {
            "one less": "the variance divides by hidden_dim − 1 (ddof=1)",
            "squares": "the mean of the squares stands in the place of the variance",
        },
        "root": {
            "outside": "epsilon is added to the standard deviation, not to the variance",
            "none": "epsilon is missing",
            "no root": "this divides by the variance, not by its root",
            "keras": "epsilon is always 1e-3",
            "fixed": "epsilon is always 1e-6",
        },
        "scale": {"none": "gamma is missing", "beta": "gamma and beta have changed places"},
        "shift": {
            "none": "beta is missing",
            "scaled": "beta is scaled by gamma",
            "minus": "beta is subtracted",
        },
    },
)


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
        Mutant(_norm_gamma_divides, "gamma divides; it multiplies the normalised tokens."),
        Mutant(_norm_gamma_added, "gamma is added; it multiplies the normalised tokens, and beta is added."),
        Mutant(_norm_beta_subtracted, "beta is subtracted: add it."),
        Mutant(_norm_beta_multiplied, "beta is multiplied: gamma multiplies, beta is added."),
        Mutant(
            _norm_epsilon_after, "epsilon is added to the result; it belongs under the root, to the variance."
        ),
        Mutant(
            _norm_epsilon_above,
            "epsilon is added above the line; it belongs under the root, to the variance.",
        ),
        Mutant(_norm_epsilon_squared, "epsilon is squared; add it to the variance as it is."),
        Mutant(
            _norm_by_absolute_deviation,
            "this divides by the mean absolute deviation; divide by the standard deviation.",
        ),
        Mutant(
            _norm_by_length,
            "this divides by the length of the token: the squares were added up, not averaged.",
        ),
        Mutant(
            _norm_between_zero_and_one,
            "this stretches each token to 0 … 1; subtract the mean and divide by the standard deviation.",
        ),
        Mutant(_norm_times_deviation, "you multiply by the standard deviation: divide by it."),
        Mutant(
            _norm_mean_off_late,
            "brackets are missing: (tokens − mean) / deviation, not tokens − mean / deviation.",
        ),
        Mutant(
            _norm_gamma_before_division,
            "gamma and beta come first here; normalise first, then scale and shift.",
        ),
        Mutant(
            _norm_beta_inside,
            "beta is divided too: it is added at the end, to what has been normalised and scaled.",
        ),
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
    switches=_SWITCHES,
)
