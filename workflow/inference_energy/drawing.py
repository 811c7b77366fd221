"""How every figure looks: sizes, fonts, colours, number formats, and files that never vary."""

import base64
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from math import log10
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray
from PIL import Image

from inference_energy.text import grouped
from inference_energy.units import MM_PER_INCH

RESOLUTION = 300
"""Of PNG [dots per inch]."""


COLUMN, PAGE = 85 / MM_PER_INCH, 174 / MM_PER_INCH
"""Widths of a figure in one and in two columns of a page [in]."""


FONT, FONTS = "Liberation Sans", Path(__file__).parent.parent / "vendor" / "liberation"
"""Font of all texts, as wide as Arial, and where its files are."""

ALIKE = "Arial, Helvetica, sans-serif"
"""What a drawing's text is written in where the font is missing."""


# a name in letters that the font lacks is boxes in a PNG; SVG, description and pages have it
warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)


def _register(folder: Path) -> None:
    """Make matplotlib use the fonts of a folder, before those that a machine has."""
    for path in sorted(folder.glob("*.ttf")):
        fontManager.addfont(path)
        fontManager.ttflist.insert(0, fontManager.ttflist.pop())


_register(FONTS)


SMALL, LARGE = 7, 8
"""Font sizes at print size [pt]: text and ticks, titles."""


SETTINGS: dict[Any, Any] = {
    "font.family": FONT,
    "font.size": SMALL,
    "axes.labelsize": SMALL,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    # no axis has ticks above it that a title must be kept clear of, and to look for them takes long
    "axes.titley": 1.0,
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
    "svg.fonttype": "none",
    # names may hold a dollar sign, and no label here is a formula
    "text.parse_math": False,
    "svg.hashsalt": "inference-energy",
}
"""Matplotlib settings under which figures are drawn and saved."""


BLACK, DARK_GREY, GREY, LIGHT_GREY = "#000000", "#555555", "#8C8C8C", "#C4C4C4"


TEAL, OLIVE, MAGENTA, INDIGO = "#007A7A", "#73800E", "#D918B2", "#000066"
"""Colours of what is neither a model nor a kind of query, told apart by every eye."""


ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
"""Box of a text that gridlines must not cross."""

ON_WHITE_LEGEND: dict[str, Any] = {
    "frameon": True,
    "facecolor": "white",
    "edgecolor": "none",
    "framealpha": 1,
}
"""Legend that lines do not cross."""


# the palette of M. Okabe and K. Ito, "Color Universal Design" (2008), its light colours darkened to
# a contrast of 3:1 on white (WCAG 2.2, 1.4.11), and further ones
REGIME_COLOURS = {"traditional": "#3F9AD0", "long": "#8F52E0"}
"""Colour of each kind of query, which nothing else has."""


MODEL_COLOURS = {
    "Llama 3.1 405B": "#0072B2",
    "DeepSeek-R1": "#BF4300",
    "Llama-3.1 Nemotron Ultra 253B": "#009E73",
    "Llama 3.1 70B": "#C78500",
    "Mixtral 8x22B": "#CC79A7",
    "frontier blend": BLACK,
    "Kimi K2.5": "#243659",
    "GLM-5": "#805378",
    "Qwen3.5 397B A17B": "#592409",
    "Qwen3 235B A22B": "#662233",
    "Llama 3.1 8B": "#1414CC",
}
"""Colour of each model of the methods and of their blend, in every figure; the further ones lie as
far from all others as the page lets them, for every eye."""


PATHWAY_COLOURS = {"baseline": DARK_GREY} | dict.fromkeys(
    ("hardware", "model", "serving", "combined", "improved"), GREY
)
"""Greys of the blend as it is, and of what levers make of it, which words tell apart."""


def model_colour(name: str) -> str:
    """Colour of a model; grey for one that no method serves."""
    return MODEL_COLOURS.get(name, GREY)


VERDICT_MARKS = {
    "reproduced": (TEAL, "o"),
    "reproduced with caveat": (OLIVE, "s"),
    "reproduced as the seeded draw": (INDIGO, "v"),
    "by construction": (DARK_GREY, "D"),
    "borderline": (BLACK, "^"),
    "not reproduced": (MAGENTA, "X"),
    "not scored": (GREY, "P"),
}
"""Colour and marker of each verdict on a number: either alone tells them apart."""


def area(colour: str, share: float) -> dict[str, Any]:
    """Look of an area that lets lines on it show, and whose outline stands out from the page.

    Parameters
    ----------
    colour : str
        Colour of the outline.
    share : float
        How much of it the area has. [1]
    """
    return {"facecolor": to_rgba(colour, share), "edgecolor": colour, "linewidth": 0.5}


