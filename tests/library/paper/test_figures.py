"""Figures of the paper show the numbers of the tables."""

import numpy as np
import pandas as pd
import pytest
from inference_energy import drawing
from inference_energy.paper import figures
from inference_energy.text import number
from marks import median_dots
from matplotlib.text import Text
from redraw import draw_folder, read_method
from repository import read


@pytest.fixture(scope="module", params=["oviedo2025", "oviedo2026"])
def drawn(request):
    """Tables and figures of a method."""
    return read_method(request.param), draw_folder(f"figures/{request.param}")


def medians(table, **where):
    """Medians by the published engine."""
    for column, value in {"engine": "published", "statistic": "p50", **where}.items():
        table = table[table[column] == value]
    return table


@pytest.mark.parametrize(("place", "regime"), [("1", "traditional"), ("2", "long")])
def test_violins_show_the_medians_of_the_table(drawn, place, regime):
    tables, figure = drawn
    table = medians(tables["energy_per_query"], regime=regime)
    blend = table["subject"].str.startswith("frontier blend")
    by_model = table[~blend]["value"]
    by_pathway = table[table["subject"] == "frontier blend"]["value"]
    for name, expected in ((f"{place}a", by_model), (f"{place}b", by_pathway)):
        assert sorted(x for x, _ in median_dots(figure[name])) == sorted(expected)
        written = " ".join(t.get_text() for t in figure[name].findobj(Text))
        assert all(f"{number(value)} (" in written for value in expected)


def test_models_stand_in_descending_order(drawn):
    for name in ("1a", "2a"):
        by_row = sorted(median_dots(drawn[1][name]), key=lambda dot: -dot[1])
        values = [x for x, _ in by_row]
        assert values == sorted(values, reverse=True)


def test_the_models_of_the_blend_are_marked_whatever_they_are_ranked_by():
    """A method may take the largest models, or give all to one, and not the largest medians."""
    of = read_method("oviedo2026")
    blend = of["blend"].assign(model=["Mixtral 8x22B", "Llama 3.1 70B", "Llama 3.1 405B"])
    blend["long_share"] = [1.0, 0.0, 0.0]
    marked = {}
    for regime in ("traditional", "long"):
        figure = figures.energy_by_model(
            of["energy_per_query"], of["densities"], of["method"], blend, regime, of["published"]
        )
        labels = [text.get_text() for text in figure.findobj(Text)]
        marked[regime] = {label[:-2] for label in labels if label.endswith(" *")}
    assert marked["traditional"] == set(blend["model"])
    assert marked["long"] == {"Mixtral 8x22B"}


def test_sensitivities_show_the_medians_of_the_table(drawn):
    tables, figure = drawn
    table = medians(tables["sensitivity"], analysis="input_tokens", subject="frontier blend")
    assert sorted(x for x, _ in median_dots(figure["s3"])) == sorted(table["value"])
    trimmed = medians(tables["energy_per_query"])
    coupled = medians(tables["sensitivity"], analysis="power_utilisation_coupling")
    expected = [
        value
        for table in (trimmed, coupled)
        for value in table[table["subject"] != "frontier blend untrimmed"]["value"]
    ]
    assert sorted(x for x, _ in median_dots(figure["s4"])) == sorted(expected)


@pytest.mark.parametrize(("count", "shown"), [(1, [0]), (4, [0, 1, 2, 3]), (100, [0, 33, 66, 99])])
def test_some_of_many_input_lengths_are_drawn_the_ends_among_them(count, shown):
    """A method may state a hundred, and a page holds four."""
    table = read_method("oviedo2026")["sensitivity"]
    one = table[(table["analysis"] == "input_tokens") & (table["setting"] == "1000")]
    lengths = [str(1000 + 7 * place) for place in range(count)]
    figure = figures.input_length(pd.concat([one.assign(setting=n) for n in lengths]))
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert [title.split()[1] for title in titles] == [f"{int(lengths[n]):,}" for n in shown]
    written = [text.get_text() for text in figure.findobj(Text)]
    told = f"4 of {count} input lengths are drawn; sensitivity.csv has all."
    assert (told in written) == (count > 4)


