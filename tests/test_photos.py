"""Photographs of the course, and every kind of file that a learner may bring."""

import hashlib
import os
import socket
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from helpers.data import photos, pictures
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


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_as_the_camera_says(tmp_path, orientation, suffix):
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
    path = save(stored, tmp_path / f"a.{suffix}", exif=exif, lossless=True, quality=100, subsampling=0)
    difference = np.abs(load_photo(path, size=64) - np.float32(shown) / 255)
    assert difference.max() <= (6 / 255 if suffix == "jpg" else 0)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("exif", [b"MM\0\x7dgarbage", b"", b"II*\0\xff\xff\xff\xff"])
def test_damaged_notes_of_the_camera_are_left_out(tmp_path, exif, suffix):
    path = save(left_right(), tmp_path / f"a.{suffix}", quality=100, exif=b"Exif\0\0" + exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        top, bottom = corners(load_photo(path))
    assert np.abs(np.subtract(top, RED)).max() <= 6 and np.abs(np.subtract(bottom, BLUE)).max() <= 6


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_formats(tmp_path, suffix):
    path = save(left_right(), tmp_path / f"mein Foto ü.{suffix}", quality=100)
    top, bottom = corners(load_photo(str(path)))
    assert np.abs(np.subtract(top, RED)).max() <= 6 and np.abs(np.subtract(bottom, BLUE)).max() <= 6


def test_name_of_the_file_does_not_matter(tmp_path):
    save(left_right(), tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert corners(load_photo(tmp_path / "a.jpg")) == [RED, BLUE]


def palette_with_transparency(alphas=b"\0\xff"):
    """Red and blue, with an alpha each."""
    image = left_right("P", 0, 1)
    image.putpalette([*RED, *BLUE])
    image.info["transparency"] = alphas
    return image


def colour_key(mode, left, right):
    """A picture in which one colour stands for transparent."""
    image = left_right(mode, left, right)
    image.info["transparency"] = left
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
        (palette_with_transparency(bytes([102, 255])), [(255, 153, 153), BLUE]),  # 0.4 of red, 0.6 of white
        (colour_key("RGB", RED, BLUE), [WHITE, BLUE]),
        (colour_key("L", 51, 204), [WHITE, (204, 204, 204)]),
    ],
    ids="transparent,half transparent,LA,L,1,P,P transparent,P half transparent,RGB key,L key".split(","),
)
def test_modes(tmp_path, image, expected):
    assert corners(load_photo(save(image, tmp_path / "a.png"), size=64)) == expected


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    pixels = np.full((32, 32), 257 * 200, np.uint16)  # 200 of 255
    pixels[:, 16:] = 65535
    image = load_photo(save(Image.fromarray(pixels), tmp_path / "a.png"), size=32)
    assert corners(image) == [(200, 200, 200), WHITE]


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


@pytest.mark.parametrize(
    ("colour", "sample", "expected"),
    [
        (4, [257 * 100, 65535], (100, 100, 100)),  # grey and alpha
        (4, [257 * 100, 0], WHITE),
        (6, [65535, 0, 257 * 100, 65535], (255, 0, 100)),  # red, green, blue and alpha
        (6, [65535, 0, 257 * 100, 257 * 51], (255, 204, 224)),  # 0.2 of it and 0.8 of white
    ],
)
def test_sixteen_bits_with_alpha(tmp_path, colour, sample, expected):
    row = b"\0" + np.tile(np.array(sample, ">u2"), 16).tobytes()
    (tmp_path / "a.png").write_bytes(png(16, 16, 16, colour, row * 16))
    assert corners(load_photo(tmp_path / "a.png", size=16)) == [expected] * 2


def test_cmyk_of_a_printer(tmp_path):
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # no cyan: red
    path = save(image, tmp_path / "a.jpg", quality=100)
    assert b"Adobe" in path.read_bytes()  # whose programs store the four inks upside down
    top, _ = corners(load_photo(path, size=32))
    assert np.abs(np.subtract(top, RED)).max() <= 6


def test_cmyk_mixes_its_inks(tmp_path):
    image = Image.new("CMYK", (32, 32), (51, 102, 153, 51))  # each channel: (1 − ink) (1 − black)
    top, _ = corners(load_photo(save(image, tmp_path / "a.jpg", quality=100), size=32))
    assert np.abs(np.subtract(top, (163, 122, 82))).max() <= 6


