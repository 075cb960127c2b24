"""Relevance against finite differences of a slow network in float64, and what must not change it."""

import keras
import numpy as np
import pytest
from random_weights import with_random_weights
from scipy.special import erf, log_softmax, softmax

from helpers.analysis.relevance import add_up, class_relevance, legrad
from helpers.analysis.token_transformation import token_transformation, transformation_weights
from helpers.model.activations import activations
from helpers.model.checkpoints import named_weights
from helpers.model.vit import VisionTransformer, ViTConfig

IMAGES = np.random.default_rng(0).random((3, 8, 8, 3), dtype="float32")
CLASSES = np.array([2, 0, 1])


def make_model(**changes):
    config = dict(image_size=8, patch_size=4, hidden_dim=12, depth=2, num_heads=2, mlp_dim=16, num_classes=3)
    model = VisionTransformer(ViTConfig(**(config | dict(layer_scale=0.5) | changes)))
    return with_random_weights(model)


@pytest.fixture(scope="module")
def model():
    return make_model()


class Slow:
    """The end of one block in float64, one image at a time: from attention weights to what a head reads."""

    def __init__(self, model):
        self.config = model.config
        self.weights = {name: np.asarray(w, "float64") for name, w in named_weights(model).items()}
        self.run = activations(model, IMAGES, keep="all")

    def norm(self, x, name):
        x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6)
        return x * self.weights[f"{name}/gamma"] + self.weights[f"{name}/beta"]

    def dense(self, x, name):
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]

    def logits(self, x):
        return self.dense(self.norm(x, "norm"), "head")

    def branch(self, attention, block, image):
        """attention (num_heads, queries, keys) -> (queries, hidden_dim)."""
        mixed = np.concatenate(list(attention @ self.run.values[block, image].astype("float64")), axis=-1)
        out = self.dense(mixed, f"block_{block}/attention/output_projection")
        return out * self.scale(block, 1)

    def scale(self, block, number):
        found = [w for name, w in self.weights.items() if name.startswith(f"block_{block}/scale{number}/")]
        return found[0] if found else 1

    def stream(self, attention, block, image):
        queries = attention.shape[1]
        x = self.run.tokens[block, image, :queries].astype("float64") + self.branch(attention, block, image)
        hidden = self.dense(self.norm(x, f"block_{block}/norm2"), f"block_{block}/mlp/expand")
        hidden = hidden * (1 + erf(hidden / 2**0.5)) / 2
        return x + self.dense(hidden, f"block_{block}/mlp/contract") * self.scale(block, 2)

    def loss(self, row, block, image, name, at, double_softmax):
        read = self.branch(row, block, image) if at == "attention" else self.stream(row, block, image)
        logits = self.logits(read[0])
        return -log_softmax(softmax(logits) if double_softmax else logits)[name]

    def mean_score(self, attention, block, image, name):
        return self.logits(self.stream(attention, block, image).mean(axis=0))[name]


def slopes(function, where, step=1e-5):
    """(f(w + step) − f(w − step)) / (2 step) for every entry of w."""
    found = np.empty(where.shape)
    for index in np.ndindex(where.shape):
        changed = []
        for sign in (1, -1):
            moved = where.astype("float64").copy()
            moved[index] += sign * step
            changed.append(function(moved))
        found[index] = (changed[0] - changed[1]) / (2 * step)
    return found


