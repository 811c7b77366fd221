"""From the energy of a query at the meter to that of the facility, cost, carbon and water."""

import numpy as np
import pandas as pd

from inference_energy.energy.equation import facility_energy
from inference_energy.units import J_PER_WH, WH_PER_KWH

KEYS = ["scope", "concurrency", "output_tokens"]
PER_KWH = {
    "electricity_price": ("cost", "USD"),
    "grid_intensity": ("carbon", "gCO2e"),
    "water_intensity": ("water", "L"),
}
"""Factors by energy of the facility, what they give, and its unit."""


def impact_table(energy, factors):
    """Energy of the facility, cost, carbon and water of one query.

    Parameters
    ----------
    energy : DataFrame
        Table stress_energy.
    factors : dict
        Stated factors: pue [1], electricity_price [USD/kWh], grid_intensity [gCO2e/kWh],
        water_intensity [L/kWh], each with value and source. One that is not stated gives nothing;
        without a PUE the facility's energy is that of the meter.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, quantity, value, unit.
    """
    means = energy[energy["statistic"] == "mean"].dropna(subset=["value"])
    pue = factors.get("pue", {}).get("value", 1.0)
    rows = []
    for row in means.itertuples():
        place = (row.scope, row.concurrency, row.output_tokens)
        facility = facility_energy(row.value, pue)
        rows.append((*place, "energy of the facility", facility, "Wh"))
        for name, (quantity, unit) in PER_KWH.items():
            if name in factors:
                value = facility / WH_PER_KWH * factors[name]["value"]
                rows.append((*place, quantity, value, unit))
    return pd.DataFrame(rows, columns=[*KEYS, "quantity", "value", "unit"])


def parts_table(energy):
    """Energy of a query parted into what its input and what each output token takes.

    A straight line through the means of the lengths at one input length: its intercept is what
    does not grow with the output (the input, and what is around a query), its slope one output
    token. A token at the end of a long answer takes more than one at its start, which the line
    puts into both.

    Parameters
    ----------
    energy : DataFrame
        Table stress_energy.

    Returns
    -------
    DataFrame
        scope, concurrency, input_wh [Wh], token_j [J/token], deviation: the largest relative
        distance of a length from the line [1]; NaN with two lengths, which any line meets.
    """
    means = energy[energy["statistic"] == "mean"].dropna(subset=["value"])
    rows = []
    for keys, group in means.groupby(KEYS[:2]):
        if len(group) < 2:
            continue
        lengths, values = group["output_tokens"].to_numpy(float), group["value"].to_numpy(float)
        # relative distances count: the longest length would else decide alone
        slope, intercept = np.polyfit(lengths, values, 1, w=1 / values)
        line = intercept + slope * lengths
        deviation = np.abs(line / values - 1).max() if len(group) > 2 else np.nan
        rows.append((*keys, intercept, slope * J_PER_WH, deviation))
    return pd.DataFrame(rows, columns=["scope", "concurrency", "input_wh", "token_j", "deviation"])


def predicted_table(energy, predictions):
    """Measured energies beside predicted ones.

    Parameters
    ----------
    energy : DataFrame
        Table stress_energy.
    predictions : dict of str to dict
        Name to energy per query [Wh] by output tokens; between two lengths it is interpolated in
        the logarithms, beyond them there is none.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, prediction, predicted, measured [Wh], quotient [1].
    """
    means = energy[energy["statistic"] == "mean"].dropna(subset=["value"])
    rows = []
    for row in means.itertuples():
        for name, known in predictions.items():
            predicted = at_length(known, row.output_tokens)
            rows.append((row.scope, row.concurrency, row.output_tokens, name, predicted, row.value))
    frame = pd.DataFrame(rows, columns=[*KEYS, "prediction", "predicted", "measured"])
    return frame.assign(quotient=frame["measured"] / frame["predicted"])


def at_length(known, length):
    """Predicted energy at an output length [Wh]; NaN beyond the lengths that are known."""
    lengths = sorted(known)
    if not lengths or not lengths[0] <= length <= lengths[-1]:
        return np.nan
    values = np.log([known[each] for each in lengths])
    return float(np.exp(np.interp(np.log(length), np.log(lengths), values)))
