"""The class space by hand, by slow and obvious loops, at chance, and what it refuses."""

import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis.class_space import (
    chance_levels,
    class_identifiability,
    identifiability_rate,
    image_tokens,
    object_tokens,
    project_to_classes,
    share_of_images_with_a_token,
)
from helpers.analysis.residual import logits_per_block
from helpers.data import make_shapes
from helpers.model.activations import activations
from helpers.model.vit import VisionTransformer, ViTConfig

IMAGES = np.random.default_rng(0).random((6, 8, 8, 3), dtype="float32")
# Three classes. Image 0 is of class 0, image 1 of class 2; of each the first token is the class token.
BY_HAND = np.array(
    [
        [[5.0, 1, 0], [1, 5, 0], [0, 5, 1]],  # rank of class 0: 0, 1, 2
        [[5.0, 1, 0], [1, 5, 7], [0, 5, 1]],  # rank of class 2: 2, 0, 1
    ]
)
LABELS = np.array([0, 2])


def make_model(seed=1, **changes):
    config = dict(image_size=8, patch_size=4, hidden_dim=12, depth=3, num_heads=2, mlp_dim=16, num_classes=4)
    model = VisionTransformer(ViTConfig(**(config | changes)))
    return with_random_weights(model, seed)


# project_to_classes


def slowly(weights, token, final_norm=True, head_bias=True):
    """One token in float64, number by number."""
    gamma, beta, kernel, bias = weights
    token = [float(value) for value in token]
    if final_norm:
        mean = sum(token) / len(token)
        variance = sum((value - mean) ** 2 for value in token) / len(token)
        token = [(v - mean) / (variance + 1e-6) ** 0.5 * g + b for v, g, b in zip(token, gamma, beta)]
    sums = [sum(v * row[c] for v, row in zip(token, kernel)) for c in range(kernel.shape[1])]
    return [s + b * head_bias for s, b in zip(sums, bias)]


@pytest.mark.parametrize("options", [{}, {"final_norm": False}, {"head_bias": False}])
def test_each_token_as_a_slow_sum(options):
    model = make_model()
    tokens = activations(model, IMAGES[:2]).tokens
    found = project_to_classes(model, tokens, **options)
    assert found.shape == (4, 2, 5, 4) and found.dtype == np.float32
    weights = [ops.convert_to_numpy(w).astype("float64") for w in model.norm.weights + model.head.weights]
    for index in np.ndindex(4, 2, 5):
        np.testing.assert_allclose(found[index], slowly(weights, tokens[index], **options), atol=2e-5)


def test_the_last_class_token_says_the_logits_and_without_the_norm_it_does_not():
    model = make_model()
    run = activations(model, IMAGES)
    found = project_to_classes(model, run.tokens)
    np.testing.assert_allclose(found[-1, :, 0], run.logits, atol=1e-5)
    np.testing.assert_allclose(found[:, :, 0], logits_per_block(model, run.tokens), atol=1e-5)
    for option in ({"final_norm": False}, {"head_bias": False}):
        without = project_to_classes(model, run.tokens, **option)
        assert np.abs(without[-1, :, 0] - run.logits).max() > 0.1


def test_with_mean_pooling_the_mean_over_tokens_is_what_the_model_says():
    model = make_model(pooling="mean")
    run = activations(model, IMAGES)
    np.testing.assert_allclose(project_to_classes(model, run.tokens)[-1].mean(axis=1), run.logits, atol=1e-5)


def test_the_order_of_the_tokens_does_not_matter_nor_how_many_go_at_a_time(monkeypatch):
    model, order = make_model(), [3, 0, 4, 1, 2]
    tokens = activations(model, IMAGES).tokens
    whole = project_to_classes(model, tokens)
    np.testing.assert_allclose(project_to_classes(model, tokens[:, :, order]), whole[:, :, order], atol=1e-6)
    monkeypatch.setattr("helpers.analysis.class_space.AT_A_TIME", 7 * 12)
    np.testing.assert_allclose(project_to_classes(model, ops.convert_to_tensor(tokens)), whole, atol=1e-6)


def test_models_and_tokens_that_cannot_be_projected():
    with pytest.raises(ValueError, match="a model with a head.*num_classes=0.*trained to classify"):
        project_to_classes(make_model(num_classes=0), np.ones((2, 5, 12)))
    with pytest.raises(ValueError, match="Expected a VisionTransformer of the course; received a object"):
        project_to_classes(object(), np.ones((2, 5, 12)))
    with pytest.raises(ValueError, match=r"12 features wide; received \(2, 5, 8\). Take run.tokens"):
        project_to_classes(make_model(), np.ones((2, 5, 8)))
    with pytest.raises(ValueError, match="finite tokens; received NaN"):
        project_to_classes(make_model(), np.full((2, 5, 12), np.nan))


