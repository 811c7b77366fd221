"""The answer to a changed assumption: what it says of a dozen edits, how short a diff is."""

import importlib.util
import re
import shutil
import signal
import sys
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from inference_energy import config, documents, project, stopping
from inference_energy.claims.asked import VENDORS
from inference_energy.claims.computed import exact_results
from inference_energy.claims.headline import headline, together
from inference_energy.claims.judge import judge
from inference_energy.claims.selectors import Results
from inference_energy.errors import InputError
from inference_energy.laws.registry import LAWS
from inference_energy.method.build import build
from inference_energy.method.files import lineage, merge, resolve
from inference_energy.method.materials import Materials, serving_inputs, tables_of
from inference_energy.method.plausible import KNOWN
from inference_energy.paper import estimate
from inference_energy.scaling.length import cost_of_length
from inference_energy.tables import read_table, write_table
from opened import opened
from processes import git, interrupted, one_message, snakemake
from repository import METHODS, ROOT, edited, materials, read, read_yaml

METHOD, ROWS = "config/methods/oviedo2026.yaml", "data/throughput/oviedo.csv"


def replaced(text, old, new):
    """The text with its first ``old`` replaced, which has to be there."""
    assert old in text
    return text.replace(old, new, 1)


def row(model, parameters, lengths, throughput):
    """A benchmark row of eight H100."""
    return (
        f"99,{model},{parameters},,dense,H100-SXM-80GB,1,8,FP8,{lengths},250,{throughput},11,no,"
        "medium,llama-nemotron-fig4,,test,made up\n"
    )


def with_lines(*lines):
    """An edit that adds lines at the end."""
    return lambda text: text + "".join(lines)


EDITS = {
    # an assumption: its file, the edit, what stands on the page, and what in the diff, where that
    # of another number of the same file would not do
    "node power": (
        METHOD,
        lambda text: replaced(text, "value: 10.2, unit: kW", "value: 10.14, unit: kW"),
        ["Node power 10.2 -> 10.14 kW lowers the traditional median by 0.4 %, 0.309 -> 0.308 Wh"],
        [
            "+  default: {value: 10.14, unit: kW, source: ",
            "source_states: 10.2 kW}",
            '+oviedo2026,"traditional query, median"',
        ],
    ),
    "PUE": (
        METHOD,
        lambda text: replaced(text, "p5: 1.05, p95: 1.6,", "p5: 1.08, p95: 1.25,"),
        ["PUE 1.05-1.60 -> 1.08-1.25 lowers the traditional median by 10.2 %, 0.309 -> 0.277 Wh"],
        ["+pue: {distribution: log-normal, p5: 1.08, p95: 1.25, unit: '1', source: "],
    ),
    "utilisation": (
        METHOD,
        lambda text: replaced(text, "p5: 0.4, p95: 0.9,", "p5: 0.5, p95: 0.95,"),
        ["Power utilisation 0.400-0.900 -> 0.500-0.950 raises the traditional median"],
        ["+power_utilisation: {distribution: log-normal, p5: 0.5, p95: 0.95, unit: '1', source: "],
    ),
    "lengths": (
        METHOD,
        lambda text: replaced(text, "median: 300,", "median: 350,"),
        [
            "Traditional output tokens median 300 -> 350 tokens raises the traditional",
            "leaves the long median at 3.90 Wh",
        ],
        ["+    output_tokens: {distribution: exponential, median: 350, unit: tokens, source: "],
    ),
    "input": (
        # of both regimes, so that all who are in a blend have another median
        METHOD,
        lambda text: re.sub("value: 500, unit: tokens", "value: 1000, unit: tokens", text),
        [
            "Traditional input tokens 500 -> 1,000 tokens raises the traditional median by",
            "long input tokens 500 -> 1,000 tokens raises the long median by",
            "Llama 3.1 70B",
            "enters",
            "leaves",
        ],
        ["value: 1000", "+Llama 3.1 70B,"],
    ),
    "input charged": (
        METHOD,
        lambda text: replaced(text, "{value: null,", "{value: 30,"),
        ["Input tokens per output token charged none -> 30 raises the traditional median by 7.1 %"],
        ["+  input_tokens_per_output_token: {value: 30, unit: '1', source: "],
    ),
    "law": (
        METHOD,
        lambda text: replaced(text, "name: log-linear", "name: additive"),
        ["Throughput law log-linear -> additive"],
        ["name: additive", '+oviedo2026,"traditional query, median"'],
    ),
    "rows excluded": (
        METHOD,
        lambda text: replaced(
            text,
            "precision: [FP8]\n",
            "precision: [FP8]\n  exclude_sources: [llama-nemotron-fig4]\n",
        ),
        ["Benchmark rows exclude sources none -> llama-nemotron-fig4 multiplies"],
        ["llama-nemotron-fig4", '+oviedo2026,"traditional query, median"'],
    ),
    "doubtful rows excluded": (
        # of every method whose rows are the paper's; the others choose among rows of their own
        METHOD,
        lambda text: replaced(
            text, "precision: [FP8]\n", "precision: [FP8]\n  exclude_confidence: [medium]\n"
        ),
        ["Benchmark rows exclude confidence none -> medium"],
        ["exclude_confidence: [medium],", "-DeepSeek-R1,", "+Mixtral 8x22B,"],
    ),
    "a row added": (
        ROWS,
        with_lines(row("Llama 3.1 405B", 405, "1000,1000", "900.00")),
        [
            "the row added in data/throughput/oviedo.csv (Llama 3.1 405B)",
            "row added: 99, Llama 3.1 405B, 405",
        ],
        ["+Llama 3.1 405B,", '+oviedo2026,"traditional query, median"'],
    ),
    "a model added": (
        ROWS,
        with_lines(
            *(
                row("Newcomer 600B", 600, lengths, "100.00")
                for lengths in ("500,500", "500,2000", "2000,500")
            )
        ),
        [
            "The change of 3 rows in data/",
            "row added",
            "| Newcomer 600B | 0 % -> 33 % | none ->",
            "enters",
        ],
        ["+Newcomer 600B,", '+oviedo2026,"traditional query, median"'],
    ),
    "fleet": (
        METHOD,
        lambda text: replaced(text, "long_share: {value: 0.1,", "long_share: {value: 0.2,"),
        [
            "Fleet long share 0.1 -> 0.2 leaves the traditional median",
            'and raises "fleet, with long queries, improved" by 5',
        ],
        ["value: 0.2", '+oviedo2026,"fleet, with long queries"'],
    ),
    "normal quantile": (
        # of every method, and so small that only what is quoted may show it
        METHOD,
        lambda text: replaced(text, "normal_quantile_95: 1.645", "normal_quantile_95: 1.644854"),
        ["Monte Carlo normal quantile 95 1.645 -> 1.64485"],
        ["normal_quantile_95: 1.644854,"],
    ),
}


