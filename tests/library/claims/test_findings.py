"""Findings are computed: effects, order, explanations, and what is wrong with an entry."""

from copy import deepcopy

import pandas as pd
import pytest
from inference_energy.claims.findings import (
    Effect,
    effects,
    explain,
    findings_table,
    override_problems,
    rank,
    wording_problems,
)
from inference_energy.claims.page import findings_page
from inference_energy.claims.selectors import Results
from inference_energy.documents import schema_problems
from inference_energy.errors import InputError, UnansweredError
from inference_energy.method.files import merge
from inference_energy.tables import read_table, write_table
from repository import METHODS, PAPER_TABLE, read, read_schema, read_yaml

METHOD = METHODS["oviedo2026"]
FINDINGS = read_yaml("config/findings.yaml")
SCHEMA = read_schema("findings")
METHOD_SCHEMA = read_schema("method")
MEDIAN = "energy_per_query[regime={}; subject=frontier blend; pathway=baseline; statistic=p50]"
BY_ID = {finding["id"]: finding for finding in FINDINGS}


def results(traditional, long, engine="exact"):
    """Results with nothing but the two medians of the blend."""
    table = pd.DataFrame(
        {
            "engine": engine,
            "regime": ["traditional", "long"],
            "subject": "frontier blend",
            "pathway": "baseline",
            "statistic": "p50",
            "value": [traditional, long],
        }
    )
    figures = {"published": {"v2/median": 0.25}}
    return Results({"pue": {"p5": 1.05}}, {"energy_per_query": table}, figures)


OVERRIDE = {
    "id": "half",
    "method": "m",
    "claimed": "c",
    "alternative": "a",
    "override": {},
    "explanation": "from {traditional.before:g} to {traditional.after:g} Wh ({long.change:+.0f} %)",
}
PUBLISHED = {
    "id": "printed",
    "method": "m",
    "claimed": "c",
    "alternative": "a",
    "quantities": {
        "median": {
            "name": "median",
            "unit": "Wh",
            "before": "published[claim=v2/median]",
            "after": MEDIAN.format("traditional"),
        }
    },
    "values": {"pue": "setting[pue.p5]"},
    "explanation": "{median.before:g} is printed, with a PUE of {pue:g} it is\n  {median.after:g}",
}


def test_an_override_reports_the_headline_before_and_after():
    before, after = results(0.4, 4), results(0.2, 3)
    found = effects(OVERRIDE, before, after, before)
    assert found["traditional"] == Effect("traditional median", "Wh", 0.4, 0.2)
    assert found["long"].change == pytest.approx(-25)
    assert explain(OVERRIDE, found, before, before) == "from 0.4 to 0.2 Wh (-25 %)"


def test_effects_that_are_rounding_are_none_and_ties_are_broken_by_name():
    def effect(noise):
        change = {"long": Effect("long median", "Wh", 4.0, 4.0 * (1 + noise))}
        return {"traditional": Effect("traditional median", "Wh", 0.3, 0.3 * (1 - noise))} | change

    quiet, loud = ({"b": effect(a), "a": effect(b)} for a, b in ((0.0, 0.0), (4e-15, 1e-15)))
    assert rank(quiet) == rank(loud) == ["a", "b"]
    assert {e.change for found in loud.values() for e in found.values()} == {0.0}


def test_an_override_that_is_no_alternative_for_the_headline_does_not_report_it():
    finding = OVERRIDE | {"headline": False, "quantities": PUBLISHED["quantities"]}
    assert list(effects(finding, results(0.4, 4), results(0.2, 3), None)) == ["median"]


def test_a_published_figure_is_held_against_the_result():
    only = results(0.4, 4)
    found = effects(PUBLISHED, only, only, only)
    assert found == {"median": Effect("median", "Wh", 0.25, 0.4)}
    assert found["median"].change == pytest.approx(60)
    assert explain(PUBLISHED, found, only, only) == "0.25 is printed, with a PUE of 1.05 it is 0.4"


def test_the_published_engine_looks_in_the_methods_own_results():
    own, exact = results(0.5, 5, "published"), results(0.4, 4)
    found = effects(PUBLISHED | {"engine": "published"}, exact, exact, own)
    assert found["median"].after == 0.5
    said = {"values": {"own": MEDIAN.format("long")}, "explanation": "{own:g}"}
    by_engine = {"published": "5", "exact": "4"}
    for engine, words in by_engine.items():
        assert explain(PUBLISHED | said | {"engine": engine}, found, exact, own) == words
    assert explain(PUBLISHED | said, found, exact, own) == "4"


def test_a_selector_that_finds_nothing_is_named():
    finding = deepcopy(PUBLISHED)
    finding["quantities"]["median"]["after"] = MEDIAN.format("middle")
    only = results(0.4, 4)
    with pytest.raises(UnansweredError) as error:
        effects(finding, only, only, only)
    assert str(error.value) == (
        f"config/findings.yaml: printed: quantities.median: value {MEDIAN.format('middle')!r}:"
        " selects nothing; allowed is a line of the results; correct the selector"
    )


