"""Faithfulness by hand, in closed form, and against a slow Vision Transformer in float64."""

import functools
import math

import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis.faithfulness import area_under, perturbation_auc, saco, salience_agreement
from helpers.analysis.token_removal import logits_without, rank_patches
from helpers.model.resnet import ResNet, ResNetConfig
from helpers.model.vit import VisionTransformer, ViTConfig

SIZES = dict(image_size=16, patch_size=4, hidden_dim=12, depth=2, num_heads=2, mlp_dim=16, num_classes=4)
IMAGES = np.random.default_rng(0).random((6, 16, 16, 3), dtype="float32")
LABELS = np.array([0, 1, 2, 3, 0, 1])
SCORES = np.random.default_rng(2).standard_normal((6, 16))
SOME = [0, 3, 4, 9, 15]


def make_model(**changes):
    model = VisionTransformer(ViTConfig(**(SIZES | changes)))
    return with_random_weights(model)


shared_model = functools.cache(make_model)  # what one test has compiled, another need not


@pytest.fixture(scope="module")
def model():
    return shared_model()


@pytest.fixture(scope="module")
def adding():
    """A model of two classes: class 0 gets 0, class 1 the mean of the tokens' values, and nothing else.

    A token has the length 2 and the mean 0, so the norm leaves it as it is. Its first two features carry its
    value, by the red of the patch's first pixel, the other two what is left of the length, by the green.
    """
    sizes = dict(hidden_dim=4, depth=1, num_heads=1, mlp_dim=4, num_classes=2, pooling="mean")
    model = VisionTransformer(ViTConfig(**(SIZES | sizes)))
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape, "float32"))
    kernel = np.zeros((4, 4, 3, 4), "float32")
    kernel[0, 0, 0, :2] = kernel[0, 0, 1, 2:] = np.array([1, -1]) * math.sqrt(2)
    model.patch_embedding.projection.kernel.assign(kernel)
    model.norm.gamma.assign(np.ones(4, "float32"))
    model.head.kernel.assign(np.array([[0, 1], [0, -1], [0, 0], [0, 0]], "float32") / (2 * math.sqrt(2)))
    return model


def images_of(values):
    """Draw images (batch, 16, 16, 3) whose patches have these values in [-1, 1]: (batch, 16)."""
    images = np.full((len(values), 16, 16, 3), 0.5, "float32")
    first = (
        (np.reshape(values, (-1, 4, 4)) + 1) / 2,
        (np.sqrt(1 - np.reshape(values, (-1, 4, 4)) ** 2) + 1) / 2,
    )
    images[:, ::4, ::4, 0], images[:, ::4, ::4, 1] = first
    return images


def slow_logits(model, image, kept):
    """One image in float64, token by token and head by head, with the patches of `kept` alone."""
    config = model.config
    value = {id(w): ops.convert_to_numpy(w).astype("float64") for w in model.weights}

    def dense(x, layer):
        return x @ value[id(layer.kernel)] + value[id(layer.bias)]

    def normed(x, layer):
        centred = x - x.mean()
        return (
            centred / math.sqrt((centred**2).mean() + 1e-6) * value[id(layer.gamma)] + value[id(layer.beta)]
        )

    start, size = model.class_token_and_position, config.patch_size
    places = value[id(start.position_embedding)][0]
    first = int(config.has_class_token)
    stream = [value[id(start.class_token)][0, 0] + places[0]] if first else []
    kernel = value[id(model.patch_embedding.projection.kernel)]
    for patch in kept:
        row, column = divmod(int(patch), config.grid_size)
        pixels = image[row * size : (row + 1) * size, column * size : (column + 1) * size] * 2.0 - 1
        embedded = np.einsum("hwc,hwcd->d", pixels, kernel) + value[id(model.patch_embedding.projection.bias)]
        stream.append(embedded + places[patch + first])
    width = config.head_dim
    for block in model.blocks:
        qkv = [dense(normed(token, block.norm1), block.attention.qkv).reshape(3, -1) for token in stream]
        outputs = []
        for query in qkv:
            heads = []
            for head in range(config.num_heads):
                part = slice(head * width, (head + 1) * width)
                weights = np.exp([query[0, part] @ key[1, part] / math.sqrt(width) for key in qkv])
                weights /= weights.sum()
                heads.append(sum(w * token[2, part] for w, token in zip(weights, qkv)))
            outputs.append(dense(np.concatenate(heads), block.attention.output_projection))
        stream = [token + output for token, output in zip(stream, outputs)]
        for index, token in enumerate(stream):
            hidden = dense(normed(token, block.norm2), block.mlp.expand)
            hidden = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in hidden])
            stream[index] = token + dense(hidden, block.mlp.contract)
    read = [normed(token, model.norm) for token in stream]
    return dense(read[0] if first else sum(read) / len(read), model.head)


