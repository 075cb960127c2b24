"""attention_cost(num_tokens, hidden_dim): count the multiply-adds."""

from helpers.course.exercise import Exercise, Mutant


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


def _cost_features_once(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim, pairs, pairs)


def _cost_tokens_squared(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens**2 * hidden_dim, pairs, pairs)


def _cost_tokens_left_out(num_tokens, hidden_dim):
    pairs = num_tokens * hidden_dim**2
    return _cost(4 * num_tokens * hidden_dim**2, pairs, pairs)


def _cost_pairs_twice(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, pairs, 2 * pairs)


def _cost_features_squared(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim**2
    return _cost(4 * num_tokens * hidden_dim**2, pairs, pairs)


def _cost_scores_alone_counted(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, num_tokens**2, pairs)


def _cost_mixing_linear(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, pairs, num_tokens * hidden_dim)


def _cost_mixing_entries(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, pairs, num_tokens**2)


def _cost_half_the_pairs(num_tokens, hidden_dim):
    pairs = num_tokens * (num_tokens - 1) // 2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, pairs, pairs)


def _cost_with_biases(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * (hidden_dim**2 + hidden_dim), pairs, pairs)


def _cost_with_softmax(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, pairs + num_tokens**2, pairs)


def _cost_scores_both(num_tokens, hidden_dim):
    pairs = num_tokens**2 * hidden_dim
    return _cost(4 * num_tokens * hidden_dim**2, 2 * pairs, 2 * pairs)


EXERCISE = Exercise(
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
        Mutant(
            _cost_features_once,
            "a projection is a product with a (hidden_dim, hidden_dim) matrix: hidden_dim appears squared.",
        ),
        Mutant(
            _cost_tokens_squared,
            "a projection takes one token at a time: num_tokens once, and hidden_dim squared.",
        ),
        Mutant(
            _cost_tokens_left_out,
            "Q Kᵀ has num_tokens² entries, each a sum over hidden_dim: it is the tokens that appear squared.",
        ),
        Mutant(
            _cost_pairs_twice,
            "mixing costs as much as the scores: (num_tokens × num_tokens) times (num_tokens × hidden_dim).",
        ),
        Mutant(
            _cost_features_squared,
            "hidden_dim appears once in the pairs: each entry of Q Kᵀ is one sum over hidden_dim products.",
        ),
        Mutant(
            _cost_scores_alone_counted,
            '"scores" counts the entries of Q Kᵀ; each of them takes hidden_dim multiply-adds.',
        ),
        Mutant(
            _cost_mixing_linear,
            'in "mixing" the pairs are missing: each token averages the values of all tokens.',
        ),
        Mutant(
            _cost_mixing_entries,
            '"mixing" counts the weights; each of them multiplies a value of hidden_dim numbers.',
        ),
        Mutant(
            _cost_half_the_pairs,
            "you count each pair once; query 1 with key 2 is another product than query 2 with key 1,"
            " and each token also meets itself.",
        ),
        Mutant(_cost_with_biases, "the biases are counted; the task leaves them out."),
        Mutant(_cost_with_softmax, "the softmax is counted; the task leaves it out."),
        Mutant(
            _cost_scores_both,
            "you count the multiplications and additions of the pairs one by one; one multiply-add is"
            " both at once.",
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
)
