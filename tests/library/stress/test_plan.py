"""The plan of a stress test: lengths, cells, windows, what is asked of the client."""

import numpy as np
import pandas as pd
import pytest
import yaml
from inference_energy.stress import plan as stress_plan
from library.stress.made_up import record
from repository import read_yaml

DEFAULTS = read_yaml("config/stress.yaml")


def test_ladder_spans_the_factor_in_equal_ratios():
    lengths = stress_plan.ladder(300, 15, 5)
    assert (lengths[0], lengths[-1], len(lengths)) == (300, 4500, 5)
    assert np.ptp(np.diff(np.log(lengths))) < 0.01
    assert stress_plan.ladder(300, 5000 / 300, 2) == [300, 5000]


def test_plan_holds_every_cell_once_in_an_order_of_its_own_per_repetition():
    plan = stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=1)
    assert plan["cell"].is_unique and plan["seed"].is_unique
    blocks = [
        list(map(tuple, b[["output_tokens", "concurrency"]].to_numpy().tolist()))
        for _, b in plan.groupby("repetition")
    ]
    assert all(sorted(block) == sorted(blocks[0]) and len(block) == 6 for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1
    pd.testing.assert_frame_equal(plan, stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=1))
    assert list(plan["cell"]) != list(
        stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=2)["cell"]
    )


def test_no_cell_has_prompts_of_another_also_where_a_plan_grows():
    small, large = (stress_plan.plan([300, 4500], loads, 2, seed=42) for loads in ([1], [1, 8]))
    seeds = large.set_index("cell")["seed"]
    assert list(seeds[small["cell"]]) == list(small["seed"])
    pilots = {stress_plan.prompt_seed(42, 4500, concurrency) for concurrency in (1, 8)}
    assert len(pilots | set(seeds)) == 2 + len(large)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_windows_are_equal_in_time_and_long_enough_for_the_longest_query():
    assert stress_plan.window_seconds(60, 3, 5.0, concurrency=8) == 60
    assert stress_plan.window_seconds(60, 3, 90.0, concurrency=8) == 270


@pytest.mark.parametrize(("concurrency", "window"), [(1, 270), (2, 135), (8, 90)])
def test_a_window_holds_the_queries_that_a_cell_needs_whatever_the_rounds(concurrency, window):
    assert stress_plan.window_seconds(20, 1, 90.0, concurrency) == window


def test_prompts_outlast_the_window():
    prompts = stress_plan.prompts_needed(60.0, 8, 300, 0.02)
    sent = 8 * 60.0 / (0.02 * 300)
    assert 2 * sent < prompts < 4 * sent


def test_key_is_named_but_never_written():
    settings = {
        "endpoint": "http://host/v1",
        "model": "m",
        "tokenizer": None,
        "input_tokens": 500,
        "request_timeout": 60,
        "legacy_max_tokens": False,
        "telemetry": {"enabled": False},
        "extra_inputs": {"ignore_eos": True, "min_tokens": "{output_tokens}"},
        "with_key": True,
    }
    config = stress_plan.aiperf_config(settings, "out", 4500, 8, 3, 100, {"duration": 60.0})
    endpoint = config["benchmark"]["endpoint"]
    assert endpoint["apiKey"] == "${OPENAI_API_KEY}"
    assert endpoint["extra"] == {"ignore_eos": True, "min_tokens": 4500}
    assert config["benchmark"]["dataset"]["prompts"] == {"isl": 500, "osl": 4500}
    settings["with_key"] = False
    keyless = stress_plan.aiperf_config(settings, "out", 4500, 8, 3, 100, {"duration": 60.0})
    assert "apiKey" not in keyless["benchmark"]["endpoint"]


def test_a_pilot_is_its_own_warm_up():
    settings = DEFAULTS | {"with_key": False, "telemetry": {"enabled": False}}

    def phases(stop):
        config = stress_plan.aiperf_config(settings, "out", 4500, 8, 3, 100, stop)
        return [(p["name"], p.get("requests")) for p in config["benchmark"]["phases"]]

    assert phases({"requests": 8}) == [("profiling", 8)]
    assert phases({"duration": 60.0}) == [("warmup", 8), ("profiling", None)]


def test_warm_up_requests_are_left_out():
    lines = [record(0, 0.5, 0.01, 101, phase="warmup"), record(2, 0.5, 0.01, 101)]
    requests = stress_plan.requests_of(lines)
    assert len(requests) == 1
    assert requests.loc[0, "latency_s"] == pytest.approx(1.5)


def test_configuration_of_a_slow_server_can_be_written():
    # the pilot's latency is a number of numpy, and here it decides the window
    window = stress_plan.window_seconds(60, 3, np.float64(90.0), 8)
    config = stress_plan.aiperf_config(
        DEFAULTS | {"with_key": False, "telemetry": {"enabled": False}},
        "out",
        4500,
        8,
        3,
        stress_plan.prompts_needed(window, 8, 4500, np.float64(0.02)),
        {"duration": window},
    )
    assert yaml.safe_load(yaml.safe_dump(config))["benchmark"]["phases"][1]["duration"] == 270
