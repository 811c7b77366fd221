"""A method against its tables: what matches nothing and what cannot be is told."""

from dataclasses import replace

import pandas as pd
import pytest
from inference_energy.method.files import merge
from inference_energy.method.materials import tables_of
from inference_energy.method.plausible import Tables, held_against
from repository import METHODS, read


@pytest.fixture(scope="module")
def known():
    """What the project knows of models, GPUs and sources."""
    return Tables(*(read(f"data/{name}.csv", name) for name in ("models", "gpus", "sources")))


def rows_of(method):
    tables = [read(path, "throughput") for path in tables_of(method)]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def paper():
    return METHODS["oviedo2026"]


@pytest.fixture(scope="module")
def rows(paper):
    return rows_of(paper)


@pytest.mark.parametrize("name", METHODS)
def test_the_projects_methods_are_plausible_without_a_warning(name, known):
    assert held_against(METHODS[name], rows_of(METHODS[name]), known) == ([], [])


def swapped(rows):
    names = {"input_tokens": "output_tokens", "output_tokens": "input_tokens"}
    return rows.rename(columns=names)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.assign(throughput_tps=1000 * rows["throughput_tps"]), "datasheets"),
        (lambda rows: rows.assign(throughput_tps=1e-300), "one request alone"),
        (swapped, "datasheets"),
    ],
)
def test_throughput_that_no_gpu_gives_is_refused(paper, rows, known, change, words):
    problems, _ = held_against(paper, change(rows), known)
    assert problems
    assert all(words in p or "more rows like these" in p for p in problems)
    bound = {"datasheets": "allowed is at most 2; ", "one request alone": "at least 0.001; "}
    assert bound[words] in problems[0]
    first = problems[0]
    assert "oviedo.csv: Llama 3.1 405B on 8 x H100-SXM-80GB" in first
    assert "throughput_tps" in first


def test_throughput_near_the_bound_is_let_pass_with_a_warning(paper, rows, known):
    fast = rows.assign(throughput_tps=4 * rows["throughput_tps"])
    problems, warnings = held_against(paper, fast, known)
    assert problems == []
    assert warnings
    assert all(": unusual; 1." in w or "more rows like these" in w for w in warnings)


@pytest.mark.parametrize(("tokens", "refused"), [(5e6, True), (1.2e6, False)])
def test_requests_that_no_node_holds_are_told(paper, rows, known, tokens, refused):
    long = rows.copy()
    first = rows.index[rows["model"] == "Llama 3.1 405B"][1]
    long.loc[first, "output_tokens"] = tokens
    untold = replace(known, models=known.models.assign(context_tokens=pd.NA))
    told = held_against(paper, long, untold)
    (sentence,) = told[0] + told[1]
    assert bool(told[0]) is refused
    assert "times the tokens of a request for whose cache the GPUs have room" in sentence


@pytest.mark.parametrize(("tokens", "refused"), [(4 * 131072, True), (4 * 131072 - 50, False)])
def test_requests_beyond_the_context_of_the_model_are_told(paper, rows, known, tokens, refused):
    long = rows.copy()
    first = rows.index[rows["model"] == "Llama 3.1 405B"][1]
    long.loc[first, ["output_tokens", "input_tokens"]] = tokens, 50
    told = held_against(paper, long, known)
    (sentence,) = [s for s in told[0] + told[1] if "context" in s]
    assert (sentence in told[0]) is refused
    assert "4 times the longest context of the model" in sentence
    assert ("allowed is at most 4; compare" in sentence) is refused


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (60000, None),
        (70000, "unusual; input and median output are 1.07 times the longest context of Mixtral"),
        (262144, "are 4 times the longest context of Mixtral 8x22B, 65536 tokens (context_tokens"),
        (1e6, "; allowed is at most 4 times; shorten them, or leave the model out of"),
    ],
)
def test_queries_beyond_the_context_of_a_model_are_told(paper, rows, known, tokens, words):
    asked = merge(paper, {"regimes": {"traditional": {"input_tokens": {"value": tokens}}}})
    problems, warnings = held_against(asked, rows, known)
    if words is None:
        assert problems == warnings == []
        return
    (told,) = problems + warnings
    assert f"oviedo2026.yaml: key regimes.traditional.input_tokens: value {tokens:g}: " in told
    assert words in told
    assert bool(problems) is ("unusual" not in words)
    untold = replace(known, models=known.models.assign(context_tokens=pd.NA))
    assert held_against(asked, rows, untold) == ([], [])


