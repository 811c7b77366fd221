"""A law of each configuration by itself."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws.additive import Additive
from inference_energy.laws.separate import Separate
from library.laws.examples import SHAPES, TRUE, rows_of


@pytest.fixture
def fit():
    frames = [
        rows_of(factor * TRUE, shapes).assign(model=model)
        for model, factor, shapes in (("b", 1, SHAPES), ("few", 1, SHAPES[:2]), ("a", 2, SHAPES))
    ]
    return Separate(Additive.fit, 3, pd.concat(frames, ignore_index=True))


def test_every_configuration_with_enough_rows_has_its_own_law(fit):
    one, none, other = fit.laws
    assert none is None
    assert one.coefficients == pytest.approx(TRUE, rel=1e-9)
    assert other.coefficients == pytest.approx(2 * TRUE, rel=1e-9)


def test_a_new_configuration_has_a_law_once_enough_of_it_is_measured(fit):
    rows = rows_of(3 * TRUE)
    assert fit.condition(rows).coefficients == pytest.approx(3 * TRUE, rel=1e-9)
    for count, determined in ((2, False), (3, True)):
        measured = rows["throughput_tps"].where(rows.index < count, np.nan)
        law = fit.condition(rows.assign(throughput_tps=measured))
        assert (law is not None) is determined
