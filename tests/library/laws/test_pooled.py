"""A model that is served in several ways."""

import numpy as np
import pytest
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.varied import Varied
from library.laws.examples import DOMAIN, EXAMPLES, MADE_OF_OTHERS

LENGTHS = np.array([[100.0], [5000.0]]), np.array([1.0, 300.0, 20_000.0])
SLOW, FAST = Peak(100.0, 2, DOMAIN, 0.1), Peak(400.0, 5, DOMAIN, 0.2)


def test_a_law_by_itself_is_served_in_one_way():
    for law in EXAMPLES.values():
        assert law.shares() == (Share(1.0, 1.0, law),)


@pytest.mark.parametrize("law", EXAMPLES.values(), ids=EXAMPLES)
def test_a_pool_of_equal_ways_is_their_law(law):
    pool = Pooled.of([Share(2.0, 1.0, law), Share(3.0, 1.0, law)])
    for method in ("predict", "sigma", "seconds"):
        np.testing.assert_allclose(
            getattr(pool, method)(*LENGTHS), getattr(law, method)(*LENGTHS), rtol=1e-12
        )
    assert pool.kinks(500.0) == law.kinks(500.0)
    assert sum(way.weight for way in pool.shares()) == 1


def test_the_pool_has_the_mean_and_spread_of_the_logarithms_at_equal_power():
    """By hand: ln(100/0.5) and ln(400/2) are the same, so only the laws' own errors remain."""
    same = Pooled.of([Share(1.0, 0.5, SLOW), Share(1.0, 2.0, FAST)])
    assert same.predict(500.0, 300.0) == pytest.approx(200.0)
    assert same.sigma(500.0, 300.0) == pytest.approx(np.sqrt((0.1**2 + 0.2**2) / 2))
    apart = Pooled.of([Share(3.0, 1.0, SLOW), Share(1.0, 1.0, FAST)])
    assert apart.predict(500.0, 300.0) == pytest.approx(100 * 4**0.25)
    between = np.log(4) ** 2 * 0.75 * 0.25
    assert apart.sigma(500.0, 300.0) ** 2 == pytest.approx(0.75 * 0.01 + 0.25 * 0.04 + between)


def test_time_is_counted_at_the_power_of_the_node():
    pool = Pooled.of([Share(1.0, 3.0, SLOW)])
    assert pool.seconds(500.0, 300.0) == pytest.approx(9.0)
    assert pool.predict(500.0, 300.0) == pytest.approx(300 / 9)


def test_changes_reach_every_way():
    pool = Pooled.of([Share(1.0, 1.0, SLOW), Share(1.0, 2.0, FAST)])
    twice = pool.scaled(2.0)
    np.testing.assert_allclose(twice.predict(*LENGTHS), 2 * pool.predict(*LENGTHS))
    varied = Varied.of(pool, factor=2.0, output_exponent=-0.5)
    for own, way in zip(varied.shares(), pool.shares(), strict=True):
        assert own[:2] + own[3:5] == way[:2] + way[3:5]
        of_way = Varied.of(way.law, factor=2.0, output_exponent=-0.5)
        np.testing.assert_array_equal(own.law.predict(*LENGTHS), of_way.predict(*LENGTHS))


def test_an_answer_that_is_kept_is_that_of_its_lengths():
    pool = Pooled.of([Share(1.0, 1.0, EXAMPLES["log-linear"]), Share(1.0, 2.0, FAST)])
    asked = [(500.0, np.array([100.0, 200.0 + i])) for i in range(20)] + [(7.0, LENGTHS[1])]
    for lengths in [*asked, *asked]:
        fresh = Pooled.of(pool.shares()).by_way(*lengths)
        np.testing.assert_array_equal(pool.by_way(*lengths), fresh)
    with pytest.raises(ValueError, match="read-only"):
        pool.by_way(*asked[0])[0][:] = 0


