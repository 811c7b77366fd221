"""Mixtures of log-normals that the tests make up."""

import numpy as np
from hypothesis import strategies as st
from inference_energy.energy.mixtures import Mixture

HALVES = (0.5, 0.5)


def single(mu, sigma):
    """One log-normal as a mixture."""
    return Mixture(np.array([mu]), np.array([1.0]), np.array([sigma]))


@st.composite
def mixtures(draw, least_sigma=0.06):
    """Mixture of a few log-normals, some with queries of zero energy."""
    n = draw(st.integers(1, 4))
    locations = draw(st.lists(st.floats(-3, 3), min_size=n, max_size=n))
    weights = np.array(draw(st.lists(st.floats(0.1, 1), min_size=n, max_size=n)))
    sigma = draw(st.floats(least_sigma, 1.5))
    zero = draw(st.sampled_from([0.0, 0.03, 0.2]))
    weights *= (1 - zero) / weights.sum()
    return Mixture(np.array(locations), weights, np.full(n, sigma), zero)
