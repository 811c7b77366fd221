"""Energy per query, its intervals, and the ratio of long to short queries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.stress import tables
from inference_energy.stress import window as stress_window
from library.stress.made_up import closed_loop, energies


def test_throughput_follows_littles_law():
    requests = closed_loop(concurrency=4, rounds=20)
    window, findings = stress_window.steady_window(requests, 4)
    row = tables.performance(requests, window)
    assert row["throughput_tps"] == pytest.approx(4 * 101 / 1.5, rel=0.02)
    assert row["prefill_share"] == pytest.approx(0.5 / 1.5)
    assert row["latency_p50_s"] == pytest.approx(1.5)
    assert findings == []


@given(st.floats(1, 1e6), st.floats(1, 1e5), st.floats(1.1, 10))
def test_energy_per_query_is_linear_in_energy_and_length(energy, tokens, factor):
    one = tables.energy_per_query(energy, tokens, 300)
    assert tables.energy_per_query(factor * energy, tokens, 300) == pytest.approx(factor * one)
    assert tables.energy_per_query(energy, tokens, factor * 300) == pytest.approx(factor * one)
    assert np.isnan(tables.energy_per_query(np.nan, tokens, 300))


def test_energy_per_query_by_hand():
    assert tables.energy_per_query(3600.0, 600, 300) == 0.5


def test_mean_interval_by_hand():
    mean, low, high, count = tables.mean_interval([1.0, 2.0, 4.0])
    assert (mean, count) == (pytest.approx(2.0), 3)
    assert np.log(high / mean) == pytest.approx(4.302653 * np.log(2) / np.sqrt(3))
    assert low * high == pytest.approx(mean**2)
    assert np.isnan(tables.mean_interval([1.0])[1])
    assert np.isnan(tables.mean_interval([1.0, 1.1])[1]), "two values give no interval"
    assert tables.mean_interval([np.nan])[3] == 0


def test_intervals_of_the_ratio_hold_the_true_ratio_as_often_as_stated():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        short, long = random.lognormal(0, 0.1, 3), random.lognormal(np.log(13), 0.05, 3)
        _, low, high = tables.ratio_interval(long, short)
        held += low <= 13 <= high
    assert 0.92 <= held / 400 <= 0.99


def test_ratio_without_repetitions_has_no_interval():
    ratio, low, high = tables.ratio_interval([13.0, 13.0], [1.0, 1.0, 1.0])
    assert ratio == 13.0
    assert np.isnan(low) and np.isnan(high)
    assert np.isnan(tables.ratio_interval([np.nan], [1.0])[0])


@pytest.mark.parametrize(
    ("long", "verdict"),
    [(3.9, "within the interval"), (4.5, "published is lower"), (3.0, "published is higher")],
)
def test_measured_ratio_is_set_against_published_and_predicted(long, verdict):
    table = tables.ratio_table(energies(long), 13.0, {300: 0.25, 4500: 5.0})
    row = table.iloc[0]
    assert (row["shortest"], row["longest"]) == (300, 4500)
    assert row["measured"] == pytest.approx(long / 0.3)
    assert row["predicted"] == pytest.approx(20)
    assert row["verdict"] == verdict


def test_a_prediction_at_other_lengths_is_interpolated_but_never_extrapolated():
    # E = L**1.2 is straight in the logarithms, so any two lengths give the ratio exactly
    between = tables.ratio_table(energies(3.9), 13.0, {n: n**1.2 for n in (100, 1000, 5000)})
    assert between.iloc[0]["predicted"] == pytest.approx(15**1.2)
    beyond = tables.ratio_table(energies(3.9), 13.0, {n: n**1.2 for n in (100, 1000, 4000)})
    assert np.isnan(beyond.iloc[0]["predicted"])


def test_interval_that_cannot_tell_long_from_short_gives_no_verdict():
    assert tables.ratio_verdict(13.0, 9.0, 0.1, 800.0, [3, 3]).startswith("not told")


@pytest.mark.parametrize(
    ("longest", "verdict"),
    [
        (1500, "not told: of 5 times the tokens, the paper's is of 15 to 16.7 times"),
        (4000, "not told: of 13.3 times the tokens, the paper's is of 15 to 16.7 times"),
        (4499, "published is higher"),
        (5000, "published is higher"),
        (9000, "not told: of 30 times the tokens, the paper's is of 15 to 16.7 times"),
    ],
)
def test_the_paper_is_not_judged_by_other_lengths_than_its_own(longest, verdict):
    """As where the longest cells are refused, or not yet run."""
    cells = energies(3.0).replace({"output_tokens": {4500: longest}})
    assert tables.ratio_table(cells, 13.0).iloc[0]["verdict"] == verdict


def test_verdict_without_interval_counts_what_there_is():
    """A cell whose energy is refused is missing, however many repetitions were asked for."""
    assert tables.ratio_verdict(13.0, 12.0, np.nan, np.nan, [3, 2]) == (
        "no interval: 3 repetitions are needed, the longest has 3 with energy and the shortest 2"
    )


def test_refused_energy_leaves_no_ratio():
    table = tables.ratio_table(energies(np.nan), 13.0)
    assert table.iloc[0]["verdict"] == "not measured"
    energy = tables.energy_table(energies(np.nan))
    longest = energy[energy["output_tokens"] == 4500].set_index("statistic")["value"]
    assert longest["n"] == 0 and np.isnan(longest["mean"])
