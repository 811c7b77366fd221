"""Logs of Shelly's meters."""

import json

from inference_energy.meters import shelly
from library.meters.files import NOON, NOTIFY, holds, read


def test_a_notification_gives_power_and_its_counter_in_joules(tmp_path):
    text = json.dumps(NOTIFY)
    assert shelly.recognise(text)
    holds(tmp_path, text, "node", "switch:0", [0], [812.5])
    assert read(tmp_path, text).loc[0, "energy_j"] == 1000.5 * 3600


def test_power_lasts_until_it_changes(tmp_path):
    """NotifyStatus is sent when something changes."""
    told = [(0, 812.5), (1, 813.0), (2, 812.0), (30, 900.0), (31, 901.0)]
    said = [{"ts": NOON + at, "switch:0": {"id": 0, "apower": power}} for at, power in told]
    text = "\n".join(json.dumps({"method": "NotifyStatus", "params": params}) for params in said)
    power = [812.5, 813.0, *[812.0] * 28, 900.0, 901.0]
    holds(tmp_path, text, "node", "switch:0", range(32), power)
    # a whole status comes when it is asked for, whether something changed or not
    asked = text.replace('"method": "NotifyStatus", "params"', '"result"')
    holds(tmp_path, asked, "node", "switch:0", [at for at, _ in told], [p for _, p in told])
    # the counter is told once a minute, by itself
    counted = {"ts": NOON + 10, "switch:0": {"id": 0, "aenergy": {"total": 1000.5}}}
    text += json.dumps({"method": "NotifyStatus", "params": counted})
    frame = read(tmp_path, text)
    assert frame["power_w"].to_list() == power and frame["energy_j"].count() == 1


def test_minutes_of_a_meter_add_its_phases(tmp_path):
    text = (
        "timestamp,a_total_act_energy,a_fund_act_energy,b_total_act_energy,c_total_act_energy\n"
        f"{NOON:.0f},10,10,20,30\n"
    )
    assert set(read(tmp_path, text)["power_w"]) == {3600}


def test_minutes_of_a_pro_3em_are_read_from_all_its_columns(tmp_path):
    """Sixteen columns a phase: the energy returned and the extremes are left out."""
    energies = ["total_act", "fund_act", "total_act_ret", "fund_act_ret", "lag_react", "lead_react"]
    extremes = [f"{end}_{kind}" for kind in ("act", "aprt") for end in ("max", "min")]
    ends = [f"{end}_{kind}" for kind in ("voltage", "current") for end in ("max", "min", "avg")]
    names = [
        *(f"{name}_energy" for name in energies),
        *(f"{name}_power" for name in extremes),
        *ends,
    ]
    header = [f"{phase}_{name}" for phase in "abc" for name in names] + ["n_max_current"]
    row = [10.5 if name.endswith("_total_act_energy") else 7 for name in header]
    cells = ",".join(map(str, row))
    text = f"timestamp,{','.join(header)}\n{NOON:.0f},{cells}\n{NOON + 60:.0f},{cells}\n"
    assert len(header) == 49
    assert set(read(tmp_path, text)["power_w"]) == {3 * 10.5 * 60}


def test_notifications_of_other_things_are_passed_over(tmp_path):
    """As an em1 channel and its firmware send them, one after the other."""
    said = [
        {"ts": NOON, "em1:0": {"id": 0, "current": 16.7, "act_power": 1900.8, "voltage": 117.6}},
        {"ts": NOON + 1, "cloud": {"connected": True}},
        {"ts": NOON + 2, "em1:0": {"id": 0, "act_power": 1899.8}},
        {"ts": NOON + 2, "em1data:0": {"id": 0, "total_act_energy": 5120.3}},
    ]
    text = "\n".join(json.dumps({"method": "NotifyStatus", "params": params}) for params in said)
    holds(tmp_path, text, "node", "em1:0", [0, 2], [1900.8, 1899.8])


def test_minutes_of_a_single_phase_are_read(tmp_path):
    text = f"timestamp,total_act_energy,fund_act_energy,total_act_ret_energy\n{NOON:.0f},10,9,1\n"
    assert set(read(tmp_path, text)["power_w"]) == {600}


def test_two_plugs_in_one_file_are_two_meters(tmp_path):
    plugs = [("left", 500, 0), ("right", 60, 0.3)]
    said = [
        NOTIFY | {"src": src, "params": {"ts": NOON + n + late, "switch:0": {"apower": power}}}
        for n in range(3)
        for src, power, late in plugs
    ]
    frame = read(tmp_path, "\n".join(map(json.dumps, said)))
    assert dict(frame.groupby("meter")["power_w"].mean()) == {
        "left switch:0": 500,
        "right switch:0": 60,
    }


def test_the_status_of_a_first_generation_is_read(tmp_path):
    """Of an EM two clamps are two meters; what its firmware marks as not valid is none."""
    said = [
        {
            "unixtime": NOON + at,
            "mac": "C45BBE7928B9",
            "relays": [{"ison": True, "is_valid": True}],
            "emeters": [
                {"power": 812.5 + at, "is_valid": True, "total": 5.3},
                {"power": 400.25 + 3 * at, "is_valid": at < 2, "total": 0.0},
            ],
        }
        for at in range(3)
    ]
    text = "\n".join(map(json.dumps, said))
    assert shelly.recognise(text)
    power = read(tmp_path, text).groupby("meter")["power_w"].apply(list).to_dict()
    assert power == {"emeters:0": [812.5, 813.5, 814.5], "emeters:1": [400.25, 403.25]}
    plug = {"unixtime": NOON, "meters": [{"power": 812.5, "overpower": 0.0, "is_valid": True}]}
    assert read(tmp_path, json.dumps(plug))["power_w"].to_list() == [812.5]
