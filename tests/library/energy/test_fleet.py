"""A day of queries is counted in one way, whichever engine gives the mean query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.energy import exact
from inference_energy.energy.fleet import daily, fleet, mix

amounts = st.floats(0, 1e6)


@given(st.floats(0, 1), amounts, amounts)
def test_a_mix_lies_between_its_regimes_and_is_one_of_them_at_the_ends(share, traditional, long):
    low, high = sorted((traditional, long))
    assert low * (1 - 1e-12) <= mix(share, traditional, long) <= high * (1 + 1e-12)
    assert mix(0, traditional, long) == traditional
    assert mix(1, traditional, long) == long


def test_a_wh_a_query_is_a_gwh_for_a_thousand_million_queries(paper):
    overhead = paper.fleet.overhead["long"]
    assert paper.fleet.queries_per_day == 1e9
    assert daily(paper.fleet, "long", 1.0) == pytest.approx(overhead, rel=1e-12)
    assert daily(paper.fleet, "long", np.array([0.0, 2.0])) == pytest.approx([0, 2 * overhead])


def test_the_fleet_of_the_means_is_that_of_the_exact_engine(paper):
    means, expected = {}, {}
    for name, regime in paper.regimes.items():
        models, members = exact.regime_energy(paper, regime)
        means[name] = exact.blend_energy(paper, models, members, trim=False).mean()
        expected[name] = exact.fleet_energy(paper, regime)
    found = fleet(paper.fleet, means)
    for pathway in ("baseline", "improved"):
        day = {name: expected[name][pathway]["mean"] for name in means}
        for name in means:
            assert found[name, pathway] == pytest.approx(day[name], rel=1e-9)
        mixed = mix(paper.fleet.long_share, day["traditional"], day["long"])
        assert found["mixed", pathway] == pytest.approx(mixed, rel=1e-9)
