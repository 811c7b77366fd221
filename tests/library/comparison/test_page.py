"""Pages of two methods and of two revisions say what differs, and no more."""

import re
from math import log
from pathlib import Path

import pandas as pd
import pytest
from inference_energy.comparison.changes import Changes, Moved, TableChange
from inference_energy.comparison.page import changes_page, comparison_page, figures_page
from inference_energy.tables import load_schema, read_table

ROOT = Path(__file__).resolve().parents[3]
COMPARISONS = sorted((ROOT / "results" / "comparison").glob("*.csv"))
COLUMNS = list(load_schema("comparison")["properties"])


def comparison(*lines):
    """Return a comparison table with a headline that doubles."""
    headline = {"kind": "headline", "subject": "m", "base": "1", "head": "2", "value": log(2)}
    return pd.DataFrame([headline, *lines], columns=COLUMNS)


def attribution(statistic, value, kind="attribution", item="pue"):
    return {"kind": kind, "subject": "m", "item": item, "statistic": statistic, "value": value}


def shares(*values, **more):
    statistics = ("from base", "from head", "shapley")
    return [attribution(s, v, **more) for s, v in zip(statistics, values, strict=True)]


@pytest.mark.parametrize("path", COMPARISONS, ids=lambda path: path.stem)
def test_a_committed_page_is_that_of_the_table(path):
    page = comparison_page(read_table(path, "comparison"), *path.stem.split(".."))
    assert page == path.with_suffix(".md").read_text(encoding="utf-8")


def test_settings_come_with_their_factor_and_their_share():
    part = shares(0.0, 0.0, 0.0, kind="part", item="p95")
    page = comparison_page(comparison(*shares(log(4), log(2), log(2) / 2), *part), "a", "b")
    assert "- **m**: 1 to 2 Wh, +100.0 %\n" in page
    assert "| setting | m |\n" in page
    assert "| `pue` | x 1.414 (50.0 %) |\n" in page
    assert "| of which `p95` |  |\n" in page


def test_a_change_that_cancels_has_no_shares():
    other = shares(log(4), log(4), log(4), item="node_power")
    page = comparison_page(comparison(*shares(-log(2), -log(2), -log(2)), *other), "a", "b")
    assert "| `pue` | x 0.5 |\n| `node_power` | x 4 |\n" in page
    assert "%" not in page.partition("## Which")[2]
    parts = [
        *shares(log(2), log(2), log(2)),
        *shares(log(4), log(4), log(4), kind="part", item="p5"),
        *shares(-log(2), -log(2), -log(2), kind="part", item="p95"),
    ]
    page = comparison_page(comparison(*parts), "a", "b")
    assert "| `pue` | x 2 |\n| of which `p5` | x 4 |\n| of which `p95` | x 0.5 |\n" in page


def test_a_headline_that_does_not_move_has_no_shares_of_a_change():
    table = comparison(*shares(log(2), log(2), log(2)))
    table.loc[0, "value"] = 0.0
    assert "| `pue` | x 2 |\n" in comparison_page(table, "a", "b")


def test_interactions_below_a_hundredth_are_left_out():
    pairs = [
        {"kind": "interaction", "subject": "m", "item": item, "value": value}
        for item, value in (("a x b", log(1.5)), ("a x c", 9e-3))
    ]
    page = comparison_page(comparison(*pairs), "a", "b")
    assert "- m, `a x b`: x 1.5\n" in page
    assert "a x c" not in page
    assert "Pairs" not in comparison_page(comparison(pairs[1]), "a", "b")


def test_only_the_largest_results_are_shown():
    moved = [
        {"kind": "result", "subject": "fleet", "item": f"r{i}", "base": "1", "value": ratio}
        for i, ratio in enumerate([1.1, 0.2, None, 2.0])
    ]
    unchanged = {"kind": "unchanged", "subject": "fleet", "value": 7}
    page = comparison_page(comparison(unchanged, *moved), "a", "b", shown=2)
    assert "| fleet | 4 | 1 | 7 |\n" in page and "### fleet\n" in page
    assert re.findall(r"\| (r\d) \|", page) == ["r1", "r3"]
    assert page.endswith("\nThe 2 largest of 3.\n")


def test_where_there_are_medians_they_are_shown():
    moved = [
        {"kind": "result", "subject": "fleet", "item": s, "statistic": s, "base": "1", "value": 2.0}
        for s in ("p5", "p50")
    ]
    unchanged = {"kind": "unchanged", "subject": "fleet", "value": 0}
    page = comparison_page(comparison(unchanged, *moved), "a", "b")
    assert "### fleet, medians\n" in page
    assert "| p50 |" in page and "| p5 |" not in page


