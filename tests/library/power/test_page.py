"""Page of the laws of power."""

from inference_energy.power.page import page
from inference_energy.reports import told
from repository import ROOT, read

NAMES = ("law", "scores", "predictions", "wall", "shares")


def tables():
    return [read(f"results/validation/power_{name}.csv", f"power_{name}") for name in NAMES]


def test_the_committed_page_is_that_of_the_committed_tables():
    assert told(page(*tables()), ROOT / "docs") == (ROOT / "docs" / "power.md").read_text(
        encoding="utf-8"
    )


def test_a_group_that_falls_short_is_named():
    law, scores, predictions, meters, shares = tables()
    worse = scores.copy()
    own = (worse["left_out"] == "GPU") & (worse["statistic"] == "p90_factor")
    worse.loc[own & (worse["architecture"] == "all"), "value"] = 1.61
    assert "energy, throughput measured, GPU (P90 1.610)" in page(
        law, worse, predictions, meters, shares
    )


def test_a_meter_outside_is_named():
    law, scores, predictions, meters, shares = tables()
    outside = meters.assign(within="no")
    assert "0 of 18 are within 5 %; outside gptj-99 Offline" in page(
        law, scores, predictions, outside, shares
    )


def test_single_b200s_wait_when_they_answer_gpqa_as_the_page_says(runs):
    alone = runs[runs["gpu"].eq("B200") & runs["gpus"].eq(1)]
    alone = alone.assign(step=alone["batch"] / alone["throughput_tps"])
    gpqa, chat = (alone[alone["task"] == task] for task in ("gpqa", "chat"))
    pairs = gpqa.merge(chat, on=["network", "concurrency"], suffixes=("", "_chat"))
    assert len(pairs) > 30
    assert (pairs["step"] > pairs["step_chat"]).all()
    assert (pairs["step"] / pairs["step_chat"]).max() > 3
    assert (pairs["gpu_power_w"] < pairs["gpu_power_w_chat"]).all()


def test_the_page_says_of_what_the_interval_of_a_meter_is():
    """The node's own facts count as exact: a limit of the GPUs leaves no width."""
    *others, meters, shares = tables()
    width = meters["p95_w"] - meters["p5_w"]
    limited = meters["gpu_power_limit_w"].notna()
    assert (width[limited] == 0).all() and (width[~limited] > 0).all()
    inside = meters["measured_w"].between(meters["p5_w"], meters["p95_w"])[~limited]
    assert f"no width where a limit holds it; {inside.sum()} of the other" in page(
        *others, meters, shares
    )


def test_a_node_is_told_at_its_best_and_over_all_of_its_loads():
    *others, shares = tables()
    own = shares["gpu"].eq("B200")
    shares.loc[own, ["p5_share", "p95_share"]] = 0.0
    text = page(*others, shares)
    best = shares[own & shares["best"].eq("yes")]["share"]
    range_of_best = f"{best.min():.2f} to {best.max():.2f} of 14.3 kW"
    assert f"- B200: where a token takes the least energy, the node draws {range_of_best}" in text
    assert f"Over all {own.sum()} loads" in text and "and 0 are in its P5-P95." in text


def test_the_page_says_that_its_priors_are_not_blind():
    assert "priors that were set while the errors below were looked at" in page(*tables())


def test_the_page_does_not_give_prefill_alone_as_what_a_method_charges_more_for():
    """Of a dense model longer inputs do not add to the power of a full node."""
    text = page(*tables())
    assert "a mixture of experts for inputs whose prefill draws more, too" in text
    assert "as many requests as fit, in the layout of the highest throughput" in text


def test_what_is_unusual_of_the_runs_is_told_at_the_end():
    assert "What is unusual" not in page(*tables())
    text = page(*tables(), ["one", "another"])
    assert text == page(*tables()) + "\n## What is unusual\n\n- one\n- another\n"
