"""Verdicts: their logic, and those on the paper."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.claims.judge import (
    HOLDS,
    VERDICTS,
    caveats,
    changed_verdicts,
    counts,
    decide,
    deciding,
    deciding_digits,
    distance,
    holds,
    holds_in,
    is_scored,
    judge,
    printed,
)
from inference_energy.claims.page import console_summary
from inference_energy.claims.wording import words
from inference_energy.tables import read_table
from inference_energy.text import rounded
from library.claims.made_up import results
from repository import METHODS, ROOT, read

RESULTS = {name: ROOT / "results" / name / "claims.csv" for name in METHODS}
RESULTS = {name: path for name, path in RESULTS.items() if path.exists()}


def claim(**changes):
    """Published claim of 0.34 Wh."""
    row = {
        "claim": "median",
        "version": "v1",
        "quantity": "energy[subject=a; statistic=p50]",
        "relation": "equal",
        "value": 0.34,
        "upper": float("nan"),
        "unit": "Wh",
        "decimals": 2,
        "statement": "The median",
    }
    return row | changes


def verdict(published, findings=(), alternatives=None, exact=None, scored=True, **changes):
    """Verdict on one claim; both engines give the same number unless ``exact`` is given."""
    table = judge(
        pd.DataFrame([claim(**changes)]),
        "v1",
        results(published, published if exact is None else exact),
        alternatives or {},
        list(findings),
        ["published", "exact"],
        scored,
    )
    (line,) = deciding(table).to_dict("records")
    return line["verdict"]


@pytest.mark.parametrize(
    ("changes", "computed", "answer"),
    [
        ({}, 0.335, True),
        ({}, 0.34499, True),
        ({}, 0.345, False),
        ({}, 0.33499, False),
        ({"relation": "within", "value": 4.0, "upper": 20.0, "decimals": 0}, 3.5, True),
        ({"relation": "within", "value": 4.0, "upper": 20.0, "decimals": 0}, 3.49, False),
        ({"relation": "within", "value": 4.0, "upper": 20.0, "decimals": 0}, 20.49, True),
        ({"relation": "within", "value": 4.0, "upper": 20.0, "decimals": 0}, 20.5, False),
        ({"relation": "at most", "value": 5.0, "decimals": 0}, 0.1, True),
        ({"relation": "at most", "value": 5.0, "decimals": 0}, 5.49, True),
        ({"relation": "at most", "value": 5.0, "decimals": 0}, 5.5, False),
    ],
)
def test_a_claim_holds_as_printed(changes, computed, answer):
    assert holds(claim(**changes), computed) is answer
    assert verdict(computed, **changes) == ("reproduced" if answer else "not reproduced")


@pytest.mark.parametrize("relation", ["equal", "within", "at most"])
@pytest.mark.parametrize("decimals", [0, 1, 2, 3])
def test_every_half_way_number_is_rounded_as_it_is_written(relation, decimals):
    step = Decimal(1).scaleb(-decimals)
    halves = [(step / 2) * (2 * k + 1) for k in range(-1000, 4000)]
    computed = np.array([float(half) for half in halves])
    value, upper = 7 * step, 1200 * step
    row = claim(relation=relation, value=float(value), upper=float(upper), decimals=decimals)
    read = [rounded(number, decimals) for number in computed]
    expected = {
        "equal": [number == value for number in read],
        "within": [value <= number <= upper for number in read],
        "at most": [number <= value for number in read],
    }[relation]
    assert holds_in(row, computed).tolist() == expected
    assert [holds(row, number) for number in computed] == expected


@pytest.mark.parametrize("decimals", [0, 1, 2, 3])
def test_a_half_way_number_prints_as_the_number_above(decimals):
    step = Decimal(1).scaleb(-decimals)
    for k in range(8000):
        half = float((step / 2) * (2 * k + 1))
        above = claim(value=float((k + 1) * step), decimals=decimals)
        assert holds(above, half), half
        assert holds_in(above, np.array([half, -half, np.nan])).tolist() == [True, False, False]
        assert not holds_in(claim(value=float(k * step), decimals=decimals), np.array([half]))
    below = np.array([-float(step / 2)])
    assert not holds_in(claim(value=0.0, decimals=decimals), below)
    assert holds_in(claim(value=-float(step), decimals=decimals), below)
    assert holds_in(claim(relation="at most", value=-float(step), decimals=decimals), below)


def test_bounds_between_two_printable_numbers_leave_out_what_lies_beyond():
    row = claim(relation="within", value=1.54, upper=3.56, decimals=1)
    computed = np.array([1.54, 1.55, 3.54, 3.55])
    assert holds_in(row, computed).tolist() == [False, True, True, False]
    assert holds_in(row | {"relation": "at most"}, computed[:2]).tolist() == [True, False]


def test_what_the_results_lack_is_not_testable():
    assert verdict(0.34, quantity=None) == "not testable"
    assert verdict(0.34, quantity="energy[subject=b; statistic=p50]") == "not testable"


RANGE = {"relation": "within", "value": 8.0, "upper": 20.0, "decimals": 0}


@pytest.mark.parametrize(
    ("published", "exact", "changes", "expected"),
    [
        (0.34, 0.346, {}, "reproduced as the seeded draw"),
        (0.346, 0.34, {}, "borderline"),
        (0.346, 0.346, {}, "not reproduced"),
        (20.49, 20.58, RANGE, "not reproduced"),
        (20.51, 20.44, RANGE, "reproduced"),
    ],
)
def test_the_seeded_draw_decides_a_printed_number_and_the_exact_engine_a_range(
    published, exact, changes, expected
):
    assert verdict(published, exact=exact, **changes) == expected


@given(st.floats(20.3, 20.7))
def test_noise_at_a_threshold_does_not_flip_a_range(published):
    assert verdict(published, exact=20.58, **RANGE) == "not reproduced"


@given(st.lists(st.floats(0.30, 0.38), min_size=2, max_size=2), st.sampled_from([0.34, 0.346]))
def test_no_draw_makes_a_claim_hold_or_miss_that_is_decided_without_sampling(draws, exact):
    """A claim that holds without sampling is borderline at worst, one that misses the draw's."""
    found = {verdict(drawn, exact=exact) for drawn in draws}
    holding, missing = (*HOLDS[:1], "borderline"), (*HOLDS[2:], "not reproduced")
    assert found <= set(holding if exact == 0.34 else missing)


