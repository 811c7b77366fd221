"""Measured runs and what they are looked up in."""

import pytest
from inference_energy.power import measured
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import add_utilisation
from repository import read

IDLE = 0.13


@pytest.fixture(scope="session")
def models():
    return read("data/models.csv", "models")


@pytest.fixture(scope="session")
def gpus():
    return read("data/gpus.csv", "gpus")


@pytest.fixture(scope="session")
def nodes():
    return read("data/nodes.csv", "nodes")


@pytest.fixture(scope="session")
def wall():
    return read("data/measured/mlperf_wall_power.csv", "wall_power")


@pytest.fixture(scope="session")
def inferencex():
    return read("data/measured/inferencex_power.csv", "inferencex")


@pytest.fixture(scope="session")
def runs(inferencex, models, gpus):
    """All measured runs, with what they ask of their GPUs."""
    rows = measured.rows(read("data/measured/mlenergy_v3.csv", "mlenergy"), inferencex)
    return add_utilisation(rows, models, gpus)


@pytest.fixture(scope="session")
def law(runs):
    return GpuPower.fit(runs, IDLE)
