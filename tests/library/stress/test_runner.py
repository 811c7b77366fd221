"""The stress rule and its scripts, without a server."""

import importlib
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from inference_energy.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = yaml.safe_load((ROOT / "config/stress.yaml").read_text(encoding="utf-8"))
NODE = DEFAULTS | {"endpoint": "http://127.0.0.1:1/v1", "model": "m"}


@pytest.fixture
def runner(monkeypatch):
    """The module that runs the test."""
    monkeypatch.syspath_prepend(ROOT / "workflow/scripts")
    return importlib.import_module("inference_energy.stress.runner")


@pytest.fixture
def sampler(monkeypatch):
    """The module that samples meters."""
    monkeypatch.syspath_prepend(ROOT / "workflow/scripts")
    return importlib.import_module("inference_energy.stress.sampler")


def snakemake(folder, *arguments):
    for path in ROOT.iterdir():
        if path.name not in ("build", "logs") and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_stress_test_is_no_part_of_the_reproduction(tmp_path):
    done = snakemake(tmp_path, "-n", "--forceall")
    assert done.returncode == 0, done.stderr
    assert "stress" not in done.stdout + done.stderr


def test_missing_endpoint_is_answered_with_the_command(tmp_path):
    done = snakemake(tmp_path, "stress")
    assert done.returncode
    least = "--config stress='{endpoint: http://HOST:PORT/v1, model: NAME}'"
    for key in ("endpoint", "model"):
        assert f"key {key}: is not stated; give at least {least}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_lengths_span_the_factor(runner):
    lengths = runner.prepare(NODE)["lengths"]
    assert lengths[-1] / lengths[0] == DEFAULTS["factor"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "http://user:secret@host/v1"),
        ("concurrency", [0]),
        ("repetitions", "three"),
        ("name", "../elsewhere"),
        ("unknown", 1),
    ],
)
def test_bad_settings_are_refused(runner, key, value):
    with pytest.raises(InputError, match=r"config/stress\.yaml"):
        runner.prepare(NODE | {key: value})


def test_missing_aiperf_is_answered_with_the_remedy(runner):
    with pytest.raises(InputError, match="make stress-env"):
        runner.find_aiperf("/nowhere/aiperf")


def test_this_machine_is_not_measured_for_another(runner):
    remote = NODE | {"endpoint": "http://192.0.2.1:8000/v1", "power": ["rapl"]}
    with pytest.raises(InputError, match="would measure this machine"):
        runner.find_sources(remote)
    assert runner.find_sources(NODE | {"power": ["rapl"]}) == [("rapl", "")]


def test_cells_of_two_tests_are_not_mixed(runner, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    settings = runner.prepare(NODE | {"power": "none"})
    runner.StressTest(settings, tmp_path, 13.0)
    runner.StressTest(settings | {"power": ["rapl"]}, tmp_path, 13.0)
    with pytest.raises(InputError, match=r"other settings \(model\)"):
        runner.StressTest(settings | {"model": "other"}, tmp_path, 13.0)


def zone(root, number, name, energy):
    folder = root / f"intel-rapl:{number}"
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text("10000000\n")
    return folder


def test_rapl_adds_packages_and_memory_once_and_survives_the_wrap(sampler, tmp_path):
    package = zone(tmp_path, "0", "package-0", 9_000_000)
    zone(tmp_path, "0:0", "core", 5_000_000)
    zone(tmp_path, "0:1", "dram", 1_000_000)
    zone(tmp_path, "1", "psys", 50_000_000)
    rounds = sampler.rapl(tmp_path)
    first = {name: energy for name, _, energy in next(rounds)}
    assert sorted(first.values()) == [1.0, 9.0]
    (package / "energy_uj").write_text("2000000\n")
    second = {name: energy for name, _, energy in next(rounds)}
    assert sum(second.values()) - sum(first.values()) == pytest.approx(3.0)


def test_meters_that_cannot_be_read_are_errors_not_zeros(sampler, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="no RAPL zone"):
        next(sampler.rapl(tmp_path))
    monkeypatch.setattr(sampler, "IPMI", ["echo", "no such sensor"])
    with pytest.raises(SystemExit, match="no power reading"):
        next(sampler.ipmi())
    answer = "Instantaneous power reading:                   512 Watts"
    monkeypatch.setattr(sampler, "IPMI", ["echo", answer])
    assert next(sampler.ipmi()) == [("node", "512", "")]


def test_zeus_without_gpus_is_not_zero_joules(sampler, monkeypatch):
    class Zeus:
        get_gpus = staticmethod(list)

    monkeypatch.setitem(sys.modules, "zeus", Zeus)
    monkeypatch.setitem(sys.modules, "zeus.device", Zeus)
    with pytest.raises(SystemExit, match="finds no GPU"):
        next(sampler.zeus())


def test_samples_are_written_as_a_meter_file(sampler, tmp_path, monkeypatch):
    rounds = [[("a", "", 1.0), ("b", "", 2.0)], [("a", "", 3.0), ("b", "", 4.0)]]
    monkeypatch.setattr(sampler, "rapl", lambda: iter(rounds))
    monkeypatch.setattr(sampler, "INTERVAL", 0.0)
    for _ in range(2):
        sampler.main("rapl", tmp_path / "power.csv")
    lines = (tmp_path / "power.csv").read_text().splitlines()
    assert lines[0] == "time,meter,power_w,energy_j"
    assert [line.split(",")[1:] for line in lines[1:]] == [
        [meter, power, str(energy)]
        for meter, power, energy in itertools.chain.from_iterable(rounds * 2)
    ]
