"""A law on a grid says what the law itself says, and what is off it is off by the same."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.varied import Varied
from inference_energy.robustness.gridded import Gridded, on_grid
from library.laws.examples import EXAMPLES, MADE_OF_OTHERS

MANY = MADE_OF_OTHERS["pooled, knows load"]
INPUTS, OUTPUTS = (100.0, 20_000.0), (0.0, 50_000.0)
GRID = Gridded.of(MANY, INPUTS, OUTPUTS)
LENGTHS = np.array([0.0, 0.5, 1.0, 7.3, 300.0, 4321.0, 49_999.0])


@pytest.mark.parametrize("input_tokens", [100.0, 777.7, 20_000.0])
def test_between_its_points_it_is_the_law(input_tokens):
    for found, true in zip(
        GRID.by_way(input_tokens, LENGTHS), MANY.by_way(input_tokens, LENGTHS), strict=True
    ):
        np.testing.assert_allclose(found, true, rtol=2e-5)


def test_a_varied_law_is_off_its_grid_as_it_is_off_the_law():
    change = {"factor": 1.7, "input_exponent": 0.3, "output_exponent": -0.4}
    on, off = (Varied.of(law, **change) for law in (GRID, MANY))
    for found, true in zip(on.by_way(500.0, LENGTHS), off.by_way(500.0, LENGTHS), strict=True):
        np.testing.assert_allclose(found, true, rtol=2e-5)
    ways = [way.law.predict(500.0, LENGTHS) for way in off.shares()]
    np.testing.assert_allclose(off.by_way(500.0, LENGTHS)[0], ways, rtol=1e-12)


def test_the_ways_are_the_law_s_own():
    assert GRID.shares() == MANY.shares()
    for found, true in zip(GRID.split(), MANY.split(), strict=True):
        np.testing.assert_array_equal(found, true)
    assert GRID.scaled(2.0).predict(500.0, 300.0) == pytest.approx(2 * GRID.predict(500.0, 300.0))
    (speeds, errors), (twice, same) = (g.by_way(500.0, LENGTHS) for g in (GRID, GRID.scaled(2.0)))
    np.testing.assert_allclose(twice, 2 * speeds, rtol=1e-12)
    np.testing.assert_array_equal(same, errors)
    assert (GRID.sigma(500.0, 300.0), GRID.terms()) == (MANY.sigma(500.0, 300.0), MANY.terms())


def test_laws_of_one_way_and_those_with_kinks_stay_as_they_are(paper):
    capped = Pooled.of([Share(1.0, power, EXAMPLES["log-linear"]) for power in (1.0, 2.0)])
    assert capped.kinks(INPUTS[0])
    smooth = Pooled.of([Share(1.0, 1.0, Peak(v, 1, MANY.domain, 0.1)) for v in (1.0, 2.0)])
    model = paper.models[0]
    laws = (model.law, capped, smooth)
    setup = replace(paper, models=tuple(replace(model, law=law) for law in laws))
    found = [each.law for each in on_grid(setup, INPUTS, OUTPUTS).models]
    assert found[:2] == [model.law, capped]
    assert isinstance(found[2], Gridded)
