"""What a change does: its numbers, its words, and no share of rounding."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.comparison import whatif
from inference_energy.comparison.sides import NOW, Side
from inference_energy.comparison.whatif import (
    Published,
    both,
    changed_settings,
    changed_sources,
    decisive_settings,
    fitted,
    flipped_claims,
    headlines,
    members,
    needed,
    sentence,
)
from inference_energy.comparison.whatif import ask as ask_sides
from inference_energy.energy import exact
from inference_energy.method.build import build
from inference_energy.method.files import merge, resolve
from inference_energy.method.wording import quantity_text, words
from repository import METHOD_FILES, METHODS, PAPER_TABLE, read

BASE = METHODS["oviedo2026"] | {"data": {"value": NOW}, "published": NOW}
CLAIMS = read("data/published/claims.csv", "claims_published")
FIGURES = {"estimate": {}, "reference": {}}


DRAWN = "reproduced as the seeded draw"


def materials_of(method):
    """The paper's table."""
    return {"table": read(PAPER_TABLE, "throughput")}


def ask(**changes):
    """Answers of the paper's method and of one that differs, and the settings' factors."""
    sides = Side("base", BASE), Side("head", merge(BASE, changes))
    return ask_sides(
        sides, [fitted(side, materials_of) for side in needed(*sides)], materials_of, 15
    )


@pytest.fixture(scope="module")
def powered():
    """The answers of a node that draws twice as much."""
    power = {"value": 20.4, "unit": "kW", "source": "a test"}
    double = {"value": 25.6, "unit": "kW", "source": "a test"}
    return ask(node_power={"default": power, "models": {"DeepSeek-R1": double}})


def test_twice_the_power_is_twice_the_energy_and_leaves_ratios(powered):
    for line in headlines(*powered[:2], 15):
        expected = 2 if line["unit"] in ("Wh", "GWh/day") else 1
        assert line["factor"] == pytest.approx(expected, rel=1e-9)
        if expected == 1:
            assert line["factor"] == 1


def test_the_sentence_says_what_moved_and_what_did_not(powered):
    base, head, _ = powered
    lines = headlines(base, head, 15)
    settings = changed_settings(base.side.method, head.side.method)
    said = sentence(settings, lines)
    assert said.startswith(
        "Node power 10.2 -> 20.4 kW and 1 other setting multiply the traditional"
    )
    assert "median by 2.00, 0.309 -> 0.618 Wh" in said
    assert sentence([], lines) == "Nothing differs."


@pytest.mark.parametrize(
    ("method", "changes", "fits"),
    [
        ("oviedo2026", {"pue": {"p5": 1.1, "source": "a test"}}, 1),
        ("oviedo2026", {"benchmarks": {"source": "a test"}}, 1),
        ("oviedo2026", {"node_power": {"default": {"value": 9.0}}}, 1),
        ("oviedo2026", {"throughput_law": {"minimum_rows": 4}}, 2),
        ("oviedo2026", {"data": {"value": "before"}}, 2),
        ("revised", {"pue": {"p5": 1.1}}, 1),
        # the law of a method that states its nodes is relative to their power
        ("revised", {"node_power": {"default": {"value": 9.0}}}, 2),
        ("revised", {"serving": {"load": {"p5": 4.0}}}, 2),
    ],
)
def test_laws_are_fitted_once_where_both_sides_have_them(method, changes, fits):
    base = METHODS[method] | {"data": {"value": NOW}}
    head = Side("head", merge(base, changes))
    asked = needed(Side("base", base), head)
    assert len(asked) == fits
    # its errors name the file that was asked about
    assert asked[-1] is head


def test_the_setting_that_moves_most_stands_first_and_what_cancels_is_said():
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    power = {"value": 10.19, "unit": "kW", "source": "a test"}
    base, head, shares = ask(pue=pue, node_power={"default": power})
    settings = changed_settings(base.side.method, head.side.method)
    said = sentence(settings, headlines(base, head, 15), shares)
    assert re.match(r"PUE 1\.05-1\.60 -> 1\.2 and node power 10\.2 -> 10\.19 kW lower the", said)
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 4.0, "factor": 1.0}
    shares = [
        {"setting": name, "long median": f} for name, f in (("PUE", 2.0), ("node power", 0.5))
    ]
    assert "leave the long median at 4.00 Wh, as what they do cancels" in sentence(
        settings, [line], shares
    )


def test_one_quantity_needs_no_shares_and_two_multiply_to_the_change():
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    share = {"value": 0.2, "unit": "1", "source": "a test"}
    assert ask(pue=pue)[2] == []
    base, head, factors = ask(pue=pue, fleet={"long_share": share})
    medians = {x["quantity"]: x["factor"] for x in headlines(base, head, 15)}
    product = factors[0]["traditional median"] * factors[1]["traditional median"]
    assert product == pytest.approx(medians["traditional query, median"])
    assert {f["setting"] for f in factors} == {"PUE", "fleet long share"}


def test_the_settings_of_a_fleet_have_a_factor_each_on_its_energy():
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    share = {"value": 0.3, "unit": "1", "source": "a test"}
    queries = {"value": 2.5e9, "unit": "queries/day", "source": "a test"}
    base, head, factors = ask(pue=pue, fleet={"long_share": share, "queries_per_day": queries})
    told = {f["setting"]: f for f in factors}
    assert told["fleet queries per day"]["fleet, with long queries"] == pytest.approx(2.5)
    assert told["fleet queries per day"]["traditional median"] == 1
    whole = {x["quantity"]: x["factor"] for x in headlines(base, head, 15)}
    product = np.prod([f["fleet, with long queries"] for f in factors])
    assert product == pytest.approx(whole["fleet, with long queries"])
    said = sentence(
        changed_settings(base.side.method, head.side.method), headlines(base, head, 15), factors
    )
    assert said.startswith("PUE 1.05-1.60 -> 1.2 lowers the traditional median by 7.3 %")
    assert said.endswith(
        "-> 3.62 Wh; fleet queries per day 1,000,000,000 -> 2,500,000,000 queries/day and fleet"
        " long share 0.1 -> 0.3 move neither median, but multiply"
        ' "fleet, with long queries" by 5.36.'
    )


def test_the_quantities_of_a_section_have_a_factor_each(powered):
    factors = {f["setting"]: f["traditional median"] for f in powered[2]}
    assert set(factors) == {"node power", "node power models DeepSeek-R1"}
    assert factors["node power"] > factors["node power models DeepSeek-R1"] > 1
    assert np.prod(list(factors.values())) == pytest.approx(2)


@pytest.mark.parametrize("median", [1, 0.2])
def test_queries_that_need_no_energy_leave_a_curve_of_the_others(median):
    tokens = {"distribution": "exponential", "median": median, "unit": "tokens", "source": "a test"}
    before, after, _ = ask(regimes={"traditional": {"output_tokens": tokens}})
    curve = after.curves["traditional"]
    assert (curve["energy_wh"] > 0).all()
    assert np.isfinite(curve["density"]).all()
    lines = {line["quantity"]: line for line in headlines(before, after, 15)}
    assert all(np.isfinite(line["factor"]) for line in lines.values())


def test_a_median_of_zero_has_no_factors_and_no_ratio():
    tokens = {"distribution": "exponential", "median": 0.2, "unit": "tokens", "source": "a test"}
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    before, after, shares = ask(pue=pue, regimes={"traditional": {"output_tokens": tokens}})
    lines = headlines(before, after, 15)
    assert "long over traditional, medians" not in {line["quantity"] for line in lines}
    for share in shares:
        assert np.isnan(share["traditional median"])
        assert 0 < share["long median"] <= 1
    said = sentence(changed_settings(before.side.method, after.side.method), lines)
    assert "lower the traditional median from 0.309 Wh to zero" in said


def test_who_enters_the_blend_is_told_with_what_ranks_it():
    blend = {"models": 2, "source": "a test"}
    before, after, _ = ask(blend=BASE["blend"] | blend)
    rows = members(before, after)["traditional"]
    changed = [m for m in rows if bool(m["before"]) != bool(m["after"])]
    assert [(m["model"], m["after"]) for m in changed] == [("Llama-3.1 Nemotron Ultra 253B", 0)]
    assert changed[0]["before"] == pytest.approx(1 / 3)
    assert changed[0]["old"] == pytest.approx(changed[0]["new"])


def test_the_law_of_each_model_is_told():
    law = BASE["throughput_law"] | {"minimum_rows": 4, "source": "a test"}
    rows = {m["model"]: m["laws"] for m in members(*ask(throughput_law=law)[:2])["long"]}
    assert rows["DeepSeek-R1"] == ("log-linear", "peak")
    assert rows["Llama 3.1 405B"] == ("log-linear", "log-linear")


