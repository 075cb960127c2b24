"""Memories over many images: as all at once, coefficients that add up to the branch, and the test."""

import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import mannwhitneyu
from test_key_value import make_model, numbers

from helpers.analysis.key_value import (
    agreement_chance,
    class_prototypes,
    key_value_agreement,
    value_vectors,
    values_in_class_space,
)
from helpers.analysis.memory_use import compare_outcomes, memory_coefficients, memory_use, most_active
from helpers.model.activations import activations

IMAGES = np.random.default_rng(0).random((7, 8, 8, 3), dtype="float32")
LABELS = np.array([0, 3, 1, 2, 2, 0, 1])


@pytest.fixture(scope="module")
def model():
    return make_model()


def test_coefficients_times_values_are_the_branches(model):
    """Σ coefficient · value, and the bias, is what the branch adds: the whole claim of "memories"."""
    from keras import ops

    run = activations(model, IMAGES, keep="all")
    for branch, output in (("mlp", run.mlp_output), ("attention", run.attention_output)):
        coefficients = memory_coefficients(run, branch).astype("float64")
        if branch == "mlp":  # before the GELU; after it, they weigh the values
            coefficients = coefficients * (1 + erf(coefficients / 2**0.5)) / 2
        values = value_vectors(model, branch)
        for index, block in enumerate(model.blocks):
            layer = block.mlp.contract if branch == "mlp" else block.attention.output_projection
            expected = coefficients[index] @ values[index] + ops.convert_to_numpy(layer.bias)
            np.testing.assert_allclose(output[index], expected, atol=1e-4)


def test_most_active_by_hand():
    found = most_active([[0.0, 3.0, -9.0, 2.0], [1.0, 0.0, -1.0, -2.0]], 2)
    np.testing.assert_array_equal(np.sort(found, axis=-1), [[1, 3], [0, 1]])


@pytest.mark.parametrize("branch", ["mlp", "attention"])
@pytest.mark.parametrize("top_k", ["memories", "classes"])
def test_batch_by_batch_is_all_at_once(model, branch, top_k):
    found = memory_use(model, IMAGES, LABELS, branch, k=3, top_k=top_k, batch_size=3)
    run = activations(model, IMAGES, keep="all")
    coefficients = memory_coefficients(run, branch)
    class_values = values_in_class_space(value_vectors(model, branch), class_prototypes(model))
    active = np.argsort(-coefficients, axis=-1)[..., :3]
    np.testing.assert_array_equal(
        found.agreement, key_value_agreement(active, class_values, LABELS, k=3, top_k=top_k)
    )
    np.testing.assert_array_equal(found.correct, run.logits.argmax(axis=-1) == LABELS)
    np.testing.assert_allclose(found.peaks, coefficients[:, :, 1:].max(axis=2), atol=1e-5)
    for layer, image, memory in np.ndindex(*found.peaks.shape):
        patch = found.peak_patches[layer, image, memory]
        assert coefficients[layer, image, 1 + patch, memory] == pytest.approx(
            found.peaks[layer, image, memory], abs=1e-5
        )


def test_what_a_layer_says_by_slow_loops(model):
    """The branch's class by final norm and head in float64; a memory's class by its value alone."""
    from keras import ops

    found = memory_use(model, IMAGES, LABELS, "mlp", k=2)
    run = activations(model, IMAGES, keep="all")
    weights = {name: ops.convert_to_numpy(getattr(model.norm, name)) for name in ("gamma", "beta")}
    kernel, bias = (ops.convert_to_numpy(part).astype("float64") for part in model.head.weights)
    says = (value_vectors(model) @ kernel).argmax(axis=-1)
    for layer, image, token in np.ndindex(*found.like_a_memory.shape):
        x = run.mlp_output[layer, image, token].astype("float64")
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-6) * weights["gamma"] + weights["beta"]
        layer_class = (x @ kernel + bias).argmax()
        active = np.argsort(-run.mlp_hidden[layer, image, token])[:2]
        assert found.like_a_memory[layer, image, token] == (layer_class in says[layer][active])


