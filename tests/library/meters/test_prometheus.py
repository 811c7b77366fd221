"""Prometheus, asked and as a file."""

import http.server
import json
import threading
import urllib.parse
from functools import partial

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import prometheus
from library.meters.files import NOON, SERIES, holds, matrix, read, refusal
from library.test_web import HEAD
from library.test_web import server as talker


def test_an_answer_gives_power_and_counter_of_each_gpu(tmp_path):
    assert prometheus.recognise(json.dumps(matrix(*SERIES)))
    holds(tmp_path, matrix(*SERIES), "gpu", "gpu 0", [0, 1], [512.3, 513])
    assert list(read(tmp_path, matrix(*SERIES), "gpu")["energy_j"]) == [1000, 1512]


def test_the_power_of_the_moment_counts_before_its_mean(tmp_path):
    """DCGM names both; either alone is read."""
    labels = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "0", "Hostname": "n"}
    instant = labels | {"__name__": "DCGM_FI_DEV_POWER_USAGE_INSTANT"}
    mean, now = [[NOON, "512"], [NOON + 1, "513"]], [[NOON, "700"], [NOON + 1, "90.5"]]
    for both in (((labels, mean), (instant, now)), ((instant, now), (labels, mean))):
        assert list(read(tmp_path, matrix(*both), "gpu")["power_w"]) == [700, 90.5]
    assert list(read(tmp_path, matrix((instant, now)), "gpu")["power_w"]) == [700, 90.5]


@pytest.fixture
def server():
    """A Prometheus that knows one GPU, and its queries."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            asked.append(query)
            start, end = float(query["start"]), float(query["end"])
            times = np.arange(start, end + 0.001, float(query["step"]))
            values = [[t, "500"] for t in times]
            body = json.dumps(matrix((SERIES[0][0], values))).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        # often, so that it ends as soon as it is told to
        serve = partial(listener.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}", asked
        listener.shutdown()


def test_prometheus_is_asked_live_in_pieces(server, monkeypatch):
    address, asked = server
    monkeypatch.setattr(prometheus, "MOST_POINTS", 100)
    frame = prometheus.fetch(address + '{Hostname="node"}', "gpu", NOON, NOON + 250)
    assert len(asked) == 3
    assert asked[0]["query"].endswith(',Hostname="node"}')
    assert len(frame) == 251
    assert frame["time_s"].is_unique


def test_prometheus_that_does_not_answer_is_named():
    with pytest.raises(InputError, match="Prometheus does not answer"):
        prometheus.fetch("http://127.0.0.1:9", "gpu", NOON, NOON + 1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (HEAD + b"<html>\n<title>Grafana</title>", r"no JSON \(it said: <html> <title>Grafana"),
        (b"HTTP/1.1 502 X\r\n\r\n\x1b[31mBad\n", r"HTTP 502 \(it said: Bad\)"),
        (b"HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n", r"HTTP 302 \(it said: nothing\)"),
        (HEAD[:-4] + b"\r\nContent-Length: 9\r\n\r\n{", "does not answer"),
        (b"SSH-2.0\r\n", r"does not answer \(SSH-2.0\)"),
    ],
)
def test_what_is_no_prometheus_is_told_with_what_it_says(said, told):
    with talker(lambda c: c.sendall(said)) as url, pytest.raises(InputError, match=told) as caught:
        prometheus.fetch(url, "gpu", NOON, NOON + 1)
    assert "as a file" in str(caught.value)
    assert len(caught.value.problems) == 1 and "\n" not in str(caught.value)


def test_modes_of_one_node_are_added(tmp_path):
    kepler = {"__name__": "kepler_node_platform_joules_total", "instance": "n:9102"}
    modes = [("dynamic", 400, 20), ("idle", 100, 19)]
    series = [
        (kepler | {"mode": mode}, [[NOON + n, str(power * n)] for n in range(count)])
        for mode, power, count in modes
    ]
    for order in (series, series[::-1]):
        energy = read(tmp_path, matrix(*order))["energy_j"].dropna()
        np.testing.assert_allclose(energy, 500.0 * np.arange(19))


def test_devices_of_one_name_are_told_apart_by_what_is_theirs(tmp_path):
    ipmi = {"__name__": "ipmi_dcmi_power_consumption_watts", "instance": "exporter:9290"}
    nodes = [
        (ipmi | {"id": str(n)}, [[NOON, str(400 + 200 * n)], [NOON + 1, "410"]]) for n in (0, 1)
    ]
    assert set(read(tmp_path, matrix(*nodes))["meter"]) == {"node 0", "node 1"}
    own, other = ({"UUID": f"GPU-{n}", "instance": f"{n}:9400"} for n in (1, 2))
    gpus = [
        (SERIES[0][0] | labels, [[NOON, power], [NOON + 1, power]])
        for labels, power in ((own, "512"), (other, "400"))
    ]
    frame = read(tmp_path, matrix(*gpus), "gpu")
    assert set(frame["meter"]) == {"gpu 0 GPU-1", "gpu 0 GPU-2"}


def test_series_of_one_device_that_differ_are_refused_once(tmp_path):
    twice = [
        (SERIES[0][0] | {"instance": instance}, [[NOON, power], [NOON + 1, power]])
        for instance, power in (("a:9400", "512"), ("b:9400", "400"))
    ]
    text = refusal(tmp_path, json.dumps(matrix(*twice)), "gpu")
    assert text.count("differs from another series of the same device") == 1
    assert 'instance="b:9400"' in text
    same = [(labels, [[NOON, "512"], [NOON + 1, "513"]]) for labels, _ in twice]
    assert len(read(tmp_path, matrix(*same), "gpu")) == 2


def test_devices_told_by_two_exporters_are_refused(tmp_path):
    dcgm = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "0", "UUID": "GPU-1", "Hostname": "n"}
    smi = {"__name__": "nvidia_smi_power_draw_watts", "uuid": "1", "instance": "n:9835"}
    values = [[NOON, "512"], [NOON + 1, "513"]]
    text = refusal(tmp_path, json.dumps(matrix((dcgm, values), (smi, values))), "gpu")
    assert "by DCGM_FI_DEV_POWER_USAGE and by nvidia_smi_power_draw_watts" in text
    energy = dcgm | {"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"}
    assert len(read(tmp_path, matrix((dcgm, values), (energy, values)), "gpu")) == 2


def test_a_gpu_under_two_addresses_is_refused(tmp_path):
    dcgm = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "0", "UUID": "GPU-1"}
    values = [[NOON, "512"], [NOON + 1, "513"]]
    series = [(dcgm | {"instance": f"n:{port}"}, values) for port in (9400, 9401)]
    text = refusal(tmp_path, json.dumps(matrix(*series)), "gpu")
    assert "GPU-1 is told by n:9400 and n:9401, and would count twice" in text
    series[1][0]["UUID"] = "GPU-2"
    assert len(read(tmp_path, matrix(*series), "gpu")) == 4


def test_an_answer_that_is_an_error_is_told(tmp_path):
    answer = {"status": "error", "errorType": "bad_data", "error": "no such query"}
    message = refusal(tmp_path, answer, "gpu")
    assert "holds the error no such query, no matrix: ask /api/v1/query_range" in message
    # what a server says is no message of its own
    answer["error"] = "no\nsuch \x1b[31mquery"
    assert "holds the error no such query" in refusal(tmp_path, answer, "gpu").splitlines()[0]
