"""Who builds the class: by hand with three classes, by slow loops over a model's own layers, and refusals."""

import numpy as np
import pytest
from keras import ops
from test_class_space import IMAGES, make_model

from helpers.analysis.class_building import (
    BranchLogits,
    class_similarity_change_rate,
    project_branches,
    residual_composition,
)
from helpers.analysis.class_space import project_to_classes
from helpers.model.activations import RemoveSkip, activation_batches, activations

KEEP = ("tokens", "attention_output", "mlp_output")
LABELS = np.array([0, 1, 2, 3, 0, 1])


def by_hand():
    """One block, two images, of classes 0 and 1, and one token; three classes."""
    given = dict(
        block_input=[[1, 0, 0], [0, 4, 1]],
        attention=[[2, 3, 0], [9, 3, 0]],
        mlp_input=[[3, 4, 5], [0, 1, 0]],
        mlp=[[2, 0, 6], [0, 2, 7]],
        block_output=[[4, 0, 8], [0, 4, 3]],
    )
    return BranchLogits(**{name: np.array(rows, float).reshape(1, 2, 1, 3) for name, rows in given.items()})


def shares(parts):
    return {name: share.item() for name, share in residual_composition(parts).items()}


def test_change_rates_by_hand():
    """True logits: before 1 and 4, attention 2 and 3, between 3 and 1, MLP 2 and 2, after 4 and 4."""
    found = {
        "attention": class_similarity_change_rate(by_hand(), [0, 1], "attention"),  # 1 → 2, 4 → 3
        "mlp": class_similarity_change_rate(by_hand(), [0, 1], "mlp"),  # 3 → 2, 1 → 2
        "mlp of the code": class_similarity_change_rate(by_hand(), [0, 1], "mlp", mlp_input="block"),
        "block": class_similarity_change_rate(by_hand(), [0, 1], "block"),  # 1 → 4; 4 → 4 is no rise
    }
    assert {name: rate.tolist() for name, rate in found.items()} == {
        "attention": [[0.5]],
        "mlp": [[0.5]],
        "mlp of the code": [[0.5]],  # 1 → 2, 4 → 2
        "block": [[0.5]],
    }


def test_the_two_inputs_of_the_mlp_differ_where_they_should():
    parts = by_hand()
    parts.mlp_input[..., :] = 0  # every true logit rises from 0
    assert class_similarity_change_rate(parts, [0, 1], "mlp") == 1
    assert class_similarity_change_rate(parts, [0, 1], "mlp", mlp_input="block") == 0.5


def test_composition_by_hand():
    """Highest classes: before 0 1, attention 1 0, MLP 2 2, after 2 1."""
    assert shares(by_hand()) == dict(attention=0, mlp=0.5, input=0.5, none=0)
    parts = by_hand()
    parts.block_output[:] = [[[[0.0, 9, 0]], [[0, 0, 9]]]]  # 1 2: as attention says, and as the MLP says
    assert shares(parts) == dict(attention=0.5, mlp=0.5, input=0, none=0)
    parts.block_output[:] = [[[[9.0, 0, 0]], [[9, 0, 0]]]]  # 0 0: the input's, and the attention's
    assert shares(parts) == dict(attention=0.5, mlp=0, input=0.5, none=0)
    parts.attention[:] = [[[[0.0, 9, 0]], [[0, 9, 0]]]]  # no longer the attention's
    assert shares(parts) == dict(attention=0, mlp=0, input=0.5, none=0.5)


def test_whom_the_stream_agrees_with_may_be_several():
    parts = by_hand()
    for name in ("block_input", "attention", "mlp", "block_output"):
        getattr(parts, name)[:] = [1.0, 0, 0]
    assert shares(parts) == dict(attention=1, mlp=1, input=1, none=0)


