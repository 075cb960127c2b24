"""Picture files that anybody may bring: read in bounded memory, or refused with what they are and what to do.

A JPEG of many pixels is unpacked at a half, a quarter or an eighth of its size, which its format can do. A
PNG or a WEBP has to be unpacked whole, so it may have fewer, and is then made smaller in bands.
"""

import contextlib
import math
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 50_000_000  # to be unpacked: 200 MB in Pillow, which takes four bytes a pixel
MOST_PIXELS_SCALED = 110_000_000  # of a JPEG that is unpacked smaller; phones make 108 million
WHOLE_PIXELS = 25_000_000  # up to here a JPEG is unpacked whole
SMALLEST_SIDE = 16  # pixels: one patch of ViT-B/16
MOST_BYTES = 100_000_000
BAND = 16  # rows of the smaller picture that are made at once

HEIC_ADVICE = (
    "On an iPhone choose Settings > Camera > Formats > Most Compatible before you take it, or open it on a "
    "computer and export it as JPEG"
)
THEN = ", then give that file's path. A new file name alone does not change what it is."
SAVE_ADVICE = "Save it as JPEG, PNG or WEBP"
RAW_ADVICE = "Open it with the camera's or another photo program and export it as JPEG"
# What a file begins with, what that is, and what to do with it.
SIGNATURES = (
    (b"GIF8", "a GIF", SAVE_ADVICE),
    (b"BM", "a BMP", SAVE_ADVICE),
    (b"%PDF", "a PDF, which is a document", SAVE_ADVICE),
    (b"8BPS", "a Photoshop file", SAVE_ADVICE),
    (b"\x00\x00\x01\x00", "an icon (ICO)", SAVE_ADVICE),
    (b"\xff\x0a", "a JPEG XL, which is not JPEG", SAVE_ADVICE),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL, which is not JPEG", SAVE_ADVICE),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000, which is not JPEG", SAVE_ADVICE),
    (b"II*\x00", "a TIFF or a camera's raw file", RAW_ADVICE),
    (b"MM\x00*", "a TIFF or a camera's raw file", RAW_ADVICE),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it, and give the path of a picture in it"),
    (b"<svg", "an SVG, a drawing and no photograph", SAVE_ADVICE),
    (b"<?xml", "an XML file, such as an SVG drawing", SAVE_ADVICE),
    (b"<!doctype", "a web page", "Save the picture itself, not the page that shows it"),
    (b"<html", "a web page", "Save the picture itself, not the page that shows it"),
    (b"version https://git-lfs", "a pointer of Git LFS", "Run `git lfs pull` where it comes from"),
)
# ISO 14496-12: a box "ftyp" names the kind of file, then others that it can be read as.
BRANDS = {
    "an AVIF": ("avif", "avis"),
    "a HEIC": ("heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1"),
    "a Canon raw file": ("crx ",),
}
BRAND_ADVICE = {"an AVIF": SAVE_ADVICE, "a HEIC": HEIC_ADVICE, "a Canon raw file": RAW_ADVICE}


