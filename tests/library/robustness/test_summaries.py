"""Summaries of a multiverse, and its decomposition on known answers."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.claims import judge
from inference_energy.robustness import summaries
from inference_energy.robustness.choices import headline
from inference_energy.robustness.summaries import explained
from repository import read


def test_summaries_are_consistent(computed):
    choices, found = computed
    weights, first = summaries.distinct(choices, found)
    lines = summaries.distribution(choices, found, first)
    ranks = lines[lines["statistic"] == "published_rank"]["value"]
    assert ranks.between(0, 1).all()
    one = summaries.one_at_a_time(choices, found)
    own = one[one["option"] == one["choice"].map(choices.of_base)]
    assert (own["ratio"] == 1).all()
    curve = summaries.curve(choices, found, weights, first, bins=10)
    totals = curve.groupby(["regime", "bin", "choice"])["share"].sum()
    np.testing.assert_allclose(totals, 1)
    assert (curve.groupby("regime")["p50"].apply(lambda v: v.is_monotonic_increasing)).all()


def test_claim_shares_count_the_specifications(computed):
    choices, found = computed
    published = read("data/published/claims.csv", "claims_published")
    published = published[published["version"] == "v2"]
    figures = {"estimate": {"iea_mixtral": 1.25, "iea_r1": 2.25, "aes1_llama70b_fp8norm": 1.01}}
    _, first = summaries.distinct(choices, found)
    table = summaries.claim_shares(choices, found, first, published, figures).set_index("claim")
    median = published[published["claim"] == "median-traditional"].iloc[0]
    values = found[headline("traditional")][first]
    by_hand = np.mean([judge.holds(median, value) for value in values])
    assert table.loc["median-traditional", "share"] == pytest.approx(by_hand)
    assert table.loc["median-traditional", "base"] == "holds"
    assert table["share"].between(0, 1).all()


def test_specifications_that_give_the_same_results_count_as_one(computed):
    choices, found = computed
    weights, first = summaries.distinct(choices, found)
    assert not weights[~choices.allowed].any()
    table = np.stack([values.ravel() for values in found.values()], axis=1)[first.ravel()]
    close = [np.isclose(table, row, rtol=1e-8, atol=0, equal_nan=True).all(axis=1) for row in table]
    assert np.sum(close) == len(table) == first.sum() < choices.allowed.sum()
    # the last bits of the results decide nothing
    noise = np.random.default_rng(0)
    noisy = {key: v * (1 + 1e-15 * noise.standard_normal(v.shape)) for key, v in found.items()}
    again = summaries.distinct(choices, noisy)
    np.testing.assert_array_equal(weights, again[0])
    np.testing.assert_array_equal(first, again[1])
    pd.testing.assert_frame_equal(
        summaries.curve(choices, found, weights, first, bins=7).drop(columns=["p25", "p50", "p75"]),
        summaries.curve(choices, noisy, *again, bins=7).drop(columns=["p25", "p50", "p75"]),
    )


def test_no_total_effect_is_below_its_main_effect_though_pairs_are_refused(computed):
    choices, found = computed
    lines = summaries.variance(choices, found)
    assert set(lines["choice"]) > {"power_utilisation + pue", "trim"}
    effects = lines.pivot_table(index=["regime", "choice"], columns="effect", values="value")
    assert (effects["total"] >= effects["main"] - 1e-9).all()
    # main effects are parts of one whole
    assert effects["main"].groupby("regime").sum().between(0.3, 1).all()


def test_additive_effects_explain_everything_alone():
    a, b = np.array([0.0, 1.0, 5.0]), np.array([0.0, 2.0])
    main, total = explained(a[:, None, None] + b[:, None] + np.zeros(4))
    variance = a.var() + b.var()
    np.testing.assert_allclose(main, [a.var() / variance, b.var() / variance, 0], atol=1e-12)
    np.testing.assert_allclose(total, main, atol=1e-12)


def test_a_pure_interaction_has_no_main_effect():
    main, total = explained(np.outer([-1.0, 1.0], [-1.0, 1.0]))
    np.testing.assert_allclose(main, 0, atol=1e-12)
    np.testing.assert_allclose(total, 1)


def test_nothing_varies():
    main, total = explained(np.ones((2, 3)))
    assert not main.any() and not total.any()


def test_the_full_table_has_a_line_per_specification(computed):
    choices, found = computed
    weights, first = summaries.distinct(choices, found)
    table = summaries.full_table(choices, found, weights)
    assert len(table) == choices.allowed.sum()
    assert table["weight"].sum() == pytest.approx(first.sum())
    assert not table.duplicated(list(choices.choices)).any()
    assert isinstance(table["pue"].dtype, pd.CategoricalDtype)
