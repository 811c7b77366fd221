"""Tables in the project's own schemas."""

import pytest
from inference_energy.laws.rows import copy_gpus
from inference_energy.readers import detect_and_read, project
from inference_energy.tables import write_table
from library.readers.files import FIXTURES, NODE, put, refusal
from repository import ROOT, read


def test_project_throughput_table_becomes_runs_of_its_tensor_groups():
    frame = detect_and_read(FIXTURES / "project/throughput.csv")
    assert list(frame["n_gpus"]) == list(frame["tensor_parallel"]) == [1, 2]
    assert set(frame["source_id"]) == {"trtllm-0.17"}
    assert frame["energy_per_output_token_j"].isna().all()


def test_project_table_with_a_bad_cell_is_refused_as_such(tmp_path):
    text = (FIXTURES / "project/throughput.csv").read_text().replace("4020.75", "fast")
    message = refusal(put(tmp_path, text, "mine.csv"))
    assert 'mine.csv, line 2, column "throughput_tps": value "fast"' in message


@pytest.mark.parametrize(
    ("header", "table"),
    [
        ("model,gpu,throughput_tps,status", "benchmark"),
        ("model,gpu,throughput_tps,n_gpus", "benchmark"),
        ("model,gpu,tensor_parallel", "throughput"),
        ("model,price", None),
        ("", None),
        ('"model,gpu', None),
    ],
)
def test_a_table_is_told_from_its_header(header, table):
    assert project.recognise(header) == table


HEADER = "model,gpu,tensor_parallel,precision,output_tokens,throughput_tps"


@pytest.mark.parametrize(
    ("name", "cell", "schema"),
    [
        ("model", "m", "text"),
        ("gpu", "B200", "text"),
        ("tensor_parallel", "2", "an integer"),
        ("precision", "FP8", "one of FP4"),
    ],
)
def test_facts_that_a_table_lacks_are_asked_for_and_may_be_stated(tmp_path, name, cell, schema):
    row = {"model": "m", "gpu": "B200", "tensor_parallel": "2", "precision": "FP8"}
    for columns in (list(row), [key for key in row if key != name]):
        cells = [row[key] if key != name else "" for key in columns]
        text = f"{','.join(columns)},source_id,input_tokens,output_tokens,throughput_tps\n"
        path = put(tmp_path, f"{text}{','.join(cells)},own,100,300,600\n", "mine.csv")
        assert f"{name} is neither in the file nor in its facts; needed is {schema}" in refusal(
            path
        )
        facts = {name: int(cell), "n_gpus": 2} if cell.isdigit() else {name: cell}
        stated = detect_and_read(path, facts).iloc[0]
        assert str(stated[name]) == cell
    gone = HEADER.replace("throughput_tps", "status") + "\nm,B200,2,FP8,300,ok\n"
    assert 'column "throughput_tps": missing' in refusal(put(tmp_path, gone, "gone.csv"))


