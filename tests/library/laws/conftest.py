"""The tables that laws are fitted to, and the hierarchical law of the vendor's."""

from pathlib import Path

import pytest
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.tables import read_table

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="session")
def hardware():
    """Tables of models and GPUs, by name."""
    return {name: read_table(DATA / f"{name}.csv", name) for name in ("models", "gpus")}


@pytest.fixture(scope="session")
def models(hardware):
    return hardware["models"]


@pytest.fixture(scope="session")
def gpus(hardware):
    return hardware["gpus"]


@pytest.fixture(scope="session")
def vendor():
    return read_table(DATA / "throughput" / "trtllm.csv", "throughput")


@pytest.fixture(scope="session")
def pooled(vendor, models, gpus):
    return Hierarchical.fit(add_serving_times(vendor, models, gpus))
