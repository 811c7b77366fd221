"""Energies are brought from one boundary to another by what a node draws, and methods as well."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.evidence import boundaries
from inference_energy.evidence.estimates import energy_at
from inference_energy.evidence.load import Load, at_load
from inference_energy.laws.pooled import Pooled
from inference_energy.method.boundary import COMPARABLE, Place
from inference_energy.method.build import build
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Coupling
from inference_energy.power.node import find_node, gpu_power_at, idle_share, node_power
from repository import METHODS, hardware_tables, materials, read

HARDWARE = hardware_tables()


@pytest.fixture(scope="module")
def revised():
    method = METHODS["revised"]
    return build(method, **materials([method])(method))


@pytest.fixture(scope="module")
def hopper():
    return find_node(boundaries.HOPPER, HARDWARE["nodes"], HARDWARE["gpus"])


def test_the_provider_parts_add_up_to_its_estimate(settings):
    estimates = read("data/published/estimates.csv", "estimates").set_index("id")
    parts = settings["provider_breakdown"]
    total = sum(parts[name] for name in ("accelerators", "host", "idle", "overhead"))
    assert total == pytest.approx(estimates.loc["google_2025", "value_wh"])


def with_power(setup, kw, utilisation):
    """A method whose nodes are all of this power [kW]."""
    models = tuple(replace(model, node_power=kw) for model in setup.models)
    return replace(setup, models=models, power_utilisation=utilisation)


@pytest.mark.parametrize("watts", [200.0, 400.0, 650.0])
def test_the_share_of_the_accelerators_is_that_of_the_node_that_draws_so_much(
    watts, setup, convert, hopper
):
    """By equation (1) of the node's power, the other way round."""
    drawn = float(node_power(watts, hopper))
    for kw, used in ((drawn / 1000, 1.0), (drawn / 500, 0.5)):
        share = convert.accelerator_share(with_power(setup, kw, LogNormal.fixed(used)))
        assert share.quantile(0.5) == pytest.approx(8 * watts / drawn)
        assert share.sigma == 0


def test_the_accelerators_vary_more_than_their_node(setup, convert, hopper):
    """Their power has its own P5 and P95, whatever is charged."""
    ends = [float(node_power(watts, hopper)) / 10_000 for watts in (250.0, 600.0)]
    used = LogNormal.from_percentiles(*ends)
    share = convert.accelerator_share(with_power(setup, 10.0, used))
    both = share * used
    low, high = both.quantile(0.05), both.quantile(0.95)
    assert high / low == pytest.approx(600 / 250, rel=1e-3)
    assert share.sigma > 0
    middle = 10_000 * used.quantile(0.5)
    watts = 8 * gpu_power_at(middle, hopper)
    assert share.quantile(0.5) == pytest.approx(watts / middle)


def test_a_node_draws_no_less_than_idle_and_no_more_than_rated(setup, convert, hopper):
    """Of a stated power that no such node has, the nearest counts."""
    share = [
        convert.accelerator_share(with_power(setup, kw, LogNormal.fixed(0.5))).quantile(0.5)
        for kw in (1.0, 0.1, 40.0, 100.0)
    ]
    assert share[0] == pytest.approx(share[1])
    assert share[2] == pytest.approx(share[3]) == pytest.approx(5600 / node_power(700.0, hopper))
    idle = 700.0 * idle_share(*(HARDWARE[name] for name in ("wall_power", "nodes", "gpus")))
    assert 50 < idle < 150
    assert share[0] == pytest.approx(8 * idle / node_power(idle, hopper))


def test_a_utilisation_that_follows_the_throughput_counts_at_the_highest(setup, convert):
    coupled = convert.accelerator_share(with_power(setup, 10.2, Coupling(0.24, 0.56)))
    assert coupled == convert.accelerator_share(with_power(setup, 10.2, LogNormal.fixed(0.8)))


@pytest.mark.parametrize("gpus", [4, 16])
def test_a_node_of_other_size_has_the_share_of_one_with_its_power_a_gpu(gpus, setup, convert):
    used = setup.power_utilisation
    of_size = replace(convert, gpus_per_node=gpus)
    share = of_size.accelerator_share(with_power(setup, 10.2 * gpus / 8, used))
    same = convert.accelerator_share(with_power(setup, 10.2, used))
    assert (share.mu, share.sigma) == pytest.approx((same.mu, same.sigma))


def test_the_smallest_node_of_a_method_counts(setup, convert):
    models = (setup.models[0], *(replace(m, node_power=99.0) for m in setup.models[1:]))
    alone = replace(setup, models=setup.models[:1])
    assert convert.accelerator_share(replace(setup, models=models)) == (
        convert.accelerator_share(alone)
    )


@pytest.mark.parametrize(("gpu", "gpus"), [("H100-SXM-80GB", 8), ("B200", 8), ("B200", 2)])
def test_a_run_is_brought_to_the_facility_by_its_node_and_pue(convert, gpu, gpus):
    node = find_node(gpu, HARDWARE["nodes"], HARDWARE["gpus"])
    whole = convert.facility_from_run(2.0, 500.0 * gpus, gpu, gpus)
    expected = 2.0 * float(node_power(500.0, node)) / 4000
    for level in (0.05, 0.5, 0.95):
        assert whole.quantile(level) == pytest.approx(expected * convert.pue.quantile(level))


