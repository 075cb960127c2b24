"""The built-in images: their labels by counting, their geometry by hand, their contrast in every pixel."""

import hashlib

import numpy as np
import pytest
from scipy import ndimage

from helpers.data import objects, shapes, textures
from helpers.data.shapes import BACKGROUND_NAMES, CLASS_NAMES, CONTRAST_FLOOR, make_shapes


@pytest.fixture(scope="module")
def data():
    return make_shapes(6000, seed=3, context=0.5)


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in (
            "x_train",
            "y_train",
            "masks_train",
            "backgrounds_train",
            "x_test",
            "y_test",
            "masks_test",
        )
    )


def test_what_is_in_it(data):
    assert data.x_train.shape == (4800, 32, 32, 3) and data.x_test.shape == (1200, 32, 32, 3)
    assert data.x_train.dtype == np.uint8 and data.masks_train.dtype == bool
    assert data.masks[0].shape == (4800, 32, 32) and data.masks[1].shape == (1200, 32, 32)
    assert len(set(CLASS_NAMES)) == len(set(BACKGROUND_NAMES)) == 10
    assert data.class_names == CLASS_NAMES and data.background_names == BACKGROUND_NAMES
    assert data.source == "shapes drawn by the course, seed 3, context 0.5"


def test_every_ten_images_hold_each_class_once(data):
    for labels in (data.y_train, data.y_test):
        assert np.array_equal(
            np.sort(labels.reshape(-1, 10), axis=1), np.tile(np.arange(10), (len(labels) // 10, 1))
        )
    assert not np.array_equal(data.y_train[:10], data.y_train[10:20])


def test_same_arguments_give_the_same_bytes():
    assert same(make_shapes(700, seed=5), make_shapes(700, seed=5))
    assert not same(make_shapes(700, seed=5), make_shapes(700, seed=6))


@pytest.mark.parametrize("n", [1, 15, 500, 1250])
def test_larger_set_begins_with_the_smaller_one(data, n):
    small = make_shapes(n, seed=3, context=0.5)
    num_train, num_test = len(small.x_train), len(small.x_test)
    assert (num_train, num_test) == (n - round(n * 0.2), round(n * 0.2))
    assert np.array_equal(small.x_train, data.x_train[:num_train])
    assert np.array_equal(small.masks_test, data.masks_test[:num_test])
    assert np.array_equal(small.y_test, data.y_test[:num_test])


def test_training_and_test_images_differ(data):
    seen = {image.tobytes() for image in data.x_train}
    assert len(seen) == len(data.x_train)
    assert not any(image.tobytes() in seen for image in data.x_test)


@pytest.mark.parametrize("context", [0.0, 0.3, 0.7, 1.0])
def test_background_follows_the_class_as_often_as_stated(context):
    data = make_shapes(5000, seed=1, context=context, test_fraction=0)
    own = np.mean(data.backgrounds_train == data.y_train)
    expected = context + (1 - context) / 10
    assert abs(own - expected) <= 4 * np.sqrt(expected * (1 - expected) / 5000)
    if context < 1:  # the other nine are equally likely
        others = data.backgrounds_train[data.backgrounds_train != data.y_train]
        counts = np.bincount(
            (others - data.y_train[data.backgrounds_train != data.y_train]) % 10, minlength=10
        )
        share = len(others) / 9
        assert counts[0] == 0 and np.abs(counts[1:] - share).max() <= 5 * np.sqrt(share)


def test_context_moves_no_object_and_changes_no_other_background():
    none, half, full = (make_shapes(1000, seed=2, context=c, test_fraction=0) for c in (0, 0.5, 1))
    assert np.array_equal(none.masks_train, half.masks_train)
    assert np.array_equal(none.y_train, full.y_train)
    assert np.array_equal(full.backgrounds_train, full.y_train)
    kept = none.backgrounds_train == half.backgrounds_train
    assert np.array_equal(none.x_train[kept], half.x_train[kept])
    inside = np.stack([ndimage.binary_erosion(mask, np.ones((5, 5))) for mask in none.masks_train])
    assert np.array_equal(none.x_train[inside], full.x_train[inside])


def test_colours_keep_the_contrast_floor():
    """Both object colours are lighter, or both darker, than both background colours, by the floor or more."""
    draws = iter(np.random.default_rng(0).random((20, 10_000)))
    colours = np.stack(shapes._choose_colours(draws))
    assert colours.min() >= 0 and colours.max() <= 1
    ground, thing = colours[:2] @ shapes.LUMA, colours[2:] @ shapes.LUMA
    lighter, darker = thing.min(axis=0) - ground.max(axis=0), ground.min(axis=0) - thing.max(axis=0)
    assert np.maximum(lighter, darker).min() >= CONTRAST_FLOOR
    assert 0.45 < np.mean(lighter > 0) < 0.55
    assert (np.ptp(colours[2:], axis=2) > 0.05).all()  # no object is grey


def test_no_object_is_ever_invisible(data):
    """The middle brightness of an object lies outside of nearly all that surrounds it, by nearly the floor.

    Nearly, because a small star is edge pixels for the most part, and these are mixtures.
    """
    brightness = data.x_train @ shapes.LUMA
    for image, mask in zip(brightness, data.masks_train):
        inside, (low, high) = np.median(image[mask]), np.quantile(image[~mask], [0.05, 0.95])
        assert max(inside - high, low - inside) >= 255 * 0.9 * CONTRAST_FLOOR


def test_colours_do_not_tell_the_class(data):
    means = np.stack([data.x_train[data.y_train == k].mean(axis=(0, 1, 2)) for k in range(10)])
    assert means.std(axis=0).max() < 6  # of 255; 480 images a class


def test_objects_lie_whole_inside_the_image(data):
    """Their outline may touch the outermost pixels but is never cut: the drawn circle stays inside."""
    area = data.masks_train.sum(axis=(1, 2))
    assert area.min() > 25 and area.max() < 0.5 * 32 * 32
    disc = data.masks_train[data.y_train == CLASS_NAMES.index("disc")]
    for mask in disc:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert abs(height - width) <= 2
        assert abs(2 * np.sqrt(mask.sum() / np.pi) - (height + width) / 2) <= 1  # diameters in pixels


# Area of each object in a circle of radius 1, from elementary geometry.
AREAS = {
    "disc": np.pi * 0.85**2,
    "ring": np.pi * (0.94**2 - 0.5**2),
    "square": 1.4**2,
    "triangle": 0.87 * 1.5,
    "cross": 4 * (2 * 0.26 * 0.94) - 4 * 0.26**2,
    "arrow": 0.78 + 0.5 * 0.92,  # head, and the part of the shaft below it
}


def on_a_fine_grid():
    line = (np.arange(1000, dtype=np.float32) - 499.5) / 450
    return np.broadcast_to(line, (1, 1000, 1000)), np.broadcast_to(line[:, None], (1, 1000, 1000))


@pytest.mark.parametrize(("name", "area"), AREAS.items())
def test_area_of_an_object(name, area):
    x, y = on_a_fine_grid()
    inside = getattr(objects, name)(x, y) < 0
    assert inside.sum() / 450**2 == pytest.approx(area, rel=2e-3)


@pytest.mark.parametrize("draw", objects.OBJECTS, ids=lambda draw: draw.__name__)
def test_object_fits_the_unit_circle_and_is_one_piece(draw):
    x, y = on_a_fine_grid()
    inside = draw(x, y)[0] < 0
    assert np.sqrt(x[0] ** 2 + y[0] ** 2)[inside].max() <= 1.01
    pieces = np.bincount(ndimage.label(inside)[0].ravel())[1:]
    assert pieces.max() > 0.9999 * pieces.sum()  # the tip of a bolt may lose a pixel of a million


@pytest.mark.parametrize("draw", objects.OBJECTS, ids=lambda draw: draw.__name__)
def test_distance_never_grows_faster_than_the_way(draw):
    """|d(p) - d(q)| <= |p - q|: what makes the antialiased edge at most one pixel wide."""
    x, y = on_a_fine_grid()
    distance = draw(x, y)[0].astype(float)
    for axis in (0, 1):
        assert np.abs(np.diff(distance, axis=axis)).max() <= 1.001 / 450


def test_objects_by_hand():
    origin, right, up = ((np.float32(x), np.float32(y)) for x, y in ((0, 0), (1, 0), (0, -1)))
    assert objects.disc(*right) == pytest.approx(0.15)
    assert objects.ring(*origin) == pytest.approx(0.5)
    assert objects.square(*origin) == pytest.approx(-0.7)
    assert objects.cross(*right) == pytest.approx(0.06)
    assert objects.triangle(*up) == pytest.approx(0, abs=1e-6)
    assert objects.star(*up) == pytest.approx(0, abs=0.01)
    assert objects.crescent(*origin) > 0 > objects.crescent(np.float32(-0.6), np.float32(0))


def test_star_has_five_points():
    angles = (np.arange(1000, dtype=np.float32) * np.float32(2 * np.pi / 1000))[None]
    inside = objects.star(0.7 * np.sin(angles), -0.7 * np.cos(angles))[0] < 0
    assert np.sum(inside & ~np.roll(inside, 1)) == 5 and inside[0]


@pytest.mark.parametrize("texture", textures.TEXTURES, ids=lambda texture: texture.__name__)
def test_texture_fills_zero_to_one(texture):
    rng = np.random.default_rng(0)
    noise = rng.random((20, 32, 32), dtype=np.float32)
    x, y = shapes._plane_coordinates(20, rng.random(20) * 8, rng.random(20) * 8, rng.random(20) * 6)
    period = np.full((20, 1, 1), 6, np.float32)
    amount = texture(x / period, y / period, period, noise)
    assert amount.shape == (20, 32, 32) and amount.dtype == np.float32
    assert amount.min() >= 0 and amount.max() <= 1
    assert (np.ptp(amount, axis=(1, 2)) > 0.5).all()  # never a plain surface


def test_stripes_by_hand():
    x = np.array([[[0.0, 0.5, 1.0, 0.25]]], np.float32)
    assert textures.stripes(x, x, np.float32(8), None).tolist() == [[[0.0, 1.0, 0.0, 0.5]]]


def test_tile_is_one_shade():
    noise = np.random.default_rng(0).random((1, 32, 32), dtype=np.float32)
    line = np.float32([0.1, 0.7, 0.9])  # tiles are 0.8 periods wide
    shade = textures.tiles(line[None, None], np.zeros((1, 1, 3), np.float32), None, noise)[0, 0]
    assert shade[0] == shade[1] != shade[2]


def test_pixels_are_the_same_on_every_machine():
    """No sine and no exponential of a pixel: what lessons print on these images is the same everywhere."""
    data = make_shapes(1000, seed=0, context=0.5, test_fraction=0)
    digest = hashlib.sha256(data.x_train.tobytes() + data.y_train.astype("<i8").tobytes()).hexdigest()
    assert digest[:16] == "a3b18aaef615a59b"


def test_images_are_drawn_many_at_once_and_never_more_than_a_chunk(monkeypatch):
    """1600 and 400 images are four chunks and one: each object and each texture is drawn five times."""
    drawn = {}

    def counted(draw):
        def count(x, *others):
            drawn.setdefault(draw.__name__, []).append(len(x))
            return draw(x, *others)

        return count

    for name in ("OBJECTS", "TEXTURES"):
        monkeypatch.setattr(shapes, name, tuple(map(counted, getattr(shapes, name))))
    make_shapes(2000, seed=9)
    assert len(drawn) == 20 and {len(times) for times in drawn.values()} == {5}
    for names in (shapes.CLASS_NAMES, shapes.BACKGROUND_NAMES):
        assert [sum(drawn[name][chunk] for name in names) for chunk in range(5)] == [500, 500, 500, 100, 400]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"n": 0}, "n must be"),
        ({"n": 2.5}, "n must be"),
        ({"seed": -1}, "seed must be"),
        ({"seed": None}, "seed must be"),
        ({"context": 1.1}, "context must lie between 0"),
        ({"context": float("nan")}, "context must lie between 0"),
        ({"test_fraction": 1}, "test_fraction must be"),
    ],
)
def test_arguments_are_checked(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        make_shapes(**({"n": 10} | arguments))
