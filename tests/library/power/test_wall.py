"""Meters at the wall."""

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.hardware import serving_times
from inference_energy.power.gpu import GpuPower
from inference_energy.power.node import find_node, idle_share, metered_node, node_power
from inference_energy.power.utilisation import add_utilisation
from inference_energy.power.wall import ALLOWED, USUAL_LIMIT, check, served, unusual_limits
from repository import read


@pytest.fixture(scope="module")
def benchmarks():
    return read("data/mlperf_benchmarks.csv", "mlperf_benchmarks")


@pytest.fixture(scope="module")
def checked(wall, benchmarks, runs, models, gpus, nodes):
    return check(wall, benchmarks, runs, models, gpus, nodes)


def test_every_meter_is_predicted(checked, wall):
    assert len(checked) == len(wall) == 18
    assert ((checked["error_percent"].abs() <= ALLOWED) == (checked["within"] == "yes")).all()


def test_a_gpu_draws_no_more_than_its_limit(checked):
    held = checked[checked["gpu_power_limit_w"].notna()]
    assert (held["gpu_power_w"] <= held["gpu_power_limit_w"]).all()


def test_fans_follow_the_gpus_where_air_cools_them_alone(checked):
    """The systems are described so in the submissions: SR780a water, the others air."""
    water = checked["system"].str.startswith("SR780a")
    assert (checked["cooling"] == "water").equals(water)
    assert (checked.loc[water, "error_air_percent"] > checked.loc[water, "error_percent"]).all()
    air = checked[~water]
    assert air["error_air_percent"].equals(air["error_percent"])


def test_no_meter_under_load_is_in_the_prediction(
    checked, wall, benchmarks, runs, models, gpus, nodes
):
    changed = wall.assign(wall_power_w=1.3 * wall["wall_power_w"])
    again = check(changed, benchmarks, runs, models, gpus, nodes)
    assert again["predicted_w"].equals(checked["predicted_w"])


def test_the_idle_reading_of_a_gpu_does_not_predict_its_own_meters(
    checked, wall, benchmarks, runs, models, gpus, nodes
):
    own = wall["gpu"] == "B200"
    idle = wall["idle_power_w"].where(~own, 1.2 * wall["idle_power_w"])
    changed = wall.assign(idle_power_w=idle)
    again = check(changed, benchmarks, runs, models, gpus, nodes)
    same = checked["gpu"] == "B200"
    assert again.loc[same, "predicted_w"].equals(checked.loc[same, "predicted_w"])


def test_a_benchmark_that_is_not_described_is_named(wall, benchmarks):
    with pytest.raises(InputError, match=r"no row of mlperf-v5\.1, llama3\.1-8b"):
        served(wall, benchmarks[benchmarks["benchmark"] != "llama3.1-8b"])


def test_all_benchmarks_that_are_not_described_are_told_once_each_with_the_remedy(wall, benchmarks):
    """Of the runs of a benchmark, offline and served, one sentence tells."""
    small = benchmarks["benchmark"].isin(["llama3.1-8b", "gptj-99"])
    with pytest.raises(InputError) as error:
        served(wall, benchmarks[~small])
    assert error.value.problems == [
        f"data/mlperf_benchmarks.csv: no row of {which}; every run of"
        " data/measured/mlperf_wall_power.csv needs one; add it"
        for which in ("mlperf-v4.1, gptj-99", "mlperf-v5.1, llama3.1-8b")
    ]


def test_a_meter_is_of_as_many_copies_as_its_node_holds(wall, benchmarks):
    """The throughput is that of one copy, the power that of the node with all of them."""
    rows = served(wall, benchmarks.assign(gpus=benchmarks["gpus"].clip(upper=2)))
    copies = rows["node_gpus"] / rows["gpus"]
    assert set(copies) == {4, 8}
    assert (rows["node_gpus"] == wall["gpus"]).all()
    assert rows["throughput_tps"].to_list() == pytest.approx(wall["throughput_tps"] / copies)
    assert rows["task"].equals(wall["benchmark"])
    assert (rows["attention_copies"] == 1).all()
    limits = rows.groupby("benchmark")["power_limit_w"].max()
    assert limits["gptj-99"] == 350


def test_a_benchmark_that_is_described_twice_is_refused(wall, benchmarks):
    with pytest.raises(pd.errors.MergeError, match="many-to-one"):
        served(wall, pd.concat([benchmarks, benchmarks.iloc[:1]]))