@pytest.mark.parametrize("changes", [{}, dict(pooling="mean"), dict(layer_scale=0.3)])
def test_the_parts_of_a_model_as_a_walk_through_its_layers(changes):
    model = make_model(**changes)
    found = project_branches(model, activations(model, IMAGES, keep=KEEP))
    num_tokens = model.config.num_tokens
    assert found.stream.shape == (4, 6, num_tokens, 4) and found.mlp.shape == (3, 6, num_tokens, 4)
    stream, rises, follows = model.embed(IMAGES), [], []

    def read(tokens):
        return project_to_classes(model, ops.convert_to_numpy(tokens))

    for block in model.blocks:
        attention = block.finish(block.attention(block.norm1(stream)), block.scale1)
        between = stream + attention
        mlp = block.finish(block.mlp(block.norm2(between)), block.scale2)
        parts = [read(each) for each in (stream, attention, between, mlp, between + mlp)]
        own = [np.stack([part[i, :, label] for i, label in enumerate(LABELS)]) for part in parts]
        pairs = [(own[0], own[1]), (own[2], own[3]), (own[0], own[3]), (own[0], own[4])]
        rises.append([(after > before).mean(axis=0) for before, after in pairs])
        top = [part.argmax(axis=-1) for part in parts]
        same = [top[4] == top[1], top[4] == top[3], top[4] == top[0]]
        follows.append([each.mean(axis=0) for each in (*same, ~(same[0] | same[1] | same[2]))])
        stream = between + mlp
    asked = [("attention", "mlp"), ("mlp", "mlp"), ("mlp", "block"), ("block", "mlp")]
    rates = [class_similarity_change_rate(found, LABELS, b, mlp_input=i) for b, i in asked]
    limit = 1 / 6 + 1e-9  # one image whose two logits differ by a rounding
    np.testing.assert_allclose(np.stack(rates, axis=1), rises, atol=limit)
    assert np.mean(np.stack(rates, axis=1) != np.array(rises)) < 0.02
    composition = np.stack(list(residual_composition(found).values()), axis=1)
    np.testing.assert_allclose(composition, follows, atol=limit)


def test_batches_are_the_whole():
    model = make_model()
    whole = project_branches(model, activations(model, IMAGES, keep=KEEP))
    batches = project_branches(model, activation_batches(model, IMAGES, 4, keep=KEEP))
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(batches, name), values, atol=1e-4)
    np.testing.assert_array_equal(whole.block_output[:-1], whole.block_input[1:])


def test_a_random_model_raises_the_true_class_as_often_as_another():
    """Every label once for each image: over all of them a branch rises about as often as it falls."""
    model = make_model()
    images = np.repeat(np.random.default_rng(5).random((40, 8, 8, 3), dtype="float32"), 4, axis=0)
    parts = project_branches(model, activations(model, images, keep=KEEP))
    for branch in ("attention", "mlp", "block"):
        rate = class_similarity_change_rate(parts, np.tile(np.arange(4), 40), branch)
        assert 0.25 < rate.mean() < 0.75


def test_what_cannot_be_asked():
    model = make_model()
    run = activations(model, IMAGES, keep=KEEP)
    parts = project_branches(model, run)
    with pytest.raises(ValueError, match="a branch of attention, mlp, block.*received 'both'"):
        class_similarity_change_rate(parts, LABELS, "both")
    with pytest.raises(ValueError, match="received 'mlp' and 'true'"):
        class_similarity_change_rate(parts, LABELS, "mlp", mlp_input="true")
    with pytest.raises(ValueError, match="received 6 of class 2"):
        class_similarity_change_rate(parts, np.full(6, 2), "mlp")
    with pytest.raises(ValueError, match="from 0 to 3; received 0 to 4"):
        class_similarity_change_rate(parts, LABELS + np.eye(6, dtype=int)[3], "mlp")
    with pytest.raises(ValueError, match="a run with its mlp_output.*keep="):
        project_branches(model, activations(model, IMAGES, keep=KEEP[:2]))
    with pytest.raises(ValueError, match="block 1, from 0, does not"):
        project_branches(model, activations(model, IMAGES, keep=KEEP, interventions=[RemoveSkip(1, "mlp")]))
    with pytest.raises(ValueError, match="one run at least"):
        project_branches(model, [])
    with pytest.raises(ValueError, match="a model with a head"):
        project_branches(make_model(num_classes=0), run)
