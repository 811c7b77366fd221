"""Energy of a call of production agents."""

import numpy as np
import pytest
from inference_energy.coefficients.agents import MODELS, NODES, calls, mean_call
from inference_energy.coefficients.table import LOADS
from inference_energy.laws.at_load import AtLoadFit
from inference_energy.power.ways import fit_gpu_power
from repository import read

PARTS = ["prefill_wh", "cached_wh", "decode_wh"]


@pytest.fixture(scope="module")
def call():
    return mean_call(read("data/agent_tokens.csv", "agent_tokens"))


@pytest.fixture(scope="module")
def agents():
    return read("results/validation/coefficients_agents.csv", "coefficients_agents")


def test_the_mean_call_is_that_of_the_trace(call):
    assert call == {"input_tokens": 67892, "cached_tokens": 58166, "output_tokens": 528}


def test_every_model_is_served_on_every_node_at_every_load(agents):
    assert len(agents) == len(MODELS) * len(NODES) * len(LOADS)


def test_a_model_that_is_published_in_4_bit_alone_is_served_so(agents):
    formats = agents.groupby("model")["format"].unique().map(list).to_dict()
    assert formats.pop("GPT-OSS 120B") == ["FP4"]
    assert set(map(tuple, formats.values())) == {("FP8",)}


def test_the_parts_add_up_to_the_call_within_its_interval(agents):
    np.testing.assert_allclose(agents[PARTS].sum(axis=1), agents["total_wh"], rtol=1e-5)
    assert agents["total_wh"].between(agents["total_p5_wh"], agents["total_p95_wh"]).all()


def test_less_is_known_at_a_higher_load_where_the_context_limits_the_batch(agents):
    share = agents.pivot_table(index=["model", "gpu"], columns="load", values="extrapolated_share")[
        list(LOADS)
    ]
    assert (share.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    # beside what is attended to and read, there are the requests that no longer fit; of the
    # smallest model some of it passes while the host works, so that less is added than its share
    more = agents["extrapolated_share"] - agents["cached_wh"] / agents["total_wh"]
    smallest = agents["model"].eq("GPT-OSS 120B")
    assert (more[~smallest] > -0.01).all()
    assert (more[smallest & agents["load"].isin(["64", "256"])] < 0).all()


def test_a_call_without_cached_input_is_not_extrapolated(hardware, rows, call):
    fresh = dict(call) | {"input_tokens": 9726.0, "cached_tokens": 0.0}
    found = calls(AtLoadFit.fit(rows), fit_gpu_power(hardware), fresh, hardware)
    assert found["extrapolated_share"].abs().max() < 1e-9
    assert (found["cached_wh"] == 0).all()
