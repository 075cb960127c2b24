"""mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias): the MLP."""

import math

import numpy as np

from helpers.course.exercise import Exercise, Mutant


def _mlp_cases():
    rng = np.random.default_rng(14)

    def case(batch, num_tokens, hidden_dim, mlp_dim):
        shapes = [(batch, num_tokens, hidden_dim), (hidden_dim, mlp_dim), (mlp_dim,), (mlp_dim, hidden_dim)]
        arrays = [rng.standard_normal(shape) for shape in (*shapes, (hidden_dim,))]
        # Weights of one sign add up what the exact GELU and its approximation differ by.
        arrays[3] = 0.1 + np.abs(arrays[3])
        return tuple(array.astype("float32") for array in arrays)

    return [case(2, 5, 4, 12), case(1, 3, 6, 9)]


_erf = np.vectorize(math.erf, otypes=["float64"])


def _gelu(x):
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)))


def _mlp(tokens, w1, b1, w2, b2, activation=_gelu):
    return activation(tokens @ w1 + b1) @ w2 + b2


def _mlp_activated_twice(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu(_mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias))


def _mlp_activated_at_the_end(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu((tokens @ expand_kernel + expand_bias) @ contract_kernel + contract_bias)


def _mlp_activated_first(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return (_gelu(tokens) @ expand_kernel + expand_bias) @ contract_kernel + contract_bias


def _mlp_linear(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return (tokens @ expand_kernel + expand_bias) @ contract_kernel + contract_bias


def _mlp_tanh(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def gelu(x):
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, gelu)


def _mlp_sigmoid(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def gelu(x):
        return x / (1 + np.exp(-1.702 * x))

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, gelu)


def _mlp_relu(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    def relu(x):
        return np.maximum(x, 0)

    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, relu)


def _mlp_no_biases(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, 0, contract_kernel, 0)


def _mlp_no_first_bias(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, 0, contract_kernel, contract_bias)


def _mlp_no_last_bias(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, 0)


def _mlp_with_skip(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return tokens + _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias)


EXERCISE = Exercise(
    key="parts.mlp",
    title="The MLP",
    reference="helpers.model.parts:mlp",
    cases=_mlp_cases,
    mutants=(
        Mutant(
            _mlp_activated_twice,
            "a GELU follows the second layer too: the branch must be free to write negative numbers.",
        ),
        Mutant(
            _mlp_activated_at_the_end,
            "the GELU stands at the end; it belongs between the two layers, or they are one matrix.",
        ),
        Mutant(_mlp_activated_first, "the GELU stands before the first layer; it belongs between the two."),
        Mutant(_mlp_linear, "the GELU is missing: two layers with nothing between are one matrix."),
        Mutant(
            _mlp_tanh,
            "this is the tanh approximation of the GELU, the default of keras.ops.gelu: "
            "pass approximate=False.",
        ),
        Mutant(
            _mlp_sigmoid,
            "x · sigmoid(1.702 x) is a rough approximation of the GELU, as CLIP uses it; take the exact one.",
        ),
        Mutant(_mlp_relu, "this is a ReLU; a Vision Transformer has a GELU there."),
        Mutant(_mlp_no_biases, "both biases are missing."),
        Mutant(_mlp_no_first_bias, "the first bias is missing: add expand_bias before the GELU."),
        Mutant(_mlp_no_last_bias, "the last bias is missing: add contract_bias at the end."),
        Mutant(
            _mlp_with_skip,
            "the tokens were added to the result; the skip is the block's work, not the MLP's.",
        ),
    ),
    hints=(
        "Three steps: widen, bend, bring back. What would be lost without the bend?",
        "`tokens @ expand_kernel + expand_bias` is (batch, num_tokens, mlp_dim). The @ works on the last "
        "axis and leaves the others alone: each token by itself.",
        "hidden = keras.activations.gelu(tokens @ expand_kernel + expand_bias), which is exact; then "
        "hidden @ contract_kernel + contract_bias.",
    ),
    difficulty=2,
    importance=4,
    minutes=8,
    tolerance=2e-6,
)
