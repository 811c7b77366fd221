"""Energy from meters: counters, samples, gaps, clocks, what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.meters.common import NUMBERS
from inference_energy.stress.power import (
    check_idle,
    idle_power,
    meter_energy,
    telemetry_samples,
    told_power,
    total_energy,
)
from library.stress.made_up import NOON, kinds, samples


def test_constant_power_gives_power_times_time():
    times = NOON + np.arange(0, 100, 0.5)
    energy, findings = meter_energy(samples(times, power=300.0), NOON + 10.1, NOON + 70.4)
    assert energy == pytest.approx(300 * 60.3)
    assert findings == []


def test_counter_is_used_over_the_same_window():
    times = NOON + np.arange(0, 100, 0.5)
    both = samples(times, power=310.0, energy=7.0 + 300 * (times - NOON))
    energy, _ = meter_energy(both, NOON + 10.1, NOON + 70.4)
    assert energy == pytest.approx(300 * 60.3)


@given(st.floats(5, 30), st.floats(60, 95), st.floats(20, 80))
def test_energy_of_windows_adds_up(start, end, middle):
    times = np.arange(0, 100, 0.5)
    wavy = samples(times, power=300 + 100 * np.sin(times))
    whole = meter_energy(wavy, start, end)[0]
    middle = float(np.clip(middle, start + 11, end - 11))
    parts = meter_energy(wavy, start, middle)[0] + meter_energy(wavy, middle, end)[0]
    assert whole == pytest.approx(parts)


def test_gap_is_told_and_a_large_one_refuses_the_energy():
    times = np.arange(0, 101.0)
    short = samples(times[(times < 50) | (times > 52)], power=300.0)
    energy, findings = meter_energy(short, 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert kinds(findings) == [("telemetry gap", "")]
    long = samples(times[(times < 40) | (times > 60)], power=300.0)
    energy, findings = meter_energy(long, 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("telemetry gap", "energy")]
    assert "look why the meter was silent" in findings[0].message


def test_a_silent_meter_is_not_told_to_be_slow():
    """An exporter that is gone for most of a window: a shorter interval would not help it."""
    times = np.arange(0, 101, 0.3)
    energy, findings = meter_energy(
        samples(times[(times < 20) | (times > 95)], power=300.0), 15, 95
    )
    assert np.isnan(energy)
    assert kinds(findings) == [("telemetry gap", "energy")]


def test_a_slow_meter_is_not_told_to_be_silent():
    """One that repeats its reading for 30 s, and whose delay was found where it had none left."""
    times = np.arange(0, 101.0)
    slow = samples(times[times < 70])
    slow["power_w"] = 300.0 + times[times < 70] // 30
    energy, findings = meter_energy(slow, 15, 95)
    assert np.isnan(energy)
    assert ("stale", "energy") in kinds(findings)
    assert not any("silent" in finding.message for finding in findings)


def test_counter_survives_a_gap_inside_the_window_but_not_at_its_edge():
    times = np.arange(0, 101.0)
    times = times[(times < 40) | (times > 60)]
    counted = samples(times, energy=300 * times)
    assert meter_energy(counted, 5, 95)[0] == pytest.approx(300 * 90)
    assert np.isnan(meter_energy(counted, 5, 50)[0])


def test_meter_that_stops_or_starts_inside_the_window_is_refused():
    stopped = samples(np.arange(0, 50.0), power=300.0)
    assert np.isnan(meter_energy(stopped, 5, 95)[0])
    assert np.isnan(meter_energy(stopped, 60, 95)[0])


def test_counter_that_contradicts_power_is_refused():
    times = np.arange(0, 101.0)
    stuck = samples(times, power=300.0, energy=5.0)
    energy, findings = meter_energy(stuck, 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("counter against power", "energy")]


def test_counter_that_was_reset_falls_back_to_power():
    times = np.arange(0, 101.0)
    reset = samples(times, power=300.0, energy=300 * np.where(times < 50, times, times - 50))
    energy, findings = meter_energy(reset, 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert kinds(findings) == [("counter reset", "")]
    assert np.isnan(meter_energy(reset.assign(power_w=np.nan), 5, 95)[0])


@pytest.mark.parametrize("reset", [2, 5, 95, 99])
def test_counter_that_was_reset_outside_of_the_window_counts(reset):
    times = np.arange(0, 101.0)
    counts = 300 * np.where(times < reset, 1000 + times, times)
    energy, findings = meter_energy(samples(times, energy=counts), 5, 94)
    assert energy == pytest.approx(300 * 89)
    assert findings == []


def eight(missing=()):
    times = np.arange(0, 101.0)
    return pd.concat(
        [samples(times, 300.0, meter=f"gpu {n}") for n in range(8) if n not in missing]
    )


def test_eight_gpus_add_up_and_a_missing_one_refuses_the_energy():
    assert total_energy(eight(), 5, 95, 8)[0] == pytest.approx(8 * 300 * 90)
    for expected in (8, [f"gpu {n}" for n in range(8)]):
        energy, findings = total_energy(eight(missing=[3]), 5, 95, expected)
        assert np.isnan(energy)
        assert kinds(findings) == [("meter missing", "energy")]
    assert "gpu 3" in findings[0].message


def test_gpu_that_falls_silent_refuses_the_sum():
    times = np.arange(0, 40.0)
    falling = pd.concat([eight(missing=[3]), samples(times, 300.0, meter="gpu 3")])
    assert np.isnan(total_energy(falling, 5, 95, 8)[0])


def test_only_the_gpus_of_the_endpoint_are_charged():
    assert total_energy(eight(), 5, 95, ["gpu 0", "gpu 1"])[0] == pytest.approx(2 * 300 * 90)
    energy, findings = total_energy(eight(), 5, 95, 4)
    assert np.isnan(energy)
    assert kinds(findings) == [("meters not told apart", "energy")]


def test_no_meter_is_not_zero():
    energy, findings = total_energy(samples([], power=0.0), 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("telemetry", "energy")]


def test_gpus_that_others_use_are_reported():
    times = np.arange(0, 100.0)
    window = (20.0, 90.0)
    busy = samples(times, power=300.0, utilisation=0.4)
    assert kinds(check_idle(busy, 10.0, window, "gpu")) == [("shared", "")]
    idle = samples(times, power=300.0, utilisation=np.where(times < 10, 0.0, 0.97))
    assert check_idle(idle, 10.0, window, "gpu") == []
    unknown = samples(times, power=np.where(times < 10, 500.0, 600.0))
    assert kinds(check_idle(unknown, 10.0, window, "gpu")) == [("shared", "")]
    rested = samples(times, power=np.where(times < 10, 500.0, 2500.0), meter="node")
    assert check_idle(rested, 10.0, window, "node") == []


def test_readings_at_the_first_request_tell_of_it_and_not_of_another_job():
    """AIPerf reads once seconds before and then from the first request on, whose power comes late
    by part of a second: corrected for it, loaded readings stand before the request.
    """
    times = np.array([0.8, 9.5, 9.8, 10.1, 10.5, 20.0, 30.0])
    seen = samples(times, power=600.0, utilisation=np.where(times < 9.6, 0.0, 1.0))
    assert check_idle(seen, 10.0, (20.0, 30.0), "gpu") == []
    others = samples(times, power=600.0, utilisation=1.0)
    assert kinds(check_idle(others, 10.0, (20.0, 30.0), "gpu")) == [("shared", "")]


def test_a_node_that_draws_most_of_its_power_at_rest_is_no_shared_one():
    """One request at once hardly loads it; a reading of zero is none."""
    times = np.arange(0, 100.0)
    power = np.where(times < 10, 2000.0, 2500.0)
    power[[3, 50]] = 0
    (remark,) = check_idle(samples(times, power, meter="node"), 10.0, (20.0, 90.0), "node")
    assert remark[:2] == ("at rest", "")
    assert remark.message.startswith("2000 W before the first request against 2500 W under load")


def test_telemetry_is_read_in_joules_from_the_named_exporter_only():
    line = {
        "timestamp_ns": 1_000_000_000,
        "gpu_index": 0,
        "hostname": "node",
        "platform": "nvidia",
        "telemetry_source_url": "http://a/metrics",
        "telemetry_data": {
            "nvidia_power_usage": 300.0,
            "nvidia_energy_consumption": 2.5,
            "nvidia_sm_clock": 1755.0,
        },
    }
    other = line | {"telemetry_source_url": "http://b/metrics"}
    read = telemetry_samples([line, other], {"http://a/metrics"})
    assert len(read) == 1
    assert read.loc[0, "energy_j"] == 2.5e6
    assert read.loc[0, "meter"] == "gpu 0"
    assert read.loc[0, "clock_mhz"] == 1755
    assert telemetry_samples([]).empty
    assert telemetry_samples([]).dtypes[NUMBERS].eq(float).all()


def test_gpus_of_one_number_and_host_are_told_apart_by_their_uuid():
    """An exporter for each GPU, each of which sees its own as number 0; one asked by two names."""
    line = {
        "timestamp_ns": 1_000_000_000,
        "gpu_index": 0,
        "gpu_uuid": "GPU-a",
        "hostname": "node",
        "platform": "nvidia",
        "telemetry_source_url": "http://a:9400/metrics",
        "telemetry_data": {"nvidia_power_usage": 300.0},
    }
    again = line | {"telemetry_source_url": "http://localhost:9400/metrics"}
    assert set(telemetry_samples([line, again])["meter"]) == {"gpu 0"}
    other = line | {"gpu_uuid": "GPU-b", "telemetry_source_url": "http://a:9401/metrics"}
    read = telemetry_samples([line, again, other])
    assert set(read["meter"]) == {"gpu 0 GPU-a", "gpu 0 GPU-b"}


def test_gpu_that_reads_zero_under_load_is_not_measured():
    times = np.arange(0, 101.0)
    dead = pd.concat([eight(missing=[3]), samples(times, power=0.0, meter="gpu 3")])
    energy, findings = total_energy(dead, 5, 95, 8)
    assert np.isnan(energy)
    assert kinds(findings) == [("dead meter", "energy")]
    assert "gpu 3: reads 0 W" in findings[0].message
    assert "leave it out where it carries no load" in findings[0].message


def test_counter_that_stands_still_under_load_is_not_measured():
    still = samples(np.arange(0, 101.0), energy=5e6)
    energy, findings = meter_energy(still, 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("dead meter", "energy")]


def test_counter_that_stands_still_beside_power_has_a_remedy():
    """It may be dead, or count whole kWh, of which a test takes a part."""
    energy, (finding,) = meter_energy(samples(np.arange(0, 101.0), 300.0, 4321 * 3.6e6), 5, 95)
    assert np.isnan(energy)
    assert (finding.kind, finding.refuses) == ("counter against power", "energy")
    assert "its counter stands still" in finding.message
    assert "leave it out" in finding.message


@pytest.mark.parametrize("counted", [0.0, 5e6])
@pytest.mark.parametrize("every", [5.0, 30.0, np.inf])
def test_counter_that_stands_still_counts_nothing_where_power_is_stale(every, counted):
    """Of an exporter that hangs, or refreshes too seldom, neither tells the energy."""
    times = np.arange(0, 101.0)
    held = np.minimum(times, 50) if every == np.inf else times - times % every
    stale = samples(times, energy=counted)
    stale["power_w"] = 300.0 + held
    start, end = (55, 95) if every == np.inf else (5, 95)
    energy, findings = meter_energy(stale, start, end)
    assert np.isnan(energy)
    assert kinds(findings) == [("stale", "energy"), ("dead meter", "energy")]


def test_counter_counts_where_power_reads_zero():
    times = np.arange(0, 101.0)
    energy, findings = meter_energy(samples(times, power=0.0, energy=300 * times), 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert kinds(findings) == [("dead meter", "")]


def test_a_zero_among_readings_is_a_missing_one():
    times = np.arange(0, 101.0)
    energy, findings = meter_energy(samples(times, np.where(times == 50, 0.0, 300.0)), 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert findings == []


def test_a_zero_is_no_idle_power():
    times = np.arange(0.0, 60.0)
    power = np.where(times % 7, 300.0, 0.0)
    starts, ends = pd.Series([100.0]), pd.Series([110.0])
    assert idle_power(samples(times, power=power), starts, ends) == pytest.approx(300)
    assert np.isnan(idle_power(samples(times, power=0.0), starts, ends))


def test_a_power_at_idle_is_one_over_time():
    """By hand: half of the time at 100 W, read three times as often as that at 300 W."""
    times = np.concatenate(
        [np.arange(0, 60, 1.0), np.arange(60, 120, 3.0), np.arange(120, 130, 1.0)]
    )
    power = np.where(times < 60, 100.0, np.where(times < 120, 300.0, 600.0))
    starts, ends = pd.Series([120.0]), pd.Series([130.0])
    told = idle_power(samples(times, power=power), starts, ends)
    assert told == pytest.approx(200, rel=0.01)
    assert power[times < 118].mean() == 150


def test_readings_at_a_request_are_not_idle_ones():
    """One that stands just before it, corrected for the meter's delay, may be of its load."""
    times = np.array([50.0, 60.0, 70.0, 99.2, 99.6, 100.2, 105.0])
    seen = samples(times, power=[120.0, 120.0, 120.0, 300.0, 450.0, 600.0, 600.0])
    starts, ends = pd.Series([100.0]), pd.Series([110.0])
    assert idle_power(seen, starts, ends) == pytest.approx(120)


