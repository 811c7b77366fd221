"""Sums over output tokens: weights of a distribution, and few nodes that stand for many lengths."""

import numpy as np
import pytest
from inference_energy.method.quadrature import LONGEST
from library.method.test_lengths import LENGTHS
from scipy import stats


@pytest.fixture(scope="module", params=LENGTHS)
def tokens(request):
    return LENGTHS[request.param]


def test_weights_sum_to_one_and_lengths_rise_from_zero(tokens):
    lengths, weights = tokens.support
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert lengths[0] == 0
    assert lengths[-1] <= LONGEST
    assert (np.diff(lengths) > 0).all()


def test_probability_of_a_length_is_that_of_the_lengths_rounded_to_it(tokens):
    lengths, weights = tokens.support
    for place in (1, 5, len(lengths) // 50):
        k = lengths[place]
        assert weights[place] == pytest.approx(
            tokens.cdf(k + 0.5) - tokens.cdf(k - 0.5), rel=1e-7, abs=1e-13
        )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.log1p(x),
        lambda x: np.sqrt(x),
        lambda x: x**1.3 / (1 + x / 5e3) ** 2,
        lambda x: stats.norm.cdf((np.log(np.maximum(x, 1e-6)) - np.log(400)) / 0.28),
    ],
)
def test_nodes_integrate_smooth_functions_as_the_support_does(tokens, function):
    lengths, weights = tokens.support
    nodes, node_weights = tokens.nodes()
    assert len(nodes) < max(1500, len(lengths) / 10)
    full = weights @ function(lengths)
    assert node_weights @ function(nodes) == pytest.approx(full, rel=1e-10)


@pytest.mark.parametrize("kink", [0.2, 17.3, 400.5, 4000.0, 1e12])
def test_nodes_integrate_across_a_kink_that_they_are_told(tokens, kink):
    lengths, weights = tokens.support
    nodes, node_weights = tokens.nodes((kink, np.inf))
    full = weights @ np.minimum(lengths, kink)
    assert node_weights @ np.minimum(nodes, kink) == pytest.approx(full, rel=1e-10)
