"""A method against its tables: what matches nothing and what cannot be is told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.hardware import against_hardware, over_context
from inference_energy.laws.rows import usable_rows
from inference_energy.method import plausible
from inference_energy.method.files import merge
from inference_energy.method.materials import tables_of
from inference_energy.method.plausible import (
    KNOWN,
    Hardware,
    Tables,
    against_peers,
    held_against,
    unusual_rows,
)
from repository import METHODS, ROOT, materials, read


@pytest.fixture(scope="module")
def known():
    """What the project knows of models, GPUs, sources and nodes."""
    return Tables(*(read(f"data/{name}.csv", name) for name in KNOWN))


@pytest.fixture(scope="module")
def traces():
    """Quantiles of output tokens of each trace."""
    return materials([METHODS["revised"]])(METHODS["revised"])["traces"]


def rows_of(method):
    tables = [read(path, "throughput") for path in tables_of(method)]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def paper():
    return METHODS["oviedo2026"]


@pytest.fixture(scope="module")
def rows(paper):
    return rows_of(paper)


@pytest.fixture(scope="module")
def lengths():
    """Quantiles of input and output tokens of each trace."""
    return read("data/request_lengths.csv", "request_lengths")


@pytest.mark.parametrize("name", METHODS)
def test_the_projects_methods_are_plausible_without_a_warning(name, known, traces, lengths):
    told = held_against(METHODS[name], rows_of(METHODS[name]), known, traces, lengths)
    assert told == ([], [])


def test_several_of_a_chip_without_a_link_are_refused_and_one_is_not(paper, rows, known):
    gpus = known.gpus.assign(link_gb_s=np.nan)
    problems, _ = held_against(paper, rows, replace(known, gpus=gpus), None)
    told = [problem for problem in problems if "column link_gb_s: is empty" in problem]
    assert len(told) == usable_rows(rows, paper["benchmarks"])["gpu"].nunique()
    alone = rows.assign(tensor_parallel=1, pipeline_parallel=pd.NA)
    problems, _ = held_against(paper, alone, replace(known, gpus=gpus), None)
    assert not [problem for problem in problems if "link_gb_s" in problem]


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
    of_rows = [w for w in warnings if w not in told_together(warnings)]
    assert of_rows
    assert all(": unusual; 1." in w or "more rows like these" in w for w in of_rows)


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


@pytest.mark.parametrize(
    ("factor", "refused", "words"),
    [
        (1, False, None),
        (100, False, None),
        (500, False, "output_tokens: unusual; 0.34 of"),
        (
            1000,
            False,
            "output_tokens: unusual; 0.5 of the queries are longer with their input than",
        ),
        (1100, False, "output_tokens: value 141900: unusual; input and median output are 1.09"),
        (9000, True, "output_tokens: value 1.161e+06: input and median output are 8.87 times the"),
    ],
)
def test_queries_of_a_trace_are_held_against_the_context_too(known, traces, factor, refused, words):
    """A table of traces in another unit moved the headline up to 75,000-fold without a word."""
    method, changed = METHODS["revised"], {n: factor * np.array(q) for n, q in traces.items()}
    told = held_against(method, rows_of(method), known, changed)
    if words is None:
        assert told == ([], [])
        return
    (sentence,) = told[0] + told[1]
    assert bool(told[0]) is refused
    assert "revised.yaml: key regimes.traditional." + words in sentence
    assert "the longest context of" in sentence


def test_a_trace_with_input_and_output_exchanged_is_told(known, traces, lengths):
    """Exchanged headers moved the traditional query from 0.230 to 0.850 Wh without a word."""
    method, exchanged = METHODS["revised"], swapped(lengths)
    problems, (stated,) = held_against(method, rows_of(method), known, traces, exchanged)
    assert problems == []
    assert "revised.yaml: key regimes.traditional.input_tokens: value 1174: unusual; the mean" in (
        stated
    )
    assert "azure-2023-conv, whose answers the regime has, is 211.2 tokens in data/req" in stated
    assert "the mean of its output_tokens is 1174, so that input_tokens and output" in stated


@pytest.mark.parametrize(("asked", "is_told"), [(588, False), (2340, False), (580, True)])
def test_an_input_far_from_that_of_the_trace_is_told(known, traces, lengths, asked, is_told):
    method = METHODS["revised"]
    asked = merge(method, {"regimes": {"traditional": {"input_tokens": {"value": asked}}}})
    problems, told = held_against(asked, rows_of(method), known, traces, lengths)
    assert problems == []
    assert len(told) == is_told
    assert all("exchanged" not in sentence for sentence in told)


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
        throughput_tps=8e6,
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
    ("stated", "words"),
    [
        ({"precision": ["FP4"]}, ["key benchmarks.precision: value FP4: no row", "are FP16, FP8;"]),
        (
            {"precision": ["FP8", "INT4"]},
            ["precision: value INT4: no row of data/throughput/ovied"],
        ),
        (
            {"exclude_confidence": ["low"]},
            ["exclude_confidence: value low: no row", "confidence; allowed are high, medium;"],
        ),
        (
            {"exclude_confidence": ["high", "medium"]},
            [
                "benchmarks: precision FP8; exclude_confidence high, medium: together they leave",
                "whose rows have precision FP16, FP8; confidence high, medium; model ",
            ],
        ),
        (
            {"models": ["Llama 3.1 405B"], "precision": ["FP16"]},
            ["key benchmarks: precision FP16; models Llama 3.1 405B: together they leave no row"],
        ),
    ],
)
def test_a_choice_among_rows_that_matches_or_leaves_none_is_refused(
    paper, rows, known, stated, words
):
    changed = {"benchmarks": {**paper["benchmarks"], **stated}}
    problems, _ = held_against(paper | changed, rows, known)
    told = "\n".join(problems)
    assert [word for word in words if word not in told] == [], problems


def told_of_none(paper, rows, known):
    """What is said of choices that leave no row of a table."""
    changed = {"benchmarks": {**paper["benchmarks"], "exclude_confidence": ["high", "medium"]}}
    problems, _ = held_against(paper | changed, rows, known)
    (problem,) = [told for told in problems if "key benchmarks: " in told]
    return problem


def test_what_is_said_of_choices_that_leave_no_row_in_full(paper, rows, known):
    one = rows[rows["model"] == "Llama 3.1 405B"].iloc[:1]
    assert told_of_none(paper, one, known) == (
        "config/methods/oviedo2026.yaml: key benchmarks: precision FP8; exclude_confidence high,"
        " medium: together they leave no row with both lengths of data/throughput/oviedo.csv, whose"
        " rows have precision FP16; confidence medium; model Llama 3.1 405B; gpu H100-SXM-80GB;"
        " source_id mlenergy-v2; allowed is what leaves one; take a choice out, or name another"
        " table"
    )


@pytest.mark.parametrize(("names", "listed"), [(8, "model 07;"), (9, "model 07 and 1 more;")])
def test_of_very_many_names_the_first_are_listed(paper, rows, known, names, listed):
    many = [rows.assign(model=f"model {n:02d}") for n in range(names)]
    problem = told_of_none(paper, pd.concat(many, ignore_index=True), known)
    assert f"model 06, {listed}" in problem


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


WHERE = "config/methods/oviedo2026.yaml: key benchmarks.table: data/throughput/oviedo.csv: "

FAST = (
    "times what the datasheets of its GPUs allow for the matrix products of input and output",
    "compare the columns input_tokens, output_tokens and throughput_tps with their source; of a"
    " cached input state what was computed",
)

SLOW = (
    "of what one request alone gets, for which the GPUs read every weight for every token",
    "compare the column throughput_tps with its source; it is that of all requests together",
)

LENGTHS = (
    "compare the columns input_tokens and output_tokens with their source; they are of one request"
)


def at_power(method, kilowatts):
    stated = {"value": kilowatts, "unit": "kW", "source": "bill"}
    return method | {"node_power": {"default": stated}}


def test_what_is_said_of_names_in_full(paper, rows, known):
    first = {name: rows.index[rows["model"] == name][0] for name in set(rows["model"])}
    apart = rows.copy()
    apart.loc[first["Llama 3.1 405B"], "model"] = "llama 3.1 405b"
    apart.loc[first["DeepSeek-R1"], "model"] = "dsr1"
    assert held_against(paper, apart, known) == (
        [
            f"{WHERE}column model: value llama 3.1 405b: Llama 3.1 405B in another spelling, so"
            " that its rows would count apart; allowed is one spelling; write it as the other rows"
            " do"
        ],
        [
            f"{WHERE}column model: values DeepSeek-R1 and dsr1: unusual; are names of one model,"
            " whose rows count as those of two models"
        ],
    )


@pytest.mark.parametrize(
    ("factor", "first", "reason"),
    [
        (1000, "throughput_tps 3.7324e+06: 383 {}; allowed is at most 2; {}", FAST),
        (4, "throughput_tps 14929.6: unusual; 1.53 {}", FAST),
        (1e-6, "throughput_tps 0.0037324: 5.65e-05 {}; allowed is at least 0.001; {}", SLOW),
        (2e-4, "throughput_tps 0.74648: unusual; 0.0113 {}", SLOW),
    ],
)
def test_what_is_said_of_a_throughput_in_full(paper, rows, known, factor, first, reason):
    places = rows.index[rows["model"].eq("Llama 3.1 405B") & rows["input_tokens"].notna()]
    scaled = rows.copy()
    scaled.loc[places, "throughput_tps"] *= factor
    told = held_against(paper, scaled, known)
    sentences = told["unusual" in first]
    assert sentences[0] == (
        f"{WHERE}Llama 3.1 405B on 8 x H100-SXM-80GB, 128/128 tokens: {first.format(*reason)}"
    )


SLIP = 100
"""A throughput typed with its point two digits off."""


def misread(rows, place, factor):
    """Rows of which one has another throughput."""
    wrong = rows.copy()
    wrong.loc[place, "throughput_tps"] *= factor
    return wrong


def told_apart(method, rows, known):
    problems, warnings = held_against(method, rows, known)
    assert problems == []
    return [warning for warning in warnings if "what its hardware should give" in warning]


def test_what_is_said_of_a_row_apart_from_its_peers_in_full(paper, rows, known):
    """The row of Llama 3.1 405B with the longest output, a hundred times too slow."""
    chosen = rows["model"].eq("Llama 3.1 405B") & rows["source_id"].eq("trtllm-0.19")
    wrong = misread(rows, rows.index[chosen & rows["throughput_tps"].eq(3661.85)][0], 1 / SLIP)
    problems, (warning,) = held_against(paper, wrong, known)
    assert problems == []
    assert warning == (
        f"{WHERE}Llama 3.1 405B on 8 x H100-SXM-80GB, 500/2000 tokens: throughput_tps 36.6185:"
        " unusual; 0.0103 times what its hardware should give, where the 6 other rows of Llama 3.1"
        " 405B on 8 x H100-SXM-80GB in FP8 have 0.672 to 1.22 times; usual is at most 10 times off"
        " the median; compare the columns throughput_tps, input_tokens, output_tokens and"
        " concurrency with trtllm-0.19, performance overview, table of Llama 3.1 405B,"
        " H100-SXM-80GB, FP8, TP8, 500/2000"
    )


def test_of_a_row_at_a_load_the_load_is_told_and_of_one_without_a_place_the_source(
    paper, rows, known
):
    place = rows.index[rows["source_id"].eq("llama-nemotron-fig4")][0]
    wrong = misread(rows, place, 1 / SLIP).assign(locator=None).astype(rows.dtypes)
    (warning,) = told_apart(paper, wrong, known)
    assert " on 8 x H100-SXM-80GB, 500/2000 tokens, 250 at once: throughput_tps 52: " in warning
    assert warning.endswith(" and concurrency with llama-nemotron-fig4")


def test_every_row_of_the_paper_is_told_where_it_is_two_digits_off(paper, rows, known):
    """Too fast it may be refused already, for no GPU gives it."""
    for place in usable_rows(rows, paper["benchmarks"]).index:
        for factor in (SLIP, 1 / SLIP):
            problems, warnings = held_against(paper, misread(rows, place, factor), known)
            (told,) = problems + warnings
            row = rows.loc[place]
            lengths = f"{row['input_tokens']:g}/{row['output_tokens']:g} tokens"
            assert f"{row['model']} on 8 x {row['gpu']}, {lengths}" in told, (told, factor)


@pytest.mark.parametrize("name", METHODS)
def test_rows_are_well_within_what_is_usual_and_two_digits_off_are_well_beyond(name, known):
    """No committed row is as far off as the bound by a factor of 1.8, nor is one with a slip."""
    used = usable_rows(rows_of(METHODS[name]), METHODS[name]["benchmarks"])
    found = against_peers(used, known)
    assert found["apart"].notna().all()
    farthest = np.exp(np.abs(np.log(found["apart"])).max())
    assert farthest < plausible.USUAL_APART / 1.8
    assert SLIP / farthest > 1.8 * plausible.USUAL_APART


SLOW_LOAD = (
    "config/methods/revised.yaml: key benchmarks.table: data/throughput/at_load.csv,"
    " data/throughput/trtllm.csv: DeepSeek-R1 on 4 x B200, 8192/1024 tokens, 4 at once:"
    " throughput_tps "
)
READ = (
    "tokens of each of 4 requests at once while the GPUs read the active weights from their memory,"
    " for at least 0.65 ms"
)

BY_ALL = (
    "tokens of each of 4 requests at once while the GPUs read the weights that so many use, experts"
    " taken at random, from their memory, for at least"
)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (25, [f"5265.5: unusual; 2.19 {BY_ALL} 1.66 ms"]),
        (30, [f"6318.6: unusual; 1.03 {READ}"]),
        (230, [f"48442.6: unusual; 7.88 {READ}"]),
        (
            240,
            [
                f"50548.8: 8.22 {READ}; allowed is at most 8, more than speculation gives; compare"
                " the columns throughput_tps, concurrency, precision and tensor_parallel with their"
                " source"
            ],
        ),
    ],
)
def test_a_slow_load_too_fast_is_told(known, factor, words):
    """Few requests leave a GPU's peak so far away that no bound of what it computes tells.

    What it reads does, by hand: 37e9 active weights of 0.5625 bytes from four GPUs of 8 TB/s; of
    four requests, each of which uses 8 of 256 experts, 94.6e9.
    """
    revised = METHODS["revised"]
    rows = rows_of(revised)
    used = usable_rows(rows, revised["benchmarks"])
    slow = used[used["model"].eq("DeepSeek-R1") & used["concurrency"].eq(4)]
    fast = misread(rows, slow["throughput_tps"].idxmin(), factor)
    problems, warnings = held_against(revised, fast, known)
    (told,) = problems + warnings
    assert bool(problems) is (factor == 240)
    assert [word for word in words if word not in told] == []
    assert told.startswith(SLOW_LOAD + words[0])


def test_rows_without_a_concurrency_are_held_against_the_requests_that_fit(paper, rows, known):
    """By hand: what eight H100 hold beside the weights, twice, and read."""
    of = {"input_tokens": 60000.0, "output_tokens": 60000.0, "throughput_tps": 2000.0}
    unlimited = rows["concurrency"].isna() & rows["precision"].eq("FP8")
    wide = rows[rows["model"].eq("Llama 3.1 405B") & unlimited].iloc[:1].assign(**of)
    weights, memory = 405.85e9, 0.9 * 8 * 80 * 2**30
    at_once = 2 * (memory - weights) / 258048 / 90000
    ratio = 2000 * weights / (8 * 3.35e12) / at_once
    _, warnings = held_against(paper, wide, known)
    told = f"{ratio:.3g} tokens of each of {at_once:.6g} requests at once while the GPUs read the"
    assert sum(told in warning for warning in warnings) == 1


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        # one row on its GPUs, two of the model elsewhere
        ({"model": "DeepSeek-R1", "gpu": "H100-SXM-80GB"}, "the 2 other rows of DeepSeek-R1 have"),
        # two rows of a model, of which either may be wrong
        (
            {"model": "Llama-3.1 Nemotron Ultra 253B", "input_tokens": 500.0},
            "the 21 other rows of all models known as well have",
        ),
    ],
)
def test_a_row_with_few_peers_is_held_against_more_distant_ones(paper, rows, known, chosen, words):
    (place,) = rows.index[(rows[list(chosen)] == pd.Series(chosen)).all(axis=1)]
    (warning,) = told_apart(paper, misread(rows, place, 1 / SLIP), known)
    assert words in warning


def test_rows_on_another_number_of_gpus_are_the_next_nearest(known):
    full = METHODS["full-load"]
    rows = rows_of(full)
    own = {"model": "Llama 3.1 70B", "gpu": "H100-SXM-80GB", "tensor_parallel": 2}
    alike = rows.index[(rows[list(own)] == pd.Series(own)).all(axis=1)]
    few = misread(rows.drop(alike[2:]), alike[0], 1 / SLIP)
    (warning,) = told_apart(full, few, known)
    assert "other rows of Llama 3.1 70B on H100-SXM-80GB in FP8 have" in warning


def test_two_slips_of_five_rows_do_not_hide_each_other(paper, rows, known):
    own = rows[rows["model"].eq("Llama 3.1 70B")]
    wrong = misread(misread(own, own.index[0], 1 / SLIP), own.index[4], 1 / SLIP)
    method = merge(at_power(paper, 10.2), {"benchmarks": {"models": ["Llama 3.1 70B"]}})
    told = told_apart(method, wrong, known)
    assert ["128/128 tokens" in told[0], "500/2000 tokens" in told[1], len(told)] == [1, 1, 2]


def test_of_two_rows_neither_is_told(paper, rows, known):
    own = rows[rows["model"].eq("Llama 3.1 70B")][:2]
    method = at_power(paper, 10.2)
    assert told_apart(method, misread(own, own.index[0], 1 / SLIP), known) == []
    assert against_peers(own, known)["apart"].isna().all()


def test_rows_of_an_unknown_model_are_held_against_their_own_alone(paper, rows, known):
    """What its hardware should give is not known, but rows of one model err alike."""
    others = {"Llama 3.1 70B": "Zorro", "Llama-3.1 Nemotron Ultra 253B": "Quux"}
    own = rows.replace({"model": others}).assign(params_total_b=None)
    own.loc[own["model"].isin(["Zorro", "Quux"]), "throughput_tps"] *= 30
    method = at_power(paper, 10.2)
    assert told_apart(method, own, known) == []
    place = own.index[own["model"] == "Zorro"][0]
    (warning,) = told_apart(method, misread(own, place, 1 / SLIP), known)
    assert "the 4 other rows of Zorro on 8 x H100-SXM-80GB in FP8 have" in warning


def test_rows_on_an_unknown_gpu_are_held_against_others_on_it_alone(paper, rows, known):
    """What a GPU gives that the table lacks is a guess: others are not held against it, nor it."""
    first = usable_rows(rows, paper["benchmarks"]).groupby("model").head(1).index
    own = rows.copy()
    own.loc[first, "gpu"] = "Z900"
    own.loc[first, "throughput_tps"] *= 30
    assert told_apart(paper, own, known) == []
    (warning,) = told_apart(paper, misread(own, first[0], 1 / SLIP), known)
    assert "the 4 other rows of all models known as well have" in warning


def scaled(rows, factor, **own):
    """Rows of which those with what is given have another throughput."""
    wrong = rows.copy()
    chosen = (rows[list(own)] == pd.Series(own, dtype=object)).all(axis=1)
    wrong.loc[chosen, "throughput_tps"] *= factor
    return wrong


def told_together(sentences):
    return [sentence for sentence in sentences if "in the median" in sentence]


@pytest.mark.parametrize("name", METHODS)
def test_a_whole_table_of_one_gpu_or_of_more_nodes_is_told(name, known):
    """Throughput divided by the eight GPUs of a node passed where every row of a model had it."""
    rows = rows_of(METHODS[name])
    of_a_gpu, of_more = (rows.assign(throughput_tps=x * rows["throughput_tps"]) for x in (1 / 8, 8))
    problems, warnings = held_against(METHODS[name], of_a_gpu, known)
    assert problems == []
    own = usable_rows(of_a_gpu, METHODS[name]["benchmarks"])
    assert len(told_together(warnings)) == len(told_together(unusual_rows(own, known, "mine"))) > 0
    problems, warnings = held_against(METHODS[name], of_more, known)
    assert problems or told_together(warnings)


def test_rows_of_one_model_that_are_off_alike_are_told(paper, rows, known):
    """By hand: seven rows of Llama 3.1 405B, whose median is beside that of the hardware."""
    own = {"model": "Llama 3.1 405B", "gpu": "H100-SXM-80GB"}
    slow = scaled(rows, 1 / 6, **own)
    (warning,) = told_together(held_against(paper, slow, known)[1])
    used = usable_rows(slow, paper["benchmarks"])
    share = against_peers(used, known)["share"][used["model"].eq(own["model"])]
    assert warning == (
        "config/methods/oviedo2026.yaml: key benchmarks.table: data/throughput/oviedo.csv:"
        f" Llama 3.1 405B on H100-SXM-80GB: unusual; throughput_tps of its {len(share)} rows is in"
        f" the median {np.exp(np.log(share).median()):.3g} times what such hardware gives; usual"
        " is 0.2 to 5 times; it is that of all GPUs of a copy of the model, in output tokens per"
        " second: compare its unit, its GPUs and its model with trtllm-0.19, llama-nemotron-fig4"
    )


def test_of_all_models_less_is_usual_than_of_one(paper, rows, known):
    """A quarter or four times of every row is within what is usual of one model."""
    for factor in (1 / 4, 4):
        wrong = rows.assign(throughput_tps=factor * rows["throughput_tps"])
        warning = told_together(unusual_rows(wrong, known, "mine.csv"))[-1]
        assert warning.startswith("mine.csv: all 6 models and GPUs: unusual; throughput_tps is in")
        assert "times what such hardware gives; usual is 0.333 to 3 times" in warning
        two = wrong[wrong["model"].isin(["Llama 3.1 405B", "Mixtral 8x22B"])]
        assert told_together(unusual_rows(two, known, "mine.csv")) == []


def test_medians_of_all_committed_tables_are_within_what_is_usual(known):
    """The ranges that USUAL_MEDIAN and USUAL_MEDIAN_OF_ALL state, whichever kinds are chosen."""
    shares = []
    for path in sorted((ROOT / "data/throughput").glob("*.csv")):
        rows = read(path, "throughput").dropna(subset=["input_tokens", "output_tokens"])
        share = against_peers(rows, known)["share"]
        shares.append(np.exp(np.log(share).groupby([rows["model"], rows["gpu"]]).median()))
    medians = np.sort(pd.concat(shares).to_numpy())
    assert [f"{share:.2g}" for share in medians[[0, -1]]] == ["0.25", "2.5"]
    assert 1.9 * medians[-1] < plausible.USUAL_MEDIAN
    assert medians[0] / 1.2 > 1 / plausible.USUAL_MEDIAN
    few = plausible.LEAST_PEERS
    assert [f"{np.median(part):.2g}" for part in (medians[:few], medians[-few:])] == ["0.68", "2.2"]
    assert np.median(medians[-few:]) < plausible.USUAL_MEDIAN_OF_ALL / 1.3
    assert np.median(medians[:few]) > 2 / plausible.USUAL_MEDIAN_OF_ALL


def test_rows_whose_hardware_is_a_guess_are_not_held_against_it_together(paper, rows, known):
    wrong = rows.assign(model="Zorro", params_total_b=None)
    wrong["throughput_tps"] /= 8
    assert told_together(held_against(at_power(paper, 10.2), wrong, known)[1]) == []


def test_a_row_that_no_gpu_gives_is_not_told_again(paper, rows, known):
    place = rows.index[rows["model"].eq("Llama 3.1 70B")][0]
    problems, warnings = held_against(paper, misread(rows, place, 1000), known)
    assert [len(problems), warnings] == [1, []]


def test_three_rows_apart_are_told_and_the_others_counted(paper, rows, known):
    own = rows.copy()
    places = usable_rows(rows, paper["benchmarks"]).groupby("model").head(1).index[:4]
    own.loc[places, "throughput_tps"] /= SLIP
    told = held_against(paper, own, known)[1]
    assert sum("what its hardware should give" in warning for warning in told) == 3
    assert told[3:] == [f"{WHERE}1 more rows like these"]


def test_a_row_as_far_off_as_is_usual_is_no_warning(paper, rows, known, monkeypatch):
    found = against_peers(usable_rows(rows, paper["benchmarks"]), known)
    last = np.exp(np.abs(np.log(found["apart"])).max())
    monkeypatch.setattr(plausible, "USUAL_APART", last * (1 + 1e-9))
    assert told_apart(paper, rows, known) == []
    monkeypatch.setattr(plausible, "USUAL_APART", last * (1 - 1e-9))
    assert len(told_apart(paper, rows, known)) == 1


def test_a_table_of_which_no_method_chooses_rows_is_told_the_same(paper, rows, known):
    """The throughput laws read tables without a method, and told nothing of a row."""
    hardware = Hardware(known.models, known.gpus)
    assert unusual_rows(rows, hardware, "mine.csv") == []
    place = rows.index[rows["model"].eq("Llama 3.1 70B")][0]
    slow = misread(rows, place, 1 / SLIP).assign(line=range(2, len(rows) + 2))
    (told,) = told_apart(paper, slow, known)
    (warning,) = unusual_rows(slow, hardware, "mine.csv")
    line = slow.loc[place, "line"]
    assert warning.startswith(f"mine.csv, line {line}: Llama 3.1 70B on 8 x H100-SXM-80GB, ")
    assert warning.partition(": unusual")[2].startswith("; 0.0")
    assert f", line {line}: Llama 3.1 70B on 8 x H100-SXM-80GB, " in told
    assert unusual_rows(slow.assign(output_tokens=np.nan), hardware, "mine.csv") == []
    with pytest.raises(InputError) as refused:
        unusual_rows(misread(rows, place, 1000), hardware, "mine.csv")
    (problem,) = refused.value.problems
    assert problem.startswith("mine.csv: Llama 3.1 70B on ") and "allowed is at most" in problem


def test_the_table_that_laws_are_scored_on_has_nothing_unusual(known):
    table = read("data/throughput/trtllm.csv", "throughput")
    assert unusual_rows(table, known, "trtllm.csv") == []


@pytest.mark.parametrize(("count", "last"), [(3, None), (5, "2 more rows like these")])
def test_three_rows_are_told_and_the_others_counted(paper, rows, known, count, last):
    places = rows.index[rows["model"].eq("Llama 3.1 70B")][:count]
    scaled = rows.copy()
    scaled.loc[places, "throughput_tps"] *= 1000
    problems, _ = held_against(paper, scaled, known)
    assert sum("Llama 3.1 70B on 8" in problem for problem in problems) == 3
    assert problems[3:] == ([] if last is None else [WHERE + last])


def test_all_tables_of_a_method_are_named(paper, rows, known):
    tables = {"table": ["data/throughput/oviedo.csv", "data/throughput/more.csv"]}
    fast = rows.assign(throughput_tps=1000 * rows["throughput_tps"])
    problems, _ = held_against(paper | {"benchmarks": paper["benchmarks"] | tables}, fast, known)
    both = "data/throughput/oviedo.csv, data/throughput/more.csv"
    assert f"key benchmarks.table: {both}: Llama" in problems[0]


def test_what_is_said_of_lengths_in_full(paper, rows, known):
    first = rows.index[rows["model"] == "Llama 3.1 405B"][1]
    long = rows.copy()
    long.loc[first, "output_tokens"] = 5e6
    untold = replace(known, models=known.models.assign(context_tokens=pd.NA))
    told = [p for which in (untold, known) for p in held_against(paper, long, which)[0]]
    row = f"{WHERE}Llama 3.1 405B on 8 x H100-SXM-80GB, 128/5e+06 tokens: throughput_tps 3732.4:"
    assert told[0] == (
        f"{row} 6.07 times the tokens of a request for whose cache the GPUs have room beside the"
        f" weights; allowed is at most 2; {LENGTHS}"
    )
    assert told[-1] == (
        f"{row} 38.1 times the longest context of the model (context_tokens of data/models.csv);"
        f" allowed is at most 4; {LENGTHS}"
    )


CONTEXT = 65536
"""Longest context of Mixtral 8x22B, the shortest of the paper's models. [tokens]"""


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (CONTEXT - 1000, None),
        (
            4 * CONTEXT - 129,
            "value 262015: unusual; input and median output are 4 times the longest context of"
            " Mixtral 8x22B, 65536 tokens (context_tokens of data/models.csv)",
        ),
        (
            8 * CONTEXT - 129,
            "value 524159: input and median output are 8 times the longest context of Mixtral"
            " 8x22B, 65536 tokens (context_tokens of data/models.csv); allowed is at most 4 times;"
            " shorten them, or leave the model out of benchmarks.models",
        ),
    ],
)
def test_a_trace_counts_by_its_own_median_and_a_mode_not(paper, rows, known, traces, tokens, words):
    """Of 129 tokens; none has more than 1000."""
    trace = {"distribution": "empirical", "trace": "azure-2023-conv", "source": "trace"}
    asked = {"input_tokens": {"value": tokens}, "output_tokens": trace, "mode": {"median": 1e9}}
    own = paper | {"regimes": {"own": asked}}
    problems, warnings = held_against(own, rows, known, traces)
    where = "config/methods/oviedo2026.yaml: key regimes.own.input_tokens: "
    assert problems + warnings == ([] if words is None else [where + words])


