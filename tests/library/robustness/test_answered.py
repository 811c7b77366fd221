"""Options and stress cases that leave the blend too few models are refused, not computed."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.method.materials import Materials
from inference_energy.robustness import multiverse, summaries
from inference_energy.robustness.answered import without_unanswered
from inference_energy.robustness.choices import headline
from library.robustness.small import BASE, MATERIALS, checked, small
from repository import PAPER_TABLE, materials, read_multiverse

ALL = read_multiverse()


def rows_without(*models):
    """Materials whose paper's table has no rows of some models."""
    table = MATERIALS.tables[PAPER_TABLE]
    rows = {PAPER_TABLE: table[~table["model"].isin(models)].reset_index(drop=True)}
    return Materials(MATERIALS.tables | rows, MATERIALS.shared)


def test_what_the_project_asks_can_be_answered():
    assert without_unanswered(ALL, BASE, materials([BASE])) == ALL


@pytest.fixture(scope="module")
def asked():
    """The small configuration, with the choice of rows, of tables without one of three models."""
    config = small()
    rows = {"one-figure": ALL["choices"]["benchmarks"]["options"]["one-figure"]}
    title, of_base = (ALL["choices"]["benchmarks"][key] for key in ("title", "of_base"))
    own = {of_base: ALL["choices"]["benchmarks"]["options"][of_base]}
    few = config["choices"]["throughput_law"]
    config["choices"] = {
        "throughput_law": few,
        "pue": config["choices"]["pue"],
        "benchmarks": {"title": title, "options": own | rows},
    }
    config["refused"] = []
    given = rows_without("DeepSeek-R1")
    choices = checked(config)
    found = ALL | {"choices": choices.choices, "refused": []}
    return without_unanswered(found, BASE, given), choices, given


def test_an_option_that_leaves_too_few_models_is_refused_with_the_numbers(asked):
    config, choices, _ = asked
    assert config["refused"] == [
        {
            "when": {"benchmarks": "one-figure"},
            "because": "its rows give 2 models a law, of which the blend needs 3",
        }
    ]
    assert config["stress_cases"].keys() <= ALL["stress_cases"].keys()
    assert config["choices"] == choices.choices


def test_a_stress_case_without_an_answer_is_left_out_and_named():
    found = without_unanswered(ALL, BASE, rows_without("Llama 3.1 70B", "Mistral Large"))
    assert found["stress_cases"].keys() == ALL["stress_cases"].keys() - {"tensorrt-llm"}
    rule = found["left_out"][-1]
    assert rule["titles"] == [f"the stress case “{ALL['stress_cases']['tensorrt-llm']['label']}”"]
    assert rule["because"].startswith("its rows give 2 models a law, of which the blend needs 3")


def test_options_that_leave_too_few_only_together_are_refused_together():
    config = small()
    config["choices"] = {
        "throughput_law": config["choices"]["throughput_law"]
        | {
            "options": {
                "log-linear": {"label": "as it is", "source": "a test"},
                "three": {
                    "label": "three rows",
                    "source": "a test",
                    "override": {
                        "throughput_law": {
                            "name": "log-linear",
                            "minimum_rows": 3,
                            "fallback": "log-linear",
                            "fallback_minimum_rows": 3,
                            "source": "a test",
                        }
                    },
                },
            }
        },
        "benchmarks": {
            "title": "rows",
            "options": {
                "all": {"label": "all", "source": "a test"},
                "some": {
                    "label": "some",
                    "source": "a test",
                    "override": {"benchmarks": {"sources": ["llama-nemotron-fig4"]}},
                },
            },
        },
    }
    found = ALL | {"choices": checked(config | {"refused": []}).choices, "refused": []}
    assert without_unanswered(found, BASE, MATERIALS)["refused"] == [
        {
            "when": {"throughput_law": "three", "benchmarks": "some"},
            "because": "its rows give 0 models a law, of which the blend needs 3",
        }
    ]


def test_of_a_base_that_has_too_few_models_itself_nothing_is_refused():
    given = rows_without("DeepSeek-R1", "Llama 3.1 70B", "Llama 3.1 405B", "Mixtral 8x22B")
    assert without_unanswered(ALL, BASE, given) == ALL


def test_the_summaries_are_of_what_has_an_answer(asked):
    config, choices, given = asked
    choices = replace(choices, refused=tuple(rule["when"] for rule in config["refused"]))
    found = multiverse.outcomes(choices, given)
    values = found[headline("traditional")]
    assert (np.isnan(values) == ~choices.allowed).all()
    assert 0 < np.isnan(values).sum() < values.size
    one = summaries.one_at_a_time(choices, found)
    assert "one-figure" not in set(one["option"])
    assert set(one["choice"]) == set(choices.choices)
    assert one["value"].notna().all()
    shares = summaries.variance(choices, found)
    assert shares[shares["choice"] == "benchmarks"]["value"].eq(0).all()
    assert np.isfinite(shares["value"]).all()
