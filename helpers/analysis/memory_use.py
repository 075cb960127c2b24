"""Which memories are active where, over many images: streamed through the model batch by batch.

`helpers.analysis.key_value` says what the memories are and when they agree with a class.
"""

import dataclasses

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.class_space import check_labels, project_to_classes
from helpers.analysis.key_value import (
    check_branch,
    check_k,
    class_prototypes,
    key_value_agreement,
    says_like_a_memory,
    value_vectors,
    values_in_class_space,
)

FIELDS = {"mlp": ("mlp_hidden",), "attention": ("attention_weights", "values")}  # what coefficients take
OUTPUTS = {"mlp": "mlp_output", "attention": "attention_output"}


@dataclasses.dataclass(frozen=True)
class MemoryUse:
    """How the memories of one branch were used, for each block and image.

    Attributes:
        agreement: bool (depth, n, num_tokens), from `key_value_agreement`.
        like_a_memory: bool (depth, n, num_tokens): the branch says the class that one of the token's active
            memories says; 1 less its mean is the `compositionality`.
        correct: bool (n,), whether the model's own prediction is the label.
        peaks: float32 (depth, n, num_memories), the greatest coefficient of each memory in any image token.
        peak_patches: int (depth, n, num_memories), the patch where it is, row-major from 0.
    """

    agreement: np.ndarray
    like_a_memory: np.ndarray
    correct: np.ndarray
    peaks: np.ndarray
    peak_patches: np.ndarray


def memory_use(model, images, labels, branch="mlp", *, k=5, top_k="memories", batch_size=64):
    """Run a model over images and note how it uses the memories of a branch; memory is bounded by a batch.

    Args:
        model: VisionTransformer with a head.
        images: (n, image_size, image_size, channels), float in [0, 1] or uint8 in 0 to 255.
        labels: int (n,), the class that agreement is asked about, such as the true one.
        branch: "mlp" or "attention".
        k: how many memories count as active in a token, and the k of `key_value_agreement`.
        top_k: "memories" or "classes", as in `key_value_agreement`.
        batch_size: images at a time.
    Returns:
        MemoryUse.
    Raises:
        ValueError: for a model without a head, labels outside its classes or not one an image, and as
            `key_value_agreement` and the model do.
    """
    from helpers.model.activations import activation_batches  # only here: arrays need no backend

    check_branch(branch)
    prototypes = class_prototypes(model)
    labels = np.asarray(labels)
    check_labels(labels, len(images), model.config.num_classes)
    class_values = values_in_class_space(value_vectors(model, branch), prototypes)
    first = int(model.config.has_class_token)
    runs = activation_batches(model, images, batch_size, keep=(*FIELDS[branch], OUTPUTS[branch]))
    found, seen = [], 0
    for run in runs:
        wanted = labels[seen : seen + len(run.logits)]
        seen += len(wanted)
        coefficients = memory_coefficients(run, branch)
        active = most_active(coefficients, k)
        layer_classes = project_to_classes(model, getattr(run, OUTPUTS[branch])).argmax(axis=-1)
        peaks = coefficients[:, :, first:].max(axis=2)
        found.append(
            (
                key_value_agreement(active, class_values, wanted, k=k, top_k=top_k),
                says_like_a_memory(layer_classes, active, class_values),
                run.logits.argmax(axis=-1)[None] == wanted,
                peaks,
                coefficients[:, :, first:].argmax(axis=2),
            )
        )
    agreement, like, correct, peaks, places = (np.concatenate(part, axis=1) for part in zip(*found))
    return MemoryUse(agreement, like, correct[0], peaks, places)


