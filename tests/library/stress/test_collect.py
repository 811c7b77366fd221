"""Samples of every source, on the client's clock."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.meters import prometheus, read_log
from inference_energy.stress.collect import collect
from inference_energy.stress.power_sources import PowerSource
from library.stress.made_up import DEFAULTS, NOON, kinds, samples


@pytest.fixture
def meter(tmp_path):
    """Write a wall meter's log whose clock is ahead by some seconds; collect it for two cells."""
    starts = NOON + np.concatenate([np.arange(10.0, 70.0), np.arange(130.0, 190.0)])
    requests = pd.DataFrame({"start_s": starts, "end_s": starts + 1})

    def read(ahead, kind="file", pilots=(), **settings):
        times = NOON + np.arange(-300.0, 260.0)
        busy = ((starts[:, None] <= times) & (times < starts[:, None] + 1)).any(axis=0)
        for pilot in pilots:
            busy |= (pilot["start_s"].item() <= times) & (times < pilot["end_s"].item())
        log = pd.DataFrame({"time": times + ahead, "power_w": 200 + 500 * busy})
        log.to_csv(tmp_path / "wall.csv", index=False)
        source = PowerSource("node", kind, str(tmp_path / "wall.csv"))
        cells = {"one": {"requests": requests[:60]}, "two": {"requests": requests[60:]}}
        return collect([source], cells, tmp_path, DEFAULTS | settings, pilots)

    return read


def test_a_log_is_put_on_the_clock_of_the_client(meter):
    samples, averaging, findings = meter(37)
    assert samples["time_s"].iloc[0] == pytest.approx(NOON - 300, abs=1)
    assert (averaging, kinds(findings)) == (0, [("clock", "")])


def test_a_meter_sees_the_pilots_too(meter):
    pilot = pd.DataFrame({"start_s": [NOON - 280.0], "end_s": [NOON - 60.0]})
    samples, averaging, findings = meter(37, pilots=[pilot])
    assert samples["time_s"].iloc[0] == pytest.approx(NOON - 300, abs=1)
    assert (averaging, kinds(findings)) == (0, [("clock", "")])


def test_a_meter_without_a_reading_of_power_is_told(tmp_path):
    """A virtual GPU tells its utilisation alone."""
    seen = samples(NOON + np.arange(0.0, 90.0), utilisation=0.9)
    requests = pd.DataFrame({"start_s": [NOON + 10.0], "end_s": [NOON + 80.0]})
    cells = {"one": {"requests": requests, "samples": seen}}
    _, _, findings = collect([PowerSource("gpu", "nvml")], cells, tmp_path, DEFAULTS)
    assert kinds(findings) == [("telemetry", "energy")]
    assert "nvml: tells neither power nor energy" in findings[0].message


def test_an_offset_that_is_stated_is_not_estimated(meter):
    samples, _, findings = meter(37, meter_offset=30.0)
    assert samples["time_s"].iloc[0] == pytest.approx(NOON - 300 + 7)
    assert findings == []


