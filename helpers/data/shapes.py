"""The course's built-in data set: ten drawn objects on ten textured backgrounds, each image with its mask.

Nothing is downloaded, a small ViT learns it in minutes, and it answers a question that photographs cannot:
does a token know about the object, or about the background that usually comes with it?
"""

import numpy as np

from helpers.data.dataset import Dataset
from helpers.data.objects import OBJECTS
from helpers.data.textures import TEXTURES

IMAGE_SIZE = 32
CONTRAST_FLOOR = 0.25  # smallest difference in brightness, of 1, between any object and any background pixel
CHUNK = 500  # images drawn together, from random numbers of their own: a longer set begins like a shorter
LUMA = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue look (ITU-R BT.601)

CLASS_NAMES = tuple(draw.__name__ for draw in OBJECTS)
BACKGROUND_NAMES = tuple(texture.__name__ for texture in TEXTURES)


def make_shapes(n=20_000, seed=0, context=0.5, *, test_fraction=0.2):
    """Draw the built-in data set: ten classes of objects in random pose and colour on textured backgrounds.

    Class k has its own background, number k. Each image shows it with probability `context`, and otherwise
    one of the ten at random, so that P(own background) = context + (1 - context) / 10: context 0 tells
    nothing about the class, context 1 gives it away. Position, size, angle and colours never depend on the
    class or on `context`: the same seed with another `context` puts the same objects on other backgrounds.

    The same arguments give the same bytes, and a larger `n` begins with the images of a smaller one, in the
    training and in the test part. Any ten images from number 10·k on hold each class once.

    Args:
        n: number of images, training and test together.
        seed: integer, 0 or more.
        context: strength of the tie between class and background, in [0, 1].
        test_fraction: part of the `n` images that is kept for testing, in [0, 1).
    Returns:
        Dataset with images uint8 (num_images, 32, 32, 3), masks bool (num_images, 32, 32), and the background
        of each image in `backgrounds_train` and `backgrounds_test`, named by `background_names`.
    Raises:
        ValueError: if an argument is out of its range; the message says what was received.
    """
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n must be a whole number of images, 1 or more, got {n!r}.")
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or more, got {seed!r}.")
    if not 0 <= context <= 1:
        raise ValueError(f"context must lie between 0 (independent) and 1 (determined), got {context!r}.")
    if not 0 <= test_fraction < 1:
        raise ValueError(f"test_fraction must be at least 0 and less than 1, got {test_fraction!r}.")
    num_test = round(n * test_fraction)
    train, test = _draw_part(n - num_test, seed, 0, context), _draw_part(num_test, seed, 1, context)
    return Dataset(
        x_train=train[0],
        y_train=train[1],
        masks_train=train[2],
        backgrounds_train=train[3],
        x_test=test[0],
        y_test=test[1],
        masks_test=test[2],
        backgrounds_test=test[3],
        class_names=CLASS_NAMES,
        background_names=BACKGROUND_NAMES,
        source=f"shapes drawn by the course, seed {seed}, context {context:g}",
    )