def read_square(path, size):
    """Read a picture file as the largest square in its middle, turned the way the camera was held.

    Args:
        path: pathlib.Path of a file.
        size: pixels on each side of the result.
    Returns:
        PIL.Image.Image, RGB, on white where the picture is transparent.
    Raises:
        ValueError: if it is no JPEG, PNG or WEBP, is damaged, or has too many or too few pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels, refused below; of damaged EXIF data, left out
            with Image.open(path, formats=FORMATS) as image:
                found, num_pixels = "{}×{}".format(*image.size), image.width * image.height
                shortest, fits = min(image.size), num_pixels <= _most_pixels(image)
                if fits:
                    square = (_square if num_pixels <= WHOLE_PIXELS else _square_of_many)(image, size)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path, "far too many") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} {_what_it_is(path)}") from error
    except PermissionError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise ValueError(
            f"{path.name} is damaged or was cut short ({error}). Copy or save it again."
        ) from error
    if not fits:
        raise _too_many_pixels(path, found)
    if shortest < SMALLEST_SIDE:
        raise ValueError(
            f"{path.name} has {found} pixels; it needs at least {SMALLEST_SIDE} on each side. "
            "Choose a larger picture."
        )
    return square


def unreadable(path, error):
    """Give the error for a file that the system does not let us read."""
    return ValueError(
        f"{path} cannot be read: {error.strerror}. Check its name and permissions, or copy it elsewhere."
    )


def _square(image, size):
    image.load()  # only now are the pixels read, and does it show that a file was cut short
    _turn(image)
    return _on_white(image.crop(_middle(image.size))).resize((size, size), Image.Resampling.BICUBIC)


def _square_of_many(image, size):
    # As `_square`, but without a second copy of the whole, and with what is cut out turned at the end.
    left, top, right, bottom = middle = _middle(image.size)
    scale = _unpack_smaller(image, size)
    image.load()
    if scale > 1:
        small, box = _on_white(image), [edge / scale for edge in middle]
    else:  # means over factor × factor pixels first, band by band
        factor = max(1, (right - left) // (2 * size))
        box = (0, 0, (right - left) / factor, (bottom - top) / factor)
        small = Image.new("RGB", (math.ceil(box[2]), math.ceil(box[3])))
        for start in range(top, bottom, BAND * factor):
            band = _on_white(image.crop((left, start, right, min(start + BAND * factor, bottom))))
            small.paste(band.reduce(factor), (0, (start - top) // factor))
    square = small.resize((size, size), Image.Resampling.BICUBIC, box=box)
    square.info = image.info.copy()  # where it says how the camera was held
    _turn(square)
    return square


def _middle(size):
    # (left, top, right, bottom) of the largest square
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return left, top, left + side, top + side


def _unpack_smaller(image, size):
    # Have a JPEG come in 1/2, 1/4 or 1/8 of its size, still twice what is wanted unless that would be too
    # much; gives the divisor.
    if image.format != "JPEG":
        return 1
    num_pixels, scale = image.width * image.height, 1
    while scale < 8 and (min(image.size) >= 4 * scale * size or num_pixels > MOST_PIXELS * scale**2):
        scale *= 2
    image.draft(None, (image.width // scale, image.height // scale))
    return scale


def _turn(image):
    with contextlib.suppress(Exception):  # the picture is whole; only what was noted about it is damaged
        ImageOps.exif_transpose(image, in_place=True)


def _on_white(image):
    # any mode of Pillow -> RGB
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion would clip them at 255
        grey = np.asarray(image, np.float64) / 257
        image = Image.fromarray(np.floor(np.clip(grey, 0, 255) + 0.5).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _what_it_is(path):
    with open(path, "rb") as file:
        start = file.read(64)
    if start[4:8] == b"ftyp":
        size = min(max(int.from_bytes(start[:4], "big"), 16), len(start))
        brands = [start[8:12], *(start[i : i + 4] for i in range(16, size, 4))]
        for kind, known in BRANDS.items():
            if any(brand.decode("latin-1") in known for brand in brands):
                return f"is {kind} picture, which is not read here. {BRAND_ADVICE[kind]}{THEN}"
        return f"is a video or another file of MPEG-4. {SAVE_ADVICE}, one picture of it."
    for signature, kind, advice in SIGNATURES:
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(signature.lower()):
            return f"is {kind}, which is not read here. {advice}{THEN}"
    return (
        f"is not a picture that can be read. {SAVE_ADVICE}; a new file name alone does not change what it is."
    )


def _most_pixels(image):
    # the reader of a progressive JPEG keeps all coefficients to the end, however small it shall become
    scaled = image.format == "JPEG" and not image.info.get("progressive")
    return MOST_PIXELS_SCALED if scaled else MOST_PIXELS


def _too_many_pixels(path, size):
    return ValueError(
        f"{path.name} has {size} pixels; at most {MOST_PIXELS // 1_000_000} million can be loaded, or "
        f"{MOST_PIXELS_SCALED // 1_000_000} million of a JPEG that is not progressive. "
        "Save a smaller copy, such as 2000 pixels wide."
    )
