"""How far a job is can be seen within a unit too."""

import threading

import duckdb
import pytest
from inference_energy.requests import progress
from inference_energy.requests.log import connect


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Say it at once."""
    monkeypatch.setattr(progress, "EVERY", 0.01)


def test_a_query_tells_how_far_it_is():
    connection = connect()

    def ask():
        with pytest.raises(duckdb.InterruptException):
            connection.execute("SELECT count(*) FROM range(1000000000000) AS t(x) WHERE x % 7 = 3")

    thread = threading.Thread(target=ask)
    thread.start()
    while connection.query_progress() < 0:
        pass
    connection.interrupt()
    thread.join()


@pytest.mark.parametrize(
    ("within", "line"),
    [(34.4, "part 1 of 2: 3 of 5 read, 34 % of the next\n"), (-1.0, "part 1 of 2: 3 of 5 read\n")],
)
def test_it_is_said_again_while_a_unit_is_read(capsys, within, line):
    told = ""
    with progress.telling(lambda: within) as say:
        say("part 1 of 2", 3, 5)
        while told.count(line) < 2:
            told += capsys.readouterr().err
    assert set(told.splitlines(keepends=True)) == {line}


@pytest.mark.parametrize(
    ("now", "within", "line"),
    [
        (
            ("part 1 of 2", 3, 5, "hours"),
            34.4,
            "part 1 of 2: 3 of 5 read, the next at hours (34 %)",
        ),
        (("part 1 of 2", 3, 5, "hours"), -1.0, "part 1 of 2: 3 of 5 read, the next at hours"),
        (("energies",), 34.4, "energies (34 %)"),
        (("energies",), -1.0, "energies"),
    ],
)
def test_steps_are_said(capsys, now, within, line):
    """A unit of ten million rows took a minute, of which nothing was told but that it is read."""
    told = ""
    with progress.telling(lambda: within) as say:
        say(*now)
        while told.count(line) < 2:
            told += capsys.readouterr().err
    assert set(told.splitlines()) == {line}


def test_the_end_is_said_and_nothing_after_it(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 1000.0)
    before = threading.active_count()
    with progress.telling(lambda: -1.0) as say:
        say("ids", 1, 2)
        say("ids", 2, 2)
    assert capsys.readouterr().err == "ids: 2 of 2 read\n"
    assert threading.active_count() == before
