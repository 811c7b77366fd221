"""Energy per token by model, GPU, format and load."""

import numpy as np
import pytest
from inference_energy.coefficients.table import (
    ENGINES,
    FORMATS,
    LOADS,
    QUERY,
    coefficients,
    kinds,
    loaded_nodes,
    networks,
)
from inference_energy.laws.at_load import AtLoadFit
from inference_energy.power.ways import fit_gpu_power

OWN = ["model", "gpu", "format", "load"]


@pytest.fixture(scope="module")
def nodes(hardware, known, rows):
    every = kinds(**known, rows=rows)
    few = every["model"].isin(["Llama 3.1 8B", "DeepSeek-V3"]) & every["gpu"].eq("H200-SXM-141GB")
    fit, power = AtLoadFit.fit(rows), fit_gpu_power(hardware)
    return loaded_nodes(fit, power, every[few], hardware)[0]


@pytest.fixture(scope="module")
def few(nodes, rows):
    return coefficients(nodes, rows)


def test_models_of_one_architecture_and_size_are_one_network(known):
    named = networks(**known)
    assert named["DeepSeek-R1"] == named["DeepSeek-V3"] != named["DeepSeek-V3.2"]
    assert len(named) == len(known["models"])


def test_formats_are_those_computed_and_those_measured(known, rows):
    every = kinds(**known, rows=rows)
    found = {tuple(key) for key in every[["model", "gpu", "precision"]].to_numpy()}
    assert ("Llama 3.1 8B", "A100-SXM-80GB", "BF16") in found
    assert ("Llama 3.1 8B", "A100-SXM-80GB", "FP8") not in found
    assert ("Llama 3.1 8B", "H100-SXM-80GB", "FP4") not in found
    assert ("GPT-OSS 120B", "H100-SXM-80GB", "FP4") in found
    # what is computed in more bits than the weights have is computed so on others, too
    assert {("GPT-OSS 120B", gpu, "FP4") for gpu in FORMATS} <= found
    assert {("Kimi K2.5", gpu, "INT4") for gpu in FORMATS} <= found
    assert ("DeepSeek-R1", "H200-SXM-141GB", "FP4") not in found
    assert len(every) == len(ENGINES) * len(found)


def test_the_formula_gives_the_energy_of_the_query(nodes, few):
    known = few.set_index(OWN)
    own = nodes.groupby(["model", "gpu", "precision", "at"])
    for key, engines in own:
        # one engine at a time, the sum of its parts is power times node time
        total = [
            way.node_kw * sum(way.law.parts(*QUERY.values())) / 3.6 for way in engines.itertuples()
        ]
        row = known.loc[key]
        energy = (1000 * (row["input_wh"] + row["cached_wh"]) + 500 * row["output_wh"]) / 1e6
        assert min(total) <= energy <= max(total)


def test_the_interval_is_two_sided_and_wider_than_that_of_any_engine_alone(nodes, few):
    row = few.set_index(OWN).loc[("Llama 3.1 8B", "H200-SXM-141GB", "FP8", "64")]
    own = nodes[
        nodes["model"].eq("Llama 3.1 8B") & nodes["precision"].eq("FP8") & nodes["at"].eq("64")
    ]
    sigma = min(float(law.parts_sigma(*QUERY.values()).decode) for law in own["law"])
    assert row["output_p5_wh"] < row["output_wh"] * np.exp(-1.645 * sigma)
    assert row["output_p95_wh"] > row["output_wh"] * np.exp(1.645 * sigma)


def test_the_committed_table_is_that_of_the_library(table, few):
    both = table.merge(few, on=OWN, suffixes=("", "_again"))
    assert len(both) == len(few) == 2 * 2 * len(LOADS) - 5
    for name in ("input_wh", "cached_wh", "output_wh", "output_p95_wh"):
        np.testing.assert_allclose(both[name], both[f"{name}_again"], rtol=1e-5)


def test_more_requests_at_once_cost_less_each(table):
    wide = table.pivot_table(index=OWN[:3], columns="load", values="output_wh")[list(LOADS)]
    assert (wide.diff(axis=1).iloc[:, 1:] < 1e-3 * wide.iloc[:, 1:]).all(axis=None)


def test_output_costs_most_at_up_to_64_requests_and_cached_input_less_than_output(table):
    few = table[table["load"].isin(["1", "8", "64"])]
    assert (few["input_wh"] < few["output_wh"]).all()
    assert (table["cached_wh"] < table["output_wh"]).all()
    assert (table["input_p5_wh"] < table["input_wh"]).all()
    assert (table["input_wh"] < table["input_p95_wh"]).all()


def test_thirty_models_and_all_gpus_are_in_the_table(table):
    assert table["model"].nunique() >= 30
    assert set(table["gpu"]) == set(FORMATS)
    counts = table.groupby(OWN[:3])["load"].agg(set)
    assert (counts == set(LOADS)).all()
