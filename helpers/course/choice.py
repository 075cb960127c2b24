"""What belongs together: a result remembers what it was made from, and is refused beside anything else.

A learner changes the photograph in one cell, and runs only a later one that draws: the new picture would be
drawn with the old one's maps, and nothing would fail.

    maps, made_from = look(photos), fingerprint(photos, names)
    ...
    require_same(made_from, fingerprint(photos, names), "The maps are of other photographs", "section 2")
"""

import hashlib

import numpy as np


def fingerprint(*things):
    """Give a short name to what things hold: arrays by type, shape and numbers, others by their `repr`.

    Args:
        things: arrays; and strings, numbers, tuples, lists or dictionaries of such.
    Returns:
        str of 64 hexadecimal digits; the same for the same content, whoever holds it.
    """
    found = hashlib.sha256()
    for thing in things:
        if isinstance(thing, np.ndarray):
            found.update(f"{thing.dtype}{thing.shape}".encode())
            found.update(np.ascontiguousarray(thing).tobytes())
        else:
            found.update(repr(thing).encode())
        found.update(b"\0")  # so that ("ab", "c") is not ("a", "bc")
    return found.hexdigest()


def require_same(then, now, problem, again):
    """Refuse a result that was made from something else than what is chosen now.

    Args:
        then, now: fingerprints, when the result was made and at this moment.
        problem: str, what is wrong if they differ: "The maps are of other photographs than those above".
        again: str, what to run again: "section 2, from its first cell".
    Raises:
        ValueError: if they differ.
    """
    if then != now:
        raise ValueError(f"{problem}. Run {again} again (Run > Run Selected Cell and All Below).")
