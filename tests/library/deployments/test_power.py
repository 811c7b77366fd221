"""Power of a node, from what was measured and where."""

import math

import numpy as np
import pytest
from inference_energy.deployments import build
from inference_energy.deployments import power as deployments_power
from inference_energy.tables import read_table
from library.deployments.made_up import (
    GPU,
    HARDWARE,
    HOST,
    LADDER,
    WHERE,
    bench,
    own,
    quantity,
    refusal,
    resolved,
)
from repository import ROOT


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


def told_of_hosts(runs, **section):
    """Warnings of the powers at both meters of runs."""
    return deployments_power.unusual_hosts(runs, own(**section)["deployment"], HARDWARE, WHERE)


def test_runs_of_which_some_tell_the_node_and_others_the_gpus_are_told_apart():
    """9 kW of one run were charged to the two whose GPUs and host make 6.0 to 6.2 kW."""
    runs = bench(
        LADDER[:3],
        source_file=["a.json", "b.json", "c.json"],
        node_power_w=[9000.0, math.nan, math.nan],
        gpu_power_w=[math.nan, 4000.0, 4200.0],
    )
    (told,) = told_of_hosts(runs, host_power=HOST)
    assert told == (
        f"{WHERE}: key deployment.benchmarks: unusual; node_power_w, 9 kW, is known of run 1 of"
        " a.json and charged to all runs, and of run 2 of b.json, run 3 of c.json gpu_power_w"
        " alone, 4 to 4.2 kW, which with host_power is 6 to 6.2 kW; usual is one of the two in all"
        " runs; compare the meters"
    )
    (told,) = told_of_hosts(runs)
    assert "gpu_power_w alone, 4 to 4.2 kW, which leaves 4.8 to 5 kW to the host; usual" in told
    # two nodes have two hosts
    (told,) = told_of_hosts(runs.assign(n_gpus=16), host_power=HOST)
    assert "gpu_power_w alone, 4 to 4.2 kW, which with host_power is 8 to 8.2 kW; usual" in told
    assert (
        told_of_hosts(runs[:1], host_power=HOST) == told_of_hosts(runs[1:], host_power=HOST) == ()
    )
    # a power that is doubted is charged to none
    runs["status"] = ["marked: power: no sample for 9 s", "ok", "ok"]
    assert told_of_hosts(runs, host_power=HOST) == ()
    assert len(told_of_hosts(runs, host_power=HOST, accept_marked=True)) == 1


def test_the_runs_whose_power_counts_are_known():
    runs = bench(LADDER[:3], node_power_w=[9000.0, math.nan, 8000.0], gpu_power_w=4000.0)
    section = own(host_power=HOST)["deployment"]
    assert deployments_power.measured_power(runs, section, WHERE).runs == (
        "run 1 of runs.json",
        "run 3 of runs.json",
    )
    runs["node_power_w"] = math.nan
    runs["gpu_power_w"] = [4000.0, math.nan, math.nan]
    assert deployments_power.measured_power(runs, section, WHERE).runs == ("run 1 of runs.json",)


@pytest.mark.parametrize(
    ("node", "host", "share"),
    [(4279.0, None, "0.0498"), (4280.0, None, None), (12401.0, None, "1.5"), (6200.0, 2.0, None)],
)
def test_a_host_between_two_meters_is_held_against_the_gpus(node, host, share):
    """By hand: 8 x 700 W are 5.6 kW, of which 0.28 to 8.4 kW are usual beside 4 kW."""
    runs = bench(LADDER[:2], node_power_w=[node, 7000.0], gpu_power_w=4000.0)
    section = {"host_power": HOST | {"value": host}} if host else {}
    told = told_of_hosts(runs, **section)
    if share is None:
        assert told == ()
        return
    (text,) = told
    assert text.startswith(
        f"{WHERE}: key deployment.benchmarks: unusual; node_power_w less gpu_power_w of run 1 of"
        f" runs.json is {(node - 4000) / 1000:.4g} kW, {share} times the rated power of 8 x {GPU}"
    )
    assert text.endswith("; 1 run is so; usual is 0.05 to 1.5 times; compare the meters")
    assert told_of_hosts(runs.assign(gpu="Another")) == ()


