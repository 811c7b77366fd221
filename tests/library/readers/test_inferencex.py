"""Files of InferenceX."""

import numpy as np
import pytest
from inference_energy.readers import detect_and_read, inferencex
from inference_energy.readers.common import Run
from library.readers.files import FIXTURES, load, put, read_alone, recognised, refusal


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(inferencex) == {"inferencex"}


def test_inferencex_per_gpu_figures_are_multiplied_by_their_gpus():
    raw = load("inferencex/agg_single.json")
    row = detect_and_read(FIXTURES / "inferencex/agg_single.json").iloc[0]
    assert row["throughput_tps"] == raw["output_tput_per_gpu"] * raw["tp"]
    assert row["gpu_power_w"] == raw["avg_power_w"] * raw["tp"]
    assert row["energy_per_output_token_j"] == pytest.approx(
        row["gpu_power_w"] / row["throughput_tps"]
    )
    assert row["ttft_p50_s"] == raw["median_ttft"], "latencies are in seconds already"
    assert (row["gpu"], row["precision"]) == ("H200-SXM-141GB", "FP8")


def test_inferencex_output_of_a_split_deployment_is_per_decode_gpu():
    raw = load("inferencex/agg_disaggregated.json")
    row = detect_and_read(FIXTURES / "inferencex/agg_disaggregated.json").iloc[0]
    assert row["n_gpus"] == raw["num_prefill_gpu"] + raw["num_decode_gpu"]
    assert row["throughput_tps"] == raw["output_tput_per_gpu"] * raw["num_decode_gpu"]
    assert row["status"] == "marked: power: power_valid is 0, left empty"
    assert np.isnan(row["gpu_power_w"])


def test_inferencex_older_aggregate_multiplies_its_power_per_gpu(tmp_path):
    raw = load("inferencex/agg_single.json")
    for key in ("power_valid", "avg_total_gpu_power_w", "total_gpu_energy_j"):
        raw.pop(key)
    assert detect_and_read(put(tmp_path, raw)).iloc[0]["gpu_power_w"] == 8 * raw["avg_power_w"]


def test_a_missing_key_is_named(tmp_path):
    raw = load("inferencex/agg_single.json")
    del raw["output_tput_per_gpu"]
    assert '"output_tput_per_gpu" is missing' in refusal(put(tmp_path, raw))


QUERY = "power: joules_per_successful_query"
REQUESTS = "requests where 64 at once and about ten after another were sent"


@pytest.mark.parametrize(
    ("stated", "marks"),
    [
        ({}, None),
        (
            {"joules_per_successful_query": 1000.0},
            f"{QUERY} 1000 J where joules_per_output_token x the nominal length is 2252.8",
        ),
        (
            {"joules_per_input_token": 1.0},
            f"{QUERY} 2252.8 J where joules_per_input_token x the nominal length is 1024",
        ),
        (
            {"joules_per_total_token": 0.9},
            f"{QUERY} 2252.8 J where joules_per_total_token x the nominal length is 1843.2",
        ),
        # what the tokens that were sent may differ by from the nominal length
        ({"joules_per_input_token": 2.1, "joules_per_total_token": 1.04}, None),
        ({"joules_per_input_token": 0.0, "joules_per_total_token": 0.0}, None),
        # just within 12 %, and just beyond
        ({"joules_per_input_token": 1.94}, None),
        ({"joules_per_input_token": 2.49}, None),
        (
            {"joules_per_input_token": 1.93},
            f"{QUERY} 2252.8 J where joules_per_input_token x the nominal length is 1976.32",
        ),
        (
            {"joules_per_input_token": 2.51},
            f"{QUERY} 2252.8 J where joules_per_input_token x the nominal length is 2570.24",
        ),
        ({"total_gpu_energy_j": 64 * 2252.8}, None),
        ({"total_gpu_energy_j": 50 * 64 * 2252.8}, None),
        (
            {"total_gpu_energy_j": 63 * 2252.8},
            f"power: gpu_energy_j 141926 J is that of 63 {REQUESTS}",
        ),
        (
            {"total_gpu_energy_j": 3201 * 2252.8},
            f"power: gpu_energy_j 7.21121e+06 J is that of 3201 {REQUESTS}",
        ),
        # 2.2 J a token of 1,024 where no energy of a query is stated
        ({"joules_per_successful_query": None, "total_gpu_energy_j": 64 * 2252.8}, None),
        (
            {"joules_per_successful_query": None, "total_gpu_energy_j": 63 * 2252.8},
            f"power: gpu_energy_j 141926 J is that of 63 {REQUESTS}",
        ),
    ],
)
def test_joules_are_held_against_lengths_and_requests(stated, marks):
    raw = load("inferencex/agg_single.json") | stated
    run = Run("run.json", "inferencex", raw)
    run.row |= {"output_tokens": 1024.0, "input_tokens": 1024.0, "concurrency": 64.0}
    run.row["gpu_energy_j"] = raw["total_gpu_energy_j"]
    inferencex._check_joules(run, raw["joules_per_output_token"])
    assert run.marks == ([marks] if marks else [])


