"""What lets a model leave and come back whole: `.keras` files, `copy.deepcopy`, pickles, ONNX."""

import dataclasses
import functools

import keras
from keras import ops


def portable(model_class):
    """Let a model be saved, copied and exported; a decorator of its class.

    Keras finds the class under the course's name. All parts are made in the precision that the model was
    given as `dtype`, which its configuration keeps, and `export` works on a model that was never called.

    Args:
        model_class: subclass of keras.Model; it takes a `config`, a dataclass with image_size and channels.
    Returns:
        the same class.
    """
    model_class.__init__ = _in_its_own_precision(model_class.__init__)
    model_class.get_config = _get_config
    model_class.export = _after_one_call(model_class.export)
    return keras.saving.register_keras_serializable("how_a_vit_sees")(model_class)


def _get_config(model):
    policy = keras.dtype_policies.serialize(model.dtype_policy)
    config = dataclasses.asdict(model.config)
    return {"config": config, "name": model.name, "trainable": model.trainable, "dtype": policy}


def _in_its_own_precision(make):
    @functools.wraps(make)
    def call(model, config, **kwargs):
        if kwargs.get("dtype") is None:
            return make(model, config, **kwargs)
        usual = keras.config.dtype_policy()
        keras.config.set_dtype_policy(keras.dtype_policies.get(kwargs["dtype"]))
        try:
            return make(model, config, **kwargs)
        finally:
            keras.config.set_dtype_policy(usual)

    return call


def _after_one_call(export):
    @functools.wraps(export)
    def call(model, *args, **kwargs):
        if not model._called:  # Keras takes the shape of the images from there
            size = model.config.image_size
            model(ops.zeros((1, size, size, model.config.channels)))
        return export(model, *args, **kwargs)

    return call
