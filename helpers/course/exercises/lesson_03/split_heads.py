"""split_heads(tokens, num_heads): deal the features out to the heads."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _split_cases():
    random = np.random.default_rng(5)
    return [
        (random.normal(size=(2, 5, 12)).astype("float32"), 3),
        (random.normal(size=(1, 4, 8)).astype("float32"), 4),
        (random.normal(size=(3, 6, 10)).astype("float32"), 2),
        (np.arange(1, 9, dtype="float32").reshape(1, 2, 4), 2),
    ]


def _split(tokens, num_heads):
    return tokens.reshape(*tokens.shape[:2], num_heads, tokens.shape[-1] // num_heads)


def _split_reshape_only(tokens, num_heads):
    batch, num_tokens, hidden_dim = tokens.shape
    return tokens.reshape(batch, num_heads, num_tokens, hidden_dim // num_heads)


def _split_not_transposed(tokens, num_heads):
    return _split(tokens, num_heads)


def _split_interleaved(tokens, num_heads):
    batch, num_tokens, hidden_dim = tokens.shape
    return tokens.reshape(batch, num_tokens, hidden_dim // num_heads, num_heads).transpose(0, 3, 1, 2)


def _split_heads_first(tokens, num_heads):
    return _split(tokens, num_heads).transpose(2, 0, 1, 3)


def _split_keys_turned(tokens, num_heads):
    return _split(tokens, num_heads).transpose(0, 2, 3, 1)


def _split_copied(tokens, num_heads):
    return np.repeat(tokens[:, None], num_heads, axis=1)


def _split_heads_turned(tokens, num_heads):
    return _split(tokens, num_heads).transpose(0, 2, 1, 3)[:, ::-1]


def _split_all_axes_turned(tokens, num_heads):
    return _split(tokens, num_heads).transpose(0, 3, 1, 2)


def _split_sizes_swapped(tokens, num_heads):
    """Take num_heads for the size of a head."""
    head_dim = tokens.shape[-1] // num_heads
    return tokens.reshape(*tokens.shape[:2], head_dim, num_heads).transpose(0, 2, 1, 3)


def _split_joined_with_batch(tokens, num_heads):
    heads = _split(tokens, num_heads).transpose(0, 2, 1, 3)
    return heads.reshape(-1, *heads.shape[2:])


def _split_first_head(tokens, num_heads):
    return _split(tokens, num_heads).transpose(0, 2, 1, 3)[:, 0]


def _split_turned_first(tokens, num_heads):
    batch, num_tokens, hidden_dim = tokens.shape
    return tokens.transpose(0, 2, 1).reshape(batch, num_heads, num_tokens, hidden_dim // num_heads)


EXERCISE = Exercise(
    key="attention.split_heads",
    title="Deal the features out to the heads",
    reference="helpers.model.attention:split_heads",
    cases=_split_cases,
    mutants=(
        Mutant(
            _split_reshape_only,
            "a plain reshape mixes tokens: a head would see pieces of several tokens as one.",
        ),
        Mutant(
            _split_not_transposed,
            "the axes are (batch, num_tokens, num_heads, head_dim); the heads belong before the tokens.",
        ),
        Mutant(
            _split_interleaved,
            "the features are dealt out like cards; head 1 gets the first head_dim features, in one run.",
        ),
        Mutant(_split_heads_first, "the heads stand before the batch; the batch comes first."),
        Mutant(_split_keys_turned, "the last two axes are swapped: tokens come before features."),
        Mutant(
            _split_copied,
            "each head got a copy of all features; a head gets hidden_dim / num_heads of them.",
        ),
        Mutant(
            _split_heads_turned,
            "the heads come in the reverse order: the first head_dim features go to the first head.",
        ),
        Mutant(
            _split_all_axes_turned,
            "the axes are (batch, head_dim, num_tokens, num_heads); the order is (batch, num_heads, "
            "num_tokens, head_dim).",
        ),
        Mutant(
            _split_sizes_swapped,
            "num_heads and head_dim have changed places: there are num_heads pieces of head_dim "
            "features each.",
        ),
        Mutant(
            _split_joined_with_batch,
            "batch and heads are joined in one axis: keep the batch first, then the heads.",
        ),
        Mutant(_split_first_head, "this is the first head alone; all heads are asked for."),
        Mutant(
            _split_turned_first,
            "you exchange tokens and features before you cut; the reshape then mixes them. Cut first,"
            " then exchange.",
        ),
    ),
    hints=(
        "A reshape can only cut an axis where it is. Which axis must be cut, and which must then move?",
        "Reshape to (batch, num_tokens, num_heads, head_dim), then swap the two axes in the middle.",
        "`tokens.reshape(batch, num_tokens, num_heads, -1).transpose(0, 2, 1, 3)`",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
)
