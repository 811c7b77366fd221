from inference_energy.peers.figures import factor_by_load
from inference_energy.tables import read_table
from repository import ROOT


def test_a_mark_per_predictor_and_load():
    scored = read_table(ROOT / "results" / "validation" / "peers.csv", "peers")
    shown = scored[(scored["by"] == "load") & (scored["rows"] == "shared")]
    shown = shown[shown["told"] == "everything"]
    axes = dict(zip(["energy per token", "throughput"], factor_by_load(scored).axes, strict=True))
    for quantity, axis in axes.items():
        drawn = [y for line in axis.lines for y in line.get_ydata() if line.get_marker() != "None"]
        own = shown[shown["quantity"] == quantity]
        assert sorted(drawn) == sorted(own["median_factor"])
        assert axis.get_ylim()[1] > own["p90_factor"].max()
