"""Draw docs/course.png, the picture at the top of the README: an image, its patches, its tokens, attention.

    python -m docs.make_picture

Nothing in it is painted by hand. Without a trained model's map, the last panel is one step of self-attention
over the tokens of the third, softmax(query · keys / √dim): the marked patch finds patches like itself.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle
from PIL import Image

from helpers.data.photos import load_photo

PATCH, GRID, GAP, DIM = 16, 14, 2, 12
NIGHT, WHITE, FAINT, GOLD = "#0d1520", "#f2f5f9", "#93a4b8", "#ffc857"
MARKED = (5, 4)  # row and column of the patch that looks: the pupil of an eye
TOKEN_ROWS = range(2, 10)  # how many patches of the marked one's column are drawn as tokens


def cut(image):
    """(224, 224, 3) -> (14, 14, 16, 16, 3): the patches where they were."""
    return image.reshape(GRID, PATCH, GRID, PATCH, 3).swapaxes(1, 2)


def project(patches):
    """(14, 14, 16, 16, 3) -> (196, 12): the linear projection that keeps most of this photograph (PCA)."""
    flat = patches.reshape(GRID * GRID, -1)
    flat = flat - flat.mean(axis=0)
    left, _, _ = np.linalg.svd(flat, full_matrices=False)
    return left[:, :DIM] * np.sqrt(GRID * GRID)


def self_attention(tokens, position):
    """(196, 12) -> (14, 14): the attention weights of one token, softmax(q · k / √dim)."""
    scores = tokens @ tokens[position[0] * GRID + position[1]] / np.sqrt(tokens.shape[1])
    weights = np.exp(scores - scores.max())
    return (weights / weights.sum()).reshape(GRID, GRID)


def spotlight(image, attention):
    """Dim the photograph where nothing is looked at: (224, 224, 3) and (rows, columns) -> (224, 224, 3)."""
    light = np.clip(attention / np.quantile(attention, 0.98), 0, 1) ** 0.45
    light = Image.fromarray(np.float32(light)).resize(image.shape[1::-1], Image.Resampling.BICUBIC)
    light = np.clip(np.asarray(light), 0, 1)[..., None]
    glow = np.array([1.0, 0.93, 0.75])
    return np.clip(image * (0.28 + 0.72 * light * glow) + 0.08 * light**2 * glow, 0, 1)


def course_picture(image, attention=None, *, caption="where one patch looks"):
    """Draw the four panels.

    Args:
        image: float (224, 224, 3) in [0, 1].
        attention: float (rows, columns), a trained model's map over its patches; None for the one above.
        caption: str, what the last panel shows.
    Returns:
        matplotlib Figure of 1600×520 pixels.
    """
    patches, figure = cut(image), plt.figure(figsize=(16, 5.2), dpi=100, facecolor=NIGHT)
    tokens = project(patches)
    marked = attention is None
    attention = self_attention(tokens, MARKED) if marked else np.asarray(attention)

    panels = [figure.add_axes([0.022 + 0.2478 * n, 0.13, 0.2128, 0.655]) for n in range(4)]
    for axes in panels:
        axes.set_axis_off()
    panels[0].imshow(image)
    gap = np.ones((GRID * (PATCH + GAP) - GAP,) * 2 + (3,)) * matplotlib.colors.to_rgb(NIGHT)
    for row in range(GRID):
        for column in range(GRID):
            y, x = row * (PATCH + GAP), column * (PATCH + GAP)
            gap[y : y + PATCH, x : x + PATCH] = patches[row, column]
    panels[1].imshow(gap)
    draw_tokens(panels[2], patches, tokens)
    panels[3].imshow(spotlight(image, attention))
    if marked:
        y, x = MARKED[0] * PATCH - 0.5, MARKED[1] * PATCH - 0.5
        panels[3].add_patch(Rectangle((x, y), PATCH, PATCH, fill=False, edgecolor=GOLD, linewidth=2))
        y, x = MARKED[0] * (PATCH + GAP) - 1.5, MARKED[1] * (PATCH + GAP) - 1.5
        panels[1].add_patch(Rectangle((x, y), PATCH + 2, PATCH + 2, fill=False, edgecolor=GOLD, linewidth=2))

    titles = ["an image", "196 patches", "a sequence of tokens", "attention"]
    captions = ["224 × 224 pixels", "squares of 16 × 16", "one vector for each patch", caption]
    for number, (axes, title, text) in enumerate(zip(panels, titles, captions, strict=True), start=1):
        box = axes.get_position()
        figure.text(box.x0, 0.895, f"{number}", color=GOLD, fontsize=21, weight="bold", va="center")
        figure.text(box.x0 + 0.018, 0.895, title, color=WHITE, fontsize=19, weight="bold", va="center")
        figure.text(box.x0, 0.065, text, color=FAINT, fontsize=14, va="center")
        if number < 4:
            start, end = box.x1 + 0.006, box.x1 + 0.029
            arrow = FancyArrowPatch((start, 0.4575), (end, 0.4575), transform=figure.transFigure, color=FAINT)
            arrow.set(arrowstyle="-|>", mutation_scale=20, linewidth=2)
            figure.add_artist(arrow)
    return figure


def draw_tokens(axes, patches, tokens):
    """Draw the class token and a column of patches, each with its vector beside it."""
    rows = list(TOKEN_ROWS)
    height = 1.0 / (len(rows) + 1.6)
    axes.set(xlim=(0, 1), ylim=(1, 0))
    colours = matplotlib.colormaps["RdBu_r"]
    left, right = 0.125, 1.0
    width = (right - left) / DIM

    def vector(y, values):
        for n, value in enumerate(values):
            cell = Rectangle(
                (left + n * width, y), width * 0.86, height * 0.8, color=colours(0.5 + value / 5)
            )
            axes.add_patch(cell)

    axes.add_patch(Rectangle((0, 0), 0.095, height * 0.8, color=GOLD))
    axes.text(
        0.0475, height * 0.42, "class", ha="center", va="center", fontsize=8, weight="bold", color=NIGHT
    )
    vector(0, np.random.default_rng(0).normal(0, 1, DIM))  # a class token begins as random numbers
    for place, row in enumerate(rows):
        y = (place + 1.6) * height
        axes.imshow(patches[row, MARKED[1]], extent=(0, 0.095, y + height * 0.8, y), aspect="auto")
        vector(y, tokens[row * GRID + MARKED[1]])
        if row == MARKED[0]:
            box = Rectangle(
                (-0.012, y - 0.008), 1.022, height * 0.8 + 0.016, fill=False, edgecolor=GOLD, linewidth=2
            )
            box.set_clip_on(False)
            axes.add_patch(box)
    axes.set(xlim=(0, 1), ylim=(1, 0))


if __name__ == "__main__":
    target = Path(__file__).with_name("course.png")
    course_picture(load_photo("cat", size=224)).savefig(target, facecolor=NIGHT)
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