def test_boundaries_of_the_method_are_nested(setup, convert):
    moved = [boundaries.at_boundary(setup, name, convert) for name in COMPARABLE]
    assert [m.boundary.name for m in moved] == list(COMPARABLE)
    # the PUE stays a PUE, whatever is counted
    assert {m.pue for m in moved} == {setup.pue}
    accelerator, server, facility = (m.boundary.over_node(m.pue).quantile(0.5) for m in moved)
    assert facility == setup.pue.quantile(0.5)
    assert server == 1
    assert accelerator == convert.accelerator_share(setup).quantile(0.5) < server < facility


def test_a_method_whose_laws_know_what_accelerators_draw_charges_that(revised, convert):
    moved = boundaries.at_boundary(revised, Place.ACCELERATOR, convert)
    assert moved.boundary.factor.mu == 0
    for model, own in zip(moved.models, revised.models, strict=True):
        for alone, whole in zip(model.law.shares(), own.law.shares(), strict=True):
            assert alone.power == whole.accelerators
    of_node = replace(
        revised.models[0],
        law=Pooled.of([revised.models[0].law.ways[0]._replace(accelerators=np.nan)]),
    )
    partly = replace(revised, models=(of_node, *revised.models[1:]))
    moved = boundaries.at_boundary(partly, Place.ACCELERATOR, convert)
    assert moved.boundary.factor == convert.accelerator_share(partly)


def test_a_method_whose_laws_know_what_accelerators_draw_has_their_spread(revised, convert):
    """What is uncertain about a node is uncertain about its accelerators: the rest is steady."""
    moved = boundaries.at_boundary(revised, Place.ACCELERATOR, convert)
    full = 1000 * revised.models[0].node_power * np.exp(revised.power_utilisation.mu)
    variances = []
    for model in revised.models:
        for way in model.law.shares():
            around = convert.node(way.node.rsplit(" ", 1)[0])
            watts = full * way.accelerators / around["gpus"]
            slope = np.log(node_power(watts * 1.001, around) / node_power(watts, around))
            slope /= np.log(1.001)
            of_gpus = way.beyond**2 / (1 - slope**2)
            weight = way.weight / len(revised.models)
            variances.append(weight * of_gpus * np.array([1, slope**2]))
    of_gpus, of_nodes = np.sum(variances, axis=0)
    assert of_nodes == pytest.approx(revised.power_utilisation.sigma**2, rel=0.05)
    whole = revised.power_utilisation.sigma**2 + moved.boundary.factor.sigma**2
    assert whole == pytest.approx(of_gpus, rel=0.05)
    assert whole > 1.5 * of_nodes


def test_accelerators_of_a_node_that_knows_load_have_less_of_it_at_a_small_one(revised, convert):
    """Host and fans draw almost the same at any load."""
    name, shares = revised.models[0].name, []
    for load in (8, 64, 400):
        at = Load(load, "B200", "FP4", 8)
        alone, whole = (
            energy_at(revised, name, 1000, 300, place, convert, at).quantile(0.5)
            for place in (Place.ACCELERATOR, Place.SERVER)
        )
        shares.append(alone / whole)
    assert 0.3 < shares[0] < shares[1] < shares[2] < 0.8


def test_accelerators_at_a_load_have_the_spread_that_they_have_there(revised, convert):
    """Host and fans hide more of it the less the accelerators draw."""
    model, found = revised.models[0], []
    for load in (8, 64, 400):
        at = Load(load, "B200", "FP4", 8)
        alone, whole = (
            energy_at(revised, model.name, 1000, 300, place, convert, at).sigma
            for place in (Place.ACCELERATOR, Place.SERVER)
        )
        (way,) = at_load(model, at, convert.gpus_per_node).law.shares()
        assert np.sqrt(alone**2 - whole**2) == pytest.approx(way.beyond, rel=1e-6)
        found.append(way.beyond)
    assert found[0] > found[1] > found[2]


def test_a_boundary_without_conversion_is_refused(setup, convert):
    with pytest.raises(InputError) as refused:
        boundaries.at_boundary(setup, "life cycle", convert)
    assert str(refused.value) == (
        "boundary 'life cycle': no conversion; allowed are accelerator, server, facility; leave the"
        " estimate out of the comparison"
    )


@pytest.mark.parametrize("count", [1, 4, 16, 72])
def test_nodes_of_other_gpus_than_their_maximum_power_are_refused(settings, count):
    boundaries.conversion(settings, HARDWARE)
    with pytest.raises(InputError) as told:
        boundaries.conversion(settings | {"gpus_per_node": count}, HARDWARE)
    problems = told.value.problems
    assert len(problems) == 2
    assert problems[0] == (
        f"config/evidence.yaml: key gpus_per_node: value {count}: maximum_node_power of"
        f" H200-SXM-141GB, 10.2 kW, is {10200 / (count * 700):.3g} times the rated power of so many"
        " (tdp_w of data/gpus.csv); allowed is 1.2 to 2.5, as a node draws its GPUs' rated power"
        " and up to as much again; correct the one that is wrong"
    )
