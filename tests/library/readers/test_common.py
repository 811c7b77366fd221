"""Facts, numbers and JSON that every reader shares."""

import json
import math
from datetime import date

import pandas as pd
import pytest
from inference_energy import documents, tables
from inference_energy.errors import InputError
from inference_energy.method.boundary import Meter
from inference_energy.readers import common, detect_and_read
from inference_energy.readers.common import (
    Run,
    check_facts,
    doubts_power,
    facts_files,
    keys_of,
    parse_json,
    read_bytes,
    read_facts,
    to_table,
)
from library.readers.files import FIXTURES, NODE, load, put, refusal


def test_facts_come_from_the_folder_and_the_file_which_goes_first(tmp_path):
    path = put(tmp_path, load("vllm/single.json"), "one.json")
    put(tmp_path, "gpu: B200\nn_gpus: 8\ntensor_parallel: 8\nprecision: FP8\n", "facts.yaml")
    put(tmp_path, "\ufeffprecision: FP4\nmodel: Llama 3.1 70B\n", "one.facts.yaml")
    put(tmp_path, "precision: INT8\n", "other.facts.yaml")
    assert read_facts(path)["precision"] == "FP4"
    row = detect_and_read(path).iloc[0]
    assert (row["gpu"], row["precision"], row["model"]) == ("B200", "FP4", "Llama 3.1 70B")
    assert row["source_id"] == "one"


def test_facts_that_are_a_link_to_nothing_are_not_passed_over(tmp_path):
    (tmp_path / "facts.yaml").symlink_to(tmp_path / "moved.yaml")
    with pytest.raises(InputError, match=r"facts\.yaml: no such file"):
        read_facts(tmp_path / "run.json")


def test_all_missing_facts_are_asked_for_at_once_by_name():
    path = FIXTURES / "vllm/appended.json"
    message = refusal(path)
    for name in ("gpu", "n_gpus", "tensor_parallel", "precision"):
        assert f"'{name}: ...' to {path.with_name('appended.facts.yaml')}" in message
    assert message.count("\n") == 3


def test_stages_are_asked_for_only_if_the_gpus_leave_a_choice():
    path = FIXTURES / "vllm/single.json"
    message = refusal(path, {**NODE, "tensor_parallel": 4})
    assert "pipeline_parallel is neither" in message
    assert message.count("\n") == 0
    row = detect_and_read(path, {**NODE, "tensor_parallel": 4, "pipeline_parallel": 1}).iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"]) == (8, 4)


def test_a_model_on_more_gpus_than_there_are_is_refused():
    message = refusal(FIXTURES / "vllm/single.json", {**NODE, "n_gpus": 4, "pipeline_parallel": 1})
    assert "tensor_parallel x pipeline_parallel is 8 but n_gpus is 4" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n_gpu: 8", 'key "n_gpu": unknown'),
        ("n_gpus: eight", 'key "n_gpus": value "eight"; allowed is an integer of at least 1'),
        ("n_gpus: true", 'key "n_gpus": value true'),
        ("n_gpus: 1000000", "of at most 10000, as one run is served by one to some hundred GPUs"),
        ("output_tokens: 1.0e+9", "of at most 10000000 [tokens], as requests have one to some"),
        ("meter_clock_offset_s: 1.0e+9", "of at most 604800 [s], as clocks are hours off"),
        ("precision: fp8", "allowed is one of FP4, FP8"),
        ("- gpu", "a mapping with model, gpu"),
        ("gpu: [", "not YAML"),
        ("source_id: sk-hunter2hunter2hunter2", "key source_id: looks like a secret"),
        ("client_version: Bearer hunter2", "key client_version: looks like a secret"),
    ],
)
def test_bad_facts_are_refused(tmp_path, text, expected):
    path = put(tmp_path, load("vllm/single.json"))
    put(tmp_path, text, "run.facts.yaml")
    message = refusal(path)
    assert expected in message
    assert "run.facts.yaml" in message
    assert "hunter2" not in message


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(b"\xef\xbb\xbf" + (FIXTURES / "vllm/single.json").read_bytes())
    plain = detect_and_read(FIXTURES / "vllm/single.json", NODE)
    marked = detect_and_read(path, NODE)
    same = plain.columns.difference(["source_file", "source_id", "sha256"])
    pd.testing.assert_frame_equal(plain[same], marked[same])


