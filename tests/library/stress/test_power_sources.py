"""Where power comes from."""

import os
import tracemalloc

import pytest
from inference_energy.errors import InputError
from inference_energy.stress import power_sources
from inference_energy.stress.power_sources import (
    PowerSource,
    check_power_sources,
    find_power_sources,
    is_local,
    named_power_sources,
    telemetry_section,
)
from library.stress.made_up import NODE
from stress.telemetry import Telemetry


def test_power_sources_are_told_apart():
    assert named_power_sources("none") == []
    assert named_power_sources(["http://h:9400/metrics", "wall.csv"]) == [
        PowerSource("gpu", "dcgm", "http://h:9400/metrics"),
        PowerSource("node", "file", "wall.csv"),
    ]
    files = [PowerSource("gpu", "file", "smi.log"), PowerSource("node", "file", "pdu.txt")]
    assert named_power_sources(["gpu:smi.log", "node:pdu.txt"]) == files
    assert named_power_sources({"gpu": "smi.log", "node": "pdu.txt"}) == files
    assert named_power_sources("prometheus:http://h:9090") == [
        PowerSource("gpu", "prometheus", "http://h:9090")
    ]
    assert named_power_sources(["node:prometheus:http://h:9090"])[0].scope == "node"
    with pytest.raises(InputError) as caught:
        named_power_sources(["nvml", "zeus", "wattmeter", "gpu:"])
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError, match="two kinds of source measure the node"):
        named_power_sources(["ipmi", "wall.csv"])
    for twice in (["wall.csv", "node:./wall.csv"], ["nvml", "nvml"], ["http://h:9400"] * 2):
        with pytest.raises(InputError, match="stands there twice, and would count twice"):
            named_power_sources(twice)
    assert len(named_power_sources(["gpu:log.csv", "node:log.csv"])) == 2


def test_a_log_may_be_named_from_the_home_folder(tmp_path, monkeypatch):
    """A shell leaves ~ as it is within quotes, and behind a scope."""
    monkeypatch.setenv("HOME", str(tmp_path))
    log = str(tmp_path / "wall.csv")
    assert named_power_sources("node:~/wall.csv") == [PowerSource("node", "file", log)]
    with pytest.raises(InputError, match="stands there twice, and would count twice"):
        named_power_sources([log, "~/wall.csv"])


def test_an_exporter_is_asked_for_the_clock_too(tmp_path):
    metrics = tmp_path / "metrics.csv"
    exporter = PowerSource("gpu", "dcgm", "http://h:9400/metrics")
    section = telemetry_section([exporter, PowerSource("cpu", "rapl")], metrics)
    assert section["urls"] == [exporter.target] and section["metricsFile"] == str(metrics)
    assert metrics.read_text().startswith("DCGM_FI_DEV_SM_CLOCK, gauge,")
    nvml = telemetry_section([PowerSource("gpu", "nvml")], tmp_path / "none.csv")
    assert nvml == {"enabled": True, "collector": "pynvml"}
    assert not (tmp_path / "none.csv").exists()
    assert telemetry_section([], metrics) == {"enabled": False}


@pytest.mark.parametrize("address", ["http://h:9400", "http://h:9400/", "http://h:9400/metrics/"])
def test_an_exporter_is_named_as_its_samples_are(address):
    assert named_power_sources(address) == [PowerSource("gpu", "dcgm", "http://h:9400/metrics")]


def test_sources_that_have_no_reading_are_told_before_the_test():
    with Telemetry(1) as exporter:
        check_power_sources(named_power_sources([exporter.url, "node:wall.csv", "rapl"]))
    with pytest.raises(InputError) as caught:
        check_power_sources(
            named_power_sources(["http://127.0.0.1:9", "node:prometheus:http://127.0.0.1:9"])
        )
    exporter, prometheus = caught.value.problems
    assert "no DCGM exporter answers there" in exporter
    assert "Prometheus does not answer" in prometheus


def test_an_exporter_that_tells_no_power_is_told_before_the_test():
    """Its file of metrics may leave power out."""
    with Telemetry(1) as exporter:
        names, told = ("POWER_USAGE", "TOTAL_ENERGY_CONSUMPTION"), exporter.text
        exporter.text = lambda: told().replace(names[0], "A").replace(names[1], "B")
        with pytest.raises(InputError, match="tells no power: add DCGM_FI_DEV_POWER_USAGE"):
            check_power_sources(named_power_sources(exporter.url))
        exporter.text = lambda: told().replace(names[0], "A")
        check_power_sources(named_power_sources(exporter.url))


