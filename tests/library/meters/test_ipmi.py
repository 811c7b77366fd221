"""What ipmitool prints."""

import pytest
from inference_energy.meters import ipmi
from library.meters.files import DCMI, holds


def test_instantaneous_power_is_read_with_its_time(tmp_path):
    assert ipmi.recognise(DCMI)
    holds(tmp_path, DCMI, "node", "node", [0, 1], [5120, 5130])


@pytest.mark.parametrize(
    "written",
    [
        "01/31/2026 12:00:0{} UTC",
        "01/31/2026 12:00:0{} PM EDT    Sampling period:                  00000005 Seconds.",
        "01/31/2026 - 12:00:0{}",
    ],
)
def test_times_are_read_as_each_version_writes_them(written, tmp_path):
    text = "".join(
        f"    Instantaneous power reading:      {5120 + second} Watts\n"
        f"    IPMI timestamp:                   {written.format(second)}\n"
        for second in (0, 1)
    )
    holds(tmp_path, text, "node", "node", [0, 1], [5120, 5121])


def test_readings_within_a_second_are_averaged(tmp_path):
    text = "".join(
        f"    Instantaneous power reading:      {5000 + 10 * n} Watts\n"
        f"    IPMI timestamp:                   Sat Jan 31 12:00:0{n // 2} 2026\n"
        for n in range(4)
    )
    holds(tmp_path, text, "node", "node", [0, 1], [5005, 5025])
