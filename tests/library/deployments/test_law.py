"""The law of a deployment, from as many shapes as were measured."""

import numpy as np
import pytest
from inference_energy.deployments import law as deployments_law
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from library.deployments.made_up import HARDWARE, LADDER, VENDOR, bench
from repository import METHOD_FILES


@pytest.mark.parametrize(
    ("rows", "name", "law"),
    [
        (LADDER, "log-linear", "log-linear"),
        (LADDER, "additive", "additive"),
        (LADDER[:2], "additive", "peak"),
        (LADDER[:1], "log-linear", "peak"),
        ([(np.nan, 300, 4000), (np.nan, 600, 3600), (np.nan, 1200, 3000)], "additive", "peak"),
    ],
)
def test_the_number_of_shapes_chooses_the_law(rows, name, law):
    settings = METHOD_FILES["oviedo2026"]["throughput_law"] | {"name": name}
    found, basis = deployments_law.fit_law(bench(rows), settings)
    assert found.name == law
    assert ("input length" in basis) == bool(np.isnan(rows[0][0]))


def test_one_measured_shape_conditions_the_vendors_law():
    shape = (1000, 1000)
    unmeasured = bench([(*shape, np.nan)], model="Llama 3.1 405B", concurrency=np.nan)
    background = VENDOR[(VENDOR["model"] == "Llama 3.1 405B") & (VENDOR["precision"] == "FP8")]
    pooled = Hierarchical.fit(add_serving_times(background, **HARDWARE))
    prior = pooled.condition(add_serving_times(unmeasured, **HARDWARE)).predict(*shape)
    settings = METHOD_FILES["full-load"]["throughput_law"]
    for copies in (1, 2):
        run = unmeasured.assign(throughput_tps=0.5 * prior * copies, n_gpus=8 * copies)
        law, _ = deployments_law.fit_law(run, settings, background, HARDWARE)
        assert law.name == "hierarchical"
        assert 0.5 <= law.predict(*shape) / (prior * copies) < 0.7
        assert law.predict(300, 2000) < prior * copies * 1.5
