"""Readings of a log held against one another."""

import numpy as np
import pytest
from inference_energy.meters.compare import shift
from library.meters.files import DCMI, NOON, read, refusal

RANDOM = np.random.default_rng(3)
BASE = (6500 + RANDOM.normal(0, 80, 300)).round(1)
"""A node at work, as its meter reads it. [W]"""


def of_meters(column="power_w", start=NOON, **meters):
    """Text of a table of meters that are read once a second."""
    rows = [
        f"{start + second},{meter},{value}"
        for meter, values in meters.items()
        for second, value in enumerate(values)
    ]
    return "\n".join([f"time,meter,{column}", *rows, ""])


def but(value, *places):
    """Readings of the node of which some are others."""
    power = BASE.copy()
    power[list(places)] = value
    return power


@pytest.mark.parametrize("value", [4095, 32767, 65535])
@pytest.mark.parametrize("places", [[7], [*range(5, 300, 20)]])
@pytest.mark.parametrize(("column", "factor"), [("power_w", 1), ("power_kw", 1000)])
def test_a_full_register_is_no_reading(tmp_path, value, places, column, factor):
    """One of ten readings of 65535 W made 12,694 W of 6,500 W."""
    told = refusal(tmp_path, of_meters(column, n=but(value, *places) / factor))
    assert f"row {places[0] + 2}: {value} W of n is a register of which all bits are set" in told
    assert f"({len(places)} row{'s' * (len(places) > 1)} so, and none near it): leave such" in told


@pytest.mark.parametrize(
    ("value", "times"),
    [(65534, 3), (32768, 6), (25500, 10), (99999, 5), (9999, 100), (6553.4, 3), (8191, 150)],
)
def test_a_code_for_an_error_is_no_reading(tmp_path, value, times):
    """One of sixty readings of 99999 W made 8,311 W of 6,500 W."""
    places = np.random.default_rng(1).choice(300, times, replace=False)
    power = but(value, *places) if value != 6553.4 else but(value, *places) / 10
    power[places] = value
    told = refusal(tmp_path, of_meters(n=power))
    assert f"row {places.min() + 2}: {value:g} W of n comes {times} times to the last digit" in told
    assert "is a code of meters for an error" in told
    assert f"{value} W" in refusal(tmp_path, of_meters("power_kw", n=power / 1000))


@pytest.mark.parametrize("value", [255, 511, 1023, 2047, 25.5, 204.7])
def test_a_low_code_for_an_error_is_no_reading(tmp_path, value):
    """Half of the readings at 255 W made 3,301 W of 6,500 W, and at 1023 W 3,812 W."""
    places = np.flatnonzero(np.random.default_rng(1).random(300) < 0.5)
    told = refusal(tmp_path, of_meters(n=but(value, *places)))
    assert f"row {places[0] + 2}: {value:g} W of n comes {len(places)} times to the last" in told
    # one of the powers of a node at idle, and of a load of few levels, is none
    idle = but(value, *places)
    idle[places[1::2]] = value * 1.01
    assert len(read(tmp_path, of_meters(n=idle))) == 300
    levels = np.repeat(np.array([value, 6500, 6600, value]), 75)
    assert len(read(tmp_path, of_meters(n=levels))) == 300


@pytest.mark.parametrize("burst", [412, 512, 1000, 1024, 3000, 3276.8])
def test_a_load_that_comes_again_to_the_watt_is_no_code(tmp_path, burst):
    power = 90 + np.random.default_rng(1).integers(0, 9, 300)
    power = power.astype(float)
    power[::29] = burst
    assert len(read(tmp_path, of_meters(n=power))) == 300
    # nor is one reading of a code's power, or one among others that are near
    for value, other in ((9999, 9999), (8192, 7900), (9999, 9500)):
        power = BASE.copy()
        power[[7, 90]] = value, other
        power[[40, 200]] = (other, value) if other != value else BASE[:2]
        power[90] = other if other != value else BASE[90]
        assert len(read(tmp_path, of_meters(n=power))) == 300


def test_a_power_that_passes_by_a_full_register_is_one(tmp_path):
    power = np.linspace(3000, 5000, 41).round()
    power[22] = 4095
    assert len(read(tmp_path, of_meters(n=power))) == 41


def test_a_full_register_is_told_where_readings_of_a_second_are_averaged(tmp_path):
    text = DCMI + DCMI.replace(" 5120 ", "65535 ")
    assert "65535 W of node is a register" in refusal(tmp_path, text)
    assert read(tmp_path, DCMI + DCMI)["power_w"].tolist() == [5120, 5130]