ENGINES = ["published", "exact"]
SCRIPTS = ROOT / "workflow" / "scripts"
CONFIGURED = read_yaml("config/config.yaml")["methods"]
MATERIALS = materials([METHODS[name] for name in CONFIGURED])
FINDINGS = read_yaml("config/findings.yaml")
LONGER = read_yaml("config/scaling.yaml")["longer"]["factor"]
CLAIMS = read("data/published/claims.csv", "claims_published")
INPUTS = serving_inputs(LAWS) | {
    "traces": "data/request_lengths.csv",
    "claims": "data/published/claims.csv",
    "references": "data/published/references.csv",
    "estimates": "data/published/estimates.csv",
    "scaling": "config/scaling.yaml",
    "schema": "workflow/schemas/method.schema.yaml",
    **{name: f"data/{name}.csv" for name in KNOWN},
}
"""Inputs of rules, by name; the throughput tables apart."""


class Inputs(dict):
    """Inputs of a rule, as a script sees them."""

    __getattr__ = dict.get


def script(monkeypatch, path):
    """A rule's script, loaded into this process: the start of another takes longer than it."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), SCRIPTS / f"{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(module, throughput_tables, output=(), inputs=(), **params):
    """Let a script do its rule's work."""
    given = Inputs(INPUTS, throughput_tables=throughput_tables, **dict(inputs))
    module.main(
        SimpleNamespace(input=given, params=SimpleNamespace(**params), output=output, threads=1)
    )


def resolve_as_a_run(resolving, name, files):
    """Write a method as a run does, from the files that it is made of."""
    method = resolve(name, files)
    made_of = [f"config/methods/{each}.yaml" for each in lineage(name, files)]
    written = [f"results/{name}/{file}.yaml" for file in ("method", "stated")]
    call(resolving, tables_of(method), written, {"files": made_of}, method=method)


def tabulated(table, schema, folder):
    """A table as the next rule reads it."""
    write_table(table, folder / f"{schema}.csv", schema)
    return read_table(folder / f"{schema}.csv", schema)


def lines_of(name, method, given, scratch, numbers):
    """A method's lines of results/headline.csv; its blend is written."""
    setup = build(method, **given)
    made = {
        "energy_per_query": estimate.energy_per_query(setup, ENGINES),
        "fleet": estimate.fleet(setup, ENGINES),
        "output_tokens": estimate.output_tokens(setup, ENGINES),
        "test_time": cost_of_length(setup, LONGER),
    }
    members = estimate.members(estimate.blend(setup))
    write_table(members, f"results/{name}/blend.csv", "blend")
    evidence = Results(method, {n: tabulated(t, n, scratch) for n, t in made.items()}, numbers)
    scored = method["kind"] != "user"
    alternatives = {
        finding["id"]: exact_results(merge(method, finding["override"]), given, numbers)
        for finding in FINDINGS
        if scored and "override" in finding and "claims" in finding
    }
    judged = judge(
        CLAIMS, method["claims"], evidence, alternatives, FINDINGS, ENGINES, scored=scored
    )
    judged = tabulated(judged, "claims", scratch)
    return headline(name, evidence, judged, CLAIMS, f"{LONGER:g} times")


def write_reviewed(monkeypatch, scratch, names=None):
    """Write all that git shows of results/ as a run in the current folder would.

    Of the methods that no edit has moved, only those that are named are computed.
    """
    files = {path.stem: documents.read(path) for path in Path("config/methods").glob("*.yaml")}
    tables = {path: read_table(path, "throughput") for path in MATERIALS.tables}
    moved = {path for path in tables if not tables[path].equals(MATERIALS.tables[path])}
    numbers = script(monkeypatch, "_published").published_numbers(Inputs(INPUTS))
    resolving = script(monkeypatch, "method/resolve")
    known = pd.read_csv("results/headline.csv")
    parts = []
    for name in CONFIGURED:
        method = resolve(name, files)
        used = tables_of(method)
        same = method == METHODS[name] and not moved & set(used)
        if same and name not in (names or ()):
            parts.append(known[known["method"] == name])
            continue
        resolve_as_a_run(resolving, name, files)
        given = Materials(tables, MATERIALS.shared)(method)
        parts.append(lines_of(name, method, given, scratch, numbers))
    resolved = {name: resolve(name, files) for name in CONFIGURED}
    write_table(together(parts, resolved), "results/headline.csv", "headline")


