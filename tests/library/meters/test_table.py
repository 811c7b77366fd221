"""Tables of any meter."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import table as tables
from library.meters.files import NOON, holds, read, refusal, table

SEMICOLONS = "time;power_kw\n2026-01-31T12:00:00Z;0,8125\n2026-01-31T12:00:01Z;0,813\n"
TITLES = "Timestamp;Power (W)\n31.01.2026 12:00:00;812,5\n31.01.2026 12:00:01;813\n"
MILLI = f"time,power_mw\n{1e3 * NOON:.0f},812500\n{1e3 * NOON + 1000:.0f},813000\n"


@pytest.mark.parametrize(
    "text", [SEMICOLONS, MILLI, TITLES], ids=["semicolons and commas", "milli", "titles"]
)
def test_units_stand_in_the_name_of_the_column(tmp_path, text):
    assert tables.recognise(text)
    holds(tmp_path, text, "node", "meter.log", [0, 1], [812.5, 813])


def test_a_counter_comes_in_joules(tmp_path):
    counted = "time,energy_kwh\n2026-01-31T12:00:00Z,100.5\n2026-01-31T12:01:00Z,100.75\n"
    assert np.diff(read(tmp_path, counted)["energy_j"]) == pytest.approx(0.25 * 3.6e6)


def test_megawatts_are_not_taken_for_milliwatts(tmp_path):
    assert "power_mw (milliwatts)" in refusal(tmp_path, "time,power_MW\n2026-01-31T12:00:00Z,1\n")


@pytest.mark.parametrize("two", ["420;1.600", "420;1,600", "0;12.345"])
def test_thousands_that_are_parted_are_not_taken_for_decimals(tmp_path, two):
    """Of two meters the one whose 1.600 W were 1.6 W lacked, and nothing said so."""
    rows = [f"{NOON + n};{reading}" for n, reading in enumerate(two.split(";") * 10)]
    message = refusal(tmp_path, "\n".join(["time;power_w", *rows]) + "\n")
    whole, parted = two.replace(",", ".").split(";")
    assert f"column power_w holds {whole} and {parted}, in which thousands seem" in message


@pytest.mark.parametrize("number", ["1.600,5", "1,600.5", "12.345.678", "1 600", "1'600"])
def test_a_number_whose_thousands_are_parted_is_refused_with_the_remedy(tmp_path, number):
    message = refusal(tmp_path, f"time;power_w\n{NOON};420\n{NOON + 1};{number}\n")
    assert "row 3, column power_w" in message and "parts thousands" in message


def test_a_decimal_comma_between_commas_is_told(tmp_path):
    message = refusal(tmp_path, 'time,power_kw\n1769860800,"0,601"\n1769860801,"0,612"\n')
    assert "row 2, column power_kw: '0,601': parts thousands, or has a decimal comma" in message


@pytest.mark.parametrize(
    ("texts", "powers"),
    [
        (["421.000", "1.600", "1.605"], [421, 1.6, 1.605]),
        (["421", "38.6", "38.605"], [421, 38.6, 38.605]),
        (["421", "0.605", "21.605"], [421, 0.605, 21.605]),
    ],
)
def test_decimals_of_one_length_or_of_several_are_decimals(tmp_path, texts, powers):
    rows = [f"{NOON + n},{text}" for n, text in enumerate(texts)]
    log = read(tmp_path, "\n".join(["time,power_w", *rows]) + "\n")
    assert list(log["power_w"]) == powers


def test_a_header_may_come_again_where_its_logger_was_started_again(tmp_path):
    runs = [f"time, power_w\n{NOON + first},812.5\n" for first in (0, 60)]
    assert list(read(tmp_path, "".join(runs))["time_s"]) == [NOON, NOON + 60]
    assert "column power_w" in refusal(tmp_path, f"{runs[0]}power_w,time\n813,{NOON + 1}\n")


def outlets(column, names):
    """Two outlets of about the same power, read half a second after each other."""
    rows = [f"{NOON + 0.5 * n},{name},{450 + n % 5}" for n, name in enumerate(names)]
    return "\n".join([f"Time,{column},Power_W", *rows]) + "\n"


def test_a_column_of_meters_may_have_a_capital(tmp_path):
    readings = read(tmp_path, outlets("Meter", "ab" * 10))
    assert readings.groupby("meter")["time_s"].count().to_dict() == {"a": 10, "b": 10}


@pytest.mark.parametrize("column", ["outlet", "gpu", "Device", "host", "outlet_id", "PDU name"])
def test_meters_under_another_name_are_not_taken_for_one(tmp_path, column):
    message = refusal(tmp_path, outlets(column, "ab" * 10))
    assert f"column {column} names several meters (a, b): call it meter" in message
    # one meter, and numbers of rows
    assert len(read(tmp_path, outlets(column, "a" * 20))) == 20
    assert len(read(tmp_path, outlets("index", "0123456789"))) == 10


def test_numbers_of_gpus_are_not_taken_for_one_gpu(tmp_path):
    rows = [f"{NOON + n // 8},{n % 8},{300 + n // 8 % 5}" for n in range(80)]
    for column in ("gpu_index", "GPU ID"):
        text = "\n".join([f"time,{column},power_w", *rows]) + "\n"
        message = refusal(tmp_path, text, "gpu")
        assert f"column {column} names several meters (0, 1, 2): call it meter" in message


def test_words_that_may_name_meters_are_not_passed_over(tmp_path):
    """Three phases whose loads are alike, in a column that nobody expects."""
    message = refusal(tmp_path, outlets("leg", "ABC" * 10))
    assert "column leg holds A, B, C: if these are meters, call it meter; else leave it" in message
    # words once each, one word with gaps, and readings of another kind name no meter
    assert len(read(tmp_path, outlets("note", "abcdefghij"))) == 10
    assert len(read(tmp_path, outlets("state", ["ok", "n/a"] * 5))) == 10
    assert len(read(tmp_path, outlets("temperature", ["45 C", "46 C"] * 5))) == 10
    assert len(read(tmp_path, outlets("°", ["45", "46"] * 5))) == 10


@pytest.mark.parametrize(
    ("first", "second"),
    [("power_w", "outlet2_w"), ("power_w", "total_power_w"), ("energy_kwh", "PSU 2 [kWh]")],
)
def test_a_second_meter_under_another_name_is_not_passed_over(tmp_path, first, second):
    text = table(f"{NOON},500,700", f"{NOON + 1},501,701").replace("power_w", f"{first},{second}")
    kind = first.partition("_")[0]
    message = refusal(tmp_path, text)
    assert f"columns {first}, {second}: which is the {kind}? leave one" in message


@pytest.mark.parametrize("kind", ["power_{}_w", "energy_{}_kwh"])
def test_a_column_for_each_of_two_meters_is_refused(tmp_path, kind):
    text = table(f"{NOON},500,700", f"{NOON + 1},501,701")
    names = [kind.format(outlet) for outlet in "ab"]
    message = refusal(tmp_path, text.replace("power_w", ",".join(names)))
    assert f"columns {', '.join(names)}: which is the {kind.split('_')[0]}? leave one" in message


@pytest.mark.parametrize("form", ["{:%Y-%m-%d %I:%M:%S}", "{:%d.%m.%Y %I:%M:%S}"])
def test_a_clock_of_twelve_hours_without_am_or_pm_is_refused(tmp_path, form):
    """Else time would run back by half a day, and what is read there would be of the night."""
    times = pd.date_range("2026-01-31T12:59:57", periods=6, freq="s")
    text = "time,power_w\n" + "".join(f"{form.format(time)},300\n" for time in times)
    said = r"row 5, column time: '.*01:00:00': is after '.*12:59:59', as on a clock of 12 hours"
    with pytest.raises(InputError, match=said):
        read(tmp_path, text, "node")
    assert "from 0 to 23, or with AM and PM" in refusal(tmp_path, text, "node")


@pytest.mark.parametrize("form", ["{:%Y-%m-%d %I:%M:%S %p}", "{:%Y-%m-%d %H:%M:%S}"])
def test_a_clock_that_says_which_half_of_the_day_is_read(tmp_path, form):
    times = pd.date_range("2026-01-31T12:59:57", periods=6, freq="s")
    text = "time,power_w\n" + "".join(f"{form.format(time)},300\n" for time in times)
    assert read(tmp_path, text, "node")["time_s"].diff().dropna().eq(1).all()


def test_rows_of_an_earlier_night_may_come_later(tmp_path):
    """Of two logs that are joined, with hours from 0 to 23: from half past twelve to one."""
    days = [pd.date_range(f"2026-01-31T{at}", periods=3, freq="s") for at in ("12:30", "00:59")]
    rows = "".join(f"{time:%Y-%m-%d %H:%M:%S},300\n" for day in days for time in day)
    assert len(read(tmp_path, "time,power_w\n" + rows, "node")) == 6
