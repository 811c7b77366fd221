"""Whether a figure can be read in print: its texts apart, whole, and large enough."""

import numpy as np
from inference_energy import drawing
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

LEAST = 7
"""Smallest text at print size [pt]."""

HIGHEST = 9
"""Height of a page without its caption [in]."""

RESOLUTION = 100
"""Of the pixels in which texts are told apart [dots per inch]."""


def texts(figure):
    """Every text that is drawn, with its box in pixels."""
    figure.set_dpi(RESOLUTION)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    # matplotlib keeps, but does not draw, ticks outside an axis's range
    undrawn = {
        id(label)
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(low, high) <= tick.get_loc() <= max(low, high)
        for label in (tick.label1, tick.label2)
    }
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    # without the box around a text, which may cover a neighbour's edge in white
    return [(t, Text.get_window_extent(t, renderer)) for t in shown if id(t) not in undrawn]


def clipped(figure, shown):
    """Texts that leave the figure, or the axes that they are cut off at."""
    found = []
    for text, box in shown:
        whole = [figure.bbox]
        if text.get_clip_on() and text.get_clip_box() is not None:
            whole.append(text.get_clip_box())
        if any(
            box.x0 < around.x0 or box.y0 < around.y0 or box.x1 > around.x1 or box.y1 > around.y1
            for around in whole
        ):
            found.append(text.get_text())
    return found


def overlapping(shown):
    """Pairs of texts that overlap."""
    left, bottom, right, top = np.transpose([box.extents for _, box in shown]).reshape(4, -1)
    # two lines of text may touch by a pixel
    apart = (right[:, None] - 1 < left) | (top[:, None] - 1 < bottom)
    pairs = np.argwhere(np.triu(~(apart | apart.T), k=1))
    return [(shown[one][0].get_text(), shown[other][0].get_text()) for one, other in pairs]


def problems(figure):
    """What keeps a figure from being read in print, by kind; empty if nothing does."""
    shown = texts(figure)
    width, height = figure.get_size_inches()
    found = {
        "no text": [] if shown else [figure],
        "clipped": clipped(figure, shown),
        "overlapping": overlapping(shown),
        "small": [
            (text.get_text(), text.get_size()) for text, _ in shown if text.get_size() < LEAST
        ],
        "width": [] if width in (drawing.COLUMN, drawing.PAGE) else [width],
        "height": [] if height <= HIGHEST else [height],
    }
    return {kind: found_of_kind for kind, found_of_kind in found.items() if found_of_kind}
