"""A stress test as a benchmark of a deployment."""

import itertools
import json

import pytest
from inference_energy.deployments.power import measured_power
from inference_energy.errors import InputError
from inference_energy.readers import detect_and_read
from inference_energy.stress import benchmark
from inference_energy.tables import load_schema
from library.stress.made_up import NODE, SMALL, read


@pytest.mark.parametrize("rest", [1000, 2000])
def test_result_reaches_a_deployment_with_its_node_power(stress, tmp_path, rest):
    folder = stress()
    clock = float((folder / "clock").read_text())
    busy = []
    for path in folder.glob("*/profile_export.jsonl"):
        stamps = [json.loads(line)["metadata"] for line in path.read_text().splitlines()]
        first = min(stamp["request_start_ns"] for stamp in stamps)
        busy.append((first / 1e9, max(stamp["request_end_ns"] for stamp in stamps) / 1e9))
    rows = [
        f"{t},{2500 + t % 7 * 0.1 if any(a <= t < b for a, b in busy) else rest + t % 7 * 0.1}"
        for t in itertools.takewhile(lambda t: t < clock, itertools.count(1_800_000_000))
    ]
    wall = tmp_path / "wall.csv"
    wall.write_text("\n".join(["time,power_w", *rows]) + "\n")
    stress(power=["nvml", f"node:{wall}"])
    table = detect_and_read(folder / "benchmark.csv")
    assert len(table) == 2
    assert set(table["power_boundary"]) == {"node"}
    assert table["node_power_w"].to_numpy() == pytest.approx(2500, rel=0.01)
    assert table["gpu_power_w"].to_numpy() == pytest.approx(800, rel=0.01)
    assert table["status"].eq("ok").all(), set(table["status"])
    assert set(table["client_version"]) == {"0.13.0"}
    # steady windows, not the client's whole run with its drain
    measured = read(folder, "cells").set_index("cell")["throughput_tps"]
    assert list(table["throughput_tps"]) == list(measured[table["source_file"]])
    power = measured_power(table, {"gpus_per_node": {"value": 2}}, "mine.yaml")
    assert power.boundary == "node"


def test_requests_are_those_of_the_window_as_throughput_and_energy_are(stress):
    """Where half of a cell is cut off, and a tenth as many requests failed as were answered."""
    folder = stress()
    cells, power, findings = (read(folder, name) for name in ("cells", "power", "findings"))
    answered = cells["requests"]
    cells = cells.assign(requests=answered + answered // 10, failed=answered // 10)
    cells[["window_s", "window_tokens"]] /= 2
    table = benchmark.benchmark_table(cells, power, findings, NODE | SMALL, folder)
    queries = (table["throughput_tps"] * table["duration_s"] / table["output_tokens"]).to_numpy()
    assert table["completed"].to_numpy() == pytest.approx(queries, abs=0.51)
    share = (answered // 10 / answered).to_numpy()
    assert table["failed"].to_numpy() == pytest.approx(share * queries, abs=1)


def test_facts_that_the_test_does_not_know_are_stated_by_the_deployment(stress):
    folder = stress(facts={})
    with pytest.raises(InputError) as caught:
        detect_and_read(folder / "benchmark.csv")
    for name in ("gpu", "n_gpus", "tensor_parallel", "precision"):
        assert f"{name} is neither in the file nor in its facts" in str(caught.value)
    facts = SMALL["facts"] | {"model": "m"}
    assert set(detect_and_read(folder / "benchmark.csv", facts)["gpu"]) == {"H100-SXM-80GB"}


def test_facts_are_columns_of_the_table_that_deployments_read():
    assert set(benchmark.FACTS) <= set(load_schema("benchmark")["properties"])
