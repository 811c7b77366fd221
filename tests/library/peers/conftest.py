"""What the tests of other estimators share."""

import pytest
from inference_energy.peers.rows import MEASURED, rows
from repository import read

PLACES = {
    "mlenergy": "data/measured/mlenergy_v3.csv",
    "inferencex": "data/measured/inferencex_power.csv",
    "at_load": "data/throughput/at_load.csv",
    "models": "data/models.csv",
}


@pytest.fixture(scope="session")
def tables():
    """Tables that the runs are taken from, by name."""
    return {name: read(PLACES[name], schema) for name, schema in MEASURED.items()}


@pytest.fixture(scope="session")
def runs(tables):
    return rows(**tables)