@pytest.fixture
def copied(fresh, monkeypatch):
    """The copy, as current folder and the project's; what is written of results/ is put back."""
    monkeypatch.chdir(fresh)
    monkeypatch.setattr(project, "FOLDER", fresh)
    written = ["headline.csv"]
    files = ("blend.csv", "method.yaml", "stated.yaml")
    written += [f"{n}/{file}" for n in CONFIGURED for file in files]
    with ExitStack() as stack:
        for name in written:
            path = fresh / "results" / name
            stack.enter_context(edited(path, path.read_bytes()))
        yield fresh


def test_what_git_shows_is_what_a_run_writes(copied, monkeypatch, tmp_path):
    write_reviewed(monkeypatch, tmp_path, CONFIGURED)
    assert git(copied, "diff", "results/") == ""


@pytest.mark.parametrize("name", EDITS)
def test_the_diff_of_an_edit_is_short_and_says_what_moved(name, copied, monkeypatch, tmp_path):
    path, edit, _, words = EDITS[name]
    with edited(copied / path, edit((copied / path).read_text())):
        write_reviewed(monkeypatch, tmp_path)
    counted = git(copied, "diff", "--numstat", "results/").splitlines()
    # of what git shows no lines of it counts none
    lines = [line.split()[:2] for line in counted if not line.startswith("-")]
    assert 0 < sum(int(n) for line in lines for n in line) <= 70
    diff = git(copied, "diff", "results/")
    assert [word for word in words if word not in diff] == []


@pytest.mark.parametrize("parent", ["revised", "oviedo2026"])
@pytest.mark.parametrize("name", ["normal quantile", "input", "utilisation"])
def test_the_diff_of_an_edit_stays_short_with_a_draft_beside_the_four(
    parent, name, copied, monkeypatch, tmp_path
):
    """Those of the ten that change most lines: of every method, or with most blends."""
    own, results = copied / "config/methods/mine.yaml", copied / "results/mine"
    own.write_text(f"extends: {parent}\n")
    draft = METHODS[parent] | {"id": "mine", "title": "mine", "kind": "user"}
    monkeypatch.setitem(METHODS, "mine", draft)
    monkeypatch.setattr(sys.modules[__name__], "CONFIGURED", [*CONFIGURED, "mine"])
    results.mkdir()
    try:
        write_reviewed(monkeypatch, tmp_path, ["mine"])
        path, edit, _, _ = EDITS[name]
        before = reviewed(copied)
        with edited(copied / path, edit((copied / path).read_text())):
            write_reviewed(monkeypatch, tmp_path)
        diff = [
            line
            for file, text in reviewed(copied).items()
            for line in unified_diff(before[file], text, n=0)
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        ]
        assert 0 < len(diff) <= 80
    finally:
        own.unlink()
        shutil.rmtree(results)


def reviewed(folder):
    """Lines of the files of results/ that git shows as text."""
    files = [folder / "results/headline.csv"]
    files += [folder / f"results/{n}/{f}" for n in CONFIGURED for f in ("blend.csv", "stated.yaml")]
    return {file: file.read_text().splitlines() for file in files}


@pytest.mark.parametrize(
    ("others", "of_papers", "of_others"), [(2, 7, 7), (3, 7, 5), (4, 7, 3), (5, 7, 2), (9, 6, 2)]
)
def test_the_headline_of_many_methods_is_so_short_that_its_diff_can_be_read(
    others, of_papers, of_others, copied, monkeypatch
):
    """The paper's three have more of what is quoted most, and none has nothing."""
    own = {f"mine{i}": "revised" for i in range(others)}
    names = {name: name for name in CONFIGURED if name != "revised"} | own
    tables = ("claims", "energy_per_query", "fleet", "test_time")
    given = {table: [f"results/{of}/{table}.csv" for of in names.values()] for table in tables}
    given["published"] = INPUTS["claims"]
    methods = {name: METHODS[of] | {"id": name} for name, of in names.items()}
    output = ["results/headline.csv"]
    call(script(monkeypatch, "claims/state_headline"), [], output, given, methods=methods)
    written = read_table(output[0], "headline")
    # with what was edited
    assert 2 * len(written) + 8 <= 80
    counts = written["method"].value_counts()
    is_papers = counts.index.isin(CONFIGURED)
    assert counts[is_papers].unique().tolist() == [of_papers]
    assert counts[~is_papers].unique().tolist() == [of_others]
    medians = written["quantity"].str.endswith("query, median")
    own = written[medians]["method"].value_counts()
    assert own.to_dict() == dict.fromkeys(names, 2)
    assert len(counts) == len(names)


def test_what_to_do_about_verdicts_that_changed_is_told_once(copied, monkeypatch):
    checking, names = script(monkeypatch, "claims/check"), ["oviedo2025", "oviedo2026"]
    methods = {name: METHODS[name] for name in names}
    # each method's claims read as the other's
    given = {"claims": [f"results/{name}/claims.csv" for name in names[::-1]]}
    given["expected"] = "config/expected_verdicts.csv"
    with pytest.raises(InputError) as error:
        call(checking, [], (), given, methods=methods)
    *others, last = error.value.problems
    assert len(others) > 2
    assert all(": verdict " in problem for problem in [*others, last])
    advice = "; if the change is meant, state it in config/expected_verdicts.csv"
    assert last.endswith(advice)
    assert not any("if the change" in problem for problem in others)


def test_a_source_that_was_left_is_told_once_and_by_the_file_that_has_it(
    copied, monkeypatch, capsys
):
    path, before = copied / "config/methods/oviedo2026.yaml", "p5: 0.4, p95: 0.9"
    with edited(path, path.read_text().replace(before, "p5: 0.5, p95: 0.9")):
        files = {path.stem: documents.read(path) for path in Path("config/methods").glob("*.yaml")}
        for name in CONFIGURED:
            resolve_as_a_run(script(monkeypatch, "method/resolve"), name, files)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("config/methods/oviedo2026.yaml: key power_utilisation: value 0.500-")


