"""Photographs of the course, and every kind of file that a learner may bring."""

import hashlib
import os
import socket
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.data import photos
from helpers.data.photos import load_photo, photo_credit, photo_names

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def left_right(mode="RGB", left=RED, right=BLUE, size=(64, 64)):
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def save(image, path, **options):
    image.save(path, **options)
    return path


def corners(array):
    """Colours at the top left and at the bottom right, as whole numbers of 255."""
    return [tuple(np.round(255 * array[i, i]).astype(int).tolist()) for i in (2, -3)]


# ---- the course's own


def test_photos_of_the_wheel_need_no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a photo asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    loaded = [load_photo(name) for name in photo_names()]
    assert {"cat", "astronaut", "coffee", "rocket"} <= set(photo_names())
    for image in loaded:
        assert image.shape == (224, 224, 3) and image.dtype == np.float32
        assert 0 <= image.min() < 0.1 and 0.8 < image.max() <= 1
    assert len({image.tobytes() for image in loaded}) == len(loaded)


def test_loading_a_photo_does_not_import_scikit_image():
    before = "skimage.data" in sys.modules  # an earlier test of this process may have needed it
    load_photo("cat", size=32)
    assert ("skimage.data" in sys.modules) == before


def test_every_photo_has_its_credit():
    for name in photo_names():
        assert "CC0" in photo_credit(name) or "Public domain" in photo_credit(name)
    with pytest.raises(ValueError, match="there are cat"):
        photo_credit("dog")


# ---- geometry


def test_image_of_the_right_size_is_unchanged(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    path = save(Image.fromarray(pixels), tmp_path / "a.png")
    np.testing.assert_array_equal(load_photo(path, size=48), np.float32(pixels) / 255)


def test_middle_square_is_cut_out(tmp_path):
    wide = Image.new("RGB", (96, 32), RED)
    wide.paste(BLUE, (32, 0, 64, 32))
    assert (load_photo(save(wide, tmp_path / "a.png"), size=32) == [0, 0, 1]).all()
    tall = wide.transpose(Image.Transpose.ROTATE_90)
    assert (load_photo(save(tall, tmp_path / "b.png"), size=32) == [0, 0, 1]).all()


def test_fine_stripes_become_grey_and_not_stripes(tmp_path):
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:, ::2] = 255
    small = load_photo(save(Image.fromarray(pixels), tmp_path / "a.png"), size=64)[4:-4, 4:-4]
    assert np.abs(small - 0.5).max() < 0.02  # without averaging every pixel would be 0 or 1


def test_small_picture_is_enlarged(tmp_path):
    image = load_photo(save(left_right(size=(16, 16)), tmp_path / "a.png"), size=224)
    assert image.shape == (224, 224, 3) and corners(image) == [RED, BLUE]


# ---- kinds of files


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_as_the_camera_says(tmp_path, orientation):
    """Orientation tells how the stored picture lies. All eight must come out with red at the top left."""
    shown = Image.new("RGB", (64, 64), WHITE)
    shown.paste(RED, (0, 0, 32, 32))
    shown.paste(BLUE, (32, 0, 64, 32))
    moves = Image.Transpose
    undo = {2: moves.FLIP_LEFT_RIGHT, 3: moves.ROTATE_180, 4: moves.FLIP_TOP_BOTTOM, 5: moves.TRANSPOSE}
    undo |= {6: moves.ROTATE_90, 7: moves.TRANSVERSE, 8: moves.ROTATE_270}
    stored = shown.transpose(undo[orientation]) if orientation > 1 else shown
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = load_photo(save(stored, tmp_path / "a.png", exif=exif), size=64)
    np.testing.assert_array_equal(image, np.float32(shown) / 255)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_formats(tmp_path, suffix):
    path = save(left_right(), tmp_path / f"mein Foto ü.{suffix}", quality=100)
    top, bottom = corners(load_photo(str(path)))
    assert np.abs(np.subtract(top, RED)).max() <= 6 and np.abs(np.subtract(bottom, BLUE)).max() <= 6


