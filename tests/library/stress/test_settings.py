"""Settings of a stress test."""

from inference_energy.stress import settings
from library.stress.made_up import DEFAULTS, NODE


def test_what_is_stated_takes_the_place_of_the_file():
    assert settings.merge(None) == DEFAULTS
    # the command line leaves what stands inside a mapping as text
    merged = settings.merge({"window": "30", "power": ["nvml", "gpu:smi.log"]})
    assert merged == DEFAULTS | {"window": 30, "power": ["nvml", "gpu:smi.log"]}


def test_a_run_needs_an_endpoint_and_a_model():
    assert settings.setting_problems(NODE) == []
    problems = settings.setting_problems(DEFAULTS)
    assert len(problems) == 2
    assert all("give at least --config stress='{endpoint: " in problem for problem in problems)