def test_both_sides_are_ranked_by_what_ranks_the_new_one():
    blend = BASE["blend"] | {"ranked_by": "parameters", "source": "a test"}
    (row,) = [m for m in members(*ask(blend=blend)[:2])["long"] if m["model"] == "DeepSeek-R1"]
    assert row["old"] == row["new"] == 671


def first_out(base, head):
    """Who is first left out of the blend of traditional queries before, and who after."""
    rows = members(base, head)["traditional"]
    return tuple(
        next((row["model"] for row in rows if row["first_out"][side]), None) for side in (0, 1)
    )


NEMOTRON = "Llama-3.1 Nemotron Ultra 253B"


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        # it enters, and who was in is left out
        (
            {"node_power": {"models": {"Llama 3.1 70B": {"value": 20, "unit": "kW"}}}},
            "Llama 3.1 70B",
            NEMOTRON,
        ),
        # each side by what ranks it
        (
            {"blend": {"models": 2, "ranked_by": "parameters"}},
            "Llama 3.1 70B",
            NEMOTRON,
        ),
        # of the three largest one alone has a share, and none of the others is left out
        ({"blend": {"shares": "median model"}}, "Llama 3.1 70B", "Llama 3.1 70B"),
        ({"blend": {"models": 5}}, "Llama 3.1 70B", None),
    ],
)
def test_who_is_first_left_out_is_told_of_each_side(changes, before, after):
    base, head, _ = ask(**changes)
    assert first_out(base, head) == (before, after)
    assert first_out(head, base) == (after, before)


def test_claims_are_told_where_the_verdict_changes(powered):
    published = Published(CLAIMS, FIGURES)
    told = {c["claim"]: c for c in flipped_claims(*powered[:2], published)}
    assert told["median-traditional"]["before"] == "reproduced"
    assert told["median-traditional"]["after"] == "not reproduced"
    assert (told["median-traditional"]["published"], told["median-traditional"]["unit"]) == (
        "0.31",
        "Wh",
    )
    assert told["median-traditional"]["digits"] == 4
    assert "ratio-tokens" not in told
    mine = replace(powered[1], side=replace(powered[1].side, method=BASE | {"kind": "user"}))
    told = {c["claim"]: c for c in flipped_claims(powered[0], mine, published)}
    assert told["median-traditional"]["before"] == "reproduced"
    assert told["median-traditional"]["after"] == "would not hold"
    assert {c["after"] for c in told.values()} == {"would not hold"}
    told = {c["claim"]: c for c in flipped_claims(mine, mine, published)}
    assert told == {}


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ({"distribution": "log-normal", "p5": 1.05, "p95": 1.6}, "1.05-1.60"),
        ({"value": 1e9, "unit": "queries/day"}, "1,000,000,000"),
        ({"factors": [1.1, 1.076]}, "1.1 x 1.076"),
        ({"name": "additive", "source": "x"}, "additive"),
        ({}, "none"),
        ({"kinds": {"SGLang": 1, "vLLM": 2}, "unit": "1"}, "SGLang 1, vLLM 2"),
        ({"trim": [], "models": 3}, "trim none, models 3"),
        ({"trim": [[0.05, 0.95], [0.1, 0.9]]}, "trim 0.05 to 0.95, 0.1 to 0.9"),
        (
            {"name": "additive", "reference": {"input_tokens": 1000, "unit": "tokens"}},
            "additive, reference input tokens 1,000",
        ),
    ],
)
def test_a_quantity_is_written_in_few_words(quantity, text):
    assert quantity_text(quantity, {}) == text


def test_a_long_change_is_told_by_what_is_different():
    law = {
        "name": "additive",
        "minimum_rows": 40,
        "fallback": "a law with a name too long for one line of a page",
        "fallback_minimum_rows": 20,
    }
    head = merge(BASE, {"throughput_law": law | {"source": "a test"}})
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    told = "Throughput law (name, minimum rows, fallback, fallback minimum rows) raises the long"
    assert sentence(changed_settings(BASE, head), [line]).startswith(told)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"output_tokens": {"distribution": "gamma", "median": 300, "shape": 1}},
            "Traditional output tokens exponential -> gamma, shape 1 raises",
        ),
        (
            {"output_tokens": {"distribution": "exponential", "median": 350}},
            "Traditional output tokens median 300 -> 350 tokens raises",
        ),
        ({"input_tokens": {"value": 600}}, "Traditional input tokens 500 -> 600 tokens raises"),
    ],
)
def test_a_unit_stands_after_a_number_in_it_alone(changes, told):
    regime = {key: of | {"unit": "tokens", "source": "a test"} for key, of in changes.items()}
    head = merge(BASE, {"regimes": {"traditional": regime}})
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    assert sentence(changed_settings(BASE, head), [line]).startswith(told)


def test_where_no_median_moves_the_headline_that_moves_most_is_told():
    share = {"long_share": {"value": 0.2, "unit": "1", "source": "a test"}}
    settings = changed_settings(BASE, merge(BASE, {"fleet": share}))

    def line(quantity, unit, old, new):
        told = {"quantity": quantity, "unit": unit, "old": old, "new": new}
        return told | {"factor": new / old if old else float("nan")}

    still = [line(f"{r} query, median", "Wh", 2, 2) for r in ("traditional", "long")]
    moved = [
        line("lever, combined", "1", 20, 19),
        line("fleet, with long queries", "GWh/day", 1.0, 1.5),
        line("fleet, traditional", "GWh/day", 0, 1.0),
    ]
    leaves = "leaves the traditional median at 2.00 Wh"
    told = 'raises "fleet, with long queries" by 50.0 %, 1.00 -> 1.50 GWh/day.'
    said = sentence(settings, [*still, *moved])
    assert said.endswith(f"{leaves}, leaves the long median at 2.00 Wh and {told}")
    assert sentence(settings, still).endswith(f"{leaves} and the long median at 2.00 Wh.")
    hardly = [still[0], line("long query, median", "Wh", 2, 2.0002)]
    said = sentence(settings, [*hardly, *moved])
    assert said.endswith(f"raises the long median by 0.01 %, 2.0000 -> 2.0002 Wh and {told}")
    felt = line("long query, median", "Wh", 2, 2.1)
    assert "fleet, with" not in sentence(settings, [still[0], felt, *moved])
    assert "lever" not in sentence(settings, [*hardly, line("lever, combined", "1", 20, 20.001)])
    half = sentence(settings, [*still, line("lever, combined", "1", 20, 5)])
    assert half.endswith('and multiplies "lever, combined" by 0.250, 20.0 -> 5.00.')


def test_a_change_of_data_is_told_by_its_row_or_its_table():
    head = BASE | {"data": {"value": "abc1234"}}
    line = {
        "quantity": "long query, median",
        "unit": "Wh",
        "old": 4.0,
        "new": 4.001,
        "factor": 1.00025,
    }
    row = {"table": "data/gpus.csv", "change": "changed", "row": "B200: tdp_w 1000 -> 900"}
    row |= {"brief": "B200: tdp_w"}
    moves = "the long median by 0.03 %, 4.000 -> 4.001 Wh"
    for rows, told in (
        ([row], "The row changed in data/gpus.csv (B200: tdp_w 1000 -> 900) raises"),
        ([row | {"row": "x" * 200}], "The row changed in data/gpus.csv (B200: tdp_w) raises"),
        ([row | {"row": "x" * 200, "brief": "x" * 200}], "The row changed in data/gpus.csv raises"),
        ([row, row], "The change of 2 rows in data/gpus.csv raises"),
        ([row, row | {"change": "more"}], "The change of data/gpus.csv raises"),
        (
            [row, row | {"table": "b.csv"}],
            "The change of data/gpus.csv and the change of b.csv raise",
        ),
        ([], "A change of the tables of data/ raises"),
    ):
        said = sentence(changed_settings(BASE, head), [line], rows=rows)
        assert said == f"{told} {moves}."


def test_a_number_that_is_no_longer_stated_keeps_its_unit():
    load = {"distribution": "fixed", "value": 9, "unit": "requests", "source": "a test"}
    sides = BASE, merge(BASE, {"serving": {"load": load}})
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    for pair, told in ((sides, "none -> 9 requests"), (sides[::-1], "9 requests -> none")):
        said = sentence(changed_settings(*pair), [line])
        assert said.startswith(f"Serving load {told} raises")