# class_identifiability and what is made of it


def test_identifiability_by_hand():
    np.testing.assert_allclose(
        class_identifiability(BY_HAND, LABELS), [[1, 2 / 3, 1 / 3], [1 / 3, 1, 2 / 3]], atol=1e-12
    )


def test_equal_logits_share_their_places():
    """Ranks 0 and 1 shared are 1/2; a token that says nothing gets a guess's score; a tie names no class."""
    ties = np.array([[[2.0, 2, 1], [1, 1, 1], [0, 3, 3], [0, 3, 0]]])
    np.testing.assert_allclose(class_identifiability(ties, [0]), [[5 / 6, 2 / 3, 1 / 3, 0.5]])
    assert chance_levels(3)[0] == pytest.approx(2 / 3)
    pair = np.concatenate([ties, BY_HAND[1:, [0, 1, 2, 2]]])
    assert identifiability_rate(pair, [0, 2], has_class_token=False) == pytest.approx((0 + 1 / 4) / 2)


def test_rates_by_hand():
    """The last two tokens of each image are patches: none of two names the class, and one of two."""
    rate = identifiability_rate(BY_HAND, LABELS, has_class_token=True)
    share = share_of_images_with_a_token(BY_HAND, LABELS, has_class_token=True)
    assert (rate, share) == (pytest.approx(0.25), 0.5)
    # Without a class token the first is a patch as well.
    rate = identifiability_rate(BY_HAND, LABELS, has_class_token=False)
    share = share_of_images_with_a_token(BY_HAND, LABELS, has_class_token=False)
    assert (rate, share) == (pytest.approx(1 / 3), 1)


def test_each_image_counts_alike_however_many_tokens_are_counted():
    where = np.array([[True, True, True], [False, True, False]])
    rate = identifiability_rate(BY_HAND, LABELS, has_class_token=False, where=where)
    assert rate == pytest.approx((1 / 3 + 1) / 2)
    where = np.array([[False, True, True], [True, False, True]])
    share = share_of_images_with_a_token(BY_HAND, LABELS, has_class_token=False, where=where)
    assert share == 0


def test_all_scores_as_loops_over_sorted_lists():
    rng = np.random.default_rng(2)
    logits, labels = rng.integers(0, 6, (2, 5, 4, 7)).astype("float64"), rng.integers(0, 7, 5)
    found = class_identifiability(logits.astype("float32"), labels)
    named = np.zeros((2, 5, 4), bool)
    for layer, image, token in np.ndindex(2, 5, 4):
        row, own = logits[layer, image, token], logits[layer, image, token, labels[image]]
        places = [place for place, value in enumerate(sorted(row, reverse=True)) if value == own]
        assert found[layer, image, token] == pytest.approx(1 - np.mean(places) / 7)
        named[layer, image, token] = places == [0]
    for first in (0, 1):
        given = dict(has_class_token=bool(first))
        rates = [np.mean([np.mean(row) for row in layer[:, first:]]) for layer in named]
        shares = [np.mean([any(row) for row in layer[:, first:]]) for layer in named]
        np.testing.assert_allclose(identifiability_rate(logits, labels, **given), rates)
        np.testing.assert_allclose(share_of_images_with_a_token(logits, labels, **given), shares)


def test_a_higher_scale_or_offset_and_another_order_of_tokens_change_nothing():
    rng = np.random.default_rng(3)
    logits, labels = rng.standard_normal((6, 5, 4)), np.arange(6) % 4
    scores, order = class_identifiability(logits, labels), [4, 2, 0, 1, 3]
    np.testing.assert_array_equal(class_identifiability(3 * logits + 7, labels), scores)
    np.testing.assert_array_equal(class_identifiability(logits[:, order], labels), scores[:, order])
    rates = [
        identifiability_rate(values, labels, has_class_token=False) for values in (logits, logits[:, order])
    ]
    assert rates[0] == pytest.approx(rates[1])
    classes = [2, 0, 3, 1]  # renamed, in the logits and in the labels
    renamed = np.argsort(classes)[labels]
    np.testing.assert_array_equal(class_identifiability(logits[..., classes], renamed), scores)


def test_chance_levels():
    assert chance_levels(10) == (pytest.approx(0.55), 0.1)
    assert chance_levels(1000) == (pytest.approx(0.5005), 0.001)
    for num_classes in (2, 3, 10):  # the mean over all ranks, and the share of the first
        logits = np.arange(num_classes)[None, None] + np.zeros((num_classes, 1, 1))
        scores = class_identifiability(logits, np.arange(num_classes))
        assert chance_levels(num_classes) == (pytest.approx(scores.mean()), (scores == 1).mean())
    with pytest.raises(ValueError, match="2 or more; received 1"):
        chance_levels(1)


