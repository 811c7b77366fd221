"""GPUs and the nodes around them, held against each other."""

import re

import numpy as np
import pytest
from inference_energy.method.datasheets import held, metered, no_node
from repository import read

H100, B200, H200 = "H100-SXM-80GB", "B200", "H200-SXM-141GB"


def told(**changed):
    """Sentences about the project's tables with some cells changed, by table and key of the row."""
    tables = {name: read(f"data/{name}.csv", name) for name in ("gpus", "nodes", "node_power")}
    for name, rows in changed.items():
        for key, cells in rows.items():
            own = tables[name].iloc[:, 0] == key
            assert own.sum() == 1
            tables[name].loc[own, list(cells)] = list(cells.values())
    found = list(held(**tables))
    return [s for is_problem, s in found if is_problem], [s for is_p, s in found if not is_p]


def test_the_projects_tables_agree():
    assert told() == ([], [])


def test_supplies_that_do_not_feed_the_gpus_are_refused_by_hand():
    problems, warnings = told(nodes={"HGX B200": {"gpus": 24}})
    assert problems == [
        'data/nodes.csv: node HGX B200: column "psu_w": value 15750: 24 x 1000 W (gpus, and tdp_w'
        " of B200 in data/gpus.csv) and fixed_w 1271.6 and fan_full_w 1113.2 make 26384.8 W, 1.68"
        " times that; allowed is 0.1 to 1, as supplies switch off beyond their capacity, of which"
        " half may be spare; correct the one that is wrong"
    ]
    assert [re.search(r'column "(\w+)"', warning)[1] for warning in warnings] == [
        "gpus",
        "fan_full_load_w",
    ]
    assert warnings[0].endswith("value 24: unusual; the largest node or rack of B200 on sale has 8")


@pytest.mark.parametrize(
    ("node", "column", "value", "refused"),
    [
        ("HGX B200", "psu_w", 10385, False),
        ("HGX B200", "psu_w", 10384, True),
        ("HGX B200", "psu_w", 5250, True),
        ("HGX H200", "psu_w", 40000, False),
        ("HGX H200", "gpus", 4, False),
        ("HGX H200", "gpus", 1, True),
        ("HGX B200", "fixed_w", 127.16, False),
        ("HGX B200", "fixed_w", 40, True),
        ("HGX B200", "fan_full_w", 4000, False),
        ("HGX B200", "fan_full_w", 6000, True),
        ("HGX H200", "fan_full_load_w", 721.4, True),
        ("HGX H200", "fan_full_load_w", 4500, False),
        ("HGX H200", "psu_efficiency_100", 0.88, False),
    ],
)
def test_a_node_that_its_gpus_contradict_is_told(node, column, value, refused):
    problems, warnings = told(nodes={node: {column: value}})
    assert bool(problems) is refused
    assert all(
        s.startswith("data/nodes.csv: node") or s.startswith("data/node_p") for s in problems
    )
    own = [s for s in problems + warnings if s.startswith(f"data/nodes.csv: node {node}: column")]
    assert own
    assert all(
        "allowed is " in s and s.endswith("; correct the one that is wrong") for s in problems
    )
    assert all(": unusual; " in s and "usual is " in s for s in warnings)
    # what may be right is not to be corrected
    assert not any("correct" in s for s in warnings)


def test_the_place_of_a_node_of_many_gpus_and_the_share_of_its_fans_are_told_in_full():
    assert told(nodes={"HGX B200": {"gpus": 24}})[1][0] == (
        'data/nodes.csv: node HGX B200: column "gpus": value 24: unusual; the largest node or rack'
        " of B200 on sale has 8"
    )
    (fans,) = [s for s in told(nodes={"HGX B200": {"fan_full_w": 4000}})[1] if '"fan_full_w"' in s]
    share = 4000 / (8 * 1000 + 1271.6)
    assert f"value 4000: unusual; {share:.3g} times that of 8 x 1000 W" in fans
    assert fans.endswith("as moving the air takes about a tenth of the heat it carries")


