"""What is counted at a boundary, per Wh of the node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.method.boundary import (
    FACILITY,
    SERVER,
    Boundary,
    accelerator,
    server_from_accelerator,
)
from inference_energy.method.distributions import LogNormal

positive = st.floats(1e-3, 1e3)
factors = st.builds(LogNormal, st.floats(-2, 2), st.floats(0, 1))


@given(factors)
def test_the_facility_counts_the_pue_and_the_server_does_not(pue):
    assert FACILITY.over_node(pue) == pue
    assert SERVER.over_node(pue) == LogNormal.fixed(1.0)


@given(factors, factors)
def test_accelerators_take_their_share_of_the_server_whatever_the_pue(pue, share):
    assert accelerator(share).over_node(pue) == share


@given(factors, factors, st.sampled_from([-1, 1, 2]))
def test_an_intensity_multiplies_what_is_counted(pue, intensity, order):
    at_grid = Boundary("carbon", with_pue=True, factor=intensity).over_node(pue)
    on_site = Boundary("water", with_pue=False, factor=intensity).over_node(pue)
    assert at_grid.moment(order) == pytest.approx(pue.moment(order) * intensity.moment(order))
    assert on_site == intensity


@given(positive, positive, positive)
def test_a_node_adds_the_host_to_its_accelerators(hours, accelerators, host):
    server = server_from_accelerator(hours * accelerators, accelerators, host)
    assert server == pytest.approx(hours * (accelerators + host))


def test_conversions_take_arrays():
    energy = server_from_accelerator(np.array([1.0, 2.0]), 1.0, np.array([0.0, 1.0]))
    assert list(energy) == [1.0, 4.0]
