"""The multiverse: against the exact engine one by one, and its decomposition on known answers."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.claims import judge
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws.registry import needed_tables
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.method.sources import Sources, tables_of
from inference_energy.robustness import choices as robustness_choices
from inference_energy.robustness import multiverse, summaries
from inference_energy.robustness.choices import Multiverse, headline
from inference_energy.robustness.summaries import explained
from inference_energy.robustness.tabulated import LEVER_ACCURACY
from inference_energy.tables import read_table

ROOT = Path(__file__).parents[3]


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


FILES = {p.stem: read_yaml(p) for p in (ROOT / "config/methods").glob("*.yaml")}
CONFIG = read_yaml("config/multiverse.yaml")
SCHEMAS = [read_yaml(f"workflow/schemas/{name}.schema.yaml") for name in ("multiverse", "method")]
BASE, REVISED = (resolve(name, FILES) for name in (CONFIG["base"], "revised"))
SOURCES = Sources(
    {
        path: read_table(ROOT / path, "throughput")
        for path in sorted(set(tables_of(BASE) + tables_of(REVISED)))
    },
    {
        "traces": {
            name: tuple(rows.sort_values("quantile")["output_tokens"])
            for name, rows in read_table(
                ROOT / "data/request_lengths.csv", "request_lengths"
            ).groupby("trace")
        },
        "hardware": {name: read_table(ROOT / f"data/{name}.csv", name) for name in needed_tables()},
    },
)
FEW = {
    "node_power": ["v2", "one-node"],
    "power_utilisation": ["range", "coupled"],
    "pue": ["code", "reported"],
    "output_tokens": ["exponential", "azure-conversation"],
    "throughput_law": ["log-linear", "additive"],
    "trim": ["twice", "none"],
    "ranking": ["median", "parameters"],
    "shares": ["equal", "parameters", "median-model"],
}


def small():
    config = deepcopy(CONFIG)
    config["choices"] = {
        name: config["choices"][name]
        | {"options": {o: config["choices"][name]["options"][o] for o in options}}
        for name, options in FEW.items()
    }
    return config


def checked(config, base=BASE):
    return Multiverse.of(config, base, *SCHEMAS)


@pytest.fixture(scope="module")
def computed():
    choices = checked(small())
    return choices, multiverse.outcomes(choices, SOURCES)


def law(name, **settings):
    """An option that takes another law."""
    override = {"throughput_law": {"name": name, "source": "a test"} | settings}
    return {"label": name, "source": "a test", "override": override}


NODE = {key: REVISED["throughput_law"][key] for key in ("gpus_per_node", "reference")}
AS_BASE = {"label": "as the base", "source": "a test"}
REVISED_LAWS = {
    "hierarchical": AS_BASE,
    "certain": law("hierarchical", **NODE),
    "additive": law("additive", error="included", **NODE),
    "log-linear": law("log-linear", **NODE),
    "peak": law("peak", **NODE),
}


def small_revised(laws=REVISED_LAWS):
    """Choices of the revised method, with every law that there is."""
    choices = {
        name: {"title": name, "published": "base", "options": {"base": AS_BASE} | others}
        for name, others in {
            "power_utilisation": {
                option: CONFIG["choices"]["power_utilisation"]["options"][option]
                for option in ("coupled", "measured-training")
            },
            "charge": {"thirtieth": CONFIG["choices"]["input_charge"]["options"]["thirtieth"]},
            "shares": {"median": CONFIG["choices"]["shares"]["options"]["median-model"]},
            "table": {
                "one": {
                    **AS_BASE,
                    "override": {"benchmarks": {"table": "data/throughput/trtllm.csv"}},
                }
            },
        }.items()
    }
    choices["law"] = {"title": "law", "published": "hierarchical", "options": laws}
    return CONFIG | {"base": "revised", "choices": choices}


@pytest.fixture(scope="module")
def revised():
    choices = checked(small_revised(), REVISED)
    return choices, multiverse.outcomes(choices, SOURCES)


def test_every_option_of_the_project_is_a_valid_method():
    assert np.prod(checked(CONFIG).shape) >= 20_000


def check_against_the_exact_engine(choices, found, count):
    """Compare some specifications with what the exact engine makes of their method."""
    table = choices.specifications()
    sample = np.random.default_rng(0).choice(len(table), count, replace=False)
    for i in sample:
        method = choices.method(dict(table.iloc[i]))
        setup = build(method, **SOURCES(method))
        for name, regime in setup.regimes.items():
            models, members = exact.regime_energy(setup, regime)
            blend = exact.blend_energy(setup, models, members)
            for statistic, level in robustness_choices.QUARTILES.items():
                value = found[headline(name, statistic)].ravel()[i]
                assert value == pytest.approx(blend.quantile(level), rel=1e-7)
            for pathway, energy in exact.with_pathways(setup, blend).items():
                key = robustness_choices.energy_key(name, multiverse.TRIMMED, "p50", pathway)
                # the accuracy that tabulated.LEVER_ACCURACY states
                value = found[key].ravel()[i]
                assert value == pytest.approx(energy.quantile(0.5), rel=LEVER_ACCURACY)
            for pathway, energy in exact.fleet_energy(setup, regime).items():
                key = f"fleet[scenario={name}; pathway={pathway}; statistic=p50]"
                assert found[key].ravel()[i] == pytest.approx(energy["p50"], rel=1e-9)


def test_specifications_equal_the_exact_engine(computed):
    check_against_the_exact_engine(*computed, 12)


def test_specifications_of_every_law_equal_the_exact_engine(revised):
    choices, found = revised
    check_against_the_exact_engine(choices, found, 12)
    medians = found[headline("traditional")]
    of_laws = np.moveaxis(medians, list(choices.choices).index("law"), 0)
    assert len(np.unique(of_laws.reshape(len(REVISED_LAWS), -1)[:, 0])) == len(REVISED_LAWS)


def test_an_option_may_name_another_table(revised):
    choices, found = revised
    axes = [list(choices.choices).index(name) for name in ("table", "law")]
    medians = np.moveaxis(found[headline("long")], axes, [0, 1])
    # the base's law learns from every table, a law of one configuration only from its rows
    assert (medians[0, 0] != medians[1, 0]).all()


def test_the_published_specification_is_the_base_method(computed):
    choices, found = computed
    assert choices.method() == BASE
    setup = build(BASE, **SOURCES(BASE))
    regime = setup.regimes["traditional"]
    blend = exact.blend_energy(setup, *exact.regime_energy(setup, regime))
    value = found[headline("traditional")][choices.place]
    assert value == pytest.approx(blend.quantile(0.5), rel=1e-7)


def test_two_processes_give_what_one_gives(computed):
    choices, found = computed
    again = multiverse.outcomes(choices, SOURCES, workers=2)
    assert set(again) == set(found)
    for key, values in found.items():
        np.testing.assert_array_equal(values, again[key])


def test_summaries_are_consistent(computed):
    choices, found = computed
    lines = summaries.distribution(choices, found)
    ranks = lines[lines["statistic"] == "published_rank"]["value"]
    assert ranks.between(0, 1).all()
    one = summaries.one_at_a_time(choices, found)
    published = one[one["option"] == one["choice"].map(choices.published)]
    assert (published["ratio"] == 1).all()
    curve = summaries.curve(choices, found, bins=10)
    totals = curve.groupby(["regime", "bin", "choice"])["share"].sum()
    np.testing.assert_allclose(totals, 1)
    assert (curve.groupby("regime")["p50"].apply(lambda v: v.is_monotonic_increasing)).all()


def test_claim_shares_count_the_specifications(computed):
    choices, found = computed
    published = read_table(ROOT / "data/published/claims.csv", "claims_published")
    published = published[published["version"] == "v2"]
    figures = {"estimate": {"iea_mixtral": 1.25, "iea_r1": 2.25, "aes1_llama70b_fp8norm": 1.01}}
    table = summaries.claim_shares(choices, found, published, figures).set_index("claim")
    median = published[published["claim"] == "median-traditional"].iloc[0]
    values = found[headline("traditional")].ravel()
    by_hand = np.mean([judge.holds(median, value) for value in values])
    assert table.loc["median-traditional", "share"] == pytest.approx(by_hand)
    assert table.loc["median-traditional", "base"] == "holds"
    assert table["share"].between(0, 1).all()


@given(
    st.sampled_from(["equal", "within", "at most"]),
    st.integers(0, 3),
    st.floats(0.001, 100, allow_nan=False),
)
def test_many_claims_hold_as_one_does(relation, decimals, computed):
    claim = {"relation": relation, "decimals": decimals, "value": 1.5, "upper": 20.0}
    assert judge.holds_in(claim, np.array([computed]))[0] == judge.holds(claim, computed)


def test_additive_effects_explain_everything_alone():
    a, b = np.array([0.0, 1.0, 5.0]), np.array([0.0, 2.0])
    main, total = explained(a[:, None, None] + b[:, None] + np.zeros(4))
    variance = a.var() + b.var()
    np.testing.assert_allclose(main, [a.var() / variance, b.var() / variance, 0], atol=1e-12)
    np.testing.assert_allclose(total, main, atol=1e-12)


def test_a_pure_interaction_has_no_main_effect():
    main, total = explained(np.outer([-1.0, 1.0], [-1.0, 1.0]))
    np.testing.assert_allclose(main, 0, atol=1e-12)
    np.testing.assert_allclose(total, 1)


def test_nothing_varies():
    main, total = explained(np.ones((2, 3)))
    assert not main.any() and not total.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pue": "cod"}, ["value cod", "unknown option", "did you mean code?"]),
        ({"pu": "code"}, ["value pu", "unknown choice", "did you mean pue?"]),
    ],
)
def test_an_unknown_choice_or_option_is_named(options, words):
    with pytest.raises(InputError) as error:
        checked(small()).method(options)
    assert all(word in str(error.value) for word in words)


def test_all_wrong_options_are_reported_together():
    config = small()
    config["choices"]["pue"]["published"] = "codes"
    config["choices"]["trim"]["options"]["none"]["override"]["blend"]["trim"] = [[0.9, 0.1]]
    config["choices"]["node_power"]["options"]["one-node"]["override"] = {"nodepower": 1}
    with pytest.raises(InputError) as error:
        checked(config)
    for word in ("codes", "trim.options.none", "lower < upper", "nodepower"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (law("additive", minimum_rows=3, fallback="peak", fallback_minimum_rows=2), ["1, 2, 4"]),
        (law("hierarchical", minimum_rows=3, fallback="peak"), ["missing key gpus_per_node"]),
        ({**AS_BASE, "override": {"throughput_law": {"fallback": "peak"}}}, ["fallback", "the other keys"]),
        (law("quadratic", **NODE), ["value quadratic", "log-linear"]),
        (law("peak", error="included", **NODE), ["throughput_law.error", "leave none to tell"]),
    ],
)
def test_an_option_that_makes_no_sense_under_a_law_is_named(option, words):
    with pytest.raises(InputError) as error:
        choices = checked(small_revised({"hierarchical": AS_BASE, "other": option}), REVISED)
        multiverse.outcomes(choices, SOURCES)
    for problem in error.value.problems:
        assert problem.startswith("config/multiverse.yaml: ")
        assert "law" in problem and "other" in problem
    assert all(word in str(error.value) for word in words)


def test_a_specification_without_any_spread_is_named():
    config = small()
    fixed = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    config["choices"]["pue"]["options"]["none"] = {**AS_BASE, "override": {"pue": fixed}}
    with pytest.raises(InputError, match="power_utilisation = coupled, pue = none: neither"):
        multiverse.outcomes(checked(config), SOURCES)


def test_a_published_option_must_be_the_base():
    config = small()
    config["choices"]["trim"]["published"] = "none"
    with pytest.raises(InputError, match="published options change oviedo2026"):
        checked(config)


def test_the_full_table_has_a_line_per_specification(computed):
    choices, found = computed
    table = summaries.full_table(choices, found)
    assert len(table) == np.prod(choices.shape)
    assert not table.duplicated(list(choices.choices)).any()
    assert isinstance(table["pue"].dtype, pd.CategoricalDtype)
