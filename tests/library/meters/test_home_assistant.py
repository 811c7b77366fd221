"""Histories of Home Assistant."""

import json

import numpy as np
import pytest
from inference_energy.meters import home_assistant
from library.meters.files import HISTORY, holds, read, refusal


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


def changes(states):
    rows = [f"sensor.rack_power,{state},2026-01-31T12:00:{at:02d}.000Z" for at, state in states]
    return "\n".join(["entity_id,state,last_changed", *rows, ""])


def test_a_state_lasts_until_it_changes(tmp_path):
    """Only changes are recorded: between them there is no gap, and no slope."""
    told = [(0, 1250), (1, 1260), (2, 1240), (30, 1500), (31, 1510)]
    power = [1250, 1260, *[1240] * 28, 1500, 1510]
    holds(tmp_path, changes(told), "node", "rack", range(32), power)
    # while it is unavailable nobody knows
    gone = [*told[:3], (10, "unavailable"), *told[3:]]
    times = [*range(10), 30, 31]
    holds(tmp_path, changes(gone), "node", "rack", times, [power[at] for at in times])


def test_readings_in_bursts_do_not_fill_the_memory(tmp_path):
    told = [f"sensor.rack_power,{n},2026-01-31T12:{n:02d}:00.00000{n % 9}Z" for n in range(1, 50)]
    twice = [line.replace("power,", "power,1").replace("Z", "9Z") for line in told]
    text = "\n".join(["entity_id,state,last_changed", *told, *twice, ""])
    assert len(read(tmp_path, text)) < 49 * 60 / 0.1


def history(**entities):
    rows = [
        f"sensor.{entity},{value + second},2026-01-31T12:00:{second:02d}.{number}00Z"
        for second in range(20)
        for number, (entity, value) in enumerate(entities.items())
    ]
    return "\n".join(["entity_id,state,last_changed", *rows, ""])


def test_two_outlets_of_a_rack_are_two_meters(tmp_path):
    frame = read(tmp_path, history(rack_power_left=400, rack_power_right=500))
    assert set(frame["meter"]) == {"rack_left", "rack_right"}
    frame = read(tmp_path, history(plug_power=400).replace("sensor.", "sensor.my_"))
    assert set(frame["meter"]) == {"my_plug"}


def test_an_entity_that_goes_to_and_fro_is_one_meter(tmp_path):
    """States are recorded when they change: of a load that comes and goes, in turn."""
    rows = [
        f"sensor.rack_power,{(500, 2500)[n % 2]},2026-01-31T12:{n:02d}:00.000Z" for n in range(30)
    ]
    text = "\n".join(["entity_id,state,last_changed", *rows, ""])
    assert len(read(tmp_path, text)) == 30


@pytest.mark.parametrize("meter", ["power_strip", "powerplug", "energy_monitor"])
def test_what_is_measured_is_said_behind_the_name_of_the_meter(tmp_path, meter):
    """A strip's name may hold power, and a monitor's energy."""
    rows = [
        f"sensor.{meter}_{kind},{state},2026-01-31T12:00:{second:02d}.000Z"
        for second in range(20)
        for kind, state in (
            ("power", 400 + second),
            ("energy_total", f"{1000 + second / 9000:.6f}"),
        )
    ]
    frame = read(tmp_path, "\n".join(["entity_id,state,last_changed", *rows, ""]))
    assert frame["meter"].nunique() == 1
    assert list(frame["power_w"]) == list(range(400, 420))
    assert np.ptp(frame["energy_j"]) == pytest.approx(19 / 9000 * 3.6e6, rel=1e-3)


def test_two_entities_of_one_meter_are_refused(tmp_path):
    text = refusal(tmp_path, history(plug_energy_total=0, plug_energy_today=0))
    assert text.count("leave one out") == 1
    assert "sensor.plug_energy_total and sensor.plug_energy_today both tell of plug" in text


