"""The answer to a changed assumption: what it says of ten edits, and how short a diff is."""

import difflib
import re
from contextlib import ExitStack

import pytest
import yaml
from inference_energy.claims.headline import headline
from inference_energy.claims.judge import judge
from inference_energy.claims.selectors import Results
from inference_energy.comparison.sides import Side
from inference_energy.comparison.whatif import answer
from inference_energy.method.files import resolve
from inference_energy.method.sources import Sources, tables_of
from inference_energy.tables import load_schema, read_table, write_table
from processes import git, one_message, snakemake
from repository import METHOD_FILES, METHODS, ROOT, edited, read, read_yaml, sources

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
    "node power": (
        METHOD,
        lambda text: replaced(text, "value: 10.2, unit: kW", "value: 10.14, unit: kW"),
        ["Node power 10.2 -> 10.14 kW lowers the traditional median by 0.4 %, 0.309 -> 0.308 Wh"],
    ),
    "PUE": (
        METHOD,
        lambda text: replaced(text, "p5: 1.05, p95: 1.6,", "p5: 1.08, p95: 1.25,"),
        ["PUE 1.05-1.60 -> 1.08-1.25 lowers the traditional median by 10.2 %, 0.309 -> 0.277 Wh"],
    ),
    "utilisation": (
        METHOD,
        lambda text: replaced(text, "p5: 0.4, p95: 0.9,", "p5: 0.5, p95: 0.9,"),
        ["Power utilisation 0.400-0.900 -> 0.500-0.900 raises the traditional median"],
    ),
    "lengths": (
        METHOD,
        lambda text: replaced(text, "median: 300,", "median: 350,"),
        [
            "Traditional output tokens median 300 -> median 350 tokens raises the traditional",
            "leaves the long median at 3.90 Wh",
        ],
    ),
    "input": (
        METHOD,
        lambda text: replaced(text, "value: 500, unit: tokens", "value: 1000, unit: tokens"),
        ["Traditional input tokens 500 -> 1000 tokens", "Llama 3.1 70B", "enters", "leaves"],
    ),
    "law": (
        METHOD,
        lambda text: replaced(text, "name: log-linear", "name: additive"),
        ["Throughput law log-linear -> additive"],
    ),
    "rows excluded": (
        METHOD,
        lambda text: replaced(
            text,
            "precision: [FP8]\n",
            "precision: [FP8]\n  exclude_sources: [llama-nemotron-fig4]\n",
        ),
        ["Benchmark rows", "exclude sources llama-nemotron-fig4"],
    ),
    "a row added": (
        ROWS,
        with_lines(row("Llama 3.1 405B", 405, "1000,1000", "900.00")),
        ["tables of data/", "row added", "Llama 3.1 405B, 405"],
    ),
    "a model added": (
        ROWS,
        with_lines(
            *(
                row("Newcomer 900B", 900, lengths, "100.00")
                for lengths in ("500,500", "500,2000", "2000,500")
            )
        ),
        ["row added", "| Newcomer 900B | 0 % -> 33 % | none ->", "enters"],
    ),
    "fleet": (
        METHOD,
        lambda text: replaced(text, "long_share: {value: 0.1,", "long_share: {value: 0.2,"),
        ["Fleet long share 0.1 -> 0.2 leaves the traditional median", "fleet, with long queries"],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_in_place_is_held_against_its_committed_state(fresh, name):
    path, edit, words = EDITS[name]
    with edited(fresh / path, edit((fresh / path).read_text())):
        run = snakemake(fresh, "whatif", "--config", "method=oviedo2026")
    assert run.returncode == 0, run.stdout
    page = (fresh / "build/whatif/oviedo2026/page.md").read_text()
    assert [word for word in words if word.lower() not in page.lower()] == []
    assert page.strip() in run.stdout
    assert "What if: oviedo2026 against oviedo2026 as committed" in page
    assert page.index("## What was changed") > page.index("| traditional query, median |")
    sections = re.findall(r"^#+ .*$", page, re.MULTILINE)
    expected = ["## What was changed", "## Who is in the blend", "## Claims whose verdict changed"]
    assert [section for section in sections if section in expected] == expected
    quoted = re.findall(r"^\| (?:traditional|long) query, .*$", page, re.MULTILINE)
    assert len(quoted) == 6
    assert all(re.search(r"\| (?:unchanged|x [\d.]+) \|$", line) for line in quoted)
    # no edit of these is of rounding alone
    assert not re.search(r"\de-1\d", page)
    html = (fresh / "build/whatif/oviedo2026/page.html").read_text()
    assert "<svg" in html
    assert not re.findall(r"(?:src|href)=\"http", html)


def test_a_new_method_is_held_against_what_it_extends_and_needs_no_listing(fresh, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: oviedo2025\n"
        "pue: {distribution: fixed, value: 1.1, unit: '1', source: assumption}\n"
        "fleet: {long_share: {value: 0.3, unit: '1', source: assumption}}\n"
    )
    run = snakemake(fresh, "whatif", "--config", f"method={mine}")
    assert run.returncode == 0, run.stdout
    assert "# What if: mine against oviedo2025\n" in run.stdout
    assert "## Which setting did it" in run.stdout
    assert "| PUE | x 0." in run.stdout
    assert git(fresh, "status", "--porcelain") == ""
    against = snakemake(fresh, "whatif", "--config", f"method={mine}", "base=oviedo2026")
    assert "# What if: mine against oviedo2026\n" in against.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("extends: oviedo2026\npue: {p5: 1.1}\n", ["key pue", "missing key source"]),
        ("extends: nobody\n", ["key extends: value nobody", "unknown method"]),
        ("pue: [\n", ["mine.yaml"]),
    ],
)
def test_an_unsound_method_is_refused(fresh, tmp_path, content, words):
    mine = tmp_path / "mine.yaml"
    mine.write_text(content)
    one_message(snakemake(fresh, "whatif", "--config", f"method={mine}"), *words)


