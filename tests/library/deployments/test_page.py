"""A deployment's report says what its tables say, in Markdown and in HTML."""

from html.parser import HTMLParser
from math import log
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from inference_energy.deployments.page import report
from inference_energy.reports import to_html, told
from inference_energy.tables import read_table

ROOT = Path(__file__).resolve().parents[3]
NAME = "8xh100-llama-405b"
TABLES = ["energy_per_query", "energy_per_million_tokens", "per_day", "limits", "assumptions"]
HELD = (
    "The benchmark files do not tell the input length: the throughput is held at the measured one,"
    " whatever the lengths."
)


@pytest.fixture
def given():
    """Arguments of the report of an example, from its committed tables."""
    folder = ROOT / "results" / "deployments" / NAME
    runs = read_table(folder / "runs.csv", "runs")
    used = runs[runs["use"] == "yes"].iloc[0]
    file = yaml.safe_load((ROOT / f"config/deployments/{NAME}.yaml").read_text(encoding="utf-8"))
    power = SimpleNamespace(
        boundary="accelerator",
        accelerators=used["gpu_power_w"] / 1000,
        factor=SimpleNamespace(mu=log(used["power_kw"])),
        doubted=False,
        runs=(f"run {used['run']} of {used['source_file']}",),
    )
    return {
        "title": file["title"],
        "deployment": SimpleNamespace(
            model=SimpleNamespace(name=used["model"]),
            regimes={"traditional": None, "long": None},
            basis=HELD,
            runs=runs,
            power=power,
            unlisted=(),
        ),
        "tables": {name: read_table(folder / f"{name}.csv", name) for name in TABLES},
        "reference": "oviedo2026",
    }


def set_limit(given, regime, quantity, value):
    table = given["tables"]["limits"]
    table.loc[(table["regime"] == regime) & (table["quantity"] == quantity), "value"] = value


def test_the_committed_report_is_that_of_the_committed_tables(given):
    # the workflow writes the report before the tables are rounded to this whole number
    day = given["tables"]["per_day"]
    day.loc[day["quantity"] == "output tokens", "value"] += 0.1
    committed = ROOT / "results" / "deployments" / NAME / "report.md"
    assert told(report(**given), committed.parent) == committed.read_text(encoding="utf-8")


def test_the_report_says_what_is_not_known(given):
    text = report(**given)
    assert "do not tell the input length" in text
    assert "outside the measured lengths" in text
    assert "input not told by the files" in text


def test_a_key_that_is_unusual_in_two_ways_is_in_the_report_twice(given):
    told = [f"unusual; {what}" for what in ("it is low", "it is late")]
    lines = [("unusual: a.b", what, "stated", "mine.yaml") for what in told]
    facts = given["tables"]["assumptions"]
    for at, line in enumerate(lines):
        facts.loc[len(facts) + at] = line
    text = report(**given)
    assert [what for what in told if f"| unusual: a.b | {what} | stated |" not in text] == []


@pytest.mark.parametrize(
    ("share", "words"), [(0.5, "50 % of them"), (0.999, "more than 99 % of"), (1, "100 % of them")]
)
def test_nearly_all_is_not_written_as_all(given, share, words):
    set_limit(given, "long", "queries outside the measured lengths", share)
    row = next(r for r in report(**given).splitlines() if r.startswith("- Long queries"))
    assert words in row


def test_a_law_far_from_the_nearest_measurement_is_told(given):
    set_limit(given, "long", "node time if held at the nearest measured length", 0.66)
    assert report(**given).count("would be 0.66 times that of the law.") == 1


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        ("node", "Power was measured at the node: 7.07 kW."),
        ("not measured", "Power was not measured: 7.07 kW is the method's node power"),
    ],
)
def test_where_power_was_measured_is_told(given, boundary, words):
    given["deployment"].power.boundary = boundary
    assert words in report(**given)