def test_a_model_without_a_node_power_of_its_own_is_told_with_the_default_that_it_is_charged():
    """The method charges 10.2 kW by default, and the other side 11 kW."""
    own = {"models": {"Mixtral 8x22B": {"value": 9, "unit": "kW", "source": "a test"}}}
    sides = BASE, merge(BASE, {"node_power": own})
    other = {"default": {"value": 11, "unit": "kW", "source": "a test"}}
    above = merge(BASE, {"node_power": other}), sides[1]
    near = {"models": {"Mixtral 8x22B": own["models"]["Mixtral 8x22B"] | {"value": 10.2000001}}}
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    for (base, head), old, new, told in (
        (sides, "10.2 kW (the default)", "9", "10.2 kW (the default) -> 9 kW"),
        (sides[::-1], "9", "10.2 kW (the default)", "9 kW -> 10.2 kW (the default)"),
        (above, "11 kW (the default)", "9", "11 kW (the default) -> 9 kW"),
        (
            (BASE, merge(BASE, {"node_power": near})),
            "10.2 kW (the default)",
            "10.2000001",
            "10.2 kW (the default) -> 10.2000001 kW",
        ),
    ):
        settings = changed_settings(base, head)
        (own_power,) = [s for s in settings if s["setting"] == "node power models Mixtral 8x22B"]
        assert (own_power["old"], own_power["new"], own_power["unit"]) == (old, new, "kW")
        said = sentence([own_power], [line])
        assert said.startswith(f"Node power models Mixtral 8x22B {told} raises")


def test_a_verdict_that_only_other_random_numbers_change_is_told_with_the_exact_number():
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    published = Published(CLAIMS, FIGURES)
    told = {c["claim"]: c for c in flipped_claims(*ask(pue=pue)[:2], published)}
    tokens = told["tokens-p25-traditional"]
    assert tokens["old"] != tokens["new"]
    assert tokens["exact"] == [125, 125]
    assert told["median-traditional"]["exact"] == pytest.approx([0.3088, 0.2863], rel=1e-3)


def test_verdicts_that_another_seed_changes_are_said_to_be_decided_by_the_draw():
    """And none of them is one that a number without sampling decides."""
    monte_carlo = BASE["monte_carlo"] | {"seed": 7, "source": "a test"}
    base, head, shares = ask(monte_carlo=monte_carlo)
    told = flipped_claims(base, head, Published(CLAIMS, FIGURES))
    assert told and all(claim["drawn"] for claim in told)
    holding, missing = {"reproduced", "borderline"}, {DRAWN, "not reproduced"}
    assert all({c["before"], c["after"]} in (holding, missing) for c in told)
    settings = changed_settings(base.side.method, head.side.method)
    lines = headlines(base, head, 15)
    said = sentence(settings, lines, shares, drawn=len(told))
    assert said == (
        "Monte Carlo seed 42 -> 7 leaves the traditional median at 0.309 Wh and the long median at"
        f" 3.90 Wh; {len(told)} verdicts change by the draw alone, within the error of sampling."
    )
    assert "; 1 verdict changes by the draw alone" in sentence(settings, lines, drawn=1)
    # the medians move where a factor does, and with them what is without sampling
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    base, head, _ = ask(pue=pue)
    told = {c["claim"]: c for c in flipped_claims(base, head, Published(CLAIMS, FIGURES))}
    assert told["tokens-p25-traditional"]["drawn"]
    assert not told["median-traditional"]["drawn"]
    # nor the draw alone, where another number is published
    claim = CLAIMS[CLAIMS["claim"].eq("tokens-p25-traditional") & CLAIMS["version"].eq("v2")]
    before = with_claim("tokens-p25-traditional", value=claim["value"].item() + 1)
    (of,) = (
        c
        for c in flipped_claims(base, base, Published(CLAIMS, FIGURES), before)
        if c["claim"] == "tokens-p25-traditional"
    )
    assert not of["drawn"]


def test_a_verdict_here_is_not_named_as_one_of_which_caveats_are_known():
    published = Published(CLAIMS, FIGURES)
    power = {"default": BASE["node_power"]["default"] | {"value": 10.14, "source": "a test"}}
    told = {c["claim"]: c for c in flipped_claims(*ask(node_power=power)[:2], published)}
    assert told["p75-traditional"]["before"] == "reproduced as the seeded draw"
    assert told["p75-traditional"]["after"] == "reproduced"


def test_what_only_one_side_states_is_none_on_the_other():
    head = merge(BASE, {"benchmarks": {"exclude_sources": ["a"], "source": "a test"}})
    (change,) = changed_settings(BASE, head)
    told = change["name"], change["old"], change["new"]
    assert told == ("benchmark rows exclude sources", "none", "a")


def test_the_one_key_that_differs_is_named_once():
    head = merge(BASE, {"blend": {"models": 2, "source": "a test"}})
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    said = sentence(changed_settings(BASE, head), [line])
    assert said.startswith("Blend models 3 -> 2 raises the long median")


def test_two_choices_of_the_blend_have_a_row_and_a_factor_each():
    blend = {"models": 4, "trim": [], "shares": "equal", "source": "a test"}
    base, head, factors = ask(blend=blend)
    told = {f["setting"]: f["long median"] for f in factors}
    assert set(told) == {"blend models", "blend trim"}
    lines = headlines(base, head, 15)
    whole = {x["quantity"]: x["factor"] for x in lines}["long query, median"]
    assert np.prod(list(told.values())) == pytest.approx(whole)
    rows = changed_settings(base.side.method, head.side.method)
    assert [(r["setting"], r["old"], r["new"], r["new_source"]) for r in rows] == [
        ("blend models", "3", "4", "a test"),
        ("blend trim", "0.05 to 0.95, 0.1 to 0.9", "none", "a test"),
    ]
    assert rows[0]["old_source"] == BASE["blend"]["source"]
    said = sentence(rows, lines, factors)
    # trimming leaves the traditional one
    (trim,) = (f["traditional median"] for f in factors if f["setting"] == "blend trim")
    assert trim == pytest.approx(1, rel=1e-12)
    assert said.startswith("Blend models 3 -> 4 lowers the traditional median by 32.2 %, ")
    both_choices = "blend models and blend trim 0.05 to 0.95, 0.1 to 0.9 -> none"
    assert f"Wh; {both_choices} lower the long median by 36.6 %" in said


def test_of_choices_of_a_section_one_too_long_to_tell_is_named_once():
    many = {"sources": [f"a source of {i} rows" for i in range(9)], "gpus": ["B200"]}
    rows = changed_settings(BASE, merge(BASE, {"benchmarks": many | {"source": "a test"}}))
    line = {"quantity": "long query, median", "unit": "Wh", "old": 4.0, "new": 5.0, "factor": 1.25}
    shares = [{"setting": row["setting"], "long median": 1.1} for row in rows]
    said = sentence(rows, [line], shares)
    assert said.startswith(
        "A change of benchmark rows sources and benchmark rows gpus all -> B200 raise the long"
    )


def test_a_source_that_changed_alone_is_told():
    own = {"value": 10.2, "unit": "kW", "source": "a datasheet"}
    head = merge(BASE, {"node_power": {"default": own}})
    (source,) = changed_sources(BASE, head)
    assert source["setting"] == "node power"
    assert (source["old"][:5], source["new"]) == ("arXiv", "a datasheet")
    told = sentence(changed_settings(BASE, head), [], sources=[source])
    assert told == "No number differs; the source of node power does."
    other = merge(BASE, {"node_power": {"default": own | {"value": 9.0}}})
    assert changed_sources(BASE, other) == []


def test_settings_are_named_in_words():
    assert words("regimes.long.output_tokens") == "long output tokens"
    assert words("pue") == "PUE"
    assert words("benchmarks + throughput_law") == "benchmark rows + throughput law"


def test_both_engines_answer(powered):
    energy = powered[0].tables["energy_per_query"]
    assert set(energy["engine"]) == {"published", "exact"}
    assert isinstance(powered[0].curves["long"], pd.DataFrame)


def test_a_fixed_load_replaces_the_range_of_the_own_estimate():
    base = METHODS["revised"]
    load = {"distribution": "fixed", "value": 64, "unit": "requests", "source": "a test"}
    (line,) = changed_settings(base, merge(base, {"serving": {"load": load}}))
    assert (line["setting"], line["old"], line["new"]) == ("serving load", "8.00-408", "64")


def test_answers_are_those_that_the_results_have(powered):
    """Of the exact engine, but for what the draw alone gives."""
    base = powered[0]
    for name in ("energy_per_query", "output_tokens", "fleet"):
        own = read(f"results/oviedo2026/{name}.csv", name)
        own = own[own["engine"] == "exact"]
        found = base.tables[name]
        found = found[found["engine"] == "exact"]
        keys = [column for column in own.columns if column not in ("value", "unit")]
        both = own.merge(found, on=keys, suffixes=("", "_found"))
        assert len(both) == len(own) == len(found)
        assert both["value_found"].to_numpy() == pytest.approx(both["value"].to_numpy(), rel=1e-5)
        assert base.tables[name].index.tolist() == list(range(len(base.tables[name])))
    longer = read("results/oviedo2026/test_time.csv", "test_time")
    keys = ["compared", "subject", "statistic", "quantity"]
    both = longer.merge(base.tables["test_time"], on=keys, suffixes=("", "_found"))
    assert both["value_found"].tolist() == pytest.approx(both["value"].tolist(), rel=1e-5)
    assert len(both) == 1


