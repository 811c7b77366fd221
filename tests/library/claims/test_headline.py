"""The numbers that a reader quotes."""

import pytest
from inference_energy.claims.headline import (
    MOST_LINES,
    QUOTED,
    RATIO,
    headline,
    moved_together,
    numbers,
    quantities,
    together,
)
from inference_energy.claims.selectors import Results
from repository import METHODS, read, read_schema

LONGER = "15 times"


def results(method):
    """Committed results of a method."""
    tables = ("energy_per_query", "fleet", "test_time")
    return Results(METHODS[method], {n: read(f"results/{method}/{n}.csv", n) for n in tables}, {})


def test_the_committed_table_is_that_of_the_results():
    published = read("data/published/claims.csv", "claims_published")
    committed = read("results/headline.csv", "headline")
    for method in committed["method"].unique():
        claims = read(f"results/{method}/claims.csv", "claims")
        table = headline(method, results(method), claims, published, LONGER)
        own = committed[committed["method"] == method]
        for column in ("value", "lower", "upper", "at_equal_tokens"):
            computed = dict(zip(table["quantity"], table[column], strict=True))
            written = dict(zip(own["quantity"], own[column], strict=True))
            # tables hold six digits, and ratios are of rounded numbers here
            assert computed == pytest.approx(written, rel=1e-5, nan_ok=True)
        columns = ["method", "quantity", "unit", "published", "verdict"]
        said = table.sort_values("quantity")[columns].fillna("").to_numpy().tolist()
        assert said == own[columns].fillna("").to_numpy().tolist()
        assert table.index.tolist() == list(range(len(table)))
        medians = table[table["lower"].notna()]
        assert medians["quantity"].tolist() == [
            "traditional query, median",
            "long query, median",
        ]
        assert (medians["lower"] < medians["value"]).all()
        assert (medians["value"] < medians["upper"]).all()
        lengthened = table.set_index("quantity")["at_equal_tokens"].dropna()
        assert lengthened.index.tolist() == [RATIO]
    assert len(committed) == len(QUOTED) * committed["method"].nunique() <= MOST_LINES


def of_methods(papers, others):
    """Lines of so many of the paper's methods and of others, each with every quantity."""
    committed = read("results/headline.csv", "headline")
    lines = {name: committed[committed["method"] == name] for name in ("oviedo2026", "revised")}
    names = ["oviedo2026"] * papers + ["revised"] * others
    return [lines[name].assign(method=f"{name}-{i}") for i, name in enumerate(names)]


def resolved(tables, others="revised"):
    """Methods of those lines; those of nobody extend another."""
    names = [table["method"].iloc[0] for table in tables]
    papers = {name: METHODS["oviedo2026"] for name in names if name.startswith("oviedo")}
    return dict.fromkeys(names, METHODS[others]) | papers


@pytest.mark.parametrize(
    ("papers", "others", "of_papers", "of_others"),
    [
        (3, 1, 7, 7),
        # a draft beside the four
        (3, 2, 7, 7),
        (3, 3, 7, 5),
        (3, 4, 7, 3),
        (3, 5, 7, 2),
        # not all that is quoted and all members of blends can be of 80 lines
        (3, 6, 7, 2),
        (3, 7, 7, 2),
        (3, 8, 6, 2),
        (3, 10, 5, 2),
        (5, 0, 4, 4),
        (8, 0, 4, 4),
        # both medians of each no longer fit
        (3, 16, 6, 1),
        (12, 0, 3, 3),
        (3, 33, 1, 1),
        (3, 36, 1, 1),
        (30, 30, 1, 1),
    ],
)
def test_the_table_of_many_methods_is_short_and_has_what_is_quoted_most(
    papers, others, of_papers, of_others
):
    tables = of_methods(papers, others)
    table = together(tables, resolved(tables))
    assert len(table) == papers * of_papers + others * of_others <= MOST_LINES
    assert table.index.tolist() == list(range(len(table)))
    for method, own in table.groupby("method"):
        most = of_papers if method.startswith("oviedo") else of_others
        assert set(own["quantity"]) == set(QUOTED[:most])
    assert table["method"].nunique() == papers + others


@pytest.mark.parametrize(
    ("others", "of_papers", "of_others"), [(1, 7, 3), (2, 5, 2), (3, 4, 2), (4, 2, 2)]
)
def test_drafts_whose_blends_one_edit_moves_with_the_papers_have_fewer_lines(
    others, of_papers, of_others
):
    """Three members of each blend go and come, and what is quoted of each."""
    tables = of_methods(3, others)
    table = together(tables, resolved(tables, others="oviedo2026"))
    of_each = table["method"].value_counts()
    of_drafts = of_each.index.str.startswith("revised")
    assert set(of_each[of_drafts]) == {of_others}
    assert set(of_each[~of_drafts]) == {of_papers}
    changed = 2 * (len(table) + 3 * (3 + others)) + 8
    # there is no room for a quantity more
    assert changed <= 80 < changed + 2 * (others if of_papers == 7 else 3)


