"""Results and verdicts of two methods side by side."""

import re
from math import log, prod

import numpy as np
import pandas as pd
import pytest
from inference_energy.comparison.compare import COLUMNS, comparison, flips, moved
from inference_energy.comparison.medians import ExactMedians
from inference_energy.comparison.page import comparison_page
from inference_energy.tables import read_table, write_table
from library.comparison.methods import V1, V2, paper
from library.comparison.tables import BASE_CLAIMS, FLEET, HEAD_CLAIMS, whole


def test_results_that_move_have_their_ratio_and_the_others_are_counted():
    found, same = moved("fleet", FLEET, FLEET.assign(value=[2.0, 6.0]))
    assert same == 1
    assert found["item"].tolist() == ["engine=exact; scenario=long; pathway=baseline"]
    assert found[["statistic", "base", "head", "ratio"]].to_numpy().tolist() == [
        ["p50", 8, 6, 0.75]
    ]
    found, same = moved("fleet", FLEET, FLEET.iloc[:1])
    assert (same, found["base"].tolist(), found["ratio"].isna().all()) == (1, [8.0], True)
    assert found["head"].isna().all() and found["unit"].tolist() == ["GWh/day"]


def test_what_only_one_method_has_keeps_its_unit_and_counts_as_moved():
    for base, head, values in (
        (FLEET, FLEET.iloc[:1], [8.0, np.nan]),
        (FLEET.iloc[:1], FLEET, [np.nan, 8.0]),
    ):
        found, same = moved("fleet", base, head)
        assert same == 1
        assert found.columns.tolist() == ["item", "statistic", "base", "head", "ratio", "unit"]
        assert found["unit"].tolist() == ["GWh/day"]
        assert found[["base", "head"]].to_numpy()[0] == pytest.approx(values, nan_ok=True)


def test_no_ratio_is_formed_over_rounding():
    base = FLEET.assign(value=[2e-13, 8.0])
    found, _ = moved("fleet", base, FLEET)
    assert found["ratio"].isna().tolist() == [True]


def test_rounding_in_the_headlines_does_not_change_a_byte(tmp_path):
    """What one version of numpy gives and another gives differ in the last bits."""
    written = []
    for noise in (0.0, 1e-15, -1e-15):
        medians = ExactMedians(paper)
        count = 0

        def noisy(method, medians=medians, noise=noise):
            nonlocal count
            count += 1
            sign = 1 if count % 2 else -1
            return {name: v * (1 + sign * noise) for name, v in medians(method).items()}

        results = {"fleet": FLEET, "claims": BASE_CLAIMS}
        write_table(comparison(V2, V1, results, results, noisy), tmp_path / "c.csv", "comparison")
        table = read_table(tmp_path / "c.csv", "comparison")
        written.append((tmp_path / "c.csv").read_text() + comparison_page(table, "v2", "v1"))
    assert written[0] == written[1] == written[2]


def test_a_verdict_flips_only_where_both_methods_have_one():
    assert flips(BASE_CLAIMS, HEAD_CLAIMS).to_numpy().tolist() == [
        ["b", "reproduced", "not reproduced"]
    ]