def test_the_draws_of_a_fleet_are_those_that_the_results_have(powered):
    """Claims of a fleet were held against the numbers without sampling, unlike in a run."""
    own, found = read("results/oviedo2026/fleet.csv", "fleet"), powered[0].tables["fleet"]
    keys = ["engine", "scenario", "pathway", "statistic"]
    both = own.merge(found, on=keys, suffixes=("", "_found"))
    assert len(both) == len(own) == len(found)
    assert both["value_found"].to_numpy() == pytest.approx(both["value"].to_numpy(), rel=1e-5)


def test_a_claim_of_a_fleet_reads_as_it_does_after_a_run():
    """Of the one the draw alone holds, of the other the number without sampling alone."""
    published = Published(CLAIMS, FIGURES)
    pue = BASE["pue"] | {"p95": 1.5, "source": "a test"}
    told = {c["claim"]: c for c in flipped_claims(*ask(pue=pue)[:2], published)}
    assert told["fleet-mixed"]["before"] == "reproduced"
    assert told["fleet-mixed"]["after"] == "reproduced as the seeded draw"
    queries = {"value": 0.9343e9, "unit": "queries/day", "source": "a test"}
    answers = ask(fleet={"queries_per_day": queries})[:2]
    told = {c["claim"]: c for c in flipped_claims(*answers, published)}
    assert told["fleet-mixed-improved"]["after"] == "borderline"
    assert told["fleet-mixed"]["after"] == "not reproduced"


def test_the_median_is_that_of_a_regime_and_an_engine(powered):
    own = read("results/oviedo2026/energy_per_query.csv", "energy_per_query")
    own = own[(own["subject"] == "frontier blend") & (own["pathway"] == "baseline")]
    own = own[own["statistic"] == "p50"].set_index(["engine", "regime"])["value"]
    for regime in ("traditional", "long"):
        assert powered[0].median(regime) == pytest.approx(own["exact", regime], rel=1e-5)
        drawn = powered[0].median(regime, "published")
        assert drawn == pytest.approx(own["published", regime], rel=1e-5)


def test_the_curve_is_the_density_of_the_logarithm_from_the_second_to_the_98th_percentile(powered):
    base, head, _ = powered
    for regime in ("traditional", "long"):
        curve = base.curves[regime]
        energy, density = curve["energy_wh"].to_numpy(), curve["density"].to_numpy()
        assert len(curve) == 120
        steps = np.diff(np.log(energy))
        assert steps == pytest.approx(steps[0])
        below = np.cumsum(density) * steps[0]
        assert below[-1] == pytest.approx(0.96, abs=1e-6)
        middle = np.interp(0.48, below, energy * np.exp(steps[0] / 2))
        assert middle == pytest.approx(base.median(regime), rel=1e-3)
        assert head.curves[regime]["energy_wh"].to_numpy() == pytest.approx(2 * energy, rel=1e-9)


def test_laws_that_are_given_are_taken_and_others_fitted_to_what_their_side_is_built_from(
    monkeypatch,
):
    sides = Side("base", BASE), Side("head", BASE | {"title": "another"})
    (laws,) = [fitted(side, materials_of) for side in needed(*sides)]
    few = {name: law for name, law in laws.items() if name != "DeepSeek-R1"}
    base, head, _ = ask_sides(sides, [few], materials_of, 15)
    for answer in (base, head):
        assert set(answer.tables["energy_per_query"]["subject"]) & set(laws) == set(few)
    monkeypatch.setattr(whatif, "fit_suitable", lambda *of: of)
    given = {"table": "rows", "hardware": "nodes"}
    assert fitted(sides[1], lambda method: given | {"table": method["title"]}) == (
        sides[1].method,
        "another",
        "nodes",
    )


def test_a_changed_setting_has_both_sources_its_unit_and_the_keys_that_differ():
    power = {"value": 20.4, "unit": "kW", "source": "a test"}
    head = merge(BASE, {"node_power": {"default": power}, "title": "another"})
    (line,) = changed_settings(BASE, head)
    old = BASE["node_power"]["default"]
    assert (line["old"], line["new"], line["unit"]) == ("10.2", "20.4", "kW")
    assert (line["old_source"], line["new_source"]) == (old["source"], "a test")
    assert (line["group"], line["in_unit"]) == ("node power", (True, True))
    pue = {"distribution": "log-normal", "p5": 1.1, "p95": 1.2, "source": "a test"}
    (line,) = changed_settings(BASE, BASE | {"pue": pue})
    assert (line["old"], line["new"], line["unit"]) == ("1.05-1.60", "1.10-1.20", "1")
    assert line["in_unit"] == (False, False)
    # what only one side has
    served = METHODS["revised"]["serving"]["load"]
    lines = changed_settings(BASE, BASE | {"serving": {"load": served}})
    assert {(one["old"], one["old_source"], one["unit"]) for one in lines} == {
        ("none", None, served["unit"])
    }


def test_of_a_group_of_several_sources_those_of_what_differs_are_told():
    files = METHOD_FILES | {
        name: {"extends": parent, "blend": {"models": models, "source": "assumption"}}
        for name, parent, models in (("one", "oviedo2026", 2), ("two", "one", 4))
    }
    one, two = (resolve(name, files) for name in ("one", "two"))
    (line,) = changed_settings(one, two)
    assert (line["name"], line["new"]) == ("blend models", "4")
    assert (line["old_source"], line["new_source"]) == ("assumption", "assumption")
    # of two choices each has its own, and what was left is still told to be
    both = merge(two, {"blend": {"shares": "coverage"}})
    told = {
        row["name"]: (row["old_source"], row["new_source"]) for row in changed_settings(one, both)
    }
    code = BASE["blend"]["source"]
    assert told == {"blend models": ("assumption",) * 2, "blend shares": (code,) * 2}


def test_the_headlines_of_a_change_are_told_in_order_with_their_units(powered):
    lines = headlines(*powered[:2], 15)
    assert [(line["quantity"], line["unit"]) for line in lines] == [
        *(
            (f"{regime} query, {name}", "Wh")
            for regime in ("traditional", "long")
            for name in ("median", "lower quartile", "upper quartile")
        ),
        ("long over traditional, medians", "1"),
        ("15 times the output tokens, medians", "1"),
        ("fleet, traditional", "GWh/day"),
        ("fleet, with long queries", "GWh/day"),
        ("fleet, with long queries, improved", "GWh/day"),
        *((f"lever, {name}", "1") for name in ("hardware", "model", "serving", "combined")),
    ]
    assert lines[0]["old"] == powered[0].median("traditional")
    assert lines[0]["new"] == powered[1].median("traditional")


def test_factors_of_three_settings_multiply_to_the_change():
    """Of settings that do not act alone, which is half of neither end."""
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    tokens = {"distribution": "gamma", "median": 250, "shape": 0.5, "unit": "tokens"}
    blend = BASE["blend"] | {"models": 2, "source": "a test"}
    regimes = {
        regime: {"output_tokens": tokens | {"source": "a test"}}
        for regime in ("traditional", "long")
    }
    base, head, factors = ask(pue=pue, regimes=regimes, blend=blend)
    assert len(factors) >= 3
    for regime in regimes:
        product = np.prod([factor[f"{regime} median"] for factor in factors])
        assert product == pytest.approx(head.median(regime) / base.median(regime), rel=1e-9)


def test_each_side_is_built_from_its_own_rows():
    """A table in which all is half as fast for the new method alone: twice the energy."""
    sides = Side("base", BASE), Side("head", BASE | {"title": "slow"})

    def of(method):
        table = read(PAPER_TABLE, "throughput")
        slow = method["title"] == "slow"
        return {"table": table.assign(throughput_tps=table["throughput_tps"] / (1 + slow))}

    laws = [fitted(side, of) for side in sides]
    base, head, _ = ask_sides(sides, laws, of, 15)
    assert head.median("long") == pytest.approx(2 * base.median("long"))
    told = {m["model"]: (m["old"], m["new"]) for m in members(base, head)["long"]}
    for old, new in told.values():
        assert new == pytest.approx(2 * old)


