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