def test_ways_without_weight_are_left_out_and_none_is_refused():
    pool = Pooled.of([Share(0.0, 1.0, SLOW), Share(2.0, 1.0, FAST, "fast")])
    assert [way.node for way in pool.shares()] == ["fast"]
    assert pool.n_rows == 5
    assert pool.terms() == [("share of fast", 1.0, "1"), ("relative power of fast", 1.0, "1")]
    with pytest.raises(ValueError, match="no share has weight"):
        Pooled.of([Share(0.0, 1.0, SLOW)])


@pytest.mark.parametrize("law", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("varied", [False, True])
def test_ways_are_answered_for_at_once_as_one_by_one(law, varied):
    ways = [Share(1.0, 1.0, law.scaled(factor)) for factor in (1.0, 2.5)]
    pool = Pooled.of([*ways, Share(1.0, 1.0, law.at(3.0))])
    asked = Varied.of(pool, factor=2.0, output_exponent=-0.5) if varied else pool
    speeds, errors = asked.by_way(*LENGTHS)
    for way, speed, error in zip(asked.shares(), speeds, errors, strict=True):
        np.testing.assert_allclose(speed, way.law.predict(*LENGTHS), rtol=1e-12)
        np.testing.assert_allclose(error, way.law.sigma(*LENGTHS), rtol=1e-12)


def test_ways_of_different_laws_are_answered_for():
    speeds, errors = Pooled.of([Share(1.0, 1.0, each) for each in EXAMPLES.values()]).by_way(
        *LENGTHS
    )
    assert speeds.shape == errors.shape == (len(EXAMPLES), 2, 3)


def test_a_pool_splits_time_as_its_ways_do():
    """Two ways whose prefills differ: the pool's share is the mean of theirs."""
    first = EXAMPLES["additive"]
    pool = Pooled.of([Share(3.0, 1.0, first), Share(1.0, 2.0, SLOW)])
    lengths = np.array([[2000.0], [9000.0]]), 1000.0, np.array([1.0, 300.0])
    own, parts = first.parts(*lengths), pool.parts(*lengths)
    whole = pool.seconds(lengths[0], lengths[2], 1000.0)
    np.testing.assert_allclose(sum(parts), whole)
    np.testing.assert_allclose(parts.prefill / whole, 0.75 * own.prefill / sum(own))
    np.testing.assert_allclose(parts.cached / whole, 0.75 * own.cached / sum(own))
    alike = Pooled.of([Share(1.0, 1.0, first), Share(1.0, 1.0, first)])
    np.testing.assert_allclose(alike.parts(*lengths), own)


@pytest.mark.filterwarnings("error")
def test_no_answer_takes_no_time():
    pool = Pooled.of([Share(1.0, 1.0, SLOW), Share(1.0, 2.0, FAST)])
    assert pool.seconds(500.0, np.array([0.0, 300.0]))[0] == 0
    assert sum(pool.parts(500.0, 0.0, 0.0)) == 0


def test_loads_around_another_one_are_tilted_and_their_ways_stay():
    law = MADE_OF_OTHERS["pooled, knows load"]
    moved = law.around(16.0)
    loads = np.log([way.load for way in law.ways])
    assert moved.split()[0] @ loads == pytest.approx(np.log(16))
    slopes = np.diff(np.log(moved.split()[0] / law.split()[0])) / np.diff(loads)
    assert slopes == pytest.approx(slopes[0])
    assert [way._replace(weight=0) for way in moved.ways] == [
        way._replace(weight=0) for way in law.ways
    ]
    varied = Varied.of(law, factor=2.0).around(16.0)
    assert varied.predict(500.0, 300.0) == pytest.approx(2 * moved.predict(500.0, 300.0))
    with pytest.raises(ValueError, match="load 64 is not between"):
        law.around(64.0)


def test_a_law_that_knows_no_loads_has_none_around_another():
    for law in (SLOW, Pooled.of([Share(1.0, 1.0, SLOW)])):
        assert law.around(16.0) is law
