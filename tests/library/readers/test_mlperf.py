"""Logs of MLPerf, with the power of a meter."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.readers import detect_and_read, mlperf
from inference_energy.readers.common import Run
from library.readers.files import FIXTURES, MLPERF, refusal


def test_mlperf_power_is_the_mean_inside_the_window():
    row = detect_and_read(FIXTURES / "mlperf/offline", MLPERF).iloc[0]
    # Thirty samples alternate between 5,900 and 6,100 W; the idle ones outside do not count.
    assert row["node_power_w"] == 6000
    assert row["energy_per_output_token_j"] == pytest.approx(6000 / 29000)
    assert (row["power_boundary"], row["status"]) == ("node", "ok")
    assert (row["duration_s"], row["output_tokens"]) == (30, 290)
    assert (row["client_version"], row["source_file"]) == ("5.1.1", "offline")
    assert np.isnan(row["e2e_p50_s"]), "Offline latencies count the whole queue"


def test_mlperf_invalid_server_run_is_marked_and_has_no_power():
    row = detect_and_read(FIXTURES / "mlperf/server", MLPERF).iloc[0]
    assert row["status"] == "marked: LoadGen's result is INVALID"
    assert row["ttft_p99_s"] == pytest.approx(1.760966679)
    assert row["throughput_tps"] == 29500
    assert np.isnan(row["node_power_w"])


@pytest.mark.parametrize(
    ("scenario", "line", "instead", "mark"),
    [
        (
            "offline",
            "Samples per second: 100.000",
            "Samples per second: 103",
            "Samples per second 103 samples/s where samples_per_query / Max latency is 100",
        ),
        ("offline", "Samples per second: 100.000", "Samples per second: 102", None),
        ("offline", "samples_per_query : 3000\n", "", None),
        (
            "offline",
            "Max latency (ns)                : 30000000000",
            "Max latency (ns)                : 30000000",
            "Samples per second 100 samples/s where samples_per_query / Max latency is 100000; "
            "99.00 percentile latency 29.7 s where Max latency is 0.03 s",
        ),
        (
            "server",
            "Scheduled samples per second : 104.15",
            "Scheduled samples per second : 98",
            "Completed samples per second 100 where 98 were scheduled per second",
        ),
        (
            "server",
            "Scheduled samples per second : 104.15",
            "Scheduled samples per second: 99",
            None,
        ),
        ("server", "Scheduled samples per second : 104.15\n", "", None),
        (
            "offline",
            "Min latency (ns)                : 756127764",
            "Min latency (ns)                : 31000000000",
            "Min latency 31 s where 50.00 percentile latency is 15 s",
        ),
        (
            "offline",
            "90.00 percentile latency (ns)   : 27000000000",
            "90.00 percentile latency (ns)   : 29400000000",
            "90.00 percentile latency 29.4 s where 95.00 percentile latency is 28.5 s",
        ),
        (
            "offline",
            "99.00 percentile latency (ns)   : 29700000000",
            "99.00 percentile latency (ns)   : 32000000000",
            "99.00 percentile latency 32 s where Max latency is 30 s",
        ),
        (
            "offline",
            "Mean latency (ns)               : 15000000000",
            "Mean latency (ns)               : 31000000000",
            "Mean latency 31 s where Max latency is 30 s",
        ),
        (
            "offline",
            "Mean latency (ns)               : 15000000000",
            "Mean latency (ns)               : 500000000",
            "Min latency 0.756128 s where Mean latency is 0.5 s",
        ),
        (
            "server",
            "50.00 percentile latency (ns)   : 32917446649",
            "Min latency (ns) : 40000000000\n50.00 percentile latency (ns)   : 32917446649",
            "e2e_p50_s 32.9174 s where the shortest is 40 s",
        ),
        (
            "server",
            "99.00 percentile latency (ns)   : 121801757289",
            "Max latency (ns) : 100000000000\n99.00 percentile latency (ns)   : 121801757289",
            "e2e_p99_s 121.802 s where the longest is 100 s",
        ),
    ],
)
def test_mlperf_rates_are_held_against_what_else_the_summary_says(
    tmp_path, scenario, line, instead, mark
):
    folder = shutil.copytree(FIXTURES / "mlperf" / scenario, tmp_path / "run_1")
    summary = folder / "mlperf_log_summary.txt"
    text = summary.read_text()
    assert line in text
    summary.write_text(text.replace(line, instead))
    own = {"offline": [], "server": ["LoadGen's result is INVALID"]}[scenario]
    status = detect_and_read(folder, MLPERF).iloc[0]["status"]
    marks = [*([mark] if mark else []), *own]
    # those of the times stand behind the others
    marks = sorted(marks, key=lambda text: text.startswith("e2e"))
    assert status == (f"marked: {'; '.join(marks)}" if marks else "ok")


UNSERVED = (
    "Completed samples per second {} where {} were scheduled per second for at least {} s, with"
    " latencies of up to {} s, so that at least {} are completed"
)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        # 100 s after 600 s: six sevenths of what is scheduled
        ({}, None),
        ({"Completed samples per second": "60.1"}, None),
        ({"Completed samples per second": "58"}, (58, 70, 600, 100, 60)),
        ({"Completed samples per second": "7"}, (7, 70, 600, 100, 60)),
        ({"min_duration (ms)": "50000"}, None),
        ({"Completed samples per second": "23", "min_duration (ms)": "50000"}, None),
        (
            {"Completed samples per second": "22", "min_duration (ms)": "50000"},
            (22, 70, 50, 100, "23.3333"),
        ),
        # a run that was cut short, whose length is not known
        ({"Completed samples per second": "7", "Min duration satisfied": "NO"}, None),
        # without the longest, by the largest percentile
        (
            {"Completed samples per second": "7", "Max latency (ns)": None},
            (7, 70, 600, 30, "66.6667"),
        ),
        (
            {
                "Completed samples per second": "7",
                "Max latency (ns)": None,
                "99.00 percentile latency (ns)": None,
            },
            None,
        ),
    ],
)
def test_a_server_completes_what_is_scheduled_but_for_its_last_latency(stated, told):
    """A tenth of what was scheduled came back without a mark of it."""
    raw = (
        SERVER
        | {
            "Completed samples per second": "69",
            "Scheduled samples per second": "70",
            "Max latency (ns)": "100e9",
            "99.00 percentile latency (ns)": "30e9",
            "Min duration satisfied": "Yes",
        }
        | stated
    )
    run = Run("run", "mlperf", raw={key: value for key, value in raw.items() if value is not None})
    mlperf._read_summary(run)
    assert run.marks == ([UNSERVED.format(*told)] if told else [])
    assert run.problems == []


def test_mlperf_meter_in_another_time_zone_is_refused_until_its_offset_is_stated(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    meter.write_text(meter.read_text().replace("07-31-2025 02:", "07-30-2025 19:"))
    message = refusal(folder, MLPERF)
    assert "'meter_clock_offset_s: 25200'" in message
    row = detect_and_read(folder, {**MLPERF, "meter_clock_offset_s": 25200}).iloc[0]
    assert row["node_power_w"] == 6000


def test_mlperf_gap_in_the_power_log_is_marked(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    lines = meter.read_text().splitlines()
    meter.write_text("\n".join(lines[:20] + lines[30:]))
    status = detect_and_read(folder, MLPERF).iloc[0]["status"]
    assert status == "marked: power: no sample of the meter for 11 s of 30 s"


def test_mlperf_cut_off_logs_name_the_line(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    detail = folder / "mlperf_log_detail.txt"
    text = detail.read_text()
    detail.write_text(text[: text.index('"power_end"') + 20])
    assert "mlperf_log_detail.txt has a line that is cut off" in refusal(folder, MLPERF)


@given(
    watts=st.floats(1, 2e4),
    shift=st.floats(-1e5, 1e5),
    n=st.integers(5, 100),
)
def test_constant_power_is_its_own_mean_wherever_the_clock_stands(watts, shift, n):
    times = np.arange(n) + shift
    mean, gap = mlperf.mean_watts(times, np.full(n, watts), times[1], times[-2])
    assert mean == pytest.approx(watts)
    assert gap == pytest.approx(1)


def test_invalid_meter_readings_do_not_count():
    mean, gap = mlperf.mean_watts([0, 1, 2, 3, 4], [10, 20, -1, 30, 10], 1, 3)
    assert (mean, gap) == (25, 2)
    assert mlperf.mean_watts([3, 4], [-1, -1], 2, 5) == (None, 3)


SERVER = {
    "Scenario": "Server",
    "Completed tokens per second": "1000",
    "Completed samples per second": "4",
    "Result is": "VALID",
}
MEASURED = "{name} percentile {time} (ns)"


def summary(**changes):
    """What becomes of a summary of such lines; None leaves one out."""
    pairs = SERVER | {key.replace("_", " "): value for key, value in changes.items()}
    run = Run("run", "mlperf", raw={k: v for k, v in pairs.items() if v is not None})
    mlperf._read_summary(run)
    return run


def test_a_summary_tells_throughput_length_and_latencies():
    times = {
        MEASURED.format(name=name, time=time): str(1e9 * (4 * place + k))
        for place, time in enumerate(("first token latency", "latency"))
        for k, name in enumerate(("50.00", "90.00", "95.00", "99.00"))
    }
    run = summary(**times)
    names = [f"{t}_{p}_s" for t in ("ttft", "e2e") for p in ("p50", "p90", "p95", "p99")]
    rates = {"throughput_tps": 1000, "request_throughput": 4, "output_tokens": 250}
    assert run.row == pytest.approx(rates | {n: float(k) for k, n in enumerate(names)})
    assert (run.marks, run.problems) == ([], [])
    offline = {"Scenario": "Offline", "Tokens_per_second": "800", "Samples_per_second": "2"}
    run = summary(**times | offline)
    assert run.row == {"throughput_tps": 800, "request_throughput": 2, "output_tokens": 400}
    assert list(summary(Completed_samples_per_second=None).row) == ["throughput_tps"]


def test_a_summary_to_doubt_is_marked_and_one_without_tokens_refused():
    assert summary(Result_is="INVALID").marks == ["LoadGen's result is INVALID"]
    assert summary(Result_is=None).marks == ["LoadGen's result is missing"]
    assert summary(Mode="AccuracyOnly").marks == [
        "LoadGen's mode is AccuracyOnly, not PerformanceOnly"
    ]
    assert summary(Mode="PerformanceOnly").marks == []
    for value in (None, "0"):
        assert summary(Completed_tokens_per_second=value).problems == [
            'run: "Completed tokens per second" of scenario Server is missing or 0; only benchmarks'
            " that count tokens can be used; give the log of a language model in the Offline or"
            " Server scenario"
        ]
    assert summary(Completed_tokens_per_second="fast").problems[0] == (
        'run: "Completed tokens per second" is "fast"; a number is needed; copy the log again'
    )
    negative = summary(Completed_tokens_per_second="-5").problems[0]
    assert negative.startswith('run: "Completed tokens per second" is -5.0; a number of at least 0')


def test_lines_of_a_summary_are_pairs_that_stand_once():
    text = "Title\n a : 1:2 \nb: 3\nb: 3\n a: 4\n"
    assert mlperf._pairs(text) == {"a": "1:2 and 4", "b": "3"}


@pytest.mark.parametrize("value", ["1_000", "\u0661\u0662", "inf", "nan", "0x10", "5 and 6", "9,5"])
def test_what_is_no_plain_number_is_none_to_a_log(value):
    (problem, _) = summary(Completed_tokens_per_second=value).problems
    assert problem == (
        f'run: "Completed tokens per second" is "{value}"; a number is needed; copy the log again'
    )
    if "," not in value:
        (problem,) = metered(samples((0, 100), (1, value))).problems
        assert f"cannot be read ({value} is no plain number); copy" in problem


def detail(*entries):
    """Window and run of a detail log."""
    lines = ["noise", *(f":::MLLOG {entry}" for entry in entries)]
    run = Run("run", "mlperf")
    window = mlperf._read_detail(run, Path("detail.txt"), "\n".join(lines))
    return window, run


BEGIN = '{"key": "power_begin", "value": "07-31-2024 02:42:40.5"}'
END = '{"key": "power_end", "value": "07-31-2024 02:43:40.75"}'
VERSION = '{"key": "loadgen_version", "value": "5.1 @ abc"}'


def test_a_number_that_underflows_is_none_to_a_log():
    (problem, _) = summary(Completed_tokens_per_second="1e-400").problems
    assert '"1e-400"; a number is needed' in problem
    small = f"0.{'0' * 400}1"
    assert metered(samples((0, small))).problems == [
        f"run: spl.txt has a line that cannot be read ({small[:60]} is nearer to 0 than any number"
        " that is read); copy the log again"
    ]


def test_the_mean_and_the_ends_of_a_servers_latency_are_kept():
    ends = {"Min latency (ns)": "1e9", "Mean latency (ns)": "2e9", "Max latency (ns)": "7e9"}
    expected = {"least": 1.0, "mean": 2.0, "most": 7.0}
    assert summary(**ends).spreads == {"e2e": pytest.approx(expected)}
    assert summary(**ends, Scenario="Offline", Tokens_per_second="8").spreads == {}


def test_a_detail_log_tells_window_and_version():
    window, run = detail(VERSION, BEGIN, '{"key": "other", "value": 1}', "cut off {", END)
    assert window[1] - window[0] == pytest.approx(60.25)
    assert run.row == {"client_version": "5.1", "duration_s": pytest.approx(60.25)}
    assert run.problems == []
    for entries in ((BEGIN,), (END,), ()):
        window, run = detail(*entries)
        assert (window, run.row, run.problems) == (None, {}, [])


def test_a_detail_log_of_two_runs_is_refused():
    assert detail(BEGIN, END, BEGIN)[1].problems == []
    later = BEGIN.replace("02:42", "02:41")
    assert detail(BEGIN, END, later)[1].problems == [
        'run: detail.txt, "power_begin" is "07-31-2024 02:42:40.5" and later "07-31-2024'
        ' 02:41:40.5"; one run is needed; copy the log again, without that of another run'
    ]


def test_a_detail_log_that_is_wrong_says_where():
    twice = BEGIN.replace('"key"', '"key": "other", "key"', 1)
    assert "a line that is cut off or no entry" in detail(twice, END)[1].problems[0]
    window, run = detail(BEGIN, '{"key": "power_end", "value": ')
    assert window is None
    assert run.problems == [
        'run: detail.txt has a line that is cut off or no entry: :::MLLOG {"key": "power_end",'
        ' "value": ; copy the log again'
    ]
    window, run = detail(BEGIN, END.replace("02:43:40.75", "late"))
    assert window is None
    assert run.problems == [
        'run: detail.txt, "power_end" is "07-31-2024 late"; a time such as 07-31-2024 02:42:40.512'
        " is needed; copy the log again"
    ]
    for end in (BEGIN.replace("begin", "end"), END.replace("02:43", "02:41")):
        window, run = detail(BEGIN, end)
        assert (window, run.row) == (None, {})
        assert run.problems == [
            "run: detail.txt: power_end is not after power_begin; copy the log again"
        ]


def metered(text, window=(0.0, 4.0), offset=0.0):
    """Run with a throughput after the log of its meter was read; times are seconds of 1970."""
    run = Run("run", "mlperf", row={"throughput_tps": 100.0})
    mlperf._read_meter(run, Path("spl.txt"), text, window, offset)
    return run


def samples(*pairs):
    lines = (f"Time,01-01-1970 00:00:{second:04.1f},Watts,{watts}" for second, watts in pairs)
    return "\n".join(lines)


def test_the_meter_gives_the_power_of_the_node_and_its_energy_per_token():
    run = metered(samples((4, 300), (0, 100), (2, 200), (9, 999)))
    assert run.row == {
        "throughput_tps": 100,
        "node_power_w": 200,
        "energy_per_output_token_j": pytest.approx(2),
    }
    assert (run.marks, run.problems) == ([], [])
    late = metered(samples((5, 100), (9, 200)), offset=-5.0)
    assert late.row["node_power_w"] == 150
    assert late.marks == ["power: no sample of the meter for 4 s of 4 s"]
    assert metered(samples((0, 100), (3, 100)), offset=0.0).marks == []
    assert metered(samples((0, 100), (3.1, 100))).marks == [
        "power: no sample of the meter for 3.1 s of 4 s"
    ]
    without = metered(samples((0, 100)), None)
    assert without.marks == [
        "power: power log without power_begin and power_end in the detail log, left empty"
    ]
    assert list(without.row) == ["throughput_tps"]


def test_a_meter_that_cannot_be_read_says_why():
    assert (
        metered(samples((0, 100), (1, "much")))
        .problems[0]
        .startswith("run: spl.txt has a line that cannot be read (much is no plain number); copy")
    )
    assert metered(samples((0, "1e7"))).problems == [
        "run: spl.txt has a line that cannot be read (Watts is 1e7; at most 1e+06 is allowed); copy"
        " the log again"
    ]
    assert metered(samples((0, "1e6"), (2, "1e6"))).problems == []


def test_a_meter_of_another_clock_is_told_the_nearest_zone():
    three = samples((10, 100), (30, 100), (50, 100))
    run = metered(three, window=(3612.0, 3640.0), offset=1.0)
    assert run.problems == [
        "run: spl.txt has no valid power sample between power_begin and power_end; the meter's"
        " clock, with meter_clock_offset_s = 1, runs from -3601 s to -3561 s after power_begin, the"
        " window lasts 28 s; if the clocks stood in different time zones, state"
        " 'meter_clock_offset_s: 3600' in the facts, otherwise remove the power log"
    ]
    (problem,) = metered(samples((10, 100), (50, 100)), window=(1e6, 1e6 + 28)).problems
    assert problem.endswith("the window lasts 28 s; remove the power log")


def test_a_summary_alone_is_read_with_the_logs_beside_it(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    whole = detect_and_read(folder, MLPERF).iloc[0]
    one = detect_and_read(folder / "mlperf_log_summary.txt", MLPERF).iloc[0]
    assert (one["node_power_w"], one["sha256"]) == (6000, whole["sha256"])
    (folder / "mlperf_log_detail.txt").unlink()
    unplaced = detect_and_read(folder, MLPERF).iloc[0]["status"]
    assert unplaced.startswith("marked: power: power log without power_begin and power_end")
    (folder / "spl.txt").unlink()
    lone = detect_and_read(folder / "mlperf_log_summary.txt", MLPERF).iloc[0]
    assert lone["throughput_tps"] == whole["throughput_tps"]
    assert np.isnan(lone["node_power_w"]) and lone["status"] == "ok"
    assert lone["sha256"] != whole["sha256"]


def test_the_digest_is_of_the_logs_one_after_the_other():
    folder = FIXTURES / "mlperf/offline"
    names = ("mlperf_log_summary.txt", "mlperf_log_detail.txt", "spl.txt")
    logs = b"".join((folder / name).read_bytes() for name in names)
    assert mlperf.read(folder, {})[0].row["sha256"] == hashlib.sha256(logs).hexdigest()


def test_a_folder_is_recognised_by_the_beginning_of_a_log(tmp_path):
    assert mlperf.recognise(tmp_path) is False
    (tmp_path / "notes.txt").write_text("x" * mlperf.HEAD_BYTES + mlperf.SUMMARY_TITLE)
    assert mlperf.recognise(tmp_path) is False


@pytest.mark.parametrize("name", ["mlperf_log_summary.txt", "mlperf_log_detail.txt", "spl.txt"])
def test_a_log_that_is_not_utf_8_is_named(tmp_path, name):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    with open(folder / name, "ab") as log:
        log.write(b"\xe9")
    message = refusal(folder, MLPERF)
    assert message.startswith(f"{folder / name}, line ") and "byte 0xe9 is not UTF-8" in message


def test_a_problem_of_a_log_is_told_of_its_folder(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    (folder / "spl.txt").write_text("Time,01-01-1970 00:00:00.0,Watts,much")
    assert refusal(folder, MLPERF).startswith(f"{folder}: spl.txt has a line that cannot be read")


def test_what_a_log_says_is_cited_in_part():
    long = "x" * 90
    _, run = detail(f'{{"key": "power_end", "{long}": ')
    cited = f':::MLLOG {{"key": "power_end", "{long}'[:60]
    assert f"no entry: {cited}; copy" in run.problems[0]
    _, run = detail(BEGIN, END.replace("07-31-2024 02:43:40.75", long))
    assert f'"power_end" is "{long[:60]}"; a time' in run.problems[0]
    other = BEGIN.replace("07-31-2024 02:42:40.5", long)
    assert f'40.5" and later "{long[:60]}"; one run' in detail(BEGIN, END, other)[1].problems[0]
    assert '40.5" and later' not in detail(other, END, BEGIN)[1].problems[0]
    assert f'"power_begin" is "{long[:60]}" and later' in detail(other, END, BEGIN)[1].problems[0]
    assert f'is "{long[:60]}"; a number' in summary(Completed_tokens_per_second=long).problems[0]
    assert f"({long[:60]} is no plain number)" in metered(samples((0, long))).problems[0]
    assert f"(Watts is {'9' * 60}; at most" in metered(samples((0, "9" * 90))).problems[0]
    assert detail(VERSION.replace('"5.1 @ abc"', "null"))[1].row == {}


def test_what_else_lies_in_the_folder_does_not_matter(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    (folder / "a.txt").mkdir()
    (folder / "notes.txt").write_bytes(b"\xe9t\xe9, in Latin-1")
    assert detect_and_read(folder, MLPERF).iloc[0]["node_power_w"] == 6000


@pytest.mark.parametrize("name", ["spl.txt", "mlperf_log_detail.txt"])
@pytest.mark.parametrize(
    ("put", "told"),
    [
        (os.mkfifo, "is no file; allowed is a file"),
        (os.mkdir, "is no file; allowed is a file"),
        (lambda path: os.symlink("nowhere", path), "no such file"),
        (lambda path: os.symlink("/dev/zero", path), "is no file; allowed is a file"),
        (lambda path: os.symlink(path, path), "cannot be read"),
    ],
)
def test_what_lies_in_the_place_of_a_log_and_is_none_is_told(tmp_path, name, put, told):
    """The run came back `ok`, without the power of its node."""
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    (folder / name).unlink()
    put(folder / name)
    message = refusal(folder, MLPERF)
    assert str(folder / name) in message and told in message


@pytest.mark.parametrize(
    ("said", "told"),
    [("", "/spl.txt: is empty"), ("no meter\n", ": spl.txt has no reading of a meter; copy the")],
)
def test_a_log_of_the_meter_without_a_reading_is_refused(tmp_path, said, told):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    (folder / "spl.txt").write_text(said)
    assert refusal(folder, MLPERF).startswith(f"{folder}{told}")


@pytest.mark.parametrize("name", ["SPL.TXT", "Spl.txt", "MLPERF_LOG_DETAIL.TXT"])
def test_a_log_in_letters_of_another_case_is_refused(tmp_path, name):
    """MLPerf's submission checker knows its logs by their exact names."""
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    (folder / name.lower()).rename(folder / name)
    told = f"{folder}: {name} is named unlike MLPerf's logs; allowed is {name.lower()}; rename it"
    assert refusal(folder, MLPERF).startswith(told)


