"""The largest requests are found among all rows."""

import numpy as np
import pytest
from inference_energy.requests import answers, largest
from inference_energy.requests.counts import counted_view
from inference_energy.requests.log import connect, open_log, requests_view, units
from library.requests.by_itself import by_itself


def test_the_largest_are_the_largest(answered, rows, settings, tmp_path, monkeypatch):
    serving, counts, table = answered
    for module in (answers, largest):
        monkeypatch.setattr(module, "LARGEST", 50)
    log = open_log(tmp_path / "log.parquet", settings["formats"])
    connection = connect(folder=tmp_path)
    least = largest.choose(connection, answers.candidates(counts["lengths"], table, 50))
    found = None
    for unit in units(log, connection):
        stated, _ = requests_view(log, unit, connection, tmp_path)
        connection.execute(counted_view(10**7, stated))
        found = largest.collect(connection, serving, stated, least, found)
    listed = largest.table(found, serving)
    energy = by_itself(serving, rows)["energy"]
    places = np.argsort(-energy.to_numpy(), kind="stable")[:50]
    expected = rows.iloc[places]
    assert listed["output_tokens"].tolist() == expected["output_tokens"].tolist()
    assert listed["input_tokens"].tolist() == expected["input_tokens"].tolist()
    middle = np.exp(serving.factor.mu)
    assert listed["energy_wh_p50"].to_numpy() == pytest.approx(energy.iloc[places] * middle)
