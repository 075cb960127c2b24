"""A `predict`, `evaluate` or `fit` that is stopped half-way leaves a model with its weights, on JAX too.

There Keras takes every value out of the model, hands it to the compiled step, which uses its memory up, and
puts the result back at the end. If a `predict` or `evaluate` is stopped before that, or a `fit` before its
first step is over, every weight is None ("'NoneType' object is not callable") from then on.
"""

import functools

import keras


def keeps_weights_when_stopped(model_class):
    """Let the values of a model stay in it while Keras computes; a decorator of its class.

    On JAX `predict` and `evaluate` compute with a copy, and so need the memory of the weights once more;
    `fit` gives its first step the values themselves, as Keras does. TensorFlow and torch need none of it.

    Args:
        model_class: subclass of keras.Model.
    Returns:
        the same class.
    """
    if keras.backend.backend() == "jax":
        model_class._get_jax_state = _leave_the_values(model_class._get_jax_state)
        for name in ("predict", "evaluate"):
            setattr(model_class, name, _forget_the_copy(getattr(model_class, name)))
    return model_class


def _leave_the_values(get_state):
    @functools.wraps(get_state)
    def call(model, *which, purge_model_variables=False, **more):
        state = get_state(model, *which, **more)
        if not purge_model_variables or more.get("optimizer_variables"):  # one batch, or `fit`
            return state
        import jax

        return jax.tree.map(jax.numpy.copy, state)

    return call


def _forget_the_copy(method):
    @functools.wraps(method)
    def call(model, *args, **kwargs):
        try:
            return method(model, *args, **kwargs)
        except BaseException:
            model._jax_state = None  # or a later sync would put used-up memory in the place of the weights
            raise

    return call