def test_methods_move_together_that_inherit_a_quantity_or_share_a_table():
    edits = moved_together(METHODS)
    papers = {"oviedo2025", "oviedo2026", "oviedo2026-as-written"}
    assert any(papers <= edit for edit in edits)
    # none of what is revised's own, and the power of one model moves that model alone
    assert not any("revised" in edit and papers & edit for edit in edits)
    own = METHODS["revised"]
    mine = own | {"pue": own["pue"] | {"p95": 1.3}, "regimes": {}}
    assert {"revised", "mine"} in moved_together({"revised": own, "mine": mine})
    other = {key: {} for key in own} | {"benchmarks": {"table": own["benchmarks"]["table"][0]}}
    assert {"revised", "mine"} in moved_together({"revised": own, "mine": other})


@pytest.mark.parametrize("methods", range(1, 14))
def test_the_diff_of_an_edit_that_moves_every_method_is_short(methods):
    """Each line goes and comes, and what was edited does."""
    for papers in range(methods + 1):
        tables = of_methods(papers, methods - papers)
        assert 2 * len(together(tables, resolved(tables))) + 8 <= 80


def test_more_methods_than_lines_are_refused_before_they_run():
    schema = read_schema("config")["properties"]["methods"]
    assert schema["maxItems"] == MOST_LINES
    tables = of_methods(61, 0)
    assert len(together(tables, resolved(tables))) == MOST_LINES + 1


def test_every_quantity_has_its_unit_and_its_claim():
    told = {name: (unit, claim) for name, (_, unit, claim) in quantities(LONGER).items()}
    assert told == {
        "traditional query, median": ("Wh", "median-traditional"),
        "traditional query, lower quartile": ("Wh", "p25-traditional"),
        "traditional query, upper quartile": ("Wh", "p75-traditional"),
        "long query, median": ("Wh", "median-long"),
        "long query, lower quartile": ("Wh", "p25-long"),
        "long query, upper quartile": ("Wh", "p75-long"),
        "long over traditional, medians": ("1", "ratio-energy"),
        "15 times the output tokens, medians": ("1", ""),
        "fleet, traditional": ("GWh/day", "fleet-baseline"),
        "fleet, with long queries": ("GWh/day", "fleet-mixed"),
        "fleet, with long queries, improved": ("GWh/day", "fleet-mixed-improved"),
        "lever, hardware": ("1", "lever-hardware-traditional"),
        "lever, model": ("1", "lever-model-traditional"),
        "lever, serving": ("1", "lever-serving-traditional"),
        "lever, combined": ("1", "lever-combined-traditional"),
    }
    claims = read("data/published/claims.csv", "claims_published")["claim"]
    assert {claim for _, claim in told.values()} <= {"", *claims}


def test_what_cannot_be_tested_has_no_verdict_and_nothing_published_beside_it():
    claims = read("results/oviedo2026/claims.csv", "claims")
    of_median = claims["claim"] == "median-traditional"
    claims.loc[of_median, "verdict"] = "not testable"
    published = read("data/published/claims.csv", "claims_published")
    table = headline("mine", results("oviedo2026"), claims, published, LONGER)
    table = table.set_index("quantity")
    assert table["method"].eq("mine").all()
    assert table.loc["traditional query, median", ["verdict", "published"]].isna().all()
    assert table.loc["long query, median", "verdict"] == "reproduced as the seeded draw"


def test_what_restates_an_input_is_left_out_and_nobodys_method_is_not_judged():
    committed = read("results/headline.csv", "headline")
    assert not committed["quantity"].str.contains("lever, hardware|lever, model").any()
    revised = committed[committed["method"] == "revised"]
    assert revised["verdict"].isna().all()
    assert revised["published"].isna().all()


def test_a_verdict_that_the_value_contradicts_says_what_decided_it():
    """The draw's 20.49 rounds into 8-20, the 20.58 without sampling does not."""
    committed = read("results/headline.csv", "headline").set_index(["method", "quantity"])
    lever = committed.loc[("oviedo2025", "lever, combined")]
    assert lever["value"] < 20.5
    assert lever["verdict"] == "not reproduced (20.58 without sampling)"
    assert "(" not in committed.loc[("oviedo2026", "lever, combined"), "verdict"]


def test_a_number_that_an_engine_does_not_give_is_left_out():
    table = numbers(results("oviedo2026"), "nobody", LONGER)
    # only numbers without an engine of their own are left
    assert table["quantity"].tolist() == ["15 times the output tokens, medians"]
    assert set(table["quantity"]) < set(quantities(LONGER))
