#!/usr/bin/env bash
# NumPy 2.4.6, ml_dtypes 0.5.4, safetensors 0.7.0 (Python 3.11): weights of bfloat16 are stored by numpy.savez without
# an error or a warning, and come back as raw bytes: the .npz format has no name for the type, so that every weight is
# two bytes of "void", on which arithmetic fails. float8 is no better. safetensors names the type and gives bfloat16 back;
# a float8 array it writes, and its own load_file then fails on, asking NumPy for a type that NumPy has not. Seen: the
# type of one array before and after, in both formats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.5.4 safetensors==0.7.0
cat > "$folder/seen.py" << 'PY'
import sys
import warnings

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

warnings.simplefilter("error")
for kind in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn):
    weights = np.array([0.5, -1.25, 3.0]).astype(kind)
    np.savez(f"{sys.argv[1]}/weights.npz", weights=weights)
    back = np.load(f"{sys.argv[1]}/weights.npz")["weights"]
    try:
        back + 1
        then = "adds"
    except TypeError as error:
        then = type(error).__name__
    print(f"npz          {weights.dtype} comes back as {back.dtype}, plus 1: {then}")
    save_file({"weights": weights}, f"{sys.argv[1]}/weights.safetensors")
    try:
        found = load_file(f"{sys.argv[1]}/weights.safetensors")["weights"].dtype
    except AttributeError as error:
        found = type(error).__name__
    print(f"safetensors  {weights.dtype} comes back as {found}")
PY
"$folder/venv/bin/python" "$folder/seen.py" "$folder" | tee "$folder/output"
diff "$folder/output" - << 'SEEN'
npz          bfloat16 comes back as |V2, plus 1: UFuncTypeError
safetensors  bfloat16 comes back as bfloat16
npz          float8_e4m3fn comes back as |V1, plus 1: UFuncTypeError
safetensors  float8_e4m3fn comes back as AttributeError
SEEN
