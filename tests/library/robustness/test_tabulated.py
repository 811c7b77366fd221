"""Tabulated distribution functions against the mixtures that they stand for."""

import numpy as np
import pytest
from inference_energy.energy.mixtures import Mixture, TrimmedBlend
from inference_energy.method.distributions import LogNormal
from inference_energy.robustness.tabulated import (
    LEVER_ACCURACY,
    REACH,
    STEP_PER_SIGMA,
    Blends,
    Tables,
    _distribution,
    solve,
)

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
# Quintic Hermite interpolation errs by h^6 / 46080 times the sixth derivative at most; of a
# normal distribution function that is 2.31 / sigma^6, and steps are 0.45 sigma.
ERROR = 0.45**6 * 2.31 / 46080
ENDS = np.array([-1, 1])


def mixture(shift, zero=0.0):
    """Two log-normals, some queries of zero energy."""
    weights = np.array([0.4, 0.6]) * (1 - zero)
    return Mixture(np.array([0.0, 1.3]) + shift, weights, np.array([0.3, 0.5]), zero)


MIXTURES = [mixture(0.0), mixture(1.0), mixture(-0.5, zero=0.2)]


def blends(lower, upper):
    """Two blends of the first two mixtures, one of them shifted, with unequal shares."""
    return Blends(
        Tables.of(MIXTURES),
        member=np.array([[0, 1], [1, 0]]),
        shift=np.array([[0.0, 0.0], [0.7, 0.7]]),
        share=np.array([[0.5, 0.5], [0.2, 0.8]]),
        lower=np.full(2, lower),
        upper=np.full(2, upper),
    )


def test_increasing_functions_are_solved_to_their_targets():
    target = np.array([0.1, 1.0, 8.0, 27.0])
    found = solve(lambda u: (u**3, 3 * u**2), target, 0.0, 10.0)
    np.testing.assert_allclose(found, np.cbrt(target), rtol=1e-12)


def test_newton_steps_that_lead_to_and_fro_are_left():
    def root(u, power=0.501):
        return np.sign(u) * np.abs(u) ** power, power * np.abs(u) ** (power - 1)

    # from u Newton goes to -0.996 u: a hundred steps do not lead there
    found = solve(root, np.zeros(2), np.array([-1.0, -1.0]), np.array([2.0, 3.5]))
    assert found == pytest.approx([0, 0], abs=1e-9)


def test_tables_have_the_quantiles_of_their_mixtures():
    found = np.exp(Tables.of(MIXTURES).quantiles(LEVELS))
    for row, own in zip(found, MIXTURES, strict=True):
        np.testing.assert_array_equal(row == 0, own.zero_mass >= LEVELS)
        levels = [own.cdf(energy) for energy in row[row > 0]]
        assert levels == pytest.approx(LEVELS[row > 0], abs=ERROR)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_the_rises_of_a_table_add_up_to_the_distribution_function(sigma):
    # a lone log-normal, many, and some of other spreads, of which a quadrature may have less than 0
    random = np.random.default_rng(0)
    for places, spreads in (
        ([0.0], [sigma]),
        (random.normal(0, 2, 500), np.full(500, sigma)),
        (random.normal(0, 2, 40), random.uniform(sigma, 4 * sigma, 40)),
    ):
        weights = random.dirichlet(np.ones(len(places))) * 1.1 - 0.1 / len(places)
        made = Mixture(np.array(places), 0.9 * weights, np.array(spreads), 0.1)
        step = STEP_PER_SIGMA * sigma
        start, stop = (made.locations.min(), made.locations.max()) + REACH * np.max(spreads) * ENDS
        at = np.arange(start, stop, step)
        value, slope, _ = _distribution(made, at, step).T
        assert value == pytest.approx([made._cdf_log(u) for u in at], abs=1e-10)
        assert slope / step == pytest.approx(made.log_density(at), abs=1e-9)


def test_a_table_has_the_density_of_its_mixture():
    tables, at = Tables.of(MIXTURES), np.linspace(-1.0, 3.0, 41)
    value, density = tables(np.zeros(41, int), at)
    assert value == pytest.approx([MIXTURES[0].cdf(np.exp(u)) for u in at], abs=ERROR)
    assert density == pytest.approx(MIXTURES[0].log_density(at), abs=1e-5)


@pytest.mark.parametrize("trim", [(0.0, 1.0), (0.14, 0.86)])
def test_blends_are_those_of_the_exact_engine(trim):
    found = blends(*trim).quantiles(LEVELS)
    exact = [
        TrimmedBlend((MIXTURES[0], MIXTURES[1]), *trim, (0.5, 0.5)),
        TrimmedBlend((mixture(1.7), mixture(0.7)), *trim, (0.2, 0.8)),
    ]
    for row, own in zip(found, exact, strict=True):
        levels = [own.cdf(energy) for energy in row]
        assert levels == pytest.approx(LEVELS, abs=ERROR / (trim[1] - trim[0]))


def test_medians_after_a_lever_have_the_stated_accuracy():
    trim, levers = (0.14, 0.86), [LogNormal.from_percentiles(1.5, 3.5), LogNormal(0.4, 0.1)]
    table = blends(*trim)
    found = table.medians_divided_by(levers, table.quantiles([0.5])[:, 0])
    exact = TrimmedBlend((MIXTURES[0], MIXTURES[1]), *trim, (0.5, 0.5))
    expected = [exact.divided_by(lever).quantile(0.5) for lever in levers]
    assert found[0] == pytest.approx(expected, rel=LEVER_ACCURACY)


@pytest.mark.parametrize("power", [3, 5])
def test_a_second_derivative_spares_steps(power):
    asked = []

    def raised(u, count):
        asked.append(u)
        slopes = [u**power, power * u ** (power - 1), power * (power - 1) * u ** (power - 2)]
        return tuple(slopes[:count])

    steps, target = {}, np.array([1.0, 7.0, 20.0])
    for count in (2, 3):
        asked.clear()
        found = solve(lambda u, n=count: raised(u, n), target, 0.5, 3.0)
        np.testing.assert_allclose(found, target ** (1 / power), rtol=1e-12)
        steps[count] = len(asked)
    assert steps[3] < steps[2]