def test_queries_of_a_trace_that_is_not_given_are_held_against_no_context(paper, rows, known):
    asked = {"input_tokens": {"value": 8 * CONTEXT}, "output_tokens": TRACE}
    told = held_against(paper | {"regimes": {"own": asked}}, rows, known)
    assert told == ([], [])


def test_a_trace_that_nobody_has_is_refused_by_name(paper, rows, known, traces):
    asked = {"input_tokens": {"value": 1}, "output_tokens": TRACE | {"trace": "ours"}}
    (problem,), _ = held_against(paper | {"regimes": {"own": asked}}, rows, known, traces)
    assert "oviedo2026.yaml: key regimes.own.output_tokens.trace: value ours: unknown" in problem


UNIFORM = {"distribution": "uniform", "shortest": 599998, "maximum": 600002}
HEAVY = {"distribution": "pareto", "median": 300, "exponent": 0.2, "maximum": 1e7}
TRACE = {"distribution": "empirical", "trace": "azure-2023-conv"}


@pytest.mark.parametrize(
    ("tokens", "median", "times"),
    [
        (UNIFORM, "600000", "9.16"),
        # of the bounded Pareto 4 % are so long: (L^-0.2 - 1e7^-0.2) / (300^-0.2 - 1e7^-0.2) / 2
        (HEAVY | {"minimum": 1_000_000}, "2.77292e+06", "42.3"),
        (TRACE | {"median": 600_000, "minimum": 5}, "600000", "9.16"),
    ],
)
def test_lengths_count_by_the_median_of_the_queries_that_occur(
    paper, rows, known, traces, tokens, median, times
):
    """No key states it of uniform lengths, or of those of which the shorter ones are left out."""
    asked = {"input_tokens": {"value": 500}, "output_tokens": tokens}
    problems, warnings = held_against(paper | {"regimes": {"own": asked}}, rows, known, traces)
    assert warnings == []
    assert problems == [
        f"config/methods/oviedo2026.yaml: key regimes.own.output_tokens: value {median}: input and"
        f" median output are {times} times the longest context of Mixtral 8x22B, 65536 tokens"
        " (context_tokens of data/models.csv); allowed is at most 4 times; shorten them, or leave"
        " the model out of benchmarks.models"
    ]


