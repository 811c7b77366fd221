"""From benchmark runs and a deployment file to a deployment."""

import json
from copy import deepcopy

import pandas as pd
import pytest
from inference_energy.deployments import answers, build
from inference_energy.errors import InputError
from inference_energy.readers import detect_and_read
from library.deployments.made_up import GPU, HOST, WHERE, resolved
from repository import ROOT, read


def aiperf(folder):
    """Two AIPerf exports at one concurrency: the fixture, and one of twice the length."""
    record = json.loads(
        (ROOT / "tests/fixtures/benchmarks" / "aiperf/dcgm.json").read_text(encoding="utf-8")
    )
    longer = deepcopy(record)
    for key in ("output_sequence_length", "output_token_count"):
        if key in longer:
            longer[key] = {
                k: v * 2 if isinstance(v, int | float) else v for k, v in longer[key].items()
            }
    paths = []
    for name, content in (("a", record), ("b", longer)):
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(content), encoding="utf-8")
    return paths


def test_stress_test_files_flow_into_a_deployment(tmp_path):
    facts = {"model": "M", "gpu": GPU, "n_gpus": 2, "tensor_parallel": 2, "precision": "FP8"}
    runs = pd.concat([detect_and_read(path, facts) for path in aiperf(tmp_path)], ignore_index=True)
    method = resolved(host_power=HOST, accept_marked=True)
    found = build.build(method, runs, WHERE)
    measured = runs["gpu_power_w"].iloc[0] / 1000
    assert found.power.boundary == "accelerator"
    assert found.power.factor.quantile(0.5) == pytest.approx(measured + 2.0 * 2 / 8)
    assert len(found.shapes) == 2
    tokens = answers.energy_per_million_tokens(found).set_index(["regime", "statistic"])["value"]
    power = found.power.factor.quantile(0.5) * found.pue.quantile(0.5)
    expected = power / 3.6 / runs["throughput_tps"].max() * 1e6 / 1e3
    assert tokens["long", "p50"] == pytest.approx(expected, rel=1e-6)


def test_power_that_only_a_law_of_load_knows_is_asked_for(tmp_path):
    """As `revised` takes it, where the meter is doubted and nothing else was measured."""
    facts = {"model": "M", "gpu": GPU, "n_gpus": 8, "tensor_parallel": 8, "precision": "FP8"}
    runs = pd.concat([detect_and_read(path, facts) for path in aiperf(tmp_path)], ignore_index=True)
    method = resolved(host_power=HOST, accept_marked=True)
    method["power_utilisation"] = {"distribution": "by-load", "unit": "1", "source": "a law"}
    with pytest.raises(InputError) as caught:
        build.build(method, runs, WHERE)
    text = str(caught.value)
    assert "telemetry covers 2 GPUs but 8 served the run" in text
    assert "gpu_power_w or node_power_w in deployment.facts" in text


def test_the_examples_hold_the_measurements_of_the_data(example):
    """The files in the client's own format say what data/measured says."""
    *_, found = example
    table = read("data/measured/mlenergy_v3.csv", "mlenergy")
    first = found.runs.iloc[0]
    columns = {"model": first["model"], "gpu": first["gpu"], "gpus": first["n_gpus"]}
    own_rows = table[(table[list(columns)] == pd.Series(columns)).all(axis=1)]
    own_rows = own_rows[own_rows["precision"] == first["precision"]]
    for theirs, mine in (
        ("throughput_tps", "throughput_tps"),
        ("accelerator_power_w", "gpu_power_w"),
        ("output_tokens", "output_tokens"),
        ("concurrency_limit", "concurrency"),
    ):
        assert sorted(own_rows[theirs]) == pytest.approx(sorted(found.runs[mine]), rel=1e-5)


def test_the_examples_charge_what_was_measured(example):
    """The source's own energy per request, scaled to host and PUE, is the charged energy."""
    _, method, _, raw, found = example
    for configuration, run in zip(
        raw["configurations"], found.runs.to_dict("records"), strict=True
    ):
        scale = run["power_kw"] * 1000 / configuration["avg_power_watts"] * run["pue"]
        measured = configuration["energy_per_request_joules"] / 3600
        assert run["energy_wh"] == pytest.approx(measured * scale, rel=1e-3)
    assert (found.runs["use"] == "yes").sum() == 1
    assert found.power.factor.quantile(0.05) == pytest.approx(
        found.power.accelerators + method["deployment"]["host_power"]["p5"], rel=1e-3
    )