@pytest.mark.parametrize(("factor", "refused"), [(29, False), (31, True)])
def test_a_reading_alone_beyond_what_devices_range_over_is_none(tmp_path, factor, refused):
    power = np.full(40, 60.0) + np.arange(40) % 3
    power[11] = factor * 62
    text = of_meters(n=power)
    if refused:
        told = refusal(tmp_path, text)
        assert "row 13: 1922 W of n lies alone more than 30 times above all others (1 row" in told
    else:
        read(tmp_path, text)
    # a load that lasts is one
    power[12] = power[11]
    assert len(read(tmp_path, of_meters(n=power))) == 40


@pytest.mark.parametrize(
    ("idle", "burst", "places", "scope"),
    [
        (8, 412, [130, 250, 290], "gpu"),
        (8, 450, [100], "gpu"),
        (1.2, 500, [30], "node"),
        (5, 1700, [30, 90], "node"),
    ],
)
def test_a_query_as_short_as_one_reading_is_read(tmp_path, idle, burst, places, scope):
    """Cards idle at some watts: to leave the readings of queries out would lose their energy."""
    power = idle + np.random.default_rng(5).integers(0, 2, 300)
    power[places] = burst + np.arange(len(places))
    log = read(tmp_path, of_meters(n=power), scope)
    assert (log["power_w"] >= burst).sum() == len(places)


def test_watts_that_become_kilowatts_are_told_with_the_row(tmp_path):
    """The mean of the log was 3,594 W of 6,500 W."""
    power = np.concatenate([BASE[:130], (BASE[130:] / 1000).round(2)])
    told = refusal(tmp_path, of_meters(n=power))
    assert "row 132: n reads 6." in told
    assert " in 170 rows and 6" in told and "the 130 others, and nothing between, as where" in told
    # a node that was off for a while, and one that idles
    for low in (60.0, 400.0):
        power[130:] = low + np.arange(170) % 3
        assert len(read(tmp_path, of_meters(n=power))) == 300


def test_meters_of_which_one_is_in_kilowatts_are_told(tmp_path):
    """Two supplies of 3,250 W were 3,253 W."""
    half = BASE / 2
    told = refusal(tmp_path, of_meters(a=half, b=(half[::-1] / 1000).round(1)))
    assert "b reads 3.3 W in the middle and a 32" in told
    assert "record one unit, or leave b out if it feeds nothing" in told
    # an outlet of a few watts does not follow the load of another
    load = half * (1 + 0.5 * (np.arange(300) % 60 < 30))
    assert "b reads" in refusal(tmp_path, of_meters(a=load, b=(load / 1000).round(1)))
    small = (3 + RANDOM.normal(0, 0.3, 300)).round(1)
    assert len(read(tmp_path, of_meters(a=load, b=small))) == 600
    assert len(read(tmp_path, of_meters(a=load, b=np.full(300, 3.0)))) == 600


def with_counter(power, counted, column="energy_wh", every=1, digits=3):
    """Text of a table of a power and of a counter that is read beside it once in some seconds."""
    rows = [
        f"{NOON + at},{value:.1f},{count:.{digits}f}"
        for at, value, count in zip(
            range(0, every * len(power), every), power, counted, strict=True
        )
    ]
    return "\n".join([f"time,power_w,{column}", *rows, ""])


@pytest.mark.parametrize(("of_power", "of_counter"), [(0.1, 1), (1, 0.1), (1, 0.5), (1, 3600)])
def test_a_power_that_is_not_its_counters_is_refused(tmp_path, of_power, of_counter):
    """6,500 W that read as 650 W were 650 W in silence."""
    counted = of_counter * BASE.cumsum() / 3600
    told = refusal(tmp_path, with_counter(of_power * BASE, counted))
    assert f" reads {of_power * BASE.mean():.3g}"[:6] in told and "its counter rises by" in told
    assert "allowed is a difference of 25 % beside that between neighbouring readings" in told


