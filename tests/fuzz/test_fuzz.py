"""Five thousand damaged files are accepted as what they say or refused in a sentence."""

import random
import time
from pathlib import Path

import pandas as pd
import pytest
from fuzz import mutations, run, targets
from fuzz.targets import TARGETS, WrongError, check_cell
from inference_energy import documents
from inference_energy.errors import InputError
from inference_energy.meters import read_log
from inference_energy.readers import detect_and_read
from inference_energy.tables import read_table
from library.readers.files import NODE

CASES = 5_000
CORPUS = Path(__file__).parent / "corpus"
READ = {
    "readers": lambda path: detect_and_read(path, NODE),
    "tables": lambda path: read_table(path, "throughput"),
    "meters-gpu": lambda path: read_log(path, "gpu", "UTC"),
    "meters-node": lambda path: read_log(path, "node", "UTC"),
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_damaged_files_are_refused_or_become_what_they_say(target):
    outcomes, slowest = run.fuzz(target, run.share(target, CASES))
    wrong = {outcome: n for outcome, n in outcomes.items() if outcome not in run.GOOD}
    assert wrong == {}, f"see python -m fuzz.run {CASES} {target.__name__}"
    assert outcomes["accepted"] and outcomes["refused"], "one-sided cases test half of it"
    assert slowest < run.HANG_S


@pytest.mark.parametrize(
    "path", sorted(p for p in CORPUS.rglob("*") if p.is_file()), ids=lambda path: path.name
)
def test_what_was_found_before_stays_mended(path):
    try:
        frame = READ[path.parent.name](path)
    except InputError as error:
        assert str(error).strip()
    else:
        targets.check_numbers(frame)


def test_a_case_is_the_same_whenever_it_runs(tmp_path):
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        run.case(targets.readers, 7, tmp_path / name)
    once, again = (sorted((tmp_path / name).rglob("*")) for name in ("once", "again"))
    assert [p.read_bytes() for p in once if p.is_file()] == [
        p.read_bytes() for p in again if p.is_file()
    ]


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [
        (lambda: {}["a"], "KeyError at"),
        (lambda: targets.holds(False, "no"), "WrongError at"),
        (lambda: (_ for _ in ()).throw(InputError("")), "refused without a word"),
    ],
)
def test_the_fuzzer_sees_what_goes_wrong(tmp_path, fails, outcome):
    def target(draw, folder):
        fails()

    assert run.case(target, 0, tmp_path).startswith(outcome)


@pytest.mark.parametrize(
    ("bound", "idles"), [("HANG_S", lambda: None), ("WAIT_S", lambda: time.sleep(0.01))]
)
def test_the_fuzzer_sees_a_hang(tmp_path, monkeypatch, bound, idles):
    monkeypatch.setattr(run, bound, 1)

    def target(draw, folder):
        while True:
            idles()

    assert run.case(target, 0, tmp_path).startswith("hang at")


def test_the_fuzzer_sees_memory(tmp_path):
    def target(draw, folder):
        assert len(b"x" * size)
        return "accepted"

    size = run.MOST_BYTES // 2
    assert run.case(target, 0, tmp_path) == "accepted"
    size = run.MOST_BYTES + 2**20
    assert run.case(target, 0, tmp_path).startswith("MemoryError at")
    # what follows may take as much as before
    assert len(b"x" * size) == size


def test_a_key_that_stands_twice_is_never_accepted(tmp_path, monkeypatch):
    draw = random.Random(0)
    seed = b'{"a": {"b": 1}, "c": "d"}'
    made = {mutations.with_a_key_twice(draw, seed) for _ in range(100)}
    assert made == {
        b'{"a": 0, "a": {"b": 1}, "c": "d"}',
        b'{"a": {"b": 0, "b": 1}, "c": "d"}',
        b'{"a": {"b": 1}, "c": 0, "c": "d"}',
    }
    assert mutations.with_a_key_twice(draw, b"[]") is None
    # a reader for which the last one counts
    monkeypatch.setattr(documents, "json_object", dict)
    outcomes, _ = run.fuzz(targets.readers, 400)
    assert any("a key that stands twice" in outcome for outcome in outcomes)


