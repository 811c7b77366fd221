"""What ipmitool prints."""

import numpy as np
import pytest
from inference_energy.meters import ipmi
from library.meters.files import DCMI, holds, read, refusal


def test_instantaneous_power_is_read_with_its_time(tmp_path):
    assert ipmi.recognise(DCMI)
    holds(tmp_path, DCMI, "node", "node", [0, 1], [5120, 5130])


@pytest.mark.parametrize(
    "written",
    [
        "01/31/2026 12:00:0{} UTC",
        "01/31/2026 12:00:0{} PM EDT    Sampling period:                  00000005 Seconds.",
        "01/31/2026 - 12:00:0{}",
        "01/31/2026 12:00:0{}",
        "01/31/26 12:00:0{} UTC",
        "31/01/26 12:00:0{} UTC",
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


def test_the_month_comes_first_in_its_times(tmp_path):
    text = (
        printed([5000, 5010], [0, 1]).replace("Sat Jan 31", "02/01/2026").replace(" 2026\n", "\n")
    )
    holds(tmp_path, text, "node", "node", [86_400, 86_401], [5000, 5010])


def test_a_sensor_that_is_not_active_reads_nothing(tmp_path):
    first, second = DCMI.strip().split("\n\n\n")
    for text in (
        f"{first}\n\n{second.replace(' activated', ' deactivated')}\n",
        f"{first}\n\n{second.replace('5130 Watts', 'na')}\n",
        f"{first}\n\n{second.replace('5130 Watts', 'disabled')}\n",
    ):
        holds(tmp_path, text, "node", "node", [0, 1], [5120, np.nan])
    nothing = DCMI.replace(" activated", " deactivated")
    assert "none of its 2 rows holds a reading" in refusal(tmp_path, nothing, "node")
    never = DCMI.replace("5120 Watts", "na").replace("5130 Watts", "na")
    assert "none of its 2 rows holds a reading" in refusal(tmp_path, never, "node")


def whole(node, second):
    """A whole reading of a node of one power, whose extremes are its own."""
    return (
        DCMI.split("\n\n\n")[0]
        .replace("5120", str(5000 + (7 * second + 3 * node) % 11))
        .replace("9800", str(9800 + node))
        .replace("12:00:00", f"12:{second // 60:02d}:{second % 60:02d}")
    )


def test_equal_nodes_are_told_apart_by_their_extremes(tmp_path):
    one = "".join(whole(0, second) for second in range(20))
    holds(tmp_path, one, "node", "node", range(20), [5000 + 7 * s % 11 for s in range(20)])
    twice = "".join(whole(0, n // 2) for n in range(40))
    assert len(read(tmp_path, twice, "node")) == 20
    in_turn = "".join(whole(node, second) for second in range(20) for node in (0, 1))
    assert "two or more nodes in one file" in refusal(tmp_path, in_turn, "node")


def test_times_that_go_back_are_of_another_node(tmp_path):
    one = printed([5000 + n % 3 for n in range(50)], range(50))
    assert "row 101, is 49 s before the reading above" in refusal(tmp_path, one + one, "node")
    holds(
        tmp_path,
        printed([5000, 5001, 5002], [3, 2, 4]),
        "node",
        "node",
        [2, 3, 4],
        [5001, 5000, 5002],
    )
