"""Weights as memories: what a layer writes when one of its hidden features is active, as classes.

The last matrix of an MLP, or of an attention branch, adds one of its rows to the stream for each hidden
feature, as often as the feature says: coefficient · value, a memory each (Geva et al. 2021,
https://arxiv.org/abs/2012.14913; Vilas et al. 2023, https://arxiv.org/abs/2310.18969, section 6). A value
times a row of the head's matrix E is what it adds to that class's logit, the last norm left aside.

`helpers.analysis.memory_use` counts these over many images.
"""

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.class_space import check_labels, expect_head

BRANCHES = ("mlp", "attention")
TOP_K = ("memories", "classes")


def class_prototypes(model):
    """Give the rows of E, one a class: the directions that the head looks for.

    Args:
        model: VisionTransformer with a head.
    Returns:
        float32 (num_classes, hidden_dim).
    Raises:
        ValueError: for a model that is no VisionTransformer, or has no head.
    """
    expect_head(model)
    return _as_numpy(model.head.kernel).T


def value_vectors(model, branch="mlp"):
    """Give what each memory of each block adds to the stream: the rows of the branch's last matrix.

    A layer scale belongs to the value, since the stream gets both.

    Args:
        model: VisionTransformer.
        branch: "mlp", one memory for each of the mlp_dim hidden features; or "attention", one for each
            feature of the heads side by side, hidden_dim of them.
    Returns:
        float32 (depth, num_memories, hidden_dim).
    Raises:
        ValueError: for a model that is no VisionTransformer, or another branch.
    """
    from helpers.model.kinds import expect_vit

    expect_vit(model)
    check_branch(branch)
    values = []
    for block in model.blocks:
        is_mlp = branch == "mlp"
        kernel = block.mlp.contract.kernel if is_mlp else block.attention.output_projection.kernel
        scale = block.scale2 if is_mlp else block.scale1
        values.append(_as_numpy(kernel) if scale is None else _as_numpy(scale(kernel)))
    return np.stack(values)


def values_in_class_space(values, prototypes):
    """Say which classes each memory speaks for: values · Eᵀ, as they are, not scaled to length 1.

    Args:
        values: float (..., num_memories, hidden_dim).
        prototypes: float (num_classes, hidden_dim), the rows of E.
    Returns:
        float (..., num_memories, num_classes).
    Raises:
        ValueError: if the widths differ.
    """
    values, prototypes = _check_widths(values, prototypes)
    return values @ prototypes.T


def class_value_agreement(values, prototypes):
    """Ask of each class whether the layer has a memory like it: the greatest cosine with any value.

    max over memories of E_c · v / (‖E_c‖ ‖v‖). Each *row* of E is a class and gets length 1, along the hidden
    axis; the authors' tutorial scales the columns, their paper and its code the rows (Vilas et al. 2023,
    section 6).

    Args, Raises: as `values_in_class_space`.
    Returns:
        float (..., num_classes) in [-1, 1]. A value of length 0 speaks for no class.
    """
    values, prototypes = _check_widths(values, prototypes)
    return (_unit(values) @ _unit(prototypes).T).max(axis=-2)


def key_value_agreement(active, class_values, labels, *, k=5, top_k="memories"):
    """Say for each token whether its most active memories are such as speak for the image's own class.

    top_k="memories", the authors' code: one of the active memories is among the k memories of the layer that
    add most to the class's logit. top_k="classes", the paper's text: one of them has the class among its own
    k best classes; for ten classes and k = 5 that is nearly always so. `agreement_chance` gives what memories
    chosen blindly would reach (Vilas et al. 2023, section 6).

    Args:
        active: int (..., batch, num_tokens, any), the most active memories, from `most_active`; the leading
            axes, such as depth, are those of `class_values`.
        class_values: float (..., num_memories, num_classes), from `values_in_class_space`.
        labels: int (batch,), the class of each image.
        k: how many of a layer's memories speak for a class, or how many classes a memory speaks for.
        top_k: "memories" or "classes".
    Returns:
        bool (..., batch, num_tokens). `key_value_agreement_rate` is its mean.
    Raises:
        ValueError: for labels outside the classes or not one an image, other shapes, a k that is not between
            1 and the number of memories or classes, or another `top_k`.
    """
    active, class_values = np.asarray(active), as_array(class_values)
    if active.ndim < 3 or active.shape[:-3] != class_values.shape[:-2] or active.dtype.kind not in "iu":
        raise ValueError(
            "Expected the memories (..., batch, num_tokens, k) of the layers of class_values (..., memories, "
            f"classes); received {active.dtype} {active.shape} and {class_values.shape}."
        )
    labels = np.asarray(labels)
    check_labels(labels, active.shape[-3], class_values.shape[-1])
    speaks = _speaks_for(class_values, k, top_k)  # (..., num_memories, num_classes)
    agrees = np.empty(active.shape[:-1], bool)
    for layer in np.ndindex(active.shape[:-3]):
        for image, label in enumerate(labels):
            agrees[layer][image] = speaks[layer][active[layer][image], label].any(axis=-1)
    return agrees


