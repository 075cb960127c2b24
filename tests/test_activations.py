"""Inside the network: the same logits, the parts that sum up, and interventions that do what they say."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.model.activations import (
    CutAttention,
    DropTokens,
    KeepTokens,
    RemoveSkip,
    ReplaceBranch,
    activation_batches,
    activations,
)
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

CONFIG = ViTConfig(
    image_size=16,
    patch_size=4,
    hidden_dim=24,
    depth=3,
    num_heads=3,
    mlp_dim=40,
    num_classes=7,
    layer_scale=0.5,
)
IMAGES = np.random.default_rng(0).random((3, 16, 16, 3), dtype="float32")


@pytest.fixture(scope="module")
def model():
    model = VisionTransformer(CONFIG)
    return with_random_weights(model, scale=0.3)


@pytest.fixture(scope="module")
def run(model):
    return activations(model, IMAGES, keep="all")


def test_logits_are_the_models(model, run):
    np.testing.assert_allclose(run.logits, ops.convert_to_numpy(model(IMAGES)), atol=1e-5)


def test_shapes(run):
    assert run.tokens.shape == (4, 3, 17, 24)
    assert run.attention_weights.shape == (3, 3, 3, 17, 17)
    assert run.attention_output.shape == run.mlp_output.shape == (3, 3, 17, 24)
    assert run.values.shape == (3, 3, 3, 17, 8)
    assert run.mlp_hidden.shape == (3, 3, 17, 40)


def test_the_stream_is_the_sum_of_its_branches(run):
    total = run.tokens[0] + run.attention_output.sum(axis=0) + run.mlp_output.sum(axis=0)
    np.testing.assert_allclose(run.tokens[-1], total, atol=1e-4)


def test_rows_of_attention_sum_to_one(run):
    np.testing.assert_allclose(run.attention_weights.sum(axis=-1), 1, atol=1e-5)


def test_only_what_was_asked_for_is_kept(model):
    run = activations(model, IMAGES, keep=["values"])
    assert run.tokens is None and run.attention_weights is None and run.values is not None


def test_batches_are_the_whole(model, run):
    parts = list(activation_batches(model, IMAGES, batch_size=2, keep=["tokens"]))
    assert [part.tokens.shape[1] for part in parts] == [2, 1]
    np.testing.assert_allclose(np.concatenate([p.tokens for p in parts], axis=1), run.tokens, atol=1e-4)


@pytest.mark.parametrize(
    "intervention",
    [
        CutAttention(np.zeros((17, 17), bool)),
        CutAttention(np.zeros((17, 17), bool), renormalise=True),
        DropTokens(()),
        ReplaceBranch(1, "mlp", lambda output: output),
    ],
)
def test_an_intervention_that_changes_nothing_changes_nothing(model, run, intervention):
    changed = activations(model, IMAGES, interventions=[intervention])
    np.testing.assert_allclose(changed.logits, run.logits, atol=1e-4)


def test_cut_attention(model, run):
    edges = np.zeros((17, 17), bool)
    edges[1:, 0] = True  # no patch looks at the class token
    changed = activations(model, IMAGES, interventions=[CutAttention(edges, blocks=(0,))])
    assert (changed.attention_weights[0][..., 1:, 0] == 0).all()
    np.testing.assert_allclose(
        changed.attention_weights[0][..., 0, :], run.attention_weights[0][..., 0, :], atol=1e-6
    )
    assert changed.attention_weights[1][..., 1:, 0].max() > 0
    left = 1 - run.attention_weights[0][..., 1:, 0]
    np.testing.assert_allclose(changed.attention_weights[0][..., 1:, :].sum(-1), left, atol=1e-5)
    again = activations(model, IMAGES, interventions=[CutAttention(edges, renormalise=True)])
    np.testing.assert_allclose(again.attention_weights.sum(-1), 1, atol=1e-5)


def test_a_token_that_may_look_at_nothing_reads_nothing(model):
    everything = CutAttention(np.ones((17, 17), bool), renormalise=True)
    run = activations(model, IMAGES, keep="all", interventions=[everything])
    assert np.isfinite(run.logits).all() and (run.attention_weights == 0).all()


def test_dropping_tokens_is_cutting_them_off(model):
    dropped = [2, 5, 16]
    edges = np.zeros((17, 17), bool)
    edges[:, dropped] = True
    without = activations(model, IMAGES, interventions=[DropTokens(dropped)])
    cut = activations(model, IMAGES, interventions=[CutAttention(edges, renormalise=True)])
    assert without.tokens.shape[2] == 14
    np.testing.assert_allclose(without.logits, cut.logits, atol=1e-4)


KEPT = np.array([[0, 3, 5, 9, 16], [7, 0, 1, 2, 15], [0, 16, 4, 12, 8]])


def test_keeping_tokens_is_dropping_the_others_image_by_image(model):
    kept = activations(model, IMAGES, keep="all", interventions=[KeepTokens(KEPT)])
    assert kept.tokens.shape == (4, 3, 5, 24)
    for image, row in enumerate(KEPT):
        others = [DropTokens(sorted(set(range(17)) - set(row.tolist())))]
        dropped = activations(model, IMAGES[[image]], keep="all", interventions=others)
        for name, values in vars(dropped).items():
            found = getattr(kept, name)[[image]] if name == "logits" else getattr(kept, name)[:, [image]]
            np.testing.assert_allclose(found, values, atol=1e-5 * max(1, np.abs(values).max()), err_msg=name)


@pytest.mark.parametrize("tokens", [[2, 0, 9], np.array([[9, 2, 0]])])
def test_the_same_tokens_may_be_kept_in_all_images(model, tokens):
    expected = activations(model, IMAGES, interventions=[DropTokens(set(range(17)) - {0, 2, 9})]).logits
    found = activations(model, IMAGES, interventions=[KeepTokens(tokens)]).logits
    np.testing.assert_allclose(found, expected, atol=1e-5)
    many = activations(model, MANY[:35], keep=(), interventions=[KeepTokens(tokens)]).logits
    few = activations(model, MANY[:3], keep=(), interventions=[KeepTokens(tokens)]).logits
    np.testing.assert_allclose(many[:3], few, atol=1e-5 * np.abs(few).max())


def test_without_a_class_token_any_tokens_may_be_kept():
    small = VisionTransformer(dataclasses.replace(CONFIG, pooling="mean"))
    kept = activations(small, IMAGES, interventions=[KeepTokens(KEPT[:, 1:3] % 16)]).logits
    dropped = [DropTokens(set(range(16)) - set((row[1:3] % 16).tolist())) for row in KEPT]
    for image, others in enumerate(dropped):
        expected = activations(small, IMAGES[[image]], interventions=[others]).logits
        np.testing.assert_allclose(kept[[image]], expected, atol=1e-5)


def test_removing_a_skip_leaves_the_branch(model):
    run = activations(model, IMAGES, keep="all", interventions=[RemoveSkip(1, "mlp")])
    np.testing.assert_allclose(run.tokens[2], run.mlp_output[1], atol=1e-6)


def test_a_network_built_without_a_skip_is_one_whose_skip_was_removed(model):
    built = VisionTransformer(dataclasses.replace(CONFIG, blocks_without_skip=(1,)))
    for variable, value in zip(built.weights, model.weights, strict=True):
        variable.assign(value)
    removed = [RemoveSkip(1, "attention"), RemoveSkip(1, "mlp")]
    expected = activations(model, IMAGES, keep="all", interventions=removed)
    assert np.abs(expected.logits - activations(model, IMAGES).logits).max() > 0.1
    np.testing.assert_allclose(ops.convert_to_numpy(built(IMAGES)), expected.logits, atol=1e-5)
    np.testing.assert_allclose(activations(built, IMAGES, keep="all").tokens, expected.tokens, atol=1e-4)


def test_replacing_a_branch_by_nothing_leaves_the_skip(model):
    nothing = [ReplaceBranch(1, "mlp"), ReplaceBranch(1, "attention", np.zeros(24))]
    run = activations(model, IMAGES, keep="all", interventions=nothing)
    np.testing.assert_allclose(run.tokens[2], run.tokens[1], atol=1e-6)


@pytest.mark.parametrize(
    "arguments, told",
    [
        (dict(keep=["weights"]), "attention_weights"),
        (dict(interventions=["cut"]), "CutAttention"),
        (dict(interventions=[RemoveSkip(3)]), "blocks 0 to 2"),
        (dict(interventions=[RemoveSkip(0, "norm")]), "branch"),
        (dict(interventions=[DropTokens([0])]), "class token"),
        (dict(interventions=[DropTokens([17])]), "0 to 16"),
        (dict(interventions=[KeepTokens([1, 2])]), "must keep token 0"),
        (dict(interventions=[KeepTokens([[0, 1], [0, 2], [3, 4]])]), "must keep token 0, the class token"),
        (dict(interventions=[KeepTokens([0, 17])]), "0 to 16; received 0 to 17"),
        (dict(interventions=[KeepTokens([-1, 0])]), "received -1 to 0"),
        (dict(interventions=[KeepTokens([0, 3, 3])]), "once"),
        (dict(interventions=[KeepTokens([])]), r"received float64 \(0,\)"),
        (dict(interventions=[KeepTokens(np.zeros((3, 2)))]), "whole numbers"),
        (dict(interventions=[KeepTokens(np.zeros((2, 2, 2), int))]), r"\(2, 2, 2\)"),
        (dict(interventions=[KeepTokens([[0, 1], [0, 2]])]), "for each of 3 images; received 2"),
        (
            dict(interventions=[KeepTokens([0, 3]), DropTokens([3])]),
            "at most one of DropTokens and KeepTokens",
        ),
        (dict(interventions=[DropTokens([2]), DropTokens([3])]), "received DropTokens, DropTokens"),
        (dict(interventions=[CutAttention(np.zeros((17, 17)))]), "boolean"),
        (dict(interventions=[CutAttention(np.zeros((16, 16), bool))]), r"\(17, 17\)"),
    ],
)
def test_bad_requests_are_told(model, arguments, told):
    with pytest.raises(ValueError, match=told):
        activations(model, IMAGES, **arguments)


@pytest.mark.parametrize(
    "make", [lambda: ResNet(ResNetConfig(depth=8, width=4)), lambda: object(), lambda: None]
)
def test_what_is_no_vision_transformer_is_told(make):
    theirs = make()
    told = f"Expected a VisionTransformer of the course; received a {type(theirs).__name__}"
    with pytest.raises(ValueError, match=told):
        activations(theirs, IMAGES)
    with pytest.raises(ValueError, match=told):
        next(activation_batches(theirs, IMAGES))


def test_a_model_whose_class_only_has_the_name_is_told_what_to_do():
    model = type("VisionTransformer", (), {"__module__": "somewhere_else"})()
    with pytest.raises(ValueError, match="VisionTransformer of somewhere_else. If .* restart the kernel"):
        activations(model, IMAGES)


MANY = np.random.default_rng(3).random((40, 16, 16, 3), dtype="float32")
SOME_EDGES = np.random.default_rng(4).random((17, 17)) < 0.3
EDGES_OF_HEADS = np.random.default_rng(5).random((1, 3, 15, 15)) < 0.3
BRANCH = np.random.default_rng(6).standard_normal((17, 24))
PLANS = {
    "nothing": [],
    "cut": [CutAttention(SOME_EDGES, blocks=(0, 2))],
    "cut, renormalised": [CutAttention(SOME_EDGES, renormalise=True), CutAttention(~SOME_EDGES, blocks=(1,))],
    "drop": [DropTokens([3, 16])],
    "drop and cut": [DropTokens([3, 16]), CutAttention(EDGES_OF_HEADS)],
    "drop twice the same": [DropTokens([3, 3])],
    "skips": [RemoveSkip(0, "mlp"), RemoveSkip(2, "attention")],
    "a number": [ReplaceBranch(1, "mlp", 0.5)],
    "an array": [ReplaceBranch(1, "mlp"), ReplaceBranch(0, "attention", BRANCH), RemoveSkip(1)],
    "a function": [ReplaceBranch(1, "mlp", lambda output: 2 * output)],
}


def whole(parts):
    """Put Activations of batches together: logits and each field along their axis of images."""
    fields = {name: [getattr(part, name) for part in parts] for name in vars(parts[0])}
    return {name: np.concatenate(found, axis=int(name != "logits")) for name, found in fields.items()}


@pytest.mark.parametrize("plan", PLANS)
def test_many_images_give_what_a_few_at_a_time_give(model, plan):
    """Forty images run compiled, but for a learner's own function; twenty at a time do not."""
    few = [activations(model, part, keep="all", interventions=PLANS[plan]) for part in np.split(MANY, 2)]
    many = activations(model, MANY, keep="all", interventions=PLANS[plan])
    batches = list(activation_batches(model, MANY, 16, keep="all", interventions=PLANS[plan]))
    assert [len(part.logits) for part in batches] == [16, 16, 8]
    expected = whole(few)
    for found in (whole([many]), whole(batches)):
        for name, values in expected.items():
            limit = 1e-5 * max(1, np.abs(values).max())
            np.testing.assert_allclose(found[name], values, atol=limit, rtol=0, err_msg=name)


