"""What an analysis takes from runs of a model: the fields that it needs, or word of which run to make."""

from helpers.analysis.attention import as_array


def kept_fields(run, names):
    """Give some fields of a run as NumPy arrays.

    Args:
        run: Activations.
        names: names of fields of `Activations`.
    Returns:
        list of arrays, in the order of the names.
    Raises:
        ValueError: for a field that the run did not keep.
    """
    for name in names:
        if getattr(run, name) is None:
            keep = ", ".join(f'"{each}"' for each in names)
            raise ValueError(
                f"Expected a run with its {name}; received one that did not keep them. Run "
                f"activations(model, images, keep=({keep}))."
            )
    return [as_array(getattr(run, name)) for name in names]


def of_each_run(function, runs):
    """Call a function with a run, or with each of several, such as `activation_batches` yields.

    Args:
        function: takes one Activations.
        runs: Activations, or an iterable of them, one at least.
    Returns:
        list of what the function gives.
    """
    found = [function(run) for run in ([runs] if hasattr(runs, "logits") else runs)]
    if not found:
        raise ValueError("Expected one run at least; received none.")
    return found