@pytest.mark.parametrize("profile", ["sRGB", "damaged"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_colour_profile_changes_nothing(tmp_path, profile, suffix):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if profile == "sRGB" else b"icc?"
    path = save(left_right(), tmp_path / f"a.{suffix}", quality=100, icc_profile=icc)
    top, bottom = corners(load_photo(path))
    assert np.abs(np.subtract(top, RED)).max() <= 6 and np.abs(np.subtract(bottom, BLUE)).max() <= 6


@pytest.mark.parametrize("suffix", ["webp", "png"])
def test_first_picture_of_an_animation(tmp_path, suffix):
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE)]
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(frames[0], tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
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


def iso_file(*brands):
    """The beginning of an ISO base media file: a box "ftyp" with a brand, a version, and more brands."""
    body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (4 + len(body)).to_bytes(4, "big") + body + b"\0\0\x01\0meta" + bytes(100)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0" * 100, "is not a picture that can be read. Save it as JPEG"),
        (b"<html>", "is a web page, .* Save the picture itself"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "is a web page"),
        (b"GIF89a" + bytes(50), "is a GIF, which is not read here. Save it as JPEG, PNG or WEBP"),
        (b"%PDF-1.7", "is a PDF"),
        (b"PK\x03\x04" + bytes(50), "is a ZIP archive, .* Unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "is a pointer of Git LFS"),
        (iso_file(b"heic", b"mif1", b"MiHE", b"miaf", b"heic"), "is a HEIC picture, .* Most Compatible"),
        (iso_file(b"mif1", b"heic"), "is a HEIC picture, .* export it as JPEG"),
        (iso_file(b"hevc", b"msf1"), "is a HEIC picture"),
        (iso_file(b"avif", b"mif1", b"miaf"), "is an AVIF picture, .* Save it as JPEG, PNG or WEBP"),
        (iso_file(b"mif1", b"avif"), "is an AVIF picture"),
        (iso_file(b"crx ", b"crx ", b"isom"), "is a Canon raw file"),
        (iso_file(b"isom", b"mp42"), "is a video"),
        (b"\0\0\0\x08ftyp", "is a video"),
        (b"\xff\x0a" + bytes(50), "is a JPEG XL, which is not JPEG"),
    ],
)
def test_what_is_no_such_picture_is_called_by_its_name(tmp_path, content, told):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=f"^photo.jpg {told}") as caught:
        load_photo(tmp_path / "photo.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.gif", "GIF"), ("a.bmp", "BMP"), ("a.tiff", "TIFF"), ("animation.gif", "GIF"), ("gif.png", "GIF")],
)
def test_other_formats(tmp_path, name, kind):
    options = {"save_all": True, "append_images": [left_right(left=BLUE)]} if name == "animation.gif" else {}
    if name == "gif.png":
        options = {"format": "GIF"}
    with pytest.raises(ValueError, match=f"^{name} is a {kind}.* A new file name alone does not change what"):
        load_photo(save(left_right(), tmp_path / name, **options))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_damaged_file_is_loaded_or_refused_in_one_line(tmp_path, suffix):
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)), tmp_path / f"a.{suffix}", exif=exif
    )
    whole, refused = path.read_bytes(), 0
    for attempt in range(300):
        content = bytearray(whole)
        for place in rng.integers(len(content) if attempt % 2 else 200, size=2):
            content[place] = rng.integers(256)
        path.write_bytes(content[: rng.integers(1, len(content))] if attempt % 3 == 0 else content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                assert load_photo(path, size=32).shape == (32, 32, 3)
            except ValueError as error:
                refused += 1
                assert str(error).startswith(f"a.{suffix} ") and "\n" not in str(error)
    assert 100 < refused < 300


def test_text_that_unpacks_to_megabytes(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("comment", "a" * 20_000_000, zip=True)
    path = save(left_right(), tmp_path / "a.png", pnginfo=info)
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"^a.png is damaged .* Copy or save it again"):
        load_photo(path)


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


@pytest.mark.parametrize("path", ["", " ", None, 3, b"a.jpg", "a\0b.jpg", ["cat"], Path("a\0b.jpg")])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match="Expected the path of a picture or one of cat, astronaut"):
        load_photo(path)


@pytest.mark.parametrize("address", ["https://example.org/cat.jpg", "file:///home/me/cat.jpg"])
def test_an_address_is_no_path(address):
    with pytest.raises(ValueError, match=f"got the address {address}. Download it, then give its path"):
        load_photo(address)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/a.jpg", "a" * 5000, "a.jpg/b.jpg", os.devnull])
def test_odd_places(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    save(left_right(), tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="There is no file|cannot be read: File name too long"):
        load_photo(name)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (500, 15)])
def test_too_few_pixels(tmp_path, size):
    with pytest.raises(
        ValueError, match=f"has {size[0]}×{size[1]} pixels; it needs at least 16 on each side. Cho"
    ):
        load_photo(save(left_right(size=size), tmp_path / "a.png"))


