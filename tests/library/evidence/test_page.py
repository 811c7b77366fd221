"""The page of public evidence says what its tables say."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from inference_energy.evidence.decomposition import OF_A_SERVICE, explained
from inference_energy.evidence.page import POSSIBLE, closeness, each, page, remainders
from inference_energy.reports import told
from inference_energy.tables import read_table
from inference_energy.text import FEW

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "results" / "validation"
REPORTED = "oviedo2026"


@pytest.fixture
def given():
    """Arguments of the pages as the workflow makes them."""
    paths = [*(FOLDER / REPORTED).glob("*.csv"), FOLDER / "concurrency.csv"]
    paths += [FOLDER / "blackwell.csv", FOLDER / "production.csv"]
    names = ("oviedo2025", "oviedo2026", "revised")
    return {
        "verdicts": {
            name: read_table(FOLDER / name / "evidence_verdicts.csv", "evidence_verdicts")
            for name in names
        },
        "predicted": {
            name: read_table(FOLDER / name / "predicted.csv", "predicted") for name in names
        },
        "tables": {path.stem: read_table(path, path.stem) for path in paths},
        "estimates": read_table(ROOT / "data/published/estimates.csv", "estimates"),
        "metered": read_table(ROOT / "data/measured/inferencex_power.csv", "inferencex"),
        "settings": yaml.safe_load((ROOT / "config/evidence.yaml").read_text(encoding="utf-8")),
        "reported": REPORTED,
    }


def short(given):
    return page(**{name: given[name] for name in given if name != "settings"})


def lines(given):
    return each(**{name: given[name] for name in given if name not in ("predicted", "metered")})


def test_the_committed_pages_are_those_of_the_committed_tables(given):
    committed = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    assert told(short(given), ROOT / "docs") == committed
    assert lines(given) == (FOLDER / "evidence_each.md").read_text(encoding="utf-8")


def test_where_the_law_misses_a_service_is_told_layout_by_layout(given):
    production = given["tables"]["production"]
    of_all = production["part"] == "all nodes"
    deployed, fewest = of_all & (production["gpus"] > 100), of_all & (production["gpus"] < 100)

    def told(at, share):
        changed = production.assign(
            p95=production["p95"].mask(at, share * production["measured"]),
            p5=production["p5"].mask(at, share * production["measured"] / 4),
        )
        text = lines(given | {"tables": given["tables"] | {"production": changed}})
        return text.partition("## In production")[2].partition("##")[0]

    assert "as deployed, where the published figure lies outside;" in told(deployed, 0.5)
    assert "as deployed, where the published figure lies inside;" in told(deployed, 2)
    assert "hold it, where the published figure lies outside." in told(fewest, 0.5)
    assert "hold it, where the published figure lies inside." in told(fewest, 2)
    (slow,) = 1 / production.loc[deployed, "predicted_over_measured"]
    assert f"The law is too slow by a factor of {slow:.3g} as deployed." in lines(given)


def test_no_interval_is_given_of_fewer_than_five_figures_or_sources(given):
    known = {line["group"]: line for line in given["verdicts"][REPORTED].to_dict("records")}
    text = lines(given).partition("## How to read")[2].partition("## The comparison")[0]
    rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| ")]
    told = {row[0].removeprefix("| "): row[2] for row in rows if len(row) == 7}
    of = {group: told[group] for group in known}
    shown = {group for group, cell in of.items() if cell != "–"}
    assert shown == {g for g, line in known.items() if min(line["n"], line["sources"]) >= FEW}
    assert shown
    assert shown < set(known)
    assert all(of[group].count("%") == 2 for group in shown)


def test_a_method_without_a_verdict_has_an_empty_cell(given):
    first = given["verdicts"]["revised"]
    given["verdicts"]["revised"] = first[first["question"] != "blackwell"]
    rows = lines(given).partition("throughput of H100?\n")[2].splitlines()
    assert rows[5].endswith("| does not hold | does not hold |  |")


def test_statements_without_evidence_are_left_out(given):
    for name, table in given["verdicts"].items():
        given["verdicts"][name] = table[table["question"] != "blackwell"]
    assert "Blackwell has" not in short(given)
    assert "Blackwell has" not in lines(given)


def test_the_verdicts_of_each_statement_are_counted(given):
    table = given["verdicts"][REPORTED]
    rows = [row.split(" | ") for row in short(given).splitlines() if row.startswith("| ")]
    (counts,) = [row[1:] for row in rows if row[0].startswith("| Blackwell has")]
    own = table.loc[table["question"] == "blackwell", "verdict"].value_counts()
    found = [int(cell.strip(" |") or 0) for cell in counts]
    assert found == [own.get(verdict, 0) for verdict in POSSIBLE] and sum(found) == own.sum()


def test_what_was_not_measured_stays_empty_and_data_cannot_break_a_table(given):
    given["tables"]["blackwell"]["energy_ratio"] = np.nan
    given["tables"]["coverage"]["set"] = "a|b<i>"
    text = lines(given)
    assert "| mlenergy-v3 | 24 | 0.875 | 2.57 | 9.12 |  |" in text
    rows = [row for row in text.splitlines() if row.startswith(r"| a\|b\<i\> |")]
    assert len(rows) == (given["tables"]["coverage"]["model"] == "all").sum()
    assert {row.replace(r"\|", "").count("|") for row in rows} == {9}


def test_a_sweep_that_was_metered_from_one_request_on_is_told(given):
    runs = given["metered"]
    own = runs[runs["disaggregated"] == "no"].groupby("concurrency")["energy_per_output_token_j"]
    energy = own.mean()
    text = short(given)
    assert f"{energy[1] / energy.min():.1f} times the energy of one" in text
    assert f"from 1 to {energy.index.max():.0f} requests" in text
    assert "No power was measured below" not in text


def test_the_page_says_how_many_ratios_need_no_factor_of_a_service(given):
    """These are the ones that are split into what the paper names."""
    table, ratios = given["tables"]["decomposition"], given["tables"]["overestimates"]
    like = ratios[ratios["reading"].eq("like for like") & ratios["counted"].eq("yes")]
    alone = explained(table, set(like["id"]), OF_A_SERVICE).sum()
    assert f" to within 1.5 times, {alone} without reasoning and host ([what" in short(given)


def test_the_page_is_short(given):
    assert len(short(given).split()) < 700


def test_methods_are_compared_on_the_runs_that_all_of_them_serve(given):
    table = closeness(given["predicted"]).set_index("method")
    assert table["n"].nunique() == 1
    own = given["predicted"]["oviedo2026"]
    served = own[(own["basis"] == "like for like") & own["id"].str.startswith("mlenergy_v3.")]
    assert table["n"].iloc[0] < served["id"].nunique()
    alone = closeness({"oviedo2026": own})
    assert alone["n"].iloc[0] == served["id"].nunique()


def test_the_closest_method_is_named(given):
    spoilt = given["predicted"]["revised"]
    given["predicted"]["revised"] = spoilt.assign(
        predicted_over_measured=100 * spoilt["predicted_over_measured"]
    )
    assert "The closest is `revised`" not in short(given)


def test_without_common_runs_none_is_closest(given):
    given["predicted"]["revised"] = given["predicted"]["revised"].iloc[:0]
    assert "The closest is" not in short(given)


def test_the_remainders_are_the_committed_ones_and_of_all_that_is_not_explained(given):
    text = remainders(given["tables"], given["settings"], given["reported"])
    path = ROOT / "results/validation/remainders.md"
    assert text == path.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert f"For the other {len(rows) - 1}, the table" in text


def test_the_remainders_say_how_many_estimates_the_laws_have_seen(given):
    ratios = given["tables"]["overestimates"]
    like = ratios[ratios["reading"].eq("like for like") & ratios["counted"].eq("yes")]
    # the runs of ML.ENERGY that the laws are fitted to
    seen = (like["source_id"] == "mlenergy-v3").sum()
    assert seen > 0
    text = remainders(given["tables"], given["settings"], given["reported"])
    assert f"{seen} of the {len(like)} are runs that the laws are fitted to" in text
