"""Test-time scaling follows from Eq. 1: closed forms, limits and monotone directions."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.energy import exact
from inference_energy.energy.equation import query_energy
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.method.lengths import GammaLengths
from inference_energy.method.setup import (
    UNTRIMMED,
)
from inference_energy.scaling import length as scaling_length
from library.scaling.made_up import ADDITIVE, PUE, UTILISATION, make_setup


def test_energy_at_a_length_is_equation_1(flat):
    table = scaling_length.energy_by_length(flat, [200.0])
    value = table.set_index(["subject", "statistic"])["value"]
    middle = query_energy(200, 1000, 10, np.exp(UTILISATION.mu), np.exp(PUE.mu))
    assert value["model 0", "p50"] == pytest.approx(middle, rel=1e-9)
    mean = query_energy(200, 1000, 10, UTILISATION.moment(1), PUE.moment(1))
    assert value["model 0", "mean"] == pytest.approx(mean, rel=1e-9)


def test_energy_grows_with_length_and_is_marked_outside_the_laws_lengths():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 4000.0, 4), ADDITIVE)
    table = scaling_length.energy_by_length(setup, [10, 100, 2000, 10_000, 1_000_000])
    for _, rows in table[table["statistic"] == "p50"].groupby("subject"):
        assert (np.diff(rows["value"]) > 0).all()
        assert list(rows["extrapolated"]) == ["yes", "no", "no", "yes", "yes"]


def test_mean_over_median_has_its_closed_form_where_throughput_is_flat(flat):
    """Mean of a rounded exponential, times that of the log-normals, over the solved median."""
    table = scaling_length.cost_of_length(flat, 15.0)
    found = table.set_index(["compared", "subject", "statistic", "quantity"])["value"]
    rate = np.log(2) / 5000
    # sum over k of k P(round(L) = k) for an exponential L
    tokens = np.exp(-rate / 2) / (1 - np.exp(-rate))
    mean = query_energy(tokens, 1000, 10, UTILISATION.moment(1), PUE.moment(1))
    assert found["long", "model 0", "mean", "energy compared"] == pytest.approx(mean, rel=1e-6)
    energy = exact.model_energy(flat, flat.regimes["long"], flat.models[0])
    assert energy.cdf(found["long", "model 0", "p50", "energy compared"]) == pytest.approx(0.5)
    skew = found["long", "model 0", "mean over median", "energy compared"]
    assert skew == pytest.approx(mean / energy.quantile(0.5), rel=1e-6)
    assert skew > 1


def test_the_factors_of_the_ratio_multiply_to_it():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 600.0, 4), Peak(900.0, 2), ADDITIVE)
    table = scaling_length.cost_of_length(setup, 15.0)
    cells = table[table["statistic"] != "mean over median"]
    wide = cells.set_index(["compared", "subject", "statistic", "quantity"])["value"].unstack()
    product = wide["tokens ratio"] * wide["throughput factor"] * wide["cap factor"]
    np.testing.assert_allclose(product, wide["energy ratio"], rtol=1e-12)
    flat_model = wide.xs("model 1", level="subject")
    np.testing.assert_allclose(flat_model["cap factor"], 1)
    capped = wide.xs("model 0", level="subject")["cap factor"]
    assert (capped > 1).any()


def test_flat_throughput_leaves_the_ratio_of_tokens(flat):
    table = scaling_length.cost_of_length(flat, 15.0)
    means = table[(table["statistic"] == "mean") & (table["subject"] == UNTRIMMED)]
    for _, rows in means.groupby("compared"):
        value = rows.set_index("quantity")["value"]
        assert value["energy ratio"] == pytest.approx(value["tokens ratio"], rel=1e-9)


def test_a_ratio_to_queries_without_tokens_is_left_out(flat):
    """A gamma of so small a shape has queries of less than half a token, which need nothing."""
    short = replace(
        flat.regimes["traditional"], output_tokens=GammaLengths(median=7.0, shape=0.2, minimum=0)
    )
    setup = replace(flat, regimes=flat.regimes | {"traditional": short})
    table = scaling_length.cost_of_length(setup, 15.0)
    assert np.isfinite(table["value"]).all()
    of_p5 = table[(table["subject"] == UNTRIMMED) & (table["statistic"] == "p5")]
    assert set(of_p5["quantity"]) == {"energy traditional", "energy compared"}
    of_mean = table[(table["subject"] == UNTRIMMED) & (table["statistic"] == "mean")]
    assert "cap factor" in set(of_mean["quantity"])


def test_an_uncapped_law_is_never_slower():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 600.0, 4))
    free = scaling_length.uncapped(setup).models[0].law
    lengths = np.geomspace(1, 1e6, 30)
    capped = setup.models[0].law.predict(500, lengths)
    assert (free.predict(500, lengths) >= capped).all()
    assert replace(free, peak=600.0) == setup.models[0].law