def slow_curve(model, scores, order, counts):
    curve = []
    for count in counts:
        correct = 0
        for image, label, values in zip(IMAGES, LABELS, scores):
            ranked = sorted(range(16), key=lambda patch: values[patch], reverse=order == "most_first")
            logits = slow_logits(model, image, sorted(ranked[count:]))
            correct += logits.argmax() == label
        curve.append(correct / len(IMAGES))
    return curve


def slow_saco(model, scores, labels, num_groups, ties=0.0):
    found = []
    for image, label, values in zip(IMAGES, labels, scores):

        def probability(kept):
            odds = np.exp(slow_logits(model, image, kept))  # noqa: B023
            return odds[label] / odds.sum()  # noqa: B023

        ranked = sorted(range(16), key=lambda patch: -values[patch])
        size = 16 // num_groups
        groups = [ranked[start : start + size] for start in range(0, 16, size)]
        everything = probability(range(16))
        s = [sum(values[patch] for patch in group) for group in groups]
        d = [everything - probability([p for p in range(16) if p not in group]) for group in groups]
        above = below = 0.0
        for i in range(num_groups):
            for j in range(i + 1, num_groups):
                sign = 1 if d[i] > d[j] else -1 if d[i] < d[j] else ties
                above, below = above + sign * (s[i] - s[j]), below + abs(s[i] - s[j])
        found.append(above / below)
    return found


# the accuracy while tokens go


def test_the_curve_of_a_sum_by_hand(adding):
    """Ten tokens give 0.5, six take 0.6. Without r of the ten 0.5 (10 − r) > 3.6 up to r = 2."""
    values = np.array([[0.5] * 10 + [-0.6] * 6, [-0.6, 0.5] * 6 + [0.5] * 4])
    images, labels = images_of(values), np.array([1, 1])
    curve, auc = perturbation_auc(adding, images, labels, values)
    np.testing.assert_array_equal(curve, [1] * 3 + [0] * 13)
    assert auc == pytest.approx(2.5 / 15)  # two whole trapezoids and half a one, of fifteen
    curve, auc = perturbation_auc(adding, images, labels, values, convention="authors")
    np.testing.assert_array_equal(curve, [1] * 2 + [0] * 13)
    assert auc == pytest.approx(2 / 16)
    # With those gone first that take, nothing is ever lost.
    for convention, ceiling in (("plain", 1), ("authors", 15 / 16)):
        curve, auc = perturbation_auc(adding, images, labels, values, "least_first", convention=convention)
        assert curve.min() == 1 and auc == pytest.approx(ceiling)
    # Labelled as the other class, the images are right as soon as they were wrong.
    curve, auc = perturbation_auc(adding, images, 1 - labels, values)
    np.testing.assert_array_equal(curve, [0] * 3 + [1] * 13)
    assert auc == pytest.approx(12.5 / 15)