def new_figure(width: float, height: float) -> Figure:
    """Empty figure of a width and height at print size [in]."""
    return Figure(figsize=(width, height))


def frame(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Add axes whose distances from the figure's edges are given [in]."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, 1 - (bottom + top) / height)
    )


def log_axis(axis: Axes, label: str, low: float, high: float) -> None:
    """Make the x axis logarithmic from low to high, its ticks plain numbers."""
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    axis.set_xlabel(label)
    decades = log10(high / low)
    steps = (1, 2, 5) if decades < 2 else (1, 3) if decades < 2.7 else (1,)
    log_ticks(axis.xaxis, steps, range(2, 10) if decades < 3 else (2, 5))
    axis.grid(axis="x")


def log_ticks(
    axis: Axis, steps: Sequence[float] = (1,), between: Sequence[float] = range(2, 10)
) -> None:
    """Put plain numbers at the steps of each decade of an xaxis or yaxis, short ticks between."""
    axis.set_major_locator(LogLocator(subs=steps, numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda x, _: grouped(x)))
    axis.set_minor_locator(LogLocator(subs=between, numticks=100))
    axis.set_minor_formatter(NullFormatter())


def log_range(values: Collection[float], margin: float = 1.25) -> tuple[float, float]:
    """Ends of a logarithmic axis that holds all values above zero, with a margin."""
    found = [value for value in values if value > 0] or [1.0]
    return min(found) / margin, max(found) * margin


def headline(figure: Figure, text: str, left: float = 0.1, top: float = 0.1) -> None:
    """Write the finding of a figure at distances from its corner [in]; its title everywhere.

    Where the numbers of a user's method make it longer than the figure is wide, it is smaller.
    """
    width, height = figure.get_size_inches()
    look: dict[str, Any] = {"fontsize": LARGE, "fontweight": "bold", "va": "top"}
    written = figure.text(left / width, 1 - top / height, text, **look)
    taken, room = written.get_window_extent().width / figure.bbox.width, 1 - left / width
    if taken > room:
        written.set_fontsize(LARGE * room / taken)
    figure.set_label(" ".join(text.split()))


NOTE_LINE = 0.125
"""Height of a line of a note [in]."""


def note(figure: Figure, lines: Sequence[str], left: float = 0.1) -> None:
    """Explain marks below a figure, in grey; takes :data:`NOTE_LINE` a line."""
    width, height = figure.get_size_inches()
    for place, line in enumerate(reversed(lines)):
        y = (0.05 + NOTE_LINE * place) / height
        figure.text(left / width, y, line, color=DARK_GREY, va="bottom")


def printed(axis: Axes, y: float, claims: Sequence[float], colour: str = BLACK) -> None:
    """Draw the paper's median as a diamond, and its IQR or rounding as a line.

    Parameters
    ----------
    axis : Axes
        Where to draw.
    y : float
        Height.
    claims : tuple of float
        Middle and both ends of the line; nothing is drawn where the middle is missing.
    colour : str
        Colour of line and edge.
    """
    middle, *ends = claims
    if middle != middle:
        return
    axis.plot(ends, [y, y], color=colour, linewidth=0.7, zorder=3)
    axis.plot(
        [middle],
        [y],
        "D",
        color="white",
        markeredgecolor=colour,
        markeredgewidth=0.7,
        markersize=3,
        zorder=4,
    )


def panel_title(axis: Axes, place: int, words: str, **look: Any) -> None:
    """Write the title of the panel at a place, from 0, of a figure: its letter and words."""
    axis.set_title(f"{'abcdefghijkl'[place]}  {words}", **look)


def no_side(axis: Axes) -> None:
    """Take away the y axis of axes whose rows have texts instead."""
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)


def legend(
    figure: Figure,
    handles: Sequence[Artist],
    left: float,
    top: float,
    ncols: int | None = None,
    **spacing: Any,
) -> None:
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


def rows_height(count: int) -> float:
    """Height of a figure of so many rows [in]."""
    return BELOW + ROW * count + ABOVE


