import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence.boundaries import conversion
from inference_energy.evidence.estimates import energy_at
from inference_energy.peers.own import law_energy, of_law, of_method, rated_share
from repository import read, read_yaml

GPUS = read("data/gpus.csv", "gpus")
HARDWARE = {"models": read("data/models.csv", "models"), "gpus": GPUS}


@pytest.fixture(scope="module")
def convert():
    wall_power = read("data/measured/mlperf_wall_power.csv", "wall_power")
    return conversion(read_yaml("config/evidence.yaml"), wall_power)


@pytest.fixture(scope="module")
def vendor():
    table = read("data/throughput/trtllm.csv", "throughput")
    dense = table["model"].isin(["Llama 3.1 70B", "Llama 3.1 405B"])
    return table[dense & (table["gpu"] == "H200-SXM-141GB")].reset_index(drop=True)


@pytest.fixture(scope="module")
def some(runs):
    """Runs of a model of the vendor tables, and of one that they do not have."""
    of_both = runs[runs["model"].isin(["Llama 3.1 70B", "Kimi K2.5"])]
    return of_both[of_both["gpu"] == "H200-SXM-141GB"].groupby("model").head(4)


def test_a_method_has_the_share_of_its_node(runs, paper, convert):
    found = of_method(runs, paper, convert)
    assert set(found["id"]) == set(
        runs["id"][runs["method_model"].isin([model.name for model in paper.models])]
    )
    row = runs[runs["id"] == found["id"].iloc[0]].iloc[0]
    lengths = row["input_tokens"], row["output_tokens"]
    served = next(model for model in paper.models if model.name == row["method_model"])
    node = served.law.predict(*lengths)
    assert found["throughput_tps"].iloc[0] == pytest.approx(node * row["gpus"] / 8)
    energy = energy_at(paper, row["method_model"], *lengths, "accelerator", convert)
    per_query = found["energy_per_token_j"].iloc[0] * row["output_tokens"] / 3600
    assert per_query == pytest.approx(energy.quantile(0.5))


def test_the_law_does_not_see_the_model_that_is_left_out(some, vendor):
    spoilt = vendor.assign(
        throughput_tps=vendor["throughput_tps"].where(vendor["model"] != "Llama 3.1 70B", 1e5)
    )
    known = some[some["model"] == "Llama 3.1 70B"].index
    honest, fooled = (of_law("hierarchical", some, table, HARDWARE) for table in (vendor, spoilt))
    assert honest["model"][known].to_numpy() == pytest.approx(fooled["model"][known].to_numpy())
    others = some.index.difference(known)
    assert not np.allclose(honest["model"][others], fooled["model"][others], rtol=0.01)


def test_the_law_does_not_see_the_configuration_that_is_left_out(some, vendor):
    known = some[(some["model"] == "Llama 3.1 70B")].head(1)
    same = (vendor["tensor_parallel"] == known["gpus"].iloc[0]) & (
        vendor["model"] == "Llama 3.1 70B"
    )
    assert same.any()
    spoilt = vendor.assign(throughput_tps=vendor["throughput_tps"].where(~same, 1e5))
    honest, fooled = (
        of_law("hierarchical", known, table, HARDWARE)["configuration"]
        for table in (vendor, spoilt)
    )
    assert honest.to_numpy() == pytest.approx(fooled.to_numpy())


def test_the_law_is_told_the_load(some, vendor):
    one = some.iloc[[0, 0]].assign(concurrency=[1.0, 64.0]).reset_index(drop=True)
    found = of_law("hierarchical", one, vendor, HARDWARE)["model"]
    assert found[1] > 5 * found[0]


def test_energy_of_the_law_is_rated_power_over_throughput(some):
    found = law_energy(some, pd.Series(100.0, some.index), 0.5, GPUS)
    assert found.to_numpy() == pytest.approx(0.5 * 700 * some["gpus"].to_numpy(float) / 100)


def test_gpus_of_the_method_draw_less_than_their_rate(paper, convert):
    assert 0.3 < rated_share(paper, convert, GPUS) < 1.1
