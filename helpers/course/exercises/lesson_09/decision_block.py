"""decision_block(logits_per_block): find the block from which on the answer stays."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _logits(predicted, seed):
    """Make logits (readings, batch, 5) whose largest stand at the classes `predicted`, one row an image."""
    noise = np.random.default_rng(seed).random((*np.shape(predicted), 5))
    return (noise + 3 * np.eye(5)[np.asarray(predicted)]).transpose(1, 0, 2).astype("float32")


def _decision_cases():
    return [
        (_logits([[0, 2, 1, 2, 2, 2], [4, 4, 4, 4, 4, 4], [1, 1, 3, 0, 3, 1], [2, 0, 0, 0, 0, 0]], 90),),
        (_logits([[3, 1, 3, 1], [0, 1, 2, 3], [2, 2, 0, 0]], 91),),
        (np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 2.0]]]),),
        (np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[5.0, 1.0]], [[9.0, 2.0]]]),),
    ]


def _agrees(logits):
    predicted = np.argmax(logits, axis=-1)  # (readings, batch)
    return predicted == predicted[-1]


def _decision_first_once(logits_per_block):
    return _agrees(logits_per_block).argmax(axis=0)


def _decision_last_other(logits_per_block):
    agrees = _agrees(logits_per_block)
    return np.where(agrees.all(axis=0), 0, len(agrees) - 1 - (~agrees[::-1]).argmax(axis=0))


def _decision_never_other_is_last(logits_per_block):
    agrees = _agrees(logits_per_block)
    return len(agrees) - (~agrees[::-1]).argmax(axis=0)


def _decision_counted(logits_per_block):
    return (~_agrees(logits_per_block)).sum(axis=0)


def _decision_agreeing(logits_per_block):
    return _agrees(logits_per_block).sum(axis=0)


def _decision_from_the_end(logits_per_block):
    agrees = _agrees(logits_per_block)
    return np.where(agrees.all(axis=0), len(agrees), (~agrees[::-1]).argmax(axis=0))


def _decision_no_change(logits_per_block):
    """Take the first two neighbours that agree with each other."""
    predicted = np.argmax(logits_per_block, axis=-1)
    same = np.concatenate([predicted[1:] == predicted[:-1], np.ones_like(predicted[:1], bool)])
    return same.argmax(axis=0)


def _decision_from_one(logits_per_block):
    agrees = _agrees(logits_per_block)
    return 1 + np.where(agrees.all(axis=0), 0, len(agrees) - (~agrees[::-1]).argmax(axis=0))


def _decision_last_change(logits_per_block):
    """Count from the end how long the answer has stayed."""
    agrees = _agrees(logits_per_block)[::-1]
    return np.where(agrees.all(axis=0), len(agrees), (~agrees).argmax(axis=0)) - 1


def _decision_number_of_changes(logits_per_block):
    predicted = np.argmax(logits_per_block, axis=-1)
    return (predicted[1:] != predicted[:-1]).sum(axis=0)


def _decision_first_change(logits_per_block):
    predicted = np.argmax(logits_per_block, axis=-1)
    return (predicted != predicted[0]).argmax(axis=0)


def _decision_classes(logits_per_block):
    return np.argmax(logits_per_block, axis=-1)[-1]


def _decision_largest_logit(logits_per_block):
    return logits_per_block.max(axis=-1).argmax(axis=0)


def _decision_against_the_first(logits_per_block):
    predicted = np.argmax(logits_per_block, axis=-1)
    agrees = predicted == predicted[0]
    return np.where(agrees.all(axis=0), 0, len(agrees) - (~agrees[::-1]).argmax(axis=0))


def _decision_one_for_all(logits_per_block):
    agrees = _agrees(logits_per_block).all(axis=1)
    return np.where(agrees.all(), 0, len(agrees) - (~agrees[::-1]).argmax())


def _decision_over_images(logits_per_block):
    """Take the argmax over the images, not over the classes."""
    predicted = np.argmax(logits_per_block, axis=1)
    agrees = predicted == predicted[-1]
    return np.where(agrees.all(axis=0), 0, len(agrees) - (~agrees[::-1]).argmax(axis=0))


EXERCISE = Exercise(
    key="residual.decision_block",
    title="Find the block from which on the answer stays",
    reference="helpers.analysis.residual:decision_block",
    cases=_decision_cases,
    mutants=(
        Mutant(
            _decision_first_once,
            "this is the first reading that gives the final class once; it may leave it again. Asked is "
            "from which on it stays.",
        ),
        Mutant(_decision_last_other, "this is the last reading that still says something else; one more."),
        Mutant(
            _decision_never_other_is_last,
            "an image that never says anything else is decided at 0: `argmax` of no True at all is 0 "
            "as well.",
        ),
        Mutant(
            _decision_counted,
            "you count the readings that differ; that is the same only if none of them comes after one "
            "that agrees.",
        ),
        Mutant(
            _decision_agreeing,
            "you count the readings that agree with the final one; asked is where they begin.",
        ),
        Mutant(_decision_from_the_end, "you count from the end; reading 0 is before the first block."),
        Mutant(
            _decision_no_change,
            "you compare each reading with the next; two neighbours may agree on a class that is not "
            "the final one.",
        ),
        Mutant(_decision_from_one, "one too many: reading 0 is before any block, reading i after block i."),
        Mutant(
            _decision_last_change,
            "you count how many readings the answer has stayed for; asked is from which on, counted "
            "from the first.",
        ),
        Mutant(
            _decision_number_of_changes,
            "you count how often the class changes; asked is from which reading on it stays.",
        ),
        Mutant(
            _decision_first_change,
            "this is the first change; asked is from which reading on the final class stays.",
        ),
        Mutant(_decision_classes, "these are the final classes; asked is from which reading on they stay."),
        Mutant(
            _decision_largest_logit,
            "this is where the largest logit is highest; asked is from which reading on the class stays.",
        ),
        Mutant(
            _decision_against_the_first,
            "you compare with the first reading; the final class is that of the last, [-1].",
        ),
        Mutant(_decision_one_for_all, "this is one number for all images; each has its own."),
        Mutant(_decision_over_images, "the argmax runs over the images; the classes are the last axis, -1."),
    ),
    hints=(
        "The final class is the one of the last reading. Which readings differ from it?",
        "Turn the order round, and look for the first that differs; where none does, the answer is 0.",
        "`predicted = logits.argmax(-1)`; `differs = predicted != predicted[-1]`; "
        "`len(predicted) - differs[::-1].argmax(axis=0)`, but 0 where `differs` is never True.",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
