"""Output lengths of traces and measured models beside the method's."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence import lengths
from repository import read


def test_measured_lengths_keep_their_percentiles_and_mean():
    measured = read("data/measured/output_lengths.csv", "output_lengths")
    traces = read("data/request_lengths.csv", "request_lengths")
    curves = lengths.quantile_curves(traces, measured)
    for row in measured.to_dict("records"):
        curve = curves[(curves["series"] == row["model_id"]) & (curves["kind"] == row["task"])]
        level, length = curve["level"].to_numpy(), curve["output_tokens"].to_numpy()
        assert np.interp([0.05, 0.5, 0.95], level, length) == pytest.approx(
            [row["p5"], row["p50"], row["p95"]]
        )
        assert (np.diff(length) >= 0).all()
        assert length[-1] == pytest.approx(row["max"])
        mean = np.trapezoid(length, level)
        if mean > row["mean"] * (1 + 1e-9):
            # the percentiles alone exceed the mean: the tail stays at P95 as long as it can
            assert np.interp(0.99, level, length) == pytest.approx(row["p95"])
        elif mean < row["mean"] * (1 - 1e-9):
            # no tail reaches the mean: it is at the maximum as soon as it can
            rise = np.interp(0.955, level, length) - row["p95"]
            assert rise > 0.97 * (row["max"] - row["p95"])
        else:
            assert mean == pytest.approx(row["mean"])


def test_the_methods_own_lengths_change_nothing(setup):
    regime = setup.regimes["traditional"]
    levels = lengths.LEVELS
    quantiles = regime.output_tokens.quantile(np.minimum(levels, 1 - 1e-4))
    curve = pd.DataFrame(
        {
            "series": "own",
            "source_id": "x",
            "kind": "trace",
            "level": levels,
            "output_tokens": quantiles,
        }
    )
    table = lengths.compare(setup, curve).set_index("regime")
    own = table.loc["traditional"]
    assert own["distance"] < 0.01
    assert own["median_energy_ratio"] == pytest.approx(1, abs=0.01)
    assert own["inside_iqr"] == "yes"
