"""The learning rate, by hand; the recipes; mimetic initialisation against its definition."""

import numpy as np
import pytest
from keras import ops

from helpers.model.checkpoints import load_checkpoint, named_weights
from helpers.model.vit import VisionTransformer, ViTConfig
from helpers.train.initialisation import (
    mimetic_initialisation,
    sincos_positions,
    split_product,
    untrained_twin,
)
from helpers.train.recipe import RECIPES, Recipe, find_recipe
from helpers.train.reference import load_reference
from helpers.train.schedule import WarmupCosine, warmup_cosine


@pytest.mark.parametrize(
    "step, rate",
    [
        (0, 0.1),
        (4, 0.5),
        (9, 1.0),
        (10, 1.0),
        (60, 0.5),
        (35, 0.5 * (1 + np.cos(np.pi / 4))),
        (110, 0.0),
        (500, 0.0),
    ],
)
def test_rates_by_hand(step, rate):
    found = float(warmup_cosine(step, peak=1.0, warmup_steps=10, total_steps=110))
    assert found == pytest.approx(rate, abs=1e-6)


def test_no_warm_up_starts_at_the_peak():
    assert float(warmup_cosine(0, peak=0.3, warmup_steps=0, total_steps=10)) == pytest.approx(0.3)


def test_the_schedule_object_is_the_function_and_round_trips():
    schedule = WarmupCosine(2e-3, 5, 50)
    again = WarmupCosine.from_config(schedule.get_config())
    for step in (0, 3, 5, 20, 50):
        assert float(again(step)) == pytest.approx(
            float(warmup_cosine(step, peak=2e-3, warmup_steps=5, total_steps=50))
        )


def test_recipes_are_found_and_changed():
    assert find_recipe("full").epochs == 300
    assert find_recipe("full", epochs=3).epochs == 3 and RECIPES["full"].epochs == 300
    assert {"laptop", "colab", "full"} <= set(RECIPES)


def test_the_kept_run_of_the_laptop_is_of_the_recipe_as_it_stands():
    run, recipe = load_reference("laptop"), find_recipe("laptop")
    assert Recipe(**run["recipe"]) == recipe and "--recipe laptop" in run["command"]
    assert run["finished"] and len(run["history"]) == run["passes"] == recipe.epochs
    assert run["num_test_images"] == 10_000 and "CIFAR-10" in run["data"] and run["hardware"] and run["date"]
    assert abs(run["history"][-1]["test_accuracy"] - run["test_accuracy"]) < 0.002  # kept in 16 bits
    assert sum(entry["seconds"] for entry in run["history"]) == pytest.approx(run["seconds"], abs=1)


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda: find_recipe("best"), "laptop"),
        (lambda: find_recipe("full", passes=3), "epochs"),
        (lambda: Recipe("x", epochs=0), "epochs"),
        (lambda: Recipe("x", epochs=1, label_smoothing=1.0), "label_smoothing"),
        (lambda: Recipe("x", epochs=1, mix_until=1.5), "mix_until"),
        (lambda: Recipe("x", epochs=1, optimizer="sgd"), "muon"),
        (lambda: Recipe("x", epochs=1, initialisation="zeros"), "mimetic"),
    ],
)
def test_bad_recipes_are_told(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_a_product_is_split_evenly():
    matrix = np.random.default_rng(0).standard_normal((6, 6))
    left, right = split_product(matrix, 6)
    np.testing.assert_allclose(left @ right.T, matrix, atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(left), np.linalg.norm(right))
    left, right = split_product(matrix, 2)
    singular = np.linalg.svd(matrix)[1]
    assert np.linalg.norm(matrix - left @ right.T) == pytest.approx(
        np.sqrt((singular[2:] ** 2).sum())
    )  # Eckart-Young


def test_mimetic_products_look_like_the_papers():
    model = VisionTransformer(ViTConfig.variant("shapes/4"))
    mimetic_initialisation(model, seed=1)
    width = model.config.hidden_dim
    block = model.blocks[0]
    values = ops.convert_to_numpy(block.attention.qkv.kernel)[:, 2 * width :]
    product = values @ ops.convert_to_numpy(block.attention.output_projection.kernel)
    assert np.mean(np.diag(product)) == pytest.approx(-0.4, abs=0.05)
    off = product[~np.eye(width, dtype=bool)]
    assert np.std(off) == pytest.approx(0.4 / np.sqrt(width), rel=0.1)
    other = ops.convert_to_numpy(model.blocks[1].attention.qkv.kernel)
    assert np.abs(other[:, 2 * width :] - values).max() > 0.01


def test_a_token_first_looks_at_tokens_like_itself():
    model = VisionTransformer(ViTConfig.variant("shapes/4"))
    mimetic_initialisation(model)
    tokens = np.random.default_rng(0).standard_normal((1, 65, 64)).astype("float32") * 2
    weights = ops.convert_to_numpy(model.blocks[0].attention.weights_and_values(tokens)[0])
    itself = np.diagonal(weights, axis1=2, axis2=3).mean()
    assert itself > 2 / 65


def test_sincos_positions():
    positions = sincos_positions(4, 8)
    assert positions.shape == (16, 8)
    np.testing.assert_allclose(positions[0], [0, 0, 0, 0, 1, 1, 1, 1])  # row 0, column 0
    frequencies = np.array([1.0, 0.01])
    row, column = 2, 3
    angles = np.concatenate([row * frequencies, column * frequencies])
    np.testing.assert_allclose(positions[row * 4 + column], np.concatenate([np.sin(angles), np.cos(angles)]))
    with pytest.raises(ValueError, match="multiple of 4"):
        sincos_positions(4, 6)


@pytest.mark.parametrize("name", ["cifar/4", "resnet-shapes"])
def test_an_untrained_twin_is_given_by_its_seed_alone(name):
    def arrays(**options):
        return named_weights(untrained_twin(name, **options))

    first, same, other = arrays(seed=3), arrays(seed=3), arrays(seed=4)
    trained = named_weights(load_checkpoint(name))
    assert all((first[key] == same[key]).all() for key in first)
    for key, value in first.items():
        assert value.shape == trained[key].shape and np.isfinite(value).all()
        if key.endswith("kernel"):
            assert not np.allclose(value, other[key]) and not np.allclose(value, trained[key])


def test_an_untrained_twin_starts_as_its_recipe_says():
    plain = named_weights(untrained_twin("cifar/4", initialisation="plain"))
    mimetic = named_weights(untrained_twin("cifar/4"))
    assert np.std(plain["block_0/attention/qkv/kernel"]) == pytest.approx(0.0176, rel=0.05)  # 0.02, cut at 2
    assert np.abs(plain["block_0/mlp/expand/kernel"]).max() <= 0.04 + 1e-6
    assert np.std(mimetic["block_0/attention/qkv/kernel"]) > 2 * 0.0176
    he = named_weights(untrained_twin("resnet-shapes"))["stem/kernel"]
    assert np.std(he) == pytest.approx(0.88 * np.sqrt(2 / 27), rel=0.15)


def test_the_twin_of_an_unknown_network_is_told():
    with pytest.raises(ValueError, match="Unknown checkpoint 'cifar/5': expected one of"):
        untrained_twin("cifar/5")
