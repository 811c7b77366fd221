"""What the spread of a method's energies comes from.

ln E of a query of the untrimmed blend is a function of the model, the kind of node and engine, the
load and the lengths, plus independent errors of the law, the power and the PUE. With weights
for all of these, its variance parts exactly (no sampling). Input and output are taken to vary
independently of each other, where a trace says how the input does:

- first-order part of an input X: ``Var(E[ln E | X])``; of what depends on the model (node, engine),
  within the model
- of an independent error: its mean variance
- what is left comes from inputs that act together
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.energy.equation import Array, charged_tokens, query_energy
from inference_energy.energy.exact import known_utilisation, model_energy
from inference_energy.energy.mixtures import Mixture
from inference_energy.method.setup import Coupling, Regime, ServedModel, Setup
from inference_energy.rounding import cut
from inference_energy.templates import render

TOGETHER = "together"

ALL = "all"
"""Stands for a class of models: those of all classes."""

SOURCES = (
    "model",
    "node",
    "engine",
    "load",
    "input tokens",
    "output tokens",
    "law",
    "power",
    "PUE",
    TOGETHER,
)
"""What variance is ascribed to: the first six vary from query to query or from service to service,
the next three are not known, the last is what the first do together."""

STEPS = 20
"""Input lengths that stand for those of a trace, each for as many of its queries."""


def input_lengths(levels: ArrayLike, quantiles: ArrayLike, mean: float) -> Array:
    """Input lengths that stand for those of a trace, whose mean is that of a method. [tokens]

    Parameters
    ----------
    levels, quantiles : array_like
        Shares of a trace's queries, rising from 0 to 1 [1], and their longest inputs. [tokens]
    mean : float
        What the lengths are scaled to. [tokens]

    Returns
    -------
    ndarray, shape (STEPS,)
        Means of equal parts of the queries, the shortest first.
    """
    ends = np.linspace(0, 1, STEPS + 1)
    grid = np.union1d(levels, ends)
    lengths = np.interp(grid, np.asarray(levels, float), np.asarray(quantiles, float))
    below = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (lengths[1:] + lengths[:-1]) / 2)])
    return STEPS * np.diff(np.interp(ends, grid, below)) * (mean / below[-1])


def _each(regime: Regime, inputs: ArrayLike | None) -> Iterator[Regime]:
    """The kind of query with every input length; with its mean alone if none are given."""
    for length in [regime.input_tokens] if inputs is None else np.asarray(inputs, float):
        yield replace(regime, input_tokens=float(length))


def variance_parts(
    setup: Setup, regime: Regime, members: Mapping[str, float], inputs: ArrayLike | None = None
) -> pd.DataFrame:
    """Variance of ln E of a query of the blend, by what it comes from.

    Parameters
    ----------
    setup : Setup
        The method.
    regime : Regime
        Kind of query; queries without output are left out.
    members : dict of str to float
        Models of the blend and their shares, as of ``exact.regime_energy``. [1]
    inputs : array_like, optional
        Input lengths that as many queries have each; that of the regime if not given. [tokens]

    Returns
    -------
    DataFrame
        source, variance [1] (of ln E), share [1] (of the sum; 0 of each where that is 0).
    """
    models = {model.name: model for model in setup.models}
    each = []
    kinds = list(_each(regime, inputs))
    for name, share in _served(members).items():
        for kind in kinds:
            own = _cells(setup, kind, models[name])
            weights = share / len(kinds) * own["weight"]
            each.append(own.assign(model=name, input=kind.input_tokens, weight=weights))
    cells = pd.concat(each, ignore_index=True)
    weight, log = cells["weight"], cells["log_energy"]
    total = _variance(log, weight)
    parts = {
        "model": _between(cells, ["model"]),
        "node": _between(cells, ["model", "node"]) - _between(cells, ["model"]),
        "engine": _between(cells, ["model", "engine"]) - _between(cells, ["model"]),
        "load": _between(cells, ["load"]),
        "input tokens": _between(cells, ["input"]),
        "output tokens": _between(cells, ["length"]),
    }
    parts[TOGETHER] = total - sum(parts.values())
    utilisation = setup.power_utilisation
    parts |= {
        "law": _dot(weight, cells["error"] ** 2),
        "power": 0.0 if isinstance(utilisation, Coupling) else utilisation.sigma**2,
        "PUE": setup.boundary.over_node(setup.pue).sigma ** 2,
    }
    variances = np.array([parts[name] for name in SOURCES])
    # a standard deviation that is rounding is none, and nothing is a part of it
    if cut(np.sqrt(abs(variances).sum())) == 0:
        return pd.DataFrame({"source": SOURCES, "variance": 0.0, "share": 0.0})
    found = pd.DataFrame({"source": SOURCES, "variance": cut(variances, variances.sum())})
    return found.assign(share=found["variance"] / found["variance"].sum())


def _served(members: Mapping[str, float]) -> dict[str, float]:
    """Models of a blend that have a share of it: of the others nothing can be a part."""
    return {name: share for name, share in members.items() if share > 0}


def _cells(setup: Setup, regime: Regime, model: ServedModel) -> pd.DataFrame:
    """Ln E of every way and output length of a model, with weights that add up to one."""
    lengths, weights = regime.output_tokens.nodes(model.law.kinks(regime.input_tokens), 0.5)
    some = (lengths > 0) & (weights > 0)
    lengths, weights = lengths[some], weights[some] / weights[some].sum()
    charged = charged_tokens(lengths, regime.input_tokens, setup.input_tokens_per_output_token)
    throughput, errors, powers = model.by_way(regime.input_tokens, lengths)
    utilisation = known_utilisation(setup, model, throughput)
    energies = query_energy(charged, throughput, powers, utilisation)
    ways = pd.DataFrame(model.law.shares())
    cells = ways.loc[ways.index.repeat(len(lengths)), ["node", "engine", "load"]]
    return cells.assign(
        length=np.tile(lengths, len(ways)),
        weight=np.outer(ways["weight"], weights).ravel(),
        log_energy=np.log(energies).ravel(),
        error=errors.ravel(),
    )


def _variance(values: pd.Series, weights: pd.Series) -> float:
    mean = _dot(weights, values)
    return _dot(weights, (values - mean) ** 2)


def _dot(weights: pd.Series, values: pd.Series) -> float:
    return float(weights.to_numpy(float) @ values.to_numpy(float))


def _between(cells: pd.DataFrame, columns: list[str]) -> float:
    """Variance between the means of the groups that the columns make."""
    keys = [cells[column] for column in columns]
    total = cells["weight"].groupby(keys, dropna=False).sum()
    mean = (cells["weight"] * cells["log_energy"]).groupby(keys, dropna=False).sum() / total
    return _variance(mean, total)


def page(
    method: str,
    parts: pd.DataFrame,
    classes: pd.DataFrame,
    extrapolation: pd.DataFrame,
    traces: Mapping[str, str | None] | None = None,
) -> str:
    """Page of a method's uncertainty.

    Parameters
    ----------
    method : str
        Its name.
    parts, classes : DataFrame
        Tables of schemas ``uncertainty`` and ``classes``.
    extrapolation : DataFrame
        Table of schema ``extrapolation``.
    traces : dict of str to str, optional
        Trace that says how the input of a regime varies, by regime.

    Returns
    -------
    str
        Markdown.
    """
    regimes = []
    for whole in classes[classes["architecture"] == ALL].to_dict("records"):
        regime = whole["regime"]
        own = parts[parts["regime"] == regime]
        outside = extrapolation[extrapolation["statistic"] == "queries"]
        regimes.append(
            whole
            | {
                "shares": own.set_index("source")["share"].to_dict(),
                "halving": named_to_halve(own),
                "trace": (traces or {}).get(regime),
                "beyond": outside[outside["regime"] == regime]["value"].max(),
            }
        )
    return render(
        "robustness/uncertainty.md.jinja",
        method=method,
        regimes=regimes,
        sources=SOURCES,
        classes=classes[classes["architecture"] != ALL].to_dict("records"),
    )


def named_to_halve(parts: pd.DataFrame) -> str:
    """What :func:`needed_to_halve` finds, as in "the load and the model"; nothing if none is."""
    names = needed_to_halve(parts)
    if not names:
        return ""
    *most, last = (f"the {name}" for name in names)
    return f"{', '.join(most)} and {last}" if most else last


def needed_to_halve(parts: pd.DataFrame) -> list[str]:
    """Sources whose knowledge halves the spread of ln E, the largest first.

    Parameters
    ----------
    parts : DataFrame
        From :func:`variance_parts`.

    Returns
    -------
    list of str
        As few as leave a quarter of the variance or less; none where there is no variance.
    """
    left: float = 1.0
    found: list[str] = []
    known = parts[parts["source"] != TOGETHER].sort_values("share", ascending=False)
    for source, share in zip(known["source"], known["share"].astype(float), strict=True):
        if left <= 0.25 or share <= 0:
            break
        found.append(source)
        left -= share
    return found


def model_energies(
    setup: Setup, regime: Regime, members: Collection[str], inputs: ArrayLike | None = None
) -> dict[str, Mixture]:
    """Energy per query of each of a blend's models, with all inputs. [Wh]

    Parameters
    ----------
    setup, regime, inputs
        As of :func:`variance_parts`.
    members : collection of str
        Models of the blend.
    """
    models = {model.name: model for model in setup.models}
    kinds = list(_each(regime, inputs))
    shares = [1 / len(kinds)] * len(kinds)
    return {
        name: Mixture.pooled([model_energy(setup, kind, models[name]) for kind in kinds], shares)
        for name in members
    }


def by_class(
    energies: Mapping[str, Mixture], members: Mapping[str, float], architectures: Mapping[str, str]
) -> pd.DataFrame:
    """Energy per query of the blend's models, of its dense ones and of its mixtures of experts.

    Parameters
    ----------
    energies : dict of str to Mixture
        From :func:`model_energies`. [Wh]
    members : dict of str to float
        Models of the blend and their shares. [1]
    architectures : dict of str to str
        Class of each model.

    Returns
    -------
    DataFrame
        architecture, a class or ALL, models, and mean and percentiles of the pooled models. [Wh]
    """
    rows = []
    members = _served(members)
    for name in [ALL, *sorted({architectures[member] for member in members})]:
        own = {m: share for m, share in members.items() if name in (ALL, architectures[m])}
        pool = pooled(energies, own)
        rows.append({"architecture": name, "models": len(own)} | pool.describe())
    return pd.DataFrame(rows).drop(columns="std")


def pooled(energies: Mapping[str, Mixture], members: Mapping[str, float]) -> Mixture:
    """Energy per query of some models together, by their shares [1] of one another. [Wh]"""
    total = sum(members.values())
    shares = [share / total for share in members.values()]
    return Mixture.pooled([energies[name] for name in members], shares)