def memory_coefficients(run, branch="mlp"):
    """Say how active each memory is in each token.

    "mlp": the hidden features *before* the GELU. "attention": the values of each head, averaged by its
    weights, the heads side by side: A · V, which the last matrix is multiplied by.

    Args:
        run: Activations with mlp_hidden, or with attention_weights and values.
        branch: "mlp" or "attention".
    Returns:
        float (depth, batch, num_tokens, num_memories).
    Raises:
        ValueError: for another branch, or a run that did not keep what it takes.
    """
    check_branch(branch)
    needed = FIELDS[branch]
    if missing := [name for name in needed if getattr(run, name) is None]:
        raise ValueError(
            f"Expected a run that kept {' and '.join(needed)}; received one without {missing[0]}. Ask for "
            f"it: activations(model, images, keep={needed})."
        )
    if branch == "mlp":
        return as_array(run.mlp_hidden)
    mixed = as_array(run.attention_weights) @ as_array(run.values)  # (depth, batch, heads, tokens, head_dim)
    mixed = mixed.swapaxes(-3, -2)  # (depth, batch, tokens, heads, head_dim)
    return mixed.reshape(*mixed.shape[:-2], -1)


def most_active(coefficients, k=5):
    """Name the k memories that are most active in each token, in no order: int (..., num_tokens, k)."""
    coefficients = as_array(coefficients)
    check_k(k, coefficients.shape[-1], "memories")
    return np.argpartition(coefficients, -k, axis=-1)[..., -k:]


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """A rate in images that the model has right, in those that it has wrong, and whether they differ.

    Attributes:
        correct, wrong: float (...), the mean over images of each image's share of tokens.
        p_value: float (...), of the two-sided Mann-Whitney test over images, each layer by itself.
        num_correct, num_wrong: images.
    """

    correct: np.ndarray
    wrong: np.ndarray
    p_value: np.ndarray
    num_correct: int
    num_wrong: int


def compare_outcomes(agreement, correct, *, has_class_token, tokens="image"):
    """Compare what agrees in images that the model has right with those that it has wrong.

    Images are the examples: the tokens of one image are no independent draws, so that a test over tokens
    would find everything significant. scipy.stats.mannwhitneyu asks whether one group's shares lie higher.

    Args:
        agreement: bool or float (..., batch, num_tokens), such as `key_value_agreement` gives.
        correct: bool (batch,), whether the model's prediction is right.
        has_class_token: whether token 0 is the class token.
        tokens: "image" for all image tokens; "class_token" for token 0 alone, as in the authors' code, which
            a model that averages its patches does not have.
    Returns:
        Outcomes.
    Raises:
        ValueError: if no image, or every image, is right; for other shapes, another choice of tokens, or the
            class token of a model without one.
    """
    from scipy.stats import mannwhitneyu

    agreement, correct = as_array(agreement), np.asarray(correct)
    if agreement.ndim < 2 or correct.dtype != bool or correct.shape != agreement.shape[-2:-1]:
        raise ValueError(
            "Expected agreement (..., batch, num_tokens), and for each image whether it is right, bool "
            f"(batch,); received {agreement.shape} and {correct.dtype} {correct.shape}."
        )
    if tokens not in ("image", "class_token"):
        raise ValueError(f'tokens is "image" or "class_token"; received {tokens!r}.')
    if tokens == "class_token" and not has_class_token:
        raise ValueError(
            "Expected a model with a class token; this one averages its patches, and its token 0 is the "
            'upper left patch. Take tokens="image".'
        )
    if correct.all() or not correct.any():
        raise ValueError(
            f"Expected images of both kinds; received {correct.sum()} right and {(~correct).sum()} wrong. "
            "Take more images."
        )
    chosen = agreement[..., :1] if tokens == "class_token" else agreement[..., int(has_class_token) :]
    share = chosen.mean(axis=-1)  # (..., batch)
    right, wrong = share[..., correct], share[..., ~correct]
    p_value = np.asarray(mannwhitneyu(right, wrong, axis=-1, alternative="two-sided").pvalue)
    means = right.mean(axis=-1), wrong.mean(axis=-1)
    return Outcomes(*means, p_value, int(correct.sum()), int((~correct).sum()))
