"""Results and verdicts of two methods side by side."""

from inference_energy.comparison.compare import comparison, flips, moved
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
    assert "| traditional median | `node_power` |" in page
    assert "| 100.0 % |" in page
    assert "## Verdicts that flip: 1" in page
    assert "### fleet: 1 move, 1 do not" in page


def test_the_same_method_twice_gives_an_empty_comparison(tmp_path):
    results = {"fleet": FLEET, "claims": BASE_CLAIMS}
    table = comparison(V2, V2, results, results, ExactMedians(paper))
    write_table(table, tmp_path / "c.csv", "comparison")
    assert set(table["kind"]) == {"headline", "unchanged"}
    assert "No setting differs." in comparison_page(table, "v2", "v2")