def test_a_number_of_the_draw_alone_is_that_be_there_a_caveat_or_not():
    """The caveat stands in its note."""
    moved = {"pue": results(exact=0.31)}
    (drawn, exact) = told(0.34, 0.346, [OVERRIDE], moved)
    assert drawn[2] == "reproduced as the seeded draw"
    assert drawn[3].startswith("without sampling 0.3460; with another PUE: 0.31 instead of ")
    assert exact[2] == "not reproduced"
    assert verdict(0.34, exact=0.346, input="pathways.hardware") == "by construction"


def test_every_verdict_of_the_draw_alone_is_one_that_sampling_decides():
    """In the committed tables, and no other is, and each is counted once as reproduced."""
    for name in ("oviedo2025", "oviedo2026", "oviedo2026-as-written"):
        table = read(f"results/{name}/claims.csv", "claims")
        lines = deciding(table).set_index("claim")
        exact = table[table["engine"] == "exact"].set_index("claim")["computed"]
        stated = read("data/published/claims.csv", "claims_published").query(
            "version == @lines['source'].iloc[0]"
        )
        alone = {
            c["claim"]
            for c in stated.to_dict("records")
            if c["relation"] == "equal"
            and lines.loc[c["claim"], "verdict"] in HOLDS
            and not holds(c, exact.get(c["claim"], c["value"]))
        }
        assert alone == set(lines.index[lines["verdict"] == "reproduced as the seeded draw"])
        tally = counts(table)
        assert tally["reproduced as the seeded draw"] == len(alone)
        assert sum(tally.values()) == len(lines)


def test_a_number_that_restates_an_input_holds_by_construction():
    assert verdict(0.34, input="pathways.hardware") == "by construction"
    assert verdict(0.37, input="pathways.hardware") == "not reproduced"
    assert not {"by construction", "borderline"} & set(HOLDS)


