import numpy as np
import pytest
from inference_energy.evidence.boundaries import conversion
from inference_energy.evidence.estimates import energy_at
from inference_energy.laws.registry import LAWS
from inference_energy.laws.training import training_rows
from inference_energy.peers.own import (
    PowerLaws,
    law_energy,
    of_law,
    of_method,
    of_method_at_load,
)
from repository import METHODS, hardware_tables, materials, read, read_yaml

HARDWARE = hardware_tables()


@pytest.fixture(scope="module")
def powers():
    """Laws of power of all that is committed."""
    return PowerLaws(HARDWARE)


@pytest.fixture(scope="module")
def convert():
    return conversion(read_yaml("config/evidence.yaml"), HARDWARE)


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


@pytest.fixture(scope="module")
def learnt(vendor):
    """Rows that every law learns from; those of the law with load name models in two ways."""
    steady = HARDWARE["mlenergy"]
    steady = steady[steady["model"].isin(["Llama 3.1 70B", "Llama 3.1 8B"])]
    known = {name: HARDWARE[name] for name in ("models", "gpus")}
    return {
        "hierarchical": LAWS["hierarchical"].prepare(vendor, HARDWARE),
        "at-load": training_rows([vendor], steady, known),
    }


@pytest.mark.parametrize("law", ["hierarchical", "at-load"])
def test_the_law_does_not_see_the_model_that_is_left_out(law, some, learnt):
    rows = learnt[law]
    left_out = rows["model"].isin(["Llama 3.1 70B", "meta-llama/Llama-3.1-70B-Instruct"])
    assert left_out.any() and not left_out.all()
    spoilt = rows.assign(throughput_tps=rows["throughput_tps"] * np.where(left_out, 3, 1))
    known = some[some["model"] == "Llama 3.1 70B"].index
    honest, fooled = (of_law(law, some, table, HARDWARE) for table in (rows, spoilt))
    assert honest["model"][known].to_numpy() == pytest.approx(fooled["model"][known].to_numpy())
    others = some.index.difference(known)
    assert not np.allclose(honest["model"][others], fooled["model"][others], rtol=1e-3)


def test_the_law_does_not_see_the_configuration_that_is_left_out(some, learnt):
    vendor = learnt["hierarchical"]
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


def test_the_law_is_told_the_load(some, learnt):
    one = some.iloc[[0, 0]].assign(concurrency=[1.0, 64.0]).reset_index(drop=True)
    found = of_law("hierarchical", one, learnt["hierarchical"], HARDWARE)["model"]
    assert found[1] > 5 * found[0]


@pytest.fixture(scope="module")
def metered(runs):
    """Runs of one model on one kind of GPU, whose energy was measured, from the lowest load on."""
    own = runs[runs["energy_per_token_j"].notna() & (runs["model"] == "DeepSeek-R1")]
    return own.sort_values("concurrency")


def test_power_of_the_law_rises_with_the_load_and_stays_below_the_rated_one(metered, powers):
    energy = law_energy(metered, metered["throughput_tps"], "model", powers)
    power = (energy * metered["throughput_tps"] / metered["gpus"]).to_numpy(float)
    rated = HARDWARE["gpus"].set_index("gpu")["tdp_w"]["B200"]
    assert (np.diff(power) > 0).all()
    assert 0.2 * rated < power[0] < 0.8 * power[-1] < 0.8 * rated


def test_the_power_law_does_not_see_what_is_left_out(metered, powers):
    steady = HARDWARE["mlenergy"]
    own = steady["model"] == "DeepSeek-R1"
    power = steady["accelerator_power_w"].where(~own, 2000.0)
    spoilt = PowerLaws(HARDWARE | {"mlenergy": steady.assign(accelerator_power_w=power)})
    speed = metered["throughput_tps"]
    for left_out in ("configuration", "model"):
        honest, fooled = (law_energy(metered, speed, left_out, p) for p in (powers, spoilt))
        assert honest.to_numpy() == pytest.approx(fooled.to_numpy())


def test_runs_without_a_throughput_or_a_measured_energy_have_none(metered, some, powers):
    speed = metered["throughput_tps"].where(metered.index != metered.index[0])
    assert metered.index[0] not in law_energy(metered, speed, "model", powers).index
    unmetered = some[some["energy_per_token_j"].isna()]
    assert len(unmetered)
    assert law_energy(unmetered, unmetered["throughput_tps"], "model", powers).empty


def test_a_method_that_knows_load_is_told_it(metered, convert):
    method = METHODS["revised"]
    found = of_method_at_load(metered, method, materials([method])(method), convert)
    found = found.set_index("id").loc[metered["id"]]
    assert (np.diff(found["energy_per_token_j"]) < 0).all()
    assert (np.diff(found["throughput_tps"]) > 0).all()


def test_a_method_that_knows_no_load_is_not_asked_at_one(metered, convert):
    assert of_method_at_load(metered, METHODS["oviedo2026"], {}, convert).empty
