"""What the pages quote, and that what they say in words is so."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.drawing import described
from inference_energy.energy import exact
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.registry import LAWS
from inference_energy.method.build import build
from inference_energy.pages import facts
from inference_energy.text import number, percent
from repository import METHODS, ROOT, materials, read, read_yaml

PAPER, REVISED = "oviedo2026", "revised"


def table(method, name):
    return read(f"results/{method}/{name}.csv", name)


@pytest.fixture(scope="module")
def changes():
    return facts.changes(read("results/audit/findings.csv", "findings"), ["input-5000"])


def test_a_finding_that_was_not_computed_changes_nothing():
    assert facts.changes(read("results/audit/findings.csv", "findings"), ["no-such"]) == {}


def test_energies_are_those_of_the_headline():
    energy = facts.energies(table(PAPER, "energy_per_query"))
    headline = read("results/headline.csv", "headline").set_index(["method", "quantity"])
    assert energy["traditional"]["published"]["p50"] == pytest.approx(
        headline.loc[(PAPER, "traditional query, median"), "value"]
    )
    assert energy["long"]["published"]["p75"] == pytest.approx(
        headline.loc[(PAPER, "long query, median"), "upper"]
    )
    of = energy["traditional"]
    assert of["untrimmed"]["p25"] < of["exact"]["p25"] < of["exact"]["p75"] < of["untrimmed"]["p75"]


def test_the_steps_of_one_query_end_at_the_exact_engines_median(paper):
    model = next(each for each in paper.models if each.name == facts.EXAMPLE)
    steps = facts.parts(paper, model, 500, 300)
    assert steps["energy"] == pytest.approx(
        exact.fixed_energy(paper, model, 500, 300).quantile(0.5), rel=1e-12
    )
    assert steps["seconds"] == 300 / steps["throughput"]


def test_long_queries_take_the_rest_of_the_mixed_day():
    days = facts.fleet(table(PAPER, "fleet"))
    share = METHODS[PAPER]["fleet"]["long_share"]["value"]
    typical = (1 - share) * days["traditional"]["baseline"] / days["mixed"]["baseline"]
    assert facts.long_share_of_energy(days, share) == pytest.approx(1 - typical, abs=1e-5)


def test_trimming_keeps_what_is_left_between_both_pairs(paper):
    assert facts.kept(paper.blend) == pytest.approx(0.9 * 0.8)


def test_laws_are_listed_by_their_error():
    errors = facts.law_errors(read("results/validation/law_errors.csv", "law_errors"))
    assert set(errors) == set(LAWS)
    assert list(errors.values()) == sorted(errors.values())


def test_a_law_that_is_registered_comes_onto_the_method_page(monkeypatch):
    errors = read("results/validation/law_errors.csv", "law_errors")
    more = errors[errors["law"] == "peak"].assign(law="newcomer")
    monkeypatch.setitem(LAWS, "newcomer", replace(LAWS["peak"], words="three a second"))
    found = facts.laws(pd.concat([errors, more]))
    assert [law["name"] for law in found] == list(LAWS)
    assert found[-1]["words"] == "three a second"
    assert found[-1]["error"] == facts.law_errors(errors)["peak"]


def test_the_method_page_has_a_line_of_every_law():
    text = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    lines = text.partition("| law |")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split()[1] for line in lines] == list(LAWS)
    template = ROOT / "workflow" / "templates" / "pages" / "method.md.jinja"
    written = template.read_text(encoding="utf-8")
    assert not [law for law in LAWS if f"| {law}" in written]


def test_cache_and_hardware_are_ratios_of_node_time_and_of_power():
    law = Pooled.of(
        [
            Share(1.0, power, Peak(speed, 2), node=node)
            for node, speed, power in (("slow", 100, 1.0), ("fast", 400, 2.0))
        ]
    )
    assert facts.hardware_factor(law, ("slow", "fast"), 500, 300) == pytest.approx(2)
    assert facts.cache_factor(law, 500, 400, 300) == 1


def test_a_full_node_draws_what_its_ways_draw_at_the_largest_load():
    method, node = METHODS[REVISED], facts.HARDWARE[0]
    revised = build(method, **materials([method])(method))
    found = facts.drawn_when_full(revised, node)
    used, expected = np.exp(revised.power_utilisation.mu), []
    for model in revised.models:
        own = [way for way in model.law.shares() if way.node == node]
        most = max((way.load for way in own), default=0)
        expected += [used * way.power for way in own if way.load == most]
    assert sorted(found) == pytest.approx(sorted(expected)) and len(found) > 3


def test_what_was_metered_is_of_the_best_runs():
    shares = pd.DataFrame(
        {
            "gpu": ["A", "A", "A", "B"],
            "best": ["yes", "no", "yes", "yes"],
            "share": [0.5, 0.3, 0.7, 0.9],
        }
    )
    found = facts.metered_at_best(shares, "A FP8")
    assert found == {"least": 0.5, "most": 0.7, "count": 2}


def test_levers_are_those_of_every_model_that_they_can_be_computed_of():
    """One model's factor is not that of a service: a dense one gains most of a cache."""
    law = Pooled.of([Share(1.0, 1.0, Peak(100, 2), node="slow")])
    assert facts.hardware_factor(law, ("slow", "fast"), 500, 300) is None
    assert facts.over_models([3.0, None, 1.5]) == {"least": 1.5, "most": 3.0, "count": 2}
    assert facts.over_models([None]) == {"count": 0}


