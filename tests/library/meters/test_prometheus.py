"""Prometheus, asked and as a file."""

import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import prometheus
from library.meters.files import NOON, SERIES, holds, matrix, read


def test_an_answer_gives_power_and_counter_of_each_gpu(tmp_path):
    assert prometheus.recognise(json.dumps(matrix(*SERIES)))
    holds(tmp_path, matrix(*SERIES), "gpu", "gpu 0", [0, 1], [512.3, 513])
    assert list(read(tmp_path, matrix(*SERIES), "gpu")["energy_j"]) == [1000, 1512]


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
        threading.Thread(target=listener.serve_forever, daemon=True).start()
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
