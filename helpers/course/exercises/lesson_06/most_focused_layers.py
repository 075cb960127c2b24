"""Find the layers that look at the object."""

import numpy as np

from helpers.course.exercise import Exercise, Mutant
from helpers.course.exercises.lesson_06.made import attention


def _focus_cases():
    rng = np.random.default_rng(68)

    def masks(batch, height, width):
        masks = rng.random((batch, height, width)) < 0.3
        masks[:, : height // 2, : width // 3] = True
        return masks

    return [
        (attention(69, 4, 2, 3, 10, 10), masks(2, 12, 12), 4),
        (attention(70, 5, 3, 2, 17, 17), masks(3, 8, 8), 2),
        (attention(71, 3, 2, 2, 10, 10), masks(2, 6, 6)[0], 2),
    ]


def _coverage(region, patch_size):
    region = np.asarray(region)[None] if np.ndim(region) == 2 else np.asarray(region)
    rows, columns = region.shape[1] // patch_size, region.shape[2] // patch_size
    patches = region.reshape(len(region), rows, patch_size, columns, patch_size).astype("float64")
    return patches.mean(axis=(2, 4)).reshape(len(region), -1)  # (batch or 1, num_patches)


def _ranked(shares):
    return np.argsort(-shares, kind="stable"), shares


def _looked(attention_weights):
    return attention_weights[..., 0, 1:].astype("float64").mean(axis=2)  # (depth, batch, num_patches)


def _shares(looked, coverage):
    return (looked * coverage).sum(axis=-1) / looked.sum(axis=-1)  # (depth, batch)


def _focus_least_first(attention_weights, region, patch_size=None):
    shares = _shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1)
    return np.argsort(shares, kind="stable"), shares


def _focus_from_one(attention_weights, region, patch_size=None):
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return layers + 1, shares


def _focus_shares_sorted(attention_weights, region, patch_size=None):
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return layers, shares[layers]


def _focus_swapped(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))[::-1]


def _focus_not_renormalised(attention_weights, region, patch_size=None):
    return _ranked((_looked(attention_weights) * _coverage(region, patch_size)).sum(axis=-1).mean(axis=1))


def _focus_any_touch(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size) > 0).mean(axis=1))


def _focus_all_queries(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 1:, 1:].astype("float64").mean(axis=(2, 3))
    return _ranked(_shares(looked, _coverage(region, patch_size)).mean(axis=1))


def _focus_class_token_as_key(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 1:, 0].astype("float64").mean(axis=2)
    return _ranked(_shares(looked, _coverage(region, patch_size)).mean(axis=1))


def _focus_by_peak(attention_weights, region, patch_size=None):
    return _ranked((_looked(attention_weights) * _coverage(region, patch_size)).max(axis=-1).mean(axis=1))


def _focus_over_area(attention_weights, region, patch_size=None):
    coverage = _coverage(region, patch_size)
    return _ranked((_shares(_looked(attention_weights), coverage) / coverage.mean(axis=-1)).mean(axis=1))


def _focus_best_head(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, 1:].astype("float64")  # (depth, batch, num_heads, num_patches)
    return _ranked(_shares(looked, _coverage(region, patch_size)[:, None]).max(axis=2).mean(axis=1))


def _focus_heads_after(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, 1:].astype("float64")
    return _ranked(_shares(looked, _coverage(region, patch_size)[:, None]).mean(axis=(1, 2)))


def _focus_first_mask(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)[:1]).mean(axis=1))


def _focus_half(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size) >= 0.5).mean(axis=1))


def _focus_more_than_half(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size) > 0.5).mean(axis=1))


def _focus_wholly_inside(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size) == 1).mean(axis=1))


def _focus_corner_pixel(attention_weights, region, patch_size=None):
    region = np.asarray(region)[None] if np.ndim(region) == 2 else np.asarray(region)
    coverage = region[:, ::patch_size, ::patch_size].reshape(len(region), -1)
    return _ranked(_shares(_looked(attention_weights), coverage).mean(axis=1))


def _focus_outside(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), 1 - _coverage(region, patch_size)).mean(axis=1))


def _focus_images_joined(attention_weights, region, patch_size=None):
    """Add up over the images before dividing."""
    looked, coverage = _looked(attention_weights), _coverage(region, patch_size)
    return _ranked((looked * coverage).sum(axis=(1, 2)) / looked.sum(axis=(1, 2)))


def _focus_columns_first(attention_weights, region, patch_size=None):
    coverage = _coverage(region, patch_size)
    side = round(coverage.shape[-1] ** 0.5)
    turned = coverage.reshape(-1, side, side).swapaxes(1, 2).reshape(len(coverage), -1)
    return _ranked(_shares(_looked(attention_weights), turned).mean(axis=1))


def _focus_each_image(attention_weights, region, patch_size=None):
    return _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)))


