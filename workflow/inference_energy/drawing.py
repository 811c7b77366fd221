"""How every figure looks: sizes, fonts, colours, number formats, and files that never vary."""

from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

RESOLUTION = 250
"""Of PNG [dots per inch]."""


COLUMN, PAGE = 3.5, 7.0
"""Widths of a figure in one and in two columns of a page [in]."""


SMALL, LARGE = 7, 8
"""Font sizes at print size [pt]: text and ticks, titles."""


SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": SMALL,
    "axes.labelsize": SMALL,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "inference-energy",
}
"""Matplotlib settings under which figures are drawn and saved."""


# the palette of M. Okabe and K. Ito, "Color Universal Design" (2008), and greys
BLACK, DARK_GREY, GREY, LIGHT_GREY = "#000000", "#555555", "#8C8C8C", "#C4C4C4"


ORANGE, SKY, GREEN, BLUE = "#E69F00", "#56B4E9", "#009E73", "#0072B2"


VERMILION, PURPLE = "#D55E00", "#CC79A7"


ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
"""Box of a text that gridlines must not cross."""


PATHWAY_COLOURS = {
    "baseline": BLUE,
    "hardware": ORANGE,
    "model": GREEN,
    "serving": PURPLE,
    "combined": VERMILION,
}


REGIME_COLOURS = {"traditional": SKY, "long": VERMILION}


VERDICT_MARKS = {
    "reproduced": (GREEN, "o"),
    "reproduced with caveat": (ORANGE, "s"),
    "by construction": (BLUE, "D"),
    "borderline": (SKY, "^"),
    "not reproduced": (VERMILION, "X"),
    "not scored": (DARK_GREY, "P"),
}
"""Colour and marker of each verdict on a number: either alone tells them apart."""


def new_figure(width, height):
    """Empty figure of a width and height at print size [in]."""
    return Figure(figsize=(width, height))


def frame(figure, left, bottom, right, top):
    """Add axes whose distances from the figure's edges are given [in]."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, 1 - (bottom + top) / height)
    )


def log_axis(axis, label, low, high):
    """Make the x axis logarithmic from low to high, its ticks plain numbers."""
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    axis.set_xlabel(label)
    decades = log10(high / low)
    steps = (1, 2, 5) if decades < 2 else (1, 3) if decades < 2.7 else (1,)
    log_ticks(axis.xaxis, steps, range(2, 10) if decades < 3 else (2, 5))
    axis.grid(axis="x")


def log_ticks(axis, steps=(1,), between=range(2, 10)):
    """Put plain numbers at the steps of each decade of an xaxis or yaxis, short ticks between."""
    axis.set_major_locator(LogLocator(subs=steps, numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_locator(LogLocator(subs=between, numticks=100))
    axis.set_minor_formatter(NullFormatter())


def log_range(values, margin=1.25):
    """Ends of a logarithmic axis that holds all values, with a margin."""
    return min(values) / margin, max(values) * margin


def no_side(axis):
    """Take away the y axis of axes whose rows have texts instead."""
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)


def legend(figure, handles, left, top, ncols=None, **spacing):
    """Add keys whose first one is at distances from the figure's corner [in], in one line or so."""
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left / width, 1 - top / height),
        ncols=ncols or len(handles),
        borderaxespad=0,
        **spacing,
    )


ROW = 0.4
"""Height of a row [in]: a line of text, and a mark below it."""


BELOW, ABOVE = 0.4, 0.44
"""Space for the x axis and for title and header [in]."""


def rows_height(count):
    """Height of a figure of so many rows [in]."""
    return BELOW + ROW * count + ABOVE


def rows_axis(figure, rows, header, left=0.18, right=0.12, above=ABOVE):
    """Axes of labelled rows, from the top down.

    Parameters
    ----------
    figure : Figure
        As high as :func:`rows_height` says.
    rows : list of (str, str)
        Texts of each row, at its left and right end; row i has them at y = 0.33 - i and room for
        its mark at y = -0.12 - i.
    header : (str, str)
        Texts above the first row.
    left, right, above : float
        Distances from the figure's edges [in].
    """
    axis = frame(figure, left, BELOW, right, above)
    axis.set_ylim(0.5 - len(rows), 0.5)
    no_side(axis)
    across = axis.get_yaxis_transform()
    style = {"transform": across, "va": "center_baseline"}
    for i, texts in enumerate(rows):
        for x, text, side in zip((0, 1), texts, ("left", "right"), strict=True):
            axis.text(x, 0.33 - i, text, ha=side, bbox=ON_WHITE, **style)
    for x, text, side in zip((0, 1), header, ("left", "right"), strict=True):
        axis.text(x, 0.74, text, ha=side, color=DARK_GREY, **style)
    return axis


def violin(axis, y, density, values, scale, colour):
    """Draw a density as an outline, the IQR as a bar, the median as a dot.

    Parameters
    ----------
    axis : Axes
        Where to draw.
    y : float
        Middle of the violin.
    density : DataFrame
        energy_wh [Wh], density.
    values : Series
        p25, p50, p75 [Wh].
    scale : float
        Half height of the violin per unit of density.
    colour : str
        Colour of the outline.
    """
    half = density["density"].to_numpy() * scale
    energy = density["energy_wh"].to_numpy()
    axis.fill_between(energy, y - half, y + half, color=colour, alpha=0.45, linewidth=0)
    for edge in (y - half, y + half):
        axis.plot(energy, edge, color=colour, linewidth=0.7)
    axis.plot(values[["p25", "p75"]], [y, y], color=BLACK, linewidth=2.2, solid_capstyle="butt")
    _median(axis, values["p50"], y, BLACK)


def spread(axis, y, values, colour):
    """Draw P5 to P95 as a line, the IQR as a bar, the median as a dot."""
    axis.plot(values[["p5", "p95"]], [y, y], color=colour, linewidth=0.9)
    axis.plot(values[["p25", "p75"]], [y, y], color=colour, linewidth=3.2, solid_capstyle="butt")
    _median(axis, values["p50"], y, colour)


def _median(axis, x, y, colour):
    axis.plot([x], [y], "o", color="white", markeredgecolor=colour, markersize=3.8, zorder=4)


@rc_context(SETTINGS)
def save(figure, path):
    """Write SVG or PNG, by the name's ending; the same figure gives the same bytes.

    Neither file holds a date or the name of a software.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".svg":
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        return
    figure.set_dpi(RESOLUTION)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # a palette holds these flat colours in a third of the bytes
    palette = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(path, optimize=True, dpi=(RESOLUTION, RESOLUTION))


def save_all(figures, paths):
    """Write figures to the paths that bear their names.

    Parameters
    ----------
    figures : dict of str to Figure
        Name to figure.
    paths : list of str
        Files to write: a figure's name and .svg or .png.
    """
    for path in paths:
        save(figures[Path(path).stem], path)
