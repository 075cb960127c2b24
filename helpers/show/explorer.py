"""The explorer: move over a patch and see at once where that token looks, in every layer and head.

`explorer_html` writes one page that needs nothing but itself: plain JavaScript, a canvas, and the attention
weights as bytes. No kernel answers a mouse move, so it follows the mouse, and it works the same in
JupyterLab, Colab, VS Code and an exported page. `explore` displays it in a frame that can reach nothing
outside, and below it a static picture for places without JavaScript.

A weight w of a row with maximum m is stored as round(255 · sqrt(w / m)): a byte each, with finer steps for
the many small weights of a row than equal steps would give. A weight is off by m / 255 at most.
"""

import base64
import html
import io
import json
import textwrap
import zlib
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from helpers.show.maps import DARKEST, PHOTO_SHARE, bar_to_own_max, grey_photo
from helpers.show.style import (
    ATTENTION_COLOURS,
    FAINT_INK,
    as_image,
    check_names,
    display_png,
    figure_png,
    styled,
)

TEMPLATE = Path(__file__).with_name("explorer.html")
MAX_IMAGES = 4
MAX_BYTES = 8_000_000  # a notebook that holds more is slow to open and to store
FRAME = (
    '<iframe title="Attention explorer" sandbox="allow-scripts" srcdoc="{page}" style="width: 100%; '
    "height: clamp(640px, calc(1180px - 60vw), 960px); border: 1px solid #d0d7de; "
    'border-radius: 8px;"></iframe>'
)


def explore(run, images, *, patch_size, class_names=None, titles=None, heads="all", show_png=True):
    """Display the explorer of a few images, and a static picture of it below.

    Args:
        run: result of `activations(model, images, keep=("attention_weights",))`; `run.attention_weights` is
            float (depth, batch, num_heads, num_tokens, num_tokens), rows sum to 1; `run.logits` is (batch,
            num_classes).
        images: float (batch, height, width, 3) in [0, 1], the images of the run, 4 at most.
        patch_size: int, side of a patch in pixels.
        class_names: num_classes names; with them each title says what the model predicts.
        titles: names of the images.
        heads: "all", or "mean" to keep only the mean of the heads, which takes num_heads times less space.
        show_png: display the static picture too.
    Raises:
        ValueError: if the run does not belong to the images, or the page would be larger than 8 MB.
    """
    attention, images, grid = _checked(run, images, patch_size, heads)
    captions = _captions(run, len(images), class_names, titles)
    alt = _alt_text(attention, images, captions)
    png, width = figure_png(explorer_figure(attention, images, grid, captions))
    page = _page(attention, images, grid, captions, png, alt)
    depth, batch, num_heads, num_tokens = attention.shape[:4]
    if show_png and len(page) + 4 * len(png) / 3 > MAX_BYTES:
        raise ValueError(_too_large(len(page) + 4 * len(png) / 3, batch))
    _display_page(
        page, f"Attention explorer: images {batch}, layers {depth}, heads {num_heads}, tokens {num_tokens}."
    )
    if show_png:
        display_png(png, alt, width)


def explorer_html(run, images, *, patch_size, class_names=None, titles=None, heads="all"):
    """Write the explorer as one self-contained HTML page.

    Args:
        run, images, patch_size, class_names, titles, heads: as in `explore`.
    Returns:
        str, a whole HTML document. Write it to a file and open it in any browser.
    Raises:
        ValueError: as in `explore`.
    """
    attention, images, grid = _checked(run, images, patch_size, heads)
    captions = _captions(run, len(images), class_names, titles)
    png, _ = figure_png(explorer_figure(attention, images, grid, captions))
    return _page(attention, images, grid, captions, png, _alt_text(attention, images, captions))


