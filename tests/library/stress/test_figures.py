"""The figures of a stress test show what was measured, and can be read."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.stress import figures, forecast, tables, timeline
from inference_energy.stress.impact import boundaries, predicted_ratios
from legibility import problems
from library.stress.made_up import energies
from marks import places

NOTHING = pd.DataFrame(columns=timeline.COLUMNS)


def measured(concurrencies):
    """Cells and energies of loads from few to many requests at once, at two meters."""
    cells = pd.concat([energies(3.9).assign(concurrency=load) for load in concurrencies])
    cells = cells.assign(status="measured", throughput_tps=2000 - 0.1 * cells["output_tokens"])
    power = [cells.assign(scope=scope) for scope in ("gpu", "node")]
    return cells, tables.energy_table(pd.concat(power))


def latencies(cells):
    """Add latencies that grow with the length and the percentile."""
    growth = {
        f"{name}_p{percent}_s": cells["output_tokens"] * percent * 1e-4
        for name in figures.LATENCIES
        for percent in figures.PERCENTILES
    }
    return cells.assign(**growth)


def states():
    """Two scopes over two minutes, of which one tells more than its power."""
    times = pd.date_range("2026-01-31T12:00:00Z", periods=120, freq="s")
    node = pd.DataFrame({"scope": "node", "time": times.strftime("%Y-%m-%dT%H:%M:%SZ")})
    node = node.assign(power_w=5000.0, requests=8).reindex(columns=timeline.COLUMNS)
    more = {"power_w": 3000.0, "utilisation": 0.9, "memory_gb": 640.0, "clock_mhz": 1980.0}
    return pd.concat([node.assign(scope="gpu", **more), node], ignore_index=True)


def drawn(cells, energy, over_time=NOTHING):
    """Figures of what was measured, beside a law that predicts twice as much."""
    power = cells.assign(scope="gpu", idle_w=100.0, power_w=500.0)
    means = boundaries(energy, power, forecast.NOTHING)
    table = means.rename(columns={"value": "predicted"}).assign(prediction=forecast.LAW)
    table["predicted"] *= 2
    ratio = tables.ratio_table(power, 13.0)
    named = {"cells": cells, "power": power, "energy": energy, "ratio": ratio}
    named |= {"predicted": table, "forecasts": predicted_ratios(table, ratio)}
    return figures.draw(named | {"timeline": over_time})


def test_energies_and_throughputs_stand_at_their_lengths():
    cells, energy = measured([8])
    left, middle, right = drawn(latencies(cells), energy)["energy"].axes
    means = energy[energy["statistic"] == "mean"]
    for scope, mark in (("gpu", "o"), ("node", "s")):
        own = means[means["scope"] == scope]
        expected = zip(own["output_tokens"], own["value"], strict=True)
        assert sorted(places(left, mark)) == sorted(expected)
    speeds = cells.groupby("output_tokens")["throughput_tps"].mean()
    assert places(middle, "o") == list(speeds.items())
    ((_, ratio),) = places(right, "o")
    assert ratio == pytest.approx(13, rel=1e-3)


def test_every_prediction_has_a_mark_of_its_own():
    cells, energy = measured([8])
    power = cells.assign(scope="gpu", idle_w=100.0, power_w=500.0)
    predicted = [forecast.LAW, "revised", "mine", "yours"]
    ratios = pd.DataFrame({"prediction": predicted, "ratio": [12.0, 13.0, 14.0, 15.0]})
    named = {"cells": latencies(cells), "power": power, "energy": energy, "timeline": NOTHING}
    named |= {
        "ratio": tables.ratio_table(power, 13.0),
        "predicted": pd.DataFrame(columns=forecast.COLUMNS),
    }
    named["forecasts"] = ratios.assign(scope="gpu", concurrency=8)
    lines = figures.draw(named)["energy"].axes[2].get_legend().legend_handles
    marks = {line.get_label(): line.get_marker() for line in lines if line.get_label() in predicted}
    assert len(set(marks.values())) == len(predicted)
    assert (marks[forecast.LAW], marks["revised"]) == ("+", "x")


def test_latencies_stand_at_their_lengths():
    cells, energy = measured([8])
    for axes in drawn(latencies(cells), energy)["latency"].axes:
        for percent, (_, mark) in figures.PERCENTILES.items():
            expected = [(n, n * percent * 1e-4) for n in (300, 1200, 4500)]
            np.testing.assert_allclose(places(axes, mark), expected)


def test_of_one_length_every_mark_is_whole_and_its_own_and_no_ratio_has_an_axis():
    cells, _ = measured([8])
    cells = latencies(cells).query("output_tokens == 4500")
    energy = tables.energy_table(cells.assign(scope="gpu"))
    shown = drawn(cells, energy, states())
    for axes in [*shown["latency"].axes, shown["energy"].axes[1], *shown["timeline"].axes[:-1]]:
        tops = [max(line.get_ydata()) for line in axes.lines]
        assert max(tops) < 0.97 * axes.get_ylim()[1]
    marks = [line.get_marker() for line in shown["latency"].axes[0].lines]
    assert len(set(marks)) == len(figures.PERCENTILES)
    assert not shown["energy"].axes[2].axison


def test_only_what_the_meters_told_is_shown_over_time():
    cells, energy = measured([8])
    axes = drawn(latencies(cells), energy, states())["timeline"].axes
    assert [axis.get_ylabel() for axis in axes] == list(figures.STATES.values())
    assert [len(axis.lines) for axis in axes] == [3, 1, 1, 1, 0]
    alone = states().query("scope == 'node'")
    axes = drawn(latencies(cells), energy, alone)["timeline"].axes
    assert [axis.get_ylabel() for axis in axes] == ["power [W]", "requests in flight"]


@pytest.mark.parametrize("name", figures.NAMES)
def test_full_figures_can_be_read(name):
    cells, energy = measured([1, 4, 16, 64])
    assert problems(drawn(latencies(cells), energy, states())[name]) == {}


def test_without_measurements_the_figures_say_so():
    cells, _ = measured([8])
    nothing = tables.energy_table(energies(1).iloc[:0])
    empty = drawn(latencies(cells).iloc[:0], nothing)
    assert tuple(empty) == figures.NAMES
    told = {text.get_text() for f in empty.values() for axes in f.axes for text in axes.texts}
    assert {"energy not measured", "power not measured", "no cell is used"} <= told
    assert [problems(figure) for figure in empty.values()] == [{}, {}, {}]