def test_no_group_shows_a_source_that_its_edited_parent_left(copied, monkeypatch):
    path, before = copied / "config/methods/oviedo2026.yaml", "  models: 3\n"
    with edited(path, path.read_text().replace(before, f"{before}  ranked_by: parameters\n")):
        files = {path.stem: documents.read(path) for path in Path("config/methods").glob("*.yaml")}
        resolve_as_a_run(script(monkeypatch, "method/resolve"), "revised", files)
    blend = documents.read("results/revised/method.yaml")["blend"]
    assert blend["source"].endswith(" (ranked_by)")
    assert blend["source_states"] == "ranked by median"


def test_a_new_method_shows_no_source_that_its_edited_parent_left(copied, monkeypatch):
    path, before = copied / "config/methods/oviedo2026.yaml", "p5: 0.4, p95: 0.9"
    own, written = Path("config/methods/newer.yaml"), Path("results/newer/method.yaml")
    own.write_text("extends: oviedo2026\n")
    try:
        with edited(path, path.read_text().replace(before, "p5: 0.5, p95: 0.9")):
            files = {path.stem: documents.read(path) for path in own.parent.glob("*.yaml")}
            resolve_as_a_run(script(monkeypatch, "method/resolve"), "newer", files)
        assert documents.read(written)["power_utilisation"]["source_states"] == "0.400-0.900"
    finally:
        own.unlink()
        shutil.rmtree(written.parent, ignore_errors=True)


def test_a_draft_shows_no_source_of_another_value_that_it_copied(copied, monkeypatch, capsys):
    own, written = Path("config/methods/newer.yaml"), Path("results/newer")
    source = METHODS["oviedo2026"]["node_power"]["default"]["source"]
    own.write_text(
        f'extends: oviedo2026\nnode_power:\n  default: {{value: 9, unit: kW, source: "{source}"}}\n'
    )
    try:
        files = {path.stem: documents.read(path) for path in own.parent.glob("*.yaml")}
        resolve_as_a_run(script(monkeypatch, "method/resolve"), "newer", files)
        for file in ("method.yaml", "stated.yaml"):
            power = documents.read(written / file)["node_power"]["default"]
            assert power["source_states"] == "10.2 kW"
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{own}: key node_power.default: value 9 kW: its source states 10.2")
    finally:
        own.unlink()
        shutil.rmtree(written, ignore_errors=True)


def test_the_multiverse_of_a_marked_method_without_a_model_refuses_what_has_no_answer(
    copied, monkeypatch
):
    path = copied / METHOD
    rows = "".join(line for line in (copied / ROWS).open() if "Nemotron Ultra" not in line)
    left = replaced(path.read_text(), "value: 10.2, unit: kW", "value: 10.14, unit: kW")
    with edited(copied / ROWS, rows), edited(path, left):
        loaded = config.load(read_yaml("config/config.yaml"))
        assert [loaded.problems(each) for each in ("methods", "findings", "multiverse")] == [[]] * 3
        files = {path.stem: documents.read(path) for path in path.parent.glob("*.yaml")}
        resolve_as_a_run(script(monkeypatch, "method/resolve"), "oviedo2026", files)
        written = "results/oviedo2026/method.yaml"
        assert documents.read(written)["node_power"]["default"]["source_states"] == "10.2 kW"
        given = {
            "config": "config/multiverse.yaml",
            "method": written,
            "config_schema": "workflow/schemas/multiverse.schema.yaml",
            "method_schema": "workflow/schemas/method.schema.yaml",
        }
        reading = script(monkeypatch, "_multiverse")
        tables = tables_of(METHODS["oviedo2026"])
        asked, choices, _ = reading.read_multiverse(
            Inputs(INPUTS, throughput_tables=tables, **given)
        )
    (rule,) = [rule for rule in asked["refused"] if rule["when"] == {"benchmarks": "one-figure"}]
    assert rule["because"] == "its rows give 2 models a law, of which the blend needs 3"
    assert choices.refuses(choices.of_base | {"benchmarks": "one-figure"})
    assert not choices.refuses(choices.of_base)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("law", ["input-5000", "law-misses-long-outputs"]),
        ("rows excluded", ["deepseek-exact-fit", "overestimate-three-ratios"]),
    ],
)
def test_findings_that_an_edit_leaves_without_an_answer_do_not_end_the_run(
    name, lost, copied, monkeypatch, tmp_path
):
    path, edit, *_ = EDITS[name]
    named = sorted({finding["method"] for finding in FINDINGS})
    with edited(copied / path, edit((copied / path).read_text())):
        assert config.load(read_yaml("config/config.yaml")).problems("findings") == []
        files = {path.stem: documents.read(path) for path in Path("config/methods").glob("*.yaml")}
        for method in named:
            resolve_as_a_run(script(monkeypatch, "method/resolve"), method, files)
    output = SimpleNamespace(**{n: tmp_path / n for n in ("table", "page", "each")})
    throughput = sorted({path for method in METHODS.values() for path in tables_of(method)})
    given = {"methods": [f"results/{method}/method.yaml" for method in named], "vendor": VENDORS}
    computing = script(monkeypatch, "claims/compute_findings")
    call(computing, throughput, output, given, findings=FINDINGS)
    told = output.page.read_text().partition("Not computed")[2]
    assert [finding for finding in lost if f"- {finding}: " not in told] == []
    computed = set(pd.read_csv(output.table)["finding"])
    assert computed and not computed & set(lost)
    assert computed | set(re.findall(r"^- ([a-z0-9-]+): ", told, re.MULTILINE)) == {
        finding["id"] for finding in FINDINGS
    }


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_in_place_is_held_against_its_committed_state(name, copied, monkeypatch):
    path, edit, words, _ = EDITS[name]
    throughput = sorted({path for method in METHODS.values() for path in tables_of(method)})
    with edited(copied / path, edit((copied / path).read_text())):
        asking = script(monkeypatch, "comparison/whatif")
        call(asking, throughput, method="oviedo2026", base=None)
    page = (copied / "build/whatif/oviedo2026/page.md").read_text()
    assert [word for word in words if word.lower() not in page.lower()] == []
    assert "What if: oviedo2026 against oviedo2026 as committed" in page
    assert page.index("## What was changed") > page.index("| traditional query, median |")
    sections = re.findall(r"^#+ .*$", page, re.MULTILINE)
    expected = ["## What was changed", "## Who is in the blend", "## Claims whose verdict changed"]
    assert [section for section in sections if section in expected] == expected
    assert not re.search(r"\n{3}|[^\n]\n## ", page)
    quoted = re.findall(r"^\| (?:traditional|long) query, .*$", page, re.MULTILINE)
    assert len(quoted) == 6
    assert all(re.search(r"\| (?:unchanged|x [\d.]+) \|$", line) for line in quoted)
    # no edit of these is of rounding alone
    assert not re.search(r"\de-1\d", page)
    html = (copied / "build/whatif/oviedo2026/page.html").read_text()
    assert "<svg" in html
    assert not re.findall(r"(?:src|href)=\"http", html)
    links = re.findall(r'href="([^"#]+)"', html)
    folder = copied / "build/whatif/oviedo2026"
    assert [link for link in links if not (folder / link).is_file()] == []
    tables = ["energy_per_query.csv", "fleet.csv", "output_tokens.csv", "blend.csv"]
    assert links == ["before_after.svg", *tables]