def rows_axis(
    figure: Figure,
    rows: Sequence[Sequence[str]],
    header: Sequence[str],
    left: float = 0.18,
    right: float = 0.12,
    above: float = ABOVE,
    below: float = BELOW,
) -> Axes:
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
    left, right, above, below : float
        Distances from the figure's edges [in].
    """
    axis = frame(figure, left, below, right, above)
    axis.set_ylim(0.5 - len(rows), 0.5)
    no_side(axis)
    across = axis.get_yaxis_transform()
    style: dict[str, Any] = {"transform": across, "va": "center_baseline"}
    for i, texts in enumerate(rows):
        for x, text, side in zip((0, 1), texts, ("left", "right"), strict=True):
            axis.text(x, 0.33 - i, text, ha=side, bbox=ON_WHITE, **style)
    for x, text, side in zip((0, 1), header, ("left", "right"), strict=True):
        axis.text(x, 0.74, text, ha=side, color=DARK_GREY, **style)
    return axis


def violin(
    axis: Axes, y: float, density: pd.DataFrame, values: pd.Series, scale: float, colour: str
) -> None:
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


def spread(axis: Axes, y: float, values: pd.Series, colour: str) -> None:
    """Draw P5 to P95 as a line, the IQR as a bar, the median as a dot."""
    axis.plot(values[["p5", "p95"]], [y, y], color=colour, linewidth=0.9)
    axis.plot(values[["p25", "p75"]], [y, y], color=colour, linewidth=3.2, solid_capstyle="butt")
    _median(axis, values["p50"], y, colour)


def _median(axis: Axes, x: float, y: float, colour: str) -> None:
    axis.plot([x], [y], "o", color="white", markeredgecolor=colour, markersize=3.8, zorder=4)


def title(figure: Figure) -> str:
    """Title of a figure: of the whole of it, or those of its axes."""
    if figure.get_label():
        return str(figure.get_label())
    titles = [text for axes in figure.axes for text in _own_titles(axes)]
    return "; ".join(" ".join(text.split()) for text in titles)


LONGEST = 500
"""Longest alternative text of a figure on a page [characters]."""


HALF_ROW = 0.5
"""Half the distance of named rows, in the units of their axis."""


def description(figure: Figure) -> str:
    """Alternative text of a figure: axes with their ranges, keys, and all that is told or written.

    The figures write their numbers, so that their texts, row by row, are what a reader sees.
    """
    keys = [text.get_text() for own in _legends(figure) for text in own.get_texts()]
    parts = [_sentence(title(figure))]
    names: dict[float, str] = {}
    for axes in figure.axes:
        if figure.get_label():
            parts.append(_sentence(" ".join(_own_titles(axes))))
        # matplotlib's own labels are in brackets
        told = str(axes.get_label())
        parts.append("" if told.startswith("<") else told)
        parts += [_axis_words(axis) for axis in (axes.xaxis, axes.yaxis) if axis.get_label_text()]
        # axes side by side have the names of their rows once
        names = _row_names(axes) or names
        here = names if {*names} == {*axes.get_yticks()} else {}
        parts.append(_written(axes.texts, here))
    others = [text for text in figure.texts if _line(text) != figure.get_label()]
    parts.append(_written(others, {}))
    parts.append(_sentence(f"Key: {'; '.join(keys)}") if keys else "")
    return " ".join(" ".join(part.split()) for part in dict.fromkeys(parts) if part)


def alternative(path: str | Path) -> str:
    """Alternative text of a figure from its SVG, as :func:`save` wrote it: its first sentences.

    Parameters
    ----------
    path : str or Path
        SVG of the figure.

    Returns
    -------
    str
        At most :data:`LONGEST` characters, of whole sentences; the whole is in the SVG.
    """
    told, *more = described(path).split(". ")
    for sentence in more:
        if len(told) + len(sentence) + 2 > LONGEST:
            break
        told = f"{told}. {sentence}"
    return told if told.endswith(".") else f"{told}."


def described(path: str | Path) -> str:
    """Whole :func:`description` of a figure from its SVG."""
    root = ElementTree.fromstring(Path(path).read_bytes())
    return root.findtext("{http://www.w3.org/2000/svg}desc", "")


def tell(axes: Axes, words: str) -> None:
    """Say in the alternative text of a figure what the marks of axes show: words, with numbers."""
    axes.set_label(_sentence(words))


def _own_titles(axes: Axes) -> list[str]:
    """Titles of axes, at any of their places."""
    return [text for place in ("left", "center") if (text := axes.get_title(loc=place))]


def _legends(figure: Figure) -> list[Legend]:
    """Legends of a figure and of its axes."""
    own = [axes.get_legend() for axes in figure.axes]
    return [*figure.legends, *(legend for legend in own if legend)]


def _axis_words(axis: Axis) -> str:
    """Label of an axis, and its first and last number, which may stand for another place."""
    low, high = sorted(axis.get_view_interval())
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    ends = [_line(label) for at, label in ticks if low <= at <= high and _line(label)]
    told = f": {ends[0]} to {ends[-1]}" if len(ends) > 1 else ""
    return _sentence(axis.get_label_text() + told)


def _row_names(axes: Axes) -> dict[float, str]:
    """Words at the ticks of a y axis, by their place; none where it has numbers."""
    labels = [_line(label) for label in axes.get_yticklabels()]
    names = dict(zip(axes.get_yticks(), labels, strict=False))
    return names if any(name[:1].isalpha() for name in names.values()) else {}


def _written(texts: Iterable[Text], names: Mapping[float, str]) -> str:
    """Texts of axes or a figure, those of equal height in one row, which may have a name."""
    rows: dict[object, list[str]] = {place: [name] for place, name in names.items()}
    for text in texts:
        if _line(text) and text.get_visible():
            rows.setdefault(_row(text, names), []).append(_line(text))
    return " ".join(_sentence(": ".join(row)) for row in rows.values())


def _row(text: Text, names: Mapping[float, str]) -> object:
    """Place of a text's row: of the name that is less than half a row away, or its own height."""
    if text.axes and text.get_transform() == text.axes.transAxes:
        # a heading, whose height is no place of a row
        return "heading", text.get_position()[1]
    # of a note that is set off from a point, the point's
    height = text.xy[1] if isinstance(text, Annotation) else text.get_position()[1]
    return next((place for place in names if abs(place - height) < HALF_ROW), height)


