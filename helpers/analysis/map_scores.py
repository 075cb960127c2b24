"""All maps on one footing: both removal curves, their areas and SaCo, each with what chance leaves open."""

import dataclasses

import numpy as np

from helpers.analysis.faithfulness import area_under, check_removed, perturbation_hits, saco
from helpers.analysis.token_removal import check_labels, logits_of_none_and_all
from helpers.model.kinds import expect_vit

MEASURES = ("most_first", "least_first", "saco")
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class MapScores:
    """What one map is worth.

    Attributes:
        curves: {"most_first" or "least_first": (points,)}, the accuracy while patches go.
        values: {measure: float}, the areas under both curves and "saco", the mean over the images.
        intervals: {measure: (low, high)}, the middle 95 % of the values of resampled images.
        resampled: {measure: (resamples,)}, those values; entry i of every map belongs to the same images.
    """

    curves: dict
    values: dict
    intervals: dict
    resampled: dict


def score_maps(
    model,
    images,
    labels,
    maps,
    *,
    convention="plain",
    removed=None,
    num_groups=None,
    resamples=RESAMPLES,
    seed=0,
):
    """Measure many maps of the same images: `perturbation_auc` in both orders, and `saco` of the labels.

    The intervals are bootstrap intervals over the images (Efron 1979): the images are drawn again with
    replacement, the same draws for every map, so that the maps can be compared pair by pair with `lead`. They
    say what other images might have given, not what another training of the network would.

    Args:
        model, images, labels, convention, removed, num_groups: as in `perturbation_auc` and `saco`.
        maps: {name: (batch, num_patches) or (batch, grid, grid)}; or (draws, batch, num_patches), whose
            measures are averaged over the draws, as those of chance.
        resamples: how often the images are drawn again.
        seed: int.
    Returns:
        {name: MapScores}, in the order of the maps.
    Raises:
        ValueError: if there is no map, and as `perturbation_auc` and `saco`.
    """
    expect_vit(model)
    labels = check_labels(labels, len(images), model.config)
    removed = check_removed(removed, model.config, convention)
    if not isinstance(maps, dict) or not maps:
        raise ValueError("Expected maps as {name: scores}, such as baseline_maps gives them; received none.")
    draws = np.random.default_rng(seed).multinomial(len(labels), [1 / len(labels)] * len(labels), resamples)
    draws = draws / len(labels)  # (resamples, batch), each row sums to 1
    known = logits_of_none_and_all(model, images, [0, *removed])
    found = {}
    for name, scores in maps.items():
        drawn = np.shape(scores)[1:] == (len(images), model.config.num_patches)
        each = list(scores) if drawn else [scores]
        curves, values, resampled = {}, {}, {}
        for order in ("most_first", "least_first"):
            given = {"removed": removed, "known": known}
            hits = [perturbation_hits(model, images, labels, one, order, **given) for one in each]
            hits = np.array(hits, "float64")  # (draws, points, batch)
            curves[order] = hits.mean(axis=(0, 2))
            values[order] = float(area_under(hits.mean(axis=2), removed, convention).mean())
            areas = area_under(draws @ hits.swapaxes(1, 2), removed, convention)  # (draws, resamples)
            resampled[order] = areas.mean(axis=0)
        given = {"num_groups": num_groups, "known": known}
        coefficients = np.mean([saco(model, images, labels, one, **given) for one in each], axis=0)
        values["saco"], resampled["saco"] = float(coefficients.mean()), draws @ coefficients
        intervals = {measure: interval(resampled[measure]) for measure in MEASURES}
        found[name] = MapScores(curves, values, intervals, resampled)
    return found


def lead(scores, name, over, measure):
    """Say by how much a map's measure is above another's, on the same images.

    Args:
        scores: as `score_maps` gives them; name, over: two of its maps; measure: one of `MEASURES`.
    Returns:
        difference, low, high: float; an interval without 0 says that other images would hardly turn it over.
    Raises:
        ValueError: for a map or a measure that is not there.
    """
    if missing := [each for each in (name, over) if each not in scores]:
        raise ValueError(f"There is no map {missing[0]!r}: expected some of {', '.join(scores)}.")
    if measure not in MEASURES:
        raise ValueError(f"Expected a measure of {', '.join(MEASURES)}; received {measure!r}.")
    one, other = scores[name], scores[over]
    low, high = interval(one.resampled[measure] - other.resampled[measure])
    return one.values[measure] - other.values[measure], low, high


def interval(values):
    """Give the middle 95 % of resampled values: (low, high)."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
