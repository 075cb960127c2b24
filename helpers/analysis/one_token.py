"""One token in plain lines: which patch it is like, what a probe reads off it, and the mean of its kind.

`token_localization` and `token_probes` do so for all layers and tokens at once.
"""

import numpy as np

from helpers.analysis.attention import as_array
from helpers.analysis.similarity import linear_cka


def locate_token(tokens, patches, token):
    """Compare one token, over many images, with the raw patch at every place: debiased CKA.

    The examples are the images. "Which images are alike?" is asked of the token, and of the patch at each
    place (Raghu et al. 2021, https://arxiv.org/abs/2108.08810, section 6).

    Args:
        tokens: float (n, num_tokens, hidden_dim) of one layer, n images, at least 4.
        patches: float (n, num_patches, patch_values), the raw patches of the same images.
        token: int, which token; 0 is the class token where there is one.
    Returns:
        float64 (num_patches,), of at most 1, about 0 where token and patch have nothing to do with each
        other. NaN for a token that is the same in every image.
    Raises:
        ValueError: for other shapes, or a token that is not there.
    """
    tokens, patches = as_array(tokens), as_array(patches)
    if tokens.ndim != 3 or patches.ndim != 3 or len(tokens) != len(patches):
        raise ValueError(
            "Expected tokens (n, num_tokens, hidden_dim) of one layer and patches (n, num_patches, "
            f"patch_values) of the same images; received {tokens.shape} and {patches.shape}."
        )
    if not -tokens.shape[1] <= token < tokens.shape[1]:
        raise ValueError(f"Expected a token from 0 to {tokens.shape[1] - 1}; received {token}.")
    places = range(patches.shape[1])
    return np.array([linear_cka(tokens[:, token], patches[:, place]) for place in places])


def probe_scores(features, labels, new_features, penalty):
    """Fit a linear probe by least squares with a ridge, and score new examples with it.

    Y is 1 for the class and −1 for the others; X and Y are centred. W = (Xᵀ X + λ I)⁻¹ Xᵀ Y, and a new
    example scores (x − mean of X) · W + mean of Y, so that the bias is not held down by the penalty.

    Args:
        features: float (n, width), one token of n images; labels: int (n,), from 0 to num_classes − 1.
        new_features: float (m, width), the same token of other images.
        penalty: λ, above 0.
    Returns:
        float64 (m, num_classes); the largest score says the class.
    Raises:
        ValueError: for other shapes, labels below 0, or a penalty that is not above 0.
    """
    features, new_features = (as_array(values).astype("float64") for values in (features, new_features))
    labels = np.asarray(labels)
    if features.ndim != 2 or new_features.ndim != 2 or features.shape[1] != new_features.shape[1]:
        raise ValueError(
            "Expected features (n, width) and new_features (m, width); received "
            f"{features.shape} and {new_features.shape}."
        )
    if labels.shape != features.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"Expected one label, 0 or more, for each of {len(features)} examples; received {labels.dtype} "
            f"{labels.shape}."
        )
    if not penalty > 0:
        raise ValueError(f"Expected a penalty above 0; received {penalty!r}.")
    targets = 2 * np.eye(labels.max() + 1)[labels] - 1  # (n, num_classes)
    mean_x, mean_y = features.mean(axis=0), targets.mean(axis=0)
    x, y = features - mean_x, targets - mean_y
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)  # (width, num_classes)
    return (new_features - mean_x) @ weights + mean_y


def mean_of_patches(tokens, num_patches):
    """Average the patch tokens, and leave the class token out where there is one.

    Args:
        tokens: float (..., num_tokens, hidden_dim); the class token, if any, stands first.
        num_patches: int; the last so many tokens are the patches.
    Returns:
        (..., hidden_dim).
    Raises:
        ValueError: if there are not `num_patches` tokens, or one more.
    """
    tokens = as_array(tokens)
    if tokens.ndim < 2 or tokens.shape[-2] - num_patches not in (0, 1):
        raise ValueError(
            f"Expected tokens (..., num_tokens, hidden_dim), {num_patches} of patches and perhaps a class "
            f"token in front; received {tokens.shape}."
        )
    return tokens[..., -num_patches:, :].mean(axis=-2)
