"""Weights as memories: three classes worked out by hand, slow loops, and every combination counted."""

import itertools

import numpy as np
import pytest
from random_weights import with_random_weights

from helpers.analysis.key_value import (
    agreement_chance,
    class_prototypes,
    class_value_agreement,
    compositionality,
    key_value_agreement,
    key_value_agreement_rate,
    value_vectors,
    values_in_class_space,
)
from helpers.model.vit import VisionTransformer, ViTConfig

# Three classes, two features; class 2 is long, and so is memory 1.
PROTOTYPES = np.array([[3.0, 4.0], [0.0, 1.0], [-5.0, 0.0]])
VALUES = np.array([[1.0, 0.0], [0.0, 10.0], [-3.0, 4.0], [-1.0, -1.0]])
# VALUES · PROTOTYPESᵀ, a row a memory:   class 0   1   2
CLASS_VALUES = np.array([[3.0, 0.0, -5.0], [40.0, 10.0, 0.0], [7.0, 4.0, 15.0], [-7.0, -1.0, 5.0]])


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def make_model(**changes):
    config = dict(image_size=8, patch_size=4, hidden_dim=12, depth=3, num_heads=2, mlp_dim=16, num_classes=4)
    model = VisionTransformer(ViTConfig(**(config | changes)))
    return with_random_weights(model)


def test_values_in_class_space_by_hand():
    np.testing.assert_array_equal(values_in_class_space(VALUES, PROTOTYPES), CLASS_VALUES)


def test_class_value_agreement_by_hand():
    # Class 0 points to (0.6, 0.8): memory 1, (0, 1), is the nearest with 0.8. Class 1 is memory 1's
    # direction. Class 2 points to (−1, 0): memory 2, (−0.6, 0.8), has 0.6, and memory 3 has 1 / √2.
    found = class_value_agreement(VALUES, PROTOTYPES)
    np.testing.assert_allclose(found, [0.8, 1, 0.5**0.5])


def test_lengths_do_not_matter_and_layers_are_kept():
    values, prototypes = numbers(3, 7, 5), numbers(4, 5, seed=1)
    scaled = values * np.exp(numbers(3, 7, 1, seed=2)), prototypes * np.exp(numbers(4, 1, seed=3))
    found = class_value_agreement(values, prototypes)
    assert found.shape == (3, 4)
    np.testing.assert_allclose(class_value_agreement(*scaled), found)
    for layer, name in np.ndindex(3, 4):
        cosines = [
            v @ prototypes[name] / (np.linalg.norm(v) * np.linalg.norm(prototypes[name]))
            for v in values[layer]
        ]
        assert found[layer, name] == pytest.approx(max(cosines))


@pytest.mark.filterwarnings("error")
def test_a_value_of_nothing_speaks_for_no_class():
    np.testing.assert_array_equal(class_value_agreement(np.zeros((2, 3)), np.eye(3)), 0)


def test_values_are_what_the_branches_write():
    """One coefficient more of one memory moves the branch's output by that memory's value."""
    from keras import ops

    model = make_model(layer_scale=0.5)
    for branch, count in (("mlp", 16), ("attention", 12)):
        values = value_vectors(model, branch)
        assert values.shape == (3, count, 12)
        block = model.blocks[1]
        layer = block.mlp.contract if branch == "mlp" else block.attention.output_projection
        scale = block.scale2 if branch == "mlp" else block.scale1
        hidden = numbers(1, 1, count).astype("float32")
        for memory in (0, count - 1):
            more = hidden.copy()
            more[..., memory] += 1
            moved = ops.convert_to_numpy(scale(layer(more)) - scale(layer(hidden)))[0, 0]
            np.testing.assert_allclose(moved, values[1, memory], atol=1e-5)


def test_prototypes_are_the_classes_of_the_head():
    from keras import ops

    model = make_model()
    token = numbers(1, 12).astype("float32")
    logits = ops.convert_to_numpy(model.head(token))
    bias = ops.convert_to_numpy(model.head.bias)
    np.testing.assert_allclose(token @ class_prototypes(model).T + bias, logits, atol=1e-5)


def test_agreement_by_hand():
    # For class 0 the best two memories are 1 and 2; for class 1 also 1 and 2; for class 2, 2 and 3.
    active = np.array([[[0], [1], [3]], [[0], [1], [3]]])  # one active memory in each of three tokens
    found = key_value_agreement(active, CLASS_VALUES, np.array([0, 2]), k=2)
    np.testing.assert_array_equal(found, [[False, True, False], [False, False, True]])
    np.testing.assert_allclose(key_value_agreement_rate(active, CLASS_VALUES, np.array([0, 2]), k=2), 1 / 3)
    # By classes: the best class of memories 0 to 3 is 0, 0, 2, 2.
    found = key_value_agreement(active, CLASS_VALUES, np.array([0, 2]), k=1, top_k="classes")
    np.testing.assert_array_equal(found, [[True, True, False], [False, False, True]])


@pytest.mark.parametrize("top_k", ["memories", "classes"])
def test_agreement_against_slow_loops(top_k):
    class_values, labels = numbers(2, 9, 6), np.array([5, 0, 3, 3])
    active = np.stack([np.random.default_rng(i).permutation(9)[:3] for i in range(2 * 4 * 5)])
    active = active.reshape(2, 4, 5, 3)
    expected = np.zeros((2, 4, 5), bool)
    for layer, image, token in np.ndindex(2, 4, 5):
        for memory in active[layer, image, token]:
            if top_k == "memories":
                best = np.argsort(-class_values[layer][:, labels[image]])[:2]
                expected[layer, image, token] |= memory in best
            else:
                best = np.argsort(-class_values[layer][memory])[:2]
                expected[layer, image, token] |= labels[image] in best
    found = key_value_agreement(active, class_values, labels, k=2, top_k=top_k)
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.mean() < 1


