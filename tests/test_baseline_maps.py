"""Each baseline map against the function of the course that defines it, on the numbers of `activations`."""

import numpy as np
import pytest
from keras import ops
from random_weights import with_random_weights

from helpers.analysis.baseline_maps import BY_ATTENTION, NAMES, baseline_maps, untrained_twin
from helpers.analysis.linear_probe import fit_probes
from helpers.analysis.regions import centre_map
from helpers.analysis.rollout import attention_rollout, gradient_rollout
from helpers.model.activations import activations
from helpers.model.gradients import attention_gradients
from helpers.model.vit import VisionTransformer, ViTConfig

SIZES = dict(image_size=16, patch_size=4, hidden_dim=12, depth=3, num_heads=2, mlp_dim=16, num_classes=4)
IMAGES = np.random.default_rng(0).random((6, 16, 16, 3), dtype="float32")
LABELS = np.array([0, 1, 2, 3, 0, 1])
PROBE_IMAGES = np.random.default_rng(5).random((20, 16, 16, 3), dtype="float32")
PROBE_LABELS = np.repeat(np.arange(4), 5)


def make_model(**changes):
    model = VisionTransformer(ViTConfig(**(SIZES | changes)))
    return with_random_weights(model)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def maps(model):
    given = dict(probe_images=PROBE_IMAGES, probe_labels=PROBE_LABELS)
    return baseline_maps(model, IMAGES, LABELS, batch_size=4, **given)  # the last batch is smaller


def by_attention(model, images, labels):
    """The four maps by the course's own functions, in NumPy."""
    weights = activations(model, images).attention_weights
    gradients = attention_gradients(model, images, labels)
    rows = (
        weights[-1].mean(axis=1),
        attention_rollout(weights),
        gradient_rollout(weights, gradients, normalise=True),
        gradient_rollout(weights, gradients),
    )
    return {name: row[:, 0, 1:] for name, row in zip(BY_ATTENTION, rows)}


def test_all_maps_have_their_names_and_one_number_a_patch(maps):
    assert tuple(maps) == NAMES
    for name, values in maps.items():
        assert values.dtype == np.float32, name
        assert values.shape == ((10, 6, 16) if name == "random" else (6, 16)), name


def test_maps_by_attention(model, maps):
    for name, expected in by_attention(model, IMAGES, LABELS).items():
        np.testing.assert_allclose(maps[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


def test_maps_of_untrained_weights(model, maps):
    twin = untrained_twin(model, seed=0)
    for name, expected in by_attention(twin, IMAGES, LABELS).items():
        np.testing.assert_allclose(maps[f"{name}, untrained"], expected, rtol=1e-3, atol=1e-7, err_msg=name)


def test_an_untrained_twin_has_nothing_of_the_model_but_its_sizes(model):
    twin, again, other = (untrained_twin(model, seed) for seed in (0, 0, 1))
    assert twin.config == model.config
    for weight, same, differs, trained in zip(twin.weights, again.weights, other.weights, model.weights):
        values = ops.convert_to_numpy(weight)
        np.testing.assert_array_equal(values, ops.convert_to_numpy(same))
        assert np.abs(values - ops.convert_to_numpy(trained)).max() > 0.1
        name = weight.path.split("/")[-1]
        if name in ("kernel", "position_embedding"):
            assert 0 < np.abs(values).max() <= 0.04 and abs(values.mean()) < 0.01
            assert (values != ops.convert_to_numpy(differs)).any()
        else:
            assert (values == (1 if name == "gamma" else 0)).all()


def test_the_probe_scores_each_token_of_the_last_block_for_the_label(model, maps):
    probes = fit_probes(activations(model, PROBE_IMAGES).tokens[-1], PROBE_LABELS)
    tokens = activations(model, IMAGES).tokens[-1]
    for image, label in enumerate(LABELS):
        for patch in range(16):
            score = (
                tokens[image, 1 + patch] @ probes.weights[1 + patch][:, label] + probes.bias[1 + patch, label]
            )
            assert maps["linear probe"][image, patch] == pytest.approx(score, rel=1e-3, abs=1e-3)


def test_chance_and_the_centre(model, maps):
    np.testing.assert_allclose(maps["centre"], np.tile(centre_map((4, 4)).ravel(), (6, 1)), rtol=1e-6)
    again = baseline_maps(model, IMAGES, LABELS, names="random")["random"]
    np.testing.assert_array_equal(again, maps["random"])
    assert len(np.unique(again)) > 950 and abs(again.mean() - 0.5) < 0.05


def test_labels_of_probes_may_stand_for_other_numbers(model, maps):
    """Without class 0 among them, the second class is the first that was fitted."""
    given = dict(probe_images=PROBE_IMAGES[5:], probe_labels=PROBE_LABELS[5:])
    some = LABELS > 0
    found = baseline_maps(model, IMAGES[some], LABELS[some], names="linear probe", **given)["linear probe"]
    probes = fit_probes(activations(model, PROBE_IMAGES[5:]).tokens[-1], PROBE_LABELS[5:])
    tokens = activations(model, IMAGES[some]).tokens[-1]
    score = tokens[0, 3] @ probes.weights[3][:, 0] + probes.bias[3, 0]
    assert found[0, 2] == pytest.approx(score, rel=1e-3, abs=1e-3)
    with pytest.raises(ValueError, match=r"received none of \[0\]"):
        baseline_maps(model, IMAGES, LABELS, names="linear probe", **given)


def test_without_images_for_probes_there_is_no_probe(model):
    assert "linear probe" not in baseline_maps(model, IMAGES[:2], LABELS[:2])


def test_mean_pooling_has_the_maps_that_need_no_class_token():
    model = make_model(pooling="mean")
    given = dict(probe_images=PROBE_IMAGES, probe_labels=PROBE_LABELS)
    found = baseline_maps(model, IMAGES, LABELS, names=("linear probe", "random", "centre"), **given)
    assert list(found) == ["random", "centre", "linear probe"]
    probes = fit_probes(activations(model, PROBE_IMAGES).tokens[-1], PROBE_LABELS)
    score = activations(model, IMAGES).tokens[-1, 2, 7] @ probes.weights[7][:, 2] + probes.bias[7, 2]
    assert found["linear probe"][2, 7] == pytest.approx(score, rel=1e-3, abs=1e-3)
    for names in (None, ["rollout"], ["raw attention, untrained"]):
        with pytest.raises(ValueError, match="a map of the class token, and this model pools the mean"):
            baseline_maps(model, IMAGES, LABELS, names=names)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(names=["rolout"]), "no map 'rolout': expected some of random, centre"),
        (dict(names=["linear probe"]), "needs probe_images and probe_labels"),
        (dict(labels=[0, 1, 2, 3, 0, 9]), "a whole number from 0 to 3"),
        (dict(images=IMAGES + 3), r"images in \[0, 1\]"),
    ],
)
def test_what_cannot_be_mapped_is_told(model, changes, told):
    with pytest.raises(ValueError, match=told):
        baseline_maps(model, **(dict(images=IMAGES, labels=LABELS) | changes))


def test_a_model_without_a_head_is_told():
    with pytest.raises(ValueError, match="has no head"):
        baseline_maps(make_model(num_classes=0), IMAGES, LABELS)
