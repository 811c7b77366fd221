"""What the tests of public evidence share: a method, the data, and the tables of both."""

import pytest
from inference_energy.evidence import blackwell, boundaries, coverage, decomposition, production
from inference_energy.evidence import estimates as evidence_estimates
from inference_energy.evidence.concurrency import from_one, summarise
from inference_energy.evidence.law import LoadLaws
from inference_energy.evidence.verdicts import weigh
from inference_energy.laws.training import THROUGHPUT_TABLES
from inference_energy.tables import read_table, write_table
from repository import hardware_tables, read, read_yaml


@pytest.fixture(scope="session")
def setup(paper):
    """Setup of the method that is set beside the evidence."""
    return paper


@pytest.fixture(scope="session")
def settings():
    return read_yaml("config/evidence.yaml")


@pytest.fixture(scope="session")
def wall_power():
    return read("data/measured/mlperf_wall_power.csv", "wall_power")


@pytest.fixture(scope="session")
def convert(settings):
    return boundaries.conversion(settings, hardware_tables())


@pytest.fixture(scope="session")
def estimates():
    return read("data/published/estimates.csv", "estimates")


@pytest.fixture(scope="session")
def runs():
    return read("data/measured/mlenergy_v3.csv", "mlenergy")


@pytest.fixture(scope="session")
def own(setup, convert):
    return evidence_estimates.own_queries(setup, convert)


@pytest.fixture(scope="session")
def ratios(setup, own, estimates, convert, band):
    return evidence_estimates.overestimates(setup, own, estimates, convert, band)


@pytest.fixture(scope="session")
def laws():
    """Throughput and power with load, fitted to what is committed."""
    return LoadLaws.fit([read(path, "throughput") for path in THROUGHPUT_TABLES], hardware_tables())


@pytest.fixture(scope="session")
def split(setup, own, laws, convert, settings):
    """Factors of a table of estimates."""
    reasoning = settings["reasoning_tokens"]["models"]
    return lambda table: decomposition.decompose(setup, own, table, laws, convert, reasoning)


@pytest.fixture(scope="session")
def factors(estimates, split):
    return split(estimates)


@pytest.fixture(scope="session")
def predicted(setup, own, estimates, runs, convert, settings):
    medians = settings["medians"]["estimates"]
    return coverage.predictions(setup, own, estimates, runs, convert, medians=medians)


FILES = {
    "estimates": "published/estimates.csv",
    "mlenergy": "measured/mlenergy_v3.csv",
    "wall_power": "measured/mlperf_wall_power.csv",
    "nodes": "nodes.csv",
    "output_lengths": "measured/output_lengths.csv",
    "request_lengths": "request_lengths.csv",
}


@pytest.fixture(scope="session")
def sources():
    return set(read("data/sources.csv", "sources")["source_id"])


@pytest.fixture(scope="session")
def band(settings):
    return settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"]


@pytest.fixture(scope="session")
def data(settings, band, laws):
    tables = {name: read(f"data/{path}", name) for name, path in FILES.items()}
    benchmarks = read("data/throughput/trtllm.csv", "throughput")
    runs = tables["mlenergy"]
    summary = summarise(runs, band, settings["near_best"])
    tables["concurrency"] = from_one(summary, runs, laws)
    day = read("data/production_load.csv", "production_load")
    tables["production"] = production.compare(day, laws, settings["production"])
    tables["blackwell"] = blackwell.compare(benchmarks, tables["mlenergy"])
    return tables


@pytest.fixture(scope="session")
def tables(setup, data, settings, laws, tmp_path_factory):
    """The tables as they are on disk: written and read again."""
    folder = tmp_path_factory.mktemp("validation")
    for name, table in weigh(setup, data, settings, laws).items():
        write_table(table, folder / f"{name}.csv", name)
    return {path.stem: read_table(path, path.stem) for path in folder.glob("*.csv")}
