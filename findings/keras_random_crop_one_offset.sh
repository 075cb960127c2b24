#!/usr/bin/env bash
# Keras 3.15.1 (JAX 0.10.2, NumPy 2.4.6, Python 3.11): augmentation layers of one family differ in what they draw once.
# keras.layers.RandomFlip draws for each image of a batch; RandomCrop draws one offset for the whole batch, so that a
# batch moves as one block. Seen: eight copies of one picture in one batch, and how many different pictures come out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat > "$folder/seen.py" << 'PY'
import keras
import numpy as np

picture = np.random.default_rng(0).random((1, 32, 32, 3)).astype("float32")
batch = np.repeat(picture, 8, axis=0)
layers = {
    "RandomFlip": keras.layers.RandomFlip("horizontal_and_vertical", seed=1),
    "RandomTranslation": keras.layers.RandomTranslation(0.3, 0.3, seed=1),
    "RandomCrop": keras.layers.RandomCrop(24, 24, seed=1),
}
for name, layer in layers.items():
    out = np.asarray(layer(batch, training=True))
    different = len({image.round(4).tobytes() for image in out})
    print(f"{name:18} {'one picture' if different == 1 else 'several pictures'} of 8")
PY
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/seen.py" 2> /dev/null | tee "$folder/output"
diff "$folder/output" - << 'SEEN'
RandomFlip         several pictures of 8
RandomTranslation  several pictures of 8
RandomCrop         one picture of 8
SEEN