def test_a_host_of_just_what_is_usual_is_not_told_and_runs_beyond_either_end_are_counted():
    """By hand: 280 W and 8.4 kW beside 8 x 700 W."""
    runs = bench(LADDER[:3], gpu_power_w=1500.0)
    assert told_of_hosts(runs.assign(node_power_w=[1780.0, 9900.0, 7000.0])) == ()
    (text,) = told_of_hosts(runs.assign(node_power_w=[1780.0, 1779.0, 9901.0]))
    assert f"of run 2 of runs.json is 0.279 kW, 0.0498 times the rated power of 8 x {GPU}" in text
    assert "; 2 runs are so; usual is" in text
    (text,) = told_of_hosts(runs.assign(node_power_w=[1780.0, 9900.0, 9901.0]))
    assert "of run 3 of runs.json is 8.401 kW, 1.5 times" in text


@pytest.mark.parametrize(
    ("node", "stated", "left"),
    [
        (5500.0, {"distribution": "fixed", "value": 1.0}, None),
        (5000.0, {"distribution": "fixed", "value": 1.5}, None),
        (4660.0, {"distribution": "log-normal", "p5": 1.0, "p95": 2.25}, "0.66"),
        (4670.0, {"distribution": "log-normal", "p5": 1.0, "p95": 2.25}, None),
        (7370.0, {"distribution": "log-normal", "p5": 1.0, "p95": 2.25}, None),
        (7380.0, {"distribution": "log-normal", "p5": 1.0, "p95": 2.25}, "3.38"),
    ],
)
def test_a_stated_range_of_the_host_counts_from_its_least_to_its_most(node, stated, left):
    """By hand: 1 / 1.5 to 2.25 x 1.5 kW, and just 1.5 times of one value are usual."""
    runs = bench(LADDER[:2], node_power_w=node, gpu_power_w=4000.0)
    told = told_of_hosts(runs, host_power=stated | {"unit": "kW", "source": "a test"})
    if left is None:
        assert told == ()
        return
    (text,) = told
    assert "key deployment.host_power: unusual; 1.5 kW are stated and not used" in text
    assert f"leave {left} kW a node" in text


def told_of_power(runs):
    """Warnings of the powers of runs beside what their GPUs are rated."""
    return deployments_power.unusual_power(runs, HARDWARE["gpus"], WHERE)


@pytest.mark.parametrize(
    ("column", "usual", "least", "share"),
    [("gpu_power_w", 0.29, 1624.0, "0.271"), ("node_power_w", 0.33, 1848.0, "0.311")],
)
def test_power_below_any_of_gpus_at_work_is_unusual(column, usual, least, share):
    """By hand: 0.29 of 8 x 700 W, and of a node 0.33 of it."""
    runs = bench(LADDER[:3], source_file=["a.json", "b.json", "c.json"])
    assert told_of_power(runs) == ()
    assert told_of_power(runs.assign(**{column: least})) == ()
    low = runs.assign(**{column: [least - 1, least - 105, least]})
    assert told_of_power(low) == (
        f"{WHERE}: key deployment.benchmarks: unusual; {column} of {share} times the rated power of"
        f" 8 x {GPU} (data/gpus.csv) in run 2 of b.json; usual at work is at least {usual};"
        " 2 runs are below; compare its unit, n_gpus, and the time of the meter with that of the"
        " run",
    )
    (text,) = told_of_power(low[:1])
    assert "in run 1 of a.json" in text and "; 1 run is below; compare" in text
    # of half as many GPUs it is usual; of those whose rated power is not known nothing is said
    assert told_of_power(low.assign(n_gpus=4)) == told_of_power(low.assign(gpu="Another")) == ()
    assert told_of_power(low.assign(n_gpus=16, **{column: 2 * least})) == ()


def test_low_power_at_both_meters_is_told_of_either():
    runs = bench(LADDER[:2], gpu_power_w=[1600.0, 4000.0], node_power_w=[6000.0, 1800.0])
    gpus, node = told_of_power(runs)
    assert "gpu_power_w of 0.286 times" in gpus and "in run 1 of runs.json" in gpus
    assert "node_power_w of 0.321 times" in node and "in run 2 of runs.json" in node


