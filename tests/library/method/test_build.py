"""A method is built from its file and its benchmark table."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.fitting import Served
from inference_energy.laws.peak import Peak
from inference_energy.method import build as module
from inference_energy.method.build import (
    blend,
    build,
    check_parameters,
    factor,
    fit_suitable,
    output_tokens,
    parameters,
    regimes,
    utilisation_of,
)
from inference_energy.method.distributions import LogNormal
from inference_energy.method.files import resolve
from inference_energy.method.setup import Blend, Coupling, MonteCarlo, ServedModel
from repository import PAPER_TABLE, read


def log_normal(p5, p95):
    return {"distribution": "log-normal", "p5": p5, "p95": p95}


def number(value):
    return {"value": value}


def tokens(median):
    return {
        "output_tokens": {"distribution": "exponential", "median": median},
        "input_tokens": number(7),
    }


METHOD = {
    "id": "mine",
    "benchmarks": {"table": ["t.csv", "u.csv"], "precision": ["FP8"]},
    "throughput_law": {
        "name": "log-linear",
        "minimum_rows": 3,
        "fallback": "peak",
        "fallback_minimum_rows": 1,
    },
    "node_power": {"default": number(10.0), "models": {"B": number(20.0)}},
    "power_utilisation": {"distribution": "fixed", "value": 0.5},
    "pue": log_normal(1.0, 1.5),
    "regimes": {"traditional": tokens(300), "long": tokens(5000)},
    "input_charge": {"input_tokens_per_output_token": number(30)},
    "blend": {"models": 2, "trim": [[0.1, 0.9], [0.2, 1.0]], "shares": "parameters"},
    "pathways": {
        "hardware": log_normal(1, 2),
        "model": log_normal(1, 3),
        "serving": log_normal(1, 4),
    },
    "fleet": {
        "queries_per_day": number(1000),
        "long_share": number(0.25),
        "overhead": {"traditional": {"factors": [1.5, 2.0]}, "long": {"factors": []}},
        "improvement": {"traditional": log_normal(2, 3), "long": log_normal(2, 4)},
    },
    "monte_carlo": {
        "seed": 7,
        "samples": 100,
        "bootstrap": 20,
        "normal_quantile_95": 2.0,
        "published_tokens": {"traditional": "last"},
    },
}
"""A made-up method with all that the engines' objects are made of."""

TABLE = pd.DataFrame(
    {
        "model": ["A", "A", "B"],
        "input_tokens": 500.0,
        "output_tokens": 300.0,
        "throughput_tps": [80.0, 100.0, 30.0],
        "precision": "FP8",
        "source_id": "s",
        "confidence": "high",
        "params_total_b": [8.0, np.nan, np.nan],
    }
)
MODELS = pd.DataFrame(
    [{"model": "B", "aliases": "", "params_total_b": 70.0, "params_active_b": 70.0}]
)


def changed(**sections):
    """The made-up method with keys of its sections stated in another way."""
    method = deepcopy(METHOD)
    for name, section in sections.items():
        method[name] = method.get(name, {}) | section
    return method


def between(p5, p95):
    """The log-normal factor of these percentiles, where the 95 % quantile is 2."""
    of = LogNormal((np.log(p5) + np.log(p95)) / 2, (np.log(p95) - np.log(p5)) / 4)
    return pytest.approx([of.mu, of.sigma])


def of_factor(factor):
    return [factor.mu, factor.sigma]


def problems_of(function, *arguments):
    """What is told of wrong input."""
    with pytest.raises(InputError) as refused:
        function(*arguments)
    return refused.value.problems


def test_every_section_becomes_what_the_engines_take():
    setup = build(METHOD, TABLE, None, {"models": MODELS})
    assert of_factor(setup.pue) == between(1.0, 1.5)
    assert setup.power_utilisation == LogNormal(np.log(0.5), 0)
    assert {name: of_factor(each) for name, each in setup.pathways.items()} == {
        "hardware": between(1, 2),
        "model": between(1, 3),
        "serving": between(1, 4),
    }
    assert setup.input_tokens_per_output_token == 30
    assert setup.blend == Blend(2, ((0.1, 0.9), (0.2, 1.0)), "median", "parameters")
    assert setup.monte_carlo == MonteCarlo(7, 100, 20, {"traditional": "last"})
    fleet = setup.fleet
    assert (fleet.queries_per_day, fleet.long_share) == (1000, 0.25)
    assert fleet.overhead == {"traditional": 3, "long": 1}
    assert {name: of_factor(each) for name, each in fleet.improvement.items()} == {
        "traditional": between(2, 3),
        "long": between(2, 4),
    }
    assert {
        key: (each.name, each.output_tokens.median_length(), each.input_tokens)
        for key, each in setup.regimes.items()
    } == {"traditional": ("traditional", 300, 7), "long": ("long", 5000, 7)}