def test_the_order_of_tokens_and_of_memories_does_not_matter():
    class_values, labels = numbers(1, 9, 6), np.array([1, 4])
    active = np.stack([np.random.default_rng(i).permutation(9)[:3] for i in range(10)]).reshape(1, 2, 5, 3)
    found = key_value_agreement(active, class_values, labels, k=2)
    order = [3, 0, 4, 1, 2]
    moved = key_value_agreement(active[:, :, order, ::-1], class_values, labels, k=2)
    np.testing.assert_array_equal(moved, found[:, :, order])
    new_name = np.random.default_rng(0).permutation(9)  # memory m is called new_name[m]
    renamed = np.empty_like(class_values)
    renamed[:, new_name] = class_values
    np.testing.assert_array_equal(key_value_agreement(new_name[active], renamed, labels, k=2), found)


@pytest.mark.parametrize("top_k", ["memories", "classes"])
def test_chance_is_the_mean_over_all_draws(top_k):
    class_values, labels = numbers(2, 7, 4), np.array([0, 1, 2, 2, 3])
    draws = np.array(list(itertools.combinations(range(7), 3)))  # 35 of them, all as likely
    active = np.broadcast_to(draws, (2, len(labels), *draws.shape))
    expected = key_value_agreement_rate(active, class_values, labels, k=2, top_k=top_k)
    found = agreement_chance(class_values, labels, k=2, top_k=top_k, num_active=3)
    np.testing.assert_allclose(found, expected)


def test_chance_in_numbers():
    # Five of 256, five wanted: 1 − (251 · 250 · 249 · 248 · 247) / (256 · 255 · 254 · 253 · 252).
    found = agreement_chance(numbers(256, 10), np.array([0]))
    assert found == pytest.approx(1 - 251 * 250 * 249 * 248 * 247 / (256 * 255 * 254 * 253 * 252))
    assert agreement_chance(numbers(8, 10), np.array([0]), k=8) == 1
    assert 0.9 < agreement_chance(numbers(256, 10), np.arange(10), top_k="classes") < 1


def test_memories_drawn_blindly_are_at_chance():
    rng = np.random.default_rng(0)
    class_values, labels = rng.standard_normal((1, 64, 10)), rng.integers(0, 10, 200)
    active = np.argsort(rng.random((1, 200, 16, 64)), axis=-1)[..., :5]
    chance = agreement_chance(class_values, labels)[0]
    error = np.sqrt(chance * (1 - chance) / (200 * 16))
    found = key_value_agreement_rate(active, class_values, labels)[0]
    assert abs(found - chance) < 4 * error


def test_compositionality_by_hand():
    # The memories say classes 0, 0, 2, 2 first.
    active = np.array([[[0, 1], [0, 1], [1, 2], [2, 3]]])
    layer_classes = np.array([[0, 1, 2, 1]])
    assert compositionality(layer_classes, active, CLASS_VALUES) == 0.5
    assert compositionality(layer_classes[:, :1], active[:, :1], CLASS_VALUES) == 0


def test_a_layer_of_one_memory_is_not_composed():
    """Where one memory does all the work, its class is the layer's."""
    class_values = numbers(3, 8, 5)
    active = np.random.default_rng(0).integers(0, 8, (3, 2, 6, 1))
    layer_classes = np.take_along_axis(class_values.argmax(axis=-1), active.reshape(3, -1), axis=1)
    found = compositionality(layer_classes.reshape(3, 2, 6), active, class_values)
    np.testing.assert_array_equal(found, np.zeros(3))


ACTIVE = np.zeros((2, 3, 1), int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: key_value_agreement_rate(ACTIVE, CLASS_VALUES, [1, 1], k=1), "two classes at least"),
        (lambda: class_prototypes(make_model(num_classes=0)), "a model with a head"),
        (lambda: class_prototypes("cat"), "Expected a VisionTransformer"),
        (lambda: value_vectors(make_model(), "norm"), 'A branch is "mlp" or "attention"; received \'norm\''),
        (lambda: class_value_agreement(VALUES, np.eye(3)), r"received \(4, 2\) and \(3, 3\)"),
        (lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0, 3], k=1), "from 0 to 2; received"),
        (lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [-1, 0], k=1), "received -1 to 0"),
        (lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0], k=1), "one label for each of 2 images"),
        (
            lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0.0, 1.0], k=1),
            "2; received float64",
        ),
        (
            lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0, 1], k=5),
            "from 1 to the 4 memories; received 5",
        ),
        (
            lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0, 1], k=4, top_k="classes"),
            "from 1 to the 3 classes; received 4",
        ),
        (lambda: key_value_agreement(ACTIVE, CLASS_VALUES, [0, 1], k=1, top_k="both"), "top_k is"),
        (lambda: key_value_agreement(ACTIVE[0], CLASS_VALUES, [0, 1], k=1), "Expected the memories"),
        (lambda: agreement_chance(CLASS_VALUES, [0, 7], k=1), "from 0 to 2"),
        (lambda: compositionality(np.zeros((2, 4), int), ACTIVE, CLASS_VALUES), "Expected classes"),
    ],
)
def test_what_cannot_be_asked(call, message):
    with pytest.raises(ValueError, match=message):
        call()
