"""What the report is made of, and that a figure stands in it with its numbers."""

import base64
import re
from html import unescape

import pytest
from inference_energy.claims.judge import deciding
from inference_energy.claims.readme import PAPER
from inference_energy.evidence.verdicts import how_judged
from inference_energy.pages import facts, report
from inference_energy.templates import render
from inference_energy.text import grouped, number
from opened import opened
from repository import ROOT, read, read_yaml

FIGURES = ROOT / "figures" / "oviedo2026"

NOMINAL = read_yaml("config/evidence.yaml")["nominal_coverage"]


@pytest.fixture(scope="module")
def page():
    """Report of the committed tables, with one figure in place of all."""
    of_methods = ("energy_per_query", "fleet", "test_time", "claims")
    names = ("oviedo2026", "revised")
    tables = {
        name: {table: read(f"results/{name}/{table}.csv", table) for table in of_methods}
        | {
            "evidence_verdicts": read(
                f"results/validation/{name}/evidence_verdicts.csv", "evidence_verdicts"
            )
        }
        for name in names
    }
    audit = ("findings", "multiverse_distribution", "sobol_indices")
    shared = {name: read(f"results/audit/{name}.csv", name) for name in audit}
    shared["concurrency"] = read("results/validation/concurrency.csv", "concurrency")
    shared["claims"] = {
        name: read(f"results/{name}/claims.csv", "claims")
        for name in ("oviedo2025", "oviedo2026", "oviedo2026-as-written")
    }
    picture = report.picture(FIGURES / "1a.svg") | {"path": "figures/oviedo2026/1a.svg"}
    paper = dict.fromkeys([*(of for _, _, of, _ in PAPER), "claims", report.RATIOS], picture)
    pictures = {"paper": paper, "own": {}, "evidence": {}, "audit": {}}
    methods = {name: read_yaml(f"results/{name}/method.yaml") for name in names}
    drawn = ["figures/oviedo2026/1a.svg", "figures/oviedo2025/1a.svg", "figures/audit/tornado.svg"]
    values = report.gather(methods, tables, shared, pictures, [], drawn, 15, NOMINAL)
    return render("pages/report.html.jinja", **values)


