"""Which attention to cut, by name: patches from each other, from the class token, or from what is removed.

Each function makes a `CutAttention` for `activations`. Where the paper's text and its code cut differently
(Vilas et al. 2023, https://arxiv.org/abs/2310.18969, section 5), both are here.
"""

import numpy as np

from helpers.model.interventions import CutAttention

READINGS = ("text", "code")


def cut_patches_from_each_other(config, *, reading="text", blocks=None):
    """Stop patches from looking at other patches; the class token goes on looking at all of them.

    "text": a patch keeps its weight on itself and on the class token, and what it gave to other patches is
    lost, so that its row sums to less than 1. "code": its row becomes 1 on itself and 0 elsewhere, also on
    the class token.

    Args:
        config: ViTConfig, model.config.
        reading: "text" or "code".
        blocks: from 0; None for all.
    Returns:
        CutAttention.
    Raises:
        ValueError: for another reading.
    """
    if reading not in READINGS:
        raise ValueError(f'Expected the reading "text" or "code"; received {reading!r}.')
    first = int(config.has_class_token)
    edges = ~np.eye(config.num_tokens, dtype=bool)
    edges[:first] = False  # the class token looks at everybody
    if reading == "text":
        edges[:, :first] = False  # and may be looked at
    return CutAttention(edges, blocks, renormalise=reading == "code")


def cut_patches_from_class_token(config, *, renormalise=False, blocks=None):
    """Stop patches from looking at the class token, which goes on looking at them.

    Args:
        config: ViTConfig of a model with a class token.
        renormalise: False loses the weight that went to the class token, as the authors' code does. How much
            that is still depends on the class token. True shares it out, as if there had been none to see.
        blocks: from 0; None for all.
    Returns:
        CutAttention.
    Raises:
        ValueError: if the model has no class token.
    """
    if not config.has_class_token:
        raise ValueError(
            "Expected a model with a class token to cut patches from; received one with mean pooling, which "
            "has none. Token 0 is a patch there; to cut patches, see cut_patches_from_each_other."
        )
    edges = np.zeros((config.num_tokens, config.num_tokens), bool)
    edges[1:, 0] = True
    return CutAttention(edges, blocks, renormalise)


def remove_patches(removed, config):
    """Take patches away from each image, another number from each: nobody looks at them any more.

    The weights that are left are scaled to sum to 1, which is exactly what is left of the softmax when the
    patches had never been there (`DropTokens`), while the arrays keep their shape. What the run holds at the
    places of removed patches means nothing; leave them out of what you count.

    Args:
        removed: bool (batch, num_patches), True where to remove; (num_patches,) for all images alike. For
            object and context tokens see `helpers.analysis.class_space.object_tokens`.
        config: ViTConfig of a model with a class token.
    Returns:
        CutAttention for a run over these images.
    Raises:
        ValueError: for another shape or type; or with mean pooling, where the head would average the removed
            patches too.
    """
    removed = np.asarray(removed)
    if not config.has_class_token:
        raise ValueError(
            "Expected a model with a class token; received one with mean pooling, whose head would go on "
            "averaging the removed patches. Drop the same patches from all images, with DropTokens."
        )
    if removed.dtype != bool or removed.ndim not in (1, 2) or removed.shape[-1] != config.num_patches:
        raise ValueError(
            f"Expected bool (batch, num_patches) with {config.num_patches} patches, without the class token, "
            f"True where to remove; received {removed.dtype} {removed.shape}."
        )
    keys = np.concatenate([np.zeros((*removed.shape[:-1], 1), bool), removed], axis=-1)
    edges = keys[:, None, None, :] if removed.ndim == 2 else keys[None, :]
    return CutAttention(edges, renormalise=True)