def test_what_differs_by_image_is_cut_into_batches_with_the_images(model):
    """Compiled and not, in batches that do not divide the images."""
    rng = np.random.default_rng(7)
    kept = np.array([[0, *rng.permutation(16)[:6] + 1] for _ in MANY])
    edges, values = rng.random((40, 1, 7, 7)) < 0.3, rng.standard_normal((40, 7, 24))
    interventions = [KeepTokens(kept), CutAttention(edges, renormalise=True), ReplaceBranch(2, "mlp", values)]
    whole = activations(model, MANY, keep=(), interventions=interventions).logits
    for image in (0, 17, 39):
        one = [KeepTokens(kept[image]), CutAttention(edges[image], renormalise=True)]
        one.append(ReplaceBranch(2, "mlp", values[image]))
        alone = activations(model, MANY[[image]], keep=(), interventions=one).logits
        np.testing.assert_allclose(whole[[image]], alone, atol=1e-4)
    for images, size in ((MANY, 16), (MANY[:20], 8)):
        few = [KeepTokens(kept[: len(images)]), CutAttention(edges[: len(images)], renormalise=True)]
        few.append(ReplaceBranch(2, "mlp", values[: len(images)]))
        parts = activation_batches(model, images, size, keep=(), interventions=few)
        found = np.concatenate([part.logits for part in parts])
        np.testing.assert_allclose(found, whole[: len(images)], atol=1e-4)
    with pytest.raises(ValueError, match="an entry for each of 39 images; received 40"):
        activations(model, MANY[:39], interventions=[KeepTokens(kept)])


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch compiles nothing")
def test_all_skips_are_removed_by_one_compiled_walk(monkeypatch):
    small, walks = VisionTransformer(CONFIG), []
    inner = small.embed
    monkeypatch.setattr(small, "embed", lambda images: walks.append(1) or inner(images))
    for block in range(3):
        for branch in ("attention", "mlp"):
            changed = activations(small, MANY, keep=(), interventions=[RemoveSkip(block, branch)])
            assert np.isfinite(changed.logits).all()
    for dropped in ([1, 2], [5, 9], [16, 7]):
        activations(small, MANY, keep=(), interventions=[DropTokens(dropped)])
    assert len(walks) == 2


def test_changed_weights_are_seen_by_many_images():
    small = VisionTransformer(CONFIG)
    before = activations(small, MANY).logits
    small.head.bias.assign(small.head.bias + 1.0)
    np.testing.assert_allclose(activations(small, MANY).logits, before + 1, atol=1e-5)


def test_no_images_give_no_batches(model):
    assert list(activation_batches(model, MANY[:0])) == []
    with pytest.raises(ValueError, match="at least one image"):
        activations(model, MANY[:0])


def test_bytes_are_for_batches_alone(model):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype="uint8")
    expected = activations(model, pixels.astype("float32") / 255).logits
    found = np.concatenate([run.logits for run in activation_batches(model, pixels, 32)])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(ValueError, match="float images"):
        activations(model, pixels)
