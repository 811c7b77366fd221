"""Rows of the what-if page."""

import numpy as np
import pandas as pd
from inference_energy.comparison.whatif import Published
from inference_energy.comparison.whatif_page import (
    claim_rows,
    drawn_notes,
    engine_note,
    headline_rows,
    judged_notes,
    member_parts,
    node_notes,
    setting_rows,
    share_rows,
    unused_notes,
)
from inference_energy.method.files import merge
from library.comparison.answers import side
from repository import METHODS


def test_rounding_is_no_change_and_a_missing_number_no_number():
    line = {"quantity": "q", "unit": "Wh", "old": 0.3, "new": 0.3, "factor": 1.0}
    assert headline_rows([line]) == [["q", "0.300 Wh", "0.300 Wh", "unchanged"]]
    assert headline_rows([line | {"factor": float("nan")}])[0][-1] == "none"
    small = {"new": 0.30001, "factor": 0.30001 / 0.3}
    assert headline_rows([line | small])[0][1:] == ["0.30000 Wh", "0.30001 Wh", "x 1.00003"]
    claim = {"claim": "c", "published": "8-20", "unit": "1", "before": "a", "after": "b"}
    claim["digits"] = 4
    rows = claim_rows([claim | {"old": 20.4, "new": float("nan"), "exact": [20.5, None]}])
    assert rows == [["c", "8-20", "20.4", "none", "20.5 -> none", "a", "b"]]
    rows = claim_rows([claim | {"old": 129, "new": 122, "exact": [125, 125]}])
    assert rows[0][4] == "125"


def test_a_claim_that_one_side_lacks_has_no_number_there():
    claim = {"claim": "c", "published": "0.31", "unit": "Wh", "digits": 4}
    added = {"old": None, "new": 0.3083, "exact": [None, 0.3088], "before": "–", "after": "a"}
    removed = {"old": 0.3083, "new": None, "exact": [0.3088, None], "before": "a", "after": "–"}
    # what is no number on a side that has the claim
    missing = added | {"new": None, "exact": [None, None]}
    assert claim_rows([claim | added, claim | removed, claim | missing]) == [
        ["c", "0.31 Wh", "–", "0.3083", "0.3088", "–", "a"],
        ["c", "0.31 Wh", "0.3083", "–", "0.3088", "a", "–"],
        ["c", "0.31 Wh", "–", "none", "none", "–", "a"],
    ]


def test_numbers_of_a_claim_that_differ_are_told_apart():
    claim = {"claim": "c", "published": "0.31", "unit": "1", "before": "a", "after": "b"}
    numbers = {"digits": 4, "old": 0.3083, "new": 0.30830001, "exact": [0.3088, 0.30880002]}
    (row,) = claim_rows([claim | numbers])
    assert row[2:5] == ["0.3083", "0.30830001", "0.3088 -> 0.30880002"]
    (row,) = claim_rows([claim | numbers | {"new": 0.3083 * (1 + 1e-15), "exact": [0.3, 0.3]}])
    assert row[2:5] == ["0.3083", "0.3083", "0.3"]


def test_models_whose_rank_hardly_moved_are_told_apart():
    row = {"model": "m", "before": 1.0, "after": 1.0, "laws": ("a", "a")}
    row["first_out"] = (False, False)
    told = {
        (0.3, 0.3000001): "0.3000000 -> 0.3000001",
        (0.3, 0.1 + 0.2): "0.300",
        (None, 0.3): "none -> 0.300",
    }
    for (old, new), words in told.items():
        parts = member_parts({"long": [row | {"old": old, "new": new}]}, "median")
        assert parts["long"]["rows"][0][2] == words


def test_a_claim_shows_the_digits_that_decide_its_verdict():
    claim = {"claim": "c", "published": "8-20", "unit": "1", "before": "a", "after": "b"}
    claim["digits"] = 4
    rows = claim_rows([claim | {"old": 20.5005, "new": 20.462, "exact": [20.5699, 20.4888]}])
    assert rows[0][4] == "20.57 -> 20.49"
    rows = claim_rows([claim | {"old": 20.3, "new": 20.4, "exact": [20.4491, 20.5102]}])
    assert rows[0][4] == "20.45 -> 20.51"
    near = {"digits": 6, "old": 20.5005, "new": 20.4502, "exact": [20.57, 20.4996]}
    assert claim_rows([claim | near])[0][2:5] == ["20.5005", "20.4502", "20.57 -> 20.4996"]


