"""GPU power with load."""

# the values are those of a fit, not of a table
# ruff: noqa: PD011

import numpy as np
import pandas as pd
import pytest
from inference_energy.power import gpu
from inference_energy.power.gpu import LEVELS, PRIOR, GpuPower, gpu_power
from inference_energy.power.utilisation import add_utilisation
from library.power.conftest import IDLE
from scipy import stats

SERVED = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "count": 4,
    "precision": "FP8",
    "input_tokens": 500.0,
    "output_tokens": 300.0,
}


def served(law, models, gpus, throughput, batch, **changed):
    return gpu_power(law, models, gpus, throughput=throughput, batch=batch, **SERVED | changed)


def test_power_of_a_group_that_is_not_in_the_fit_follows_the_equation(law, runs):
    """Equation (1) written out, for a run whose groups are all unknown."""
    row = runs.iloc[[0]].assign(gpu="new", architecture="new", network="new", task="new")
    exponent, *factors = np.exp(law.values[: len(PRIOR)])
    load = float(row[["memory", "experts", "compute"]].to_numpy(float)[0] @ factors)
    rated = float(row["tdp_w"].iloc[0])
    expected = rated * (IDLE + (1 - IDLE) * (1 - np.exp(-(load**exponent))))
    assert law.predict(row)["gpu_power_w"].iloc[0] == pytest.approx(expected)
    assert law.load(row)[0] == pytest.approx(load)


def test_power_stays_between_idle_and_rated(law, models, gpus):
    found = served(law, models, gpus, np.geomspace(1e-6, 1e9, 20), 64)
    rated = 700
    assert (np.diff(found["gpu_power_w"]) >= 0).all()
    assert found["gpu_power_w"].iloc[0] == pytest.approx(IDLE * rated, rel=0.02)
    assert found["gpu_power_w"].iloc[-1] == pytest.approx(rated)
    assert (found["p95_w"] <= rated).all()
    assert (found["p5_w"] >= IDLE * rated).all()


def test_quantiles_are_in_order(law, runs):
    found = law.predict(runs)[["p5_w", "p25_w", "gpu_power_w", "p75_w", "p95_w"]]
    assert (np.diff(found.to_numpy(float), axis=1) >= 0).all()


def test_a_limit_cuts_power_off(law, models, gpus):
    free = served(law, models, gpus, 8000, 512)
    held = served(law, models, gpus, 8000, 512, power_limit=350.0)
    assert free["gpu_power_w"].item() > 350 == held["gpu_power_w"].item()
    assert held["slope"].item() == held["log_sd"].item() == 0


def test_a_limit_above_the_power_changes_nothing(law, models, gpus):
    free = served(law, models, gpus, 500, 8)
    assert (
        served(law, models, gpus, 500, 8, power_limit=699.0).loc[0, "gpu_power_w"]
        == (free.loc[0, "gpu_power_w"])
    )


def test_slope_is_that_of_power_with_throughput(law, models, gpus):
    found = served(law, models, gpus, [1000.0, 1000.0 * 1.001], 64)
    slope = np.log(found["gpu_power_w"].iloc[1] / found["gpu_power_w"].iloc[0]) / np.log(1.001)
    assert found["slope"].iloc[0] == pytest.approx(slope, rel=0.01)


def test_log_sd_is_that_of_the_interval(law, models, gpus):
    found = served(law, models, gpus, 300.0, 8).iloc[0]
    apart = np.log(found["p75_w"] / found["p25_w"]) / (2 * 0.6745)
    assert found["log_sd"] == pytest.approx(apart, rel=0.1)


def test_an_unknown_gpu_is_predicted_from_its_rates_with_more_uncertainty(law, models, gpus):
    known = served(law, models, gpus, 1000, 64)
    other = served(law, models, gpus, 1000, 64, gpu="H200-SXM-141GB")
    share = other["gpu_power_w"].item() / known["gpu_power_w"].item()
    assert 0.8 < share < 1.1
    assert other["log_sd"].item() > known["log_sd"].item()


def test_the_fit_finds_the_parameters_that_made_the_runs(law, runs):
    """Runs made by equation (1) with known parameters and little scatter."""
    generator = np.random.default_rng(1)
    exponent, factors = 0.6, np.array([0.8, 1.5, 15.0])
    load = runs[["memory", "experts", "compute"]].to_numpy(float) @ factors
    z = exponent * np.log(load) + 0.02 * generator.standard_normal(len(runs))
    share = IDLE + (1 - IDLE) * -np.expm1(-np.exp(z))
    found = GpuPower.fit(runs.assign(gpu_power_w=share * runs["tdp_w"]), IDLE)
    fitted = np.exp(found.values[: len(PRIOR)])
    # a common factor cannot be told from deviations that all groups have
    assert fitted[0] == pytest.approx(exponent, rel=0.02)
    np.testing.assert_allclose(fitted[2:] / fitted[1], factors[1:] / factors[0], rtol=0.02)
    assert found.scatter == pytest.approx(0.02, rel=0.3)


