"""Logs of nvidia-smi."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.meters import nvidia_smi
from library.meters.files import DMON, SMI, holds, read, refusal

BARE = SMI.replace(" W,", ",").replace(" %", "").replace(" MiB", "").replace(" MHz", "")


@pytest.mark.parametrize("text", [SMI, BARE], ids=["with units", "without units"])
def test_a_query_is_read_in_watts(tmp_path, text):
    assert nvidia_smi.recognise(text)
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [512.34, 513])


@pytest.mark.parametrize("text", [DMON, DMON.replace("   ", ", ")], ids=["blanks", "commas"])
def test_dmon_is_read_across_its_repeated_headers(tmp_path, text):
    assert nvidia_smi.recognise(text)
    holds(tmp_path, text, "gpu", "gpu 0", [0, 1], [512, 513])


def test_a_query_tells_utilisation_memory_and_clock(tmp_path):
    row = read(tmp_path, SMI, "gpu").iloc[0]
    assert (row["utilisation"], row["clock_mhz"]) == (0.98, 1980)
    assert row["memory_gb"] == pytest.approx(70000 * 1024**2 / 1e9)
    missing = read(tmp_path, SMI, "gpu").query("meter == 'gpu 1'")
    assert missing["power_w"].isna().all()


def test_a_log_without_header_is_told_what_to_add(tmp_path):
    text = SMI.split("\n", 1)[1]
    assert "has no header" in refusal(tmp_path, text, "gpu")


@pytest.mark.parametrize("more", ["", " 1" * 30], ids=["fewer", "more"])
def test_a_line_of_dmon_with_another_number_of_cells_is_told(tmp_path, more):
    """It was left out without a word, and its reading with it."""
    text = f"{DMON}20260131   12:00:02     0{more}"
    holds(tmp_path, text, "gpu", "gpu 0", [0, 1], [512, 513])
    assert "row 8, has " in refusal(tmp_path, f"{text}\n", "gpu")


def test_dmon_without_a_date_is_told_how_to_record(tmp_path):
    text = DMON.replace("#Date       Time     ", "#").replace("20260131   12:00:00", "")
    assert "record with nvidia-smi dmon -o DT" in refusal(tmp_path, text, "gpu")


@pytest.mark.parametrize("scope", ["node", "cpu"])
@pytest.mark.parametrize("text", [SMI, DMON], ids=["query", "dmon"])
def test_a_log_of_gpus_is_that_of_no_node(scope, text, tmp_path):
    """A log that is given without a scope is a wall meter's."""
    assert "nvidia-smi measures the gpu, not the" in refusal(tmp_path, text, scope)


def test_a_line_that_was_being_written_when_the_log_was_copied_is_left_out(tmp_path):
    text = SMI + "2026/01/31 12:00:02.250, 0, 51"
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [512.34, 513])
    assert "row 5, has 3 cells" in refusal(tmp_path, f"{text}\n", "gpu")


def test_a_log_that_a_spreadsheet_saved_is_read(tmp_path):
    text = BARE.replace(",", ";").replace("512.34", "512,34")
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [512.34, 513])


@pytest.mark.parametrize("said", ["ERR!", "[GPU requires reset]", "[Unknown Error]", "[N/A]"])
def test_a_gpu_that_fails_has_no_reading(said, tmp_path):
    text = SMI.replace("512.34 W", said)
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [np.nan, 513])


def test_a_power_that_a_gpu_does_not_tell_is_taken_from_its_mean(tmp_path):
    text = SMI.replace("power.draw [W],", "power.draw.instant [W], power.draw [W],")
    text = text.replace("512.34 W", "[N/A], 512.34 W").replace("513.00 W", "[N/A], 513.00 W")
    text = text.replace(" [N/A], 97", " [N/A], [N/A], 97")
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [512.34, 513])


@pytest.mark.parametrize("gpus", [1, 2, 8, 16])
@pytest.mark.parametrize("apart", [0, 0.002, 0.02], ids="{:g} s apart".format)
def test_gpus_without_a_name_are_not_taken_for_one(gpus, apart, tmp_path):
    """All draw about the same under load, and are read one soon after the other."""
    times = pd.Timestamp("2026-01-31T12:00:00") + pd.to_timedelta(
        [second + apart * gpu for second in range(30) for gpu in range(gpus)], unit="s"
    )
    powers = 650 + np.random.default_rng(3).integers(-9, 9, len(times))
    rows = [
        f"{time:%Y/%m/%d %H:%M:%S.%f}, NVIDIA H100 80GB HBM3, {power} W"
        for time, power in zip(times, powers, strict=True)
    ]
    text = "\n".join(["timestamp, name, power.draw [W]", *rows]) + "\n"
    if gpus == 1:
        assert len(read(tmp_path, text, "gpu")) == 30
        return
    assert "no column index, uuid or pci.bus_id" in refusal(tmp_path, text, "gpu")


def test_columns_that_change_places_where_it_is_started_again_are_refused(tmp_path):
    """Its second header was passed over, and the numbers of the GPUs read as their powers."""
    columns = ["timestamp", "index", "power.draw"]
    first = f"{', '.join(columns)}\n2026/01/31 12:00:00.000, 0, 512.5\n"
    assert len(read(tmp_path, first + first.replace("12:00:00", "12:00:01"), "gpu")) == 2
    second = "timestamp, power.draw, index\n2026/01/31 12:00:01.000, 513.5, 0\n"
    assert "row 3, column power.draw" in refusal(tmp_path, first + second, "gpu")
