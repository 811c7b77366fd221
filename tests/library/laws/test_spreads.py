"""Standard deviations estimated with the values that scatter by them, and where steps lead."""

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.laws import spreads
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
    with pytest.raises(InputError) as refused:
        fixed_point(step, np.zeros(1), 1e-9, 7)
    assert str(refused.value) == (
        "measured rows: a fit to them has not come to an end after 7 steps, the last one changed it"
        " by 1 (root mean square); allowed is 1e-09; look for rows of one configuration that"
        " contradict each other, and leave the wrong ones out"
    )
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


def places_of(changes, tolerance=1e-9):
    """Places that are asked for where steps lead on by these changes, whatever the place."""
    left = iter(changes)
    step, taken = counted(lambda here: here + next(left))
    with pytest.raises(InputError):
        fixed_point(step, np.zeros(1), tolerance, len(changes))
    return [float(here[0]) for here in taken]


def test_steps_that_do_not_shrink_are_lengthened_up_to_a_bound_and_by_none_after_a_turn():
    """By hand: a step of twice the change, then four and eight times it, and after a turn once."""
    assert places_of([1, 1, 1, 1, 1, 1, 1]) == [0, 1, 3, 7, 15, 23, 31]
    assert places_of([1, 1, -1, -1, -1, -1]) == [0, 1, 3, 2, 0, -4]
    # nine tenths of the change before are none that shrink
    assert places_of([10, 9, 9]) == [0, 10, 28]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        # from the first on after one below 0.05, and six at most
        ([1, 0.5, 0.1, 0.04, 0.02, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4], [1, 1, 1, 1, 2, 3, 4, 5, 6, 6]),
        ([0.05, 0.04, 0.03, 0.02], [1, 1, 2, 3]),
        # one that does not shrink begins anew
        ([0.04, 0.02, -0.02, 0.01, 0.005], [1, 2, 1, 2, 3]),
    ],
)
def test_near_the_end_the_last_changes_that_shrink_are_combined(monkeypatch, changes, counts):
    found = []
    monkeypatch.setattr(spreads, "_correction", lambda before: found.append(len(before)) or 0.0)
    places_of(changes)
    assert found == counts


def test_a_change_of_exactly_the_tolerance_is_no_end():
    assert places_of([1, 0.5], tolerance=0.5) == [0, 1]


def test_changes_that_say_next_to_the_same_are_taken_for_one():
    """By hand: two parallel changes have as much weight each, and not a billion times more."""
    places = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    changes = np.array([[0.0, 1e-3], [1.0, 1e-3], [2.0, 1e-3 + 1e-12]])
    before = list(zip(places, changes, strict=True))
    np.testing.assert_allclose(spreads._correction(before), [1.0, 1.0], rtol=1e-6)
    assert spreads._correction(before[:1]) == 0