def _draw_part(num_images, seed, part, context):
    images = np.empty((num_images, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    masks = np.empty((num_images, IMAGE_SIZE, IMAGE_SIZE), bool)
    labels, backgrounds = np.empty((2, num_images), np.int64)
    for start in range(0, num_images, CHUNK):
        rng = np.random.default_rng([seed, part, start])
        chunk = slice(start, min(start + CHUNK, num_images))
        drawn = _draw_chunk(rng, chunk.stop - start, context)
        images[chunk], labels[chunk], masks[chunk], backgrounds[chunk] = drawn
    return images, labels, masks, backgrounds


def _draw_chunk(rng, num_images, context):
    # Every random number of a whole chunk is drawn before anything is decided: neither the number of images
    # wanted nor `context` may change what comes after it.
    noise = rng.random((CHUNK, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)[:num_images]
    labels = np.argsort(rng.random((CHUNK // 10, 10)), axis=1).reshape(CHUNK)[:num_images]
    draws = iter(rng.random((20, CHUNK))[:, :num_images])
    any_background = np.floor(10 * next(draws)).astype(np.int64)
    backgrounds = np.where(next(draws) < context, labels, any_background)
    coverage = _draw_objects(labels, draws)
    amount = _draw_backgrounds(backgrounds, noise, draws)
    colours = _choose_colours(draws)
    height = _plane_coordinates(labels.size, 0, 0, 0.0)[1] / IMAGE_SIZE + np.float32(0.5)  # 0 top, 1 bottom
    background, thing = _mix(colours[0], colours[1], amount), _mix(colours[2], colours[3], height)
    image = background + coverage[..., None] * (thing - background)
    return np.floor(image * 255 + 0.5).astype(np.uint8), labels, coverage >= 0.5, backgrounds


def _draw_objects(labels, draws):
    radius = 9.5 + 4 * next(draws)
    room = IMAGE_SIZE / 2 - radius  # the whole object stays inside the image
    right, down = room * (2 * next(draws) - 1), room * (2 * next(draws) - 1)
    tilt = (2 * next(draws) - 1) * np.pi / 9  # up to 20 degrees to either side
    x, y = _plane_coordinates(labels.size, right, down, tilt)
    radius = radius.astype(np.float32)[:, None, None]
    coverage = np.empty(x.shape, np.float32)
    for label, draw in enumerate(OBJECTS):
        these = labels == label
        distance = draw(x[these] / radius[these], y[these] / radius[these]) * radius[these]  # in pixels
        coverage[these] = np.clip(0.5 - distance, 0, 1)  # the part of the pixel that the object covers
    return coverage


def _draw_backgrounds(backgrounds, noise, draws):
    period = 5 + 4 * next(draws)
    right, down = 12 * (2 * next(draws) - 1), 12 * (2 * next(draws) - 1)
    x, y = _plane_coordinates(backgrounds.size, right, down, 2 * np.pi * next(draws))
    period = period.astype(np.float32)[:, None, None]
    amount = np.empty(x.shape, np.float32)
    for kind, texture in enumerate(TEXTURES):
        these = backgrounds == kind
        p = period[these]
        amount[these] = texture(x[these] / p, y[these] / p, p, noise[these])
    return amount


def _plane_coordinates(num_images, right, down, angle):
    # pixel centres as seen from a point `right` and `down` of the image's centre, turned by `angle`
    # two float32 (num_images, 32, 32)
    line = np.arange(IMAGE_SIZE) - (IMAGE_SIZE - 1) / 2

    def column(values):
        return np.broadcast_to(values, num_images).astype(np.float32)[:, None, None]

    x = line.astype(np.float32)[None, None, :] - column(right)
    y = line.astype(np.float32)[None, :, None] - column(down)
    cosine, sine = column(np.cos(angle)), column(np.sin(angle))
    return cosine * x + sine * y, cosine * y - sine * x


def _choose_colours(draws):
    # Brightness first: both background colours lie in one band, both object colours beyond it by the floor.
    # Then a hue, which leaves the brightness alone. Half of the images are turned into dark on light.
    low = 0.08 + 0.2 * next(draws)
    high = low + 0.06 + 0.12 * next(draws)
    nearest = high + CONTRAST_FLOOR + 0.01  # a hundredth for rounding to 8 bits
    object_top = nearest + (0.95 - nearest) * next(draws)
    object_bottom = nearest + (object_top - nearest) * next(draws)
    dark_on_light, ground_hue, object_hue = next(draws) < 0.5, next(draws), next(draws)
    hues = ground_hue, ground_hue + 0.12 * next(draws), object_hue, object_hue + 0.06
    brightness = (np.where(dark_on_light, 1 - b, b) for b in (low, high, object_top, object_bottom))
    return [_colour(b, hue, strength) for b, hue, strength in zip(brightness, hues, (0.6, 0.6, 0.9, 0.9))]


def _colour(brightness, hue, strength):
    # grey of this brightness plus a direction of no brightness, as far as `strength` of the way out of [0, 1]
    turn = np.abs((hue[:, None] + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3)
    direction = np.clip(turn - 1, 0, 1)  # the pure colour of this hue, red at 0
    direction = direction - (direction * LUMA).sum(axis=1, keepdims=True)
    room = np.where(direction > 0, 1 - brightness[:, None], brightness[:, None]) / np.abs(direction)
    return brightness[:, None] + strength * room.min(axis=1, keepdims=True) * direction


def _mix(first, second, amount):
    # (n, 3) and (n, 3) by (n, 32, 32) -> (n, 32, 32, 3)
    first, second = first.astype(np.float32)[:, None, None], second.astype(np.float32)[:, None, None]
    return first + amount[..., None] * (second - first)