def test_a_value_that_finds_nothing_is_named_and_not_written():
    only = results(0.4, 4)
    found = effects(PUBLISHED, only, only, only)
    lost = MEDIAN.format("middle")
    with pytest.raises(UnansweredError) as error:
        explain(PUBLISHED | {"values": {"lost": lost}}, found, only, only)
    assert str(error.value) == (
        f"config/findings.yaml: printed: values.lost: value {lost!r}: selects nothing; allowed is a"
        " line of the results; correct the selector"
    )


def test_a_charge_of_input_beside_the_law_of_an_edited_method_is_no_fault_of_the_finding():
    charge = {"value": 30, "unit": "1", "source": "assumption"}
    finding = OVERRIDE | {"override": {"input_charge": {"input_tokens_per_output_token": charge}}}
    law = METHOD["throughput_law"] | {"name": "additive"}
    assert override_problems(finding, METHOD, METHOD_SCHEMA) == []
    edited = merge(METHOD, {"throughput_law": law})
    assert override_problems(finding, edited, METHOD_SCHEMA) == []
    both = {"override": finding["override"] | {"throughput_law": law}}
    (problem,) = override_problems(finding | both, METHOD, METHOD_SCHEMA)
    assert "the input would be charged twice" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{nobody.before}", "nobody"),
        ("{median.middle}", "middle"),
        ("{median.before:q}", "q"),
        ("{pue", "expected"),
        ("{}", "Replacement index 0"),
    ],
)
def test_an_explanation_that_cannot_be_written_is_named(text, words):
    only = results(0.4, 4)
    found = effects(PUBLISHED, only, only, only)
    with pytest.raises(InputError, match=f"printed: key explanation: .*{words}.*median, pue") as e:
        explain(PUBLISHED | {"explanation": text}, found, only, only)
    assert str(e.value).endswith("correct the name or its selector")


@pytest.mark.parametrize("key", ["explanation", "note"])
def test_a_misspelt_name_of_a_sentence_is_told_before_anything_is_computed(key):
    finding = PUBLISHED | {"explanation": "so", key: "{pu:g}"}
    assert wording_problems(finding | {key: "{pue:g}, {pue:d}"}) == []
    (problem,) = wording_problems(finding)
    assert f"config/findings.yaml: printed: key {key}: cannot be written ('pu')" in problem
    assert problem.endswith("correct the name or its selector; did you mean pue?")


def test_a_note_names_what_is_computed_and_published_beside_values():
    note = "{computed:.2f}, not {published:g}, with {pue:g}"
    assert wording_problems(PUBLISHED | {"note": note}) == []
    (problem,) = wording_problems(PUBLISHED | {"note": "{median.after:g}"})
    assert "allowed are pue, computed, published" in problem


@pytest.mark.parametrize(
    ("selector", "is_whole"),
    [
        ("setting[blend.models]", True),
        ("setting[blend.models] / setting[pue.p5]", False),
        (MEDIAN.format("long"), False),
    ],
)
def test_a_setting_alone_may_be_written_as_a_whole_number(selector, is_whole):
    finding = PUBLISHED | {"values": {"x": selector}, "explanation": "{x:d}"}
    assert (wording_problems(finding) == []) is is_whole


def effect(before, after):
    return Effect("q", "Wh", before, after)


COMPUTED = {
    "large-elsewhere": {"q": effect(1, 9)},
    "up": {"traditional": effect(1, 1.1)},
    "down": {"traditional": effect(1, 0.5)},
    "small-elsewhere": {"q": effect(1, 2)},
    "none": {"traditional": effect(1, 1)},
}


def test_findings_come_by_the_size_of_their_effect_on_the_headline():
    order = ["down", "up", "none", "large-elsewhere", "small-elsewhere"]
    assert rank(COMPUTED) == order
    assert rank(dict(reversed(COMPUTED.items()))) == order


def test_table_and_page_have_every_finding(tmp_path):
    findings = [OVERRIDE | {"id": name} for name in COMPUTED]
    table = findings_table(findings, COMPUTED)
    write_table(table, tmp_path / "findings.csv", "findings")
    again = read_table(tmp_path / "findings.csv", "findings")
    assert again["finding"].tolist() == rank(COMPUTED)
    assert again["change_percent"].tolist() == pytest.approx([-50, 10, 0, 800, 100])
    assert again["rank"].tolist() == [1, 2, 3, 4, 5]
    assert set(again["engine"]) == {"exact"}
    drawn = findings_table([OVERRIDE | {"id": "up", "engine": "published"}], {"up": COMPUTED["up"]})
    assert drawn["engine"].tolist() == ["published"]
    overview, page = findings_page(findings, COMPUTED, dict.fromkeys(COMPUTED, "Why."), {})
    assert "Not computed" not in overview
    overview, _ = findings_page(findings, COMPUTED, dict.fromkeys(COMPUTED, "Why."), {"x": "gone"})
    assert overview.endswith("have no answer:\n\n- x: gone\n")
    assert [page.index(f"\n## {name}\n") for name in rank(COMPUTED)] == sorted(
        page.index(f"\n## {name}\n") for name in COMPUTED
    )


