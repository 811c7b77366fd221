"""The paper's methods as the workflow builds them."""

import pytest
from inference_energy.method.build import build
from repository import METHOD_FILES, METHODS, PAPER_TABLE, read


@pytest.fixture(scope="session")
def files():
    """All method files, by name."""
    return METHOD_FILES


@pytest.fixture(scope="session")
def setups():
    """Setup of every method that uses the paper's table, by name."""
    table = read(PAPER_TABLE, "throughput")
    return {
        name: build(method, table)
        for name, method in METHODS.items()
        if method["benchmarks"]["table"] == PAPER_TABLE
        and method["claims"] in ("v1", "v2")
        and name.startswith("oviedo")
    }


@pytest.fixture(scope="session")
def paper(setups):
    """Setup of the paper as published in 2026."""
    return setups["oviedo2026"]
