"""Train a model so that it can be stopped at any moment and goes on as if nothing had happened.

The images lie on the device as bytes; Keras' `fit` runs over indices; augmentation is part of the compiled
step.
"""

import contextlib
import dataclasses
import io
import json
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from helpers.data import augment
from helpers.model.checkpoints import write_whole
from helpers.train.devices import num_replicas
from helpers.train.initialisation import mimetic_initialisation
from helpers.train.recipe import NO_DECAY
from helpers.train.schedule import WarmupCosine


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run gives: the history, one entry a pass, and whether it reached its end."""

    history: list
    finished: bool

    @property
    def test_accuracy(self):
        return self.history[-1]["test_accuracy"] if self.history else float("nan")


def train(model, dataset, recipe, *, seed=0, out=None, report=None, stop_after=None):
    """Train a model on a data set, pass after pass, and resume where an earlier call with the same `out`
    stopped.

    Args:
        model: VisionTransformer or ResNet; holds the averaged weights afterwards.
        dataset: helpers.data.Dataset with uint8 images and integer labels.
        recipe: Recipe.
        seed: int, of everything random: order, augmentation, dropped branches, mimetic start.
        out: folder for the state and the history, or None to keep nothing.
        report: a function called with each pass's history entry and, within a pass, with (images done,
            seconds).
        stop_after: int, end the call after this many passes in all, as a person would who goes on tomorrow.
    Returns:
        Outcome. Ctrl-C ends the call early, keeps the last whole pass, and is told by `finished`.
    Raises:
        ValueError: if there are fewer images than one batch, labels outside the model's classes, or `out`
            holds the state of another run.
    """
    check_dataset(dataset, recipe, model.config)
    if recipe.initialisation == "mimetic" and hasattr(model.config, "num_heads"):
        mimetic_initialisation(model, seed)
    training = TrainingModel(model, dataset, recipe, seed)
    shown = recipe.images_per_pass or len(dataset.x_train)
    steps = shown // recipe.batch_size
    training.compile(optimizer=make_optimizer(recipe, steps), loss=None)
    training.optimizer.build(training.trainable_variables)
    keeper = Keeper(training, dataset, recipe, seed, out, report)
    start = keeper.resume()
    last = min(recipe.epochs, stop_after or recipe.epochs)
    finished = start >= recipe.epochs
    if start < last:
        averaging = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if recipe.ema_momentum else []
        indices = ShuffledIndices(len(dataset.x_train), recipe.batch_size, seed, start, shown)
        callbacks = [keeper.state_callback(), *averaging, keeper.score_callback()]
        try:
            training.fit(
                indices, initial_epoch=start, epochs=last, callbacks=callbacks, shuffle=False, verbose=0
            )
            finished = len(keeper.history) >= recipe.epochs
        except KeyboardInterrupt:
            finished = False
    keeper.restore_best_known(model)
    return Outcome(keeper.history, finished)


class TrainingModel(keras.Model):
    """The model together with its data and augmentation: maps indices of training images to a loss."""

    def __init__(self, model, dataset, recipe, seed):
        super().__init__(name="training")
        self.model, self.recipe, self.logits_of = model, recipe, forward_pass(model)
        self.seed = keras.random.SeedGenerator(seed)
        constant = dict(trainable=False, autocast=False)
        self.images = self.add_weight(
            name="images", shape=dataset.x_train.shape, dtype="uint8", initializer="zeros", **constant
        )
        self.labels = self.add_weight(
            name="labels", shape=(len(dataset.y_train),), dtype="int32", initializer="zeros", **constant
        )
        self.mix_probability = self.add_weight(
            name="mix_probability", shape=(), dtype="float32", initializer="zeros", **constant
        )
        self.images.assign(dataset.x_train)
        self.labels.assign(np.asarray(dataset.y_train).reshape(-1).astype("int32"))

    def call(self, indices, training=False):
        """Map indices (batch,) to logits and soft labels, both (batch, num_classes)."""
        indices = ops.cast(ops.reshape(indices, (-1,)), "int32")
        images = ops.cast(ops.take(self.images, indices, axis=0), "float32") / 255.0
        labels = ops.one_hot(
            ops.take(self.labels, indices, axis=0), self.model.config.num_classes, dtype="float32"
        )
        if training:
            images, labels = augment_batch(images, labels, self.recipe, self.seed, self.mix_probability)
        return {"logits": self.logits_of(images, training=training), "labels": labels}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Give the mean cross-entropy of the soft labels, smoothed by the recipe.

        Divided by the whole batch, so that the shares of several devices sum to its mean.
        """
        losses = keras.losses.categorical_crossentropy(
            y_pred["labels"],
            ops.cast(y_pred["logits"], "float32"),
            from_logits=True,
            label_smoothing=self.recipe.label_smoothing,
        )
        return ops.sum(losses) / self.recipe.batch_size

    @property
    def state_variables(self):
        """Everything that a resumed run needs: weights, optimizer, random state; not the data."""
        data = {id(self.images), id(self.labels)}
        return [v for v in self.variables if id(v) not in data] + list(self.optimizer.variables)


