"""Energy of counted requests against the exact engine."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy.equation import node_energy
from inference_energy.energy.exact import blend_energy, model_energy, regime_energy
from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive
from inference_energy.laws.base import Share
from inference_energy.laws.pooled import Pooled
from inference_energy.method.build import build
from inference_energy.requests.energies import (
    FEW_WAYS,
    PARTS,
    QUANTILES,
    Serving,
    distribution,
    energies,
    steps,
    total,
)
from library.laws.examples import TRUE
from library.requests.by_itself import by_itself
from library.requests.loaded import with_load
from repository import METHODS, materials, read

QUERIES = 400_001


def method_log(setup, regime):
    """A log of one regime's queries: each model with lengths at evenly spaced levels."""
    levels = (np.arange(QUERIES) + 0.5) / QUERIES
    tokens = setup.regimes[regime].output_tokens.quantile(levels).astype(int)
    rows = [
        pd.DataFrame({"model": m.name, "input_tokens": 500, "output_tokens": tokens})
        for m in setup.models
    ]
    return pd.concat(rows, ignore_index=True)


def in_ways(setup, count):
    """The same models, each served in so many ways that differ in speed, power and error."""
    ways = [
        (1 + number % 3, 0.5 + number / count, 2.0 ** (number % 4), 0.1 + 0.3 * number / count)
        for number in range(count)
    ]

    def pooled(model):
        laws = [replace(model.law.scaled(speed), residual_sigma=e) for *_, speed, e in ways]
        shares = [Share(w, p, law) for (w, p, *_), law in zip(ways, laws, strict=True)]
        return replace(model, law=Pooled.of(shares), uncertain=True)

    return replace(setup, models=tuple(map(pooled, setup.models)))


@pytest.mark.parametrize("ways", [1, FEW_WAYS, FEW_WAYS + 1])
@pytest.mark.parametrize("regime", ["traditional", "long"])
def test_a_log_of_the_methods_queries_has_the_exact_medians_and_totals(
    paper, regime, ways, count, tmp_path
):
    method_log(paper, regime).to_parquet(tmp_path / "log.parquet")
    lengths = count(tmp_path / "log.parquet", 2)["lengths"]
    setup = paper if ways == 1 else in_ways(paper, ways)
    serving = Serving.of_method(setup, {})
    models, _ = regime_energy(setup, setup.regimes[regime])
    for name, energy in models.items():
        own = lengths[lengths["model"] == name]
        of_log = distribution(serving.factor, steps(serving, own))
        table = energies(serving, own)
        assert table["weight"].sum() == QUERIES
        assert of_log.quantile(0.5) == pytest.approx(energy.quantile(0.5), rel=1e-4)
        mean = total(serving.factor, table)["mean"] / QUERIES
        assert mean == pytest.approx(energy.mean(), rel=1e-4)


@pytest.fixture(scope="module", params=[n for n in METHODS if not n.startswith("oviedo")])
def other(request):
    """Every configured method that is not the paper's."""
    method = METHODS[request.param]
    return build(method, **materials([method])(method))


@pytest.mark.parametrize("regime", ["traditional", "long"])
def test_so_has_a_log_of_every_configured_method(other, regime, count, tmp_path):
    first = replace(other, models=other.models[:1])
    kind = first.regimes[regime]
    method_log(first, regime).assign(input_tokens=round(kind.input_tokens)).to_parquet(
        tmp_path / "log.parquet"
    )
    lengths = count(tmp_path / "log.parquet")["lengths"]
    serving = Serving(first, {first.models[0].name: 1.0}, "first", {})
    energy = model_energy(first, kind, first.models[0])
    median = distribution(serving.factor, steps(serving, lengths)).quantile(0.5)
    assert median == pytest.approx(energy.quantile(0.5), rel=1e-4)
    mean = total(serving.factor, energies(serving, lengths))["mean"] / QUERIES
    assert mean == pytest.approx(energy.mean(), rel=1e-4)


