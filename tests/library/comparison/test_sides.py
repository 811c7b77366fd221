"""What a changed method is held against."""

import shutil
from itertools import combinations

import pandas as pd
import pytest
from inference_energy.comparison.sides import (
    MOST_ROWS,
    NOW,
    States,
    changed_rows,
    find_sides,
    rows_of_copy,
)
from inference_energy.comparison.whatif import changed_settings
from inference_energy.errors import InputError
from processes import git
from repository import METHOD_FILES, ROOT, edited, read_schema

SCHEMA = read_schema("method")
TABLE = "data/throughput/oviedo.csv"
CLAIMS, SOURCES = "data/published/claims.csv", "data/sources.csv"


@pytest.fixture
def folder(tmp_path):
    """A repository of the method files, the paper's table and claims, and the sources."""
    for name in (*(f"config/methods/{m}.yaml" for m in METHOD_FILES), TABLE, CLAIMS, SOURCES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


def tables(method):
    """Every method is built from the paper's table."""
    assert "benchmarks" in method
    return [TABLE]


def sides(folder, asked, base=None):
    """Both sides."""
    return find_sides(folder, asked, base, SCHEMA, tables)


def committed(folder):
    return git(folder, "rev-parse", "--short", "HEAD").strip()


def refusal(folder, asked, base=None):
    with pytest.raises(InputError) as error:
        sides(folder, asked, base)
    return str(error.value)


def test_an_unchanged_method_is_held_against_what_it_extends(folder):
    base, head = sides(folder, "oviedo2025")
    assert (base.name, head.name, base.files) == ("oviedo2026", "oviedo2025", None)
    base, _ = sides(folder, "oviedo2025", "revised")
    assert base.name == "revised"


def test_a_changed_method_is_held_against_its_committed_state(folder):
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        base, head = sides(folder, "oviedo2026")
    assert base.name == f"oviedo2026 as committed ({committed(folder)})"
    assert (base.method["pue"]["p95"], head.method["pue"]["p95"]) == (1.6, 1.7)
    assert base.method["data"] == head.method["data"] == {"value": NOW}


def test_the_only_method_that_changed_needs_no_name(folder):
    with pytest.raises(InputError, match=r"names no method; changed .* none; .*method=NAME"):
        sides(folder, "")
    table = folder / TABLE
    told = rf"changed .* none; of data/, .*, {TABLE}; allowed"
    with edited(table, table.read_bytes() + b"\n"), pytest.raises(InputError, match=told):
        sides(folder, "")
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        base, head = sides(folder, "")
        assert (head.name, base.name[:23]) == ("oviedo2026", "oviedo2026 as committed")
        (folder / "config/methods/mine.yaml").write_text("extends: revised\n")
        with pytest.raises(InputError, match=r"changed .* are mine, oviedo2026; allowed are"):
            sides(folder, "")
    _, head = sides(folder, "")
    assert head.name == "mine"


def test_an_edit_that_changes_nothing_is_said_to(folder):
    path = folder / "config/methods/oviedo2025.yaml"
    with edited(path, "# a comment\n" + path.read_text()):
        told = r"oviedo2025\.yaml: .* states what commit \w+ has; .* method=oviedo2025"
        with pytest.raises(InputError, match=told):
            sides(folder, "")
        base, _ = sides(folder, "oviedo2025")
    assert base.name == "oviedo2026"


def test_a_changed_table_on_both_sides_is_named(folder):
    (folder / "config/methods/mine.yaml").write_text("extends: oviedo2026\n")
    base, head = sides(folder, "mine")
    assert head.edited == ()
    path = folder / TABLE
    with edited(path, path.read_bytes() + b"\n"):
        base, head = sides(folder, "mine")
        assert (base.files, head.edited) == (None, (TABLE,))
        assert sides(folder, "oviedo2026", "oviedo2025")[1].edited == (TABLE,)
        # held against the committed table, the page tells its rows
        assert sides(folder, "oviedo2026")[1].edited == ()


def test_edited_claims_are_held_against_those_that_are_committed(folder):
    """The verdicts change, and no number: the same state of the tables on both sides."""
    path = folder / CLAIMS
    before = path.read_bytes()
    with edited(path, before.replace(b",0.39,,Wh", b",0.38,,Wh")):
        for name in ("oviedo2026", "oviedo2025", "revised"):
            base, head = sides(folder, name)
            assert base.name == f"{name} as committed ({committed(folder)})"
            assert (base.files, head.edited) == ({CLAIMS: before}, ())
            assert base.method["data"] == head.method["data"]
            assert [side.method["published"] for side in (base, head)] == [committed(folder), NOW]
        with edited(folder / TABLE, (folder / TABLE).read_bytes() + b"\n"):
            base, _ = sides(folder, "oviedo2026")
            assert base.files == {TABLE: (ROOT / TABLE).read_bytes(), CLAIMS: before}
        # of two methods, or of a draft, both are held against them as they are
        (folder / "mine.yaml").write_text("extends: oviedo2026\n")
        for asked in (("mine.yaml",), ("oviedo2025", "oviedo2026")):
            base, head = sides(folder, *asked)
            assert (base.files, head.edited) == (None, (CLAIMS,))
            assert base.method["published"] == head.method["published"] == NOW


def test_a_changed_table_that_moves_no_number_is_named_and_not_advised_about(folder):
    path = folder / SOURCES
    with edited(path, path.read_bytes() + b"\n"):
        base, head = sides(folder, "revised")
        assert (base.name, head.edited) == ("oviedo2026", (SOURCES,))
        told = f"; of data/, from which none of them takes a number, {SOURCES}; allowed are"
        assert told in refusal(folder, "") and "may use" not in refusal(folder, "")
        told = f", and of data/ only {SOURCES}, from which it takes no number; allowed is a changed"
        assert told in refusal(folder, "oviedo2026")
        method = folder / "config/methods/oviedo2026.yaml"
        with edited(method, method.read_text().replace("p95: 1.6", "p95: 1.7")):
            assert sides(folder, "oviedo2026")[1].edited == (SOURCES,)
        with edited(folder / CLAIMS, (folder / CLAIMS).read_bytes() + b"\n"):
            # one that is broken has no tables, and is not asked about
            for name, parent in (("broken", "nobody"), ("other", "oviedo2026")):
                (folder / f"config/methods/{name}.yaml").write_text(f"extends: {parent}\n")
            told = f"which any of them may use, {CLAIMS}; of data/, from which"
            assert told in refusal(folder, "")


def test_a_base_that_is_not_as_committed_is_said_to_be(folder):
    path, mine = (folder / f"config/methods/{name}.yaml" for name in ("oviedo2026", "mine"))
    mine.write_text("extends: oviedo2025\n")
    assert sides(folder, "mine")[0].edited == ()
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        for asked in (
            (folder, "mine"),
            (folder, "mine", "oviedo2026"),
            (folder, "mine", "revised"),
        ):
            assert sides(*asked)[0].edited == ("config/methods/oviedo2026.yaml",)
        assert sides(folder, "oviedo2026")[0].edited == ()


@pytest.mark.parametrize("base", ["oviedo2026", "config/methods/oviedo2026.yaml"])
def test_a_method_that_is_held_against_itself_stands_on_both_sides_as_now(folder, base):
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        with edited(folder / TABLE, (folder / TABLE).read_bytes() + b"\n"):
            before, now = sides(folder, "oviedo2026", base)
        assert before.method == now.method
        assert (before.edited, now.edited) == ((), ("config/methods/oviedo2026.yaml", TABLE))
        # another of that name is another file
        draft = folder / "drafts/oviedo2026.yaml"
        draft.parent.mkdir()
        draft.write_text("extends: oviedo2026\n")
        before, now = sides(folder, "drafts/oviedo2026.yaml", base)
        assert (before.edited, now.edited) == (("config/methods/oviedo2026.yaml",), ())


def test_a_changed_table_is_kept_as_it_was_committed(folder):
    path = folder / TABLE
    before = path.read_bytes()
    with edited(path, before + b"\n"):
        base, head = sides(folder, "oviedo2026")
    assert base.files == {TABLE: before}
    assert base.method["data"] != head.method["data"]


def test_a_method_that_extends_none_and_has_not_changed_needs_a_base(folder):
    nothing_else = (
        "key method: value oviedo2026: extends no method, and nothing that it says has changed"
        " since commit {}; allowed is a changed method, or base=NAME; name a base"
    )
    assert refusal(folder, "oviedo2026") == nothing_else.format(committed(folder))
    for nobody in ("x" * 300, "a/" * 3000, "a\0b"):
        with pytest.raises(InputError, match="no such method or file; allowed are full-load"):
            sides(folder, nobody)
    names = ", ".join(sorted(METHOD_FILES))
    for key, asked in (("base", ("oviedo2026", "nobody")), ("method", ("nobody",))):
        assert refusal(folder, *asked) == (
            f"key {key}: value nobody: no such method or file; allowed are {names} or the path of a"
            " method file; correct it"
        )
    shutil.rmtree(folder / ".git")
    assert refusal(folder, "oviedo2026") == (
        "key method: value oviedo2026: extends no method, and no commit says what it was before an"
        " edit; allowed is a file that git has, or base=NAME; name a base"
    )
    assert refusal(folder, "") == (
        "key method: names no method; no commit says which has changed; allowed are"
        f" {names} or the path of a method file; say snakemake whatif --config method=NAME, or make"
        " whatif METHOD=NAME"
    )


def test_a_draft_is_named_by_its_file_and_goes_before_a_method_of_its_name(folder):
    draft = folder / "drafts/oviedo2025.yaml"
    draft.parent.mkdir()
    draft.write_text("extends: revised\ntitle: mine\n")
    base, head = sides(folder, "drafts/oviedo2025.yaml", "oviedo2026")
    assert (head.name, head.method["title"]) == ("oviedo2025", "mine")
    draft.rename(folder / "drafts/mine.yaml")
    base, head = sides(folder, "drafts/mine.yaml")
    assert (base.name, head.name) == ("revised", "mine")


@pytest.mark.parametrize("parent", ["oviedo2026", "oviedo2025", "revised"])
def test_a_draft_with_the_name_of_a_method_is_held_against_what_it_extends(folder, parent):
    """Be it that method itself, one that extends it, or another, edited or not."""
    draft = folder / "drafts/oviedo2026.yaml"
    draft.parent.mkdir()
    pue = "{distribution: fixed, value: 1.2, unit: '1', source: assumption}"
    draft.write_text(f"extends: {parent}\npue: {pue}\n")
    base, head = sides(folder, "drafts/oviedo2026.yaml")
    assert base.method["id"] == parent
    assert base.method["pue"] == sides(folder, "oviedo2025", parent)[0].method["pue"]
    assert (head.name, head.method["id"]) == ("oviedo2026", "oviedo2026")
    assert (head.method["pue"]["value"], head.method["kind"]) == (1.2, "user")
    assert head.method["node_power"] == base.method["node_power"]
    # two of one name are told apart by their files
    known = {"oviedo2026": "config/methods/oviedo2026.yaml"}
    assert base.name == known.get(parent, parent)
    own = folder / f"config/methods/{parent}.yaml"
    with edited(own, own.read_text() + "# a comment\n"):
        assert own.name in sides(folder, "drafts/oviedo2026.yaml")[0].edited[0]
        before, now = sides(folder, str(draft), "drafts/oviedo2026.yaml")
        assert (before.edited, now.edited) == ((), (f"config/methods/{parent}.yaml",))


UTILISATION = "{distribution: log-normal, p5: 0.4, p95: 0.9, unit: '1', source: assumption}"
TABLES = "data/throughput/at_load.csv, data/throughput/trtllm.csv"
ASSUMPTIONS = {
    # what a draft of the method with a load states, and the settings that differ then
    "node power": (
        "node_power: {default: {value: 10.4, unit: kW, source: assumption}}",
        ["node power"],
    ),
    "PUE": ("pue: {distribution: fixed, value: 1.2, unit: '1', source: assumption}", ["PUE"]),
    "utilisation": (
        f"serving: null\npower_utilisation: {UTILISATION}",
        ["power utilisation", "serving nodes", "serving engines", "serving load"],
    ),
    "lengths": (
        "regimes: {traditional: {output_tokens: {distribution: exponential, median: 350,"
        " unit: tokens, source: assumption}}}",
        ["traditional output tokens"],
    ),
    "input": (
        "regimes: {long: {input_tokens: {value: 2000, unit: tokens, source: assumption}}}",
        ["long input tokens"],
    ),
    "law": (
        "throughput_law: {name: additive, gpus_per_node: 8, reference: {input_tokens: 1174,"
        " output_tokens: 300, unit: tokens}, source: assumption}\n"
        f"serving: null\npower_utilisation: {UTILISATION}",
        [
            *("throughput law", "power utilisation"),
            *("serving nodes", "serving engines", "serving load"),
        ],
    ),
    "rows excluded": (
        "benchmarks: {exclude_sources: [mlenergy-v2], source: assumption}",
        ["benchmark rows"],
    ),
    "a row added": (
        f"benchmarks: {{table: [{TABLES}, {TABLE}], source: assumption}}",
        ["benchmark rows"],
    ),
    "a model added": (
        "benchmarks: {models: [Llama 3.1 405B, DeepSeek-R1, GLM-5, Kimi K2.5, Qwen3.5 397B A17B,"
        " DeepSeek-V3], source: assumption}",
        ["benchmark rows"],
    ),
    "fleet": (
        "fleet: {queries_per_day: {value: 2.0e+9, unit: queries/day, source: assumption}}",
        ["fleet queries per day"],
    ),
}


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_a_draft_may_change_each_assumption_of_a_method_with_a_load(folder, name):
    stated, differing = ASSUMPTIONS[name]
    draft = folder / "draft.yaml"
    draft.write_text(f"extends: revised\n{stated}\n")
    base, head = sides(folder, "draft.yaml")
    assert (base.name, head.name) == ("revised", "draft")
    settings = changed_settings(base.method, head.method)
    assert [s["setting"] for s in settings] == differing
    gone = [s["setting"] for s in settings if s["new"] == "none"]
    assert gone == [each for each in differing if each.startswith("serving")]


@pytest.mark.parametrize("draft", ["mine", "oviedo2026"])
def test_what_a_draft_is_counts_as_no_change_and_what_an_edit_makes_of_a_method_does(folder, draft):
    """A draft may be called like the method that it extends, whose kind it does not have."""
    pue = "pue: {distribution: fixed, value: 1.2, unit: '1', source: assumption}"
    (folder / f"{draft}.yaml").write_text(f"extends: oviedo2026\n{pue}\n")
    base, head = sides(folder, f"{draft}.yaml")
    assert (base.method["kind"], head.method["kind"]) == ("paper", "user")
    settings = changed_settings(base.method, head.method, base.is_committed)
    assert [each["setting"] for each in settings] == ["PUE"]
    path = folder / "config/methods/oviedo2026.yaml"
    text = path.read_text().replace("p95: 1.6", "p95: 1.7").replace("kind: paper", "kind: user")
    with edited(path, text):
        base, head = sides(folder, "oviedo2026")
        settings = changed_settings(base.method, head.method, base.is_committed)
        assert [each["setting"] for each in settings] == ["PUE", "kind of method"]


def test_a_committed_method_that_is_given_by_its_path_is_no_draft(folder):
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        for asked in ("oviedo2026", str(path), "config/methods/../methods/oviedo2026.yaml"):
            base, _ = sides(folder, asked)
            assert base.name == f"oviedo2026 as committed ({committed(folder)})"
        draft = folder / "oviedo2026.yaml"
        draft.write_text("extends: oviedo2026\ntitle: mine\n")
        assert sides(folder, "oviedo2026.yaml")[0].method["pue"]["p95"] == 1.7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: revisd\n", "drafts/mine.yaml: key extends: value revisd"),
        ("extends: revised\npu: 3\n", "drafts/mine.yaml: key (top): unknown key pu;"),
        ("extends: revised\npue: {valu: 3}\n", "drafts/mine.yaml: key pue"),
        ("id: another\nextends: revised\n", "drafts/mine.yaml: key id: value 'another'"),
    ],
)
def test_a_draft_that_is_wrong_is_named_by_its_path(folder, text, words):
    draft = folder / "drafts/mine.yaml"
    draft.parent.mkdir()
    draft.write_text(text)
    told = refusal(folder, "drafts/mine.yaml")
    assert words in told
    assert "config/methods/mine.yaml" not in told


