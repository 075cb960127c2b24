"""The optimizer of a recipe: its rate over the run, its decay, its clipping, its average of the weights."""

import keras

from helpers.train.devices import num_replicas
from helpers.train.foreach import with_foreach
from helpers.train.muon import StackedMuon
from helpers.train.recipe import NO_DECAY
from helpers.train.schedule import WarmupCosine


def make_optimizer(recipe, steps_per_epoch):
    """Build the recipe's optimizer: a rate warmed up, then lowered along a cosine; decay on matrices only."""
    total_steps = recipe.epochs * steps_per_epoch
    rate = WarmupCosine(
        recipe.learning_rate, min(int(recipe.warmup_epochs * steps_per_epoch), total_steps), total_steps
    )
    longest = recipe.clip_norm / num_replicas()  # Keras on TensorFlow clips each device's share of the sum
    options = dict(weight_decay=recipe.weight_decay, global_clipnorm=longest or None)
    if recipe.ema_momentum:
        options |= dict(use_ema=True, ema_momentum=recipe.ema_momentum)
    if recipe.optimizer == "muon":
        # They, and all that is no matrix, get AdamW. Regular expressions, searched for in the whole path: a
        # plain "head" would be found in "multi_head_attention" too.
        others = ["position_embedding", "class_token", "(^|/)head(/|$)"]
        optimizer = StackedMuon(rate, exclude_layers=others, adam_weight_decay=recipe.weight_decay, **options)
    else:
        optimizer = keras.optimizers.AdamW(rate, **options)
    optimizer.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return with_foreach(optimizer)


class SwapAverages(keras.callbacks.SwapEMAWeights):
    """Keras' own swap of the averaged weights into the model; on JAX by name, without a trip to the host."""

    def __init__(self):
        super().__init__(swap_on_epoch=True)

    def _backend_swap_variables(self, optimizer):
        if keras.backend.backend() != "jax":
            super()._backend_swap_variables(optimizer)
            return
        for variable, average in zip(
            optimizer._trainable_variables, optimizer._model_variables_moving_average
        ):
            value = variable.value
            variable.assign(average.value)
            average.assign(value)