def test_a_draft_may_name_a_table_that_no_other_method_has(copied, monkeypatch, tmp_path):
    rows = (copied / ROWS).read_text().splitlines(keepends=True)
    own = tmp_path / "own.csv"
    own.write_text("".join(line for line in rows if "Mixtral" not in line))
    mine = tmp_path / "mine.yaml"
    table = f"{{table: {own}, precision: [FP8], source: assumption}}"
    mine.write_text(f"extends: oviedo2026\nbenchmarks: {table}\n")
    call(script(monkeypatch, "comparison/whatif"), [ROWS], method=str(mine), base=None)
    page = (copied / "build/whatif/mine/page.md").read_text()
    assert f"| benchmark rows table | {ROWS} | {own} |" in page
    gone = sum("Mixtral" in line for line in rows)
    assert page.count(f"- {own}, row removed: ") == gone > 2


def test_what_decides_verdicts_alone_is_named_with_the_verdicts(copied, monkeypatch, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: oviedo2025\nkind: variant\nclaims: v2\n")
    asking = script(monkeypatch, "comparison/whatif")
    call(asking, [ROWS], method=str(mine), base=None)
    page = (copied / "build/whatif/mine/page.md").read_text()
    assert "**Version of the claims v1 -> v2 moves no number, only verdicts.**" in page
    assert "| version of the claims | v1 | v2 |  |  |" in page
    claims = page.partition("## Claims whose verdict changed")[2]
    lines = re.findall(r"^\| ([a-z][a-z0-9.-]+) \| .* -> .* \|$", claims, re.MULTILINE)
    assert len(lines) >= 5 and "median-traditional" in lines
    assert "| median-traditional | 0.34 -> 0.31 Wh |" in claims
    v1, v2 = (set(CLAIMS.loc[CLAIMS["version"] == version, "claim"]) for version in ("v1", "v2"))
    assert f"Without a verdict on both sides: {len(v2 - v1)} claims of v2 alone: " in claims
    own = copied / METHOD
    with edited(own, replaced(own.read_text(), "kind: paper", "kind: variant")):
        call(asking, [ROWS], method="oviedo2026", base=None)
    page = (copied / "build/whatif/oviedo2026/page.md").read_text()
    assert "**Kind of method paper -> variant moves neither number nor verdict.**" in page
    assert page.partition("## Claims whose verdict changed")[2].strip().startswith("None.")
    with edited(own, replaced(own.read_text(), "kind: paper", "kind: user")):
        call(asking, [ROWS], method="oviedo2026", base=None)
    for file in ("page.md", "page.html"):
        page = (copied / "build/whatif/oviedo2026" / file).read_text()
        told = "Kind of method paper -> user moves no number, only whether claims are scored."
        assert told.replace(">", "&gt;" if file.endswith("html") else ">") in page
        assert f"no claim of v2 has a verdict then: the {len(v2)} only say whether" in page


def test_what_stands_as_it_is_now_is_told_by_its_name_once(copied, monkeypatch, tmp_path):
    asking, own = script(monkeypatch, "comparison/whatif"), copied / METHOD
    mine = tmp_path / "oviedo2026.yaml"
    mine.write_text("extends: oviedo2026\ntitle: Mine\n")
    now = f"{METHOD} as it is now, not as committed."
    with edited(own, replaced(own.read_text(), "p5: 1.05", "p5: 1.08")):
        for method, base, told in (
            ("oviedo2026", "oviedo2026", f"On both sides stands {now}"),
            (str(mine), None, f"On the other side stands {now}"),
        ):
            call(asking, [ROWS], method=method, base=base)
            for file in ("page.md", "page.html"):
                page = (copied / "build/whatif/oviedo2026" / file).read_text()
                assert told in page and " stands with " not in page
                assert "Nothing differs." in page and "kind of method" not in page.lower()


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (
            "data/published/claims.csv",
            "median-traditional,v2,",
            (",equal,0.31,", ",equal,0.28,"),
            ["| median-traditional | 0.31 -> 0.28 Wh |", "| reproduced | not reproduced |"],
        ),
        (
            "data/published/estimates.csv",
            "iea_r1,",
            (",2.25,", ",22.5,"),
            ["| overestimate-iea-deepseek-r1 | 4-20 | 3.553 | 35.53 |", "value_wh 2.25 -> 22.5"],
        ),
    ],
)
def test_an_edit_of_what_is_published_is_held_against_the_committed(
    path, old, new, told, copied, monkeypatch
):
    asking, table = script(monkeypatch, "comparison/whatif"), copied / path
    before, line, after = table.read_text().partition(f"\n{old}")
    with edited(table, before + line + replaced(after, *new)):
        call(asking, [ROWS], method="oviedo2026", base=None)
        for file in ("page.md", "page.html"):
            page = (copied / "build/whatif/oviedo2026" / file).read_text()
            assert "What if: oviedo2026 against oviedo2026 as committed" in page
            assert f"{path}, row changed: {old.partition(',')[0]}" in page
            # what the run adds to a method is no key of its file
            assert "unusual" not in page
        page = (copied / "build/whatif/oviedo2026/page.md").read_text()
        assert [words for words in told if words not in page] == []
        assert (
            f"**The row changed in {path} (" in page and "moves no headline, only verdicts." in page
        )
        assert page.count("| unchanged |") >= 15
        call(asking, [ROWS], method="oviedo2025", base="oviedo2026")
        page = (copied / "build/whatif/oviedo2025/page.md").read_text()
        assert f"On both sides stands {path} as it is now, not as committed." in page