def test_the_page_says_whose_median_it_tells():
    before, after = (side(median) for median in (0.309, 0.277))
    for one, drawn in ((before, 0.308), (after, 0.276)):
        table = one.tables["energy_per_query"]
        other = table.assign(engine="published", value=drawn)
        one.tables["energy_per_query"] = pd.concat([table, other])
    note = engine_note(before, after)
    assert "the draw's traditional median is 0.308 -> 0.276 Wh" in note
    assert "the exact one above 0.309 -> 0.277 Wh" in note
    assert "are not looked for here; results/METHOD/claims.md has them" in note
    assert "not scored" not in note
    after.side.method["kind"] = "user"
    assert engine_note(before, after).endswith("is not scored by its claims.")


def test_verdicts_that_the_draw_alone_changes_are_counted_and_the_rule_is_told():
    assert drawn_notes([]) == drawn_notes([{"drawn": False}]) == []
    (note,) = drawn_notes([{"drawn": True}, {"drawn": False}, {"drawn": True}])
    assert note.startswith("The draw alone changes 2 of the 3 verdicts: without sampling")
    assert "Where the draw alone misses, a claim is borderline" in note


def test_a_gpu_whose_node_has_come_or_gone_says_what_it_is_charged_by():
    gpus = pd.DataFrame({"gpu": ["A", "B", "C"], "tdp_w": [700, 1000, 1200]})
    nodes = pd.DataFrame({"node": ["node a", "node b"], "gpu": ["A", "B"], "fan_full_w": [1, 2]})
    near = "node a of data/nodes.csv, whose GPU has the nearest rated power there"
    assert node_notes(["A", "B"], nodes, nodes[:1], gpus) == [
        f"B: charged by {near}, in place of node b."
    ]
    assert node_notes(["B"], nodes[:1], nodes, gpus) == [
        f"B: charged by node b, in place of {near}."
    ]
    other = nodes.assign(node=["node a", "node c"])
    assert node_notes(["A", "B"], nodes, other, gpus) == [
        "B: charged by node c, in place of node b."
    ]
    assert node_notes(["A", "B", "C"], nodes, nodes.assign(fan_full_w=9), gpus) == []
    told = node_notes(["B", "C"], nodes[:1], other[1:], gpus)
    assert [line.partition(":")[0] for line in told] == ["B", "C"]


def test_shares_are_factors():
    share = {"setting": "PUE", "traditional median": 0.9, "long median": 1.1}
    share |= {"fleet, with long queries": 1.0}
    # a headline that nothing moves has no column
    header = ["setting", "traditional median", "long median"]
    assert share_rows([share]) == [header, ["PUE", "x 0.900", "x 1.100"]]
    far = share | {"traditional median": 0.00728, "long median": 137.39}
    assert share_rows([far])[1:] == [["PUE", "x 0.00728", "x 137"]]
    fleet = share | {"setting": "fleet", "long median": 1.0, "fleet, with long queries": 1.2}
    assert share_rows([share, fleet | {"traditional median": 1.0}]) == [
        [*header, "fleet, with long queries"],
        ["PUE", "x 0.900", "x 1.100", "x 1.000"],
        ["fleet", "x 1.000", "x 1.000", "x 1.200"],
    ]
    none = share | {"traditional median": float("nan"), "long median": 1 + 1e-15}
    assert share_rows([none]) == [header[:2], ["PUE", "none"]]
    assert share_rows([none | {"traditional median": 1.0}]) == share_rows([]) == []


