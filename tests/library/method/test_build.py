"""A method is built from its file and its benchmark table."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.peak import Peak
from inference_energy.method.build import (
    build,
    check_parameters,
    factor,
    output_tokens,
    parameters,
)
from inference_energy.method.files import resolve
from inference_energy.method.setup import Blend, ServedModel
from repository import PAPER_TABLE, read


def test_too_few_models_for_the_blend_are_refused(files):
    table = read(PAPER_TABLE, "throughput")
    method = resolve("oviedo2026", files)
    method["benchmarks"] |= {"table": [PAPER_TABLE, "data/throughput/trtllm.csv"]}
    with pytest.raises(InputError) as refused:
        build(method, table[table["precision"] == "FP16"])
    (problem,) = refused.value.problems
    assert "key benchmarks: 0 models have enough usable rows in " in problem
    assert f"{PAPER_TABLE}, data/throughput/trtllm.csv; allowed is at least blend.models" in problem


def test_a_model_in_another_spelling_does_not_lose_its_node_power(files):
    table = read(PAPER_TABLE, "throughput")
    method = resolve("oviedo2026", files)
    method["node_power"]["models"] = {"Deepseek R1": {"value": 14.0, "unit": "kW", "source": "x"}}
    with pytest.raises(
        InputError, match=r"node_power\.models.*Deepseek R1.*did you mean DeepSeek-R1"
    ):
        build(method, table)


def test_an_unknown_trace_is_refused():
    with pytest.raises(InputError, match="allowed are a, b"):
        output_tokens({"distribution": "empirical", "trace": "c"}, {"b": [1], "a": [2]})


def test_what_is_wrong_with_a_trace_names_the_file_the_regime_and_the_nearest(files):
    method = resolve("oviedo2026", files)
    method["regimes"]["long"]["output_tokens"] = {
        "distribution": "empirical",
        # the first letter is Cyrillic
        "trace": "\u0430zure-2023-conv",
    }
    traces = {"azure-2023-code": [1, 2, 3], "azure-2023-conv": [1, 2, 3]}
    with pytest.raises(InputError) as caught:
        build(method, read(PAPER_TABLE, "throughput"), traces)
    (problem,) = caught.value.problems
    assert problem.startswith(
        "config/methods/oviedo2026.yaml: key regimes.long.output_tokens.trace: value \u0430zure"
    )
    assert problem.endswith("did you mean azure-2023-conv?")


def test_a_fixed_factor_has_no_spread():
    assert factor({"distribution": "fixed", "value": 1.3}, 1.645).sigma == 0


def test_the_parameters_of_a_model_are_those_of_its_rows_else_of_the_table_of_models():
    of = {"model": "known", "aliases": "k", "params_total_b": 70.0, "params_active_b": 70.0}
    models = pd.DataFrame([of])
    rows = pd.DataFrame({"model": ["stated", "k"], "params_total_b": [8.0, np.nan]})
    known = parameters(rows, ["stated", "k", "nobody's"], {"models": models})
    assert known["stated"] == 8 and known["k"] == 70 and np.isnan(known["nobody's"])
    assert np.isnan(parameters(rows[["model"]], ["stated"])["stated"])


def test_a_blend_by_parameters_is_refused_where_they_are_not_known():
    models = [ServedModel(name, Peak(9.0, 2), 10.2, 9.0) for name in "ab"]
    method = {"id": "mine", "benchmarks": {"table": "t.csv"}}
    check_parameters(Blend(1, ()), models, method)
    for blend in (Blend(1, (), ranked_by="parameters"), Blend(1, (), shares="parameters")):
        with pytest.raises(InputError, match="params_total_b: empty for a, b; allowed"):
            check_parameters(blend, models, method)