def test_a_claim_that_an_edit_adds_or_removes_stands_on_the_page(copied, monkeypatch):
    path = "data/published/claims.csv"
    asking, table = script(monkeypatch, "comparison/whatif"), copied / path
    lines = table.read_text().splitlines(keepends=True)
    (own,) = (line for line in lines if line.startswith("median-traditional,v2,"))
    added = own.replace("median-traditional,", "median-another,").replace(",0.31,", ",0.32,")
    for text, told in (
        ([*lines, added], r"\| median-another \| 0\.32 Wh \| – \| .* \| – \| not reproduced \|"),
        (
            [line for line in lines if line != own],
            r"\| median-traditional \| 0\.31 Wh \| 0\.\d+ \| – \| .* \| reproduced \| – \|",
        ),
    ):
        with edited(table, "".join(text)):
            call(asking, [ROWS], method="oviedo2026", base=None)
        page = (copied / "build/whatif/oviedo2026/page.md").read_text()
        assert "moves no headline, only verdicts." in page
        assert len(re.findall(told, page)) == 1


def test_settings_that_cannot_be_mixed_stand_together_on_the_page(copied, monkeypatch):
    throughput = sorted({path for method in METHODS.values() for path in tables_of(method)})
    call(script(monkeypatch, "comparison/whatif"), throughput, method="full-load", base=None)
    page = (copied / "build/whatif/full-load/page.md").read_text()
    assert "Settings of which no mixture is a method stand together." in page
    (joined,) = re.findall(r"^\| benchmark rows \+ .* \|$", page, re.MULTILINE)
    assert joined.startswith(
        "| benchmark rows + throughput law + blend | x 0.849 | x 0.446 | x 0.5"
    )


def test_what_is_unusual_stands_on_the_page(copied, monkeypatch, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: oviedo2026\n"
        "node_power: {default: {value: 30, unit: kW, source: assumption}}\n"
        "pue: {distribution: fixed, value: 2.5, unit: '1', source: assumption}\n"
    )
    call(script(monkeypatch, "comparison/whatif"), [ROWS], method=str(mine), base=None)
    for page in ("page.md", "page.html"):
        shown = (copied / "build/whatif/mine" / page).read_text()
        _, _, unusual = shown.partition("What is unusual")
        assert f"{mine}: key pue.value: value 2.5: unusual; " in unusual
        assert f"{mine}: key node_power: value 30 kW for Llama 3.1 405B: unusual; " in unusual
    call(script(monkeypatch, "comparison/whatif"), [ROWS], method="oviedo2025", base=None)
    assert "What is unusual" not in (copied / "build/whatif/oviedo2025/page.md").read_text()


def test_a_node_that_is_gone_says_what_its_gpu_is_charged_by(copied, monkeypatch):
    path = copied / "data/nodes.csv"
    kept = "".join(line for line in path.open() if not line.startswith("HGX B200,"))
    throughput = tables_of(METHODS["revised"])
    with edited(path, kept):
        call(script(monkeypatch, "comparison/whatif"), throughput, method="revised", base=None)
    told = (
        "B200: charged by HGX H200 of data/nodes.csv, whose GPU has the nearest rated power there"
    )
    for file in ("page.md", "page.html"):
        page = (copied / "build/whatif/revised" / file).read_text()
        assert f"{told}, in place of HGX B200." in page


def test_a_throughput_two_digits_off_is_unusual_on_the_page(copied, monkeypatch):
    """The headline doubles, and nothing that hardware allows is broken."""
    path = copied / ROWS
    with edited(path, replaced(path.read_text(), ",,3732.40,", ",,37.324,")):
        call(script(monkeypatch, "comparison/whatif"), [ROWS], method="oviedo2026", base=None)
    for page in ("page.md", "page.html"):
        shown = (copied / "build/whatif/oviedo2026" / page).read_text()
        _, _, unusual = shown.partition("What is unusual")
        assert "0.631" in shown
        assert f"table: {ROWS}: Llama 3.1 405B on 8 x H100-SXM-80GB, 128/128 tokens: " in unusual
        assert "throughput_tps 37.324: unusual; 0.0115 times what its hardware should " in unusual


