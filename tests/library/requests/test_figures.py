"""Figures of a log show what its tables hold, and can be read."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests import answers, figures
from inference_energy.requests.energies import PARTS, steps
from legibility import problems
from library.requests.grouped import by_hour


@pytest.fixture
def medians(answered, paper):
    """The paper's query beside the log's."""
    serving, counts, _ = answered
    lengths = counts["lengths"]
    return answers.medians(serving, paper, "the paper", lengths, steps(serving, lengths))


@pytest.mark.parametrize("largest", [1, 1000, 10**6])
def test_the_distribution_shows_both_medians_and_what_the_largest_need(answered, medians, largest):
    serving, counts, _ = answered
    figure = figures.distribution(serving, steps(serving, counts["lengths"]), medians, largest)
    density, shares = figure.axes
    marked = {line.get_xdata()[0] for line in density.lines}
    assert marked == {medians["energy_wh_p50"][0], medians["energy_wh_p50"][2]}
    curve, dot = shares.lines
    (x,), (y,) = dot.get_data()
    assert x == pytest.approx(min(largest, counts["lengths"]["n"].sum()))
    assert y == pytest.approx(np.interp(x, *curve.get_data()), abs=0.01)
    assert curve.get_ydata()[-1] == pytest.approx(1)
    assert problems(figure) == {}


def test_a_log_of_few_requests_needs_all_of_its_energy(answered, medians):
    serving, counts, _ = answered
    figure = figures.distribution(serving, steps(serving, counts["lengths"][:1]), medians, 1000)
    figure.canvas.draw()
    density, shares = figure.axes
    assert "100 %" in shares.texts[0].get_text()
    assert max(tick for tick in density.get_yticks()) <= 1
    assert problems(figure) == {}


def test_a_log_without_energy_can_be_drawn(answered, medians):
    serving, counts, _ = answered
    nothing = steps(serving, counts["lengths"]).assign(energy=0.0)
    zero = medians.assign(energy_wh_p50=[0.3, 0.4, 0.0, 0.0])
    assert problems(figures.distribution(serving, nothing, zero, 1000)) == {}


def test_bars_are_the_parts_of_the_log_and_of_its_models(answered):
    serving, counts, table = answered
    parts = answers.parts(serving, counts["lengths"], table)
    figure = figures.parts(parts)
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    whole = parts[parts["model"] == "all"].set_index("part")["energy_share"]
    assert widths[:: len(widths) // len(PARTS)] == pytest.approx(list(whole[list(PARTS)]))
    assert problems(figure) == {}
    many = pd.concat([parts, *(parts.assign(model=f"${k} {'m' * 40}") for k in range(20))])
    assert problems(figures.parts(many)) == {}
    assert problems(figures.parts(parts.assign(energy_wh_p50=0.0))) == {}
    small = figures.parts(parts.assign(energy_wh_p50=0.004))
    assert {text.get_text() for text in small.axes[0].texts} == {"0.012 Wh"}


@pytest.mark.parametrize("flying", [np.nan, 3.0])
@pytest.mark.parametrize("every", [1, 30])
def test_hours_stand_where_they_are_and_gaps_are_empty(answered, flying, every):
    serving, counts, table = answered
    hours = by_hour(serving, counts, table).assign(in_flight=flying)
    start = pd.date_range("2025-01-01", periods=len(hours), freq=f"{every}h")
    hours = hours.assign(hour=start.strftime("%Y-%m-%dT%H:00Z"))
    figure = figures.hours(hours)
    assert len(figure.axes) == (1 if np.isnan(flying) else 2)
    x, y = figure.axes[0].lines[0].get_data()
    held = np.trapezoid(y, x) * (1 if every == 1 else 24)
    assert held == pytest.approx(hours["energy_wh_p50"].sum() / 1000)
    assert figure.axes[0].get_ylabel() == "Energy [kWh per hour]"
    assert problems(figure) == {}
    columns = ["energy_wh_p5", "energy_wh_p50", "energy_wh_p95"]
    small = figures.hours(hours.assign(**hours[columns] / 1e6))
    assert small.axes[0].get_ylabel() == "Energy [Wh per hour]"
    assert re.search(r"needs .*\d Wh$", small.get_label())


def test_a_log_of_which_no_start_is_a_time_has_a_figure_without_hours(answered):
    serving, counts, table = answered
    none = counts | {"hours": counts["hours"].iloc[:0]}
    figure = figures.hours(by_hour(serving, none, table))
    assert figure.axes == [] and figure.get_label() == "No request says its hour"
    assert problems(figure) == {}
