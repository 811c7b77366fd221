"""Answers of a Redfish service."""

import json

from inference_energy.meters import redfish
from library.meters.files import CHASSIS, REPORT, holds


def test_a_metric_report_is_read_without_its_averages(tmp_path):
    assert redfish.recognise(json.dumps(REPORT))
    holds(tmp_path, REPORT, "node", "SystemPowerConsumption", [0, 1], [812, 813])


def test_power_of_a_chassis_has_the_time_written_before_it(tmp_path):
    text = f"2026-01-31T12:00:00Z {CHASSIS % 812}\n2026-01-31T12:00:01Z {CHASSIS % 813}\n"
    assert redfish.recognise(text)
    holds(tmp_path, text, "node", "System", [0, 1], [812, 813])