def test_cut_off_json_tells_the_line_and_what_was_whole(tmp_path):
    text = (FIXTURES / "vllm/appended.json").read_text()
    message = refusal(put(tmp_path, text[:-200]), NODE)
    assert "line 3" in message
    assert "2 whole objects stand before it" in message


@pytest.mark.parametrize("value", ["fast", -1, True, [1]])
def test_values_that_are_no_numbers_are_named(tmp_path, value):
    message = refusal(put(tmp_path, load("vllm/single.json") | {"duration": value}), NODE)
    assert f'"duration" is {json.dumps(value)}' in message
    assert message.count("\n") == 0


def run_of(**raw):
    return Run("run.json", "vllm", raw=raw)


def test_a_number_is_one_that_is_not_negative_and_that_a_table_can_hold():
    run = run_of(a=5, b=0, c=2.0**53, d=float("inf"), e=float("nan"), f=None)
    assert [run.number(key) for key in "abcdefg"] == [5, 0, 2.0**53, None, None, None, None]
    assert run.problems == []
    again = "correct the file or run the client again"
    for value, shown in ((-1, "-1"), ("5", '"5"'), (True, "true"), ([5], "[5]")):
        run = run_of(a=value)
        assert run.number("a") is None
        assert run.problems == [
            f'run.json: "a" is {shown}; a number of at least 0 is allowed; {again}'
        ]
    run = run_of(a=1e17)
    assert run.number("a", "ask again") is None
    assert run.problems == [
        'run.json: "a" is 1e+17; a number of at most 9007199254740992 is allowed; ask again'
    ]
    run.checked("b", -1, "ask again")
    assert run.problems[1].endswith("; ask again")
    run = run_of(a="x" * 100)
    run.number("a")
    assert f'"a" is "{"x" * 59}...; a number' in run.problems[0]
    run.checked("a", "x" * 58)
    assert run.problems[1] == (
        f'run.json: "a" is "{"x" * 58}"; a number of at least 0 is allowed; {again}'
    )
    run.checked("a", 10**5000)
    assert run.problems[2].startswith('run.json: "a" is a number of thousands of digits; a number')


def test_what_is_needed_is_asked_for_once():
    run = run_of(a=None, b=-1, c=3)
    assert [run.needed(key) for key in "abc"] == [None, None, 3]
    assert [problem.split(";")[0] for problem in run.problems] == [
        'run.json: "a" is missing',
        'run.json: "b" is -1',
    ]
    run = run_of(a=math.inf)
    assert run.needed("a") is None
    assert run.problems == [
        'run.json: "a" is Infinity; it is needed; run the client again and keep its file'
    ]


def test_columns_are_set_in_their_unit_where_a_value_is_known():
    run = run_of()
    run.put("a", None)
    run.put("b", 0)
    run.put("c", "text")
    run.put("d", 3, 0.5)
    run.put_energy("e", 0)
    run.put_energy("f", None)
    run.put_energy("g", 4, 0.5)
    run.put_energy("h", 3)
    assert run.row == {"b": 0, "c": "text", "d": 1.5, "g": 2.0, "h": 3}
    for version in (None, "", " \n"):
        run.put_version(version)
        assert "client_version" not in run.row
    for version in ("0.13", 0):
        run.put_version(version)
        assert run.row.pop("client_version") == version
    for name, precision in (("nvfp4", "FP4"), ("Float16", "FP16"), ("HALF", "FP16")):
        run.put_precision(name)
        assert run.row["precision"] == precision
    for name in ("octal", "fp8 or fp4", None):
        run.put_precision(name)
        assert run.row["precision"] == "FP16"
    for name, precision in (("fp8_e4m3", "FP8"), ("w8a8_int8", "INT8"), ("awq_marlin", "INT4")):
        run.put_precision(name)
        assert run.row["precision"] == precision


