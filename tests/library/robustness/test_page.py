"""The page of the audit says what its tables hold."""

from pathlib import Path

import pandas as pd
import pytest
from inference_energy.robustness.page import HEADLINE, multiverse_page, places
from inference_energy.tables import read_table
from repository import read, read_multiverse

AUDIT = Path(__file__).resolve().parents[3] / "results" / "audit"
SCHEMAS = {
    "distribution": "multiverse_distribution",
    "claims": "multiverse_claims",
    "variance": "multiverse_variance",
    "indices": "sobol_indices",
    "needed": "needed_values",
    "cases": "stress_cases",
    "findings": "findings",
}


@pytest.fixture
def tables():
    return {name: read_table(AUDIT / f"{s}.csv", s) for name, s in SCHEMAS.items()}


CONFIG = read_multiverse()
PUBLISHED = read("data/published/claims.csv", "claims_published")
MEDIANS = {"mine": {"traditional": 0.3, "long": 4.0}}
RANKS = {"mine": {"traditional": 0.25, "long": 0.5}}


def page(tables, config=CONFIG):
    counts = {"combinations": 7654321, "specifications": 1234567, "distinct": 123456, "most": 6}
    ranks = RANKS | {CONFIG["base"]: {"traditional": 0.25, "long": 0.5}}
    return multiverse_page(
        counts=counts, config=config, published=PUBLISHED, medians=MEDIANS, ranks=ranks, **tables
    )


def test_places_are_the_shares_of_specifications_below():
    columns = {HEADLINE.format(regime=r): [1.0, 2.0, 3.0, 4.0] for r in ("traditional", "long")}
    columns["weight"] = [0.5, 0.5, 1.0, 0.0]
    medians = {"a": {"traditional": 2.5, "long": 9.0}, "b": {"traditional": 1.0, "long": 4.0}}
    assert places(pd.DataFrame(columns), medians) == {
        "a": {"traditional": 0.5, "long": 1.0},
        "b": {"traditional": 0.0, "long": 1.0},
    }


def test_the_committed_page_is_that_of_the_tables_but_for_the_methods(tables):
    committed = (AUDIT / "multiverse.md").read_text(encoding="utf-8").splitlines()
    own = page(tables).splitlines()
    assert own[2].startswith("1,234,567 specifications: the 7,654,321 combinations")
    assert "123,456 distinct results" in own[2]
    assert "A share of them is no probability" in own[2]
    placed = own.index("| `mine` | 0.3 | 25.0 % | 4 | 50.0 % |")
    assert own[:2] + own[3:placed] == committed[:2] + committed[3:placed]
    assert own[placed + 2] == "The place of `oviedo2026`, now 25.0 % (traditional), 50.0 % (long):"
    assert own[placed + 4].startswith("- before pairs were refused")
    assert "69.0 % (traditional), 45.2 % (long)" in own[placed + 4]
    after = "## Stress cases, beside the multiverse"
    assert own[own.index(after) :] == committed[committed.index(after) :]


def test_a_choice_that_the_base_has_no_use_for_is_shown_with_the_method_that_has(tables):
    found = tables["findings"]
    loads = found[found["finding"].str.startswith("load-")]
    medians = loads[loads["quantity"] == "traditional median"]
    told = page(tables).split("## Load, with `revised`")[1].split("\n## ")[0]
    for _, line in medians.iterrows():
        assert f"| {line['alternative']} | {line['after']:.3g} |" in told
    factor = medians["after"].max() / medians["after"].min()
    assert f"the medians move {factor:.3g} times (traditional)" in told
    spread = tables["distribution"].query("regime == 'traditional' and quantity == 'p50'")
    ends = spread.set_index("statistic")["value"]
    assert f"of the results above {ends['p95'] / ends['p5']:.3g} times (traditional)" in told
    # a base that has the choice needs no other method for it
    config = CONFIG | {"left_out": []}
    assert "## Load" not in page(tables, config)
    assert "## Load" not in page(tables | {"findings": found[:0]})


def test_the_largest_effects_come_first(tables):
    swapped = tables["variance"]
    swapped.loc[swapped["choice"] == "trim", "value"] = 0.99
    rows = page(tables | {"variance": swapped}).split("| choice |")[1].splitlines()
    assert rows[2] == "| Trimming | 99.0 % | 99.0 % | 99.0 % | 99.0 % |"


def test_an_input_that_cannot_do_it_says_so_and_unknown_indices_are_blank(tables):
    needed = tables["needed"]
    pue = (needed["input"] == "pue_median") & (needed["output"] == "median traditional")
    needed.loc[pue, "needed"] = [0.6, float("nan")]
    needed.loc[pue, "base"] = 1.2
    indices = tables["indices"]
    first = indices["output"] == indices["output"].iloc[0]
    indices.loc[first & (indices["input"] == "pue_median"), "value"] = float("nan")
    text = page(tables)
    assert "\n| pue median | 1.2 | 0.6 | cannot | 1 |\n" in text
    sobol = text.split("| input |")[1]
    assert "\n| pue median |  | " in sobol


def test_what_comes_from_tables_cannot_break_the_page(tables):
    claims = tables["claims"].assign(claim="a|b", published="<1>")
    assert "\n| a\\|b | \\<1\\> | " in page(tables | {"claims": claims})


def test_a_claim_that_restates_an_input_holds_by_construction_and_no_share_is_given(tables):
    told = page(tables)
    line = "| Cut by hardware and datacenter; long | 1.5-2.5 |  | by construction | 1.9 to 2 |"
    assert line in told
    claims = tables["claims"].assign(base="fails")
    assert "by construction |" not in page(tables | {"claims": claims})


def test_what_the_base_has_no_use_for_is_named_with_the_reason(tables):
    assert "\n- Left out with `oviedo2026`: load; its law knows no load but that" in page(tables)
    config = read_multiverse("revised")
    variance = tables["variance"]
    text = page(tables | {"variance": variance[variance["choice"].isin(config["choices"])]}, config)
    assert "\n- Left out with `revised`: input charged; its law holds the node time" in text
    assert "“8.4 / 10.5 kW at every moment (measured)”; what its nodes draw" in text
    # no one else's place
    assert "before pairs were refused" not in text


def test_a_base_that_knows_no_load_is_told_of(tables):
    told = "Load is left out, as the law of the base knows none"
    assert told in page(tables)
    indices = tables["indices"]
    load = indices[indices["input"] == "pue_median"].assign(input="load")
    text = page(tables | {"indices": pd.concat([indices, load])})
    assert told not in text and "\n| load |" in text
