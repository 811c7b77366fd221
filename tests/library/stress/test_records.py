"""Lines of AIPerf's files: damaged ones are counted, never used and never a traceback."""

import json
from copy import deepcopy

import pytest
from inference_energy.meters.common import FIRST, LAST
from inference_energy.readers.consistency import MOST_LENGTH
from inference_energy.stress import plan, records
from inference_energy.stress.power import telemetry_samples
from library.stress.made_up import NOON, record
from stress.client import sample

REQUEST = record(0.0, 0.5, 0.01, 3)
SAMPLE = sample(NOON, 0, True)


def changed(line, path, value):
    line = deepcopy(line)
    *folder, last = path.split(".")
    place = line
    for step in folder:
        place = place[step]
    place[last] = value
    return json.dumps(line)


def written(folder, *lines):
    path = folder / "lines.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
    return path


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(REQUEST)[:-20],
        "[" * 100_000,
        "[]",
        "1",
        "null",
        "\udcff",
        "9" * 5000,
        "{}",
        json.dumps(REQUEST).replace('"value": ', '"value": 1, "value": ', 1),
        changed(REQUEST, "metadata", []),
        changed(REQUEST, "metadata.benchmark_phase", None),
        changed(REQUEST, "metadata.request_end_ns", float("inf")),
        changed(REQUEST, "metadata.request_end_ns", 10**400),
        changed(REQUEST, "metadata.request_end_ns", 1),
        changed(REQUEST, "metadata.request_end_ns", "late"),
        changed(REQUEST, "metadata.request_start_ns", None),
        changed(REQUEST, "metadata.request_start_ns", float("nan")),
        changed(REQUEST, "metrics", 1),
        changed(REQUEST, "metrics.time_to_first_token", 1),
        changed(REQUEST, "metrics.time_to_first_token.value", float("inf")),
        changed(REQUEST, "metrics.request_latency.value", -1),
        changed(REQUEST, "metrics.request_latency.value", 77).replace(": 77", ": 77e-402"),
        # a request of 0.52 s
        changed(REQUEST, "metrics.request_latency.value", 1521.0),
        changed(REQUEST, "metrics.time_to_first_token.value", 5e17),
        changed(REQUEST, "metrics.inter_token_latency.value", 1e5),
        # of 25 hours
        changed(REQUEST, "metadata.request_end_ns", int((NOON + 90_000) * 1e9)),
        changed(REQUEST, "metrics.output_sequence_length.value", True),
        changed(REQUEST, "metrics.output_sequence_length.value", 10**400),
        changed(REQUEST, "metrics.inter_chunk_latency.value", 1),
        changed(REQUEST, "error", "failed"),
        changed(REQUEST, "error", {"code": "x"}),
        changed(REQUEST, "error", {"type": 1}),
        changed(REQUEST, "error", {"type": "\ud800"}),
    ],
)
def test_a_damaged_request_is_counted(tmp_path, line):
    path = written(tmp_path, json.dumps(REQUEST), line, "", json.dumps(REQUEST))
    found, damaged = records.read_lines(path, records.is_request)
    assert (len(found), damaged) == (2, 1)
    assert len(plan.requests_of(found)) == 2


@pytest.mark.parametrize(
    "line",
    [
        changed(SAMPLE, "timestamp_ns", float("inf")),
        changed(SAMPLE, "timestamp_ns", 0),
        changed(SAMPLE, "telemetry_data", None),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", float("inf")),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", float("nan")),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", 1e300),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", 1e7),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", -400.0),
        changed(SAMPLE, "telemetry_data.nvidia_power_usage", "400 W"),
        changed(SAMPLE, "telemetry_data.nvidia_gpu_utilization", 9500.0),
        changed(SAMPLE, "telemetry_data.nvidia_memory_used", 7e16),
        changed(SAMPLE, "telemetry_data.nvidia_sm_clock", 1e9),
        changed(SAMPLE, "telemetry_data.nvidia_energy_consumption", 1e12),
        json.dumps(SAMPLE | {"platform": "amd", "telemetry_data": {"amd_power": 1e7}}),
        changed(SAMPLE, "telemetry_source_url", None),
        changed(SAMPLE, "hostname", ["a"]),
        changed(SAMPLE, "gpu_index", "\ud800"),
        changed(SAMPLE, "gpu_index", [0]),
        changed(SAMPLE, "gpu_index", True),
        changed(SAMPLE, "gpu_index", 2**31),
        changed(SAMPLE, "gpu_uuid", ["a"]),
        changed(SAMPLE, "telemetry_data.xid_errors", 1e18),
        changed(SAMPLE, "telemetry_data.xid_errors", 77).replace(": 77", ": 77e-402"),
        changed(SAMPLE, "timestamp_ns", FIRST * 1e9 - 1e3),
        changed(SAMPLE, "timestamp_ns", LAST * 1e9 + 1e3),
        "[]",
        changed(SAMPLE, "hostname", "\ud800"),
        changed(SAMPLE, "platform", {}),
        changed(SAMPLE, "platform", ["nvidia"]),
    ],
)
def test_a_damaged_sample_is_counted(tmp_path, line):
    path = written(tmp_path, json.dumps(SAMPLE), line)
    found, damaged = records.read_lines(path, records.is_sample)
    assert (len(found), damaged) == (1, 1)
    assert len(telemetry_samples(found)) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"nvidia_power_usage": 0.0, "nvidia_gpu_utilization": 100.0, "nvidia_sm_clock": None},
        {"nvidia_memory_used": 288.0, "nvidia_energy_consumption": 0, "xid_errors": 1e17},
    ],
)
def test_a_sample_at_its_bounds_is_whole(data):
    assert records.is_sample(SAMPLE | {"telemetry_data": data})


