"""read_tokens(tokens, gamma, beta, kernel, bias): what would the head say of this token?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_11.made import numbers


def _read_cases():
    found = []
    for seed, shape, num_classes, scale in ((110, (2, 3, 6), 4, 2.0), (111, (3, 5), 3, 1e-3)):
        width = shape[-1]
        tokens = scale * (numbers(seed, *shape) + 0.7)  # the second so small that epsilon is seen
        gamma, beta = 1 + 0.5 * numbers(seed + 10, width), numbers(seed + 20, width)
        kernel, bias = numbers(seed + 30, width, num_classes), numbers(seed + 40, num_classes)
        found.append((tokens, gamma, beta, kernel, bias))
    return found


def _normalised(tokens, axis=-1):
    centred = tokens - tokens.mean(axis=axis, keepdims=True)
    return centred / np.sqrt(tokens.var(axis=axis, keepdims=True) + 1e-6)


def _read_no_norm(tokens, gamma, beta, kernel, bias):
    return tokens @ kernel + bias


def _read_paper(tokens, gamma, beta, kernel, bias):
    return tokens @ kernel


def _read_no_bias(tokens, gamma, beta, kernel, bias):
    return (gamma * _normalised(tokens) + beta) @ kernel


def _read_no_beta(tokens, gamma, beta, kernel, bias):
    return gamma * _normalised(tokens) @ kernel + bias


def _read_no_gamma(tokens, gamma, beta, kernel, bias):
    return (_normalised(tokens) + beta) @ kernel + bias


def _read_plain_norm(tokens, gamma, beta, kernel, bias):
    return _normalised(tokens) @ kernel + bias


def _read_no_statistics(tokens, gamma, beta, kernel, bias):
    return (gamma * tokens + beta) @ kernel + bias


def _read_over_tokens(tokens, gamma, beta, kernel, bias):
    return (gamma * _normalised(tokens, -2) + beta) @ kernel + bias


def _read_everything(tokens, gamma, beta, kernel, bias):
    return (gamma * _normalised(tokens, None) + beta) @ kernel + bias


def _read_not_centred(tokens, gamma, beta, kernel, bias):
    normalised = tokens / np.sqrt(tokens.var(axis=-1, keepdims=True) + 1e-6)
    return (gamma * normalised + beta) @ kernel + bias


def _read_variance(tokens, gamma, beta, kernel, bias):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    return (gamma * centred / (tokens.var(axis=-1, keepdims=True) + 1e-6) + beta) @ kernel + bias


def _read_epsilon_outside(tokens, gamma, beta, kernel, bias):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    return (gamma * centred / (tokens.std(axis=-1, keepdims=True) + 1e-6) + beta) @ kernel + bias


def _read_unbiased(tokens, gamma, beta, kernel, bias):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    variance = tokens.var(axis=-1, keepdims=True, ddof=1)
    return (gamma * centred / np.sqrt(variance + 1e-6) + beta) @ kernel + bias


def _read_gamma_on_all(tokens, gamma, beta, kernel, bias):
    return gamma * (_normalised(tokens) + beta) @ kernel + bias


def _right(tokens, gamma, beta, kernel, bias):
    return (gamma * _normalised(tokens) + beta) @ kernel + bias


def _read_softmax(tokens, gamma, beta, kernel, bias):
    exponentials = np.exp(_right(tokens, gamma, beta, kernel, bias))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _read_classes(tokens, gamma, beta, kernel, bias):
    return _right(tokens, gamma, beta, kernel, bias).argmax(axis=-1)


def _read_first_token(tokens, gamma, beta, kernel, bias):
    return _right(tokens, gamma, beta, kernel, bias)[..., 0, :]


def _read_mean(tokens, gamma, beta, kernel, bias):
    return _right(tokens, gamma, beta, kernel, bias).mean(axis=-2)


EXERCISE = Exercise(
    key="class_reading.read_tokens",
    title="Read a token as the head does",
    reference="helpers.analysis.class_reading:read_tokens",
    cases=_read_cases,
    mutants=(
        Mutant(
            _read_no_norm,
            "the final LayerNorm is forgotten: the head was trained on what comes out of it, and a token "
            "of the stream is larger and lies elsewhere.",
        ),
        Mutant(
            _read_paper,
            "this is the formula as the paper prints it, tokens times matrix; its code, and the model, "
            "have the final LayerNorm before and the head's bias after.",
        ),
        Mutant(_read_no_bias, "the head's bias is forgotten: it moves whole classes up or down."),
        Mutant(_read_no_beta, "beta, the shift of the final LayerNorm, is forgotten."),
        Mutant(_read_no_gamma, "gamma, the scale of the final LayerNorm, is forgotten."),
        Mutant(_read_plain_norm, "the norm has no gamma and no beta: it learned both."),
        Mutant(
            _read_no_statistics,
            "gamma and beta are there, but mean and variance are not: centre each token and divide it by "
            "its deviation first.",
        ),
        Mutant(
            _read_over_tokens,
            "you normalise over the tokens; each token has its own mean and variance, over its features.",
        ),
        Mutant(
            _read_everything,
            "one mean and variance for everything; each token has its own, over its features.",
        ),
        Mutant(_read_not_centred, "the mean of each token is not subtracted."),
        Mutant(_read_variance, "you divide by the variance; divide by its root."),
        Mutant(_read_epsilon_outside, "epsilon is added to the deviation; it belongs under the root."),
        Mutant(_read_unbiased, "you divide the sum of squares by one fewer; a LayerNorm takes their mean."),
        Mutant(_read_gamma_on_all, "gamma is multiplied with beta too: shift last."),
        Mutant(_read_softmax, "these are probabilities; the logits are asked for, without a softmax."),
        Mutant(_read_classes, "these are the classes with the highest logit; all logits are asked for."),
        Mutant(_read_first_token, "only the first token was read; read every token."),
        Mutant(_read_mean, "the tokens were averaged; each keeps its own logits."),
    ),
    hints=(
        "What does the model do with its class token after the last block? Two steps, and both have weights.",
        "LayerNorm over the last axis, gamma · … + beta; then a matrix product and a bias.",
        "`(gamma * (tokens - mean) / np.sqrt(variance + 1e-6) + beta) @ kernel + bias`, mean and variance "
        "with `axis=-1, keepdims=True`.",
    ),
    difficulty=2,
    importance=5,
    minutes=8,
)
