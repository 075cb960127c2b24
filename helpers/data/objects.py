"""Ten objects, each a signed distance: negative inside, zero on the outline, positive outside.

Every object takes x and y, float32 (batch, 32, 32): where the pixel lies, counted in radii of the object, x
to the right and y down. The distance comes back in radii as well, and every object fits in the circle of
radius 1.
A union is a minimum, an intersection a maximum, and "without" is the maximum with the negative.
(More of them: https://iquilezles.org/articles/distfunctions2d/)
"""

import numpy as np


def disc(x, y):
    """Everything within 0.85 of the centre."""
    return np.sqrt(x * x + y * y) - 0.85


def ring(x, y):
    """Everything near the circle of radius 0.72."""
    return np.abs(np.sqrt(x * x + y * y) - 0.72) - 0.22


def square(x, y):
    """Four equal sides."""
    return np.maximum(np.abs(x), np.abs(y)) - 0.7


def triangle(x, y):
    """Three equal sides."""
    return _convex(x, y, [(0, -1), (0.87, 0.5), (-0.87, 0.5)])


def star(x, y):
    """Five points: where at least four of the five half-planes of a pentagram overlap."""
    angles = np.arange(5) * 2 * np.pi / 5
    sides = [x * np.float32(np.sin(a)) - y * np.float32(np.cos(a)) for a in angles]
    return _second_largest(sides) - np.float32(0.31)


def cross(x, y):
    """Two bars."""
    upright = np.maximum(np.abs(x) - 0.26, np.abs(y) - 0.94)
    level = np.maximum(np.abs(y) - 0.26, np.abs(x) - 0.94)
    return np.minimum(upright, level)


def heart(x, y):
    """Two discs, and the kite that hangs from them."""
    lobes = np.sqrt((np.abs(x) - 0.41) ** 2 + (y + 0.35) ** 2) - 0.46
    kite = _convex(x, y, [(0, -0.46), (0.76, -0.05), (0, 0.85), (-0.76, -0.05)])
    return np.minimum(lobes, kite)


def crescent(x, y):
    """A disc without another disc."""
    whole = np.sqrt(x * x + y * y) - 0.95
    bite = np.sqrt((x - 0.45) ** 2 + y * y) - 0.75
    return np.maximum(whole, -bite)


def arrow(x, y):
    """A head and a shaft."""
    head = _convex(x, y, [(0, -1), (0.78, 0), (-0.78, 0)])
    shaft = np.maximum(np.abs(x) - 0.25, np.abs(y - 0.4) - 0.52)
    return np.minimum(head, shaft)


def bolt(x, y):
    """Lightning: two slanted triangles that overlap."""
    upper = _convex(x, y, [(0.3, -0.95), (0.02, 0.16), (-0.62, 0.16)])
    lower = _convex(x, y, [(-0.3, 0.95), (-0.02, -0.16), (0.62, -0.16)])
    return np.minimum(upper, lower)


OBJECTS = (disc, ring, square, triangle, star, cross, heart, crescent, arrow, bolt)


def _convex(x, y, corners):
    # the intersection of the half-planes left of each edge, corners given clockwise as seen on the screen
    sides = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
        length = float(np.hypot(x1 - x0, y1 - y0))
        sides.append((x - x0) * ((y1 - y0) / length) - (y - y0) * ((x1 - x0) / length))
    return np.maximum.reduce(sides)


def _second_largest(values):
    largest, second = values[0], np.full_like(values[0], -np.inf)
    for value in values[1:]:
        second = np.maximum(second, np.minimum(largest, value))
        largest = np.maximum(largest, value)
    return second
