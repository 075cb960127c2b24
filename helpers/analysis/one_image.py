"""One image in plain lines: do its memories speak for its class, and which patches would bring it forward?

`key_value_agreement` and `class_relevance` do so for all images and layers at once.
"""

import numpy as np

from helpers.analysis.attention import as_array


def agreement_of_image(coefficients, class_values, label, k):
    """Give the share of an image's patches whose most active memories include one that speaks for its class.

    For each patch the k memories with the largest coefficients; for the class the k memories of the layer
    that add most to its logit. A patch agrees where the two have one in common (Vilas et al. 2023,
    https://arxiv.org/abs/2310.18969, section 6, as in its code).

    Args:
        coefficients: float (num_tokens, num_memories) of one image and layer, the class token first, which is
            left out.
        class_values: float (num_memories, num_classes), what each memory adds to each logit.
        label: int, the image's class.
        k: int, from 1 to num_memories.
    Returns:
        float in [0, 1].
    Raises:
        ValueError: for other shapes, no patch, a class that is not there, or another k.
    """
    coefficients, class_values = as_array(coefficients), as_array(class_values)
    memories = class_values.shape[0]
    if coefficients.ndim != 2 or class_values.ndim != 2 or coefficients.shape[1] != memories:
        raise ValueError(
            "Expected coefficients (num_tokens, num_memories) and class_values (num_memories, num_classes); "
            f"received {coefficients.shape} and {class_values.shape}."
        )
    if len(coefficients) < 2:
        raise ValueError("Expected the class token and one patch at least; received one token.")
    if not 0 <= label < class_values.shape[1]:
        raise ValueError(f"Expected a class from 0 to {class_values.shape[1] - 1}; received {label}.")
    if not 1 <= k <= memories:
        raise ValueError(f"Expected k from 1 to the {memories} memories; received {k}.")
    speakers = np.argsort(-class_values[:, label])[:k]
    active = np.argsort(-coefficients[1:], axis=-1)[:, :k]  # (num_patches, k)
    return float(np.isin(active, speakers).any(axis=-1).mean())


def relevance_of_patches(logits, slopes, label):
    """Say how much more attention to each patch would lower the loss of a class: −∂ loss / ∂ attention.

    The loss is the cross-entropy of the logits, −log softmax(logits)[label], whose gradient with respect to
    them is softmax(logits) − onehot(label). The chain rule does the rest (Vilas et al. 2023, section 7).

    Args:
        logits: float (num_classes,), read off the class token of one block.
        slopes: float (num_classes, num_tokens), ∂ logit / ∂ attention of the class token to each token, the
            class token first, which is left out.
        label: int, the class that is asked about.
    Returns:
        float (num_tokens − 1,); above 0 speaks for the class.
    Raises:
        ValueError: for other shapes, or a class that is not there.
    """
    logits, slopes = as_array(logits), as_array(slopes)
    if logits.ndim != 1 or slopes.ndim != 2 or len(slopes) != len(logits) or slopes.shape[1] < 2:
        raise ValueError(
            "Expected logits (num_classes,) and slopes (num_classes, num_tokens) of two tokens or more; "
            f"received {logits.shape} and {slopes.shape}."
        )
    if not 0 <= label < len(logits):
        raise ValueError(f"Expected a class from 0 to {len(logits) - 1}; received {label}.")
    probabilities = np.exp(logits - logits.max())
    probabilities = probabilities / probabilities.sum()
    wanted = np.zeros_like(probabilities)
    wanted[label] = 1
    return (wanted - probabilities) @ slopes[:, 1:]
