"""The paper's methods as the workflow builds them."""

from pathlib import Path

import pytest
import yaml
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.tables import read_table

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "config" / "methods").glob("*.yaml"))
}


@pytest.fixture(scope="session")
def files():
    """All method files, by name."""
    return FILES


@pytest.fixture(scope="session")
def setups():
    """Setup of every method that uses the paper's table, by name."""
    table = read_table(ROOT / "data" / "throughput" / "oviedo.csv", "throughput")
    methods = {name: resolve(name, FILES) for name in FILES}
    return {
        name: build(method, table)
        for name, method in methods.items()
        if method["benchmarks"]["table"] == "data/throughput/oviedo.csv"
        and method["claims"] in ("v1", "v2")
        and name.startswith("oviedo")
    }


@pytest.fixture(scope="session")
def paper(setups):
    """Setup of the paper as published in 2026."""
    return setups["oviedo2026"]
