#!/usr/bin/env bash
# Keras 3.15.1 (JAX 0.10.2, NumPy 2.4.6, Python 3.11): on JAX, `fit` that is stopped from a callback or by Ctrl-C
# leaves the model as it was after the last step. `predict` and `evaluate` that are stopped leave every weight of the
# model None: the next call ends in a TypeError or AttributeError, and so does saving. Seen: a model's weights after
# each method's callback raises KeyboardInterrupt, as a learner's stop button does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat > "$folder/seen.py" << 'PY'
import keras
import numpy as np


class Stop(keras.callbacks.Callback):
    def on_predict_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt

    def on_test_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def state(model):
    return "all weights None" if all(v._value is None for v in model.weights) else "weights are arrays"


x, y = np.ones((64, 4), "float32"), np.ones((64, 2), "float32")
for method in ("fit", "evaluate", "predict"):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    arguments = (x,) if method == "predict" else (x, y)
    try:
        getattr(model, method)(*arguments, batch_size=8, verbose=0, callbacks=[Stop()])
    except KeyboardInterrupt:
        pass
    try:
        model(x)
        then = "a call works"
    except Exception as error:
        then = f"a call raises {type(error).__name__}"
    print(f"{method} stopped: {state(model)}; {then}")
PY
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/seen.py" 2> /dev/null | tee "$folder/output"
diff "$folder/output" - << 'SEEN'
fit stopped: weights are arrays; a call works
evaluate stopped: all weights None; a call raises TypeError
predict stopped: all weights None; a call raises TypeError
SEEN
