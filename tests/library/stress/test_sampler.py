"""Meters of this machine are read, or refused."""

import itertools
import sys

import pytest
from inference_energy.meters import read_log
from inference_energy.stress import sampler


def zone(root, number, name, energy):
    folder = root / f"intel-rapl:{number}"
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text("10000000\n")
    return folder


def test_rapl_adds_packages_and_memory_once_and_survives_the_wrap(tmp_path):
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


def test_meters_that_cannot_be_read_are_errors_not_zeros(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="no RAPL zone"):
        next(sampler.rapl(tmp_path))
    monkeypatch.setattr(sampler, "IPMI", ["echo", "no such sensor"])
    with pytest.raises(SystemExit, match="no power reading"):
        next(sampler.ipmi())
    answer = "Instantaneous power reading:                   512 Watts"
    monkeypatch.setattr(sampler, "IPMI", ["echo", answer])
    readings = sampler.ipmi()
    assert next(readings) == [("node", "512", "")]
    monkeypatch.setattr(sampler, "IPMI", ["false"])
    assert next(readings) == []
    asleep = f"{answer}\nPower reading state is:                   deactivated"
    monkeypatch.setattr(sampler, "IPMI", ["echo", asleep])
    assert next(readings) == []
    with pytest.raises(SystemExit, match="not activated"):
        next(sampler.ipmi())
    monkeypatch.setattr(sampler, "IPMI", ["no-such-tool"])
    with pytest.raises(SystemExit, match="name another source"):
        next(sampler.ipmi())


def test_zeus_without_gpus_is_not_zero_joules(monkeypatch):
    class Zeus:
        get_gpus = staticmethod(list)

    monkeypatch.setitem(sys.modules, "zeus", Zeus)
    monkeypatch.setitem(sys.modules, "zeus.device", Zeus)
    with pytest.raises(SystemExit, match="finds no GPU"):
        next(sampler.zeus())


def test_samples_are_written_as_a_meter_file(tmp_path, monkeypatch):
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


@pytest.mark.parametrize("torn", ["1700000001.0,a,5", "1700000", ""])
@pytest.mark.parametrize("kept", ["time,meter,power_w,energy_j\n1700000000.0,a,50,\n", ""])
def test_a_row_that_a_full_disk_tore_is_cut_off_before_more_are_written(
    kept, torn, tmp_path, monkeypatch
):
    """The row after it would be joined to it, and the whole file refused."""
    monkeypatch.setattr(sampler, "rapl", lambda: iter([[("a", 60, "")]]))
    monkeypatch.setattr(sampler, "INTERVAL", 0.0)
    path = tmp_path / "power.csv"
    path.write_text(kept + torn)
    sampler.main("rapl", path)
    powers = read_log(path, "cpu")["power_w"]
    assert list(powers) == ([50, 60] if kept else [60])


def test_zeus_that_is_not_installed_is_told_without_a_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeus.device", None)
    with pytest.raises(SystemExit, match="Zeus is not installed beside AIPerf"):
        next(sampler.zeus())


def test_counters_that_may_not_be_read_are_told_without_a_traceback(tmp_path):
    (zone(tmp_path, "0", "package-0", 9_000_000) / "energy_uj").unlink()
    with pytest.raises(SystemExit, match=r"energy_uj: .*: give read permission"):
        next(sampler.rapl(tmp_path))
