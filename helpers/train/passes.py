"""What happens around each pass over the images: the clock, the report, the score, and what is kept."""

import time

import keras

from helpers.train.scoring import Scorer


class Passes:
    """What happens around each pass: the clock, the report, the score, and what is kept."""

    def __init__(self, keeper, pace, dataset, recipe, report, each_pass, seconds=None):
        self.keeper, self.pace, self.recipe = keeper, pace, recipe
        self.scorer = Scorer(keeper.training.model, dataset.x_test, dataset.y_test)
        self.report, self.each_pass = report, each_pass
        self.deadline = None if seconds is None else time.perf_counter() + seconds

    def begin(self, epoch):
        mixing = epoch < self.recipe.mix_until * self.recipe.epochs
        self.keeper.training.mix_probability.assign(self.recipe.mix_probability if mixing else 0.0)
        self.steps, self.calls = 0, []
        self.started, self.processor_started = time.perf_counter(), time.process_time()

    def after_call(self, batch):
        """Count the steps of a call: Keras numbers TensorFlow's last step, and JAX's piece."""
        in_pieces = keras.backend.backend() == "jax"
        self.steps = sum(self.pace.pieces[: batch + 1]) if in_pieces else min(batch + 1, self.pace.num_steps)
        seconds = time.perf_counter() - self.started
        self.calls.append((self.steps, seconds))
        if self.report is not None:
            done = self.steps * self.recipe.batch_size
            self.report({"pass": len(self.keeper.history) + 1, "images": done, "seconds": seconds})

    def end(self):
        self.seconds = time.perf_counter() - self.started
        self.processor_seconds = time.process_time() - self.processor_started
        self.keeper.take_state()

    def score(self, epoch, logs):
        shown = self.pace.num_steps * self.recipe.batch_size
        entry = {
            "pass": epoch + 1,
            "loss": float((logs or {}).get("loss", float("nan"))),
            "test_accuracy": self.scorer(),
            "seconds": round(self.seconds, 2),
            "processor_seconds": round(self.processor_seconds, 1),  # of all threads
            "images_per_second": round(shown / self.seconds, 1),
        }
        self.keeper.keep(entry)
        if self.report is not None:
            self.report(entry)
        if self.each_pass is not None:
            self.keeper.flush()
            self.each_pass(self.keeper.history)

    def is_time_over(self):
        return self.deadline is not None and time.perf_counter() >= self.deadline

    def is_at_another_pace(self):
        """Learn from the fastest call, which compiled nothing."""
        ends = [(0, 0.0), *self.calls]
        calls = [((b - a) / (steps - done)) for (done, a), (steps, b) in zip(ends, ends[1:]) if steps > done]
        return bool(calls) and self.pace.learn(min(calls))

    def before_swap(self):
        """Make the callback that takes the time and the state, before the averaged weights are swapped in."""
        passes = self

        class TakeState(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                passes.begin(epoch)

            def on_train_batch_end(self, batch, logs=None):
                passes.after_call(batch)

            def on_epoch_end(self, epoch, logs=None):
                passes.end()

        return TakeState()

    def after_swap(self):
        """Make the callback that scores the averaged weights and writes everything down."""
        passes = self

        class ScoreAndKeep(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                passes.score(epoch, logs)
                if passes.is_at_another_pace() or passes.is_time_over():
                    self.model.stop_training = True  # `train` goes on in longer calls, or ends

        return ScoreAndKeep()
