"""The largest requests are found among all rows."""

import math

import numpy as np
import pandas as pd
import pytest
from inference_energy.method.build import build
from inference_energy.requests import answers, counts, largest
from inference_energy.requests import log as requests_log
from inference_energy.requests.duplicates import count_duplicates, write_surplus
from inference_energy.requests.energies import Serving, energies
from inference_energy.requests.log import connect, open_log, requests_view, units
from library.requests.by_itself import by_itself
from repository import METHODS, materials


@pytest.mark.parametrize("method", ["oviedo2026", "revised"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_the_largest_are_the_largest(method, rows, order, count, settings, tmp_path, monkeypatch):
    """Each with its own energy, however a model is served and whichever rows are beside it."""
    setup = build(METHODS[method], **materials([METHODS[method]])(METHODS[method]))
    serving = Serving.of_method(setup, {})
    serving = serving.at(dict.fromkeys(rows["model"], math.inf))
    if order == "shuffled":
        rows = rows.sample(frac=1, random_state=1, ignore_index=True)
    rows.to_parquet(tmp_path / "log.parquet", row_group_size=5_000)
    monkeypatch.setattr(requests_log, "UNIT_ROWS", 10_000)
    for module in (answers, largest):
        monkeypatch.setattr(module, "LARGEST", 500)
    counted = count(tmp_path / "log.parquet")
    table = energies(serving, counted["lengths"])
    log = open_log(tmp_path / "log.parquet", settings["formats"])
    connection = connect(folder=tmp_path)
    least = largest.choose(connection, answers.candidates(serving, counted["lengths"], table, 500))
    found = None
    for unit in units(log, connection):
        stated, *_ = requests_view(log, unit, connection, tmp_path)
        long_from = settings["long_from"]["value"]
        connection.execute(counts.counted_view(10**7, stated, long_from))
        found = largest.collect(connection, serving, least, found=found)
    listed = largest.table(found, serving, answers.model_names(rows["model"]))
    energy = by_itself(serving, rows)["energy"].to_numpy()
    # the earlier of two that need the same
    places = np.lexsort([rows["start"], -energy])[:500]
    expected = rows.iloc[places]
    assert listed["output_tokens"].tolist() == expected["output_tokens"].tolist()
    assert listed["input_tokens"].tolist() == expected["input_tokens"].tolist()
    middle = np.exp(serving.factor.mu)
    assert listed["energy_wh_p50"].to_numpy() == pytest.approx(energy[places] * middle)


def test_a_repeated_request_is_among_the_largest_once(paper, count, settings, tmp_path):
    """The page's total counts a repeated id once, and so does its list."""
    rows = {"id": ["a", "b", "a"], "input_tokens": [9000, 10, 9000], "output_tokens": [900, 5, 900]}
    pd.DataFrame(rows).to_csv(tmp_path / "log.csv", index=False)
    serving = Serving.of_method(paper, {})
    lengths = count(tmp_path / "log.csv")["lengths"]
    log = open_log(tmp_path / "log.csv", settings["formats"])
    connection = connect(folder=tmp_path)
    counts.create_tables(connection)
    found = units(log, connection)
    count_duplicates(connection, log, found, 10**7, tmp_path)
    write_surplus(connection, tmp_path / "surplus.parquet")
    connection = connect(folder=tmp_path)
    cells = answers.candidates(serving, lengths, energies(serving, lengths))
    for surplus, expected in ((None, [900, 900, 5]), (tmp_path / "surplus.parquet", [900, 5])):
        least = largest.choose(connection, cells, surplus)
        stated, *_ = requests_view(log, found[0], connection, tmp_path)
        connection.execute(counts.counted_view(10**7, stated))
        listed = largest.collect(connection, serving, least, found[0].file)
        assert listed["output"].tolist() == expected
