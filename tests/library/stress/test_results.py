"""Tables of a whole test."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.power.measured import USUAL_DRAWN, USUAL_DRAWN_OF_NODE
from inference_energy.stress import results, runner
from inference_energy.stress.forecast import NOTHING
from inference_energy.stress.power import check_use
from inference_energy.stress.results import (
    MEASURED,
    refuse_above_tdp,
    refuse_kilowatts,
    refuse_less_than_parts,
    tell_low_power,
)
from library.stress.made_up import kinds, read, samples


def test_whole_test_gives_energy_with_and_without_idle_power(stress):
    folder = stress(repetitions=3, drawn=True)
    power = read(folder, "power")
    assert len(power) == 6 and set(power["scope"]) == {"gpu"}
    assert power["power_w"].to_numpy() == pytest.approx(800, rel=0.01)
    assert power["idle_w"].to_numpy() == pytest.approx(200, rel=0.01)
    query = power.set_index("output_tokens")["energy_wh"]
    # two requests at once, a token each 10 ms after a prefill of 200 ms
    assert query[4500].iloc[0] == pytest.approx(800 * (0.2 + 44.99) / 2 / 3600, rel=0.02)
    share = power["energy_above_idle_wh"] / power["energy_wh"]
    assert share.to_numpy() == pytest.approx(0.75, rel=0.01)
    assert set(power["memory_gb"]) == {140}
    (ratio,) = read(folder, "ratio").to_dict("records")
    assert ratio["measured"] == pytest.approx(45.19 / 3.19, rel=0.02)
    assert ratio["low"] <= ratio["measured"] <= ratio["high"]
    told = (folder / "report.md").read_text()
    assert "Measured 2027-01-15 08:0" in told and "(UTC) with AIPerf 0.13.0." in told


def test_a_gpu_that_is_not_named_counts_nowhere(stress):
    """Neither its energy nor its idle power, memory and utilisation."""
    folder = stress({"idle": [1]}, gpus=[0])
    for row in read(folder, "power").itertuples():
        assert (row.power_w, row.idle_w) == pytest.approx((400, 100), rel=0.01)
        assert row.energy_above_idle_wh / row.energy_wh == pytest.approx(0.75, rel=0.01)
        assert (row.memory_gb, row.utilisation) == pytest.approx((70, 0.95))
    assert read(folder, "timeline")["power_w"].max() < 410
    assert "unused" not in set(read(folder, "findings")["kind"])
    folder = stress({"idle": [1]}, gpus=[7])
    said = read(folder, "findings")["message"].str.cat()
    assert "no samples of gpu 7; there are some of gpu 0" in said
    assert read(folder, "power")["energy_wh"].isna().all()


def test_gpus_are_named_by_their_numbers_on_every_node(stress):
    """Of an endpoint over two nodes; a number that one of them lacks is missing."""
    folder = stress({"hosts": ["a", "b"]}, gpus=[1])
    assert read(folder, "power")["power_w"].to_numpy() == pytest.approx(800, rel=0.01)
    folder = stress({"hosts": ["a", "b"]}, gpus=[0, 2])
    assert "no samples of a gpu 2, b gpu 2" in read(folder, "findings")["message"].str.cat()


def test_a_meter_too_slow_for_a_cell_tells_no_idle_power_and_no_other_job(stress):
    """What it shows between two cells is their load."""
    folder = stress({"refresh": 30})
    power, findings = read(folder, "power"), read(folder, "findings")
    assert set(findings.dropna(subset=["refuses"])["kind"]) == {"averaged", "stale"}
    assert power[["energy_j", "idle_w"]].isna().all(axis=None)
    assert "shared" not in set(findings["kind"])


def test_a_stale_meter_whose_last_digits_waver_is_refused(stress):
    """No two of its readings are the same."""
    folder = stress({"refresh": 30, "wavers": True}, repetitions=3)
    findings = read(folder, "findings").dropna(subset=["refuses"])
    assert findings["message"].str.contains("that a load begins or ends").any()
    assert read(folder, "power")["energy_j"].isna().all()


@pytest.mark.parametrize("idle", [[1], [0, 1]])
def test_gpus_that_no_request_reaches_are_told_or_refused(stress, idle):
    """One that the endpoint does not use is remarked; all of them are of another machine."""
    folder = stress({"idle": idle})
    findings = read(folder, "findings").query("kind == 'unused'")
    assert len(findings) == 2
    energy = read(folder, "power")["energy_j"]
    if idle == [1]:
        assert findings["refuses"].isna().all() and energy.notna().all()
        assert findings["message"].str.startswith("gpu 1: at 0 % utilisation").all()
    else:
        assert (findings["refuses"] == "energy").all() and energy.isna().all()
        assert findings["message"].str.contains("200 W under load against 200 W idle").all()


def test_gpus_whose_utilisation_is_not_told_are_used():
    """MIG leaves it out or at zero: power tells that they work."""
    at_zero = samples(np.arange(0, 100.0), power=300.0, utilisation=0.0)
    assert kinds(check_use(at_zero, (10, 90), 100.0, 300.0)) == []
    assert kinds(check_use(at_zero, (10, 90), np.nan, 300.0)) == [("unused", "")]
    unknown = samples(np.arange(0, 100.0), power=300.0)
    assert kinds(check_use(unknown, (10, 90), 300.0, 300.0)) == []


def test_what_a_meter_tells_after_the_cell_before_is_no_other_job():
    """AIPerf samples for a second after a cell's last request, NVML's utilisation is of the last
    second: the GPU rests from then on.
    """
    times = np.array([98.0, 99.0, 100.3, 100.6, 111.0, 120.0, 130.0, 140.0])
    busy = pd.DataFrame({"end_s": [100.0, 140.0]})
    cell = {"begun": 120.0}
    seen = samples(times, power=600.0, utilisation=np.where(times == 111.0, 0.0, 1.0))
    assert results.check_rest(cell, (125.0, 140.0), seen, busy, "gpu") == []
    shared = samples(times, power=600.0, utilisation=1.0)
    found = results.check_rest(cell, (125.0, 140.0), shared, busy, "gpu")
    assert kinds(found) == [("shared", "")]


def test_benchmark_rows_keep_a_missing_fact_empty(tmp_path):
    rows = pd.DataFrame({"gpu": [None, "H100"], "throughput_tps": [1234.5678, 2.0]})
    results.write_rows(rows, tmp_path / "benchmark.csv")
    text = (tmp_path / "benchmark.csv").read_text()
    assert text == "gpu,throughput_tps\n,1234.57\nH100,2\n"


def test_a_model_that_a_spreadsheet_would_run_is_guarded(tmp_path):
    rows = pd.DataFrame({"model": ["=cmd|' /C calc'!A0"], "throughput_tps": [-2.0]})
    results.write_rows(rows, tmp_path / "benchmark.csv")
    text = (tmp_path / "benchmark.csv").read_text()
    assert text == "model,throughput_tps\n'=cmd|' /C calc'!A0,-2\n"


@pytest.mark.parametrize(("gpus", "cpus", "node"), [(700, 100, 790), (700, None, 690)])
def test_a_node_that_draws_less_than_its_parts_is_refused(gpus, cpus, node):
    """One of two supplies, as a rule; unknown parts refuse nothing."""

    def row(scope, power, cell="a"):
        power = np.nan if power is None else power
        return {"cell": cell, "scope": scope, "source": "wall.csv"} | dict.fromkeys(MEASURED, power)

    rows = [row("gpu", gpus), row("cpu", cpus), row("node", node), row("node", node, "b")]
    ((cell, kind, refuses, message),) = refuse_less_than_parts(rows)
    assert (cell, kind, refuses) == ("a", "less than its parts", "energy")
    assert f"wall.csv: {node} W is less than the {gpus + (cpus or 0)} W" in message
    assert [np.isnan(row["energy_wh"]) for row in rows] == [False, cpus is None, True, False]
    assert refuse_less_than_parts([row("gpu", gpus), row("node", 900)]) == []


def test_gpus_that_draw_more_than_they_can_are_refused():
    """Twice the power, as of two GPUs in one meter, is no energy and no benchmark."""
    power = {"a": 1300.0, "b": 2500.0, "c": np.nan}
    rows = [
        {"cell": cell, "source": "smi.csv"} | dict.fromkeys(MEASURED, watts)
        for cell, watts in power.items()
    ]
    assert refuse_above_tdp(rows, 2, None, np.nan) == []
    ((cell, kind, refuses, message),) = refuse_above_tdp(rows, 2, "H200-SXM-141GB", 700.0)
    assert (cell, kind, refuses) == ("b", "above TDP", "energy")
    assert "smi.csv: 1250 W for each of 2 GPUs is more than a H200-SXM-141GB draws" in message
    assert [np.isnan(row["energy_j"]) for row in rows] == [False, True, True]


def test_power_below_any_that_was_measured_at_work_is_told():
    """Idle GPUs draw a tenth: a meter of others, or a clock that is off, passed for the load."""
    power = {"a": 405.0, "b": 406.0, "c": 99.0, "d": np.nan}
    rows = [
        {"cell": cell, "source": "smi.csv"} | dict.fromkeys(MEASURED, watts)
        for cell, watts in power.items()
    ]
    first, second = tell_low_power(rows, 2, 700.0, USUAL_DRAWN)
    assert first[:3] == ("a", "low power", "") and second[0] == "c"
    assert first[3] == (
        "smi.csv: 405 W is 0.289 times the rated power of 2 GPUs (700 W each); usual at work is at"
        " least 0.29: compare its unit, which GPUs it sees, and its clock with the client's"
    )
    assert not any(np.isnan(row["energy_j"]) for row in rows[:3])
    assert tell_low_power(rows, 2, np.nan, USUAL_DRAWN) == []
    assert tell_low_power(rows, 0, 700.0, USUAL_DRAWN_OF_NODE) == []
    ((cell, *_),) = tell_low_power(rows[2:], 2, 700.0, USUAL_DRAWN_OF_NODE)
    assert cell == "c"


@pytest.mark.parametrize(
    ("tdp", "scopes"),
    [(700, []), (1300, [USUAL_DRAWN_OF_NODE]), (1500, [USUAL_DRAWN, USUAL_DRAWN_OF_NODE])],
)
def test_the_findings_of_a_test_tell_low_power(stress, tmp_path, monkeypatch, tdp, scopes):
    """Two GPUs of 800 W in the mean, in a node of 820 W."""
    monkeypatch.setattr(runner.StressTest.__init__, "__defaults__", (NOTHING._replace(tdp_w=tdp),))
    log = tmp_path / "node.csv"
    rows = [f"{time},{820 + 0.01 * (time % 7):.2f}" for time in 1_800_000_000 + np.arange(0, 400)]
    log.write_text("\n".join(["time,power_w", *rows, ""]))
    findings = read(stress(power=["nvml", f"node:{log}"], meter_offset=0), "findings")
    low = findings[findings["kind"] == "low power"]
    found = low["message"].str.extract("at least (0.[0-9]+):")[0].astype(float)
    assert sorted(set(found)) == scopes and low["refuses"].isna().all()


def test_node_that_draws_less_than_its_gpus_can_is_refused():
    """A rack of 40 kW in a log that calls it 40 W is above the least power of any node."""
    power = {"a": 39.5, "b": 6000.0, "c": np.nan}

    def rows():
        return [
            {"cell": cell, "source": "rack.csv"} | dict.fromkeys(MEASURED, watts)
            for cell, watts in power.items()
        ]

    assert refuse_kilowatts(rows(), 0, np.nan) == []
    assert refuse_kilowatts(rows(), 2, 700.0) == []
    for rated, least in ((700.0, 448), (np.nan, 64)):
        found = rows()
        ((cell, kind, refuses, message),) = refuse_kilowatts(found, 32, rated)
        assert (cell, kind, refuses) == ("a", "units", "energy")
        assert f"rack.csv: 39.5 W is less than the {least} W that its 32 GPUs" in message
        assert "looks like kilowatts" in message
        assert [np.isnan(row["energy_j"]) for row in found] == [True, False, True]


@pytest.mark.parametrize(
    "stated", [{"gpus": None, "facts": {"n_gpus": 32}}, {"gpus": 32, "facts": {}}]
)
def test_a_node_is_held_against_the_gpus_that_are_stated(stress, tmp_path, stated):
    times = 1_800_000_000 + np.arange(0, 400)
    log = tmp_path / "rack.csv"
    rows = [f"{time},{39 + 0.01 * (time % 7):.2f}" for time in times]
    log.write_text("\n".join(["time,power_w", *rows, ""]))
    folder = stress(power=f"node:{log}", meter_offset=0, **stated)
    assert read(folder, "power")["energy_j"].isna().all()
    assert read(folder, "findings")["message"].str.contains("looks like kilowatts").any()


def test_gpus_of_the_facts_that_are_not_seen_refuse_the_energy(stress):
    """Two of eight would be charged, and the benchmark say that eight took their power."""
    facts = {"gpu": "H100-SXM-80GB", "n_gpus": 8, "precision": "FP8"}
    folder = stress(gpus=None, facts=facts)
    assert read(folder, "power")["energy_j"].isna().all()
    assert "gpu_power_w" not in read(folder, "benchmark")
    told = read(folder, "findings").set_index("kind")["message"]
    assert told["meter missing"].str.startswith("2 of 8 expected meters").all()
    assert "gpus" not in told
    whole = stress(gpus=None, facts=facts | {"n_gpus": 2})
    assert read(whole, "power")["energy_j"].notna().all()


def test_one_meter_of_all_gpus_is_not_counted(stress, tmp_path):
    log = tmp_path / "gpus.csv"
    rows = [f"{1_800_000_000 + time},{1200 + 0.01 * (time % 7):.2f}" for time in range(400)]
    log.write_text("\n".join(["time,power_w", *rows, ""]))
    facts = {"gpu": "H100-SXM-80GB", "n_gpus": 8, "precision": "FP8"}
    folder = stress(gpus=None, facts=facts, power=f"gpu:{log}", meter_offset=0)
    assert "meter missing" not in set(read(folder, "findings")["kind"])
