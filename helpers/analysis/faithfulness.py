"""Does a map show what the model uses? Take the tokens away that it names, and see what the model loses.

Three measures of any map with one number a patch: the accuracy while patches go, the most important first or
the least, with its area; and SaCo, which asks of each image whether what scores more also matters more.
"""

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.token_removal import (
    check_counts,
    check_labels,
    check_scores,
    logits_of_none_and_all,
    logits_without,
    rank_patches,
)
from helpers.model.kinds import expect_vit

ORDERS = ("most_first", "least_first")
CONVENTIONS = ("plain", "authors")
DROP_TIES = ("neither", "agree")


def perturbation_auc(
    model, images, labels, token_scores, order="most_first", *, convention="plain", removed=None
):
    """Remove image tokens in the order of a map, measure the accuracy on the way, and the area below it.

    The tokens go after the position embedding and the class token stays (Vilas et al. 2023,
    https://arxiv.org/abs/2310.18969, section 7). With "most_first" a good map lets the accuracy fall at once:
    a low area is good. With "least_first" it holds the accuracy up: a high area is good.

    "plain": the first point has nothing removed, the last every patch (all but one without a class token);
    the area is that of the trapezoids divided by its width, so that an accuracy that stays is its own area.
    "authors", as in the paper's public code: from one patch removed to all but one, which is num_patches − 1
    points; sum of the accuracies / (their maximum · num_patches). Even an accuracy that stays at 1 has an
    area of (num_patches − 1) / num_patches, and a model that is bad but steady the same as one that is good.

    Args:
        model: VisionTransformer with a head.
        images: (batch, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        labels: int (batch,), the true classes.
        token_scores: float (batch, num_patches) or (batch, grid, grid), any map, high is important. Of equal
            scores lots are drawn, always the same.
        order: "most_first" (positive perturbation) or "least_first" (negative).
        convention: "plain" or "authors".
        removed: numbers of patches to remove, ascending; None for all that the convention has. Of fewer
            points the authors' area is sum / (maximum · (points + 1)).
    Returns:
        curve: float64 (len(removed),), the accuracy in [0, 1]; auc: float in [0, 1].
    Raises:
        ValueError: for a model without a head, labels outside the classes, scores of another shape or not
            finite, an unknown order or convention, or numbers that the convention or the model has not.
    """
    expect_vit(model)
    removed = check_removed(removed, model.config, convention)
    hits = perturbation_hits(model, images, labels, token_scores, order, removed=removed)
    curve = hits.mean(axis=-1)
    return curve, float(area_under(curve, removed, convention))


def perturbation_hits(model, images, labels, token_scores, order="most_first", *, removed, known=None):
    """Say for each number of removed tokens which images are classified correctly.

    Args:
        removed: numbers of patches to remove; the others as in `perturbation_auc`.
        known: logits that no order changes, from `logits_of_none_and_all`; with many maps of the same images
            a fourth of the work.
    Returns:
        bool (len(removed), batch); its mean over the images is the curve of `perturbation_auc`.
    Raises:
        ValueError: as `perturbation_auc`.
    """
    expect_vit(model)
    labels = check_labels(labels, len(images), model.config)
    scores = check_scores(token_scores, len(images), model.config)
    if order not in ORDERS:
        raise ValueError(f'Expected an order of "most_first" or "least_first"; received {order!r}.')
    ranked = rank_patches(scores)
    ranked = ranked if order == "most_first" else ranked[:, ::-1]
    return logits_without(model, images, ranked, removed, known=known).argmax(axis=-1) == labels


