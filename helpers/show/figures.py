"""Every figure of the course by name: pictures of images, charts of numbers, and `show`, which displays one.

A figure function takes arrays, checks them, and returns a matplotlib Figure; it displays nothing. So a test
can look at the data in it (`fig.axes[0].images[0].get_array()`), and a lesson decides when to show it:

    show(overlay(photo, attention_map), alt="The attention lies on the cat's face.")

    style.py      the look of all figures, `show`
    pictures.py   image_grid, patch_grid, patch_sequence
    maps.py       overlay, head_grid
    matrices.py   heatmap, confusion
    charts.py     bars, curves
"""

from helpers.show.charts import bars, curves
from helpers.show.maps import head_grid, overlay
from helpers.show.matrices import confusion, heatmap
from helpers.show.pictures import image_grid, patch_grid, patch_sequence
from helpers.show.style import show, styled

__all__ = [
    "bars",
    "confusion",
    "curves",
    "head_grid",
    "heatmap",
    "image_grid",
    "overlay",
    "patch_grid",
    "patch_sequence",
    "show",
    "styled",
]
