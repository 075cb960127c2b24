"""From patches to tokens, as pure functions: what PatchEmbedding and ClassTokenAndPosition do."""

from keras import ops


def project_patches(patches, kernel, bias):
    """Project flattened patches with the kernel of a convolution that never overlaps: patches · W + b.

    Args:
        patches: (batch, num_patches, patch_size² · channels), as `extract_patches` gives them.
        kernel: (patch_size, patch_size, channels, hidden_dim), a Conv2D's.
        bias: (hidden_dim,).
    Returns:
        (batch, num_patches, hidden_dim), the patch embeddings.
    Raises:
        ValueError: if the patches have not as many values as the kernel reads.
    """
    patches, kernel = ops.convert_to_tensor(patches), ops.convert_to_tensor(kernel)
    if len(kernel.shape) != 4 or patches.shape[-1] != kernel.shape[0] * kernel.shape[1] * kernel.shape[2]:
        raise ValueError(
            "Expected patches whose last axis is patch_size² · channels of a kernel (patch_size, patch_size, "
            f"channels, hidden_dim); received patches {tuple(patches.shape)} and kernel "
            f"{tuple(kernel.shape)}. "
            "Cut the images with the patch size of the kernel."
        )
    matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))  # (patch_size² · channels, hidden_dim)
    return ops.matmul(patches, matrix) + bias


def prepend_class_token(patch_embeddings, class_token):
    """Put the same learned vector in front of the patches of every image.

    Args:
        patch_embeddings: (batch, num_patches, hidden_dim).
        class_token: (1, 1, hidden_dim).
    Returns:
        (batch, num_patches + 1, hidden_dim); token 0 is the class token.
    Raises:
        ValueError: if the class token is not (1, 1, hidden_dim).
    """
    patch_embeddings, class_token = (
        ops.convert_to_tensor(patch_embeddings),
        ops.convert_to_tensor(class_token),
    )
    batch, _, hidden_dim = patch_embeddings.shape
    if tuple(class_token.shape) != (1, 1, hidden_dim):
        raise ValueError(
            f"Expected a class token of shape (1, 1, {hidden_dim}), as wide as the patch embeddings; "
            f"received {tuple(class_token.shape)}."
        )
    return ops.concatenate([ops.broadcast_to(class_token, (batch, 1, hidden_dim)), patch_embeddings], axis=1)
