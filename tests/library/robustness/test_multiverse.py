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
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.robustness import choices as robustness_choices
from inference_energy.robustness import multiverse, summaries
from inference_energy.robustness.choices import Multiverse, headline
from inference_energy.robustness.summaries import explained
from inference_energy.robustness.tabulated import LEVER_ACCURACY
from inference_energy.tables import read_table

ROOT = Path(__file__).parents[3]


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


CONFIG = read_yaml("config/multiverse.yaml")
SCHEMAS = [read_yaml(f"workflow/schemas/{name}.schema.yaml") for name in ("multiverse", "method")]
BASE = resolve(
    CONFIG["base"], {p.stem: read_yaml(p) for p in (ROOT / "config/methods").glob("*.yaml")}
)
SOURCES = {
    "table": read_table(ROOT / "data/throughput/oviedo.csv", "throughput"),
    "traces": {
        name: tuple(rows.sort_values("quantile")["output_tokens"])
        for name, rows in read_table(ROOT / "data/request_lengths.csv", "request_lengths").groupby(
            "trace"
        )
    },
}
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


def checked(config):
    return Multiverse.of(config, BASE, *SCHEMAS)


@pytest.fixture(scope="module")
def computed():
    choices = checked(small())
    return choices, multiverse.outcomes(choices, SOURCES)


def test_every_option_of_the_project_is_a_valid_method():
    assert np.prod(checked(CONFIG).shape) >= 20_000


def test_specifications_equal_the_exact_engine(computed):
    choices, found = computed
    table = choices.specifications()
    sample = np.random.default_rng(0).choice(len(table), 12, replace=False)
    for i in sample:
        setup = build(choices.method(dict(table.iloc[i])), **SOURCES)
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


def test_the_published_specification_is_the_base_method(computed):
    choices, found = computed
    assert choices.method() == BASE
    setup = build(BASE, **SOURCES)
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