def test_a_method_that_is_not_the_papers_is_not_scored():
    assert verdict(0.34, scored=False) == "not scored"
    assert verdict(0.34, scored=False, quantity=None) == "not testable"


OVERRIDE = {"id": "pue", "claims": ["med*"], "alternative": "with another PUE", "override": {}}


@pytest.mark.parametrize(
    ("moved", "expected"), [(0.31, "reproduced with caveat"), (0.341, "reproduced")]
)
def test_an_alternative_that_prints_differently_is_a_caveat(moved, expected):
    alternatives = {"pue": results(exact=moved)}
    assert verdict(0.34, [OVERRIDE], alternatives) == expected


def test_a_caveat_does_not_mend_a_claim_that_fails():
    assert verdict(0.31, [OVERRIDE], {"pue": results(exact=0.2)}) == "not reproduced"


def test_a_finding_touches_only_the_claims_it_names():
    other = OVERRIDE | {"claims": ["fleet-*"]}
    assert verdict(0.34, [other], {"pue": results(exact=0.2)}) == "reproduced"


def test_an_explanation_is_no_caveat_and_carries_computed_numbers():
    finding = {
        "id": "explained",
        "claims": ["median"],
        "values": {"n": "setting[n.value]"},
        "note": "{n} of {computed:.2f}",
    }
    assert caveats(claim(), 0.34, results(), {}, [finding]) == [(False, "15 of 0.34")]
    of_caveat = finding | {"caveat": True}
    assert verdict(0.34, [of_caveat]) == "reproduced with caveat"
    # whichever comes first
    for findings in ([finding, of_caveat], [of_caveat, finding]):
        assert verdict(0.34, findings) == "reproduced with caveat"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "0.34"),
        ({"value": 0.6}, "0.60"),
        ({"relation": "at most", "value": 5.0, "decimals": 0}, "at most 5"),
        ({"relation": "within", "value": 1.5, "upper": 10.0, "decimals": 1}, "1.5-10"),
        (
            {"relation": "within", "value": 65_536.25, "upper": 1e6, "decimals": 2},
            "65536.25-1000000",
        ),
    ],
)
def test_a_claim_is_shown_as_printed(changes, text):
    assert printed(claim(**changes)) == text


def test_the_distance_is_to_the_nearest_printed_figure():
    assert distance({"published": "8-20", "computed": 24.0}) == pytest.approx(1.2)
    assert distance({"published": "8-20", "computed": 4.0}) == pytest.approx(0.5)
    assert distance({"published": "at most 2.5", "computed": 5.0}) == pytest.approx(2)
    assert distance({"published": "0-3", "computed": 1.0}) == float("inf")


def test_a_changed_a_new_and_a_missing_verdict_are_named():
    table = pd.DataFrame(
        {"claim": ["a", "b", "c"], "engine": "published", "verdict": ["reproduced"] * 3}
    )
    expected = {"a": "reproduced", "b": "not reproduced", "d": "reproduced"}
    changed = changed_verdicts(table, expected)
    assert [sentence.split(":")[0] for sentence in changed] == ["claim b", "claim c", "claim d"]
    assert changed == [
        "claim b: verdict reproduced, expected not reproduced",
        "claim c: verdict reproduced, expected none",
        "claim d: verdict missing, expected reproduced",
    ]


@pytest.mark.parametrize("name", RESULTS)
def test_every_claim_of_the_version_has_one_verdict(name):
    published = read("data/published/claims.csv", "claims_published")
    own = set(published[published["version"] == METHODS[name]["claims"]]["claim"])
    table = deciding(read_table(RESULTS[name], "claims"))
    assert set(table["claim"]) == own
    assert table["claim"].is_unique
    assert set(table["verdict"]) <= set(VERDICTS)


@pytest.mark.parametrize("name", [m for m in RESULTS if METHODS[m]["kind"] == "paper"])
def test_verdicts_on_the_paper_are_the_expected_ones(name):
    expected = read("config/expected_verdicts.csv", "expected_verdicts")
    own = expected[expected["method"] == name].set_index("claim")["verdict"].to_dict()
    assert own
    assert changed_verdicts(read_table(RESULTS[name], "claims"), own) == []


