"""Sums over output tokens: weights of a distribution, and few nodes that stand for many lengths."""

from itertools import pairwise

import numpy as np
import pytest
from inference_energy.method.lengths import UniformLengths
from inference_energy.method.quadrature import CELL, EVERY_TOKEN_UP_TO, LONGEST, support
from library.method.test_lengths import LENGTHS
from numpy.polynomial.chebyshev import chebpts1, chebvander
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
    if tokens.longest < EVERY_TOKEN_UP_TO:
        assert lengths[-1] == np.ceil(tokens.longest)


def test_cells_of_one_relative_width_stand_for_the_numbers_in_them():
    n = 600
    lengths, weights = support(UniformLengths(0.0, 9999.0), 100, np.log(100) / n)
    # the first cells would be narrower than one token
    cells = np.unique(np.round(np.geomspace(100, 10_000, n + 1)))
    edges = np.concatenate([np.arange(100), cells])
    np.testing.assert_array_equal(lengths, (edges[:-1] + edges[1:] - 1) / 2)
    ends = np.clip(edges - 0.5, 0, 9999)
    np.testing.assert_allclose(weights, np.diff(ends) / 9999, rtol=1e-9)


def test_a_panel_of_many_lengths_has_chebyshev_nodes_and_others_are_kept():
    """Twelve nodes each of equal widths in ln L from 32 on, and a panel of twelve lengths."""
    tokens, width = UniformLengths(0.0, 9999.0), 1.0
    nodes, _ = tokens.nodes((200.0, 212.0), width)
    ends = np.ceil([*(32 * np.exp(width * np.arange(6))), 10_000])
    panels = [(a, b) for a, b in pairwise(ends) if not a < 200 < b]
    panels += [(ends[1], 200), (212, ends[2])]
    expected = [*range(32), *range(200, 212)]
    for first, end in panels:
        logs = np.log([first, end - 1])
        expected += np.exp(logs.mean() + np.ptp(logs) / 2 * chebpts1(12)).tolist()
    np.testing.assert_allclose(np.sort(nodes), np.sort(expected), rtol=1e-12)


def test_a_panel_sums_polynomials_of_every_order_below_its_nodes_as_its_lengths_do():
    tokens, width = UniformLengths(0.0, 9999.0), 1.0
    nodes, node_weights = tokens.nodes((), width)
    lengths, weights = tokens.support
    ends = np.ceil([*(32 * np.exp(width * np.arange(6))), 10_000])
    for first, end in pairwise(ends):
        logs = np.log([first, end - 1])
        own, among = ((of >= first) & (of < end) for of in (lengths, nodes))
        found, expected = (
            share[some] @ chebvander((np.log(of[some]) - logs.mean()) / np.ptp(logs) * 2, 11)
            for of, share, some in ((nodes, node_weights, among), (lengths, weights, own))
        )
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_lengths_reach_as_far_as_any_distribution():
    lengths, _ = UniformLengths(0.0, 10 * LONGEST).support
    assert LONGEST * (1 - CELL) < lengths[-1] <= LONGEST


def test_lengths_are_of_one_grid_whatever_the_distribution():
    near, far = (UniformLengths(0.0, most).support[0] for most in (300_000.0, 900_000.0))
    np.testing.assert_array_equal(near, far[: len(near)])


@pytest.mark.parametrize("minimum", [32_769, 49_990, 49_999, 50_000])
def test_a_minimum_among_the_cells_is_the_first_length_that_is_counted(minimum):
    for factor in (1, 15):
        least, most = factor * minimum, factor * 50_000.0
        at_least = UniformLengths(0.0, most, minimum=least)
        lengths, weights = at_least.support
        assert lengths[0] >= least
        assert weights @ lengths == pytest.approx(np.mean([least - 0.5, most]), abs=0.5)
        assert at_least.nodes()[0].min() >= least * (1 - 1e-12)


def test_one_length_alone_is_a_node():
    assert UniformLengths(0.5, 1.0, minimum=1).nodes() == ([1.0], [1.0])


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


@pytest.mark.parametrize("kink", [0.2, 17.3, 400.5, 4000.0, 70_000.5, 1e12])
def test_nodes_integrate_across_a_kink_that_they_are_told(tokens, kink):
    lengths, weights = tokens.support
    nodes, node_weights = tokens.nodes((kink, np.inf))
    full = weights @ np.minimum(lengths, kink)
    assert node_weights @ np.minimum(nodes, kink) == pytest.approx(full, rel=1e-10)