OF_ONE_NODE = "its GPUs' thermal design power is 5.6 kW (data/gpus.csv)"


@pytest.mark.parametrize(
    ("kilowatts", "words"),
    [
        (1.12, f"unusual; {OF_ONE_NODE}"),
        (1.1, f"{OF_ONE_NODE}; allowed is 0.2 to 6 times that; state the power of one node in kW"),
        (4.48, None),
        (16.8, None),
        (33.6, f"unusual; {OF_ONE_NODE}"),
        (34.0, f"{OF_ONE_NODE}; allowed is 0.2 to 6 times that; state the power of one node in kW"),
    ],
)
def test_what_is_said_of_a_node_power_in_full(paper, rows, known, kilowatts, words):
    of_one = rows[rows["model"].eq("Llama 3.1 405B")]
    told = held_against(at_power(paper, kilowatts), of_one, known)
    where = f"config/methods/oviedo2026.yaml: key node_power: value {kilowatts:g} kW for Llama 3.1"
    sentences = [] if words is None else [f"{where} 405B: {words}"]
    assert told == (([], sentences) if "unusual" in str(words) else (sentences, []))


def test_the_power_of_a_model_is_held_against_its_own_gpus(paper, rows, known):
    """Of all copies and nodes of its rows; of two kinds of GPU both ends are told."""
    rows = rows[rows["model"].eq("DeepSeek-R1")]
    many = rows.assign(attention_data_parallel=2, nodes=3).astype(rows.dtypes)
    power = {"value": 1000.0, "unit": "kW", "source": "bill"}
    method = paper | {"node_power": paper["node_power"] | {"models": {"DeepSeek-R1": power}}}
    for table, watts in ((rows, "5.6 to 11.2"), (many, "33.6")):
        (problem,), _ = held_against(method, table, known)
        assert f"value 1000 kW for DeepSeek-R1: its GPUs' thermal design power is {watts} kW" in (
            problem
        )
    # where the method says how many GPUs a node has, the power is that of so many
    law = {"throughput_law": {"name": "at-load", "gpus_per_node": 4}}
    (problem,), _ = held_against(method | law, rows, known)
    assert "thermal design power is 2.8 kW" in problem