@pytest.mark.parametrize(
    ("number", "others"),
    [(6, "B200"), (10, "H200-SXM-141GB"), (14, "H200-SXM-141GB")],
)
def test_a_meter_by_hand(checked, wall, benchmarks, runs, models, gpus, nodes, number, others):
    """Throughput and batch make the power of a GPU, that the node's, and that the error."""
    meter = wall.iloc[number]
    law = GpuPower.fit(runs, idle_share(wall[wall["gpu"] == others], nodes, gpus))
    of = benchmarks.set_index(["source_id", "benchmark"]).loc[
        (meter["source_id"], meter["benchmark"])
    ]
    copies = meter["gpus"] / of["gpus"]
    node = metered_node(meter["gpu"], meter["cooling"], nodes, gpus)
    found = {}
    for scale in (0.5, 1.0, 2.0):
        tokens = scale * of["input_tokens"]
        row = {"model": of["model"], "gpu": meter["gpu"], "precision": of["precision"]}
        held = serving_times(pd.Series(row | {"tensor_parallel": of["gpus"]}), models, gpus)
        batch = min(1024.0, held["cache"] / (tokens + of["output_tokens"]))
        assert of["model"] != "Llama 3.1 405B" or batch < 1024
        row |= {"input_tokens": tokens, "output_tokens": of["output_tokens"], "batch": batch}
        row |= {"gpus": of["gpus"], "attention_copies": 1, "task": meter["benchmark"]}
        row |= {"throughput_tps": meter["throughput_tps"] / copies}
        row |= {"power_limit_w": of["gpu_power_limit_w"]}
        power = law.predict(add_utilisation(pd.DataFrame([row]), models, gpus)).iloc[0]
        found[scale] = power
    line = checked.set_index(["system", "benchmark", "scenario"]).loc[
        (meter["system"], meter["benchmark"], meter["scenario"])
    ]
    watts = {name: float(node_power(found[1.0][name], node)) for name in ("p5_w", "p95_w")}
    assert line[["p5_w", "p95_w"]].to_dict() == pytest.approx(watts)
    for scale, column in ((1.0, ""), (0.5, "half_input_"), (2.0, "double_input_")):
        predicted = float(node_power(found[scale]["gpu_power_w"], node))
        error = 100 * (predicted - meter["wall_power_w"]) / meter["wall_power_w"]
        assert line[f"error_{column}percent"] == pytest.approx(error)
    assert line["gpu_power_w"] == pytest.approx(found[1.0]["gpu_power_w"])
    assert line["predicted_w"] == pytest.approx(node_power(found[1.0]["gpu_power_w"], node))
    assert node_power(line["gpu_power_at_wall_w"], node) == pytest.approx(meter["wall_power_w"])
    in_air = node_power(found[1.0]["gpu_power_w"], find_node(meter["gpu"], nodes, gpus))
    error = 100 * (in_air - meter["wall_power_w"]) / meter["wall_power_w"]
    assert line["error_air_percent"] == pytest.approx(error)


def at_most_1024(meters, benchmarks, models, gpus):
    """Meters whose GPUs have room for more requests than are taken to be served at once."""
    return add_utilisation(served(meters, benchmarks).assign(batch=1024.0), models, gpus)


def test_meters_of_one_kind_of_gpu_are_predicted_with_their_own_idle_readings(
    wall, benchmarks, runs, models, gpus, nodes
):
    """And half a node draws half of what the whole draws."""
    own = wall[wall["gpu"] == "B200"].iloc[:1]
    (line,) = check(own, benchmarks, runs, models, gpus, nodes).to_dict("records")
    half = own.assign(gpus=4, throughput_tps=own["throughput_tps"] / 2)
    (part,) = check(half, benchmarks, runs, models, gpus, nodes).to_dict("records")
    for name in ("predicted_w", "p5_w", "p95_w"):
        assert part[name] == pytest.approx(line[name] / 2)
    for name in ("error_percent", "error_half_input_percent", "error_air_percent"):
        assert 100 + part[name] == pytest.approx((100 + line[name]) / 2)
    law = GpuPower.fit(runs, idle_share(own, nodes, gpus))
    power = law.predict(at_most_1024(own, benchmarks, models, gpus))["gpu_power_w"]
    assert line["gpu_power_w"] == pytest.approx(power.item())


