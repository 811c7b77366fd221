"""What Zeus prints and writes."""

from inference_energy.meters import zeus
from library.meters.files import NOON, holds, read, refusal


def test_printed_power_is_read_with_its_time(tmp_path):
    text = (
        "2026-01-31 12:00:00.000000\n{'GPU0': 512.3, 'GPU1': 498.0}\n"
        "2026-01-31 12:00:01.000000\n{\n    'GPU0': 513.0,\n    'GPU1': 498.1\n}\n"
        "\nTotal time (s): 2.0\nTotal energy (J):\n{'GPU0': 1025.3, 'GPU1': 996.1}\n"
    )
    assert zeus.recognise(text)
    holds(tmp_path, text, "gpu", "gpu 0", [0, 1], [512.3, 513])
    assert "Zeus measures the gpu, not the node: write gpu:" in refusal(tmp_path, text)


def test_a_window_becomes_its_mean_power(tmp_path):
    zeus = f"start_time,window_name,elapsed_time,gpu0_energy,gpu1_energy\n{NOON},a,10.0,5000,4000\n"
    frame = read(tmp_path, zeus, "gpu")
    assert set(frame["power_w"]) == {500, 400}
    assert 9 < frame["time_s"].max() - NOON < 10