@pytest.mark.parametrize(
    ("error", "uncertain"),
    [({}, False), ({"error": "ignored"}, False), ({"error": "included"}, True)],
)
def test_a_model_is_its_law_its_node_its_best_row_and_its_parameters(error, uncertain):
    """Two copies of B serve on its node: the node's largest throughput is twice the row's."""
    laws = {
        "A": Served(Peak(1.0, 2), TABLE[:2]),
        "B": Served(Peak(2.0, 2), TABLE[2:], replicas=2.0),
    }
    method = changed(throughput_law=error)
    setup = build(method, TABLE, hardware={"models": MODELS}, laws=laws)
    assert setup.models == (
        ServedModel("A", laws["A"].law, 10.0, 100.0, uncertain, 8.0),
        ServedModel("B", laws["B"].law, 20.0, 60.0, uncertain, 70.0),
    )


def test_models_without_node_powers_of_their_own_have_the_default():
    method = METHOD | {"node_power": {"default": number(10.0)}}
    setup = build(method, TABLE, hardware={"models": MODELS})
    assert [model.node_power for model in setup.models] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("known", "quantity", "expected"),
    [
        ((-0.5, 0.1), {"distribution": "by-load"}, LogNormal(-0.5, 0.1)),
        ((-0.5, 0.1), {"distribution": "fixed", "value": 1.0}, LogNormal(0.0, 0.0)),
        (None, {"distribution": "fixed", "value": 1.0}, LogNormal(0.0, 0.0)),
        (None, {"distribution": "coupled", "intercept": 0.2, "slope": 0.5}, Coupling(0.2, 0.5)),
    ],
)
def test_the_utilisation_is_the_methods_and_by_load_that_of_its_laws(known, quantity, expected):
    laws = {"A": Served(Peak(1.0, 2), TABLE, utilisation=known)}
    assert utilisation_of({"power_utilisation": quantity}, laws, 2.0) == expected


def test_a_blend_states_what_ranks_its_models_or_their_medians_do():
    section = {"models": 3, "trim": [], "shares": "equal"}
    assert blend(section) == Blend(3, (), "median", "equal")
    assert blend(section | {"ranked_by": "parameters"}).ranked_by == "parameters"


def test_every_wrong_trace_is_named_whatever_is_right_between():
    def trace(name):
        return {
            "output_tokens": {"distribution": "empirical", "trace": name},
            "input_tokens": number(7),
        }

    of = {"one": trace("x"), "two": tokens(300), "three": trace("y")}
    first, second = problems_of(regimes, {"regimes": of}, {"a": [1]}, "mine.yaml")
    assert first.startswith("mine.yaml: key regimes.one.output_tokens.trace: value x: ")
    assert second.startswith("mine.yaml: key regimes.three.output_tokens.trace: value y: ")


def test_input_is_not_charged_beside_a_law_that_charges_it():
    method = changed(throughput_law={"fallback": "additive"})
    (problem,) = problems_of(build, method, TABLE)
    assert problem.startswith(
        "config/methods/mine.yaml: key input_charge.input_tokens_per_output_token: value 30: "
    )


def test_a_misspelt_model_names_all_tables_and_a_foreign_one_is_left_alone():
    method = changed(node_power={"models": {"b": number(1.0), "C": number(2.0)}})
    assert problems_of(build, method, TABLE) == [
        "config/methods/mine.yaml: key node_power.models: value b: not a model of t.csv, u.csv; did"
        " you mean B?"
    ]


def test_rows_that_do_not_suit_the_law_are_told_of_the_file():
    method = changed(throughput_law={"error": "included", "name": "peak", "minimum_rows": 1})
    (problem,) = problems_of(build, method, TABLE)
    assert problem.startswith(
        "config/methods/mine.yaml: key throughput_law.error: value included: B has no row beyond"
    )


def test_a_blend_of_models_without_parameters_is_refused():
    assert problems_of(build, METHOD, TABLE) == [
        "t.csv, u.csv: column params_total_b: empty for B; allowed are positive numbers, as"
        " config/methods/mine.yaml makes the blend by parameters; fill it in, or add"
        " the models to data/models.csv"
    ]


@pytest.mark.parametrize("hardware", [None, {"models": MODELS}])
def test_laws_are_fitted_with_the_tables_given_and_at_load_if_the_method_serves(
    monkeypatch, hardware
):
    """Neither fit is made here: what each is asked with is noted."""
    asked = []
    law = {"A": Served(Peak(1.0, 2), TABLE)}
    monkeypatch.setattr(module, "fit_laws", lambda *given: asked.append(given) or law)
    monkeypatch.setattr(module, "fit_serving", lambda *given: asked.append(given) or law)
    serving = METHOD | {"serving": {}}
    assert fit_suitable(METHOD, TABLE, hardware) is law
    assert fit_suitable(serving, TABLE, hardware) is law
    method = changed(blend={"models": 1, "shares": "equal"})
    (model,) = build(method, TABLE, hardware=hardware).models
    assert model.law is law["A"].law
    assert [(of, tables) for of, _, tables in asked] == [
        (METHOD, hardware),
        (serving, hardware or {}),
        (method, hardware),
    ]
    assert all(table is TABLE for _, table, _ in asked)


