"""The look of every figure in the course, in one place, and `show`, which puts a figure into the notebook.

The background is opaque and light, so that a figure reads the same on a light and on a dark page. The line
colours are those of Okabe & Ito (https://jfly.uni-koeln.de/color/), which colour-blind people can tell apart.
"""

import base64
import io
import sys

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.show.progress import LiveOutput

SIZE_COLOURS = "viridis"  # how much: dark is little, bright is much
ATTENTION_COLOURS = "cividis"  # the same, on top of a photograph
SIGN_COLOURS = "RdBu_r"  # below or above zero: blue, white, red
INK, FAINT_INK, GRID_LINE = "#1b1f24", "#57606a", "#d8dee4"
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1b1f24")

DOTS_PER_INCH = 120  # sharp on a high-density screen and still a small file
SCREEN_DOTS_PER_INCH = 96  # what a browser calls an inch

# What a lesson's kernel gets too, so that the learner's own figures match: nothing that moves or hides.
COLOURS_AND_FONTS = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships inside matplotlib: the same letters on every machine
    "font.size": 9.5,
    "text.color": INK,
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.prop_cycle": matplotlib.cycler(color=LINE_COLOURS),
    "grid.color": GRID_LINE,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "image.cmap": SIZE_COLOURS,
}

# The course's own figures alone: a learner's tight_layout, twin axis or colour bar would fight with these.
LAYOUT = {
    "figure.dpi": DOTS_PER_INCH,
    "figure.constrained_layout.use": True,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    "image.interpolation": "nearest",
}

STYLE = COLOURS_AND_FONTS | LAYOUT

styled = matplotlib.rc_context(
    STYLE
)  # use as a decorator: the figure gets the style, the session keeps its own


def show(fig, alt):
    """Display a figure as a picture with a description, then close it.

    The plain-text twin of the output is the description, so that a stored notebook holds the same text on
    every machine.

    Args:
        fig: matplotlib Figure.
        alt: str, one or two sentences that say what the figure shows, for readers who cannot see it.
    Raises:
        ValueError: if `fig` is no Figure or `alt` is empty.
    """
    if not isinstance(fig, Figure):
        raise ValueError(
            f"show expects a matplotlib Figure, got {type(fig).__name__}. "
            "Pass what the figure function returned."
        )
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            'show needs a description of the figure: show(fig, alt="Accuracy rises from 10 % to 90 %.")'
        )
    alt = alt.strip()
    png, width = figure_png(fig)
    if "matplotlib.pyplot" in sys.modules:  # only pyplot keeps figures alive
        sys.modules["matplotlib.pyplot"].close(fig)
    display_png(png, alt, width)


def figure_png(fig):
    """Render a figure.

    Returns:
        bytes of the PNG file, and the width in browser pixels at which it has its natural size.
    """
    buffer = io.BytesIO()
    # Without the name of the software the same figure gives the same bytes under every matplotlib.
    fig.savefig(
        buffer,
        format="png",
        dpi=DOTS_PER_INCH,
        bbox_inches="tight",
        pad_inches=0.12,
        metadata={"Software": None},
    )
    png = buffer.getvalue()
    width_in_pixels = int.from_bytes(png[16:20], "big")  # PNG header: bytes 16 to 19 hold the width
    return png, round(width_in_pixels * SCREEN_DOTS_PER_INCH / DOTS_PER_INCH)


def display_png(png, alt, width):
    """Display PNG bytes with `alt` as alt text and as plain-text twin; outside IPython print `alt` alone."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if not InteractiveShell.initialized():
        print(alt)
        return
    picture, metadata = _output(png, alt, width)
    display(picture, metadata=metadata, raw=True)


class LivePicture:
    """One output of a notebook that is drawn again and again in place.

    Args:
        alt: str, the description; the same for every drawing, as nbval compares it.
    """

    def __init__(self, alt):
        self.alt, self.output = alt, LiveOutput()

    def draw(self, fig):
        """Show `fig` where the one before it stood."""
        png, width = figure_png(fig)
        picture, metadata = _output(png, self.alt, width)
        self.output.show(picture, metadata=metadata)


def _output(png, alt, width):
    """Return the data and the metadata of an output that holds a picture."""
    picture = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt}
    return picture, {"image/png": {"alt": alt, "width": width}}


def as_image(image, name="image"):
    """Check an image at the boundary and return it as float (height, width, 3) in [0, 1].

    Args:
        image: float (height, width, 1 or 3) or (height, width) in [0, 1], or uint8 in 0..255.
    Raises:
        ValueError: if the shape or the range of values is another.
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or 0 in image.shape:
        raise ValueError(
            f"{name} must be (height, width, 3), got {image.shape}. For a batch pass one image: images[0]."
        )
    if image.dtype == np.uint8:
        image = image / 255.0
    image = image.astype("float32")
    low, high = float(image.min()), float(image.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # also true for NaN
        raise ValueError(
            f"{name} must hold values in [0, 1], got {low:.3g} to {high:.3g}. "
            "Divide by 255, or undo the normalisation, before you draw it."
        )
    return np.broadcast_to(np.clip(image, 0, 1), (*image.shape[:2], 3))


def as_matrix(values, name, num_axes=2):
    """Check an array of numbers at the boundary: `num_axes` axes, none of them empty, nothing infinite."""
    values = np.asarray(values)
    if values.ndim != num_axes or 0 in values.shape:
        raise ValueError(f"{name} must have {num_axes} non-empty axes, got shape {values.shape}.")
    values = values.astype("float64")
    if np.isinf(values).any():
        raise ValueError(f"{name} holds infinite values, which have no colour or height. Mask them with NaN.")
    return values


def colour_scale(values, signed):
    """Colour map and its limits: 0 is always in the scale, and in the middle of it where the sign matters."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return SIZE_COLOURS, 0.0, 1.0
    if signed:
        limit = float(np.abs(finite).max()) or 1.0
        return SIGN_COLOURS, -limit, limit
    low, high = min(float(finite.min()), 0.0), max(float(finite.max()), 0.0)
    return SIZE_COLOURS, low, high if high > low else 1.0


def check_names(names, count, name):
    """Return `names` as a list of strings; their number must be `count`."""
    names = [str(each) for each in names]
    if len(names) != count:
        raise ValueError(f"{name} must hold {count} names, one for each item, got {len(names)}.")
    return names


def outline(axes, corner, width, height, *, dark=INK, line_widths=(3, 1.4)):
    """Draw a rectangle in two strokes, dark and white in it, so that it is seen on either ground."""
    for colour, line_width in zip((dark, "white"), line_widths):
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=line_width))
