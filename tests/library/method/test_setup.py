"""The objects that a method becomes."""

import numpy as np
import pytest
from inference_energy.laws.base import Share
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.setup import Blend, ServedModel, extrapolates, fixed_regime
from inference_energy.rounding import RANKING_DIGITS

DOMAIN = {"input_tokens": (100.0, 5000.0), "output_tokens": (10.0, 2000.0)}
LAW = LogLinear(7.0, -0.3, 0.2, 4000.0, 4, DOMAIN, 0.1)
LENGTHS = np.array([[100.0], [5000.0]]), np.array([10.0, 300.0, 2000.0])


def test_trimming_twice_keeps_the_levels_of_both():
    assert Blend(3, ((0.05, 0.95), (0.1, 0.9))).levels == pytest.approx((0.14, 0.86))
    assert Blend(3, ()).levels == (0.0, 1.0)


def test_a_blend_takes_all_models_only_in_equal_shares():
    assert Blend(3, ()).takes_all(3) and Blend(5, ()).takes_all(3)
    assert not Blend(2, ()).takes_all(3)
    assert not Blend(3, (), "median", "parameters").takes_all(3)


def test_a_blend_takes_parameters_to_rank_or_to_share():
    assert not Blend(3, (), "median", "equal").by_parameters
    assert Blend(3, (), "parameters", "equal").by_parameters
    assert Blend(3, (), "median", "parameters").by_parameters


def members_of_one(blend, medians, parameters):
    """Places and shares of a blend's models, as its docstring has it; ties in the order given."""
    rank = parameters if blend.ranked_by == "parameters" else medians
    kept = sorted(range(len(medians)), key=lambda place: -rank[place])[: blend.models]
    places = sorted(kept, key=lambda place: -medians[place])
    middle = {(len(places) - 1) // 2, len(places) // 2}
    shares = {
        "equal": [1.0 for _ in places],
        "parameters": [parameters[place] for place in places],
        "median model": [float(number in middle) for number in range(len(places))],
    }[blend.shares]
    return places, np.divide(shares, sum(shares))


@pytest.mark.parametrize("ranked_by", ["median", "parameters"])
@pytest.mark.parametrize("shares", ["equal", "parameters", "median model"])
@pytest.mark.parametrize("models", [1, 4, 5, 40, 50])
def test_members_of_every_blend_are_those_of_one_after_the_other(models, shares, ranked_by):
    """Medians and parameters of few different values, so that ties are decided too."""
    rng = np.random.default_rng(1)
    medians = rng.integers(1, 9, (2, 3, 40)).astype(float)
    parameters = rng.integers(1, 9, 40).tolist()
    blend = Blend(models, (), ranked_by, shares)
    places, fractions = blend.members(medians, parameters)
    expected = [members_of_one(blend, row, parameters) for row in medians.reshape(-1, 40)]
    np.testing.assert_array_equal(
        places, np.reshape([each for each, _ in expected], (2, 3, min(models, 40)))
    )
    np.testing.assert_allclose(fractions, np.reshape([each for _, each in expected], places.shape))


def test_medians_that_differ_in_their_last_digits_are_a_tie():
    last = 10.0**-RANKING_DIGITS
    places, _ = Blend(2, ()).members([3.0, 3.0 + last / 10, 1.0], [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(places, [0, 1])
    places, _ = Blend(2, ()).members([3.0, 3.0 + 100 * last, 1.0], [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(places, [1, 0])


def test_two_models_in_the_middle_have_half_each():
    """By hand: of four the second and third, of three the second."""
    blend = Blend(4, (), shares="median model")
    np.testing.assert_array_equal(blend.members([1, 4, 2, 3], [])[1], [0, 0.5, 0.5, 0])
    np.testing.assert_array_equal(blend.members([1, 4, 2], [])[1], [0, 1, 0])


@pytest.mark.parametrize("uncertain", [False, True])
def test_the_throughput_of_a_model_is_its_laws_and_its_error_counts_if_uncertain(uncertain):
    model = ServedModel("a", LAW, 10.2, 4000.0, uncertain)
    assert model.domain == DOMAIN
    np.testing.assert_array_equal(model.throughput(*LENGTHS), LAW.predict(*LENGTHS))
    error = np.full((2, 3), 0.1) if uncertain else 0.0
    np.testing.assert_array_equal(model.error(*LENGTHS), error, strict=uncertain)


@pytest.mark.parametrize("uncertain", [False, True])
def test_every_way_has_the_nodes_power_times_its_own(uncertain):
    pool = Pooled.of([Share(1.0, 0.5, LAW), Share(3.0, 2.0, Peak(900.0, 2, DOMAIN, 0.2))])
    model = ServedModel("a", pool, 10.0, 4000.0, uncertain)
    speeds, errors, powers = model.by_way(*LENGTHS)
    np.testing.assert_allclose(speeds, [LAW.predict(*LENGTHS), np.full((2, 3), 900.0)])
    own = np.array([0.1, 0.2] if uncertain else [0.0, 0.0])
    within = np.broadcast_to(own[:, None, None], (2, 2, 3))
    np.testing.assert_array_equal(errors, within, strict=True)
    np.testing.assert_array_equal(powers, [[[5.0]], [[20.0]]], strict=True)
    assert model.by_way(500.0, 300.0)[2].tolist() == [5.0, 20.0]


def test_a_fixed_regime_has_one_length_of_either_kind():
    regime = fixed_regime(500, 300)
    assert (regime.name, regime.input_tokens) == ("fixed", 500.0)
    assert regime.output_tokens.support == ([300.0], [1.0])


@pytest.mark.parametrize(
    ("input_tokens", "output_tokens", "outside"),
    [
        (100.0, 2000.0, False),
        (99.0, 300.0, True),
        (500.0, 5.0, True),
        (500.0, [300.0, 2001.0], True),
        ([[100.0], [5000.0]], [10.0, 2000.0], False),
    ],
)
def test_a_query_extrapolates_if_any_length_was_not_measured(input_tokens, output_tokens, outside):
    model = ServedModel("a", LAW, 10.2, 4000.0)
    assert extrapolates(model, input_tokens, output_tokens) is outside