def test_what_is_told_of_a_time_is_kept_in_seconds():
    run = run_of()
    run.put_spread("ttft", mean=2.0, least=0.0, most=None)
    run.put_spread("e2e", 0.5, deviation=3.0, most=8)
    assert run.spreads == {
        "ttft": {"mean": 2.0, "least": 0.0},
        "e2e": {"deviation": 1.5, "most": 4.0},
    }


def test_energy_that_does_not_cover_its_run_is_emptied_and_marked():
    row = {"gpu_power_w": 1, "gpu_energy_j": 2, "energy_per_output_token_j": 3, "node_power_w": 4}
    run = Run("run.json", "vllm", row=row)
    run.drop_energy("half of it")
    assert run.row == {"node_power_w": 4}
    assert run.marks == ["power: half of it, left empty"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '{"a": 1} {"b": ',
            "run.json, line 1, column 16: is not complete JSON (it is cut off there); 1 whole"
            " objects stand before it; copy the file again, or remove the run that was interrupted",
        ),
        (
            '[{"a": 1},\n{"b": x}]',
            "run.json, line 2, column 7: is not complete JSON (Expecting value); 0 whole objects"
            " stand before it; copy the file again, or remove the run that was interrupted",
        ),
        ('{"a": 1, "a": 2}', 'run.json: "a" stands there twice; allowed is once; correct the file'),
        (
            '{"a": "\\ud800"}',
            "run.json: 'a' holds half a character (a lone surrogate); only text that UTF-8 can hold"
            " is allowed; correct the file",
        ),
        ('{"a": 1} 5', "run.json, value 2: is 5; a JSON object is needed; give the client's own"),
        (
            "[" * 100_000,
            "run.json: is nested deeper than any client's result; give the client's own result"
            " file",
        ),
    ],
)
def test_json_that_is_no_list_of_objects_is_refused(text, problem):
    with pytest.raises(InputError) as caught:
        parse_json("run.json", text)
    assert str(caught.value).startswith(problem)
    assert "nested" not in problem or str(caught.value) == problem


def test_a_number_that_overflows_is_not_taken_for_an_absent_one():
    """A client that has no value writes NaN or Infinity; 400 digits are a slip."""
    (record,) = parse_json("f", '{"a": Infinity, "b": 1.5, "c": 1e308}')
    assert record == {"a": math.inf, "b": 1.5, "c": 1e308}
    for text in (400 * "1" + ".5", "-1e400"):
        with pytest.raises(InputError) as refused:
            parse_json("run.json", f'{{"a": {text}}}')
        told = f"holds the number {common.shown(text)}; allowed are at most {tables.LARGEST}"
        assert str(refused.value) == f"run.json: {told}; correct the file"


def test_a_whole_number_of_very_many_digits_is_refused():
    longest = "1" * documents.MOST_DIGITS
    assert parse_json("f", f'{{"a": {longest}}}') == [{"a": int(longest)}]
    with pytest.raises(InputError) as refused:
        parse_json("run.json", f'{{"a": {longest}1}}')
    assert str(refused.value) == (
        f"run.json: holds a number of {len(longest) + 1} digits; allowed are at most"
        f" {tables.LARGEST}; correct the file"
    )


def test_a_number_of_json_that_underflows_is_no_zero():
    assert parse_json("f", '{"a": 0e-400, "b": -0.0}') == [{"a": 0.0, "b": 0.0}]
    with pytest.raises(InputError) as refused:
        parse_json("run.json", '{"a": 1e-400}')
    assert str(refused.value) == (
        'run.json: holds the number "1e-400"; allowed are 0 and numbers from 5e-324; correct'
        " the file"
    )


def test_crowded_json_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(tables, "MOST_OBJECTS", 1)
    with pytest.raises(InputError, match=r"run\.json: holds 2 lists and objects"):
        parse_json("run.json", "[[]]")


