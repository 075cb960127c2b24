"""A CIFAR-10 of 24 images, in all the forms in which the real one comes."""

import hashlib
import io
import tarfile

import numpy as np

from helpers.data.archive import Archive

FILE_NAME = "cifar-10-python.tar.gz"


def python2_batch(images, labels):
    """Pickle a batch as Python 2 with NumPy 1 did for the original: protocol 2, byte strings, numpy.core."""
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), 3072)  # (n, 32, 32, 3) -> (n, 3072), red first
    number = bytes([len(images)])
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    kind = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    content = b"T" + rows.size.to_bytes(4, "little") + rows.tobytes()
    state = b"(K\x01K" + number + b"M\x00\x0c\x86" + kind + b"\x89" + content + b"tb"
    return b"\x80\x02}(U\x04data" + array + state + b"U\x06labels](" + _integers(labels) + b"eu."


def _integers(values):
    return b"".join(b"K" + bytes([value]) for value in values)


def pack(batches):
    """Make the bytes of a .tar.gz out of {name: content}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def describe(content, urls=()):
    checksum = hashlib.sha256(content).hexdigest()
    md5 = {name: hashlib.md5(batch).hexdigest() for name, batch in BATCHES.items()}
    return Archive(
        FILE_NAME, checksum, len(content), num_train=20, num_test=4, urls=tuple(urls), batch_md5=md5
    )


def small_arrays():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 32, 32, 3), np.uint8)
    labels = np.arange(24) % 10
    return {"x_train": images[:20], "y_train": labels[:20], "x_test": images[20:], "y_test": labels[20:]}


ARRAYS = small_arrays()
BATCHES = {
    f"data_batch_{i + 1}": python2_batch(
        ARRAYS["x_train"][4 * i : 4 * i + 4], ARRAYS["y_train"][4 * i : 4 * i + 4]
    )
    for i in range(5)
} | {"test_batch": python2_batch(ARRAYS["x_test"], ARRAYS["y_test"])}
CONTENT = pack(BATCHES)