def test_a_bound_itself_is_allowed():
    # supplies that give just what everything draws, and a node that draws what its GPUs do
    assert told(nodes={"HGX B200": {"psu_w": 8 * 1000 + 1271.6 + 1113.2}})[0] == []
    assert not any("that of 8 x" in s for s in told(node_power={B200: {"power_kw": 8.0}})[0])


def test_rows_after_one_of_an_unknown_gpu_are_held_too():
    wrong = {"HGX B200": {"gpu": "B2000"}, "HGX H200": {"fan_full_load_w": 721.4}}
    assert len(told(nodes=wrong)[0]) == 2
    assert len(told(node_power={B200: {"gpu": "B2000"}, H100: {"power_kw": 1.0}})[0]) == 2


@pytest.mark.parametrize(
    ("gpu", "watts", "refused"),
    [
        *((H100, 2100, True), (H100, 1280, True), (H100, 350, False), (H100, 200, True)),
        *((B200, 3000, True), (B200, 2000, True), (B200, 500, False), (H200, 2100, True)),
        *(("MI300X", 2100, False), ("L40S", 1050, False)),
    ],
)
def test_rated_power_is_held_against_nodes_and_other_gpus(gpu, watts, refused):
    problems, warnings = told(gpus={gpu: {"tdp_w": watts}})
    assert bool(problems) is refused
    assert problems or any(s.startswith(f"data/gpus.csv: gpu {gpu}: columns") for s in warnings)
    assert all(gpu in s for s in problems + warnings)


def test_a_maximum_below_what_the_gpus_draw_is_refused_by_hand():
    problems, _ = told(gpus={H100: {"tdp_w": 2100}})
    assert problems == [
        'data/node_power.csv: gpu H100-SXM-80GB: column "power_kw": value 10.2: 0.607 times that of'
        " 8 x 2100 W (gpus, and tdp_w of H100-SXM-80GB in data/gpus.csv); allowed is 1 to 4, as a"
        " node draws its GPUs' rated power and up to as much again; correct the one that is wrong"
    ]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"gpus": 1}, True),
        ({"gpus": 4}, False),
        ({"gpus": 16}, True),
        ({"gpus": 72}, True),
        ({"gpus": 16, "power_kw": 28.6}, False),
        ({"power_kw": 7}, True),
        ({"power_kw": 30}, False),
        ({"power_kw": 9}, False),
    ],
)
def test_a_maximum_is_held_against_gpus_and_the_parts_of_the_node(change, refused):
    problems, warnings = told(node_power={B200: change})
    assert bool(problems) is refused
    assert problems + warnings
    assert all(s.startswith("data/node_power.csv: gpu B200: column") for s in problems + warnings)


def test_what_the_parts_of_a_node_draw_is_told_by_hand():
    (warning,) = told(node_power={B200: {"power_kw": 9.8}})[1]
    ratio = (8 * 1000 + 1271.6 + 1113.2) / 0.956 / 9800
    assert (
        f"value 9.8: unusual; {ratio:.3g} times as much is what 8 GPUs draw with their" in warning
    )
    assert "usual is 0.5 to 1.1, as a maximum is what the parts of such a node" in warning


def test_memory_that_is_none_of_its_chips_is_unusual():
    problems, warnings = told(gpus={B200: {"memory_gb": 60}})
    assert problems == []
    assert warnings[-1] == (
        'data/gpus.csv: gpu B200: columns "memory_gb", "bandwidth_tb_s": unusual; values 60, 8 make'
        " memory_gb / bandwidth_tb_s 7.5; usual is 20 to 65, as all of a memory is read once in 20"
        " to 60 ms, as its chips are of one size and speed"
    )


@pytest.mark.parametrize("name", ["nodes", "node_power"])
def test_a_gpu_that_gpus_csv_lacks_is_refused(name):
    key = {"nodes": "HGX B200", "node_power": "B200"}[name]
    (problem,) = told(**{name: {key: {"gpu": "B2000"}}})[0]
    assert f"data/{name}.csv" in problem
    assert problem.endswith("or add the GPU there; did you mean B200?")


