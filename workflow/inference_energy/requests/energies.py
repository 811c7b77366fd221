"""Energy of counted requests, by the exact engine's equation and without sampling.

PUE, power utilisation and the law's error are not known, but they are the same for all requests of
a log: a total's spread is theirs and does not average out over requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from inference_energy.energy.equation import charged_tokens, node_energy, node_seconds
from inference_energy.energy.exact import known_utilisation, regime_energy, uncertain_factor
from inference_energy.energy.mixtures import Mixture
from inference_energy.laws.base import LENGTH_FLOOR
from inference_energy.method.distributions import LogNormal

PARTS = ("prefill", "cached", "decode")
"""Parts of a request's energy, those of ``Law.parts``."""

COLUMNS = ["energy", *PARTS, "error", "seconds", "extrapolated", "place", "weight"]

STEPS_PER_LOG = 1000
"""Steps of ln E into which requests are put for percentiles; within one their mean counts."""

LENGTHS = ("input", "cached", "output")


@dataclass(frozen=True)
class Serving:
    """What serves a log: models by name, and which of them, with what share, a log's model is.

    Parameters
    ----------
    setup : Setup or Deployment
        Models and factors.
    default : dict of str to float
        Shares of the models for requests whose model is not known here. [1]
    default_name : str
        What they are together.
    names : dict of str to str
        Models of the setup by the names that the log has for them.
    load : mapping of str to float
        Requests in flight on a copy of each of the log's models, infinite for as many as fit; one
        without is at the load that its law was built for.
    """

    setup: object
    default: dict
    default_name: str
    names: dict
    load: Mapping = field(default_factory=dict)

    @classmethod
    def of_method(cls, setup, names):
        """Serve by a method; unknown models are the frontier blend of traditional queries."""
        _, members = regime_energy(setup, setup.regimes["traditional"])
        return cls(setup, members, "frontier blend", names)

    @classmethod
    def of_deployment(cls, deployment, names):
        """Serve by a deployment, whose one model is every model of the log."""
        name = deployment.model.name
        return cls(deployment, {name: 1.0}, name, names)

    @property
    def factor(self):
        """Product of the uncertain factors that all requests have in common, a LogNormal. [1]"""
        return uncertain_factor(self.setup)

    def at(self, load):
        """Serve at another load, as in ``load``."""
        return replace(self, load=load)

    def knows_load(self, name):
        """Whether the laws that a log's model is charged by know the load."""
        laws = {model.name: model.law for model in self.setup.models}
        return all(laws[member].knows_load for member in self.members(name)[0])

    def members(self, name):
        """Models and shares that a log's model is charged as, and their name together."""
        known = {_bare(model.name): model.name for model in self.setup.models}
        model = self.names.get(name) or known.get(_bare(name or ""))
        return ({model: 1.0}, model) if model else (self.default, self.default_name)


def _bare(name):
    return "".join(c for c in name.casefold() if c.isalnum())


def energies(serving, lengths):
    """Energy of requests of given lengths, before the factors that all have in common.

    Parameters
    ----------
    serving : Serving
        What serves them.
    lengths : DataFrame
        model, n, and input, cached and output: sums of the tokens of n requests.

    Returns
    -------
    DataFrame
        Per row of ``lengths`` (place) and model that it is charged as: place, weight (requests),
        energy and its parts of one request [Wh], error of ln throughput [1], node seconds,
        extrapolated (whether the law has not seen such lengths).
    """
    models = {model.name: model for model in serving.setup.models}
    if not len(lengths):
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    tables = []
    for name, rows in lengths.groupby("model", dropna=False, sort=False):
        name = name if isinstance(name, str) else None
        members, _ = serving.members(name)
        means = [rows[column].to_numpy(float) / rows["n"].to_numpy(float) for column in LENGTHS]
        for member, share in members.items():
            model = _at(models[member], serving.load.get(name))
            table = _of_model(serving.setup, model, *means)
            table["place"] = rows.index.to_numpy()
            table["weight"] = rows["n"].to_numpy(float) * share
            tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _at(model, load):
    """Model at a load, if there is one and its law knows it."""
    if load is None or not model.law.knows_load:
        return model
    return replace(model, law=model.law.at(load))


def _of_model(setup, model, input_tokens, cached, output):
    ratio = setup.input_tokens_per_output_token
    answer = np.maximum(output, LENGTH_FLOOR)
    throughput = answer / model.law.seconds(input_tokens, answer, cached)
    seconds = model.law.seconds(input_tokens, output, cached)
    parts = dict(zip(PARTS, model.law.parts(input_tokens, cached, output), strict=True))
    if ratio is not None:
        charged = charged_tokens(answer, input_tokens - cached, ratio)
        seconds = node_seconds(charged, throughput)
        parts["prefill"] = parts["prefill"] + seconds - sum(parts.values())
    power = model.node_power, known_utilisation(setup, model, throughput)
    return {
        "energy": node_energy(seconds, *power),
        **{part: node_energy(time, *power) for part, time in parts.items()},
        "error": np.broadcast_to(model.error(input_tokens, output), output.shape),
        "seconds": seconds,
        "extrapolated": model.law.extrapolates(input_tokens, output),
    }


def total(factor, table, column="energy"):
    """Energy of all requests of a table together.

    Factors and error are common to all requests; the error is that of the mean request, weighted
    by energy.

    Parameters
    ----------
    factor : LogNormal
        Product of the uncertain factors. [1]
    table : DataFrame
        As from ``energies``.
    column : str
        Energy, or one of its parts.

    Returns
    -------
    dict
        mean, p5, p50, p95. [Wh]
    """
    energy = table["weight"].to_numpy() * table[column].to_numpy()
    middle = float(energy.sum())
    if middle == 0:
        return dict.fromkeys(("mean", "p5", "p50", "p95"), 0.0)
    error = table["error"].to_numpy()
    shared = factor * LogNormal(0.0, float(energy @ error) / middle)
    mean = float(energy @ np.exp(error**2 / 2)) * factor.moment(1)
    p5, p50, p95 = middle * shared.quantile(np.array([0.05, 0.5, 0.95]))
    return {"mean": mean, "p5": float(p5), "p50": float(p50), "p95": float(p95)}


def steps(table):
    """Requests by energy, in steps of ln E: the distribution over requests, factors apart.

    Returns
    -------
    DataFrame
        Rising energy of one request [Wh], weight (requests) and error [1]; zero energy first.
    """
    energy = table["energy"].to_numpy()
    with np.errstate(divide="ignore"):
        step = np.floor(np.log(energy) * STEPS_PER_LOG)
    weight = table["weight"].to_numpy()
    with np.errstate(invalid="ignore"):
        log = np.where(energy > 0, np.log(np.where(energy > 0, energy, 1.0)), 0.0)
    sums = pd.DataFrame(
        {"step": step, "weight": weight, "log": weight * log, "error": weight * table["error"]}
    )
    sums = sums.groupby("step", sort=True).sum()
    middle = np.where(np.isinf(sums.index), 0.0, np.exp(sums["log"] / sums["weight"]))
    return pd.DataFrame(
        {
            "energy": middle,
            "weight": sums["weight"].to_numpy(),
            "error": (sums["error"] / sums["weight"]).to_numpy(),
        }
    )


def distribution(factor, table):
    """Distribution of the energy of a request: over requests, factors and error, a Mixture. [Wh]"""
    found = steps(table)
    weights = (found["weight"] / found["weight"].sum()).to_numpy()
    return Mixture.of_energies(
        found["energy"].to_numpy(), weights, factor, found["error"].to_numpy()
    )
