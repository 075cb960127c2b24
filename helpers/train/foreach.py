"""An optimizer's step on torch, for all weights at once instead of one after another.

Keras' optimizers have such steps for torch where they are Adam's or SGD's; clipping by the global norm,
averaged weights and Muon (with the AdamW that it uses for what is no matrix) go variable by variable, some
ten operations each. Small networks have many small variables, so the calls cost more than the arithmetic.
Here one call of `torch._foreach_...` does an operation for all. The numbers are the same but for rounding,
and so is the state.
"""

import keras

from helpers.train.muon import is_tall


def with_foreach(optimizer):
    """Give an optimizer these steps on torch; leave it be on the other backends, which compile the step.

    The class is changed once the object exists: Keras chooses torch's own AdamW as it makes one.
    """
    if keras.backend.backend() == "torch":
        kind, steps = type(optimizer), [ForeachSteps]
        if isinstance(optimizer, keras.optimizers.Muon):
            steps = [ForeachMuon, ForeachSteps]
        optimizer.__class__ = type(kind.__name__, (*steps, kind), {})
    return optimizer


class ForeachSteps:
    """Clipping and averages: what takes the place of the same methods in `keras.optimizers.Optimizer`."""

    def _clip_gradients(self, gradients):
        import torch

        if not self.global_clipnorm or self.clipnorm or any(gradient is None for gradient in gradients):
            return super()._clip_gradients(gradients)
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        scale = self.global_clipnorm * torch.clamp(1.0 / length, max=1.0 / self.global_clipnorm)
        return torch._foreach_mul(gradients, scale + (length - length))  # NaN where the length is no number

    def _update_model_variables_moving_average(self, variables):
        import torch

        if not self.use_ema:
            return
        pairs = zip(variables, self._model_variables_moving_average, strict=True)
        pairs = [(variable, average) for variable, average in pairs if average is not None]
        values, averages = ([part.value.detach() for part in parts] for parts in zip(*pairs))
        momentum = self.ema_momentum if int(self.iterations) else 0.0  # the first is the first value
        torch._foreach_lerp_(averages, values, 1 - momentum)


class ForeachMuon:
    """What takes the place of the same methods in `keras.optimizers.Muon`."""

    def _apply_weight_decay(self, variables):
        import torch

        rate = self._get_current_learning_rate()
        for adamw, decay in ((True, self.adam_weight_decay), (False, self.weight_decay)):
            own = [v for v in variables if self._use_weight_decay(v) and self._should_use_adamw(v) == adamw]
            if own and decay is not None:
                torch._foreach_mul_([variable.value.detach() for variable in own], 1 - decay * rate)

    def _backend_update_step(self, gradients, variables, learning_rate):
        import torch

        kinds = {"adamw": [], "muon": []}
        for gradient, variable in zip(gradients, variables, strict=True):
            place = self._get_variable_index(variable)
            row = (gradient, variable.value.detach(), self.momentums[place].value)
            velocity = self.adam_velocities[place]
            kinds["muon" if velocity is None else "adamw"].append(
                row if velocity is None else row + (velocity.value,)
            )
        with torch.no_grad():
            if kinds["adamw"]:
                self.adamw_step(*zip(*kinds["adamw"]), learning_rate * self.adam_lr_ratio)
            if kinds["muon"]:
                self.muon_step(*zip(*kinds["muon"]), learning_rate)

    def adamw_step(self, gradients, values, momentums, velocities, rate):
        """Do for all what Muon's `_adamw_update_step` does for one (Kingma & Ba 2015, algorithm 1)."""
        import torch

        step = keras.ops.cast(self.iterations, "float32") + 1
        alpha = rate * torch.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        torch._foreach_lerp_(momentums, gradients, 1 - self.adam_beta_1)
        torch._foreach_lerp_(velocities, torch._foreach_mul(gradients, gradients), 1 - self.adam_beta_2)
        size = torch._foreach_add(torch._foreach_sqrt(velocities), self.epsilon)
        torch._foreach_sub_(values, torch._foreach_div(torch._foreach_mul(momentums, alpha), size))

    def muon_step(self, gradients, values, momentums, rate):
        """Do for all what Muon's `_muon_update_step` does for one, stacked as in `StackedMuon`."""
        import torch

        torch._foreach_mul_(momentums, self.momentum)
        torch._foreach_add_(momentums, gradients)
        directions = momentums
        if self.nesterov:
            directions = torch._foreach_add(gradients, momentums, alpha=self.momentum)
        stacks = {}
        for value, direction in zip(values, directions):
            pair = (value.t(), direction.t()) if is_tall(value) else (value, direction)  # on its side
            stacks.setdefault(tuple(pair[0].shape), []).append(pair)
        for (_, longest), stack in stacks.items():
            updates = self.zeropower_via_newtonschulz5(
                torch.stack([pair[1] for pair in stack]), self.ns_steps
            )
            scale = 1.0 if self.rms_rate is None else self.rms_rate * longest**0.5
            torch._foreach_sub_([pair[0] for pair in stack], list((updates * (rate * scale)).unbind()))

    def zeropower_via_newtonschulz5(self, x, steps):
        """Give matrices (count, rows, columns), rows <= columns, singular values near 1."""
        import torch

        x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
        for _ in range(steps):
            square = x @ x.mT  # (count, rows, rows)
            x = torch.baddbmm(
                x,
                torch.baddbmm(square, square, square, beta=self.muon_b, alpha=self.muon_c),
                x,
                beta=self.muon_a,
            )
        return x
