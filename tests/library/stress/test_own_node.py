"""The project's own stress tests are told from the committed tables alone."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.stress import own_node
from inference_energy.units import J_PER_WH, SECONDS_PER_MINUTE
from repository import ROOT, read

FOLDER = "data/measured/own_node"
REPORTS = ROOT / "results/own_node"


@pytest.fixture(scope="module")
def cells():
    return read(f"{FOLDER}/cells.csv", "own_node")


@pytest.fixture(scope="module")
def timeline():
    return read(f"{FOLDER}/timeline.csv", "own_node_timeline")


def test_every_test_has_its_timeline_and_its_report(cells, timeline):
    names = sorted(set(cells["test"]))
    assert sorted(set(timeline["test"])) == names
    assert sorted(path.name for path in REPORTS.iterdir()) == names


def test_energy_of_a_query_is_its_share_of_the_windows_energy(cells, timeline):
    for name, own in cells.groupby("test"):
        told = own_node.measured_tables(own, timeline[timeline["test"] == name])
        share = own["delivered_tokens"] / own["window_tokens"]
        assert np.allclose(told["power"]["energy_wh"], own["energy_j"] * share / J_PER_WH)
        idle = own["idle_power_w"] * own["window_s"] * share / J_PER_WH
        above = told["power"]["energy_above_idle_wh"]
        assert np.allclose(told["power"]["energy_wh"] - above, idle, rtol=1e-4)
        energy = read(f"results/own_node/{name}/energy.csv", "stress_energy")
        mean = energy[energy["statistic"] == "mean"]
        keys = ["concurrency", "output_tokens"]
        beside = told["power"].merge(mean, on=keys)
        assert len(beside) == len(own)
        assert np.allclose(beside["energy_wh"], beside["value"], rtol=1e-5)


def test_remarks_become_findings_and_one_repetition_is_one(cells, timeline):
    own = cells[cells["remark"].notna()]
    findings = own_node.measured_tables(own, timeline)["findings"]
    assert list(findings["cell"]) == ["all", *own["cell"]]
    assert findings["kind"].iloc[0] == "repetitions"
    kind, _, message = own["remark"].iloc[0].partition(": ")
    assert tuple(findings.loc[1, ["kind", "message"]]) == (kind, message)
    assert findings["refuses"].isna().all()
    thrice = pd.concat([own.assign(repetition=number) for number in (1, 2, 3)])
    assert "all" not in set(own_node.measured_tables(thrice, timeline)["findings"]["cell"])


def test_settings_are_those_that_the_laws_ask_for(cells):
    own = cells[cells["test"] == "h200-llama-3.1-8b-bf16"]
    settings = own_node.settings_of(own)
    assert settings["lengths"] == [300, 4500] and settings["concurrency"] == [1, 32, 128]
    assert settings["facts"] == {
        "gpu": "H200-SXM-141GB",
        "n_gpus": 1,
        "tensor_parallel": 1,
        "precision": "BF16",
        "engine": "vLLM",
    }
    assert settings["planned"] == len(own) and settings["input_tokens"] == 500
    assert not settings["cut_short"]


def test_a_pilot_is_not_told_as_a_cell_and_the_report_says_what_ran(cells):
    sources = read("data/sources.csv", "sources").set_index("source_id")
    pilots = cells[cells["cell"].str.startswith(own_node.PILOT)]
    assert len(pilots)
    for name, own in cells.groupby("test"):
        for kind in ("md", "html"):
            text = (REPORTS / str(name) / f"report.{kind}").read_text(encoding="utf-8")
            assert (own_node.CUT_SHORT in text) == (name in set(pilots["test"]))
            assert ("cells were run" in text) == (name not in set(pilots["test"]))
            assert sources.loc[own["source_id"].iloc[0], "note"] in text


def test_the_page_says_of_how_many_cells_an_interval_holds_the_energy(cells):
    line = {"scope": "gpu", "concurrency": 1, "output_tokens": 300, "prediction": "law with load"}
    line |= {"predicted": 1.0, "low": 0.5, "high": 1.5, "measured": 2.0, "quotient": 2.0}
    line |= {"basis": "measured"}
    own = cells[cells["test"] == "h200-llama-3.1-8b-bf16"]
    own = own[(own["concurrency"] == 1) & (own["output_tokens"] == 300)]
    ratios = read(f"results/own_node/{own['test'].iloc[0]}/ratio.csv", "stress_ratio")
    told = {own["test"].iloc[0]: {"predicted": pd.DataFrame([line]), "ratio": ratios.iloc[:0]}}
    others = pd.DataFrame({"quantity": ["throughput"], "prediction": ["package"], "cell": ["a"]})
    others = others.assign(measured=2.0, predicted=4.0)
    sources = read("data/sources.csv", "sources")
    page = own_node.page(own, told, others, sources, "../results/own_node")
    assert "| package | 1 | 0.50 to 0.50 | 2.00 |" in page
    assert "| law with load | 1 | 2.00 to 2.00 | 2.00 |" in page
    assert "| law with load | GPU, measured | 1 | 2.00 to 2.00 | 2.00 | 3.0 to 3.0 | 0 |" in page
    assert "| 1 | 300 | 202 |" in page and "| – | – | – |" in page


def test_the_page_parts_the_growth_with_the_output_and_names_what_is_missing(cells):
    page = (ROOT / "docs/own_node.md").read_text(encoding="utf-8")
    found = re.findall(r"\| [\d,]+ / [\d,]+ = .*", page)
    ratios = [read(path, "stress_ratio") for path in sorted(REPORTS.glob("*/ratio.csv"))]
    assert len(found) == sum(map(len, ratios))
    for row in found:
        lengths, ratio, *_, token, power, time = row.strip("| ").split(" | ")
        assert float(token) == pytest.approx(float(ratio) / float(lengths.split("= ")[1]), abs=0.01)
        assert float(token) == pytest.approx(float(power) * float(time), abs=0.015)
    below = sum(int((table["predicted"] < table["measured"]).sum()) for table in ratios)
    assert f"than was measured at {below} of {len(found)} loads" in page
    for pilot in cells[cells["cell"].str.startswith(own_node.PILOT)].itertuples():
        day = pilot.window_start[:10]
        assert f"Of {pilot.model} on {day} there is the pilot alone" in page
    beside = re.search(r"nvidia-smi's log of power, once a second, is (\S+) % to (\S+) % off", page)
    away = 100 * (cells["log_energy_j"] / cells["energy_j"] - 1)
    assert [float(end) for end in beside.groups()] == [round(away.min(), 1), round(away.max(), 1)]


def test_the_page_sets_what_was_measured_again_beside_the_first_time(cells):
    page = (ROOT / "docs/own_node.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"\| (.*), (\w+) \| (\d+) \| ([\d,]+) \| (\S+) \((\S+)\), (\S+) \(\S+\) \| (\S+) \|", page
    )
    assert len(rows) == 1
    model, precision, load, length, first, day, second, quotient = rows[0]
    own = cells[(cells["model"] == model) & (cells["precision"] == precision)]
    own = own[
        (own["concurrency"] == int(load)) & (own["output_tokens"] == int(length.replace(",", "")))
    ]
    own = own.sort_values("window_start")
    energies = own["energy_j"] * own["delivered_tokens"] / own["window_tokens"] / J_PER_WH
    assert own["test"].nunique() == len(own) == 2 and own["window_start"].iloc[0].startswith(day)
    assert [float(first), float(second)] == pytest.approx(list(energies), rel=1e-3)
    assert float(quotient) == pytest.approx(energies.max() / energies.min(), abs=1e-3)


def test_predictions_are_scored_at_the_cells_that_were_measured(cells):
    page = (ROOT / "docs/own_node.md").read_text(encoding="utf-8")
    for prediction in ("law with load \\| GPU, measured", "revised \\| node, computed"):
        count = re.search(rf"\| {prediction} \| (\d+) \|", page)
        assert int(count[1]) == len(cells)


def test_other_estimators_stand_in_the_order_of_their_errors():
    page = (ROOT / "docs/own_node.md").read_text(encoding="utf-8")
    part = page.partition("## Other estimators on the same cells")[2].partition("\n## ")[0]
    found = re.findall(r"\| ([^|]+) \| \d+ \| \S+ to \S+ \| (\S+) \|", part)
    tables = [dict(found[:4]), dict(found[4:])]
    assert [len(table) for table in tables] == [4, 2]
    for table in tables:
        medians = [float(median) for median in table.values()]
        assert medians == sorted(medians)
        assert "law with load" in table
    nearer = next(iter(tables[1])) != "law with load"
    told = (ROOT / "docs/load.md").read_text(encoding="utf-8")
    assert nearer == (
        "throughput of AIConfigurator is nearer than the law's" in " ".join(told.split())
    )


def test_the_page_names_the_load_at_which_the_gpu_waits_most(cells):
    page = (ROOT / "docs/own_node.md").read_text(encoding="utf-8")
    idlest = cells.sort_values("utilisation").iloc[0]
    waits = f"{100 * (1 - idlest['utilisation']):.0f} %"
    assert (
        f"With {idlest['model']} at {idlest['concurrency']} at once no kernel runs for {waits}"
        in page
    )


def test_the_kits_page_says_how_long_the_loads_took(timeline):
    text = (ROOT / "docs/gpu_kit.md").read_text(encoding="utf-8")
    own = timeline[timeline["test"] == "h200-llama-3.1-8b-bf16"]
    times = pd.to_datetime(own["time"])
    took = (times.max() - times.min()).total_seconds() / SECONDS_PER_MINUTE
    assert f"the 8B's loads took {took:.0f} minutes" in text
    busiest = own.groupby("requests").size().drop(0).idxmax()
    assert f"the longest for {busiest} at once" in text


def changed(cells, factors):
    return cells.assign(**{name: cells[name] * factor for name, factor in factors.items()})


def told(cells):
    tables = (read(f"data/{name}.csv", name) for name in ("models", "gpus"))
    return own_node.held(cells, *tables, "cells.csv")


def test_no_committed_cell_is_unusual(cells):
    assert told(cells) == []


POWERS = ("energy_j", "log_energy_j", "power_w", "idle_power_w")


@pytest.mark.parametrize(
    ("factors", "refused"),
    [
        (dict.fromkeys(POWERS, 10), {"power_w", "idle_power_w"}),
        (dict.fromkeys(POWERS, 0.1), {"power_w", "idle_power_w"}),
        ({"n_gpus": 8}, {"power_w", "idle_power_w"}),
        ({"idle_power_w": 0.1}, {"idle_power_w"}),
    ],
)
def test_power_that_no_gpu_draws_is_refused(cells, factors, refused):
    """Ten times of all energies and powers were told as 5.1 to 6 kW of one H200."""
    with pytest.raises(InputError) as error:
        told(changed(cells, factors))
    found = [re.search(r'column "(\w+)": value', problem) for problem in error.value.problems]
    assert {place[1] for place in found} == refused
    assert all(
        problem.startswith("cells.csv: test h200-llama-")
        and "tdp_w of H200-SXM-141GB in" in problem
        for problem in error.value.problems
    )


def test_power_of_ten_gpus_is_refused_in_a_sentence(cells):
    with pytest.raises(InputError) as error:
        told(changed(cells.iloc[:1], {"power_w": 10}))
    assert error.value.problems == [
        "cells.csv: test h200-llama-3.1-70b-fp8, cell out00300-conc0001-rep01: column"
        ' "power_w": value 5115.61: 7.31 times that of 1 x 700 W (n_gpus, and tdp_w of'
        " H200-SXM-141GB in data/gpus.csv); allowed is 0.15 to 1.05, as a GPU holds itself to its"
        " rated power, and one that serves draws more than one without work; correct the one that"
        " is wrong"
    ]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"power_w": 0.39}, 'column "power_w": value 199.509: unusual; 0.285 times that of 1 x'),
        ({"idle_power_w": 2}, 'column "idle_power_w": value 247.522: unusual; 0.354 times that'),
        ({"log_energy_j": 1.1}, 'columns "log_energy_j", "energy_j": unusual; values 14253, '),
    ],
)
def test_cells_that_are_possible_but_unusual_are_told(cells, factors, words):
    (sentence,) = told(changed(cells.iloc[:1], factors))
    assert sentence.startswith(
        f"cells.csv: test h200-llama-3.1-70b-fp8, cell out00300-conc0001-rep01: {words}"
    )


def test_inputs_that_no_gpu_computes_are_refused(cells):
    with pytest.raises(InputError, match="times what the datasheets of its GPUs allow"):
        told(changed(cells, {"input_tokens": 10}))


def test_a_gpu_that_is_not_known_is_refused(cells):
    with pytest.raises(InputError, match='"gpu": value H2OO: no GPU of data'):
        told(cells.iloc[:1].assign(gpu="H2OO"))