def test_a_copy_on_more_gpus_than_the_largest_node_has_is_refused_unless_nodes_are_stated(
    paper, rows, known
):
    """80 GPUs of a copy, where ten times its attention was typed, passed without nodes."""
    own = rows[rows["model"].eq("Llama 3.1 70B")].iloc[:1]
    for gpus, nodes, is_refused in ((72, None, False), (80, None, True), (80, 10, False)):
        copies = own.assign(
            attention_data_parallel=gpus // own["tensor_parallel"],
            nodes=pd.array([nodes], "Int64"),
            throughput_tps=own["throughput_tps"] * gpus / own["tensor_parallel"],
        )
        problems, _ = held_against(paper, copies, known)
        told = [p for p in problems if "1.11 times the GPUs of the largest node or rack" in p]
        assert len(told) == is_refused, problems
        assert all("allowed are at most 72 on each of its nodes" in p for p in told)


def test_rows_of_an_unknown_model_are_refused_beyond_any_and_each_is_named(paper, rows, known):
    others = {"Llama 3.1 70B": "Zorro", "Mixtral 8x22B": "Quux"}
    own = rows[rows["model"].isin(others)].replace({"model": others})
    own = own.assign(params_total_b=None, throughput_tps=8e6)
    problems, warnings = held_against(at_power(paper, 10.2), own, known)
    assert problems == []
    assert warnings[-1] == (
        f"{WHERE}unusual; data/models.csv lacks Zorro, Quux, so that rows of it are held against"
        " the nearest known, and refused beyond 1000000 tokens/s per GPU alone"
    )
    assert warnings[0].startswith(f"{WHERE}Zorro on 8 x H100-SXM-80GB, ")
    problems, _ = held_against(at_power(paper, 10.2), own.assign(throughput_tps=8.1e6), known)
    assert problems[0].startswith(f"{WHERE}Zorro on 8 x H100-SXM-80GB, ")
    assert problems[0].endswith(
        "throughput_tps 8.1e+06: 45.6 times the tokens/s per GPU of the fastest of all measured"
        " runs, 22203 of GPT-OSS 20B on a B200; allowed is at most 45; correct throughput_tps or"
        " tensor_parallel, and add the model to data/models.csv, or the GPU to data/gpus.csv"
    )
    # rows that state the size of their model tell what it is
    sized = own.assign(params_total_b=70.0)
    problems, warnings = held_against(at_power(paper, 10.2), sized, known)
    assert problems
    assert not [w for w in warnings if "lacks" in w]


