"""The answer to a changed assumption: what it says of ten edits, and how short a diff is."""

import re
from contextlib import ExitStack

import pytest
from processes import git, one_message, snakemake
from repository import edited

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
        ["row added", "| Newcomer 900B | no | yes | none ->", "enters"],
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