def _focus_mean_inside(attention_weights, region, patch_size=None):
    looked, coverage = _looked(attention_weights), _coverage(region, patch_size)
    return _ranked(((looked * coverage).sum(axis=-1) / coverage.sum(axis=-1)).mean(axis=1))


def _focus_ranks(attention_weights, region, patch_size=None):
    """Give the rank of each layer in the place of the layers in order."""
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return np.argsort(layers), shares


def _focus_best_alone(attention_weights, region, patch_size=None):
    layers, shares = _ranked(_shares(_looked(attention_weights), _coverage(region, patch_size)).mean(axis=1))
    return layers[0], shares


def _focus_class_token_kept(attention_weights, region, patch_size=None):
    looked = attention_weights[..., 0, :-1].astype("float64").mean(axis=2)
    return _ranked(_shares(looked, _coverage(region, patch_size)).mean(axis=1))


def _focus_pixels_counted(attention_weights, region, patch_size=None):
    shares = _shares(_looked(attention_weights), _coverage(region, patch_size) * patch_size**2)
    return _ranked(shares.mean(axis=1))


EXERCISE = Exercise(
    key="attention.most_focused_layers",
    title="Find the layers that look at the object",
    reference="helpers.analysis.attention:most_focused_layers",
    cases=_focus_cases,
    mutants=(
        Mutant(_focus_least_first, "the least focused layer comes first; sort from the largest share down."),
        Mutant(_focus_from_one, "count the layers from 0: they are indices."),
        Mutant(
            _focus_shares_sorted,
            "the shares are sorted too; give them in the order of the model; layers[0] is the largest.",
        ),
        Mutant(_focus_swapped, "the two results are swapped: the layers come first, then the shares."),
        Mutant(
            _focus_not_renormalised,
            "you did not divide by what the patches get together: a class token that looks at itself "
            "then seems less focused.",
        ),
        Mutant(
            _focus_any_touch,
            "a patch that the region touches with one pixel counts whole; weight it by its covered part.",
        ),
        Mutant(_focus_all_queries, "you average over the patches as queries; only the class token is asked."),
        Mutant(
            _focus_class_token_as_key,
            "that is how much each patch looks at the class token; the class token asks: it is the row.",
        ),
        Mutant(
            _focus_by_peak,
            "you take the brightest patch; it may lie on the object while most of the map does not.",
        ),
        Mutant(
            _focus_over_area,
            "you divided by the area of the region; that is a good number, and not the share asked for.",
        ),
        Mutant(_focus_best_head, "you take the best head; average the heads first."),
        Mutant(
            _focus_heads_after,
            "you average the heads' shares; average the maps first, so that a head that hardly looks at "
            "patches counts little.",
        ),
        Mutant(_focus_first_mask, "each image has its own mask; you use the first for all."),
        Mutant(
            _focus_half,
            "a patch counts whole from half of it on, and else not at all; weight it by its covered part.",
        ),
        Mutant(
            _focus_more_than_half,
            "a patch counts whole if more than half of it is covered, and else not at all; weight it "
            "by its covered part.",
        ),
        Mutant(_focus_wholly_inside, "only patches wholly inside count; weight each by its covered part."),
        Mutant(
            _focus_corner_pixel,
            "you look at one pixel of each patch; weight it by the part of all its pixels that is covered.",
        ),
        Mutant(_focus_outside, "that is the share outside the region."),
        Mutant(
            _focus_images_joined,
            "you add up over the images before you divide; take the share of each image, then average those.",
        ),
        Mutant(
            _focus_columns_first,
            "the coverage is mirrored at its diagonal: patches run along the rows first, as you read.",
        ),
        Mutant(_focus_each_image, "average over the images too: one share for each layer."),
        Mutant(
            _focus_mean_inside,
            "you divide by the area of the region; a share divides by what all patches get together.",
        ),
        Mutant(
            _focus_ranks,
            "this is the place that each layer takes; asked are the layers, the best first: "
            "np.argsort(-shares).",
        ),
        Mutant(_focus_best_alone, "this is the best layer alone; all layers are asked for, the best first."),
        Mutant(
            _focus_class_token_kept,
            "the class token is still in the row: key 0 is no patch, and every patch has moved by one.",
        ),
        Mutant(_focus_pixels_counted, "the coverage is in pixels; it is a share of the patch, from 0 to 1."),
    ),
    hints=(
        "`patch_coverage(region, grid, patch_size)` says how much of each patch lies inside.",
        "Average the heads of `attention_weights[..., 0, 1:]`; share = Σ map · coverage / Σ map for each "
        "image; average the images; `np.argsort(-shares)`.",
        "`looked = attention_weights[..., 0, 1:].mean(axis=2)`; `shares = ((looked * coverage).sum(-1) / "
        "looked.sum(-1)).mean(axis=1)`, where coverage is (batch, num_patches) or (1, num_patches)",
    ),
    difficulty=4,
    importance=4,
    minutes=15,
)