def test_fleet_bars_are_as_long_as_the_table_says(drawn):
    tables, figure = drawn
    table = medians(tables["fleet"]).set_index(["scenario", "pathway"])["value"]
    ends = {}
    for name in ("3a", "3b"):
        for bar in figure[name].axes[0].patches:
            ends[name, bar.get_y()] = bar.get_x() + bar.get_width()
    expected = [
        ("traditional", "baseline"),
        ("traditional", "improved"),
        ("traditional", "baseline"),
        ("mixed", "baseline"),
        ("mixed", "improved"),
    ]
    np.testing.assert_allclose(list(ends.values()), [table[key] for key in expected], rtol=1e-5)


def test_published_values_stand_beside_the_computed(drawn):
    tables, figure = drawn
    version = tables["method"]["claims"]
    own = tables["published"][tables["published"]["version"] == version]
    printed = own.set_index("claim")
    for name, claim in (("1b", "median-traditional"), ("2b", "median-long")):
        diamonds = [m for m in figure[name].axes[0].lines if m.get_marker() == "D"]
        assert [m.get_xdata()[0] for m in diamonds] == [printed.loc[claim, "value"]]
    for name, claims in (("3a", 1), ("3b", 3)):
        diamonds = [m for m in figure[name].axes[0].lines if m.get_marker() == "D"]
        values = printed.loc[["fleet-baseline", "fleet-mixed", "fleet-mixed-improved"], "value"]
        assert [m.get_xdata()[0] for m in diamonds] == list(values[:claims])


@pytest.mark.parametrize("name", ["oviedo2025", "oviedo2026", "oviedo2026-as-written", "revised"])
def test_no_published_value_lies_beyond_its_axis(name):
    for figure in draw_folder(f"figures/{name}").values():
        for axis in figure.axes:
            low, high = axis.get_xlim()
            diamonds = [line for line in axis.lines if line.get_marker() == "D"]
            assert all(low <= place <= high for d in diamonds for place in d.get_xdata())


def test_a_method_that_is_not_held_against_the_paper_shows_no_published_value():
    tables = read_method("oviedo2026")
    energy, fleet, method = tables["energy_per_query"], tables["fleet"], dict(tables["method"])
    del method["claims"]
    shown = [
        figures.energy_by_pathway(energy, tables["densities"], method, "long", tables["published"]),
        figures.fleet_mixed(fleet, tables["references"], method, tables["published"]),
    ]
    for figure in shown:
        assert not [m for m in figure.axes[0].lines if m.get_marker() == "D"]


def test_titles_say_what_the_numbers_give(drawn):
    tables, figure = drawn
    blend = {"subject": "frontier blend", "pathway": "baseline"}
    table = medians(tables["energy_per_query"], **blend).set_index("regime")["value"]
    times = number(table["long"] / table["traditional"])
    assert drawing.title(figure["2b"]) == f"Long queries cost {times} times as much"
    day = medians(tables["fleet"]).set_index(["scenario", "pathway"])["value"]
    times = number(day["mixed", "baseline"] / day["traditional", "baseline"])
    assert drawing.title(figure["3b"]).endswith(f"multiply a fleet's energy by {times}")


def test_reference_lines_follow_from_the_reference_values():
    table = read("data/published/references.csv", "references")
    lines = list(figures.fleet_references(table).values())
    assert lines == pytest.approx([30 * 0.8 * 24 / 1000, 0.3])
    table.loc[table["quantity"] == "datacenter power", "value"] *= 2
    doubled = list(figures.fleet_references(table).values())
    assert doubled == pytest.approx([2 * lines[0], lines[1]])
