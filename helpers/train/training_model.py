"""The model together with its data, its augmentation and its loss: what a training step computes."""

import keras
import numpy as np
from keras import ops

from helpers.data import augment


class TrainingModel(keras.Model):
    """The model together with its data and augmentation: maps indices of training images to a loss.

    Args:
        model: VisionTransformer or ResNet.
        dataset: helpers.data.Dataset with uint8 images and integer labels; it lies on the device as bytes.
        recipe: Recipe.
        seed: int, of all augmentation.
    """

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

    def train_step(self, *arguments):
        """Take one step or, on JAX, all steps of a piece in one compiled loop.

        On JAX the arguments are the state and a batch; indices (batch, steps) are one step a column, and give
        the same weights as the steps one by one.
        """
        if keras.backend.backend() != "jax" or arguments[1][0].ndim == 1:
            return super().train_step(*arguments)
        import jax

        def one_step(state, indices):
            logs, state = super(TrainingModel, self).train_step(state, (indices,))
            return state, logs

        state, (indices,) = arguments
        state, logs = jax.lax.scan(one_step, state, indices.T)
        return jax.tree.map(lambda each_step: each_step[-1], logs), state  # the loss so far in this pass

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