def test_a_model_that_one_side_lacks_has_no_share_and_no_law_there():
    """What ranks the models is the median energy, on both sides."""
    few = {"models": ["DeepSeek-R1", "Llama 3.1 405B", "Llama 3.1 70B"], "source": "a test"}
    base, head, _ = ask(benchmarks=few)
    for sides, gone in (((base, head), "after"), ((head, base), "before")):
        rows = {m["model"]: m for m in members(*sides)["long"]}
        there = {"after": "before", "before": "after"}[gone]
        one = rows["Llama-3.1 Nemotron Ultra 253B"]
        number, missing = ("old", "new") if gone == "after" else ("new", "old")
        assert (one[gone], one[missing]) == (0, None)
        assert one[there] == pytest.approx(1 / 3)
        laws = ("peak", None)
        assert one["laws"] == (laws if gone == "after" else laws[::-1])
        table = base.tables["blend"].set_index(["regime", "model"])
        assert one[number] == table.loc[("long", one["model"]), "median"]
        assert set(rows) == set(base.tables["blend"]["model"]) | set(head.tables["blend"]["model"])


def test_of_queries_that_need_no_energy_the_curve_is_of_the_others():
    """It holds 96 % of those that need some, from the second to the 98th percentile of them."""
    tokens = {"distribution": "exponential", "median": 1, "unit": "tokens", "source": "a test"}
    _, after, _ = ask(regimes={"traditional": {"output_tokens": tokens}})
    curve = after.curves["traditional"]
    step = np.log(curve["energy_wh"].iloc[1] / curve["energy_wh"].iloc[0])
    setup = build(after.side.method, **materials_of(after.side.method))
    energies, members = exact.regime_energy(setup, setup.regimes["traditional"])
    energy = exact.blend_energy(setup, energies, members)
    assert 0.1 < energy.zero_mass < 0.5
    assert (curve["density"] * step).sum() == pytest.approx(0.96 * (1 - energy.zero_mass))
    first, last = curve["energy_wh"].iloc[0], curve["energy_wh"].iloc[-1]
    some = 1 - energy.zero_mass
    assert energy.cdf(first * np.exp(-step / 2)) == pytest.approx(1 - 0.98 * some)
    assert energy.cdf(last * np.exp(step / 2)) == pytest.approx(1 - 0.02 * some)


def test_a_median_that_is_zero_on_both_sides_has_not_changed():
    tokens = {"distribution": "exponential", "median": 0.2, "unit": "tokens", "source": "a test"}
    none = merge(BASE, {"regimes": {"traditional": {"output_tokens": tokens}}})
    queries = {"queries_per_day": {"value": 2e9, "unit": "queries/day", "source": "a test"}}
    sides = Side("base", none), Side("head", merge(none, {"fleet": queries}))
    laws = [fitted(sides[1], materials_of)]
    base, head, _ = ask_sides(sides, laws, materials_of, 15)
    lines = {line["quantity"]: line for line in headlines(base, head, 15)}
    line = lines["traditional query, median"]
    assert (line["old"], line["new"], line["factor"]) == (0, 0, 1)


def setting(name, old="1", new="2", **more):
    """A change of one setting, as changed_settings has it."""
    told = {"group": name, "setting": name, "name": name, "old": old, "new": new, "unit": "1"}
    return told | {"in_unit": (False, False), "keys": ["key"]} | more


def median_of(regime, old, new):
    quantity = f"{regime} query, median"
    return {"quantity": quantity, "unit": "Wh", "old": old, "new": new, "factor": new / old}


RAISED = "raise the long median by 25.0 %, 4.00 -> 5.00 Wh."


@pytest.mark.parametrize(
    ("names", "ordered", "told"),
    [
        ("ab", False, "A 1 -> 2 and 1 other setting "),
        ("abc", False, "A 1 -> 2 and 2 other settings "),
        ("ab", True, "B 1 -> 2 and a 1 -> 2 "),
        ("abc", True, "C 1 -> 2, b 1 -> 2 and a 1 -> 2 "),
        ("abcd", True, "D 1 -> 2 and 3 other settings "),
    ],
)
def test_up_to_three_settings_are_named_the_one_that_moves_most_first(names, ordered, told):
    settings = [setting(name) for name in names]
    shares = [{"setting": name, "long median": 1.1} for name in reversed(names)]
    said = sentence(settings, [median_of("long", 4.0, 5.0)], shares if ordered else ())
    assert said == told + RAISED


def test_settings_of_a_group_stand_where_the_group_does():
    settings = [setting("a"), setting("c d", group="c"), setting("b")]
    shares = [{"setting": name, "long median": 1.1} for name in ("b", "c", "a")]
    said = sentence(settings, [median_of("long", 4.0, 5.0)], shares)
    assert said == f"B 1 -> 2, c d 1 -> 2 and a 1 -> 2 {RAISED}"
    joined = [{"setting": "c + a", "long median": 1.1}, {"setting": "b", "long median": 1.1}]
    said = sentence([setting("b"), setting("a")], [median_of("long", 4.0, 5.0)], joined)
    assert said == f"A 1 -> 2 and b 1 -> 2 {RAISED}"


def test_sources_that_changed_alone_are_all_named():
    said = sentence([], [], sources=[{"setting": "PUE"}, {"setting": "node power"}])
    assert said == "No number differs; the source of PUE, node power does."


@pytest.mark.parametrize("value", [10.2000001, 10.200000000001, 10.200000000000001])
def test_a_change_however_small_is_told_in_digits_that_differ(value):
    default = BASE["node_power"]["default"]
    small = default | {"value": value, "source": "a test"}
    base, head, _ = ask(node_power={"default": small})
    (line,) = changed_settings(base.side.method, head.side.method)
    assert line["old"] == "10.2"
    assert float(line["new"]) == value
    said = sentence([line], headlines(base, head, 15))
    old, new = re.match(r"Node power (\S+) -> (\S+) kW ", said).groups()
    assert (float(old), float(new)) == (10.2, value)
    for told in re.findall(r"([\d.]+) -> ([\d.]+) Wh", said):
        assert told[0] != told[1]
    # what is rounding of the result is no change of it
    assert ("leaves the traditional median at 0.309 Wh" in said) == (value < 10.2 * (1 + 1e-12))


def test_numbers_that_differ_by_rounding_are_told_alike():
    assert both(0.3, 0.1 + 0.2) == ("0.300", "0.300")
    assert both(0.3, 0.3 + 1e-10) == ("0.3000000000", "0.3000000001")


def test_what_decides_verdicts_alone_moves_no_number():
    method = METHODS["oviedo2026"]
    (claims,) = changed_settings(method, method | {"id": "mine", "kind": "user", "claims": "v1"})
    assert [claims[key] for key in ("name", "old", "new")] == ["version of the claims", "v2", "v1"]
    (kind,) = changed_settings(method, method | {"kind": "user"}, edited=True)
    assert [kind[key] for key in ("name", "old", "new")] == ["kind of method", "paper", "user"]
    # what a draft is that says no kind is no change, and what it says is one
    assert changed_settings(method, method | {"id": "mine", "kind": "user"}) == []
    (said,) = changed_settings(method, method | {"id": "mine", "kind": "variant"})
    assert said["new"] == "variant"
    assert changed_settings(method, method | {"id": "mine", "title": "mine"}) == []
    assert (
        sentence([claims], [], decisive=["version of the claims"])
        == "Version of the claims v2 -> v1 moves no number, only verdicts."
    )
    both = ["kind of method", "version of the claims"]
    said = sentence([kind, claims], [], sources=[{"setting": "PUE"}], decisive=both)
    assert said == (
        "Kind of method paper -> user and version of the claims v2 -> v1 move no number, only"
        " verdicts; the source of PUE differs too."
    )
    said = sentence([setting("a"), claims], [median_of("long", 4.0, 5.0)], decisive=both)
    raises = f"raises{RAISED.removeprefix('raise').removesuffix('.')}"
    assert said == f"A 1 -> 2 {raises}; version of the claims v2 -> v1 moves verdicts alone."
    # of a draft that changes a number its own kind is no change
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    (only,) = changed_settings(method, method | {"id": "mine", "kind": "user", "pue": pue})
    assert only["setting"] == "PUE"


def with_claim(name, **changes):
    """Published numbers in which one claim of v2 is another."""
    claims = CLAIMS.copy()
    of = claims["claim"].eq(name) & claims["version"].eq("v2")
    assert of.sum() == 1
    claims.loc[of, list(changes)] = list(changes.values())
    return Published(claims, FIGURES)


