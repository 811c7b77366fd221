"""Node power from GPU power."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.power.node import (
    find_node,
    gpu_power_at,
    idle_share,
    metered_node,
    node_power,
    of_gpus,
    water_cooled,
)

PLAIN = pd.Series(
    {
        "node": "plain",
        "gpu": "X",
        "gpus": 8,
        "fixed_w": 1000.0,
        "fan_full_w": 400.0,
        "fan_least_duty": 0.2,
        "fan_full_duty": 0.8,
        "fan_full_load_w": 5000.0,
        "psu_w": 10000.0,
        "psu_efficiency_5": 0.9,
        "psu_efficiency_10": 0.9,
        "psu_efficiency_20": 0.9,
        "psu_efficiency_50": 0.9,
        "psu_efficiency_100": 0.9,
    }
)


def test_a_node_by_hand():
    """3 kW of electronics: duty 0.56 of 0.8, so 280 W of fans, at 90 %."""
    assert node_power(250.0, PLAIN) == pytest.approx((1000 + 2000 + 280) / 0.9)


def test_fans_turn_no_faster_than_at_full_load():
    step = node_power(901.0, PLAIN) - node_power(900.0, PLAIN)
    assert step == pytest.approx(8 / 0.9)


def test_the_heat_of_gpus_in_water_does_not_reach_the_fans():
    """1 kW of the rest: duty 0.32 of 0.8, so 160 W of fans at any load of the GPUs, at 90 %."""
    for watts in (0.0, 250.0, 900.0):
        expected = (1000 + 8 * watts + 160) / 0.9
        assert node_power(watts, water_cooled(PLAIN)) == pytest.approx(expected)


def test_efficiency_is_that_of_the_table_at_its_points():
    node = PLAIN.copy()
    node["psu_efficiency_20"], node["psu_efficiency_50"] = 0.94, 0.96
    watts = gpu_power_at(5000 / 0.96, node)
    assert node_power(watts, node) * 0.96 == pytest.approx(5000)


def test_a_part_of_a_node_counts_as_its_share():
    assert node_power(300.0, PLAIN, 4) == pytest.approx(node_power(300.0, PLAIN) / 2)


def test_the_published_example(nodes, gpus):
    """500 W a GPU gives 6.19 kW for 8xH200 in the source of data/nodes.csv."""
    node = find_node("H200-SXM-141GB", nodes, gpus)
    assert node_power(500.0, node) == pytest.approx(6190, rel=0.003)


def test_solving_for_the_gpus_undoes_the_node(nodes):
    for _, node in nodes.iterrows():
        assert gpu_power_at(float(node_power(432.0, node)), node) == pytest.approx(432.0)


def test_a_meter_below_an_empty_node_is_refused(nodes):
    with pytest.raises(InputError, match="value 500 W; allowed is at least 1"):
        gpu_power_at(500.0, nodes.iloc[0])


def test_a_gpu_without_node_gets_that_of_the_nearest_rated_power(nodes, gpus):
    assert find_node("H100-SXM-80GB", nodes, gpus)["gpu"] == "H200-SXM-141GB"
    assert find_node("GB200", nodes, gpus)["gpu"] == "B200"
    with pytest.raises(InputError, match="gpu 'abacus': no rated power"):
        find_node("abacus", nodes, gpus)


def test_idle_share_is_that_of_the_meters(wall, nodes, gpus):
    share = idle_share(wall, nodes, gpus)
    assert 0.1 < share < 0.16
    node = find_node("B200", nodes, gpus)
    for cooling, around in (("air", node), ("water", water_cooled(node))):
        assert metered_node("B200", cooling, nodes, gpus).equals(around)
        idle_w = float(node_power(200.0, around))
        made = wall[wall["gpu"] == "B200"].assign(idle_power_w=idle_w, cooling=cooling)
        assert idle_share(made, nodes, gpus) == pytest.approx(0.2)


def test_node_power_carries_the_uncertainty_of_its_gpus(nodes):
    power = pd.DataFrame({"gpu_power_w": [500.0], "log_sd": [0.1]})
    found = of_gpus(power, nodes.iloc[1])
    assert found["node_power_kw"].item() == pytest.approx(6.18, abs=0.02)
    up, down = (node_power(500 * np.exp(s), nodes.iloc[1]) for s in (0.1, -0.1))
    assert found["log_sd"].item() == pytest.approx(np.log(up / down) / 2, rel=0.02)


def test_a_gpu_that_no_table_has_is_told_with_those_that_have_a_rated_power():
    gpus = pd.DataFrame({"gpu": ["X", "Y"], "tdp_w": [500, 900]})
    with pytest.raises(InputError) as refused:
        find_node("Z", pd.DataFrame([PLAIN]), gpus)
    assert str(refused.value) == (
        "gpu 'Z': no rated power; allowed are X, Y; add it to data/gpus.csv, or its node to"
        " data/nodes.csv"
    )
    assert metered_node("Y", "air", pd.DataFrame([PLAIN]), gpus)["node"] == "plain"


def test_an_empty_node_is_the_least_that_a_meter_may_show():
    """1 kW of electronics: duty 0.32 of 0.8, so 160 W of fans, at 90 %."""
    empty = float(node_power(0.0, PLAIN))
    assert empty == pytest.approx(1160 / 0.9)
    assert gpu_power_at(empty, PLAIN) == 0
    assert gpu_power_at(float(node_power(0.5, PLAIN)), PLAIN) == pytest.approx(0.5)
    with pytest.raises(InputError) as refused:
        gpu_power_at(1288.0, PLAIN)
    assert str(refused.value) == (
        "data/measured/mlperf_wall_power.csv: a meter of a node 'plain': value 1288 W; allowed is"
        " at least 1289 W, which it draws without its GPUs by data/nodes.csv; correct the one that"
        " is wrong"
    )


def test_an_idle_gpu_is_metered_in_the_node_of_the_nearest_rated_power():
    """Of each GPU the median over its meters, and then over the GPUs."""
    gpus = pd.DataFrame({"gpu": ["X", "Y"], "tdp_w": [500.0, 1000.0]})
    meters = [("X", 50.0), ("X", 100.0), ("X", 150.0), ("Y", 600.0)]
    wall = pd.DataFrame(
        [(gpu, "air", float(node_power(watts, PLAIN))) for gpu, watts in meters],
        columns=["gpu", "cooling", "idle_power_w"],
    )
    assert idle_share(wall, pd.DataFrame([PLAIN]), gpus) == pytest.approx((0.2 + 0.6) / 2)


def test_a_part_of_a_node_has_its_share_of_the_power_and_all_of_the_uncertainty():
    power = pd.DataFrame({"gpu_power_w": [500.0, 200.0], "log_sd": [0.1, 0.2]}, index=[7, 3])
    whole, part = of_gpus(power, PLAIN), of_gpus(power, PLAIN, 2)
    assert list(part.index) == [7, 3]
    np.testing.assert_allclose(part["node_power_kw"], whole["node_power_kw"] / 4)
    np.testing.assert_allclose(part["log_sd"], whole["log_sd"])
