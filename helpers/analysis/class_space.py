"""The class space: any token as the network's own head reads it, and how well it names the class.

The head is made for what it reads at the end. Applied earlier, and to tokens that it never reads, it says how
far a token has come towards the classes, with nothing to fit (Vilas et al. 2023,
https://arxiv.org/abs/2310.18969). Which branch brings it there is in `class_building.py`.
"""

import numpy as np

from helpers.analysis.attention import as_array, patch_coverage

AT_A_TIME = 2**22  # numbers that go through the norm and the head together: 16 MB


def project_to_classes(model, tokens, *, final_norm=True, head_bias=True):
    """Read tokens of any block as the model's head reads its last ones: head(norm(token)).

    The paper writes E · x. Its code, and the model itself, apply the final LayerNorm before E and add the
    head's bias after it, and so does this: gamma says which features the head listens to, and by how much,
    and beta and the bias move whole classes. Without them the last block's logits are not the model's. With
    mean pooling the model says the mean over the tokens of what comes out here, since the mean and the head
    can change places.

    Args:
        model: VisionTransformer with a head.
        tokens: float (..., num_tokens, hidden_dim), such as run.tokens, or the output of a branch.
        final_norm: False leaves the final LayerNorm out, with its gamma and beta: the paper's formula.
        head_bias: False leaves the head's bias out.
    Returns:
        float32 (..., num_tokens, num_classes), logits.
    Raises:
        ValueError: for a model that is no VisionTransformer or has no head, or for tokens of another width
            or that are not finite.
    """
    expect_head(model)
    tokens = as_array(tokens)
    width, num_classes = model.config.hidden_dim, model.config.num_classes
    if tokens.ndim < 2 or tokens.shape[-1] != width or 0 in tokens.shape:
        raise ValueError(
            f"Expected tokens (..., num_tokens, hidden_dim) of this model, {width} features wide; received "
            f"{tokens.shape}. Take run.tokens, run.attention_output or run.mlp_output."
        )
    if not np.isfinite(tokens).all():
        raise ValueError("Expected finite tokens; received NaN or infinity. Look at the images first.")
    from keras import ops  # only here: the other functions need no backend, slow to load

    flat, step = tokens.reshape(-1, 1, width), AT_A_TIME // width  # all tokens behind one another
    logits = np.empty((len(flat), num_classes), "float32")
    for start in range(0, len(flat), step):
        part = ops.convert_to_tensor(flat[start : start + step].astype("float32"))
        read = model.head(model.norm(part) if final_norm else part)
        logits[start : start + step] = ops.convert_to_numpy(read)[:, 0]
    if not head_bias:
        logits -= ops.convert_to_numpy(model.head.bias)
    return logits.reshape(*tokens.shape[:-1], num_classes)


def class_identifiability(class_logits, labels):
    """Score where the true class stands among all classes: 1 − rank / |C|.

    The rank is 0 for the highest logit (Vilas et al. 2023, equation 1). So the score runs from 1 / |C|, and
    not from 0 as the paper says, to 1; a guess gets 1/2 + 1/(2 |C|), .55 for ten classes. Classes with equal
    logits share their places: the rank is the number of higher logits and half of the number of equal ones,
    where the paper takes whatever the sorting gives. A token that says nothing, all its logits the same,
    thereby gets what a guess gets.

    Args:
        class_logits: float (..., batch, num_tokens, num_classes), as `project_to_classes` gives them.
        labels: int (batch,), the true classes, from 0.
    Returns:
        float64 (..., batch, num_tokens), 1 / |C| to 1.
    Raises:
        ValueError: for another shape, fewer than two classes, logits that are not finite, or labels that are
            not one class an image.
    """
    logits, own = own_logits(class_logits, labels)
    higher, equal = (logits > own[..., None]).sum(axis=-1), (logits == own[..., None]).sum(axis=-1) - 1
    return 1 - (higher + equal / 2) / logits.shape[-1]


def identifiability_rate(class_logits, labels, *, has_class_token, where=None):
    """Give the share of image tokens that name the true class: those whose identifiability is 1.

    Each image's share first, then the mean over the images, so that an image with more tokens to count does
    not count for more. For ten classes a guess gets .10; tokens of one image are alike, so judge a rate by
    images, not by tokens.

    Args:
        class_logits, labels: as in `class_identifiability`.
        has_class_token: whether token 0 is the class token (model.config.has_class_token). It is left out
            then, and only then: with mean pooling token 0 is the patch in the upper left corner.
        where: bool (batch, num_patches), the image tokens that count, one at least in each image; None for
            all.
    Returns:
        float64 (...,) in [0, 1].
    Raises:
        ValueError: as `class_identifiability`; for images of one class alone; or if `where` is of another
            shape or leaves an image without a token.
    """
    named, where = _named(class_logits, labels, has_class_token, where)
    return ((named & where).sum(axis=-1) / where.sum(axis=-1)).mean(axis=-1)


def share_of_images_with_a_token(class_logits, labels, *, has_class_token, where=None):
    """Give the share of images in which at least one image token names the true class.

    The more tokens, the more chances: 64 tokens that guess by themselves among ten classes would miss in one
    image of 849. Tokens of one image do not guess by themselves, so compare with an untrained network.

    Args, raises: as `identifiability_rate`.
    Returns:
        float64 (...,) in [0, 1].
    """
    named, where = _named(class_logits, labels, has_class_token, where)
    return (named & where).any(axis=-1).mean(axis=-1)