def test_the_meter_is_the_log_of_its_name(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    other = (folder / "spl.txt").read_text().replace("Watts,5900", "Watts,4900")
    (folder / "before.txt").write_text(other)
    assert detect_and_read(folder, MLPERF).iloc[0]["node_power_w"] == 6000
    (folder / "spl.txt").unlink()
    assert detect_and_read(folder, MLPERF).iloc[0]["node_power_w"] == 5500


def test_a_line_that_is_no_entry_does_not_hide_the_next():
    broken = '{"key": "power_end", "value": '
    window, run = detail(broken, '{"key": 5, "value": "power_end"}', '["power_end"]', BEGIN, END)
    assert window is not None
    assert len(run.problems) == 3
    assert all("a line that is cut off or no entry" in problem for problem in run.problems)


def test_no_power_is_a_reading_but_nothing_measured():
    assert mlperf.mean_watts([0, 1], [0, 10], 0, 1) == (5, 1)
    assert metered(samples((0, 0), (2, 0), (4, 0))).row == {"throughput_tps": 100}


def test_the_zone_is_told_that_just_puts_the_samples_around_the_window():
    three = samples((10, 100), (30, 100), (50, 100))
    for shift in (3600, 86400, -86400):
        (problem,) = metered(three, window=(shift + 10.0, shift + 50.0)).problems
        assert f"state 'meter_clock_offset_s: {shift}' in" in problem
    # several would do
    long = samples((10, 100)) + "\nTime,01-01-1970 00:40:00.0,Watts,100"
    (problem,) = metered(long, window=(7300.0, 7310.0)).problems
    assert problem.count("state 'meter_clock_offset_s") == 1
    assert "'meter_clock_offset_s: 5400'" in problem


def electric(*rows):
    """Log of a meter that tells voltage, current and power factor, once a second."""
    return "\n".join(
        f"Time,01-01-1970 00:00:{second:04.1f},Watts,{watts},Volts,{volts},Amps,{amps},PF,{factor}"
        ",Mark,run"
        for second, (watts, volts, amps, factor) in enumerate(rows)
    )


@pytest.mark.parametrize(
    ("watts", "mark"),
    [
        (6000, None),
        # three phases, of which a meter tells the mean voltage and current
        (18000, None),
        (5500, None),
        (5401, None),
        (5399, "power: node_power_w 5399 W where Volts x Amps x PF of spl.txt is 6000 W"),
        (19799, None),
        (19801, "power: node_power_w 19801 W where Volts x Amps x PF of spl.txt is 6000 W"),
        (2000, "power: node_power_w 2000 W where Volts x Amps x PF of spl.txt is 6000 W"),
        (60000, "power: node_power_w 60000 W where Volts x Amps x PF of spl.txt is 6000 W"),
    ],
)
def test_the_power_of_a_meter_is_held_against_its_voltage_and_current(watts, mark):
    run = metered(electric(*[(watts, 240, 25, 1.0)] * 5))
    assert run.row["node_power_w"] == watts
    assert run.marks == ([mark] if mark else [])


@pytest.mark.parametrize(
    ("watts", "marked"), [(13.4, True), (13.6, False), (49.4, False), (49.6, True)]
)
def test_power_may_be_off_its_product_by_a_tenth_at_either_end(watts, marked):
    run = metered(electric(*[(watts, 3, 5, 1.0)] * 5))
    assert bool(run.marks) == marked


def test_readings_of_the_window_that_have_all_count_for_the_product():
    wild = (100, 1000, 50, 1.0)
    inside = [(100, 100, 10, 1.0), (0, 100, 20, 1.0), (-1, *wild[1:]), (100, 100, "none", 1.0)]
    log = electric(wild, wild, *inside, (200, 100, 60, 1.0), wild)
    run = metered(log, window=(12.0, 16.0), offset=10.0)
    assert run.row["node_power_w"] == 100
    assert run.marks == ["power: node_power_w 100 W where Volts x Amps x PF of spl.txt is 3000 W"]


def test_a_meter_without_voltage_and_current_is_held_against_none():
    for volts, amps, factor in ((-1, 25, 1), (240, 0, 1), (240, 25, "none")):
        assert metered(electric(*[(2000, volts, amps, factor)] * 5)).marks == []


def test_two_meters_in_one_log_are_refused():
    both = samples((0, 100), (2, 200), (4, 300)) + "\n" + samples((0, 100), (2, 40), (4, 50))
    assert metered(both).problems == [
        "run: spl.txt has 40 W and 200 W at one time; the readings of one meter are needed; keep"
        " those of the whole node"
    ]
    twice = samples((0, 100), (2, 200)) + "\n" + samples((0, 100), (2, 200), (4, 300))
    assert metered(twice).problems == []
    assert "100 W and 100.5 W at one" in metered(samples((0, 100), (0, 100.5))).problems[0]


@pytest.mark.parametrize("cut", ["Watts,1", "Watts,", "Wat", "00:00"])
def test_a_line_of_the_meter_that_is_cut_off_is_refused(cut):
    whole = electric(*[(100, 10, 10, 1.0)] * 5)
    last = whole.splitlines()[-1]
    damaged = last[: last.index(cut) + len(cut)]
    assert metered(f"{whole}\n{damaged}\n").problems == [
        f"run: spl.txt has a line that is cut off: {damaged}; copy the log again"
    ]
    assert metered(f"PTDaemon 1.10\n{whole}\r\n\r\n").problems == []


def test_of_a_line_that_is_cut_off_the_first_is_told_in_part():
    lines = [f"Time,{'0' * 90}", "Time,1"]
    whole = electric(*[(100, 10, 10, 1.0)] * 5)
    assert metered("\n".join([whole, *lines])).problems == [
        f"run: spl.txt has a line that is cut off: {lines[0][:60]}; copy the log again"
    ]
