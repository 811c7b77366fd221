"""How fast a meter follows the load."""

import numpy as np
import pytest
from inference_energy.stress.freshness import check_averaging, check_freshness, clock_offset
from library.stress.made_up import samples


@pytest.mark.parametrize("offset", [-37.0, 0.0, 12.0])
def test_clock_offset_is_found_from_load_and_power(offset):
    random = np.random.default_rng(0)
    starts = np.concatenate([np.arange(10.0, 70.0), np.arange(100.0, 130.0), [180.0]])
    ends = starts + 1.0
    ends[-1] = 240.0
    times = np.arange(-50.0, 350.0)
    load = [((starts <= t) & (ends > t)).sum() for t in times - offset]
    power = 500 + 2000 * np.array(load) + random.normal(0, 50, len(times))
    clock = clock_offset(starts, ends, samples(times, power=power))
    assert abs(clock.offset - offset) <= clock.step
    assert clock.correlation > 0.9
    assert clock.averaging == 0


@pytest.mark.parametrize("offset", [-37.0, 0.0, 2000.0])
def test_clock_is_told_where_many_requests_draw_what_one_does(offset):
    """Decoding a small batch is bound by memory: a good log of such a test gave no energy."""
    starts, ends, busy = [], [], []
    for number, load in enumerate([1, 32, 32, 1, 32, 1, 1, 32, 1, 32]):
        first = 1000.0 + 135 * number + 2 * number**2
        starts += [first] * load
        ends += [first + 120] * load
        busy.append((first, first + 120))
    times = np.arange(-2000.0, 5000.0)
    loaded = np.any([(first <= times) & (times < last) for first, last in busy], axis=0)
    frame = samples(times + offset, np.where(loaded, 650.0, 90.0))
    clock = clock_offset(np.array(starts), np.array(ends), frame, furthest=3600.0)
    assert clock.offset == pytest.approx(offset, abs=1)
    assert clock.correlation > 0.99


@pytest.mark.parametrize("offset", [-17.0, -2.0, 3.2, 41.0])
def test_a_meter_that_is_read_seldom_is_not_taken_for_one_that_averages(offset):
    """Read at once every 5 s, six cells of two minutes: its clock is told closer than that."""
    random = np.random.default_rng(6)
    cells = np.cumsum(random.uniform(135, 150, 6))
    starts = np.concatenate([start + np.arange(0.0, 120.0, 6.0) for start in cells])
    times = np.arange(0.0, 1100.0, 5.0) + 1.3
    busy = ((starts[:, None] <= times) & (times < starts[:, None] + 6)).any(axis=0)
    power = 500 + 1500 * busy + random.normal(0, 20, len(times))
    clock = clock_offset(starts, starts + 6, samples(times + offset, power=power))
    assert (clock.averaging, clock.step) == (0, 5)
    assert abs(clock.offset - offset) < 2


@pytest.mark.parametrize("offset", [0.0, 300.0, -1234.0])
def test_clock_of_a_log_that_is_far_off_is_not_taken_for_another_cell(offset):
    """Cells of one or eight requests at once, a minute and a half after each other."""
    cells = [(90.0 * n, at_once) for n, at_once in enumerate([1, 8, 8, 1, 1, 8, 1, 8, 8, 1, 8, 1])]
    starts = [at + 6 * n for at, at_once in cells for n in range(10) for _ in range(at_once)]
    starts, times = np.array(starts), np.arange(-60.0, 1200.0)
    load = ((starts[:, None] <= times) & (times < starts[:, None] + 6)).sum(axis=0)
    power = 200 + 300 * (load > 0) + 40 * load + np.random.default_rng(4).normal(0, 4, len(times))
    log = samples(times + offset, power=power)
    clock = clock_offset(starts, starts + 6, log, furthest=3600.0)
    assert clock.offset == pytest.approx(offset, abs=clock.step)
    assert (clock.averaging, clock.correlation > 0.9) == (0, True)


