"""A fleet with long queries, and what brings it back."""

import pytest
from inference_energy.energy import exact
from inference_energy.scaling import crossing


def test_a_shifted_mixture_of_queries_is_twice_the_baseline():
    double = crossing.doubling(0.5, 8.0)
    assert double["added"] * 8.0 == pytest.approx(0.5)
    share = double["replaced"]
    assert (1 - share) * 0.5 + share * 8.0 == pytest.approx(2 * 0.5)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_an_intervention_brings_the_fleet_back_to_the_baseline(share):
    need = crossing.intervention(0.5, 8.0, share)
    assert ((1 - share) * 0.5 + share * 8.0) / need["all"] == pytest.approx(0.5)
    assert (1 - share) * 0.5 + share * 8.0 / need["long"] == pytest.approx(0.5)


def test_crossing_points_use_the_fleets_own_means(flat):
    config = {
        "long_shares": {"values": [0.1]},
        "years": {"values": [1, 5]},
        "demand_growth": {"values": [0.5]},
        "efficiency": {"values": [2]},
        "rebound": {"values": [0, 1]},
    }
    table = crossing.crossing(flat, config)
    mean = table[(table["basis"] == "mean") & (table["analysis"] == "intervention")]
    fleet = mean[mean["quantity"] == "fleet"].set_index("long_share")["value"]
    days = {r: exact.fleet_energy(flat, flat.regimes[r])["baseline"] for r in flat.regimes}
    assert fleet[0.0] == pytest.approx(days["traditional"]["mean"])
    mixed = 0.9 * days["traditional"]["mean"] + 0.1 * days["long"]["mean"]
    assert fleet[0.1] == pytest.approx(mixed)
    growth = table[(table["analysis"] == "growth") & (table["quantity"] == "fleet")]
    assert growth.loc[growth["years"] == 0, "value"].to_numpy() == pytest.approx(mixed)


def test_without_rebound_efficiency_counts_in_full_and_with_all_of_it_not_at_all():
    assert crossing.fleet_over_start(3, 0.5, 2.0, 0) == pytest.approx((1.5 / 2) ** 3)
    assert crossing.fleet_over_start(3, 0.5, 2.0, 1) == pytest.approx(1.5**3)
    assert crossing.fleet_over_start(3, 0.5, 2.0, 1.5) > 1.5**3
    even = crossing.break_even_rebound(0.5, 2.0)
    assert crossing.fleet_over_start(7, 0.5, 2.0, even) == pytest.approx(1)