def check_removed(removed, config, convention):
    """Give the numbers of patches to remove, int (n,): those asked for, or all that the convention has.

    Args:
        removed, convention: as in `perturbation_auc`; config: ViTConfig.
    Raises:
        ValueError: for an unknown convention; numbers that do not ascend, or are not there; fewer than two
            for "plain"; for "authors" 0, or every patch.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f'Expected a convention of "plain" or "authors"; received {convention!r}.')
    plain = convention == "plain"
    if removed is None:
        return np.arange(int(not plain), config.num_patches + (plain and config.has_class_token))
    found = check_counts(removed, config)
    if (np.diff(found) <= 0).any() or (plain and len(found) < 2):
        raise ValueError(
            f"Expected numbers of patches in ascending order, each once{', two at least' if plain else ''}; "
            f"received {found.tolist()}."
        )
    if not plain and (found[0] == 0 or found[-1] == config.num_patches):
        raise ValueError(
            f'The "authors" remove from 1 to {config.num_patches - 1} patches, not none and not all; '
            f'received {found[0]} to {found[-1]}. Take the convention "plain", or leave the ends out.'
        )
    return found


def area_under(curve, removed, convention="plain"):
    """Measure the area under accuracies, as `perturbation_auc` says.

    Args:
        curve: float (..., points), accuracies in [0, 1].
        removed: (points,), how many patches are gone at each point.
        convention: "plain" or "authors".
    Returns:
        float64 (...,) in [0, 1]. A curve of 0 has an area of 0 in both conventions.
    """
    curve, removed = np.asarray(curve, "float64"), np.asarray(removed, "float64")
    if convention == "plain":
        return np.trapezoid(curve, removed, axis=-1) / (removed[-1] - removed[0])
    most = curve.max(axis=-1)
    return curve.sum(axis=-1) / (np.where(most > 0, most, 1) * (curve.shape[-1] + 1))


def saco(model, images, labels, token_scores, *, num_groups=None, drop_ties="neither", known=None):
    """Ask of each image whether groups of patches that score more also matter more: SaCo.

    The patches are ordered by score and cut into groups of the same size. s_i is the sum of a group's scores,
    d_i the drop of the class's probability when that group alone is removed, and
    SaCo = Σ over pairs (s_i − s_j) · sign(d_i − d_j) / Σ over pairs |s_i − s_j|, see `salience_agreement`
    (Wu et al. 2024, "On the Faithfulness of Vision Transformer Explanations", CVPR,
    https://arxiv.org/abs/2404.01415). 1: the drops follow the scores; 0: they have nothing to do with them,
    as those of a random map on average; −1: they run against them.

    Args:
        model, images, token_scores: as in `perturbation_auc`.
        labels: int (batch,), the classes whose probability drops; None for those that the model predicts, as
            the authors do.
        num_groups: how many groups, a divisor of the patches from 2 on; None for as many as the grid has
            rows: 8 groups of 8 of 64 patches. With unequal groups an even map would not have even sums.
        drop_ties: see `salience_agreement`.
        known: as in `perturbation_hits`.
    Returns:
        float64 (batch,) in [−1, 1]; 0 for a map that gives all groups the same.
    Raises:
        ValueError: as `perturbation_auc`; for a number of groups that does not divide the patches, or an
            unknown choice for ties.
    """
    expect_vit(model)
    config, num_images = model.config, len(images)
    if labels is not None or not config.num_classes:
        labels = check_labels(labels, num_images, config)
    scores = check_scores(token_scores, num_images, config)
    groups = config.grid_size if num_groups is None else num_groups
    divisors = [n for n in range(2, config.num_patches + 1) if config.num_patches % n == 0]
    if isinstance(groups, bool) or groups not in divisors:
        raise ValueError(
            f"Expected num_groups that divides the {config.num_patches} patches, one of {divisors}; received "
            f"{num_groups!r}."
        )
    whole = known[0] if known and 0 in known else logits_of_none_and_all(model, images, [0])[0]
    labels = whole.argmax(axis=-1) if labels is None else labels
    ranked = rank_patches(scores)
    size = config.num_patches // groups
    salience = np.take_along_axis(scores, ranked, axis=-1).reshape(num_images, groups, size).sum(axis=-1)
    kept = [_probability(whole, labels)]
    for group in range(groups):
        group_first = np.roll(ranked, -group * size, axis=-1)
        kept.append(_probability(logits_without(model, images, group_first, [size])[0], labels))
    drops = kept[0] - np.stack(kept[1:])  # (groups, batch)
    return salience_agreement(salience, drops.T, drop_ties=drop_ties)


def salience_agreement(salience, drops, *, drop_ties="neither"):
    """Weigh by the difference in salience whether each pair of groups drops in the same order: SaCo.

    A pair of equal salience weighs nothing, so that a map with all groups equal has no pair that counts: 0.
    A pair of equal drops neither agrees nor disagrees by default: it adds to the weights below the line
    alone, and a map turned upside down gets the same number with the other sign. The authors' public code
    counts it as an agreement ("agree"), and stops at an even map.

    Args:
        salience: float (..., groups), summed scores; drops: float, the same shape.
        drop_ties: "neither" or "agree".
    Returns:
        float64 (...,) in [−1, 1].
    Raises:
        ValueError: if the shapes differ, a value is not finite, or for an unknown choice for ties.
    """
    salience, drops = as_array(salience).astype("float64"), as_array(drops).astype("float64")
    if salience.shape != drops.shape or not salience.ndim or salience.shape[-1] < 2:
        raise ValueError(
            "Expected the salience and the drops of the same groups, two at least; received "
            f"{salience.shape} and {drops.shape}."
        )
    if not (np.isfinite(salience).all() and np.isfinite(drops).all()):
        raise ValueError("Expected finite salience and drops; received NaN or infinity.")
    if drop_ties not in DROP_TIES:
        raise ValueError(f'Expected drop_ties of "neither" or "agree"; received {drop_ties!r}.')
    first, second = np.triu_indices(salience.shape[-1], 1)
    weights = salience[..., first] - salience[..., second]
    agreement = np.sign(drops[..., first] - drops[..., second]) * np.sign(weights)
    if drop_ties == "agree":
        agreement = np.where(drops[..., first] == drops[..., second], 1, agreement)
    weights = np.abs(weights)
    total = weights.sum(axis=-1)
    return (weights * agreement).sum(axis=-1) / np.where(total > 0, total, 1)


def _probability(logits, labels):
    """Give the softmax probability of one class an image: (batch, num_classes) to (batch,)."""
    shifted = np.exp(logits.astype("float64") - logits.max(axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True))[np.arange(len(labels)), labels]
