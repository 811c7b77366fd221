"""Names in a finding's selectors are told before any rule runs."""

import pytest
from inference_energy.claims.asked import selector_problems
from repository import METHODS, read_yaml

FINDINGS = read_yaml("config/findings.yaml")
ENERGY = "energy_per_query[regime={}; subject={}; pathway=baseline; statistic=p50]"


def problems_of(selector, **more):
    finding = {"id": "x", "values": {"a": selector}} | more
    return selector_problems(finding, METHODS["oviedo2026"])


def test_the_project_s_findings_ask_for_what_is_there():
    for finding in FINDINGS:
        assert selector_problems(finding, METHODS[finding["method"]]) == []


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("energy_per_query[regime", ["allowed is table[key=value; ...]"]),
        ("energy_per_qery[regime=long]", ["unknown table", "did you mean energy_per_query?"]),
        ("energy_per_query[regim=long]", ["unknown column regim", "did you mean regime?"]),
        (ENERGY.format("lng", "DeepSeek-R1"), ["regime = lng", "traditional, long", "mean long?"]),
        (ENERGY.format("long", "DeepSeek-R2"), ["subject = DeepSeek-R2", "mean DeepSeek-R1?"]),
        (ENERGY.format("long", "frontier bled"), ["did you mean frontier blend?"]),
        ("throughput_laws[model=DeepSeek-R2]", ["model = DeepSeek-R2", "did you mean DeepSeek-R1"]),
        ("estimate[id=iea_r2]", ["name = iea_r2", "data/published/estimates.csv", "iea_r1?"]),
        ("published[claim=v3/fleet-mixed]", ["name = v3", "data/published/claims.csv"]),
        ("published_upper[claim=v2/flet-mixed]", ["did you mean fleet-mixed?"]),
        ("law_ratio[table=trtlm; row=1]", ["table = trtlm", "did you mean trtllm?"]),
        ("law_ratio[table=trtllm; model=Mixtral 8x23B]", ["table trtllm", "Mixtral 8x22B?"]),
        ("benchmark[table=paper; modl=x]", ["unknown column modl", "did you mean model?"]),
        (ENERGY.format("long", "DeepSeek-R1") + " / estimate[id=iea_r2]", ["name = iea_r2"]),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest_one(selector, words):
    [problem] = problems_of(selector)
    assert problem.startswith("config/findings.yaml: x: key values.a: claim quantity")
    assert all(word in problem for word in words), problem


def test_every_side_of_every_quantity_is_read():
    sides = {"before": "fleet[a=b]", "after": "fleet[c=d]"}
    quantities = {"one": {"value": "fleet[e=f]"}, "two": sides}
    found = problems_of("setting[anything]", quantities=quantities)
    assert [problem.split(": ")[2] for problem in found] == [
        "key quantities.one.value",
        "key quantities.two.after",
        "key quantities.two.before",
    ]


def test_tables_are_those_that_the_engine_has():
    assert problems_of("sensitivity[analysis=input_tokens]", engine="published") == []
    assert problems_of("benchmark[table=paper; row=7]") == []
    wrong = [("benchmark[table=paper; row=7]", "published"), ("sensitivity[engine=a]", "exact")]
    for selector, engine in wrong:
        [problem] = problems_of(selector, engine=engine)
        assert "unknown table" in problem


def test_a_finding_of_an_unknown_method_is_told_elsewhere():
    assert selector_problems({"id": "x", "values": {"a": "nothing"}}, None) == []