def test_every_entry_is_valid_and_its_override_makes_a_valid_method():
    assert schema_problems(FINDINGS, SCHEMA, "config/findings.yaml") == []
    assert len(BY_ID) == len(FINDINGS)
    for finding in FINDINGS:
        assert override_problems(finding, METHODS[finding["method"]], METHOD_SCHEMA) == []
        assert wording_problems(finding) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"overide": {}}, "unknown key overide"),
        ({"id": "Not An Id"}, "Not An Id"),
        ({"quantities": {"q": {"name": "n", "unit": "1"}}}, "quantities.q"),
        ({"engine": "guess"}, "guess"),
    ],
)
def test_a_bad_entry_is_refused(change, words):
    problems = schema_problems([OVERRIDE | change], SCHEMA, "config/findings.yaml")
    assert words in "\n".join(problems)


def test_a_misspelt_override_is_refused():
    finding = OVERRIDE | {"override": {"pue": {"distribution": "fixed", "valeu": 1}}}
    first, second = override_problems(finding, METHOD, METHOD_SCHEMA)
    assert first.startswith("config/findings.yaml: half: override: key pue: missing keys unit, sou")
    assert second.startswith("config/findings.yaml: half: override: key pue: unknown key valeu;")
    assert second.endswith("remove it or correct its name; did you mean value?")


def test_what_an_override_states_itself_is_not_offered_again():
    """The nearest key that the method has by inheritance alone is."""
    stated = {"queries_per_days": METHOD["fleet"]["queries_per_day"]}
    (problem,) = override_problems(
        OVERRIDE | {"override": {"fleet": stated}}, METHOD, METHOD_SCHEMA
    )
    assert problem.endswith("did you mean queries_per_day?")
    both = stated | {"queries_per_day": METHOD["fleet"]["queries_per_day"]}
    (problem,) = override_problems(OVERRIDE | {"override": {"fleet": both}}, METHOD, METHOD_SCHEMA)
    assert problem.endswith("queries_per_day is stated beside it")


@pytest.mark.parametrize("key", ["context", "override"])
def test_the_context_of_a_finding_is_held_against_the_schema_as_its_override(key):
    finding = OVERRIDE | {key: {"blendd": {"models": 3}}}
    (problem,) = override_problems(finding, METHOD, METHOD_SCHEMA)
    assert "unknown key blendd" in problem


def test_listed_powers_and_the_coupling_are_those_of_table_and_method():
    listed = read(PAPER_TABLE, "throughput").groupby("model")["listed_node_power_kw"].first()
    power = BY_ID["listed-node-power"]["override"]["node_power"]
    assert power["default"]["value"] == listed["Llama 3.1 405B"]
    assert power["models"]["DeepSeek-R1"]["value"] == listed["DeepSeek-R1"]
    coupling = METHOD["sensitivities"]["power_utilisation_coupling"]
    override = BY_ID["utilisation-coupled"]["override"]["power_utilisation"]
    assert {k: override[k] for k in ("intercept", "slope")} == {
        k: coupling[k] for k in ("intercept", "slope")
    }
    lengths = METHOD["sensitivities"]["input_tokens"]["lengths"]
    for name in ("input-1000", "input-5000"):
        assert BY_ID[name]["override"]["regimes"]["long"]["input_tokens"]["value"] in lengths


def test_our_own_estimate_falls_with_the_load_and_holds_its_own_between():
    table = read("results/audit/findings.csv", "findings")
    names = ["load-8", "load-64", "load-256", "load-best"]
    for quantity in ("traditional median", "long median"):
        own = table[table["quantity"] == quantity].set_index("finding").loc[names]
        assert own["method"].eq("revised").all() and own["before"].eq(own["before"].iloc[0]).all()
        assert own["after"].is_monotonic_decreasing
        assert own["after"].iloc[0] > own["before"].iloc[0] > own["after"].iloc[-1]


def test_our_own_estimate_is_told_with_the_power_of_long_queries():
    """Power falls with longer outputs; a method takes it at one pair of lengths for all queries."""
    method = METHODS["revised"]
    median = method["regimes"]["long"]["output_tokens"]["median"]
    reference = BY_ID["power-of-long"]["override"]["throughput_law"]["reference"]
    assert reference == {**method["throughput_law"]["reference"], "output_tokens": median}
    table = read("results/audit/findings.csv", "findings").set_index(["finding", "quantity"])
    effect = table.loc[("power-of-long", "long median")]
    assert 0.9 < effect["after"] / effect["before"] < 0.95
