"""Figure: what throughput laws predict for shapes that they have not seen."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import rc_context
from matplotlib.figure import Figure

from inference_energy import drawing
from inference_energy.drawing import DARK_GREY, PAGE, SETTINGS, frame, new_figure
from inference_energy.laws.registry import LAWS
from inference_energy.text import number

HEIGHT, LEFT, BELOW, ABOVE, GAP = 2.7, 0.55, 0.42, 0.42, 0.12
"""Height of the figure and distances around its panels [in]."""


@rc_context(SETTINGS)
def predicted_over_measured(predictions: pd.DataFrame) -> Figure:
    """Predicted over measured throughput, a panel per law.

    Parameters
    ----------
    predictions : DataFrame
        Columns of the schema ``law_predictions``.

    Returns
    -------
    Figure
    """
    marks = {name: kind.mark for name, kind in LAWS.items() if kind.mark is not None}
    drawn = [law for law in marks if law in set(predictions["law"])]
    figure = new_figure(PAGE, HEIGHT)
    width = (PAGE - LEFT - GAP * len(drawn)) / max(len(drawn), 1)
    shown = predictions[predictions["law"].isin(drawn)]
    ratios = shown["predicted_tps"] / shown["throughput_tps"]
    low, high = np.minimum(0.45, ratios.min() / 1.1), np.maximum(2.2, ratios.max() * 1.1)
    for i, law in enumerate(drawn):
        rows = shown[shown["law"] == law]
        left = LEFT + i * (width + GAP)
        axis = frame(figure, left, BELOW, PAGE - left - width, ABOVE)
        colour, marker = marks[law]
        ratio = ratios[rows.index]
        axis.axhspan(1 / 1.1, 1.1, color=DARK_GREY, alpha=0.15, linewidth=0)
        axis.axhline(1, color=DARK_GREY, linewidth=0.6)
        sns.scatterplot(
            x=rows["output_tokens"] / rows["input_tokens"],
            y=ratio,
            marker=marker,
            color=getattr(drawing, colour),
            s=12,
            alpha=0.6,
            linewidth=0,
            ax=axis,
        )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_ylim(low, high)
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low <= t <= high]
        axis.set_yticks(ticks, [f"{t:g}" for t in ticks] if i == 0 else [""] * len(ticks))
        axis.set_yticks([], minor=True)
        axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axis.set_ylabel("predicted over measured throughput" if i == 0 else "")
        axis.set_xlabel("output over input tokens")
        axis.grid(axis="y")
        error = 100 * float(np.abs(ratio - 1).mean())
        axis.set_title(f"{law}, mean error {number(error, 2)} %")
    return figure