def test_nodes_that_nobody_sells_are_told():
    assert list(no_node(8, [B200], 8)) == list(no_node(72, ["GB200"], 72)) == []
    assert list(no_node(16, [B200, H100], 8)) == [
        "the largest node or rack of B200, H100-SXM-80GB on sale has 8"
    ]
    assert list(no_node(16, [B200, "GB200"], 16)) == []
    # more than a node on sale has are on several
    assert list(no_node(8, [B200], 32)) == []
    (narrow,) = no_node(2, [B200], 8)
    assert narrow.startswith("a model was measured on 8 GPUs at once, which one node on sale has")
    assert narrow.endswith("and 4 nodes are counted")


METERED = ("wall_power", "mlperf_benchmarks", "gpus", "nodes", "node_power")
"""Tables that meters at the wall are held against each other with."""
POWERS = ["wall_power_w", "wall_power_p5_w", "wall_power_p95_w", "wall_energy_per_token_j"]


def meters(factor=1.0, columns=POWERS, own=slice(None), **changed):
    """Sentences about the project's meters with some columns of some rows times a factor."""
    paths = {"wall_power": "data/measured/mlperf_wall_power.csv"}
    tables = {name: read(paths.get(name, f"data/{name}.csv"), name) for name in METERED}
    tables |= changed
    wall = tables["wall_power"].iloc[own].copy()
    wall[columns] *= factor
    found = list(metered(**(tables | {"wall_power": wall})))
    return [s for is_problem, s in found if is_problem], [s for is_p, s in found if not is_p]


def test_the_projects_meters_read_what_their_nodes_can_draw():
    assert meters() == ([], [])


def test_a_meter_beyond_what_its_node_can_draw_is_refused_row_by_row():
    """One and six tenths of every power, and of the energy of a token with it, passed."""
    problems, _ = meters(1.6)
    wall = read("data/measured/mlperf_wall_power.csv", "wall_power")
    for row in wall.to_dict("records"):
        where = f"{row['system']}, {row['benchmark']}, {row['scenario']}: column"
        assert any(where in problem for problem in problems)
    columns = {"wall_power_w", "wall_power_p95_w"}
    assert {re.search(r'column "(\w+)"', problem)[1] for problem in problems} == columns


def test_a_meter_of_limited_gpus_is_refused_by_hand():
    """Of GPUs held to 500 W: 8 x 500 + 1271.6 W of fixed part, and fans at a duty of
    0.22 + 0.58 x 5271.6 / 7214, make 5942 W, which the supplies give of 6180 W.
    """
    direct = 8 * 500 + 1271.6 + 835.3 * (0.22 + 0.58 * 5271.6 / 7214) / 0.8
    share = (np.log(direct / 13200) - np.log(0.2)) / (np.log(0.5) - np.log(0.2))
    drawn = direct / (0.945 + share * (0.964 - 0.945))
    assert drawn == pytest.approx(6180, abs=1)
    problems, warnings = meters(1.6, own=[4], columns=["wall_power_w"])
    assert warnings == []
    assert problems == [
        "data/measured/mlperf_wall_power.csv: mlperf-v4.1, H200-SXM-141GBx8_TRT_MaxQ,"
        ' llama2-70b-99, Offline: column "wall_power_w": value 9844.8: '
        f"{9844.8 / drawn:.3g} times the {drawn:.0f} W that 8 x H200-SXM-141GB draw at 500 W each"
        " (gpu_power_limit_w of data/mlperf_benchmarks.csv) with HGX H200 of data/nodes.csv around"
        " them; allowed is 0 to 1.5, as GPUs hold themselves to their limit, and nodes of the same"
        " GPUs differ in the rest; correct the one that is wrong"
    ]


def test_a_meter_above_the_stated_maximum_of_its_node_is_refused_by_hand():
    problems, warnings = meters(1.4, own=[10], columns=["wall_power_p95_w"])
    assert warnings == []
    assert problems == [
        "data/measured/mlperf_wall_power.csv: mlperf-v5.1, SR680a_V3_B200SXMx8_TRT, llama2-70b-99,"
        f' Offline: column "wall_power_p95_w": value 14753.2: {14753.2 / 14300:.3g} times the 14300'
        " W that 8 x B200 draw at most (power_kw of data/node_power.csv); allowed is 0 to 1, as a"
        " node draws no more than the maximum stated of it; correct the one that is wrong"
    ]


