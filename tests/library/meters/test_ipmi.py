"""What ipmitool prints."""

import pytest
from inference_energy.meters import ipmi
from library.meters.files import DCMI, holds, refusal


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


def printed(powers, times):
    """What ipmitool prints of powers [W] at seconds."""
    return "".join(
        f"    Instantaneous power reading:      {power} Watts\n"
        f"    IPMI timestamp:                   Sat Jan 31 12:00:{second:02d} 2026\n"
        for power, second in zip(powers, times, strict=True)
    )


@pytest.mark.parametrize("nodes", [(5000, 900), (5000, 900, 2000)])
def test_nodes_in_one_log_are_refused(nodes, tmp_path):
    seconds = range(9)
    appended = "".join(printed([power] * 9, seconds) for power in nodes)
    in_turn = "".join(printed(nodes, [second] * len(nodes)) for second in seconds)
    for text in (appended, in_turn):
        assert "in turn: two or more meters in one file" in refusal(tmp_path, text, "node")


def test_a_reading_without_its_time_is_named(tmp_path):
    text = printed([5000, 5010], [0, 1])
    untimed = "    Instantaneous power reading:      9000 Watts\n"
    assert "row 2, follows a reading without a time" in refusal(tmp_path, untimed + text, "node")
    holds(tmp_path, text + untimed, "node", "node", [0, 1], [5000, 5010])