def test_a_method_that_is_not_there_is_named(fresh):
    run = snakemake(fresh, "whatif", "--config", "method=nowhere.yaml")
    one_message(run, "key method: value nowhere.yaml: no such method or file", "oviedo2026")


CONFIGURED = read_yaml("config/config.yaml")["methods"]
SOURCES = sources([METHODS[name] for name in CONFIGURED])
LONGER = read_yaml("config/scaling.yaml")["longer"]["factor"]
CLAIMS = read("data/published/claims.csv", "claims_published")


def figures():
    """Published figures that claims are held against."""
    estimates = read("data/published/estimates.csv", "estimates")
    references = read("data/published/references.csv", "references")
    names = CLAIMS["version"] + "/" + CLAIMS["claim"]
    return {
        "estimate": dict(zip(estimates["id"], estimates["value_wh"], strict=True)),
        "reference": dict(zip(references["quantity"], references["value"], strict=True)),
        "published": dict(zip(names, CLAIMS["value"], strict=True)),
        "published_upper": dict(zip(names, CLAIMS["upper"].fillna(CLAIMS["value"]), strict=True)),
    }


def reviewed(name, method, given, folder):
    """Lines that git shows of one method's results: headline, blend and method.

    A fleet without the bootstrap stands for the drawn one, which takes longer than all the rest.
    """
    found = answer(Side(name, method), given, LONGER)
    tables = dict(found.tables) | {"fleet": found.tables["fleet"].assign(engine="published")}
    results = Results(method, tables, figures())
    scored = method["kind"] != "user"
    claims = judge(CLAIMS, method["claims"], results, {}, [], ["published", "exact"], scored)
    lines = headline(name, results, claims, CLAIMS, f"{LONGER:g} times")
    write_table(lines, folder / "headline.csv", "headline")
    columns = list(load_schema("blend")["properties"])
    members = tables["blend"][tables["blend"]["share"] > 0]
    write_table(members[columns], folder / "blend.csv", "blend")
    text = yaml.safe_dump(method, sort_keys=False, allow_unicode=True, width=100)
    written = [(folder / f"{table}.csv").read_text() for table in ("headline", "blend")]
    return "".join([*written, text]).splitlines()


def all_reviewed(files, tables, folder, known=None):
    """Lines of every configured method; of those that do not differ from the known ones, these."""
    lines, given = {}, Sources(tables, SOURCES.shared)
    for name in CONFIGURED:
        method = resolve(name, files)
        kept = known and known[name][0] == method
        kept = kept and all(tables[p].equals(SOURCES.tables[p]) for p in tables_of(method))
        own = known[name][1] if kept else reviewed(name, method, given, folder)
        lines[name] = (method, own)
    return lines


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """Lines of every method before an edit."""
    return all_reviewed(METHOD_FILES, SOURCES.tables, tmp_path_factory.mktemp("before"))


@pytest.mark.parametrize("name", EDITS)
def test_the_diff_of_every_edit_is_short(name, committed, tmp_path):
    path, edit, _ = EDITS[name]
    text = edit((ROOT / path).read_text(encoding="utf-8"))
    files, tables = dict(METHOD_FILES), dict(SOURCES.tables)
    if path == ROWS:
        (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
        tables[ROWS] = read_table(tmp_path / "rows.csv", "throughput")
    else:
        files["oviedo2026"] = yaml.safe_load(text)
    after = all_reviewed(files, tables, tmp_path, committed)
    changed = [
        line
        for method, (_, own) in after.items()
        for line in difflib.unified_diff(committed[method][1], own, lineterm="", n=0)
        if re.match(r"[+-](?![+-])", line)
    ]
    assert 0 < len(changed) <= 80
    assert any(line.startswith("+oviedo2026,") for line in changed)


def test_the_diff_of_an_edit_is_short_and_readable(done):
    folder, _ = done
    path, edit, _ = EDITS["PUE"]
    readable = ["results/headline.csv", "results/oviedo2026/blend.csv"]
    with ExitStack() as stack:
        for made in [*readable, "results/oviedo2026/method.yaml"]:
            stack.enter_context(edited(folder / made, (folder / made).read_bytes()))
        stack.enter_context(edited(folder / path, edit((folder / path).read_text())))
        run = snakemake(folder, *readable)
        assert run.returncode == 0, run.stdout
        changed = re.findall(r"^[+-](?![+-]).*$", git(folder, "diff", "results/"), re.MULTILINE)
    git(folder, "checkout", "--quiet", "results", "figures")
    assert 10 < len(changed) <= 80
    assert any("traditional query, median" in line for line in changed)
