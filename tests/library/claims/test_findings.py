"""Findings are computed: effects, order, explanations, and what is wrong with an entry."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest
import yaml
from inference_energy.claims.computed import exact_evidence, law_ratios
from inference_energy.claims.findings import (
    Effect,
    effects,
    explain,
    findings_table,
    override_problems,
    rank,
)
from inference_energy.claims.judge import caveats
from inference_energy.claims.selectors import Evidence
from inference_energy.documents import schema_problems
from inference_energy.errors import InputError
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "config/methods").glob("*.yaml")
}
METHOD = resolve("oviedo2026", FILES)
PAPER = read_table(ROOT / "data/throughput/oviedo.csv", "throughput")
FINDINGS = yaml.safe_load((ROOT / "config/findings.yaml").read_text())
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/findings.schema.yaml").read_text())
METHOD_SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/method.schema.yaml").read_text())
MEDIAN = "energy_per_query[regime={}; subject=frontier blend; pathway=baseline; statistic=p50]"
BY_ID = {finding["id"]: finding for finding in FINDINGS}


def evidence(traditional, long, engine="exact"):
    """Evidence with nothing but the two medians of the blend."""
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
    return Evidence({"pue": {"p5": 1.05}}, {"energy_per_query": table}, figures)


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
    before, after = evidence(0.4, 4), evidence(0.2, 3)
    found = effects(OVERRIDE, before, after, before)
    assert found["traditional"] == Effect("traditional median", "Wh", 0.4, 0.2)
    assert found["long"].change == pytest.approx(-25)
    assert explain(OVERRIDE, found, before, before) == "from 0.4 to 0.2 Wh (-25 %)"


def test_an_override_that_is_no_alternative_for_the_headline_does_not_report_it():
    finding = OVERRIDE | {"headline": False, "quantities": PUBLISHED["quantities"]}
    assert list(effects(finding, evidence(0.4, 4), evidence(0.2, 3), None)) == ["median"]


def test_a_published_figure_is_held_against_the_result():
    only = evidence(0.4, 4)
    found = effects(PUBLISHED, only, only, only)
    assert found == {"median": Effect("median", "Wh", 0.25, 0.4)}
    assert found["median"].change == pytest.approx(60)
    assert explain(PUBLISHED, found, only, only) == "0.25 is printed, with a PUE of 1.05 it is 0.4"


def test_the_published_engine_looks_in_the_methods_own_results():
    own, exact = evidence(0.5, 5, "published"), evidence(0.4, 4)
    found = effects(PUBLISHED | {"engine": "published"}, exact, exact, own)
    assert found["median"].after == 0.5


def test_a_selector_that_finds_nothing_is_named():
    finding = deepcopy(PUBLISHED)
    finding["quantities"]["median"]["after"] = MEDIAN.format("middle")
    only = evidence(0.4, 4)
    with pytest.raises(InputError, match=r"printed: quantities\.median: .* selects nothing"):
        effects(finding, only, only, only)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{nobody.before}", "nobody"),
        ("{median.middle}", "middle"),
        ("{median.before:q}", "q"),
        ("{pue", "expected"),
    ],
)
def test_an_explanation_that_cannot_be_written_is_named(text, words):
    only = evidence(0.4, 4)
    found = effects(PUBLISHED, only, only, only)
    with pytest.raises(InputError, match=f"printed: key explanation: .*{words}.*median, pue"):
        explain(PUBLISHED | {"explanation": text}, found, only, only)


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


def test_the_table_has_every_finding(tmp_path):
    findings = [OVERRIDE | {"id": name} for name in COMPUTED]
    table = findings_table(findings, COMPUTED)
    write_table(table, tmp_path / "findings.csv", "findings")
    again = read_table(tmp_path / "findings.csv", "findings")
    assert again["finding"].tolist() == rank(COMPUTED)
    assert again["change_percent"].tolist() == pytest.approx([-50, 10, 0, 800, 100])


def test_every_entry_is_valid_and_its_override_makes_a_valid_method():
    assert schema_problems(FINDINGS, SCHEMA, "config/findings.yaml") == []
    assert len(BY_ID) == len(FINDINGS)
    for finding in FINDINGS:
        method = resolve(finding["method"], FILES)
        assert override_problems(finding, method, METHOD_SCHEMA) == []


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
    (first, *_) = override_problems(finding, METHOD, METHOD_SCHEMA)
    assert "config/findings.yaml: half: override" in first


def test_listed_powers_and_the_coupling_are_those_of_table_and_method():
    listed = PAPER.groupby("model")["listed_node_power_kw"].first()
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


def test_the_law_is_held_against_every_row_of_a_model_it_knows():
    setup = build(METHOD, PAPER)
    rows = PAPER[PAPER["precision"] == "FP8"]
    ratios = law_ratios(setup, pd.concat([rows, rows.assign(model="unknown")]))
    assert len(ratios) == len(rows)
    exact = ratios[ratios["model"] == "DeepSeek-R1"]["value"]
    # three coefficients through three rows: nothing is missed
    assert exact.tolist() == pytest.approx([1, 1, 1])


def test_selectors_can_ask_for_benchmarks_and_predictions():
    found = exact_evidence(METHOD, {"table": PAPER}, {}, {"vendor": PAPER})
    benchmark = found.tables["benchmark"]
    assert set(benchmark["table"]) == {"paper", "vendor"}
    assert benchmark[benchmark["row"] == "7"]["value"].tolist() == [3661.85, 3661.85]
    ratio, prediction = (found.tables[name]["value"] for name in ("law_ratio", "law_prediction"))
    measured = found.tables["law_ratio"]["measured"].astype(float)
    assert (prediction / measured).to_numpy() == pytest.approx(ratio.to_numpy(), rel=1e-5)


def test_a_caveat_of_one_version_leaves_the_other_alone():
    finding = {
        "id": "x",
        "claims": ["a"],
        "version": "v1",
        "note": "{computed:g}, not {published:g}",
    }
    claim = {"claim": "a", "version": "v1", "quantity": None, "value": 2.0, "decimals": 0}
    assert caveats(claim, 3.0, None, {}, [finding]) == [(False, "3, not 2")]
    assert caveats(claim | {"version": "v2"}, 3.0, None, {}, [finding]) == []
