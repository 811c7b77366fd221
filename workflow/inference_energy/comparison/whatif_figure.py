"""The figure of the what-if page: the blend's energy before and after."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from inference_energy.comparison.whatif import Answer, both
from inference_energy.drawing import (
    GREY,
    PAGE,
    SETTINGS,
    TEAL,
    frame,
    log_axis,
    log_range,
    new_figure,
)


@rc_context(SETTINGS)
def draw(base: Answer, head: Answer) -> Figure:
    """Draw the blend's energy before and after, one panel per regime, on one scale."""
    curves = [*base.curves.values(), *head.curves.values()]
    low, high = log_range(np.concatenate([curve["energy_wh"].to_numpy() for curve in curves]), 1.05)
    top = max(curve["density"].max() for curve in curves)
    figure = new_figure(PAGE, 0.55 + 1.35 * len(head.curves))
    for place, regime in enumerate(head.curves):
        above = 0.3 + place * 1.35
        axis = frame(figure, 0.15, figure.get_figheight() - above - 1.0, 0.15, above)
        for answer, colour, name in ((base, GREY, "before"), (head, TEAL, "after")):
            curve = answer.curves[regime]
            axis.fill_between(curve["energy_wh"], curve["density"], color=colour, alpha=0.25)
            axis.plot(curve["energy_wh"], curve["density"], color=colour, label=name)
            axis.axvline(answer.median(regime), color=colour, linestyle="--", linewidth=0.9)
        last = place == len(head.curves) - 1
        log_axis(axis, "Energy per query [Wh]" if last else "", low, high)
        axis.tick_params(axis="x", labelbottom=last)
        axis.set_ylim(0, 1.1 * top)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        medians = " -> ".join(both(base.median(regime), head.median(regime)))
        axis.set_title(f"{regime.capitalize()} queries: median {medians} Wh")
        if not place:
            axis.legend(loc="upper right")
    return figure