def test_the_comparison_is_a_valid_table_and_page(tmp_path):
    write_table(whole(), tmp_path / "c.csv", "comparison")
    table = read_table(tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {
        *("headline", "attribution", "part", "setting", "verdict", "unchanged", "result")
    }
    page = comparison_page(table, "v2", "v1")
    assert "| setting | long median | traditional median |" in page
    assert re.search(r"\| `node_power` \| x \d\.\d+ \(100\.0 %\) \|", page)
    assert "## Verdicts that differ: 1" in page
    assert "| fleet | 1 | 0 | 1 |" in page


def test_the_same_method_twice_gives_an_empty_comparison(tmp_path):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    table = comparison(V2, V2, results, results, ExactMedians(paper))
    write_table(table, tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {"headline", "unchanged"}
    assert "No setting differs." in comparison_page(table, "v2", "v2")


def quantity(value, source):
    return {"value": value, "unit": "W", "source": source}


def lines_of(table, kind):
    """Lines of one kind without the columns that are empty in all of them."""
    lines = table[table["kind"] == kind].drop(columns="kind")
    return lines.dropna(axis=1, how="all").to_dict("records")


def test_every_line_of_a_comparison_by_hand():
    """A product of three numbers: each share is the logarithm of its factor's ratio."""
    base = {"a": quantity(2, "old"), "b": {"x": quantity(1, "old"), "y": quantity(3, "old")}}
    head = {"a": quantity(4, "new"), "b": {"x": quantity(5, "old"), "y": quantity(7, "new")}}

    def product(method):
        numbers = (method["a"], method["b"]["x"], method["b"]["y"])
        return {"power": prod(number["value"] for number in numbers), "none": 0.0}

    results = {"claims": BASE_CLAIMS, "fleet": FLEET}
    other = {"claims": HEAD_CLAIMS, "fleet": FLEET.assign(value=[2.0, 6.0])}
    table = comparison(base, head, results, other, product)
    assert tuple(table.columns) == COLUMNS
    assert lines_of(table, "setting") == [
        {
            "subject": path[0],
            "item": f"{path}.value",
            "base": old,
            "head": new,
            "unit": "W",
            "base_source": "old",
            "head_source": source,
        }
        for path, old, new, source in (
            ("a", "2", "4", "new"),
            ("b.x", "1", "5", "old"),
            ("b.y", "3", "7", "new"),
        )
    ]
    (change, nothing) = lines_of(table, "headline")
    assert change == {
        "subject": "power",
        "item": "all settings",
        "statistic": "change",
        "base": "6",
        "head": "140",
        "value": pytest.approx(log(140 / 6)),
        "unit": "ln",
    }
    assert (nothing["subject"], nothing["value"]) == ("none", pytest.approx(np.nan, nan_ok=True))
    shares = {"a": log(2), "b": log(35 / 3)}
    parts = {"b.x": log(5), "b.y": log(7 / 3)}
    for kind, expected in (("attribution", shares), ("part", parts)):
        found = [line for line in lines_of(table, kind) if line["subject"] == "power"]
        assert found == [
            {
                "subject": "power",
                "item": item,
                "statistic": statistic,
                "value": pytest.approx(value),
                "unit": "ln",
            }
            for statistic in ("from base", "from head", "shapley")
            for item, value in expected.items()
        ]
    (together, _) = lines_of(table, "interaction")
    assert together == {
        "subject": "power",
        "item": "a x b",
        "statistic": "from base",
        "value": 0.0,
        "unit": "ln",
    }
    assert lines_of(table, "verdict") == [
        {"subject": "claims", "item": "b", "base": "reproduced", "head": "not reproduced"}
    ]
    assert lines_of(table, "unchanged") == [
        {"subject": "fleet", "item": "lines", "value": 1.0, "unit": "lines"}
    ]
    assert lines_of(table, "result") == [
        {
            "subject": "fleet",
            "item": "engine=exact; scenario=long; pathway=baseline",
            "statistic": "p50",
            "base": "8",
            "head": "6",
            "value": 0.75,
            "unit": "GWh/day",
        }
    ]


def test_a_result_that_one_method_lacks_is_empty_there():
    base, head = {"fleet": FLEET}, {"fleet": FLEET.iloc[:1]}
    claims = {"claims": BASE_CLAIMS}
    for results, other, empty in ((base, head, "head"), (head, base, "base")):
        table = comparison(V2, V2, results | claims, other | claims, ExactMedians(paper))
        (line,) = table[table["kind"] == "result"].to_dict("records")
        assert line[empty] is None or pd.isna(line[empty])
        assert line["base" if empty == "head" else "head"] == "8"
