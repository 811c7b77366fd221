"""Tables in the project's own schemas."""

import pytest
from inference_energy.readers import detect_and_read, project
from library.readers.files import FIXTURES, put, refusal


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
        ("model,gpu,tensor_parallel", "throughput"),
        ("model,price", None),
        ("", None),
    ],
)
def test_a_table_is_told_from_its_header(header, table):
    assert project.recognise(header) == table