def test_a_key_that_a_draft_states_itself_is_not_offered(folder):
    draft = folder / "mine.yaml"
    queries = "{value: 1.0e+9, unit: queries/day, source: a test}"
    draft.write_text(f"extends: oviedo2026\nfleet: {{queries_per_days: {queries}}}\n")
    assert refusal(folder, "mine.yaml").endswith("did you mean queries_per_day?")
    both = f"{{queries_per_days: {queries}, queries_per_day: {queries}}}"
    draft.write_text(f"extends: oviedo2026\nfleet: {both}\n")
    assert refusal(folder, "mine.yaml").endswith("queries_per_day is stated beside it")


def test_a_committed_method_that_is_broken_is_named_as_committed(folder):
    path = folder / "config/methods/oviedo2026.yaml"
    right = path.read_text()
    path.write_text("a: [\n")
    git(folder, "commit", "--quiet", "--all", "--message", "broken")
    path.write_text(right)
    told = f"config/methods/oviedo2026.yaml as committed ({committed(folder)}), line 2"
    assert refusal(folder, "oviedo2026").startswith(told)
    path.write_bytes(b"# caf\xe9\n" + right.encode())
    git(folder, "commit", "--quiet", "--all", "--message", "latin")
    path.write_text(right.replace("p95: 1.6", "p95: 1.7"))
    assert sides(folder, "oviedo2026")[0].method["pue"]["p95"] == 1.6


