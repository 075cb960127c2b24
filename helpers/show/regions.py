"""Figures of lesson 14: photographs with rulers and boxes, and the same boxes on top of maps."""

import numpy as np
from matplotlib.figure import Figure

from helpers.show.style import as_image, check_names, outline, styled


@styled
def photos_with_boxes(photos, boxes, titles, *, patch_size=None):
    """Draw photographs with rulers in pixels, each with its box.

    Args:
        photos: (batch, height, width, 3), float in [0, 1] or uint8.
        boxes: a box (top, left, bottom, right) in pixels for each photograph.
        titles: names, one a photograph.
        patch_size: side of a patch in pixels, to draw the grid of patches; None for no grid.
    Returns:
        matplotlib Figure, one axes a photograph.
    Raises:
        ValueError: if the numbers of photographs, boxes and titles differ, or a box leaves its photograph.
    """
    photos = [as_image(photo, f"photos[{index}]") for index, photo in enumerate(photos)]
    titles = check_names(titles, len(photos), "titles")
    height, width = photos[0].shape[:2]
    figure = Figure(figsize=(min(3.9 * len(photos), 8.6), 3.9 * height / width + 0.3))
    for axes, photo, title in zip(
        figure.subplots(1, len(photos), squeeze=False)[0], photos, titles, strict=True
    ):
        height, width = photo.shape[:2]
        axes.imshow(photo, extent=(0, width, height, 0))
        axes.set_title(title)
        axes.set(xlabel="x (pixels)", ylabel="y (pixels)")
        axes.set_xticks(np.linspace(0, width, 9).astype(int))
        axes.set_yticks(np.linspace(0, height, 9).astype(int))
        if patch_size:
            lines = {"color": "white", "linewidth": 0.5, "alpha": 0.45}
            for edge in range(patch_size, width, patch_size):
                axes.axvline(edge, **lines)
            for edge in range(patch_size, height, patch_size):
                axes.axhline(edge, **lines)
    return draw_boxes(figure, boxes)


def draw_boxes(figure, boxes):
    """Outline a box on every panel of its photograph.

    Args:
        figure: matplotlib Figure with the same number of panels for each photograph, photograph by
            photograph, as `photos_with_boxes` and `maps_over_images` draw them.
        boxes: a box (top, left, bottom, right) in pixels for each photograph.
    Returns:
        the same Figure; the box of a panel is `axes.patches[-1]`, a white line on a dark one.
    Raises:
        ValueError: if the panels cannot be shared among the boxes, or a box leaves its photograph.
    """
    panels = [axes for axes in figure.axes if axes.images]
    if not len(boxes) or len(panels) % len(boxes):
        raise ValueError(
            f"Expected a box for each photograph; received {len(boxes)} for {len(panels)} panels."
        )
    for index, axes in enumerate(panels):
        box = tuple(boxes[index // (len(panels) // len(boxes))])
        _, width, height, _ = axes.images[0].get_extent()
        top, left, bottom, right = box if len(box) == 4 else (0, 0, 0, 0)
        if not (0 <= top < bottom <= height and 0 <= left < right <= width):
            raise ValueError(
                f"Expected a box (top, left, bottom, right) inside {height:g} × {width:g} pixels; "
                f"received {box}."
            )
        outline(axes, (left, top), right - left, bottom - top, dark="black")
    return figure
