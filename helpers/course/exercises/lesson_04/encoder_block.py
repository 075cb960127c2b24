"""encoder_block(tokens, norm1, attention, norm2, mlp): wire a block."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Switches


def _tokens(x):
    if callable(x) and not hasattr(x, "shape"):
        raise TypeError("tokens are expected here, not a function. Call it first, as in norm1(tokens)")
    return np.asarray(x)


def _block_cases():
    rng = np.random.default_rng(24)

    def case(batch, num_tokens, hidden_dim):
        tokens = rng.standard_normal((batch, num_tokens, hidden_dim)).astype("float32")
        mix = rng.random((num_tokens, num_tokens)).astype("float32") / num_tokens
        matrix = rng.standard_normal((hidden_dim, hidden_dim)).astype("float32") / hidden_dim**0.5

        def norm(scale):
            def normalise(x):
                x = _tokens(x)
                return scale * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 1e-3)

            return normalise

        def attention(x):
            return mix @ _tokens(x)

        def mlp(x):
            return np.maximum(_tokens(x) @ matrix, 0)

        return tokens, norm(np.float32(1.2)), attention, norm(np.float32(0.7)), mlp

    def in_words(words, function):
        function.in_words = words
        return function

    by_hand = (
        np.float32([[[1]]]),
        in_words("x → 2x", lambda x: 2 * _tokens(x)),
        in_words("x → x + 10", lambda x: _tokens(x) + 10),
        in_words("x → 3x", lambda x: 3 * _tokens(x)),
        in_words("x → x + 100", lambda x: _tokens(x) + 100),
    )
    return [case(2, 5, 4), case(1, 3, 8), by_hand]


def _block_post_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _block_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens)
    tokens = norm2(tokens + attention(tokens))
    return tokens + mlp(tokens)


def _block_second_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm2(tokens + attention(norm1(tokens)))
    return tokens + mlp(tokens)


def _block_first_skip_after_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens)
    tokens = tokens + attention(tokens)
    return tokens + mlp(norm2(tokens))


def _block_norm_at_the_end(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return norm2(tokens + mlp(norm2(tokens)))


def _block_norm_behind_the_branch(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + norm1(attention(tokens))
    return tokens + norm2(mlp(tokens))


def _block_no_skip(tokens, norm1, attention, norm2, mlp):
    return mlp(norm2(attention(norm1(tokens))))


def _block_no_first_skip(tokens, norm1, attention, norm2, mlp):
    tokens = attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


def _block_no_second_skip(tokens, norm1, attention, norm2, mlp):
    return mlp(norm2(tokens + attention(norm1(tokens))))


def _block_one_skip_around_both(tokens, norm1, attention, norm2, mlp):
    return tokens + mlp(norm2(attention(norm1(tokens))))


def _block_old_skip(tokens, norm1, attention, norm2, mlp):
    return tokens + mlp(norm2(tokens + attention(norm1(tokens))))


def _block_side_by_side(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens)) + mlp(norm2(tokens))


def _block_one_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm1(tokens))


def _block_norms_swapped(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm2(tokens))
    return tokens + mlp(norm1(tokens))


def _block_no_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(tokens)
    return tokens + mlp(tokens)


def _block_mlp_first(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + mlp(norm1(tokens))
    return tokens + attention(norm2(tokens))


def _block_attention_only(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens))


def _wired(
    tokens,
    norm1,
    attention,
    norm2,
    mlp,
    *,
    enter1=None,
    leave1=None,
    skip1=None,
    on_stream=None,
    read2=None,
    enter2=None,
    leave2=None,
    skip2=None,
    at_the_end=None,
    order=None,
):
    """Wire a block with other norms, skips and readings than the right ones."""

    def same(x):
        return x

    attention, mlp = (mlp, attention) if order else (attention, mlp)
    read = {None: norm1, "none": same, "other": norm2}[enter1](tokens)
    branch = attention(read)
    branch = norm1(branch) if leave1 else branch
    stream = {None: tokens, "none": 0, "normed": read}[skip1] + branch
    stream = norm1(stream) if on_stream else stream
    entering = {None: stream, "tokens": tokens, "branch": branch}[read2]
    read = {None: norm2, "none": same, "other": norm1}[enter2](entering)
    branch = mlp(read)
    branch = norm2(branch) if leave2 else branch
    result = {None: stream, "none": 0, "normed": read, "tokens": tokens, "twice": 2 * stream}[skip2] + branch
    return norm2(result) if at_the_end else result


_SWITCHES = Switches(
    _wired,
    {
        "enter1": {
            "none": "norm1 is missing before the attention",
            "other": "norm2 stands before the attention",
        },
        "leave1": {True: "a norm stands behind the attention"},
        "skip1": {"none": "the first skip is missing", "normed": "the first skip starts after the norm"},
        "on_stream": {True: "norm1 stands on the stream, after the first sum"},
        "read2": {
            "tokens": "the MLP reads the tokens that came in, not what the attention has written",
            "branch": "the MLP reads the attention's branch alone, not the stream",
        },
        "enter2": {"none": "norm2 is missing before the MLP", "other": "norm1 stands before the MLP"},
        "leave2": {True: "a norm stands behind the MLP"},
        "skip2": {
            "none": "the second skip is missing",
            "normed": "the second skip starts after the norm",
            "tokens": "the second skip adds the tokens that came in, so what the attention wrote is lost",
            "twice": "the stream is added twice at the end",
        },
        "at_the_end": {True: "norm2 stands on the stream at the end"},
        "order": {True: "the MLP comes before the attention"},
    },
    most=3,
)


EXERCISE = Exercise(
    key="parts.encoder_block",
    title="Wire a block",
    reference="helpers.model.parts:encoder_block",
    cases=_block_cases,
    mutants=(
        Mutant(
            _block_post_norm,
            "this is post-norm: the stream itself is normalised after each sum. Here the norm stands at "
            "the entry of each branch.",
        ),
        Mutant(
            _block_skip_after_norm,
            "the skip starts after the norm: what is added must be the stream as it came, not its "
            "normalised copy.",
        ),
        Mutant(
            _block_second_skip_after_norm,
            "the second skip starts after norm2: add the MLP to the stream as the attention left it.",
        ),
        Mutant(
            _block_first_skip_after_norm,
            "the first skip starts after norm1: add the attention to the tokens as they came.",
        ),
        Mutant(
            _block_norm_at_the_end,
            "a norm stands on the stream at the end; pre-norm has two, both at the entry of a branch.",
        ),
        Mutant(
            _block_norm_behind_the_branch,
            "the norms stand behind the branches; they belong at their entry: attention(norm1(tokens)).",
        ),
        Mutant(_block_no_skip, "both skips are missing: each branch is added to the stream."),
        Mutant(_block_no_first_skip, "the first skip is missing: add the tokens to the attention."),
        Mutant(_block_no_second_skip, "the second skip is missing: add the stream to the MLP too."),
        Mutant(
            _block_one_skip_around_both,
            "there is one skip around both branches; each of the two has its own.",
        ),
        Mutant(
            _block_old_skip,
            "the MLP's branch is added to the tokens that came in, so what the attention wrote is lost.",
        ),
        Mutant(
            _block_side_by_side,
            "both branches read the tokens that came in; the MLP reads what the attention has written.",
        ),
        Mutant(_block_one_norm, "norm1 is used twice: the MLP has a norm of its own, norm2."),
        Mutant(_block_norms_swapped, "the norms changed places: norm1 before attention, norm2 before mlp."),
        Mutant(_block_no_norm, "the norms are missing: each branch reads a normalised copy."),
        Mutant(_block_mlp_first, "the MLP comes before the attention; it is the other way round."),
        Mutant(_block_attention_only, "the second half is missing: the MLP with its norm and its skip."),
    ),
    hints=(
        "Follow the blue line of the picture above: nothing stands on it but two plus signs.",
        "tokens = tokens + (something that reads norm1 of the tokens). Then the same with norm2.",
        "tokens = tokens + attention(norm1(tokens)), and the second half looks like the first.",
    ),
    difficulty=2,
    importance=5,
    minutes=6,
    switches=_SWITCHES,
)
