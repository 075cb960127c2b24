"""How fast a training is on this machine, found out by training for a moment."""

import time

import numpy as np

from helpers.train.fit import check_dataset
from helpers.train.optimizer import make_optimizer
from helpers.train.order import ShuffledIndices
from helpers.train.pace import SECONDS_A_CALL, Pace, is_accelerated
from helpers.train.scoring import predict_logits
from helpers.train.training_model import TrainingModel


def probe(model, dataset, recipe, *, seconds=10.0, steps_per_call=None):
    """Compile a training step and take it for a while. The model is changed, and nothing is kept.

    What was compiled stays in JAX's persistent cache where there is one (JAX_COMPILATION_CACHE_DIR), so that
    the run itself starts at once.

    Args:
        model: VisionTransformer or ResNet; dataset: helpers.data.Dataset; recipe: Recipe.
        seconds: float, how long to measure once all is compiled.
        steps_per_call: as in `train`.
    Returns:
        dict: "images_per_second" of training; "images_a_pass"; "steps_per_call", how many steps take about a
            second (on a processor 1); "seconds_a_score", of all test images; "accelerated", whether this is
            a GPU or TPU.
    """
    check_dataset(dataset, recipe, model.config)
    training = TrainingModel(model, dataset, recipe, 0)
    pace = Pace((recipe.images_per_pass or len(dataset.x_train)) // recipe.batch_size, steps_per_call)
    training.compile(optimizer=make_optimizer(recipe, pace.num_steps), loss=None)
    training.optimizer.build(training.trainable_variables)
    pieces = pace.prepare(training)
    batches = ShuffledIndices(len(dataset.x_train), recipe.batch_size, 0, 0, None, pieces)
    steps, calls = (pieces or [1])[0], 0
    training.train_on_batch(*batches[0])  # compiles
    began = time.perf_counter()
    while calls == 0 or time.perf_counter() - began < seconds:
        loss = training.train_on_batch(*batches[calls % len(batches)])
        calls += 1
    seconds_a_step = (time.perf_counter() - began) / (calls * steps)
    if not np.isfinite(loss):
        raise ValueError(f"The loss after {1 + calls} calls is {loss}: lower the recipe's learning_rate.")
    predict_logits(model, dataset.x_test[:500])  # compiles
    began = time.perf_counter()
    predict_logits(model, dataset.x_test[:500])
    score = (time.perf_counter() - began) * len(dataset.x_test) / len(dataset.x_test[:500])
    longest = max(1, min(pace.num_steps, int(SECONDS_A_CALL / seconds_a_step)))
    return {
        "images_per_second": round(recipe.batch_size / seconds_a_step, 1),
        "images_a_pass": pace.num_steps * recipe.batch_size,
        "steps_per_call": longest if is_accelerated() else 1,
        "seconds_a_score": round(score, 2),
        "accelerated": is_accelerated(),
    }