@pytest.mark.parametrize("every", [1, 7])
def test_a_meter_that_only_counts_has_an_idle_power(every):
    """No mean counts that holds load, or the seconds after it."""
    seconds = np.arange(0.0, 301.0)
    power = np.where((seconds >= 100) & (seconds < 200), 700.0, 100.0)
    counts = np.cumsum(power)
    seen = samples(seconds[::every], energy=counts[::every])
    starts, ends = pd.Series([100.0]), pd.Series([200.0])
    assert idle_power(seen, starts, ends) == pytest.approx(100)
    (remark,) = check_idle(samples(seconds, energy=300 * seconds), 100.0, (110.0, 190.0), "gpu")
    assert remark.message.startswith("300 W before the first request against 300 W under load")


@pytest.mark.parametrize("idle", [2400.0, 3000.0, 3500.0])
def test_idle_power_of_a_counter_in_whole_watt_hours_is_that_of_its_time(idle):
    """Steps of 3.6 kJ are a second long, or two: those of two are as many watts for as long."""
    times = NOON + np.arange(0.0, 400.0)
    power = np.where((times > NOON + 150) & (times <= NOON + 250), 6000.0, idle)
    counts = np.floor(np.cumsum(power) / 3600) * 3600
    starts, ends = pd.Series([NOON + 150.0]), pd.Series([NOON + 250.0])
    seen = samples(times, energy=counts, meter="node")
    assert idle_power(seen, starts, ends) == pytest.approx(idle, rel=0.02)