def test_a_power_that_is_its_counters_but_for_steps_and_samples_is_read(tmp_path):
    whole = BASE.cumsum() / 3.6e6 + 12345.6
    assert len(read(tmp_path, with_counter(BASE, whole, "energy_kwh", digits=1))) == 300
    # bursts of two seconds in ten, read every seven
    load = np.where(np.arange(2100) % 10 < 2, 4000.0, 400.0)
    text = with_counter(load[::7], load.cumsum()[::7] / 3600, every=7)
    assert len(read(tmp_path, text)) == 300
    # a meter that is set back, and one whose power was not told while the load was there
    back = (BASE.cumsum() / 3600) % 200
    assert len(read(tmp_path, with_counter(BASE, back))) == 300
    some = BASE.copy()
    some[100:200] = np.nan
    text = with_counter(some / 10, np.where(np.arange(300) < 150, 0, 9) + BASE.cumsum() / 36000)
    assert len(read(tmp_path, text)) == 300


@pytest.mark.parametrize("lag", [1, 3, 5])
def test_one_meter_that_comes_late_under_another_name_is_told(tmp_path, lag):
    """12,999 W of a node of 6,500 W."""
    told = refusal(tmp_path, of_meters(a=BASE[lag:], b=BASE[:-lag]))
    assert f"b reads what a does, {lag} reading{'s' * (lag > 1)} later: one meter under" in told
    assert "a reads what b does" in refusal(tmp_path, of_meters(a=BASE[:-lag], b=BASE[lag:]))


@pytest.mark.parametrize("column", ["power_w", "energy_j"])
def test_one_meter_on_two_clocks_is_told(tmp_path, column):
    values = BASE if column == "power_w" else BASE.cumsum()
    text = of_meters(column, a=values) + of_meters(column, NOON + 0.4, b=values).partition("\n")[2]
    assert "b reads what a does, at other times: one meter under two" in refusal(tmp_path, text)


def test_what_reads_the_same_by_chance_is_two_meters():
    idle = RANDOM.integers(74, 77, 300).astype(float)
    assert shift(idle, RANDOM.permutation(idle)) is None
    # three levels are no sign
    assert shift(idle, idle[1:]) is None
    assert shift(BASE, BASE[6:]) is None
    # nor are loads that grow alike
    assert shift(np.arange(300.0), np.arange(1, 301.0)) is None
    assert shift(np.arange(300.0), np.arange(1, 301.0), counts=True) is None
    assert shift(BASE[:9], BASE[:9]) is None
    most = but(0, *range(0, 300, 11))
    assert shift(BASE, most) == 0
    assert shift(BASE, but(0, *range(0, 300, 9))) is None


@pytest.mark.parametrize(
    ("names", "share"),
    [
        (("psu_in", "psu_out"), 0.94),
        (("input", "output"), 0.8),
        (("PSU1 AC", "PSU1 DC"), 0.9),
        (("ups", "pdu"), 0.94),
        (("pdu-3", "psu1"), 0.92),
        (("mains", "ups 2"), 0.99),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_both_sides_of_one_thing_are_told_by_their_names(tmp_path, names, share, order):
    """12,609 W of a node of 6,500 W, and with a UPS 13,393 W."""
    after = (share * BASE + RANDOM.normal(0, 20, 300)).round(1)
    meters = dict([*zip(names, (BASE, after), strict=True)][::order])
    told = refusal(tmp_path, of_meters(**meters))
    assert f"{names[0]} and {names[1]} read 6" in told
    assert "in front of and behind one thing: the same power would count twice" in told
    # by themselves, and of two things
    assert len(read(tmp_path, of_meters(**{names[0]: BASE}))) == 300
    assert len(read(tmp_path, of_meters(**{names[0]: BASE, names[1]: after / 2}))) == 600


def test_counters_on_both_sides_are_told(tmp_path):
    meters = {"psu_in": BASE.cumsum(), "psu_out": (0.93 * BASE + np.arange(300) % 7).cumsum()}
    assert "psu_in and psu_out read 65" in refusal(tmp_path, of_meters("energy_j", **meters))


@pytest.mark.parametrize(
    "names", [("psu1_in", "psu2_out"), ("psu1", "psu2"), ("a_in", "b_out"), ("input a", "input b")]
)
def test_sides_of_two_things_are_two_meters(tmp_path, names):
    after = (0.94 * BASE + RANDOM.normal(0, 20, 300)).round(1)
    assert len(read(tmp_path, of_meters(**dict(zip(names, (BASE, after), strict=True))))) == 600


def test_a_chain_of_several_meters_is_held_by_its_sums(tmp_path):
    after = (0.47 * BASE).round(1)
    meters = {"ups": BASE, "pdu1": after, "pdu2": after + np.arange(300) % 7}
    assert "ups and pdu1, pdu2 read 65" in refusal(tmp_path, of_meters(**meters))