def _line(text: Text) -> str:
    """Words of a text on one line."""
    return " ".join(text.get_text().split())


def _sentence(words: str) -> str:
    """Words with one full stop; nothing without words."""
    return f"{words.rstrip('.')}." if words else ""


def _drawing(figure: Figure) -> str:
    """SVG of a figure, with its title, its description and the names of fonts alike."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    start, tag, rest = buffer.getvalue().partition("<svg ")
    attributes, end, body = rest.partition(">")
    words = f'<title id="title">{escape(title(figure))}</title>\n'
    words += f' <desc id="description">{escape(description(figure))}</desc>'
    role = 'role="img" aria-labelledby="title description" '
    body = body.replace(f"'{FONT}'", f"'{FONT}', {ALIKE}")
    return f"{start}{tag}{role}{attributes}{end}\n {words}{body}"


@rc_context(SETTINGS)
def save(figure: Figure, path: str | Path) -> None:
    """Write SVG or PNG, by the name's ending; the same figure gives the same bytes.

    Neither file holds a date or the name of a software. SVG has the figure's title and
    :func:`description`, and its texts as text.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".svg":
        path.write_text(_drawing(figure), encoding="utf-8", newline="\n")
        return
    figure.set_dpi(RESOLUTION)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # level 8 takes twice the time for a twentieth of the bytes
    in_palette(np.asarray(canvas.buffer_rgba())).save(
        path, compress_level=7, dpi=(RESOLUTION, RESOLUTION)
    )


SAMPLE = 2**16
"""Pixels, or somewhat more, that stand for all of an image where its palette is made."""


def in_palette(pixels: NDArray[np.uint8]) -> Image.Image:
    """Image of 256 colours at most, which holds flat colours in a third of the bytes.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 4)
        Red, green, blue and opacity, which is not kept.
    """
    # most pixels are like the one before, and all of one colour become the same: a few of each tell
    flat = np.ascontiguousarray(pixels).view(np.uint32).ravel()
    starts = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))
    lengths = np.diff(starts, append=len(flat))
    number, colours = pd.factorize(flat[starts])
    share = np.bincount(number, lengths) / len(flat)
    times = np.maximum(np.round(SAMPLE * share).astype(int), 1)
    sample = Image.frombytes("RGBA", (int(times.sum()), 1), np.repeat(colours, times).tobytes())
    few = sample.convert("RGB").quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    place = np.asarray(few).ravel()[np.cumsum(times) - 1]
    height, width, _ = pixels.shape
    image = Image.frombytes("P", (width, height), np.repeat(place[number], lengths).tobytes())
    image.putpalette(few.getpalette() or [])
    return image


ON_SCREEN, SHARPNESS = 130, 2
"""Of a figure on a page [pixels per inch], and pixels of the screen in one of them."""


class Picture:
    """A figure as a notebook shows it where a cell ends with it, with its alternative text.

    Parameters
    ----------
    figure : Figure
        Made by :func:`new_figure`.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        image = BytesIO()
        self.figure.savefig(image, format="png", dpi=SHARPNESS * ON_SCREEN)
        width = round(self.figure.get_figwidth() * ON_SCREEN)
        told = {"alt": description(self.figure), "width": width}
        data = base64.b64encode(image.getvalue()).decode("ascii")
        return {"image/png": data}, {"image/png": told}


def save_all(figures: Mapping[str, Figure], paths: Iterable[str]) -> None:
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
