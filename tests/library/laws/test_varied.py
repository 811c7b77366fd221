"""A law that is a known factor and power of the lengths off another."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.varied import Varied
from library.laws.examples import EXAMPLES, MADE_OF_OTHERS

LENGTHS = np.array([[100.0], [5000.0]]), np.array([1.0, 300.0, 20_000.0])
EVERY = pytest.mark.parametrize("law", EXAMPLES.values(), ids=EXAMPLES)


@EVERY
def test_a_law_varied_by_nothing_is_the_law(law):
    same = Varied.of(law)
    for method in ("predict", "sigma", "seconds", "extrapolates"):
        np.testing.assert_array_equal(
            getattr(same, method)(*LENGTHS), getattr(law, method)(*LENGTHS)
        )
    assert same.kinks(500.0) == law.kinks(500.0)
    assert (same.name, same.domain, same.n_rows) == (law.name, law.domain, law.n_rows)


@EVERY
def test_throughput_changes_by_factor_and_powers_and_its_error_does_not(law):
    varied = Varied.of(law, factor=2.0, input_exponent=0.5, output_exponent=-1.0)
    change = 2 * (LENGTHS[0] / 500) ** 0.5 * (LENGTHS[1] / 2000) ** -1.0
    np.testing.assert_allclose(varied.predict(*LENGTHS), change * law.predict(*LENGTHS))
    np.testing.assert_allclose(varied.seconds(*LENGTHS), law.seconds(*LENGTHS) / change)
    np.testing.assert_array_equal(varied.sigma(*LENGTHS), law.sigma(*LENGTHS))


@EVERY
def test_all_parts_of_the_time_change_alike(law):
    query = 5000.0, 2000.0, LENGTHS[1]
    np.testing.assert_array_equal(Varied.of(law).parts(*query), law.parts(*query))
    varied = Varied.of(law, factor=2.0, input_exponent=0.5, output_exponent=-1.0)
    change = 2 * (5000 / 500) ** 0.5 * (LENGTHS[1] / 2000) ** -1.0
    parts = varied.parts(*query)
    np.testing.assert_allclose(parts, np.array(law.parts(*query)) / change)
    np.testing.assert_allclose(sum(parts), varied.seconds(5000.0, LENGTHS[1], 2000.0))


@EVERY
def test_a_second_change_adds_to_the_first(law):
    together = Varied.of(law, factor=2.0, input_exponent=0.5)
    assert Varied.of(Varied.of(law, factor=2.0), input_exponent=0.5) == together
    assert together.scaled(3.0).factor == 6.0
    assert together.uncapped().law == law.uncapped()
    assert together.terms()[-3:] == [
        ("change_factor", 2.0, "1"),
        ("change_input_exponent", 0.5, "1"),
        ("change_output_exponent", 0.0, "1"),
    ]


def test_every_way_of_a_varied_pool_is_its_own_law_off_by_the_same():
    pool = MADE_OF_OTHERS["pooled, knows load"]
    few = replace(pool.ways[0].law, n_rows=1)
    pool = Pooled.of([pool.ways[0]._replace(law=few), *pool.ways[1:]])
    ways = Varied.of(pool, factor=2.0).shares()
    for way, own in zip(ways, pool.ways, strict=True):
        assert way == own._replace(law=Varied.of(own.law, factor=2.0))
    moved = Varied.of(pool, factor=2.0).around(16.0)
    assert moved == Varied.of(pool.around(16.0), factor=2.0)


def test_a_law_that_knows_load_does_so_varied():
    law = EXAMPLES["at-load"]
    varied = Varied.of(law, factor=2.0).at(8.0)
    expected = 2 * law.at(8.0).predict(*LENGTHS)
    np.testing.assert_allclose(varied.predict(*LENGTHS), expected)
    lengths = 1000.0, 500.0, LENGTHS[1]
    np.testing.assert_array_equal(varied.parts_sigma(*lengths), law.at(8.0).parts_sigma(*lengths))
    assert (expected < 2 * law.predict(*LENGTHS)).all()
    finite = Varied.of(law, factor=2.0).at(8.0, 100.0).predict(*LENGTHS)
    np.testing.assert_allclose(finite, 2 * law.at(8.0, 100.0).predict(*LENGTHS))
    assert (finite != expected).all()
