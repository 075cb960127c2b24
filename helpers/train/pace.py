"""The pace of a run: how many training steps one compiled call takes."""

import keras

from helpers.train.order import piece_lengths

FIRST_PIECE = 16  # steps of a compiled call on an accelerator, until its speed is known
SECONDS_A_CALL = 1.0  # then about so many seconds: whoever looks on sees it move


class Pace:
    """Steps of one compiled call: one on a processor, about a second's worth on an accelerator."""

    def __init__(self, num_steps, steps_per_call=None):
        if steps_per_call is not None and (not isinstance(steps_per_call, int) or steps_per_call < 1):
            raise ValueError(
                f"steps_per_call is a whole number of steps, at least 1; received {steps_per_call!r}. "
                "None chooses it by the machine's speed."
            )
        self.num_steps, self.fixed = num_steps, steps_per_call
        first = FIRST_PIECE if is_accelerated() else 1
        self.pieces = piece_lengths(num_steps, min(num_steps, steps_per_call or first))
        self.is_known = steps_per_call is not None or first == 1

    def notice(self):
        """Say in a sentence how a pass is cut where the number asked for does not divide it; else nothing."""
        if self.fixed is None or self.num_steps % self.fixed == 0:
            return ""
        lengths = " or ".join(str(length) for length in sorted(set(self.pieces), reverse=True))
        calls = "one call" if len(self.pieces) == 1 else f"{len(self.pieces)} calls"
        return (
            f"{self.fixed} steps a call do not divide a pass of {self.num_steps} steps: it takes {calls} of "
            f"{lengths}. The steps are the same."
        )

    def prepare(self, training):
        """Tell Keras on TensorFlow how long a call is; returns the pieces of a pass for JAX, else None."""
        backend, longest = keras.backend.backend(), max(self.pieces)
        if backend == "tensorflow" and training.steps_per_execution != longest:
            training.steps_per_execution = longest
            training.make_train_function(force=True)
        return self.pieces if backend == "jax" and longest > 1 else None

    def learn(self, seconds_per_step):
        """Set the pace once the speed is known; returns whether it is another one now."""
        if self.is_known:
            return False
        self.is_known = True
        before = self.pieces
        self.pieces = piece_lengths(
            self.num_steps, max(1, min(self.num_steps, int(SECONDS_A_CALL / seconds_per_step)))
        )
        return len(self.pieces) != len(before)


def is_accelerated():
    """Say whether Keras computes on a GPU or TPU and its backend has loops that stay there."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    return False