def with_few_requests(folder, factor):
    """A method with a table of its own that has rows of one engine at four requests alone, all of
    them too fast by one factor.
    """
    table = read("data/throughput/at_load.csv", "throughput")
    few = table[table["model"].eq("Kimi K2.5") & table["concurrency"].eq(4)]
    few = few[few["precision"].eq("FP4") & few["engine"].eq("vLLM")].dropna(axis="columns")
    few = few.drop(columns=["time_to_first_token_s", "time_per_output_token_s"])
    own, mine = folder / "own.csv", folder / "mine.yaml"
    few.assign(throughput_tps=few["throughput_tps"] * factor).to_csv(own, index=False)
    mine.write_text(
        "extends: revised\n"
        f"benchmarks: {{table: {own}, models: [Kimi K2.5], precision: [FP4], source: own}}\n"
        "serving:\n"
        "  nodes: {kinds: {B200 FP4: 1}, unit: '1', source: assumption}\n"
        "  engines: {kinds: {vLLM: 1}, unit: '1', source: assumption}\n"
        "  load: {distribution: fixed, value: 4, unit: requests, source: assumption}\n"
        "blend: {models: 1, source: assumption}\n"
        "node_power: {default: {value: 14.3, unit: kW, source: DGX B200}}\n"
    )
    return str(mine), str(own)


READ = "tokens of each of 4 requests at once while the GPUs read the active weights"


def test_a_throughput_beyond_what_few_requests_get_is_refused(copied, monkeypatch, tmp_path):
    """All rows of one's own table are as wrong as each other, and no GPU computes too much."""
    mine, own = with_few_requests(tmp_path, 150)
    throughput = sorted({own, *(path for method in METHODS.values() for path in tables_of(method))})
    asking = script(monkeypatch, "comparison/whatif")
    with pytest.raises(InputError) as caught:
        call(asking, throughput, method=mine, base=None)
    assert {READ in problem for problem in caught.value.problems[:3]} == {True}
    assert str(caught.value).startswith(f"{mine}: key benchmarks.table: {own}: Kimi K2.5 on ")
    assert "; allowed is at most 8, more than speculation gives; " in str(caught.value)


def test_settings_of_methods_that_are_served_otherwise_stand_together_on_the_page(
    copied, monkeypatch, tmp_path
):
    """A table that has no row of the other method's engines; what is unusual in it is told too."""
    mine, own = with_few_requests(tmp_path, 60)
    throughput = sorted({own, *(path for method in METHODS.values() for path in tables_of(method))})
    call(script(monkeypatch, "comparison/whatif"), throughput, method=mine, base=None)
    page = (copied / "build/whatif/mine/page.md").read_text()
    assert READ in page.partition("What is unusual")[2]
    assert "Settings of which no mixture is a method stand together." in page
    (joined,) = re.findall(r"^\| benchmark rows \+ .* \|$", page, re.MULTILINE)
    assert joined.startswith("| benchmark rows + blend + serving | x ")
    assert re.search(r"^\| node power.* \| x [\d.]+ \|", page, re.MULTILINE)


def test_the_command_ends_with_the_page(fresh):
    path, edit, words, _ = EDITS["PUE"]
    with edited(fresh / path, edit((fresh / path).read_text())):
        run = snakemake(fresh, "whatif", "--config", "method=oviedo2026")
    assert run.returncode == 0, run.stdout
    page = (fresh / "build/whatif/oviedo2026/page.md").read_text()
    assert words[0] in page
    assert page.strip() in run.stdout
    folder = fresh / "build/whatif/oviedo2026"
    ((figure, named),) = opened((folder / "page.html").read_text())
    assert named and (folder / figure).read_bytes().startswith(b"<?xml")


def test_a_changed_row_is_told_at_the_start_and_does_not_stop_the_what_if(fresh):
    table = fresh / ROWS
    with edited(table, table.read_text().replace("3732.40", "2732.40")):
        run = snakemake(fresh, "whatif", "--config", "method=oviedo2026")
    assert run.returncode == 0, run.stdout
    told, _, after = run.stdout.partition("[1 of 1")
    assert f"{ROWS}: its SHA-256" in told and "make checksums" in told
    assert "raises the traditional median by" in after


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        ("data/models.csv", ",671.0,37.0,", ",1300,37.0,", ["experts' share of all parameters"]),
        ("data/models.csv", ",671.0,37.0,", ",1300,80.0,", ["params_total_b", "weights alone"]),
        ("data/gpus.csv", "B200,180,", "B200,60,", ["memory_gb of B200", "weights alone"]),
        ("data/gpus.csv", ",450,700,", ",450,2100,", ["power_kw", "tdp_w of H100-SXM-80GB"]),
        ("data/nodes.csv", "HGX B200,B200,8,", "HGX B200,B200,24,", ["psu_w", "switch off"]),
    ],
)
def test_hardware_that_cannot_be_is_told_as_such(fresh, path, old, new, words):
    table = fresh / path
    with edited(table, replaced(table.read_text(), old, new)):
        run = snakemake(fresh, "whatif", "--config", "method=config/methods/revised.yaml")
    assert run.returncode != 0
    assert "Traceback" not in run.stdout and "Error: " not in run.stdout
    missing = [word for word in [path, *words] if word not in run.stdout]
    assert missing == [], run.stdout