@pytest.mark.parametrize(("scope", "most"), [("gpu", 3_000), ("cpu", 3_000), ("node", 150_000)])
def test_the_oracle_sees_power_beyond_any_device(scope, most):
    targets.check_power(pd.Series([0.0, most, None]), scope)
    with pytest.raises(WrongError):
        targets.check_power(pd.Series([most * 1.01]), scope)


def test_the_oracle_sees_a_changed_cell():
    for text, value in (("1.50", 1.5), ("'=a", "=a"), ("''=a", "'=a"), ("'a", "'a")):
        check_cell(text, value)
    for text, value in (
        ("1.5", 1.6),
        ("a", None),
        ("a", "b"),
        ("ab", "b"),
        ("'a", "a"),
        ("'=a", "a"),
        ("=a", "a"),
    ):
        with pytest.raises(WrongError):
            check_cell(text, value)


def test_tables_hold_formulas_behind_a_quote_and_signs_apart_from_their_number():
    draw, seed = random.Random(0), "a,b\nx,1\n"
    made = b"".join(mutations.changed_table(draw, seed) for _ in range(2000))
    assert [cell for cell in (b"'=x", b"''@x", b"'-ax", b"- 1", b"+ 1") if cell not in made] == []


def test_damage_is_drawn_from_its_number():
    assert random.Random("readers 1").random() != random.Random("readers 2").random()


def test_no_case_changes_what_later_ones_are_drawn_from():
    before, draw = repr(mutations.JUNK), random.Random(0)
    for _ in range(2000):
        mutations.changed_document(draw, {"a": [1], "b": {"c": 2}})
    assert repr(mutations.JUNK) == before


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "KEPT", tmp_path)
    monkeypatch.setattr(run, "CHUNK", 4)
    monkeypatch.setenv("PROCESSES", "1")
    share = run.share(targets.settings, 100)
    assert [chunk[1:] for chunk in run.chunks(100, ["settings"])] == [(0, 4), (4, share - 4)]
    assert run.main(100, ["settings"]) == 0
    (file,) = tmp_path.iterdir()
    whole, other = file.read_text().splitlines()
    file.write_text(f"{whole}\n{other[:20]}")
    assert run.main(100, ["settings"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if "chunks" in line] == [
        f"{n} of 2 chunks of 4 cases were counted before" for n in (0, 1)
    ]
    once, again = (line.split("|") for line in printed if line.startswith("| settings"))
    assert once[:6] == again[:6]
    assert len(file.read_text().splitlines()) == 2


def test_the_page_counts_every_case_and_says_what_went_wrong():
    chunk = {"chunk": ["readers", 0, 7], "slowest": 0.5, "time": 2.0, "memory": 2**28}
    found = [
        chunk | {"outcomes": {"accepted": 4, "refused": 3}},
        chunk | {"outcomes": {"accepted": 5, "KeyError at a.py:1: b": 2}, "memory": 2**31},
    ]
    cells, wrong = run.row("readers", found)
    assert cells == ["readers", 14, 9, 3, 3, "0.50", "2048", "4"]
    assert wrong == {"KeyError at a.py:1: b": 2, "memory": 1}
    page = run.page("(table)", {"readers": wrong, "facts": {}}, "abc")
    assert "(table)" in page and "SHA-256 abc" in page
    assert [line for line in page.splitlines() if line.startswith("- ")] == [
        "- readers: KeyError at a.py:1: b",
        "- readers: memory",
    ]
    assert "Nothing went wrong." in run.page("", {"facts": {}}, "abc")


def test_the_oracle_reads_objects_that_follow_each_other():
    assert targets.json_documents('{"a":\r1}\n{"b": 2}') == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    "stated",
    [
        {"pue": {"p5": 1.05, "p95": 3.1}},
        {"power_utilisation": {"value": 1.01}},
        {"node_power": {"models": {"m": {"value": 10_200}}}},
        {"fleet": {"long_share": {"value": 10}}},
    ],
)
def test_the_oracle_sees_numbers_of_a_method_that_cannot_be(stated):
    targets.check_possible(targets.resolved("oviedo2026")[0])
    with pytest.raises(WrongError):
        targets.check_possible(stated)


