"""The pages on test-time scaling and the counter-signal say what their tables say."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from inference_energy.scaling import agents, counter_signal, footprint
from inference_energy.scaling.page import counter_signal_page, scaling_page
from inference_energy.tables import read_table

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "results"
TABLES = ["test_time", "crossing", "agents", "footprint"]


def read_yaml(name):
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


METHODS = read_yaml("config.yaml")["methods"]
SIGNAL = read_yaml("scaling.yaml")["counter_signal"]


def of_methods(name):
    """Table of every method, in the order of the configuration."""
    return {m: read_table(RESULTS / m / f"{name}.csv", name) for m in METHODS}


@pytest.fixture(scope="module")
def facility():
    return read_table(ROOT / "data/facility.csv", "facility")


@pytest.fixture
def tables(facility):
    """Arguments of the page on scaling, as the workflow makes them."""
    made = {name: of_methods(name) for name in TABLES}
    boundaries = read_yaml("footprint.yaml")
    return made | {"checks": footprint.water_checks(made["footprint"], boundaries, facility)}


@pytest.fixture
def signal(facility):
    """Arguments of the counter-signal's page, as the workflow makes them."""
    estimates = read_table(ROOT / "data/published/estimates.csv", "estimates")
    claim, verification = counter_signal.claimed_energy(estimates, SIGNAL["estimate"])
    counts = read_table(ROOT / "data/published/token_counts.csv", "token_counts")
    runs = read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")
    measured = counter_signal.measured_signal(runs, SIGNAL, claim, counts)
    water = counter_signal.claimed_water(claim, facility)
    table = pd.concat([*of_methods("counter_signal").values(), measured, water], ignore_index=True)
    return {"table": table, "claim": claim, "verification": verification, "counts": counts}


def cells(page, *begin):
    """Cells of the first row of a page that begins with these."""
    row = next(r for r in page.splitlines() if r.startswith("| " + " | ".join(begin) + " |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def committed(name):
    return (RESULTS / "audit" / name).read_text(encoding="utf-8")


def test_the_committed_page_of_scaling_is_that_of_the_committed_tables(tables):
    assert scaling_page(**tables) == committed("scaling.md")


def test_what_is_unusual_of_facilities_stands_last(tables):
    page = scaling_page(**tables, unusual=["a grid is clean"])
    assert page == committed("scaling.md") + "\n### What is unusual\n\n- a grid is clean\n"


def test_a_task_that_a_blend_cannot_hold_is_told_below_those_that_it_can(tables):
    config = read_yaml("scaling.yaml")["agents"]
    every = agents.tasks(config)
    assert scaling_page(**tables, tasks=every) == committed("scaling.md")
    name = every[-1].name
    tables["agents"]["revised"] = tables["agents"]["revised"].query("task != @name")
    (line,) = [
        line
        for line in scaling_page(**tables, tasks=every).splitlines()
        if line.startswith(f"- {name}")
    ]
    assert line.startswith(f"- {name} is left out for `revised`: the 287,948 tokens of its last")
    assert "more than 4 times the longest context" in line
    tables["agents"]["revised"] = tables["agents"]["revised"].head(0)
    page = scaling_page(**tables, tasks=every)
    assert page.count("is left out for `revised`") == len(every)


def test_the_committed_page_of_the_counter_signal_is_that_of_the_committed_tables(signal):
    assert counter_signal_page(**signal, config=SIGNAL) == committed("counter_signal.md")


def test_a_fleet_that_long_queries_never_double_has_no_share(tables):
    crossing = tables["crossing"]["revised"]
    tables["crossing"]["revised"] = crossing[crossing["quantity"] != "long share by replacement"]
    page = scaling_page(**tables)
    assert page.count("| none |") == committed("scaling.md").count("| none |") + 1


@pytest.mark.parametrize(("factor", "held"), [(1e9, "none"), (0, "1 %, 5 %, 10 %, 30 %, 50 %")])
def test_shares_that_an_improvement_holds_follow_the_improved_fleet(tables, factor, held):
    crossing = tables["crossing"]["revised"]
    crossing.loc[crossing["quantity"] == "fleet improved", "value"] *= factor
    table = scaling_page(**tables).partition("shares that the method's own")[2]
    assert cells(table, "`revised`")[-1] == held


def test_names_from_data_cannot_break_a_table(tables, signal):
    evil = "a|b<img src=x>"
    tables["agents"]["revised"]["task"] = evil
    row = next(r for r in scaling_page(**tables).splitlines() if r"a\|b\<img" in r)
    assert row.replace(r"\|", "").count("|") == 7
    signal["counts"]["subject"] = evil
    page = counter_signal_page(**signal, config=SIGNAL)
    assert evil not in page
    assert r"a\|b\<img src=x\>" in page


@pytest.mark.parametrize(("energy", "place"), [(599, "below"), (600, "inside"), (6301, "above")])
def test_a_published_count_lies_below_inside_or_above_the_claim(signal, energy, place):
    table = signal["table"]
    table.loc[table["quantity"] == "energy at a published count", "value"] = energy
    page = counter_signal_page(**signal, config=SIGNAL)
    assert cells(page, "`revised`", "DeepSeek-R1, GPQA")[3] == place