def test_joules_of_a_run_of_unknown_input_are_held_against_its_output():
    raw = load("inferencex/agg_single.json") | {"joules_per_total_token": 5.0}
    run = Run("run.json", "inferencex", raw)
    run.row["output_tokens"] = 1024.0
    inferencex._check_joules(run, None)
    assert run.marks == [
        f"{QUERY} 2252.8 J where joules_per_total_token x the nominal length is 5120"
    ]


def test_a_whole_run_is_marked_for_its_joules(tmp_path):
    raw = load("inferencex/agg_single.json") | {"joules_per_successful_query": 1000.0}
    marks = f"{QUERY} 1000 J where joules_per_output_token x the nominal length is 2252.8"
    assert detect_and_read(put(tmp_path, raw))["status"].item() == f"marked: {marks}"


def split_run(tmp_path, **energy):
    """Row of a disaggregated run with these keys about energy."""
    raw = load("inferencex/agg_disaggregated.json") | {"power_valid": 1} | energy
    return detect_and_read(put(tmp_path, raw)).iloc[0]


def test_joules_of_one_role_are_not_read_as_those_of_the_run(tmp_path):
    """Before version 2 of the power schema: 0.3 J per token where 1 J is right."""
    raw = load("inferencex/agg_disaggregated.json")
    throughput = raw["output_tput_per_gpu"] * raw["num_decode_gpu"]
    power = 1.0 * throughput
    row = split_run(tmp_path, avg_total_gpu_power_w=power, joules_per_output_token=0.3)
    assert row["gpu_power_w"] == power
    assert np.isnan(row["energy_per_output_token_j"])
    assert row["gpu_power_w"] / row["throughput_tps"] == pytest.approx(1.0)
    assert row["status"] == "ok"


def test_roles_that_share_a_node_have_joules_of_one_role_too(tmp_path):
    row = split_run(tmp_path, is_multinode=False, tp=8, joules_per_output_token=0.685)
    assert np.isnan(row["energy_per_output_token_j"])
    assert "is of one role before" in row["status"]


def test_joules_of_all_gpus_are_read(tmp_path):
    row = split_run(tmp_path, joules_per_output_token=1.148, power_metric_schema_version=2)
    assert row["energy_per_output_token_j"] == 1.148


def test_a_run_with_joules_of_one_role_alone_says_so(tmp_path):
    row = split_run(tmp_path, joules_per_output_token=0.685)
    assert np.isnan(row["energy_per_output_token_j"])
    assert row["status"].startswith("marked: power: joules_per_output_token is of one role before ")


NAMES = ("ttft", "itl", "e2el")
STATISTICS = ("median", "p90", "p95", "p99")
AGGREGATE = {
    "hw": "h200-nv_8",
    "model": "m",
    "precision": "fp8",
    "conc": 64,
    "isl": 1000,
    "osl": 300,
    "tp": 4,
    "pp": 2,
    "output_tput_per_gpu": 100.0,
    "input_tput_per_gpu": 300.0,
    "tput_per_gpu": 400.0,
} | {
    f"{statistic}_{name}": 4.0 * place + k
    for place, name in enumerate(NAMES)
    for k, statistic in enumerate(STATISTICS)
}
SPLIT = {
    "is_multinode": True,
    "isl": 450,
    "num_prefill_gpu": 4,
    "num_decode_gpu": 8,
    "prefill_tp": 4,
    "prefill_pp": 1,
    "decode_tp": 2,
    "decode_pp": 3,
    "tput_per_gpu": (300.0 * 4 + 100.0 * 8) / 12,
}


