"""Tables of the paper: its printed numbers, and an independent script's to ten digits."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo as energy_monte_carlo
from inference_energy.method.build import build
from inference_energy.method.files import check, resolve
from inference_energy.method.setup import TRIMMED
from inference_energy.paper import estimate
from inference_energy.tables import write_table
from library.paper import reference
from repository import METHOD_FILES, METHODS, PAPER_TABLE, ROOT, read, read_schema

PAPERS = ("oviedo2025", "oviedo2026")
FITTED = {"minimum_rows": 3, "fallback": "peak", "fallback_minimum_rows": 2, "source": "test"}
"""Settings of a law, but for its name."""


@pytest.fixture(scope="module")
def computed(setups):
    """Expected numbers and tables of each version, computed once."""

    @cache
    def of(method):
        setup, engines = setups[method], ["published"]
        sensitivities = METHODS[method]["sensitivities"]
        return {
            "expected": reference.run(ROOT / PAPER_TABLE, method),
            "energy": estimate.energy_per_query(setup, engines),
            "tokens": estimate.output_tokens(setup, engines),
            "fleet": estimate.fleet(setup, engines),
            "sensitivity": estimate.sensitivity(setup, sensitivities, engines),
        }

    return of


@pytest.fixture(params=PAPERS)
def both(request, computed):
    """Expected numbers and tables of a version."""
    return computed(request.param)


def value(table, **where):
    """The one value of a table at a place."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    assert len(table) == 1, where
    return float(table["value"].iloc[0])


def expected_of(both, kind):
    found = {key[1:]: number for key, number in both["expected"].items() if key[0] == kind}
    assert found
    return found


def test_energy_is_that_of_the_sequential_script(both):
    expected = expected_of(both, "energy")
    assert len(expected) == len(both["energy"])
    for (regime, subject, pathway, statistic), number in expected.items():
        where = {"regime": regime, "subject": subject, "pathway": pathway, "statistic": statistic}
        assert value(both["energy"], **where) == pytest.approx(number, rel=1e-10), where


def test_output_tokens_are_those_of_the_sequential_script(both):
    for (regime, statistic), number in expected_of(both, "tokens").items():
        found = value(both["tokens"], regime=regime, statistic=statistic)
        assert found == pytest.approx(number, rel=1e-12)


def test_fleet_is_that_of_the_sequential_script(both):
    for (regime, pathway, statistic), number in expected_of(both, "fleet").items():
        where = {"scenario": regime, "pathway": pathway, "statistic": statistic}
        assert value(both["fleet"], **where) == pytest.approx(number, rel=1e-10), where


def test_sensitivities_are_those_of_the_sequential_script(both):
    table = both["sensitivity"][both["sensitivity"]["subject"] == "frontier blend"]
    lengths = expected_of(both, "input_tokens")
    coupled = expected_of(both, "power_utilisation_coupling")
    assert len(lengths) + len(coupled) == len(table)
    for (regime, length, pathway, statistic), number in lengths.items():
        where = {"analysis": "input_tokens", "setting": str(length), "regime": regime}
        where |= {"pathway": pathway, "statistic": statistic}
        assert value(table, **where) == pytest.approx(number, rel=1e-10), where
    for (regime, pathway, statistic), number in coupled.items():
        where = {"analysis": "power_utilisation_coupling", "regime": regime}
        where |= {"pathway": pathway, "statistic": statistic}
        assert value(table, **where) == pytest.approx(number, rel=1e-10), where


PRINTED = [
    ("oviedo2025", "traditional", (0.341, 0.182, 0.665)),
    ("oviedo2025", "long", (4.320, 2.382, 7.782)),
]


@pytest.mark.parametrize(("method", "regime", "numbers"), PRINTED)
def test_first_versions_blend(computed, method, regime, numbers):
    table = computed(method)["energy"]
    where = {"regime": regime, "subject": "frontier blend", "pathway": "baseline"}
    found = [value(table, **where, statistic=p) for p in ("p50", "p25", "p75")]
    assert [round(v, 3) for v in found] == list(numbers)


def test_second_versions_medians_and_token_quartiles(computed):
    second = computed("oviedo2026")
    where = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}
    assert round(value(second["energy"], **where, regime="traditional"), 2) == 0.31
    assert round(value(second["energy"], **where, regime="long"), 2) == 3.91
    tokens = [
        value(second["tokens"], regime=regime, statistic=p)
        for regime in ("traditional", "long")
        for p in ("p25", "p75")
    ]
    assert [round(v) for v in tokens] == [129, 618, 2040, 9717]


