"""Names that are held against the tables that define them."""

import os
import sys
from copy import deepcopy

import pytest
from inference_energy import project
from inference_energy.documents import read_schema
from inference_energy.method.materials import tables_of
from inference_energy.names import column_of, name_problems
from processes import run
from repository import METHODS, ROOT, read, read_yaml

DOCUMENTS = ("findings", "evidence", "scaling", "footprint", "scenarios")


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_names_of_the_project_are_there(name):
    assert name_problems(read_yaml(f"config/{name}.yaml"), read_schema(name), name) == []


def misspelt(name, *steps):
    """The one problem of a document of which a name is misspelt."""
    content = read_yaml(f"config/{name}.yaml")
    part = content
    for step in steps[:-1]:
        part = part[step]
    part[steps[-1]] = part[steps[-1]][:-2] + part[steps[-1]][-1]
    (problem,) = name_problems(content, read_schema(name), f"config/{name}.yaml")
    return problem


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        (("findings", 1, "claims", 0), "p25-traditional"),
        (("evidence", "production", "like"), "H100-SXM-80GB"),
        (("evidence", "production", "model"), "DeepSeek-V3"),
        (("evidence", "production", "sources", 0), "deepseek-2025-day"),
        (("scaling", "counter_signal", "estimate"), "erdos_0.6_6.3kWh"),
        (("scaling", "counter_signal", "panels", 0), "oviedo2026"),
        (("footprint", "on_site_water", "range", 0), "aws-wue-2025"),
        (("footprint", "checks", "google", "wue", "fact"), "google-wue-2024"),
        (("scenarios", "methods", 1), "revised"),
        (("scenarios", "grids", 0), "ember-norway-2023"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(place, meant):
    problem = misspelt(*place)
    assert f"key {'.'.join(map(str, place[1:]))}: value" in problem
    assert problem.endswith(f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("steps", "name", "meant"),
    [
        (("maximum_node_power",), "H20-SXM-141GB", "H200-SXM-141GB"),
        (("reasoning_tokens", "models"), "DepSeek-R1", "DeepSeek-R1"),
    ],
)
def test_a_misspelt_key_that_is_a_name_is_refused_with_the_nearest(steps, name, meant):
    content = read_yaml("config/evidence.yaml")
    part = content
    for step in steps:
        part = part[step]
    part[name] = part.pop(meant)
    (problem,) = name_problems(content, read_schema("evidence"), "config/evidence.yaml")
    assert f"key {'.'.join(steps)}.{name}: value {name}: no such name" in problem
    assert problem.endswith(f"did you mean {meant}?")


def renamed(method, path, name):
    """Problems of the names of a method of which one has another name."""
    method, schema = deepcopy(METHODS[method]), read_schema("method")
    *steps, last = path.split(".")
    part = method
    for step in steps:
        part = part.setdefault(step, {})
    part[last] = name
    return name_problems(method, schema, "config/methods/mine.yaml", tables_of(method))


@pytest.mark.parametrize(
    ("method", "path", "name", "meant"),
    [
        ("revised", "benchmarks.models", ["Kimi K2.5", "Deepseek-R1"], "DeepSeek-R1"),
        ("full-load", "benchmarks.gpus", ["H100-SXM-80G"], "H100-SXM-80GB"),
        ("full-load", "benchmarks.exclude_sources", ["mlenergy-v22"], "mlenergy-v2"),
        ("oviedo2026", "benchmarks.sources", ["llama-nemotron-fig5"], "llama-nemotron-fig4"),
        ("oviedo2026", "node_power.models.Deepseek-R1", {}, "DeepSeek-R1"),
        ("revised", "serving.nodes.kinds.B20 FP4", 1, "B200"),
        ("revised", "serving.engines.kinds.vLMM", 1, "vLLM"),
        ("revised", "regimes.long.output_tokens.trace", "azure-2023-con", "azure-2023-conv"),
    ],
)
def test_a_method_names_what_its_tables_have(method, path, name, meant):
    (problem,) = renamed(method, path, name)
    assert f"key {path}" in problem and "no such name; allowed are the " in problem
    assert problem.endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_of_the_project_name_what_is_there(method):
    assert renamed(method, "id", method) == []


def test_a_model_may_go_by_another_name_and_be_in_none_of_the_tables():
    aliases = read("data/models.csv", "models")["aliases"].dropna()
    other = aliases.iloc[0].split("; ")[-1]
    assert renamed("oviedo2026", "benchmarks.models", [other, "Kimi K2.5"]) == []


def test_only_what_may_stand_for_several_is_a_pattern():
    (problem,) = renamed("full-load", "benchmarks.gpus", ["H*"])
    assert "value H*: no such name" in problem


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ("config/methods", "the files of config/methods"),
        ("data/models.csv#model", "the models of data/models.csv"),
        (
            ["#gpu", "data/models.csv#aliases"],
            "the gpus of its throughput tables and the aliases of data/models.csv",
        ),
    ],
)
def test_what_is_allowed_is_named_in_words(names, allowed):
    schema = {"additionalProperties": {"items": {"x-names": names}}}
    stated = "none of them at all"
    assert name_problems({"any": [stated]}, schema, "f.yaml") == [
        f"f.yaml: key any.0: value {stated}: no such name; allowed are {allowed}; correct it"
    ]


