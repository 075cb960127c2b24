"""The residual stream by hand, by loops, and against the model's own parts."""

import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis.residual import (
    branch_norm_ratios,
    class_token_evolution,
    decision_block,
    logits_per_block,
    norm_ratios,
)
from helpers.model.activations import Activations, DropTokens, RemoveSkip, ReplaceBranch, activations
from helpers.model.vit import VisionTransformer, ViTConfig

KEEP = ("tokens", "attention_output", "mlp_output")
IMAGES = np.random.default_rng(0).random((3, 8, 8, 3), dtype="float32")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def make_model(**changes):
    config = dict(image_size=8, patch_size=4, hidden_dim=12, depth=3, num_heads=2, mlp_dim=16, num_classes=4)
    model = VisionTransformer(ViTConfig(**(config | changes)))
    return with_random_weights(model)


# norm_ratios


def test_the_ratio_by_hand():
    skip = [[3.0, 4.0], [0.0, 1.0], [6.0, 8.0]]
    branch = [[0.0, 2.5], [2.0, 0.0], [8.0, 6.0]]
    np.testing.assert_allclose(norm_ratios(skip, branch), [2, 0.5, 1])


def test_twice_the_skip_is_twice_the_ratio_and_twice_the_branch_half():
    skip, branch = numbers(4, 5), numbers(4, 5, seed=1)
    ratio = norm_ratios(skip, branch)
    np.testing.assert_allclose(norm_ratios(2 * skip, branch), 2 * ratio, rtol=1e-6)
    np.testing.assert_allclose(norm_ratios(skip, 2 * branch), ratio / 2, rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_a_branch_of_nothing():
    found = norm_ratios([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(found, [np.inf, 0, np.nan])


def test_leading_axes_are_kept_and_any_backend_is_taken():
    skip, branch = numbers(2, 3, 4, 5), numbers(2, 3, 4, 5, seed=1)
    found = norm_ratios(ops.convert_to_tensor(skip), ops.convert_to_tensor(branch))
    assert isinstance(found, np.ndarray) and found.shape == (2, 3, 4)
    for index in np.ndindex(2, 3, 4):
        lengths = [sum(float(v) ** 2 for v in array[index]) ** 0.5 for array in (skip, branch)]
        assert found[index] == pytest.approx(lengths[0] / lengths[1], rel=1e-5)


def test_another_shape_is_told():
    with pytest.raises(ValueError, match=r"of the same tokens.*received \(2, 3\) and \(2, 4\)"):
        norm_ratios(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"received \(3,\) and \(3,\)"):
        norm_ratios(np.ones(3), np.ones(3))


# branch_norm_ratios


def small_run(**changes):
    """One block, one image, one token of two features: 5 + (3, 4) long, then 10 + 2.5, all by hand."""
    fields = dict(
        logits=np.zeros((1, 2)),
        tokens=np.array([[3.0, 4.0], [6.0, 10.5]]).reshape(2, 1, 1, 2),
        attention_output=np.array([3.0, 4.0]).reshape(1, 1, 1, 2),
        mlp_output=np.array([0.0, 2.5]).reshape(1, 1, 1, 2),
    )
    return Activations(**(fields | changes))


def test_both_branches_by_hand():
    attention, mlp = branch_norm_ratios(small_run())
    np.testing.assert_allclose(attention, [[[1]]])  # 5 / 5
    np.testing.assert_allclose(mlp, [[[4]]])  # (6, 8) is 10 long; 10 / 2.5


def test_a_branch_taken_after_the_residual_add_is_told():
    after = np.array([6.0, 8.0]).reshape(1, 1, 1, 2)
    with pytest.raises(ValueError, match="block 0, from 0, does not"):
        branch_norm_ratios(small_run(attention_output=after))


def by_parts(model, images):
    """Walk through the model's layers, and measure each skip and branch on the way."""
    stream = model.embed(images)
    ratios = ([], [])
    for block in model.blocks:
        for branch, found in zip(
            (lambda z, b=block: b.attention(b.norm1(z)), lambda z, b=block: b.mlp(b.norm2(z))), ratios
        ):
            added = branch(stream)
            lengths = [np.linalg.norm(ops.convert_to_numpy(each), axis=-1) for each in (stream, added)]
            found.append(lengths[0] / lengths[1] * block.has_skip)
            stream = stream + added if block.has_skip else added
    return np.array(ratios[0]), np.array(ratios[1])


@pytest.mark.parametrize("without", [(), (1,), (0, 2), (0, 1, 2)])
def test_the_ratios_of_a_model(without):
    model = make_model(blocks_without_skip=without)
    run = activations(model, IMAGES, keep=KEEP)
    found = branch_norm_ratios(run, blocks_without_skip=model.config.blocks_without_skip)
    for ratios, expected in zip(found, by_parts(model, IMAGES)):
        assert ratios.shape == (3, 3, 5)
        np.testing.assert_allclose(ratios, expected, rtol=1e-4)
        assert (ratios[list(without)] == 0).all() and (np.delete(ratios, without, axis=0) > 0).all()


@pytest.mark.parametrize("changes", [dict(pooling="mean"), dict(layer_scale=0.3)])
def test_other_models_add_up_too(changes):
    attention, mlp = branch_norm_ratios(activations(make_model(**changes), IMAGES, keep=KEEP))
    assert np.isfinite(attention).all() and (mlp > 0).all()


def test_a_missing_skip_must_be_named():
    model = make_model(blocks_without_skip=(1,))
    run = activations(model, IMAGES, keep=KEEP)
    with pytest.raises(ValueError, match="block 1, from 0.*blocks_without_skip=model.config"):
        branch_norm_ratios(run)
    with pytest.raises(ValueError, match="block 0, from 0"):
        branch_norm_ratios(run, blocks_without_skip=(0, 1))


@pytest.mark.parametrize("branch", ["attention", "mlp"])
def test_a_removed_skip_is_told_and_other_interventions_are_not(branch):
    model = make_model()
    run = activations(model, IMAGES, keep=KEEP, interventions=[RemoveSkip(2, branch)])
    with pytest.raises(ValueError, match="block 2, from 0.*RemoveSkip"):
        branch_norm_ratios(run)
    others = [DropTokens([2]), ReplaceBranch(1, branch, 0.0)]
    ratios = branch_norm_ratios(activations(model, IMAGES, keep=KEEP, interventions=others))
    assert np.isinf(ratios[branch == "mlp"][1]).all() and ratios[0].shape == (3, 3, 4)


def test_a_run_that_kept_too_little_is_told():
    with pytest.raises(ValueError, match="a run with its mlp_output.*keep="):
        branch_norm_ratios(activations(make_model(), IMAGES, keep=KEEP[:2]))


# class_token_evolution


def test_a_token_that_turns_by_hand():
    """At 0, 60 and 180 degrees from where it began, whatever its length."""
    angles, lengths = np.radians([0, 60, 180]), np.array([1, 5, 0.2])
    turning = (lengths * [np.cos(angles), np.sin(angles)]).T[:, None, None]  # (3, 1, 1, 2)
    np.testing.assert_allclose(
        class_token_evolution(turning), [[1, 0.5, -1], [0.5, 1, -0.5], [-1, -0.5, 1]], atol=1e-12
    )


def test_every_token_as_a_loop():
    tokens = numbers(4, 3, 5, 6).astype("float64")
    found = class_token_evolution(tokens, token=None)
    assert found.shape == (5, 4, 4)
    for token, i, j in np.ndindex(found.shape):
        cosines = [a @ b / np.sqrt(a @ a * (b @ b)) for a, b in zip(tokens[i, :, token], tokens[j, :, token])]
        assert found[token, i, j] == pytest.approx(np.mean(cosines))
    np.testing.assert_allclose(class_token_evolution(tokens), found[0])
    np.testing.assert_allclose(class_token_evolution(tokens, token=3), found[3])


@pytest.mark.filterwarnings("error")
def test_a_token_of_0_has_no_direction():
    tokens = numbers(2, 3, 2, 4)
    tokens[0, :, 0] = 0
    found = class_token_evolution(tokens)
    assert np.isnan(found[0]).all() and found[1, 1] == pytest.approx(1)


def test_what_is_no_stream_is_told():
    with pytest.raises(ValueError, match=r"received \(3, 5, 6\)"):
        class_token_evolution(np.ones((3, 5, 6)))
    with pytest.raises(ValueError, match="received None"):
        class_token_evolution(None)
    with pytest.raises(ValueError, match="a token from 0 to 4, or None; received 5"):
        class_token_evolution(np.ones((2, 3, 5, 6)), token=5)


# logits_per_block and decision_block


@pytest.mark.parametrize("changes", [{}, dict(pooling="mean"), dict(blocks_without_skip=(0,))])
def test_the_logits_of_every_block(changes):
    """By hand: normalise, scale, shift, pool, project; the last are the model's own."""
    model = make_model(**changes)
    run = activations(model, IMAGES)
    found = logits_per_block(model, run.tokens)
    assert found.shape == (4, 3, 4)
    np.testing.assert_allclose(found[-1], run.logits, atol=1e-4)
    mean, variance = run.tokens.mean(axis=-1, keepdims=True), run.tokens.var(axis=-1, keepdims=True)
    gamma, beta, kernel, bias = (ops.convert_to_numpy(w) for w in model.norm.weights + model.head.weights)
    normalised = (run.tokens - mean) / np.sqrt(variance + 1e-6) * gamma + beta
    pooled = normalised.mean(axis=2) if changes.get("pooling") == "mean" else normalised[:, :, 0]
    np.testing.assert_allclose(found, pooled @ kernel + bias, atol=1e-4)


def test_tokens_of_another_model_are_told():
    with pytest.raises(ValueError, match="12 features wide; received 8"):
        logits_per_block(make_model(), np.ones((2, 3, 5, 8)))
    with pytest.raises(ValueError, match=r"received \(3, 5, 12\)"):
        logits_per_block(make_model(), np.ones((3, 5, 12)))


def test_decisions_by_hand():
    predicted = [  # one column an image
        [1, 2, 0, 1, 1],
        [1, 0, 0, 1, 2],
        [1, 1, 0, 0, 1],
        [1, 2, 0, 1, 0],
        [1, 3, 2, 1, 1],
    ]
    logits = np.eye(4)[np.array(predicted)]
    np.testing.assert_array_equal(decision_block(logits), [0, 4, 4, 3, 4])
    np.testing.assert_array_equal(decision_block(logits[:4]), [0, 3, 0, 3, 3])
    np.testing.assert_array_equal(decision_block(logits[:1]), 0)


def test_the_decision_of_a_model_as_a_loop():
    model = make_model()
    images = np.random.default_rng(2).random((40, 8, 8, 3), dtype="float32")
    logits = logits_per_block(model, activations(model, images).tokens)
    found = decision_block(logits)
    for image in range(40):
        classes = logits[:, image].argmax(axis=-1).tolist()
        assert found[image] == next(b for b in range(4) if set(classes[b:]) == {classes[-1]})
    assert len(set(found.tolist())) > 1


@pytest.mark.parametrize("logits", [np.ones((3, 4)), np.ones((0, 2, 3)), np.full((2, 2, 3), np.nan)])
def test_what_are_no_logits_is_told(logits):
    with pytest.raises(ValueError, match=r"finite logits \(layers, batch, num_classes\)"):
        decision_block(logits)


def test_a_model_of_another_kind_is_told():
    from helpers.model.resnet import ResNet, ResNetConfig

    with pytest.raises(ValueError, match="Expected a VisionTransformer of the course; received a ResNet"):
        logits_per_block(ResNet(ResNetConfig(depth=8, width=4)), np.ones((2, 3, 5, 8)))
