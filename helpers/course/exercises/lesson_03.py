"""Lesson 03, self-attention: the weights, the masked average, the heads, the cost."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question


def _softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def _dots(queries, keys):
    return queries @ np.swapaxes(keys, -1, -2)


def _scores(queries, keys):
    return _dots(queries, keys) / np.sqrt(queries.shape[-1])


# attention_weights(queries, keys)


def _weights_cases():
    random = np.random.default_rng(3)
    return [
        (random.normal(size=(3, 4)).astype("float32"), random.normal(size=(3, 4)).astype("float32")),
        (random.normal(size=(2, 5, 16)).astype("float32"), random.normal(size=(2, 7, 16)).astype("float32")),
        (
            random.normal(size=(2, 3, 6, 8)).astype("float32"),
            random.normal(size=(2, 3, 6, 8)).astype("float32"),
        ),
    ]


def _weights_unscaled(queries, keys):
    return _softmax(_dots(queries, keys))


def _weights_by_head_dim(queries, keys):
    return _softmax(_dots(queries, keys) / queries.shape[-1])


def _weights_by_hidden_dim(queries, keys):
    hidden_dim = queries.shape[-1] * (queries.shape[1] if queries.ndim == 4 else 1)
    return _softmax(_dots(queries, keys) / np.sqrt(hidden_dim))


def _weights_by_tokens(queries, keys):
    return _softmax(_dots(queries, keys) / np.sqrt(keys.shape[-2]))


def _weights_over_queries(queries, keys):
    return _softmax(_scores(queries, keys), axis=-2)


def _weights_no_softmax(queries, keys):
    return _scores(queries, keys)


def _weights_without_exp(queries, keys):
    scores = _scores(queries, keys)
    return scores / scores.sum(axis=-1, keepdims=True)


def _weights_all_sum_to_one(queries, keys):
    return _softmax(_scores(queries, keys), axis=None)


def _weights_axis_0(queries, keys):
    return _softmax(_scores(queries, keys), axis=0)


def _weights_axis_1(queries, keys):
    return _softmax(_scores(queries, keys), axis=1)


def _weights_by_shape_1(queries, keys):
    return _softmax(_dots(queries, keys) / np.sqrt(queries.shape[1]))


def _weights_scaled_after(queries, keys):
    return _softmax(_dots(queries, keys)) / np.sqrt(queries.shape[-1])


def _weights_keys_ask(queries, keys):
    return _softmax(_scores(keys, queries))


# scaled_dot_product_attention(queries, keys, values, mask=None)


def _attend_cases():
    random = np.random.default_rng(4)

    def make(*shapes):
        return [random.normal(size=shape).astype("float32") for shape in shapes]

    some = random.random((5, 7)) < 0.6
    some[:, 2] = True
    return [
        tuple(make((3, 4), (3, 4), (3, 2))),
        Case(*make((2, 5, 16), (2, 7, 16), (2, 7, 3)), mask=some),
        Case(*make((2, 3, 6, 8), (2, 3, 6, 8), (2, 3, 6, 8)), mask=np.tril(np.ones((6, 6), bool))),
    ]


def _average(weights, values):
    return weights @ values, weights


def _attend_no_mask(queries, keys, values, mask=None):
    return _average(_softmax(_scores(queries, keys)), values)


def _attend_mask_after(queries, keys, values, mask=None):
    weights = _softmax(_scores(queries, keys))
    return _average(weights if mask is None else weights * mask, values)


def _attend_mask_reversed(queries, keys, values, mask=None):
    scores = _scores(queries, keys)
    return _average(_softmax(scores if mask is None else np.where(mask, -1e9, scores)), values)


def _attend_mask_to_zero(queries, keys, values, mask=None):
    scores = _scores(queries, keys)
    return _average(_softmax(scores if mask is None else scores * mask), values)


def _attend_mask_added(queries, keys, values, mask=None):
    scores = _scores(queries, keys)
    return _average(_softmax(scores if mask is None else scores + mask), values)


def _attend_unscaled(queries, keys, values, mask=None):
    scores = _dots(queries, keys)
    return _average(_softmax(scores if mask is None else np.where(mask, scores, -1e9)), values)


def _attend_results_swapped(queries, keys, values, mask=None):
    scores = _scores(queries, keys)
    weights = _softmax(scores if mask is None else np.where(mask, scores, -1e9))
    return weights, weights @ values


def _attend_scores_returned(queries, keys, values, mask=None):
    scores = _scores(queries, keys)
    scores = scores if mask is None else np.where(mask, scores, -1e9)
    return _softmax(scores) @ values, scores


# split_heads(tokens, num_heads)


def _split_cases():
    random = np.random.default_rng(5)
    return [
        (random.normal(size=(2, 5, 12)).astype("float32"), 3),
        (random.normal(size=(1, 4, 8)).astype("float32"), 4),
        (random.normal(size=(3, 6, 10)).astype("float32"), 2),
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


# attention_cost(num_tokens, hidden_dim)


def _cost_cases():
    return [(4, 8), (65, 64), (7, 3)]


def _cost(projections, scores, mixing):
    return {"projections": projections, "scores": scores, "mixing": mixing}


def _cost_without_output(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(3 * num_tokens * hidden_dim**2, pairs, pairs)


def _cost_one_projection(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(num_tokens * hidden_dim**2, pairs, pairs)


def _cost_parameters(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * hidden_dim**2, pairs, pairs)


def _cost_entries(num_tokens, hidden_dim):
    return _cost(4 * num_tokens * hidden_dim**2, num_tokens**2, num_tokens**2)


def _cost_linear(num_tokens, hidden_dim):
    each = num_tokens * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, each, each)


def _cost_operations(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(8 * num_tokens * hidden_dim**2, 2 * pairs, 2 * pairs)


EXERCISES = [
    Exercise(
        key="attention.attention_weights",
        title="Say who looks at whom",
        reference="helpers.model.attention:attention_weights",
        cases=_weights_cases,
        mutants=(
            Mutant(_weights_unscaled, "the scale is missing; divide the dot products by √head_dim."),
            Mutant(_weights_by_head_dim, "you divide by head_dim; its square root is what evens the spread."),
            Mutant(
                _weights_by_hidden_dim,
                "you divide by √hidden_dim; a dot product here adds up head_dim numbers, the last axis.",
            ),
            Mutant(_weights_by_tokens, "you divide by the root of the number of tokens, not of head_dim."),
            Mutant(
                _weights_over_queries,
                "your softmax runs over the queries, so the columns sum to 1; each query, a row, must share "
                "out its own attention.",
            ),
            Mutant(_weights_no_softmax, "these are the scores; the weights come after the softmax."),
            Mutant(
                _weights_without_exp,
                "you divide the scores by their sum; the softmax takes exp of them first, so that no share "
                "is negative.",
            ),
            Mutant(
                _weights_all_sum_to_one,
                "all weights together sum to 1; each row must: sum over the last axis, keepdims=True.",
            ),
            Mutant(
                _weights_axis_0,
                "your softmax runs over axis 0, whatever that is; the keys are the last axis, -1.",
            ),
            Mutant(
                _weights_axis_1,
                "your softmax runs over axis 1, which is the keys only as long as there are two axes; take "
                "axis=-1.",
            ),
            Mutant(
                _weights_by_shape_1,
                "you divide by the root of shape[1], which is head_dim only as long as there are two axes; "
                "take shape[-1].",
            ),
            Mutant(_weights_scaled_after, "you scale after the softmax; the rows no longer sum to 1."),
            Mutant(_weights_keys_ask, "rows and columns are swapped: the queries are the rows."),
        ),
        hints=(
            "Compare every query with every key first. Which matrix product does all pairs at once?",
            "scores = queries @ keys with its last two axes swapped, divided by √head_dim; then a softmax "
            "over the last axis.",
            "`ops.softmax(queries @ np.swapaxes(keys, -1, -2) / queries.shape[-1] ** 0.5, axis=-1)`",
        ),
        difficulty=2,
        importance=5,
        minutes=10,
    ),
    Exercise(
        key="attention.scaled_dot_product_attention",
        title="Average the values, with a mask",
        reference="helpers.model.attention:scaled_dot_product_attention",
        cases=_attend_cases,
        mutants=(
            Mutant(_attend_no_mask, "the mask is not used."),
            Mutant(
                _attend_mask_after,
                "you mask after the softmax: the blocked keys have already taken their share, and the rows "
                "do not sum to 1.",
            ),
            Mutant(_attend_mask_reversed, "the mask is reversed: True means that the query may look."),
            Mutant(
                _attend_mask_to_zero,
                "you multiply the scores by the mask; a score of 0 still gets weight, as e⁰ is 1.",
            ),
            Mutant(
                _attend_mask_added,
                "you add the mask as 0 and 1; a blocked score needs a huge negative number, such as -1e9.",
            ),
            Mutant(_attend_unscaled, "the scale is missing; divide the dot products by √head_dim."),
            Mutant(
                _attend_results_swapped,
                "the two results have changed places: first the output, then the weights.",
            ),
            Mutant(
                _attend_scores_returned,
                "you return the scores as second result; return the weights, after the softmax.",
            ),
        ),
        hints=(
            "Which score gets the weight 0 from a softmax?",
            "np.where(mask, scores, -1e9), then the softmax, then one matrix product with the values.",
            "`weights = ops.softmax(scores, axis=-1)` with the masked scores; "
            "`return ops.matmul(weights, values), weights`",
        ),
        difficulty=3,
        importance=5,
        minutes=12,
    ),
    Exercise(
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
        ),
        hints=(
            "A reshape can only cut an axis where it is. Which axis must be cut, and which must then move?",
            "Reshape to (batch, num_tokens, num_heads, head_dim), then swap the two axes in the middle.",
            "`tokens.reshape(batch, num_tokens, num_heads, -1).transpose(0, 2, 1, 3)`",
        ),
        difficulty=2,
        importance=4,
        minutes=8,
    ),
    Exercise(
        key="attention.attention_cost",
        title="Count the multiply-adds",
        reference="helpers.model.attention:attention_cost",
        cases=_cost_cases,
        mutants=(
            Mutant(
                _cost_without_output,
                "one projection is missing: after queries, keys and values comes the output's.",
            ),
            Mutant(_cost_one_projection, "that is one projection; there are four of the same size."),
            Mutant(
                _cost_parameters,
                "those are the parameters of the projections; every token passes through them.",
            ),
            Mutant(
                _cost_entries,
                "you count the entries of the matrix of weights; each is a sum over hidden_dim products, all "
                "heads together.",
            ),
            Mutant(
                _cost_linear,
                "the pairs are missing: every query meets every key, so the tokens appear squared.",
            ),
            Mutant(
                _cost_operations,
                "you count multiplications and additions one by one; one multiply-add is both at once.",
            ),
        ),
        hints=(
            "Queries, keys, values and output are four products of tokens (num_tokens, hidden_dim) with a "
            "matrix (hidden_dim, hidden_dim).",
            "Q Kᵀ in one head is (num_tokens, head_dim) · (head_dim, num_tokens). Now add up all heads: "
            "num_heads · head_dim is hidden_dim.",
            "`projections = 4 * num_tokens * hidden_dim**2`; scores and mixing are each "
            "`num_tokens**2 * hidden_dim`.",
        ),
        difficulty=2,
        importance=3,
        minutes=8,
    ),
]

QUIZ = [
    Question(
        "Why are the dot products divided by √head_dim?",
        [
            (
                "So that each row of weights sums to 1.",
                False,
                "The softmax does that, with or without a scale.",
            ),
            (
                "So that the spread of the scores does not grow with head_dim.",
                True,
                "A sum of head_dim products has the variance head_dim; divided by its root it has 1, and "
                "the softmax stays soft.",
            ),
            (
                "So that fewer multiplications are needed.",
                False,
                "The scale adds a multiplication for each score; it saves none.",
            ),
            (
                "So that long sequences do not dominate.",
                False,
                "The number of tokens is not in the formula. The scale looks at how many numbers one vector "
                "has.",
            ),
        ],
    ),
    Question(
        "ViT-B has hidden_dim 768 and 12 heads. What is `key_dim` in `keras.layers.MultiHeadAttention`?",
        [
            (
                "768",
                False,
                "Then each of the 12 heads is as wide as the whole model: 398 million parameters, not 87.",
            ),
            ("64", True, "key_dim is the width of one head, 768 / 12."),
            ("12", False, "That is `num_heads`, the number of heads and not the width of one."),
            ("√768", False, "A square root appears in the scale, √64, and in no shape."),
        ],
    ),
    Question(
        "You shuffle the tokens that enter self-attention without positions. What happens to the output?",
        [
            (
                "It stays the same: attention is permutation invariant.",
                False,
                "The outputs are the same vectors, but each moves with its token. Only a sum or a mean over "
                "them would stay.",
            ),
            (
                "It is shuffled in the same way: attention is permutation equivariant.",
                True,
                "Each output belongs to its own query, and the average over the keys has no order.",
            ),
            (
                "It changes entirely, since each token has other neighbours.",
                False,
                "Attention has no neighbours: every token sees all tokens, wherever they stand.",
            ),
        ],
    ),
    Question(
        "An image of twice the height and width has four times the patches. What grows how much?",
        [
            (
                "Scores and projections both fourfold.",
                False,
                "The projections do: one token at a time. The scores are pairs of tokens.",
            ),
            (
                "The scores fourfold, the projections twofold.",
                False,
                "The number of tokens is already four times as large, and the scores go with its square.",
            ),
            (
                "The scores sixteenfold, the projections fourfold.",
                True,
                "Pairs of tokens against tokens: 4² and 4.",
            ),
            (
                "The parameters sixteenfold.",
                False,
                "The attention layer's parameters do not depend on the number of tokens at all.",
            ),
        ],
    ),
]
