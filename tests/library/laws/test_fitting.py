"""Which law describes the node that serves a model, and how far it extrapolates."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy.exact import extrapolation, model_energy
from inference_energy.energy.monte_carlo import describe, generator, simulate
from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive
from inference_energy.laws.fitting import fit_configurations, fit_models, unsuitable_rows
from inference_energy.laws.peak import Peak
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import configuration_columns
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths
from inference_energy.method.setup import Blend, Fleet, MonteCarlo, Regime, ServedModel, Setup

LAW = {
    "name": "log-linear",
    "minimum_rows": 3,
    "fallback": "peak",
    "fallback_minimum_rows": 2,
}


def rows_of(model, n):
    """Rows of a model whose throughput falls with the input."""
    inputs = [128, 500, 2048, 5000][:n]
    return pd.DataFrame(
        {
            "model": model,
            "input_tokens": inputs,
            "output_tokens": [128, 2000, 128, 500][:n],
            "throughput_tps": [4000.0 / (1 + i / 1000) for i in inputs],
        }
    )


def test_models_with_enough_rows_come_first_and_too_few_are_left_out():
    rows = pd.concat(
        [rows_of("two", 2), rows_of("one", 1), rows_of("four", 4), rows_of("three", 3)],
        ignore_index=True,
    )
    served = fit_models(rows, LAW)
    assert list(served) == ["four", "three", "two"]
    assert served["two"].law.name == "peak"
    assert served["two"].law.peak == rows_of("two", 2)["throughput_tps"].max()


def test_the_operator_takes_the_configuration_with_the_best_node(vendor, hardware):
    rows = vendor[vendor["gpu"] == "H100-SXM-80GB"]
    reference = (1000, 1000)
    best = fit_configurations(rows, vendor, LAWS["hierarchical"], hardware, 8, reference)
    for name, served in best.items():
        at = served.law.predict(*reference)
        for width, own in rows[rows["model"] == name].groupby("tensor_parallel"):
            measured = own.query("input_tokens == 1000 and output_tokens == 1000")
            node = measured["throughput_tps"] * 8 / width
            # the law is within a few per cent of what was measured, the choice no further below
            assert at > 0.9 * node.max()
        assert served.replicas == 8 / served.rows["tensor_parallel"].iloc[0]


def test_a_wider_model_than_the_node_gets_its_share_of_a_copy(vendor, hardware):
    kind = LAWS["hierarchical"]
    rows = vendor[(vendor["model"] == "Llama 3.1 405B") & (vendor["gpu"] == "H100-SXM-80GB")]
    whole = fit_configurations(rows, vendor, kind, hardware, 8, (1000, 1000))["Llama 3.1 405B"]
    half = fit_configurations(rows, vendor, kind, hardware, 4, (1000, 1000))["Llama 3.1 405B"]
    assert half.law.predict(1000, 1000) == pytest.approx(whole.law.predict(1000, 1000) / 2)


def setup_of(model):
    """A method with one model and fixed utilisation and PUE."""
    return Setup(
        models=(model,),
        power_utilisation=LogNormal.from_percentiles(0.4, 0.9),
        pue=LogNormal.fixed(1.2),
        regimes={},
        input_tokens_per_output_token=None,
        blend=Blend(1, ()),
        pathways={},
        fleet=Fleet(1e9, 0.1, {}, {}),
        monte_carlo=MonteCarlo(1, 200_000, 10, {}),
    )


class UncertainPeak(Peak):
    """A constant law with an error that grows with the output."""

    def sigma(self, input_tokens, output_tokens):
        return 0.1 + 0.1 * np.log1p(np.asarray(output_tokens) / 300)


def test_the_error_of_the_law_widens_the_energy_alike_in_both_engines():
    law = UncertainPeak(1000.0, 2)
    regime = Regime("traditional", ExponentialLengths(300), 500.0)
    sure = setup_of(ServedModel("m", law, 10.0, 1000.0))
    unsure = setup_of(ServedModel("m", law, 10.0, 1000.0, uncertain=True))
    exact = model_energy(unsure, regime, unsure.models[0])
    assert exact.std() > model_energy(sure, regime, sure.models[0]).std()
    drawn = describe(simulate(unsure, regime, generator(unsure)).energy["m"])
    n = unsure.monte_carlo.samples
    for p in (25, 50, 75):
        # the share of draws below the exact percentile scatters binomially
        share = exact.cdf(drawn[f"p{p}"])
        assert abs(share - p / 100) < 5 * np.sqrt(0.25 / n)


def test_extrapolation_counts_queries_and_node_time_beyond_the_lengths_seen():
    tokens = ExponentialLengths(300)
    regime = Regime("traditional", tokens, 500.0)
    domain = {"input_tokens": (128.0, 5000.0), "output_tokens": (0.0, 1000.0)}
    model = ServedModel("m", Peak(1000.0, 2, domain), 10.0, 1000.0)
    found = extrapolation(regime, model)
    scale = 300 / np.log(2)
    # rounding: lengths above 1000 are those above 1000.5 before it
    beyond = np.exp(-1000.5 / scale)
    assert found["queries"] == pytest.approx(beyond, rel=1e-9)
    assert found["node time"] == pytest.approx(beyond * (1000.5 + scale) / scale, rel=1e-3)
    assert found["held"] == pytest.approx(1.0)


def test_everything_extrapolates_when_the_input_was_never_seen():
    regime = Regime("traditional", ExponentialLengths(300), 50.0)
    domain = {"input_tokens": (128.0, 5000.0), "output_tokens": (0.0, 1e9)}
    model = ServedModel("m", Peak(1000.0, 2, domain), 10.0, 1000.0)
    assert extrapolation(regime, model)["queries"] == pytest.approx(1.0)


def test_a_law_of_one_configuration_can_be_fitted_to_each_of_many(vendor, hardware):
    rows = vendor[vendor["gpu"] == "H100-SXM-80GB"]
    best = fit_configurations(rows, vendor, LAWS["additive"], hardware, 8, (1000, 1000))
    assert set(best) == set(rows["model"])
    for name, served in best.items():
        own = rows[rows["model"] == name]
        configurations = own.groupby(configuration_columns(own), dropna=False, sort=False)
        nodes = [
            Additive.fit(of).predict(1000, 1000) * 8 / of["tensor_parallel"].iloc[0]
            for _, of in configurations
        ]
        assert served.law.predict(1000, 1000) == pytest.approx(max(nodes))


def test_a_law_of_many_configurations_is_not_fitted_to_one_model_s_rows():
    with pytest.raises(InputError, match=r"value hierarchical: learns from many .* gpus_per_node"):
        fit_models(rows_of("four", 4), LAW | {"name": "hierarchical"})


def test_rows_of_copies_of_several_sizes_are_no_rows_of_a_node():
    rows = rows_of("four", 4).assign(tensor_parallel=[2, 2, 8, 8])
    (problem,) = unsuitable_rows(LAW, fit_models(rows, LAW))
    for words in ("log-linear", "four", "2 and 8 GPUs", "gpus_per_node"):
        assert words in problem
    alike = rows.assign(tensor_parallel=2)
    assert list(unsuitable_rows(LAW, fit_models(alike, LAW))) == []


def test_rows_that_leave_none_to_tell_the_error_are_named():
    rows = pd.concat([rows_of("four", 4), rows_of("three", 3)], ignore_index=True)
    included = LAW | {"error": "included"}
    (problem,) = unsuitable_rows(included, fit_models(rows, LAW))
    for words in ("three has no row beyond the 3", "log-linear", "4 rows or more"):
        assert words in problem
    assert list(unsuitable_rows(LAW, fit_models(rows, LAW))) == []


def test_models_are_drawn_in_order_the_fallback_last():
    rows = pd.DataFrame(
        {
            "model": ["two", "three", "one", "three", "two", "three", "four"] + ["four"] * 3,
            "input_tokens": [128.0, 500, 128, 128, 500, 2048, 128, 500, 2048, 128],
            "output_tokens": [128.0, 500, 128, 2048, 500, 128, 128, 500, 128, 2000],
            "throughput_tps": np.linspace(1000, 2000, 10),
        }
    )
    fitted = fit_models(rows, LAW)
    assert list(fitted) == ["three", "four", "two"]
    assert [served.law.name for served in fitted.values()] == ["log-linear", "log-linear", "peak"]
