"""A model that is served in several ways."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from inference_energy.laws import pooled as module
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


def test_the_last_answers_are_kept_up_to_a_number_of_lengths(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    monkeypatch.setattr(module, "MOST_LENGTHS", 2)
    pool = Pooled.of([Share(1.0, 1.0, SLOW), Share(1.0, 2.0, FAST)])
    first = [pool.by_way(500.0, np.full(2, length)) for length in range(1, 5)]
    again = [pool.by_way(500.0, np.full(2, length)) for length in (2, 3, 4, 1)]
    assert [new is old for new, old in zip(again, first[1:] + first[:1], strict=True)] == [
        *(True, True, True, False)
    ]
    assert pool.by_way(500.0, np.ones(3)) is not pool.by_way(500.0, np.ones(3))


def test_a_pool_is_of_the_law_of_its_first_way():
    pool = Pooled.of([Share(1.0, 1.0, EXAMPLES["log-linear"]), Share(1.0, 1.0, FAST)])
    assert (pool.name, pool.domain, pool.n_rows) == ("log-linear", DOMAIN, 5)


def test_ways_without_weight_are_left_out_and_none_is_refused():
    pool = Pooled.of([Share(0.0, 1.0, SLOW), Share(2.0, 1.0, FAST, "fast")])
    assert [way.node for way in pool.shares()] == ["fast"]
    assert pool.n_rows == 5
    assert pool.terms() == [("share of fast", 1.0, "1"), ("relative power of fast", 1.0, "1")]
    with pytest.raises(ValueError, match=r"^no share has weight$"):
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


def test_as_many_as_fit_are_served_as_at_the_largest_load():
    """Four copies on a node at 64 requests, one at 8: never the layout of the smallest load."""
    law = EXAMPLES["at-load"]
    few = Share(1.0, 0.6, law.at(8.0), "a", "e", 8.0)
    many = Share(1.0, 1.0, law.at(16.0).scaled(4.0), "a", "e", 64.0, 4.0)
    pool = Pooled.of([few, many])
    (way,) = pool.at(np.inf).ways
    assert (way.power, way.copies, way.load) == (1.0, 4.0, np.inf)
    best = pool.at(np.inf).predict(*LENGTHS)
    np.testing.assert_allclose(best, 4 * law.at(np.inf).predict(*LENGTHS))
    np.testing.assert_allclose(best, pool.at(1e9).predict(*LENGTHS), rtol=1e-6)


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


@dataclass(frozen=True)
class Loaded(Peak):
    """Has the load that a copy is given for its throughput, and the requests for its error."""

    knows_load = True

    def at(self, concurrency, requests=np.inf):
        return replace(self, peak=concurrency, residual_sigma=requests)


def of_kind(load, power=1.0, weight=1.0, node="a", engine="e", copies=1.0):
    return Share(weight, power, Loaded(1.0, 2), node, engine, load, copies, power**2 / 100)


@pytest.mark.parametrize(
    ("load", "power", "per_copy"),
    [
        # at a load, between the loads 8 and 32 in logarithms, and beyond them
        (8.0, 0.5, 8.0 / 2),
        (16.1, 0.5 * 4 ** (np.log(16.1 / 8) / np.log(4)), 16.1 / 4),
        (24.0, 0.5 * 4 ** (np.log(3) / np.log(4)), 24.0 / 4),
        (4.0, 0.5, 4.0 / 2),
        (64.0, 2.0, 64.0 / 4),
    ],
)
def test_a_pool_at_a_load_has_a_way_for_every_kind_of_node_and_engine(load, power, per_copy):
    """By hand; the kind that is named first has the larger load first, and the larger weight."""
    pool = Pooled.of(
        [
            of_kind(32.0, 2.0, 1.0, copies=4.0),
            of_kind(8.0, 0.5, 3.0, copies=2.0),
            of_kind(8.0, 7.0, 2.0, node="b"),
            of_kind(8.0, 9.0, 4.0, engine="f"),
        ]
    )
    ways = pool.at(load, 300.0).ways
    assert [(way.node, way.engine) for way in ways] == [("a", "e"), ("b", "e"), ("a", "f")]
    assert [way.weight for way in ways] == pytest.approx([0.4, 0.2, 0.4])
    assert [way.power for way in ways] == pytest.approx([power, 7.0, 9.0])
    assert [way.accelerators for way in ways] == pytest.approx([power**2 / 100, 0.49, 0.81])
    assert [way.load for way in ways] == [load] * 3
    assert [way.law.peak for way in ways] == pytest.approx([per_copy, load, load])
    assert [way.law.residual_sigma for way in ways] == [300.0] * 3


def test_a_pool_of_the_accelerators_draws_their_power_alone():
    pool = Pooled.of([of_kind(8.0, 0.5), of_kind(32.0, 2.0, node="b")])
    assert pool.knows_accelerators
    alone = pool.of_accelerators()
    assert [way.power for way in alone.ways] == pytest.approx([0.0025, 0.04])
    assert [way._replace(power=0) for way in alone.ways] == [
        way._replace(power=0) for way in pool.ways
    ]
    assert not Pooled.of([of_kind(8.0), Share(1.0, 1.0, SLOW)]).knows_accelerators
    assert not SLOW.knows_accelerators and SLOW.of_accelerators() is SLOW


def test_a_pool_that_knows_no_load_is_the_same_at_any():
    pool = Pooled.of([of_kind(8.0), Share(1.0, 1.0, SLOW)])
    assert pool.at(16.0) is pool


def test_weights_are_tilted_to_any_load_between_the_smallest_and_the_largest():
    pool = Pooled.of([of_kind(load) for load in (1.0, 3.0, 1e5)])
    for load in (1.1, 9.0, 1e4, 9e4):
        weights, _ = pool.around(load).split()
        assert weights @ np.log([1.0, 3.0, 1e5]) == pytest.approx(np.log(load))
    for load in (1.0, 1e5, 0.5, 2e5):
        with pytest.raises(ValueError, match=rf"^load {load:g} is not between those of the ways$"):
            pool.around(load)
    near = Pooled.of([of_kind(load) for load in (8.0, 9.0)]).around(8.9)
    assert near.split()[0] @ np.log([8.0, 9.0]) == pytest.approx(np.log(8.9))


def test_ways_on_some_nodes_keep_their_shares_of_each_other_and_the_rows_of_all():
    ways = [Share(1.0, 1.0, SLOW, "a"), Share(3.0, 2.0, SLOW, "b"), Share(4.0, 1.0, FAST, "c")]
    pool = Pooled.of(ways)
    own = pool.on(["b", "a"])
    assert [(way.node, way.weight, way.power) for way in own.ways] == [
        ("a", 0.25, 1.0),
        ("b", 0.75, 2.0),
    ]
    assert (SLOW.n_rows, own.n_rows) == (2, 5)
    assert pool.on(["d"]) is None


def test_terms_are_the_share_of_every_kind_and_the_mean_of_its_power():
    ways = [of_kind(8.0, 1.0, 1.0), of_kind(9.0, 16.0, 3.0), of_kind(8.0, 5.0, 4.0, "b")]
    assert Pooled.of(ways).terms() == [
        ("share of a, e", 0.5, "1"),
        ("relative power of a, e", pytest.approx(16**0.75), "1"),
        ("share of b, e", 0.5, "1"),
        ("relative power of b, e", pytest.approx(5), "1"),
    ]