def test_sources_are_told_once_for_all_settings_that_have_them():
    settings = [
        {"kind": "setting", "item": f"pue.{end}", "base": "1", "head": "2", "base_source": "a book"}
        for end in ("p5", "p95")
    ]
    page = comparison_page(comparison(*settings), "a", "b")
    assert page.count("a book") == 1
    assert "\n- `pue`: `a`: a book.\n" in page


def test_claims_whose_verdicts_differ_are_told_in_words():
    verdict = {"kind": "verdict", "item": "p75-long", "base": "borderline", "head": "reproduced"}
    page = comparison_page(comparison(verdict), "a", "b")
    assert "| Third quartile; long | borderline | reproduced |\n" in page


def test_a_method_that_is_not_the_papers_has_no_verdicts_that_differ():
    verdicts = [
        {"kind": "verdict", "item": name, "base": "reproduced", "head": verdict}
        for name, verdict in (("one", "not scored"), ("two", "not testable"))
    ]
    page = comparison_page(comparison(*verdicts), "a", "b")
    assert "\n## Verdicts\n" in page and "| one |" not in page
    assert "`b` is not of the paper" in page and "(../b/claims.md)" in page


def test_an_empty_comparison_says_so():
    page = comparison_page(comparison().iloc[:1].assign(value=0.0), "a", "a")
    assert "\nNo setting differs.\n\n## Settings that differ\n" in page
    assert page.endswith("## Verdicts that differ: 0\n\n## Results that move\n")


def test_what_a_source_says_cannot_break_the_table():
    setting = {"kind": "setting", "item": "pue.p95", "base": "a|b", "head_source": "<b> `c` |"}
    page = comparison_page(comparison(setting), "a", "b")
    assert "| pue.p95 | a\\|b |  |  |\n" in page
    assert "`b`: \\<b\\> \\`c\\` \\|.\n" in page


def moved(before, after, path="results/mine/fleet.csv", **keys):
    change = Moved({"statistic": "p50", "note": ""} | keys, "value", before, after)
    return TableChange(path, moved=[change], unchanged=2)


def changes(*tables, **other):
    empty = {"figures": [], "settings": {}, "texts": [], "unchanged_files": 3}
    return Changes(list(tables), **(empty | other))


def test_what_moved_most_comes_first():
    small = moved("1", "1.1")
    large = moved("1", "3", "results/mine/energy_per_query.csv")
    text = moved("a", "b", "results/mine/claims.csv")
    page = changes_page(changes(text, small, large), "HEAD", "abc")
    assert re.findall(r"^### (\S+):", page, re.MULTILINE) == [
        "results/mine/energy_per_query.csv",
        "results/mine/fleet.csv",
        "results/mine/claims.csv",
    ]
    assert "| statistic=p50 | value | 1 | 1.1 | +10 % |\n" in page
    assert "| statistic=p50 | value | a | b |  |\n" in page
    assert "\n0 tables of results did not move.\n\n## Data\n\n0 tables of data" in page


def test_a_value_from_zero_and_values_that_are_not_shown_are_told():
    table = moved("0", "1")
    table.moved += [Moved({"statistic": "p5"}, "value", "1", "2")]
    page = changes_page(changes(table), "HEAD", "abc", shown=1)
    assert "| statistic=p50 | value | 0 | 1 | from zero |\n\nand 1 more values.\n" in page


def test_rows_that_came_and_went_are_told():
    rows = [{"model": f"m{i}", "gpu": ""} for i in range(3)]
    table = TableChange("data/t.csv", added=rows, removed=rows[:1], unchanged=1)
    page = changes_page(changes(table), "HEAD", "abc", shown=2)
    assert "### data/t.csv: 3 added, 1 removed, 0 altered, 1 unchanged\n" in page
    assert (
        "\n- added: model=m0\n- added: model=m1\n- added: and 1 more\n\n- removed: model=m0\n"
        in page
    )


def test_what_comes_from_data_cannot_break_the_page():
    table = moved("a|b", "<img src=x>", "data/t.csv", model="`m`")
    page = changes_page(changes(table, texts=["results/<x>.md"]), "HEAD", "abc")
    assert "| statistic=p50, model=\\`m\\` | value | a\\|b | \\<img src=x\\> |  |\n" in page
    assert page.endswith("## Other files\n\n- results/\\<x\\>.md\n")


def test_figures_are_shown_as_they_were_and_as_they_are():
    page = figures_page(changes(figures=[("figures/<a>.png", None, b"new")]), "HEAD & more", "abc")
    assert "<title>Figures that moved since HEAD &amp; more (abc)</title>" in page
    assert "<h2>figures/&lt;a&gt;.png</h2>" in page
    assert "<figcaption>before</figcaption><p>does not exist</p>" in page
    assert 'alt="figures/&lt;a&gt;.png" src="data:image/png;base64,bmV3"' in page
    assert page.startswith("<!DOCTYPE html>\n")