def test_a_log_that_cannot_be_read_is_told_before_the_test(tmp_path):
    log = tmp_path / "wall.csv"
    sources = named_power_sources(f"node:{log}")
    log.write_text("time,power_MW\n2026-01-31T12:00:00Z,812\n")
    with pytest.raises(InputError, match=r"power: .*wall\.csv: columns time, power_MW: needed are"):
        check_power_sources(sources)
    with pytest.raises(InputError, match="power: "):
        check_power_sources(named_power_sources(f"node:{tmp_path}/."))
    # its meter may begin with the test
    for text in ("", "time,power_w\n", "time,power_w\n2026-01-31T12:00:00Z,812\n"):
        log.write_text(text)
        check_power_sources(sources)


def test_this_machine_is_not_measured_for_another():
    remote = NODE | {"endpoint": "http://192.0.2.1:8000/v1", "power": ["rapl"]}
    with pytest.raises(InputError, match="would measure this machine"):
        find_power_sources(remote)
    assert find_power_sources(NODE | {"power": ["rapl"]}) == [PowerSource("cpu", "rapl")]


def test_an_exporter_is_looked_for_at_the_host_of_the_endpoint(monkeypatch):
    asked = []
    monkeypatch.setattr(
        power_sources, "_fetch", lambda address, patience: asked.append(address) or b""
    )
    for host in ("h", "192.0.2.1", "[::1]"):
        find_power_sources(NODE | {"endpoint": f"http://{host}:8000/v1", "power": "auto"})
    assert asked == [f"http://{host}:9400/metrics" for host in ("h", "192.0.2.1", "[::1]")]


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.1.1", "localhost", "192.0.2.1", "h.invalid"])
def test_a_server_is_on_this_machine_by_any_of_its_addresses(host):
    """Such as 0.0.0.0, on which vLLM says that it serves, or that of a network card."""
    assert is_local(f"http://{host}:8000/v1") == (host not in ("192.0.2.1", "h.invalid"))


@pytest.mark.parametrize(
    "words",
    [
        ["nvml", "http://user:hunter2@h:9400/metrics"],
        "ftp://user:hunter2@h.x/metrics",
        "HTTPS://h.x:9400/metrics?token=hunter2",
        {"node": "http://user:hunter2@h"},
        "node:http://h.x:9400/hunter2",
    ],
)
def test_an_address_that_is_no_source_is_not_repeated(words):
    with pytest.raises(InputError, match="power: ") as caught:
        named_power_sources(words)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "word",
    [
        "http://user:hunter2@h:9400/metrics",
        "http://h:9400/metrics?token=hunter2",
        "prometheus:http://user:hunter2@h:9090",
        "node:prometheus:http://h:9090?key=hunter2",
        'prometheus:http://h:9090{api_key="hunter2"}',
        "http://h:99999/metrics",
    ],
)
def test_a_secret_in_the_address_of_a_source_is_refused_and_not_repeated(word):
    with pytest.raises(InputError, match="the address of a source") as caught:
        named_power_sources(word)
    assert "hunter2" not in str(caught.value)
    assert named_power_sources('prometheus:http://h:9090{Hostname="a"}')[0].kind == "prometheus"


@pytest.mark.parametrize(
    "word", ["http://h:1/ü/metrics", "prometheus:http://h:1/ü", "node:prometheus:http://ü.x:1"]
)
def test_a_letter_in_the_address_of_a_source_that_no_request_carries_is_told(word):
    with pytest.raises(InputError, match=r"source of the (gpu|node) holds 'ü' in"):
        named_power_sources(word)
    labelled = named_power_sources('prometheus:http://h:9090{Hostname="ü"}')
    assert labelled[0].target.endswith('{Hostname="ü"}')


def test_a_log_without_end_is_refused_and_not_read_whole(tmp_path):
    log = tmp_path / "smi.csv"
    log.write_text("header\nreading\n")
    os.truncate(log, 2**28)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"smi\.csv: is 2\.68435e\+08 bytes; allowed are at most"):
        check_power_sources([PowerSource("gpu", "file", str(log))])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24
