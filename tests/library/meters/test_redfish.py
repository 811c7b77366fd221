"""Answers of a Redfish service."""

import json

import pytest
from inference_energy.meters import redfish
from library.meters.files import CHASSIS, REPORT, holds, read, refusal


def test_a_metric_report_is_read_without_its_averages(tmp_path):
    assert redfish.recognise(json.dumps(REPORT))
    holds(tmp_path, REPORT, "node", "SystemPowerConsumption", [0, 1], [812, 813])


def test_power_of_a_chassis_has_the_time_written_before_it(tmp_path):
    text = f"2026-01-31T12:00:00Z {CHASSIS % 812}\n2026-01-31T12:00:01Z {CHASSIS % 813}\n"
    assert redfish.recognise(text)
    holds(tmp_path, text, "node", "System", [0, 1], [812, 813])


PARTS = {
    "SystemInputPower": 850,
    "SystemOutputPower": 800,
    "SystemPowerConsumption": 848,
    "SystemHeadRoomInstantaneous": 600,
    "TotalCPUPower": 300,
    "TotalMemoryPower": 40,
    "TotalFanPower": 60,
    "SystemMaxPowerConsumption": 990,
}
"""Metrics of a PowerMetrics report of iDRAC."""


def report(**metrics):
    values = [
        {"MetricId": name, "MetricValue": str(power), "Timestamp": f"2026-01-31T12:00:0{second}Z"}
        for second in (0, 1)
        for name, power in metrics.items()
    ]
    return {"MetricValues": values}


def test_parts_and_other_places_are_not_added_to_the_node(tmp_path):
    frame = read(tmp_path, report(**PARTS))
    assert set(frame["meter"]) == {"SystemInputPower"}
    assert set(frame["power_w"]) == {850}
    frame = read(tmp_path, report(**PARTS), "cpu")
    assert set(frame["meter"]) == {"TotalCPUPower", "TotalMemoryPower"}
    assert "write node:" in refusal(tmp_path, report(**PARTS), "gpu")
    two = report(SystemPowerConsumption=800, OtherSystemPowerConsumption=700)
    assert "which is the node? leave one" in refusal(tmp_path, two)


def test_power_of_a_part_of_a_chassis_is_left_out(tmp_path):
    parts = [
        {"Name": "System Power Control", "PowerConsumedWatts": 812},
        {"Name": "Sub-system", "PhysicalContext": "CPU", "PowerConsumedWatts": 300},
    ]
    documents = [{"time": f"2026-01-31T12:00:0{n}Z", "PowerControl": parts} for n in (0, 1)]
    text = "\n".join(json.dumps(document) for document in documents)
    assert set(read(tmp_path, text)["power_w"]) == {812}


def test_one_name_at_two_chassis_is_refused(tmp_path):
    control = [{"Name": "System Power Control", "PowerConsumedWatts": 500}]
    chassis = "/redfish/v1/Chassis/{}/Power"
    text = "".join(
        f"2026-01-31T12:00:0{n}.{place}00Z {json.dumps(document)}\n"
        for n in range(4)
        for place in (1, 5)
        for document in [{"@odata.id": chassis.format(place), "PowerControl": control}]
    )
    assert "Chassis/1/Power, /redfish/v1/Chassis/5/Power: which is" in refusal(tmp_path, text)


def test_a_time_may_stand_on_the_line_above_its_document(tmp_path):
    rows = [json.dumps(json.loads(CHASSIS % power), indent=2) for power in (812, 813)]
    text = f"2026-01-31T12:00:00Z\n{rows[0]}\n2026-01-31T12:00:01Z\n{rows[1]}\n"
    holds(tmp_path, text, "node", "System", [0, 1], [812, 813])
    cut = f"{text}2026-01-31T12:00:02Z\n{rows[0][:30]}"
    holds(tmp_path, cut, "node", "System", [0, 1], [812, 813])


def metric(power, second, **names):
    return names | {"MetricValue": str(power), "Timestamp": f"2026-01-31T12:00:0{second}Z"}


def test_sockets_without_a_total_are_added(tmp_path):
    path = "/redfish/v1/Systems/1/Processors/CPU{}#/PowerWatts/Reading"
    sockets = [(150, "CPU1"), (170, "CPU2")]
    by_path = [
        metric(power, n, MetricProperty=path.format(name[-1]))
        for n in range(3)
        for power, name in sockets
    ]
    by_dell = [
        metric(power, n + place / 2, MetricId="TotalCPUPower", Oem={"Dell": {"ContextID": name}})
        for n in range(3)
        for place, (power, name) in enumerate(sockets)
    ]
    for values in (by_path, [value | {"MetricId": "CPUPower"} for value in by_path], by_dell):
        frame = read(tmp_path, {"MetricValues": values}, "cpu")
        assert sorted(frame.groupby("meter")["power_w"].mean()) == [150, 170]
        with_total = [metric(330, n, MetricId="TotalCPUPower") for n in range(3)]
        if values is not by_dell:
            frame = read(tmp_path, {"MetricValues": values + with_total}, "cpu")
            assert set(frame["power_w"]) == {330}


def test_parts_of_a_chassis_and_of_an_environment_are_the_cpus(tmp_path):
    control = [
        {"Name": "Server", "PowerConsumedWatts": 812},
        {"Name": "Sub-system", "PhysicalContext": "CPU", "PowerConsumedWatts": 300},
        {"Name": "Sub-system", "PhysicalContext": "Memory", "PowerConsumedWatts": 50},
    ]
    text = f"2026-01-31T12:00:00Z {json.dumps({'PowerControl': control})}\n"
    assert sorted(read(tmp_path, text, "cpu")["power_w"]) == [50, 300]
    processor = {"@odata.id": "/redfish/v1/Systems/1/Processors/CPU1/EnvironmentMetrics"}
    text = f"2026-01-31T12:00:00Z {json.dumps(processor | {'PowerWatts': {'Reading': 150}})}\n"
    assert list(read(tmp_path, text, "cpu")["power_w"]) == [150]
    assert "which is not the node's: record that" in refusal(tmp_path, text)


def test_total_of_cpus_at_two_chassis_is_refused(tmp_path):
    values = [
        metric(300 + 50 * place, n, MetricId="TotalCPUPower")
        | {"MetricProperty": f"/redfish/v1/Chassis/{place}/Oem"}
        for n in range(5)
        for place in (1, 2)
    ]
    message = refusal(tmp_path, {"MetricValues": values}, "cpu")
    assert "at /redfish/v1/Chassis/1, /redfish/v1/Chassis/2: which is" in message


def test_a_sensor_of_power_is_the_node(tmp_path):
    sensor = {"@odata.id": "/redfish/v1/Chassis/1/Sensors/TotalPower", "ReadingType": "Power"}
    text = f"2026-01-31T12:00:00Z {json.dumps(sensor | {'Reading': 850})}\n"
    assert redfish.recognise(text)
    assert list(read(tmp_path, text)["power_w"]) == [850]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("", CHASSIS % 900, "row 1, holds more than one document"),
        ("", " 200 OK", "row 1, holds more than one document"),
        (CHASSIS % 900 + "\n", "", "row 1, begins before the first time"),
    ],
)
def test_a_document_without_a_time_of_its_own_is_refused(before, after, said, tmp_path):
    lines = [f"2026-01-31T12:00:0{n}Z {CHASSIS % 812}{after}\n" for n in range(2)]
    assert said in refusal(tmp_path, before + "".join(lines), "node")