def test_no_order_beats_the_values_themselves(adding):
    values = np.random.default_rng(3).uniform(-1, 1, (40, 16))
    values -= values.mean(axis=1, keepdims=True) - 0.05
    values = np.clip(values, -1, 1)
    images, labels = images_of(values), np.ones(40, int)
    ascending = np.sort(values, axis=1)
    curve, best = perturbation_auc(adding, images, labels, values)
    np.testing.assert_allclose(curve, [(ascending[:, : 16 - r].sum(axis=1) > 0).mean() for r in range(16)])
    others = [
        perturbation_auc(adding, images, labels, np.random.default_rng(s).random((40, 16)))[1] for s in (4, 5)
    ]
    curve, highest = perturbation_auc(adding, images, labels, values, "least_first")
    np.testing.assert_allclose(curve, [(ascending[:, r:].sum(axis=1) > 0).mean() for r in range(16)])
    assert best < min(others) and max(others) < highest


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
def test_the_logits_of_what_is_left_against_float64(pooling):
    model = shared_model(pooling=pooling)
    orders = np.array([np.random.default_rng(seed).permutation(16) for seed in range(6)])
    found = logits_without(model, IMAGES, orders, [0, 5, 15], batch_size=4)  # the last batch is smaller
    expected = [
        [slow_logits(model, image, order[count:]) for image, order in zip(IMAGES, orders)]
        for count in (0, 5, 15)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
@pytest.mark.parametrize("order", ["most_first", "least_first"])
def test_the_curve_against_float64(pooling, order):
    model = shared_model(pooling=pooling)
    curve, auc = perturbation_auc(model, IMAGES, LABELS, SCORES, order, removed=SOME)
    expected = slow_curve(model, SCORES, order, SOME)
    np.testing.assert_allclose(curve, expected)
    widths = np.diff(SOME)
    assert auc == pytest.approx(sum(w * (a + b) / 2 for w, a, b in zip(widths, expected, expected[1:])) / 15)


def test_all_patches_go_where_there_is_a_class_token_and_both_orders_end_alike(model):
    first, last = (
        perturbation_auc(model, IMAGES, LABELS, SCORES, order)[0] for order in ("most_first", "least_first")
    )
    assert first.shape == last.shape == (17,) and first[0] == last[0] and first[-1] == last[-1]
    class_token_alone = [slow_logits(model, image, []).argmax() for image in IMAGES]
    assert first[-1] == np.mean(class_token_alone == LABELS)
    whole = ops.convert_to_numpy(model(IMAGES)).argmax(axis=-1)
    assert first[0] == np.mean(whole == LABELS)


def test_maps_of_a_grid_bytes_and_scale_change_nothing(model):
    curve, auc = perturbation_auc(model, IMAGES, LABELS, SCORES, removed=SOME)
    for scores in (SCORES.reshape(6, 4, 4), 7 * SCORES - 3, ops.convert_to_tensor(SCORES, "float32")):
        again = perturbation_auc(model, IMAGES, LABELS, scores, removed=SOME)
        np.testing.assert_array_equal(again[0], curve)
    pixels = np.round(IMAGES * 255).astype("uint8")
    as_bytes, as_floats = (
        perturbation_auc(model, images, LABELS, SCORES, removed=SOME)[0]
        for images in (pixels, pixels.astype("float32") / 255)
    )
    np.testing.assert_array_equal(as_bytes, as_floats)


def test_the_order_of_the_tokens_is_nothing(model):
    """The patches of image, map and position embedding change places together, and no number changes."""
    moved = np.random.default_rng(4).permutation(16)
    other = make_model()
    start = other.class_token_and_position
    places = ops.convert_to_numpy(start.position_embedding)
    start.position_embedding.assign(np.concatenate([places[:, :1], places[:, 1:][:, moved]], axis=1))
    patches = IMAGES.reshape(6, 4, 4, 4, 4, 3).swapaxes(2, 3).reshape(6, 16, 4, 4, 3)[:, moved]
    images = patches.reshape(6, 4, 4, 4, 4, 3).swapaxes(2, 3).reshape(6, 16, 16, 3)
    for order in ("most_first", "least_first"):
        expected = perturbation_auc(model, IMAGES, LABELS, SCORES, order, removed=SOME)
        found = perturbation_auc(other, images, LABELS, SCORES[:, moved], order, removed=SOME)
        np.testing.assert_allclose(found[0], expected[0])
    expected, found = saco(model, IMAGES, LABELS, SCORES), saco(other, images, LABELS, SCORES[:, moved])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_equal_scores_are_drawn_by_lot_and_always_the_same():
    ranked = rank_patches(np.zeros((400, 16)))
    np.testing.assert_array_equal(ranked, rank_patches(np.zeros((400, 16))))
    assert abs((ranked[:, 0] < 8).mean() - 0.5) < 0.1  # by position it would always be patch 0
    assert (np.sort(ranked) == np.arange(16)).all()
    mixed = np.tile([0.0, 2.0, 2.0, 1.0], (50, 1))
    assert set(map(tuple, rank_patches(mixed).tolist())) == {(1, 2, 3, 0), (2, 1, 3, 0)}


# the area


def test_both_areas_by_hand():
    curve = [0.8, 0.6, 0.2]
    assert area_under(curve, [0, 1, 3]) == pytest.approx((0.7 * 1 + 0.4 * 2) / 3)
    assert area_under(curve, [1, 2, 3], "authors") == pytest.approx(1.6 / (0.8 * 4))
    assert area_under([0, 0, 0], [1, 2, 3], "authors") == area_under([0, 0, 0], [0, 1, 2]) == 0
    np.testing.assert_allclose(area_under([curve, [0.3] * 3], [0, 1, 2]), [0.55, 0.3])


def test_the_papers_ceiling():
    """48 points of 49 patches: an accuracy of 1 throughout gives 48/49, and so does one of 0.1."""
    for height in (1.0, 0.1):
        assert area_under(np.full(48, height), np.arange(1, 49), "authors") == pytest.approx(48 / 49)
    assert area_under(np.full(50, 0.1), np.arange(50)) == pytest.approx(0.1)


# SaCo


@pytest.mark.parametrize(
    ("salience", "drops", "expected"),
    [
        ([5, 3, 1], [0.6, 0.2, 0.1], 1),
        ([5, 3, 1], [0.1, 0.2, 0.6], -1),
        ([5, 3, 1], [0.2, 0.6, 0.1], (-2 + 4 + 2) / 8),  # pairs weigh 2, 4 and 2; the first runs against
        ([1, 5, 3], [0.1, 0.2, 0.6], (4 + 2 - 2) / 8),  # in any order
        ([5, 3, 1], [0.4, 0.4, 0.1], 6 / 8),  # a tie of drops: neither
        ([5, 5, 1], [0.1, 0.6, 0.0], 1),  # a tie of salience weighs nothing
        ([2, 2, 2], [0.3, 0.2, 0.1], 0),  # an even map
        ([5, 3, 1], [0, 0, 0], 0),  # nothing matters
    ],
)
def test_the_formula_by_hand(salience, drops, expected):
    assert salience_agreement(salience, drops) == pytest.approx(expected)
    upside_down = salience_agreement(-np.array(salience), drops)
    assert upside_down == pytest.approx(-expected)


def test_the_authors_ties_count_as_agreement():
    assert salience_agreement([5, 3, 1], [0.4, 0.4, 0.1], drop_ties="agree") == 1
    assert salience_agreement([5, 3, 1], [0, 0, 0], drop_ties="agree") == 1
    assert salience_agreement([2, 2, 2], [0.3, 0.2, 0.1], drop_ties="agree") == 0


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
@pytest.mark.parametrize("groups", [4, 8])
def test_saco_against_float64(pooling, groups):
    model = shared_model(pooling=pooling)
    found = saco(model, IMAGES, LABELS, SCORES, num_groups=groups)
    np.testing.assert_allclose(found, slow_saco(model, SCORES, LABELS, groups), atol=1e-6)
    if groups == 4:
        np.testing.assert_array_equal(saco(model, IMAGES, LABELS, SCORES), found)  # as many as rows


def test_the_true_drops_get_1_and_upside_down_minus_1(model):
    """With a group a patch, the map that is the drop of each patch is in the order of the drops."""
    images, labels = IMAGES[:2], LABELS[:2]
    drops = np.empty((2, 16))
    for image, label in enumerate(labels):
        for patch in range(-1, 16):
            odds = np.exp(slow_logits(model, images[image], [p for p in range(16) if p != patch]))
            if patch < 0:
                whole = odds[label] / odds.sum()
            else:
                drops[image, patch] = whole - odds[label] / odds.sum()
    np.testing.assert_allclose(saco(model, images, labels, drops, num_groups=16), 1, atol=1e-4)
    np.testing.assert_allclose(saco(model, images, labels, -drops, num_groups=16), -1, atol=1e-4)


def test_the_values_of_a_sum_get_1_in_groups_of_any_size(adding):
    values = np.random.default_rng(6).uniform(-1, 1, (5, 16))
    images, labels = images_of(values), np.ones(5, int)
    for groups in (2, 8, 16):
        np.testing.assert_allclose(saco(adding, images, labels, values, num_groups=groups), 1)
        np.testing.assert_allclose(saco(adding, images, 1 - labels, values, num_groups=groups), -1)
    # What the model predicts is class 1 where the sum is above 0, else class 0.
    expected = np.where(values.sum(axis=1) > 0, 1, -1)
    assert len(set(expected)) == 2
    np.testing.assert_allclose(saco(adding, images, None, values), expected)


def test_random_maps_get_about_0_and_even_ones_0(model):
    maps = np.random.default_rng(7).random((72, 16))
    found = saco(model, np.tile(IMAGES, (12, 1, 1, 1)), np.tile(LABELS, 12), maps, num_groups=16)
    # Of 16 groups one map has a standard deviation of about 0.25, the mean of 72 of 0.03.
    assert np.abs(found).max() <= 1 and abs(np.mean(found)) < 0.12
    np.testing.assert_array_equal(saco(model, IMAGES, LABELS, np.full((6, 16), 1 / 3)), 0)


# what is refused


@pytest.mark.parametrize("measure", [perturbation_auc, saco])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(labels=[0, 1, 2, 3, 0, 4]), "each of 6 images, a whole number from 0 to 3; received 0 to 4"),
        (dict(labels=[0, 1, 2, 3, 0, -1]), "-1 to 3"),
        (dict(labels=[0, 1]), r"received int64 \(2,\)"),
        (dict(labels=np.ones(6)), "received float64"),
        (dict(token_scores=SCORES[:, :15]), r"\(6, 16\) or \(6, 4, 4\); received \(6, 15\)"),
        (dict(token_scores=np.ones((6, 17))), "Leave the class token's column out"),
        (dict(token_scores=SCORES[:5]), r"received \(5, 16\)"),
        (dict(token_scores=np.where(SCORES > 1, np.nan, SCORES)), "NaN or infinite"),
        (dict(images=IMAGES + 3), r"images in \[0, 1\]"),
    ],
)
def test_what_cannot_be_measured_is_told(model, measure, changes, told):
    arguments = dict(images=IMAGES, labels=LABELS, token_scores=SCORES) | changes
    with pytest.raises(ValueError, match=told):
        measure(model, **arguments)