def test_a_random_model_is_at_chance():
    """Labels that have nothing to do with the images, as many of each class: within the error of the mean."""
    model = make_model(num_classes=10)
    images = np.random.default_rng(4).random((200, 8, 8, 3), dtype="float32")
    labels = np.arange(200) % 10
    logits = project_to_classes(model, activations(model, images).tokens)
    scores = class_identifiability(logits, labels)
    np.testing.assert_allclose(scores.mean(axis=(1, 2)), 0.55, atol=3 * 0.29 / 200**0.5)
    rates = identifiability_rate(logits, labels, has_class_token=True)
    np.testing.assert_allclose(rates, 0.1, atol=3 * 0.3 / 200**0.5)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (BY_HAND, [0, 3], "from 0 to 2; received 0 to 3"),
        (BY_HAND, [-1, 0], "from 0 to 2; received -1 to 0"),
        (BY_HAND, [], r"received float64 \(0,\)"),
        (BY_HAND, [0, 1, 2], r"each of 2 images.*received int64 \(3,\)"),
        (BY_HAND, [0.0, 1.0], r"received float64 \(2,\)"),
        (BY_HAND[0], [0, 1, 2], r"received \(3, 3\). Take them from project_to_classes"),
        (BY_HAND[..., :1], [0, 0], "of two classes at least"),
        (np.full((2, 3, 4), np.nan), [0, 1], "finite logits"),
    ],
)
def test_what_has_no_identifiability(logits, labels, message):
    for function in (
        class_identifiability,
        lambda *given: identifiability_rate(*given, has_class_token=False),
    ):
        with pytest.raises(ValueError, match=message):
            function(logits, labels)


def test_rates_that_mean_nothing_are_refused():
    given = dict(has_class_token=True)
    for function in (identifiability_rate, share_of_images_with_a_token):
        with pytest.raises(ValueError, match="two classes at least.*received 2 of class 1. Take a mixed"):
            function(BY_HAND, [1, 1], **given)
        with pytest.raises(ValueError, match="one token at least.*received none in image 1"):
            function(BY_HAND, LABELS, **given, where=np.array([[True, True], [False, False]]))
        with pytest.raises(ValueError, match=r"\(2, 2\), without a class token; received bool \(2, 3\)"):
            function(BY_HAND, LABELS, **given, where=np.ones((2, 3), bool))
        with pytest.raises(ValueError, match="received int64"):
            function(BY_HAND, LABELS, **given, where=np.ones((2, 2), int))


# image_tokens and object_tokens


def test_token_0_is_left_out_only_where_it_is_the_class_token():
    values = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(image_tokens(values, has_class_token=True), values[..., 1:])
    np.testing.assert_array_equal(image_tokens(values, has_class_token=True, axis=1), values[:, 1:])
    np.testing.assert_array_equal(image_tokens(values, has_class_token=False, axis=1), values)


def test_object_tokens_by_hand():
    """Patches of 2 × 2 pixels: covered by 4, 2, 1 and 0 of them."""
    mask = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)[None]
    np.testing.assert_array_equal(object_tokens(mask, (2, 2), 2), [[True, True, False, False]])
    found = object_tokens(mask, (2, 2), 2, threshold=0.25)
    np.testing.assert_array_equal(found, [[True, True, True, False]])


def test_the_shapes_have_both_kinds_of_tokens():
    masks = make_shapes(100, seed=0, test_fraction=0.5).masks_test
    found = object_tokens(masks, (8, 8), 4)
    for image, (row, column) in ((i, divmod(p, 8)) for i in range(50) for p in range(64)):
        patch = masks[image, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert found[image, 8 * row + column] == (patch.sum() >= 8)


def test_masks_that_leave_nothing_to_compare():
    masks = np.zeros((2, 4, 4), bool)
    masks[:, 0, 0] = masks[0, :2] = True
    with pytest.raises(ValueError, match="one object token at least.*1 without, the first of image 1"):
        object_tokens(masks, (2, 2), 2)
    with pytest.raises(ValueError, match="one context token at least"):
        object_tokens(np.ones((2, 4, 4)), (2, 2), 2)
    with pytest.raises(ValueError, match="something inside"):
        object_tokens(np.zeros((2, 4, 4)), (2, 2), 2)
    with pytest.raises(ValueError, match=r"\(batch, height, width\); received shape \(4, 4\)"):
        object_tokens(np.ones((4, 4)), (2, 2), 2)
    with pytest.raises(ValueError, match="threshold above 0 and at most 1; received 0"):
        object_tokens(masks, (2, 2), 2, threshold=0)