def test_too_few_models_for_the_blend_are_refused(files):
    table = read(PAPER_TABLE, "throughput")
    method = resolve("oviedo2026", files)
    method["benchmarks"] |= {"table": [PAPER_TABLE, "data/throughput/trtllm.csv"]}
    with pytest.raises(InputError) as refused:
        build(method, table[table["precision"] == "FP16"])
    (problem,) = refused.value.problems
    law = method["throughput_law"]
    keys = (
        f"throughput_law.minimum_rows = {law['minimum_rows']} and"
        f" throughput_law.fallback_minimum_rows = {law['fallback_minimum_rows']}"
    )
    assert f"key benchmarks: 0 models have enough usable rows ({keys} say how many" in problem
    assert "add rows, lower these or lower blend.models" in problem
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
    for by_parameters in (Blend(1, (), ranked_by="parameters"), Blend(1, (), shares="parameters")):
        with pytest.raises(InputError, match="params_total_b: empty for a, b; allowed") as caught:
            check_parameters(by_parameters, models, method)
        assert str(caught.value).endswith("fill it in, or add the models to data/models.csv")


@pytest.mark.parametrize(
    ("trim", "changed", "refused"),
    [
        ([[0, 0.001]], {}, True),
        ([[0, 0.0016]], {}, True),
        ([[0, 0.0017]], {}, False),
        ([[0, 0.5], [0, 0.002]], {}, True),
        ([[0, 0.001]], {"output_tokens": {"minimum": 1}}, False),
        ([[0, 0.001]], {"charge": 30}, False),
        ([[0, 0.001]], {"charge": 30, "input_tokens": number(0)}, True),
        # a law charges its input to queries that answer
        ([[0, 0.001]], {"law": {"name": "additive"}}, True),
    ],
)
def test_a_blend_that_keeps_next_to_no_query_that_answers_is_refused(files, trim, changed, refused):
    # 1 - exp(-0.5 ln 2 / 300): 0.115 % of the traditional queries round to no token
    method = resolve("oviedo2026", files)
    method["blend"]["trim"] = trim
    charge = method["input_charge"]["input_tokens_per_output_token"]
    charge["value"] = changed.pop("charge", None)
    method["throughput_law"] |= changed.pop("law", {})
    for key, value in changed.items():
        method["regimes"]["traditional"][key] |= value
    table = read(PAPER_TABLE, "throughput")
    if not refused:
        assert build(method, table).regimes
        return
    with pytest.raises(InputError) as told:
        build(method, table)
    (problem,) = told.value.problems
    assert problem.startswith("config/methods/oviedo2026.yaml: key blend.trim: value [[0, ")
    assert "of the traditional queries of a model that are kept" in problem
    assert "allowed is at least 5;" in problem
    assert "minimum: 1" in problem


@pytest.mark.parametrize(
    ("upper", "samples", "charge", "told"),
    [
        (0.5, 20, None, None),
        (0.5, 16, None, "4"),
        (0.125, 1000, None, "0"),
        (0.375, 16, None, "2"),
        (0.125, 1000, 30, None),
    ],
)
def test_queries_that_answer_are_counted_of_those_that_are_kept(upper, samples, charge, told):
    def regime(first, empty=0.25):
        support = (np.array([first, 9]), np.array([empty, 1 - empty]))
        return SimpleNamespace(output_tokens=SimpleNamespace(support=support), input_tokens=0.5)

    setup = SimpleNamespace(
        regimes={"long": regime(1), "traditional": regime(0)},
        blend=SimpleNamespace(levels=(0.0, upper), trim=[(0.0, upper)]),
        input_tokens_per_output_token=charge,
        monte_carlo=SimpleNamespace(samples=samples),
    )
    method = {"id": "mine", "throughput_law": {"name": "log-linear"}}
    if told is None:
        module.check_answers(setup, method)
        return
    with pytest.raises(module.UnansweredError) as refused:
        module.check_answers(setup, method)
    assert refused.value.problems == [
        f"config/methods/mine.yaml: key blend.trim: value [[0.0, {upper}]]: of the traditional"
        f" queries of a model that are kept {told} have any output and need energy; allowed is at"
        " least 5; state regimes.traditional.output_tokens.minimum: 1, or raise the levels"
    ]