@pytest.fixture(scope="module")
def words(page):
    """Words of the report."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())


@pytest.fixture(scope="module")
def claims():
    return read("results/oviedo2026/claims.csv", "claims")


def test_a_figure_is_its_drawing_and_its_numbers_in_words():
    of = report.picture(FIGURES / "3a.svg")
    assert base64.b64decode(of["data"]) == (FIGURES / "3a.png").read_bytes()
    assert of["alternative"].startswith(of["finding"])
    assert of["described"].startswith(of["alternative"])
    assert "Baseline: 0.731" in of["alternative"]


def test_every_figure_opens_in_one_click(page):
    one = "figures/oviedo2026/1a.svg"
    alternative = report.picture(FIGURES / "1a.svg")["alternative"]
    assert opened(page) == [(f"../{one}", alternative)] * page.count("<img ")
    links = re.findall(r'<a href="\.\./(figures/[^"]+)">(?:<code>)?([^<]+)</', page)
    assert links[:-2] == [(one, one)] * page.count("<img ")
    # those that the page does not show stand at its end, by folder
    assert links[-2:] == [
        ("figures/audit/tornado.svg", "tornado"),
        ("figures/oviedo2025/1a.svg", "1a"),
    ]
    assert "<code>figures/audit</code>: " in page


@pytest.mark.parametrize(("name", "wide"), [("1a", False), ("s4", True)])
def test_a_figure_keeps_the_width_that_it_is_drawn_for(name, wide):
    assert report.picture(FIGURES / f"{name}.svg")["wide"] is wide


def test_claims_stand_in_words_in_the_order_of_the_paper(claims):
    lines = report.claim_lines(claims, ["median-*"])
    assert [line["words"] for line in lines][:2] == [
        "Median energy; traditional",
        "Median energy; long",
    ]
    assert all(line["engine"] == "published" for line in lines)
    assert lines[0]["exact"] != lines[0]["computed"]


def test_every_testable_claim_stands_under_one_figure(claims):
    """Numbers of two figures would count twice."""
    pictures = dict.fromkeys([*(figure for _, _, figure, _ in PAPER), report.RATIOS])
    shown = [
        line["claim"] for of in report.paper_figures(pictures, claims) for line in of["claims"]
    ]
    lines = deciding(claims)
    assert sorted(shown) == sorted(lines[lines["verdict"] != "not testable"]["claim"])


def test_weak_points_are_in_their_order_each_once():
    findings = read("results/audit/findings.csv", "findings")
    weak = report.weak_points(findings)
    assert [line["rank"] for line in weak] == sorted(set(findings["rank"]))
    assert (weak[0]["finding"], weak[0]["quantity"]) == ("input-5000", "traditional median")
    assert weak[-1]["quantity"] != "traditional median"


def test_a_weak_point_that_leaves_the_median_shows_what_it_moves_most():
    """Trimming twice leaves the median and takes a quarter off the mean: that is no "+0 %"."""
    weak = {
        line["finding"]: line
        for line in report.weak_points(read("results/audit/findings.csv", "findings"))
    }
    assert all(line["change_percent"] != 0 for line in weak.values())
    assert weak["twice-trimmed-blend"]["quantity"] == "traditional first quartile"
    assert weak["fleet-improvement"]["unit"] == "GWh/day"
    assert weak["load-8"]["quantity"] == "traditional median"


def test_the_strongest_inputs_are_those_of_the_largest_total_index():
    sobol = read("results/audit/sobol_indices.csv", "sobol_indices")
    found = report.strongest(sobol, "median traditional", 3)
    assert [line["input"] for line in found] == [
        "output_tokens_traditional",
        "throughput",
        "input_tokens",
    ]


def test_the_spread_of_choices_is_of_the_median():
    table = read("results/audit/multiverse_distribution.csv", "multiverse_distribution")
    spread = report.spread_of_choices(table)
    assert set(spread) == {"traditional", "long"}
    assert spread["traditional"]["p5"] < 0.31 < spread["traditional"]["p95"]


def test_the_rules_above_the_verdicts_on_evidence_are_those_of_its_rows(words):
    assert [rule for rule in how_judged(NOMINAL).values() if rule not in words] == []


def test_the_days_of_a_fleet_are_those_of_the_headline(words):
    """The README and the figures show the days as drawn, and so does the answer."""
    headline = read("results/headline.csv", "headline").set_index(["method", "quantity"])["value"]
    for name in ("oviedo2026", "revised"):
        days = (headline[name, f"fleet, {kind}"] for kind in ("traditional", "with long queries"))
        assert " to ".join(map(number, days)) + " GWh" in words


def test_half_of_all_queries_is_said_of_the_range_that_leaves_none_out(words):
    """Half of the queries that trimming keeps are far fewer than half of all."""
    answer = words.partition("The answer")[2].partition("Our own estimate")[0]
    energy = facts.energies(read("results/oviedo2026/energy_per_query.csv", "energy_per_query"))
    for regime, digits in (("traditional", 2), ("long", 3)):
        whole, trimmed = (
            f"{number(of['p25'], digits)}–{number(of['p75'], digits)}"
            for of in (energy[regime]["untrimmed"], energy[regime]["published"])
        )
        assert f"half of all such queries {whole}" in answer
        assert trimmed in answer.partition("trimming keeps")[2]


def test_a_weak_point_has_the_digits_of_the_claims(words):
    """2,075 tokens are not 2,080 in one table and 2,075 in the next."""
    weak = words.partition("Weak points Each")[2].partition("Evidence What")[0]
    for line in report.weak_points(read("results/audit/findings.csv", "findings")):
        assert f"{grouped(line['before'], 4)} → {grouped(line['after'], 4)}" in weak


def test_a_weak_point_names_its_method(words):
    """Medians of 0.3088 and 0.2311 Wh in one column are those of two methods."""
    weak = words.partition("Weak points Each")[2].partition("Evidence What")[0]
    for line in report.weak_points(read("results/audit/findings.csv", "findings")):
        assert f"{line['method']}{line['claimed']}" in weak


def test_the_loads_are_said_of_the_gpus_that_they_were_measured_on(words):
    """A sweep is of the GPUs of one copy of the model, not of a node of eight."""
    swept = read("results/validation/concurrency.csv", "concurrency").set_index("gpu")["gpus"]
    assert (swept["H100-SXM-80GB"].min(), swept["H100-SXM-80GB"].max()) == (1, 8)
    assert "on one to eight H100 takes" in words and "of an H100 node" not in words
