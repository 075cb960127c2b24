"""mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias): the MLP."""

import math

import numpy as np

from helpers.course.exercise import Exercise, Mutant, Switches


def _mlp_cases():
    rng = np.random.default_rng(14)

    def case(batch, num_tokens, hidden_dim, mlp_dim):
        shapes = [(batch, num_tokens, hidden_dim), (hidden_dim, mlp_dim), (mlp_dim,), (mlp_dim, hidden_dim)]
        arrays = [rng.standard_normal(shape) for shape in (*shapes, (hidden_dim,))]
        # Weights of one sign add up what the exact GELU and its approximation differ by.
        arrays[3] = 0.1 + np.abs(arrays[3])
        return tuple(array.astype("float32") for array in arrays)

    by_hand = [[[1]]], [[1, -1]], [1, 0.5], [[1], [10]], [5]
    return [case(2, 5, 4, 12), case(1, 3, 6, 9), tuple(np.float32(array) for array in by_hand)]


_erf = np.vectorize(math.erf, otypes=["float64"])


def _gelu(x):
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)))


ACTIVATIONS = {
    "clip": lambda x: x / (1 + np.exp(-1.702 * x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "no root": lambda x: x * 0.5 * (1 + _erf(x)),
    "no half": lambda x: x * (1 + _erf(x / math.sqrt(2))),
    "chance": lambda x: 0.5 * (1 + _erf(x / math.sqrt(2))),
    "density": lambda x: x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    "by tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "none": lambda x: x,
}


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
    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, ACTIVATIONS["clip"])


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


def _mlp_with_activation(name):
    def mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
        return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias, ACTIVATIONS[name])

    return mlp


def _mlp_bias_after_gelu(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return (_gelu(tokens @ expand_kernel) + expand_bias) @ contract_kernel + contract_bias


def _mlp_tokens_averaged(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _mlp(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias).mean(axis=1)


def _mlp_first_layer_alone(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu(tokens @ expand_kernel + expand_bias)


def _mlp_softmax(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    exponentials = np.exp(tokens @ expand_kernel + expand_bias)
    hidden = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return hidden @ contract_kernel + contract_bias


def _mlp_kernels_tied(tokens, expand_kernel, expand_bias, contract_kernel, contract_bias):
    return _gelu(tokens @ expand_kernel + expand_bias) @ expand_kernel.T + contract_bias


def _mlp_with(tokens, w1, b1, w2, b2, *, bend=None, first=1, last=1, place=None, skip=0):
    activation = ACTIVATIONS.get(bend, _gelu)
    hidden = tokens @ w1 + first * b1
    hidden = hidden if place else activation(hidden)
    result = hidden @ w2 + last * b2
    return (activation(result) if place == "end" else result) + skip * tokens


_SWITCHES = Switches(
    _mlp_with,
    {
        "bend": {
            "by tanh": "the GELU is the approximation by tanh",
            "relu": "a ReLU stands in the place of the GELU",
            "clip": "the GELU is the rough x · sigmoid(1.702 x)",
            "swish": "x · sigmoid(x) stands in the place of the GELU",
        },
        "first": {0: "the first bias is missing", -1: "the first bias is subtracted"},
        "last": {0: "the last bias is missing", -1: "the last bias is subtracted"},
        "place": {"end": "the activation stands at the end", "nowhere": "there is no activation"},
        "skip": {1: "the tokens were added to the result"},
    },
)


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
        Mutant(
            _mlp_with_activation("swish"),
            "this is x · sigmoid(x), called swish or SiLU; a Vision Transformer has a GELU there.",
        ),
        Mutant(_mlp_with_activation("sigmoid"), "this is a sigmoid; a Vision Transformer has a GELU there."),
        Mutant(_mlp_with_activation("tanh"), "this is a tanh; a Vision Transformer has a GELU there."),
        Mutant(_mlp_with_activation("leaky"), "this is a leaky ReLU; a Vision Transformer has a GELU there."),
        Mutant(_mlp_with_activation("elu"), "this is an ELU; a Vision Transformer has a GELU there."),
        Mutant(
            _mlp_with_activation("softplus"), "this is a softplus; a Vision Transformer has a GELU there."
        ),
        Mutant(_mlp_with_activation("no root"), "√2 is missing: Φ(x) = ½ (1 + erf(x / √2))."),
        Mutant(_mlp_with_activation("no half"), "the half is missing: Φ(x) = ½ (1 + erf(x / √2))."),
        Mutant(_mlp_with_activation("chance"), "this is Φ(x) alone; the GELU is x · Φ(x)."),
        Mutant(
            _mlp_with_activation("density"),
            "this takes the density of the normal distribution; the GELU takes Φ, the chance to lie below x.",
        ),
        Mutant(_mlp_bias_after_gelu, "the first bias comes after the GELU: add it before."),
        Mutant(_mlp_tokens_averaged, "you averaged the tokens; the MLP takes each token by itself."),
        Mutant(
            _mlp_first_layer_alone,
            "the second layer is missing: bring the hidden numbers back with contract_kernel and "
            "contract_bias.",
        ),
        Mutant(_mlp_softmax, "a softmax stands in the place of the GELU."),
        Mutant(
            _mlp_kernels_tied,
            "expand_kernel is used twice, the second time transposed: the way back has a kernel of "
            "its own, contract_kernel.",
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
    switches=_SWITCHES,
)
