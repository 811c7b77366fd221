"""Names in the selectors of findings and claims are told before any rule runs."""

import pytest
from inference_energy import project
from inference_energy.claims.asked import claim_problems, selector_problems
from repository import METHODS, PAPER_TABLE, ROOT, read_yaml

FINDINGS = read_yaml("config/findings.yaml")
ENERGY = "energy_per_query[regime={}; subject={}; pathway=baseline; statistic=p50]"


def problems_of(selector, method="oviedo2026", **more):
    finding = {"id": "x", "values": {"a": selector}} | more
    return selector_problems(finding, METHODS[method])


def test_the_project_s_findings_ask_for_what_is_there():
    for finding in FINDINGS:
        assert selector_problems(finding, METHODS[finding["method"]]) == []


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("energy_per_query[regime", ["allowed is table[key=value; ...]"]),
        ("energy_per_qery[regime=long]", ["unknown table", "did you mean energy_per_query?"]),
        (
            "nothing[a=b]",
            ["allowed are energy_per_query, fleet, output_tokens, throughput_laws, b"],
        ),
        ("energy_per_query[regim=long]", ["unknown column regim", "did you mean regime?"]),
        ("fleet[a=b]", ["allowed are engine, scenario, pathway, statistic, value, unit; correct"]),
        (ENERGY.format("lng", "DeepSeek-R1"), ["regime = lng", "traditional, long", "mean long?"]),
        (ENERGY.format("long", "DeepSeek-R2"), ["subject = DeepSeek-R2", "mean DeepSeek-R1?"]),
        (ENERGY.format("long", "Nobody"), ["allowed are those of the method's throughput tables;"]),
        (ENERGY.format("long", "frontier bled"), ["did you mean frontier blend?"]),
        ("throughput_laws[model=DeepSeek-R2]", ["model = DeepSeek-R2", "did you mean DeepSeek-R1"]),
        ("estimate[id=iea_r2]", ["name = iea_r2", "data/published/estimates.csv", "iea_r1?"]),
        ("published[claim=v3/fleet-mixed]", ["name = v3", "data/published/claims.csv"]),
        ("published_upper[claim=v2/flet-mixed]", ["did you mean fleet-mixed?"]),
        ("law_ratio[table=trtlm; row=1]", ["table = trtlm", "did you mean trtllm?"]),
        ("law_ratio[table=vendor]", ["allowed are those of the tables of the method and of vend"]),
        ("law_ratio[table=trtllm; model=Mixtral 8x23B]", ["model = Mix", "table trtllm", "8x22B?"]),
        ("law_ratio[table=trtllm; gpu=H100-SXM-80G]", ["gpu = H100", "mean H100-SXM-80GB?"]),
        ("reference[quantty=web search]", ["unknown column quantty", "did you mean quantity?"]),
        ("estimate[model=iea_r1]", ["unknown column model; allowed are id; correct"]),
        ("published[version=v2/fleet-mixed]", ["allowed are claim; correct"]),
        ("benchmark[table=paper; modl=x]", ["unknown column modl", "did you mean model?"]),
        (ENERGY.format("long", "DeepSeek-R1") + " / estimate[id=iea_r2]", ["name = iea_r2"]),
        (
            "setting[regims.long]",
            [
                "no such key regims",
                "are the keys of the method, ",
                "; correct the selector; did you mean regimes?",
            ],
        ),
        ("setting[pathways.modl.p5]", ["keys of pathways, ", "did you mean model?"]),
        ("setting[pathways.model.p5.value]", ["pathways.model.p5 alone, which has no keys"]),
        ("setting[pathways.x]", ["allowed are the keys of pathways, hardware, model, serving;"]),
        (
            "setting[pathways.model]",
            ["is no number", "path of a number, ", "p5, p95", "correct the"],
        ),
        ("setting[title]", ["is no number; allowed is the path of a number; correct the selector"]),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest_one(selector, words):
    [problem] = problems_of(selector)
    assert problem.startswith("config/findings.yaml: x: key values.a: claim quantity")
    assert all(word in problem for word in words), problem
    assert repr(selector.split(" / ")[-1]) in problem


def without(model, tmp_path):
    """The paper's method on its table without the rows of a model."""
    header, *rows = (ROOT / PAPER_TABLE).read_text().splitlines(keepends=True)
    kept = [row for row in rows if f",{model}," not in row]
    assert 0 < len(kept) < len(rows)
    path = tmp_path / "table.csv"
    path.write_text("".join([header, *kept]))
    return METHODS["oviedo2026"] | {"benchmarks": {"table": str(path)}}


@pytest.mark.parametrize(
    "model",
    [
        "DeepSeek-R1",
        "Llama 3.1 405B",
        "Llama 3.1 70B",
        "Llama-3.1 Nemotron Ultra 253B",
        "Mixtral 8x22B",
    ],
)
def test_a_model_whose_rows_were_taken_out_is_no_typing_error(model, tmp_path):
    method = without(model, tmp_path)
    named = [ENERGY.format("long", model), f"benchmark[table=paper; model={model}]"]
    for selector in [*named, "throughput_laws[model=deepseek-ai/DeepSeek-R1]"]:
        assert selector_problems({"id": "x", "values": {"a": selector}}, method) == []
    for finding in FINDINGS:
        assert selector_problems(finding, method) == []
    assert claim_problems({"oviedo2026": method}) == []
    for selector in (of.replace(model, f"{model}x") for of in named):
        (problem,) = selector_problems({"id": "x", "values": {"a": selector}}, method)
        assert f"= {model}x: no such name" in problem


