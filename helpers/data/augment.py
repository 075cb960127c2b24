"""Change every training image in its own way, on the device: flip, crop, RandAugment, erasing, MixUp, CutMix.

Everything is written with `keras.ops` on whole batches, so that it compiles with the model on TensorFlow, JAX
and torch, and every image draws its own numbers. (Keras 3's RandAugment draws one operation a batch, its
RandomCrop one offset a batch, and several of its layers keep the model from being compiled.)

Images are float (batch, height, width, channels) in [0, 1]; `seed` is a `keras.random.SeedGenerator` or an
int.
"""

import math

import keras
from keras import ops

RAND_AUGMENT_OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "colour",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
)


def random_crop_and_flip(images, seed, *, padding=4, flip=True):
    """Shift each image by up to `padding` pixels (edges reflected) and mirror half of them.

    One gather does both: the row and column that each output pixel reads are computed, not the padded image.

    Args:
        images: (batch, height, width, channels).
        padding: int, the largest shift in pixels, below height and width.
        flip: whether half of the images are mirrored left to right.
    Returns:
        the same shape and type.
    """
    batch, height, width, _ = shape_of(images)
    shifts = keras.random.randint((batch, 2), -padding, padding + 1, dtype="int32", seed=seed)
    rows = reflect(ops.arange(height, dtype="int32")[None] + shifts[:, :1], height)  # (batch, height)
    columns = reflect(ops.arange(width, dtype="int32")[None] + shifts[:, 1:], width)  # (batch, width)
    if flip:
        mirrored = keras.random.uniform((batch, 1), seed=seed) < 0.5
        columns = ops.where(mirrored, width - 1 - columns, columns)
    return gather_pixels(images, rows[:, :, None], columns[:, None, :])


def rand_augment(images, seed, *, num_operations=2, magnitude=9):
    """Apply to each image `num_operations` operations of its own, drawn from 13 (Cubuk et al. 2020,
    RandAugment).

    The operation is drawn per image; geometric ones are one affine map per image. Ranges at magnitude 10
    follow the paper's code: shear 0.3, translation 0.3 of the side, rotation 30°, factors 1 ± 0.9, 4 bits
    fewer, solarize all. Source: https://arxiv.org/abs/1909.13719.

    Args:
        images: (batch, height, width, 3) in [0, 1].
        num_operations: int, operations an image, one after another.
        magnitude: float in [0, 10], the strength.
    Returns:
        the same shape, in [0, 1]; what moves in from outside is grey (0.5).
    """
    if not 0 <= magnitude <= 10:
        raise ValueError(f"magnitude must lie between 0 and 10; received {magnitude!r}.")
    for _ in range(num_operations):
        images = one_operation_each(images, seed, magnitude / 10)
    return images


def one_operation_each(images, seed, strength):
    batch, height, _, _ = shape_of(images)
    drawn = keras.random.randint((batch,), 0, len(RAND_AUGMENT_OPERATIONS), dtype="int32", seed=seed)
    sign = ops.where(keras.random.uniform((batch,), seed=seed) < 0.5, -1.0, 1.0)

    def amount(name, largest):  # (batch,): ± the strength where this operation was drawn, else 0
        return ops.where(drawn == RAND_AUGMENT_OPERATIONS.index(name), sign * strength * largest, 0.0)

    def move(images, factor, angle, shear_x, shear_y, shift_x, shift_y):
        return affine(images, rotation=angle, shear=(shear_x, shear_y), shift=(shift_x, shift_y))

    levels = 2.0 ** (8 - round(4 * strength)) - 1
    changes = {
        ("shear_x", "shear_y", "translate_x", "translate_y", "rotate"): move,
        ("brightness",): lambda images, factor, *_: images * column(factor),
        ("colour",): lambda images, factor, *_: blend(grey(images), images, column(factor)),
        ("contrast",): lambda images, factor, *_: blend(mean_grey(images), images, column(factor)),
        ("sharpness",): lambda images, factor, *_: blend(blur(images), images, column(factor)),
        ("posterize",): lambda images, *_: ops.floor(images * levels + 0.5) / levels,
        ("solarize",): lambda images, *_: ops.where(images >= 1 - 0.99 * strength, 1 - images, images),
        ("autocontrast",): lambda images, *_: stretch(images),
    }
    which = ops.zeros_like(drawn)  # (batch,): the number of each image's change, from 1; 0 for the identity
    for number, names in enumerate(changes, 1):
        for name in names:
            which = ops.where(drawn == RAND_AUGMENT_OPERATIONS.index(name), number, which)
    numbers = [1 + sign * strength * 0.9, amount("rotate", math.pi / 6)]
    numbers += [amount("shear_x", 0.3), amount("shear_y", 0.3)]
    numbers += [amount("translate_x", 0.3 * height), amount("translate_y", 0.3 * height)]
    return ops.clip(change_each(images, which, list(changes.values()), *numbers), 0.0, 1.0)


