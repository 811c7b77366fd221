"""Public estimates: like with like, one origin once, nothing invented."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.evidence import estimates as evidence_estimates
from inference_energy.method.boundary import COMPARABLE
from inference_energy.method.setup import Coupling


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
    medians = [evidence_estimates.headline(setup, b, convert).quantile(0.5) for b in COMPARABLE]
    assert medians[2] == own
    assert medians == sorted(medians)


def test_the_breakdown_adds_up_to_the_headline(setup, own, convert, settings):
    table = evidence_estimates.breakdown(own, settings["provider_breakdown"])
    whole = evidence_estimates.headline(setup, "facility", convert).quantile(0.5)
    assert table["method_wh"].sum() == pytest.approx(whole)


def test_own_queries_are_those_of_the_exact_engine(setup, own, convert):
    assert list(own.blend) == list(COMPARABLE)
    for name, regime in setup.regimes.items():
        models, _ = exact.regime_energy(setup, regime)
        found = {model: energy.quantile(0.5) for model, energy in own.models[name].items()}
        assert found == {model: energy.quantile(0.5) for model, energy in models.items()}


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
def test_ratios_are_rounded_as_the_band_is_printed(band, ratio, place):
    assert evidence_estimates.place(ratio, band) == place


def test_shares_add_up_and_count_what_is_counted(ratios):
    shares = evidence_estimates.shares(ratios)
    assert shares[["below", "inside", "above"]].sum(axis=1).to_numpy() == pytest.approx(1)
    counted = ratios[ratios["counted"] == "yes"].groupby("reading").size()
    for kind in ("all", "how obtained", "year", "production scale", "boundary"):
        of_kind = shares[shares["kind"] == kind].groupby("reading")["n"].sum()
        assert of_kind.to_dict() == counted.to_dict()
