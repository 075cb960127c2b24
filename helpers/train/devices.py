"""Train on several devices at once, by Keras' own means: each takes its share of every batch."""

import contextlib

import keras


@contextlib.contextmanager
def data_parallel(num_devices, batch_size):
    """Spread what is built and trained inside over several devices; each holds the whole model.

    JAX: `keras.distribution.DataParallel`, over the devices of all hosts; losses and random numbers are those
    of one device. TensorFlow: `tf.distribute.MirroredStrategy`, on one host; there each device clips its own
    share of the gradient, and augments its share with the same random numbers as its neighbour.

    Args:
        num_devices: int, or "all".
        batch_size: int, images a step over all devices; a multiple of their number.
    Raises:
        ValueError: if there are fewer devices, if the batch cannot be shared out evenly, or on torch.
    """
    backend = keras.backend.backend()
    names = list_devices(backend)
    count = len(names) if num_devices == "all" else num_devices
    if not isinstance(count, int) or not 1 <= count <= len(names):
        raise ValueError(
            f'num_devices must be "all" or a number from 1 to {len(names)}, the devices of this machine '
            f"({', '.join(names[:8])}); received {num_devices!r}."
        )
    if batch_size % count:
        raise ValueError(
            f"A batch of {batch_size} cannot be shared out evenly to {count} devices. Take a multiple: "
            f"{(batch_size // count + 1) * count}."
        )
    if count == 1:
        yield
    elif backend == "jax":
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names[:count]))
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    else:
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(names[:count]).scope():
            yield


def num_replicas():
    """Say how many copies of the model take a step side by side: 1, but under TensorFlow's strategies.

    (On JAX a compiled step sees one model and one batch, however many devices hold them.)
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def list_devices(backend):
    """Name the accelerators of this machine, or its processors where it has none: ["gpu:0", "gpu:1"]."""
    if backend == "jax":
        return keras.distribution.list_devices()
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return [device.name for device in devices]
    return ["torch"]  # Keras spreads torch over devices only by torch's own scripts
