"""Throughput laws recover what made the data, behave as physics says and predict unseen rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive, configuration_number, shape_terms
from inference_energy.laws.cross_validation import (
    PAPER_SHAPES,
    cross_validate,
    error_statistics,
    regions,
)
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.tables import read_table
from scipy import stats

DATA = Path(__file__).parents[3] / "data"
SHAPES = [(128, 128), (128, 2048), (2048, 128), (5000, 500), (500, 2000), (1000, 1000)]
TRUE = np.array([2e-5, 4e-5, 0.0, 0.0, 3e-8])

lengths = st.floats(1, 1e5)
tokens = st.one_of(st.just(0.0), lengths)


@pytest.fixture(scope="module")
def models():
    return read_table(DATA / "models.csv", "models")


@pytest.fixture(scope="module")
def gpus():
    return read_table(DATA / "gpus.csv", "gpus")


@pytest.fixture(scope="module")
def vendor():
    return read_table(DATA / "throughput" / "trtllm.csv", "throughput")


@pytest.fixture(scope="module")
def pooled(vendor, models, gpus):
    return Hierarchical.fit(add_serving_times(vendor, models, gpus))


def rows_of(coefficients, shapes=SHAPES):
    n_in, n_out = np.array(shapes, float).T
    throughput = 1 / (shape_terms(n_in, n_out) @ coefficients)
    columns = {"input_tokens": n_in, "output_tokens": n_out, "throughput_tps": throughput}
    return pd.DataFrame(columns)


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


def test_additive_recovers_its_coefficients_exactly():
    law = Additive.fit(rows_of(TRUE))
    assert law.coefficients == pytest.approx(TRUE, rel=1e-9)
    assert law.residual_sigma == pytest.approx(0, abs=1e-9)


def test_additive_never_fits_a_negative_time():
    rising = rows_of(TRUE).assign(throughput_tps=lambda rows: rows["input_tokens"])
    assert (Additive.fit(rising).coefficients >= 0).all()


@given(factor=st.floats(1e-3, 1e3))
def test_additive_scales_with_the_throughput(factor):
    rows = rows_of(TRUE * [1, 2, 0, 0, 3])
    rows["throughput_tps"] *= [1.1, 0.9, 1.0, 1.05, 0.97, 1.02]
    scaled = rows.assign(throughput_tps=factor * rows["throughput_tps"])
    n_in, n_out = np.array([(300, 700), (20000, 2000)], float).T
    expected = factor * Additive.fit(rows).predict(n_in, n_out)
    assert Additive.fit(scaled).predict(n_in, n_out) == pytest.approx(expected, rel=1e-9)


@given(n_in=lengths, more=st.floats(1.01, 10), n_out=lengths)
def test_throughput_falls_with_the_input_length(pooled, n_in, more, n_out):
    for law in [Additive.fit(rows_of(TRUE)), pooled.laws[0]]:
        assert law.predict(n_in * more, n_out) < law.predict(n_in, n_out)


@given(n_in=tokens, n_out=tokens, more=lengths)
def test_time_of_a_query_grows_with_its_output(pooled, n_in, n_out, more):
    for law in [Additive.fit(rows_of(TRUE)), pooled.laws[0]]:
        short, long = (
            n_out / law.predict(n_in, n_out),
            (n_out + more) / law.predict(n_in, n_out + more),
        )
        assert 0 <= short < long < np.inf


def test_lengths_broadcast(pooled):
    law = pooled.laws[0]
    found = law.predict(np.array([[100.0], [200.0]]), np.array([10.0, 20.0, 30.0]))
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(law.predict(200, 30), rel=1e-12)


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


def test_residual_sigma_is_the_scatter_put_in():
    many = [(i, o) for i in (100, 300, 1000, 3000, 10000) for o in (100, 300, 1000, 3000)]
    rows = rows_of(TRUE, many)
    rows["throughput_tps"] *= np.exp(0.05 * np.random.default_rng(0).standard_normal(len(rows)))
    assert Additive.fit(rows).residual_sigma == pytest.approx(0.05, rel=0.3)


def test_terms_name_every_coefficient_with_its_unit(pooled):
    terms = {term: (value, unit) for term, value, unit in pooled.laws[0].terms()}
    assert terms["input_token"] == (pooled.laws[0].coefficients[1], "s")
    assert terms["n_rows"][1] == "rows"
    assert all(value > 0 for _, value, _ in pooled.terms())


def test_regions_overlap_only_in_long():
    found = regions([128, 1000, 5000, 20000], [4096, 1000, 500, 2000])
    single = [found[name].astype(int) for name in ("prefill-heavy", "balanced", "decode-heavy")]
    assert (sum(single) == 1).all()
    assert list(found["long"]) == [True, False, True, True]


def test_statistics_by_hand():
    predictions = pd.DataFrame(
        {
            "split": "s",
            "law": "l",
            "input_tokens": 100.0,
            "output_tokens": [200.0] * 4,
            "relative_error": [0.1, -0.1, 0.2, -0.4],
        }
    )
    found = error_statistics(predictions).set_index(["region", "statistic"])
    assert set(found.index.get_level_values("region")) == {"all", "decode-heavy"}
    assert found.loc[("all", "mean_absolute_error"), "value"] == pytest.approx(20)
    assert found.loc[("all", "p90_absolute_error"), "value"] == pytest.approx(34)
    assert found.loc[("all", "bias"), "value"] == pytest.approx(-5)
    assert (found["n"] == 4).all()


def test_a_left_out_row_does_not_reach_its_prediction(vendor, models, gpus):
    rows = vendor[vendor["source_id"].eq("trtllm-0.17") & vendor["tensor_parallel"].eq(8)]
    split = ["leave-shapes-out", "leave-one-shape-out"]
    untouched = cross_validate(rows, models, gpus, most_known=0)
    untouched = untouched[untouched["split"].isin(split)]
    shape = (rows["input_tokens"] == 128) & (rows["output_tokens"] == 4096)
    changed = rows.assign(throughput_tps=rows["throughput_tps"].where(~shape, 1.0))
    again = cross_validate(changed, models, gpus, most_known=0)
    again = again[again["split"].isin(split)]
    predicted = untouched["output_tokens"] == 4096
    assert predicted.sum() > 0
    assert (again["predicted_tps"] == untouched["predicted_tps"])[predicted].all()
    one_out = untouched["split"] == "leave-one-shape-out"
    assert (again["predicted_tps"] != untouched["predicted_tps"])[~predicted & one_out].any()


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


@pytest.fixture(scope="module")
def errors(vendor, models, gpus):
    """Errors on the vendor table's rows that a law has not seen. [%]"""
    predictions = cross_validate(vendor, models, gpus, most_known=1)
    index = ["split", "law", "region", "statistic"]
    return error_statistics(predictions).set_index(index)["value"].sort_index()


def test_left_out_shapes_reach_the_target(errors):
    found = errors["leave-shapes-out", "hierarchical"]
    assert found["all", "mean_absolute_error"] <= 5
    assert found["all", "p90_absolute_error"] <= 12
    assert found.xs("mean_absolute_error", level="statistic").max() <= 10


def test_a_configuration_known_from_one_shape_reaches_the_target(errors):
    for split in ["leave-configuration-out, 1 known", "leave-model-out, 1 known"]:
        assert errors[split, "hierarchical", "all", "mean_absolute_error"] <= 20


def test_hierarchical_beats_every_law_of_a_single_configuration(errors):
    for split in ["leave-shapes-out", "leave-one-shape-out"]:
        mean = errors.xs(("all", "mean_absolute_error"), level=("region", "statistic"))[split]
        assert mean.idxmin() == "hierarchical"
        assert mean["additive"] < mean["log-linear"]


def test_a_table_that_leaves_nothing_to_predict_is_refused(vendor, models, gpus):
    with pytest.raises(InputError, match="two rows"):
        cross_validate(vendor.iloc[:1], models, gpus)
