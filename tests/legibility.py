"""Whether a figure can be read in print: its texts apart, whole, and large enough."""

import numpy as np
from inference_energy import drawing
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.container import BarContainer
from matplotlib.patches import StepPatch
from matplotlib.text import Text

LEAST = 7
"""Smallest text at print size [pt]."""

CONTRAST = 3
"""Least contrast of a mark to the page, of its face or its outline (WCAG 2.2, 1.4.11)."""

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


def contrast(colour):
    """Contrast to white: WCAG 2.2."""
    *opaque, alpha = to_rgba(colour)
    mixed = to_rgb([1 - alpha * (1 - c) for c in opaque])
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mixed]
    return 1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05)


def marks(figure):
    """Face, outline and its width of every bar, histogram and point."""
    for axes in figure.axes:
        bars = [
            bar for group in axes.containers if isinstance(group, BarContainer) for bar in group
        ]
        steps = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        for patch in (*bars, *steps):
            yield patch.get_facecolor(), patch.get_edgecolor(), patch.get_linewidth()
        for points in axes.collections:
            if isinstance(points, PathCollection):
                faces, edges = points.get_facecolor(), points.get_edgecolor()
                yield from ((face, edges[0], points.get_linewidth()[0]) for face in faces)
        for line in axes.lines:
            if line.get_marker() not in ("None", "", " ", None):
                face, edge = line.get_markerfacecolor(), line.get_markeredgecolor()
                seen = [to_rgba(c, line.get_alpha()) for c in (face, edge)]
                yield *seen, line.get_markeredgewidth()


def faint(figure):
    """Colours of marks that do not stand out from the page."""
    return sorted(
        {
            tuple(face)
            for face, edge, width in marks(figure)
            if contrast(face) < CONTRAST and (width == 0 or contrast(edge) < CONTRAST)
        }
    )


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
        "faint": faint(figure),
        "width": [] if width in (drawing.COLUMN, drawing.PAGE) else [width],
        "height": [] if height <= HIGHEST else [height],
    }
    return {kind: found_of_kind for kind, found_of_kind in found.items() if found_of_kind}
