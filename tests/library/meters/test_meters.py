"""Power logs that cannot be used."""

import cProfile
import json
import re

import numpy as np
import pandas as pd
import pytest
from inference_energy import meters
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from library.meters.files import (
    CHASSIS,
    DCMI,
    DMON,
    NOON,
    NOTIFY,
    REPORT,
    SMI,
    SPL,
    matrix,
    read,
    refusal,
)
from repository import ROOT

EVENT = json.dumps(NOTIFY) + "\n"
TIMED = "".join(f"2026-01-31T12:00:0{second}Z {CHASSIS % 512}\n" for second in range(3))
HISTORY = "".join(
    f"sensor.rack_power,512.5,2026-01-31T12:00:0{second}.000Z\n" for second in range(3)
)
ZEUS = "".join(f"{NOON + second},w,0.9,512.5\n" for second in range(3))
PRINTED = "".join(
    f"2026-01-31 12:00:0{second}.250\n{{'GPU0': 512.5, 'GPU1': 498.25}}\n" for second in range(3)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "no known power log; known are"),
        (
            "Temp | 31 degrees C | ok\nPwr Consumption  | 320 Watts         | ok\n",
            "record ipmitool dcmi power reading",
        ),
        (
            json.dumps({"PowerSupplies": [{"LastPowerOutputWatts": 400}], "Id": "Power"}),
            "tells of power supplies of Redfish alone: record PowerControl",
        ),
        ("time,load\n1,2\n", "needed are time and power_w"),
        ("time,power_w\n", "no readings: check that the meter was logging"),
        (DCMI.replace("IPMI timestamp", "Other"), "keep the line 'IPMI timestamp'"),
        (CHASSIS % 5, "states no time"),
        (json.dumps({"apower": 5.0, "id": 0}), "holds no time: record NotifyStatus"),
        (
            "entity_id,state,last_changed\nsensor.rack_heat,1,2026-01-31T12:00:00Z\n",
            "neither power nor energy",
        ),
        (json.dumps(matrix(({"__name__": "up"}, [[NOON, "1"]]))), "metric up: known for the node"),
    ],
)
def test_logs_that_cannot_be_used_say_what_to_do(tmp_path, text, message):
    assert message in refusal(tmp_path, text)


def test_every_family_has_a_name_of_its_own():
    assert len({family.NAME for family in meters.FAMILIES}) == len(meters.FAMILIES)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (SMI, "gpu"),
        (SMI.replace(" W,", ",").replace(" MHz", ""), "gpu"),
        (DMON, "gpu"),
        (DCMI[: DCMI.rfind("    Sampling")], "node"),
        (SPL, "node"),
        ("time,power_w\n1769860800,512.5\n1769860801,513.5\n1769860802,514.5\n", "node"),
        ("time;energy_kwh\n1769860800;15,50\n1769860810;15,51\n1769860820;15,52\n", "node"),
        ("entity_id,state,last_changed\n" + HISTORY, "node"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n" + ZEUS, "gpu"),
        (PRINTED, "gpu"),
        (EVENT + EVENT.replace(str(NOON), str(NOON + 1)), "node"),
        (json.dumps(REPORT) + "\n" + json.dumps(REPORT).replace(":00:0", ":00:1") + "\n", "node"),
        (TIMED, "node"),
    ],
)
def test_a_log_that_is_being_written_is_read_up_to_what_is_whole(tmp_path, text, scope):
    """Its program may have written any part of the last line when the log is copied."""
    whole = read(tmp_path, text, scope)
    for cut in range(text.rstrip("\n").rfind("\n") + 1, len(text), 5):
        part = read(tmp_path, text[:cut], scope)
        # all of its readings are among those of the whole log
        pd.testing.assert_frame_equal(part.merge(whole), part)