def test_the_briefing_says_of_which_models_its_levers_are():
    text = " ".join((ROOT / "docs" / "briefing.html").read_text(encoding="utf-8").split())
    for lever, words in (
        ("Cache of the input", "300 output"),
        ("Hardware and number", "served on"),
    ):
        row = text.partition(f">{lever}")[2].partition("</tr>")[0]
        assert words in row and re.search(r"\d\.\d–\d\.\d times less .*\d models", row)


def test_what_the_briefing_says_in_words_is_so(changes):
    energy = facts.energies(table(PAPER, "energy_per_query"))["traditional"]["published"]
    longer = read_yaml("config/scaling.yaml")["longer"]["factor"]
    ratios = [
        facts.length_ratio(table(name, "test_time"), f"{longer:g} times")
        for name in (PAPER, REVISED)
    ]
    loads = facts.load_ratios(read("results/validation/concurrency.csv", "concurrency"))
    # one choice moves the typical answer by more than its printed range
    assert changes["input-5000"] > energy["p75"] / energy["p25"]
    # length, load and what is counted each move it several times over
    assert min(*ratios, loads["H100-SXM-80GB"]["median"], changes["input-5000"]) > 2
    # below the loads that were measured it is more still
    assert all(of["alone"] > of["median"] for of in loads.values())
    # a long answer does not cost in proportion to its tokens
    assert max(ratios) < longer
    # tenths of a Wh, and some Wh, by both methods
    for name in (PAPER, REVISED):
        of = facts.energies(table(name, "energy_per_query"))
        assert 0.1 < of["traditional"]["published"]["p50"] < 1 < of["long"]["published"]["p50"] < 10


def test_water_and_carbon_are_of_every_traditional_query():
    footprint = table(PAPER, "footprint")
    found = facts.per_query(footprint)
    assert set(found) >= {"on-site water", "generation water", "operational carbon"}
    of = footprint[footprint["subject"].eq("frontier blend untrimmed")]
    of = of[of["setting"].eq("range")]
    of = of[of["regime"].eq("traditional") & of["per"].eq("query")]
    carbon = of[of["boundary"].eq("operational carbon")].set_index("statistic")["value"]
    assert found["operational carbon"]["p5"] == carbon["p5"]
    text = " ".join((ROOT / "docs" / "briefing.html").read_text(encoding="utf-8").split())
    assert f"({number(1000 * carbon['p5'], 1)}–{number(1000 * carbon['p95'], 2)})" in text
    assert "nine answers in ten" in text


