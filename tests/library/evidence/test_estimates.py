"""Public evidence: like with like, factors that multiply, one origin once, nothing invented."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.evidence import boundaries, concurrency, coverage, decomposition, lengths
from inference_energy.evidence import estimates as evidence_estimates
from inference_energy.method.build import build
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Coupling
from inference_energy.tables import read_table

ROOT = Path(__file__).parents[3]
BAND = (4, 20)


@pytest.fixture(scope="module")
def setup():
    method = yaml.safe_load((ROOT / "config/methods/oviedo2026.yaml").read_text(encoding="utf-8"))
    return build(method, read_table(ROOT / "data/throughput/oviedo.csv", "throughput"))


@pytest.fixture(scope="module")
def settings():
    return yaml.safe_load((ROOT / "config" / "evidence.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def convert(settings):
    wall_power = read_table(ROOT / "data/measured/mlperf_wall_power.csv", "wall_power")
    return boundaries.conversion(settings, wall_power)


@pytest.fixture(scope="module")
def estimates():
    return read_table(ROOT / "data/published/estimates.csv", "estimates")


@pytest.fixture(scope="module")
def runs():
    return read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")


@pytest.fixture(scope="module")
def ratios(setup, estimates, convert):
    return evidence_estimates.overestimates(setup, estimates, convert, BAND)


@pytest.fixture(scope="module")
def factors(setup, estimates, runs, convert):
    return decomposition.decompose(setup, estimates, runs, convert)


@pytest.fixture(scope="module")
def predicted(setup, estimates, runs, convert):
    return coverage.predictions(setup, estimates, runs, convert)


def test_energy_at_is_equation_1(setup, convert):
    model = next(m for m in setup.models if m.name == "Llama 3.1 405B")
    tps = float(model.law.predict(500, 300))
    energy = evidence_estimates.energy_at(setup, model.name, 500, 300, "facility", convert)
    utilisation, pue = np.sqrt(0.4 * 0.9), np.sqrt(1.05 * 1.6)
    by_hand = pue * 10.2 * utilisation * 300 / (3.6 * tps)
    assert energy.quantile(0.5) == pytest.approx(by_hand)
    assert energy.sigma == pytest.approx((setup.pue * setup.power_utilisation).sigma)


def test_energy_at_is_linear_in_power_and_rises_with_the_output(setup, convert):
    model = setup.models[0]
    double = replace(setup, models=(replace(model, node_power=2 * model.node_power),))
    args = (model.name, 500, 1000, "server", convert)
    assert evidence_estimates.energy_at(double, *args).quantile(0.5) == pytest.approx(
        2 * evidence_estimates.energy_at(setup, *args).quantile(0.5)
    )
    outputs = [
        evidence_estimates.energy_at(setup, model.name, 500, n, "server", convert).quantile(0.5)
        for n in (10, 100, 1000)
    ]
    assert outputs == sorted(outputs)


def test_coupled_utilisation_has_no_spread_of_its_own(setup, convert):
    coupled = replace(setup, power_utilisation=Coupling(0.24, 0.56))
    model = setup.models[0].name
    energy = evidence_estimates.energy_at(coupled, model, 500, 300, "facility", convert)
    assert energy.sigma == pytest.approx(setup.pue.sigma)


def test_a_model_without_a_law_is_refused(setup, convert):
    with pytest.raises(InputError, match="no throughput law"):
        evidence_estimates.energy_at(setup, "GPT-4o", 500, 300, "facility", convert)


def test_the_headline_at_the_facility_is_the_method_itself(setup, convert):
    models, names = exact.regime_energy(setup, setup.regimes["traditional"])
    own = exact.blend_energy(setup, models, names).quantile(0.5)
    medians = [
        evidence_estimates.headline(setup, b, convert).quantile(0.5) for b in boundaries.COMPARABLE
    ]
    assert medians[2] == own
    assert medians == sorted(medians)


def test_the_breakdown_adds_up_to_the_headline(setup, convert, settings):
    table = evidence_estimates.breakdown(setup, convert, settings["provider_breakdown"])
    own = evidence_estimates.headline(setup, "facility", convert).quantile(0.5)
    assert table["method_wh"].sum() == pytest.approx(own)


def test_what_was_not_found_enters_nothing(ratios, factors, predicted, estimates):
    missing = set(estimates.loc[estimates["verification"] == "not found", "id"])
    assert missing
    for table in (ratios, factors, predicted):
        assert not missing & set(table["id"])


def test_an_origin_counts_once_per_reading(ratios):
    counted = ratios[ratios["counted"] == "yes"]
    assert not counted.duplicated(["reading", "origin"]).any()
    assert set(counted["origin"]) == set(ratios["origin"])
    repeats = {"devries_chatgpt", "epri", "goldman"}
    kept = counted[
        (counted["reading"] == evidence_estimates.ABSTRACT) & counted["id"].isin(repeats)
    ]
    assert list(kept["id"]) == ["devries_chatgpt"]


def test_every_origin_is_an_estimate_that_is_its_own_origin(estimates):
    origin = estimates.set_index("id")["origin"]
    assert (origin[origin.to_numpy()].to_numpy() == origin.to_numpy()).all()


def test_every_estimate_is_compared_or_listed_as_not_comparable(setup, estimates, ratios):
    left_out = evidence_estimates.not_comparable(setup, estimates)
    like = ratios[ratios["reading"] == evidence_estimates.LIKE]
    assert sorted([*left_out["id"], *like["id"]]) == sorted(estimates["id"])


def test_the_papers_three_figures_are_set_against_their_own_models(ratios):
    three = ratios[ratios["reading"] == evidence_estimates.PAPER]
    assert sorted(three["model"]) == ["DeepSeek-R1", "Llama 3.1 70B", "Mixtral 8x22B"]


@pytest.mark.parametrize(
    ("ratio", "place"),
    [(3.49, "below"), (3.5, "inside"), (20.49, "inside"), (20.5, "above")],
)
def test_ratios_are_rounded_as_the_band_is_printed(ratio, place):
    assert evidence_estimates.place(ratio, BAND) == place


def test_shares_add_up_and_count_what_is_counted(ratios):
    shares = evidence_estimates.shares(ratios)
    assert shares[["below", "inside", "above"]].sum(axis=1).to_numpy() == pytest.approx(1)
    counted = ratios[ratios["counted"] == "yes"].groupby("reading").size()
    for kind in ("all", "how obtained", "year", "production scale", "boundary"):
        of_kind = shares[shares["kind"] == kind].groupby("reading")["n"].sum()
        assert of_kind.to_dict() == counted.to_dict()


def test_factors_multiply_to_the_ratio(factors):
    product = factors.groupby("id")["value"].prod()
    ratio = factors.groupby("id")["ratio"].first()
    assert (product / ratio).to_numpy() == pytest.approx(1, rel=1e-12)


def test_unknown_factors_are_one_and_named_in_the_remainder(factors):
    unknown = factors[(factors["known"] == "no") & (factors["factor"] != "remainder")]
    assert (unknown["value"] == 1).all()
    remainder = factors[factors["factor"] == "remainder"].set_index("id")["basis"]
    for row in unknown.to_dict("records"):
        assert row["factor"] in remainder[row["id"]]


def test_like_for_like_is_the_ratio_without_tokens_and_boundary(ratios, factors):
    like = ratios[ratios["reading"] == evidence_estimates.LIKE].set_index("id")["ratio"]
    values = factors.pivot_table(index="id", columns="factor", values="value").loc[like.index]
    total = factors.groupby("id")["ratio"].first().loc[like.index]
    rest = total / (values["tokens"] * values["boundary"])
    assert rest.to_numpy() == pytest.approx(like.to_numpy())


def test_concurrency_costs_nothing_at_the_best_and_is_not_extrapolated(runs):
    at = [
        concurrency.concurrency_factor(runs, "Llama 3.1 405B", "FP8", n)[0]
        for n in (1, 8, 64, 256, 1e6)
    ]
    assert at == sorted(at, reverse=True)
    assert at[-1] == pytest.approx(1)
    smallest = concurrency.summarise(runs, BAND, 1.1).set_index(["model_id", "gpu"])
    measured = smallest.loc[("meta-llama/Llama-3.1-405B-Instruct-FP8", "H100-SXM-80GB"), "ratio"]
    assert at[0] == pytest.approx(measured)
    assert concurrency.concurrency_factor(runs, "Mixtral 8x22B", "FP8", 8)[0] is None


def test_a_concurrency_summary_is_of_one_deployment_and_its_best(runs):
    table = concurrency.summarise(runs, BAND, 1.1)
    lowest = runs.groupby(concurrency.SUBJECT)["energy_per_token_j"].min()
    best = table.set_index(concurrency.SUBJECT)["energy_best_j"]
    assert best.sort_index().to_numpy() == pytest.approx(lowest.sort_index().to_numpy())
    assert (table["near_best_batch"] <= table["best_batch"]).all()
    reached = table["ratio"] >= BAND[0]
    assert (reached == (table["explained_lower"] >= 1)).all()


def test_precision_ratios_compare_the_same_load(runs):
    key = {"task": "chat", "gpu": "B200", "concurrency_limit": 8.0}
    same = runs[(runs["task"] == "chat") & (runs["gpu"] == "B200")]
    same = same[(same["concurrency_limit"] == 8) & same["model_id"].str.contains("405B")]
    energy = same.groupby("precision")["energy_per_token_j"].min()
    table = concurrency.precision_ratios(runs).set_index(["family", *key])["ratio"]
    name = "meta-llama/Llama-3.1-405B-Instruct"
    assert table[(name, *key.values())] == pytest.approx(energy["BF16"] / energy["FP8"])


def test_power_stated_twice_as_high_doubles_that_factor_alone(setup, estimates, runs, convert):
    one = estimates[estimates["id"] == "mle3_405b_best"]
    two = one.assign(accelerator_power_w=2 * one["accelerator_power_w"])
    a, b = (
        decomposition.decompose(setup, table, runs, convert).set_index("factor")["value"]
        for table in (one, two)
    )
    assert b["power"] == pytest.approx(2 * a["power"])
    assert b["remainder"] == pytest.approx(a["remainder"] / 2)


def test_coverage_follows_from_the_lines(predicted, settings):
    table = coverage.coverage(predicted, settings["nominal_coverage"])
    for row in table[table["model"] == "all"].to_dict("records"):
        if row["set"] == coverage.EVERYTHING:
            continue
        lines = predicted[(predicted["set"] == row["set"]) & (predicted["basis"] == row["basis"])]
        lines = lines[lines["counted"] == "yes"]
        inside = (lines["measured_wh"] >= lines["predicted_p5_wh"]) & (
            lines["measured_wh"] <= lines["predicted_p95_wh"]
        )
        assert row["p5_p95_coverage"] == inside.mean()
        assert np.log(row["bias"]) == pytest.approx(
            np.log(lines["predicted_p50_wh"] / lines["measured_wh"]).mean()
        )


def test_the_papers_list_is_complete(predicted):
    lines = predicted[predicted["set"] == coverage.PAPERS_LIST]
    assert (lines["basis"] == coverage.QUERIES).sum() == 5


def test_measured_runs_cost_more_at_the_facility(predicted, runs):
    lines = predicted[predicted["id"].str.startswith("mlenergy_v3.")]
    row = lines["id"].str.rsplit(".").str[-1].astype(int)
    accelerator = runs.set_index("row")["energy_per_request_j"][row].to_numpy() / 3600
    assert (lines["measured_p5_wh"].to_numpy() > accelerator).all()
    assert (lines["measured_p95_wh"] > lines["measured_wh"]).all()


def test_shared_runs_of_two_accuracy_targets_count_once():
    table = read_table(ROOT / "data/measured/mlperf_wall_power.csv", "wall_power")
    full = {"H200-SXM-141GB": 10.2, "B200": 14.3}
    used = coverage.wall_utilisation(table, full, LogNormal.from_percentiles(0.4, 0.9))
    assert not used.duplicated(["system", "scenario", "power_utilisation"]).any()
    assert used["power_utilisation"].between(0, 1).all()
    assert (used["idle_utilisation"] < used["power_utilisation"]).all()


def test_blackwell_pairs_differ_in_the_gpu_alone(runs):
    benchmarks = read_table(ROOT / "data/throughput/trtllm.csv", "throughput")
    table = coverage.blackwell(benchmarks, runs)
    same = runs.assign(gpu="B200")
    swapped = coverage.blackwell(
        benchmarks[benchmarks["gpu"] != "B200"],
        pd.concat([same, runs.assign(gpu="H100-SXM-80GB")]).drop_duplicates(
            [
                "gpu",
                "task",
                "model_id",
                "precision",
                "gpus",
                "tensor_parallel",
                "expert_parallel",
                "concurrency_limit",
            ]
        ),
    )
    assert swapped["throughput_ratio"].to_numpy() == pytest.approx(1)
    assert not table.duplicated(["source_id", "model", "setting", "precision"]).any()


def test_measured_lengths_keep_their_percentiles_and_mean():
    measured = read_table(ROOT / "data/measured/output_lengths.csv", "output_lengths")
    traces = read_table(ROOT / "data/request_lengths.csv", "request_lengths")
    curves = lengths.quantile_curves(traces, measured)
    for row in measured.to_dict("records"):
        curve = curves[(curves["series"] == row["model_id"]) & (curves["kind"] == row["task"])]
        level, length = curve["level"].to_numpy(), curve["output_tokens"].to_numpy()
        assert np.interp([0.05, 0.5, 0.95], level, length) == pytest.approx(
            [row["p5"], row["p50"], row["p95"]]
        )
        assert (np.diff(length) >= 0).all()
        assert length[-1] == pytest.approx(row["max"])
        mean = np.trapezoid(length, level)
        if mean > row["mean"] * (1 + 1e-9):
            # the percentiles alone exceed the mean: the tail stays at P95 as long as it can
            assert np.interp(0.99, level, length) == pytest.approx(row["p95"])
        elif mean < row["mean"] * (1 - 1e-9):
            # no tail reaches the mean: it is at the maximum as soon as it can
            rise = np.interp(0.955, level, length) - row["p95"]
            assert rise > 0.97 * (row["max"] - row["p95"])
        else:
            assert mean == pytest.approx(row["mean"])


def test_the_methods_own_lengths_change_nothing(setup):
    regime = setup.regimes["traditional"]
    levels = lengths.LEVELS
    quantiles = regime.output_tokens.quantile(np.minimum(levels, 1 - 1e-4))
    curve = pd.DataFrame(
        {
            "series": "own",
            "source_id": "x",
            "kind": "trace",
            "level": levels,
            "output_tokens": quantiles,
        }
    )
    table = lengths.compare(setup, curve).set_index("regime")
    own = table.loc["traditional"]
    assert own["distance"] < 0.01
    assert own["median_energy_ratio"] == pytest.approx(1, abs=0.01)
    assert own["inside_iqr"] == "yes"