def test_what_the_tasks_of_a_configuration_have_in_common_is_known_without_a_task(law, runs):
    """Told no task, the law is nearer to a configuration in the fit than to one that is not."""
    asked = runs.assign(task="")
    seen, unseen = (
        np.abs(np.log(law.predict(rows)["gpu_power_w"] / runs["gpu_power_w"])).mean()
        for rows in (asked, asked.assign(gpus=0))
    )
    assert seen < unseen


def test_gpus_that_are_no_whole_number_to_the_table_are_of_the_same_configuration(law, runs):
    found = law.predict(runs.assign(gpus=runs["gpus"].astype(float)))
    pd.testing.assert_frame_equal(found, law.predict(runs.assign(gpus=runs["gpus"].astype(int))))


def test_measured_runs_are_met(law, runs):
    error = np.abs(np.log(law.predict(runs)["gpu_power_w"] / runs["gpu_power_w"]))
    assert np.exp(error.median()) < 1.05
    assert np.exp(error.quantile(0.9)) < 1.15


def test_the_fit_is_the_same_again(law, runs):
    assert (GpuPower.fit(runs, IDLE).values == law.values).all()


def z_of(rows, values, groups):
    """Equation (2) without scatter, and its derivatives, row by row and level by level."""
    exponent, factors = np.exp(values[0]), np.exp(values[1:4])
    found, slopes = [], []
    for row in rows.to_dict("records"):
        parts = factors * [row[name] for name in ("memory", "experts", "compute")]
        of_levels = []
        for level, (columns, _) in LEVELS.items():
            key = "|".join(str(row[column]) for column in columns)
            of_levels += [float(group == key) for group in groups[level]]
        load = parts.sum()
        found.append(exponent * np.log(load) + values[4:] @ of_levels)
        slopes.append([exponent * np.log(load), *(exponent * parts / load), *of_levels])
    return np.array(found), np.array(slopes)


def test_the_fit_is_where_values_spreads_scatter_and_weights_agree(law, runs):
    """Each by its own equation from the others, at the end of the fit."""
    fitted, slopes = z_of(runs, law.values, law.groups)
    share = (runs["gpu_power_w"] / runs["tdp_w"] - IDLE) / (1 - IDLE)
    measured = np.log(-np.log(1 - np.clip(share.to_numpy(), 1e-6, 1 - 1e-6)))
    error, variance = measured - fitted, np.einsum("ij,jk,ik->i", slopes, law.covariance, slopes)
    # weights of Student's t of five degrees
    weight = (5 + 1) / (5 + (error**2 + variance) / law.scatter**2)
    sizes = [len(group) for group in law.groups.values()]
    level = np.repeat(np.arange(len(sizes)), sizes)
    sd = np.array(list(law.sd.values()))
    prior_sd = np.array([spread for _, spread in PRIOR.values()])
    precision = 1 / np.concatenate([prior_sd, sd[level]]) ** 2
    centre = np.zeros(len(law.values))
    centre[:4] = np.log([median for median, _ in PRIOR.values()])
    away = slopes.T @ (weight * error) / law.scatter**2 - precision * (law.values - centre)
    assert np.abs(law.covariance @ away).max() < 1e-4
    information = slopes.T @ (slopes * weight[:, None]) / law.scatter**2 + np.diag(precision)
    np.testing.assert_allclose(law.covariance @ information, np.eye(len(centre)), atol=2e-4)
    # equation (1) of laws.spreads, in which the prior of a level counts as three groups
    known = 1 - np.diag(law.covariance) * precision
    for k, (_, prior) in enumerate(LEVELS.values()):
        own = np.concatenate([np.full(4, False), level == k])
        expected = (3 * prior**2 + np.sum(law.values[own] ** 2)) / (3 + known[own].sum())
        assert sd[k] ** 2 == pytest.approx(expected, rel=1e-4)
    free = np.sum(1 - weight * variance / law.scatter**2)
    assert law.scatter**2 == pytest.approx(weight @ error**2 / free, rel=1e-4)
    assert (law.n_runs, law.idle_share) == (len(runs), IDLE)


def test_runs_outside_of_idle_and_rated_power_are_taken_as_near_to_them(runs):
    """Equation (2) has no value there."""
    share = [1.2, 0.0, *(runs["gpu_power_w"] / runs["tdp_w"])[2:]]
    beyond = GpuPower.fit(runs.assign(gpu_power_w=share * runs["tdp_w"]), IDLE)
    share[:2] = IDLE + (1 - IDLE) * (1 - 1e-6), IDLE + (1 - IDLE) * 1e-6
    near = GpuPower.fit(runs.assign(gpu_power_w=share * runs["tdp_w"]), IDLE)
    np.testing.assert_allclose(beyond.values, near.values, rtol=1e-3, atol=1e-3)