def forward_pass(model):
    """Give what maps images to logits most quickly: the model, or the same without Keras' layers between."""
    if keras.backend.backend() == "torch":
        from helpers.train.torch_forward import TorchForward, can_run

        if can_run(model):
            return TorchForward(model)
    return model


def augment_batch(images, labels, recipe, seed, mix_probability=None):
    """Apply a recipe's augmentation to float images (batch, height, width, 3) in [0, 1] and soft labels."""
    if recipe.crop_padding or recipe.flip:
        images = augment.random_crop_and_flip(images, seed, padding=recipe.crop_padding, flip=recipe.flip)
    if recipe.rand_augment_operations:
        images = augment.rand_augment(
            images,
            seed,
            num_operations=recipe.rand_augment_operations,
            magnitude=recipe.rand_augment_magnitude,
        )
    if recipe.erasing_probability:
        images = augment.random_erasing(images, seed, probability=recipe.erasing_probability)
    if recipe.mix_probability:
        probability = recipe.mix_probability if mix_probability is None else mix_probability
        images, labels = augment.mixup_or_cutmix(images, labels, seed, probability=probability)
    return images, labels


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
        others = ["position_embedding", "class_token", "head"]  # they, and all that is no matrix, get AdamW
        optimizer = keras.optimizers.Muon(
            rate, exclude_layers=others, adam_weight_decay=recipe.weight_decay, **options
        )
    else:
        optimizer = keras.optimizers.AdamW(rate, **options)
    optimizer.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return optimizer


