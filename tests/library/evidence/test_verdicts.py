"""A method is weighed: every row of every table names a source."""

from dataclasses import replace

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.evidence import figures
from inference_energy.evidence.coverage import PAPERS_LIST, QUERIES
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from inference_energy.evidence.page import each
from inference_energy.evidence.verdicts import (
    NOT_TESTABLE,
    by_source,
    degree,
    how_judged,
    weigh,
)
from inference_energy.method.setup import Coupling
from inference_energy.tables import write_table
from inference_energy.text import FEW, share_of
from library.evidence.points import drawn
from repository import ROOT


def test_every_row_of_every_table_names_a_source(tables, sources):
    summaries = {"overestimate_shares", "coverage", "evidence_verdicts"}
    for name in set(tables) - summaries:
        cited = tables[name]["source_id"]
        if name == "length_quantiles":
            cited = cited[tables[name]["kind"] != "method"]
        assert set(cited) <= sources, name


def test_every_table_is_the_committed_one(tables, tmp_path):
    """To the last byte: what is set beside what, and which lines there are."""
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.csv", name)
        committed = ROOT / "results/validation/oviedo2026" / f"{name}.csv"
        assert (tmp_path / f"{name}.csv").read_bytes() == committed.read_bytes(), name


def test_verdicts_on_few_figures_or_sources_are_counted(tables):
    table = tables["evidence_verdicts"]
    assert (table["sources"] <= table["n"]).all()
    for line in table.to_dict("records"):
        written = share_of(line["share"], line["n"], line["sources"])
        assert ("%" in written) == (line["n"] >= FEW and line["sources"] >= FEW)
        assert written.endswith(str(line["n"]))
    assert (table["sources"] < FEW).any() and (table["sources"] >= FEW).any()


def test_a_utilisation_that_follows_the_throughput_is_refused(setup, settings):
    """Nodes at the wall are held against a range of its own."""
    coupled = replace(setup, power_utilisation=Coupling(0.24, 0.56))
    with pytest.raises(InputError, match=r"value coupled: .*; allowed is .*; state one"):
        weigh(coupled, {}, settings, None)


def test_fewer_than_five_figures_test_no_statement(tables):
    table = tables["evidence_verdicts"]
    few = table[table["n"] < FEW]
    assert {"overestimates", "output lengths", "consistency"} <= set(few["question"])
    assert set(few["verdict"]) == {NOT_TESTABLE}
    assert degree(1.0, FEW) == "holds"
    assert degree(1.0, FEW - 1) == NOT_TESTABLE


def test_sources_count_once():
    complies = pd.Series([True] * 38 + [False] * 2)
    sources = pd.Series(["one"] * 38 + ["two", "three"])
    share, low, high = by_source(complies, sources)
    assert share == pytest.approx(1 / 3)
    assert low < 0.1 and high > 0.7


def test_a_mean_per_request_is_set_against_the_mean(tables):
    """Figures at production scale are means per request, and queries are skewed."""
    lines = tables["evidence_verdicts"].set_index("group")
    predicted = tables["predicted"]
    own = predicted[
        predicted["set"].eq(PAPERS_LIST)
        & predicted["basis"].eq(QUERIES)
        & predicted["counted"].eq("yes")
    ]
    line = lines.loc[f"{PAPERS_LIST}, {QUERIES}"]
    assert line["what"] == "predicted over measured"
    assert line["middle"] == pytest.approx(own["counterpart_over_measured"].median())
    assert line["middle"] > own["predicted_over_measured"].median()


def test_a_median_is_set_against_the_median(tables, settings, estimates):
    predicted = tables["predicted"]
    of_median = predicted["id"].isin(settings["medians"]["estimates"])
    assert set(predicted.loc[of_median, "statistic"]) == {"median"}
    assert set(predicted.loc[~of_median, "statistic"]) == {"mean"}
    spread = predicted["basis"].eq(QUERIES)
    for rows, own in ((of_median & spread, "predicted_p50_wh"), (~of_median, "predicted_mean_wh")):
        some = predicted[rows]
        assert len(some) and some["counterpart_over_measured"].to_numpy() == pytest.approx(
            (some[own] / some["measured_wh"]).to_numpy(), rel=1e-4
        )
    # whoever states a median says so
    said = estimates["subject"].str.contains("median", case=False) & estimates["query"].eq("text")
    assert set(estimates.loc[said, "id"]) <= set(settings["medians"]["estimates"])


def test_a_sweep_that_begins_above_one_cannot_refute(tables):
    table = tables["evidence_verdicts"]
    measured = table[table["group"].str.contains("measured from")]
    assert set(measured["verdict"]) <= {"holds", "not testable"}


def test_a_verdict_follows_from_the_share_or_from_a_rule_that_pages_print(tables, settings):
    rules = how_judged(settings["nominal_coverage"])
    table = tables["evidence_verdicts"]
    share = map(degree, table["share"], table["n"])
    other = table["verdict"] != pd.Series(list(share), table.index)
    assert set(table["question"][other]) == {"concurrency", "consistency"} == set(rules) - {"share"}


def test_the_settings_name_known_sources(settings, sources):
    def cited(tree):
        if isinstance(tree, dict):
            return set(tree.get("sources", [])).union(*map(cited, tree.values()))
        return set()

    assert cited(settings)
    assert cited(settings) <= sources


def test_a_method_with_models_of_its_own_is_weighed_too(
    setup, data, settings, band, laws, tmp_path
):
    named = {model.name: f"our model {i}" for i, model in enumerate(setup.models)}
    models = tuple(replace(model, name=named[model.name]) for model in setup.models)
    tables = weigh(replace(setup, models=models), data, settings, laws)
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.csv", name)
    ratios = tables["overestimates"]
    assert set(ratios["reading"]) == {ABSTRACT}
    assert set(ratios["reference"]) == {"median of the frontier blend, traditional"}
    known = tables["decomposition"].query("known == 'yes'")
    assert set(known["factor"]) == {"boundary"}
    for reading in (PAPER, LIKE):
        assert not drawn(figures.forest(ratios, reading, band), tmp_path / "figure.svg")
    figure = figures.decomposition(tables["decomposition"], ratios, band)
    assert not drawn(figure, tmp_path / "figure.svg")
    assert drawn(figures.predicted(tables["predicted"]), tmp_path / "figure.svg")
    shown = tables | {name: data[name] for name in ("concurrency", "blackwell", "production")}
    verdicts = {"ours": tables["evidence_verdicts"]}
    text = each(verdicts, shown, data["estimates"], settings, "ours")
    assert "no law: the model is not in the method's benchmark table" in text