def test_every_key_is_a_column():
    run = read_alone(inferencex, AGGREGATE)
    names = [f"{t}_{p}_s" for t in ("ttft", "itl", "e2e") for p in ("p50", "p90", "p95", "p99")]
    assert run.row == {
        "model": "m",
        "gpu": "H200-SXM-141GB",
        "precision": "FP8",
        "concurrency": 64,
        "input_tokens": 1000,
        "output_tokens": 300,
        "n_gpus": 8,
        "tensor_parallel": 4,
        "pipeline_parallel": 2,
        "throughput_tps": 800,
    } | {name: float(place) for place, name in enumerate(names)}
    assert (run.marks, run.problems) == ([], [])
    row = read_alone(inferencex, AGGREGATE | {"pcp_size": 2, "pp": None}).row
    assert (row["n_gpus"], row["pipeline_parallel"]) == (8, 1)


@pytest.mark.parametrize(("hw", "gpu"), [("B200_x", "B200"), ("gb300-nv", "GB300"), ("x", None)])
def test_the_runners_name_begins_with_its_hardware(hw, gpu):
    assert read_alone(inferencex, AGGREGATE | {"hw": hw}).row.get("gpu") == gpu


def test_the_mean_and_the_deviation_of_every_time_are_kept():
    told = {f"mean_{name}": 2.0 + k for k, name in enumerate((*NAMES, "tpot"))}
    told |= {f"std_{name}": 0.5 for name in (*NAMES[1:], "tpot")}
    assert read_alone(inferencex, AGGREGATE | told).spreads == {
        "ttft": {"mean": 2.0},
        "itl": {"mean": 3.0, "deviation": 0.5},
        "e2e": {"mean": 4.0, "deviation": 0.5},
        "tpot": {"mean": 5.0, "deviation": 0.5},
    }


def test_a_split_run_has_the_layout_of_the_role_that_its_throughput_is_of():
    run = read_alone(inferencex, AGGREGATE | SPLIT)
    layout = ("n_gpus", "tensor_parallel", "pipeline_parallel", "throughput_tps")
    assert [run.row[name] for name in layout] == [12, 2, 3, 800]
    assert run.marks == []
    shared = {"num_decode_gpu": 0, "tput_per_gpu": 400.0, "isl": 900}
    run = read_alone(inferencex, AGGREGATE | SPLIT | shared)
    assert [run.row[name] for name in layout] == [4, 4, 1, 400]
    assert run.marks == []
    for key in ("num_prefill_gpu", "num_decode_gpu"):
        run = read_alone(inferencex, AGGREGATE | SPLIT | {key: None})
        assert [problem.split(";")[0] for problem in run.problems] == [
            f'run.json: "{key}" is missing'
        ]
    lacking = read_alone(inferencex, AGGREGATE | {"tp": None})
    assert [problem.split(";")[0] for problem in lacking.problems] == ['run.json: "tp" is missing']


LAID_OUT = {
    "prefill_num_workers": 1,
    "decode_num_workers": 2,
    "decode_pp": 1,
    "decode_pcp_size": 2,
    "decode_dp_attention": "false",
}


@pytest.mark.parametrize(
    ("stated", "mark"),
    [
        ({}, None),
        ({"decode_num_workers": 1}, ("decode", 8, 4)),
        ({"decode_tp": 16}, ("decode", 8, 64)),
        ({"decode_pp": 3}, ("decode", 8, 24)),
        ({"decode_pcp_size": None}, ("decode", 8, 4)),
        ({"prefill_tp": 8}, ("prefill", 4, 8)),
        ({"prefill_num_workers": 4}, ("prefill", 4, 16)),
        # a count that is not told is held against nothing
        ({"decode_num_workers": None}, None),
        ({"decode_num_workers": 0}, None),
        # attention of parallel data: some engines' tp is that of one of its ranks
        ({"decode_tp": 1, "decode_dp_attention": "true"}, None),
        ({"decode_tp": 1, "decode_dp_attention": False}, ("decode", 8, 4)),
        ({"decode_pp": 3, "decode_dp_attention": True}, ("decode", 8, 24)),
        ({"decode_tp": 4, "decode_dp_attention": True}, ("decode", 8, 16)),
    ],
)
def test_gpus_of_a_role_are_those_of_its_workers(stated, mark):
    """Workers on half or twice the GPUs that the throughput was divided by passed."""
    run = read_alone(inferencex, AGGREGATE | SPLIT | LAID_OUT | stated)
    told = "num_{0}_gpu {1} where {0}_num_workers x {0}_tp x {0}_pp x {0}_pcp_size is {2}"
    assert run.marks == ([told.format(*mark)] if mark else [])


