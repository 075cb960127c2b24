"""The figure behind rollout and flow: tokens as dots, layer after layer, and weights as the lines between."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from helpers.show.style import GRID_LINE, INK, LINE_COLOURS, as_matrix, check_names, styled

MOST_TOKENS = 20  # with more, nobody can follow a line
WIDEST = 7.0  # points: a weight of 1


@styled
def attention_graph(mixing, *, token_names=None, query=None, title="Who gets what from whom"):
    """Draw how blocks mix tokens: a column of dots for each layer, lines as wide as the weights.

    Read it from left to right: the input tokens, then each token after each block. For a small case; it is
    the graph whose paths rollout multiplies along, and through which flow is sent.

    Args:
        mixing: (depth, num_tokens, num_tokens), 0 to 1, rows are queries: attention weights with the heads
            fused, or `block_mixing` of each block, which includes the skips. The first block first.
        token_names: num_tokens names; by default "class" and then patch 1, 2, …
        query: index of one token after the last block: lines that lead to it are coloured, others grey.
        title: title of the figure.
    Returns:
        matplotlib Figure; `fig.axes[0].collections[b]` holds the lines of block b, counted from 0, in the
        order of its queries and keys.
    Raises:
        ValueError: if the shape is another, a weight lies outside [0, 1], there are more than 20 tokens, or
            a name or the query does not fit.
    """
    mixing = as_matrix(mixing, "mixing", num_axes=3)
    depth, num_tokens, num_keys = mixing.shape
    if num_tokens != num_keys or num_tokens > MOST_TOKENS:
        raise ValueError(
            f"Expected mixing (depth, num_tokens, num_tokens) of at most {MOST_TOKENS} tokens; received "
            f"{mixing.shape}. Choose a few tokens, or show the class token's row with overlay."
        )
    if not (mixing.min() >= 0 and mixing.max() <= 1 + 1e-6):
        raise ValueError(
            f"Expected weights in [0, 1]; received {mixing.min():.3g} to {mixing.max():.3g}. "
            "Fuse the heads, and make each row sum to 1."
        )
    if query is not None and query not in range(num_tokens):
        raise ValueError(f"Expected a query from 0 to {num_tokens - 1}; received {query!r}.")
    if token_names is None:
        token_names = ["class", *(f"patch {number}" for number in range(1, num_tokens))]
    token_names = check_names(token_names, num_tokens, "token_names")

    figure = Figure(figsize=(1.6 * depth + 2.2, 0.34 * num_tokens + 1.3))
    axes = figure.subplots()
    for block, (weights, leads) in enumerate(zip(mixing, _leading_to(query, mixing))):
        queries, keys = np.divmod(np.arange(num_tokens**2), num_tokens)
        starts = np.stack([np.full(num_tokens**2, block), keys], axis=1)
        ends = np.stack([np.full(num_tokens**2, block + 1), queries], axis=1)
        colours = [LINE_COLOURS[0] if leads[token] else GRID_LINE for token in queries]
        lines = LineCollection(
            np.stack([starts, ends], axis=1),  # (num_tokens², 2 ends, x and y)
            linewidths=WIDEST * weights.ravel(),
            colors=colours,
            alpha=0.75,
            capstyle="butt",
            zorder=2 if leads.any() else 1,
        )
        axes.add_collection(lines)
    layers, tokens = np.meshgrid(np.arange(depth + 1), np.arange(num_tokens))
    axes.plot(layers.ravel(), tokens.ravel(), "o", color=INK, markersize=5, zorder=3)
    if query is not None:
        axes.plot(depth, query, "o", color=LINE_COLOURS[1], markersize=9, zorder=4)
    axes.set_xticks(range(depth + 1), labels=["input", *(f"layer {layer + 1}" for layer in range(depth))])
    axes.set_yticks(range(num_tokens), labels=token_names)
    axes.set(xlim=(-0.15, depth + 0.15), ylim=(num_tokens - 0.5, -0.5))
    axes.set(xlabel="the wider a line, the larger the weight", ylabel="token")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title)
    return figure


def _leading_to(query, mixing):
    """Say which queries of each block pass anything on to the chosen one: bool (depth, num_tokens)."""
    leads = np.ones(mixing.shape[1], bool) if query is None else np.arange(mixing.shape[1]) == query
    result = []
    for weights in mixing[::-1]:
        result.append(leads)
        leads = (weights[leads] > 0).any(axis=0)
    return np.array(result[::-1])
