"""Logs of SPEC's PTDaemon."""

import numpy as np
from inference_energy.meters import ptdaemon
from library.meters.files import SPL, holds


def test_a_negative_reading_is_a_missing_one(tmp_path):
    assert ptdaemon.recognise(SPL)
    holds(tmp_path, SPL, "node", "meter.log", [0.125, 1.125, 2.125], [612.1, 613.1, np.nan])