def test_throughput_stated_in_thousands_of_tokens_is_a_warning(paper, rows, known):
    thousands = rows.copy()
    fastest = rows.loc[rows["model"] == "Llama 3.1 405B", "throughput_tps"].idxmax()
    thousands.loc[fastest, "throughput_tps"] /= 1000
    problems, (warning,) = held_against(paper, thousands, known)
    assert problems == []
    assert "throughput_tps 4.57223: unusual; 0.0692 of what one request alone gets" in warning


@pytest.mark.parametrize(
    ("column", "usual", "other"),
    [
        ("model", "Llama 3.1 405B", "llama 3.1 405b"),
        ("model", "Llama 3.1 405B", "Llama-3.1-405B"),
        ("model", "Llama 3.1 405B", "Llama\u0301 3.1 405B"),
        ("model", "Llama 3.1 405B", "meta-llama/Llama-3.1-405B"),
        ("model", "Llama 3.1 405B", "Llama 3,1 405B"),
        ("model", "Llama 3.1 405B", "LIama 3.1 405B"),
        ("model", "Llama 3.1 405B", "Llama 3.l 4O5B"),
        ("gpu", "H100-SXM-80GB", "H100 SXM 80GB"),
        ("source_id", "trtllm-0.19", "TRTLLM-0.19"),
    ],
)
def test_a_name_in_a_second_spelling_is_refused(paper, rows, known, column, usual, other):
    apart = rows.copy()
    apart.loc[rows.index[rows[column] == usual][0], column] = other
    (problem,), _ = held_against(paper, apart, known)
    assert f"oviedo.csv: column {column}: value {other}: {usual} in another spelling" in problem


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("Llama 3.1 405B", "Llama 3.1 405B Instruct"),
        ("Llama 3.1 405B", "meta-llama/Meta-Llama-3.1-405B-FP8"),
        ("DeepSeek-R1", "dsr1"),
        ("house 9B", "house 9B-it"),
    ],
)
def test_two_names_of_one_model_are_a_warning(paper, rows, known, usual, other):
    house = {"Mixtral 8x22B": "house 9B"} if usual == "house 9B" else {}
    apart = rows.replace({"model": house})
    apart.loc[apart.index[apart["model"] == usual][0], "model"] = other
    problems, warnings = held_against(paper, apart, known)
    assert [p for p in problems if "spelling" in p] == []
    (warning,) = [w for w in warnings if "count as those of two models" in w]
    assert f"column model: values {usual} and {other}: unusual; " in warning


@pytest.mark.parametrize(
    ("usual", "other", "nearest"),
    [
        ("Llama 3.1 405B", "Llama 3.1 450B", "Llama 3.1 405B"),
        ("Llama 3.1 70B", "Llama 3.1 70BB", "Llama 3.1 70B"),
        ("Mixtral 8x22B", "our models 9C", "our models 9B"),
    ],
)
def test_a_name_of_no_known_model_that_is_near_another_is_a_warning(
    paper, rows, known, usual, other, nearest
):
    apart = rows.replace({"model": {"Mixtral 8x22B": "our models 9B"}})
    apart.loc[rows.index[rows["model"] == usual][1], "model"] = other
    problems, warnings = held_against(paper, apart, known)
    assert problems == []
    (warning,) = [told for told in warnings if "did you mean" in told]
    assert f"oviedo.csv: column model: value {other}: unusual; " in warning
    assert warning.endswith(f"; did you mean {nearest}?")


def test_names_that_differ_in_a_number_are_two(paper, rows, known):
    other = rows.replace({"model": {"Mixtral 8x22B": "Llama 31 405B"}})
    problems, _ = held_against(paper, other, known)
    assert not [p for p in problems if "spelling" in p]


