"""What every law does alike: domain, node time, scale, cap, error."""

import ast
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.energy.equation import charged_tokens
from inference_energy.laws.base import Law, joined, left_out_sigma
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.registry import LAWS
from library.laws.examples import EXAMPLES, MADE_OF_OTHERS, TRUE, rows_of
from repository import ROOT

LENGTHS = np.array([[100.0], [5000.0]]), np.array([1.0, 300.0, 20_000.0])
EVERY_LAW = EXAMPLES | MADE_OF_OTHERS
EVERY = pytest.mark.parametrize("law", EVERY_LAW.values(), ids=EVERY_LAW)


def test_there_is_an_example_of_every_law_of_the_registry():
    assert {name: law.name for name, law in EXAMPLES.items()} == {name: name for name in LAWS}


def test_there_is_an_example_of_every_class():
    classes = {
        node.name
        for path in (ROOT / "workflow" / "inference_energy" / "laws").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and "Law" in map(ast.unparse, node.bases)
    }
    assert {type(law).__name__ for law in EVERY_LAW.values()} == classes


@pytest.mark.parametrize("name", LAWS)
def test_the_registry_says_of_a_law_what_it_does(name):
    law, kind = EXAMPLES[name], LAWS[name]
    assert law.knows_load == kind.knows_load
    assert (np.ptp(law.predict(*LENGTHS)) > 0) == kind.by_length
    if kind.charges_input:
        assert (np.diff(law.seconds(*LENGTHS), axis=0) > 0).all()


@EVERY
def test_lengths_broadcast(law):
    for answer in (law.predict, law.sigma, law.seconds, law.extrapolates):
        assert np.shape(answer(*LENGTHS)) == (2, 3)
        assert np.shape(answer(100.0, 300.0)) == ()


@EVERY
def test_throughput_and_error_are_positive(law):
    assert (law.predict(*LENGTHS) > 0).all()
    assert (law.sigma(*LENGTHS) > 0).all()


@EVERY
def test_a_scaled_law_is_as_many_times_as_fast_and_as_certain(law):
    thrice = law.scaled(3.0)
    np.testing.assert_allclose(thrice.predict(*LENGTHS), 3 * law.predict(*LENGTHS), rtol=1e-12)
    np.testing.assert_allclose(thrice.sigma(*LENGTHS), law.sigma(*LENGTHS), rtol=1e-12)
    np.testing.assert_allclose(thrice.kinks(500.0), law.kinks(500.0))
    assert (thrice.name, thrice.domain) == (law.name, law.domain)


@EVERY
def test_a_law_is_faster_at_a_higher_load_or_does_not_know_load(law):
    few, many = law.at(8.0, 100.0), law.at(64.0, 100.0)
    if law.knows_load:
        # way by way, as what a pool predicts is over a power that also grows with load
        assert (few.by_way(*LENGTHS)[0] < many.by_way(*LENGTHS)[0]).all()
        assert (few.name, few.domain, few.n_rows) == (law.name, law.domain, law.n_rows)
    else:
        assert few is many is law


@EVERY
def test_the_shares_of_a_law_are_all_of_it(law):
    ways = law.shares()
    assert sum(way.weight for way in ways) == pytest.approx(1)
    if len(ways) == 1:
        assert (ways[0].weight, ways[0].power, ways[0].law) == (1, 1, law)


@EVERY
def test_an_uncapped_law_is_never_slower(law):
    assert (law.uncapped().predict(*LENGTHS) >= law.predict(*LENGTHS)).all()


@EVERY
def test_node_time_without_cache_is_tokens_over_throughput(law):
    seconds = LENGTHS[1] / law.predict(*LENGTHS)
    np.testing.assert_allclose(law.seconds(*LENGTHS), seconds, rtol=1e-12)