def test_a_model_that_is_not_known_is_the_blend(paper, count, tmp_path):
    rows = method_log(paper, "traditional")
    rows = rows[rows["model"] == rows["model"].iloc[0]].assign(model="a model of ours")
    rows.to_parquet(tmp_path / "log.parquet")
    lengths = count(tmp_path / "log.parquet")["lengths"]
    serving = Serving.of_method(paper, {})
    models, members = regime_energy(paper, paper.regimes["traditional"])
    blend = blend_energy(paper, models, members, trim=False)
    of_log = distribution(serving.factor, steps(serving, lengths))
    assert serving.members("a model of ours")[1] == "frontier blend"
    for level in (0.25, 0.5, 0.75):
        assert of_log.quantile(level) == pytest.approx(blend.quantile(level), rel=1e-4)


CACHED = {
    "none": lambda total, random: 0 * total,
    "any part": lambda total, random: (total * random.random(len(total))).astype(int),
    "a prefix in blocks": lambda total, random: np.minimum(total // 128 * 128, 4096),
    "nearly all": lambda total, random: (0.95 * total).astype(int),
}
"""What of the input [tokens] is cached."""


@pytest.mark.parametrize("knows_cached", [False, True])
@pytest.mark.parametrize(("hit", "within"), [*zip(CACHED, (2e-6, 5e-6, 5e-6, 5e-6), strict=True)])
def test_grouping_lengths_costs_next_to_nothing(paper, count, tmp_path, hit, within, knows_cached):
    """Against every request by itself, for lengths that vary widely."""
    random, n = np.random.default_rng(3), 300_000
    if knows_cached:
        paper = replace(
            paper, models=tuple(replace(m, law=Additive(TRUE, 3)) for m in paper.models)
        )
    rows = pd.DataFrame(
        {
            "model": random.choice([m.name for m in paper.models], n),
            "input_tokens": random.lognormal(7, 1.2, n).astype(int),
            "output_tokens": random.lognormal(6, 1.2, n).astype(int),
        }
    )
    rows["cached_tokens"] = CACHED[hit](rows["input_tokens"], random)
    rows.to_parquet(tmp_path / "log.parquet")
    serving = Serving.of_method(paper, {})
    single = rows.rename(columns=lambda name: name.removesuffix("_tokens")).assign(n=1)
    by_itself = total(serving.factor, energies(serving, single))
    grouped = total(serving.factor, energies(serving, count(tmp_path / "log.parquet")["lengths"]))
    for statistic in by_itself:
        assert grouped[statistic] == pytest.approx(by_itself[statistic], rel=within)


def test_cells_have_the_percentiles_of_their_requests(paper, count, tmp_path):
    """A step of ln E and the points of a cell are as wide as they may be apart."""
    random, n = np.random.default_rng(4), 200_000
    rows = pd.DataFrame(
        {
            "model": random.choice([m.name for m in paper.models], n),
            "input_tokens": random.lognormal(7, 1.2, n).astype(int),
            "output_tokens": random.lognormal(6, 1.2, n).astype(int),
        }
    )
    rows["cached_tokens"] = CACHED["any part"](rows["input_tokens"], random)
    rows.loc[::2, "cached_tokens"] = 0
    rows.to_parquet(tmp_path / "log.parquet")
    serving = Serving.of_method(paper, {})
    found = steps(serving, count(tmp_path / "log.parquet")["lengths"])
    levels = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    places = np.searchsorted(found["weight"].cumsum(), levels * n)
    expected = np.quantile(by_itself(serving, rows)["energy"], levels)
    assert found["energy"].to_numpy()[places] == pytest.approx(expected, rel=3e-3)


@pytest.fixture
def one(paper):
    """Requests of one length to each model of the paper."""
    lengths = {"n": 10, "input": 5000, "cached": 2000, "output": 3000}
    return pd.DataFrame([{"model": m.name} | lengths for m in paper.models])


def test_parts_add_up(paper, one):
    table = energies(Serving.of_method(paper, {}), one)
    assert np.allclose(table[list(PARTS)].sum(axis=1), table["energy"])
    assert (table[list(PARTS)] >= 0).all(axis=None)


def test_reading_what_is_cached_costs_what_the_law_says(paper, one):
    models = tuple(replace(model, law=Additive(TRUE, 3)) for model in paper.models)
    setup = replace(paper, models=models)
    rows = one.iloc[:1]
    table = energies(Serving.of_method(setup, {}), rows)
    law, (n, *lengths) = setup.models[0].law, rows[["n", "input", "cached", "output"]].iloc[0]
    parts = law.parts(*(length / n for length in lengths))
    assert table["seconds"][0] == pytest.approx(law.seconds(500, 300, 200))
    assert parts.cached > 0
    for name, seconds in parts._asdict().items():
        assert table[name][0] / table["energy"][0] == pytest.approx(seconds / sum(parts))


def test_a_law_that_cannot_tell_takes_cached_input_for_free(paper, one):
    serving = Serving.of_method(paper, {})
    table = energies(serving, one)
    shorter = energies(serving, one.assign(input=3000, cached=0))
    assert (table["cached"] == 0).all()
    assert np.allclose(table["energy"], shorter["energy"])


def test_input_that_is_charged_like_output_is_prefill(paper, one):
    setup = replace(paper, input_tokens_per_output_token=10.0)
    table, free = (energies(Serving.of_method(s, {}), one) for s in (setup, paper))
    charged = free["energy"] * (300 + 300 / 10) / 300
    assert np.allclose(table["energy"], charged)
    assert np.allclose(table["prefill"] - free["prefill"], charged - free["energy"])
    assert np.allclose(table[list(PARTS)].sum(axis=1), table["energy"])


def test_a_totals_range_is_that_of_the_factors_however_many_requests(paper, one):
    serving = Serving.of_method(paper, {})
    few = total(serving.factor, energies(serving, one))
    columns = ["n", "input", "cached", "output"]
    many = total(serving.factor, energies(serving, one.assign(**one[columns] * 1000)))
    for statistic in few:
        assert many[statistic] == pytest.approx(1000 * few[statistic])
    factor = serving.factor.quantile(0.95) / serving.factor.quantile(0.05)
    assert many["p95"] / many["p5"] == pytest.approx(factor)


def test_names_are_matched_without_case_and_punctuation(paper):
    serving = Serving.of_method(paper, {"prod-1": "DeepSeek-R1"})
    assert serving.members("llama-3.1-405B")[0] == {"Llama 3.1 405B": 1.0}
    assert serving.members("prod-1")[0] == {"DeepSeek-R1": 1.0}
    assert len(serving.members(None)[0]) == 3


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("meta-llama/Llama-3.1-405B-Instruct-FP8", "Llama 3.1 405B"),
        ("deepseek-ai/DeepSeek-R1", "DeepSeek-R1"),
        ("meta-llama/Llama-3.3-70B-Instruct", "frontier blend"),
        ("深度/求索", "frontier blend"),
    ],
)
def test_names_are_matched_without_publisher_format_and_edition(paper, name, model):
    assert Serving.of_method(paper, {}).members(name)[1] == model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("deepseek-ai/DeepSeek-R1-0528", "DeepSeek-R1"),
        ("dsr1", "DeepSeek-R1"),
        ("mistralai/Mixtral-8x22B-Instruct-v0.1", "Mixtral 8x22B"),
        ("nvidia/Llama-3_1-Nemotron-Ultra-253B-v1", "Llama-3.1 Nemotron Ultra 253B"),
        ("deepseek-ai/DeepSeek-V3-0324", "frontier blend"),
    ],
)
def test_names_are_matched_by_the_aliases_of_the_models_table(paper, name, model):
    serving = Serving.of_method(paper, {}, read("data/models.csv", "models"))
    assert serving.members(name)[1] == serving.at({name: 8.0}).members(name)[1] == model
    assert Serving.of_method(paper, {}).members(name)[1] == "frontier blend"


