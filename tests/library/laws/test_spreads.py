"""Standard deviations estimated with the values that scatter by them, and where steps lead."""

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.spreads import fixed_point, renewed


def counted(step):
    """A step, and how often it was taken."""
    taken = []

    def one(here):
        taken.append(here)
        return step(here)

    return one, taken


def plain_steps(step, start, tolerance):
    """How many steps it takes without acceleration."""
    here, count = start, 0
    while True:
        given, count = step(here), count + 1
        if np.sqrt(np.mean((given - here) ** 2)) < tolerance:
            return count
        here = given


def test_slow_steps_end_where_they_lead_and_sooner():
    rates, end = np.linspace(0.5, 0.98, 5), np.arange(5.0)
    step, taken = counted(lambda here: end + rates * (here - end))
    found = fixed_point(step, np.zeros(5), 1e-9, 1000)
    np.testing.assert_allclose(found, end, atol=1e-6)
    assert len(taken) < plain_steps(step, np.zeros(5), 1e-9) / 10


def test_a_place_that_steps_lead_away_from_is_left():
    """Of x' = x + (x - x^3)/10, zero is a fixed point and not a stable one."""

    def step(here):
        return here + (here - here**3) / 10

    once, taken = counted(step)
    start = np.array([1e-3])
    assert fixed_point(once, start, 1e-9, 1000) == pytest.approx(1)
    assert len(taken) < plain_steps(step, start, 1e-9) / 3


def test_a_start_at_the_end_takes_one_step():
    step, taken = counted(lambda here: here)
    np.testing.assert_array_equal(fixed_point(step, np.ones(3), 1e-9, 10), np.ones(3))
    assert len(taken) == 1


def test_steps_that_do_not_end_are_refused():
    step, taken = counted(lambda here: here + 1)
    with pytest.raises(InputError, match=r"after 7 steps, the last one changed it by 1 .*1e-09"):
        fixed_point(step, np.zeros(1), 1e-9, 7)
    assert len(taken) == 7


@pytest.mark.parametrize("scatter", [0.1, 1.0, 10.0])
def test_the_fixed_point_is_that_of_expectation_maximisation(scatter):
    """Of values that are seen with some scatter: the more of it, the fewer of its steps."""
    prior, weight = 0.5, 3.0
    seen = np.random.default_rng(1).normal(0, 1, 40)

    def known(sd):
        variance = 1 / (1 / sd**2 + 1 / scatter**2)
        return seen * variance / scatter**2, np.full(len(seen), variance)

    def maximised(sd):
        x, variance = known(sd)
        total = (x**2 + variance).sum() + weight * prior**2
        return np.sqrt(total / (len(seen) + weight))

    def step(sd):
        x, variance = known(sd)
        known_of = (1 - variance / sd**2).sum()
        return np.atleast_1d(renewed((x**2).sum(), known_of, prior, weight))

    slow = plain_steps(maximised, np.array([0.5]), 1e-12)
    quick, taken = counted(step)
    end = fixed_point(quick, np.array([0.5]), 1e-12, 1000)
    assert maximised(end) == pytest.approx(end, rel=1e-9)
    assert len(taken) <= slow


def test_values_of_which_nothing_is_known_leave_the_prior():
    assert renewed(0.0, 0.0, 0.3, 10.0) == pytest.approx(0.3)
    # far from the end more variance may be left than the prior has
    assert renewed(0.0, -5.0, 0.3, 10.0) == pytest.approx(0.3)
    np.testing.assert_allclose(renewed([4.0, 9.0], [1.0, 1.0], 0.0, 0.0), [2.0, 3.0])
