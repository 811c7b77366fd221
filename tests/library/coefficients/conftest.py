"""The committed tables of coefficients, and what they are made of."""

import pytest
from inference_energy.coefficients.rows import located_rows
from inference_energy.laws.training import THROUGHPUT_TABLES
from repository import hardware_tables, read


@pytest.fixture(scope="session")
def table():
    return read("results/coefficients.csv", "coefficients")


@pytest.fixture(scope="session")
def hardware():
    return hardware_tables()


@pytest.fixture(scope="session")
def known(hardware):
    return {name: hardware[name] for name in ("models", "gpus")}


@pytest.fixture(scope="session")
def rows(hardware, known):
    tables = {path: read(path, "throughput") for path in THROUGHPUT_TABLES}
    return located_rows(tables, hardware["mlenergy"], known)
