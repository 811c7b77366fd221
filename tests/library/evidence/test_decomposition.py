"""The ratio of an estimate to the method is a product of known factors and a remainder."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence import decomposition, law
from inference_energy.evidence import estimates as evidence_estimates

UNCHANGED = [*decomposition.NOT_COMPUTED, "none found"]


def test_factors_multiply_to_the_ratio(factors):
    product = factors.groupby("id")["value"].prod()
    ratio = factors.groupby("id")["ratio"].first()
    assert (product / ratio).to_numpy() == pytest.approx(1, rel=1e-12)


def test_unknown_factors_are_one_and_named_in_the_remainder(factors):
    unknown = factors[(factors["known"] == "no") & (factors["factor"] != "remainder")]
    assert (unknown["value"] == 1).all()
    remainder = factors[factors["factor"] == "remainder"].set_index("id")["basis"]
    for row in unknown.to_dict("records"):
        assert row["factor"] in remainder[row["id"]]


def test_like_for_like_is_the_ratio_without_lengths_and_boundary(ratios, factors):
    like = ratios[ratios["reading"] == evidence_estimates.LIKE].set_index("id")["ratio"]
    like = like.drop("mittr_405b")
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[like.index]
    total = factors.groupby("id")["ratio"].first().loc[like.index]
    rest = total / (values["lengths"] * values["boundary"])
    assert rest.to_numpy() == pytest.approx(like.to_numpy())


def test_load_is_that_of_the_law_and_moves_nothing_else(estimates, split):
    one = estimates[estimates["id"] == "mle3_405b_best"]
    alone = one.assign(concurrency=1.0)
    a, b = (split(table).set_index("factor")["value"] for table in (one, alone))
    assert b["load"] > 10 * a["load"]
    assert b[["lengths", "boundary"]].to_numpy() == pytest.approx(
        a[["lengths", "boundary"]].to_numpy()
    )
    assert b.prod() == pytest.approx(a.prod())


def test_explained_are_those_with_a_small_remainder(factors):
    ids = set(factors["id"])
    found = decomposition.explained(factors, ids)
    rest = factors[factors["factor"] == "remainder"].set_index("id")["value"]
    assert (found == rest.between(1 / decomposition.CLOSE, decomposition.CLOSE)).all()
    assert found.any() and not found.all()


def test_without_a_factor_its_part_is_in_the_remainder(factors):
    ids = set(factors.loc[factors["factor"].eq("host") & factors["value"].ne(1), "id"])
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[sorted(ids)]
    rest = values["host"] * values["remainder"]
    near = rest.between(1 / decomposition.CLOSE, decomposition.CLOSE)
    assert (decomposition.explained(factors, ids, ["host"]) == near).all()


def test_every_large_remainder_is_followed_and_no_other(factors):
    rest = factors[factors["factor"] == "remainder"].set_index("id")
    large = np.abs(np.log(rest["value"])) > np.log(decomposition.CLOSE)
    assert (rest["step"].notna() == large).all()
    assert set(rest["step"].dropna()) <= {*decomposition.STEPS, "none found"}
    assert factors.loc[factors["factor"] != "remainder", "step"].isna().all()


def test_a_step_leaves_less_than_the_remainder_and_says_why(factors):
    rest = factors[factors["step"].notna() & ~factors["step"].isin(UNCHANGED)]
    assert len(rest)
    assert (np.abs(np.log(rest["left"])) < np.abs(np.log(rest["value"]))).all()
    assert rest["reason"].str.contains("x").all()


def test_a_host_is_what_its_other_answers_have_over_the_laws(factors):
    ids = [f"jegham_llama-3.1-70b_{length}" for length in ("short", "medium", "long")]
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[ids]
    rest = values["host"] * values["remainder"]
    assert values["host"].iloc[2] == pytest.approx(np.sqrt(rest.iloc[0] * rest.iloc[1]))
    measured = factors[factors["factor"].eq("host") & factors["method"].str.startswith("measured")]
    like = measured["id"].isin(set(factors.loc[factors["factor"].eq("load"), "id"]))
    assert (measured.loc[like, "value"] == 1).all()


def test_one_answer_says_nothing_of_its_host(estimates, split):
    alone = split(estimates[estimates["id"] == "jegham_llama-3.1-70b_long"]).set_index("factor")
    assert alone.loc["host", ["value", "known"]].to_list() == [1, "no"]
    assert "host" in alone.loc["remainder", "basis"]


def test_reasoning_is_in_the_time_of_an_interface_and_nowhere_else(factors, settings):
    of = factors[factors["factor"] == "reasoning"].set_index("id")["value"]
    before = settings["reasoning_tokens"]["models"]["DeepSeek-R1"]
    assert of["jegham_deepseek-r1_azure_short"] == pytest.approx(1 + before / 300)
    assert of["jegham_llama-3.1-70b_short"] == of["mle3_r1_best"] == 1


def test_a_range_over_batches_has_the_load_of_its_middle(estimates, split):
    swept = estimates[estimates["id"] == "mle2_70b"]
    stated = swept.assign(concurrency=np.sqrt(1024.0 * 64))
    a, b = (split(table).set_index("factor")["value"] for table in (swept, stated))
    assert a["load"] == pytest.approx(b["load"])
    assert a["load"] > 1.1


def test_a_server_that_the_source_makes_of_its_gpus_is_what_it_states(factors):
    of = factors[factors["id"] == "mittr_405b"].set_index("factor")
    gpus = factors[(factors["factor"] == "boundary") & (factors["basis"].str.startswith("acc"))]
    assert "GPUs x2" in of.loc["boundary", "basis"]
    assert of.loc["boundary", "value"] == pytest.approx(2 * gpus["value"].median(), rel=0.01)


def test_the_remainder_is_the_estimate_over_the_laws(factors, laws, estimates):
    served = law.row("Llama 3.1 405B", "H100-SXM-80GB", 8, "FP8", 8.0, 300, 366, "vLLM")
    known = {"engine_version": "0.11.1", "protocol": "steady", "source_id": "mlenergy-v3"}
    steady = served | known
    (at,) = laws.energy(pd.DataFrame([steady]))["predicted_j"]
    stated = estimates.set_index("id").loc["mle3_405b_bs8"]
    assert stated[["output_tokens", "concurrency"]].to_list() == [366, 8]
    own = factors[factors["id"] == "mle3_405b_bs8"].set_index("factor")["value"]
    assert own["remainder"] == pytest.approx(stated["value_wh"] / (at * 366 / 3600), rel=0.02)


def test_what_was_measured_in_no_stated_format_ran_the_published_weights(factors):
    of = factors[factors["factor"] == "format"].set_index("id")
    assert of.loc["caravaca_405b_b1", "known"] == "yes"
    assert "as its weights are published" in of.loc["caravaca_405b_b1", "basis"]
    assert of.loc["jegham_llama-3.1-70b_long", "known"] == "no"


def test_what_no_factor_can_count_is_said(factors, estimates, split):
    rest = factors[factors["factor"] == "remainder"].set_index("id")
    assert rest.loc["aes1_llama3_70b", "step"] == "software"
    assert pd.isna(rest.loc["caravaca_405b_b1", "step"])
    far = estimates[estimates["id"] == "caravaca_405b_b1"].copy()
    far["value_wh"] *= 2
    left = split(far).set_index("factor").loc["remainder"]
    assert left[["step", "left"]].to_list() == ["hardware", left["value"]]
    assert "A100 vs H100" in left["reason"]