def test_first_versions_fleet(computed):
    first = computed("oviedo2025")
    places = [("traditional", "baseline"), ("mixed", "baseline"), ("mixed", "improved")]
    found = [value(first["fleet"], scenario=s, pathway=p, statistic="p50") for s, p in places]
    assert [round(v, 2) for v in found] == [0.81, 1.89, 0.88]


@given(st.sampled_from([500.0, 1000.0, 5000.0, 100_000.0]), st.floats(0.5, 500))
@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("law", ["log-linear", "peak", "additive"])
def test_no_spread_is_beyond_a_hundred_means(law, length, median):
    """Not at inputs as long as answers are short, nor where answers of no tokens are common."""
    method = METHODS["oviedo2026"] | {"throughput_law": FITTED | {"name": law}}
    setup = build(method, read(PAPER_TABLE, "throughput"))
    regime = setup.regimes["traditional"]
    regimes = {
        "traditional": replace(regime, output_tokens=regime.output_tokens.with_median(median))
    }
    by_input = method["sensitivities"] | {
        "input_tokens": method["sensitivities"]["input_tokens"] | {"lengths": [length]}
    }
    found = estimate.sensitivity(replace(setup, regimes=regimes), by_input, ["exact"])
    wide = found.pivot_table(
        index=["analysis", "subject", "pathway"], columns="statistic", values="value"
    )
    assert (wide["std"] <= 100 * wide["mean"]).all()


@pytest.mark.parametrize(
    "name", sorted(read("results/headline.csv", "headline")["method"].unique())
)
def test_no_committed_spread_is_beyond_a_hundred_means(name):
    table = read(f"results/{name}/sensitivity.csv", "sensitivity")
    keys = ["analysis", "setting", "engine", "regime", "subject", "pathway"]
    wide = table.pivot_table(index=keys, columns="statistic", values="value")
    assert (wide["std"] <= 100 * wide["mean"]).all()


def test_a_law_that_charges_input_is_charged_nothing_else_at_longer_inputs():
    """At the input of the method the sensitivity is the method's own energy."""
    method = METHODS["oviedo2026"] | {"throughput_law": FITTED | {"name": "additive"}}
    setup = build(method, read(PAPER_TABLE, "throughput"))
    length = method["regimes"]["traditional"]["input_tokens"]["value"]
    by_input = method["sensitivities"] | {
        "input_tokens": method["sensitivities"]["input_tokens"] | {"lengths": [length]}
    }
    varied = estimate.sensitivity(setup, by_input, ["exact"])
    varied = varied[varied["analysis"] == "input_tokens"]
    own = estimate.energy_per_query(setup, ["exact"])
    keys = ["regime", "subject", "pathway", "statistic"]
    pairs = varied.merge(own, on=keys, suffixes=("_varied", "_own"))
    assert len(pairs) == len(varied) > 100
    np.testing.assert_allclose(pairs["value_varied"], pairs["value_own"], rtol=1e-12)


def test_input_length_matters_more_than_coupled_utilisation(computed):
    second = computed("oviedo2026")
    table = second["sensitivity"]
    where = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}
    by_length = [
        value(table, **where, analysis="input_tokens", setting=length, regime="traditional")
        for length in ("500", "1000", "5000")
    ]
    assert [round(v, 2) for v in by_length] == [0.33, 0.50, 2.15]
    change = {}
    for regime in ("traditional", "long"):
        coupled = value(table, **where, analysis="power_utilisation_coupling", regime=regime)
        change[regime] = coupled / value(second["energy"], **where, regime=regime) - 1
        if regime == "long":
            assert round(coupled, 2) == 4.71
    assert {k: round(100 * v, 1) for k, v in change.items()} == {"traditional": 3.5, "long": 20.6}


def test_a_70b_model_enters_the_blend_of_long_prompts(paper, both):
    regime = paper.regimes["traditional"]
    names = {
        length: set(
            energy_exact.regime_energy(
                replace(paper, input_tokens_per_output_token=30.0),
                replace(regime, input_tokens=length),
            )[1]
        )
        for length in (500.0, 1000.0, 5000.0)
    }
    assert [("Llama 3.1 70B" in names[length]) for length in names] == [False, True, True]
    for length, expected in names.items():
        assert set(both["expected"]["blend", "traditional", int(length)]) == expected


def lengths(**stated):
    return {"traditional": {"output_tokens": {"unit": "tokens", "source": "x"} | stated}}


