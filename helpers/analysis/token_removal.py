"""Run a model on a part of its image tokens, other ones in each image: what measuring an explanation costs.

Tokens go after the position embedding, so that those that stay keep their places, and a pass runs on those
that are left: half of the tokens take less than half of the time.
"""

import keras
import numpy as np
from keras import ops

from helpers.analysis.attention import as_array
from helpers.analysis.class_space import check_labels as check_classes
from helpers.model.compiled import BATCH_SIZE, PerImage, compiled
from helpers.model.keep_tokens import take_tokens
from helpers.model.kinds import expect_vit


def logits_without(model, images, removal_order, counts, *, known=None, batch_size=BATCH_SIZE):
    """Give the logits after the first few patches of an order are gone, for several numbers of them.

    Args:
        model: VisionTransformer; its class token, where it has one, always stays.
        images: (batch, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        removal_order: int (batch, num_patches), each image's patches from 0, those that go first in front.
        counts: how many go, each from 0 to num_patches; one less without a class token.
        known: {count: (batch, num_classes)} that need not be run again, from `logits_of_none_and_all`.
        batch_size: images at a time.
    Returns:
        float32 (len(counts), batch, num_classes).
    Raises:
        ValueError: if a count leaves no token, or as the model does for images that are not for it.
    """
    expect_vit(model)
    counts = check_counts(counts, model.config)
    removal_order, known = PerImage(np.asarray(removal_order, "int32")), known or {}
    found = []
    for count in counts.tolist():
        if count in known:
            found.append(known[count])
            continue
        # TensorFlow compiles once for all counts; JAX must know each; PyTorch compiles nothing.
        if keras.backend.backend() == "tensorflow":
            walk, more = compiled(model, _logits_without), (np.int32(count),)
        else:
            walk, more = compiled(model, _logits_without, count), ()
        found.append(walk(images, removal_order, *more, batch_size=batch_size))
    return np.stack(found)


def logits_of_none_and_all(model, images, counts, *, batch_size=BATCH_SIZE):
    """Give the logits that are the same in every order: with no patch gone, and with all, where they may go.

    Args:
        counts: the numbers of patches that are wanted; others than these two are left aside.
        model, images, batch_size: as in `logits_without`.
    Returns:
        {count: float32 (batch, num_classes)}.
    """
    config = model.config
    any_order = np.tile(np.arange(config.num_patches), (len(images), 1))
    ends = {0} | ({config.num_patches} if config.has_class_token else set())
    wanted = sorted(ends & set(np.asarray(counts).tolist()))
    if not wanted:
        return {}
    return dict(zip(wanted, logits_without(model, images, any_order, wanted, batch_size=batch_size)))


def _logits_without(model, images, removal_order, count):
    kept = removal_order[:, count:]  # (batch, patches left), in any order: their places are in the tokens
    if model.config.has_class_token:
        kept = ops.concatenate([ops.zeros_like(removal_order[:, :1]), kept + 1], axis=1)
    tokens = take_tokens(model.embed(images), kept)
    for block in model.blocks:
        tokens = block(tokens)
    return ops.cast(model.classify(tokens), "float32")


def check_counts(counts, config):
    """Check how many patches are removed: int (n,)."""
    most = config.num_patches - (not config.has_class_token)
    found = np.atleast_1d(np.asarray(counts))
    whole = found.ndim == 1 and found.dtype.kind in "iu" and len(found)
    if not whole or found.min() < 0 or found.max() > most:
        raise ValueError(
            f"Expected numbers of patches to remove from 0 to {most}, "
            f"{'the class token stays' if config.has_class_token else 'for one token must stay'}; received "
            f"{counts!r}."
        )
    return found


def check_labels(labels, num_images, config):
    """Check labels at the boundary: int (batch,), classes of a model that has classes."""
    if not config.num_classes:
        raise ValueError(
            "This model has no head: it gives features, and no class that could be right or wrong. Take a "
            "model with a head, such as load_checkpoint('cifar/4')."
        )
    check_classes(labels, num_images, config.num_classes)
    return np.asarray(labels).astype("int64")


def check_scores(token_scores, num_images, config):
    """Check a score map at the boundary: float64 (batch, num_patches), from that or (batch, grid, grid)."""
    scores, grid = as_array(token_scores), config.grid_size
    fits = scores.shape in ((num_images, config.num_patches), (num_images, grid, grid))
    if not fits or not np.isfinite(scores).all():
        advice = ""
        if scores.shape == (num_images, config.num_patches + 1):
            advice = " Leave the class token's column out: scores[:, 1:]."
        elif fits:
            advice = " Some are NaN or infinite."
        raise ValueError(
            f"Expected one finite score for each patch, ({num_images}, {config.num_patches}) or "
            f"({num_images}, {grid}, {grid}); received {scores.shape}.{advice}"
        )
    return scores.reshape(num_images, -1).astype("float64")


def rank_patches(scores, seed=0):
    """Order each image's patches from the highest score to the lowest; equal ones as lots are drawn.

    By position, equal scores would favour one corner of the image, and corners hold background.

    Args:
        scores: float (batch, num_patches).
        seed: int, of the lots.
    Returns:
        int (batch, num_patches), patches counted from 0.
    """
    lots = np.random.default_rng(seed).random(scores.shape)
    return np.lexsort((lots, -scores), axis=-1)