@pytest.mark.parametrize(("model", "told"), [("Zorro 0.5B", True), ("Qwen3 0.6B", False)])
def test_an_unknown_model_faster_than_any_measured_is_unusual(rows, known, model, told):
    """One of the table is held against its own size, one that is not may be any."""
    own = rows[rows["precision"].eq("FP8")][:1].assign(model=model, params_total_b=None)
    own = own.assign(tensor_parallel=1, input_tokens=10.0, output_tokens=100.0)
    for tokens, more in ((22_203.0, False), (22_204.0, told)):
        sentences = unusual_rows(own.assign(throughput_tps=tokens), known, "mine.csv")
        of_any = [s for s in sentences if "the fastest of all measured" in s]
        assert len(of_any) == more
        words = "unusual; 1 times the tokens/s per GPU of the fastest of all measured runs, 22203"
        assert all(sentence.endswith(f"{words} of GPT-OSS 20B on a B200") for sentence in of_any)


def test_an_alias_of_two_words_is_a_known_name(paper, rows, known):
    """Aliases are parted by semicolons."""
    models = known.models.copy()
    row = models.index[models["model"] == "Qwen3 8B"][0]
    models.loc[row, "aliases"] = "third one; qwen three small"
    power = {"default": paper["node_power"]["default"]}
    power["models"] = {"qwen three small": power["default"]}
    own = replace(known, models=models)
    problems, (warning,) = held_against(paper | {"node_power": power}, rows, own)
    assert problems == []
    assert warning == (
        "config/methods/oviedo2026.yaml: key node_power.models: value qwen three small: unusual;"
        " no row of data/throughput/oviedo.csv has it, so that it changes nothing"
    )
    # and what is near it is told
    slip = rows.replace({"model": {"Mixtral 8x22B": "qwen threee small"}})
    _, warnings = held_against(paper, slip, own)
    assert [w for w in warnings if w.endswith("did you mean qwen three small?")]


