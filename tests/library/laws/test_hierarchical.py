"""The hierarchical law recovers shared factors and predicts configurations it has not seen."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws import hierarchical
from inference_energy.laws.additive import shape_terms
from inference_energy.laws.cross_validation import PAPER_SHAPES
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import DEVIATIONS, PARTS, SHARED, Hierarchical
from inference_energy.laws.rows import configuration_number
from library.laws.examples import TRUE, rows_of
from scipy import optimize, stats


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


RNG = np.random.default_rng(1)
NUMBER = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 1])
"""Configuration of ten made-up rows."""

LOG_PARTS = RNG.normal(0, 1.5, (10, len(PARTS)))
LOG_PARTS[0, 3] = -np.inf
LOG_TIME = RNG.normal(2, 1, 10)
MEAN, ROOT = RNG.normal(0, 0.3, 8), RNG.normal(size=(8, 8))
PRECISION = ROOT @ ROOT.T + np.eye(8)
NOISE, SD, WEIGHT = 0.1, np.array([0.3, 0.4, 0.5, 0.6, 0.7]), RNG.uniform(0.3, 1.5, 10)
CENTRE = np.concatenate([MEAN, np.zeros(15)])


def errors(parameters):
    """Logarithm of the sum of the parts that PARTS names over the time, row by row."""
    shared, found = dict(zip(SHARED, parameters[:8], strict=True)), []
    for k, logs, log_time in zip(NUMBER, LOG_PARTS, LOG_TIME, strict=True):
        own = dict(zip(DEVIATIONS, parameters[8:].reshape(3, 5)[k], strict=True))
        known = shared | {f"own {name}": value for name, value in own.items()}
        factors = [
            [*part[2].split(), *(f"own {name}" for name in part[3].split())] for part in PARTS
        ]
        total = [
            np.exp(log + sum(known[name] for name in of))
            for log, of in zip(logs, factors, strict=True)
        ]
        found.append(np.log(np.sum(total)) - log_time)
    return np.array(found)


def residuals(parameters):
    """What the posterior is the smallest sum of squares of: rows, and distances from the prior."""
    of_rows = np.sqrt(WEIGHT) / NOISE * errors(parameters)
    of_shared = np.linalg.cholesky(PRECISION).T @ (parameters[:8] - MEAN)
    return np.concatenate([of_rows, of_shared, (parameters[8:].reshape(3, 5) / SD).ravel()])


def posterior(start=None, log_parts=LOG_PARTS, log_time=LOG_TIME):
    given = NUMBER, 3, (MEAN, PRECISION), NOISE, SD, WEIGHT, start
    return hierarchical._posterior(log_parts, log_time, *given)


def test_the_posterior_is_the_smallest_sum_of_squares():
    best = optimize.least_squares(residuals, CENTRE, "3-point", xtol=1e-12, ftol=1e-12, gtol=1e-12)
    found, covariance, jacobian, error = posterior()
    np.testing.assert_allclose(found, best.x, atol=2e-4)
    np.testing.assert_allclose(covariance, np.linalg.inv(best.jac.T @ best.jac), atol=2e-4)
    np.testing.assert_allclose(
        jacobian, best.jac[:10] * NOISE / np.sqrt(WEIGHT)[:, None], atol=1e-3
    )
    np.testing.assert_allclose(error, errors(best.x), atol=1e-3)
    for start in (CENTRE + 3, CENTRE - 3, CENTRE + RNG.normal(0, 4, 23)):
        np.testing.assert_allclose(posterior(start)[0], best.x, atol=3e-3)


@pytest.mark.parametrize("start", [CENTRE + 3, CENTRE - 3, 8.0 * (-1) ** np.arange(23)])
def test_no_step_of_the_fit_leads_away(monkeypatch, start):
    last = np.sum(residuals(start) ** 2)
    for steps in range(1, 9):
        monkeypatch.setattr(hierarchical, "STEPS", steps)
        now = np.sum(residuals(posterior(start)[0]) ** 2)
        assert now < last
        last = now


def test_a_fit_goes_on_from_where_the_last_one_ended(monkeypatch):
    """One step from the end stays there, and one from the prior is far from it."""
    ended = posterior()[0]
    monkeypatch.setattr(hierarchical, "STEPS", 1)
    np.testing.assert_allclose(posterior(ended)[0], ended, atol=1e-4)
    assert np.abs(posterior()[0] - ended).max() > 0.1


def test_rows_may_differ_by_any_factor():
    """One row in another unit of time, so small that its parts are nothing beside the others."""
    unit = np.zeros(10)
    unit[4] = -1000.0
    found = posterior(None, LOG_PARTS + unit[:, None], LOG_TIME + unit)
    np.testing.assert_allclose(found[0], posterior()[0], rtol=1e-9)


@pytest.fixture
def scattered(models, gpus):
    """Rows of four configurations, one of a single row, that scatter by 5 %."""
    rows = made_up_table(models, gpus).iloc[12:31]
    scatter = np.exp(0.05 * np.random.default_rng(2).standard_normal(len(rows)))
    return rows.assign(throughput_tps=rows["throughput_tps"] * scatter)


@pytest.fixture
def rounds(scattered, monkeypatch):
    """The fit to these rows, and what every round of it was given and found."""
    calls, inner = [], hierarchical._posterior

    def noted(*given):
        found = inner(*given)
        calls.append((given, found))
        return found

    monkeypatch.setattr(hierarchical, "_posterior", noted)
    return Hierarchical.fit(scattered), calls


def test_the_first_round_starts_from_the_priors(rounds):
    _, calls = rounds
    _, _, number, count, (mean, precision), noise, sd, weight, start = calls[0][0]
    np.testing.assert_array_equal(number, [0] * 6 + [1] * 6 + [2] * 6 + [3])
    assert (count, noise, start) == (4, hierarchical.NOISE, None)
    np.testing.assert_allclose(np.exp(mean), list(SHARED.values()))
    np.testing.assert_allclose(precision, np.eye(8) / 0.5**2)
    np.testing.assert_array_equal(sd, [hierarchical.DEVIATION_SD] * 5)
    np.testing.assert_array_equal(weight, np.ones(19))


def test_every_round_estimates_spreads_scatter_and_weights_from_the_last(rounds):
    """Expected squares of a posterior: that of the mean and the variance, beside prior counts."""
    fitted, calls = rounds
    for (given, (found, covariance, jacobian, error)), (after, _) in pairwise(calls):
        second = np.diag(covariance) + found**2
        of_part = second[8:].reshape(4, 5).sum(axis=0)
        np.testing.assert_allclose(after[6], np.sqrt((4 * 0.4**2 + of_part) / (4 + 4)))
        square = error**2 + [row @ covariance @ row for row in jacobian]
        # of Student's t of five degrees, given the scale of the last round
        weight = (5 + 1) / (5 + square / given[5] ** 2)
        np.testing.assert_allclose(after[7], weight)
        total = 50 * 0.03**2 + weight @ square
        assert after[5] == pytest.approx(np.sqrt(total / (50 + 19)))
        np.testing.assert_array_equal(after[8], found)
    assert len(calls) == hierarchical.ROUNDS + 1
    assert fitted.noise == calls[-1][0][5]
    np.testing.assert_array_equal(fitted.sd, calls[-1][0][6])


def test_the_error_of_a_law_is_that_of_rows_left_out(rounds):
    """Every row once without weight: deviations are found anew, and not as if all was linear."""
    fitted, calls = rounds
    log_parts, log_time, number, *others, weight, _ = calls[-1][0]
    start, away = calls[-1][1][0], np.empty(19)
    for row in range(19):
        without = np.where(np.arange(19) == row, 0.0, weight)
        left_out = hierarchical._posterior(log_parts, log_time, number, *others, without, start)
        away[row] = left_out[3][row]
    for k, law in enumerate(fitted.laws):
        expected = np.sqrt(np.mean(away[number == k] ** 2))
        assert law.residual_sigma == pytest.approx(expected, rel=0.06)


def test_the_laws_of_a_fit_say_what_they_are(rounds):
    fitted, _ = rounds
    assert [law.name for law in fitted.laws] == ["hierarchical"] * 4
    assert [law.n_rows for law in fitted.laws] == [6, 6, 6, 1]
    # the standard deviation of Student's t of five degrees
    assert fitted.laws[0].noise == pytest.approx(fitted.noise * np.sqrt(5 / 3))


def test_an_unmeasured_law_is_as_uncertain_as_its_factors_and_its_deviations(pooled, vendor):
    """The covariance of ln coefficients, by small changes of every factor and deviation."""
    rows = vendor.iloc[[0]].assign(throughput_tps=np.nan)
    rows = rows.assign(**dict(zip(hierarchical.SERVING_TIMES, TIMES, strict=True)))
    law = pooled.condition(rows)

    def logs(parameters):
        times = dict(zip(hierarchical.SERVING_TIMES, TIMES, strict=True))
        for name in ("weights", "layers"):
            times |= {f"{name}_reserved": times[name] / times["cache"], f"{name}_served": 0.0}
        shared = dict(zip(SHARED, parameters, strict=False))
        own = dict(zip(DEVIATIONS, parameters[8:], strict=True))
        found = np.zeros(5)
        for place, time, factors, deviations in PARTS:
            away = sum(shared[name] for name in factors.split())
            away += sum(own[name] for name in deviations.split())
            found[place] += times[time] * np.exp(away)
        return np.log(found)

    centre = np.concatenate([pooled.shared, np.zeros(5)])
    np.testing.assert_allclose(law.coefficients, np.exp(logs(centre)))
    steps = 1e-5 * np.eye(13)
    slopes = np.array([(logs(centre + h) - logs(centre - h)) / 2e-5 for h in steps])
    spread = np.zeros((13, 13))
    spread[:8, :8], spread[8:, 8:] = pooled.shared_covariance, np.diag(pooled.sd**2)
    np.testing.assert_allclose(law.log_covariance, slopes.T @ spread @ slopes, rtol=1e-6)
    expected = np.mean(law.sigma(*pooled.shapes.T) ** 2)
    assert law.residual_sigma**2 == pytest.approx(expected)


TIMES = [1e-5, 2e-6, 3e-10, 4e-3, 80.0, 5e-9, 3e5]
"""Made-up serving times."""


def test_measured_rows_of_a_new_configuration_are_reproduced(scattered, pooled):
    """Twice as fast as the table: the law follows what is measured, over all lengths."""
    own = scattered.iloc[:6].assign(throughput_tps=lambda rows: 2 * rows["throughput_tps"])
    law = pooled.condition(own.assign(throughput_tps=own["throughput_tps"].where(NUMBER[:6] < 2)))
    assert law.n_rows == 5
    predicted = law.predict(own["input_tokens"], own["output_tokens"])
    np.testing.assert_allclose(predicted, own["throughput_tps"], rtol=0.25)


@pytest.mark.filterwarnings("error")
def test_parts_that_a_configuration_does_not_have_take_no_time(pooled, models, gpus):
    """One GPU has no all-reduce, and a request alone shares its steps with nobody."""
    of = {"model": "Llama 3.1 8B", "gpu": "B200", "tensor_parallel": 1, "precision": "FP8"}
    rows = rows_of(TRUE).assign(**of, throughput_tps=np.nan, source_id="made-up")
    rows = add_serving_times(rows, models, gpus)
    free, alone = (pooled.condition(rows.assign(concurrency=load)) for load in (np.nan, 1.0))
    factors = dict(zip(SHARED, np.exp(pooled.shared), strict=True))
    step = factors["weights"] * rows["weights"][0] + factors["launch"] * rows["layers"][0]
    added = alone.coefficients - free.coefficients
    np.testing.assert_allclose(added, [step, 0, 0, 0, 0], rtol=1e-9, atol=1e-18)
    assert pooled.condition(rows).coefficients == pytest.approx(free.coefficients)


def test_terms_are_factors_spreads_and_scatter():
    law = Hierarchical(
        np.log(np.arange(1, 9)), np.eye(8), np.arange(5) / 10, 0.03, {}, np.ones((1, 2)), [None] * 7
    )
    ones = ["compute", "link", "decode", "attention", "weights"]
    expected = [(f"shared_{name}", k, "1") for k, name in enumerate(ones, 1)]
    expected += [("shared_launch", 6, "s"), ("shared_request", 7, "1/requests")]
    expected += [("shared_context", 8, "1")]
    parts = ["all", "input", "output", "step", "context"]
    expected += [(f"deviation_{name}", k / 10, "ln") for k, name in enumerate(parts)]
    expected += [("noise", 0.03, "ln(tokens/s)"), ("n_configurations", 7, "configurations")]
    assert law.terms() == [(name, pytest.approx(value), unit) for name, value, unit in expected]


def test_more_configurations_than_a_fit_ends_for_are_refused(vendor, models, gpus, monkeypatch):
    rows = add_serving_times(vendor, models, gpus)
    number = configuration_number(rows)
    monkeypatch.setattr(hierarchical, "MOST_CONFIGURATIONS", number.max())
    with pytest.raises(InputError, match=r"configurations at once; allowed are at most \d+, as"):
        Hierarchical.fit(rows)
    few = rows[number < number.max()].reset_index(drop=True)
    assert len(Hierarchical.fit(few).laws) == number.max()