def change_each(images, which, changes, *others):
    """Give each image its own change.

    A compiled step must know every shape, so there each change is computed for the whole batch, and one
    result is selected. Where nothing is compiled and the processor does the work, each change sees its own
    images only: the batch is sorted by change, and put back in order.

    Args:
        images: (batch, height, width, channels).
        which: integer (batch,): 0 leaves an image as it is, 1 is the first change.
        changes: functions of images and of the same rows of each of `others`.
        *others: arrays of (batch, ...).
    Returns:
        the shape and type of `images`.
    """
    images = ops.convert_to_tensor(images)
    if not runs_at_once(images):
        result = images
        for number, change in enumerate(changes, 1):
            result = ops.where(column(which == number), change(images, *others), result)
        return result
    rows = [ops.nonzero(which == number)[0] for number in range(len(changes) + 1)]
    parts = [ops.take(images, rows[0], axis=0)]
    for own, change in zip(rows[1:], changes, strict=True):
        if len(own):
            parts.append(change(*(ops.take(array, own, axis=0) for array in (images, *others))))
    return ops.take(ops.concatenate(parts), ops.argsort(ops.concatenate(rows)), axis=0)


def runs_at_once(images):
    """Say whether each operation is computed as it is called, on the processor: so it is on torch alone."""
    return keras.backend.backend() == "torch" and images.device.type == "cpu"


def random_erasing(images, seed, *, probability=0.25, area=(0.02, 0.4), aspect=(0.3, 1 / 0.3)):
    """Cover a random rectangle of some images with noise (Zhong et al. 2020, https://arxiv.org/abs/1708.04896).

    Args:
        probability: chance that an image is touched.
        area: (least, most) share of the image that is covered.
        aspect: (least, most) height over width of the rectangle, drawn log-uniformly.
    Returns:
        the same shape, in [0, 1].
    """
    batch, height, width, _ = shape_of(images)
    share = keras.random.uniform((batch,), *area, seed=seed)
    ratio = ops.exp(keras.random.uniform((batch,), math.log(aspect[0]), math.log(aspect[1]), seed=seed))
    inside = random_boxes(seed, batch, (height, width), ops.sqrt(share * ratio), ops.sqrt(share / ratio))
    touched = keras.random.uniform((batch, 1, 1, 1), seed=seed) < probability
    noise = keras.random.uniform(ops.shape(images), seed=seed)
    return ops.where(ops.logical_and(touched, inside), ops.cast(noise, images.dtype), images)


def mixup(images, labels, seed, *, alpha=1.0):
    """Blend each image and its label with another's: λ a + (1 − λ) b, λ ~ Beta(α, α) an image.

    Zhang et al. 2018, https://arxiv.org/abs/1710.09412. The partner is the batch rolled by one; batches are
    shuffled.

    Args:
        images: (batch, height, width, channels); labels: float (batch, num_classes), rows sum to 1.
        alpha: float, 1 for uniform λ.
    Returns:
        images and labels of the same shapes; label rows still sum to 1.
    """
    return mix_with_previous(images, labels, draw_share(ops.shape(images)[0], alpha, seed))