@pytest.mark.parametrize(
    ("name", "refused", "usual", "least"),
    [
        ("peak", "PEAK", "USUAL_PEAK", False),
        ("slow", "SLOWEST", "USUAL_SLOWEST", True),
        ("fast", "FASTEST", "USUAL_FASTEST", False),
        ("full", "FULLEST", "USUAL_FULLEST", False),
        ("long", "LONGEST", "USUAL_LONGEST", False),
    ],
)
def test_a_row_at_the_very_bound_is_allowed(
    paper, rows, known, monkeypatch, name, refused, usual, least
):
    """The bounds are what "at most" and "at least" say; a hair beyond is told."""
    used = usable_rows(rows, paper["benchmarks"])
    held = against_hardware(used, known.models, known.gpus)
    ratio = held.assign(long=over_context(used, known.models))[name]
    last = ratio.min() if least else ratio.max()
    for bound, place in ((usual, 1), (refused, 0)):
        monkeypatch.setattr(plausible, bound, last)
        assert held_against(paper, rows, known)[place] == []
        monkeypatch.setattr(plausible, bound, last * (1 + 1e-9 if least else 1 - 1e-9))
        assert len(held_against(paper, rows, known)[place]) > 0
        monkeypatch.undo()


def test_what_is_a_slip_of_a_known_model_is_told_however_many_rows_have_it(paper, rows, known):
    """Of names that nobody knows, that with more rows is taken for the right one."""
    slips = rows.replace({"model": {"Llama 3.1 405B": "Llama 3.1 450B"}})
    slips.loc[slips.index[slips["model"] == "Llama 3.1 450B"][0], "model"] = "Llama 3.1 405B"
    assert (slips["model"] == "Llama 3.1 450B").sum() > 1
    method = merge(paper, {"benchmarks": {"models": ["Llama 3.1 450B"]}})
    _, warnings = held_against(method, slips, known)
    (warning,) = [told for told in warnings if "did you mean" in told]
    assert warning.endswith("did you mean Llama 3.1 405B?")


