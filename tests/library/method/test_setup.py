"""The objects that a method becomes."""

import pytest
from inference_energy.method.setup import Blend


def test_trimming_twice_keeps_the_levels_of_both():
    assert Blend(3, ((0.05, 0.95), (0.1, 0.9))).levels == pytest.approx((0.14, 0.86))
    assert Blend(3, ()).levels == (0.0, 1.0)