def test_a_meter_above_what_the_supplies_give_is_refused_by_hand():
    """Of 13.2 kW at an efficiency of 0.956, where no maximum is stated."""
    rated = read("data/mlperf_benchmarks.csv", "mlperf_benchmarks").assign(gpu_power_limit_w=None)
    low = read("data/nodes.csv", "nodes").assign(psu_w=9500.0)
    own = {"own": [5], "columns": ["wall_power_w"], "nodes": low, "mlperf_benchmarks": rated}
    most = 9500 / 0.956
    (problem,), warnings = meters(1.6, **own)
    assert warnings == []
    assert (
        f"value 10048.3: {10048.32 / most:.3g} times the {most:.0f} W at which the supplies of HGX"
        " H200 give psu_w (data/nodes.csv); allowed is 0 to 1, as supplies switch off beyond their"
        " capacity, of which half may be spare; correct"
    ) in problem


def test_a_meter_somewhat_above_the_parts_of_its_node_is_told():
    assert meters(1.05) == ([], [])
    problems, (warning,) = meters(1.15, own=[10], columns=["wall_power_w"])
    assert problems == []
    assert "at 1000 W each (tdp_w of data/gpus.csv) with HGX B200 of data/nodes.csv" in warning
    assert ": unusual; 1.11 times the 10778 W that 8 x B200 draw" in warning
    assert "usual is 0 to 1.1, as GPUs hold themselves to their limit" in warning
    assert "correct" not in warning


def test_the_fans_of_a_water_cooled_node_leave_its_gpus_to_the_water():
    (warning,) = meters(1.14, own=[14], columns=["wall_power_w"])[1]
    assert "1.12 times the 10071 W" in warning


@pytest.mark.parametrize(
    ("factor", "problems", "warnings"), [(1.9, 0, 0), (2.0, 0, 1), (3.0, 0, 1), (3.1, 1, 0)]
)
def test_without_a_node_of_so_many_gpus_a_meter_is_held_against_their_rated_power(
    factor, problems, warnings
):
    """10,401 W of 8 x 1000 W: 2.5 times that at 1.92, 4 times at 3.08."""
    none = {name: read(f"data/{name}.csv", name).iloc[:0] for name in ("nodes", "node_power")}
    # four GPUs are no half of a node of eight
    wall = read("data/measured/mlperf_wall_power.csv", "wall_power").assign(gpus=4)
    wall[POWERS] /= 2
    half = {"wall_power": wall}
    for changed, count in ((none, 8), (half, 4)):
        found = meters(factor, own=[10], columns=["wall_power_w"], **changed)
        assert tuple(map(len, found)) == (problems, warnings)
        for sentence in found[0] + found[1]:
            assert (
                f"times the {count * 1000} W that {count} x B200 are rated (gpus, and" in sentence
            )
            assert "as a node draws its GPUs' rated power and up to as much again" in sentence


@pytest.mark.parametrize("kept", ["nodes", "node_power"])
def test_where_a_node_is_known_its_gpus_rated_power_is_no_bound(kept):
    """Of a node with twice the maximum, or the fixed part, of the project's."""
    nodes, node_power = (read(f"data/{name}.csv", name) for name in ("nodes", "node_power"))
    larger = {
        "nodes": nodes.assign(fixed_w=2e4, psu_w=5e4),
        "node_power": node_power.assign(power_kw=2 * node_power["power_kw"]),
    }
    tables = {name: table if name == kept else table.iloc[:0] for name, table in larger.items()}
    assert meters(2.0, own=[10], columns=["wall_power_w"], **tables) == ([], [])


def test_a_meter_of_a_gpu_that_gpus_csv_lacks_is_refused():
    gpus = read("data/gpus.csv", "gpus")
    problems, _ = meters(gpus=gpus[gpus["gpu"] != B200])
    assert len(problems) == 8
    assert all(problem.startswith("data/measured/mlperf_wall_power.csv: ") for problem in problems)
    assert all('column "gpu": value B200: no GPU of data/gpus.csv' in s for s in problems)
