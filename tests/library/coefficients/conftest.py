"""The committed tables of coefficients, and what they are made of."""

import pytest
from inference_energy.coefficients.rows import located_rows
from inference_energy.laws.benchmarks import STEADY_TABLE, THROUGHPUT_TABLES
from repository import read


@pytest.fixture(scope="session")
def table():
    return read("results/coefficients.csv", "coefficients")


@pytest.fixture(scope="session")
def hardware():
    files = {
        "models": "data/models.csv",
        "gpus": "data/gpus.csv",
        "nodes": "data/nodes.csv",
        "mlenergy": STEADY_TABLE,
        "inferencex": "data/measured/inferencex_power.csv",
        "wall_power": "data/measured/mlperf_wall_power.csv",
    }
    return {name: read(path, name) for name, path in files.items()}


@pytest.fixture(scope="session")
def known(hardware):
    return {name: hardware[name] for name in ("models", "gpus")}


@pytest.fixture(scope="session")
def rows(hardware, known):
    tables = {path: read(path, "throughput") for path in THROUGHPUT_TABLES}
    return located_rows(tables, hardware["mlenergy"], known)
