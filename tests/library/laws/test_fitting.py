"""Which law describes the node that serves a model, and how far it extrapolates."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy.exact import extrapolation, model_energy
from inference_energy.energy.monte_carlo import describe, generator, simulate
from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive
from inference_energy.laws.base import Share
from inference_energy.laws.fitting import (
    Served,
    fit_configurations,
    fit_laws,
    fit_models,
    unsuitable_rows,
)
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
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


def peaks(**widths):
    """A row of every kind of GPU: copies of one model on so many, at 100 tokens/s each."""
    rows = [
        {"model": "m", "gpu": gpu, "tensor_parallel": width, "throughput_tps": 100.0 * width}
        for gpu, width in widths.items()
    ]
    return pd.DataFrame(rows).assign(input_tokens=500.0, output_tokens=300.0)


@pytest.mark.parametrize(
    ("width", "copies"),
    [(1, 8), (3, 2), (5, 1), (8, 1), (16, 0.5), (12, 8 / 12)],
)
def test_a_node_holds_whole_copies_or_a_part_of_one(width, copies):
    rows = peaks(a=width)
    (served,) = fit_configurations(rows, rows, LAWS["peak"], {}, 8, (500, 300)).values()
    assert served.replicas == copies
    assert served.law.peak == pytest.approx(100 * width * copies)


def test_of_configurations_that_are_as_fast_the_first_is_taken():
    rows = peaks(a=2, b=1, c=4)
    best = fit_configurations(rows, rows, LAWS["peak"], {}, 8, (500, 300))["m"]
    assert best.rows["gpu"].tolist() == ["a"]


def test_only_configurations_of_the_rows_to_choose_from_are_taken():
    """A faster one in the background is learnt from, and not served with."""
    background = peaks(a=2, b=1).assign(throughput_tps=[200.0, 900.0])
    background.index = [7, 3]
    best = fit_configurations(background.loc[[7]], background, LAWS["peak"], {}, 8, (500, 300))
    assert best["m"].rows["gpu"].tolist() == ["a"]
    assert best["m"].rows["index"].tolist() == [7]


METHOD = {
    "benchmarks": {"precision": ["FP8"], "models": ["A"], "gpus": ["x"]},
    "throughput_law": LAW | {"minimum_rows": 2, "fallback": "peak", "fallback_minimum_rows": 1},
}


def table():
    """Rows of which a method of two models on two GPUs uses some."""
    rows = [("A", "x", "FP8"), ("A", "y", "FP8"), ("B", "x", "FP8"), ("A", "x", "FP16")]
    parts = [
        rows_of(model, 4).assign(gpu=gpu, precision=precision, tensor_parallel=8)
        for model, gpu, precision in rows
    ]
    return pd.concat(parts, ignore_index=True).assign(source_id="s", confidence="high")


def test_the_laws_of_a_method_are_fitted_to_the_rows_that_it_uses():
    (served,) = fit_laws(METHOD, table()).values()
    assert served.law.n_rows == 4
    assert served.rows["model"].unique().tolist() == ["A"]


def test_a_law_of_one_configuration_is_given_the_tables_that_it_needs(monkeypatch):
    """A made-up law takes as its throughput what a table says."""
    kind = replace(
        LAWS["peak"],
        needs=("gpus",),
        describe=lambda rows, gpus: rows.assign(throughput_tps=gpus["speed"].iloc[0]),
    )
    monkeypatch.setitem(LAWS, "log-linear", kind)
    hardware = {"gpus": pd.DataFrame({"speed": [77.0]}), "models": None}
    assert fit_laws(METHOD, table(), hardware)["A"].law.peak == 77


def test_a_law_of_many_learns_from_models_and_gpus_that_the_method_does_not_serve(monkeypatch):
    """A made-up law: of every configuration the number of those that were fitted together."""

    class Count:
        def __init__(self, rows):
            count = rows.groupby(["model", "gpu"]).ngroups
            self.laws = [Peak(float(count), 1)] * count

    needed = {"gpus": "a table"}
    seen = []
    kind = replace(
        LAWS["hierarchical"],
        fit_many=Count,
        needs=("gpus",),
        describe=lambda rows, gpus: seen.append(gpus) or rows,
    )
    monkeypatch.setitem(LAWS, "hierarchical", kind)
    method = METHOD | {
        "throughput_law": {
            "name": "hierarchical",
            "gpus_per_node": 16,
            "reference": {"input_tokens": 500, "output_tokens": 300},
        }
    }
    (served,) = fit_laws(method, table(), needed).values()
    assert seen == ["a table"]
    assert (served.law.peak, served.replicas) == (3 * 2, 2)
    assert set(served.rows["gpu"]) == {"x"}


def test_the_reference_lengths_decide_which_configuration_is_best():
    """One is faster for short outputs, the other one for long."""
    speeds = {"x": [4000.0, 400.0, 4000.0, 1000.0], "y": 900.0}
    rows = pd.concat(
        [rows_of("A", 4).assign(gpu=gpu, throughput_tps=tps) for gpu, tps in speeds.items()],
        ignore_index=True,
    ).assign(tensor_parallel=8, precision="FP8", source_id="s", confidence="high")
    for lengths, expected in (((128, 128), "x"), ((2000, 2000), "y"), ((2000, 60), "x")):
        law = {
            "name": "log-linear",
            "gpus_per_node": 8,
            "reference": dict(zip(("input_tokens", "output_tokens"), lengths, strict=True)),
        }
        method = {"benchmarks": {"precision": ["FP8"]}, "throughput_law": law}
        assert set(fit_laws(method, rows)["A"].rows["gpu"]) == {expected}


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
    assert list(unsuitable_rows(LAW, fit_models(rows, LAW))) == [
        "key throughput_law: value log-linear: the rows of four are of copies on 2 and 8 GPUs,"
        " which are no rows of one node; allowed are rows of copies of one size; state"
        " gpus_per_node and reference to fit every configuration by itself, or choose rows under"
        " benchmarks"
    ]
    (problem,) = unsuitable_rows(LAW, fit_models(rows.assign(tensor_parallel=[2, 1, 8, 8]), LAW))
    assert "copies on 1, 2 and 8 GPUs" in problem
    alike = rows.assign(tensor_parallel=2)
    assert list(unsuitable_rows(LAW, fit_models(alike, LAW))) == []


def test_rows_that_leave_none_to_tell_the_error_are_named():
    rows = pd.concat([rows_of("four", 4), rows_of("three", 3)], ignore_index=True)
    included = LAW | {"error": "included"}
    assert list(unsuitable_rows(included, fit_models(rows, LAW))) == [
        "key throughput_law.error: value included: three has no row beyond the 3 that determine a"
        " log-linear law, and so none to tell its error; allowed is included with 4 rows or more;"
        " leave the model out or state ignored"
    ]
    assert list(unsuitable_rows(LAW, fit_models(rows, LAW))) == []


def test_ways_to_serve_a_model_are_not_held_to_one_node_and_models_behind_them_are():
    rows = rows_of("a", 3).assign(tensor_parallel=[2, 2, 8])
    pool = Pooled.of([Share(1.0, 1.0, Peak(1.0, 2)), Share(1.0, 1.0, Peak(2.0, 2))])
    served = {"a": Served(pool, rows), "b": Served(Peak(1.0, 2), rows)}
    (problem,) = unsuitable_rows(LAW, served)
    assert "the rows of b are of copies on 2 and 8 GPUs" in problem


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
