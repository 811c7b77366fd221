"""The stress test's report says what its tables say, finished or not."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.reports import to_html
from inference_energy.stress import tables
from inference_energy.stress.figures import NAMES
from inference_energy.stress.forecast import NOTHING
from inference_energy.stress.impact import (
    boundaries,
    impact_table,
    parts_table,
    predicted_ratios,
    predicted_table,
)
from inference_energy.stress.page import report

SETTINGS = {
    "model": "m",
    "endpoint": "http://h/v1",
    "planned": 8,
    "lengths": [300, 4500],
    "input_tokens": 500,
    "confidence": 0.95,
    "concurrency": [8],
    "facts": {"gpu": "H100-SXM-80GB"},
    "factors": {
        "pue": {"value": 1.2, "source": "our bill"},
        "grid_intensity": {"value": 400, "source": "the grid's report"},
    },
}
PREDICTED = {"law": {300: 0.25, 4500: 5.0}}
LATENCIES = {
    f"{name}_p{percent}_s": value
    for name, value in (("ttft", 0.5), ("itl", 0.01), ("latency", 1.5))
    for percent in (50, 90, 99)
}
FINDINGS = ["cell", "kind", "refuses", "message"]


@pytest.fixture
def cells():
    """Three repetitions of a short and a long query."""
    rows = [
        {"cell": f"{length}-{repetition}", "output_tokens": length, "concurrency": 8}
        | {"repetition": repetition, "status": "measured", "prefill_share": 0.123}
        | {"delivered_tokens": length - 0.5, "delivered_tokens_min": length - 1}
        | {"delivered_tokens_max": length, "throughput_tps": 1234.0 + repetition, "window_s": 60.0}
        | {"window_start": f"2027-01-15T{8 + repetition:02}:59:30.000+00:00"}
        | LATENCIES
        for length in (300, 4500)
        for repetition in (0, 1, 2)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def power(cells):
    """Table stress_power: 0.3 and 3.9 Wh a query, 1 % around them."""
    middle = cells["output_tokens"].map({300: 0.3, 4500: 3.9})
    energy = middle * (1 + 0.01 * (cells["repetition"] - 1))
    keys = cells[["cell", "output_tokens", "concurrency", "repetition"]]
    return keys.assign(
        scope="gpu",
        power_w=5432.1,
        idle_w=1000.0,
        utilisation=np.nan,
        memory_gb=640.0,
        clock_mhz=np.nan,
        energy_wh=energy,
        energy_above_idle_wh=energy * 0.8,
    )


def write(cells, power, findings=(), power_sources=("nvml",), settings=SETTINGS, reason=""):
    energy = tables.energy_table(power)
    means = boundaries(energy, power, NOTHING)
    predicted = predicted_table(means, PREDICTED, NOTHING)
    ratio = tables.ratio_table(power, 13.0, PREDICTED["law"])
    named = {
        "cells": cells,
        "power": power,
        "energy": energy,
        "ratio": ratio,
        "findings": pd.DataFrame(findings, columns=FINDINGS),
        "impact": impact_table(means, settings["factors"]),
        "parts": parts_table(power, NOTHING),
        "predicted": predicted,
        "forecasts": predicted_ratios(predicted, ratio),
    }
    known = {"power_sources": list(power_sources), "reason": reason, "versions": ["0.13.0"]}
    return report(settings, named, known)


def rows(page, heading):
    """Rows of the table under a heading, without its own header."""
    lines = page.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_energy_and_ratio_are_shown_with_their_intervals(cells, power):
    page = write(cells, power)
    assert "At the meter, without PUE (`gpu`: the GPUs);" in page
    energy = rows(page, "Energy of a query")
    assert [row[:4] for row in energy] == [["gpu", "8", "300", "0.3"], ["gpu", "8", "4,500", "3.9"]]
    assert {row[5] for row in energy} == {"3"}
    assert [row[6:] for row in energy] == [["0.24", "0.278"], ["3.12", "0.321"]]
    (ratio,) = rows(page, "The longest query against the shortest")
    assert ratio[2:6] == ["4,500/300 = 15", "0.3", "3.9", "13"]
    assert ratio[7:] == ["13", "20", "within the interval"]
    assert "95 % interval" in page
    low, high = (float(end) for end in ratio[6].split(" to "))
    assert low < 13 < high


def test_throughput_power_and_lengths_are_means_of_the_repetitions(cells, power):
    page = write(cells, power)
    assert rows(page, "Power")[0] == [
        "gpu",
        "8",
        "300",
        "5,430",
        "1,000",
        "–",
        "640",
        "–",
    ]
    latencies = ["0.5 / 0.5 / 0.5", "0.01 / 0.01 / 0.01", "1.5 / 1.5 / 1.5", "12.3 %", "60"]
    assert rows(page, "Throughput and latency")[0] == ["8", "300", "1,240", *latencies]
    assert rows(page, "Lengths delivered")[1] == ["4,500", "4,499.5", "4,499 to 4,500"]


def test_without_repetitions_there_is_no_interval(cells, power):
    page = write(cells, power[power["repetition"] == 0])
    assert {row[4] for row in rows(page, "Energy of a query")} == {"–"}
    assert rows(page, "The longest query against the shortest")[0][6] == "–"


@pytest.mark.parametrize(("longest", "told"), [(3.9, False), (5.0, True)])
def test_a_prefill_below_zero_is_said_to_be_no_energy(longest, told, cells, power):
    """More than 15 times the energy for 15 times the output: the line is zero above no output."""
    grown = power["output_tokens"].map({300: 1.0, 4500: longest / 3.9})
    page = write(cells, power.assign(energy_wh=power["energy_wh"] * grown))
    assert ("An a below zero is no energy" in page) == told


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (
            [300],
            "a query of 4,500 output tokens takes 3.9 Wh at the GPUs; the energy of one of 300 was"
            " not measured, so that no ratio stands against the paper's 13.",
        ),
        (
            [4500],
            "a query of 300 output tokens takes 0.3 Wh at the GPUs; the energy of one of 4,500 was"
            " not measured, so that no ratio stands against the paper's 13.",
        ),
        (
            [300, 4500],
            "the energy of a query was not measured at the GPUs, neither of 4,500 output tokens nor"
            " of 300.",
        ),
    ],
)
def test_a_length_whose_energy_was_refused_is_named_in_the_first_sentence(lost, said, cells, power):
    refused = power["output_tokens"].isin(lost)
    page = write(cells, power.assign(energy_wh=power["energy_wh"].mask(refused)))
    assert f"\n**8 requests at once:** {said}\n" in page.split("## ")[0]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ([300], "no cell of 300 output tokens is used: see the findings."),
        ([300, 4500], "no cell of 300 or 4,500 output tokens is used: see the findings."),
    ],
)
def test_a_length_whose_cells_were_all_refused_is_named_before_the_numbers(
    lost, said, cells, power
):
    # without a row of this load in any table of energies
    refused = cells["output_tokens"].isin(lost)
    other = cells.assign(concurrency=4, cell="4-" + cells["cell"])
    cells = pd.concat([other, cells.assign(status=cells["status"].mask(refused, "refused"))])
    power = pd.concat([power.assign(concurrency=4), power[~power["output_tokens"].isin(lost)]])
    lead = write(cells, power).split("## ")[0]
    assert f"\n**8 requests at once:** {said}\n" in lead
    assert "**4 requests at once:** a query of 4,500 output tokens takes" in lead
    assert "**4 requests at once:** no cell" not in lead


def test_a_length_with_one_cell_that_is_used_is_not_called_unused(cells, power):
    some = cells.assign(status=cells["status"].mask(cells["repetition"] > 0, "refused"))
    assert "no cell of" not in write(some, power)


def test_one_length_gives_no_ratio(cells, power):
    assert "Needs the energy of the shortest and the longest length." in write(
        cells, power[power["output_tokens"] == 300]
    )


def test_without_a_power_source_the_report_says_so_and_shows_no_energy(cells, power):
    page = write(cells[:1], power[:0], power_sources=())
    # a factor that is stated has its unit
    page = page.replace("/kWh", "")
    assert "none found" in page and "Wh" not in page and " J" not in page
    assert "not measured" in page
    assert "1 of 8 cells were run" in page
    assert "## Power\n" not in page
    assert page.endswith("## Findings\n\nNone.\n")


def test_energies_that_are_all_refused_are_not_said_to_be_measured(cells, power):
    page = write(cells, power.assign(energy_wh=np.nan, energy_above_idle_wh=np.nan))
    assert "No cell has a usable energy: see the findings." in page
    assert not rows(page, "Energy of a query")
    assert ["power", "–", "not measured"] in rows(page, "Measured, stated, assumed")
    assert "## Boundary by boundary" not in page
    # what the meters showed may tell why
    assert len(rows(page, "Power")) == 2 and "timeline.svg" in page


def test_refused_cells_leave_no_numbers(cells, power):
    cells = cells.assign(status="refused", delivered_tokens=np.nan, delivered_tokens_min=np.nan)
    page = write(cells, power[:0])
    assert "No cell has a usable energy: see the findings." in page
    assert "No cell is used: see the findings." in page
    assert rows(page, "Lengths delivered")[0] == ["300", "–", "–"]
    assert "nan" not in page and "Measured 2027" not in page


def test_findings_say_their_effect_and_cannot_break_the_table(cells, power):
    findings = [
        ("all", "gpus", None, "a | b"),
        ("300-0", "errors", "all", "c"),
        ("300-2", "clock", "energy", "d"),
    ]
    assert rows(write(cells, power, findings), "Findings") == [
        ["all", "gpus", "remark", r"a \| b"],
        ["300-0", "errors", "cell not used", "c"],
        ["300-2", "clock", "energy not used", "d"],
    ]


def test_operator_gets_parts_cost_and_predictions(cells, power):
    page = write(cells, power)
    (part,) = rows(page, "Prefill and decode")
    # through (300, 0.3) and (4500, 3.9) [tokens, Wh]
    slope = (3.9 - 0.3) / 4200
    assert float(part[2]) == pytest.approx(0.3 - 300 * slope, abs=5e-4)
    assert float(part[5]) == pytest.approx(slope * 3600, rel=5e-3)
    assert part[6] == "the mean of all"
    beyond = rows(page, "Boundary by boundary")
    # energy, energy of the facility [Wh], carbon [gCO2e]
    assert [row[4:] for row in beyond] == [["0.3", "0.36", "0.144"], ["3.9", "4.68", "1.87"]]
    predictions = rows(page, "Beside the predictions")
    assert predictions[1][3:] == ["law", "5", "–", "3.9", "measured", "0.78"]
    facts = page.partition("## Measured, stated, assumed")[2]
    assert "| gpu | H100-SXM-80GB | `facts` |" in facts
    assert "| pue | 1.2 | `factors`: our bill |" in facts
    assert "400 gCO2e/kWh | `factors`" in facts


def test_prefill_below_zero_is_no_energy(cells, power):
    growing = power.assign(
        energy_wh=power["energy_wh"] * power["output_tokens"].map({300: 0.5}).fillna(1)
    )
    page = write(cells, growing)
    (part,) = rows(page, "Prefill and decode")
    assert part[2] == "below zero: not told apart"


def test_answer_stands_first_with_the_paper_and_the_predictions(cells, power):
    answer = write(cells, power).partition("\n## ")[0]
    assert "takes 3.9 Wh at the GPUs, 13 times (95 % interval 12." in answer
    assert "the 0.3 Wh of one of 300" in answer
    assert "Against the paper's 13: within the interval. Predicted: 20 (law)." in answer
    # the last window begins at 10:59:30 and lasts 60 s
    assert "Measured 2027-01-15 08:59 to 2027-01-15 11:00 (UTC) with AIPerf 0.13.0." in answer


def test_missing_prediction_has_its_reason(cells, power):
    page = write(cells, power, reason="facts do not state gpu")
    assert "Incomplete: facts do not state gpu." in page


def test_what_is_not_stated_is_not_computed(cells, power):
    page = write(cells, power, settings=SETTINGS | {"factors": {}})
    assert "No factors are stated" in page and "carbon [" not in page


def test_page_is_one_file_with_its_figures(cells, power):
    html = to_html("Stress test", write(cells, power), dict.fromkeys(NAMES, b"<svg/>"))
    assert html.count("data:image/svg+xml;base64,") == 3
    assert not re.search(r'(?:src|srcset)="(?!data:)', html)
