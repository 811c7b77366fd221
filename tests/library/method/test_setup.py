"""The objects that a method becomes."""

import pytest
from inference_energy.method.setup import Blend


def test_trimming_twice_keeps_the_levels_of_both():
    assert Blend(3, ((0.05, 0.95), (0.1, 0.9))).levels == pytest.approx((0.14, 0.86))
    assert Blend(3, ()).levels == (0.0, 1.0)


def test_a_blend_takes_all_models_only_in_equal_shares():
    assert Blend(3, ()).takes_all(3) and Blend(5, ()).takes_all(3)
    assert not Blend(2, ()).takes_all(3)
    assert not Blend(3, (), "median", "parameters").takes_all(3)