def test_a_place_changes_water_and_carbon_by_its_intensity_alone():
    """A range of queries is wider: it holds their lengths too."""
    found = facts.between_places(table(PAPER, "footprint"))
    facility = read("data/facility.csv", "facility").set_index("fact")["value"]
    assert found["operational carbon"] == pytest.approx(
        facility["ember-india-2023"] / facility["ember-norway-2023"], rel=1e-4
    )
    whole = facts.per_query(table(PAPER, "footprint"))["operational carbon"]
    assert whole["p95"] / whole["p5"] > 2 * found["operational carbon"]
    text = (ROOT / "docs" / "briefing.html").read_text(encoding="utf-8")
    assert "by the ranges on page 1" not in text
    assert f"carbon changes up to {number(found['operational carbon'], 2)} times" in text


def test_the_method_page_tells_drawn_and_exact_days_apart():
    """Figure 3b shows the day as drawn, so a page that has it without sampling gives both."""
    text = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    fleet = table(PAPER, "fleet")
    exact, drawn = (facts.fleet(fleet, engine) for engine in ("exact", "published"))
    described = (ROOT / "figures" / PAPER / "3b.svg").read_text(encoding="utf-8")
    for day in (exact, drawn):
        assert number(day["mixed"]["improved"]) in text
        assert number(day["mixed"]["improved"]) in described


def test_the_briefing_has_the_days_of_the_headline():
    """As its medians, the README and the report have them: as drawn."""
    text = (ROOT / "docs" / "briefing.html").read_text(encoding="utf-8")
    headline = read("results/headline.csv", "headline").set_index(["method", "quantity"])["value"]
    typical, mixed = (
        headline[REVISED, f"fleet, {of}"] for of in ("traditional", "with long queries")
    )
    assert f"(our estimate: {number(typical, 2)} and {number(mixed, 2)} GWh)" in text
    improved = headline[PAPER, "fleet, with long queries, improved"]
    assert f"to {number(improved, 2)} GWh" in text


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (
            {"reproduced": 7, "reproduced with caveat": 20, "not testable": 2},
            "27 are reproduced (20 of them with a caveat), 2 are not testable",
        ),
        (
            {"reproduced": 4, "borderline": 1, "by construction": 4, "not reproduced": 8},
            "4 are reproduced, 4 are by construction, 1 is borderline, 8 are not reproduced",
        ),
        ({"reproduced with caveat": 1}, "1 is reproduced (with a caveat)"),
        ({"reproduced as the seeded draw": 1}, "1 is reproduced (as the seeded draw alone)"),
        (
            {
                "reproduced": 7,
                "reproduced with caveat": 10,
                "reproduced as the seeded draw": 9,
                "not reproduced": 2,
            },
            "26 are reproduced (9 of them as the seeded draw alone, 10 of them with a caveat), 2"
            " are not reproduced",
        ),
    ],
)
def test_the_parts_of_the_verdicts_add_up_to_all_claims(tally, words):
    assert facts.told(tally) == words


@pytest.mark.parametrize("page", ["README.md", "docs/method.md"])
def test_pages_say_of_all_claims_what_became_of_them(page):
    verdicts = facts.verdicts(table(PAPER, "claims"))
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert f"Of the {verdicts['claims']} numbers that" in text
    assert verdicts["told"] in text


def test_the_input_that_is_charged_is_that_of_figure_s3():
    told = described(ROOT / f"figures/{PAPER}/s3.svg")
    assert f" {number(facts.input_charged(table(PAPER, 'sensitivity')))} and " in told


def test_the_briefing_promises_of_the_stress_test_what_it_measures():
    """The power of the GPUs; that of the node where its own or another meter is read."""
    text = " ".join((ROOT / "docs" / "briefing.html").read_text(encoding="utf-8").split())
    step = text.partition("<b>The ratio of long to short</b>")[2].partition("<li>")[0]
    documented = (ROOT / "docs" / "stress.md").read_text(encoding="utf-8")
    assert "all of this" not in step
    for power in ("ipmi", "node:LOG"):
        assert f"`{power}`" in documented and f"<code>power: {power}</code>" in step


def test_the_briefing_says_how_many_answers_a_trimmed_range_leaves_out(paper):
    text = (ROOT / "docs" / "briefing.html").read_text(encoding="utf-8")
    row = text.partition('<th scope="row">the paper, recomputed')[2].partition("</th>")[0]
    assert f"{percent(1 - facts.kept(paper.blend))} of the answers left out" in row