def draw_share(batch, alpha, seed):
    """Draw λ ~ Beta(α, α) for each image: (batch,) in [0, 1].

    Beta(1, 1) is the uniform distribution, and is drawn as such: one number an image, where the general case
    draws and rejects many (a tenth of a training step on a GPU).
    """
    if alpha == 1:
        return keras.random.uniform((batch,), seed=seed)
    return keras.random.beta((batch,), alpha, alpha, seed=seed)


def mix_with_previous(images, labels, keep):
    """Blend each image and its label with those before it in the batch: MixUp for a given λ.

    Args:
        images: float (batch, height, width, channels); labels: float (batch, num_classes), rows sum to 1.
        keep: (batch,), λ: the share of itself that each image keeps, in [0, 1].
    Returns:
        images and labels of the same shapes: λ a + (1 − λ) b, both with the same λ.
    """
    share = ops.reshape(ops.cast(keep, labels.dtype), (-1, 1))  # (batch, 1)
    weight = ops.cast(ops.reshape(keep, (-1, 1, 1, 1)), images.dtype)
    mixed = weight * images + (1 - weight) * ops.roll(images, 1, axis=0)
    return mixed, share * labels + (1 - share) * ops.roll(labels, 1, axis=0)


def cutmix(images, labels, seed, *, alpha=1.0):
    """Paste a rectangle of another image into each, and share the label by area (Yun et al. 2019).

    The rectangle has the image's aspect and the area 1 − λ, λ ~ Beta(α, α); it is cut at the border, and the
    label counts the pixels that are really there. https://arxiv.org/abs/1905.04899. Arguments and result as
    in `mixup`.
    """
    pasted = box_to_paste(images, draw_share(ops.shape(images)[0], alpha, seed), seed)
    mixed = ops.where(pasted, ops.roll(images, 1, axis=0), images)
    share = ops.mean(ops.cast(pasted, labels.dtype), axis=(1, 2))  # (batch, 1)
    return mixed, (1 - share) * labels + share * ops.roll(labels, 1, axis=0)


def mixup_or_cutmix(images, labels, seed, *, probability=1.0):
    """Give each image MixUp or CutMix, evenly, with a probability; the others stay as they are."""
    batch = ops.shape(images)[0]
    keep = draw_share(batch, 1.0, seed)
    pasted = box_to_paste(images, draw_share(batch, 1.0, seed), seed)
    draw = keras.random.uniform((batch,), seed=seed)
    which = ops.where(draw < probability / 2, 1, ops.where(draw >= 1 - probability / 2, 2, 0))

    def mix(images, previous, keep, pasted):
        weight = column(ops.cast(keep, images.dtype))
        return weight * images + (1 - weight) * previous

    def paste(images, previous, keep, pasted):
        return ops.where(pasted, previous, images)

    mixed = change_each(images, which, [mix, paste], ops.roll(images, 1, axis=0), keep, pasted)
    uncovered = 1 - ops.mean(ops.cast(pasted, labels.dtype), axis=(1, 2, 3))
    share = ops.where(which == 1, ops.cast(keep, labels.dtype), ops.where(which == 2, uncovered, 1.0))
    share = share[:, None]  # (batch, 1), of each image's own label
    return mixed, share * labels + (1 - share) * ops.roll(labels, 1, axis=0)


def box_to_paste(images, keep, seed):
    """Draw where CutMix pastes: a box of the area 1 − λ, boolean (batch, height, width, 1)."""
    batch, height, width, _ = shape_of(images)
    side = ops.sqrt(1 - keep)
    return random_boxes(seed, batch, (height, width), side, side)


