"""The settings of the revised method are what the data that it names say."""

import numpy as np
import pytest
from repository import METHOD_FILES, read

METHOD = METHOD_FILES["revised"]


def test_long_outputs_are_those_of_the_reasoning_runs_above_200_b():
    lengths = read("data/measured/output_lengths.csv", "output_lengths")
    runs = read("data/measured/mlenergy_v3.csv", "mlenergy")
    size = runs.groupby("model_id")["params_total_b"].first()
    large = lengths[(lengths["task"] == "gpqa") & (lengths["model_id"].map(size) > 200)]
    assert len(large) >= 3
    stated = METHOD["regimes"]["long"]["output_tokens"]
    # both are stated to three significant digits
    assert stated["median"] == pytest.approx(large["p50"].median(), rel=5e-3)
    assert stated["shape"] == pytest.approx(
        ((large["mean"] / large["std"]) ** 2).median(), rel=5e-3
    )


def test_the_input_is_the_mean_of_the_conversation_trace():
    traces = read("data/request_lengths.csv", "request_lengths")
    trace = METHOD["regimes"]["traditional"]["output_tokens"]["trace"]
    rows = traces[traces["trace"] == trace].sort_values("quantile")
    mean = np.trapezoid(rows["input_tokens"], rows["quantile"])
    for regime in METHOD["regimes"].values():
        assert regime["input_tokens"]["value"] == pytest.approx(mean, rel=1e-3)


def test_the_lower_end_of_power_utilisation_is_the_wall_power_of_a_limited_node():
    power = read("data/measured/mlperf_wall_power.csv", "wall_power")
    limited = power[power["system"].str.startswith("H200") & power["benchmark"].str.contains("70b")]
    offline = limited[limited["scenario"] == "Offline"].filter(like="wall").iloc[:, 0]
    node = METHOD["node_power"]["default"]["value"]
    assert METHOD["power_utilisation"]["p5"] == pytest.approx(
        offline.median() / 1000 / node, abs=5e-3
    )