def test_objects_stand_alone_in_lists_or_one_after_the_other():
    assert parse_json("f", ' [{"a": 1}, {"a": 2}]\n{"a": 3}{"a": 4} ') == [
        {"a": n} for n in (1, 2, 3, 4)
    ]
    assert parse_json("f", "\n") == []
    assert keys_of({"a": 1}) == {"a": 1} and keys_of([1]) == {}


def test_facts_stand_beside_a_file_and_in_or_above_a_folder(tmp_path):
    names = ["facts.yaml", "a.facts.yaml", "a.json.facts.yaml"]
    assert facts_files(tmp_path / "a.json") == [tmp_path / name for name in names]
    assert facts_files(tmp_path / "facts") == [
        tmp_path / "facts.yaml",
        tmp_path / "facts.facts.yaml",
    ]
    folder = tmp_path / "logs"
    folder.mkdir()
    assert facts_files(folder) == [tmp_path / "facts.yaml", folder / "facts.yaml"]


def tabled(row, facts=None, client="vllm", **attributes):
    """Row of the table that one run becomes."""
    base = NODE | {"model": "m", "input_tokens": 500, "output_tokens": 300, "throughput_tps": 600.0}
    run = Run("run.json", client, row={k: v for k, v in (base | row).items() if v is not None})
    for name, value in attributes.items():
        setattr(run, name, value)
    (found,) = to_table("run.json", [run], facts or {}).to_dict("records")
    return found


def test_facts_of_a_clients_row_in_a_table_of_the_project_are_those_of_its_file():
    """As of a stress test's benchmark.csv: the served name stayed, whatever was stated."""
    measured = {"client": "aiperf", "model": "served-name"}
    assert tabled(measured, {"model": "M"}, "project")["model"] == "M"
    with pytest.raises(InputError, match="n_gpus is 8 in the file but 2 in the facts"):
        tabled(measured, {"n_gpus": 2}, "project")


def test_facts_fill_rename_and_may_not_contradict():
    assert tabled({"gpu": None}, {"gpu": "B200"})["gpu"] == "B200"
    for name in ("model", "gpu", "client_version"):
        assert tabled({name: "other"}, {name: "B200"})[name] == "B200"
        assert tabled({name: "other"}, {name: "B200"}, "project")[name] == "other"
    assert tabled({}, {"output_tokens": 305})["output_tokens"] == 300
    assert tabled({}, {"input_tokens": 505})["input_tokens"] == 500
    assert tabled({}, {"n_gpus": 16}, "project")["n_gpus"] == 8
    assert tabled({}, {"output_tokens": 300 / 0.98 - 1e-9})["output_tokens"] == 300
    assert tabled({"output_tokens": 294}, {"output_tokens": 300})["output_tokens"] == 294
    # what is no column, or known already, does not hide the fact after it
    first = {"requested_output_tokens": 300, "meter_clock_offset_s": 1.0, "gpu": "B200"}
    assert tabled({"gpu": None}, first)["gpu"] == "B200"
    assert tabled({"gpu": None}, {"n_gpus": 16, "gpu": "B200"}, "project")["gpu"] == "B200"
    with pytest.raises(InputError, match="n_gpus is 8 in the file but 8 in the facts"):
        tabled({"n_gpus": "8"}, {"n_gpus": 8})
    for facts in ({"output_tokens": 310}, {"n_gpus": 9}, {"precision": "FP4"}):
        with pytest.raises(InputError) as caught:
            tabled({}, facts)
        ((name, stated),) = facts.items()
        found = {"output_tokens": 300, "n_gpus": 8, "precision": "FP8"}[name]
        assert str(caught.value) == (
            f"run.json: {name} is {found} in the file but {stated} in the facts; they have to"
            " agree; correct the fact or remove it"
        )