def test_the_page_says_how_the_mean_power_of_a_run_is_read_from_a_log(
    tmp_path, monkeypatch, capsys
):
    rows = ["timestamp, index, power.draw.instant [W]"]
    for second in range(0, 900, 5):
        busy = 120 <= second <= 420
        at = f"2026/09/15 10:{second // 60:02}:{second % 60:02}.000"
        rows += [f"{at}, {gpu}, {600 + gpu if busy else 75}.00 W" for gpu in range(2)]
    (tmp_path / "smi.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(recipe(), {})
    assert capsys.readouterr().out == "1201 W of 2 meters\n"


T0 = pd.Timestamp("2026-09-15T10:03")
"""Start of the run of docs/power_logs.md."""


def recipe():
    """The Python of docs/power_logs.md."""
    page = (ROOT / "docs" / "power_logs.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return program


def logged(header, row, meters=8):
    """Text of a log of three minutes, once a second, from the start of the page's run."""
    times = pd.date_range(T0, periods=181, freq="s")
    rows = (row(time, index) for time in times for index in range(meters))
    return "\n".join([header, *rows, ""])


def of_smi(silent):
    """Log of nvidia-smi of eight GPUs at 500 W, one of which may tell nothing."""
    return logged(
        "timestamp, index, power.draw [W]",
        lambda time, index: (
            f"{time:%Y/%m/%d %H:%M:%S}.{index:03d}, {index},"
            f" {'[N/A]' if index == silent else '500.00 W'}"
        ),
    )


def of_counter(time, _):
    """Row of a counter that rises by 600 W."""
    return f"{time:%Y-%m-%dT%H:%M:%S}Z,{1000 + (time - T0).total_seconds() / 6:.6f}"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (of_smi(None), "4000 W of 8 meters\n"),
        (logged("time,energy_wh", of_counter, 1), "600 W of 1 meters\n"),
    ],
)
def test_the_recipe_of_the_page_prints_the_power_of_all_meters(
    tmp_path, monkeypatch, capsys, text, printed
):
    (tmp_path / "smi.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    exec(recipe(), {})
    assert capsys.readouterr().out == printed


def test_the_recipe_of_the_page_refuses_a_meter_without_a_power(tmp_path, monkeypatch):
    (tmp_path / "smi.csv").write_text(of_smi(3))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^meters gpu 3: no power is known .* its 8 meters"):
        exec(recipe(), {})


def test_a_run_beside_a_log_is_refused():
    readings = pd.DataFrame({"time_s": [1.0, 2], "meter": "a", "power_w": [5.0, 7]})
    readings["energy_j"] = float("nan")
    assert mean_powers(readings, 0, 3).to_dict() == {"a": 6}
    with pytest.raises(InputError, match=r"^meters a: no power is known from 3 to 4 s;"):
        mean_powers(readings, 3, 4)


def test_a_clock_that_was_set_back_is_told(tmp_path):
    """A step of five seconds looked like two meters."""
    seconds = [*range(100), *range(95, 200)]
    log = "time,power_w\n" + "".join(
        f"{NOON + second},{500 + row % 7}\n" for row, second in enumerate(seconds)
    )
    told = refusal(tmp_path, log)
    assert "times go back once, at row 102, as where a clock was set: of one meter cut" in told
    # two meters one after the other
    twice = "time,power_w\n" + "".join(
        f"{NOON + row % 100},{500 + row % 7}\n" for row in range(200)
    )
    assert "times go back" not in refusal(tmp_path, twice)


@pytest.mark.parametrize("scope", ["gpu", "node"])
def test_four_times_the_meters_take_four_times_the_steps(tmp_path, scope):
    """Of 1,000 meters 600,000 readings took six minutes: each meter went through all of them."""
    steps = []
    for count in (125, 500):
        noise = np.random.default_rng(count).normal(600, 8, (30, count)).round(2)
        log = "time,meter,power_w\n" + "".join(
            f"{NOON + second},g{meter},{power}\n"
            for second, powers in enumerate(noise)
            for meter, power in enumerate(powers)
        )
        with cProfile.Profile() as profile:
            powers = mean_powers(read(tmp_path, log, scope), NOON, NOON + 29)
        assert len(powers) == count
        steps.append(sum(call.callcount for call in profile.getstats()))
    assert steps[1] < 5 * steps[0]