@pytest.mark.parametrize("at", ["attention", "block"])
@pytest.mark.parametrize("double_softmax", [False, True])
def test_against_finite_differences(model, at, double_softmax):
    slow, depth = Slow(model), model.config.depth
    expected = np.empty((depth, 3, 2, 4))
    for block, image in np.ndindex(depth, 3):
        row = slow.run.attention_weights[block, image, :, :1]  # (num_heads, 1, keys)
        loss = lambda w, b=block, i=image: slow.loss(w, b, i, CLASSES[i], at, double_softmax)  # noqa: E731
        expected[block, image] = -slopes(loss, row)[:, 0, 1:]
    found = class_relevance(model, IMAGES, CLASSES, at=at, double_softmax=double_softmax)
    assert found.shape == (depth, 3, 2, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_legrad_against_finite_differences(model):
    slow, sums = Slow(model), np.zeros((3, 4))
    for block, image in np.ndindex(model.config.depth, 3):
        attention = slow.run.attention_weights[block, image]
        score = lambda w, b=block, i=image: slow.mean_score(w, b, i, CLASSES[i])  # noqa: E731
        found = np.maximum(slopes(score, attention), 0)  # (num_heads, queries, keys)
        sums[image] += found.mean(axis=(0, 1))[1:]
    low, high = sums.min(axis=1, keepdims=True), sums.max(axis=1, keepdims=True)
    found = legrad(model, IMAGES, CLASSES)
    np.testing.assert_allclose(found, (sums - low) / (high - low), atol=2e-3)
    assert (found.min(axis=1) == 0).all() and (found.max(axis=1) == 1).all()


@pytest.mark.parametrize("at", ["attention", "block"])
def test_what_all_classes_are_owed_is_nothing(model, at):
    """Σ over classes of p_c · ∂ log p_c = ∂ Σ p_c = 0, with each block's own probabilities."""
    slow, total = Slow(model), 0
    for name in range(3):
        found = class_relevance(model, IMAGES, np.full(3, name), at=at)
        for block, image in np.ndindex(*found.shape[:2]):
            row = slow.run.attention_weights[block, image, :, :1].astype("float64")
            probability = np.exp(-slow.loss(row, block, image, name, at, False))
            found[block, image] *= probability
        total = total + found
    np.testing.assert_allclose(total, 0, atol=1e-5)


def test_more_attention_where_relevance_is_highest_lowers_the_loss(model):
    slow, found = Slow(model), class_relevance(model, IMAGES, CLASSES)
    head, patch = np.unravel_index(found[1, 0].argmax(), found[1, 0].shape)
    row = slow.run.attention_weights[1, 0, :, :1].astype("float64")
    more = row.copy()
    more[head, 0, 1 + patch] += 1e-3
    before, after = (slow.loss(w, 1, 0, CLASSES[0], "attention", False) for w in (row, more))
    assert found[1, 0].max() > 0 and after < before


def test_the_second_softmax_hides_a_class_without_probability(model):
    """Where the network is sure of another class, the loss of a softmax of a softmax is nearly level."""
    sure = make_model()
    sure.head.bias.assign(np.array([30, 0, 0], "float32"))
    once = np.abs(class_relevance(sure, IMAGES, np.full(3, 1))).max()
    twice = np.abs(class_relevance(sure, IMAGES, np.full(3, 1), double_softmax=True)).max()
    assert once > 0.01 and twice < 1e-6 * once


@pytest.mark.parametrize("method", [class_relevance, legrad])
def test_batches_and_bytes_change_nothing(model, method):
    whole = method(model, IMAGES, CLASSES)
    for size in (1, 2):
        np.testing.assert_allclose(
            method(model, IMAGES, CLASSES, batch_size=size), whole, rtol=1e-3, atol=1e-5
        )
    as_bytes = np.round(IMAGES * 255).astype("uint8")
    np.testing.assert_allclose(
        method(model, as_bytes, CLASSES),
        method(model, as_bytes.astype("float32") / 255, CLASSES),
        rtol=1e-3,
        atol=1e-5,
    )


def test_patches_that_change_places_take_their_relevance_along(model):
    """With their position embeddings, so that only the order of the tokens is another."""
    order = np.array([2, 0, 3, 1])
    cells = IMAGES.reshape(3, 2, 4, 2, 4, 3).swapaxes(2, 3).reshape(3, 4, 4, 4, 3)[:, order]
    moved = cells.reshape(3, 2, 2, 4, 4, 3).swapaxes(2, 3).reshape(3, 8, 8, 3)
    other = make_model()
    position = other.class_token_and_position.position_embedding
    position.assign(keras.ops.convert_to_numpy(position)[:, np.r_[0, 1 + order]])
    methods = {
        "relevance": lambda m, x: class_relevance(m, x, CLASSES),
        "legrad": lambda m, x: legrad(m, x, CLASSES),
        "transformation": lambda m, x: token_transformation(m, x),
    }
    for name, method in methods.items():
        np.testing.assert_allclose(
            method(other, moved), method(model, IMAGES)[..., order], rtol=1e-3, atol=1e-5, err_msg=name
        )


def test_sums():
    relevance = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(add_up(relevance, "head"), relevance)
    np.testing.assert_array_equal(add_up(relevance, "block")[1, 2], relevance[1, 2].sum(axis=0))
    np.testing.assert_array_equal(add_up(relevance)[2], relevance[:, 2].sum(axis=(0, 1)))


def test_legrad_takes_mean_pooling():
    found = legrad(make_model(pooling="mean"), IMAGES, CLASSES)
    assert found.shape == (3, 4) and found.max() == 1


# TokenTM


def test_what_survives_by_hand():
    before = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    after = np.array([[6.0, 8.0], [0.0, 3.0], [1.0, 0.0]])
    mean = (np.e + 1 + 1) / 3  # cosines 1, 0, and 0 for a token that points nowhere
    np.testing.assert_allclose(
        transformation_weights(before, after), [2 * np.e / mean, 3 / mean, 0], rtol=1e-6
    )


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
def test_token_transformation_against_a_forward_loop(pooling):
    model = make_model(pooling=pooling)
    slow, found = Slow(model), token_transformation(model, IMAGES, batch_size=2)
    run = slow.run
    for image in range(3):
        traced = np.diag(np.linalg.norm(run.tokens[0, image].astype("float64"), axis=-1))
        for block in range(2):
            before = run.tokens[block, image].astype("float64")
            number = len(before)
            alone = np.broadcast_to(np.eye(number), (2, number, number))  # each token looks at itself
            passed = slow.branch(alone, block, image)
            bias = slow.weights[f"block_{block}/attention/output_projection/bias"] * slow.scale(block, 1)
            weights = transformation_weights(before, passed - bias)
            attention = run.attention_weights[block, image].mean(axis=0)
            traced = (attention @ np.diag(weights) + np.eye(number)) @ traced
            middle = before + run.attention_output[block, image]
            weights = transformation_weights(middle, run.mlp_output[block, image].astype("float64"))
            traced = (np.diag(weights) + np.eye(number)) @ traced
        expected = traced[0, 1:] if pooling == "class_token" else traced.mean(axis=0)
        np.testing.assert_allclose(found[image], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: class_relevance(make_model(pooling="mean"), IMAGES, CLASSES), "with a class token"),
        (lambda m: class_relevance(make_model(num_classes=0), IMAGES, CLASSES), "a model with a head"),
        (lambda m: legrad(make_model(num_classes=0), IMAGES, CLASSES), "a model with a head"),
        (lambda m: class_relevance("cat", IMAGES, CLASSES), "Expected a VisionTransformer"),
        (lambda m: class_relevance(m, IMAGES, CLASSES + 1), "from 0 to 2; received"),
        (lambda m: class_relevance(m, IMAGES, [0, 1]), "one label for each of 3 images"),
        (lambda m: class_relevance(m, IMAGES, CLASSES, at="head"), 'at is "attention"'),
        (lambda m: class_relevance(m, IMAGES, CLASSES, batch_size=0), "batch_size"),
        (lambda m: class_relevance(m, IMAGES[:, :4], CLASSES), r"expects images of shape"),
        (lambda m: class_relevance(m, IMAGES * np.nan, CLASSES), "NaN|finite"),
        (lambda m: add_up(np.zeros((2, 3, 4))), "Expected relevance"),
        (lambda m: add_up(np.zeros((2, 3, 4, 5)), "image"), "per is"),
        (lambda m: transformation_weights(np.zeros((2, 3)), np.zeros((3, 2))), "before and after"),
    ],
)
def test_what_cannot_be_asked(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)
