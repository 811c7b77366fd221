"""What a meter gives in a run without measuring."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from inference_energy.meters.stuck import hanging, no_answers, repeats, standing
from library.meters.files import NOON, read

SECONDS = np.arange(3600.0)
RANDOM = np.random.default_rng(9)
LOAD = np.sin(SECONDS / 200) > 0
NODE = (3000 + 3500 * LOAD + RANDOM.normal(0, 20, 3600)).round(1)
"""A node at idle and at work. [W]"""

GPU = (70 + 530 * LOAD + RANDOM.normal(0, 5, 3600)).round(2)
COUNTS = 1e9 + NODE.cumsum()


def log(scope="node", repeats=False, **meters):
    """Readings of meters once a second, as of a log."""
    parts = [
        pd.DataFrame({"time_s": SECONDS, "meter": meter, "power_w": power, "energy_j": np.nan})
        for meter, power in meters.items()
    ]
    readings = pd.concat(parts, ignore_index=True)
    readings.attrs = {"scope": scope, "repeats": repeats}
    return readings


def mean(readings, start=0, end=3599):
    """Mean power of all meters. [W]"""
    return mean_powers(readings, start, end).sum()


def where(power, places, value):
    return np.where(places, value, power)


@pytest.mark.parametrize(
    ("share", "value", "told"),
    [(0.2, 0, "reads 0 W in"), (0.5, 0, "reads 0 W in"), (0.3, 25.5, r"reads 25\.5 W in")],
)
def test_what_a_node_never_reads_is_no_power(share, value, told):
    """Averaged in, they made 3,856, 2,464 and 3,433 W of 4,832 W."""
    lost = np.random.default_rng(7).random(3600) < share
    with pytest.raises(InputError, match=f"^meter a: {told}") as caught:
        mean(log(a=where(NODE, lost, value)))
    text = str(caught.value)
    assert f"first at {np.argmax(lost)} s, and up to 65" in text
    assert "the highest is at most 30 times the lowest" in text
    assert "leave the rows out in which the sensor did not answer" in text
    # without these rows
    if share < 0.3:
        assert mean(log(a=NODE)[~lost]) == pytest.approx(NODE.mean(), rel=0.01)
    # beside the run they do not count
    assert mean(log(a=where(NODE, SECONDS < 100, value)), 100) > 4000


@pytest.mark.parametrize("places", [SECONDS == 1800, SECONDS < 600, SECONDS >= 0])
def test_a_gpu_never_reads_zero(places):
    gpus = {"gpu 0": GPU, "gpu 1": where(GPU[::-1], places, 0)}
    with pytest.raises(InputError, match=r"^meter gpu 1: reads 0 W in"):
        mean(log("gpu", **gpus))


@pytest.mark.parametrize(("scope", "most", "none"), [("gpu", 650, 0.01), ("node", 900, 0.1)])
def test_what_draws_next_to_nothing_between_others_does_not_answer(scope, most, none):
    """Half of the readings so made 329 and 435 W, in silence."""
    random = np.random.default_rng(3)
    power = random.normal(most, 8, 3600).round(2)
    lost = where(power, random.random(3600) < 0.5, none)
    with pytest.raises(InputError, match=f"^meter a: reads {none} W in"):
        mean(log(scope, a=lost))
    # the lowest of honest GPUs, and a chip's part that is dark
    for idle, work in ((12, 72), (10, 450), (0.6, 115), (0.04, 30)):
        card = where(power * work / most, ~LOAD, idle)
        assert mean(log("gpu", a=card)) == pytest.approx(card.mean(), rel=0.01)


def test_a_supply_on_standby_and_a_coarse_meter_read_zero():
    standby = {"a": NODE, "b": where(NODE, ~LOAD, 0)}
    assert mean(log(**standby)) == pytest.approx(sum(p.mean() for p in standby.values()), rel=2e-3)
    assert mean(log(a=NODE, b=np.zeros(3600))) == pytest.approx(NODE.mean(), rel=1e-3)
    # a reading between others is no standby
    with pytest.raises(InputError, match=r"^meter b: reads 0 W in 0.0 %"):
        mean(log(a=NODE, b=where(NODE, SECONDS == 70, 0)))
    # half a kilowatt may read as zero
    for watts, unit in ((NODE / 10, 1000), (2 * NODE, 1000), (NODE / 60, 10)):
        coarse = (watts / unit).round() * unit
        assert mean(log(a=coarse)) == pytest.approx(coarse.mean(), rel=0.01)
    # a card of some watts at idle, and a computer that sleeps
    for idle in (0.0, 1.2, 8.0):
        card = where(GPU, ~LOAD, idle)
        assert mean(log(a=card)) == pytest.approx(card.mean(), rel=0.01)
    sure = no_answers(SECONDS[:4], np.array([9e4, 0, 2900, 9e4]), True, "node", 1.0)
    assert sure.tolist() == [False, True, True, False]


@pytest.mark.parametrize("places", [SECONDS % 10 < 5, (SECONDS > 900) & (SECONDS < 1800)])
def test_a_node_that_reads_zero_while_the_other_works_on_is_no_supply_on_standby(places):
    """It made 9,751 and 9,519 W of 13,000 W."""
    one, two = np.random.default_rng(5).normal(6500, 60, (2, 3600)).round()
    with pytest.raises(InputError, match=r"^meter b: reads 0 W in .* read as before") as told:
        mean(log(a=one, b=where(two, places, 0)))
    assert "did not take over its load; allowed are powers above zero" in str(told.value)
    # the other takes its load over, or a node beside does nothing
    taken = log(a=where(one, places, one + two), b=where(two, places, 0))
    assert mean(taken) == pytest.approx((one + two).mean(), rel=0.01)
    assert mean(log(a=one, b=where(two / 5, places, 0))) > 6500


@pytest.mark.parametrize(
    ("power", "scope"),
    [(NODE, "node"), (NODE.round(), "node"), (GPU, "gpu"), (GPU.round(1), "gpu")],
)
@pytest.mark.parametrize("last", [3600, 2100])
def test_a_power_that_stays_the_same_at_work_hangs(power, scope, last):
    """35 minutes of one reading made 5,890 W of 4,832 W."""
    hung = where(power, (SECONDS >= 1500) & (last > SECONDS), power[1500])
    with pytest.raises(InputError, match=r"^meter a: reads .* W to the last digit") as caught:
        mean(log(scope, a=hung))
    assert f"reads {power[1500]:g} W to the last digit from 1500 to {last - 1} s" in str(
        caught.value
    )
    assert "allowed are so for at most 5 % of the run" in str(caught.value)
    # not in the run, or for less of it than may be missing
    assert mean(log(scope, a=hung), 0, 1490) > 0
    brief = where(power, (SECONDS >= 1500) & (SECONDS < 1650), power[1500])
    assert mean(log(scope, a=brief)) == pytest.approx(power.mean(), rel=0.01)
    # of a run in which it never varies, the rest of the log tells
    with pytest.raises(InputError, match="to the last digit from 1500"):
        mean(log(scope, a=hung), 1600, 2000)


def test_a_power_that_hangs_where_none_else_was_near_is_told_by_those_at_work():
    """On its way from idle to work it hung, and made 407 W of 650 W in silence."""
    random = np.random.default_rng(1)
    power = np.where(SECONDS < 60, random.normal(110, 1, 3600), random.normal(650, 8, 3600))
    hung = where(power.round(2), (SECONDS >= 60) & (SECONDS < 3400), 401.37)
    with pytest.raises(InputError, match=r"reads 401\.37 W to the last digit from 60 to 3399 s"):
        mean(log("gpu", a=hung))
    # a level of no noise, of a meter of whole watts
    assert mean(log("gpu", a=hung.round())) < 450


def started(full, idle, noise, digits):
    """A minute of idle, half a minute of rise, and work: of twelve minutes, once a second. [W]"""
    random = np.random.default_rng(5)
    at = np.arange(720.0)
    rises = idle + (full - idle) * ((at - 60) / 30).clip(0, 1)
    works = np.where(at < 90, 0, 0.03 * full * np.sin(at / 37))
    return (rises + works + random.normal(0, np.where(at < 60, 6, noise))).round(digits)


@pytest.mark.parametrize(
    ("digits", "value", "first", "after"),
    [
        (0, 3900, 75, 480),
        (0, 3900, 75, 300),
        (0, 3100, 75, 480),
        (0, 4200, 75, 660),
        (1, 3912.3, 75, 480),
        (0, 3900, 75, 720),  # of a log that has no work
    ],
)
def test_a_node_that_hangs_between_idle_and_work_is_told_by_its_noise_at_idle(
    digits, value, first, after
):
    """It made 4,665 W of 6,400 W in silence, and 3,900 W of a run that lies in it."""
    power = started(6500, 1900, 40, digits)
    at = SECONDS[:720]
    hung = log(a=SECONDS).head(720)
    hung["power_w"] = where(power, (at >= first) & (at < after), value)
    hung.attrs = {"scope": "node", "repeats": False}
    with pytest.raises(InputError, match=rf"reads {value} W to the last digit from {first} to"):
        mean(hung, 60, 660)
    with pytest.raises(InputError, match=rf"reads {value} W to the last digit from {first} to"):
        mean(hung, first + 25, min(after, 700))
    # a level that comes again, and one of a meter that tells steady powers at idle
    hung["power_w"] = where(power, at // 100 % 2 == 1, value)
    assert mean(hung, 60, 660) < 6400
    hung["power_w"] = where(where(power, at < 65, 1900), (at >= first) & (at < after), value)
    assert mean(hung, 60, 660) < 6400


@pytest.mark.parametrize("which", [{"c"}, set("abcd")])
def test_gpus_that_hang_on_their_way_to_work_are_told(which):
    """An exporter that hung made 3,155 W of 5,200 W of eight, and one of them 4,830 W."""
    parts = []
    for place, name in enumerate("abcd"):
        power = started(650, 75, 8, 2)
        if name in which:
            power[72:500] = 300.41 + place
        parts.append(log("gpu", **{name: SECONDS}).head(720).assign(power_w=power))
    hung = pd.concat(parts, ignore_index=True)
    hung.attrs = {"scope": "gpu", "repeats": False}
    with pytest.raises(InputError) as caught:
        mean(hung, 60, 660)
    told = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in told] == [f"meter {name}" for name in sorted(which)]


def test_a_node_that_hangs_at_more_than_half_of_its_most_does_not_idle():
    """With no reading below, it made 4,083 W of 6,500 W."""
    steady = np.random.default_rng(5).normal(6500, 60, 3600).round(1)
    places = (SECONDS >= 500) & (SECONDS < 3400)
    with pytest.raises(InputError, match=r"reads 3912\.3 W to the last digit from 500 to 3399 s"):
        mean(log(a=where(steady, places, 3912.3)))
    # less, whole watts and a plug of few watts may idle so
    for power in (
        where(steady, places, 3012.3),
        where(steady.round(), places, 3912),
        where((steady / 20).round(2), places, 195.61),
    ):
        assert mean(log(a=power)) == pytest.approx(power.mean(), rel=0.01)


def test_a_gpu_that_waits_with_a_model_or_at_its_limit_may_read_the_same():
    sleeps = np.random.default_rng(3).normal(15, 0.2, 3600)
    for value in (120.12, 95.5):
        waits = np.where(SECONDS < 100, sleeps, np.where(SECONDS < 1500, value, GPU)).round(2)
        assert mean(log("gpu", a=waits)) == pytest.approx(waits.mean(), rel=0.01)
    limited = np.where(SECONDS < 100, sleeps, 700.0).round(2)
    assert mean(log("gpu", a=limited)) == pytest.approx(limited.mean(), rel=0.01)


@pytest.mark.parametrize(
    "power",
    [
        where(GPU, ~LOAD, 70.12),  # a GPU that reads one power at idle, and one that is idle long
        where(GPU, (SECONDS > 200) & (SECONDS < 3200), 25.5),
        3000 + 3500.0 * LOAD,  # loads of no noise
        np.full(3600, 500.0),
        (NODE / 10).round() * 10,
        (NODE / 16).round() * 16,
        (NODE / 100).round() * 100,
        (NODE / 1000).round() * 1000,
        GPU.round(),
        NODE[SECONDS.astype(int) // 30 * 30],  # what an exporter keeps for half a minute
        GPU[SECONDS.astype(int) // 5 * 5],
    ],
)
def test_an_honest_meter_that_reads_the_same_is_read(power):
    for scope in ("gpu", "node"):
        assert mean(log(scope, a=power)) == pytest.approx(power.mean(), rel=0.01)


def test_one_power_of_a_log_that_stands_for_several_readings_does_not_hang(tmp_path):
    hung = where(NODE, SECONDS >= 1500, NODE[1500])
    assert mean(log(repeats=True, a=hung)) == pytest.approx(hung.mean(), rel=0.01)
    held = "entity_id,state,last_changed\n" + "".join(
        f"sensor.node_power,512.5,2026-01-31T12:00:0{second}Z\n" for second in range(3)
    )
    with pytest.warns(UserWarning, match="states no unit"):
        assert read(tmp_path, held).attrs["repeats"]
    window = f"start_time,window_name,elapsed_time,gpu0_energy\n{NOON},a,10.0,5000\n"
    assert read(tmp_path, window, "gpu").attrs == {"scope": "gpu", "repeats": True}
    table = f"time,power_w\n{NOON},500\n{NOON + 1},501\n"
    assert read(tmp_path, table).attrs == {"scope": "node", "repeats": False}


def counter(counts):
    return pd.DataFrame({"time_s": SECONDS, "meter": "a", "power_w": np.nan, "energy_j": counts})


@pytest.mark.parametrize("last", [2400, 3599])
def test_a_counter_that_stands_still_at_work_hangs(last):
    """Frozen for 20 minutes, from which it went on: 3,221 W of 4,832 W."""
    power = where(NODE, (SECONDS > 1200) & (last >= SECONDS), 0)
    with pytest.raises(InputError, match=r"^meter a: its counter stands still from 1200") as caught:
        mean(counter(power.cumsum()))
    assert f" to {last} s, and is not ahead after it" in str(caught.value)


def test_a_counter_that_is_late_or_coarse_does_not_hang():
    late = COUNTS.copy()
    late[1200:2400] = late[1200]
    assert mean(counter(late)) == pytest.approx(NODE.mean(), rel=0.01)
    kept = COUNTS[SECONDS.astype(int) // 240 * 240]
    assert standing(SECONDS, kept) is None
    for unit in (1e3, 3.6e4, 3.6e5):
        coarse = np.floor(COUNTS / unit) * unit
        assert mean(counter(coarse)) == pytest.approx(NODE.mean(), rel=0.05)
    # at idle a card takes long for a step
    card = np.where(LOAD, 400.0, 20.0)
    assert standing(SECONDS, np.floor(card.cumsum() / 3600) * 3600) is None


def test_what_chance_repeats_is_not_told():
    values = np.array([5.0, 5, 7, 7, 7, 8])
    found = repeats(values)
    assert found.first.tolist() == [0, 2, 5] and found.last.tolist() == [1, 4, 5]
    # by hand: ln(6 x 0.4) / ln(1 / 0.6)
    assert found.by_chance == pytest.approx(np.log(2.4) / np.log(5 / 3))
    assert repeats(np.arange(4.0)).by_chance == np.inf
    assert repeats(np.array([500.0, 500, 501])).by_chance == np.inf
    assert hanging(SECONDS[:6], values, 0, 5) is None