@pytest.mark.parametrize(
    ("boundary", "words"),
    [("node", "stated for the node: 7.07 kW"), ("accelerator", "stated for the accelerators, ")],
)
def test_power_that_is_stated_is_not_told_as_measured(given, boundary, words):
    given["deployment"].power.boundary = boundary
    table = given["tables"]["assumptions"]
    table.loc[table["fact"] == "accelerator power", "basis"] = "stated"
    text = report(**given)
    assert f"Power is {words}" in text and "Power was measured" not in text


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        ("node", "at the node in 1 of 8 runs, run 1 of a.json, and charged to all: 7.07 kW."),
        ("accelerator", "at the accelerators in 1 of 8 runs, run 1 of a.json, "),
    ],
)
def test_which_runs_a_power_is_of_is_told_where_it_is_not_of_all(given, boundary, words):
    deployment = given["deployment"]
    deployment.runs["use"] = "yes"
    deployment.power.boundary, deployment.power.runs = boundary, ("run 1 of a.json",)
    (line,) = [line for line in report(**given).splitlines() if line.startswith("- Power")]
    assert line.startswith(f"- Power was measured {words}")
    deployment.power.runs = ("run 1 of a.json",) * 8
    assert " in 8 of 8 runs" not in report(**given)


def test_power_that_was_measured_and_doubted_is_not_told_as_not_measured(given):
    power = given["deployment"].power
    power.boundary, power.doubted = "not measured", True
    text = report(**given)
    assert "Power was measured but is doubted, as told below, and not used" in text
    assert "accept_marked: true" in text


def test_an_unlimited_load_has_no_number(given):
    set_limit(given, "measured", "concurrency", float("nan"))
    assert "serve an unlimited or unknown number of requests at once" in report(**given)


def test_marked_runs_are_told_with_their_reasons(given):
    runs = given["deployment"].runs
    runs.loc[runs["use"] != "yes", "use"] = "marked"
    runs.loc[runs["use"] == "marked", "status"] = "marked: power: a gap; 2 requests failed"
    text = report(**given)
    assert "- Not used: 7 runs, as their 2 requests failed; power: a gap." in text
    assert "Used with a mark" not in text
    runs["use"] = "yes"
    assert "- Used with a mark: 7 runs, as their" in report(**given)
    runs["status"] = ["marked: 2 requests failed", *["ok"] * (len(runs) - 1)]
    assert "- Used with a mark: 1 run, as its 2 requests failed." in report(**given)


def test_ten_runs_are_shown_and_the_others_are_counted(given):
    deployment = given["deployment"]
    deployment.runs = deployment.runs.loc[[0] * 12].assign(use="yes")
    rows = report(**given).partition("## At the measured lengths")[2].partition("##")[0]
    assert rows.count(".json |") == 10
    assert "| and 2 more in runs.csv |  |  |  |  |  |  |" in rows


class Page(HTMLParser):
    """Tags of a page, and rows of its tables."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] in ("td", "th"):
            self.rows[-1][-1] += data.removesuffix("\n")


def test_html_holds_its_figures_and_nothing_from_outside(given):
    text = report(**given)
    page = to_html(given["title"], text, {"energy": b"<svg/>", "measured": b"<svg/>"})
    assert page.count('src="data:image/svg+xml;base64,PHN2Zy8+"') == 2
    assert not {"script", "link"} & set(Page(page).tags)
    assert "src=" not in page.replace('src="data:', "")


def test_html_has_the_tables_of_the_markdown(given):
    text = report(**given)
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in text.splitlines()
        if row.startswith("|") and "---" not in row
    ]
    assert Page(to_html(given["title"], text, {})).rows == rows


def test_data_cannot_become_markup(given):
    evil = "<script>alert(1)</script>|[x](javascript:alert(1))"
    given["title"] = evil
    given["tables"]["assumptions"].loc[0, "source"] = evil
    given["deployment"].runs["source_file"] = evil
    page = Page(to_html(evil, report(**given), {}))
    assert not {"script", "a"} & set(page.tags)
    assert any(row[-1] == evil for row in page.rows)


def test_names_that_no_table_has_are_told(given):
    given["deployment"].unlisted = (
        ("model", "M|1", ""),
        ("gpu", "H100-SXM-80", "; did you mean H100-SXM-80GB?"),
    )
    lines = report(**given).splitlines()
    assert (
        "- data/models.csv lacks M\\|1: its numbers were held against what any model can do."
        in lines
    )
    assert (
        "- data/gpus.csv lacks H100-SXM-80: its numbers were held against what any GPU can do;"
        " did you mean H100-SXM-80GB?"
    ) in lines