@styled
def explorer_figure(attention, images, grid, captions):
    """Draw the static twin: the class token's map at the first, middle and last layer, and rollout.

    Without a class token, the maps are the mean over all patches.

    Args:
        attention: float (depth, batch, num_heads, num_tokens, num_tokens); rows sum to 1.
        images: (batch, height, width, 3) in [0, 1].
        grid: (rows, columns) of patches.
        captions: batch names.
    Returns:
        matplotlib Figure; the last image of each map's axes holds the map in percent.
    """
    depth, batch = attention.shape[:2]
    layers = sorted({0, (depth - 1) // 2, depth - 1})
    mean_of_heads = attention.mean(axis=2)  # (depth, batch, tokens, tokens)
    names = [*(f"Layer {layer + 1}" for layer in layers), "Rollout"]
    height, width = images.shape[1:3]
    cell = 8.2 / 5
    fig = Figure(figsize=(cell * (len(names) + 1) + 0.9, (cell * height / width + 0.62) * batch + 0.25))
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    axes = fig.subplots(batch, len(names) + 1, squeeze=False)
    for index, image in enumerate(images):
        rows = [starting_row(mean_of_heads[layer, index], grid) for layer in layers]
        rows.append(rollout_row(mean_of_heads[:, index], grid))
        axes[index, 0].imshow(image, extent=(0, width, height, 0))
        lines = [textwrap.fill(part, 26) for part in captions[index].split(" · ")]
        axes[index, 0].set_title("\n".join(lines) or "Image", fontsize=8, weight="normal")
        for panel, row, name in zip(axes[index, 1:], rows, names, strict=True):
            values = 100 * patches_of(row, grid).reshape(grid)
            panel.imshow(grey_photo(image), extent=(0, width, height, 0))
            panel.imshow(
                values,
                extent=(0, width, height, 0),
                cmap=ATTENTION_COLOURS,
                alpha=1 - PHOTO_SHARE,
                vmin=0,
                vmax=float(values.max()) or 1.0,
            )
            panel.set_title(name, fontsize=9)
            panel.set_xlabel(f"max {values.max():.2g} %", fontsize=8, color=FAINT_INK)
        for panel in axes[index]:
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
    bar_to_own_max(fig, axes, "attention weight", opacity=1 - PHOTO_SHARE)
    whose = "class token" if attention.shape[-1] == grid[0] * grid[1] + 1 else "mean of all patches"
    fig.suptitle(f"Where the {whose} looks, mean of the heads", fontsize=11)
    return fig


def starting_row(matrix, grid):
    """Row of the class token in a (tokens, tokens) matrix; without a class token, the mean of all rows."""
    return matrix[0] if len(matrix) == grid[0] * grid[1] + 1 else matrix.mean(axis=0)


def patches_of(row, grid):
    """The part of a row of tokens that belongs to the patches."""
    return row[-grid[0] * grid[1] :]


def rollout_row(mean_of_heads, grid):
    """Compute one row of the rollout A_depth … A_2 A_1 with A = 0.5 attention + 0.5 I.

    A single row needs no product of matrices: row vector times matrix, from the last block back to the first
    (Abnar & Zuidema 2020, https://arxiv.org/abs/2005.00928).

    Args:
        mean_of_heads: (depth, tokens, tokens); rows sum to 1.
        grid: (rows, columns) of patches.
    Returns:
        (tokens,), sums to 1.
    """
    share = starting_row(np.eye(mean_of_heads.shape[-1]), grid)
    for block in mean_of_heads[::-1]:
        share = 0.5 * share + 0.5 * share @ block
    return share


def to_bytes(attention):
    """Store weights as bytes: round(255 · sqrt(w / m)) with m the maximum of the row.

    Args:
        attention: float (..., tokens), 0 or more.
    Returns:
        uint8 (..., tokens) and float32 (...), the maximum of each row; w ≈ m · (byte / 255)², within m / 255.
    """
    highest = attention.max(axis=-1).astype("float32")
    safe = np.where(highest > 0, highest, 1)[..., None]
    return np.rint(255 * np.sqrt(attention / safe)).astype("uint8"), highest


def _page(attention, images, grid, captions, png, alt):
    depth, batch, num_heads, num_tokens = attention.shape[:4]
    if attention.size > 4 * MAX_BYTES:  # deflate does not save that much: say so before the work
        raise ValueError(_too_large(attention.size, batch))
    weights, scales = to_bytes(attention)
    colours = (
        (matplotlib.colormaps[ATTENTION_COLOURS](np.arange(256)) * 255).round().astype("uint8")
    )  # (256, 4)
    data = {
        "depth": depth,
        "heads": num_heads,
        "tokens": num_tokens,
        "rows": grid[0],
        "columns": grid[1],
        "hasClassToken": num_tokens == grid[0] * grid[1] + 1,
        "onlyMean": num_heads == 1,
        "photoShare": PHOTO_SHARE,
        "darkest": DARKEST,
        "colours": _base64(colours.tobytes()),
        "images": [
            {
                "title": captions[index],
                "png": _base64(_png_of(images[index])),
                "weights": _base64(zlib.compress(weights[:, index].tobytes())),
                "scales": _base64(scales[:, index].astype("<f4").tobytes()),
            }
            for index in range(batch)
        ],
    }
    page = TEMPLATE.read_text(encoding="utf-8")
    page = page.replace("__ALT__", html.escape(alt)).replace("__PICTURE__", _base64(_jpeg_of(png)))
    page = page.replace("__DATA__", json.dumps(data).replace("<", "\\u003c"))  # a title cannot end the script
    if len(page) > MAX_BYTES:
        raise ValueError(_too_large(len(page), batch))
    return page


def _display_page(page, text):
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if not InteractiveShell.initialized():
        print(text)
        return
    display({"text/html": FRAME.format(page=html.escape(page)), "text/plain": text}, raw=True)


def _checked(run, images, patch_size, heads):
    attention = getattr(run, "attention_weights", None)
    if attention is None:
        raise ValueError(
            "the run holds no attention weights. "
            'Ask for them: activations(model, images, keep=("attention_weights",)).'
        )
    attention = np.asarray(attention).astype("float32")
    if attention.ndim != 5 or attention.shape[-1] != attention.shape[-2] or 0 in attention.shape:
        raise ValueError(
            "run.attention_weights must be (depth, batch, num_heads, num_tokens, num_tokens), "
            f"got {attention.shape}."
        )
    if not (attention >= 0).all() or not (attention.sum(axis=-1) <= 1.01).all():
        raise ValueError(
            "the rows of run.attention_weights must be 0 or more and sum to 1: "
            "pass the weights after the softmax, not the scores before it."
        )
    if getattr(images, "ndim", 4) == 3:
        raise ValueError(f"images must be (batch, height, width, 3), got {images.shape}: pass images[None].")
    images = [as_image(image, f"images[{index}]") for index, image in enumerate(images)]
    if len(images) != attention.shape[1]:
        raise ValueError(
            f"the run has {attention.shape[1]} images, you pass {len(images)}. Pass the images of the run."
        )
    if len(images) > MAX_IMAGES:
        raise ValueError(
            f"the explorer shows {MAX_IMAGES} images at most, got {len(images)}. "
            f"Run the model on images[:{MAX_IMAGES}]."
        )
    images = np.stack(images)
    height, width = images.shape[1:3]
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise ValueError(f"patches of {patch_size} pixels do not tile images of {height} × {width}.")
    grid = (height // patch_size, width // patch_size)
    num_patches, num_tokens = grid[0] * grid[1], attention.shape[-1]
    if num_tokens not in (num_patches, num_patches + 1):
        raise ValueError(
            f"{height} × {width} pixels in patches of {patch_size} make {num_patches} patches, but the run "
            f"has {num_tokens} tokens: neither {num_patches} nor {num_patches + 1}. "
            "Check patch_size; cut other tokens, such as registers, out of the weights."
        )
    if heads not in ("all", "mean"):
        raise ValueError(f'heads must be "all" or "mean", got {heads!r}.')
    if heads == "mean":
        attention = attention.mean(axis=2, keepdims=True)
    return attention, images, grid


def _captions(run, batch, class_names, titles):
    captions = [""] * batch if titles is None else check_names(titles, batch, "titles")
    logits = getattr(run, "logits", None)
    if class_names is None or logits is None:
        return captions
    logits = np.asarray(logits).astype("float64")
    class_names = check_names(class_names, logits.shape[-1], "class_names")
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = odds / odds.sum(axis=-1, keepdims=True)
    predictions = [
        f"predicted: {class_names[row.argmax()]}, {100 * row.max():.0f} %" for row in probabilities
    ]
    return [" · ".join(filter(None, pair)) for pair in zip(captions, predictions, strict=True)]


def _alt_text(attention, images, captions):
    depth = len(attention)
    layers = ", ".join(str(layer + 1) for layer in sorted({0, (depth - 1) // 2, depth - 1}))
    what = "1 image" if len(images) == 1 else f"{len(images)} images"
    return f"Attention maps of {what} at layers {layers} of {depth}, and rollout, laid over the photograph."


def _too_large(size, batch):
    fewer = "the run of fewer images, or " if batch > 1 else ""
    return (
        f"the explorer would be {size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB. "
        f'Pass {fewer}heads="mean", which keeps only the mean of the heads.'
    )


def _png_of(image):
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * image).astype("uint8")).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _jpeg_of(png):
    """A smaller copy of the static picture, for the page itself."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, format="jpeg", quality=80)
    return buffer.getvalue()


def _base64(raw):
    return base64.b64encode(raw).decode("ascii")