SAME = lengths(distribution="log-normal", median=300, sigma=0.001)
ONE = {"distribution": "fixed", "value": 1, "unit": "1", "source": "x"}
MIDDLE = {
    "blend": {"models": 1, "trim": [[0.5, 0.5002]], "source": "x"},
    "power_utilisation": ONE | {"value": 0.6},
    "monte_carlo": {"samples": 100000, "bootstrap": 10, "source": "x"},
}


@pytest.mark.parametrize(
    "stated",
    [
        {"regimes": lengths(distribution="log-normal", median=3, sigma=4.5)},
        {"regimes": lengths(distribution="log-normal", median=100, sigma=0.001)},
        {"regimes": lengths(distribution="gamma", median=2, shape=0.2)},
        {"regimes": lengths(distribution="exponential", median=1)},
        {"regimes": lengths(distribution="exponential", median=300, minimum=5900)},
        {"regimes": lengths(distribution="uniform", shortest=0, maximum=2)},
        {"regimes": lengths(distribution="pareto", median=3, exponent=0.2, maximum=1e7)},
        {
            "regimes": lengths(
                distribution="log-t", median=3, sigma=5, degrees_of_freedom=1, maximum=1e7
            )
        },
        {"fleet": {"queries_per_day": {"value": 1, "unit": "queries/day", "source": "x"}}},
        {"blend": {"models": 1, "trim": [], "shares": "equal", "source": "x"}},
        {"regimes": SAME} | MIDDLE,
        {"regimes": SAME, "pue": ONE, "power_utilisation": ONE},
    ],
)
def test_every_accepted_method_has_finite_tables(stated, tmp_path):
    own = {"extends": "oviedo2026", "monte_carlo": {"samples": 100, "bootstrap": 10, "source": "x"}}
    method = resolve("mine", METHOD_FILES | {"mine": own | stated})
    check(method, read_schema("method"), "mine")
    setup, engines = build(method, read(PAPER_TABLE, "throughput")), ["published", "exact"]
    tables = {
        "energy_per_query": estimate.energy_per_query(setup, engines),
        "output_tokens": estimate.output_tokens(setup, engines),
        "fleet": estimate.fleet(setup, engines),
        "densities": estimate.densities(setup),
        "histograms": estimate.histograms(setup),
    }
    for name, table in tables.items():
        # a table with a number that is not finite is refused
        write_table(table, tmp_path / f"{name}.csv", name)


@pytest.mark.parametrize(
    ("stated", "wide"),
    [
        (lengths(distribution="pareto", median=1, exponent=1, maximum=1e7), True),
        (lengths(distribution="log-normal", median=1, sigma=3), True),
        (lengths(distribution="pareto", median=300, exponent=1.2, maximum=128_000), False),
        (lengths(distribution="exponential", median=1), False),
    ],
)
def test_a_spread_beyond_a_hundred_means_is_refused(stated, wide):
    method = resolve("mine", METHOD_FILES | {"mine": {"extends": "oviedo2026", "regimes": stated}})
    check(method, read_schema("method"), "mine")
    setup = build(method, read(PAPER_TABLE, "throughput"))
    table = estimate.energy_per_query(setup, ["exact"])
    problems = list(estimate.spread_problems(table, "mine.yaml"))
    assert len(problems) == wide
    for problem in problems:
        assert problem.startswith("mine.yaml: key regimes.traditional: value ")
        assert "times its mean; allowed is at most 100 times" in problem


def test_of_the_energies_of_a_regime_that_are_too_wide_the_widest_is_told_in_full():
    energies = pd.DataFrame(
        [
            (engine, regime, subject, pathway, statistic, value)
            for engine, regime, subject, pathway, mean, std in (
                ("exact", "traditional", "a", "baseline", 0.1, 20.0),
                ("exact", "long", "b", "baseline", 1.0, 101.0),
                ("exact", "long", "c", "hardware", 2.0, 404.0),
                ("monte-carlo", "long", "c", "hardware", 2.0, 300.0),
                ("exact", "other", "a", "baseline", 1.0, 100.0),
            )
            for statistic, value in (("mean", mean), ("std", std), ("p50", 0.0))
        ],
        columns=["engine", "regime", "subject", "pathway", "statistic", "value"],
    )
    why = (
        "; allowed is at most 100 times, as beyond it a few of ten thousand queries make up the"
        " mean; narrow the output tokens, or what multiplies the energy"
    )
    assert list(estimate.spread_problems(energies, "mine.yaml")) == [
        "mine.yaml: key regimes.long: value 404 Wh: the standard deviation of the energy of c"
        f" (hardware) is 202 times its mean{why}",
        "mine.yaml: key regimes.traditional: value 20 Wh: the standard deviation of the energy of a"
        f" (baseline) is 200 times its mean{why}",
    ]


