"""direct_effect(part, stream, gamma, kernel): what does one part of the stream add to each class?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_11.made import numbers


def _effect_cases():
    found = []
    for seed, shape, num_classes, scale in ((140, (2, 3, 6), 4, 1.0), (141, (3, 5), 3, 1e-3)):
        width = shape[-1]
        part, rest = scale * (numbers(seed, *shape) + 0.4), scale * numbers(seed + 10, *shape)
        gamma, kernel = 1 + 0.5 * numbers(seed + 20, width), numbers(seed + 30, width, num_classes)
        found.append((part, part + 2 * rest, gamma, kernel))  # so small that epsilon is seen, in the second
    return found


def _centred(values):
    return values - values.mean(axis=-1, keepdims=True)


def _deviation(values):
    return np.sqrt(values.var(axis=-1, keepdims=True) + 1e-6)


def _effect_own_deviation(part, stream, gamma, kernel):
    return gamma * _centred(part) / _deviation(part) @ kernel


def _effect_not_centred(part, stream, gamma, kernel):
    return gamma * part / _deviation(stream) @ kernel


def _effect_mean_of_stream(part, stream, gamma, kernel):
    return gamma * (part - stream.mean(axis=-1, keepdims=True)) / _deviation(stream) @ kernel


def _effect_no_norm(part, stream, gamma, kernel):
    return part @ kernel


def _effect_no_gamma(part, stream, gamma, kernel):
    return _centred(part) / _deviation(stream) @ kernel


def _effect_not_divided(part, stream, gamma, kernel):
    return gamma * _centred(part) @ kernel


def _effect_of_stream(part, stream, gamma, kernel):
    return gamma * _centred(stream) / _deviation(stream) @ kernel


def _effect_without(part, stream, gamma, kernel):
    """The logits without the part, from the logits: the norm is not held."""
    whole, rest = stream, stream - part
    return (gamma * _centred(whole) / _deviation(whole) - gamma * _centred(rest) / _deviation(rest)) @ kernel


def _effect_of_rest(part, stream, gamma, kernel):
    return gamma * _centred(stream - part) / _deviation(stream) @ kernel


def _effect_variance(part, stream, gamma, kernel):
    return gamma * _centred(part) / (stream.var(axis=-1, keepdims=True) + 1e-6) @ kernel


def _effect_epsilon_outside(part, stream, gamma, kernel):
    return gamma * _centred(part) / (stream.std(axis=-1, keepdims=True) + 1e-6) @ kernel


def _effect_length(part, stream, gamma, kernel):
    return gamma * _centred(part) / np.linalg.norm(stream, axis=-1, keepdims=True) @ kernel


def _effect_one_deviation(part, stream, gamma, kernel):
    return gamma * _centred(part) / np.sqrt(stream.var() + 1e-6) @ kernel


def _right(part, stream, gamma, kernel):
    return gamma * _centred(part) / _deviation(stream) @ kernel


def _effect_share(part, stream, gamma, kernel):
    return _right(part, stream, gamma, kernel) / _right(stream, stream, gamma, kernel)


def _effect_size(part, stream, gamma, kernel):
    return np.abs(_right(part, stream, gamma, kernel))


def _effect_best(part, stream, gamma, kernel):
    return _right(part, stream, gamma, kernel).max(axis=-1)


EXERCISE = Exercise(
    key="class_reading.direct_effect",
    title="What one part adds to each class",
    reference="helpers.analysis.class_reading:direct_effect",
    cases=_effect_cases,
    mutants=(
        Mutant(
            _effect_own_deviation,
            "you divide by the part's own deviation; hold that of the stream, or the parts do not add up.",
        ),
        Mutant(_effect_not_centred, "the part's mean is not subtracted, as the norm does it to the sum."),
        Mutant(
            _effect_mean_of_stream,
            "you subtract the stream's mean from each part; subtract the part's own, or the sum loses the "
            "mean as often as there are parts.",
        ),
        Mutant(
            _effect_no_norm,
            "the final LayerNorm is forgotten: a part goes through it as well, its statistics held.",
        ),
        Mutant(_effect_no_gamma, "gamma is forgotten."),
        Mutant(_effect_not_divided, "you do not divide by the deviation of the stream."),
        Mutant(_effect_of_stream, "this is the whole stream; asked is one part of it."),
        Mutant(
            _effect_without,
            "this is the drop when the part is taken away, the logits less those without it: the norm is not "
            "held, so the drops of all parts do not add up to the logits.",
        ),
        Mutant(_effect_of_rest, "this is what all the other parts add; asked is this one."),
        Mutant(_effect_variance, "you divide by the variance; divide by its root."),
        Mutant(_effect_epsilon_outside, "epsilon is added to the deviation; it belongs under the root."),
        Mutant(_effect_length, "you divide by the stream's length; divide by its deviation."),
        Mutant(_effect_one_deviation, "one deviation for all streams; each has its own, over its features."),
        Mutant(_effect_share, "this is a share of the whole; asked is what the part adds, in logits."),
        Mutant(_effect_size, "the signs are lost: a part may speak against a class."),
        Mutant(_effect_best, "this is the highest class alone; keep one number a class."),
    ),
    hints=(
        "The norm centres the sum and divides it. Which of the two is a matter of each part by itself?",
        "Centre the part with its own mean, and divide by the deviation of the whole stream.",
        "`gamma * (part - part.mean(-1, keepdims=True)) / np.sqrt(stream.var(-1, keepdims=True) + 1e-6) @ "
        "kernel`",
    ),
    difficulty=3,
    importance=4,
    minutes=10,
)