def test_a_count_that_was_there_before_the_first_reading_is_no_jump_of_power():
    """A Prometheus that scrapes every 15 s, asked for every second from the middle of a scrape."""
    seconds = np.arange(14.0, 301.0)
    counts = 100.0 * (seconds - seconds % 15)
    seen = samples(seconds, energy=counts)
    starts, ends = pd.Series([200.0]), pd.Series([300.0])
    assert idle_power(seen, starts, ends) == pytest.approx(100)
    assert told_power(seen)["power_w"].max() == pytest.approx(100)


def test_one_missing_reading_refuses_nothing():
    times = np.arange(0, 201.0)
    for missing in (100, 5, 195):
        hole = np.where(times == missing, np.nan, 1.0)
        assert meter_energy(samples(times, 300 * hole), 5, 195)[0] == pytest.approx(300 * 190)
        counted = samples(times, energy=300 * times * hole)
        assert meter_energy(counted, 5, 195)[0] == pytest.approx(300 * 190)


def staircase(times, every, power):
    """What a meter shows that renews its reading only every so often."""
    held = np.floor(np.asarray(times) / every) * every
    return power(held)


@pytest.mark.parametrize("every", [5.0, 30.0])
def test_stale_telemetry_is_refused_with_its_true_refresh(every):
    times = np.arange(-60, 121.0)
    loaded = staircase(times, every, lambda t: np.where((t >= 0) & (t < 100), 700.0, 100.0) + t)
    frame = samples(times)
    frame["power_w"] = loaded
    energy, findings = meter_energy(frame, 5, 65)
    assert np.isnan(energy)
    assert kinds(findings) == [("stale", "energy")]
    assert f"a new one every {every:g} s" in findings[0].message
    assert f"set the window to {22 * every:.0f} s" in findings[0].message
    assert "DCGM_EXPORTER_INTERVAL=1000" in findings[0].message
    counted = samples(times, energy=staircase(times + 60, every, lambda t: 500.0 * t))
    assert kinds(meter_energy(counted, 5, 65)[1]) == [("stale", "energy")]


