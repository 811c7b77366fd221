"""Energy of a query in parts, boundary by boundary, and beside what was predicted."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.power.node import node_power
from inference_energy.stress import forecast, impact, tables
from library.stress.made_up import energies
from repository import read

ENERGY = tables.energy_table(energies(3.9))
POWER = energies(3.9).assign(power_w=800.0)
MEANS = impact.boundaries(ENERGY, POWER, forecast.NOTHING)
FACTORS = {
    "pue": {"value": 1.2, "source": "our bill"},
    "grid_intensity": {"value": 400, "source": "the grid's report"},
}
LENGTHS = (300, 600, 1200, 2400, 4500)


def known_node():
    """A forecast that knows the node around two GPUs, and predicts them and the node."""
    node = read("data/nodes.csv", "nodes").iloc[0]
    rows = [
        (scope, 8, length, name, share * length, 0.5 * length, 2.0 * length, 0.01)
        for scope, name, share in (("gpu", forecast.LAW, 0.001), ("node", "revised", 0.002))
        for length in (300, 1200, 4500)
    ]
    return forecast.Forecast(pd.DataFrame(rows, columns=forecast.COLUMNS), "", node, 2)


def test_factors_that_are_stated_give_what_they_stand_for():
    table = impact.impact_table(MEANS, FACTORS).query("output_tokens == 4500")
    means = ENERGY.query("statistic == 'mean' and output_tokens == 4500")["value"].item()
    values = dict(zip(table["quantity"], table["value"], strict=True))
    assert list(values) == ["energy", "energy of the facility", "carbon"]
    assert values["energy"] == means
    assert values["energy of the facility"] == pytest.approx(1.2 * means)
    # Wh to kWh, times 400 g/kWh
    assert values["carbon"] == pytest.approx(1.2 * means * 0.4)


def test_node_follows_from_the_power_of_the_gpus_and_takes_the_factors():
    known = known_node()
    means = impact.boundaries(ENERGY, POWER, known)
    long = means[means["output_tokens"] == 4500].set_index("scope")
    assert list(long["basis"]) == ["measured", "computed"]
    whole = float(node_power(400.0, known.node, 2))
    assert whole > 800
    assert long.loc["node", "value"] == pytest.approx(long.loc["gpu", "value"] * whole / 800)
    table = impact.impact_table(means, FACTORS).set_index("scope")["quantity"]
    assert table["gpu"].unique() == ["energy"] and "carbon" in set(table["node"])


def test_measured_node_is_not_computed():
    measured = pd.concat([energies(3.9), energies(5.0).assign(scope="node")])
    energy = tables.energy_table(measured)
    means = impact.boundaries(energy, measured.assign(power_w=1.0), known_node())
    assert set(means["basis"]) == {"measured"} and set(means["scope"]) == {"gpu", "node"}


def cells(law, noise=(0, 0, 0)):
    """Energies of three repetitions by a law of the length."""
    rows = [
        ("gpu", 8, length, number, law(length) + extra)
        for length in LENGTHS
        for number, extra in enumerate(noise)
    ]
    columns = ["scope", "concurrency", "output_tokens", "repetition", "energy_wh"]
    return pd.DataFrame(rows, columns=columns)


def part(power):
    (found,) = impact.parts_table(power, known_node()).to_dict("records")
    return found


def test_input_and_growing_tokens_are_parted():
    found = part(cells(lambda n: 0.05 + 0.001 * n + 1e-8 * n**2, (-0.002, 0, 0.002)))
    assert found["input_wh"] == pytest.approx(0.05, rel=1e-3)
    assert found["first_token_j"] == pytest.approx(0.001 * 3600, rel=1e-4)
    assert found["last_token_j"] == pytest.approx((0.001 + 2e-8 * 4500) * 3600, rel=1e-4)
    assert found["deviation"] == pytest.approx(0, abs=1e-4)
    # t of 2 degrees of freedom, 95 %, times 0.002 / sqrt(3)
    assert found["high"] - found["low"] == pytest.approx(2 * 4.3027 * 0.002 / 3**0.5, rel=1e-4)
    assert found["law_input_wh"] == 0.01


def test_few_lengths_tell_a_line_and_two_nothing_of_its_fit():
    line = cells(lambda n: 0.05 + 0.001 * n)
    three = part(line[line["output_tokens"].isin([300, 1200, 4500])])
    assert three["first_token_j"] == pytest.approx(three["last_token_j"])
    assert three["deviation"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(part(line[line["output_tokens"].isin([300, 4500])])["deviation"])
    assert np.isnan(part(line[line["repetition"] == 0])["low"])


def test_predictions_stand_beside_what_was_measured_where_they_reach():
    stated = {"mine": {300: 0.25, 1200: 1.0}}
    table = impact.predicted_table(MEANS, stated, forecast.NOTHING)
    row = table.set_index("output_tokens")
    assert row.loc[300, "quotient"] == pytest.approx(row.loc[300, "measured"] / 0.25)
    assert np.isnan(row.loc[4500, "predicted"])
    # a power law between two lengths
    assert impact.at_length({300: 0.25, 1200: 1.0}, 600) == pytest.approx(0.5)


def test_forecasts_stand_beside_their_boundary_and_give_ratios():
    known = known_node()
    table = impact.predicted_table(MEANS, {}, known)
    law, revised = (table[table["prediction"] == name] for name in (forecast.LAW, "revised"))
    assert set(law["basis"]) == {"measured"} and revised["measured"].isna().all()
    ratios = tables.ratio_table(energies(3.9), 13.0)
    found = impact.predicted_ratios(table, ratios).set_index("prediction")["ratio"]
    assert found.to_dict() == pytest.approx({forecast.LAW: 15, "revised": 15})


def test_without_predictions_the_tables_are_empty():
    table = impact.predicted_table(MEANS, {}, forecast.NOTHING)
    assert table.empty and impact.predicted_ratios(table, tables.ratio_table(POWER, 13.0)).empty
