"""Damaged power logs are refused in a sentence, never with a traceback."""

import json
from copy import deepcopy

import pytest
from library.meters import files as logs
from library.meters.files import NOON, SERIES, matrix, refusal

CODECARBON = "timestamp,run_id,duration,gpu_energy,codecarbon_version\n"


def without(document, *path):
    """JSON of a document without one of its parts."""
    document = deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ("gpu", without(matrix(*SERIES), "data", "result", 0, "metric")),
        ("gpu", without(matrix(*SERIES), "data", "result", 0, "values")),
        ("gpu", without(matrix(*SERIES), "data", "result")),
        ("gpu", json.dumps(matrix((SERIES[0][0], [[NOON]])))),
        ("gpu", json.dumps(matrix((SERIES[0][0], [[None, "1"]])))),
        ("gpu", json.dumps(matrix((SERIES[0][0], [[10**400, "1"]])))),
        ("gpu", json.dumps(matrix(({"__name__": ["a"]}, [[NOON, "1"]])))),
        ("gpu", '{"status": "success", "data": {"resultType": "matrix"'),
        ("gpu", '{"status": "x", "resultType": ' + "[" * 100_000),
        ("gpu", '{"status": "x", "resultType": ' + "9" * 5_000 + "}"),
        ("node", without(logs.HISTORY, 0, 0, "state")),
        ("node", without(logs.HISTORY, 0, 0, "last_changed")),
        ("node", json.dumps([[{"entity_id": 1, "last_changed": "x"}]])),
        ("node", json.dumps([["entity_id", "last_changed"]])),
        ("node", "entity_id,state,last_changed_at\nsensor.a_power,1,2026-01-31T12:00:00Z\n"),
        ("node", json.dumps(logs.NOTIFY | {"params": [1]})),
        ("node", json.dumps(logs.NOTIFY | {"params": {"ts": NOON, "switch:0": ["apower"]}})),
        ("node", json.dumps(logs.NOTIFY | {"params": {"ts": [NOON], "switch:0": {"apower": 1}}})),
        ("node", json.dumps({"MetricValues": "none"})),
        ("node", json.dumps({"MetricValues": [1]})),
        ("node", json.dumps({"PowerControl": {"PowerConsumedWatts": 1}})),
        ("node", json.dumps({"PowerWatts": 1})),
        ("node", "2026-01-31T12:00:00Z {'PowerConsumedWatts': 1}\n" + '"PowerWatts"'),
        ("node", '2026-01-31T12:00:00Z {"PowerWatts": }'),
        ("gpu", CODECARBON + "then,r,15,0.001,3\n"),
        ("gpu", CODECARBON + "2026-01-31T12:00:15,r,1e9,0.001,3\n"),
        ("gpu", "timestamp,codecarbon_version\n2026-01-31T12:00:15,3\n"),
        ("gpu", "start_time,window_name,elapsed_time_s,gpu0_energy\n1769860800,w,3,10\n"),
        ("gpu", "start_time,window_name,elapsed_time,gpu0_energy\n1769860800,w,1e12,10\n"),
        ("gpu", logs.SMI.replace("power.draw [W]", "power.draw")[:80]),
        ("gpu", "#Date gpu pwr\n#d Idx W\n 20260131 0 512\n"),
        ("node", "time,power_w\n" + "1" * 400 + ",5\n"),
        ("node", "time,power_w\n0001-01-01T00:00:00,5\n"),
        ("node", "time,power_w\n2026-01-31T12:00:00Z,1e300\n"),
        ("node", "time,time,power_w\n1769860800,1769860800,5\n"),
        ("node", 'time,power_w\n1769860800,"' + "x" * 131_073 + '"\n'),
        ("node", "\ntime,power_w\n1769860800,5\n"),
        ("node", "\ufeff"),
        ("node", logs.SPL.replace("01-31-2026", "99-99-2026")),
    ],
)
def test_damaged_logs_are_refused(tmp_path, scope, text):
    message = refusal(tmp_path, text, scope)
    assert "meter.log" in message
    assert "Traceback" not in message
    assert len(message) < 2000


def test_a_log_of_many_documents_is_read_once(tmp_path):
    text = json.dumps(matrix(*SERIES)) + "\n" + "[]\n" * 200_000 + "[1]"
    assert "row 200002, is not what its tool writes" in refusal(tmp_path, text, "gpu")


def test_a_log_of_brackets_is_refused_before_it_fills_the_memory(tmp_path):
    text = json.dumps(matrix(*SERIES)) + "{}\n" * 2_000_001
    assert "more than" in refusal(tmp_path, text, "gpu")


def test_a_log_of_empty_lines_is_refused_before_it_fills_the_memory(tmp_path):
    text = "time,power_w\n" + "\n" * 10_000_001
    assert "lines" in refusal(tmp_path, text, "node")


def test_a_log_of_bad_rows_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("inference_energy.meters.common.MOST_PROBLEMS", 40)
    message = refusal(tmp_path, logs.table(*["never,1"] * 1_000), "node")
    assert "row 21" in message and "and at least 20 more" in message


def test_a_log_of_years_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("inference_energy.meters.common.MOST_READINGS", 2)
    rows = [f"{NOON + second},{second}" for second in range(1, 4)]
    assert "more than the 2 readings" in refusal(tmp_path, logs.table(*rows))
