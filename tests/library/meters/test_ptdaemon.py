"""Logs of SPEC's PTDaemon."""

import numpy as np
import pytest
from inference_energy.meters import ptdaemon
from library.meters.files import SPL, holds, refusal


def test_a_negative_reading_is_a_missing_one(tmp_path):
    assert ptdaemon.recognise(SPL)
    holds(tmp_path, SPL, "node", "meter.log", [0.125, 1.125, 2.125], [612.1, 613.1, np.nan])


@pytest.mark.parametrize("kept", ["Time,01-31-2026 12:0", "Time,01-31-2026 12:00:01.125,Watts,6"])
def test_a_line_that_is_cut_off_is_refused(kept, tmp_path):
    first, second, last = SPL.splitlines(keepends=True)
    assert second.startswith(kept)
    message = refusal(tmp_path, f"{first}{kept}\n{last}", "node")
    assert f"row 2, is cut off: {kept!r}; copy the log again" in message


def test_a_log_of_times_and_watts_alone_is_whole(tmp_path):
    lines = [line.split(",Volts")[0] for line in SPL.splitlines()]
    holds(
        tmp_path,
        "\n".join([*lines, ""]),
        "node",
        "meter.log",
        [0.125, 1.125, 2.125],
        [612.1, 613.1, np.nan],
    )