@EVERY
@given(st.floats(1, 1e5), st.sampled_from([None, 3.0, 30.0]))
def test_no_answer_at_all_costs_no_more_than_one_token(law, input_tokens, ratio):
    """Nor does it cost beyond bounds; the released code's law is followed, which does."""
    if LAWS[law.name].charges_input:
        ratio = None
    energy = [
        charged_tokens(n, input_tokens, ratio) / law.predict(input_tokens, n) for n in (0.0, 1.0)
    ]
    assert np.isfinite(energy).all()
    if not (law.name == "log-linear" and ratio):
        assert energy[0] <= energy[1]


@EVERY
def test_cached_input_never_costs_more(law):
    seconds = law.seconds(10_000.0, 300.0, np.linspace(0, 9000, 10))
    assert (np.diff(seconds) <= 0).all()


@EVERY
def test_parts_of_the_node_time_add_up_and_are_never_negative(law):
    cached = np.array([0.0, 40.0, 100.0])[:, None]
    for output in (np.array([0.0, 1.0, 300.0]), 20_000.0):
        parts = law.parts(100.0, cached, output)
        np.testing.assert_allclose(sum(parts), law.seconds(100.0, output, cached), rtol=1e-12)
        assert all((part >= 0).all() for part in parts)
        assert not parts.cached[0].any()
        assert (np.diff(parts.prefill, axis=0) <= 0).all()
        # a law that tells the parts apart by itself may have a time of every prefill
        assert type(law).parts is not Law.parts or not parts.prefill[-1].any()


@EVERY
def test_parts_of_several_laws_are_those_of_each(law):
    laws = [law, law.at(4.0).scaled(2.0), law.at(32.0).scaled(0.5)]
    query = (1000.0, 600.0, 300.0)
    seconds, sigma = joined(laws).parts(*query)
    np.testing.assert_allclose(seconds, [each.parts(*query) for each in laws], rtol=1e-12)
    np.testing.assert_allclose(sigma, [each.parts_sigma(*query) for each in laws], rtol=1e-12)


def test_what_prefill_takes_is_the_difference_that_the_input_makes_if_any():
    steep, odd = (LogLinear(7.0, exponent, 0.2, np.inf, 4) for exponent in (-0.3, 0.3))
    whole, none = steep.seconds(1000.0, 300.0), steep.seconds(0.0, 300.0)
    parts = steep.parts(1000.0, 0.0, 300.0)
    assert parts == pytest.approx((whole - none, 0, none), rel=1e-12)
    # of a law that is the faster the longer the input all is decode
    assert odd.parts(1000.0, 400.0, 300.0) == (0, 0, odd.seconds(600.0, 300.0))


def test_a_law_of_no_rows_in_sight_extrapolates_nowhere():
    lengths = np.array([0.0, 1.0, 1e9])
    assert not Peak(100.0, 3).extrapolates(lengths, lengths).any()


@EVERY
def test_laws_of_one_class_are_joined_as_that_class_has_it(law):
    assert type(joined([law, law])) is type(type(law).joined([law, law]))
    assert type(joined([law, Peak(100.0, 3)])) is type(Peak.joined([law]))


def answers(many, laws):
    """What several laws answer, and what each of them does, in pairs."""
    speeds, errors = many.rates(*LENGTHS)
    yield speeds, [law.predict(*LENGTHS) for law in laws]
    yield errors, [np.broadcast_to(law.sigma(*LENGTHS), (2, 3)) for law in laws]
    query = (5000.0, LENGTHS[1], 600.0)
    yield many.seconds(*query), [law.seconds(*query) for law in laws]
    place, outputs = np.array([2, 0, 0, 1, 2]), np.array([1.0, 30.0, 300.0, 3000.0, 30.0])
    if all(len(law.shares()) == 1 for law in laws):
        speed, error = many.rates_of(place, 1000.0, outputs)
        one = list(zip(place, outputs, strict=True))
        yield speed, [laws[k].predict(1000.0, n) for k, n in one]
        yield error, [laws[k].sigma(1000.0, n) for k, n in one]


