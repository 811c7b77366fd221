"""What ipmitool prints."""

from inference_energy.meters import ipmi
from library.meters.files import DCMI, holds


def test_instantaneous_power_is_read_with_its_time(tmp_path):
    assert ipmi.recognise(DCMI)
    holds(tmp_path, DCMI, "node", "node", [0, 1], [5120, 5130])