ROWS = pd.DataFrame(
    {
        "gpu": ["a", "a", "b"],
        "gpus": [4, 8, 4],
        "precision": "FP8",
        "architecture": ["dense", "moe", "dense"],
        "task": "chat",
        "network": ["n", "m", "n"],
        "memory": [0.3, 0.2, 0.0],
        "experts": [0.0, 0.4, 0.0],
        "compute": [0.05, 0.01, 0.02],
        "tdp_w": [700.0, 700.0, 400.0],
    },
    index=[5, 2, 9],
)
GROUPS = {
    "gpu": pd.Index(["a"]),
    "architecture": pd.Index(["dense", "moe"]),
    "task": pd.Index(["gpqa"]),
    "model": pd.Index(["n"]),
    "configuration": pd.Index(["n|FP8|a|4"]),
    "workload": pd.Index(["n|FP8|a|4|chat"]),
}
ROOT = np.random.default_rng(3).normal(0, 0.1, (11, 11))
FACTORS = 0.5, 1.0, 2.0, 9.0
MADE_UP = GpuPower(
    idle_share=0.1,
    values=np.array([*np.log(FACTORS), 0.1, -0.2, 0.3, 0.05, -0.1, 0.2, -0.05]),
    covariance=ROOT @ ROOT.T,
    sd=dict(zip(LEVELS, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], strict=True)),
    scatter=0.15,
    groups=GROUPS,
    n_runs=7,
)


def drawn(z):
    """Equation (1) over the rated power."""
    return 0.1 + 0.9 * (1 - np.exp(-np.exp(z)))


@pytest.mark.filterwarnings("error")
def test_a_prediction_by_hand_with_all_that_is_uncertain_about_it():
    found = MADE_UP.predict(ROWS)
    z, slopes = z_of(ROWS, MADE_UP.values, GROUPS)
    # the first row's task, the second's model, task, configuration and workload, and of the third
    # all but its architecture and its model are not in the fit
    unseen = [0.3**2, 0.3**2 + 0.4**2 + 0.5**2 + 0.6**2, 0.1**2 + 0.3**2 + 0.5**2 + 0.6**2]
    of_fit = np.einsum("ij,jk,ik->i", slopes, MADE_UP.covariance, slopes)
    total = np.sqrt(of_fit + unseen + 0.15**2 * 5 / 3)
    rated = ROWS["tdp_w"].to_numpy()
    assert list(found.index) == [5, 2, 9]
    np.testing.assert_allclose(found["gpu_power_w"], rated * drawn(z))
    for percent in (5, 25, 75, 95):
        at = z + stats.norm.ppf(percent / 100) * total
        np.testing.assert_allclose(found[f"p{percent}_w"], rated * drawn(at))
    change = np.log(drawn(z + 1e-6) / drawn(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(found["log_sd"], change * total, rtol=1e-6)
    np.testing.assert_allclose(found["slope"], change * 0.5, rtol=1e-6)
    np.testing.assert_allclose(MADE_UP.load(ROWS), [0.3 + 0.45, 0.2 + 0.8 + 0.09, 0.18])


def test_only_a_limit_below_the_power_cuts_it_off():
    free = MADE_UP.predict(ROWS)
    held = MADE_UP.predict(ROWS.assign(power_limit_w=[np.nan, 100.0, 399.0]))
    pd.testing.assert_frame_equal(held.drop(index=2), free.drop(index=2))
    assert held.loc[2].tolist() == [100.0, 0.0, 100.0, 100.0, 100.0, 100.0, 0.0]


def test_a_group_is_asked_for_every_throughput_and_batch_with_all_that_it_is(models, gpus):
    """As one row after the other of what a load asks of its GPUs."""
    asked = SERVED | {"attention_copies": 2, "power_limit": 300.0}
    found = gpu_power(MADE_UP, models, gpus, throughput=[100.0, 9000.0], batch=64.0, **asked)
    row = {key: value for key, value in SERVED.items() if key != "count"}
    row |= {"gpus": 4, "attention_copies": 2, "power_limit_w": 300.0, "task": "", "batch": 64.0}
    rows = pd.DataFrame([row, row]).assign(throughput_tps=[100.0, 9000.0])
    expected = MADE_UP.predict(add_utilisation(rows, models, gpus))
    pd.testing.assert_frame_equal(found, expected)
    assert found["gpu_power_w"].tolist()[1] == 300
    alone = gpu_power(MADE_UP, models, gpus, throughput=100.0, batch=64.0, **SERVED)
    rows = rows.iloc[[0]].assign(attention_copies=1, power_limit_w=np.nan)
    pd.testing.assert_frame_equal(alone, MADE_UP.predict(add_utilisation(rows, models, gpus)))


def test_terms_name_every_level(law):
    names = [name for name, _, _ in law.terms()]
    assert names == [
        "idle_share",
        *PRIOR,
        *(f"deviation_{level}" for level in gpu.LEVELS),
        "scatter",
        "n_runs",
    ]
    expected = [0.1, *FACTORS, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.15, 7]
    assert [value for _, value, _ in MADE_UP.terms()] == pytest.approx(expected)
    assert [unit for _, _, unit in MADE_UP.terms()] == ["1"] * 5 + ["z"] * 7 + ["runs"]
