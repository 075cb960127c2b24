"""An optimizer's step on torch, for all weights at once instead of one after another.

Keras' optimizers have such steps for torch where they are Adam's or SGD's; clipping by the global norm,
averaged weights and Muon (with the AdamW that it uses for what is no matrix) go variable by variable, some
ten operations each. Small networks have many small variables, so the calls cost more than the arithmetic.
Here one call of `torch._foreach_...` does an operation for all. The numbers are the same but for rounding,
and so is the state.
"""

import keras


def with_foreach(optimizer):
    """Give an optimizer these steps on torch; leave it be on the others, which compile it."""
    if keras.backend.backend() == "torch":
        kind = type(optimizer)
        optimizer.__class__ = type(kind.__name__, (ForeachSteps, kind), {})
    return optimizer


class ForeachSteps:
    """What takes the place of the methods of the same names in `keras.optimizers.Optimizer`."""

    def _clip_gradients(self, gradients):
        import torch

        if not self.global_clipnorm or self.clipnorm or any(gradient is None for gradient in gradients):
            return super()._clip_gradients(gradients)
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        scale = self.global_clipnorm * torch.clamp(1.0 / length, max=1.0 / self.global_clipnorm)
        return torch._foreach_mul(gradients, scale + (length - length))  # NaN where the length is no number

    def _apply_weight_decay(self, variables):
        import torch

        if not isinstance(self, keras.optimizers.Muon):
            return super()._apply_weight_decay(variables)
        rate = self._get_current_learning_rate()
        for adamw, decay in ((True, self.adam_weight_decay), (False, self.weight_decay)):
            own = [
                v.value for v in variables if self._use_weight_decay(v) and self._should_use_adamw(v) == adamw
            ]
            if own and decay is not None:
                torch._foreach_mul_(own, 1 - decay * rate)
        return None

    def _backend_update_step(self, gradients, variables, learning_rate):
        if not isinstance(self, keras.optimizers.Muon):
            return super()._backend_update_step(gradients, variables, learning_rate)
        pairs = list(zip(gradients, variables, strict=True))
        adamw = [pair for pair in pairs if self._should_use_adamw(pair[1])]
        muon = [pair for pair in pairs if not self._should_use_adamw(pair[1])]
        if adamw:
            self.adamw_step(*zip(*adamw), learning_rate * self.adam_lr_ratio)
        if muon:
            super()._backend_update_step(*map(list, zip(*muon)), learning_rate)
        return None

    def adamw_step(self, gradients, variables, rate):
        """Do for all what Muon's `_adamw_update_step` does for one (Kingma & Ba 2015, algorithm 1)."""
        import torch

        step = self.iterations.value.float() + 1
        alpha = rate * torch.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        places = [self._get_variable_index(variable) for variable in variables]
        momentums = [self.momentums[place].value for place in places]
        velocities = [self.adam_velocities[place].value for place in places]
        with torch.no_grad():
            torch._foreach_lerp_(momentums, gradients, 1 - self.adam_beta_1)
            torch._foreach_lerp_(velocities, torch._foreach_mul(gradients, gradients), 1 - self.adam_beta_2)
            size = torch._foreach_add(torch._foreach_sqrt(velocities), self.epsilon)
            change = torch._foreach_div(torch._foreach_mul(momentums, alpha), size)
            torch._foreach_sub_([variable.value for variable in variables], change)

    def _update_model_variables_moving_average(self, variables):
        import torch

        if not self.use_ema:
            return
        pairs = list(zip(variables, self._model_variables_moving_average, strict=True))
        averages = [average.value for _, average in pairs if average is not None]
        values = [variable.value for variable, average in pairs if average is not None]
        momentum = (self.iterations.value != 0) * self.ema_momentum  # the first average is the first value
        with torch.no_grad():
            torch._foreach_mul_(averages, momentum)
            torch._foreach_add_(averages, torch._foreach_mul(values, 1 - momentum))
