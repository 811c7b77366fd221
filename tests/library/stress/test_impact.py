"""Energy of a query in parts, beyond the meter, and beside what was predicted."""

import numpy as np
import pytest
from inference_energy.stress import impact, tables
from library.stress.made_up import energies

ENERGY = tables.energy_table(energies(3.9))
FACTORS = {
    "pue": {"value": 1.2, "source": "our bill"},
    "grid_intensity": {"value": 400, "source": "the grid's report"},
}


def test_factors_that_are_stated_give_what_they_stand_for():
    table = impact.impact_table(ENERGY, FACTORS).query("output_tokens == 4500")
    means = ENERGY.query("statistic == 'mean' and output_tokens == 4500")["value"].item()
    values = dict(zip(table["quantity"], table["value"], strict=True))
    assert list(values) == ["energy of the facility", "carbon"]
    assert values["energy of the facility"] == pytest.approx(1.2 * means)
    # Wh to kWh, times 400 g/kWh
    assert values["carbon"] == pytest.approx(1.2 * means * 0.4)


def test_a_straight_line_is_parted_into_its_input_and_its_tokens():
    lengths = ENERGY["output_tokens"]
    line = ENERGY.assign(value=0.05 + 0.001 * lengths)
    (part,) = impact.parts_table(line).to_dict("records")
    assert part["input_wh"] == pytest.approx(0.05)
    assert part["token_j"] == pytest.approx(0.001 * 3600)
    assert part["deviation"] == pytest.approx(0, abs=1e-9)


def test_two_lengths_tell_nothing_of_a_straight_line():
    two = ENERGY[ENERGY["output_tokens"] != 1200]
    assert np.isnan(impact.parts_table(two)["deviation"].item())


def test_predictions_stand_beside_what_was_measured_where_they_reach():
    table = impact.predicted_table(ENERGY, {"law": {300: 0.25, 1200: 1.0}})
    row = table.set_index("output_tokens")
    assert row.loc[300, "quotient"] == pytest.approx(row.loc[300, "measured"] / 0.25)
    assert np.isnan(row.loc[4500, "predicted"])
    # a power law between two lengths
    assert impact.at_length({300: 0.25, 1200: 1.0}, 600) == pytest.approx(0.5)