def test_rows_keep_their_line_and_marks(tmp_path):
    table = detect_and_read(FIXTURES / "vllm/appended.json", NODE)
    write_table(table, tmp_path / "runs.csv", "benchmark")
    header, *rows = (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()
    path = put(tmp_path, "\n".join([header, "", *rows]), "blank.csv")
    runs = project.read(path, "benchmark")
    assert [run.where for run in runs] == [f"{path}, line {number}" for number in (3, 4, 5)]
    assert sorted(map(len, (run.marks for run in runs))) == [0, 0, 1]
    assert all("status" not in run.row for run in runs)
    assert (
        detect_and_read(path)["status"].tolist()
        == detect_and_read(tmp_path / "runs.csv")["status"].tolist()
    )


@pytest.mark.parametrize(
    ("status", "marks"),
    [("ok", []), ("marked: a", ["a"]), ("marked: a; power: b", ["a", "power: b"])],
)
def test_marks_of_a_row_are_its_status(tmp_path, status, marks):
    table = detect_and_read(FIXTURES / "vllm/single.json", NODE).assign(status=status)
    write_table(table, tmp_path / "runs.csv", "benchmark")
    (run,) = project.read(tmp_path / "runs.csv", "benchmark")
    assert run.marks == marks
    assert run.client == "project"


@pytest.mark.parametrize(("column", "gpus"), [(",pipeline_parallel", 6), ("", 2)])
def test_gpus_of_a_throughput_row_are_its_tensor_groups_times_its_stages(tmp_path, column, gpus):
    header = f"{HEADER},input_tokens,source_id{column}"
    cells = "m,B200,2,FP8,300,600,100,own" + (",3" if column else "")
    (run,) = project.read(put(tmp_path, f"{header}\n{cells}\n", "mine.csv"), "throughput")
    assert run.row["n_gpus"] == gpus
    assert run.marks == []


@pytest.mark.parametrize(("completed", "status"), [(1000, "ok"), (2000, "marked")])
def test_rows_are_held_against_themselves_but_for_requests_in_flight(tmp_path, completed, status):
    """By hand: 8 requests/s of 300 tokens are 2400 tokens/s, and 64 of 1000 are 6.4 % of them."""
    table = detect_and_read(FIXTURES / "vllm/single.json", NODE).assign(
        **{"concurrency": 64.0, "completed": completed, "duration_s": completed / 8.0},
        **{"request_throughput": 8.0, "output_tokens": 300.0, "throughput_tps": 2540.0},
        **dict.fromkeys(["e2e_p50_s", "itl_p50_s"], None),
    )
    write_table(table, tmp_path / "runs.csv", "benchmark")
    (found,) = detect_and_read(tmp_path / "runs.csv")["status"]
    assert found.startswith(status)


LAYOUTS = "model,gpu,nodes,tensor_parallel,pipeline_parallel,attention_data_parallel,precision"


def laid_out(folder, *layout):
    """Throughput table of one row of DeepSeek-R1 with nodes and the three kinds of layout."""
    cells = ["DeepSeek-R1", "H200-SXM-141GB", *layout, "FP8", "own", "1000", "1000", "2000"]
    header = f"{LAYOUTS},source_id,input_tokens,output_tokens,throughput_tps"
    return put(folder, f"{header}\n{','.join(cells)}\n", "mine.csv")


@pytest.mark.parametrize(
    ("layout", "gpus"),
    [
        (("", "8", "", ""), 8),
        (("", "1", "", "8"), 8),
        (("", "2", "2", "4"), 16),
        (("2", "8", "2", ""), 16),
        (("2", "16", "", ""), 16),
        (("4", "4", "", "8"), 32),
        (("1", "8", "", ""), 8),
    ],
)
def test_gpus_of_a_row_are_those_of_its_copy(tmp_path, layout, gpus):
    """A row with data-parallel attention was counted as of one GPU, whose memory holds nothing."""
    (run,) = detect_and_read(laid_out(tmp_path, *layout)).itertuples()
    assert run.n_gpus == gpus
    assert run.status == "ok"


def test_gpus_of_more_nodes_than_a_copy_fills_are_asked_for(tmp_path):
    """Eight of two nodes may be half of either, or the throughput that of one of them."""
    path = laid_out(tmp_path, "2", "8", "", "")
    assert "n_gpus is neither in the file nor in its facts; needed is" in refusal(path)
    (run,) = detect_and_read(path, {"n_gpus": 16}).itertuples()
    assert run.n_gpus == 16


def test_the_tables_of_the_project_are_runs_of_the_gpus_that_their_rows_name():
    """All of data/throughput/at_load.csv was refused, as its GPUs did not hold the weights."""
    path = ROOT / "data/throughput/at_load.csv"
    runs = detect_and_read(path)
    rows = read(path.relative_to(ROOT), "throughput")
    assert sorted(runs["n_gpus"]) == sorted(copy_gpus(rows))
    assert (rows["attention_data_parallel"] > 1).any()
