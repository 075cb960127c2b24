"""What belongs together: a result that was made from something else than what is chosen now is refused.

A learner changes the photograph in one cell, and runs only a later one that draws: the new picture would be
drawn with the old one's maps, and nothing would fail.

    maps, made_from = look(photos), fingerprint([photos, names])      of helpers.course.results
    ...
    now = fingerprint([photos, names])
    require_same(made_from, now, "The maps are of other photographs", "section 2")
"""


def require_same(then, now, problem, again):
    """Refuse a result that was made from something else than what is chosen now.

    Args:
        then, now: fingerprints, when the result was made and at this moment.
        problem: str, what is wrong if they differ: "The maps are of other photographs than those above".
        again: str, what to run again: "section 2 from its first cell".
    Raises:
        ValueError: if they differ.
    """
    if then != now:
        raise ValueError(f"{problem}. Run {again} again (Run > Run Selected Cell and All Below).")
