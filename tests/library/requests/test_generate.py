"""A day of a method's own queries."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy.exact import regime_energy
from inference_energy.errors import InputError
from inference_energy.requests import counts
from inference_energy.requests.generate import CHUNK, Day, Inverse, parse
from inference_energy.requests.log import connect

N = 200_000
GOLDEN = {
    "output": [52, 977, 309],
    "start": [24514999706, 66122704931, 1242981290],
    "model": ["Llama-3.1 Nemotron Ultra 253B", "Llama 3.1 405B", "Llama 3.1 405B"],
}


@pytest.fixture(scope="module")
def day(paper):
    """A day of the paper's queries."""
    _, members = regime_energy(paper, paper.regimes["traditional"])
    return Day.of(paper, members, N)


def test_a_query_does_not_depend_on_what_is_drawn_before_it(day):
    whole = day.draw(0, CHUNK + 999)
    for first, last in ((0, 0), (1, 17), (500, 999), (998, 999), (CHUNK - 1, CHUNK + 17)):
        assert day.draw(first, last).equals(whole.slice(first, last - first + 1))


def test_the_queries_are_these(day):
    """Another NumPy, machine or chunk must not change a day."""
    rows = day.draw(10**6, 10**6 + 2).to_pydict()
    assert rows["output"] == GOLDEN["output"]
    assert rows["start"] == GOLDEN["start"]
    assert rows["model"] == GOLDEN["model"]


def test_lengths_are_distributed_as_the_method_says(day, paper):
    rows = day.draw(0, N - 1).to_pandas()
    assert rows["start"].between(0, 86_400_000_000 - 1).all()
    shares = rows["model"].value_counts(normalize=True)
    assert len(shares) == 3
    assert np.abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / N)
    means = {name: paper.regimes[name].output_tokens.mean_and_std() for name in paper.regimes}
    mean = 0.9 * means["traditional"][0] + 0.1 * means["long"][0]
    assert abs(rows["output"].mean() - mean) < 5 * rows["output"].std() / np.sqrt(N)


@pytest.mark.parametrize("regime", ["traditional", "long"])
def test_the_inverse_is_the_distributions(paper, regime):
    tokens = paper.regimes[regime].output_tokens
    lengths, weights = tokens.support
    inverse, cumulative = Inverse.of(tokens), np.cumsum(weights)
    uniform = np.concatenate([np.random.default_rng(1).random(10_000), [0.0, 1 - 2.0**-53]])
    expected = lengths[np.searchsorted(cumulative / cumulative[-1], uniform, side="right")]
    assert (inverse(uniform) == expected).all()
    for least in (0, 1, 2.5, 300, lengths[-1], lengths[-1] + 1):
        assert ((uniform >= inverse.reaching(least)) == (expected >= least)).all()


@pytest.mark.parametrize("long_from", [None, 1225, 500.5])
def test_the_day_is_counted_as_its_rows_are(day, tmp_path, long_from):
    """By arrays instead of rows: every table has the same cells and sums."""
    connection = connect(folder=tmp_path)
    found = []
    for by_rows in (True, False):
        counts.create_tables(connection)
        units = [(0, 999), (1000, 29_999)]
        if by_rows:
            for unit in units:
                stated = day.view(connection, unit, 0)
                connection.execute(counts.counted_view(10**7, stated, long_from, ()))
                counts.add_counts(connection, stated, long_from)
        else:
            for name, frame in day.tally(units, long_from=long_from).items():
                columns = ", ".join(frame.columns)
                connection.register("frame", frame)
                connection.execute(f"INSERT INTO {name} ({columns}) FROM frame")
        counts.sum_tables(connection)
        found.append([connection.execute(f"FROM {n} ORDER BY ALL").df() for n in counts.TABLES])
    for one, other in zip(*found, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert [len(table) for table in found[0]][:2] > [500, 500]


def test_shorter_queries_need_not_be_drawn(day):
    rows, some = day.draw(0, 999).to_pandas(), day.draw(0, 999, 700).to_pandas()
    assert 50 < len(some) < 500
    pd.testing.assert_frame_equal(some, rows[rows["output"] >= 700].reset_index(drop=True))


def test_units_cover_the_day(day):
    covered = [query for first, last in day.units() for query in (first, last)]
    assert (covered[0], covered[-1]) == (0, N - 1)


@pytest.mark.parametrize(
    ("log", "answer"), [("a/log.csv", None), ("generate:mine:1e9", ("mine", 10**9))]
)
def test_a_name_of_a_day_is_read(log, answer):
    assert parse(log) == answer


@pytest.mark.parametrize(
    "count", ["", "many", "0", "1.5", "nan", "1e99", "1e9:more", "1_000", " 5", "５"]
)
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(InputError, match="whole number"):
        parse(f"generate:mine:{count}")
