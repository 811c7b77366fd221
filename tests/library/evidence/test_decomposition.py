"""The ratio of an estimate to the method is a product of known factors and a remainder."""

import numpy as np
import pytest
from inference_energy.evidence import decomposition
from inference_energy.evidence import estimates as evidence_estimates


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
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[like.index]
    total = factors.groupby("id")["ratio"].first().loc[like.index]
    rest = total / (values["lengths"] * values["boundary"])
    assert rest.to_numpy() == pytest.approx(like.to_numpy())


def test_load_is_that_of_the_law_and_moves_nothing_else(setup, own, estimates, laws, convert):
    one = estimates[estimates["id"] == "mle3_405b_best"]
    alone = one.assign(concurrency=1.0)
    a, b = (
        decomposition.decompose(setup, own, table, laws, convert).set_index("factor")["value"]
        for table in (one, alone)
    )
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


def test_every_large_remainder_is_followed_and_no_other(factors):
    rest = factors[factors["factor"] == "remainder"].set_index("id")
    large = np.abs(np.log(rest["value"])) > np.log(decomposition.CLOSE)
    assert (rest["step"].notna() == large).all()
    assert set(rest["step"].dropna()) <= {*decomposition.STEPS, "none found"}
    assert factors.loc[factors["factor"] != "remainder", "step"].isna().all()


def test_a_step_leaves_less_than_the_remainder_and_says_why(factors):
    rest = factors[factors["step"].notna() & ~factors["step"].isin(["law", "none found"])]
    assert len(rest)
    assert (np.abs(np.log(rest["left"])) < np.abs(np.log(rest["value"]))).all()
    assert rest["reason"].str.contains("x").all()


def test_hosts_are_told_by_figures_of_the_same_work(factors):
    ids = ["jegham_llama-3.1-70b_medium", "jegham_llama-3.3-70b_medium"]
    pair = factors[(factors["factor"] == "remainder") & factors["id"].isin(ids)]
    assert set(pair["step"]) == {"host"}
    assert pair["left"].iloc[0] == pytest.approx(pair["left"].iloc[1])


def test_a_range_over_batches_has_the_load_of_its_middle(setup, own, estimates, laws, convert):
    swept = estimates[estimates["id"] == "mle2_70b"]
    stated = swept.assign(concurrency=np.sqrt(1024.0 * 64))
    a, b = (
        decomposition.decompose(setup, own, table, laws, convert).set_index("factor")["value"]
        for table in (swept, stated)
    )
    assert a["load"] == pytest.approx(b["load"])
    assert a["load"] > 1.1


def test_a_server_that_the_source_makes_of_its_gpus_is_found(factors):
    rest = factors[factors["factor"] == "remainder"].set_index("id").loc["mittr_405b"]
    assert rest["step"] == "boundary"
    assert "x2 of its GPUs" in rest["reason"]
