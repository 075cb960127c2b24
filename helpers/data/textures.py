"""Ten textured backgrounds, each a number from 0 to 1 for every pixel: how much of the second colour it has.

Every texture takes the same three things:
    x, y    float32 (batch, 32, 32): where the pixel lies, turned by the image's angle, counted in periods
    period  float32 (batch, 1, 1): pixels in a period, which tells how sharp an edge of one pixel is
    noise   float32 (batch, 32, 32): random numbers of this image, uniform in [0, 1)

Pixels are worked out with + - * / and the square root alone, which round alike on every machine.
"""

import numpy as np


def gradient(x, y, period, noise):
    """One colour fades into the other across the image."""
    return np.clip(0.5 + x * period / 32, 0, 1)


def stripes(x, y, period, noise):
    """Parallel bands of equal width."""
    return _bands(x, period)


def checks(x, y, period, noise):
    """A chessboard: one colour where exactly one of two sets of bands is on."""
    across, down = _bands(x / 2, period * 2), _bands(y / 2, period * 2)
    return across + down - 2 * across * down


def dots(x, y, period, noise):
    """Discs on a square lattice."""
    from_centre = np.sqrt((x - np.floor(x) - 0.5) ** 2 + (y - np.floor(y) - 0.5) ** 2)
    return _edge(0.32 - from_centre, period)


def waves(x, y, period, noise):
    """Bands that swing from side to side, along parabolas joined end to end."""
    turn = 2 * (x / 2 - np.floor(x / 2)) - 1  # -1 to 1 in each double period
    return _bands(y + 1.6 * turn * (1 - np.abs(turn)), period)


def ripples(x, y, period, noise):
    """Rings around one point, as from a stone in water."""
    return _bands(np.sqrt(x * x + y * y), period)


def bricks(x, y, period, noise):
    """Bricks twice as long as high, each row shifted by half a brick."""
    row = np.floor(y)
    along = x / 2 + row / 2
    to_joint = np.minimum(_to_nearest_integer(along) * 2, _to_nearest_integer(y))
    return _edge(to_joint - 0.1, period)


def clouds(x, y, period, noise):
    """Smooth noise: a coarse and a fine grid of random numbers, interpolated."""
    mixed = 0.65 * _smooth_noise(noise[:, :6, :6]) + 0.35 * _smooth_noise(noise[:, 6:18, 6:18])
    return np.clip(2 * mixed - 0.5, 0, 1)


def cells(x, y, period, noise):
    """Cracked earth: the borders between the regions that lie nearest to each of 14 random points."""
    pixel = np.arange(32, dtype=np.float32)
    nearest = np.full(noise.shape, np.inf, np.float32)
    second = nearest.copy()
    for site in range(14):
        down = pixel[:, None] - 32 * noise[:, 0, site, None, None]
        across = pixel - 32 * noise[:, 1, site, None, None]
        distance = down * down + across * across
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    return np.clip((np.sqrt(second) - np.sqrt(nearest)) / 3, 0, 1)


def tiles(x, y, period, noise):
    """Square tiles, each of its own random shade."""
    image = np.arange(len(noise))[:, None, None]
    row, column = np.floor(y * 1.25).astype(np.int64) % 32, np.floor(x * 1.25).astype(np.int64) % 32
    return noise[image, row, column]


TEXTURES = (stripes, checks, dots, waves, ripples, bricks, clouds, cells, tiles, gradient)


def _to_nearest_integer(values):
    return np.abs(values - np.floor(values + 0.5))


def _edge(distance, period):
    # 0 outside, 1 inside, and a ramp one pixel wide between them
    return np.clip(0.5 + distance * period, 0, 1)


def _bands(position, period):
    return _edge(_to_nearest_integer(position) - 0.25, period)


def _smooth_noise(lattice):
    # (batch, size, size) -> (batch, 32, 32), bilinear with weights eased by 3t² - 2t³
    size = lattice.shape[1]
    position = np.linspace(0, size - 1.001, 32, dtype=np.float32)
    low = position.astype(np.int64)
    weight = position - low.astype(np.float32)
    weight = weight * weight * (3 - 2 * weight)
    rows = lattice[:, low] * (1 - weight)[:, None] + lattice[:, low + 1] * weight[:, None]
    return rows[:, :, low] * (1 - weight) + rows[:, :, low + 1] * weight
