#!/usr/bin/env bash
# Keras 3.15.1 (JAX 0.10.2, NumPy 2.4.6, Python 3.11): keras.optimizers.Muon orthogonalises matrices, and an
# attention layer is four matrices. Those of keras.layers.MultiHeadAttention get nothing of it: they are stored with
# three axes (hidden, heads, head width), and Muon takes a variable of two axes for a matrix and no other. The *biases*
# of queries, keys and values are stored as (heads, head width), two axes, so these get Muon, as if they were matrices.
# Nothing is said. Seen: the variables of the layer with their shapes, and which kind of step each one gets.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat > "$folder/seen.py" << 'PY'
import keras

layer = keras.layers.MultiHeadAttention(num_heads=4, key_dim=16)
layer.build((None, 65, 64), (None, 65, 64))
optimizer = keras.optimizers.Muon(learning_rate=1e-3)
optimizer.build(layer.trainable_variables)
for variable in layer.trainable_variables:
    index = optimizer._get_variable_index(variable)
    step = "Muon" if optimizer.adam_velocities[index] is None else "AdamW"
    print(f"{variable.path.split('/', 1)[1]:28} {str(tuple(variable.shape)):14} {step}")
PY
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/seen.py" 2> /dev/null | tee "$folder/output"
diff "$folder/output" - << 'SEEN'
query/kernel                 (64, 4, 16)    AdamW
query/bias                   (4, 16)        Muon
key/kernel                   (64, 4, 16)    AdamW
key/bias                     (4, 16)        Muon
value/kernel                 (64, 4, 16)    AdamW
value/bias                   (4, 16)        Muon
attention_output/kernel      (4, 16, 64)    AdamW
attention_output/bias        (64,)          AdamW
SEEN