def test_what_the_tables_do_not_describe_is_a_warning(paper, rows, known):
    own = rows.assign(
        gpu="Z900",
        throughput_tps=1e12,
        params_total_b=None,
        model="House model of " + rows["model"],
    )
    method = merge(paper, {"node_power": {"models": {}}})
    problems, warnings = held_against(method | {"node_power": method["node_power"]}, own, known)
    assert [p for p in problems if "node_power.models" not in p] == []
    assert [w for w in warnings if "data/gpus.csv lacks Z900" in w]
    assert [w for w in warnings if "data/models.csv lacks House model" in w]


@pytest.mark.parametrize(
    ("section", "stated", "words"),
    [
        ("node_power", {"models": {"DeepSeek-R2": None}}, ["value DeepSeek-R2", "DeepSeek-R1?"]),
        ("node_power", {"models": {"dsr1": None}}, ["value dsr1", "did you mean DeepSeek-R1?"]),
        ("benchmarks", {"exclude_sources": ["mlenergy-v9"]}, ["mlenergy-v9", "did you mean"]),
        ("benchmarks", {"models": ["Llama 3.1 70B", "Lama 3.1 405B"]}, ["Lama", "Llama 3.1 405B?"]),
        ("benchmarks", {"gpus": ["H100-SXM-80GB", "H100"]}, ["value H100:", "column gpu"]),
        ("benchmarks", {"sources": ["nowhere"]}, ["value nowhere", "column source_id"]),
    ],
)
def test_a_name_that_matches_nothing_is_refused_with_the_nearest(
    paper, rows, known, section, stated, words
):
    power = paper["node_power"]["default"]
    if section == "node_power":
        stated = {"models": dict.fromkeys(stated["models"], power)}
    method = paper | {section: paper[section] | stated}
    problems, _ = held_against(method, rows, known)
    (problem,) = [p for p in problems if f"key {section}." in p]
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("section", "stated"),
    [("node_power", "Qwen3 8B"), ("benchmarks", "google-2025")],
)
def test_a_known_name_that_changes_nothing_is_a_warning(paper, rows, known, section, stated):
    change = {
        "node_power": {"models": {stated: paper["node_power"]["default"]}},
        "benchmarks": {"exclude_sources": [stated]},
    }[section]
    method = paper | {section: paper[section] | change}
    problems, warnings = held_against(method, rows, known)
    assert problems == []
    (warning,) = warnings
    assert f"value {stated}: unusual; no row of" in warning


@pytest.mark.parametrize("name", ["dsr1", "deepseek-r1"])
def test_another_name_beside_the_models_own_entry_is_refused(paper, rows, known, name):
    power = {name: paper["node_power"]["default"]}
    assert "DeepSeek-R1" in paper["node_power"]["models"]
    problems, _ = held_against(merge(paper, {"node_power": {"models": power}}), rows, known)
    (problem,) = [told for told in problems if f"value {name}" in told]
    assert "did you mean DeepSeek-R1?" in problem


def test_the_usual_name_of_a_model_may_stand_beside_that_of_the_rows(paper, rows, known):
    other = rows.assign(model=rows["model"].replace("DeepSeek-R1", "dsr1"))
    power = {"dsr1": paper["node_power"]["default"]}
    blend = {"benchmarks": {"models": ["dsr1", "Llama 3.1 405B"]}}
    method = merge(paper, {"node_power": {"models": power}} | blend)
    problems, (warning,) = held_against(method, other, known)
    assert problems == []
    assert "value DeepSeek-R1: unusual; no row of" in warning


@pytest.mark.parametrize(
    ("kilowatts", "refused", "unusual"),
    [(102.0, True, False), (0.5, True, False), (20.0, False, True), (3.0, False, True)],
)
def test_node_power_is_held_against_its_gpus(paper, rows, known, kilowatts, refused, unusual):
    power = {"value": kilowatts, "unit": "kW", "source": "bill"}
    method = paper | {"node_power": {"default": power}}
    problems, warnings = held_against(method, rows, known)
    assert bool(problems) is refused
    assert bool(warnings) is unusual
    for sentence in problems + warnings:
        assert f"key node_power: value {kilowatts:g} kW" in sentence
        assert "kW (data/gpus.csv)" in sentence
