"""Results and verdicts of two methods side by side."""

from inference_energy.comparison.attribution import exact_medians
from inference_energy.comparison.compare import comparison, flips, moved
from inference_energy.comparison.page import comparison_page
from inference_energy.tables import read_table, write_table
from library.comparison.methods import V2, paper
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
    assert "| traditional median | `node_power` |" in page
    assert "| 100.0 % |" in page
    assert "## Verdicts that flip: 1" in page
    assert "### fleet: 1 move, 1 do not" in page


def test_the_same_method_twice_gives_an_empty_comparison(tmp_path):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    table = comparison(V2, V2, results, results, exact_medians(paper))
    write_table(table, tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {"headline", "unchanged"}
    assert "No setting differs." in comparison_page(table, "v2", "v2")