def test_the_page_and_the_screen_tell_the_counts_of_the_tables():
    tables = {name: read_table(path, "claims") for name, path in RESULTS.items()}
    page = (ROOT / "results" / "claims.md").read_text(encoding="utf-8")
    kinds = {name: METHODS[name]["kind"] for name in tables}
    screen = console_summary(tables, kinds)
    assert tables
    for name, table in tables.items():
        if not is_scored(table):
            assert f"{name}:" not in screen
            continue
        tally = {verdict: n for verdict, n in counts(table).items() if verdict != "not scored"}
        cells = [f"`{name}`", table["source"].iloc[0], sum(tally.values()), *tally.values()]
        assert "| " + " | ".join(map(str, cells)) + " |" in page.splitlines()
        assert f"{name}: {sum(tally.values())} claims:" in screen
        failing = deciding(table)[deciding(table)["verdict"] == "not reproduced"]["claim"]
        for failed in failing:
            assert f"- **{words(failed)}**: published" in page
            assert kinds[name] != "paper" or f"not reproduced: {failed}: published" in screen


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


@given(
    st.sampled_from(["equal", "within", "at most"]),
    st.integers(0, 3),
    st.floats(0.001, 100, allow_nan=False),
)
def test_many_claims_hold_as_one_does(relation, decimals, computed):
    row = {"relation": relation, "decimals": decimals, "value": 1.5, "upper": 20.0}
    assert holds_in(row, np.array([computed]))[0] == holds(row, computed)


def told(published, exact, findings=(), alternatives=None, scored=True, **changes):
    """Lines of the table for one claim, as engine, computed number, verdict and note."""
    table = judge(
        pd.DataFrame([claim(**changes), claim(claim="other", version="v2")]),
        "v1",
        results(published, exact),
        alternatives or {},
        list(findings),
        ["published", "exact"],
        scored,
    )
    assert set(table["claim"]) == {"median"}
    lines = table[["engine", "computed", "verdict", "note"]].to_numpy(object)
    return [[None if pd.isna(cell) else cell for cell in line] for line in lines]


def test_every_engine_has_its_line_and_the_drawn_one_tells_of_both():
    assert told(0.346, 0.34) == [
        ["published", 0.346, "borderline", "the seeded draw gives 0.3460; without sampling 0.3400"],
        ["exact", 0.34, "reproduced", None],
    ]
    assert told(0.34, 0.3461) == [
        [
            "published",
            0.34,
            "reproduced as the seeded draw",
            "without sampling 0.3461",
        ],
        ["exact", 0.3461, "not reproduced", None],
    ]
    assert told(20.6, 20.4, **RANGE)[0] == [
        "published",
        20.6,
        "reproduced",
        "decided without sampling: 20.40; the seeded draw gives 20.60",
    ]


def test_a_line_says_all_of_its_claim():
    (line, _) = judge(
        pd.DataFrame([claim()]), "v1", results(), {}, [], ["published", "exact"]
    ).to_dict("records")
    assert line == {
        "claim": "median",
        "source": "v1",
        "quantity": "energy[subject=a; statistic=p50]",
        "published": "0.34",
        "computed": 0.34,
        "unit": "Wh",
        "engine": "published",
        "verdict": "reproduced",
        "note": None,
    }


def test_remarks_stand_one_after_the_other():
    moved = {"pue": results(exact=0.31)}
    explained = {"id": "x", "claims": ["median"], "note": "as {computed:g} is near {published:g}"}
    found = told(0.346, 0.34, [OVERRIDE, explained], moved)
    alternative = "with another PUE: 0.31 instead of 0.34 (exact)"
    assert found[0][2:] == [
        "borderline",
        "the seeded draw gives 0.3460; without sampling 0.3400; "
        f"{alternative}; as 0.346 is near 0.34",
    ]
    assert found[1][2:] == ["reproduced with caveat", f"{alternative}; as 0.34 is near 0.34"]
    (drawn, _) = told(0.34, 0.34, [explained], input="pathways.hardware")
    assert drawn[2:] == [
        "by construction",
        "restates the method's own pathways.hardware; as 0.34 is near 0.34",
    ]


