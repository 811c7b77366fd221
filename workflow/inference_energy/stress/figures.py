"""Figures of the stress test."""

from matplotlib import rc_context
from matplotlib.figure import Figure

from inference_energy.drawing import PAGE, SETTINGS


def draw(cells, energy, path):
    """Energy per query where measured, and throughput, against output tokens."""
    with rc_context(SETTINGS):
        figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (scope, concurrency), group in energy.groupby(["scope", "concurrency"]):
            wide = group.pivot_table(index="output_tokens", columns="statistic", values="value")
            if "mean" not in wide:
                continue
            error = None
            if "low" in wide:
                error = [wide["mean"] - wide["low"], wide["high"] - wide["mean"]]
            label = f"{scope}, {concurrency} at once"
            left.errorbar(wide.index, wide["mean"], error, marker="o", capsize=3, label=label)
        if left.lines:
            left.legend()
        else:
            left.text(0.5, 0.5, "energy not measured", ha="center", transform=left.transAxes)
        left.set(xlabel="output tokens", ylabel="energy per query [Wh]")
        used = cells[cells["status"] == "measured"]
        for concurrency, group in used.groupby("concurrency"):
            mean = group.groupby("output_tokens")["throughput_tps"].mean()
            right.plot(mean.index, mean, marker="o", label=f"{concurrency} at once")
        if right.lines:
            right.legend()
        right.set(xlabel="output tokens", ylabel="output tokens/s", ylim=(0, None))
        figure.savefig(path, metadata={"Date": None})
