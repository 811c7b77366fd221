"""A small multiverse, computed."""

import pytest
from inference_energy.robustness import multiverse
from library.robustness.small import MATERIALS, checked, small


@pytest.fixture(scope="module")
def computed():
    choices = checked(small())
    return choices, multiverse.outcomes(choices, MATERIALS)
