"""Power logs that cannot be used."""

import json

import pytest
from inference_energy import meters
from library.meters.files import CHASSIS, DCMI, NOON, matrix, refusal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "no known power log; known are"),
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
