"""Power of a node, from what was measured and where."""

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
    assert "deployment.host_power" in message and WHERE in message


def test_a_range_of_host_power_is_the_range_of_the_sum():
    runs = bench(LADDER[:1], gpu_power_w=4000.0)
    host = {"distribution": "log-normal", "p5": 1.0, "p95": 3.0, "unit": "kW", "source": "a test"}
    power = deployments_power.measured_power(runs, own(host_power=host)["deployment"], WHERE)
    assert power.factor.quantile([0.05, 0.95]) == pytest.approx([5, 7], rel=1e-3)


def test_power_that_the_reader_doubts_is_not_used():
    runs = bench(LADDER, gpu_power_w=4000.0, status="marked: power: no sample for 9 s")
    assert deployments_power.measured_power(runs, own()["deployment"], WHERE) is None
