"""Power of a node, from what was measured and where."""

import math

import pytest
from inference_energy.deployments import power as deployments_power
from library.deployments.made_up import HOST, LADDER, WHERE, bench, own, refusal


def test_power_measured_at_the_node_counts_as_it_is():
    runs = bench(LADDER, node_power_w=6000.0, gpu_power_w=4000.0)
    power = deployments_power.measured_power(runs, own()["deployment"], WHERE)
    assert power.boundary == "node"
    assert power.factor.quantile(0.5) == pytest.approx(6)
    assert power.factor.sigma == 0


@pytest.mark.parametrize(("gpus", "total"), [(8, 6.0), (4, 5.0), (16, 8.0)])
def test_power_measured_at_the_accelerators_gets_the_hosts_of_its_nodes(gpus, total):
    runs = bench(LADDER, gpu_power_w=4000.0, n_gpus=gpus)
    power = deployments_power.measured_power(runs, own(host_power=HOST)["deployment"], WHERE)
    assert power.factor.quantile(0.5) == pytest.approx(total)
    message = refusal(deployments_power.measured_power, runs, own()["deployment"], WHERE)
    assert message == (
        f"{WHERE}: missing key deployment.host_power: power was measured at the accelerators only;"
        " allowed is the power of a node outside them in kW, with its source; state it"
    )


def test_a_range_of_host_power_is_the_range_of_the_sum():
    runs = bench(LADDER[:1], gpu_power_w=4000.0)
    host = {"distribution": "log-normal", "p5": 1.0, "p95": 3.0, "unit": "kW", "source": "a test"}
    power = deployments_power.measured_power(runs, own(host_power=host)["deployment"], WHERE)
    assert power.factor.quantile([0.05, 0.95]) == pytest.approx([5, 7], rel=1e-3)


def test_power_that_the_reader_doubts_is_not_used():
    runs = bench(LADDER, gpu_power_w=4000.0, status="marked: power: no sample for 9 s")
    assert deployments_power.measured_power(runs, own()["deployment"], WHERE) is None


HALF = math.log(1.5)
"""Population standard deviation of the logarithms of 4 and 9, whose geometric mean is 6."""


def test_the_spread_over_the_runs_is_that_of_the_factor():
    runs = bench(LADDER[:2], node_power_w=[4000.0, 9000.0])
    power = deployments_power.measured_power(runs, own()["deployment"], WHERE)
    assert (math.exp(power.factor.mu), power.factor.sigma) == pytest.approx((6, HALF))
    assert math.isnan(power.accelerators)


def test_the_spread_of_the_accelerators_is_that_of_their_part_of_the_sum():
    runs = bench(LADDER[:2], gpu_power_w=[4000.0, 9000.0])
    power = deployments_power.measured_power(runs, own(host_power=HOST)["deployment"], WHERE)
    assert power.boundary == "accelerator"
    assert power.accelerators == pytest.approx(6)
    # six of eight kilowatts
    assert (math.exp(power.factor.mu), power.factor.sigma) == pytest.approx((8, HALF * 6 / 8))


@pytest.mark.parametrize("z", [1.0, 1.6448536])
def test_a_range_of_host_power_is_that_of_the_quantile_it_is_stated_at(z):
    runs = bench(LADDER[:1], gpu_power_w=4000.0, n_gpus=16)
    host = {"distribution": "log-normal", "p5": 1.0, "p95": 4.0, "unit": "kW", "source": "a test"}
    power = deployments_power.measured_power(runs, own(host_power=host)["deployment"], WHERE, z)
    # two nodes: hosts of 2 to 8 kW, beside 4 kW
    ends = [math.exp(power.factor.mu + side * z * power.factor.sigma) for side in (-1, 1)]
    assert ends == pytest.approx([6, 12])


def test_power_of_accelerators_comes_from_their_energy_where_it_is_not_given():
    energy = {"energy_per_output_token_j": 4.0, "power_boundary": "accelerator"}
    runs = bench(LADDER[:2], **energy, gpu_power_w=[math.nan, 3000.0])
    runs["throughput_tps"] = 1500.0
    assert deployments_power.run_accelerator_power(runs).tolist() == pytest.approx([6, 3])
    runs["power_boundary"] = "node"
    found = deployments_power.run_accelerator_power(runs)
    assert math.isnan(found[0]) and found[1] == 3