def test_stale_telemetry_without_its_repeats_is_told_like_one_with_them():
    """AIPerf writes a reading down once, however often an exporter repeats it."""
    frame = samples(np.arange(-60, 70.0, 30.0), 500.0 + np.arange(5))
    energy, findings = meter_energy(frame, 10, 70)
    assert np.isnan(energy)
    stale = next(finding for finding in findings if finding.kind == "stale")
    assert "a new one every 30 s; 20 are needed" in stale.message
    assert "DCGM_EXPORTER_INTERVAL=1000" in stale.message
    assert "too little" not in "".join(finding.message for finding in findings)


def test_a_window_between_two_readings_of_a_stale_meter_is_told_why():
    """One that was silent, not slow, is looked after."""
    frame = samples(np.arange(-60, 10.0, 30.0), 500.0 + np.arange(3))
    energy, (finding,) = meter_energy(frame, 5, 25)
    assert np.isnan(energy)
    assert (finding.kind, finding.refuses) == ("stale", "energy")
    assert "0 fresh readings in the window of 20 s, a new one every 30 s" in finding.message
    assert "DCGM_EXPORTER_INTERVAL=1000" in finding.message
    gone = samples(np.arange(-60, 1.0), 500.0 + np.arange(61))
    assert meter_energy(gone, 5, 65)[1][0].message == "gpu 0: no samples in the window"