def test_the_next_question_finds_the_fits_of_the_last_and_answers_the_same(fresh):
    draft = fresh / "config/methods/draft.yaml"
    answers = []
    draft.write_text(
        "extends: revised\npue: {distribution: fixed, value: 1.2, unit: '1', source: assumption}\n"
    )
    try:
        for _ in range(2):
            run = snakemake(fresh, "whatif", "--config", "method=draft")
            assert run.returncode == 0, run.stdout
            fits = {path: path.stat().st_mtime_ns for path in fresh.glob("build/fits/*/*.npy")}
            answers.append(((fresh / "build/whatif/draft/page.html").read_bytes(), fits))
    finally:
        draft.unlink()
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_a_new_method_is_held_against_what_it_extends_and_needs_no_listing(fresh, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: oviedo2025\n"
        "pue: {distribution: fixed, value: 1.1, unit: '1', source: assumption}\n"
        "fleet: {long_share: {value: 0.3, unit: '1', source: assumption}}\n"
    )
    # a finding is of a method that is broken
    with edited(fresh / "config/methods/revised.yaml", "extends: oviedo2026\nserved: 1\n"):
        run = snakemake(fresh, "whatif", "--config", f"method={mine}")
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("unknown key served") == 1
    assert "# What if: mine against oviedo2025\n" in run.stdout
    assert "## Which setting did it" in run.stdout
    assert "| PUE | x 0." in run.stdout
    assert "stand together" not in run.stdout
    assert git(fresh, "status", "--porcelain") == ""
    with ExitStack() as stack:
        for name in ("findings", "methods/revised", "deployments/8xh100-llama-405b"):
            stack.enter_context(edited(fresh / f"config/{name}.yaml", "a: [\n"))
        # what it does not need stops it not, and is told once
        against = snakemake(fresh, "whatif", "--config", f"method={mine}", "base=oviedo2026")
    assert "# What if: mine against oviedo2026\n" in against.stdout
    assert against.stdout.count("config/methods/revised.yaml, line 2") == 1


def test_the_law_of_a_method_with_a_load_is_changed_by_a_draft_that_removes_it(fresh, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: revised\n"
        "throughput_law: {name: additive, gpus_per_node: 8, source: assumption,"
        " reference: {input_tokens: 1174, output_tokens: 300, unit: tokens}}\n"
        "serving: null\n"
        "power_utilisation:"
        " {distribution: log-normal, p5: 0.4, p95: 0.9, unit: '1', source: assumption}\n"
    )
    run = snakemake(fresh, "whatif", "--config", f"method={mine}")
    assert run.returncode == 0, run.stdout
    assert "# What if: mine against revised\n" in run.stdout
    assert "| throughput law | at-load, error included | additive, error ignored |" in run.stdout
    assert "| serving load | 8.00-408 | none | requests |" in run.stdout
    assert "| throughput law + power utilisation + serving | x 0." in run.stdout


def test_what_a_method_removes_stands_among_its_results(copied, monkeypatch):
    utilisation = "{distribution: fixed, value: 0.6, unit: '1', source: assumption}"
    own, folder = Path("config/methods/newer.yaml"), Path("results/newer")
    own.write_text(f"extends: revised\nserving: null\npower_utilisation: {utilisation}\n")
    try:
        files = {path.stem: documents.read(path) for path in own.parent.glob("*.yaml")}
        resolve_as_a_run(script(monkeypatch, "method/resolve"), "newer", files)
        whole, stated = (documents.read(folder / f"{n}.yaml") for n in ("method", "stated"))
    finally:
        own.unlink()
        shutil.rmtree(folder, ignore_errors=True)
    assert (whole["removed"], "serving" in whole) == (["serving"], False)
    assert stated["serving"] is None


def test_a_new_method_among_the_others_is_asked_of_while_another_is_broken(fresh):
    mine = fresh / "config/methods/mine.yaml"
    pue = "pue: {distribution: fixed, value: 1.1, unit: '1', source: assumption}\n"
    mine.write_text(f"extends: oviedo2026\n{pue}")
    try:
        with edited(fresh / "config/methods/revised.yaml", "extends: oviedo2026\nserved: 1\n"):
            run = snakemake(fresh, "whatif", "--config", "method=mine")
    finally:
        mine.unlink()
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("unknown key served") == 1
    assert "# What if: mine against oviedo2026\n" in run.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("extends: oviedo2026\npue: {p5: 1.1}\n", ["key pue", "missing keys", "source: text"]),
        ("extends: nobody\n", ["key extends: value nobody", "unknown method"]),
        ("pue: [\n", ["mine.yaml"]),
        (
            "extends: oviedo2026\nblend: {models: 50, source: assumption}\n",
            ["{mine}: key benchmarks: ", "blend.models = 50"],
        ),
        (
            "extends: oviedo2026\nregimes: {traditional: {output_tokens: {distribution: pareto,"
            " median: 1, exponent: 1, maximum: 1.0e+7, unit: tokens, source: assumption}}}\n",
            ["{mine}: key regimes.traditional: ", "allowed is at most 100 times"],
        ),
    ],
)
def test_an_unsound_method_is_refused(fresh, tmp_path, content, words):
    mine = tmp_path / "mine.yaml"
    mine.write_text(content)
    words = [word.format(mine=mine) for word in words]
    one_message(snakemake(fresh, "whatif", "--config", f"method={mine}"), *words)


def test_a_method_that_is_not_there_is_named(fresh):
    run = snakemake(fresh, "whatif", "--config", "method=nowhere.yaml")
    one_message(run, "key method: value nowhere.yaml: no such method or file", "oviedo2026")


@pytest.mark.parametrize(
    ("told", "alone"), [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True)]
)
def test_a_question_that_is_stopped_says_so_and_shows_no_answer(fresh, told, alone):
    asked = ["whatif", "--config", "method=oviedo2025"]
    code, said = interrupted(fresh, told, alone, "[1 of 1", *asked)
    assert code
    assert re.findall("Failed|Traceback|Wh", said.partition("[1 of 1")[2]) == [], said
    assert said.splitlines()[-1] == stopping.words(0, 1)
    assert git(fresh, "status", "--porcelain") == ""