def test_mean_pooling_has_patches_alone():
    model = make_model(pooling="mean")
    found = memory_use(model, IMAGES, LABELS, k=3)
    assert found.agreement.shape == (3, 7, 4)
    hidden = activations(model, IMAGES, keep="all").mlp_hidden
    np.testing.assert_allclose(found.peaks, hidden.max(axis=2), atol=1e-5)


def test_random_models_are_at_chance():
    """Over several of them: one model's tokens are much alike, so that one alone may lie far off."""
    rates, labels = [], np.arange(20) % 10
    images = np.random.default_rng(3).random((20, 8, 8, 3), dtype="float32")
    for seed in range(4):
        model = make_model(num_classes=10, mlp_dim=48)
        rng = np.random.default_rng(seed)
        for variable in model.weights:
            variable.assign(0.5 * rng.standard_normal(variable.shape).astype("float32"))
        rates.append(memory_use(model, images, labels).agreement.mean())
    chance = agreement_chance(numbers(48, 10), labels)
    assert abs(np.mean(rates) - chance) < 0.08


def test_outcomes_by_hand():
    # Four images of two patches, a class token in front that does not count: shares 1, ½, 0, ½.
    agreement = np.array([[0, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 1]], bool)
    correct = np.array([True, True, False, False])
    found = compare_outcomes(agreement, correct, has_class_token=True)
    assert (found.correct, found.wrong, found.num_correct, found.num_wrong) == (0.75, 0.25, 2, 2)
    assert found.p_value == pytest.approx(mannwhitneyu([1, 0.5], [0, 0.5]).pvalue)
    first = compare_outcomes(agreement, correct, has_class_token=True, tokens="class_token")
    assert (first.correct, first.wrong) == (0.5, 1)
    whole = compare_outcomes(agreement, correct, has_class_token=False)
    assert (whole.correct, whole.wrong) == (pytest.approx(2 / 3), 0.5)


def test_outcomes_layer_by_layer_and_in_any_order():
    rng = np.random.default_rng(0)
    agreement, correct = rng.random((3, 60, 9)) < 0.4, rng.random(60) < 0.7
    agreement[2, correct, 1:] |= rng.random((correct.sum(), 8)) < 0.5
    found = compare_outcomes(agreement, correct, has_class_token=True)
    for layer in range(3):
        shares = agreement[layer, :, 1:].mean(axis=1)
        expected = mannwhitneyu(shares[correct], shares[~correct]).pvalue
        assert found.p_value[layer] == pytest.approx(expected)
    assert found.p_value[2] < 1e-4 < found.p_value[:2].min()
    order = np.r_[0, 1 + rng.permutation(8)]
    moved = compare_outcomes(agreement[:, :, order], correct, has_class_token=True)
    np.testing.assert_allclose(moved.p_value, found.p_value)


RIGHT = np.array([True, False])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: memory_use(make_model(num_classes=0), IMAGES, LABELS), "a model with a head"),
        (lambda: memory_use(make_model(), IMAGES, LABELS + 1), "from 0 to 3; received"),
        (lambda: memory_use(make_model(), IMAGES, LABELS[:3]), "one label for each of 7 images"),
        (lambda: memory_use(make_model(), IMAGES, LABELS, "head"), "A branch is"),
        (lambda: memory_use(make_model(), IMAGES[:, :4], LABELS), "expects images of shape"),
        (lambda: memory_coefficients(activations(make_model(), IMAGES, keep=())), "Ask for it"),
        (
            lambda: compare_outcomes(np.ones((2, 4)), RIGHT, has_class_token=False, tokens="class_token"),
            "Expected a model with a class token",
        ),
        (lambda: compare_outcomes(np.ones((2, 4)), RIGHT, has_class_token=True, tokens="all"), "tokens is"),
        (lambda: compare_outcomes(np.ones((2, 4)), RIGHT[:1], has_class_token=True), "for each image"),
        (
            lambda: compare_outcomes(np.ones((2, 4)), RIGHT | True, has_class_token=True),
            "2 right and 0",
        ),
        (
            lambda: compare_outcomes(np.ones((2, 4)), RIGHT & False, has_class_token=True),
            "0 right and 2",
        ),
    ],
)
def test_what_cannot_be_asked(call, message):
    with pytest.raises(ValueError, match=message):
        call()
