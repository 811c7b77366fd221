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


HEADER = (
    "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,"
    "gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,country_name,region,"
    "gpu_model,longitude,latitude,pue,codecarbon_version"
)
FIRST = "2026-01-31T12:00:10,p,r,e,10,0,0,400,3600,100,0.001,0.01,0.001,0.012,Chad,,,,,1.0,3.3.0"
LATER = "2026-01-31T12:00:20,p,r,e,20,0,0,400,7200,100,0.002,0.03,0.002,0.034,Chad,1.0,3.3.0"


def test_rows_that_are_appended_leave_out_what_is_not_known(tmp_path):
    """Of 3.3, where neither region nor place is known (file.py, ``dropna`` before it appends)."""
    by_second = read(tmp_path, f"{HEADER}\n{FIRST}\n{LATER}\n", "gpu").set_index("time_s")[
        "power_w"
    ]
    assert by_second[NOON + 5.5] == pytest.approx(3600)
    assert by_second[NOON + 15.5] == pytest.approx(7200)


def test_the_pue_that_codecarbon_multiplies_by_is_taken_out(tmp_path):
    """Its energies are those of the meters times the run's PUE (emissions_tracker.py of 3.3)."""
    rows = [row.replace("1.0,3.3.0", "1.5,3.3.0") for row in (FIRST, LATER)]
    power = read(tmp_path, "\n".join([HEADER, *rows, ""]), "gpu").set_index("time_s")["power_w"]
    assert power[NOON + 5.5] == pytest.approx(3600 / 1.5)
    assert power[NOON + 15.5] == pytest.approx(7200 / 1.5)


def test_a_row_whose_cells_are_others_is_refused(tmp_path):
    # without project_name: the energy of the memory stands where that of the GPUs should
    moved = LATER.replace(",p,", ",")
    message = refusal(tmp_path, f"{HEADER}\n{FIRST}\n{moved}\n", "gpu")
    assert "row 3, column energy_consumed: is not the sum of the energies before it" in message
    short = LATER.rpartition(",0.002,")[0]
    message = refusal(tmp_path, f"{HEADER}\n{FIRST}\n{short}\n", "gpu")
    assert "row 3, has 12 cells, the header has 21" in message
    message = refusal(tmp_path, f"{HEADER}\n{FIRST}\n{short},0.002\n", "gpu")
    assert "row 3, column energy_consumed" in message


def test_energy_of_a_task_is_its_own(tmp_path):
    text = (
        "task_name,timestamp,run_id,duration,cpu_energy,gpu_energy,ram_energy,codecarbon_version\n"
        "load,2026-01-31T12:00:10,r,10,0.001,0.002,0.0001,3.3.2\n"
        "serve,2026-01-31T12:00:40,r,5,0.0005,0.001,0.0001,3.3.2\n"
    )
    frame = read(tmp_path, text, "gpu")
    assert len(frame) == 15
    assert frame["power_w"].to_numpy() == pytest.approx(720)


RUN = (
    "timestamp,run_id,duration,ram_power,cpu_energy,gpu_energy,ram_energy,tracking_mode,"
    "codecarbon_version"
)


def test_run_whose_energy_is_of_more_than_its_duration_is_refused(tmp_path):
    """Of a run in tasks 3.3 writes the time of the last one, and the energy of all."""
    # three tasks of one second: 120 W of CPUs and 20 W of memory
    of_all = "2026-01-31T12:00:03,r,1,20,0.0001,0,0.0000166667,machine,3.3.2"
    message = refusal(tmp_path, f"{RUN}\n{of_all}\n", "cpu")
    assert "row 2, column duration: its memory took the energy of 3 s in 1 s" in message
    assert "the table of tasks" in message
    appended = RUN.replace(",tracking_mode", ",region,tracking_mode")
    assert "energy of 3 s in 1 s" in refusal(
        tmp_path,
        f"{appended.replace(',ram_energy,', ',ram_energy,energy_consumed,')}\n"
        f"{of_all.replace(',machine', ',0.0001166667,machine')}\n",
        "cpu",
    )
    whole = of_all.replace(",r,1,", ",r,3,")
    power = read(tmp_path, f"{RUN}\n{whole}\n", "cpu")["power_w"]
    assert power.to_numpy() == pytest.approx(140, rel=1e-4)
    # of a process alone the power of the memory changes, and the last one tells nothing
    alone = of_all.replace("machine", "process")
    assert len(read(tmp_path, f"{RUN}\n{alone}\n", "cpu"))


def test_run_in_which_memory_is_not_told_is_read(tmp_path):
    rows = ["2026-01-31T12:00:03,r,3,0,0.0001,0,0,machine,3.3.2"]
    power = read(tmp_path, "\n".join([RUN, *rows, ""]), "cpu")["power_w"]
    assert power.to_numpy() == pytest.approx(120)