def test_runs_that_the_reader_does_not_doubt_are_used():
    doubted = "marked: 3 requests failed; power: no sample for 9 s"
    status = ["marked: 3 requests failed", doubted]
    runs = bench(LADDER[:2], node_power_w=[4000.0, 9000.0], status=status)
    power = deployments_power.measured_power(runs, own()["deployment"], WHERE)
    assert (math.exp(power.factor.mu), power.factor.sigma) == pytest.approx((4, 0))


@pytest.mark.parametrize(
    "mark",
    [
        "power: telemetry covers 1 GPUs but 8 served the run, left empty",
        "power: power_valid is 0, left empty",
        "power: energy counter gives 5 W where the power gauge gives 4 W",
        "power: energy_per_output_token_j 5 J where power / throughput is 4",
    ],
)
def test_node_power_is_used_where_that_of_the_gpus_is_doubted(mark):
    runs = bench(LADDER, node_power_w=900.0, status=f"marked: {mark}")
    power = deployments_power.measured_power(runs, own()["deployment"], WHERE)
    assert (power.boundary, math.exp(power.factor.mu)) == ("node", pytest.approx(0.9))


def test_power_of_gpus_that_was_stated_for_what_was_left_empty_is_used():
    mark = "marked: power: power_valid is 0, left empty"
    runs = bench(LADDER, gpu_power_w=4000.0, status=mark)
    power = deployments_power.measured_power(runs, own(host_power=HOST)["deployment"], WHERE)
    assert power.factor.quantile(0.5) == pytest.approx(6)


def test_node_power_of_a_doubted_meter_is_not_used():
    status = "marked: power: no sample of the meter for 9 s of 60 s"
    runs = bench(LADDER, node_power_w=6000.0, status=status)
    assert deployments_power.measured_power(runs, own()["deployment"], WHERE) is None


def test_doubted_power_counts_where_marked_runs_are_accepted():
    """Else the node's power that a stress test remarked upon was lost, whatever was stated."""
    status = "marked: power: busy before the first request (gpu 0 90 %)"
    runs = bench(LADDER, node_power_w=6000.0, gpu_power_w=4000.0, status=status)
    accepted = own(accept_marked=True)["deployment"]
    power = deployments_power.measured_power(runs, accepted, WHERE)
    assert (power.boundary, power.factor.quantile(0.5)) == ("node", pytest.approx(6))
    runs["node_power_w"] = math.nan
    accepted = own(accept_marked=True, host_power=HOST)["deployment"]
    power = deployments_power.measured_power(runs, accepted, WHERE)
    assert (power.boundary, power.factor.quantile(0.5)) == ("accelerator", pytest.approx(6))


def test_power_of_the_node_comes_from_its_energy_where_it_is_not_given():
    """Without, the method's node power stood for what was measured."""
    energy = {"energy_per_output_token_j": 4.0, "power_boundary": "node"}
    runs = bench(LADDER[:2], **energy, node_power_w=[math.nan, 3000.0])
    runs["throughput_tps"] = 1500.0
    assert deployments_power.run_node_power(runs).tolist() == pytest.approx([6, 3])
    power = deployments_power.measured_power(runs[:1], own()["deployment"], WHERE)
    assert power.boundary == "node"
    assert power.factor.quantile(0.5) == pytest.approx(6)
    runs["power_boundary"] = "accelerator"
    assert deployments_power.run_node_power(runs).isna().tolist() == [True, False]


GPU_GAUGE = "power: energy counter gives 5 W where the power gauge gives 4 W"


@pytest.mark.parametrize(
    ("measured", "mark", "doubted"),
    [
        ({"node_power_w": 6000.0}, "power: no sample for 9 s", True),
        ({"gpu_power_w": 4000.0}, "power: no sample for 9 s", True),
        ({"gpu_power_w": 4000.0}, GPU_GAUGE, True),
        ({"node_power_w": 6000.0}, GPU_GAUGE, False),
        ({"node_power_w": 6000.0}, "3 requests failed", False),
        ({}, "power: no sample for 9 s", False),
    ],
)
def test_power_is_doubted_where_a_run_with_a_mark_of_it_has_one(measured, mark, doubted):
    runs = bench(LADDER[:2], **measured, status=["ok", f"marked: {mark}"])
    assert deployments_power.is_doubted(runs) == doubted
    assert not deployments_power.is_doubted(runs[:1])
