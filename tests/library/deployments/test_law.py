"""The law of a deployment, from as many shapes as were measured."""

from types import SimpleNamespace

import numpy as np
import pytest
from inference_energy.deployments import law as deployments_law
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.registry import LAWS
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
    with pytest.raises(TypeError, match=r"^the hierarchical law starts from the rows of other"):
        deployments_law.fit_law(run, settings)


@pytest.mark.parametrize(
    ("rows", "settings", "basis"),
    [
        (LADDER, {"name": "log-linear"}, "The log-linear law, fitted to 4 measured shapes."),
        (LADDER, {"name": "log-linear", "minimum_rows": 4}, "The log-linear law, fitted to 4"),
        (
            LADDER,
            {"name": "log-linear", "minimum_rows": 5, "fallback": "additive"},
            "The additive law, fitted to 4 measured shapes.",
        ),
        (
            LADDER,
            {"name": "log-linear", "minimum_rows": 5, "fallback": "peak"},
            "The largest throughput of 4 measured shapes, whatever the lengths: too few for a law"
            " of lengths.",
        ),
        (
            [*LADDER[:1], *LADDER[:1]],
            {"name": "log-linear"},
            "The largest throughput of 1 measured shape, whatever the lengths: too few for a law of"
            " lengths.",
        ),
        (
            LADDER,
            {
                "name": "additive",
                "minimum_rows": 5,
                "fallback": "log-linear",
                "fallback_minimum_rows": 5,
            },
            "The largest throughput of 4",
        ),
        (
            [(np.nan, 300, 4000)],
            {"name": "log-linear"},
            "The benchmark files do not tell the input length: the throughput is held at the"
            " measured one, whatever the lengths.",
        ),
        (
            [(np.nan, np.nan, 4000), (np.nan, 300, 4000)],
            {"name": "log-linear"},
            "The benchmark files do not tell the input and output length: the",
        ),
        ([(np.nan, 300, 4000), *LADDER], {"name": "log-linear"}, "The log-linear law, fitted to 4"),
    ],
)
def test_how_a_law_came_about_is_said_in_a_sentence(rows, settings, basis):
    assert deployments_law.fit_law(bench(rows), settings)[1].startswith(basis)


@pytest.mark.parametrize("hardware", [None, HARDWARE])
def test_a_law_of_few_runs_gets_the_tables_too(monkeypatch, hardware):
    asked = []
    kind = SimpleNamespace(
        pooled=False,
        by_length=True,
        minimum_rows=1,
        prepare=lambda rows, tables: asked.append(tables) or rows,
        fit_one=LAWS["log-linear"].fit_one,
    )
    monkeypatch.setitem(LAWS, "noted", kind)
    deployments_law.fit_law(bench(LADDER), {"name": "noted"}, hardware=hardware)
    assert asked == [hardware or {}]


class Pooled:
    """A law of many configurations that notes what it is conditioned on."""

    pooled = True

    def prepare(self, rows, hardware):
        return rows.assign(prepared=len(hardware))

    def fit_many(self, background):
        self.background = background
        return self

    def condition(self, runs):
        self.runs = runs
        return self

    def scaled(self, factor):
        return factor


@pytest.mark.parametrize(
    ("model", "columns", "copies", "tensor_parallel"),
    [
        ("Llama 3.1 70B", {"n_gpus": 8, "tensor_parallel": 8, "pipeline_parallel": 1}, 1, 8),
        ("Llama 3.1 70B", {"n_gpus": 16, "tensor_parallel": 4, "pipeline_parallel": 2}, 2, 4),
        ("Llama 3.1 70B", {"n_gpus": 16, "tensor_parallel": 4, "pipeline_parallel": None}, 4, 4),
        # 671 GB of weights, of which a GPU holds a part: no eight copies of one GPU each
        ("DeepSeek-R1", {"n_gpus": 16, "tensor_parallel": 1, "pipeline_parallel": 1}, 1, 16),
        ("DeepSeek-R1", {"n_gpus": 16, "tensor_parallel": 2, "pipeline_parallel": 2}, 1, 8),
        ("DeepSeek-R1", {"n_gpus": 16, "tensor_parallel": 16, "pipeline_parallel": 1}, 1, 16),
        # half as many GPUs hold what each weight takes two bytes of
        (
            "Llama 3.1 70B",
            {"n_gpus": 4, "tensor_parallel": 2, "pipeline_parallel": 1, "precision": "BF16"},
            2,
            2,
        ),
        (
            "Llama 3.1 70B",
            {"n_gpus": 4, "tensor_parallel": 1, "pipeline_parallel": 1, "precision": "BF16"},
            1,
            4,
        ),
        # a GPU that no copy takes
        ("Llama 3.1 70B", {"n_gpus": 9, "tensor_parallel": 4, "pipeline_parallel": 1}, 2, 4),
        # 405 GB in the 432 GB that six GPUs of 80 GB give to weights, not in 360 GB of five
        ("Llama 3.1 405B", {"n_gpus": 12, "tensor_parallel": 6, "pipeline_parallel": 1}, 2, 6),
        ("Llama 3.1 405B", {"n_gpus": 10, "tensor_parallel": 5, "pipeline_parallel": 1}, 1, 10),
    ],
)
def test_all_copies_of_a_model_are_so_many_times_one(
    model, columns, copies, tensor_parallel, monkeypatch
):
    law = Pooled()
    monkeypatch.setattr(deployments_law, "LAWS", {"pool": law})
    runs = bench(LADDER[:2], model=model, concurrency=64.0, **columns)
    background = bench(LADDER)
    factor, basis = deployments_law.fit_law(runs, {"name": "pool"}, background, HARDWARE)
    assert isinstance(factor, float) and factor == copies
    assert basis == (
        "The method's throughput tables, conditioned on 2 measured shapes of this configuration"
        " (pool law)."
    )
    assert (law.runs["tensor_parallel"] == tensor_parallel).all()
    assert law.runs["tensor_parallel"].dtype.kind == "i"
    assert (law.runs["concurrency"] == 64 / copies).all()
    assert law.runs["throughput_tps"].tolist() == [4000 / copies, 3600 / copies]
    for rows, count in ((law.runs, 2), (law.background, 4)):
        assert len(rows) == count and (rows["prepared"] == len(HARDWARE)).all()