def test_a_method_is_built_from_the_state_of_the_data_that_it_names():
    states = States({"now": lambda method: {"of": method}, "abc": lambda method: {}})
    now, before = ({"data": {"value": value}} for value in ("now", "abc"))
    assert (states(now), states(before)) == ({"of": now}, {})


def told(before, after, key=("k",)):
    """What is said of the rows of one table, by its change."""
    lines = changed_rows({"t": pd.DataFrame(before)}, {"t": pd.DataFrame(after)}, {"t": [*key]})
    assert {line["table"] for line in lines} <= {"t"}
    return [(line["change"], line["row"]) for line in lines]


def test_rows_are_told_as_added_removed_or_changed():
    before = {"k": [1, 2, 3, 5], "v": [1.0, 2.0, 3.0, 0.5], "a": "x", "b": "y", "c": ["z"] * 4}
    after = {"k": [2, 3, 4, 5], "v": [2.0, 9.0, 4.0, None], "a": "x", "b": "y", "c": list("zzwz")}
    assert told(before, after) == [
        ("added", "4, 4, x, y, w"),
        ("changed", "3: v 3 -> 9"),
        ("changed", "5: v 0.5 -> none"),
        ("removed", "1, 1, x, y, z"),
    ]


def test_a_cell_is_told_in_digits_that_differ():
    before, after = ({"k": [1], "v": [value]} for value in (10.2, 10.2000001))
    assert told(before, after) == [("changed", "1: v 10.2 -> 10.2000001")]


