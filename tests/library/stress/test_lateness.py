"""How late a meter shows the edges of a load: simulated meters of known energy."""

import numpy as np
import pytest
from inference_energy.stress.lateness import FOLLOWS, Lateness, check_lateness, lateness
from inference_energy.stress.power import meter_energy
from library.stress.made_up import NOON, kinds, samples

CELLS = (0, 1, 1, 0, 1, 0, 0)
"""A pilot and six cells: forty-two rounds of short queries, or three of long ones."""


def requests(phase=0):
    """Starts and ends of eight requests at once, and when each load begins and ends [s]."""
    pauses = np.random.default_rng(phase).uniform(12, 30, len(CELLS))
    starts, ends, loads, at = [], [], [], NOON
    for long, pause in zip(CELLS, pauses, strict=True):
        rounds, latency = ((42, 3.2), (3, 45.0))[long]
        for number in range(rounds):
            starts += [at + number * latency + 0.01 * lane for lane in range(8)]
            ends += [at + (number + 1) * latency - 0.1 + 0.01 * lane for lane in range(8)]
        loads.append((at, ends[-1], long))
        at = ends[-1] + pause
    return np.array(starts), np.array(ends), loads


def power_at(times, loads, levels, idle=100.0):
    power = np.full(len(times), idle)
    for first, last, long in loads:
        power[(times >= first) & (times < last)] = levels[long]
    return power


def read(every, noise, phase, levels, idle=100.0):
    """What a meter shows once a second that is renewed so seldom [s], and the requests."""
    starts, ends, loads = requests(phase)
    random = np.random.default_rng([every, phase])
    times = np.arange(NOON - 70, loads[-1][1] + 70) + 0.3
    held = times - (times - NOON + phase * every / 8) % every if every > 1 else times
    power = power_at(held, loads, levels, idle)
    power = np.round(power * (1 + noise * random.normal(size=len(times))), 4)
    return samples(times, power), starts, ends, loads


def errors(seen, starts, ends, loads, levels):
    """Energy of each cell over the true one less one; NaN where it is refused."""
    late = lateness(seen, starts, ends)["gpu 0"]
    found = []
    for first, last, long in loads[1:]:
        energy, findings = meter_energy(seen, first + 1, last - 1, late=late)
        true = levels[long] * (last - first - 2)
        found.append(np.nan if any(f.refuses for f in findings) else energy / true - 1)
    return np.array(found)


@pytest.mark.parametrize("levels", [(400.0, 400.0), (650.0, 450.0)])
@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("every", [1, 2, 5, 10, 15, 30, 60, 120])
def test_a_stale_meter_is_found_whatever_its_last_digits_do(every, noise, levels):
    """None is accepted that is wrong by more than a twentieth, and no fresh one is refused."""
    for phase in range(8):
        wrong = errors(*read(every, noise, phase, levels), levels)
        if every <= 5:
            assert not np.isnan(wrong).any()
        if every >= 15:
            assert np.isnan(wrong).all()
        assert (np.abs(wrong[np.isfinite(wrong)]) < 1 / 20 + 3 * noise).all()


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2, 0.1])
@pytest.mark.parametrize("every", [1, 60])
def test_power_that_is_the_same_under_every_load_is_fine(every, noise):
    """A node that draws at rest what it does under load: no reading of it is too old."""
    seen, starts, ends, loads = read(every, noise, 3, (400.0, 400.0), idle=400.0)
    assert np.abs(errors(seen, starts, ends, loads, (400.0, 400.0))).max() < noise + 1e-3


@pytest.mark.parametrize("offset", [-20.0, 15.0])
def test_a_clock_that_is_off_is_not_late_at_one_edge_more_than_at_another(offset):
    seen, starts, ends, _ = read(1, 1e-3, 0, (400.0, 400.0))
    moved = seen.assign(time_s=seen["time_s"] + offset)
    assert lateness(moved, starts, ends)["gpu 0"].spread <= 1


def test_power_that_comes_down_slowly_is_no_old_reading():
    """Fans and clocks need time, and long requests end one after the other."""
    seen, starts, ends, loads = read(1, 1e-3, 0, (400.0, 400.0))
    times, power = seen["time_s"].to_numpy(), seen["power_w"].to_numpy()
    rest = times[:, None] - np.array([last for _, last, _ in loads])
    since = np.where(rest >= 0, rest, np.inf).min(axis=1)
    slow = np.where(power < 200, 100 + 130 * np.exp(-since / 20), power)
    found = lateness(seen.assign(power_w=slow), starts, ends)["gpu 0"]
    assert (found.spread, found.missed) == (0, 0)
    lanes = 20.0 * np.arange(4)
    starts, ends = np.zeros(4) + NOON, NOON + 100 + lanes
    fading = samples(NOON + np.arange(-60, 300.0), 0.0)
    times = fading["time_s"].to_numpy()[:, None]
    load = ((starts <= times) & (ends > times)).sum(axis=1)
    fading["power_w"] = 100.0 + 100 * np.sqrt(load)
    assert lateness(fading, starts, ends)["gpu 0"].spread == 0


def test_one_edge_may_be_an_exception():
    """A server that compiles before its first answer."""
    seen, starts, ends, loads = read(1, 1e-3, 0, (400.0, 400.0))
    compiling = seen["time_s"].between(loads[0][0], loads[0][0] + 40)
    found = lateness(seen.assign(power_w=seen["power_w"].mask(compiling, 100.0)), starts, ends)
    assert found["gpu 0"] == Lateness(0.0, 2 * len(CELLS), 0)


def test_what_is_refused_has_a_remedy():
    assert check_lateness("wall", FOLLOWS, 20.0) == []
    assert check_lateness("wall", Lateness(6.0, 14, 3), 120.0) == []
    (late,) = check_lateness("wall", Lateness(15.0, 14, 0), 120.0)
    assert kinds([late]) == [("stale", "energy")]
    assert "up to 15 s later than another time" in late.message
    assert late.message.endswith("or set the window to 330 s")
    (missed,) = check_lateness("wall", Lateness(0.0, 14, 5), 1e4)
    assert "does not show 5 of 14 times that a load begins or ends" in missed.message
    assert missed.message.endswith("that of the program that repeats its readings")


def test_power_without_edges_of_the_load_tells_no_lateness():
    seen = samples(NOON + np.arange(0, 100.0), 300.0)
    one = np.array([NOON + 50]), np.array([NOON + 60])
    assert lateness(seen.assign(power_w=np.nan), *one) == {}
    assert lateness(seen, *one) == {"gpu 0": FOLLOWS}