def test_clock_offset_is_not_made_up_from_flat_power():
    starts = np.arange(10.0, 70.0)
    flat = samples(np.arange(0.0, 100.0), power=np.random.default_rng(1).normal(500, 5, 100))
    assert np.isnan(clock_offset(starts, starts + 1, flat).offset)


@pytest.mark.parametrize("averaging", [30.0, 60.0])
def test_meter_that_averages_is_found_from_load_and_power(averaging):
    starts = np.concatenate([np.arange(10.0, 130.0), np.arange(200.0, 320.0)])
    ends = starts + 1.0
    times = np.arange(-100.0, 450.0)
    inside = [np.linspace(t - averaging, t, 200) for t in times]
    load = [np.mean([((x >= 10) & (x < 130)) | ((x >= 200) & (x < 320))]) for x in inside]
    clock = clock_offset(starts, ends, samples(times, power=200 + 500 * np.array(load)))
    assert clock.averaging == averaging
    assert abs(clock.offset) <= 2
    (finding,) = check_averaging("node", clock.averaging, 120)
    assert finding.refuses == "energy"
    assert check_averaging("node", clock.averaging, 20 * averaging) == []


def test_delay_of_an_exporter_is_found_but_none_is_made_up():
    random = np.random.default_rng(5)
    starts = np.concatenate([np.arange(10.0, 70.0), np.arange(130.0, 190.0)])
    ends = starts + 1.0
    times = np.arange(0.0, 260.0)

    def found(power):
        return clock_offset(starts, ends, samples(times, power=power), own_clock=True)

    def busy(t):
        return ((t >= 10) & (t < 70)) | ((t >= 130) & (t < 190))

    assert found(200 + 500 * busy(times - 12)).offset == pytest.approx(12, abs=1)
    assert found(200 + 500 * busy(times) + random.normal(0, 30, len(times))).offset == 0
    assert np.isnan(found(300 + 100 * np.sin(2 * np.pi * times / 7)).offset)


SECONDS = np.arange(60.0)


def hanging(power, first, last):
    """Findings on a meter that repeats its first reading for a part of a minute."""
    power = np.where((first <= SECONDS) & (last > SECONDS), power[first], power)
    return [f.kind for f in check_freshness("gpu 0", SECONDS, power, 0.0, 60.0)]


def test_a_meter_that_hangs_for_a_part_of_the_window_is_refused():
    """From idle power, of which no gap tells; a sixth of the window is enough."""
    power = 400 + np.random.default_rng(2).normal(0, 3, 60)
    assert hanging(power, 0, 0) == []
    assert hanging(np.where(SECONDS < 1, 100, power), 0, 10) == ["hangs"]
    assert hanging(power, 30, 60) == ["hangs"]
    assert hanging(np.round(power), 0, 0) == []
    # of whole watts a flat node repeats most, and a slow exporter every reading
    assert hanging(np.round(5000 + (power - 400) / 5), 5, 20) == []
    assert hanging(np.repeat(power, 3)[:60], 0, 0) == []


def test_the_window_that_would_do_is_longer_than_one_that_does_not():
    """A meter read every 3 s: twenty readings in a minute, or nineteen, as its window begins."""
    times = np.arange(0.0, 90.0, 3.0)
    power = 400 + np.random.default_rng(3).normal(0, 3, 30)
    (finding,) = check_freshness("wall", times, power, 10.0, 68.9)
    assert finding.message.startswith("wall: 19 fresh readings in the window of 59 s")
    assert "set the window to 66 s" in finding.message
    (averaged,) = check_averaging("node", 3.0, 59.9)
    assert averaged.message.endswith("set the window to 66 s")


def test_a_meter_of_coarse_steps_is_told_what_would_do():
    """Its readings stay for as long as those of a meter that is read too seldom."""
    steps = 50 * np.round(np.where(SECONDS < 50, 600.0, 660.0) / 50)
    (finding,) = check_freshness("wall", SECONDS, steps, 0.0, 60.0)
    assert (finding.kind, finding.refuses) == ("stale", "energy")
    assert finding.message.endswith("the power does not leave looks the same: use a finer one")
