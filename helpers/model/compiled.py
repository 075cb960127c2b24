"""Run a model over images compiled, on every backend: what scoring and the analyses have in common.

    logits = compiled(model)(images)                   # NumPy, of any number of images
    tokens = compiled(model, embed)(images)            # a function of your own: embed(model, images)

Called as it stands, a network runs one operation after the other, and Python stands between them. Compiled,
the backend sees all of them at once. Only the way from images to results is compiled, never the numbers in
the weights: those may change from one call to the next.
"""

import dataclasses
import weakref

import keras
import numpy as np
from keras import ops

from helpers.model.image_checks import check_images, is_concrete

BATCH_SIZE = 500  # images at a time
FEWEST = 32  # images: of fewer, and no more to come, compiling takes longer than it saves
PLAIN = (bool, int, float, str, tuple, type(None))  # settings that are compared by what they say

# model -> {(function, options, …): (structure, compiled function)}; an entry goes when its model goes.
_COMPILED = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True)
class PerImage:
    """An array with one entry an image: each batch gets the entries of its own images.

    Args:
        values: (n, …), for n images.
    """

    values: np.ndarray

    def of(self, start, stop):
        return self.values[start:stop]


def logits(model, images):
    """Give the logits (batch, num_classes) in float32, as at inference."""
    return ops.cast(model(images, training=False), "float32")


def as_floats(images):
    """Give images of uint8 in 0 to 255 as float32 in [0, 1], and others as they are: NumPy."""
    images = np.asarray(images)
    return images.astype("float32") / 255 if images.dtype == np.uint8 else images


def compiled(model, function=logits, *options):
    """Make `function(model, images, *options)` a function of the images alone, which runs compiled.

    TensorFlow: `tf.function`. JAX: `jax.jit` with the weights as arguments. PyTorch: the function as it is,
    without the book-keeping of gradients (torch.compile would need a C++ compiler on the learner's machine).
    What was compiled is kept as long as the model lives, and is made anew when one of its layers, or a
    setting of a layer, has become another.

    Args:
        model: Keras model, built.
        function: takes the model, float images (batch, height, width, channels) and the options; gives a
            tensor or a list of tensors, each with the batch as its first axis, computed with `keras.ops`. It
            must not change the model. Defined once, in a module: it is known by its identity.
        options: hashable, such as names of layers; each choice of them is compiled by itself.
    Returns:
        Compiled: call it with images, or use its `batches` or `tensors`.
    """
    return Compiled(model, function, options)


