"""The logits as a sum of parts: exactly the logits, part by part as slow sums, and what is refused."""

import dataclasses

import numpy as np
import pytest
from keras import ops
from test_class_space import IMAGES, make_model

from helpers.analysis.direct_effects import KEEP, DirectEffects, direct_effects, mean_ablation, token_map
from helpers.model.activations import (
    CutAttention,
    DropTokens,
    ReplaceBranch,
    activation_batches,
    activations,
)

LABELS = np.array([0, 1, 2, 3, 0, 1])


def effects_of(model, images=IMAGES, **options):
    run = activations(model, images, keep=KEEP, **options)
    return direct_effects(model, run), run


@pytest.mark.parametrize("changes", [{}, dict(layer_scale=0.3), dict(num_heads=3, depth=1)])
def test_the_sum_is_the_logits(changes):
    effects, run = effects_of(make_model(**changes))
    np.testing.assert_allclose(effects.logits, run.logits, atol=1e-4)


def test_the_sum_is_the_logits_of_what_was_cut_or_dropped_too():
    for change in (CutAttention(np.eye(5) < 1, blocks=(1,)), DropTokens([2, 3])):
        effects, run = effects_of(make_model(), interventions=[change])
        np.testing.assert_allclose(effects.logits, run.logits, atol=1e-4)


def test_the_sum_is_the_logits_of_a_shipped_network():
    from helpers.data import make_shapes
    from helpers.model.checkpoints import load_checkpoint

    images = make_shapes(10, seed=3, test_fraction=0.8).x_test.astype("float32") / 255
    model = load_checkpoint("shapes/4")
    effects, run = effects_of(model, images)
    np.testing.assert_allclose(effects.logits, run.logits, atol=1e-4)
    np.testing.assert_allclose(effects.logits, ops.convert_to_numpy(model(images)), atol=1e-4)


def test_each_part_as_a_slow_sum():
    """Every part is a vector of the stream, made here token by token, centred, divided, scaled, projected."""
    model = make_model(layer_scale=0.3)
    effects, run = effects_of(model)
    gamma, beta, kernel, bias = (
        ops.convert_to_numpy(w).astype("float64") for w in model.norm.weights + model.head.weights
    )
    np.testing.assert_allclose(effects.constant, beta @ kernel + bias, atol=1e-5)
    deviation = np.sqrt(run.tokens[-1, :, 0].astype("float64").var(axis=-1) + 1e-6)

    def says(part, image):
        return (part - part.mean()) / deviation[image] * gamma @ kernel

    for image in range(6):
        expected = says(run.tokens[0, image, 0], image)
        np.testing.assert_allclose(effects.embedding[image], expected, atol=1e-5)
        for index, block in enumerate(model.blocks):
            scale = ops.convert_to_numpy(block.scale1.scale)
            out, offset = (ops.convert_to_numpy(w) for w in block.attention.output_projection.weights)
            expected = says(offset * scale, image)
            np.testing.assert_allclose(effects.attention_bias[index, image], expected, atol=1e-5)
            expected = says(run.mlp_output[index, image, 0], image)
            np.testing.assert_allclose(effects.mlp[index, image], expected, atol=1e-5)
            for head, token in np.ndindex(2, 5):
                weight = run.attention_weights[index, image, head, 0, token]
                taken = weight * run.values[index, image, head, token] @ out[6 * head : 6 * head + 6]
                expected = says(taken * scale, image)
                np.testing.assert_allclose(effects.heads[index, image, head, token], expected, atol=1e-5)


def test_attention_is_its_heads_tokens_and_bias():
    effects, run = effects_of(make_model())
    assert effects.heads.shape == (3, 6, 2, 5, 4)
    total = sum(effects.heads[:, :, h, t] for h in range(2) for t in range(5)) + effects.attention_bias
    np.testing.assert_allclose(effects.attention, total, atol=1e-5)


def test_batches_are_the_whole():
    model = make_model()
    whole, _ = effects_of(model)
    batches = direct_effects(model, activation_batches(model, IMAGES, 4, keep=KEEP))
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(batches, name), values, atol=1e-4)


def test_the_order_of_patches_does_not_matter():
    effects, run = effects_of(make_model())
    order = [0, 3, 1, 4, 2]
    again = dataclasses.replace(
        run,
        tokens=run.tokens[:, :, order],
        values=run.values[:, :, :, order],
        mlp_output=run.mlp_output[:, :, order],
        attention_weights=run.attention_weights[:, :, :, order][..., order],
    )
    np.testing.assert_allclose(
        direct_effects(make_model(), again).heads, effects.heads[:, :, :, order], atol=1e-6
    )


def by_hand():
    """Two images, two blocks, one head, two tokens, three classes."""
    heads = np.zeros((2, 2, 1, 2, 3), "float32")
    heads[0, 0, 0, 1, 0], heads[0, 1, 0, 1, 1] = 4, 2  # the first attention tells the images apart
    mlp = np.zeros((2, 2, 3), "float32")
    mlp[1, 0, 0], mlp[1, 1, 0] = 1, 2.5
    nothing = np.zeros((2, 2, 3), "float32")
    return DirectEffects(np.zeros(3), np.array([[0, 0, 0], [0, 1.0, 0]]), heads, nothing, mlp)


