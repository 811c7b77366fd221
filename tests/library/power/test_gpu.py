"""GPU power with load."""

import numpy as np
import pytest
from inference_energy.power import gpu
from inference_energy.power.gpu import PRIOR, GpuPower, gpu_power
from library.power.conftest import IDLE

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


def test_measured_runs_are_met(law, runs):
    error = np.abs(np.log(law.predict(runs)["gpu_power_w"] / runs["gpu_power_w"]))
    assert np.exp(error.median()) < 1.05
    assert np.exp(error.quantile(0.9)) < 1.15


def test_the_fit_is_the_same_again(law, runs):
    assert (GpuPower.fit(runs, IDLE).values == law.values).all()


def test_terms_name_every_level(law):
    names = [name for name, _, _ in law.terms()]
    assert names == [
        "idle_share",
        *PRIOR,
        *(f"deviation_{level}" for level in gpu.LEVELS),
        "scatter",
        "n_runs",
    ]
