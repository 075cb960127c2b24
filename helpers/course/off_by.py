"""A count that is wrong by the same product of sizes on every case: 2 · depth · hidden_dim too few, say."""

from itertools import combinations_with_replacement
from math import isfinite, prod

FEWEST = 3  # cases: two numbers agree with some product too easily
MULTIPLES = (1, 2, 3, 4)
LONGEST = 4  # sizes in a product


def off_by_sizes(expected, found, sizes):
    """Say what product of sizes a count is too large or too small by.

    A size that is the same in every case is no size here: nothing tells it from a plain number. The shortest
    product is given, and none where another as short fits as well.

    Args:
        expected, found: lists of whole numbers, one a case.
        sizes: list of dict, one a case: name of a size -> its number.
    Returns:
        str, a clause that ends without a full stop; "" if no product fits every case.
    """
    differences = [came - wanted for wanted, came in zip(expected, found)]
    if len(differences) < FEWEST or not all(d and isfinite(d) and d == int(d) for d in differences):
        return ""
    if len({d > 0 for d in differences}) > 1 or len(set(differences)) < FEWEST:
        return ""
    names = [name for name in sizes[0] if len({case.get(name) for case in sizes}) >= FEWEST]
    for length in range(1, LONGEST + 1):
        fitting = [
            (multiple, chosen)
            for chosen in combinations_with_replacement(names, length)
            for multiple in MULTIPLES
            if all(multiple * prod(c[n] for n in chosen) == abs(d) for c, d in zip(sizes, differences))
        ]
        if fitting:
            return _words(*fitting[0], differences[0] > 0) if len(fitting) == 1 else ""
    return ""


def _words(multiple, names, too_large):
    product = " · ".join([*([str(multiple)] if multiple > 1 else []), *_powers(names)])
    return f"it is too {'large' if too_large else 'small'} by {product}, in every case"


def _powers(names):
    counts = {name: names.count(name) for name in names}
    return [f"{name}{['', '²', '³', '⁴'][count - 1]}" for name, count in counts.items()]