def test_an_alias_of_two_models_of_a_method_is_neither(paper):
    table = read("data/models.csv", "models")
    first = next(model for model in paper.models if model.name == "DeepSeek-R1")
    other = replace(first, name="deepseek-ai/DeepSeek-R1-0528")
    serving = Serving.of_method(replace(paper, models=(*paper.models, other)), {}, table)
    assert serving.members("dsr1")[1] == "frontier blend"
    for own in (first.name, other.name):
        assert serving.members(own)[1] == own


def test_a_name_that_a_method_has_with_its_format_is_that_one(paper):
    named = replace(paper.models[0], name=f"{paper.models[0].name} FP8")
    serving = Serving.of_method(replace(paper, models=(*paper.models, named)), {})
    assert serving.members(f"{paper.models[0].name.lower()}-fp8")[1] == named.name
    assert serving.members(paper.models[0].name)[1] == paper.models[0].name


def test_a_format_that_names_no_model_of_the_method_is_refused(paper):
    names = {"prod-1": "DeepSeek-R1", "chat": "Llama 3.1 405", "code": "house"}
    with pytest.raises(InputError) as caught:
        Serving.of_method(paper, names)
    chat, code = caught.value.problems
    assert chat.startswith("key format: key models.chat: value Llama 3.1 405: is no model of the")
    assert chat.endswith("did you mean Llama 3.1 405B?")
    assert code.startswith("key format: key models.code: value house: is no model of the method")


