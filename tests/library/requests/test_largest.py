"""The largest requests are found among all rows."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests import answers, counts, largest
from inference_energy.requests.duplicates import count_duplicates, write_surplus
from inference_energy.requests.energies import Serving, energies
from inference_energy.requests.log import connect, open_log, requests_view, units
from library.requests.by_itself import by_itself


def test_the_largest_are_the_largest(answered, rows, settings, tmp_path, monkeypatch):
    serving, counted, table = answered
    for module in (answers, largest):
        monkeypatch.setattr(module, "LARGEST", 50)
    log = open_log(tmp_path / "log.parquet", settings["formats"])
    connection = connect(folder=tmp_path)
    least = largest.choose(connection, answers.candidates(serving, counted["lengths"], table, 50))
    found = None
    for unit in units(log, connection):
        stated, *_ = requests_view(log, unit, connection, tmp_path)
        connection.execute(counts.counted_view(10**7, stated))
        found = largest.collect(connection, serving, least, found=found)
    listed = largest.table(found, serving, answers.model_names(rows["model"]))
    energy = by_itself(serving, rows)["energy"]
    places = np.argsort(-energy.to_numpy(), kind="stable")[:50]
    expected = rows.iloc[places]
    assert listed["output_tokens"].tolist() == expected["output_tokens"].tolist()
    assert listed["input_tokens"].tolist() == expected["input_tokens"].tolist()
    middle = np.exp(serving.factor.mu)
    assert listed["energy_wh_p50"].to_numpy() == pytest.approx(energy.iloc[places] * middle)


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
