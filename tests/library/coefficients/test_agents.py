"""Energy of a call of production agents."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.coefficients.agents import MODELS, NODES, calls, held, mean_call
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


def told(**values):
    """Whether each sentence is a problem, and the sentence, of a trace with some counts changed."""
    trace = read("data/agent_tokens.csv", "agent_tokens").set_index("quantity")
    for name, value in values.items():
        trace.loc[name, "value"] = value
    return list(held(trace.reset_index(), read("data/models.csv", "models")))


def tokens(factor):
    """Every row in tokens, so many times."""
    trace = read("data/agent_tokens.csv", "agent_tokens")
    rows = trace[trace["unit"] == "tokens"]
    return dict(zip(rows["quantity"], factor * rows["value"].astype(float), strict=True))


def test_a_call_is_within_four_contexts_of_the_models_that_stand_for_the_trace():
    assert told() == []
    # 68420 tokens a call, of 131072
    ((is_problem, sentence),) = told(**tokens(10))
    assert is_problem
    assert "quantity prompt_tokens_per_call: column" in sentence
    assert "value 678920: with the completion it is 5.22 times the context of" in sentence
    assert "131072 tokens" in sentence and "allowed is at most 4 times" in sentence
    ((is_problem, sentence),) = told(**tokens(7.66))
    assert not is_problem and "unusual; " in sentence and "usual is at most 1 times" in sentence
    assert told(**tokens(7.67))[0][0] and told(**tokens(1.91)) == []


def test_what_is_not_cached_is_what_the_share_leaves():
    ((is_problem, sentence),) = told(uncached_prompt_tokens_per_call=8900)
    assert is_problem and "value 8900; allowed is 9708.56, what cached_share" in sentence
    assert told(uncached_prompt_tokens_per_call=9100) == []


def test_a_trace_without_a_quantity_or_a_second_one_is_told():
    trace, models = read("data/agent_tokens.csv", "agent_tokens"), read("data/models.csv", "models")
    without = trace[trace["quantity"] != "cached_share_of_prompt"]
    ((is_problem, sentence),) = held(without, models)
    assert is_problem and "cached_share_of_prompt: stands there 0 times" in sentence
    both = pd.concat([trace, trace.assign(source_id="another")])
    assert len(list(held(both, models))) == 4