def test_a_member_of_one_regimes_blend_has_a_line_with_both_medians():
    places = pd.DataFrame(
        {
            "regime": ["traditional"] * 3 + ["long"] * 3,
            "model": ["a", "b", "c"] * 2,
            "median": [3.0, 2.0, 1.0, 30.0, 10.0, 20.0061],
            "parameters": [np.nan, 405.85, 70.0] * 2,
            "ranked_by": "median",
            "share": [1.0, 0.0, 0.0, 0.5, 0.0, 0.5],
        }
    )
    made = estimate.members(places).set_index("model")
    assert list(made.index) == ["a", "c"]
    # a change that no reader would quote is no line of a diff
    medians = made.loc["c", ["traditional_median", "long_median"]]
    assert medians.tolist() == pytest.approx([1.0, 20.01], rel=1e-13)
    assert made.loc["c", ["traditional_share", "long_share"]].tolist() == [0.0, 0.5]


ENGINES = ["published", "exact"]


def sensitivity_of(setup):
    return estimate.sensitivity(setup, METHODS["oviedo2026"]["sensitivities"], ENGINES)


@pytest.mark.parametrize(
    ("name", "schema", "made"),
    [
        ("throughput_laws", "throughput_laws", estimate.throughput_laws),
        ("energy_per_query", "energy_per_query", lambda s: estimate.energy_per_query(s, ENGINES)),
        ("throughput", "throughput_results", lambda s: estimate.throughput(s, ENGINES)),
        ("output_tokens", "output_tokens", lambda s: estimate.output_tokens(s, ENGINES)),
        ("extrapolation", "extrapolation", estimate.extrapolation),
        ("blend", "blend", lambda s: estimate.members(estimate.blend(s))),
        ("fleet", "fleet", lambda s: estimate.fleet(s, ENGINES)),
        ("sensitivity", "sensitivity", sensitivity_of),
        ("densities", "densities", estimate.densities),
        ("histograms", "histograms", estimate.histograms),
    ],
)
def test_a_table_is_the_committed_one(paper, tmp_path, name, schema, made):
    """To the last byte: what each column is, and which lines there are."""
    write_table(made(paper), tmp_path / "made.csv", schema)
    committed = ROOT / "results" / "oviedo2026" / f"{name}.csv"
    assert (tmp_path / "made.csv").read_bytes() == committed.read_bytes()


def test_no_density_is_below_zero():
    """A distribution function that is flat falls by rounding."""
    large = {
        "hardware": {"distribution": "log-normal", "p5": 999.999999, "p95": 1000},
        "model": {"distribution": "fixed", "value": 1000},
        "serving": {"distribution": "fixed", "value": 96.5460918678},
    }
    stated = {name: lever | {"unit": "1", "source": "test"} for name, lever in large.items()}
    charge = {"input_tokens_per_output_token": {"value": 0.1, "unit": "1", "source": "test"}}
    mine = {"extends": "oviedo2026", "input_charge": charge, "pathways": stated}
    setup = build(resolve("mine", METHOD_FILES | {"mine": mine}), read(PAPER_TABLE, "throughput"))
    assert estimate.densities(setup)["density"].min() == 0


def test_engines_that_are_not_asked_for_give_no_lines(paper):
    of = {
        "energy": lambda engines: estimate.energy_per_query(paper, engines),
        "throughput": lambda engines: estimate.throughput(paper, engines),
        "tokens": lambda engines: estimate.output_tokens(paper, engines),
        "fleet": lambda engines: estimate.fleet(paper, engines),
    }
    for made in of.values():
        whole = made(ENGINES)
        for engine in ENGINES:
            own = whole[whole["engine"] == engine].reset_index(drop=True)
            pd.testing.assert_frame_equal(made([engine]), own)
        assert made([]).empty


def test_the_place_of_a_model_is_that_of_its_median_and_its_share_that_of_the_blend(paper):
    places = estimate.blend(paper)
    for regime, own in places.groupby("regime"):
        assert own["place"].tolist() == list(range(1, len(paper.models) + 1))
        assert own["median"].is_monotonic_decreasing
        _, members = energy_exact.regime_energy(paper, paper.regimes[regime])
        share = own.set_index("model")["share"]
        assert share[share != 0].to_dict() == members
    known = {model.name: model.parameters for model in paper.models}
    assert places["parameters"].tolist() == [known[name] for name in places["model"]]
    assert set(places["ranked_by"]) == {"median"}