def test_the_blend_is_shown_with_shares_ranks_and_the_first_left_out():
    stays = {"model": "a", "before": 1.0, "after": 1.0, "old": 1.0, "new": 1.0}
    stays |= {"laws": ("log-linear", "log-linear"), "first_out": (False, False)}
    out = stays | {"model": "c", "before": 0.0, "after": 0.0, "old": 0.5, "new": 0.4}
    last = out | {"model": "d", "new": 0.1}
    out["first_out"] = (True, True)
    same = member_parts({"long": [stays, last, out]}, "median")["long"]
    assert same["text"] == "Long queries: a; as before."
    assert same["rows"] == [
        ["a", "100 %", "1.00", ""],
        ["c", "0 %", "0.500 -> 0.400", "first left out"],
    ]
    enters = stays | {"model": "b", "before": 0.0, "after": 0.5, "old": None, "new": 2.0}
    enters["laws"] = (None, "peak")
    halved = stays | {"after": 0.5}
    changed = member_parts({"long": [halved, enters]}, "median")["long"]
    assert changed["rows"][1] == ["b", "0 % -> 50 %", "none -> 2.00", "enters"]
    gone = stays | {"model": "c", "before": 0.5, "after": 0.0, "old": 1.0}
    for new, note in ((0.9, "leaves"), (None, "leaves, as the method has no law of it")):
        gone["laws"] = ("peak", new and "peak")
        rows = member_parts({"long": [halved, gone | {"new": new}]}, "median")["long"]["rows"]
        assert rows[1][-1] == note
    for row, note in ((stays, ""), (halved, ""), (enters, "enters; "), (out, "first left out; ")):
        laws = {"laws": ("log-linear", "peak")}
        (told,) = member_parts({"long": [row | laws]}, "median")["long"]["rows"]
        assert told[-1] == f"{note}law log-linear -> peak"
    other = member_parts({"long": [halved, stays | {"model": "b", "after": 1.5}]}, "median")["long"]
    assert other["text"] == "Long queries: a, b; as before, in other shares."
    alone = {"long": [gone | {"new": 0.9}, stays | {"before": 0.5}]}
    assert (
        member_parts(alone, "median")["long"]["text"] == "Long queries: a; the largest by median."
    )
    middle = member_parts(alone, "median", "median model")["long"]
    assert middle["text"] == "Long queries: a; the middle one by median of the largest by median."


def test_a_model_that_is_first_left_out_on_one_side_is_told_so():
    row = {"old": 0.1, "new": 0.2, "laws": ("peak", "peak")}
    leaves = row | {"model": "a", "before": 0.5, "after": 0.0, "first_out": (False, True)}
    enters = row | {"model": "b", "before": 0.0, "after": 0.5, "first_out": (True, False)}
    others = row | {"model": "c", "before": 0.0, "after": 0.0, "first_out": (False, False)}

    def told(*rows):
        parts = member_parts({"long": list(rows)}, "median")["long"]["rows"]
        return {line[0]: line[-1] for line in parts}

    assert told(enters, leaves, others) == {
        "a": "leaves, first left out now",
        "b": "enters, was first left out",
    }
    other = others | {"first_out": (False, True)}
    assert told(enters, leaves | {"first_out": (False, False)}, other) == {
        "a": "leaves",
        "b": "enters, was first left out",
        "c": "first left out now",
    }
    # who was first left out, and is further out now, makes the table no longer
    assert told(leaves, others | {"first_out": (True, False)}) == {
        "a": "leaves, first left out now"
    }


def test_each_setting_has_the_sources_of_both_values():
    """Whichever of two methods is the new side."""
    row = {"name": "PUE", "old": "1.1", "new": "1.2", "unit": "1"}

    def told(old, new):
        return setting_rows([row | {"old_source": old, "new_source": new}])[0][-1]

    assert told("a paper", "another") == "a paper -> another"
    assert told("another", "a paper") == "another -> a paper"
    assert told("assumption", "a paper") == "assumption -> a paper"
    # of one source for two values nothing says which it states
    same = "a paper (the source of both values, of which it may state one)"
    assert told("a paper", "a paper") == same
    left = "stated to be unchanged: a paper"
    assert told("a paper", left) == "a paper -> stated to be unchanged"
    assert told(left, "a paper") == "stated to be unchanged -> a paper"
    assert told(left, left) == f"{left} (the source of both values, of which it may state one)"
    # nobody has stated either
    assert told("Assumption", "Assumption") == "Assumption"
    assert told("assumption", "Assumption") == "Assumption"


