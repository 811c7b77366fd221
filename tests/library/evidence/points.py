"""Points of a figure of public evidence."""

import re

from inference_energy.drawing import SETTINGS, save
from matplotlib import rc_context

POINT = re.compile(r'id="point:(.+?):\d+"')


def drawn(figure, path):
    """Identifiers of the points in the SVG file of a figure."""
    with rc_context(SETTINGS):
        save(figure, path)
    return set(POINT.findall(path.read_text(encoding="utf-8")))
