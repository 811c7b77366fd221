"""What is counted at a boundary, per Wh of the node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.method.boundary import (
    FACILITY,
    SERVER,
    Boundary,
    Place,
    accelerator,
)
from inference_energy.method.distributions import LogNormal

factors = st.builds(LogNormal, st.floats(-2, 2), st.floats(0, 1))


@given(factors)
def test_the_facility_counts_the_pue_and_the_server_does_not(pue):
    assert FACILITY.over_node(pue) == pue
    assert SERVER.over_node(pue) == LogNormal.fixed(1.0)


@given(factors, factors)
def test_accelerators_take_their_share_of_the_server_whatever_the_pue(pue, share):
    boundary = accelerator(share)
    assert boundary.over_node(pue) == share
    assert (boundary.name, boundary.with_pue) == (Place.ACCELERATOR, False)


@given(factors, factors, st.sampled_from([-1, 1, 2]))
def test_an_intensity_multiplies_what_is_counted(pue, intensity, order):
    at_grid = Boundary("carbon", with_pue=True, factor=intensity).over_node(pue)
    on_site = Boundary("water", with_pue=False, factor=intensity).over_node(pue)
    assert at_grid.moment(order) == pytest.approx(pue.moment(order) * intensity.moment(order))
    assert on_site == intensity