def test_a_strip_gives_the_square_in_its_middle(tmp_path):
    strip = Image.new("RGB", (5000, 16), RED)
    strip.paste(BLUE, (2492, 0, 2508, 16))
    assert (load_photo(save(strip, tmp_path / "a.png"), size=16) == [0, 0, 1]).all()


@pytest.mark.parametrize("side", [7072, 10_000, 20_000, 100_000])
def test_too_many_pixels_are_not_unpacked(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 0, b"a few bytes that claim to be many"))
    with pytest.raises(
        ValueError, match="^bomb.png has .* pixels; at most 50 million .* Save a smaller copy"
    ):
        load_photo(tmp_path / "bomb.png")


def bombs(folder):
    """Small files that are, or claim to be, pictures of 20,000 × 20,000 pixels; WEBP goes to 16,384 only.

    Pillow itself refuses them. One of 8,000 × 8,000 it would unpack.
    """
    Image.new("L", (8_000, 8_000)).save(folder / "large.png")
    rows = zlib.compress(bytes(20_000 * 2501), 1)  # a real PNG of 1 bit a pixel: 50 MB unpacked
    real = png(20_000, 20_000, 1, 0, b"")
    empty = struct.pack(">I", len(zlib.compress(b""))) + b"IDAT" + zlib.compress(b"")
    start = real.index(empty)
    content = b"IDAT" + rows
    chunk = struct.pack(">I", len(rows)) + content + struct.pack(">I", zlib.crc32(content))
    (folder / "real.png").write_bytes(real[:start] + chunk + real[start + len(empty) + 4 :])
    for name, options in {"baseline.jpg": {}, "progressive.jpg": {"progressive": True}}.items():
        picture = bytearray(save(left_right(), folder / name, **options).read_bytes())
        frame = picture.index(
            b"\xff\xc2" if options else b"\xff\xc0"
        )  # marker, length, precision, height, width
        picture[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
        (folder / name).write_bytes(picture)
    header = struct.pack("<BI", 0x2F, 16_383 | 16_383 << 14)  # VP8L: width − 1 and height − 1, 14 bits each
    body = b"WEBPVP8L" + struct.pack("<I", 32) + header + bytes(27)
    (folder / "lossless.webp").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return [
        folder / name
        for name in ("large.png", "real.png", "baseline.jpg", "progressive.jpg", "lossless.webp")
    ]


def test_bombs_are_refused_before_a_pixel_is_unpacked(tmp_path):
    """A process of its own counts the pictures whose pixels are asked for, and its memory at the highest."""
    pytest.importorskip("resource", reason="memory is measured on Unix only")
    code = """if True:
        import pathlib, resource, sys
        from PIL import Image
        from helpers.data.photos import load_photo

        def peak():  # in kB; on Linux, what getrusage says includes the process that started this one
            status = pathlib.Path("/proc/self/status")
            if status.exists():
                return int(status.read_text().split("VmHWM:")[1].split()[0])
            unit = 1000 if sys.platform == "darwin" else 1
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit

        load_photo("cat")
        def count_loads(kind):
            if "load" in vars(kind):
                def load(self, load=kind.load):
                    unpacked.append(self.size)
                    return load(self)
                kind.load = load
            for each in kind.__subclasses__():
                count_loads(each)

        Image.init()
        count_loads(Image.Image)
        unpacked, before = [], peak()
        for path in sys.argv[1:]:
            try:
                load_photo(path)
            except ValueError as error:
                print(error)
        print(len(unpacked), peak() - before)
        load_photo("cat")
        print(len(unpacked))
    """
    command = [sys.executable, "-c", code, *map(str, bombs(tmp_path))]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    *lines, costs, count = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "large.png",
        "real.png",
        "baseline.jpg",
        "progressive.jpg",
        "lossless.webp",
    ]
    assert all("at most 50 million" in line and "Save a smaller copy" in line for line in lines)
    unpacked, memory = map(int, costs.split())
    assert unpacked == 0 and memory < 20_000  # kB for all four; unpacked, one has 1,200,000
    assert int(count) > 0  # the count works