@EVERY
def test_several_laws_answer_as_each_of_them(law):
    """Also at a load each, and where they are not of one class."""
    alike = [law, law.at(4.0).scaled(2.0), law.at(32.0).scaled(0.5)]
    loads = np.array([2.0, 8.0, 64.0])
    for laws in (alike, [*alike[:2], Peak(100.0, 3)], [Peak(100.0, 3), *alike[1:]]):
        at_load = [each.at(load) for each, load in zip(laws, loads, strict=True)]
        for many, of in ((joined(laws), laws), (joined(laws).at(loads), at_load)):
            for found, expected in answers(many, of):
                np.testing.assert_allclose(found, expected, rtol=1e-9)


ALIKE = {n: law for n, law in EXAMPLES.items() if type(law).parts_sigma is Law.parts_sigma}


@pytest.mark.parametrize("law", ALIKE.values(), ids=ALIKE)
def test_a_law_that_cannot_tell_its_parts_apart_gives_each_the_error_of_the_whole(law):
    cached = np.array([0.0, 90.0, 100.0])[:, None]
    whole = law.sigma(100.0 - cached, LENGTHS[1])
    for error in law.parts_sigma(100.0, cached, LENGTHS[1]):
        assert error.shape == (3, 3)
        np.testing.assert_array_equal(error, np.broadcast_to(whole, (3, 3)))


@EVERY
def test_a_law_extrapolates_outside_its_domain_in_either_length(law):
    inside = {name: np.array(ends) for name, ends in law.domain.items()}
    assert not law.extrapolates(**inside).any()
    for name, (low, high) in law.domain.items():
        outside = inside | {name: np.array([low - 1, high + 1])}
        assert law.extrapolates(**outside).all()


@EVERY
def test_terms_are_named_once_and_have_units(law):
    terms = law.terms()
    names = [name for name, _, _ in terms]
    assert len(set(names)) == len(names)
    # a pool has the rows of several configurations, and states its shares
    assert ("n_rows", law.n_rows, "rows") in terms or len(law.shares()) > 1


def test_a_law_that_leaves_something_out_cannot_be_made():
    class Half(Law):
        def predict(self, input_tokens, output_tokens):
            return 1.0

    with pytest.raises(TypeError, match="sigma"):
        Half()


def test_the_left_out_error_by_hand():
    rows = pd.DataFrame({"input_tokens": 1.0, "output_tokens": 1.0, "throughput_tps": [1, 2, 4.0]})

    def fit(n_in, n_out, tps):
        return Peak(tps.max(), len(tps))

    # the largest of the others is 4, 4 and 2
    expected = np.sqrt(np.mean(np.log([4, 2, 0.5]) ** 2))
    assert left_out_sigma(fit, 1, rows) == pytest.approx(expected)
    # with no row to spare the fit's own residuals
    assert left_out_sigma(fit, 3, rows) == pytest.approx(np.sqrt(np.mean(np.log([4, 2, 1]) ** 2)))


@pytest.mark.parametrize("name", [name for name, kind in LAWS.items() if not kind.pooled])
def test_the_error_of_a_fit_is_the_one_left_out(name):
    rows = rows_of(TRUE * [1, 2, 0, 0, 3])
    rows["throughput_tps"] *= [1.1, 0.9, 1.0, 1.05, 0.97, 1.02]
    fit = LAWS[name].fit_one
    law = fit(rows)
    away = [
        np.log(
            fit(rows.drop(i)).predict(row["input_tokens"], row["output_tokens"])
            / row["throughput_tps"]
        )
        for i, row in rows.iterrows()
    ]
    assert law.sigma(1000.0, 1000.0) == pytest.approx(np.sqrt(np.mean(np.square(away))))
    assert replace(law, domain={}).n_rows == len(rows)


@EVERY
def test_the_split_and_the_ways_are_those_of_the_shares(law):
    ways = law.shares()
    for found, name in zip(law.split(), ("weight", "power"), strict=True):
        assert list(found) == [getattr(way, name) for way in ways]
    speeds, errors = law.by_way(*LENGTHS)
    np.testing.assert_allclose(speeds, [way.law.predict(*LENGTHS) for way in ways], rtol=1e-9)
    alone = [np.broadcast_to(way.law.sigma(*LENGTHS), speeds.shape[1:]) for way in ways]
    np.testing.assert_allclose(errors, alone, rtol=1e-9)
