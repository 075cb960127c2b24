"""Scores of several maps against the single measures, and their intervals against what statistics say."""

import numpy as np
import pytest
from random_weights import with_random_weights

from helpers.analysis import faithfulness, token_removal
from helpers.analysis.faithfulness import area_under, perturbation_auc, perturbation_hits, saco
from helpers.analysis.map_scores import MEASURES, interval, lead, score_maps
from helpers.model.vit import VisionTransformer, ViTConfig

REMOVED = [0, 1, 3]
IMAGES = np.random.default_rng(0).random((30, 8, 8, 3), dtype="float32")
LABELS = np.random.default_rng(1).integers(0, 3, 30)
RNG = np.random.default_rng(2)
MAPS = {"random": RNG.random((3, 30, 4)), "one": RNG.random((30, 4)), "grid": RNG.random((30, 2, 2))}


@pytest.fixture(scope="module")
def model():
    sizes = dict(image_size=8, patch_size=4, hidden_dim=8, depth=1, num_heads=2, mlp_dim=8, num_classes=3)
    model = VisionTransformer(ViTConfig(**sizes))
    return with_random_weights(model, scale=0.7)


@pytest.fixture(scope="module")
def scores(model):
    return score_maps(model, IMAGES, LABELS, MAPS, removed=REMOVED)


def test_values_are_those_of_the_single_measures(model, scores):
    assert list(scores) == list(MAPS)
    for name, given in MAPS.items():
        each = list(given) if name == "random" else [given]
        for order in ("most_first", "least_first"):
            found = [perturbation_auc(model, IMAGES, LABELS, one, order, removed=REMOVED) for one in each]
            np.testing.assert_allclose(
                scores[name].curves[order], np.mean([curve for curve, _ in found], axis=0)
            )
            assert scores[name].values[order] == pytest.approx(np.mean([auc for _, auc in found]))
        expected = np.mean([saco(model, IMAGES, LABELS, one) for one in each])
        assert scores[name].values["saco"] == pytest.approx(expected)


def test_what_no_order_changes_is_run_once_for_all_maps(model, monkeypatch):
    """Nothing removed, and everything: the same logits for every map, in both orders and in SaCo."""
    run = []

    def note(*arguments, known=None, **others):
        run.extend(count for count in arguments[3] if count not in (known or {}))
        return token_removal.logits_without(*arguments, known=known, **others)

    monkeypatch.setattr(faithfulness, "logits_without", note)
    score_maps(model, IMAGES, LABELS, MAPS, removed=[0, 1, 4])
    draws = 3 + 1 + 1
    assert sorted(set(run)) == [1, 2] and run.count(1) == 2 * draws and run.count(2) == 2 * draws


def test_the_logits_that_no_order_changes(model):
    known = token_removal.logits_of_none_and_all(model, IMAGES, [0, 1, 4])
    assert list(known) == [0, 4]
    np.testing.assert_allclose(known[0], model(IMAGES), atol=1e-5)
    ranked = np.tile([3, 1, 0, 2], (len(IMAGES), 1))
    np.testing.assert_allclose(
        known[4], token_removal.logits_without(model, IMAGES, ranked, [4])[0], atol=1e-5
    )
    assert token_removal.logits_of_none_and_all(model, IMAGES, [1, 2]) == {}


def test_the_authors_convention_divides_each_draw_and_each_resample_by_its_own_maximum(model):
    found = score_maps(model, IMAGES, LABELS, MAPS, convention="authors", resamples=3)["random"]
    aucs = [
        perturbation_auc(model, IMAGES, LABELS, one, "least_first", convention="authors")[1]
        for one in MAPS["random"]
    ]
    assert found.values["least_first"] == pytest.approx(np.mean(aucs))
    weights = np.random.default_rng(0).multinomial(30, [1 / 30] * 30, 3) / 30
    hits = [
        perturbation_hits(model, IMAGES, LABELS, one, "least_first", removed=[1, 2, 3])
        for one in MAPS["random"]
    ]
    expected = [np.mean([area_under(each @ row, [1, 2, 3], "authors") for each in hits]) for row in weights]
    np.testing.assert_allclose(found.resampled["least_first"], expected)


def test_intervals_are_as_wide_as_the_standard_error_says(model, scores):
    """A mean of 30 images: 2 · 1.96 standard errors wide, and the curve's area is a mean over images too."""
    coefficients = saco(model, IMAGES, LABELS, MAPS["one"])
    hits = perturbation_hits(model, IMAGES, LABELS, MAPS["one"], removed=REMOVED)
    areas = area_under(hits.T, REMOVED)
    for measure, values in (("saco", coefficients), ("most_first", areas)):
        low, high = scores["one"].intervals[measure]
        assert low < scores["one"].values[measure] < high
        assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(30), rel=0.15)


def test_a_lead_compares_the_same_images(scores):
    for measure in MEASURES:
        assert lead(scores, "one", "one", measure) == (0, 0, 0)
        difference, low, high = lead(scores, "one", "grid", measure)
        assert difference == scores["one"].values[measure] - scores["grid"].values[measure]
        back = lead(scores, "grid", "one", measure)
        np.testing.assert_allclose(back, (-difference, -high, -low))
    with pytest.raises(ValueError, match="no map 'other': expected some of random, one, grid"):
        lead(scores, "one", "other", "saco")
    with pytest.raises(ValueError, match="most_first, least_first, saco; received 'auc'"):
        lead(scores, "one", "grid", "auc")


def test_the_middle_95_percent():
    np.testing.assert_allclose(interval(np.arange(1001)), (25, 975))


@pytest.mark.parametrize("maps", [{}, None, [MAPS["one"]]])
def test_no_maps_are_told(model, maps):
    with pytest.raises(ValueError, match="maps as {name: scores}"):
        score_maps(model, IMAGES, LABELS, maps)


def test_a_map_of_another_length_is_told(model):
    with pytest.raises(
        ValueError, match=r"\(30, 4\) or \(30, 2, 2\); received \(30, 5\).*class token's column"
    ):
        score_maps(model, IMAGES, LABELS, {"wrong": np.ones((30, 5))})