def test_coarse_counter_of_a_long_window_is_exact():
    # 0.01 kWh a step at 7.2 kW: a step every 5 s
    times = np.arange(0, 801.0)
    counted = samples(times, energy=np.floor(7200 * times / 36e3) * 36e3)
    energy, findings = meter_energy(counted, 100.3, 700.7)
    assert energy == pytest.approx(7200 * 600.4, rel=2e-3)
    assert findings == []


def test_irregular_sampling_with_a_counter_is_fine():
    random = np.random.default_rng(4)
    times = np.cumsum(random.exponential(1.0, 400))
    energy, findings = meter_energy(samples(times, energy=300 * times), 20, 320)
    assert energy == pytest.approx(300 * 300)
    assert findings == []


@pytest.mark.parametrize("seed", range(8))
def test_a_counter_that_is_read_in_bursts_counts_where_its_power_is_steady(seed):
    """Every 0.2 s or after 4 s, which is more than a twentieth of a minute."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.choice([0.2, 4.0], 200, p=[0.8, 0.2]))
    counts = 600 * times + 30 * np.sin(times)
    energy, findings = meter_energy(samples(times, energy=counts), 20, 80)
    assert energy == pytest.approx(600 * 60, rel=5e-3)
    assert findings == []


def test_a_counter_without_a_reading_near_an_edge_says_so():
    """Four seconds without one, in half of which another load ran, or eight."""
    times = np.arange(0, 101.0)
    counts = np.where(times < 20, 100 * times, 600 * times - 10_000)
    for last in (22, 26):
        few = samples(times, energy=counts)[(times <= 18) | (times >= last)]
        energy, findings = meter_energy(few, 20, 80)
        assert np.isnan(energy)
        assert kinds(findings) == [("telemetry gap", "energy")]
        assert f"no count for {last - 18} s around the window's start" in findings[0].message
        assert "too little" not in findings[0].message


def test_samples_that_are_a_little_out_of_order_are_no_reset():
    times = np.arange(0, 101.0)
    swapped = times.copy()
    swapped[51] = times[50] - 0.021
    late = samples(swapped, energy=300 * times)
    energy, findings = meter_energy(late, 5, 95)
    assert energy == pytest.approx(300 * 90, rel=1e-3)
    assert findings == []


@pytest.mark.parametrize("swap", [(98, 99, 100), (40, 41, 42), (0, 1)])
def test_samples_out_of_order_at_any_place_and_in_a_row_are_no_reset(swap):
    # ten samples a second, stamped up to 0.2 s out of order
    times = np.arange(0, 101.0) / 10
    swapped = times.copy()
    swapped[list(swap)] = times[list(swap)][::-1]
    energy, findings = meter_energy(samples(swapped, energy=300 * times), 0.5, 9.5)
    assert energy == pytest.approx(300 * 9, rel=0.02)
    assert findings == []


def test_an_exporter_under_two_addresses_that_names_no_host_counts_once():
    """DCGM's --no-hostname leaves the address alone to tell hosts apart."""
    line = {
        "timestamp_ns": 1_800_000_000_000_000_000,
        "gpu_index": 0,
        "gpu_uuid": "GPU-a",
        "telemetry_source_url": "http://localhost:9400/metrics",
        "telemetry_data": {"nvidia_power_usage": 300.0},
    }
    again = line | {"telemetry_source_url": "http://127.0.0.1:9400/metrics"}
    assert set(telemetry_samples([line, again])["meter"]) == {"gpu 0"}
    other = again | {"gpu_uuid": "GPU-b"}
    assert telemetry_samples([line, other])["meter"].nunique() == 2
    unnamed = [one | {"gpu_uuid": None} for one in (line, again)]
    assert telemetry_samples(unnamed)["meter"].nunique() == 2


def test_telemetry_of_amd_has_names_of_its_own():
    line = {
        "timestamp_ns": 1_000_000_000,
        "gpu_index": 3,
        "hostname": "node",
        "platform": "amd",
        "telemetry_source_url": "amdsmi://localhost",
        "telemetry_data": {"amd_power": 650.0, "amd_gfx_activity": 98.0, "amd_memory_used": 190.0},
    }
    read = telemetry_samples([line]).iloc[0]
    assert (read["power_w"], read["utilisation"], read["memory_gb"]) == (650, 0.98, 190)
