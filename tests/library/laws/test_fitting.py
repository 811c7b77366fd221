"""Which law describes the node that serves a model, and how far it extrapolates."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy.exact import extrapolation, model_energy
from inference_energy.energy.monte_carlo import describe, generator, simulate
from inference_energy.laws.fitting import fit_configurations, fit_models
from inference_energy.laws.log_linear import Peak
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths
from inference_energy.method.setup import Blend, Fleet, MonteCarlo, Regime, ServedModel, Setup
from inference_energy.tables import read_table

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


@pytest.fixture(scope="module")
def vendor():
    table = read_table("data/throughput/trtllm.csv", "throughput")
    return table, read_table("data/models.csv", "models"), read_table("data/gpus.csv", "gpus")


def test_the_operator_takes_the_configuration_with_the_best_node(vendor):
    table, models, gpus = vendor
    rows = table[table["gpu"] == "H100-SXM-80GB"]
    reference = (1000, 1000)
    best = fit_configurations(rows, table, models, gpus, 8, reference)
    for name, served in best.items():
        at = served.law.predict(*reference)
        for width, own in rows[rows["model"] == name].groupby("tensor_parallel"):
            measured = own.query("input_tokens == 1000 and output_tokens == 1000")
            node = measured["throughput_tps"] * 8 / width
            # the law is within a few per cent of what was measured, the choice no further below
            assert at > 0.9 * node.max()
        assert served.replicas == 8 / served.rows["tensor_parallel"].iloc[0]


def test_a_wider_model_than_the_node_gets_its_share_of_a_copy(vendor):
    table, models, gpus = vendor
    rows = table[(table["model"] == "Llama 3.1 405B") & (table["gpu"] == "H100-SXM-80GB")]
    whole = fit_configurations(rows, table, models, gpus, 8, (1000, 1000))["Llama 3.1 405B"]
    half = fit_configurations(rows, table, models, gpus, 4, (1000, 1000))["Llama 3.1 405B"]
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
    model = ServedModel("m", Peak(1000.0, 2), 10.0, 1000.0, domain=domain)
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
    model = ServedModel("m", Peak(1000.0, 2), 10.0, 1000.0, domain=domain)
    assert extrapolation(regime, model)["queries"] == pytest.approx(1.0)