def test_a_deployment_is_every_model_of_a_log(paper):
    serving = Serving.of_deployment(paper)
    assert serving.members("chat")[1] == serving.members(None)[1] == paper.models[0].name


def test_no_requests_no_energy(paper, one):
    serving = Serving.of_method(paper, {})
    nothing = total(serving.factor, energies(serving, one).iloc[:0])
    assert set(nothing.values()) == {0.0}


def test_a_law_that_knows_the_load_is_taken_at_it(paper, one):
    serving = Serving.of_method(with_load(paper), {})
    first, other = one["model"].iloc[:2]
    full = energies(serving, one)["energy"]
    half = energies(serving.at({first: 32.0, other: 32.0}), one)["energy"]
    assert half[0] == pytest.approx(2 * full[0])
    assert half[1] == full[1]
    assert serving.knows_load(first) and not serving.knows_load(other)
    assert not serving.knows_load(None)


def test_a_range_is_that_of_factors_and_errors_drawn_in_common(paper):
    """PUE and utilisation by themselves, and one error of the law for all that a log is."""
    setup, draws = in_ways(paper, 3), 40_000
    serving = Serving.of_method(setup, {})
    lengths = [(500, 300, 1000), (8000, 4000, 20), (100, 50, 5000)]
    log = pd.DataFrame(
        {"model": model.name, "n": n, "input": n * i, "cached": 0, "output": n * o}
        for model in setup.models
        for i, o, n in lengths
    )
    random = np.random.default_rng(3)
    pue, utilisation = setup.boundary.over_node(setup.pue), setup.power_utilisation
    factor = pue.quantile(random.random(draws)) * utilisation.quantile(random.random(draws))
    error, energy = random.standard_normal(draws), np.zeros(draws)
    for model in setup.models:
        for i, o, n in lengths:
            for way in model.law.shares():
                seconds = way.law.seconds(float(i), float(o), 0.0)
                power = model.node_power * way.power
                spread = np.exp(way.law.residual_sigma * error)
                energy += n * way.weight * float(node_energy(seconds, power, 1.0)) * spread
    found = total(serving.factor, energies(serving, log))
    expected = dict(
        zip(QUANTILES, np.quantile(factor * energy, [*QUANTILES.values()]), strict=True)
    )
    for name, value in ({"mean": np.mean(factor * energy)} | expected).items():
        assert found[name] == pytest.approx(value, rel=0.02), name