def test_a_row_whose_key_changed_is_one_that_changed():
    before = {"model": ["a", "b"], "gpu": "H100", "tps": [1.0, 2.0], "note": "n"}
    after = {"model": ["a", "b"], "gpu": "H100", "tps": [1.0, 2.5], "note": "n"}
    assert told(before, after, ["model", "gpu", "tps"]) == [("changed", "b, H100: tps 2 -> 2.5")]
    tables = ({"t": pd.DataFrame(table)} for table in (before, after))
    (line,) = changed_rows(*tables, {"t": ["model", "gpu", "tps"]})
    assert line["brief"] == "b: tps 2 -> 2.5"


@pytest.mark.parametrize("names", [*combinations("kabcdef", 2)])
def test_a_row_of_which_any_two_cells_changed_is_one_that_changed(names):
    before = {name: [f"{name}{i}" for i in range(3)] for name in "kabcdef"}
    after = {**before, **{name: [*before[name][:2], "new"] for name in names}}
    ((change, row),) = told(before, after)
    assert change == "changed"
    assert all(f"{name} {name}2 -> new" in row for name in names)


def test_a_table_that_changed_everywhere_says_how_many_rows_more():
    before = {"k": list(range(20)), "v": [1.0] * 20}
    lines = told(before, before | {"v": [2.0] * 20})
    assert len(lines) == MOST_ROWS + 1
    assert lines[-1] == ("more", f"{20 - MOST_ROWS} more; git diff t shows them")
    few = {"k": list(range(MOST_ROWS)), "v": [1.0] * MOST_ROWS}
    assert {change for change, _ in told(few, few | {"v": [2.0] * MOST_ROWS})} == {"changed"}


