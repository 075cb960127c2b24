"""Titles of photographs: whatever a file is called, a figure can draw it, and no two are alike."""

import warnings

import pytest
from matplotlib.figure import Figure

from helpers.show.style import styled
from helpers.show.titles import NAMELESS, photo_titles


@pytest.mark.parametrize(
    "path, title",
    [
        ("cat", "cat"),
        ("dog.jpg", "dog"),
        ("/home/me/My Photos/dog.on.lawn.jpeg", "dog.on.lawn"),
        ('"C:/Fotos/Hündin Ä.png" ', "Hündin Ä"),
        ("Hu\u0308ndin.png", "Hündin"),  # as macOS keeps an ü: a letter, and dots of their own
        ("собака.jpg", "собака"),
        ("σκύλος.jpg", "σκύλος"),
        ("_DSC0815.JPG", "DSC0815"),
        ("犬.jpg", NAMELESS),
        ("a 犬.jpg", NAMELESS),
        ("강아지.jpg", NAMELESS),
        ("कुत्ता.jpg", NAMELESS),
        ("كلب.jpg", NAMELESS),
        ("כלב.jpg", NAMELESS),
        ("$5 and $6.jpg", NAMELESS),
        ("two\nlines.jpg", "two lines"),
        ("a\x07.jpg", NAMELESS),
        ("__.jpg", NAMELESS),
        ("x" * 60 + ".jpg", "x" * 23 + "…"),
    ],
)
def test_a_title_is_what_the_font_can_draw(path, title):
    assert photo_titles([path]) == [title]


def test_titles_are_all_different():
    assert photo_titles(["a/dog.jpg", "cat", "b/dog.png"]) == ["dog 1", "cat", "dog 2"]
    assert photo_titles(["dog.jpg", "dog 1.jpg", "dog.png"]) == ["dog 2", "dog 1", "dog 3"]
    assert photo_titles(["犬.jpg", "猫.jpg"]) == [f"{NAMELESS} 1", f"{NAMELESS} 2"]


@styled
def test_every_title_is_drawn_without_a_missing_letter():
    names = ["犬.jpg", "$\\frac$.jpg", "Hündin.jpg", "собака.jpg", "_DSC1.jpg", "coffee"]
    figure = Figure()
    axes = figure.subplots()
    for title in photo_titles(names):
        axes.plot([0, 1], label=title)
    axes.set_title("; ".join(photo_titles(names)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        legend = axes.legend()
        figure.canvas.draw()
    assert [text.get_text() for text in legend.get_texts()] == photo_titles(names)
