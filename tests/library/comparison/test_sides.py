"""What a changed method is held against."""

import pandas as pd
import pytest
from inference_energy.comparison.sides import NOW, changed_rows, find_sides
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
    path = folder / "config/methods/oviedo2026.yaml"
    with edited(path, path.read_text().replace("p95: 1.6", "p95: 1.7")):
        base, head = sides(folder, "")
        assert (head.name, base.name[:23]) == ("oviedo2026", "oviedo2026 as committed")
        (folder / "config/methods/mine.yaml").write_text("extends: revised\n")
        with pytest.raises(InputError, match=r"changed .* are mine, oviedo2026; allowed are"):
            sides(folder, "")
    _, head = sides(folder, "")
    assert head.name == "mine"


def test_a_changed_table_is_kept_as_it_was_committed(folder):
    path = folder / TABLE
    before = path.read_bytes()
    with edited(path, before + b"\n"):
        base, head = sides(folder, "oviedo2026")
    assert base.files == {TABLE: before}
    assert base.method["data"] != head.method["data"]


def test_a_method_that_extends_none_and_has_not_changed_needs_a_base(folder):
    with pytest.raises(InputError, match="extends no method and has not changed"):
        sides(folder, "oviedo2026")
    with pytest.raises(InputError, match="key base: value nobody: no such method or file"):
        sides(folder, "oviedo2026", "nobody")


def test_rows_are_told_as_added_removed_or_changed():
    before = {"t": pd.DataFrame({"k": [1, 2, 3], "v": [1.0, 2.0, 3.0]})}
    after = {"t": pd.DataFrame({"k": [2, 3, 4], "v": [2.0, 9.0, 4.0]})}
    told = {line["row"]: line["change"] for line in changed_rows(before, after, {"t": ["k"]})}
    assert told == {"1, 1.0": "removed", "3, 9.0": "changed", "4, 4.0": "added"}
