"""Logs of nvidia-smi."""

import numpy as np
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


def test_a_log_that_a_spreadsheet_saved_is_read(tmp_path):
    text = BARE.replace(",", ";").replace("512.34", "512,34")
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [512.34, 513])


@pytest.mark.parametrize("said", ["ERR!", "[GPU requires reset]", "[Unknown Error]", "[N/A]"])
def test_a_gpu_that_fails_has_no_reading(said, tmp_path):
    text = SMI.replace("512.34 W", said)
    holds(tmp_path, text, "gpu", "gpu 0", [0.25, 1.25], [np.nan, 513])
