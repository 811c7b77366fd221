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


LENGTHS = ["mean", "std", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "max", "bin_width"]


def contradictions(change):
    """What is said of the project's output lengths with some changed."""
    measured = read("data/measured/output_lengths.csv", "output_lengths")
    measured = measured.astype(dict.fromkeys(LENGTHS, float))
    change(measured)
    return lengths.problems(measured, read("data/measured/mlenergy_v3.csv", "mlenergy"))


@pytest.mark.parametrize("factor", [0.1, 10, 0.78, 1.3])
def test_lengths_in_another_unit_than_their_runs_are_refused(factor):
    assert contradictions(lambda table: None) == []

    def change(table):
        table[LENGTHS] *= factor

    chat, gpqa = contradictions(change)
    assert chat.startswith('data/measured/output_lengths.csv: task chat: column "mean": the')
    assert "task gpqa" in gpqa and "allowed is 0.8 to 1.25, as both are of the same" in gpqa


@pytest.mark.parametrize(("factor", "count"), [(0.1, 1), (0.39, 1), (0.42, 0), (2.4, 0), (2.6, 1)])
def test_a_models_lengths_are_near_those_of_its_runs(factor, count):
    def change(table):
        row = table["model_id"].eq("Qwen/Qwen3-14B") & table["task"].eq("chat")
        table.loc[row, LENGTHS] *= factor

    found = contradictions(change)
    assert len(found) == count
    assert all("task chat, model_id Qwen/Qwen3-14B: column" in sentence for sentence in found)
    assert all("allowed is 246 to 1538, 0.4 to 2.5 times" in sentence for sentence in found)


@pytest.mark.parametrize("factor", [0.1, 10])
def test_a_mean_that_percentiles_do_not_leave_is_refused(factor):
    def change(table):
        table[LENGTHS[2:]] *= factor

    found = contradictions(change)
    assert len(found) == 30
    assert all("which percentiles and maximum leave, within a bin" in told for told in found)


def test_the_bounds_of_a_mean_by_hand():
    row = dict.fromkeys(["p5", "p10", "p25"], 10.0) | dict.fromkeys(["p50", "p75", "p90"], 20.0)
    row |= {"p95": 30.0, "max": 100.0, "bin_width": 1.0}
    # at most 25 % at 10, 65 % at 20, 5 % at 30 and 5 % at 100; at least 5 % at 0, 45 % at 10 ...
    low, high = lengths._mean_between(row)
    assert high == pytest.approx(0.25 * 10 + 0.65 * 20 + 0.05 * 30 + 0.05 * 100 + 1)
    assert low == pytest.approx(0.45 * 10 + 0.45 * 20 + 0.05 * 30 - 1)