def test_a_value_that_one_side_does_not_state_has_no_source_there():
    """The page of HTML writes None as a word."""
    setting = {"name": "load", "old": "9", "new": "none", "unit": "1", "old_source": "a paper"}
    assert setting_rows([setting | {"new_source": None}])[0][-1] == "a paper -> none"
    assert setting_rows([setting | {"old_source": None, "new_source": None}])[0][-1] == ""
    added = {"old_source": None, "new_source": "a paper"}
    assert setting_rows([setting | added])[0][-1] == "none -> a paper"


def test_a_node_power_that_a_method_does_not_use_is_said_not_to_be():
    base = METHODS["revised"]
    power = {"default": {"value": 5, "unit": "kW", "source": "a test"}}
    head = merge(base, {"node_power": power})
    assert unused_notes(base, head)[0].startswith("Node power moves no number: ")
    assert unused_notes(base, base) == []
    paper = METHODS["oviedo2026"]
    assert unused_notes(paper, merge(paper, {"node_power": power})) == []
    assert unused_notes(paper, base) == []


def claims_of(names, versions, **changes):
    """Published claims that differ in name and version, and in what is said."""
    told = {"relation": "equal", "value": 0.31, "upper": np.nan, "unit": "Wh", "decimals": 2}
    told |= {"quantity": "q", "where": "p. 1", "known_by": "text", "statement": "s", "input": None}
    return pd.DataFrame({"claim": names, "version": versions} | told | changes)


def test_claims_that_one_side_alone_has_are_named():
    claims = claims_of(["a", "b", "c", "a"], ["v1", "v1", "v2", "v2"])
    now, before = Published(claims, {}), Published(claims[:3], {})
    sides = side(0.3), side(0.3)
    for one, version in zip(sides, ("v1", "v2"), strict=True):
        one.side.method["claims"] = version
    assert judged_notes(*sides, [], now) == [
        "Without a verdict on both sides: 1 claim of v1 alone: b.",
        "Without a verdict on both sides: 1 claim of v2 alone: c.",
    ]
    sides[0].side.method["claims"] = "v2"
    assert judged_notes(*sides, [], now) == []
    assert judged_notes(*sides, [], now, before) == [
        "Without a verdict on both sides: 1 claim of v2 as it is now alone: a."
    ]
    assert judged_notes(*sides, [], before, now) == [
        "Without a verdict on both sides: 1 claim of v2 as committed alone: a."
    ]


def test_claims_that_two_versions_state_otherwise_are_named_with_what_differs():
    names = [*"abcde"] * 2
    claims = claims_of(
        names,
        ["v1"] * 5 + ["v2"] * 5,
        value=[1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 3.0, 1.0],
        decimals=[2, 2, 2, 2, 2, 2, 1, 2, 1, 2],
        statement=["s"] * 7 + ["t", "t", "s"],
    )
    sides = side(0.3), side(0.3)
    for one, version in zip(sides, ("v1", "v2"), strict=True):
        one.side.method["claims"] = version
    told = judged_notes(*sides, [], Published(claims, {}))
    assert told == [
        "Stated otherwise by v2: a (published number), b (threshold), c (words), d (published"
        " number, threshold and words)."
    ]
    # an edit of one version
    for one in sides:
        one.side.method["claims"] = "v1"
    edited = claims.assign(value=claims["value"] + 1)
    (told,) = judged_notes(*sides, [], Published(edited, {}), Published(claims, {}))
    of = ", ".join(f"{name} (published number)" for name in "abcde")
    assert told == f"Stated otherwise by v1 as it is now: {of}."
    assert judged_notes(*sides, [], Published(claims, {}), Published(claims, {})) == []
    # of many the first, and how many more
    many = claims_of([f"c{i}" for i in range(10)], ["v1"] * 10)
    more = Published(pd.concat([claims, many]), {})
    (told,) = judged_notes(*sides, [], more, Published(claims, {}))
    assert told.endswith("10 claims of v1 as it is now alone: c0, c1, c2, c3, c4, c5 and 4 more.")