@pytest.mark.parametrize(
    "other",
    [
        "energy_cost",
        "node_energy_cost",
        "energy_price",
        "energy_co2",
        "power_forecast",
        "grid_power_returned",
        "solar_energy_production",
        "power_percentage",
    ],
)
def test_what_is_neither_power_nor_energy_never_enters(tmp_path, other):
    """A cost in euros counted as kWh: 6,370 W of 6,251 W, in silence."""
    told = refusal(tmp_path, history(node_power=6251, **{other: 10}))
    assert told.count("neither power nor energy that is drawn") == 1
    assert f"row 3, entity sensor.{other}: neither" in told and "leave its rows out" in told


def test_what_a_name_alone_tells_is_told(tmp_path):
    with pytest.warns(
        UserWarning, match=r"states no unit of sensor\.rack_power: read in W"
    ) as told:
        read(tmp_path, history(rack_power=400))
    assert "export the history by the API, which states it" in str(told[0].message)
    assert "told" not in read(tmp_path, HISTORY).attrs
    assert set(read(tmp_path, history(production_rack_power=400))["meter"]) == {"production_rack"}


@pytest.mark.parametrize("other", ["factor", "apparent"])
def test_what_is_no_power_in_watts_is_no_meter(tmp_path, other):
    rows = history(rack_power=400, **{f"rack_{other}_power": 410})
    assert "neither power nor energy" in refusal(tmp_path, rows)
    rows = history(rack_power=400, rack_power_factor=0)
    assert "sensor.rack_power_factor: neither power" in refusal(tmp_path, rows)


@pytest.mark.parametrize(("unit", "joules"), [("MJ", 1e6), ("MWh", 3.6e9), ("kWh", 3.6e6)])
def test_large_units_are_told_from_small_ones(unit, joules, tmp_path):
    states = [
        {"entity_id": "sensor.a_energy", "state": "5", "last_changed": "2026-01-31T12:00:00+00:00"},
        {"state": "5.02", "last_changed": "2026-01-31T12:10:00+00:00"},
    ]
    states[0]["attributes"] = {"unit_of_measurement": unit}
    assert read(tmp_path, [states])["energy_j"].iloc[0] == pytest.approx(5 * joules)


def test_power_and_energy_of_one_time_are_one_reading(tmp_path):
    rows = [
        f"sensor.rack_{entity},{value},2026-01-31T12:00:0{second}.123Z"
        for second in range(3)
        for entity, value in (("power", 500 + second), ("energy", 7 + second / 5000))
    ]
    frame = read(tmp_path, "\n".join(["entity_id,state,last_changed", *rows, ""]))
    assert list(frame["power_w"]) == [500, 501, 502]
    np.testing.assert_allclose(np.diff(frame["energy_j"]), 720)


def phases(total, **other):
    """History of three phases and of what is their sum, or another rack."""
    parts = {"a": 150, "b": 160, "c": 200} | other
    rows = [
        f"sensor.em_{name}_power,{value:.1f},2026-01-31T12:00:{second:02d}.{number}00Z"
        for second in range(20)
        for number, (name, value) in enumerate(
            {
                **{name: power * (1 + second % 7 / 50) for name, power in parts.items()},
                "all": total * (1 + second % 7 / 50),
            }.items()
        )
    ]
    return "\n".join(["entity_id,state,last_changed", *rows, ""])


def test_a_total_beside_its_parts_is_refused(tmp_path):
    message = refusal(tmp_path, phases(510))
    assert "em_all reads the sum of em_a, em_b, em_c" in message
    assert len(set(read(tmp_path, phases(600))["meter"])) == 4


def test_a_total_beside_its_parts_and_another_rack_is_refused(tmp_path):
    assert "em_all reads the sum of em_a, em_b, em_c" in refusal(tmp_path, phases(510, rack=700))
    assert "em_all reads the sum of em_b, em_c" in refusal(tmp_path, phases(360))
    assert len(set(read(tmp_path, phases(950, rack=700))["meter"])) == 5