@pytest.mark.parametrize(
    ("node", "stated", "agrees"),
    [
        (6000.0, {"value": 2.0}, True),
        (6999.0, {"value": 2.0}, True),
        (7001.0, {"value": 2.0}, False),
        (5335.0, {"value": 2.0}, True),
        (5332.0, {"value": 2.0}, False),
        (7001.0, {"distribution": "log-normal", "p5": 1.0, "p95": 2.1}, True),
    ],
)
def test_a_stated_host_is_held_against_what_two_meters_leave(node, stated, agrees):
    """It was ignored in silence, where the node was measured."""
    host = {k: v for k, v in HOST.items() if k != "value"} | stated
    runs = bench(LADDER[:2], node_power_w=node, gpu_power_w=4000.0)
    told = told_of_hosts(runs, host_power=host)
    if agrees:
        assert told == ()
        return
    (text,) = told
    assert text == (
        f"{WHERE}: key deployment.host_power: unusual; 2 kW are stated and not used, as power was"
        f" measured at the node; its meter and that of the GPUs leave {(node - 4000) / 1000:.4g} kW"
        " a node; usual is at most 1.5 times off; compare the meters"
    )
    half = own(host_power=HOST, gpus_per_node=quantity(4, "GPUs"))["deployment"]
    (text,) = deployments_power.unusual_hosts(
        runs.assign(node_power_w=6000.0), half, HARDWARE, WHERE
    )
    assert "leave 1 kW a node" in text


@pytest.mark.parametrize("column", ["node_power_w", "gpu_power_w"])
def test_powers_of_one_concurrency_that_are_far_apart_are_unusual(column):
    """A digit lost of one run of three, 4.1 kW beside 13.9 and 14.05, gave 0.133 Wh for 0.209."""
    runs = bench(LADDER[:3], concurrency=128.0)

    def told(watts, **known):
        powers = runs.assign(**{column: watts}, **known)
        return deployments_power.unlike_powers(powers, own()["deployment"], WHERE)

    (text,) = told([13_900.0, 4_100.0, 14_050.0])
    assert text == (
        f"{WHERE}: key deployment.benchmarks: unusual; {column} of run 2 of runs.json is 4.1 kW,"
        " and of run 3 of runs.json 14.05 kW, 3.43 times as much, both with concurrency 128; usual"
        " is at most 2.5 times, whatever the lengths; compare the digits and the unit, and the time"
        " of the meter with that of the runs"
    )
    assert told([4_000.0, 10_000.0, 10_000.0]) == ()
    assert len(told([4_000.0, 10_001.0, 10_000.0])) == 1
    # at another load, of which nothing is known, and of what does not count
    assert told([4_000.0, 10_001.0, 10_001.0], concurrency=[8.0, 128.0, 128.0]) == ()
    assert told([4_000.0, 10_001.0, 10_001.0], concurrency=np.nan) == ()
    doubted = ["marked: power: no sample for 9 s", "ok", "ok"]
    assert told([4_000.0, 10_001.0, 10_001.0], status=doubted) == ()


def test_powers_are_held_against_one_another_at_each_concurrency_and_each_meter():
    runs = bench(LADDER, concurrency=[8.0, 8.0, 128.0, 128.0])

    def told(**watts):
        return deployments_power.unlike_powers(runs.assign(**watts), own()["deployment"], WHERE)

    (text,) = told(node_power_w=[3_000.0, 3_100.0, 3_000.0, 9_000.0])
    assert "node_power_w of run 3 of runs.json is 3 kW, and of run 4 of runs.json 9 kW" in text
    (text,) = told(node_power_w=[9_000.0, 3_000.0, 3_000.0, 3_100.0])
    assert "node_power_w of run 2 of runs.json is 3 kW, and of run 1 of runs.json 9 kW" in text
    apart = [1_000.0, 3_000.0, 2_000.0, 8_000.0]
    both = told(node_power_w=apart, gpu_power_w=apart)
    # load by load of either meter
    assert [text.split("both with ")[1].split(";")[0] for text in both] == [
        "concurrency 8",
        "concurrency 128",
    ] * 2
    assert [text.split("unusual; ")[1].split()[0] for text in both] == [
        *["node_power_w"] * 2,
        *["gpu_power_w"] * 2,
    ]


def test_powers_of_one_concurrency_are_as_far_apart_as_is_documented():
    runs = read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")
    same = ["model_id", "gpu", "gpus", "precision", "tensor_parallel", "expert_parallel"]
    powers = runs.groupby([*same, "concurrency_limit"])["accelerator_power_w"]
    most = (powers.max() / powers.min()).max()
    assert most == pytest.approx(2.38, abs=0.005) and most < deployments_power.POWERS_APART


def test_a_deployment_tells_powers_of_one_concurrency_that_are_far_apart():
    runs = bench(LADDER[:3], concurrency=128.0, node_power_w=[5_900.0, 2_100.0, 5_950.0])
    told = build.build(resolved(), runs, WHERE, hardware=HARDWARE).unusual
    assert sum("both with concurrency 128" in text for text in told) == 1
