"""An image as a sequence of patches, and back.

The Vision Transformer's one idea about images: cut them into squares and read the squares like words
(Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929, section 3.1).
"""

from keras import ops


def num_patches(image_size, patch_size):
    """Count the patches of an image: (height / patch_size) · (width / patch_size).

    Args:
        image_size: int for a square image, or (height, width), in pixels.
        patch_size: int, the side of a square patch in pixels; divides height and width.
    Returns:
        int, the number of patches: 64 for a 32-pixel image in 4-pixel patches, 196 for 224 in 16.
    Raises:
        ValueError: if the patch does not divide the image; the message says what would fit.
    """
    rows, columns = patch_grid_shape(image_size, patch_size)
    return rows * columns


def patch_grid_shape(image_size, patch_size):
    """Give the rows and columns of the patch grid; the same arguments and errors as `num_patches`."""
    height, width = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if not isinstance(patch_size, int) or patch_size < 1:
        raise ValueError(f"patch_size must be a whole number of pixels, at least 1; received {patch_size!r}.")
    if height < 1 or width < 1 or height % patch_size or width % patch_size:
        raise ValueError(
            f"A patch must divide the image: expected height and width that are multiples of {patch_size}, "
            f"received {height}×{width}. Resize or crop to "
            f"{max(1, height // patch_size) * patch_size}×{max(1, width // patch_size) * patch_size}, "
            f"or choose a patch_size that divides both."
        )
    return height // patch_size, width // patch_size


def patch_of_pixel(pixel, image_size, patch_size):
    """Find the patch that a pixel lies in: (y // patch_size) · columns + x // patch_size.

    Args:
        pixel: (y, x), counted from 0 at the top left, as in image[y, x].
        image_size: int for a square image, or (height, width), in pixels.
        patch_size: int, the side of a square patch in pixels; divides height and width.
    Returns:
        int, the place of the patch in the sequence, from 0 to num_patches - 1; no class token is counted.
    Raises:
        ValueError: if the patch does not divide the image, or the pixel lies outside it.
    """
    rows, columns = patch_grid_shape(image_size, patch_size)
    y, x = pixel
    if not (0 <= y < rows * patch_size and 0 <= x < columns * patch_size):
        raise ValueError(
            f"Expected a pixel (y, x) inside the image, with y from 0 to {rows * patch_size - 1} and x from "
            f"0 to {columns * patch_size - 1}; received ({y}, {x})."
        )
    return int(y // patch_size * columns + x // patch_size)


def extract_patches(images, patch_size):
    """Cut each image into a sequence of flattened, non-overlapping patches.

    The patches are read like a page: the top row from left to right, then the next row; the pixels inside
    a patch likewise, with the channels of one pixel side by side.

    Args:
        images: (batch, height, width, channels), any number type.
        patch_size: int, the side of a patch in pixels; divides height and width.
    Returns:
        (batch, num_patches, patch_size² · channels), the same number type.
    Raises:
        ValueError: if the images have not 4 axes, the batch is empty, or the patch does not divide them.
    """
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or images.shape[0] == 0:
        raise ValueError(
            "extract_patches expects images of shape (batch, height, width, channels) with at least one "
            "image; "
            f"received shape {tuple(images.shape)}. One image becomes a batch of one with image[None]."
        )
    _, height, width, channels = images.shape
    rows, columns = patch_grid_shape((height, width), patch_size)
    pixels = ops.reshape(images, (-1, rows, patch_size, columns, patch_size, channels))
    pixels = ops.transpose(
        pixels, (0, 1, 3, 2, 4, 5)
    )  # (batch, rows, columns, patch_size, patch_size, channels)
    return ops.reshape(pixels, (-1, rows * columns, patch_size * patch_size * channels))


def assemble_patches(patches, image_size, channels=3):
    """Put a sequence of patches back together: the inverse of `extract_patches`.

    Args:
        patches: (batch, num_patches, patch_size² · channels).
        image_size: int for square images, or (height, width), in pixels.
        channels: int, the channels of a pixel.
    Returns:
        (batch, height, width, channels).
    Raises:
        ValueError: if these patches cannot tile an image of that size.
    """
    patches = ops.convert_to_tensor(patches)
    if len(patches.shape) != 3:
        raise ValueError(
            "assemble_patches expects patches of shape (batch, num_patches, patch_size² · channels); "
            f"received shape {tuple(patches.shape)}."
        )
    height, width = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    patch_size = round((patches.shape[2] / channels) ** 0.5)
    fits = patch_size * patch_size * channels == patches.shape[2]
    if not fits or patches.shape[1] * patch_size * patch_size != height * width or height % patch_size:
        raise ValueError(
            f"These patches do not tile the image: {patches.shape[1]} patches of {patches.shape[2]} "
            f"values were "
            f"received for an image of {height}×{width}×{channels}, which has {height * width * channels} "
            f"values. "
            "Give the size of the image that the patches were cut from, and its number of channels."
        )
    rows, columns = height // patch_size, width // patch_size
    pixels = ops.reshape(patches, (-1, rows, columns, patch_size, patch_size, channels))
    pixels = ops.transpose(
        pixels, (0, 1, 3, 2, 4, 5)
    )  # (batch, rows, patch_size, columns, patch_size, channels)
    return ops.reshape(pixels, (-1, height, width, channels))