class Compiled:
    """A function of a model as a function of images alone; see `compiled`."""

    def __init__(self, model, function, options=()):
        self.model, self.function, self.options = model, function, tuple(options)

    def __call__(self, images, *arrays, batch_size=BATCH_SIZE):
        """Run over any number of images and put the results one behind the other.

        Args:
            images: (n, height, width, channels), float in [0, 1] or uint8 in 0 to 255, at least one.
            arrays: handed to the function after the images, whole with every batch; those in a `PerImage`
                as the entries of the batch's images. Unlike options they may be others in every call without
                anything being compiled anew.
            batch_size: images at a time.
        Returns:
            what the function gives, as NumPy arrays (n, …).
        Raises:
            ValueError: if there is no image, or batch_size is not a whole number of 1 or more; if there is
                not one entry of a `PerImage` an image; and as a VisionTransformer or a ResNet does for images
                that are not for it.
        """
        parts = list(self.batches(images, *arrays, batch_size=batch_size))
        return keras.tree.map_structure(lambda *found: np.concatenate(found), *parts)

    def batches(self, images, *arrays, batch_size=BATCH_SIZE):
        """Yield the results batch by batch, so that thousands of images fit into the memory.

        Arguments and errors as for the call. A smaller last batch is filled up, so that nothing is compiled
        for its sake, and its results are cut.
        """
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number, at least 1; received {batch_size!r}.")
        if not len(images):
            raise ValueError("Expected at least one image; received none.")
        for array in arrays:
            if isinstance(array, PerImage) and len(array.values) != len(images):
                raise ValueError(
                    f"Expected one entry for each of {len(images)} images; received {len(array.values)}."
                )
        for start in range(0, len(images), batch_size):
            stop = start + batch_size
            batch = as_floats(images[start:stop])
            given = [each.of(start, stop) if isinstance(each, PerImage) else each for each in arrays]
            count = len(batch)
            if start and count < batch_size and keras.backend.backend() != "torch":
                batch = _filled_up(batch, batch_size)
                pairs = zip(given, arrays)
                given = [_filled_up(g, batch_size) if isinstance(a, PerImage) else g for g, a in pairs]
            found = self.tensors(batch, *given)
            yield keras.tree.map_structure(lambda tensor, n=count: ops.convert_to_numpy(tensor)[:n], found)

    def tensors(self, images, *arrays):
        """Run one batch as it is, and give tensors of the backend.

        Where something else compiles or differentiates already, the function is called as it stands and
        becomes a part of that.
        """
        images = ops.convert_to_tensor(images)
        arrays = [ops.convert_to_tensor(array) for array in arrays]
        backend = keras.backend.backend()
        if not is_concrete(images) or backend not in _BACKENDS or _IS_A_PART[backend](images):
            return self.function(self.model, images, *arrays, *self.options)
        if hasattr(getattr(self.model, "config", None), "image_size"):
            check_images(images, self.model.config)  # their values too: nobody can look at them later
        return self._find(backend, images, arrays)(images, *arrays)

    def _find(self, backend, images, arrays):
        """Look up what was compiled for such images and arrays, or compile it."""
        kept, structure = _COMPILED.setdefault(self.model, {}), _structure(self.model)
        kinds = [(tuple(t.shape), keras.backend.standardize_dtype(t.dtype)) for t in (images, *arrays)]
        key = self.function, self.options, kinds[0][0][1:], kinds[0][1], *kinds[1:]  # any size of a batch
        if key not in kept or kept[key][0] != structure:
            model = weakref.ref(self.model)  # a strong one would keep the model alive for ever
            function, options = self.function, self.options

            def walk(images, *arrays):
                return function(model(), images, *arrays, *options)

            kept[key] = structure, _BACKENDS[backend](walk, model)
        return kept[key][1]


def _filled_up(array, length):
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])


def _structure(model):
    """Say what of a model is compiled: its layers, their settings, which variables; but not their values."""

    def settings(layer):
        for name, value in vars(layer).items():
            if (
                not name.startswith("_") and name != "built"
            ):  # a layer without weights is built by its first call
                yield name, value if isinstance(value, PLAIN) else id(value)

    layers = [(id(layer), layer.compute_dtype, *settings(layer)) for layer in model._flatten_layers()]
    return layers, [id(variable) for variable in model.variables]


def _with_tensorflow(walk, model):
    import tensorflow as tf

    # It looks its variables up in each call; a second size of batch is compiled for all further sizes.
    function = tf.function(walk, autograph=False, reduce_retracing=True)
    # Its count of traces takes a function in the memory of one that is gone for the same, and warns.
    function._omit_frequent_tracing_warning = True
    return function


def _with_jax(walk, model):
    import jax

    @jax.jit
    def run(weights, images, *arrays):
        with keras.StatelessScope(state_mapping=zip(model().variables, weights)):
            return walk(images, *arrays)

    return lambda *tensors: run([variable.value for variable in model().variables], *tensors)


def _with_torch(walk, model):
    import torch

    return torch.no_grad()(walk)


def _is_in_a_replica(images):
    import tensorflow as tf

    return tf.distribute.has_strategy() and not tf.distribute.in_cross_replica_context()


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax, "torch": _with_torch}
_IS_A_PART = {
    "tensorflow": _is_in_a_replica,
    "jax": lambda images: False,  # its tracers are not concrete
    "torch": lambda images: images.requires_grad,
}
