"""Tables of CodeCarbon."""

import pytest
from inference_energy.meters import codecarbon
from library.meters.files import NOON, read, refusal


def test_energy_between_two_flushes_becomes_mean_power(tmp_path):
    columns = "timestamp,run_id,duration,cpu_energy,gpu_energy,ram_energy,codecarbon_version"
    rows = ["2026-01-31T12:00:10,r,10,0.001,0.01,0.001,3.3", "2026-01-31T12:00:20,r,20,0.002,0.03"]
    text = "\n".join([columns, rows[0], f"{rows[1]},0.002,3.3", ""])
    assert codecarbon.recognise(text)
    by_second = read(tmp_path, text, "gpu").set_index("time_s")["power_w"]
    assert by_second[NOON + 5.5] == pytest.approx(3600)
    assert by_second[NOON + 15.5] == pytest.approx(7200)
    assert read(tmp_path, text, "cpu")["power_w"].max() == pytest.approx(720)
    assert "not the node" in refusal(tmp_path, text)


def test_energy_of_a_task_is_its_own(tmp_path):
    text = (
        "task_name,timestamp,run_id,duration,cpu_energy,gpu_energy,ram_energy,codecarbon_version\n"
        "load,2026-01-31T12:00:10,r,10,0.001,0.002,0.0001,3.3.2\n"
        "serve,2026-01-31T12:00:40,r,5,0.0005,0.001,0.0001,3.3.2\n"
    )
    frame = read(tmp_path, text, "gpu")
    assert len(frame) == 15
    assert frame["power_w"].to_numpy() == pytest.approx(720)