def test_names_of_a_table_that_has_changed_are_read_again(tmp_path):
    """It may be as long as before, or of the same moment, where a clock is coarse."""
    table = tmp_path / "rows.csv"
    for text, moment, names in (
        ("gpu\nH100\n", 1, ["H100"]),
        ("gpu\nH200\n", 2, ["H200"]),
        ("gpu\nH200-SXM\n", 2, ["H200-SXM"]),
    ):
        table.write_text(text)
        os.utime(table, (moment, moment))
        assert column_of(str(table), "gpu") == names


def test_a_line_end_within_a_cell_is_part_of_the_name(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_bytes(b'gpu\r\n"H100\r\nSXM"\r\n')
    assert column_of(str(table), "gpu") == ["H100\r\nSXM"]


def test_what_cannot_be_read_is_told_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    schema = {"properties": {"gpu": {"x-names": "data/gpus.csv#gpu"}}}
    assert name_problems({"gpu": "X"}, schema, "f.yaml") == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data/gpus.csv").write_bytes(b"other\n\xff\n")
    assert name_problems({"gpu": "X"}, schema, "f.yaml") == []
    # empty, cut in a row, a cell too many, quotes that are not closed
    unclosed = ('a,gpu\n"1,H100\n2,X\n', 'gpu\nH100\n"H200\n')
    for text in ("", "\ufeff", "a,gpu\n1,H100\nx\n", "gpu\nH100,1\n", *unclosed):
        (tmp_path / "data/gpus.csv").write_text(text)
        assert name_problems({"gpu": "X"}, schema, "f.yaml") == []
    (tmp_path / "data/gpus.csv").write_text("gpu\nH100\n")
    (problem,) = name_problems({"gpu": "H10"}, schema, "f.yaml")
    assert problem == (
        "f.yaml: key gpu: value H10: no such name; allowed are the gpus of data/gpus.csv; correct"
        " it; did you mean H100?"
    )


ASKED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from inference_energy.names import column_of
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
print(column_of(sys.argv[2], "model"))
"""


@pytest.mark.parametrize("endless", ["/dev/zero", "/proc/self/pagemap", "/proc/kmsg", None])
def test_what_never_ends_has_no_names_and_is_not_waited_for(tmp_path, endless):
    """A method's table may be anything, a pipe too; what it is is told where it is read."""
    path = endless or tmp_path / "pipe"
    if not endless:
        os.mkfifo(path)
    asked = run([sys.executable, "-c", ASKED, ROOT / "workflow", path], timeout=60)
    assert (asked.stdout, asked.stderr) == ("None\n", "")
