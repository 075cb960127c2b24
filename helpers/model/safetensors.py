"""Read a .safetensors file: the format that most published weights come in, and which can hold no code.

Eight bytes say how long the header is; the header is JSON, {name: {dtype, shape, data_offsets}}; then come
the numbers (https://huggingface.co/docs/safetensors).
"""

import json
from pathlib import Path

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "<u1", "BOOL": "|b1"}
LONGEST_HEADER = 100_000_000  # bytes, the limit of the format


def read_safetensors(path):
    """Read every array of a file.

    Args:
        path: str or Path.
    Returns:
        dict from name to array; bfloat16, which NumPy has not, as float32, which holds the same numbers.
    Raises:
        ValueError: if it is no such file, or cut short; the message says what to do.
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > min(LONGEST_HEADER, len(content) - 8):
            raise ValueError("its header is longer than the file")
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        numbers = memoryview(content)[8 + length :]  # a slice of bytes would be a copy, one for every array
        return {name: _array(numbers, **row) for name, row in header.items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f"{path.name} is no whole .safetensors file ({error}): fetch it again. A file of some hundred "
            "bytes is a pointer of Git LFS; `git lfs pull` fetches what it points to."
        ) from error


def _array(numbers, dtype, shape, data_offsets):
    start, end = data_offsets
    count = int(np.prod(shape, dtype="int64"))
    if not 0 <= start <= end <= len(numbers):
        raise ValueError("it is cut short")
    if dtype == "BF16":  # the upper half of a float32
        halves = np.frombuffer(numbers[start:end], "<u2", count)
        return (halves.astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype not in DTYPES:
        raise ValueError(f"it has numbers of the kind {dtype}, expected {', '.join(DTYPES)} or BF16")
    return np.frombuffer(numbers[start:end], DTYPES[dtype], count).reshape(shape)