def test_each_side_is_held_against_its_own_published_numbers(powered):
    base, now = powered[0], Published(CLAIMS, FIGURES)
    assert flipped_claims(base, base, now, now) == []
    before = with_claim("median-traditional", value=0.28)
    (flip,) = flipped_claims(base, base, now, before)
    assert (flip["claim"], flip["published"]) == ("median-traditional", "0.28 -> 0.31")
    assert (flip["before"], flip["after"]) == ("not reproduced", "reproduced")
    assert flip["old"] == flip["new"]
    before = with_claim("median-traditional", value=28.0, unit="GWh/day")
    (flip,) = flipped_claims(base, base, now, before)
    assert (flip["published"], flip["unit"]) == ("28.00 GWh/day -> 0.31", "Wh")
    # the number of a claim may be one over a published one
    low, high = (Published(CLAIMS, {"estimate": {"iea_r1": wh}}) for wh in (2.25, 22.5))
    (flip,) = flipped_claims(base, base, high, low)
    assert flip["claim"] == "overestimate-iea-deepseek-r1"
    assert flip["new"] == pytest.approx(10 * flip["old"])
    assert (flip["before"], flip["after"]) == ("reproduced", "not reproduced")


def test_a_claim_that_one_side_alone_makes_is_told_with_its_verdict(powered):
    """Of one version of the paper; two versions make other claims."""
    base, now = powered[0], Published(CLAIMS, FIGURES)
    gone = CLAIMS["claim"].eq("median-traditional") & CLAIMS["version"].eq("v2")
    without = Published(CLAIMS[~gone], FIGURES)
    (added,) = flipped_claims(base, base, now, without)
    (removed,) = flipped_claims(base, base, without, now)
    for told, (lacks, has), (none, number) in (
        (added, ("before", "after"), ("old", "new")),
        (removed, ("after", "before"), ("new", "old")),
    ):
        assert (told["claim"], told["published"], told["unit"]) == (
            "median-traditional",
            "0.31",
            "Wh",
        )
        assert (told[lacks], told[has], told[none]) == ("–", "reproduced", None)
        assert told[number] == pytest.approx(0.308, abs=0.0005)
        assert [exact is None for exact in told["exact"]] == [none == "old", none == "new"]
    method = base.side.method
    other = replace(base, side=replace(base.side, method=method | {"claims": "v1"}))
    assert not [c for c in flipped_claims(base, other, now, without) if "–" in c.values()]
    mine = replace(base, side=replace(base.side, method=method | {"kind": "user"}))
    (added,) = flipped_claims(mine, mine, now, without)
    assert (added["before"], added["after"]) == ("–", "would hold")


def test_only_settings_that_move_a_verdict_are_said_to(powered):
    base, now = powered[0], Published(CLAIMS, FIGURES)

    def decided(before=None, **changes):
        method = base.side.method | changes
        head = replace(base, side=replace(base.side, method=method))
        settings = changed_settings(base.side.method, method, edited=True)
        found = decisive_settings(base, head, settings, now, before)
        return found, sentence(settings, [], decisive=found)

    found, said = decided(kind="variant")
    assert (found, said) == (
        [],
        "Kind of method paper -> variant moves neither number nor verdict.",
    )
    found, said = decided(kind="user")
    assert said == "Kind of method paper -> user moves no number, only whether claims are scored."
    kind = changed_settings(BASE, BASE | {"kind": "user"}, edited=True)
    said = sentence([setting("a"), *kind], [median_of("long", 4.0, 5.0)], decisive=found)
    assert said.endswith("; kind of method paper -> user moves only whether claims are scored.")
    _, said = decided(kind="variant", claims="v1")
    assert said == (
        "Version of the claims v2 -> v1 moves no number, only verdicts; kind of method paper ->"
        " variant moves neither number nor verdict."
    )
    older = base.side.method | {"published": "abc1234"}
    edit = replace(base, side=replace(base.side, method=older))
    settings = changed_settings(older, base.side.method, edited=True)
    row = {"table": "data/published/claims.csv", "change": "changed", "row": "a", "brief": "a"}
    told = "The row changed in data/published/claims.csv (a) moves"
    for before, moved in (
        (with_claim("median-traditional", value=0.28), "no headline, only verdicts."),
        (with_claim("median-traditional", claim="another"), "no headline, only verdicts."),
        (with_claim("median-traditional", statement="Another"), "neither headline nor verdict."),
    ):
        found = decisive_settings(edit, base, settings, now, before)
        assert sentence(settings, [], rows=[row], decisive=found) == f"{told} {moved}"
    other = row | {"table": "data/published/estimates.csv"}
    assert sentence(settings, [], rows=[row, other]) == (
        "The change of data/published/claims.csv and the change of data/published/estimates.csv"
        " move neither headline nor verdict."
    )
    # beside a table that moves a number, each is told by its own rows
    data = row | {"table": "data/gpus.csv"}
    both = [*changed_settings(BASE, BASE | {"data": {"value": "abc"}}), *settings]
    said = sentence(both, [median_of("long", 4.0, 5.0)], rows=[data, row], decisive=found)
    assert said.startswith("The row changed in data/gpus.csv (a) raises the long median by 25.0 %")
    assert said.endswith(f"; t{told[1:]} neither headline nor verdict.")


def test_each_side_is_held_against_the_version_of_the_claims_that_it_names(powered):
    published = Published(CLAIMS, FIGURES)
    base, _, _ = powered
    other = replace(base, side=replace(base.side, method=BASE | {"claims": "v1"}))
    told = {c["claim"]: c for c in flipped_claims(base, other, published)}
    median = told["median-traditional"]
    assert (median["before"], median["after"]) == ("reproduced", "not reproduced")
    assert (median["published"], median["old"]) == ("0.31 -> 0.34", median["new"])
    back = {c["claim"]: c for c in flipped_claims(other, base, published)}
    assert {name: c["before"] for name, c in back.items()} == {
        name: c["after"] for name, c in told.items()
    }


def test_the_digits_of_a_claim_decide_for_its_numbers_of_both_sides_and_engines(
    powered, monkeypatch
):
    monkeypatch.setattr(whatif, "deciding_digits", lambda *given: given)
    published = Published(CLAIMS, FIGURES)
    told = flipped_claims(*powered[:2], published)
    own = published.of(powered[1].side.method["claims"]).set_index("claim")
    assert len(told) > 3
    for claim in told:
        stated, numbers = claim["digits"]
        pd.testing.assert_series_equal(
            pd.Series(stated), own.loc[claim["claim"]], check_names=False
        )
        assert numbers == (claim["old"], claim["new"], *claim["exact"])
    (median,) = (claim for claim in told if claim["claim"] == "median-traditional")
    assert len({*median["digits"][1]}) == 4


def test_a_change_of_up_to_120_characters_is_told_in_full():
    line = [median_of("long", 4.0, 5.0)]
    most = "x" * (120 - len("a 1 -> "))
    raised = "raises the long median by 25.0 %, 4.00 -> 5.00 Wh."
    said = sentence([setting("a", new=most)], line)
    assert said == f"A 1 -> {most} {raised}"
    said = sentence([setting("a", new=f"{most}x", keys=["one", "two"])], line)
    assert said == f"A (one, two) {raised}"
    data = [setting("tables of data/")]
    place = "the row changed in data/gpus.csv"
    words = "x" * (120 - len(f"{place} ()"))
    row = {"table": "data/gpus.csv", "change": "changed", "row": words, "brief": "brief"}
    assert sentence(data, line, rows=[row]) == f"T{place[1:]} ({words}) {raised}"
    longer = sentence(data, line, rows=[row | {"row": f"{words}x"}])
    assert longer == f"T{place[1:]} (brief) {raised}"
    rows = [row, row, row | {"change": "more"}]
    assert sentence(data, line, rows=rows) == f"The change of data/gpus.csv {raised}"
    rows = [row, row | {"change": "more"}, row]
    assert sentence(data, line, rows=rows) == f"The change of 3 rows in data/gpus.csv {raised}"


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (0.5, "multiplies the long median by 0.500, 4.00 -> 2.00 Wh."),
        (0.51, "lowers the long median by 49.0 %, 4.00 -> 2.04 Wh."),
        (1.99, "raises the long median by 99.0 %, 4.00 -> 7.96 Wh."),
        (2.0, "multiplies the long median by 2.00, 4.00 -> 8.00 Wh."),
        # what rounding leaves of them
        (np.nextafter(0.5, 1.0), "multiplies the long median by 0.500, 4.00 -> 2.00 Wh."),
        (np.nextafter(2.0, 1.0), "multiplies the long median by 2.00, 4.00 -> 8.00 Wh."),
    ],
)
def test_half_and_double_are_told_as_a_factor(factor, told):
    assert sentence([setting("a")], [median_of("long", 4.0, 4.0 * factor)]) == f"A 1 -> 2 {told}"