@pytest.mark.parametrize(
    ("row", "facts", "said"),
    [
        ({"model": "m-FP8"}, {}, None),
        ({"model": "m-NVFP4"}, {}, "FP4"),
        ({"model": "org/m-Int8-dynamic"}, {"model": "m"}, "INT8"),
        ({"model": "m"}, {"model": "m-AWQ"}, "INT4"),
        # what is stored so is often served in fewer bits
        ({"model": "m-BF16"}, {}, None),
        ({"model": "m-FP8-FP4"}, {}, None),
    ],
)
def test_a_precision_that_the_name_of_the_model_contradicts_is_marked(row, facts, said):
    mark = f"marked: precision FP8 where the name of the model says {said}" if said else "ok"
    found = tabled(row, facts)
    assert found["status"] == mark
    # a table that is read again holds its marks
    marks = [mark.removeprefix("marked: ")] if said else []
    assert tabled(row, facts, "project", marks=marks)["status"] == mark


def test_a_length_that_misses_the_one_asked_for_is_marked():
    def status(**attributes):
        return tabled({"completed": 9}, **attributes)["status"]

    assert status(asked_output=306.0) == "ok"
    told = "marked: mean output length 300 tokens where 307 were asked for"
    assert status(asked_output=307.0) == told
    # three standard errors of nine requests are as much as their spread
    assert status(asked_output=307.0, asked_spread=1.0) == "ok"
    assert status(facts={"requested_output_tokens": 307}, asked_spread=9.0) == told
    assert status(asked_output=308.0, asked_spread=1.8).startswith("marked: mean output length")
    for completed in (None, 1):
        row = {"completed": completed}
        assert tabled(row, asked_output=308.0, asked_spread=0.7)["status"] == "ok"
        assert tabled(row, asked_output=308.0, asked_spread=0.6)["status"] != "ok"
    assert tabled({"output_tokens": 294}, asked_output=300.0)["status"] == "ok"
    assert status(asked_output=300.0, output_range=(300, 300)) == "ok"
    assert status(asked_output=300.0, marks=["late", "slow"]) == "marked: late; slow"
    assert status(asked_output=300.0, output_range=(290, 310)) == (
        "marked: output lengths from 290 to 310 tokens where 300 were asked for"
    )
    assert status(asked_output=300.0, output_range=(290, 310), asked_spread=5.0) == "ok"
    assert status(output_range=(290, 310)) == "ok"


def test_stages_follow_where_the_gpus_leave_no_choice():
    assert tabled({})["pipeline_parallel"] == 1
    assert pd.isna(tabled({"tensor_parallel": 5}, client="project")["pipeline_parallel"])
    with pytest.raises(InputError) as caught:
        tabled({"n_gpus": 1, "tensor_parallel": None})
    (problem,) = caught.value.problems
    assert problem.startswith("run.json: tensor_parallel is neither in the file nor in its facts;")
    with pytest.raises(InputError, match="tensor_parallel x pipeline_parallel is 16 but n_gpus"):
        tabled({"pipeline_parallel": 2})
    row = {"n_gpus": 8, "tensor_parallel": 4, "pipeline_parallel": 2}
    assert tabled(row)["pipeline_parallel"] == 2
    with pytest.raises(InputError) as caught:
        tabled(row | {"pipeline_parallel": 3})
    assert str(caught.value) == (
        "run.json: tensor_parallel x pipeline_parallel is 12 but n_gpus is 8; a copy of the model"
        " cannot take more GPUs than there are; correct the facts"
    )


def test_a_table_of_the_project_states_neither_stages_nor_output():
    row = {"n_gpus": 8, "tensor_parallel": 2, "output_tokens": None}
    assert pd.isna(tabled(row, client="project")["output_tokens"])
    with pytest.raises(InputError) as caught:
        tabled(row)
    asked = [problem.split()[1] for problem in caught.value.problems]
    assert asked == ["output_tokens", "pipeline_parallel"]


def test_what_is_missing_is_asked_for_with_the_line_that_states_it():
    for client, asked in (("vllm", True), ("mlperf", False), ("mlenergy", False)):
        row = {"input_tokens": None}
        if asked:
            with pytest.raises(InputError) as caught:
                tabled(row, client=client)
            assert str(caught.value) == (
                "run.json: input_tokens is neither in the file nor in its facts; needed is a number"
                " above 0 and of at most 10000000 [tokens] (Mean input tokens per request, where"
                " the file does not tell);"
                " add the line 'input_tokens: ...' to run.facts.yaml"
            )
        else:
            assert pd.isna(tabled(row, client=client)["input_tokens"])