def test_mean_ablation_by_hand():
    """Logits 5 0 0 and 2.5 3 0. With the first attention's mean, 2 1 0: 3 1 0 and 4.5 2 0, one wrong.

    The second MLP's mean is 1.75 0 0: with both 3.75 1 0 and 3.75 2 0; with it alone 5.75 0 0 and 1.75 3 0.
    """
    np.testing.assert_allclose(by_hand().logits, [[5, 0, 0], [2.5, 3, 0]])
    np.testing.assert_allclose(mean_ablation(by_hand(), [0, 1]), [1, 0.5, 0.5])
    np.testing.assert_allclose(mean_ablation(by_hand(), [0, 1], branch="attention"), [1, 0.5, 0.5])
    np.testing.assert_allclose(mean_ablation(by_hand(), [0, 1], branch="mlp"), [1, 1, 1])


@pytest.mark.parametrize("branch", ["both", "attention", "mlp"])
def test_mean_ablation_as_a_loop(branch):
    model = make_model()
    images = np.random.default_rng(7).random((40, 8, 8, 3), dtype="float32")
    effects, run = effects_of(model, images)
    labels = run.logits.argmax(axis=-1)
    expected = []
    for count in range(4):
        logits = effects.constant + effects.embedding
        for index, parts in enumerate(zip(effects.attention, effects.mlp)):
            for name, part in zip(("attention", "mlp"), parts):
                replaced = index < count and branch in (name, "both")
                logits = logits + (part.mean(axis=0) if replaced else part)
        expected.append(np.mean(logits.argmax(axis=-1) == labels))
    found = mean_ablation(effects, labels, branch=branch)
    np.testing.assert_allclose(found, expected)
    assert found[0] == 1
    if branch == "both":  # all that is left is the embedding, the same but for the norm: one class for all
        assert found[-1] < 1


def test_token_maps_by_hand_and_all_of_them_are_the_attention():
    np.testing.assert_array_equal(token_map(by_hand(), 0), [[0, 4], [0, 0]])
    np.testing.assert_array_equal(token_map(by_hand(), [0, 1]), [[0, 4], [0, 2]])
    np.testing.assert_array_equal(token_map(by_hand(), [0, 1], blocks=1), 0)
    effects, run = effects_of(make_model())
    for label in range(4):
        total = token_map(effects, label).sum(axis=-1) + effects.attention_bias.sum(axis=0)[:, label]
        np.testing.assert_allclose(total, effects.attention.sum(axis=0)[:, label], atol=1e-4)
    halves = token_map(effects, LABELS, blocks=(0, 2)) + token_map(effects, LABELS, blocks=[1])
    np.testing.assert_allclose(halves, token_map(effects, LABELS), atol=1e-5)


def test_models_and_runs_that_have_no_such_sum():
    run = activations(make_model(), IMAGES, keep=KEEP)
    with pytest.raises(ValueError, match="a class token, whose stream is the sum.*mean of the patches"):
        direct_effects(make_model(pooling="mean"), run)
    with pytest.raises(ValueError, match=r"in every block.*without in blocks \[1\]"):
        direct_effects(make_model(blocks_without_skip=(1,)), run)
    with pytest.raises(ValueError, match="a model with a head"):
        direct_effects(make_model(num_classes=0), run)
    with pytest.raises(ValueError, match="a run with its mlp_output.*keep="):
        direct_effects(make_model(), activations(make_model(), IMAGES, keep=KEEP[:3]))
    with pytest.raises(ValueError, match="add up to its logits.*off by up to"):
        direct_effects(make_model(seed=2), run)
    with pytest.raises(ValueError, match="one run at least"):
        direct_effects(make_model(), [])


def test_a_branch_that_was_replaced_counts_as_what_it_was_replaced_by_or_is_told():
    change = [ReplaceBranch(1, "mlp", 0.0)]
    effects, run = effects_of(make_model(), interventions=change)
    np.testing.assert_allclose(effects.logits, run.logits, atol=1e-4)
    with pytest.raises(ValueError, match="off by up to"):
        effects_of(make_model(), interventions=[ReplaceBranch(1, "attention", 0.0)])


def test_numbers_that_cannot_be():
    effects = by_hand()
    with pytest.raises(ValueError, match="a branch of both, attention, mlp; received 'heads'"):
        mean_ablation(effects, [0, 1], branch="heads")
    with pytest.raises(ValueError, match="received 2 of class 1. Take a mixed batch"):
        mean_ablation(effects, [1, 1])
    with pytest.raises(ValueError, match="from 0 to 2; received 0 to 3"):
        mean_ablation(effects, [0, 3])
    with pytest.raises(ValueError, match="from 0 to 2; received 3 to 3"):
        token_map(effects, 3)
    with pytest.raises(ValueError, match="blocks from 0 to 1; received 2"):
        token_map(effects, 0, blocks=2)