@pytest.mark.parametrize("moment", [FIRST, LAST])
@pytest.mark.parametrize("index", [0, 2**31 - 1])
def test_a_sample_may_be_of_the_first_or_last_moment_and_gpu(moment, index):
    assert records.is_sample(SAMPLE | {"timestamp_ns": moment / 1e-9, "gpu_index": index})


def lasting(seconds, **metrics):
    """A request, with values of its metrics in place of others."""
    values = {name: {"value": value} for name, value in metrics.items()}
    times = {"request_start_ns": 2**60, "request_end_ns": 2**60 + int(seconds * 10**9)}
    metadata = REQUEST["metadata"] | times
    return REQUEST | {"metadata": metadata, "metrics": REQUEST["metrics"] | values}


def test_a_request_at_its_bounds_is_whole():
    none = dict.fromkeys(records.TIMES, 0)
    assert records.is_request(lasting(0, **none, output_sequence_length=0.5))
    assert records.is_request(lasting(86_400, **none))
    assert not records.is_request(lasting(86_400.001, **none))
    for name in records.TIMES:
        assert records.is_request(lasting(1, **none | {name: 2000.0}))
        assert not records.is_request(lasting(1, **none | {name: 2000.001}))


@pytest.mark.parametrize("name", records.TOKENS)
def test_a_request_is_no_longer_than_any_context(name):
    """Of 1e17 tokens one counted as whole, though a float tells them only to the sixteenth."""
    assert records.is_request(lasting(1, **{name: MOST_LENGTH}))
    for tokens in (MOST_LENGTH + 1, 2**53, 1e17):
        assert not records.is_request(lasting(1, **{name: tokens}))


def test_a_request_starts_when_it_is_issued_where_nothing_else_says_when():
    line = lasting(1)
    start = line["metadata"].pop("request_start_ns")
    assert not records.is_request(line)
    line["metadata"]["credit_issued_ns"] = start
    assert records.is_request(line)


def test_a_time_of_a_request_may_be_told_by_another_clock(tmp_path):
    line = changed(REQUEST, "metrics.request_latency.value", 1519.0)
    assert records.read_lines(written(tmp_path, line), records.is_request)[1] == 0


def test_whole_lines_are_kept_as_they_are(tmp_path):
    failed = record(0.0, 0.5, 0.01, 3, error={"code": 500, "type": "Server"})
    path = written(tmp_path, *map(json.dumps, (REQUEST, failed)))
    assert records.read_lines(path, records.is_request) == ([REQUEST, failed], 0)
    assert records.read_lines(tmp_path / "none.jsonl", records.is_request) == ([], 0)


def test_damage_is_a_finding_and_refuses_above_the_limit():
    assert records.check_damaged("records", 0, 100, 0.01) == []
    for damaged, refuses in ((1, ""), (2, "all")):
        told = (
            f"{damaged} of 100 lines of records are damaged and left out: look whether the disk was"
            " full or AIPerf was ended"
        )
        found = records.check_damaged("records", damaged, 100 - damaged, 0.01)
        assert found == [plan.Finding("damaged lines", refuses, told)]


def test_every_damaged_line_is_counted(tmp_path):
    path = written(tmp_path, "[]", json.dumps(REQUEST), "null", "{")
    assert records.read_lines(path, records.is_request) == ([REQUEST], 3)


def test_a_summary_that_is_no_object_or_states_no_version_has_none(tmp_path):
    path = tmp_path / records.SUMMARY
    assert records.client_version(tmp_path) is None
    for text, summary in (('["aiperf_version"]', {}), ('{"a": 1}', {"a": 1})):
        path.write_text(text)
        assert records.read_summary(path) == summary
        assert records.client_version(tmp_path) is None


def test_a_summary_that_says_a_thing_twice_is_damaged(tmp_path):
    path = tmp_path / records.SUMMARY
    path.write_text('{"aiperf_version": "0.13.0"}')
    assert records.client_version(tmp_path) == "0.13.0"
    path.write_text('{"aiperf_version": "0.12.0", "aiperf_version": "0.13.0"}')
    assert records.read_summary(path) == {}
