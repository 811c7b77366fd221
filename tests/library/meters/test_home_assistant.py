"""Histories of Home Assistant."""

import json

from inference_energy.meters import home_assistant
from library.meters.files import HISTORY, holds


def test_a_history_is_read_in_the_unit_that_it_states(tmp_path):
    assert home_assistant.recognise(json.dumps(HISTORY))
    holds(tmp_path, HISTORY, "node", "rack", [0, 1], [1250, 1500])


def test_an_exported_history_leaves_out_what_was_unavailable(tmp_path):
    text = (
        "entity_id,state,last_changed\n"
        "sensor.rack_power,1250,2026-01-31T12:00:00.000Z\n"
        "sensor.rack_power,unavailable,2026-01-31T12:00:00.500Z\n"
        "sensor.rack_power,1500,2026-01-31T12:00:01.000Z\n"
    )
    assert home_assistant.recognise(text)
    holds(tmp_path, text, "node", "rack", [0, 1], [1250, 1500])