def test_tokens_of_both_kinds_are_held_against_their_sum():
    run = read_alone(inferencex, AGGREGATE | {"tput_per_gpu": 500.0})
    assert run.marks == ["tput_per_gpu 4000 tokens/s where input + output of all GPUs is 3200"]
    run = read_alone(inferencex, AGGREGATE | SPLIT | {"tput_per_gpu": 400.0})
    assert run.marks == ["tput_per_gpu 4800 tokens/s where input + output of all GPUs is 2000"]
    run = read_alone(inferencex, AGGREGATE | {"osl": 300_000})
    assert run.marks == ["input_tput_per_gpu 2400 tokens/s where output x isl / osl is 2.66667"]
    assert read_alone(inferencex, AGGREGATE | {"isl": 950}).marks == []
    assert read_alone(inferencex, AGGREGATE | {"isl": None, "osl": 1}).marks == []
    for key in ("tput_per_gpu", "input_tput_per_gpu"):
        assert read_alone(inferencex, AGGREGATE | SPLIT | {key: None}).marks == []


@pytest.mark.parametrize(("isl", "told"), [(793, 0), (791, 1), (1022, 0), (1024, 1)])
def test_input_tokens_are_those_of_the_nominal_lengths_to_12_percent(isl, told):
    marks = read_alone(inferencex, AGGREGATE | {"isl": isl}).marks
    told_as = f"input_tput_per_gpu 2400 tokens/s where output x isl / osl is {isl * 8 / 3:.6g}"
    assert marks == [told_as] * told


def powered(**keys):
    """Row and marks of a run of eight GPUs with these keys about power."""
    run = read_alone(inferencex, AGGREGATE | keys)
    names = ("gpu_power_w", "gpu_energy_j", "energy_per_output_token_j", "duration_s")
    return {name: run.row[name] for name in names if name in run.row}, run.marks


def test_power_is_that_of_all_gpus_however_it_is_told():
    assert powered() == ({}, [])
    assert powered(avg_power_w=500.0) == ({"gpu_power_w": 4000}, [])
    assert powered(avg_total_gpu_power_w=4000.0) == ({"gpu_power_w": 4000}, [])
    assert powered(joules_per_output_token=5.0) == ({"energy_per_output_token_j": 5}, [])
    whole = {"avg_power_w": 500.0, "avg_total_gpu_power_w": 4000.0, "total_gpu_energy_j": 8000.0}
    assert powered(**whole) == ({"gpu_power_w": 4000, "gpu_energy_j": 8000, "duration_s": 2}, [])
    row, marks = powered(**whole | {"avg_power_w": 600.0})
    assert row["gpu_power_w"] == 4000
    assert marks == ["power: avg_total_gpu_power_w 4000 W where that of one x GPUs is 4800"]
    assert powered(total_gpu_energy_j=8000.0) == ({"gpu_energy_j": 8000}, [])
    assert powered(**whole, power_valid=0) == ({}, ["power: power_valid is 0, left empty"])
    for said in ("0", "false", "no", None, 2):
        assert powered(**whole, power_valid=said)[0] == {}
    assert powered(avg_power_w=500.0, power_valid=True) == ({"gpu_power_w": 4000}, [])
    assert powered(avg_power_w=500.0, power_valid=1) == ({"gpu_power_w": 4000}, [])


def test_joules_of_one_role_are_left_out_before_version_2():
    split = SPLIT | {"joules_per_output_token": 5.0}
    lone = "power: joules_per_output_token is of one role before version 2 of"
    assert powered(**split) == ({}, [f"{lone} power_metric_schema_version, left empty"])
    for version in (2, 3):
        row, marks = powered(**split, power_metric_schema_version=version)
        assert (row, marks) == ({"energy_per_output_token_j": 5}, [])
    row, marks = powered(**split, power_metric_schema_version=1, avg_power_w=500.0)
    assert (row, marks) == ({"gpu_power_w": 6000}, [])
    assert powered(**SPLIT) == ({}, [])


def test_an_aggregate_has_hardware_and_a_throughput_per_gpu():
    assert inferencex.recognise({"hw": "h100", "tput_per_gpu": 1}) is True
    assert (
        inferencex.recognise({"hw": "h100"}) is inferencex.recognise({"tput_per_gpu": 1}) is False
    )