def test_the_table_has_a_line_a_meter_and_names_its_run(checked, wall):
    keys = ["source_id", "system", "benchmark", "scenario", "gpu", "cooling"]
    assert checked.index.tolist() == list(range(len(wall)))
    names = [*keys, "measured_w"]
    assert checked[names].to_numpy().tolist() == wall[[*keys, "wall_power_w"]].to_numpy().tolist()
    limits = {"gptj-99": 350.0, "gptj-99.9": 350.0}
    older = checked[checked["source_id"] == "mlperf-v4.1"]
    expected = [limits.get(name, 500.0) for name in older["benchmark"]]
    assert older["gpu_power_limit_w"].tolist() == expected
    assert checked["gpu_power_limit_w"].notna().sum() == len(older)


def test_lines_of_meters_in_any_order_are_numbered_on(
    checked, wall, benchmarks, runs, models, gpus, nodes
):
    mixed = wall.sort_values("scenario", kind="stable")
    again = check(mixed, benchmarks, runs, models, gpus, nodes)
    keys = ["gpu", "cooling", "scenario"]
    expected = checked.sort_values(keys, ascending=[False, True, True], kind="stable")
    pd.testing.assert_frame_equal(again, expected.reset_index(drop=True))


def test_a_prediction_is_right_up_to_five_per_cent(
    checked, wall, benchmarks, runs, models, gpus, nodes
):
    predicted = checked["predicted_w"]
    for factor, within in ((0.951, "no"), (0.953, "yes"), (1.052, "yes"), (1.054, "no")):
        changed = wall.assign(wall_power_w=factor * predicted)
        again = check(changed, benchmarks, runs, models, gpus, nodes)
        assert set(again["within"]) == {within}


def test_a_gpu_whose_node_is_not_known_is_in_that_of_the_nearest(
    wall, benchmarks, runs, models, gpus, nodes
):
    """By rated power: a B200 in the node of an H200, in air."""
    other = nodes[nodes["gpu"] != "B200"]
    meter = wall[wall["gpu"].eq("B200") & wall["cooling"].eq("air")].iloc[:1]
    (line,) = check(meter, benchmarks, runs, models, gpus, other).to_dict("records")
    node = find_node("H200-SXM-141GB", nodes, gpus)
    assert line["predicted_w"] == pytest.approx(node_power(line["gpu_power_w"], node))
    assert line["error_air_percent"] == line["error_percent"]


def test_limits_of_power_are_usual_and_the_least_of_them_is_the_bound(wall, benchmarks, gpus):
    assert unusual_limits(wall, benchmarks, gpus) == []
    rated = gpus.set_index("gpu")["tdp_w"].astype(float)
    rows = served(wall, benchmarks)
    assert (rows["power_limit_w"] / rows["gpu"].map(rated)).min() == USUAL_LIMIT


@pytest.mark.parametrize("watts", [3500.0, 701.0, 104.0, 35.0])
def test_a_limit_of_power_that_no_gpu_has_is_refused(wall, benchmarks, gpus, watts):
    """Ten times 350 W limited nothing, a tenth held an H200 to 35 W, both in silence."""
    changed = benchmarks.copy()
    changed.loc[0, "gpu_power_limit_w"] = watts
    with pytest.raises(InputError) as error:
        unusual_limits(wall, changed, gpus)
    assert error.value.problems == [
        "data/mlperf_benchmarks.csv: mlperf-v4.1, gptj-99: column"
        f' "gpu_power_limit_w": value {watts:g}: allowed is 105 to 700 for H200-SXM-141GB, 0.15 to'
        " 1 times tdp_w of data/gpus.csv, as a limit is within what a GPU at work draws and its"
        " rated power; correct the one that is wrong, or empty the cell"
    ]


def test_a_limit_of_power_that_is_low_is_told(wall, benchmarks, gpus):
    changed = benchmarks.copy()
    changed.loc[0, "gpu_power_limit_w"] = 349.0
    assert unusual_limits(wall, changed, gpus) == [
        "data/mlperf_benchmarks.csv: mlperf-v4.1, gptj-99: column"
        ' "gpu_power_limit_w": value 349: unusual; usual is 350 to 700 for H200-SXM-141GB, 0.5 to 1'
        " times tdp_w of data/gpus.csv"
    ]
    changed.loc[0, "gpu_power_limit_w"] = 700.0
    assert unusual_limits(wall, changed, gpus) == []
