"""Small logs on disk, and their counts."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests import counts
from inference_energy.requests import formats as requests_formats
from inference_energy.requests.energies import Serving, energies
from inference_energy.requests.log import connect, open_log, share, units
from repository import read_yaml

SETTINGS = read_yaml("config/requests.yaml")
LONGEST, LONG_FROM = (SETTINGS[key]["value"] for key in ("longest", "long_from"))


@pytest.fixture(scope="session")
def settings():
    """config/requests.yaml."""
    return SETTINGS


@pytest.fixture
def count(tmp_path):
    """Count a log in so many parts; return its tables as frames."""

    def counted(
        path,
        parts=1,
        form=None,
        known=requests_formats.COLUMNS,
        one_in=1,
        threads=1,
        models=None,
        repeated=(),
    ):
        log = open_log(path, SETTINGS["formats"], form)
        written = []
        for part in range(1, parts + 1):
            connection = connect(threads=threads, folder=tmp_path)
            counts.create_tables(connection)
            own = share(units(log, connection), part, parts)
            bounds = LONGEST, tmp_path, known, LONG_FROM
            counts.count_units(connection, log, own, *bounds, one_in=one_in, models=models)
            names = [*counts.TABLES, *counts.LISTS]
            written.append({name: tmp_path / f"{name}-{part}-of-{parts}.parquet" for name in names})
            counts.write_tables(connection, written[-1])
        connection = connect(folder=tmp_path)
        counts.create_tables(connection)
        counts.read_tables(connection, {n: [w[n] for w in written] for n in written[0]})
        counts.count_order_between_units(connection)
        counts.count_no_output(connection)
        # as the rule that finds repeated ids has them
        for kind in repeated:
            connection.execute("INSERT INTO kinds VALUES (?, 1)", [kind])
        counts.count_alike(connection, one_in)
        counts.sum_tables(connection)
        return counts.frames(connection)

    return counted


@pytest.fixture
def kinds():
    """Give the rows of each kind of a log's counts as a dict, zeros left out."""

    def found(tables):
        table = tables["kinds"]
        told = zip(table["kind"], table["n"], strict=True)
        return {k: n for k, n in told if n and not k.startswith((counts.APART, counts.RATES))}

    return found


@pytest.fixture
def rows(paper):
    """A day's requests, whose lengths differ by hour and tenant."""
    random = np.random.default_rng(7)
    n = 30_000
    hour = random.integers(0, 24, n)
    tenant = random.choice(["one", "two", None], n)
    start = pd.to_datetime("2025-01-01") + pd.to_timedelta(
        hour * 3600 + random.random(n) * 3600, "s"
    )
    longer = 1 + hour / 12 + (tenant == "two")
    lengths = {
        "input_tokens": (random.lognormal(6, 1, n) * longer).astype(int),
        "output_tokens": (random.lognormal(5, 1, n) * longer).astype(int),
    }
    # of half of the requests some input is cached, the more the later
    hit = random.choice([0, 1], n) * random.random(n) ** (12 / (1 + hour))
    lengths["cached_tokens"] = (lengths["input_tokens"] * hit).astype(int)
    return pd.DataFrame(
        {
            "start": start,
            "model": random.choice([paper.models[0].name, "ours"], n),
            "tenant": tenant,
        }
        | lengths
    )


@pytest.fixture
def answered(rows, paper, count, tmp_path):
    """Serving, counts and energies of these requests."""
    rows.to_parquet(tmp_path / "log.parquet")
    counts = count(tmp_path / "log.parquet")
    serving = Serving.of_method(paper, {})
    return serving, counts, energies(serving, counts["lengths"])