def test_what_is_hardly_there_and_what_is_felt(monkeypatch):
    """A change of exactly the bound is there; one of exactly the bound is not felt."""
    monkeypatch.setattr(whatif, "HARDLY", 0.25)
    monkeypatch.setattr(whatif, "FELT", 0.25)
    fleet = {"quantity": "fleet", "unit": "GWh/day", "old": 1.0, "new": 1.25, "factor": 1.25}
    small = median_of("long", 4.0, 4.5)
    raised = 'raises "fleet" by 25.0 %, 1.00 -> 1.25 GWh/day.'
    assert sentence([setting("a")], [small, fleet]).endswith(f"and {raised}")
    assert "fleet" not in sentence([setting("a")], [median_of("long", 4.0, 5.0), fleet])
    still = median_of("long", 4.0, 4.0)
    settings = [setting("a"), setting("b")]
    for factor, cancels in ((1.0, ""), (1.25, ""), (1.3, ", as what they do cancels")):
        shares = [{"setting": name, "long median": factor} for name in "ab"]
        said = sentence(settings, [still], shares)
        assert said.endswith(f"leave the long median at 4.00 Wh{cancels}.")
    said = sentence(settings, [still, fleet])
    raised = 'raise "fleet" by 25.0 %, 1.00 -> 1.25 GWh/day.'
    assert said == f"A 1 -> 2 and 1 other setting leave the long median at 4.00 Wh and {raised}"


def test_the_headline_that_moves_most_has_a_factor():
    """Neither one that was zero or is, nor one that has not moved."""

    def line(name, factor):
        return {"quantity": name, "unit": "1", "old": 2.0, "new": 2.0 * factor, "factor": factor}

    lines = [line("gone", 0.0), line("new", np.inf), line("same", 1.0), line("least", 1.0001)]
    still = median_of("long", 4.0, 4.0)
    said = sentence([setting("a")], [still, *lines])
    told = 'and raises "least" by 0.01 %, 2.0000 -> 2.0002.'
    assert said == f"A 1 -> 2 leaves the long median at 4.00 Wh {told}"
    said = sentence([setting("a")], [still, *lines[:3]])
    assert said == "A 1 -> 2 leaves the long median at 4.00 Wh."
    hardly = median_of("long", 4.0, 4.0004)
    assert '"least"' not in sentence([setting("a")], [hardly, *lines])
    both = sentence([setting("a")], [still, *lines, line("more", 3.0)])
    assert both.endswith('and multiplies "more" by 3.00, 2.00 -> 6.00.')
    both = sentence([setting("a"), setting("b")], [still, *lines, line("more", 3.0)])
    assert both.endswith('and multiply "more" by 3.00, 2.00 -> 6.00.')


def test_quantities_without_a_unit_are_numbers_and_a_range_ends_in_its_unit():
    (line,) = changed_settings(BASE, merge(BASE, {"blend": {"models": 2, "source": "a test"}}))
    assert (line["unit"], line["in_unit"]) == ("1", (False, False))
    base = METHODS["revised"]
    load = base["serving"]["load"] | {"p5": 4.0}
    (line,) = changed_settings(base, merge(base, {"serving": {"load": load}}))
    assert (line["unit"], line["in_unit"]) == ("requests", (True, True))
    tokens = {"distribution": "gamma", "shape": 1, "median": 300, "unit": "tokens", "source": "x"}
    old, new = (
        merge(BASE, {"regimes": {"long": {"output_tokens": tokens | change}}})
        for change in ({}, {"shape": 2, "median": 400})
    )
    (line,) = changed_settings(old, new)
    assert (line["new"], line["in_unit"]) == ("shape 2, median 400", (True, True))


def test_of_a_method_that_is_not_the_papers_only_what_would_hold_is_told():
    """A claim that holds with a caveat or without would hold either way."""
    published = Published(CLAIMS, FIGURES)
    power = {"default": BASE["node_power"]["default"] | {"value": 10.14, "source": "a test"}}
    base, head, _ = ask(node_power=power)
    named = {c["claim"] for c in flipped_claims(base, head, published)}
    assert "p75-traditional" in named
    for sides in ((base, head), (head, base)):
        for side in (0, 1):
            mine = list(sides)
            method = mine[side].side.method | {"kind": "user"}
            mine[side] = replace(mine[side], side=replace(mine[side].side, method=method))
            told = {c["claim"] for c in flipped_claims(*mine, published)}
            assert "p75-traditional" not in told


def test_a_lever_that_restates_the_drafts_own_input_holds_by_construction():
    lever = {"distribution": "log-normal", "p5": 5, "p95": 10, "unit": "1", "source": "assumption"}
    base, head, _ = ask(pathways={"model": lever})
    head = replace(head, side=replace(head.side, method=head.side.method | {"kind": "user"}))
    flipped = flipped_claims(base, head, Published(CLAIMS, FIGURES))
    after = {c["claim"]: c["after"] for c in flipped if c["claim"].startswith("lever-model-")}
    assert set(after.values()) == {"would hold by construction"}
    assert len(after) == 2


def test_a_claim_that_the_draw_alone_misses_would_be_borderline(powered):
    """Of a method that is not the paper's, as one that holds would hold."""
    base = powered[0]
    mine = replace(base, side=replace(base.side, method=BASE | {"kind": "user"}))
    other = with_claim("p75-traditional", value=0.61)
    (flip,) = flipped_claims(base, mine, other, Published(CLAIMS, FIGURES))
    assert (flip["before"], flip["after"]) == (
        "reproduced as the seeded draw",
        "would be borderline",
    )
    assert flipped_claims(base, mine, other) == []


def test_of_rows_that_only_stand_otherwise_nothing_is_said_to_have_changed():
    row = {"table": "data/gpus.csv", "change": "rewritten", "row": "the same", "brief": "the same"}
    still = [median_of(regime, 2.0, 2.0) for regime in ("traditional", "long")]
    assert sentence([setting("tables of data/")], still, rows=[row]) == (
        "Another order or spelling of the rows of data/gpus.csv leaves the traditional median at"
        " 2.00 Wh and the long median at 2.00 Wh."
    )


def range_of(p5, p95):
    """A factor between two numbers."""
    unit = {"unit": "1", "source": "a test"}
    return {"distribution": "log-normal", "p5": p5, "p95": p95} | unit


def test_where_no_median_moves_only_what_moves_the_number_told_is_named():
    """No improvement of a fleet moves a lever, which moves no fleet."""
    improvement = {"traditional": range_of(1.5, 1.6), "long": range_of(1.5, 6)}
    pathways = {"serving": range_of(1.5, 3)}
    base, head, shares = ask(fleet={"improvement": improvement}, pathways=pathways)
    lines = headlines(base, head, 15)
    said = sentence(changed_settings(base.side.method, head.side.method), lines, shares)
    assert said.startswith("Pathways serving 1.50-5.00 -> 1.50-3.00 leaves the traditional median")
    assert ' and lowers "lever, combined" by 22.7 %, 20.6 -> 15.9; fleet improvement ' in said
    assert said.endswith(
        '-> 1.50-6.00 move neither median nor "lever, combined",'
        ' but multiply "fleet, with long queries, improved" by 1.01.'
    )
    told = {share["setting"]: share for share in shares}
    assert set(told["pathways serving"]) == {
        *("setting", "traditional median", "long median", "fleet, with long queries"),
        *("lever, combined", "fleet, with long queries, improved"),
    }
    factors = {line["quantity"]: line["factor"] for line in lines}
    for name in ("lever, combined", "fleet, with long queries, improved"):
        product = np.prod([share[name] for share in shares])
        assert product == pytest.approx(factors[name], rel=1e-9)
    assert told["pathways serving"]["lever, combined"] == pytest.approx(factors["lever, combined"])
    for regime in improvement:
        share = told[f"fleet improvement {regime}"]
        assert share["lever, combined"] == 1
        assert abs(np.log(share["fleet, with long queries, improved"])) > 0.01


def test_of_two_levers_each_has_its_factor_on_both_together():
    base, head, shares = ask(pathways={"hardware": range_of(1.1, 1.3), "model": range_of(1.5, 3)})
    lines = {line["quantity"]: line for line in headlines(base, head, 15)}
    assert lines["lever, combined"]["factor"] < 0.5
    product = np.prod([share["lever, combined"] for share in shares])
    assert product == pytest.approx(lines["lever, combined"]["factor"], rel=1e-9)
    for share in shares:
        own = lines[f"lever, {share['setting'].removeprefix('pathways ')}"]["factor"]
        assert share["lever, combined"] == pytest.approx(own, rel=0.01)
    said = sentence(changed_settings(base.side.method, head.side.method), [*lines.values()], shares)
    assert said.startswith("Pathways model 1.50-10.0 -> 1.50-3.00 and pathways hardware 1.50-2.50")
    assert 'multiply "lever, combined" by 0.3' in said and "neither" not in said


