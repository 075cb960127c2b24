"""Train a model so that it can be stopped at any moment and goes on as if nothing had happened.

The images lie on the device as bytes; Keras' `fit` runs over indices; augmentation is part of the compiled
step. On an accelerator a long piece of a pass is one compiled call, so that the device never waits for
Python.
"""

import dataclasses

import numpy as np

from helpers.train.initialisation import mimetic_initialisation
from helpers.train.keeper import Keeper
from helpers.train.optimizer import SwapAverages, make_optimizer
from helpers.train.order import ShuffledIndices
from helpers.train.pace import Pace
from helpers.train.passes import Passes
from helpers.train.scoring import accuracy, predict_logits
from helpers.train.training_model import TrainingModel, augment_batch

__all__ = [
    "Outcome",
    "ShuffledIndices",
    "TrainingModel",
    "accuracy",
    "augment_batch",
    "make_optimizer",
    "predict_logits",
    "train",
]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run gives: the history, one entry a pass, and whether it reached its end."""

    history: list
    finished: bool

    @property
    def test_accuracy(self):
        return self.history[-1]["test_accuracy"] if self.history else float("nan")


def train(
    model,
    dataset,
    recipe,
    *,
    seed=0,
    out=None,
    report=None,
    stop_after=None,
    seconds=None,
    steps_per_call=None,
    each_pass=None,
):
    """Train a model on a data set, pass after pass, and resume where an earlier call with the same `out`
    stopped.

    Args:
        model: VisionTransformer or ResNet; holds the averaged weights afterwards.
        dataset: helpers.data.Dataset with uint8 images and integer labels.
        recipe: Recipe.
        seed: int, of everything random: order, augmentation, dropped branches, mimetic start.
        out: folder for the state and the history, or None to keep nothing.
        report: a function called with each pass's history entry and, within a pass, with {"pass", "images"
            done, "seconds"}.
        stop_after: int, end the call after this many passes in all, as a person would who goes on tomorrow.
        seconds: float, end the call after the pass within which so much time is over.
        steps_per_call: int, steps of one compiled call (JAX and TensorFlow); None: one on a processor, and on
            an accelerator as many as take about a second. The weights are the same whatever it is.
        each_pass: a function called after each pass with the history so far; the model then holds the
            averaged weights.
    Returns:
        Outcome. Ctrl-C ends the call early, keeps the last whole pass, and is told by `finished`.
    Raises:
        ValueError: if there are fewer images than one batch, labels outside the model's classes, a
            steps_per_call below 1, or `out` holds the state of another run or of another version.
    """
    check_dataset(dataset, recipe, model.config)
    if recipe.initialisation == "mimetic" and hasattr(model.config, "num_heads"):
        mimetic_initialisation(model, seed)
    training = TrainingModel(model, dataset, recipe, seed)
    shown = recipe.images_per_pass or len(dataset.x_train)
    pace = Pace(shown // recipe.batch_size, steps_per_call)
    training.compile(optimizer=make_optimizer(recipe, pace.num_steps), loss=None)
    training.optimizer.build(training.trainable_variables)
    keeper = Keeper(training, recipe, seed, len(dataset.x_train), out)
    start = keeper.resume()
    last = min(recipe.epochs, stop_after or recipe.epochs)
    passes = Passes(keeper, pace, dataset, recipe, report, each_pass, seconds)
    try:
        while start < last and not passes.is_time_over():
            pieces = pace.prepare(training)
            indices = ShuffledIndices(len(dataset.x_train), recipe.batch_size, seed, start, shown, pieces)
            averaging = [SwapAverages()] if recipe.ema_momentum else []
            callbacks = [passes.before_swap(), *averaging, passes.after_swap()]
            training.fit(
                indices, initial_epoch=start, epochs=last, callbacks=callbacks, shuffle=False, verbose=0
            )
            start = len(keeper.history)
            if start < last:  # `fit` was ended early, and has left the averages in the model's place
                keeper.restore(keeper.state)
    except KeyboardInterrupt:
        pass
    finally:
        keeper.close()
    return Outcome(keeper.history, len(keeper.history) >= recipe.epochs)


def check_dataset(dataset, recipe, config):
    """Refuse data that cannot be trained on, saying what was expected, what came and what to do."""
    if len(dataset.x_train) < recipe.batch_size:
        raise ValueError(
            f"A batch needs {recipe.batch_size} images; received {len(dataset.x_train)} training images. "
            "Lower the recipe's batch_size, or give more images."
        )
    if 0 < recipe.images_per_pass < recipe.batch_size:
        raise ValueError(
            f"A pass needs {recipe.batch_size} images, one batch; received images_per_pass="
            f"{recipe.images_per_pass}. Raise it, or set it to 0 for each image once."
        )
    if dataset.x_train.dtype != np.uint8:
        raise ValueError(
            f"Training images are bytes (uint8); received {dataset.x_train.dtype}. Use (x * "
            f"255).astype('uint8')."
        )
    highest = int(np.max(dataset.y_train))
    if highest >= config.num_classes:
        raise ValueError(
            f"The model has {config.num_classes} classes, 0 to {config.num_classes - 1}; received the "
            f"label {highest}. "
            "Give the configuration num_classes of the data."
        )
