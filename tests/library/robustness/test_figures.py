"""Figures of the audit show the numbers of its tables."""

import numpy as np
import pandas as pd
import pytest
from inference_energy import drawing
from inference_energy.robustness import figures
from marks import places
from redraw import draw
from repository import METHODS, read, read_multiverse, read_yaml


def test_the_base_is_named_as_a_reader_knows_it():
    assert figures.name_of(METHODS["oviedo2025"]) == "the paper"
    assert figures.name_of(METHODS["revised"]) == "revised"
    ranks = read("results/audit/multiverse_distribution.csv", "multiverse_distribution")
    assert figures._ranks(ranks, "the paper").startswith("The paper's medians are higher than ")
    assert figures._ranks(ranks, "revised").startswith("revised's medians are higher than ")


def test_the_papers_own_specification_is_marked_at_its_rank():
    axes = draw("figures/audit/specification_curve").axes
    table = read("results/audit/multiverse_distribution.csv", "multiverse_distribution")
    table = table[table["quantity"] == "p50"].set_index(["regime", "statistic"])["value"]
    marks = [mark for ax in axes for mark in places(ax, "o")]
    assert marks == [
        (100 * table[regime, "published_rank"], table[regime, "published"])
        for regime in ("traditional", "long")
    ]


def test_bars_of_the_tornado_end_where_the_table_says():
    table = read("results/audit/tornado.csv", "tornado")
    indices = read("results/audit/sobol_indices.csv", "sobol_indices")
    inputs = read_yaml("config/sensitivity.yaml")["inputs"]
    axes = figures.tornado(table, indices, inputs).axes[0]
    shown = {inputs[name]["title"]: name for name in inputs}
    values = table[table["output"] == "median traditional"].set_index(["input", "end"])["value"]
    rows = [shown[label.get_text()] for label in axes.get_yticklabels()]
    bars = [line for line in axes.lines if line.get_solid_capstyle() == "butt"]
    assert len(bars) == 2 * len(rows)
    for bar in bars:
        name = rows[int(bar.get_ydata()[0])]
        base, end = bar.get_xdata()
        assert base == values[name, "base"]
        assert end in (values[name, "low"], values[name, "high"])


def test_inputs_of_the_tornado_come_by_their_largest_total_index():
    indices = read("results/audit/sobol_indices.csv", "sobol_indices")
    inputs = read_yaml("config/sensitivity.yaml")["inputs"]
    total = indices[indices["index"] == "total"]
    drawn = {"median traditional", "median long", "fleet mixed"}
    largest = total[total["output"].isin(drawn)].groupby("input")["value"].max()
    axes = draw("figures/audit/tornado").axes[0]
    titles = {inputs[name]["title"]: value for name, value in largest.items()}
    order = [titles[label.get_text()] for label in axes.get_yticklabels()]
    assert order == sorted(order, reverse=True)
    assert min(order) > 0


def test_shares_of_the_dashboard_are_those_of_the_table():
    axes = draw("figures/audit/specification_curve").axes[1]
    curve = read("results/audit/specification_curve.csv", "specification_curve")
    mine = curve[curve["regime"] == "traditional"]
    mine = mine.groupby(["choice", "option"])["share"].apply(list)
    choices = read_multiverse()["choices"]
    rows = [(c, o) for c, choice in choices.items() for o in choice["options"]]
    assert len(axes.images) == len(rows)
    for image, row in zip(axes.images, rows, strict=True):
        np.testing.assert_array_equal(np.ravel(image.get_array()), mine[row])
    assert {image.get_clim() for image in axes.images} == {(0, 1)}


def test_choices_that_a_refusal_links_show_one_share_with_a_star():
    figure = draw("figures/audit/specification_curve")
    written = [label.get_text() for label in figure.axes[1].texts]
    starred = [label for label in written if label.endswith("*")]
    table = read("results/audit/multiverse_variance.csv", "multiverse_variance")
    table = table[(table["regime"] == "traditional") & (table["effect"] == "total")]
    linked = table[table["choice"].str.contains(" + ", regex=False)]
    shares = [f"{100 * value:.0f} %*" for value in linked["value"]]
    assert shares
    assert sorted(starred) == sorted(2 * shares)
    assert figures.LINKED.strip() in figure.texts[1].get_text()


@pytest.mark.filterwarnings("error")
def test_a_figure_of_parts_names_none_of_what_has_no_spread():
    shares = {"traditional": {"law": 0.0, "load": 0.0}, "long": {"law": 0.25, "load": 0.75}}
    lines = [(kind, name, part) for kind, of in shares.items() for name, part in of.items()]
    lines += [(kind, "together", 0.0) for kind in shares]
    parts = pd.DataFrame(lines, columns=["regime", "source", "share"])
    for known, told in (
        (parts, "Largest part of a query's spread: load, 75 % (long)"),
        (parts.assign(share=0.0), "No query has a spread"),
    ):
        figure = figures.variance_shares(known)
        assert drawing.title(figure) == told