def test_the_spelling_that_most_rows_have_is_the_one_that_may_be_meant(paper, rows, known):
    own = rows.replace({"model": {"Mixtral 8x22B": "our models 9B"}})
    first, second = own.index[own["model"] == "our models 9B"][:2]
    own.loc[first, "model"], own.loc[second, "model"] = "our models 9C", "Our-Models 9B"
    assert (own["model"] == "our models 9B").sum() > 1
    _, warnings = held_against(paper, own, known)
    told = [w.split("value ")[1] for w in warnings if "value our models 9C: unusual" in w]
    assert [w.rpartition("; ")[2] for w in told] == ["did you mean our models 9B?"]


def test_a_model_of_ones_own_is_no_slip_of_one_that_it_is_little_like(paper, rows, known):
    """More than one letter of ten is another."""
    own = rows.replace({"model": {"Mixtral 8x22B": "Mistral house model 22B"}})
    method = merge(paper, {"node_power": {"models": {}}})
    assert not [w for w in held_against(method, own, known)[1] if "did you mean" in w]


def test_rows_that_do_not_say_how_many_nodes_they_are_of_are_of_one(paper, rows, known):
    of_one = rows[rows["model"].eq("Llama 3.1 405B")].assign(nodes=pd.NA).astype(rows.dtypes)
    (problem,), _ = held_against(at_power(paper, 34.0), of_one, known)
    assert f"for Llama 3.1 405B: {OF_ONE_NODE}; allowed" in problem


