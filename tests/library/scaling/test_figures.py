"""Figures of long answers, water and carbon, and the counter-signal show their tables."""

import numpy as np
import pytest
from inference_energy.method.setup import UNTRIMMED
from inference_energy.scaling import figures
from inference_energy.scaling.counter_signal import per_unit
from marks import median_dots, places
from redraw import draw
from repository import read

METHOD = "oviedo2026"


def test_every_model_has_its_medians_by_length():
    table = read(f"results/{METHOD}/scaling.csv", "scaling")
    axes = draw(f"figures/{METHOD}/scaling").axes[0]
    rows = table[(table["statistic"] == "p50") & (table["subject"] != UNTRIMMED)]
    marks = [mark for marker in figures.MARKERS for mark in places(axes, marker)]
    assert sorted(marks) == sorted(zip(rows["output_tokens"], rows["value"], strict=True))


@pytest.mark.filterwarnings("error")
def test_queries_of_no_tokens_and_no_energy_stand_outside_the_axes():
    table = read(f"results/{METHOD}/scaling.csv", "scaling")
    lengths = table.assign(
        output_tokens=table["output_tokens"].where(table["output_tokens"] > 300, 0),
        value=table["value"].where(table["output_tokens"] > 300, 0),
    )
    axes = figures.scaling(lengths, read(f"results/{METHOD}/crossing.csv", "crossing")).axes[0]
    assert min(*axes.get_xlim(), *axes.get_ylim()) > 0


def test_the_fleets_day_is_that_of_the_table():
    table = read(f"results/{METHOD}/crossing.csv", "crossing")
    rows = table[(table["analysis"] == "intervention") & (table["basis"] == "mean")]
    axes = draw(f"figures/{METHOD}/scaling").axes[1]
    for quantity, marker in (("fleet", "o"), ("fleet improved", "s")):
        own = rows[rows["quantity"] == quantity]
        expected = zip(100 * own["long_share"], own["value"], strict=True)
        np.testing.assert_allclose(sorted(places(axes, marker)), sorted(expected))


def test_water_and_carbon_are_those_of_all_queries_of_the_table():
    table = read(f"results/{METHOD}/footprint.csv", "footprint")
    rows = table[(table["setting"] == "range") & (table["per"] == "query")]
    rows = rows[rows["subject"] == UNTRIMMED]
    rows = rows[rows["boundary"].isin(["on-site water", "generation water", "operational carbon"])]
    figure = draw(f"figures/{METHOD}/footprint")
    medians, means = (rows[rows["statistic"] == of]["value"] for of in ("p50", "mean"))
    assert sorted(x for x, _ in median_dots(figure)) == sorted(medians)
    # a fleet pays the mean of all its queries, so that none is left out
    ticks = [x for axes in figure.axes for x, _ in places(axes, "|")]
    assert sorted(ticks) == sorted(means)


def test_every_published_count_stands_on_the_map_of_the_counter_signal():
    counts = per_unit(read("data/published/token_counts.csv", "token_counts"))
    for axes in draw("figures/audit/counter_signal").axes:
        marks = [mark for marker in figures.MARKERS for mark in places(axes, marker)]
        expected = zip(counts["call_tokens"], counts["calls"], strict=True)
        assert sorted(marks) == sorted(expected)
