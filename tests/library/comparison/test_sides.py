"""What a changed method is held against."""

import pandas as pd
import pytest
from inference_energy.comparison.sides import MOST_ROWS, NOW, changed_rows, find_sides
from inference_energy.errors import InputError
from processes import git
from repository import METHOD_FILES, ROOT, edited, read_schema

SCHEMA = read_schema("method")
TABLE = "data/throughput/oviedo.csv"


@pytest.fixture
def folder(tmp_path):
    """A repository of the method files and the paper's table."""
    for name in (*(f"config/methods/{m}.yaml" for m in METHOD_FILES), TABLE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


def sides(folder, asked, base=None):
    """Both sides; every method is built from the paper's table."""
    return find_sides(folder, asked, base, SCHEMA, lambda method: [TABLE])


def test_an_unchanged_method_is_held_against_what_it_extends(folder):
    base, head = sides(folder, "oviedo2025")
    assert (base.name, head.name, base.files) == ("oviedo2026", "oviedo2025", None)
    base, _ = sides(folder, "oviedo2025", "revised")
    assert base.name == "revised"


def test_a_changed_method_is_held_against_its_committed_state(folder):
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        base, head = sides(folder, "oviedo2026")
    assert base.name.startswith("oviedo2026 as committed (")
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


def test_a_changed_table_is_kept_as_it_was_committed(folder):
    path = folder / TABLE
    before = path.read_bytes()
    with edited(path, before + b"\n"):
        base, head = sides(folder, "oviedo2026")
    assert base.files == {TABLE: before}
    assert base.method["data"] != head.method["data"]


def test_a_method_that_extends_none_and_has_not_changed_needs_a_base(folder):
    with pytest.raises(InputError, match="extends no method, and nothing that it says has changed"):
        sides(folder, "oviedo2026")
    for nobody in ("x" * 300, "a/" * 3000, "a\0b"):
        with pytest.raises(InputError, match="no such method or file; allowed are full-load"):
            sides(folder, nobody)
    with pytest.raises(InputError, match="key base: value nobody: no such method or file"):
        sides(folder, "oviedo2026", "nobody")


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


def test_a_row_whose_key_changed_is_one_that_changed():
    before = {"model": ["a", "b"], "gpu": "H100", "tps": [1.0, 2.0], "note": "n"}
    after = {"model": ["a", "b"], "gpu": "H100", "tps": [1.0, 2.5], "note": "n"}
    assert told(before, after, ["model", "gpu", "tps"]) == [("changed", "b, H100: tps 2 -> 2.5")]
    tables = ({"t": pd.DataFrame(table)} for table in (before, after))
    (line,) = changed_rows(*tables, {"t": ["model", "gpu", "tps"]})
    assert line["brief"] == "b: tps 2 -> 2.5"


def test_a_table_that_changed_everywhere_says_how_many_rows_more():
    before = {"k": list(range(20)), "v": [1.0] * 20}
    lines = told(before, before | {"v": [2.0] * 20})
    assert len(lines) == MOST_ROWS + 1
    assert lines[-1] == ("more", f"{20 - MOST_ROWS} more; git diff t shows them")


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
