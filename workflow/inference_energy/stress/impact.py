"""From the energy of a query at the meter to that of the facility, cost, carbon and water."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from inference_energy.energy.equation import facility_energy
from inference_energy.power.node import node_power
from inference_energy.stress.forecast import Forecast
from inference_energy.stress.freshness import Array
from inference_energy.stress.plan import LEAST_REPETITIONS
from inference_energy.units import J_PER_WH, WH_PER_KWH

KEYS = ["scope", "concurrency", "output_tokens"]
PER_KWH = {
    "electricity_price": ("cost", "USD"),
    "grid_intensity": ("carbon", "gCO2e"),
    "water_intensity": ("water", "L"),
}
"""Factors by energy of the facility, what they give, and its unit."""

QUADRATIC = 4
"""Lengths from which on the growth of a token's energy is told apart: one more than terms."""


def boundaries(energy: pd.DataFrame, power: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
    """Mean energy of a query at every boundary that is measured, or computed from another.

    Where the GPUs alone were measured, the energy of their part of the node follows from their
    power by equation (1) of ``power.node``.

    Parameters
    ----------
    energy, power : DataFrame
        Tables stress_energy and stress_power.
    forecast : Forecast
        For the node around the GPUs.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, value [Wh], basis (measured or computed).
    """
    means = energy[energy["statistic"] == "mean"].dropna(subset=["value"])
    means = means[[*KEYS, "value"]].assign(basis="measured")
    if forecast.node is None or "node" in set(means["scope"]):
        return means
    gpus = means[means["scope"] == "gpu"]
    by_load = power[power["scope"] == "gpu"].groupby(KEYS[1:])["power_w"].mean()
    drawn = by_load.reindex(pd.MultiIndex.from_frame(gpus[KEYS[1:]])).to_numpy(float)
    whole = node_power(drawn / forecast.gpus, forecast.node, forecast.gpus)
    node = gpus.assign(scope="node", value=gpus["value"] * whole / drawn, basis="computed")
    return pd.concat([means, node], ignore_index=True)


def impact_table(means: pd.DataFrame, factors: Mapping[str, Any]) -> pd.DataFrame:
    """Energy, energy of the facility, cost, carbon and water of one query.

    Factors are taken on the widest boundary, the node where it is known: what a narrower one
    leaves out, they do not add.

    Parameters
    ----------
    means : DataFrame
        From :func:`boundaries`.
    factors : dict
        Stated factors: pue [1], electricity_price [USD/kWh], grid_intensity [gCO2e/kWh],
        water_intensity [L/kWh], each with value and source. One that is not stated gives nothing;
        without a PUE the facility's energy is that of the meter.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, basis, quantity, value, unit.
    """
    pue = factors.get("pue", {}).get("value", 1.0)
    widest = "node" if "node" in set(means["scope"]) else None
    rows = []
    lines: Iterator[Any] = means.itertuples()
    for row in lines:
        place = (row.scope, row.concurrency, row.output_tokens, row.basis)
        rows.append((*place, "energy", row.value, "Wh"))
        if widest and row.scope != widest:
            continue
        facility = facility_energy(row.value, pue)
        rows.append((*place, "energy of the facility", facility, "Wh"))
        for name, (quantity, unit) in PER_KWH.items():
            if name in factors:
                value = facility / WH_PER_KWH * factors[name]["value"]
                rows.append((*place, quantity, value, unit))
    return pd.DataFrame(rows, columns=[*KEYS, "basis", "quantity", "value", "unit"])


def parts_table(power: pd.DataFrame, forecast: Forecast, level: float = 0.95) -> pd.DataFrame:
    """Energy of a query parted into what its input and what each output token takes.

    Every output token attends to all before it, so that

        E(L) = a + b L + c L^2                                                                (1)

    a: what does not grow with the output (the input, and what is around a query); b: a token at
    the start, b + 2 c L: one at the end of an answer. With fewer than QUADRATIC lengths c = 0, and
    the growth is put into both other terms.

    Parameters
    ----------
    power : DataFrame
        Table stress_power.
    forecast : Forecast
        Its law tells what it spends on the input.
    level : float
        Confidence level of the interval of a, over the repetitions.

    Returns
    -------
    DataFrame
        scope, concurrency, input_wh, low, high [Wh], first_token_j, last_token_j [J/token],
        deviation: the largest relative distance of a length from (1), NaN where there are as many
        terms as lengths [1]; law_input_wh, what the law with load spends on the input [Wh].
    """
    rows = []
    for keys, group in power.dropna(subset=["energy_wh"]).groupby(KEYS[:2]):
        logs = np.log(group["energy_wh"].where(group["energy_wh"] > 0))
        means = np.exp(logs.groupby(group["output_tokens"]).mean()).dropna()
        if len(means) < 2:
            continue
        terms, away = _terms(means)
        longest = means.index.max()
        rows.append(
            {
                **dict(zip(KEYS, keys, strict=False)),
                "input_wh": terms[0],
                **_input_interval(group, len(means), level),
                "first_token_j": terms[1] * J_PER_WH,
                "last_token_j": (terms[1] + 2 * terms[2] * longest) * J_PER_WH,
                "deviation": away,
                "law_input_wh": _law_input(forecast.table, *keys),
            }
        )
    columns = [*KEYS[:2], "input_wh", "low", "high", "first_token_j", "last_token_j"]
    return pd.DataFrame(rows, columns=[*columns, "deviation", "law_input_wh"])


def _terms(means: pd.Series) -> tuple[Array, float]:
    """Terms of equation (1) through energies by length, and the largest distance from it."""
    order = 2 if len(means) >= QUADRATIC else 1
    lengths, values = means.index.to_numpy(float), means.to_numpy(float)
    # relative distances count: the longest length would else decide alone
    fitted = np.polynomial.Polynomial.fit(lengths, values, order, w=1 / values)
    exact = len(means) == order + 1
    away = np.nan if exact else float(np.abs(fitted(lengths) / values - 1).max())
    return np.pad(fitted.convert().coef, (0, 2 - order)), away


def _input_interval(group: pd.DataFrame, lengths: int, level: float) -> dict[str, float]:
    """The t interval of a of equation (1), a value from each repetition with all lengths."""
    found = []
    for _, own in group.groupby("repetition"):
        if own["output_tokens"].nunique() == lengths:
            found.append(_terms(own.set_index("output_tokens")["energy_wh"].sort_index())[0][0])
    if len(found) < LEAST_REPETITIONS:
        return {"low": np.nan, "high": np.nan}
    half = stats.t.ppf((1 + level) / 2, len(found) - 1) * stats.sem(found)
    return {"low": np.mean(found) - half, "high": np.mean(found) + half}


def _law_input(table: pd.DataFrame, scope: Hashable, concurrency: Hashable) -> float:
    """What the law with load spends on the input, at the shortest length [Wh]."""
    own = table[(table["scope"] == scope) & (table["concurrency"] == concurrency)]
    own = own.dropna(subset=["input_wh"]).sort_values("output_tokens")
    return own["input_wh"].iloc[0] if len(own) else np.nan


def predicted_table(
    means: pd.DataFrame, predictions: Mapping[str, Mapping[float, float]], forecast: Forecast
) -> pd.DataFrame:
    """Measured energies beside predicted ones.

    Parameters
    ----------
    means : DataFrame
        From :func:`boundaries`.
    predictions : dict of str to dict
        Name to stated energy per query [Wh] by output tokens; between two lengths it is
        interpolated in the logarithms, beyond them there is none.
    forecast : Forecast
        Predictions of this project.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, prediction, predicted, low, high, measured [Wh],
        quotient [1], basis of the measured energy.
    """
    lines: Iterator[Any] = means.itertuples()
    rows = [
        (row.scope, row.concurrency, row.output_tokens, name, at_length(known, row.output_tokens))
        for row in lines
        for name, known in predictions.items()
    ]
    stated = pd.DataFrame(rows, columns=[*KEYS, "prediction", "predicted"])
    parts = [part for part in (stated, forecast.table) if len(part)]
    columns = [*KEYS, "prediction", "predicted", "low", "high", "measured", "quotient", "basis"]
    if not parts:
        return pd.DataFrame(columns=columns)
    found = pd.concat(parts, ignore_index=True).merge(
        means.rename(columns={"value": "measured"}), how="left", on=KEYS
    )
    found["quotient"] = found["measured"] / found["predicted"]
    return found.reindex(columns=columns)


def predicted_ratios(predicted: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """Predicted energy of the longest over that of the shortest query of every measured ratio.

    A prediction that knows the node alone stands beside the ratio of a narrower scope too.

    Parameters
    ----------
    predicted, ratios : DataFrame
        Tables stress_predicted and stress_ratio.

    Returns
    -------
    DataFrame
        scope, concurrency, prediction, ratio [1].
    """
    wide = predicted.set_index([*KEYS, "prediction"])["predicted"]
    names = predicted["prediction"].drop_duplicates()
    rows = []
    lines: Iterator[Any] = ratios.itertuples()
    for line in lines:
        place = (line.scope, line.concurrency)
        for name in names:
            for scope in (line.scope, "node"):
                ends = [
                    wide.get((scope, line.concurrency, length, name), np.nan)
                    for length in (line.longest, line.shortest)
                ]
                if np.isfinite(ends).all():
                    rows.append((*place, name, ends[0] / ends[1]))
                    break
    return pd.DataFrame(rows, columns=[*KEYS[:2], "prediction", "ratio"])


def at_length(known: Mapping[float, float], length: float) -> float:
    """Predicted energy at an output length [Wh]; NaN beyond the lengths that are known."""
    lengths = sorted(known)
    if not lengths or not lengths[0] <= length <= lengths[-1]:
        return np.nan
    values = np.log([known[each] for each in lengths])
    return float(np.exp(np.interp(np.log(length), np.log(lengths), values)))