def affine(images, *, rotation, shear, shift):
    """Turn, slant and move each image about its centre, reading with bilinear interpolation; grey (0.5)
    outside.

    Args:
        rotation: (batch,), radians, clockwise; shear: two (batch,), pixels a pixel; shift: two (batch,),
            pixels, x then y.
    Returns:
        the same shape.
    """
    _, height, width, _ = shape_of(images)
    y = ops.cast(ops.arange(height), "float32") - (height - 1) / 2
    x = ops.cast(ops.arange(width), "float32") - (width - 1) / 2
    y, x = y[None, :, None], x[None, None, :]
    cosine, sine = (ops.reshape(f(rotation), (-1, 1, 1)) for f in (ops.cos, ops.sin))
    shear_x, shear_y = (ops.reshape(s, (-1, 1, 1)) for s in shear)
    shift_x, shift_y = (ops.reshape(s, (-1, 1, 1)) for s in shift)
    read_x = cosine * x + sine * y + shear_x * y + shift_x + (width - 1) / 2
    read_y = cosine * y - sine * x + shear_y * x + shift_y + (height - 1) / 2
    left, top = ops.floor(read_x), ops.floor(read_y)
    framed = ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=0.5)

    def in_frame(index, length):  # beyond the image every pixel is that of the frame
        return ops.cast(ops.clip(index + 1, 0, length + 1), "int32")

    total = 0.0
    for columns, weight_x in ((left, left + 1 - read_x), (left + 1, read_x - left)):
        for rows, weight_y in ((top, top + 1 - read_y), (top + 1, read_y - top)):
            values = gather_pixels(framed, in_frame(rows, height), in_frame(columns, width))
            total = total + ops.cast((weight_x * weight_y)[..., None], images.dtype) * values
    return total


def random_boxes(seed, batch, size, relative_height, relative_width):
    """Draw one rectangle an image with a random centre: boolean (batch, height, width, 1)."""
    height, width = size
    centre = keras.random.uniform((batch, 2), seed=seed)

    def along(length, middle, extent):  # (batch, length)
        position = (ops.cast(ops.arange(length), "float32")[None] + 0.5) / length
        return ops.abs(position - middle[:, None]) < extent[:, None] / 2

    inside_rows = along(height, centre[:, 0], relative_height)
    inside_columns = along(width, centre[:, 1], relative_width)
    return ops.logical_and(inside_rows[:, :, None, None], inside_columns[:, None, :, None])


def gather_pixels(images, rows, columns):
    """Read from each image its own pixels: rows and columns broadcast to (batch, height, width)."""
    batch, height, width, channels = shape_of(images)
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
    return ops.take(ops.reshape(images, (-1, channels)), first + rows * width + columns, axis=0)


def reflect(index, length):
    """Bring indices that left the image back as a mirror at the edge would: −1 → 1, length → length − 2."""
    index = ops.abs(index)
    return length - 1 - ops.abs(length - 1 - index)


def column(values):
    """Give each image of a batch its value, as an array that broadcasts: (batch,) to (batch, 1, 1, 1)."""
    return ops.reshape(values, (-1, 1, 1, 1))


def grey(images):
    return ops.mean(images, axis=-1, keepdims=True)


def mean_grey(images):
    return ops.mean(grey(images), axis=(1, 2), keepdims=True)


def stretch(images):
    """Stretch the values of each image over [0, 1]."""
    low = ops.min(images, axis=(1, 2), keepdims=True)
    high = ops.max(images, axis=(1, 2), keepdims=True)
    return (images - low) / ops.maximum(high - low, 1 / 255)


def blend(start, end, factor):
    return start + factor * (end - start)


def blur(images):
    """Smooth with the 3×3 kernel of Pillow's SMOOTH filter (centre 5, others 1, of 13)."""
    padded = ops.concatenate([images[:, :1], images, images[:, -1:]], axis=1)
    padded = ops.concatenate([padded[:, :, :1], padded, padded[:, :, -1:]], axis=2)
    _, height, width, _ = shape_of(images)
    neighbours = sum(padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3))
    return (neighbours + 4 * images) / 13


def shape_of(images):
    """Give (batch, height, width, channels), the batch as a tensor where it is not known yet."""
    return (ops.shape(images)[0], *(int(size) for size in images.shape[1:]))
