"""Tables in the project's own schemas."""

import pytest
from inference_energy.readers import detect_and_read, project
from inference_energy.tables import write_table
from library.readers.files import FIXTURES, NODE, put, refusal


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
