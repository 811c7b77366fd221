"""Files of real clients against what the same run printed: what is read is the client's summary."""

import pytest
from inference_energy.readers import detect_and_read
from library.readers.files import FIXTURES
from library.readers.said import ONE, SAID, check_said


@pytest.mark.parametrize("file", SAID)
def test_what_is_read_is_what_the_client_printed(file):
    said, patterns = SAID[file]
    text = (FIXTURES / said).read_text(encoding="utf-8")
    check_said(detect_and_read(FIXTURES / file, ONE).iloc[0], text, patterns)


@pytest.mark.parametrize("version", ["0.8.0", "0.9.0", "0.10.0", "0.11.0", "0.12.0"])
def test_energy_of_every_version_of_aiperf_is_read(version):
    """0.8 and 0.9 state each GPU alone, 0.10 and 0.11 their sum without a vendor, 0.12 with it."""
    row = detect_and_read(FIXTURES / f"aiperf/{version}.json", ONE).iloc[0]
    assert (row["client_version"], row["power_boundary"]) == (version, "accelerator")
    # the made-up GPU draws 300 W, and 100 W more or less within 7 s
    assert row["gpu_power_w"] == pytest.approx(300, rel=0.05)
    energy = row["gpu_power_w"] * row["duration_s"]
    assert row["gpu_energy_j"] == pytest.approx(energy, rel=0.05)