def key_value_agreement_rate(active, class_values, labels, *, k=5, top_k="memories"):
    """Give the share of tokens that agree: the mean of `key_value_agreement` over images and tokens.

    Hand in the tokens that are to count: active[..., 1:, :] leaves the class token out.

    Args: as `key_value_agreement`.
    Returns:
        float (...), the leading axes.
    Raises:
        ValueError: as `key_value_agreement`, and for images of one class alone, whose rate says as much about
            the class as about the layer.
    """
    agrees = key_value_agreement(active, class_values, labels, k=k, top_k=top_k)
    check_labels(labels, agrees.shape[-2], np.shape(class_values)[-1], several=True)
    return agrees.mean(axis=(-2, -1))


def agreement_chance(class_values, labels, *, k=5, top_k="memories", num_active=5):
    """Say which rate memories would reach that were drawn blindly, all as likely, no two the same.

    1 − C(M − n, a) / C(M, a) for a active memories out of M, of which n speak for the class; the mean over
    the labels. Under "memories" n is k; under "classes" it is counted, layer by layer.

    Args:
        class_values, labels, k, top_k: as in `key_value_agreement`.
        num_active: how many active memories a token has.
    Returns:
        float (...), the leading axes of `class_values`.
    Raises:
        ValueError: as `key_value_agreement`.
    """
    class_values = as_array(class_values)
    labels = np.asarray(labels)
    check_labels(labels, labels.size, class_values.shape[-1])
    check_k(num_active, class_values.shape[-2], "memories")
    of_class = _speaks_for(class_values, k, top_k).sum(axis=-2)[..., labels]  # (..., batch)
    memories = class_values.shape[-2]
    blind = np.ones(of_class.shape)
    for drawn in range(num_active):
        blind *= np.maximum(memories - of_class - drawn, 0) / (memories - drawn)
    return (1 - blind).mean(axis=-1)


def compositionality(layer_classes, active, class_values):
    """Give the share of tokens for which a layer says a class that none of its active memories says first.

    1 less the share that the authors print, so that more is more composed (Geva et al. 2021, section 5; Vilas
    et al. 2023, section 6).

    Args:
        layer_classes: int (..., batch, num_tokens), the best class of the branch's output in each token.
        active: int (..., batch, num_tokens, any), from `most_active`.
        class_values: float (..., num_memories, num_classes).
    Returns:
        float (...), the leading axes.
    Raises:
        ValueError: if the shapes do not fit.
    """
    return 1 - says_like_a_memory(layer_classes, active, class_values).mean(axis=(-2, -1))


def says_like_a_memory(layer_classes, active, class_values):
    """Tell for each token whether the layer's best class is that of one of its active memories: bool."""
    layer_classes, active, class_values = (
        np.asarray(layer_classes),
        np.asarray(active),
        as_array(class_values),
    )
    if active.shape[:-1] != layer_classes.shape or active.shape[:-3] != class_values.shape[:-2]:
        raise ValueError(
            "Expected classes (..., batch, num_tokens), memories (..., batch, num_tokens, k) and "
            f"class_values (..., memories, classes); received {layer_classes.shape}, {active.shape} and "
            f"{class_values.shape}."
        )
    says = class_values.argmax(axis=-1)  # (..., num_memories)
    same = np.empty(layer_classes.shape, bool)
    for layer in np.ndindex(says.shape[:-1]):
        same[layer] = (says[layer][active[layer]] == layer_classes[layer][..., None]).any(axis=-1)
    return same


def check_branch(branch):
    if branch not in BRANCHES:
        raise ValueError(f'A branch is "mlp" or "attention"; received {branch!r}.')


def _speaks_for(class_values, k, top_k):
    """Mark which memory speaks for which class: bool (..., num_memories, num_classes)."""
    if top_k not in TOP_K:
        raise ValueError(f'top_k is "memories" (the code) or "classes" (the text); received {top_k!r}.')
    axis = -2 if top_k == "memories" else -1
    check_k(k, class_values.shape[axis], top_k)
    best = np.argpartition(class_values, -k, axis=axis)
    best = best[..., -k:, :] if axis == -2 else best[..., -k:]
    speaks = np.zeros(class_values.shape, bool)
    np.put_along_axis(speaks, best, True, axis=axis)
    return speaks


def check_k(k, number, what):
    if not isinstance(k, (int, np.integer)) or not 1 <= k <= number:
        raise ValueError(f"Expected a whole number from 1 to the {number} {what}; received {k!r}.")


def _check_widths(values, prototypes):
    values, prototypes = as_array(values), as_array(prototypes)
    if values.ndim < 2 or prototypes.ndim != 2 or values.shape[-1] != prototypes.shape[-1]:
        raise ValueError(
            "Expected values (..., num_memories, hidden_dim) and the rows of E (num_classes, hidden_dim); "
            f"received {values.shape} and {prototypes.shape}."
        )
    return values, prototypes


def _unit(vectors):
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)  # along the hidden axis
    return vectors / np.where(length > 0, length, 1)


def _as_numpy(variable):
    from keras import ops

    return ops.convert_to_numpy(variable).astype("float32")
