"""A result is told from what it was not made from."""

import numpy as np
import pytest

from helpers.course.choice import require_same
from helpers.course.results import fingerprint

PHOTOS = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
BOXES = {"coffee": (10, 40, 176, 176), "rocket": (64, 100, 220, 126)}


def changed(place, value):
    other = PHOTOS.copy()
    other[place] = value
    return other


def test_the_same_content_has_the_same_name_whoever_holds_it():
    assert fingerprint([PHOTOS, BOXES]) == fingerprint(
        [PHOTOS.copy(), {name: (*box,) for name, box in BOXES.items()}]
    )
    assert fingerprint(PHOTOS[::-1][::-1]) == fingerprint(PHOTOS)  # however it lies in the memory


@pytest.mark.parametrize(
    "photos, boxes",
    [
        (changed((1, 7, 7, 2), 0.5), BOXES),
        (PHOTOS[::-1], BOXES),
        (PHOTOS.reshape(2, 8, 24), BOXES),
        (PHOTOS.view("int32"), BOXES),
        (PHOTOS, BOXES | {"rocket": (64, 100, 220, 127)}),
        (PHOTOS, {"coffee": BOXES["coffee"], "cat": BOXES["rocket"]}),
    ],
)
def test_one_pixel_a_place_or_a_name_is_another_choice(photos, boxes):
    assert fingerprint([photos, boxes]) != fingerprint([PHOTOS, BOXES])


def test_where_one_thing_ends_counts():
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])


def test_it_says_what_is_wrong_and_what_to_do():
    require_same(fingerprint(PHOTOS), fingerprint(PHOTOS), "The maps are of other photographs", "section 2")
    with pytest.raises(ValueError, match="The maps are of other photographs. Run section 2 again .Run > Run"):
        require_same(
            fingerprint(PHOTOS), fingerprint(PHOTOS[::-1]), "The maps are of other photographs", "section 2"
        )
