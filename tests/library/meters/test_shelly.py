"""Logs of Shelly's meters."""

import json

from inference_energy.meters import shelly
from library.meters.files import NOON, NOTIFY, holds, read


def test_a_notification_gives_power_and_its_counter_in_joules(tmp_path):
    text = json.dumps(NOTIFY)
    assert shelly.recognise(text)
    holds(tmp_path, text, "node", "switch:0", [0], [812.5])
    assert read(tmp_path, text).loc[0, "energy_j"] == 1000.5 * 3600


def test_minutes_of_a_meter_add_its_phases(tmp_path):
    text = (
        "timestamp,a_total_act_energy,a_fund_act_energy,b_total_act_energy,c_total_act_energy\n"
        f"{NOON:.0f},10,10,20,30\n"
    )
    assert set(read(tmp_path, text)["power_w"]) == {3600}


def test_minutes_of_a_single_phase_are_read(tmp_path):
    text = f"timestamp,total_act_energy,fund_act_energy,total_act_ret_energy\n{NOON:.0f},10,9,1\n"
    assert set(read(tmp_path, text)["power_w"]) == {600}
