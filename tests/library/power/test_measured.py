"""Measured runs as rows."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.power.measured import (
    LEAST_DRAWN,
    USUAL_DRAWN,
    USUAL_DRAWN_OF_NODE,
    check_hardware,
    check_roles,
    from_inferencex,
    from_mlenergy,
    rows,
    unusual_context,
    unusual_power,
)
from inference_energy.power.node import idle_share
from inference_energy.power.utilisation import add_utilisation
from repository import read

MLENERGY = {
    "row": 7,
    "task": "chat",
    "model_id": "org/Model-14B",
    "model": None,
    "precision": "BF16",
    "gpu": "B200",
    "gpus": 4,
    "concurrency_limit": 16,
    "concurrency": 15.5,
    "output_tokens": 700.0,
    "throughput_tps": 600.0,
    "accelerator_power_w": 2400.0,
    "energy_per_token_j": 4.0,
    "source_id": "mlenergy-v3",
}

INFERENCEX = {
    "id": 9,
    "model": "Model 14B",
    "precision": "FP8",
    "gpu": "H100-SXM-80GB",
    "gpus": 8,
    "concurrency": 64.0,
    "input_tokens": 1000.0,
    "output_tokens": 500.0,
    "accelerator_power_w": 500.0,
    "energy_per_output_token_j": 2.0,
    "disaggregated": "no",
    "source_id": "inferencex-power",
}

SPLIT = {
    "id": 11,
    "disaggregated": "yes",
    "gpus": 16,
    "accelerator_power_w": 500.0,  # 8 kW in all
    "energy_per_query_j": 1000.0,
    "energy_per_input_token_j": 1.0,
    "energy_per_output_token_j": 4.0,  # of 1000 input and 250 output tokens
    "prefill_gpus": 4,
    "prefill_power_w": 800.0,
    "prefill_energy_per_input_token_j": 0.4,  # 3.2 kW: 400 J of a query
    "decode_gpus": 12,
    "decode_power_w": 400.0,
    "decode_energy_per_output_token_j": 2.4,  # 4.8 kW: 600 J of a query
}
"""A run whose roles add up."""


def test_energy_per_token_is_power_over_throughput(runs):
    energy = runs["gpu_power_w"] * runs["gpus"].astype(float) / runs["throughput_tps"]
    np.testing.assert_allclose(energy, runs["energy_per_token_j"], rtol=0.01)


def test_disaggregated_runs_are_no_rows(inferencex):
    whole = from_inferencex(inferencex)
    assert len(whole) == (inferencex["disaggregated"] == "no").sum()
    assert len(rows(read("data/measured/mlenergy_v3.csv", "mlenergy"), inferencex)) == 530


def test_committed_roles_agree(inferencex):
    check_roles(inferencex, "here.csv")


def test_joules_of_one_role_are_refused(inferencex):
    """0.685 J per token was read where 2.296 J was right."""
    i = inferencex.index[inferencex["disaggregated"] == "yes"][0]
    wrong = inferencex.copy()
    wrong.loc[i, "energy_per_output_token_j"] *= 0.685 / 2.296
    with pytest.raises(InputError) as error:
        check_roles(wrong, "here.csv")
    (problem,) = error.value.problems
    assert problem.startswith(f"here.csv: id {wrong.loc[i, 'id']}: decode GPUs take ")
    assert problem.endswith("correct or leave out")


def test_a_run_of_mlenergy_as_a_row():
    """Its power is that of all GPUs, its batch the requests that were served on average."""
    (row,) = from_mlenergy(pd.DataFrame([MLENERGY])).to_dict("records")
    assert row == {
        "source_id": "mlenergy-v3",
        "run": 7,
        "task": "chat",
        "model": "org/Model-14B",
        "precision": "BF16",
        "gpu": "B200",
        "gpus": 4,
        "attention_copies": 1,
        "concurrency": 16,
        "batch": 15.5,
        "input_tokens": 300.0,
        "output_tokens": 700.0,
        "throughput_tps": 600.0,
        "gpu_power_w": 600.0,
        "energy_per_token_j": 4.0,
    }


def test_a_run_of_inferencex_as_a_row():
    """Its power is that of one GPU: eight of 500 W, at 2 J a token, make 2,000 tokens a second."""
    (row,) = from_inferencex(pd.DataFrame([INFERENCEX])).to_dict("records")
    assert row == {
        "source_id": "inferencex-power",
        "run": 9,
        "task": "fixed lengths",
        "model": "Model 14B",
        "precision": "FP8",
        "gpu": "H100-SXM-80GB",
        "gpus": 8,
        "attention_copies": 1,
        "concurrency": 64.0,
        "batch": 64.0,
        "input_tokens": 900.0,
        "output_tokens": 450.0,
        "throughput_tps": 2000.0,
        "gpu_power_w": 500.0,
        "energy_per_token_j": 2.0,
    }


def test_rows_of_both_sources_are_numbered_on_and_hold_numbers():
    whole = {"energy_per_token_j": 4, "energy_per_output_token_j": 2}
    found = rows(pd.DataFrame([MLENERGY | whole]), pd.DataFrame([INFERENCEX | whole]))
    assert found.index.tolist() == [0, 1]
    assert found["source_id"].tolist() == ["mlenergy-v3", "inferencex-power"]
    numbers = ["throughput_tps", "gpu_power_w", "energy_per_token_j"]
    assert set(found[numbers].dtypes) == {np.dtype(float)}


def test_what_is_said_of_every_role_that_does_not_add_up():
    """Of each run and role what it takes of a query, and what its share of the power is."""
    check_roles(pd.DataFrame([SPLIT]), "here.csv")
    runs = pd.DataFrame(
        [
            SPLIT | {"id": 1, "decode_energy_per_output_token_j": 3.0},
            SPLIT | {"id": 2, "prefill_energy_per_input_token_j": 0.2},
            SPLIT | {"id": 3, "disaggregated": "no", "prefill_energy_per_input_token_j": 0.2},
            SPLIT | {"id": 4, "prefill_gpus": 2, "decode_power_w": 200.0},
        ]
    )
    with pytest.raises(InputError) as error:
        check_roles(runs, "here.csv")
    allowed = (
        " (within 2 % is allowed); energies of one role were read as those of the run: correct or"
        " leave out"
    )
    assert error.value.problems == [
        f"here.csv: id {number}: {role} GPUs take {took} J of a query; their share of the power"
        f" says {share} J{allowed}"
        for number, role, took, share in (
            (2, "prefill", 200, 400),
            (4, "prefill", 400, 200),
            (1, "decode", 750, 600),
            (4, "decode", 600, 300),
        )
    ]


@pytest.mark.parametrize(("factor", "refused"), [(0.981, 0), (1.019, 0), (0.979, 1), (1.021, 1)])
@pytest.mark.parametrize(
    "column", ["prefill_energy_per_input_token_j", "decode_energy_per_output_token_j"]
)
def test_roles_may_be_off_by_two_per_cent(column, factor, refused):
    runs = pd.DataFrame([SPLIT | {column: factor * SPLIT[column]}])
    if not refused:
        check_roles(runs, "here.csv")
        return
    with pytest.raises(InputError) as error:
        check_roles(runs, "here.csv")
    assert len(error.value.problems) == refused


def told_of(runs, models, gpus):
    with pytest.raises(InputError) as told:
        check_hardware(add_utilisation(runs, models, gpus), models, gpus)
    return told.value.problems


def changed(table, column, name, number):
    return table.assign(**{column: table[column].mask(table.iloc[:, 0] == name, number)})


@pytest.mark.parametrize("gpu", ["B200", "H100-SXM-80GB"])
def test_rated_power_below_what_a_run_measured_is_refused(runs, models, gpus, gpu):
    check_hardware(runs, models, gpus)
    (most,) = runs[runs["gpu"] == gpu].nlargest(1, "gpu_power_w").itertuples()
    least = most.gpu_power_w / 1.05
    enough = changed(gpus, "tdp_w", gpu, least + 1)
    check_hardware(add_utilisation(runs, models, enough), models, enough)
    (problem,) = told_of(runs, models, changed(gpus, "tdp_w", gpu, least - 1))
    assert problem == (
        f"data/gpus.csv: gpu {gpu}: column tdp_w: value {least - 1:g}; allowed is at least"
        f" {least:.6g}, as run {most.run} of {most.source_id} ({most.model}) measured"
        f" {most.gpu_power_w:.6g} W of each, and a GPU holds itself to its rated power; correct"
        " it, or the run"
    )


@pytest.mark.parametrize("gpu", ["B200", "H100-SXM-80GB"])
def test_power_below_that_of_gpus_without_work_is_refused(runs, models, gpus, gpu):
    """Runs at a twentieth to a fifth of their power moved the headline by a third."""
    (first, second) = runs[runs["gpu"] == gpu].nsmallest(2, "gpu_power_w").itertuples()
    least = 0.15 * first.tdp_w
    assert first.gpu_power_w > 1.9 * least
    enough = runs.assign(gpu_power_w=runs["gpu_power_w"].mask(runs.index == first.Index, least))
    check_hardware(enough, models, gpus)
    low = runs.index.isin([first.Index, second.Index])
    (problem,) = told_of(
        runs.assign(gpu_power_w=runs["gpu_power_w"].mask(low, least - 1)), models, gpus
    )
    assert problem == (
        f"{first.source_id}: run {first.run} ({first.model}): measured power of {least - 1:.6g} W"
        f" of each {gpu}; allowed is at least {least:.6g}, 15 % of tdp_w of data/gpus.csv, as one"
        " without work draws near that; 2 runs are below; correct the power and the energies of"
        " the run, or tdp_w"
    )
    one = runs["gpu_power_w"].mask(runs.index == first.Index, least - 1)
    (problem,) = told_of(runs.assign(gpu_power_w=one), models, gpus)
    assert "; 1 run is below; correct" in problem


def test_the_least_power_lies_between_that_of_idle_gpus_and_what_was_measured(runs, gpus):
    """As LEAST_DRAWN says of both."""
    wall = read("data/measured/mlperf_wall_power.csv", "wall_power")
    idle = idle_share(wall, read("data/nodes.csv", "nodes"), gpus)
    least = (runs["gpu_power_w"] / runs["tdp_w"]).min()
    assert (f"{idle:.2f}", f"{least:.2f}") == ("0.13", "0.29")
    assert idle < LEAST_DRAWN < USUAL_DRAWN <= least
    idle_node = (
        wall["idle_power_w"] / wall["gpus"] / wall["gpu"].map(gpus.set_index("gpu").tdp_w)
    ).min()
    assert f"{idle_node:.2f}" == f"{USUAL_DRAWN_OF_NODE:.2f}"


@pytest.mark.parametrize("gpu", ["B200", "H100-SXM-80GB"])
def test_power_below_the_least_of_what_was_measured_is_unusual(runs, gpu):
    """Between a seventh of the rated power, which is refused, and 0.29 nothing was said."""
    assert unusual_power(runs) == []
    (first, second) = runs[runs["gpu"] == gpu].nsmallest(2, "gpu_power_w").itertuples()
    usual = 0.29 * first.tdp_w
    low = runs.assign(gpu_power_w=runs["gpu_power_w"].mask(runs.index == first.Index, usual - 1))
    (told,) = unusual_power(low)
    assert told == (
        f"{first.source_id}: run {first.run} ({first.model}): unusual; measured power of"
        f" {usual - 1:.6g} W of each {gpu}, {(usual - 1) / first.tdp_w:.3g} of tdp_w of"
        " data/gpus.csv; usual is at least 0.29; 1 run is below"
    )
    both = runs.index.isin([first.Index, second.Index])
    (told,) = unusual_power(
        runs.assign(gpu_power_w=runs["gpu_power_w"].mask(both, 0.2 * usual / 0.29))
    )
    assert told.endswith("usual is at least 0.29; 2 runs are below")


def test_models_that_did_not_fit_the_gpus_of_a_run_are_refused(runs, models, gpus):
    """By hand: Qwen3 32B in two bytes on one H100 of 80 x 2^30 bytes."""
    most = 80 * 2**30 / 2e9
    for less in (0.01, -0.01):
        larger = changed(models, "params_total_b", "Qwen3 32B", most - less)
        larger = changed(larger, "params_active_b", "Qwen3 32B", most - less)
        if less > 0:
            check_hardware(add_utilisation(runs, larger, gpus), larger, gpus)
            continue
        (problem,) = told_of(runs, larger, gpus)
    assert problem.startswith(
        f"data/models.csv: model Qwen3 32B: column params_total_b: value {most + 0.01:g}; allowed"
        f" is at most {most:.6g}, as run "
    )
    assert problem.endswith(
        " was in BF16 on 1 x H100-SXM-80GB of 80 GB (memory_gb of data/gpus.csv); correct the one"
        " that is wrong, or the run"
    )
    problems = told_of(runs, models, changed(gpus, "memory_gb", "B200", 20))
    assert any("x B200 of 20 GB" in told for told in problems)


def test_all_that_runs_contradict_is_told_at_once_in_their_order(runs, models, gpus):
    """Of every GPU that cannot be, and of every model that did not fit one."""
    weak = changed(changed(gpus, "tdp_w", "B200", 100), "tdp_w", "H100-SXM-80GB", 100)
    large = models
    for name in ("Qwen3 32B", "Qwen3 8B"):
        for column in ("params_total_b", "params_active_b"):
            large = changed(large, column, name, 50)
    for table in (runs, runs.sort_values("gpu", ascending=False)):
        told = [problem.partition(": column")[0] for problem in told_of(table, large, weak)]
        few = table[table["network"].isin(["Qwen3 32B", "Qwen3 8B"])]
        assert list(dict.fromkeys(told)) == [
            *(f"data/gpus.csv: gpu {gpu}" for gpu in table["gpu"].unique()),
            *(f"data/models.csv: model {name}" for name in few["network"].unique()),
        ]


def test_power_and_memory_that_are_just_enough_are_allowed(runs, models, gpus):
    (own,) = runs[runs["gpu"] == "B200"].nlargest(1, "gpu_power_w").to_dict("records")
    one = pd.DataFrame([own | {"gpu_power_w": 1.05 * own["tdp_w"]}])
    check_hardware(one, models, gpus)
    check_hardware(one.assign(gpu_power_w=LEAST_DRAWN * own["tdp_w"]), models, gpus)


def test_a_context_below_the_requests_that_were_measured_is_refused(runs, models, gpus):
    """A hundredth of DeepSeek-R1's context, 1,638 tokens, passed beside runs with 12,161."""
    own = runs[runs["network"] == "DeepSeek-R1"]
    tokens = own["input_tokens"] + own["output_tokens"]
    longest = own.loc[tokens.idxmax()]
    run = f"requests of run {longest['run']} of {longest['source_id']} ({longest['model']}) have"
    short = changed(models, "context_tokens", "DeepSeek-R1", 1638)
    assert told_of(runs, short, gpus) == [
        "data/models.csv: model DeepSeek-R1: column context_tokens: value 1638; allowed is at least"
        f" {tokens.max() / 4:.6g}, as {run} {tokens.max():.6g} tokens, and servers stretch a"
        " context by up to 4 times; correct it, or the run"
    ]
    assert unusual_context(runs, models) == []
    stretched = changed(models, "context_tokens", "DeepSeek-R1", 4096)
    check_hardware(runs, stretched, gpus)
    assert unusual_context(runs, stretched) == [
        f"data/models.csv: model DeepSeek-R1: column context_tokens: value 4096: unusual; {run}"
        f" {tokens.max():.6g} tokens; usual is at least so many"
    ]