def chance_levels(num_classes):
    """Say what a guess gets: (identifiability, rate).

    The mean of 1 − rank / |C| over ranks 0 to |C| − 1 is 1/2 + 1 / (2 |C|), and the rank is 0 in 1 / |C| of
    the guesses: (.55, .10) for ten classes, (.5005, .001) for a thousand.
    """
    if not isinstance(num_classes, (int, np.integer)) or num_classes < 2:
        raise ValueError(f"Expected a number of classes, 2 or more; received {num_classes!r}.")
    return 0.5 + 0.5 / num_classes, 1 / num_classes


def image_tokens(values, *, has_class_token, axis=-1):
    """Leave the class token out, where there is one; with mean pooling every token is an image token.

    Args:
        values: array with an axis of tokens.
        has_class_token: whether token 0 is the class token (model.config.has_class_token).
        axis: the axis of tokens.
    Returns:
        the values of the image tokens, in the order of the patches.
    """
    values = as_array(values) if not isinstance(values, np.ndarray) else values
    first = np.arange(int(has_class_token), values.shape[axis])
    return np.take(values, first, axis=axis) if has_class_token else values


def object_tokens(masks, grid, patch_size, *, threshold=0.5):
    """Say which image tokens stand on the object: those whose patch it covers to the threshold or more.

    The others are context tokens. An object that covers no patch so far, or all of them, leaves nothing to
    compare, and is refused.

    Args:
        masks: (batch, height, width), above 0 on the object, such as masks_test of `make_shapes`.
        grid: (rows, columns) of patches; patch_size: in pixels.
        threshold: share of the patch, above 0 and at most 1.
    Returns:
        bool (batch, num_patches), row by row over the grid.
    Raises:
        ValueError: if a mask has not the size of the image, the threshold is out of its range, or an image
            has no object token or no context token; its number is said.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"Expected a threshold above 0 and at most 1; received {threshold!r}.")
    if np.ndim(masks) != 3:
        raise ValueError(f"Expected masks (batch, height, width); received shape {np.shape(masks)}.")
    coverage = patch_coverage(masks, grid, patch_size)
    on_object = coverage.reshape(len(coverage), -1) >= threshold
    for kind, lacking in (("object", ~on_object.any(axis=-1)), ("context", on_object.all(axis=-1))):
        if lacking.any():
            raise ValueError(
                f"Expected masks with one {kind} token at least, patches covered "
                f"{'to' if kind == 'object' else 'less than'} {threshold:g}; received "
                f"{int(lacking.sum())} without, the first of image {int(lacking.argmax())}. "
                "Leave these images out, or set another threshold."
            )
    return on_object


def expect_head(model):
    """Refuse what is no Vision Transformer of the course, and one without a head: it has no classes."""
    from helpers.model.kinds import expect_vit  # only here: arrays need no backend, slow to load

    expect_vit(model)
    if not model.config.num_classes:
        raise ValueError(
            "Expected a model with a head, whose classes are the space to project to; received one without "
            "(num_classes=0). Take one that was trained to classify, such as load_checkpoint('cifar/4')."
        )


def own_logits(class_logits, labels):
    """Check class logits and labels, and pick the logit of the true class.

    Args:
        class_logits: float (..., batch, num_tokens, num_classes); labels: int (batch,).
    Returns:
        the logits as NumPy, and (..., batch, num_tokens).
    """
    logits, labels = as_array(class_logits), np.asarray(labels)
    if logits.ndim < 3 or 0 in logits.shape or logits.shape[-1] < 2 or not np.isfinite(logits).all():
        raise ValueError(
            "Expected finite logits (..., batch, num_tokens, num_classes), of two classes at least; received "
            f"{logits.shape}. Take them from project_to_classes(model, run.tokens)."
        )
    check_labels(labels, logits.shape[-3], logits.shape[-1])
    index = np.broadcast_to(labels[:, None, None], (*logits.shape[:-1], 1))
    return logits, np.take_along_axis(logits, index, axis=-1)[..., 0]


def check_labels(labels, num_images, num_classes, *, several=False):
    """Refuse labels that are not one class an image; with `several`, also images of one class alone."""
    labels = np.asarray(labels)
    whole = labels.dtype.kind in "iu" and labels.shape == (num_images,) and len(labels)
    if not whole or labels.min() < 0 or labels.max() >= num_classes:
        found = f"{labels.min()} to {labels.max()}" if whole else f"{labels.dtype} {labels.shape}"
        raise ValueError(
            f"Expected one label for each of {num_images} images, a whole number from 0 to "
            f"{num_classes - 1}; received {found}. Take the labels of the same images."
        )
    if several and len(np.unique(labels)) < 2:
        raise ValueError(
            "Expected images of two classes at least, since a network that always says one class would look "
            f"perfect; received {num_images} of class {labels[0]}. Take a mixed batch; for single images "
            "look at class_identifiability."
        )


def _named(class_logits, labels, has_class_token, where):
    """Say which image tokens name the true class (..., batch, num_patches), and which of them count."""
    scores = image_tokens(class_identifiability(class_logits, labels), has_class_token=has_class_token)
    check_labels(labels, scores.shape[-2], np.shape(class_logits)[-1], several=True)
    shape = scores.shape[-2:]
    where = np.ones(shape, bool) if where is None else np.asarray(where)
    if where.shape != shape or where.dtype != bool:
        raise ValueError(
            f"Expected where as bool (batch, num_patches), {shape}, without a class token; received "
            f"{where.dtype} {where.shape}."
        )
    if not where.any(axis=-1).all():
        raise ValueError(
            "Expected one token at least that counts in each image; received none in image "
            f"{int((~where.any(axis=-1)).argmax())}. Leave such images out."
        )
    return scores == 1, where