def larger(known, model, **changed):
    """What is known, but for some numbers of one model."""
    models = known.models.copy()
    models.loc[models["model"] == model, list(changed)] = list(changed.values())
    return replace(known, models=models)


@pytest.mark.parametrize(("params", "refused"), [(1100.0, False), (1240.0, True)])
def test_weights_that_the_gpus_of_a_row_do_not_hold_are_told(known, params, refused):
    """By hand: in 8 bit they take a byte each, and eight H200 have 8 x 141 x 2^30 bytes."""
    revised = METHODS["revised"]
    of = larger(known, "DeepSeek-R1", params_total_b=params, params_active_b=80.0)
    rows = rows_of(revised)
    told = held_against(revised, rows[rows["gpu"] == "H200-SXM-141GB"], of)
    (sentence,) = [s for s in told[0] + told[1] if "for the weights alone" in s]
    assert (sentence in told[0]) is refused
    ratio = params * 1e9 / (8 * 141 * 2**30)
    words = (
        f"{ratio:.3g} times the memory of its 8 GPUs for the weights alone ({params:g} billion in"
        " FP8, params_total_b of DeepSeek-R1 in data/models.csv, and 141 GB, memory_gb of"
        " H200-SXM-141GB in data/gpus.csv)"
    )
    assert words in sentence
    assert refused is ("; allowed is at most 1; correct params_total_b or" in sentence)


def test_memory_that_does_not_hold_the_weights_of_a_row_is_told(known):
    revised, gpus = METHODS["revised"], known.gpus.copy()
    gpus.loc[gpus["gpu"] == "B200", "memory_gb"] = 60.0
    problems, _ = held_against(revised, rows_of(revised), replace(known, gpus=gpus))
    assert any("and 60 GB, memory_gb of B200 in data/gpus.csv)" in told for told in problems)


def test_a_law_of_configurations_learns_from_rows_of_other_models_too(known):
    full = METHODS["full-load"]
    other = merge(full, {"benchmarks": {"models": ["Llama 3.1 405B"]}})
    of = larger(known, "Llama 3.1 70B", params_total_b=1e4, params_active_b=1e4)
    problems, _ = held_against(other, rows_of(full), of)
    assert any("Llama 3.1 70B" in told and "for the weights alone" in told for told in problems)


def test_weights_of_what_the_tables_lack_are_never_refused(paper, rows, known):
    own = rows.replace({"gpu": {"H100-SXM-80GB": "Z900"}})
    gpus = known.gpus.assign(memory_gb=10.0)
    problems, warnings = held_against(paper, own, replace(known, gpus=gpus))
    told = [s for s in problems + warnings if "for the weights alone" in s]
    assert any("x Z900" in s for s in told)
    assert not any("x Z900" in s for s in problems)


@pytest.mark.parametrize("name", ["full-load", "revised"])
@pytest.mark.parametrize(("size", "refused"), [(1, True), (4, False), (16, False), (72, None)])
def test_nodes_that_are_none_of_their_gpus_are_told(known, name, size, refused):
    method = merge(METHODS[name], {"throughput_law": {"gpus_per_node": size}})
    problems, warnings = held_against(method, rows_of(method), known)
    assert refused is None or bool(problems) is refused
    assert all("key node_power" in told for told in problems)
    place = f"config/methods/{name}.yaml: key throughput_law.gpus_per_node: value {size}: unusual; "
    told = [warning.removeprefix(place) for warning in warnings if warning.startswith(place)]
    nodes = {
        "full-load": ("8 x H200-SXM-141GB", "8 x H100-SXM-80GB"),
        "revised": ("8 x B200, 8 x H200-SXM-141GB", "8 x B200, 8 x H100-SXM-80GB"),
    }[name]
    assert told[1:] == [
        f"data/{table}.csv has nodes of {of}"
        for table, of in zip(("nodes", "node_power"), nodes, strict=True)
    ]
    beyond = "on sale has 8" if size > 8 else f"on sale has, and {8 // size} nodes are counted"
    assert told[0].endswith(beyond)


def test_a_stated_node_has_the_rated_power_of_its_own_gpus(known):
    """By hand: rows on more GPUs than a node has say nothing of what the node draws."""
    full = METHODS["full-load"]
    stated = {"throughput_law": {"gpus_per_node": 1}, "node_power": {"default": {"value": 4.3}}}
    problems, _ = held_against(merge(full, stated), rows_of(full), known)
    assert all("thermal design power is 0.7 kW" in told for told in problems)
    assert problems


def test_parameters_that_a_row_states_are_held_too(paper, rows, known):
    """By hand: 900 billion in 8 bit, on eight H100 of 80 x 2^30 bytes."""
    large = rows.replace({"model": {"DeepSeek-R1": "Newcomer"}}).assign(nodes=1)
    large["params_total_b"] = large["params_total_b"].mask(large["model"] == "Newcomer", 900.0)
    own = merge(at_power(paper, 10.2), {"benchmarks": {"models": ["Newcomer"]}})
    problems, _ = held_against(own, large, known)
    (problem,) = [told for told in problems if "on 8 x H100" in told]
    assert f"{900e9 / (8 * 80 * 2**30):.3g} times the memory of its 8 GPUs" in problem
    assert "(900 billion in FP8, params_total_b of the row, and 80 GB" in problem


def test_a_model_like_no_other_is_told(paper, rows, known):
    """An index of 200 tokens was taken as it stood."""
    models = known.models.copy()
    models.loc[models["model"] == "GLM-5", "index_tokens"] = 200
    problems, warnings = held_against(paper, rows, replace(known, models=models))
    assert problems == []
    assert warnings == [
        'data/models.csv: model GLM-5: columns "index_tokens": unusual; values 200 make'
        " index_tokens 200; usual is 1000 to 10000, as an index picks two to four thousand tokens"
    ]