def test_name_of_the_file_does_not_matter(tmp_path):
    save(left_right(), tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert corners(load_photo(tmp_path / "a.jpg")) == [RED, BLUE]


def palette_with_transparency():
    image = left_right().convert("P", palette=Image.Palette.ADAPTIVE)
    image.info["transparency"] = image.getpixel((0, 0))
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (left_right("RGBA", (255, 0, 0, 0), (0, 0, 255, 255)), [WHITE, BLUE]),
        (left_right("RGBA", (255, 0, 0, 128), (0, 0, 255, 255)), [(255, 127, 127), BLUE]),
        (left_right("LA", (0, 0), (100, 255)), [WHITE, (100, 100, 100)]),
        (left_right("L", 51, 204), [(51, 51, 51), (204, 204, 204)]),
        (left_right("1", 0, 1), [(0, 0, 0), WHITE]),
        (left_right().convert("P", palette=Image.Palette.ADAPTIVE), [RED, BLUE]),
        (palette_with_transparency(), [WHITE, BLUE]),
    ],
    ids=["transparent", "half transparent", "LA", "L", "1", "P", "P transparent"],
)
def test_modes(tmp_path, image, expected):
    assert corners(load_photo(save(image, tmp_path / "a.png"), size=64)) == expected


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    pixels = np.full((32, 32), 257 * 100, np.uint16)  # 100 of 255
    pixels[:, 16:] = 65535
    image = load_photo(save(Image.fromarray(pixels), tmp_path / "a.png"), size=32)
    assert corners(image) == [(100, 100, 100), WHITE]


def png(width, height, depth, colour, rows):
    """Write a PNG by hand: Pillow cannot write 16 bits of colour."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_sixteen_bits_of_colour(tmp_path):
    row = b"\0" + np.tile(np.array([65535, 257 * 100, 0], ">u2"), 16).tobytes()
    (tmp_path / "a.png").write_bytes(png(16, 16, 16, 2, row * 16))
    assert corners(load_photo(tmp_path / "a.png", size=16)) == [(255, 100, 0)] * 2


def test_cmyk_of_a_printer(tmp_path):
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # no cyan: red
    top, _ = corners(load_photo(save(image, tmp_path / "a.jpg", quality=100), size=32))
    assert np.abs(np.subtract(top, RED)).max() <= 6


def test_first_picture_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE)]
    path = save(frames[0], tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert corners(load_photo(path, size=32)) == [RED, RED]


# ---- what is refused, and what the learner is told


def test_truncated_file(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    for name in ("a.png", "a.jpg", "a.webp"):
        path = save(noise, tmp_path / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match="cut short|not a picture"):
            load_photo(path)


def test_png_with_a_wrong_bit(tmp_path):
    content = bytearray(png(16, 16, 8, 0, (b"\0" + bytes(16)) * 16))
    content[45] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_photo(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"<html>", b"GIF89a" + bytes(50), b"%PDF-1.7", b"\0" * 100])
def test_not_a_picture(tmp_path, content):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(ValueError, match="Save it as JPEG, PNG or WEBP"):
        load_photo(tmp_path / "photo.jpg")


@pytest.mark.parametrize("suffix", ["gif", "bmp", "tiff"])
def test_other_formats(tmp_path, suffix):
    with pytest.raises(ValueError, match="Save it as JPEG, PNG or WEBP"):
        load_photo(save(left_right(), tmp_path / f"a.{suffix}"))


def test_places_without_a_file(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        load_photo(tmp_path)
    with pytest.raises(ValueError, match="There is no file .*cat, astronaut"):
        load_photo(tmp_path / "missing.jpg")
    with pytest.raises(ValueError, match="There is no file"):
        load_photo("dog")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match="is empty"):
        load_photo(tmp_path / "empty.jpg")


@pytest.mark.parametrize("path", ["", None, 3, b"a.jpg", "a\0b.jpg", ["cat"]])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match="Expected the path|no file|null"):
        load_photo(path)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 15)])
def test_too_few_pixels(tmp_path, size):
    with pytest.raises(ValueError, match=f"has {size[0]}×{size[1]} pixels; it needs at least 16"):
        load_photo(save(left_right(size=size), tmp_path / "a.png"))


@pytest.mark.parametrize("side", [5001, 10_000, 20_000, 100_000])
def test_decompression_bomb_is_not_unpacked(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 0, b"a few bytes that claim to be many"))
    with pytest.raises(ValueError, match="at most 25 million"):
        load_photo(tmp_path / "bomb.png")


def test_too_many_bytes(monkeypatch, tmp_path):
    path = save(left_right(), tmp_path / "a.png")
    monkeypatch.setattr(photos, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(ValueError, match="MB can be loaded"):
        load_photo(path)


@pytest.mark.parametrize("size", [0, -1, 2.5, "224", None, True, 10_000])
def test_size_is_checked(size):
    with pytest.raises(ValueError, match="size must be a whole number"):
        load_photo("cat", size=size)


def test_file_without_permission(monkeypatch, tmp_path):
    path = save(left_right(), tmp_path / "a.png")

    def refuse(*_, **__):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(photos.Image, "open", refuse)
    with pytest.raises(ValueError, match="Permission denied"):
        load_photo(path)


def test_photos_are_those_of_the_readme():
    readme = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    for name in photo_names():
        content = photos._find(name).read_bytes()
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}`"))
        assert photos.PHOTOS[name][0] in row and hashlib.sha256(content).hexdigest() in row
