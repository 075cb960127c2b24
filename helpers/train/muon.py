"""Muon as in Keras, with the matrices of one shape orthogonalised together: fewer and larger steps."""

import warnings

import keras
from keras import ops

from helpers.train.devices import num_replicas


@keras.saving.register_keras_serializable("how_a_vit_sees")
class StackedMuon(keras.optimizers.Muon):
    """`keras.optimizers.Muon` (Jordan et al. 2024), equal in every number, quicker for many small matrices.

    A Vision Transformer has the same few shapes in every block. Keras takes each matrix through its five
    Newton-Schulz steps by itself; here all of one shape go through them as one stack (count, rows, columns).
    Tall matrices lie on their side, as they do in Keras, so that they share a stack with wide ones.
    """

    def build(self, var_list):
        """Make the optimizer's own variables, and say which matrices it is not given as matrices."""
        if not self.built:
            split = [variable.path for variable in var_list if is_split_matrix(variable)]
            if split:
                warnings.warn(
                    f"Muon turns matrices, and {len(split)} kernels have three axes, as {split[0]}: they get "
                    "AdamW. Keras' MultiHeadAttention keeps its heads apart so; the course's "
                    "MultiHeadSelfAttention has matrices.",
                    stacklevel=2,
                )
        super().build(var_list)

    def _should_use_adamw(self, variable):
        # A bias of two axes, heads beside each other, is no matrix: nothing is multiplied by it.
        return variable.name == "bias" or super()._should_use_adamw(variable)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if num_replicas() > 1:  # TensorFlow's strategies update each variable where it lives
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        stacks = {}
        for gradient, variable in zip(grads, trainable_variables):
            if self.adam_velocities[self._get_variable_index(variable)] is not None:
                self.update_step(gradient, variable, learning_rate)
            else:
                shape = tuple(sorted(int(size) for size in variable.shape))
                stacks.setdefault(shape, []).append((gradient, variable))
        for stack in stacks.values():
            self._update_stack(stack, learning_rate)

    def _update_stack(self, stack, learning_rate):
        directions = []
        for gradient, variable in stack:
            momentum = self.momentums[self._get_variable_index(variable)]
            self.assign_add(momentum, ops.add(gradient, momentum * (self.momentum - 1)))
            direction = momentum.value
            if self.nesterov:
                direction = ops.add(gradient, self.momentum * direction)
            directions.append(ops.transpose(direction) if is_tall(variable) else direction)
        # (count, rows, columns), rows <= columns
        updates = self.zeropower_via_newtonschulz5(ops.stack(directions), self.ns_steps)
        for number, (_, variable) in enumerate(stack):
            update = ops.transpose(updates[number]) if is_tall(variable) else updates[number]
            self.assign_sub(variable, self.lr_adjust(learning_rate * update))


def is_split_matrix(variable):
    """Say whether a kernel is one matrix whose rows or columns were laid out on two axes."""
    return variable.name == "kernel" and len(variable.shape) == 3


def is_tall(matrix):
    return matrix.shape[0] > matrix.shape[1]
