"""Tables of any meter."""

import numpy as np
import pytest
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


@pytest.mark.parametrize("kind", ["power_{}_w", "energy_{}_kwh"])
def test_a_column_for_each_of_two_meters_is_refused(tmp_path, kind):
    text = table(f"{NOON},500,700", f"{NOON + 1},501,701")
    names = [kind.format(outlet) for outlet in "ab"]
    message = refusal(tmp_path, text.replace("power_w", ",".join(names)))
    assert f"columns {', '.join(names)}: which is the {kind.split('_')[0]}? leave one" in message