class ShuffledIndices(keras.utils.PyDataset):
    """Batches of indices in a new order each pass; the order depends on the seed and the pass alone.

    A pass shows `shown` images: where there are fewer, all of them in one order, then in another, and so on.
    """

    def __init__(self, num_images, batch_size, seed, epoch, shown=None):
        super().__init__()
        self.num_images, self.batch_size, self.seed, self.epoch = num_images, batch_size, seed, epoch
        self.shown = shown or num_images
        self.shuffle()

    def shuffle(self):
        generator = np.random.default_rng([self.seed, self.epoch])
        rounds = [generator.permutation(self.num_images) for _ in range(-(-self.shown // self.num_images))]
        self.order = np.concatenate(rounds)[: self.shown].astype("int32")

    def __len__(self):
        return self.shown // self.batch_size

    def __getitem__(self, step):
        return (self.order[step * self.batch_size : (step + 1) * self.batch_size],)

    def on_epoch_end(self):
        self.epoch += 1
        self.shuffle()


class Keeper:
    """Keeps the state, the history and the averaged weights of a run, each file replaced whole."""

    def __init__(self, training, dataset, recipe, seed, out, report):
        self.training, self.dataset, self.recipe, self.seed, self.report = (
            training,
            dataset,
            recipe,
            seed,
            report,
        )
        self.out = Path(out) if out is not None else None
        self.shown = recipe.images_per_pass or len(dataset.x_train)
        self.history, self.kept_weights = [], None
        self.run = {"recipe": dataclasses.asdict(recipe), "seed": seed, "num_images": len(dataset.x_train)}
        self.run["config"] = json.loads(json.dumps(dataclasses.asdict(training.model.config)))

    def resume(self):
        """Load the state of an earlier call, if there is one; returns the number of passes that are done."""
        path = self.out / "state.npz" if self.out else None
        if path is None or not path.exists():
            return 0
        try:
            with np.load(path, allow_pickle=False) as arrays:
                story = json.loads(str(arrays["story"]))
                values = [arrays[f"variable_{i:04d}"] for i in range(story["num_variables"])]
                self.kept_weights = [arrays[f"kept_{i:04d}"] for i in range(story["num_kept"])]
        except Exception as error:
            raise ValueError(
                f"The state in {path.name} cannot be read ({type(error).__name__}): expected one that an "
                f"earlier run wrote "
                "whole. Delete it to start afresh, or give another folder."
            ) from error
        if story["run"] != self.run:
            changed = sorted(key for key in self.run if story["run"].get(key) != self.run[key])
            raise ValueError(
                f"The folder holds another run: its {', '.join(changed)} differ. Give another folder, or "
                f"delete "
                f"{path.name} to start afresh."
            )
        self.history = story["history"]
        for variable, value in zip(self.training.state_variables, values, strict=True):
            variable.assign(value)
        return len(self.history)

    def save(self):
        if self.out is None:
            return
        self.out.mkdir(parents=True, exist_ok=True)
        story = {"run": self.run, "history": self.history, "num_variables": len(self.pending)}
        story["num_kept"] = len(self.kept_weights)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            story=json.dumps(story),
            **{f"variable_{i:04d}": value for i, value in enumerate(self.pending)},
            **{f"kept_{i:04d}": value for i, value in enumerate(self.kept_weights)},
        )
        write_whole(self.out / "state.npz", buffer.getvalue())
        text = json.dumps({"run": self.run, "history": self.history}, indent=1)
        write_whole(self.out / "history.json", text.encode("utf-8"))

    def restore_best_known(self, model):
        """Leave the model with the averaged weights of the last whole pass."""
        if self.kept_weights is not None:
            for variable, value in zip(model.weights, self.kept_weights, strict=True):
                variable.assign(value)

    def state_callback(self):
        """Take the state at the end of a pass, before the averaged weights are swapped in."""
        keeper, training, recipe = self, self.training, self.recipe

        class TakeState(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                keeper.started, keeper.processor_started = time.perf_counter(), time.process_time()
                mixing = epoch < recipe.mix_until * recipe.epochs
                training.mix_probability.assign(recipe.mix_probability if mixing else 0.0)

            def on_train_batch_end(self, batch, logs=None):
                if keeper.report is not None:
                    done, seconds = (batch + 1) * recipe.batch_size, time.perf_counter() - keeper.started
                    keeper.report({"pass": len(keeper.history) + 1, "images": done, "seconds": seconds})

            def on_epoch_end(self, epoch, logs=None):
                keeper.seconds = time.perf_counter() - keeper.started
                keeper.processor_seconds = time.process_time() - keeper.processor_started
                keeper.pending = [
                    np.array(ops.convert_to_numpy(v), copy=True) for v in training.state_variables
                ]

        return TakeState()

    def score_callback(self):
        """Score the averaged weights at the end of a pass, then write everything down."""
        keeper, training, dataset = self, self.training, self.dataset

        class ScoreAndSave(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                model = training.model
                entry = {
                    "pass": epoch + 1,
                    "loss": float((logs or {}).get("loss", float("nan"))),
                    "test_accuracy": accuracy(model, dataset.x_test, dataset.y_test),
                    "seconds": round(keeper.seconds, 1),
                    "processor_seconds": round(keeper.processor_seconds, 1),  # of all threads
                    "images_per_second": round(keeper.shown / keeper.seconds, 1),
                }
                keeper.history.append(entry)
                keeper.kept_weights = [np.array(ops.convert_to_numpy(v), copy=True) for v in model.weights]
                keeper.save()
                if keeper.report is not None:
                    keeper.report(entry)

        return ScoreAndSave()


def predict_logits(model, images, batch_size=500):
    """Run a model over many uint8 or [0, 1] images; the last batch is padded so that one shape is compiled.

    Args:
        images: (n, height, width, channels), uint8 or float in [0, 1].
    Returns:
        float32 (n, num_classes), NumPy.
    """
    logits = []
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        count = len(batch)
        if batch.dtype == np.uint8:
            batch = batch.astype("float32") / 255
        if count < batch_size and start:
            batch = np.concatenate([batch, np.zeros((batch_size - count, *batch.shape[1:]), batch.dtype)])
        with no_gradients():
            logits.append(ops.convert_to_numpy(ops.cast(model(batch, training=False), "float32"))[:count])
    return np.concatenate(logits)


def no_gradients():
    """Spare torch the book-keeping of gradients; the other backends keep none outside training."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


def accuracy(model, images, labels, batch_size=500):
    """Give the share of images whose largest logit is their label's, in [0, 1]."""
    return float(
        np.mean(predict_logits(model, images, batch_size).argmax(axis=-1) == np.asarray(labels).reshape(-1))
    )


def check_dataset(dataset, recipe, config):
    """Refuse data that cannot be trained on, saying what was expected, what came and what to do."""
    if len(dataset.x_train) < recipe.batch_size:
        raise ValueError(
            f"A batch needs {recipe.batch_size} images; received {len(dataset.x_train)} training images. "
            "Lower the recipe's batch_size, or give more images."
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