def test_rows_are_told_in_the_order_of_their_table():
    before = {"k": list("xbay"), "v": [0.01, 0.015, 0.1, 9.0], "w": list("1134")}
    after = {"k": list("zxbc"), "v": [7.0, 0.02, 0.03, 8.0], "w": list("5116")}
    assert told(before, after) == [
        ("added", "z, 7, 5"),
        ("added", "c, 8, 6"),
        ("changed", "x: v 0.01 -> 0.02"),
        ("changed", "b: v 0.015 -> 0.03"),
        ("removed", "a, 0.1, 3"),
        ("removed", "y, 9, 4"),
    ]
    numbers = {"k": [0.01, 0.015, 0.1, 2.0, 10.0], "a": "x", "b": "y", "c": "z"}
    assert [row for _, row in told(numbers, {name: [] for name in numbers})] == [
        f"{k}, x, y, z" for k in ("0.01", "0.015", "0.1", "2", "10")
    ]


def test_rows_of_a_copy_of_a_table_are_told_and_of_another_table_none():
    table = pd.DataFrame({"k": range(30), "v": 1.0, "a": "x"})
    mine = table.assign(v=[2.0, 3.0] + [1.0] * 28)
    lines = rows_of_copy(("t", table), ("mine", mine), ["k"])
    assert [(line["table"], line["row"]) for line in lines] == [
        ("mine", "0: v 1 -> 2"),
        ("mine", "1: v 1 -> 3"),
    ]
    half = table.assign(v=[2.0] * 15 + [1.0] * 15)
    *few, more = rows_of_copy(("t", table), ("mine", half), ["k"])
    assert len(few) == MOST_ROWS
    assert more["row"] == "3 more; git diff --no-index t mine shows them"
    others = (half.assign(v=[2.0] * 16 + [1.0] * 14), table[:14], table[:0], table, table[::-1])
    for other in others:
        assert rows_of_copy(("t", table), ("mine", other), ["k"]) == []
    assert len(rows_of_copy(("t", table), ("mine", table[:18]), ["k"])) == 12


