"""Parameters of boundary conversions come from the data, and the method is brought to each."""

import pytest
from inference_energy.errors import InputError
from inference_energy.evidence import boundaries
from inference_energy.method.boundary import COMPARABLE
from repository import read


def test_parameters_come_from_the_capped_node_and_the_provider(convert, settings, wall_power):
    capped = settings["capped_node"]
    run = wall_power[
        (wall_power["system"] == capped["system"])
        & (wall_power["benchmark"] == capped["benchmark"])
        & (wall_power["scenario"] == capped["scenario"])
    ].iloc[0]
    parts = settings["provider_breakdown"]
    serving = parts["accelerators"] + parts["host"]
    share = [convert.accelerator_share.quantile(level) for level in (0.05, 0.95)]
    limit_w = capped["gpu_limit"] * 1000 * run["gpus"]
    assert share == pytest.approx(
        [limit_w / run["wall_power_w"], parts["accelerators"] / serving], rel=1e-3
    )
    assert convert.idle_factor == pytest.approx((serving + parts["idle"]) / serving)


def test_the_provider_parts_add_up_to_its_estimate(settings):
    estimates = read("data/published/estimates.csv", "estimates").set_index("id")
    parts = settings["provider_breakdown"]
    total = sum(parts[name] for name in ("accelerators", "host", "idle", "overhead"))
    assert total == pytest.approx(estimates.loc["google_2025", "value_wh"])


def test_a_capped_node_that_is_not_there_is_refused_with_the_remedy(settings, wall_power):
    wrong = settings | {"capped_node": settings["capped_node"] | {"scenario": "Server"}}
    assert boundaries.conversion(wrong, wall_power).accelerator_share.mu < 0
    wrong = settings | {"capped_node": settings["capped_node"] | {"scenario": "nowhere"}}
    with pytest.raises(InputError, match="capped_node: selects 0 rows"):
        boundaries.conversion(wrong, wall_power)


def test_shares_in_the_wrong_order_are_refused(settings, wall_power):
    wrong = settings | {"capped_node": settings["capped_node"] | {"gpu_limit": 0.7}}
    with pytest.raises(InputError, match="accelerator shares"):
        boundaries.conversion(wrong, wall_power)


def test_boundaries_of_the_method_are_nested(setup, convert):
    moved = [boundaries.at_boundary(setup, name, convert) for name in COMPARABLE]
    assert [m.boundary.name for m in moved] == list(COMPARABLE)
    # the PUE stays a PUE, whatever is counted
    assert {m.pue for m in moved} == {setup.pue}
    accelerator, server, facility = (m.boundary.over_node(m.pue).quantile(0.5) for m in moved)
    assert facility == setup.pue.quantile(0.5)
    assert server == 1
    assert accelerator == convert.accelerator_share.quantile(0.5) < server < facility


def test_a_boundary_without_conversion_is_refused(setup, convert):
    with pytest.raises(InputError, match="life cycle"):
        boundaries.at_boundary(setup, "life cycle", convert)
