"""What figures of several panels ask of what they are given: {title: {name: values}}, something in each."""

from collections.abc import Mapping


def expect_panels(panels, form):
    """Refuse what is no dictionary of dictionaries, or holds nothing; `form` says what is expected."""
    if not isinstance(panels, Mapping) or not panels or not all(panels.values()):
        raise ValueError(f"Expected panels as {form}; received none, or an empty one.")


def same_names(panels, what, *, in_any_order=False):
    """Give the names of the first panel, and refuse panels that hold others.

    Args:
        panels: {title: {name: values}}.
        what: what the names are, in the plural, for the message.
        in_any_order: whether other panels may have them in another order.
    Returns:
        list of str.
    """
    arranged = sorted if in_any_order else list
    names = list(next(iter(panels.values())))
    for title, panel in panels.items():
        if arranged(panel) != arranged(names):
            raise ValueError(
                f"Expected the same {what} in every panel, {', '.join(names)}; received "
                f"{', '.join(panel)} in {title!r}."
            )
    return names