def test_a_quartile_that_moves_most_has_factors_too():
    """A wider utilisation of the same median; a lever beside it moves no quartile."""
    tokens = {"distribution": "gamma", "median": 3000, "shape": 1000, "unit": "tokens"}
    fixed = {
        regime: {"output_tokens": tokens | {"source": "a test"}}
        for regime in ("traditional", "long")
    }
    one = {"models": 1, "trim": [], "source": "a test"}
    still = merge(BASE, {"regimes": fixed, "blend": one})
    changes = {"power_utilisation": range_of(0.2, 1.8), "pathways": {"model": range_of(1.5, 9.9)}}
    sides = Side("base", still), Side("head", merge(still, changes))
    laws = [fitted(side, materials_of) for side in needed(*sides)]
    base, head, shares = ask_sides(sides, laws, materials_of, 15)
    lines = headlines(base, head, 15)
    said = sentence(changed_settings(base.side.method, head.side.method), lines, shares)
    assert said.startswith("Power utilisation 0.400-0.900 -> 0.200-1.80 lowers the traditional")
    assert 'lowers "traditional query, lower quartile" by 23' in said
    assert said.endswith(
        'moves neither median nor "traditional query, lower quartile",'
        ' but multiplies "lever, combined" by 0.995.'
    )
    told = {share["setting"]: share["traditional query, lower quartile"] for share in shares}
    factors = {line["quantity"]: line["factor"] for line in lines}
    assert told["pathways model"] == pytest.approx(1, rel=1e-12)
    assert told["power utilisation"] == pytest.approx(
        factors["traditional query, lower quartile"], rel=1e-9
    )


def test_a_setting_that_moves_a_lever_alone_has_a_factor_where_a_median_moves():
    pue = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    shares = ask(pue=pue, pathways={"model": range_of(1.5, 3)})[2]
    told = {share["setting"]: share for share in shares}
    assert told["pathways model"]["traditional median"] == 1
    assert told["pathways model"]["lever, combined"] < 0.6
    assert 0.9 < told["PUE"]["traditional median"] < 0.95
    # of settings that all move a median no further headline is told
    shares = ask(pue=pue, power_utilisation=range_of(0.5, 0.9))[2]
    assert set(shares[0]) == {"setting", *whatif.SHARED}


def test_what_moves_no_median_is_told_apart_be_it_one_setting_or_several():
    """A change of data is told by its row, among the settings that move and those that do not."""
    line = median_of("long", 4.0, 5.0)
    row = {"table": "data/gpus.csv", "change": "changed", "row": "B200: tdp_w", "brief": "B200"}
    told = "the row changed in data/gpus.csv (B200: tdp_w)"
    settings = [setting(name) for name in ("node power", "tables of data/", "PUE")]
    moved = {"setting": "node power", "long median": 1.25}
    idle = [{"setting": name, "long median": 1.0} for name in ("tables of data/", "PUE")]
    said = sentence(settings[:2], [line], [moved, idle[0]], [row])
    raises = "raises the long median by 25.0 %, 4.00 -> 5.00 Wh"
    assert said == f"Node power 1 -> 2 {raises}; {told} moves neither median."
    said = sentence(settings, [line], [moved, *idle], [row])
    assert said == f"Node power 1 -> 2 {raises}; {told} and PUE 1 -> 2 move neither median."
    said = sentence([settings[1], settings[0]], [line], rows=[row])
    assert said == f"T{told[1:]} and 1 other setting {RAISED}"
    joined = [{"setting": "input tokens + node power", "long median": 1.25}, idle[1]]
    said = sentence([settings[2], settings[0]], [line], joined)
    assert said == f"Node power 1 -> 2 {raises}; PUE 1 -> 2 moves neither median."


LONG_ROSE = "the long median by 25.0 %, 4.00 -> 5.00 Wh"
TRADITIONAL_ROSE = "the traditional median by 10.0 %, 2.00 -> 2.20 Wh"


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        # each median is moved by its own setting
        ({"a": (1.1, 1), "b": (1, 1.25)}, "A 1 -> 2 raises {t}; b 1 -> 2 raises {l}."),
        ({"b": (1, 1.25), "a": (1.1, 1)}, "B 1 -> 2 raises {l}; a 1 -> 2 raises {t}."),
        (
            {"a": (1.05, 1), "c": (1.05, 1), "b": (1, 1.25)},
            "A 1 -> 2 and c 1 -> 2 raise {t}; b 1 -> 2 raises {l}.",
        ),
        # those of one median move it both ways
        (
            {"a": (1.2, 1), "c": (0.92, 1), "b": (1, 1.25)},
            "A 1 -> 2 and c 1 -> 2 together raise {t}; b 1 -> 2 raises {l}.",
        ),
        # one moves both, or one of them the other way
        (
            {"a": (1.1, 1.2), "b": (1, 1.04)},
            "A 1 -> 2 raises {t}; a and b 1 -> 2 raise {l}.",
        ),
        (
            {"b": (1, 1.3), "a": (1.1, 0.96)},
            "B 1 -> 2 and a 1 -> 2 together raise {l}; a raises {t}.",
        ),
        (
            {"a": (1.2, 1.3), "b": (0.92, 0.96)},
            "A 1 -> 2 and b 1 -> 2 together raise {t} and raise {l}.",
        ),
        # beyond three, the one that is named moves the median most
        (
            {"a": (1.1, 1), "b": (1, 1.04), "c": (1, 1.04), "d": (1, 1.1), "e": (1, 1.04)},
            "A 1 -> 2 raises {t}; d 1 -> 2 and 3 other settings raise {l}.",
        ),
        # all move both in the same way, or nobody can say
        ({"a": (1.05, 1.2), "b": (1.05, 1.04)}, "A 1 -> 2 and b 1 -> 2 raise {t} and raise {l}."),
        (
            {"a": (np.nan, 1.2), "b": (np.nan, 1.04)},
            "A 1 -> 2 and b 1 -> 2 raise {t} and raise {l}.",
        ),
    ],
)
def test_a_setting_is_credited_with_no_median_that_it_leaves_or_moves_otherwise(factors, told):
    lines = [median_of("traditional", 2.0, 2.2), median_of("long", 4.0, 5.0)]
    shares = [
        {"setting": name, "traditional median": one, "long median": other}
        for name, (one, other) in factors.items()
    ]
    said = sentence([setting(name) for name in factors], lines, shares)
    assert said == told.format(t=TRADITIONAL_ROSE, l=LONG_ROSE)


def test_a_median_that_stays_is_told_beside_those_that_move():
    """What nobody moves with the first, what cancels with those whose change does."""
    lines = [median_of("traditional", 2.0, 2.0), median_of("long", 4.0, 5.0)]

    def said(**factors):
        shares = [
            {"setting": name, "traditional median": one, "long median": other}
            for name, (one, other) in factors.items()
        ]
        return sentence([setting(name) for name in factors], lines, shares)

    assert said(a=(1, 1.3), b=(1, 0.96)) == (
        "A 1 -> 2 and b 1 -> 2 together leave the traditional median at 2.00 Wh and raise"
        f" {LONG_ROSE}."
    )
    assert said(a=(2, 1), c=(0.5, 1), b=(1, 1.25)) == (
        "A 1 -> 2 and c 1 -> 2 leave the traditional median at 2.00 Wh, as what they do cancels;"
        f" b 1 -> 2 raises {LONG_ROSE}."
    )
    assert said(a=(2, 1.3), b=(0.5, 0.96)) == (
        "A 1 -> 2 and b 1 -> 2 together leave the traditional median at 2.00 Wh, as what they do"
        f" cancels, and raise {LONG_ROSE}."
    )
    lines = [median_of("traditional", 2.0, 2.0), median_of("long", 4.0, 4.0)]
    assert said(a=(2, 3), b=(1 / 2, 1 / 3)) == (
        "A 1 -> 2 and b 1 -> 2 leave the traditional median at 2.00 Wh and the long median at"
        " 4.00 Wh, as what they do cancels."
    )


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1 + 7e-12, "raises the traditional median by less than 0.001 %, 0.309 Wh"),
        (1 - 9.9e-6, "lowers the traditional median by less than 0.001 %, 0.309 Wh"),
        (1 + 1.1e-5, "raises the traditional median by 0.001 %, 0.3088 -> 0.3089 Wh"),
    ],
)
def test_a_change_that_six_digits_need_not_show_is_told_without_them(factor, told):
    old = 0.308847957127
    line = {"quantity": "traditional query, median", "unit": "Wh", "old": old, "factor": factor}
    settings = changed_settings(BASE, merge(BASE, {"monte_carlo": {"normal_quantile_95": 1.7}}))
    assert told in sentence(settings, [line | {"new": old * factor}])