@pytest.mark.parametrize("measure", [perturbation_auc, saco])
def test_models_that_cannot_be_measured_are_told(measure):
    with pytest.raises(ValueError, match="has no head"):
        measure(shared_model(num_classes=0), IMAGES, LABELS, SCORES)
    with pytest.raises(ValueError, match="Expected a VisionTransformer of the course; received a ResNet"):
        measure(ResNet(ResNetConfig(depth=8, width=4)), IMAGES, LABELS, SCORES)


def test_no_head_and_no_labels_is_told():
    with pytest.raises(ValueError, match="has no head"):
        saco(shared_model(num_classes=0), IMAGES, None, SCORES)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (dict(order="most"), '"most_first" or "least_first"; received \'most\''),
        (dict(convention="paper"), '"plain" or "authors"; received \'paper\''),
        (dict(removed=[0, 17]), "from 0 to 16, the class token stays; received"),
        (dict(removed=[-1, 3]), "from 0 to 16"),
        (dict(removed=[0.0, 1.0]), "from 0 to 16"),
        (dict(removed=[]), "from 0 to 16"),
        (dict(removed=[4, 2]), "ascending order"),
        (dict(removed=[2, 2]), "ascending order"),
        (dict(removed=[2]), "two at least"),
        (dict(removed=[0, 3], convention="authors"), "from 1 to 15 patches"),
        (dict(removed=[3, 16], convention="authors"), "not none and not all; received 3 to 16"),
    ],
)
def test_options_of_the_curve_that_are_not_there(model, options, told):
    with pytest.raises(ValueError, match=told):
        perturbation_auc(model, IMAGES, LABELS, SCORES, **options)


def test_one_token_must_stay_where_no_class_token_does():
    with pytest.raises(ValueError, match="from 0 to 15, for one token must stay"):
        perturbation_auc(shared_model(pooling="mean"), IMAGES, LABELS, SCORES, removed=[0, 16])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (dict(num_groups=5), r"divides the 16 patches, one of \[2, 4, 8, 16\]; received 5"),
        (dict(num_groups=1), "received 1"),
        (dict(num_groups=True), "received True"),
        (dict(drop_ties="half"), '"neither" or "agree"; received \'half\''),
    ],
)
def test_options_of_saco_that_are_not_there(model, options, told):
    with pytest.raises(ValueError, match=told):
        saco(model, IMAGES, LABELS, SCORES, **options)


@pytest.mark.parametrize(
    ("salience", "drops", "told"),
    [
        ([1, 2], [1, 2, 3], r"received \(2,\) and \(3,\)"),
        ([1], [1], "two at least"),
        ([1, np.nan], [1, 2], "finite"),
    ],
)
def test_groups_that_do_not_fit_are_told(salience, drops, told):
    with pytest.raises(ValueError, match=told):
        salience_agreement(salience, drops)
