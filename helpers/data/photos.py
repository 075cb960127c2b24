"""Photographs: five that come inside the scikit-image wheel, and the learner's own. Nothing is downloaded."""

import importlib.util
import os
from pathlib import Path

import numpy as np

from helpers.data.pictures import MOST_BYTES, read_square, unreadable
from helpers.data.places import plain_path

# Name, file in the wheel (there in 0.25 and 0.26), and what scikit-image says about its origin.
PHOTOS = {
    "cat": ("chelsea.png", "Chelsea the cat, photographed by Stefan van der Walt. CC0."),
    "astronaut": ("astronaut.png", "The astronaut Eileen Collins, photographed by NASA. Public domain."),
    "coffee": ("coffee.png", "A cup of Pikolo Espresso Bar, photographed by Rachel Michetti. CC0."),
    "rocket": ("rocket.jpg", "A Falcon 9 carrying DSCOVR, photographed by SpaceX. Public domain."),
    "galaxies": (
        "hubble_deep_field.jpg",
        "The Hubble eXtreme Deep Field, photographed by NASA. Public domain.",
    ),
}


def photo_names():
    """Names of the photographs that come with the course, in a fixed order.

    Returns:
        tuple of str.
    """
    return tuple(PHOTOS)


def photo_credit(name):
    """Say who took one of the course's photographs, and under which licence.

    Args:
        name: one of `photo_names()`.
    Returns:
        str, one or two sentences.
    Raises:
        ValueError: for an unknown name; the message lists those that exist.
    """
    if name not in PHOTOS:
        raise ValueError(f"There is no photo {name!r}; there are {', '.join(PHOTOS)}.")
    return PHOTOS[name][1]


def load_photo(name_or_path, size=224):
    """Load one of the course's photographs, or a file of your own, as a square that a model can take.

    The picture is turned the way the camera was held (EXIF), put on white where it is transparent, cut to the
    largest square in its middle, and resized with a filter that averages over the pixels it leaves out. Of an
    animation it is the first picture. 16 bits become 8, CMYK becomes RGB, and colours are taken as they are
    stored: an embedded ICC profile is not applied.

    Args:
        name_or_path: one of `photo_names()`, or the path of a JPEG, PNG or WEBP file: at least 16 pixels on
            each side, at most 50 million pixels (110 million where it is a JPEG that is not progressive, as
            cameras and phones write them) and 100 MB. Blanks at its ends and quotes around it are left out.
        size: pixels on each side of the result.
    Returns:
        float32 (size, size, 3) in [0, 1].
    Raises:
        ValueError: if there is no such file, or it is not such a picture; the message says what to do.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not 1 <= size <= 4096:
        raise ValueError(f"size must be a whole number of pixels between 1 and 4096, got {size!r}.")
    return np.asarray(read_square(_find(name_or_path), size), np.float32) / 255


def _find(name_or_path):
    if isinstance(name_or_path, str) and name_or_path in PHOTOS:
        package = importlib.util.find_spec("skimage")
        path = Path(package.origin).parent / "data" / PHOTOS[name_or_path][0] if package else None
        if path is None or not path.is_file():
            raise ValueError(
                f"The photo {name_or_path!r} comes with scikit-image, which is not installed whole."
            )
        return path
    text = os.fspath(name_or_path) if isinstance(name_or_path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError(
            f"Expected the path of a picture or one of {', '.join(PHOTOS)}, got {name_or_path!r}."
        )
    if "://" in text:
        raise ValueError(
            f"Expected a file on this machine, got the address {text}. Download it, then give its path."
        )
    path = Path(os.path.expanduser(text))
    if not os.path.lexists(path):  # a name may itself have quotes, or end in a blank
        path = plain_path(text) or path
    try:
        if path.is_dir():
            raise ValueError(f"{path} is a folder; give the path of one picture in it.")
        if not path.is_file():
            raise ValueError(
                f"There is no file {path}. Check the path; the course's own photos are {', '.join(PHOTOS)}."
            )
        num_bytes = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    if num_bytes == 0:
        raise ValueError(f"{path.name} is empty (0 bytes); copy it again.")
    if num_bytes > MOST_BYTES:
        raise ValueError(
            f"{path.name} has {num_bytes / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB can be loaded. "
            "Save it smaller."
        )
    return path