def claim(path, width, height, **options):
    """A JPEG of 64×64 pixels that claims to have other numbers of them."""
    picture = bytearray(save(left_right(), path, **options).read_bytes())
    frame = picture.index(b"\xff\xc2" if options else b"\xff\xc0")
    picture[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    path.write_bytes(picture)
    return path


@pytest.mark.parametrize(
    ("size", "options"),
    [((11_000, 10_001), {}), ((10_001, 11_000), {}), ((8000, 6300), {"progressive": True})],
)
def test_jpegs_have_their_own_limits(tmp_path, size, options):
    path = claim(tmp_path / "a.jpg", *size, **options)
    with pytest.raises(ValueError, match="at most 50 million .* 110 million of a JPEG that is not"):
        load_photo(path)


def smooth_picture(width, height):
    """Waves of 200 to 400 pixels in three channels: no filter changes them much, and a shift would."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 64 + y / 52), np.sin(x / 36 - y / 44), np.cos(x / 40)]
    return Image.fromarray(np.uint8(np.round(127.5 + 120 * np.stack(waves, axis=-1))))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("size", [(1501, 1203), (1203, 1501), (1300, 1300)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_picture_looks_as_if_it_had_been_unpacked_whole(
    tmp_path, monkeypatch, suffix, size, orientation
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = smooth_picture(*size)
    path = save(picture, tmp_path / f"a.{suffix}", exif=exif, quality=95, lossless=True, subsampling=0)
    whole = load_photo(path, size=100)
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 1_000_000)
    monkeypatch.setattr(pictures, "BAND", 7)
    large = load_photo(path, size=100)
    assert large.shape == whole.shape
    difference = np.abs(large - whole) * 255
    assert difference.max() < 5 and difference.mean() < 0.8  # half a pixel of shift would make it 15


@pytest.mark.parametrize("image", [left_right("RGBA", (255, 0, 0, 102), BLUE), left_right("P", 0, 1)])
def test_a_large_picture_of_any_mode(tmp_path, monkeypatch, image):
    if image.mode == "P":
        image.putpalette([*RED, *BLUE])
        image.info["transparency"] = bytes([102, 255])
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 100)
    monkeypatch.setattr(pictures, "BAND", 3)
    assert corners(load_photo(save(image, tmp_path / "a.png"), size=16)) == [(255, 153, 153), BLUE]


def test_a_large_picture_of_16_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 100)
    pixels = np.full((64, 64), 257 * 200, np.uint16)
    assert corners(load_photo(save(Image.fromarray(pixels), tmp_path / "a.png"), size=16)) == [(200,) * 3] * 2


MEASURE = """if True:
    import resource, sys
    from helpers.data.photos import load_photo
    load_photo("cat")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    load_photo(sys.argv[1])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("name", "most"), [("phone.jpg", 60), ("claim.jpg", 60), ("screen.png", 250)])
def test_many_pixels_need_bounded_memory(tmp_path, name, most):
    """In MB: a JPEG comes at an eighth of its size; the PNG once, at four bytes a pixel, 195 MB."""
    pytest.importorskip("resource", reason="memory is measured on Unix only")
    if name == "claim.jpg":
        path = claim(tmp_path / name, 12_000, 9_000)  # 108 million pixels, all but 4096 of them grey
    else:
        path = save(left_right(size=(8064, 6048)), tmp_path / name, compress_level=1)
    command = [sys.executable, "-c", MEASURE, str(path)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) / (1e6 if sys.platform == "darwin" else 1e3) < most
    if name != "claim.jpg":
        assert np.abs(np.subtract(corners(load_photo(path)), [RED, BLUE])).max() <= 6


@pytest.mark.parametrize("text", ['"{}"', "'{}'", " {} ", "{}\n", "“{}”", '  "{}" ', "' {} '"], ids=repr)
def test_a_path_as_people_paste_it(tmp_path, text):
    path = save(left_right(), tmp_path / "mein Foto.png")
    assert corners(load_photo(text.format(path), size=64)) == [RED, BLUE]


@pytest.mark.skipif(sys.platform == "win32", reason="no such file names on Windows")
@pytest.mark.parametrize("name", ["'quoted'", '"quoted"', "a.png "])
def test_a_file_whose_name_has_quotes_or_ends_in_a_blank(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    left_right().save(tmp_path / name, format="PNG")
    assert corners(load_photo(name, size=64)) == [RED, BLUE]


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

    message = (
        r"a.png cannot be read: Permission denied. Check its name and permissions, or copy it elsewhere.$"
    )
    with monkeypatch.context() as patch:
        patch.setattr(pictures.Image, "open", refuse)
        with pytest.raises(ValueError, match=message):
            load_photo(path)
    if getattr(os, "geteuid", lambda: 0)() != 0:  # root may read anything
        path.chmod(0)
        with pytest.raises(ValueError, match=message):
            load_photo(path)


def test_photos_are_those_of_the_readme():
    readme = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    for name in photo_names():
        content = photos._find(name).read_bytes()
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}`"))
        assert photos.PHOTOS[name][0] in row and hashlib.sha256(content).hexdigest() in row