def test_a_gpu_whose_rows_were_taken_out_is_no_typing_error():
    assert problems_of("benchmark[table=paper; gpu=GB200]") == []
    assert len(problems_of("benchmark[table=paper; gpu=GB20]")) == 1


def test_all_tables_of_a_method_and_all_columns_of_a_line_can_be_asked():
    for model in ("Kimi K2.5", "Llama 3.1 405B"):
        assert problems_of(f"throughput_laws[model={model}]", "revised") == []
    assert problems_of("benchmark[table=trtllm; serving_engine=vLLM; precision=FP8]") == []
    # without a table, or with one that is told, no model is told
    assert problems_of("benchmark[model=Nobody]") == []
    assert len(problems_of("benchmark[table=x; model=Nobody]")) == 1


def test_every_side_of_every_quantity_is_read():
    sides = {"before": "fleet[a=b]", "after": "fleet[c=d]"}
    quantities = {"one": {"value": "fleet[e=f]"}, "two": sides}
    found = problems_of("setting[node_power.default.value]", quantities=quantities)
    assert [problem.split(": ")[2] for problem in found] == [
        "key quantities.one.value",
        "key quantities.two.after",
        "key quantities.two.before",
    ]


def test_a_setting_of_an_override_is_one_of_its_after_alone():
    override = {"node_power": {"models": {"Other": {"value": 9}}}}
    selector = "setting[node_power.models.Other.value]"
    for side, found in {"before": 1, "after": 0, "value": 1}.items():
        quantities = {"one": {side: selector}}
        finding = {"id": "x", "override": override, "quantities": quantities}
        problems = selector_problems(finding, METHODS["oviedo2026"])
        assert len(problems) == found, side
        own = {"id": "x", "context": override, "quantities": quantities}
        assert selector_problems(own, METHODS["oviedo2026"]) == []


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (
            "nonsense",
            "no such key nonsense; allowed are the keys of the method, ",
        ),
        ("pathways.hardwear", "no such key hardwear; allowed are the keys of pathways, hardware"),
        ("pathways.model.x.y", "no such key x; allowed are the keys of pathways.model, "),
        ("pathways..model", "no such key ; allowed are the keys of pathways, "),
    ],
)
def test_an_input_of_a_claim_is_a_setting_of_its_method(tmp_path, monkeypatch, stated, told):
    claims = (ROOT / "data/published/claims.csv").read_text()
    path = tmp_path / "data/published/claims.csv"
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    path.write_text(claims.replace("pathways.hardware", stated))
    problems = claim_problems(METHODS)
    claim = "data/published/claims.csv: claim lever-hardware-traditional of v2: input "
    (problem,) = [problem for problem in problems if problem.startswith(claim)]
    assert problem.startswith(f"{claim}{stated!r}: {told}")
    assert ("; did you mean hardware?" in problem) is (stated == "pathways.hardwear")
    assert "; correct it, or leave the cell empty" in problem


def test_selectors_of_claims_are_told_with_file_claim_and_version(tmp_path, monkeypatch):
    assert claim_problems(METHODS) == []
    claims = (ROOT / "data/published/claims.csv").read_text()
    path = tmp_path / "data/published/claims.csv"
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    wrong = "ratio-tokens,v2,setting[regimes.lng."
    path.write_text(claims.replace("ratio-tokens,v2,setting[regimes.long.", wrong))
    [problem] = claim_problems(METHODS)
    assert problem.startswith("data/published/claims.csv: claim ratio-tokens of v2: claim quantity")
    assert "did you mean long?" in problem
    # another version's claims are those of a method that is not there
    assert claim_problems({"oviedo2025": METHODS["oviedo2025"]}) == []
    path.write_text("\ufeff" + claims.replace("ratio-tokens,v2,setting[regimes.long.", wrong))
    assert len(claim_problems(METHODS)) == 1
    # a claim is judged by a method's own results, which have a table of their sensitivity
    for asked, found in {
        "sensitivity[analysis=input_tokens]": 0,
        "benchmark[table=paper]": 1,
    }.items():
        path.write_text(f"claim,version,quantity\nc,v2,{asked}\n")
        assert len(claim_problems(METHODS)) == found
    for unreadable in (b"\xff", b"claim\nx\n", b"", b"claim,version,quantity,input\nc,v2\n"):
        path.write_bytes(unreadable)
        assert claim_problems(METHODS) == []


def test_tables_are_those_that_the_engine_has():
    assert problems_of("sensitivity[analysis=input_tokens]", engine="published") == []
    for engine in ({}, {"engine": "exact"}):
        assert problems_of("benchmark[table=paper; row=7]", **engine) == []
    wrong = [("benchmark[table=paper; row=7]", "published"), ("sensitivity[engine=a]", "exact")]
    for selector, engine in wrong:
        [problem] = problems_of(selector, engine=engine)
        assert "unknown table" in problem


def test_a_finding_of_an_unknown_method_is_told_elsewhere():
    assert selector_problems({"id": "x", "values": {"a": "nothing"}}, None) == []