@pytest.mark.parametrize(
    ("column", "value"),
    [("gpu_power_w", 6161), ("node_power_w", 30_161), ("throughput_tps", 229_000)],
)
def test_the_oracle_sees_runs_beyond_their_hardware(column, value):
    run = {"model": "Llama 3.1 70B", "gpu": "H100-SXM-80GB", "n_gpus": 8}
    run |= {"throughput_tps": 1e3, "gpu_power_w": 6160.0, "node_power_w": 30_160.0}
    targets.check_hardware(pd.DataFrame([run, run | {"model": "m", "gpu": "g"}]))
    with pytest.raises(WrongError):
        targets.check_hardware(pd.DataFrame([run | {column: value}]))


@pytest.mark.parametrize(
    ("found", "said"),
    [({"a": 1}, {"a": 2}), ({}, {"a": 1}), ({"a": [1]}, {"a": [1, 1]}), ({"a": 1}, {"a": True})],
)
def test_the_oracle_sees_documents_that_are_others(found, said):
    assert targets.same(said, said)
    assert targets.same(found, targets.UNKNOWN)
    assert not targets.same(found, said)
    for check in (targets.check_setting, targets.check_merged):
        check(said, said)
        with pytest.raises(WrongError):
            check(found, said)


def test_the_oracle_reads_settings_as_the_command_line_leaves_them():
    for found, said in ((8, "8"), (0.5, "5e-1"), (None, " ~ "), (False, "false"), ("8", "8")):
        targets.check_setting(found, said)
    for found, said in ((10, "8"), (None, "0"), (True, "false"), (1, "true")):
        with pytest.raises((WrongError, ValueError)):
            targets.check_setting(found, said)


def test_the_oracle_reads_json_that_all_read_alike():
    assert targets.as_said(b'{"a": [1, 2.5]}') == {"a": [1, 2.5]}
    for data in (b"a: 1", b'{"a": NaN}', b"{", b"\xff"):
        assert targets.as_said(data) is targets.UNKNOWN
    with pytest.raises(WrongError):
        targets.as_said(b'{"a": 1, "a": 2}')


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
@pytest.mark.parametrize(
    ("column", "factor"), [(None, 1), ("n", 2), ("input", 10), ("output", 3), ("pairs", 1)]
)
def test_the_oracle_sees_energies_of_other_requests(tmp_path, name, column, factor):
    rows = pd.DataFrame({"input_tokens": [500, 20, 0], "output_tokens": [300, 7000, 10]})
    if name == "log.csv":
        rows.to_csv(tmp_path / name, index=False)
    else:
        rows.to_json(tmp_path / name, orient="records", lines=True)
    said = targets.said_of_requests(tmp_path / name)
    pd.testing.assert_frame_equal(said, rows)
    counted = {
        "model": None,
        "n": 1,
        "input": rows["input_tokens"],
        "output": rows["output_tokens"],
    }
    lengths = pd.DataFrame(counted).assign(cached=0, reasoning=0, cached_cell=0)
    for of in ("input", "output"):
        lengths[f"{of}_cell"] = lengths[of]
        lengths[f"{of}_offset"] = lengths[f"{of}_offset_square"] = 0
    if column is None:
        targets.check_energies(lengths, said)
        return
    if column == "pairs":
        # the same sums, of answers to other inputs
        answers = ["output", "output_cell"]
        lengths[answers] = lengths[answers].to_numpy()[::-1]
    else:
        lengths[column] *= factor
    with pytest.raises(WrongError):
        targets.check_energies(lengths, said)


@pytest.mark.parametrize(
    "text",
    [
        "input_tokens,output_tokens\n5,x\n",
        "input_tokens,output_tokens\n5\n",
        'input_tokens,output_tokens\n"5",7\n',
        "input_tokens,output_tokens,id\n5,7,a\n",
        "input_tokens,output_tokens\n",
    ],
)
def test_the_oracle_leaves_open_what_can_be_read_in_several_ways(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    assert targets.said_of_requests(tmp_path / "log.csv") is targets.UNKNOWN
