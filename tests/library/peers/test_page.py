import pandas as pd
import pytest
from inference_energy.peers.page import label, page
from inference_energy.reports import told
from inference_energy.tables import read_table
from repository import ROOT, read


@pytest.fixture(scope="module")
def scored():
    return read_table(ROOT / "results" / "validation" / "peers.csv", "peers")


@pytest.fixture(scope="module")
def answers():
    return read("data/published/peers.csv", "peer_answers")


def test_the_page_is_the_committed_one_in_all_its_numbers(runs, answers, scored):
    written = (ROOT / "results" / "validation" / "peers.md").read_text(encoding="utf-8")
    text = told(page(runs, answers, scored, "revised", 0.5), ROOT / "results" / "validation")
    drop = "rated power"
    kept = [line for line in text.splitlines() if drop not in line]
    assert kept == [line for line in written.splitlines() if drop not in line]


def test_the_nearest_is_named_whoever_it_is(runs, answers, scored):
    peer = (scored["predictor"] == "ecologits") & (scored["told"] == "everything")
    worse = scored.assign(median_factor=scored["median_factor"].where(~peer, 1.001))
    text = page(runs, answers, worse, "revised", 0.5)
    assert "**EcoLogits, told everything** by the median, x1.00" in text


def test_refusals_are_counted(runs, answers, scored):
    named = answers[(answers["predictor"] == "aiconfigurator") & (answers["told"] == "everything")]
    count = (named["note"] == "model not known to the package").sum()
    assert count > 0
    expected = f"| AIConfigurator | model not known to the package | {count} |"
    assert expected in page(runs, answers, scored, "revised", 0.5)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("ecologits", "boundary", "nothing"), "EcoLogits, told boundary"),
        (("revised", "everything", "nothing"), "revised"),
        (("hierarchical", "everything", "model"), "hierarchical law, model left out"),
    ],
)
def test_label_says_who_was_asked_and_how(line, expected):
    assert label(pd.Series(line, ["predictor", "told", "left_out"])) == expected