def test_rows_of_all_tables_are_told_in_full_and_in_brief():
    before = {"a": pd.DataFrame({"k": [1], "v": [1.0]}), "b": pd.DataFrame({"k": range(13)})}
    after = {"a": pd.DataFrame({"k": [2], "v": [1234567.0]}), "b": pd.DataFrame({"k": [99]})}
    lines = changed_rows(before, after, {"a": ["k"], "b": ["k"]})
    assert lines[0] == {
        "table": "a",
        "change": "changed",
        "row": ": k 1 -> 2, v 1 -> 1,234,570",
        "brief": ": k 1 -> 2, v 1 -> 1,234,570",
    }
    assert [line["table"] for line in lines[1:]] == ["b"] * (len(lines) - 1)
    assert lines[-1]["brief"] == lines[-1]["row"] == "1 more; git diff b shows them"


def test_rows_that_differ_in_more_than_two_cells_are_two_rows():
    before = {"k": [1, 2], "a": ["x", "p"], "b": ["x", "p"], "c": ["x", "p"]}
    after = {"k": [3, 2], "a": ["y", "q"], "b": ["y", "q"], "c": ["x", "q"]}
    assert told(before, after) == [
        ("added", "3, y, y, x"),
        ("changed", "2: a p -> q, b p -> q, c p -> q"),
        ("removed", "1, x, x, x"),
    ]
    lines = changed_rows({"t": pd.DataFrame(before)}, {"t": pd.DataFrame(after)}, {"t": ["k"]})
    assert [line["brief"] for line in lines] == ["3", "2: a p -> q, b p -> q, c p -> q", "1"]


def test_each_row_is_paired_once_with_the_first_that_fits():
    before = {"k": [1, 2], "v": [5.0, 5.0], "a": "x", "b": "y"}
    after = {"k": [3, 4], "v": [5.0, 5.0], "a": "x", "b": "y"}
    assert told(before, after) == [("changed", ": k 1 -> 3"), ("changed", ": k 2 -> 4")]
    assert told(before, {name: after[name] for name in after} | {"k": [1, 4]}) == [
        ("changed", ": k 2 -> 4")
    ]


def test_another_file_of_the_methods_may_be_broken(folder):
    (folder / "config/methods/broken.yaml").write_text("a: [\n")
    base, head = sides(folder, "oviedo2025")
    assert (base.name, head.name) == ("oviedo2026", "oviedo2025")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "broken")
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        base, _ = sides(folder, "")
    assert base.name.startswith("oviedo2026 as committed (")
    with pytest.raises(InputError, match=r"broken\.yaml, line 2"):
        sides(folder, "oviedo2025", "broken")


def test_a_table_that_is_gone_is_kept_as_it_was_committed(folder):
    content = (folder / TABLE).read_bytes()
    (folder / TABLE).unlink()
    base, _ = sides(folder, "oviedo2026")
    assert base.files == {TABLE: content}


@pytest.mark.parametrize("after", [{"k": ["b", "a"]}, {"k": ["a", "b"]}])
def test_a_table_whose_rows_only_stand_otherwise_is_told_as_that(after):
    before = {"t": pd.DataFrame({"k": ["a", "b"]})}
    (line,) = changed_rows(before, {"t": pd.DataFrame(after)}, {"t": ["k"]})
    assert line["change"] == "rewritten"
    assert line["row"] == "the same rows in another order or spelling"
