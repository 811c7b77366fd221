import pandas as pd
import pytest
from inference_energy.peers.page import each, label, page
from inference_energy.reports import told
from inference_energy.tables import read_table
from repository import ROOT, read


@pytest.fixture(scope="module")
def scored():
    return read_table(ROOT / "results" / "validation" / "peers.csv", "peers")


@pytest.fixture(scope="module")
def answers():
    return read("data/published/peers.csv", "peer_answers")


def test_the_pages_are_the_committed_ones_in_all_their_numbers(runs, answers, scored):
    folder = ROOT / "results" / "validation"
    text = told(page(runs, answers, scored), folder)
    assert text == (folder / "peers.md").read_text(encoding="utf-8")
    assert each(answers, scored) == (folder / "peers_each.md").read_text(encoding="utf-8")


def test_the_nearest_is_named_whoever_it_is(runs, answers, scored):
    peer = (scored["predictor"] == "ecologits") & (scored["told"] == "everything")
    worse = scored.assign(median_factor=scored["median_factor"].where(~peer, 1.001))
    text = page(runs, answers, worse)
    assert "**EcoLogits, told everything** by the median, x1.00" in text


def test_a_method_that_a_package_beats_is_said_not_to_be_nearer(runs, answers, scored):
    assert "`revised`, told the load, against" in page(runs, answers, scored)
    peer = (scored["predictor"] == "ecologits") & (scored["told"] == "everything")
    text = page(runs, answers, scored.assign(p90_factor=scored["p90_factor"].where(~peer, 1.001)))
    lost = "**not** nearer by the 90th percentile (x"
    assert text.count(lost) == text.count("`revised`, told the load, against") > 0
    assert "EcoLogits, told everything x1.00)." in text


def test_refusals_are_counted(answers, scored):
    named = answers[(answers["predictor"] == "aiconfigurator") & (answers["told"] == "everything")]
    count = (named["note"] == "model not known to the package").sum()
    assert count > 0
    expected = f"| AIConfigurator | model not known to the package | {count} |"
    assert expected in each(answers, scored)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("ecologits", "boundary", "nothing"), "EcoLogits, told boundary"),
        (("oviedo2026", "everything", "nothing"), "oviedo2026"),
        (("revised", "everything", "model"), "revised, told the load"),
        (("revised", "lengths", "nothing"), "revised, told no load"),
        (
            ("aiconfigurator", "everything", "model"),
            "AIConfigurator with our power law, told everything",
        ),
        (("hierarchical", "everything", "model"), "hierarchical law, model left out"),
    ],
)
def test_label_says_who_was_asked_and_how(line, expected):
    assert label(pd.Series(line, ["predictor", "told", "left_out"])) == expected


def test_the_nearest_at_each_load_is_named_whoever_it_is(answers, scored):
    here = (scored["predictor"] == "ecologits") & (scored["told"] == "everything")
    here &= (scored["part"] == "5-16") & (scored["quantity"] == "energy per token")
    worse = scored.assign(median_factor=scored["median_factor"].where(~here, 1.001))
    table = each(answers, worse).split("Runs shared, by load")[1].splitlines()
    header = next(line for line in table if line.startswith("| predictor"))
    nearest = next(line for line in table if line.startswith("| **nearest"))
    place = [cell.split(" (")[0].strip() for cell in header.split("|")].index("5-16")
    assert nearest.split("|")[place].strip() == "EcoLogits, told everything"


def test_only_who_answers_all_the_runs_is_in_a_table_by_part(answers, scored):
    told = scored["told"] == "everything"
    fewer = (scored["predictor"] == "revised") & (scored["rows"] == "shared") & told
    assert (fewer & (scored["quantity"] == "throughput")).any()
    tables = each(answers, scored).split("## Throughput")[1].split("## What the")[0]
    shared = tables.split("Runs shared, by load")[1].split("nearest by")[0]
    assert "oviedo2026" not in shared
    assert "oviedo2026" in tables.split("Runs shared with the methods, by load")[1]