def test_what_is_not_judged_has_no_remark():
    explained = {"id": "x", "claims": ["median"], "note": "so"}
    assert told(0.346, 0.34, [explained], scored=False) == [
        ["published", 0.346, "not scored", None],
        ["exact", 0.34, "not scored", None],
    ]
    # a number that the method was given is told as that
    note = "by construction: restates the method's own pathways.hardware"
    assert told(0.34, 0.34, [explained], scored=False, input="pathways.hardware") == [
        ["published", 0.34, "not scored", note],
        ["exact", 0.34, "not scored", note],
    ]
    (other, _) = told(0.37, 0.37, scored=False, input="pathways.hardware")
    assert other[2:] == ["not scored", None]
    assert told(0.3, 0.3, quantity=None) == [[None, None, "not testable", "The median"]]


@pytest.mark.parametrize(
    ("value", "digits"),
    [(20.57, 4), (20.5005, 4), (20.50, 4), (20.4996, 6), (20.49996, 7), (20.5 - 1e-13, 15)],
)
def test_a_number_is_told_in_the_digits_that_decide_whether_it_holds(value, digits):
    levers = claim(relation="within", value=8, upper=20, decimals=0)
    assert deciding_digits(levers, [20.4, value, None]) == digits


def test_a_remark_tells_on_which_side_of_the_rounding_a_number_lies():
    levers = claim(relation="within", value=8, upper=20, decimals=0)
    assert decide(levers, {"published": 20.5503, "exact": 20.4996}) == (
        "reproduced",
        "decided without sampling: 20.4996; the seeded draw gives 20.55",
    )
    assert decide(levers, {"published": 20.49999, "exact": 20.57})[1] == (
        "decided without sampling: 20.57; the seeded draw gives 20.49999"
    )
    assert decide(claim(), {"published": 0.344999, "exact": 0.36}) == (
        "reproduced as the seeded draw",
        "without sampling 0.3600",
    )


def test_the_one_engine_that_ran_decides():
    assert decide(claim(), {"exact": 0.34}) == ("reproduced", "")
    assert decide(claim(), {"published": 0.34}) == ("reproduced", "")
    assert decide(claim(), {"published": 0.35}) == ("not reproduced", "")


def test_findings_that_do_not_touch_a_claim_do_not_hide_those_that_do():
    """Of another claim, of another version, without a number, and moving nothing that prints."""
    elsewhere = {"id": "a", "claims": ["fleet-*"], "note": "no"}
    nowhere = {"id": "b", "note": "no"}
    newer = {"id": "c", "claims": ["median"], "version": "v2", "note": "no"}
    without = {"id": "d", "claims": ["median"], "alternative": "no"}
    unknown = {"id": "e", "claims": ["median"], "values": {"n": "setting[no]"}, "note": "{n}"}
    silent = {"id": "f", "claims": ["median"]}
    said = {"id": "g", "claims": ["x", "med*"], "note": "{n:g}", "values": {"n": QUANTITY}}
    all_of_them = [elsewhere, nowhere, newer, without, unknown, silent, said]
    lost = {"d": results(exact=0.3)}
    lost["d"].tables["energy"] = lost["d"].tables["energy"].iloc[:1]
    found = caveats(claim(), 0.34, results(0.36, 0.35), lost, all_of_them)
    assert found == [(False, "0.36")]
    other = {"d": results(exact=0.3)}
    none = results()
    none.tables["energy"] = none.tables["energy"].iloc[:1]
    assert caveats(claim(), 0.34, none, other, [without]) == []


QUANTITY = "energy[subject=a; statistic=p50]"


def test_a_table_is_scored_unless_a_line_says_that_it_is_not():
    for verdicts, scored in (
        (["reproduced", "not testable"], True),
        (["not scored", "not testable"], False),
        ([], True),
    ):
        assert bool(is_scored(pd.DataFrame({"verdict": verdicts}))) is scored


def test_verdicts_are_counted_once_per_claim_in_their_order():
    table = pd.DataFrame(
        {
            "engine": ["published", "exact", None, "published"],
            "verdict": ["reproduced", "borderline", "not testable", "reproduced"],
        }
    )
    tally = counts(table)
    assert list(tally) == list(VERDICTS)
    assert {verdict: n for verdict, n in tally.items() if n} == {"reproduced": 2, "not testable": 1}
