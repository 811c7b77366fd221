"""The settings of the revised method are what the data that it names say."""

import numpy as np
import pytest
from repository import METHOD_FILES, read

METHOD, FULL = METHOD_FILES["revised"], METHOD_FILES["full-load"]


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


def test_the_upper_end_of_the_load_is_that_of_the_operator_who_published_it():
    table = read("data/production_load.csv", "production_load").set_index("quantity")["value"]
    load = METHOD["serving"]["load"]
    assert load["p95"] == round(table["requests_in_flight_per_node"])


def test_the_models_are_the_large_open_ones_that_were_measured():
    models = read("data/models.csv", "models").set_index("model")
    named = METHOD["benchmarks"]["models"]
    assert models.loc[named, "params_total_b"].min() > 350
    measured = read("data/throughput/at_load.csv", "throughput")
    assert set(named) - set(measured["model"]) <= {"Llama 3.1 405B", "DeepSeek-R1"}


def test_the_lower_end_of_power_utilisation_is_the_wall_power_of_a_limited_node():
    power = read("data/measured/mlperf_wall_power.csv", "wall_power")
    limited = power[power["system"].str.startswith("H200") & power["benchmark"].str.contains("70b")]
    offline = limited[limited["scenario"] == "Offline"].filter(like="wall").iloc[:, 0]
    node = FULL["node_power"]["default"]["value"]
    assert FULL["power_utilisation"]["p5"] == pytest.approx(
        offline.median() / 1000 / node, abs=5e-3
    )
