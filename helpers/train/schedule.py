"""The learning rate over a run: up along a line, down along a cosine."""

import math

import keras
from keras import ops


def warmup_cosine(step, *, peak, warmup_steps, total_steps):
    """Give the learning rate of a step: a line from near 0 to the peak, then half a cosine to 0.

    lr = peak · (step + 1) / warmup_steps while warming up, then peak · ½ (1 + cos(π · progress)), with
    progress from 0 to 1 over the steps that remain (Loshchilov & Hutter 2017,
    https://arxiv.org/abs/1608.03983).

    Args:
        step: int or tensor, from 0.
        peak: float, the highest rate; warmup_steps, total_steps: int.
    Returns:
        float tensor, the rate.
    """
    step = ops.cast(step, "float32")
    rising = (step + 1) / max(1, warmup_steps)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    falling = 0.5 * (1 + ops.cos(math.pi * ops.clip(progress, 0.0, 1.0)))
    return peak * ops.where(step < warmup_steps, rising, falling)


@keras.saving.register_keras_serializable("how_a_vit_sees")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """`warmup_cosine` as the schedule of an optimizer."""

    def __init__(self, peak, warmup_steps, total_steps):
        self.peak, self.warmup_steps, self.total_steps = peak, warmup_steps, total_steps

    def __call__(self, step):
        return warmup_cosine(step, **self.get_config())

    def get_config(self):
        return {"peak": self.peak, "warmup_steps": self.warmup_steps, "total_steps": self.total_steps}