@pytest.mark.parametrize("damage", ["coarse", "reset", "out of order", "zeros"])
def test_the_clock_is_told_from_what_a_meter_really_reads(damage, tmp_path):
    """Counts of 1 Wh (5 s of this node), a counter that falls, and readings that are missing."""
    starts = NOON + np.concatenate([np.arange(10.0, 130.0), np.arange(170.0, 290.0)])
    times = NOON + np.arange(-60.0, 350.0)
    power = 200 + 500 * ((starts[:, None] <= times) & (times < starts[:, None] + 1)).any(axis=0)
    counts = np.cumsum(power) + 1e6
    log = pd.DataFrame({"time": times, "energy_j": counts})
    if damage == "coarse":
        log["energy_j"] = 3600.0 * (counts // 3600)
    elif damage == "reset":
        log["energy_j"] -= np.where(times > NOON + 80, counts[140] - 300, 0)
    elif damage == "out of order":
        late = pd.DataFrame({"time": times[::20] + 0.021, "energy_j": counts[::20] - 35})
        log = pd.concat([log, late]).sort_values("time")
    else:
        log = pd.DataFrame({"time": times, "power_w": np.where(np.arange(410) % 5, power, 0)})
    log["time"] += 40.0
    path = tmp_path / "wall.csv"
    log.to_csv(path, index=False)
    requests = pd.DataFrame({"start_s": starts, "end_s": starts + 1})
    source = PowerSource("node", "file", str(path))
    read, averaging, findings = collect(
        [source], {"one": {"requests": requests}}, tmp_path, DEFAULTS
    )
    assert (averaging, kinds(findings)) == (0, [("clock", "")])
    reach = 6 if damage == "coarse" else 1
    assert read["time_s"].min() == pytest.approx(NOON - 60, abs=reach)


@pytest.fixture
def counter(tmp_path):
    """Write the log of a counter for six cells and collect it: clock [s], every [s], step [J]."""

    def read(ahead, every, step, cell):
        begun = NOON + np.cumsum(np.random.default_rng(8).uniform(cell + 15, cell + 30, 6))
        starts = np.concatenate([start + np.arange(0.0, cell, 6.0) for start in begun])
        fine = NOON + np.arange(0.0, starts[-1] - NOON + 60, 0.1)
        place = np.searchsorted(starts, fine, "right") - 1
        busy = (place >= 0) & (fine < starts[place] + 6)
        counts = step * (0.1 * np.cumsum(500 + 1400 * busy) // step)
        rows = slice(None, -1, round(10 * every))
        log = pd.DataFrame({"time": fine[rows] + ahead, "energy_j": counts[rows]})
        log.to_csv(tmp_path / "wall.csv", index=False)
        cells = {"one": {"requests": pd.DataFrame({"start_s": starts, "end_s": starts + 6})}}
        source = PowerSource("node", "file", str(tmp_path / "wall.csv"))
        return collect([source], cells, tmp_path, DEFAULTS)

    return read


@pytest.mark.parametrize("ahead", [-17.0, -12.5, 3.0, 21.0])
def test_a_counter_that_is_read_seldom_is_not_taken_for_one_that_averages(ahead, counter):
    """Every 10 s, six cells of four minutes: its power is a mean, but the energy is the count's."""
    read, averaging, _ = counter(ahead, 10, 1, 240)
    assert averaging == 0
    assert read["time_s"].iloc[0] == pytest.approx(NOON, abs=1)


@pytest.mark.parametrize(
    ("every", "step", "cell"), [(1, 3600, 120), (3, 3600, 120), (5, 36e3, 900)]
)
def test_the_clock_of_a_coarse_counter_is_told(every, step, cell, counter):
    """In whole Wh, or hundredths of a kWh: it rises by one or two steps from reading to reading."""
    read, averaging, _ = counter(21.0, every, step, cell)
    assert averaging == 0
    assert read["time_s"].iloc[0] == pytest.approx(NOON, abs=step / 1900)


def test_power_that_is_a_mean_moves_no_counter_beside_it(tmp_path):
    """The energy is that of the counter, which is not late as a mean over 5 s is."""
    starts = NOON + np.concatenate([np.arange(10.0, 130.0), np.arange(170.0, 290.0)])
    requests = pd.DataFrame({"start_s": starts, "end_s": starts + 1})
    times = NOON + np.arange(-60.0, 350.0)
    power = 200 + 500 * ((starts[:, None] <= times) & (times < starts[:, None] + 1)).any(axis=0)
    counts = np.cumsum(power) - power
    mean = np.convolve(power, np.ones(5) / 5)[: len(times)]
    cells = {"one": {"requests": requests, "samples": samples(times, mean, counts)}}
    read, averaging, findings = collect([PowerSource("gpu", "nvml")], cells, tmp_path, DEFAULTS)
    assert (averaging, findings) == (0, [])
    assert read["time_s"].iloc[0] == times[0]


def several_logs(folder, *changes):
    """Logs of a power, each changed from it; what is collected from them."""
    starts = NOON + np.concatenate([np.arange(10.0, 70.0), np.arange(130.0, 190.0)])
    times = NOON + np.arange(-60.0, 260.0)
    busy = ((starts[:, None] <= times) & (times < starts[:, None] + 1)).any(axis=0)
    log = pd.DataFrame({"time": times, "power_w": 200.0 + 500 * busy + np.arange(320) % 3})
    names = [f"{name}.csv" for name in ("one", "two", "three")[: len(changes)]]
    for name, change in zip(names, changes, strict=True):
        change(log).to_csv(folder / name, index=False)
    sources = [PowerSource("node", "file", str(folder / name)) for name in names]
    cells = {"one": {"requests": pd.DataFrame({"start_s": starts, "end_s": starts + 1})}}
    return collect(sources, cells, folder, DEFAULTS)


@pytest.mark.parametrize(
    "copy",
    [
        lambda log: log,
        lambda log: log[40:],
        lambda log: log[:-40],
        lambda log: log[::2],
        lambda log: pd.DataFrame({"time": log["time"], "power_kw": log["power_w"] / 1000}),
    ],
    ids=["whole", "begins later", "ends sooner", "thinned", "kilowatts"],
)
def test_a_log_that_is_a_copy_of_another_does_not_count_twice(copy, tmp_path):
    """Of two nodes whose logs were fetched from one of them, maybe while it grew."""
    samples, _, findings = several_logs(tmp_path, lambda log: log, copy)
    assert samples is None
    assert kinds(findings) == [("counted twice", "energy")]
    assert "two.csv reads the same as " in findings[0].message


@pytest.mark.parametrize(
    "other",
    [
        lambda log: log.assign(power_w=log["power_w"] + 1),
        lambda log: log.assign(power_w=log["power_w"] + (log.index == 100)),
        lambda log: log.assign(time=log["time"] + 0.5),
    ],
    ids=["other power", "but for one reading", "other times"],
)
def test_logs_of_two_nodes_that_do_alike_count_both(other, tmp_path):
    samples, _, findings = several_logs(tmp_path, lambda log: log, other)
    assert (samples["meter"].nunique(), findings) == (2, [])


def test_two_phases_without_the_third_are_a_remark(tmp_path):
    def split(log):
        parts = [
            log.assign(meter=f"L{phase}", power_w=log["power_w"] / 2 + phase * log.index)
            for phase in (1, 2)
        ]
        return pd.concat(parts, ignore_index=True)

    with pytest.warns(UserWarning, match="two of 3 phases"):
        samples, _, findings = several_logs(tmp_path, split)
    assert samples["meter"].nunique() == 2
    assert kinds(findings)[0] == ("power log", "")
    assert "L1, L2 are by their names two of 3 phases" in findings[0].message


def scaled(share, slope=0.0):
    """A log that reads a share of the power, and so much more [W] with each reading."""
    return lambda log: log.assign(power_w=share * log["power_w"] + slope * log.index)


def test_a_total_in_a_log_beside_those_of_its_parts_does_not_count_twice(tmp_path):
    samples, _, findings = several_logs(tmp_path, scaled(0.3), scaled(0.7, 0.1), scaled(1, 0.1))
    assert samples is None
    assert kinds(findings) == [("counted twice", "energy")]
    assert "three.csv reads the sum of " in findings[0].message
    samples, _, findings = several_logs(tmp_path, scaled(0.3), scaled(0.7, 0.1), scaled(0.9))
    assert (samples["meter"].nunique(), findings) == (3, [])


def test_a_log_of_another_time_gives_no_energy(meter):
    samples, _, findings = meter(7200)
    assert samples is None
    assert kinds(findings) == [("clock", "energy")]
    assert "meter_zone" in findings[0].message


@pytest.mark.parametrize("reading", ["power", "energy"])
def test_telemetry_in_milliwatts_or_millijoules_is_refused(reading, tmp_path):
    times = NOON + np.arange(0.0, 90.0)
    mine = {"power": {"power": 512_000.0}, "energy": {"energy": 512_000.0 * (times - NOON)}}
    requests = pd.DataFrame({"start_s": times[10:80], "end_s": times[10:80] + 1})
    cells = {"one": {"requests": requests, "samples": samples(times, **mine[reading])}}
    read, _, findings = collect([PowerSource("gpu", "nvml")], cells, tmp_path, DEFAULTS)
    assert read is None
    assert kinds(findings) == [("units", "energy")]
    assert "milliwatts" in findings[0].message


def test_a_stated_offset_that_load_and_power_contradict_is_used_and_remarked(meter):
    """Else a query of 4.96 Wh read 3.95 Wh, and nothing said why."""
    samples, _, (finding,) = meter(37, meter_offset=0.0)
    assert samples["time_s"].iloc[0] == pytest.approx(NOON - 300 + 37)
    assert (finding.kind, finding.refuses) == ("clock", "")
    assert "meter_offset is +0.0 s, but load and power tell +37.0 s" in finding.message


def test_a_stated_offset_of_a_log_that_does_not_follow_the_load_is_remarked(tmp_path):
    """Thousands written as 1.600 are 1.6 W: an energy of a thousandth, and nothing said why."""
    starts = NOON + np.concatenate([np.arange(10.0, 70.0), np.arange(130.0, 190.0)])
    times = NOON + np.arange(-60.0, 260.0)
    busy = ((starts[:, None] <= times) & (times < starts[:, None] + 1)).any(axis=0)
    log = pd.DataFrame({"time": times, "power_w": np.where(busy, 1.6, 420.0)})
    log.to_csv(tmp_path / "wall.csv", index=False)
    cells = {"one": {"requests": pd.DataFrame({"start_s": starts, "end_s": starts + 1})}}
    source = PowerSource("node", "file", str(tmp_path / "wall.csv"))
    stated = DEFAULTS | {"meter_offset": 0.0}
    samples, _, (finding,) = collect([source], cells, tmp_path, stated)
    assert samples["time_s"].iloc[0] == times[0]
    assert (finding.kind, finding.refuses) == ("clock", "")
    assert "does not follow the load (correlation " in finding.message


@pytest.mark.parametrize("ahead", [-20, 37])
def test_the_clock_of_a_prometheus_is_told_from_load_and_power(meter, monkeypatch, ahead):
    monkeypatch.setattr(prometheus, "fetch", lambda path, scope, *times: read_log(path, scope))
    read, _, findings = meter(ahead, "prometheus")
    assert read["time_s"].iloc[0] == pytest.approx(NOON - 300, abs=1)
    assert kinds(findings) == [("clock", "")]
    read, _, findings = meter(ahead, "prometheus", meter_offset=float(ahead))
    assert (read["time_s"].iloc[0], findings) == (NOON - 300, [])


def test_nodes_that_a_prometheus_tells_one_by_one_count_each(tmp_path, monkeypatch):
    """Each answer names its meter alike: both were one, of half the power."""
    own = {'{instance="one"}': 0, '{instance="two"}': 100}

    def fetch(address, scope, start, end):
        times = np.arange(start, end)
        busy = (times >= NOON + 10) & (times < NOON + 70)
        host = "{" + address.partition("{")[2]
        return samples(times, 700.0 + 500 * busy + own[host] + times % 7, meter=scope)

    monkeypatch.setattr(prometheus, "fetch", fetch)
    requests = pd.DataFrame({"start_s": [NOON + 10.0], "end_s": [NOON + 70.0]})
    sources = [PowerSource("node", "prometheus", f"http://h:9090{host}") for host in own]
    read, _, findings = collect(sources, {"one": {"requests": requests}}, tmp_path, DEFAULTS)
    assert (read["meter"].nunique(), findings) == (2, [])
    twice = [sources[0], sources[0]._replace(target=f"http://i:9090{sources[0].target[13:]}")]
    read, _, findings = collect(twice, {"one": {"requests": requests}}, tmp_path, DEFAULTS)
    assert (read, kinds(findings)) == (None, [("counted twice", "energy")])


def test_a_prometheus_whose_clock_cannot_be_told_is_taken_for_the_clients(meter, monkeypatch):
    def steady(path, scope, *times):
        return read_log(path, scope).assign(power_w=300.0)

    monkeypatch.setattr(prometheus, "fetch", steady)
    read, _, (finding,) = meter(5, "prometheus")
    assert read["time_s"].iloc[0] == NOON - 300 + 5
    assert (finding.kind, finding.refuses) == ("clock", "")
