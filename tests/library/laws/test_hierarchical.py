"""The hierarchical law recovers shared factors and predicts configurations it has not seen."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws.additive import shape_terms
from inference_energy.laws.cross_validation import PAPER_SHAPES
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.rows import configuration_number
from library.laws.examples import TRUE, rows_of
from scipy import stats


def made_up_table(models, gpus):
    """Rows of many configurations that share every factor: a law without deviations."""
    frames = []
    for model in ["Llama 3.1 8B", "Llama 3.1 70B", "Mixtral 8x22B", "Llama 3.1 405B"]:
        for gpu in ["H100-SXM-80GB", "H200-SXM-141GB", "B200"]:
            for group in [4, 8]:
                deployment = {"model": model, "gpu": gpu, "tensor_parallel": group}
                rows = rows_of(TRUE).assign(**deployment, precision="FP8", source_id="made-up")
                frames.append(rows)
    rows = add_serving_times(pd.concat(frames, ignore_index=True), models, gpus)
    compute, step = 2 * rows["compute"] + rows["link"], 0.5 * rows["weights"]
    step += 1e-4 * rows["layers"]
    coefficients = np.column_stack(
        [
            compute + step / 800,
            compute,
            1.5 * rows["attention"],
            step / rows["cache"],
            1.3 * rows["context"],
        ]
    )
    terms = shape_terms(rows["input_tokens"], rows["output_tokens"])
    return rows.assign(throughput_tps=1 / (terms * coefficients).sum(axis=1))


def test_hierarchical_recovers_shared_factors(models, gpus):
    made_up = made_up_table(models, gpus)
    fitted = Hierarchical.fit(made_up)
    number = made_up.groupby(["model", "gpu", "tensor_parallel"], sort=False).ngroup()
    for k, law in enumerate(fitted.laws):
        own = made_up[number == k]
        predicted = law.predict(own["input_tokens"], own["output_tokens"])
        assert predicted == pytest.approx(own["throughput_tps"], rel=0.01)


def test_hierarchical_predicts_an_unmeasured_configuration(models, gpus):
    made_up = made_up_table(models, gpus)
    held = (made_up["model"] == "Llama 3.1 70B") & (made_up["gpu"] == "H200-SXM-141GB")
    held &= made_up["tensor_parallel"] == 8
    own = made_up[held]
    law = Hierarchical.fit(made_up[~held]).condition(own.assign(throughput_tps=np.nan))
    assert law.n_rows == 0
    predicted = law.predict(own["input_tokens"], own["output_tokens"])
    assert predicted == pytest.approx(own["throughput_tps"], rel=0.05)


def test_a_known_shape_moves_the_prediction_and_narrows_it(pooled, vendor, models, gpus):
    rows = add_serving_times(vendor, models, gpus)
    own = rows[rows["model"] == "Mixtral 8x7B"].iloc[:1]
    shape = own["input_tokens"].item(), own["output_tokens"].item()
    blind = pooled.condition(own.assign(throughput_tps=np.nan))
    target = 1.5 * blind.predict(*shape)
    seen = pooled.condition(own.assign(throughput_tps=target))
    assert blind.predict(*shape) < seen.predict(*shape) <= target
    assert seen.predict(1000, 2000) > blind.predict(1000, 2000)
    assert seen.sigma(1000, 2000) < blind.sigma(1000, 2000)


def test_fewer_requests_at_once_serve_more_slowly(pooled, vendor, models, gpus):
    own = add_serving_times(vendor.iloc[:1], models, gpus).assign(throughput_tps=np.nan)
    limits = [8.0, 64.0, 512.0, np.nan]
    laws = [pooled.condition(own.assign(concurrency=limit)) for limit in limits]
    throughput = [law.predict(500, 300) for law in laws]
    assert throughput == sorted(throughput)
    assert throughput[0] < 0.2 * throughput[-1]


def test_order_of_rows_does_not_matter(pooled, vendor, models, gpus):
    shuffled = vendor.sample(frac=1, random_state=1)
    again = Hierarchical.fit(add_serving_times(shuffled, models, gpus))
    assert again.shared == pytest.approx(pooled.shared, abs=1e-4)
    assert again.noise == pytest.approx(pooled.noise, rel=1e-4)


def test_extrapolation_is_flagged_and_less_certain(pooled):
    law = pooled.laws[0]
    assert law.domain == {"input_tokens": (128, 20000), "output_tokens": (128, 4096)}
    n_in, n_out = np.array([128, 127, 20001, 500, 500]), np.array([4096, 500, 500, 100, 5000])
    assert list(law.extrapolates(n_in, n_out)) == [False, True, True, True, True]
    assert law.sigma(500, 100000) > law.sigma(500, 2000) > law.noise


def test_terms_name_every_coefficient_with_its_unit(pooled):
    terms = {term: (value, unit) for term, value, unit in pooled.laws[0].terms()}
    assert terms["input_token"] == (pooled.laws[0].coefficients[1], "s")
    assert terms["n_rows"][1] == "rows"
    assert all(value > 0 for _, value, _ in pooled.terms())


def test_stated_uncertainty_covers_left_out_shapes(vendor, models, gpus):
    rows = add_serving_times(vendor, models, gpus)
    lengths = ["input_tokens", "output_tokens"]
    seen = rows[lengths].apply(tuple, axis=1).isin(PAPER_SHAPES)
    fitted = Hierarchical.fit(rows[seen])
    number = configuration_number(rows)
    away = []
    for configuration, law in zip(pd.unique(number[seen]), fitted.laws, strict=True):
        own = rows[~seen & (number == configuration)]
        error = np.log(law.predict(own[lengths[0]], own[lengths[1]]) / own["throughput_tps"])
        away.append(error / law.sigma(own[lengths[0]], own[lengths[1]]))
    away = np.abs(np.concatenate(away))
    assert len(away) == (~seen).sum()
    assert 0.8 <= (away < stats.norm.ppf(0.95)).mean() <= 0.98