@pytest.mark.parametrize(("drawn", "place"), [("first", 0), ("last", -1)])
def test_published_tokens_are_those_of_the_model_that_the_method_names(paper, drawn, place):
    named = replace(paper.monte_carlo, published_tokens=dict.fromkeys(paper.regimes, drawn))
    setup = replace(paper, monte_carlo=named)
    tokens = estimate.output_tokens(setup, ["published"])
    drawn_of = estimate.histograms(setup)
    for name, regime in paper.regimes.items():
        samples, _ = energy_monte_carlo.first_draw(paper, regime)
        model, lengths = list(samples.tokens.items())[place]
        assert value(tokens, regime=name, statistic="mean") == pytest.approx(lengths.mean())
        own = drawn_of[drawn_of["quantity"].eq("output tokens") & drawn_of["regime"].eq(name)]
        assert set(own["series"]) == {model}
        low, high = np.percentile(lengths[lengths > 0], (0.5, 99.5))
        assert (own["lower"].iloc[0], own["upper"].iloc[-1]) == (low, high)
        assert own["count"].sum() == ((lengths >= low) & (lengths <= high)).sum()
        np.testing.assert_allclose(np.diff(own["lower"]), (high - low) / 40)


def test_a_density_holds_nine_tenths_of_the_queries_that_need_energy(paper):
    """Where a twentieth of them or more needs none, of the others; else of all."""
    regime = paper.regimes["traditional"]
    for median, least, most in ((300, 0, 0.01), (8, 0.02, 0.05), (2, 0.05, 0.5)):
        changed = replace(regime, output_tokens=regime.output_tokens.with_median(median))
        setup = replace(paper, regimes={"traditional": changed})
        energies, _ = energy_exact.regime_energy(setup, changed)
        name, energy = next(iter(energies.items()))
        assert least <= energy.zero_mass < most
        own = estimate.densities(setup, 41)
        own = own[own["subject"] == name]
        step = np.log(own["energy_wh"].iloc[1] / own["energy_wh"].iloc[0])
        some = 1.0 if energy.zero_mass < 0.05 else 1 - energy.zero_mass
        assert len(own) == 40
        assert (own["density"] * step).sum() == pytest.approx(0.9 * some)
        low = own["energy_wh"].iloc[0] * np.exp(-step / 2)
        assert energy.cdf(low) == pytest.approx(1 - 0.95 * some)


@pytest.mark.parametrize(
    ("high", "ends"), [(1.01, (1.0, 1.01)), (1.0099, (1 / 1.01, 1.0099 * 1.01)), (2.0, (1.0, 2.0))]
)
def test_a_range_too_narrow_to_draw_is_a_little_wider(high, ends, monkeypatch, paper):
    monkeypatch.setattr(estimate, "_drawn_range", lambda energy: (1.0, high))
    own = estimate.densities(paper, 3)
    own = own[own["subject"].eq(TRIMMED) & own["pathway"].eq("baseline")].iloc[:2]
    low, high = ends
    middle = np.sqrt(low * high)
    expected = [np.sqrt(low * middle), np.sqrt(middle * high)]
    np.testing.assert_allclose(own["energy_wh"], expected, rtol=1e-12)


def test_longer_inputs_are_charged_as_the_section_says(paper):
    sensitivities = METHODS["oviedo2026"]["sensitivities"]
    (one,) = {5000.0} & set(map(float, sensitivities["input_tokens"]["lengths"]))
    found = estimate.sensitivity(paper, sensitivities, ["exact"])
    regime = replace(paper.regimes["traditional"], input_tokens=one)
    per_output = sensitivities["input_tokens"]["input_tokens_per_output_token"]
    charged = replace(paper, input_tokens_per_output_token=per_output)
    own = estimate.energy_per_query(replace(charged, regimes={"traditional": regime}), ["exact"])
    where = {"analysis": "input_tokens", "setting": "5000", "regime": "traditional"}
    for column, wanted in where.items():
        found = found[found[column] == wanted]
    keys = ["regime", "subject", "pathway", "statistic"]
    pairs = found.merge(own, on=keys, suffixes=("", "_own"))
    assert len(pairs) == len(own) == len(found)
    np.testing.assert_allclose(pairs["value"], pairs["value_own"], rtol=1e-12)