def test_where_power_was_measured_is_told():
    for row, boundary in (
        ({}, None),
        ({"gpu_power_w": 4000.0}, "accelerator"),
        ({"energy_per_output_token_j": 5.0}, "accelerator"),
        ({"node_power_w": 6000.0, "gpu_power_w": 4000.0}, "node"),
        ({"gpu_power_w": 4000.0, "power_boundary": "node"}, "node"),
    ):
        assert tabled(row)["power_boundary"] == boundary
    short = tabled({"gpu_power_w": 4000.0}, metered_gpus=2)
    assert pd.isna(short["gpu_power_w"])
    assert short["status"].endswith("telemetry covers 2 GPUs but 8 served the run, left empty")
    stated = tabled({"n_gpus": None, "gpu_power_w": 4000.0}, {"n_gpus": 8}, metered_gpus=2)
    assert pd.isna(stated["gpu_power_w"])
    assert tabled({"gpu_power_w": 4000.0}, metered_gpus=8)["gpu_power_w"] == 4000
    both = {"node_power_w": 6000.0, "throughput_tps": 2000.0}
    assert tabled(both | {"energy_per_output_token_j": 2.2})["energy_per_output_token_j"] == 3
    assert pd.isna(tabled(both)["energy_per_output_token_j"])
    for energy, boundary in ((3.0, "node"), (2.95, "node"), (2.2, "accelerator")):
        row = tabled(both | {"energy_per_output_token_j": energy}, client="project")
        assert (row["power_boundary"], row["energy_per_output_token_j"]) == (boundary, energy)
    assert (tabled({}, client="sglang")["client"], tabled({"client": "aiperf"})["client"]) == (
        "sglang",
        "aiperf",
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "model is empty; allowed are names; name it in the file, or state model in the facts"),
        (" ", "model is empty; allowed are names"),
        (
            "m" * 301,
            "...; allowed are at most 300 letters; shorten it, or state model in the facts",
        ),
        ("m\u200b", 'with letters that are invisible or only look like others; write it as "m"'),
        ("\uff4d", 'model is "\\uff4d", with letters'),
    ],
)
def test_a_name_that_no_table_spells_so_is_refused(name, words):
    with pytest.raises(InputError) as caught:
        tabled({"model": name})
    assert words in str(caught.value)
    assert tabled({"model": "m" * 300})["model"] == "m" * 300


@pytest.mark.parametrize("name", ["mlenergy\u200b-v3", "ml\u0435nergy-v3", "a\nb", " a", "\u200b"])
def test_a_source_that_only_looks_like_another_is_refused(name):
    with pytest.raises(
        InputError, match=r"run\.json: source_id is .* state source_id in the facts"
    ):
        tabled({"source_id": name})


def test_a_file_gives_its_source_a_name_as_tables_spell_it(tmp_path):
    decomposed = put(tmp_path, load("vllm/single.json"), "cafe\u0301\xa01.json")
    row = detect_and_read(decomposed, NODE).iloc[0]
    assert (row["source_id"], row["source_file"]) == ("caf\xe9 1", decomposed.name)


@pytest.mark.parametrize("text", ["a\nb", " a", "\u200b", "x" * 131_073])
def test_a_text_that_no_cell_can_hold_is_refused(text):
    with pytest.raises(InputError) as caught:
        tabled({"client_version": text})
    (problem,) = caught.value.problems
    allowed = f"{common.shown(text)}; allowed is one line of text that shows, without blanks around"
    assert problem == (
        f"run.json: client_version is {allowed} it; state client_version in the facts"
    )
    with pytest.raises(InputError) as caught:
        tabled({"source_file": text})
    assert caught.value.problems == [f"run.json: source_file is {allowed} it; rename the file"]


