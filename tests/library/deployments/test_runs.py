"""Which runs count, and which are one shape."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.deployments import runs as deployments_runs
from library.deployments.made_up import GPU, LADDER, WHERE, bench, own, quantity, refusal


def test_repetitions_are_one_shape_with_the_tokens_over_time_of_all():
    runs = bench([(500, 300, 100), (505, 297, 300), (500, 600, 90)])
    shapes = deployments_runs.distinct_shapes(runs)
    assert shapes["throughput_tps"].tolist() == pytest.approx([150, 90])
    assert shapes["output_tokens"].tolist() == pytest.approx([298.5, 600])


def test_runs_without_input_lengths_are_still_told_apart_by_output():
    shapes = deployments_runs.distinct_shapes(
        bench([(np.nan, 300, 100), (np.nan, 302, 100), (np.nan, 900, 50)])
    )
    assert len(shapes) == 2


def test_shapes_are_in_the_order_of_their_first_runs_and_their_columns_of_the_same_types():
    runs = bench([(500, 900, 50), (500, 300, 100), (500, 904, 70)], gpu_power_w=[1.0, 2.0, 3.0])
    shapes = deployments_runs.distinct_shapes(runs)
    assert shapes["run"].tolist() == [1, 2]
    assert shapes["gpu_power_w"].tolist() == [1.0, 2.0]
    assert (shapes.dtypes == runs.dtypes).all()
    # a twentieth apart is another shape
    for tokens, count in ((314, 1), (316, 2)):
        assert (
            len(deployments_runs.distinct_shapes(bench([(500, 300, 9), (500, tokens, 9)]))) == count
        )


def test_a_run_in_two_files_counts_once():
    runs = bench([(500, 300, 100), (500, 600, 90)])
    rounded = runs.assign(throughput_tps=runs["throughput_tps"] * (1 + 4e-6))
    joined = deployments_runs.join_runs([("one.csv", runs), ("two.csv", rounded)])
    assert joined["throughput_tps"].tolist() == [100, 90]
    other = deployments_runs.join_runs([("one", runs), ("two", runs.assign(sha256="1" * 64))])
    assert len(other) == 4 and other.index.tolist() == [0, 1, 2, 3]


def test_a_run_that_two_files_tell_differently_is_refused():
    runs = bench([(500, 300, 100), (500, 600, 90)], node_power_w=[7000.0, np.nan])
    changed = runs.assign(node_power_w=[5000.0, 4000.0], precision=["FP8", "FP4"])
    told = refusal(deployments_runs.join_runs, [("one.csv", runs), ("two.csv", changed)])
    assert "one.csv and two.csv: hold run 1 of runs.json (sha256 00000000) with another" in told
    assert "node_power_w (7000 and 5000); allowed is" in told
    assert "precision (FP8 and FP4), node_power_w (empty and 4000); allowed is" in told
    assert told.splitlines()[0] == (
        "one.csv and two.csv: hold run 1 of runs.json (sha256 00000000) with another"
        " node_power_w (7000 and 5000); allowed is one run once, or the same in all"
        " cells; leave one of them out, or correct source_file, sha256 or run"
    )


def test_a_cell_that_one_of_two_files_leaves_empty_is_told():
    runs = bench([(500, 300, 100)], node_power_w=7000.0)
    for first, second, told in (
        (runs, runs.assign(node_power_w=np.nan), "7000 and empty"),
        (runs.assign(node_power_w=np.nan), runs, "empty and 7000"),
    ):
        files = [("one.csv", first), ("two.csv", second)]
        assert f"another node_power_w ({told});" in refusal(deployments_runs.join_runs, files)


def test_a_count_or_a_word_that_one_of_two_files_leaves_empty_is_told():
    """A count that is not known is of pandas, and neither equal to another nor not."""
    runs = bench([(500, 300, 100)])
    for column, known, empty in (
        ("pipeline_parallel", pd.array([2], "Int64"), pd.array([None], "Int64")),
        ("power_boundary", ["node"], [None]),
        ("power_boundary", ["node"], pd.array([np.nan], object)),
    ):
        first, second = runs.assign(**{column: known}), runs.assign(**{column: empty})
        word = str(known[0])
        for tables, told in (
            ((first, second), f"{word} and empty"),
            ((second, first), f"empty and {word}"),
        ):
            files = list(zip(("one.csv", "two.csv"), tables, strict=True))
            assert f"another {column} ({told});" in refusal(deployments_runs.join_runs, files)
        assert len(deployments_runs.join_runs([("one.csv", second), ("two.csv", second)])) == 1


def test_rows_of_several_files_are_numbered_on():
    runs = bench([(500, 300, 100), (500, 600, 90)])
    files = [("one", runs.head(1)), ("two", runs)]
    joined = deployments_runs.join_runs(files)
    assert joined["run"].tolist() == [1, 2] and joined.index.tolist() == [0, 1]


def test_of_three_files_each_is_held_against_the_first():
    runs = bench([(500, 300, 100), (500, 600, 90)])
    files = [("one", runs), ("two", runs.head(1)), ("three", runs.assign(n_gpus=[8, 4]))]
    told = refusal(deployments_runs.join_runs, files)
    assert "\n" not in told
    assert told.startswith("one and three: hold run 2 of runs.json")
    assert "another n_gpus (8 and 4);" in told


def test_numbers_of_a_table_are_as_near_as_it_writes_them():
    runs = bench([(500, 300, 100)])
    for factor, count in ((1 + 9.9e-6, 1), (1 + 1.1e-5, 0)):
        other = runs.assign(throughput_tps=runs["throughput_tps"] * factor)
        files = [("one", runs), ("two", other)]
        if count:
            assert len(deployments_runs.join_runs(files)) == 1
        else:
            assert "throughput_tps (100 and 100.001)" in refusal(deployments_runs.join_runs, files)


@pytest.mark.parametrize(
    ("section", "columns", "words"),
    [
        ({"model": "N"}, {}, ["deployment.model", "value N", "allowed are M"]),
        ({"model": "N"}, {"model": ["M", "L", "M", "M"]}, ["allowed are L, M; correct the name"]),
        ({"gpu": "B200"}, {}, ["deployment.gpu", "value B200", f"{GPU}; correct the"]),
        ({"gpu": "H100"}, {}, [f"{GPU}; correct the value; did you mean {GPU}?"]),
        ({}, {"gpu": [GPU, GPU, "B200", "B200"]}, ["differ in gpu", "B200", "state gpu"]),
        ({}, {"concurrency": [1.0, 1.0, 8.0, np.nan]}, ["1, 8, not known", "state concurrency"]),
        ({}, {"concurrency": [1.0, 1.0, 8.0, 8.0]}, ["(1, 8)", "state concurrency"]),
        (
            {"concurrency": quantity(2, "requests")},
            {},
            ["value 2", "allowed are 64; correct the value", "; docs/deployments.md says how"],
        ),
        (
            {"concurrency": quantity(2, "requests")},
            {"concurrency": np.nan},
            ["value 2: no run states its concurrency", "as concurrency in deployment.facts, or"],
        ),
        (
            {"concurrency": quantity(2, "requests")},
            {"concurrency": [1.0, 1.0, 8.0, np.nan]},
            ["value 2", "allowed are 1, 8; correct the value"],
        ),
        (
            {"precision": "FP8"},
            {"precision": None},
            ["value FP8: no run states its precision", "as precision in deployment.facts, or"],
        ),
        ({}, {"status": "marked: requests failed"}, ["requests failed", "accept_marked"]),
    ],
)
def test_runs_that_do_not_fit_are_refused_in_words(section, columns, words):
    message = refusal(
        deployments_runs.select_runs, bench(LADDER, **columns), own(**section)["deployment"], WHERE
    )
    assert message.startswith(WHERE) and "\n" not in message
    assert all(word in message for word in words)


def test_of_numbers_none_is_nearer_to_what_was_meant():
    section = own(n_gpus=88)["deployment"]
    message = refusal(deployments_runs.select_runs, bench(LADDER, n_gpus=8), section, WHERE)
    assert message.endswith("value 88: no such run of M; allowed are 8; correct the value")


def test_only_the_runs_at_the_operators_load_count():
    runs = bench(
        LADDER, concurrency=[64.0, 64.0, 8.0, 64.0], status=["ok", "marked: x", "ok", "ok"]
    )
    section = own(concurrency=quantity(64, "requests"))["deployment"]
    use = deployments_runs.select_runs(runs, section, WHERE)["use"].tolist()
    assert use == ["yes", "marked", "other concurrency", "yes"]
    accepted = deployments_runs.select_runs(runs, section | {"accept_marked": True}, WHERE)
    assert accepted["use"].tolist() == ["yes", "yes", "other concurrency", "yes"]
    refused = deployments_runs.select_runs(runs, section | {"accept_marked": False}, WHERE)
    assert refused["use"].tolist() == use


def test_a_concurrency_that_no_run_has_is_told_with_those_that_they_have():
    section = own(concurrency=quantity(2.5, "requests"))["deployment"]
    runs = bench(LADDER, concurrency=[64.0, 1.5, 64.0, np.nan])
    assert refusal(deployments_runs.select_runs, runs, section, WHERE) == (
        f"{WHERE}: key deployment.concurrency: value 2.5: no run at it; allowed are 1.5, 64;"
        " correct the value, or measure there; docs/deployments.md says how to extrapolate to it"
    )
    assert refusal(deployments_runs.select_runs, runs, own()["deployment"], WHERE) == (
        f"{WHERE}: section deployment: the runs were made at several concurrencies (1.5, 64, not"
        " known); allowed is one; state concurrency, the one that you operate"
    )


def test_runs_without_a_concurrency_count_where_none_is_asked_for():
    runs = bench(LADDER, concurrency=np.nan)
    use = deployments_runs.select_runs(runs, own()["deployment"], WHERE)["use"]
    assert (use == "yes").all()


def test_a_status_is_its_reasons():
    assert deployments_runs.marks("ok") == []
    assert deployments_runs.marks("marked: a; power: b") == ["a", "power: b"]
    assert deployments_runs.marks("marked: marked: a") == ["marked: a"]


def test_every_run_is_told_why_it_does_not_count():
    runs = bench(
        [*LADDER[:2], *LADDER[:4]],
        model=["N", "M", "M", "M", "M", "M"],
        gpu=[GPU, "B200", GPU, GPU, GPU, GPU],
        precision=["FP8", "FP8", "FP4", "FP8", "FP8", "FP8"],
        n_gpus=[8, 8, 8, 16, 8, 8],
        tensor_parallel=[8, 8, 8, 8, 4, 8],
        status=["marked: a", "marked: a", "ok", "ok", "ok", "marked: power: no sample for 9 s"],
    )
    chosen = {"gpu": GPU, "precision": "FP8", "n_gpus": 8, "tensor_parallel": 8}
    found = deployments_runs.select_runs(runs, own(**chosen)["deployment"], WHERE)
    assert found["use"].tolist() == ["other model", *["other configuration"] * 4, "yes"]
    assert found.drop(columns="use").equals(runs)


def test_a_model_of_another_spelling_brings_the_nearest():
    runs = bench(LADDER, model="Llama 3.1 70B")
    section = own(model="Llama 3.1 70b")["deployment"]
    message = refusal(deployments_runs.select_runs, runs, section, WHERE)
    assert message == (
        f"{WHERE}: key deployment.model: value Llama 3.1 70b: is in none of the benchmark files;"
        " allowed are Llama 3.1 70B; correct the name, or state the model as a fact of the files;"
        " did you mean Llama 3.1 70B?"
    )


def test_runs_of_several_configurations_say_all_that_differs():
    half = len(LADDER) // 2
    columns = {"n_gpus": [8] * half + [16] * (len(LADDER) - half), "precision": "FP8"}
    columns["tensor_parallel"] = [4] * half + [8] * (len(LADDER) - half)
    message = refusal(
        deployments_runs.select_runs, bench(LADDER, **columns), own()["deployment"], WHERE
    )
    assert message == (
        f"{WHERE}: section deployment: the runs of M differ in n_gpus (8, 16), tensor_parallel"
        " (4, 8); allowed is one configuration; state n_gpus and tensor_parallel"
    )


def test_if_all_that_fit_went_wrong_their_reasons_are_told_once():
    status = ["marked: b", "marked: a", "marked: b", "ok"]
    runs = bench(LADDER, status=status, model=["M", "M", "M", "N"])
    message = refusal(deployments_runs.select_runs, runs, own()["deployment"], WHERE)
    assert message == (
        f"{WHERE}: section deployment: every run that fits is marked: a; marked: b; allowed are"
        " runs that went well; repeat them, or state accept_marked: true"
    )


def test_runs_are_named_by_number_and_file():
    runs = bench(LADDER[:3], source_file=["a.json", "b.json", "a.json"])
    assert deployments_runs.named(runs) == ["run 1 of a.json", "run 2 of b.json", "run 3 of a.json"]
    assert deployments_runs.named(runs[1:2]) == ["run 2 of b.json"]
    assert deployments_runs.named(runs[:0]) == []


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("a", "a"),
        ("abc", "a, b, c"),
        ("abcd", "a, b, c and 1 more"),
        ("abcde", "a, b, c and 2 more"),
    ],
)
def test_of_many_names_three_are_told_and_how_many_more(names, told):
    assert deployments_runs.first_named(list(names)) == told


def test_runs_that_are_left_out_for_their_marks_are_told_by_mark():
    """A user who does not read the table of runs else misses that the law is of fewer."""
    cancelled, failed = "marked: run was cancelled", "marked: 3 requests failed; power: no sample"
    runs = bench(
        LADDER * 2,
        status=["ok", cancelled, failed, cancelled, cancelled, cancelled, failed, cancelled],
        model=["M"] * 6 + ["N", "M"],
    )
    chosen = deployments_runs.select_runs(runs, own()["deployment"], WHERE)
    remedy = (
        "correct what is wrong, repeat the run, or state accept_marked: true, with which it counts"
    )
    # the mark of the first such run first; run 7 is left out for its model
    assert deployments_runs.unusual_choice(chosen, WHERE) == (
        f"{WHERE}: key deployment.benchmarks: unusual; run 2 of runs.json, run 4 of runs.json,"
        f" run 5 of runs.json and 2 more are left out, as run was cancelled; {remedy}",
        f"{WHERE}: key deployment.benchmarks: unusual; run 3 of runs.json is left out, as 3"
        f" requests failed; power: no sample; {remedy}",
    )
    pair = deployments_runs.unusual_choice(chosen[:4], WHERE)
    assert "run 2 of runs.json, run 4 of runs.json are left out" in pair[0]
    accepted = own(accept_marked=True)["deployment"]
    chosen = deployments_runs.select_runs(runs, accepted, WHERE)
    assert deployments_runs.unusual_choice(chosen, WHERE) == ()
