"""What the readers of power logs share."""

import re
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.meters import common
from inference_energy.meters.common import (
    ENERGY_UNITS,
    LEAST,
    LIKELY,
    POWER_UNITS,
    UNIT_NAMES,
    Samples,
    seconds,
    totals,
)
from library.meters.files import DMON, NOON, read, refusal, table


def test_times_in_a_zone_and_without_one():
    assert seconds("2026-01-31T13:00:00+01:00") == NOON
    assert seconds("2026-01-31 13:00:00", "Europe/Berlin") == NOON
    assert seconds("31.01.2026 12:00:00", "UTC") == NOON
    assert seconds("01.02.2026 12:00:00", "UTC") == NOON + 86400
    assert seconds("01/31/2026 12:00:00", "UTC") == NOON
    for factor in (1, 1e3, 1e6, 1e9):
        assert seconds(f"{factor * NOON:.0f}") == pytest.approx(NOON)
    for bad in ("12", "12:00:00", "12:00:00.5 PM", "later", "nan", "inf", "-1769860800"):
        with pytest.raises(ValueError, match="ISO 8601"):
            seconds(bad)


BACK = 1_792_890_000.0
"""2026-10-25T01:00Z, when clocks in Berlin go back from three to two."""


@pytest.mark.parametrize("form", ["%Y/%m/%d %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", None])
@pytest.mark.parametrize("order", [1, -1])
def test_an_hour_that_comes_twice_is_read_twice(form, zone, order, tmp_path, monkeypatch):
    """A load of that hour was read at 0.6 of its power: as much of the other one lay between."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    times = np.arange(BACK - 4500.0, BACK + 4500.0, 90)[::order]
    local = pd.to_datetime(times, unit="s", utc=True).tz_convert("Europe/Berlin").strftime(form)
    rows = [
        f"{text},{meter},{500 + n + (meter == 'b')}"
        for n, text in enumerate(local)
        for meter in "ab"
    ]
    log = read(tmp_path, "time,meter,power_w\n" + "\n".join(rows) + "\n", zone=zone)
    monkeypatch.undo()
    time.tzset()
    for meter in "ab":
        assert list(log.loc[log["meter"] == meter, "time_s"]) == sorted(times)


def test_an_hour_that_comes_twice_is_the_first_where_a_log_begins():
    assert seconds("2026-10-25 02:30:00", "Europe/Berlin") == BACK - 1800
    assert seconds("2026-10-25 02:30:00", "Europe/Berlin", BACK + 1700) == BACK + 1800


@given(
    st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2110-01-01")),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]),
    st.sampled_from(["", ".%f"]),
    st.sampled_from(["", "Z", "+05:30", "-08:00"]),
)
def test_plain_times_are_those_of_the_general_way(moment, form, fraction, zone):
    text = moment.strftime(form + fraction) + zone
    stamp = pd.Timestamp(text)
    expected = stamp.timestamp() if zone else stamp.to_pydatetime().timestamp()
    assert common.PLAIN.fullmatch(text)
    if common.FIRST <= expected <= common.LAST:
        assert seconds(text) == expected
    else:
        with pytest.raises(ValueError, match="ISO 8601"):
            seconds(text)


def test_a_day_that_does_not_exist_is_refused():
    for text in ("2026-02-30 12:00:00", "2026/13/01 12:00:00", "2026-01-31T25:00:00Z"):
        assert common.PLAIN.fullmatch(text)
        with pytest.raises(ValueError, match="ISO 8601"):
            seconds(text)


def test_a_reading_takes_little_memory():
    """A million of them, as many as are allowed, must fit beside the rest of the workflow."""
    count, samples = 20_000, Samples("log.csv", "", "gpu")
    tracemalloc.start()
    for line in range(count):
        samples.add(line, NOON + line, "gpu 0", power_w=400.0 + line % 97, utilisation=0.9)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / count < 100
    assert len(samples) == len(samples.frame()) == count


@pytest.mark.parametrize("text", ["05/03/2026 12:00:00", "5-3-2026 12:00", "05/03/2026 1:00 PM"])
def test_a_day_that_may_be_a_month_is_refused(text):
    with pytest.raises(ValueError, match=r"day or its month first: give ISO 8601"):
        seconds(text, "UTC")


def test_a_day_that_is_no_month_is_told_by_its_number():
    for text in ("31/01/2026 12:00", "01/31/2026 12:00", "31-1-2026 12:00", "1-31-2026 12:00"):
        assert seconds(text, "UTC") == NOON
    assert seconds("05/05/2026 12:00", "UTC") == seconds("2026-05-05 12:00", "UTC")
    for text in ("31/01/26 12:00", "26/01/31 12:00", "1-31-26"):
        with pytest.raises(ValueError, match="year in four digits"):
            seconds(text, "UTC")


def test_two_outlets_in_one_file_are_refused(tmp_path):
    both = [f"{NOON + n},{power}" for n in range(20) for power in (400 + n, 500 + n)]
    assert "reads 400 and 500 at one time (20 such times)" in refusal(tmp_path, table(*both))
    turns = [f"{NOON + n / 2},{(400, 500)[n % 2] + n % 3}" for n in range(40)]
    assert "in turn: two or more meters in one file" in refusal(tmp_path, table(*turns))
    supplies = [f"{NOON + n / 2},{(430, 450)[n % 2] + n % 3}" for n in range(40)]
    assert "in turn: two or more meters in one file" in refusal(tmp_path, table(*supplies))
    named = [f"{row},{'ab'[n % 2]}" for n, row in enumerate(both)]
    text = table(*named).replace("power_w", "power_w,meter")
    assert set(read(tmp_path, text)["meter"]) == {"a", "b"}
    again = table(*(f"{NOON + n // 2},{400 + n // 2}" for n in range(20)))
    assert len(read(tmp_path, again)) == 10


def test_a_second_that_holds_two_readings_of_a_named_meter_is_read(tmp_path):
    """A tool that reads once a second, and writes whole ones, is now and then late or early."""
    head = "\n".join(DMON.splitlines()[:2])
    moments = pd.to_datetime([NOON + (n if n != 20 else 19) for n in range(60)], unit="s")
    rows = [
        f" {moment:%Y%m%d}   {moment:%H:%M:%S}      {gpu}    {500 + n + gpu}     42      -     98"
        "     60   2619   1980"
        for n, moment in enumerate(moments)
        for gpu in (0, 1)
    ]
    log = read(tmp_path, "\n".join([head, *rows]) + "\n", "gpu")
    assert list(log.groupby("meter").size()) == [59, 59]
    # two files of one meter's name after the other, two of them beside each other, and no name
    after = [*rows, *(row.replace("    5", "    6") for row in rows[:6])]
    beside = [row for n, row in enumerate(rows) for row in [row, row.replace("    5", "    6")]]
    slow = [row for n, row in enumerate(rows) if n % 4 < 2 or n in (39, 41)]
    for several in (after, beside, slow):
        text = "\n".join([head, *several]) + "\n"
        assert "at one time" in refusal(tmp_path, text, "gpu")
    unnamed = table(*(f"{NOON + (n if n != 20 else 19)},{500 + n}" for n in range(60)))
    assert "or times to a part of a second" in refusal(tmp_path, unnamed)


def noisy(levels, noise, seed, follows=0.0):
    """Rows of a log of ten minutes, twice a second, of a load that comes and goes."""
    random, left, rows = np.random.default_rng(seed), 0.0, []
    for n in range(1200):
        left = follows * left + random.normal(0, noise)
        load = 1.0 if n % 160 < 120 else 0.4
        rows.append(f"{NOON + n / 2},{(levels[n % len(levels)] + left) * load:.1f}")
    return rows


@pytest.mark.parametrize("levels", [(400, 500), (430, 470)])
def test_two_outlets_are_told_apart_under_a_load_that_is_not_steady(tmp_path, levels):
    """Half of their difference is noise: of neighbours alone it hides which is which."""
    half = (levels[1] - levels[0]) / 2
    for seed in range(5):
        rows = noisy(levels, half, seed)
        assert "in turn: two or more meters in one file" in refusal(tmp_path, table(*rows))


@pytest.mark.parametrize(("noise", "follows"), [(3, 0), (60, 0), (60, 0.8), (60, -0.5)])
def test_one_outlet_under_a_load_that_is_not_steady_is_one(tmp_path, noise, follows):
    for seed in range(5):
        assert len(read(tmp_path, table(*noisy((900,), noise, seed, follows)))) == 1200


@pytest.mark.parametrize("every", [2, 3, 5, 7])
@pytest.mark.parametrize("noise", [0, 0.3, 3, 20])
def test_a_load_that_comes_and_goes_every_few_readings_is_of_one_meter(tmp_path, every, noise):
    """Eight GPUs that were busy and idle in turn were taken for two meters under each name."""
    random = np.random.default_rng(every)
    rows = [
        f"{NOON + n},g{gpu},{(700 if (n // every + gpu) % 2 else 72) + random.normal(0, noise):.1f}"
        for n in range(600)
        for gpu in range(3)
    ]
    text = table(*rows).replace("power_w", "meter,power_w")
    assert len(read(tmp_path, text, "gpu")) == 1800


def of_named(*readings):
    """A table of readings of meters that it names: time [s], meter, power [W]."""
    rows = [f"{NOON + after:.2f},{meter},{power}" for after, meter, power in readings]
    return table(*rows).replace("power_w", "meter,power_w")


def test_a_named_meter_that_takes_turns_is_told_what_helps_there(tmp_path):
    """A GPU busy in every second reading was told to have a column of meters, which it has."""
    busy = {0: 72, 1: 700}
    taken = [(n, f"g{gpu}", busy[(n + gpu) % 2] + n % 3) for n in range(60) for gpu in (0, 1)]
    said = refusal(tmp_path, of_named(*taken), "gpu")
    assert said.endswith(
        "meter.log: g0 reads 72 and 701 in turn, as two or more meters under one name do: give each"
        " a name of its own, as of host and GPU, or a file; of one meter whose load comes and goes"
        " with every second reading, record it at least twice as often, or write the mean of each"
        " two readings"
    )
    assert "column meter" not in said
    # each remedy is one
    apart = [(n, f"{meter} of host {n % 2}", power) for n, meter, power in taken]
    often = [(n + half, meter, power) for n, meter, power in taken for half in (0, 0.5)]
    means = [(n, meter, 386 + n % 3 + (meter == "g1")) for n, meter, _ in taken if n % 2]
    for mended in (apart, often, means):
        assert len(read(tmp_path, of_named(*mended), "gpu")) == len(mended)


def test_a_meter_without_a_name_is_told_of_the_column_and_of_its_load(tmp_path):
    turns = [f"{NOON + n},{(72, 700)[n % 2] + n % 3}" for n in range(60)]
    said = refusal(tmp_path, table(*turns))
    assert "two or more meters in one file need the column meter, or a file each; of one" in said
    assert "twice as often" in said


def test_more_than_two_in_turn_under_one_name_are_several_meters(tmp_path):
    """Of one meter the readings are evenly apart, and pass: there is nothing else to advise."""
    taken = [(n + 0.05 * of, "g0", 100 * of + 400 + n % 3) for n in range(40) for of in range(3)]
    said = refusal(tmp_path, of_named(*taken), "gpu")
    assert "g0 reads 400, 500 and 600 in turn, as two or more meters under one name do: " in said
    assert said.endswith("as of host and GPU, or a file")


@pytest.mark.parametrize("powers", [(400, 500, 600), (310, 0, 305, 300), (400, 500, 500)])
def test_more_outlets_in_one_file_are_refused(tmp_path, powers):
    rows = [
        f"{NOON + n + 0.05 * outlet:.2f},{power + n % 3}"
        for n in range(40)
        for outlet, power in enumerate(powers)
    ]
    assert "in turn: two or more meters in one file" in refusal(tmp_path, table(*rows))


def test_an_outlet_that_is_asked_more_often_than_another_is_told_apart(tmp_path):
    first = [(NOON + n, 400 + n % 3) for n in range(60)]
    second = [(NOON + 2 * n + 0.4, 500 + n % 2) for n in range(30)]
    rows = [f"{time:.1f},{power}" for time, power in sorted(first + second)]
    assert "in turn" in refusal(tmp_path, table(*rows))


@pytest.mark.parametrize("beat", [3, 4, 7])
def test_a_load_with_a_beat_of_its_own_is_one_meter(tmp_path, beat):
    rows = [f"{NOON + n},{300 + 200 * (n % beat == 0) + n % 2}" for n in range(80)]
    assert len(read(tmp_path, table(*rows))) == 80


def test_bad_rows_are_all_named(tmp_path):
    text = refusal(tmp_path, table("later,1", "1769857201,-3", "1769857202,inf", "1769857203,5 mW"))
    assert "row 2, column time: 'later'" in text
    assert "row 3, column power_w: '-3'" in text
    assert "row 4, column power_w: 'inf'" in text
    assert "row 5, column power_w: '5 mW'" in text
    assert read(tmp_path, table("1769857201,nan", "1769857202,50"))["power_w"].isna().sum() == 1


@pytest.mark.parametrize(
    ("scope", "power", "refused"),
    [
        ("node", 10.2, True),
        ("node", 20.0, False),
        ("gpu", 0.7, True),
        ("gpu", 2.0, False),
        ("cpu", 0.3, True),
    ],
)
def test_kilowatts_in_a_column_of_watts_are_refused(tmp_path, scope, power, refused):
    text = table(f"{NOON},{power / 2}", f"{NOON + 1},{power}")
    if refused:
        message = refusal(tmp_path, text, scope)
        assert f"{power:g} W is the largest power" in message
        assert "looks like kilowatts" in message
    else:
        assert len(read(tmp_path, text, scope)) == 2


@pytest.mark.parametrize("scope", ["gpu", "cpu", "node"])
def test_power_of_zero_throughout_is_of_a_dead_meter_in_any_unit(tmp_path, scope):
    message = refusal(tmp_path, table(f"{NOON},0", f"{NOON + 1},0"), scope)
    assert "reads 0 W in all of its rows: " in message
    assert "kilowatts" not in message


def test_a_counter_tells_the_energy_where_the_power_beside_it_is_zero(tmp_path):
    rows = table(*(f"{NOON + n},0,{300 * n}" for n in range(3)))
    log = read(tmp_path, rows.replace("power_w", "power_w,energy_j"), "gpu")
    assert list(log["energy_j"]) == [0, 300, 600]


def test_a_meter_of_an_invisible_letter_more_is_the_same_meter(tmp_path):
    rows = table(f"{NOON},800,a", f"{NOON + 1},801,a\u200b").replace("power_w", "power_w,meter")
    assert set(read(tmp_path, rows)["meter"]) == {"a"}


def test_milliwatts_in_a_column_of_watts_are_refused(tmp_path):
    text = table(f"{NOON},812500", f"{NOON + 1},813000")
    assert "looks like milliwatts" in refusal(tmp_path, text)
    assert "more than one gpu draws" in refusal(tmp_path, table(f"{NOON},512300"), "gpu")


def test_millijoules_in_a_column_of_joules_are_refused(tmp_path):
    rows = [f"{NOON + n},{n * 512_000}" for n in range(5)]
    text = table(*rows).replace("power_w", "energy_j")
    assert "meter.log counts 5.12e+05 J a second" in refusal(tmp_path, text, "gpu")
    read(tmp_path, text.replace("energy_j", "energy_mj"), "gpu")


@pytest.mark.parametrize(
    ("scope", "power", "column", "refused"),
    [
        ("node", 6000, "energy_wh", True),
        ("node", 6000, "energy_j", True),
        ("gpu", 700, "energy_wh", True),
        ("node", 6000, "energy_kwh", False),
    ],
)
def test_a_counter_of_kilowatt_hours_under_another_unit_is_refused(
    tmp_path, scope, power, column, refused
):
    rows = [f"{NOON + n},{1 + n * power / 3.6e6:.7f}" for n in range(60)]
    text = table(*rows).replace("power_w", column)
    if refused:
        message = refusal(tmp_path, text, scope)
        assert f"that one {scope} draws" in message and "energy_kwh" in message
    else:
        assert len(read(tmp_path, text, scope)) == 60


SECONDS = 60
UNIT_PAIRS = [
    (kind, unit, stated)
    for kind, units in {"power": POWER_UNITS, "energy": ENERGY_UNITS}.items()
    for unit in UNIT_NAMES
    for stated in UNIT_NAMES
    if {unit, stated} <= units.keys()
]


@pytest.mark.parametrize(("kind", "unit", "stated"), UNIT_PAIRS)
@pytest.mark.parametrize(("scope", "power"), [("node", 6000), ("gpu", 700), ("cpu", 200)])
def test_the_unit_that_is_offered_is_one_that_is_read(tmp_path, scope, power, kind, unit, stated):
    """Whoever names the column as told is not told to name it otherwise, or as before."""
    units = {"power": POWER_UNITS, "energy": ENERGY_UNITS}[kind]
    own = [power] * SECONDS if kind == "power" else [power * n for n in range(1, SECONDS + 1)]
    rows = [f"{NOON + n},{value / units[unit]!r}" for n, value in enumerate(own)]

    def text(name):
        return table(*rows).replace("power_w", f"{kind}_{name}")

    ratio = power * units[stated] / units[unit]
    if LEAST[scope] <= ratio <= LIKELY[scope]:
        assert len(read(tmp_path, text(stated), scope)) == SECONDS
        return
    message = refusal(tmp_path, text(stated), scope)
    offered = re.findall(rf"{kind}_([a-z]+)", message.split("name the column")[1])
    assert unit in offered
    assert f"looks like {UNIT_NAMES[offered[0]]}" in message
    for name in offered:
        assert len(read(tmp_path, text(name), scope)) == SECONDS


def test_no_unit_is_offered_where_none_fits(tmp_path):
    message = refusal(tmp_path, table(f"{NOON},1e12", f"{NOON + 1},1.1e12"))
    assert "it would be in any unit of power; look what the meter reads" in message
    assert "name the column" not in message


def test_a_log_without_a_reading_is_refused(tmp_path):
    text = table(f"{NOON},N/A", f"{NOON + 1},")
    assert "none of its 2 rows holds a reading" in refusal(tmp_path, text)


def test_a_counter_that_starts_anew_at_midnight_is_read(tmp_path):
    counts = [5 + n / 5000 for n in range(30)] + [n / 5000 for n in range(30)]
    rows = [f"{NOON + n},{count}" for n, count in enumerate(counts)]
    assert len(read(tmp_path, table(*rows).replace("power_w", "energy_kwh"))) == 60


def named(**meters):
    """Table of powers [W] by meter, a reading a second."""
    rows = [
        f"{NOON + second},{power},{meter}"
        for meter, powers in meters.items()
        for second, power in enumerate(powers)
    ]
    return table(*rows).replace("power_w", "power_w,meter")


def test_a_meter_under_two_names_is_refused(tmp_path):
    powers = [600 + n % 3 for n in range(12)]
    message = refusal(tmp_path, named(a=powers, b=powers))
    assert "a and b read the same at all of their 12 times" in message
    idle, short, other = [80] * 12, powers[:9], [*powers[:-1], 700]
    for pair in ((idle, idle), (short, short), (powers, other)):
        assert len(set(read(tmp_path, named(a=pair[0], b=pair[1]))["meter"])) == 2


def test_a_node_beside_its_supplies_is_refused(tmp_path):
    left, right = ([power + n % 5 for n in range(12)] for power in (2400, 2600))
    node = [a + b for a, b in zip(left, right, strict=True)]
    message = refusal(tmp_path, named(left=left, right=right, node=node))
    assert "node reads the sum of left, right: it would count twice" in message
    racks = named(left=left, right=right, other=[power + 200 for power in node])
    assert len(set(read(tmp_path, racks)["meter"])) == 3
    assert len(read(tmp_path, named(a=[350] * 9, b=[350] * 9, c=[700] * 9), "gpu")) == 27


def test_a_total_beside_its_counters_or_gpus_is_refused(tmp_path):
    """Constant powers of GPUs add up by chance, those that vary do not."""
    left, right = ([power + n % 5 * 50 for n in range(12)] for power in (400, 500))
    both = [a + b for a, b in zip(left, right, strict=True)]
    told = "c reads the sum of a, b: it would count twice"
    assert told in refusal(tmp_path, named(a=left, b=right, c=both), "gpu")
    assert len(read(tmp_path, named(a=left, b=right, c=left[::-1]), "gpu")) == 36
    start = {"a": 5e6, "b": 3e6, "c": 7e6}
    counts = {
        meter: start[meter] + np.cumsum(powers)
        for meter, powers in (("a", left), ("b", right), ("c", both))
    }
    text = named(**counts).replace("power_w", "energy_j")
    assert told in refusal(tmp_path, text)
    assert told in refusal(tmp_path, text, "gpu")
    twice = "\n".join(line for row in text.splitlines()[1:] for line in (row, row))
    assert told in refusal(tmp_path, f"{text.splitlines()[0]}\n{twice}\n", "gpu")
    even = {meter: start[meter] + 300.0 * np.arange(12) * n for n, meter in enumerate("abc", 1)}
    assert len(read(tmp_path, named(**even).replace("power_w", "energy_j"), "gpu")) == 36
    steps = {
        meter: [start[meter] + 3600.0 * rise * (n // 3) for n in range(12)]
        for meter, rise in zip("abc", (1, 1, 2), strict=True)
    }
    assert len(read(tmp_path, named(**steps).replace("power_w", "energy_j"))) == 36
    counts["c"] = start["c"] + 1.2 * np.cumsum(both)
    assert len(read(tmp_path, named(**counts).replace("power_w", "energy_j"))) == 36


@pytest.mark.parametrize("total", ["all", "gpu_total", "Sum of GPUs"])
@pytest.mark.parametrize("column", ["power_w", "energy_j"])
def test_a_total_that_is_called_so_may_be_constant(total, column, tmp_path):
    """A log of the time under load alone may not vary; its mean is the power of a benchmark."""
    powers = {"gpu 0": 300.0, "gpu 1": 310.0, total: 610.0}
    rows = {meter: [power] * 12 for meter, power in powers.items()}
    if column == "energy_j":
        rows = {meter: 5e6 + np.cumsum(row) for meter, row in rows.items()}
    text = named(**rows).replace("power_w", column)
    assert f"{total} reads the sum of gpu 0, gpu 1" in refusal(tmp_path, text, "gpu")
    other = text.replace(total, "tall")
    assert len(read(tmp_path, other, "gpu")) == 36


@pytest.mark.parametrize("scope", ["node", "gpu"])
@pytest.mark.parametrize("apart", [0, 1])
@pytest.mark.parametrize("count", [26, 60, 200])
def test_a_total_of_many_parts_is_told(count, apart, scope):
    """Each of more than fifty is less than a fiftieth of their total: it counted twice."""
    random = np.random.default_rng(4)
    times = np.arange(300.0)
    scale = 500 * (1 + 0.2 * np.sin(times / 30))
    parts = [scale + random.normal(0, 20, 300) for _ in range(count)]
    meters = {f"n{place}": part for place, part in enumerate(parts)}

    def frame(**more):
        rows = [
            pd.DataFrame({"time_s": times, "meter": meter, "power_w": power, "energy_j": np.nan})
            for meter, power in (meters | more).items()
        ]
        return pd.concat(rows, ignore_index=True).sort_values(["meter", "time_s"])

    whole = np.sum(parts[apart:], axis=0)
    (told,) = totals(frame(x=whole), scope)
    assert told.startswith("x reads the sum of n")
    # one of two hundred is less than the tolerance
    more = count - 24 - (apart if count < 200 else 0)
    assert f" and {more} more: it would count twice; leave the total" in told
    # without it, and a rack beside that is of others
    assert totals(frame(), scope) == []
    assert totals(frame(x=0.9 * whole), scope) == []


@pytest.mark.parametrize("repeated", ['"params"', '"apower"'])
def test_keys_that_stand_twice_are_refused(repeated, tmp_path):
    text = '{"src":"s","params":{"ts":1769860800,"switch:0":{"apower":500.5}}}'
    assert len(read(tmp_path, text)) == 1
    twice = text.replace(repeated, f"{repeated}:{{}},{repeated}")
    assert f"row 1, {repeated} stands there twice" in refusal(tmp_path, twice)


@pytest.mark.parametrize(
    "lines",
    [
        '{{"src":"s","params":{{"ts":176986080{},"switch:0":{{"apower":{}}}}}}}',
        '2026-01-31T12:00:0{}Z {{"PowerControl": [{{"PowerConsumedWatts": {}}}]}}',
        "2026-01-31T12:00:0{}Z,{}",
    ],
    ids=["one after the other", "after their times", "table"],
)
def test_a_number_too_near_to_zero_to_be_read_as_any_other_is_refused(lines, tmp_path):
    def log(number):
        rows = [lines.format(0, 500), lines.format(1, number)]
        return (
            "\n".join(["time,power_w"] * lines.startswith("2026-01-31T12:00:0{}Z,") + rows) + "\n"
        )

    for number in ("0", "0.0", "5e-324"):
        assert read(tmp_path, log(number))["power_w"].tolist() == [500, float(number)]
    told = refusal(tmp_path, log("1e-400"))
    assert "1e-400" in told
    assert "allowed are 0 and numbers from 5e-324" in told
