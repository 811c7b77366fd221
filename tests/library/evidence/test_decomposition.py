"""The ratio of an estimate to the method is a product of known factors and a remainder."""

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


def test_like_for_like_is_the_ratio_without_tokens_and_boundary(ratios, factors):
    like = ratios[ratios["reading"] == evidence_estimates.LIKE].set_index("id")["ratio"]
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[like.index]
    total = factors.groupby("id")["ratio"].first().loc[like.index]
    rest = total / (values["tokens"] * values["boundary"])
    assert rest.to_numpy() == pytest.approx(like.to_numpy())


def test_power_stated_twice_as_high_doubles_that_factor_alone(setup, estimates, runs, convert):
    one = estimates[estimates["id"] == "mle3_405b_best"]
    two = one.assign(accelerator_power_w=2 * one["accelerator_power_w"])
    a, b = (
        decomposition.decompose(setup, table, runs, convert).set_index("factor")["value"]
        for table in (one, two)
    )
    assert b["power"] == pytest.approx(2 * a["power"])
    assert b["remainder"] == pytest.approx(a["remainder"] / 2)
