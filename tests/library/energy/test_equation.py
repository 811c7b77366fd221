"""Equation 1 and the throughput laws: properties before numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.energy.equation import (
    charged_tokens,
    coupled_utilisation,
    drawn_power,
    energy_of_each,
    energy_of_tokens,
    facility_energy,
    node_energy,
    node_seconds,
    query_energy,
    steady_power,
    token_energy,
    tokens_for,
)
from inference_energy.laws.log_linear import LogLinear
from inference_energy.units import SECONDS_TO_WH_PER_KW

positive = st.floats(1e-3, 1e5)
share = st.floats(0.01, 1)
query = st.fixed_dictionaries(
    {
        "charged": positive,
        "throughput": positive,
        "node_power": positive,
        "power_utilisation": share,
        "boundary": st.floats(1, 3),
    }
)


@given(query, st.floats(0.1, 10))
def test_energy_is_linear_in_power_utilisation_boundary_and_tokens(values, factor):
    once = query_energy(**values)
    for name in ("charged", "node_power", "power_utilisation", "boundary"):
        more = query_energy(**values | {name: values[name] * factor})
        assert more == pytest.approx(factor * once, rel=1e-12)
    assert query_energy(**values | {"throughput": values["throughput"] * factor}) == pytest.approx(
        once / factor, rel=1e-12
    )


@given(query)
def test_zero_tokens_cost_nothing(values):
    assert query_energy(**values | {"charged": 0.0}) == 0


@given(query)
def test_units_come_back(values):
    # E [Wh] x 3600 [J/Wh] is power [kW] x 1000 [W/kW] x seconds
    joules = query_energy(**values) * 3600
    watts = 1000 * values["node_power"] * values["power_utilisation"] * values["boundary"]
    assert joules == pytest.approx(watts * values["charged"] / values["throughput"], rel=1e-12)
    assert pytest.approx(1000 / 3600) == SECONDS_TO_WH_PER_KW


def test_a_query_computed_by_hand():
    # 1.25 x 10 kW x 0.5 x 360 tokens / (1000 tokens/s) / 3.6 = 0.625 Wh
    assert query_energy(360, 1000, 10, 0.5, 1.25) == pytest.approx(0.625, rel=1e-15)


@given(query)
def test_a_query_is_the_node_time_of_its_tokens_at_the_power_that_is_drawn(values):
    power = [values[name] for name in ("node_power", "power_utilisation", "boundary")]
    seconds = node_seconds(values["charged"], values["throughput"])
    assert query_energy(**values) == node_energy(seconds, *power)
    # one hour of the drawn power [kW] is so many kWh
    assert node_energy(3600.0, *power) == pytest.approx(1000 * drawn_power(*power), rel=1e-12)


@given(query)
def test_the_node_itself_is_the_boundary_unless_one_is_said(values):
    own = query_energy(**{name: value for name, value in values.items() if name != "boundary"})
    assert query_energy(**values) == pytest.approx(values["boundary"] * own, rel=1e-12)


@given(query)
def test_energy_per_token_and_query_agree_and_power_comes_back(values):
    watts = 1000 * values["node_power"]
    joules = token_energy(watts, values["throughput"])
    whole = query_energy(values["charged"], values["throughput"], values["node_power"], 1.0)
    assert joules * values["charged"] == pytest.approx(3600 * whole, rel=1e-12)
    assert steady_power(joules, values["throughput"]) == pytest.approx(watts, rel=1e-12)
    assert energy_of_tokens(joules, values["charged"]) == pytest.approx(whole, rel=1e-12)
    assert energy_of_each(whole, values["charged"]) == pytest.approx(joules, rel=1e-12)
    assert tokens_for(whole, joules) == pytest.approx(values["charged"], rel=1e-12)


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 100))
def test_input_is_charged_only_where_a_ratio_says_so(output, length, ratio):
    assert charged_tokens(output, length) == output
    assert charged_tokens(output, length, ratio) == pytest.approx(output + length / ratio)


@pytest.mark.parametrize("ratio", [None, 2.0])
def test_charged_tokens_are_as_exact_as_floats_are(ratio):
    for output in (3, [3], np.float32([3])):
        assert charged_tokens(output, 1.0, ratio).dtype == np.float64
    assert charged_tokens(0, np.float32([1]), np.float32(3)) == 1 / 3


@given(positive, positive)
def test_coupled_utilisation_stays_between_idle_and_full(throughput, peak):
    utilisation = coupled_utilisation(throughput, peak, 0.24, 0.56)
    assert 0.24 <= utilisation <= 0.24 + 0.56
    assert coupled_utilisation(peak, peak, 0.24, 0.56) == pytest.approx(0.8)
    assert coupled_utilisation(np.float32(1), np.float32(3), 0.0, 1.0).item() == 1 / 3


laws = st.builds(
    LogLinear,
    intercept=st.floats(2, 12),
    input_exponent=st.floats(-1, 0),
    output_exponent=st.floats(-0.9, 0.9),
    peak=st.floats(100, 20_000),
    n_rows=st.just(5),
)


@given(laws, st.floats(1, 1e5))
def test_energy_rises_with_the_output_tokens(law, length):
    # E ~ L / TPS with TPS ~ L**b, b < 1, or capped
    lengths = np.arange(0, 3000.0)
    energy = query_energy(lengths, law.predict(length, lengths), 10.2, 0.6, 1.3)
    assert energy[0] == 0
    assert (np.diff(energy) > 0).all()


@given(query)
def test_a_pue_counts_the_same_before_and_after_the_energy(values):
    at_meter = query_energy(**values | {"boundary": 1.0})
    at_facility = facility_energy(at_meter, values["boundary"])
    assert at_facility == pytest.approx(query_energy(**values))


def test_nothing_is_charged_beyond_what_is_stated():
    """Full utilisation and the meter's own boundary unless others are given."""
    assert drawn_power(10.2, 0.7) == pytest.approx(10.2 * 0.7)
    assert node_energy(3600.0, 1.0) == pytest.approx(1000.0)
