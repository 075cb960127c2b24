"""Titles of photographs: the names of their files, where a figure can draw them."""

import functools
import itertools
import unicodedata
from collections import Counter
from pathlib import Path

from matplotlib import font_manager

from helpers.data.photos import photo_names
from helpers.show.style import STYLE

NAMELESS = "your photograph"
MOST_LETTERS = 24


def photo_titles(names_or_paths):
    """Give each photograph a short title that every figure of the course can draw.

    One of the course's own keeps its name, and a file the name without its ending. What the figures' font has
    no letter for, such as 犬, would be drawn as empty boxes; a $ would begin a formula; Arabic and Hebrew
    would be drawn backwards: such a photograph is "your photograph". Two with one title are numbered.

    Args:
        names_or_paths: what `load_photo` takes, one or more of them.
    Returns:
        list of str, as many, all different.
    """
    own = photo_names()
    titles = [name if name in own else _title(Path(str(name).strip(" \"'")).stem) for name in names_or_paths]
    counts, different = Counter(titles), []
    for title in titles:
        if counts[title] > 1:
            numbered = (f"{title} {number}" for number in itertools.count(1))
            title = next(one for one in numbered if one not in counts and one not in different)
        different.append(title)
    return different


def _title(stem):
    # a legend leaves out what begins with _, as the files of many cameras do
    title = " ".join(unicodedata.normalize("NFC", stem).split()).lstrip("_")
    if not title or not all(map(_can_be_drawn, title)):
        return NAMELESS
    return title if len(title) <= MOST_LETTERS else title[: MOST_LETTERS - 1].rstrip() + "…"


def _can_be_drawn(letter):
    if letter == "$" or unicodedata.bidirectional(letter) in ("R", "AL"):
        return False
    return letter.isprintable() and _font().get_char_index(ord(letter)) > 0


@functools.cache
def _font():
    return font_manager.get_font(font_manager.findfont(STYLE["font.sans-serif"][0]))