def test_a_value_that_the_table_does_not_allow_is_shown_with_what_is():
    with pytest.raises(InputError) as caught:
        tabled({"concurrency": -4})
    (problem,) = caught.value.problems
    assert problem.startswith("run.json: concurrency is -4; allowed is a number above 0 and of at")
    assert problem.endswith("; correct the file or leave the run out")
    with pytest.raises(InputError, match=r"completed is 1e\+17; allowed is"):
        tabled({"completed": 1e17})
    assert tabled({"completed": float(tables.LARGEST)})["completed"] == tables.LARGEST


@pytest.mark.parametrize(
    ("mark", "boundaries"),
    [
        ("power: no sample of the meter for 9 s of 30 s", {Meter.NODE, Meter.ACCELERATOR}),
        ("power: energy counter went back", {Meter.ACCELERATOR}),
        ("power: gpu_energy_j 9000 J where power x time is 8000", {Meter.ACCELERATOR}),
        ("power: telemetry covers 2 GPUs but 8 served the run, left empty", set()),
        ("requests failed", set()),
    ],
)
def test_a_mark_doubts_the_power_at_the_boundary_that_it_is_of(mark, boundaries):
    assert {at for at in (Meter.NODE, Meter.ACCELERATOR) if doubts_power(mark, at)} == boundaries


def test_what_some_runs_lack_is_asked_for_with_their_number():
    row = NODE | {"model": "m", "input_tokens": 500, "output_tokens": 300, "throughput_tps": 600.0}
    runs = [
        Run("run.json", "vllm", row=dict(row)),
        Run("run.json", "vllm", row=row | {"gpu": None}),
    ]
    with pytest.raises(InputError) as caught:
        to_table("run.json", runs, {})
    (problem,) = caught.value.problems
    assert problem.startswith(
        "run.json: gpu is neither in the file nor in its facts (1 of 2 runs);"
    )


@pytest.mark.parametrize("data", [b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_a_file_of_nothing_is_told_to_be_empty(tmp_path, data):
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_bytes(path)
    assert str(caught.value) == (
        f"{path}: is empty; a benchmark client's result is needed; run it again"
    )


def test_problems_of_all_facts_are_told_at_once(tmp_path):
    path = put(tmp_path, load("vllm/single.json"), "one.json")
    put(tmp_path, "gpus: 8\n", "facts.yaml")
    put(tmp_path, "n_gpus: 0\n", "one.facts.yaml")
    with pytest.raises(InputError) as caught:
        read_facts(path)
    first, second = caught.value.problems
    assert 'facts.yaml, key "gpus": unknown; allowed are model, gpu' in first
    assert first.endswith("; correct or remove it")
    assert 'one.facts.yaml, key "n_gpus": value 0; allowed is' in second
    with pytest.raises(InputError) as caught:
        check_facts({"gpu": date(2026, 1, 2), "n_gpus": 8})
    (problem,) = caught.value.problems
    assert problem.startswith('facts, key "gpu": value "2026-01-02"; allowed is')
    check_facts({"n_gpus": 8})
    with pytest.raises(InputError, match="facts: is \\[1\\]; a mapping with model, gpu"):
        check_facts([1])


def test_problems_of_all_runs_are_told_at_once():
    row = NODE | {"model": "m", "input_tokens": 500, "output_tokens": 300, "throughput_tps": 600.0}
    wrong = row | {"concurrency": -4}
    runs = [Run(name, "vllm", row=dict(cells)) for name, cells in (("a", wrong), ("b", wrong))]
    runs[0].refuse("was cut off")
    runs.append(Run("c", "vllm", row=row | {"gpu": None}))
    runs[2].refuse("was cut off too")
    with pytest.raises(InputError) as caught:
        to_table("f", runs, {})
    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        "a: was cut off",
        "a: concurrency is -4",
        "b: concurrency is -4",
        "c: was cut off too",
    ]
    with pytest.raises(InputError, match="gpu_power_w is 1e\\+07 W"):
        tabled({"gpu_power_w": 1e7})
