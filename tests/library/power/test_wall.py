"""Meters at the wall."""

import pytest
from inference_energy.errors import InputError
from inference_energy.power.wall import ALLOWED, check, served
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
