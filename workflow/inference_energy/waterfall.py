"""Figure of a comparison: how each setting carries the headline from base to head."""

import matplotlib.pyplot as plt
import numpy as np

ENDS, UP, DOWN = "#4d4d4d", "#b2182b", "#2166ac"


def steps(table, headline):
    """Bars of one headline's waterfall, from base to head.

    Parameters
    ----------
    table : DataFrame
        Comparison table.
    headline : str
        Headline to draw.

    Returns
    -------
    list of tuple
        label, start, stop [Wh], whether the bar is a part of the setting above it. Settings come
        by the size of their Shapley share; each multiplies what the ones before it left.
    """
    own = table[table["subject"] == headline]
    (end,) = own[own["kind"] == "headline"].to_dict("records")
    shares = own[own["statistic"] == "shapley"]
    settings = shares[shares["kind"] == "attribution"]
    settings = settings.sort_values("value", key=lambda v: -v.abs(), kind="stable")
    parts = shares[shares["kind"] == "part"].sort_values("item", kind="stable")
    level, bars = float(end["base"]), []
    for setting, share in zip(settings["item"], settings["value"], strict=True):
        bars.append((setting, level, level * np.exp(share), False))
        within = level
        for part, portion in zip(parts["item"], parts["value"], strict=True):
            if part.startswith(f"{setting}."):
                label = part.removeprefix(f"{setting}.")
                bars.append((label, within, within * np.exp(portion), True))
                within *= np.exp(portion)
        level *= np.exp(share)
    return [("base", 0.0, float(end["base"]), False), *bars, ("head", 0.0, level, False)]


def draw(table, base, head, regimes=("traditional", "long")):
    """Draw one waterfall per regime.

    Parameters
    ----------
    table : DataFrame
        Comparison table.
    base, head : str
        Names of the methods.
    regimes : tuple of str
        Regimes whose medians are drawn, one panel each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    panels = [steps(table, f"{regime} median") for regime in regimes]
    height = 1.1 + 0.32 * max(len(bars) for bars in panels)
    figure, axes = plt.subplots(1, len(panels), figsize=(7.2, height), sharey=True)
    names = {"base": base, "head": head}
    for axis, regime, bars in zip(axes, regimes, panels, strict=True):
        for place, (label, start, stop, is_part) in enumerate(bars):
            colour = ENDS if label in names else UP if stop > start else DOWN
            axis.barh(
                place,
                stop - start,
                left=start,
                height=0.4 if is_part else 0.7,
                color=colour,
                alpha=0.5 if is_part else 1.0,
            )
            text = f"{stop:#.3g} Wh" if label in names else f"× {stop / start:.3f}"
            axis.annotate(
                text,
                (max(start, stop), place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
        axis.set_title(f"{regime} median", loc="left", fontsize="medium")
        axis.set_xlabel("energy per query [Wh]")
        axis.set_xlim(0, 1.25 * max(stop for _, _, stop, _ in bars))
        axis.spines[["top", "right"]].set_visible(False)
    labels = [
        names.get(label, f"  of which {label}" if part else label) for label, _, _, part in bars
    ]
    axes[0].set_yticks(range(len(bars)), labels)
    axes[0].invert_yaxis()
    figure.tight_layout()
    return figure
