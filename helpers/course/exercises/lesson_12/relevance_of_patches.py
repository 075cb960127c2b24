"""relevance_of_patches(logits, slopes, label): which patches would lower the loss?"""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_12.made import numbers


def _cases():
    by_hand = np.log([2.0, 1.0, 1.0]), np.array([[9.0, 4, 0], [7, 0, 8], [8, 0, 4]]), 1
    return [
        by_hand,
        (2 * numbers(128, 5), numbers(129, 5, 7), 3),
        (numbers(130, 4) + 3, numbers(131, 4, 4), 0),
    ]


def _softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def _one_hot(logits, label):
    return np.eye(len(logits))[label]


def _relevance(logits, slopes, label):
    return (_one_hot(logits, label) - _softmax(logits)) @ slopes


def _sign(logits, slopes, label):
    return -_relevance(logits, slopes, label)[1:]


def _softmax_twice(logits, slopes, label):
    """The slope of −log softmax(softmax(z))[label], exactly."""
    p = _softmax(logits)
    outer = _one_hot(logits, label) - _softmax(p)
    return ((np.diag(p) - np.outer(p, p)) @ outer) @ slopes[:, 1:]


def _softmax_of_softmax(logits, slopes, label):
    return (_one_hot(logits, label) - _softmax(_softmax(logits))) @ slopes[:, 1:]


def _with_class_token(logits, slopes, label):
    return _relevance(logits, slopes, label)


def _class_token_last(logits, slopes, label):
    return _relevance(logits, slopes, label)[:-1]


def _logit_alone(logits, slopes, label):
    return slopes[label, 1:]


def _no_softmax(logits, slopes, label):
    return (_one_hot(logits, label) - logits) @ slopes[:, 1:]


def _probability(logits, slopes, label):
    """The slope of the probability, and not of its logarithm."""
    return _softmax(logits)[label] * _relevance(logits, slopes, label)[1:]


def _own_class_alone(logits, slopes, label):
    return (1 - _softmax(logits)[label]) * slopes[label, 1:]


def _rivals_alone(logits, slopes, label):
    return -_softmax(logits) @ slopes[:, 1:]


def _against_the_mean(logits, slopes, label):
    return slopes[label, 1:] - slopes[:, 1:].mean(axis=0)


def _against_the_best(logits, slopes, label):
    return slopes[label, 1:] - slopes[logits.argmax(), 1:]


def _size(logits, slopes, label):
    return np.abs(_relevance(logits, slopes, label)[1:])


def _positive(logits, slopes, label):
    return np.maximum(_relevance(logits, slopes, label)[1:], 0)


def _predicted(logits, slopes, label):
    return _relevance(logits, slopes, logits.argmax())[1:]


EXERCISE = Exercise(
    key="one_image.relevance_of_patches",
    title="Which patches would lower the loss?",
    reference="helpers.analysis.one_image:relevance_of_patches",
    cases=_cases,
    mutants=(
        Mutant(
            _sign,
            "the sign of the gradient: this is ∂ loss / ∂ attention, and what lowers the loss is below 0. "
            "Relevance is −∂ loss / ∂ attention.",
        ),
        Mutant(
            _softmax_twice,
            "softmax twice: the cross-entropy of logits applies it already. The paper's public code does "
            "what you did; a class with little probability then hardly has a gradient.",
        ),
        Mutant(_softmax_of_softmax, "softmax twice: once turns the logits into probabilities."),
        Mutant(_with_class_token, "the class token is counted as an image token: column 0 is no patch."),
        Mutant(_class_token_last, "the class token stands in front: leave column 0 out, not the last."),
        Mutant(
            _logit_alone,
            "this is the slope of the class's logit; the loss also falls when a rival's logit falls.",
        ),
        Mutant(_no_softmax, "the logits are no probabilities: a softmax is missing."),
        Mutant(
            _probability,
            "this is the slope of the probability; the loss is its logarithm: do not multiply by p.",
        ),
        Mutant(_own_class_alone, "the rivals are missing: their probabilities times their slopes count too."),
        Mutant(_rivals_alone, "the class itself is missing: onehot(label) − softmax(logits)."),
        Mutant(_against_the_mean, "you subtract the mean of the classes; weigh them by their probabilities."),
        Mutant(_against_the_best, "you subtract the predicted class; weigh all by their probabilities."),
        Mutant(_size, "the signs are lost: a patch may speak against the class."),
        Mutant(_positive, "what speaks against the class was set to 0: leave it there."),
        Mutant(_predicted, "this asks about the predicted class, whichever was asked for: use `label`."),
    ),
    hints=(
        "∂ loss / ∂ logits is known in closed form. Then the chain rule: each logit has its slope.",
        "∂ loss / ∂ logits = softmax(logits) − onehot(label). Mind the sign, and column 0.",
        "`(onehot - softmax) @ slopes[:, 1:]`.",
    ),
    difficulty=3,
    importance=5,
    minutes=12,
)
