"""Every defensible combination of the method's choices (a multiverse) and what they decide.

A specification takes one option of every choice; all combinations are computed by the exact
engine. Work is shared: choices of power utilisation and PUE keep a model's tokens and throughput,
node power shifts ln E, and the blend only combines the models' distributions.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import reduce
from itertools import product

import numpy as np
import pandas as pd

from inference_energy import claims
from inference_energy.analytic import model_energy
from inference_energy.distributions import LogNormal
from inference_energy.errors import InputError
from inference_energy.estimate import TRIMMED
from inference_energy.methods import (
    blend,
    build,
    check,
    factor,
    merge,
    node_power,
    schema_problems,
)
from inference_energy.tabulated import Blends, Tables

WHERE = "config/multiverse.yaml"
QUARTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75}
STAGES = {
    "factors": {"power_utilisation", "pue"},
    "power": {"node_power"},
    "blend": {"blend"},
}
"""Sections of a method that leave tokens and throughput as they are."""


def energy_key(regime, subject, statistic, pathway="baseline"):
    """Selector of an energy per query, as claims write it."""
    return (
        f"energy_per_query[regime={regime}; subject={subject}; pathway={pathway};"
        f" statistic={statistic}]"
    )


def headline(regime, statistic="p50"):
    """Selector of the frontier blend's energy per query."""
    return energy_key(regime, TRIMMED, statistic)


@dataclass(frozen=True)
class Multiverse:
    """A base method and the options of its choices.

    Parameters
    ----------
    base : dict
        Resolved method.
    choices : dict
        Choice to ``title``, ``published`` (option of the base) and ``options``, each with
        ``label``, ``source`` and ``override``.
    """

    base: dict
    choices: dict

    @classmethod
    def of(cls, config, base, config_schema, method_schema):
        """Check a configuration against its schema and each option as a method.

        Raises
        ------
        InputError
            Listing every problem.
        """
        problems = schema_problems(config, config_schema, WHERE)
        if problems:
            raise InputError(problems)
        self = cls(base, config["choices"])
        for name, choice in self.choices.items():
            try:
                self._known(name, choice["published"], f"key choices.{name}.published")
            except InputError as error:
                problems += error.problems
            for option in choice["options"]:
                try:
                    check(self._apply({name: option}), method_schema, base["id"])
                except InputError as error:
                    path = f"{WHERE}: key choices.{name}.options.{option}.override"
                    mine = f"config/methods/{base['id']}.yaml"
                    problems += [p.replace(mine, path, 1) for p in error.problems]
        if problems:
            raise InputError(problems)
        if self.method() != base:
            raise InputError(
                f"{WHERE}: key choices: the published options change {base['id']}; allowed are"
                " published options without an override; name the options that the base takes"
            )
        return self

    def _known(self, choice, option, where):
        for value, allowed, kind in (
            (choice, self.choices, "choice"),
            (option, self.choices.get(choice, {}).get("options", {}), "option"),
        ):
            if value not in allowed:
                near = get_close_matches(str(value), allowed, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise InputError(
                    f"{WHERE}: {where}: value {value}: unknown {kind}; allowed are"
                    f" {', '.join(allowed)}; correct the name or add the {kind}{hint}"
                )

    def _apply(self, options, method=None):
        method = self.base if method is None else method
        for choice in self.choices:
            if choice in options:
                override = self.choices[choice]["options"][options[choice]].get("override")
                method = merge(method, override) if override else method
        return method

    def method(self, options=None):
        """Resolved method of one specification.

        Parameters
        ----------
        options : dict of str to str, optional
            Choice to option; the published option where nothing is said.

        Raises
        ------
        InputError
            If a choice or option does not exist.
        """
        for choice, option in (options or {}).items():
            self._known(choice, option, f"specification {choice}")
        return self._apply(self.published | (options or {}))

    @property
    def published(self):
        """Option of every choice that the base method takes."""
        return {name: choice["published"] for name, choice in self.choices.items()}

    @property
    def shape(self):
        """Number of options of every choice."""
        return tuple(len(choice["options"]) for choice in self.choices.values())

    @property
    def place(self):
        """Place of the base method in an array over all specifications."""
        return tuple(list(c["options"]).index(c["published"]) for c in self.choices.values())

    def stage(self, choice):
        """What a choice changes: ``factors``, ``power``, ``blend``, or else ``tokens``."""
        options = self.choices[choice]["options"].values()
        touched = {key for option in options for key in option.get("override", {})}
        return next((s for s, keys in STAGES.items() if touched and touched <= keys), "tokens")

    def combinations(self, stage):
        """All combinations of the options of one stage's choices, as dicts."""
        names = [name for name in self.choices if self.stage(name) == stage]
        options = product(*(self.choices[name]["options"] for name in names))
        return [dict(zip(names, combination, strict=True)) for combination in options]

    def specifications(self):
        """Option of every choice in every specification, a DataFrame of categories."""
        places = np.unravel_index(np.arange(np.prod(self.shape)), self.shape)
        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(codes, list(choice["options"]))
                for (name, choice), codes in zip(self.choices.items(), places, strict=True)
            }
        )


def outcomes(multiverse, sources, workers=1):
    """Results of every specification.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    sources : dict
        Tables to build methods from, keyword arguments of :func:`methods.build`.
    workers : int
        Processes.

    Returns
    -------
    dict of str to ndarray
        Selector, as claims write it, to an array with one axis per choice.
    """
    tasks = [(multiverse, options, sources) for options in multiverse.combinations("tokens")]
    if workers == 1:
        parts = [_token_outcomes(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            # neighbours share output tokens, whose quadrature a process keeps
            chunk = -(-len(tasks) // (8 * workers))
            parts = list(pool.map(_token_outcomes, *zip(*tasks, strict=True), chunksize=chunk))
    names = list(multiverse.choices)
    staged = [n for stage in ("tokens", *STAGES) for n in names if multiverse.stage(n) == stage]
    sizes = dict(zip(names, multiverse.shape, strict=True))
    keys = dict.fromkeys(key for part in parts for key in part)
    rest = int(np.prod(multiverse.shape)) // len(parts)
    answer = {}
    for key in keys:
        missing = np.full(rest, np.nan)
        values = np.stack([np.broadcast_to(part.get(key, missing), rest) for part in parts])
        values = values.reshape([sizes[name] for name in staged])
        answer[key] = np.transpose(values, [staged.index(name) for name in names])
    return answer


def _token_outcomes(multiverse, options, sources):
    """Results for one combination of the tokens stage; arrays over factors, power and blend."""
    method = multiverse._apply(multiverse.published | options)
    try:
        setup = build(method, **sources)
    except InputError as error:
        chosen = ", ".join(f"{choice} = {option}" for choice, option in options.items())
        raise InputError([f"{WHERE}: {chosen}: {problem}" for problem in error.problems]) from None
    z = method["monte_carlo"]["normal_quantile_95"]
    setups = []
    for combination in multiverse.combinations("factors"):
        varied = multiverse._apply(combination, method)
        utilisation, pue = factor(varied["power_utilisation"], z), factor(varied["pue"], z)
        setups.append(replace(setup, power_utilisation=utilisation, pue=pue))
    powers = np.array(
        [
            [node_power(multiverse._apply(combination, method), m.name) for m in setup.models]
            for combination in multiverse.combinations("power")
        ]
    )
    blends = [
        blend(multiverse._apply(combination, method)["blend"])
        for combination in multiverse.combinations("blend")
    ]
    answer, pools = {}, {}
    for name, regime in setup.regimes.items():
        found, pools[name] = _regime_outcomes(setups, regime, powers, blends)
        tokens = regime.output_tokens
        stated = method["regimes"][name]["output_tokens"].get("median", tokens.quantile(0.5))
        found[f"setting[regimes.{name}.output_tokens.median]"] = float(stated)
        for statistic, level in QUARTILES.items():
            key = f"output_tokens[regime={name}; statistic={statistic}]"
            found[key] = float(tokens.quantile(level))
        answer |= found
    for (scenario, pathway), energy in fleet(setup.fleet, pools).items():
        answer[f"fleet[scenario={scenario}; pathway={pathway}; statistic=p50]"] = energy
    return answer


def fleet(settings, means):
    """Energy of a day's queries from the mean energy of a query.

    The median of so many queries' total is its mean (:func:`analytic.fleet_energy`).

    Parameters
    ----------
    settings : methods.Fleet
        Queries a day, overhead, improvement.
    means : dict of str to array_like
        Mean energy of a query of each regime, blend untrimmed. [Wh]

    Returns
    -------
    dict
        (scenario, pathway) to GWh/day.
    """
    answer = {}
    for name, mean in means.items():
        total = np.asarray(mean) * settings.queries_per_day * settings.overhead[name] * 1e-9
        answer[name, "baseline"] = total
        answer[name, "improved"] = total * settings.improvement[name].moment(-1)
    for pathway in ("baseline", "improved"):
        long = settings.long_share * answer["long", pathway]
        answer["mixed", pathway] = (1 - settings.long_share) * answer["traditional", pathway] + long
    return answer


def _regime_outcomes(setups, regime, powers, blends):
    """Results of one regime, arrays over (factors, power, blend) flat; and the pools' means."""
    models = setups[0].models
    mixtures = [
        [model_energy(setup, regime, replace(model, node_power=1.0)) for model in models]
        for setup in setups
    ]
    # tables of one batch have as many cells as its narrowest distribution needs
    scale = [round(float(np.log2(row[0].sigmas[0]))) for row in mixtures]
    keys, size = None, (len(setups), len(powers), len(blends))
    answer, pool = {}, np.empty(size)
    for batch in (np.flatnonzero(np.equal(scale, s)) for s in sorted(set(scale))):
        rows = [mixtures[i] for i in batch]
        found, pool[batch] = _batch_outcomes(setups[0], rows, models, powers, blends)
        keys = keys or list(found)
        for key in keys:
            answer.setdefault(key, np.empty(size))[batch] = found[key]
    selectors = {energy_key(regime.name, *key): value.ravel() for key, value in answer.items()}
    return selectors, pool.ravel()


def _batch_outcomes(setup, mixtures, models, powers, blends):
    """Results by (subject, statistic, pathway), arrays over factors, power, blend; pools' means."""
    n = len(models)
    size = (len(mixtures), len(powers), len(blends))
    tables = Tables.of([mixture for row in mixtures for mixture in row])
    levels = np.array(list(QUARTILES.values()))
    unit = np.exp(tables.quantiles(levels)).reshape(len(mixtures), n, len(levels))
    means = np.array([[mixture.mean() for mixture in row] for row in mixtures])
    of_models = unit[:, None] * powers[:, :, None]
    answer = {
        (model.name, statistic, "baseline"): np.broadcast_to(of_models[:, :, m, q, None], size)
        for m, model in enumerate(models)
        for q, statistic in enumerate(QUARTILES)
    }
    count = max(b.models for b in blends)
    places = np.zeros((*size, count), dtype=int)
    shares = np.zeros((*size, count))
    parameters = np.array([model.parameters for model in models])
    medians = of_models[..., list(QUARTILES).index("p50")]
    for i, option in enumerate(blends):
        found = option.members(medians, parameters)
        places[:, :, i, : option.models], shares[:, :, i, : option.models] = found
    factors = np.arange(size[0])[:, None, None, None]
    power = powers[np.arange(size[1])[None, :, None, None], places]
    pool = (shares * power * means[factors, places]).sum(-1)
    trims = np.array([option.levels for option in blends])
    lower, upper = (np.broadcast_to(trims[:, i], size).ravel() for i in (0, 1))
    flat = [a.reshape(-1, count) for a in (factors * n + places, np.log(power), shares)]
    made = Blends(tables, *flat, lower, upper)
    quantiles = made.quantiles(levels)
    for q, statistic in enumerate(QUARTILES):
        answer[TRIMMED, statistic, "baseline"] = quantiles[:, q].reshape(size)
    median = answer[TRIMMED, "p50", "baseline"]
    ratios = _lever_ratios(made, median.ravel(), setup.pathways)
    for i, pathway in enumerate([*setup.pathways, "combined"]):
        answer[TRIMMED, "p50", pathway] = median / ratios[:, i].reshape(size)
    return answer, pool


def _lever_ratios(made, medians, pathways):
    """Median of E over median of E / M, per blend and lever; blends that differ in scale share."""
    levers = [*pathways.values(), reduce(LogNormal.__mul__, pathways.values())]
    held = made.share > 0
    first = np.argmax(held, axis=1)[:, None]
    base = np.take_along_axis(made.shift, first, 1)
    member = np.where(held, made.member, np.take_along_axis(made.member, first, 1))
    shift = np.where(held, made.shift - base, 0.0)
    kinds = np.column_stack([member, shift.round(9), made.share, made.lower, made.upper])
    _, kept, kind = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
    few = replace(
        made,
        member=member[kept],
        shift=shift[kept],
        share=made.share[kept],
        lower=made.lower[kept],
        upper=made.upper[kept],
    )
    scaled = medians[kept] / np.exp(base[kept, 0])
    spread = [lever.sigma > 0 for lever in levers]
    ratios = np.exp(np.tile([lever.mu for lever in levers], (len(kept), 1)))
    if any(spread):
        uncertain = [lever for lever in levers if lever.sigma > 0]
        ratios[:, spread] = scaled[:, None] / few.medians_divided_by(uncertain, scaled)
    return ratios[kind.ravel()]


def explained(values):
    """Share of the variance over a full factorial that each factor explains.

    The functional decomposition (ANOVA) of a full factorial in closed form: the main effect is
    the variance of the means over all other factors, the total effect what is left unexplained
    by all other factors together, each over the variance.

    Parameters
    ----------
    values : ndarray
        One axis per factor.

    Returns
    -------
    main, total : ndarray, shape (values.ndim,)
        [1]; zeros if nothing varies.
    """
    variance = values.var()
    if variance == 0:
        return np.zeros(values.ndim), np.zeros(values.ndim)
    axes = range(values.ndim)
    main = [values.mean(axis=tuple(a for a in axes if a != axis)).var() for axis in axes]
    total = [values.var(axis=axis).mean() for axis in axes]
    return np.array(main) / variance, np.array(total) / variance


def distribution(multiverse, found):
    """Percentiles of the headline over all specifications, and the base method's place in them.

    Returns
    -------
    DataFrame
        regime, quantity (p25, p50, p75, p75/p25), statistic, value, unit.
    """
    lines = []
    for regime in multiverse.base["regimes"]:
        quantities = {q: found[headline(regime, q)] for q in QUARTILES}
        quantities["p75/p25"] = quantities["p75"] / quantities["p25"]
        for quantity, values in quantities.items():
            unit = "1" if "/" in quantity else "Wh"
            base = values[multiverse.place]
            statistics = {"min": values.min(), "max": values.max(), "published": base}
            statistics |= {f"p{p}": np.percentile(values, p) for p in (5, 25, 50, 75, 95)}
            # equal specifications count half
            same = np.isclose(values, base, rtol=1e-9, atol=0)
            rank = ((values < base) & ~same).mean() + same.mean() / 2
            lines += [(regime, quantity, s, float(v), unit) for s, v in statistics.items()]
            lines.append((regime, quantity, "published_rank", float(rank), "1"))
    return pd.DataFrame(lines, columns=["regime", "quantity", "statistic", "value", "unit"])


def variance(multiverse, found):
    """Share of the variance of the log median that each choice explains.

    Returns
    -------
    DataFrame
        regime, choice, effect (main, total), value, unit.
    """
    lines = []
    for regime in multiverse.base["regimes"]:
        effects = explained(np.log(found[headline(regime)]))
        for effect, values in zip(("main", "total"), effects, strict=True):
            pairs = zip(multiverse.choices, values, strict=True)
            lines += [(regime, choice, effect, float(value), "1") for choice, value in pairs]
    return pd.DataFrame(lines, columns=["regime", "choice", "effect", "value", "unit"])


def one_at_a_time(multiverse, found):
    """Headline with one option changed from the base method.

    Returns
    -------
    DataFrame
        choice, option, regime, statistic (p25, p50, p75), value, unit, ratio (to the base).
    """
    lines = []
    for axis, (name, choice) in enumerate(multiverse.choices.items()):
        for i, option in enumerate(choice["options"]):
            place = list(multiverse.place)
            place[axis] = i
            for regime, statistic in product(multiverse.base["regimes"], QUARTILES):
                values = found[headline(regime, statistic)]
                value = float(values[tuple(place)])
                ratio = value / float(values[multiverse.place])
                lines.append((name, option, regime, statistic, value, "Wh", ratio))
    columns = ["choice", "option", "regime", "statistic", "value", "unit", "ratio"]
    return pd.DataFrame(lines, columns=columns)


def claim_shares(multiverse, found, published, figures):
    """Share of the specifications in which each claim holds.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.
    published : DataFrame
        Claims of one version of the paper.
    figures : dict
        Published figures, as in :class:`claims.Evidence`.

    Returns
    -------
    DataFrame
        claim, published, unit, specifications (in which it can be tested), share (of these in
        which it holds), p5, p50, p95 (of the computed number), base (whether it holds in the base
        method by the exact engine). Claims on quantities that the multiverse does not have are
        left out.
    """
    evidence = claims.Evidence({}, {}, figures)
    lines = []
    for claim in published.to_dict("records"):
        values = _quantity(claim["quantity"], found, evidence)
        if values is None:
            continue
        values = np.broadcast_to(values, multiverse.shape)
        known = ~np.isnan(values)
        hold = claims.holds_in(claim, values)
        percentiles = np.percentile(values[known], (5, 50, 95))
        lines.append(
            {
                "claim": claim["claim"],
                "published": claims.printed(claim),
                "unit": claim["unit"],
                "specifications": int(known.sum()),
                "share": float(hold[known].mean()),
                **{f"p{p}": float(v) for p, v in zip((5, 50, 95), percentiles, strict=True)},
                "base": "holds" if hold[multiverse.place] else "fails",
            }
        )
    return pd.DataFrame(lines)


def _quantity(quantity, found, evidence):
    if not isinstance(quantity, str):
        return None
    values = []
    for selector in quantity.split(" / "):
        table = selector.split("[")[0]
        if selector in found:
            values.append(found[selector])
        elif table in evidence.figures:
            values.append(claims.evaluate(selector, evidence, "exact"))
        else:
            return None
    return reduce(np.divide, values)


def curve(multiverse, found, bins=60):
    """Sorted medians, and how often each option occurs along them.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.
    bins : int
        Groups of as many specifications each, in ascending order of the median.

    Returns
    -------
    DataFrame
        regime, bin (1 is lowest), choice, option, share (of the bin's specifications that take
        the option) [1], p25, p50, p75 (medians over the bin's specifications). [Wh]
    """
    frames = []
    options = multiverse.specifications()
    for regime in multiverse.base["regimes"]:
        quartiles = {q: found[headline(regime, q)].ravel() for q in QUARTILES}
        order = np.argsort(quartiles["p50"], kind="stable")
        for number, members in enumerate(np.array_split(order, bins), start=1):
            energy = {q: float(np.median(values[members])) for q, values in quartiles.items()}
            for name in multiverse.choices:
                taken = options[name].cat.codes.to_numpy()[members]
                known = list(options[name].cat.categories)
                share = np.bincount(taken, minlength=len(known)) / len(members)
                where = {"regime": regime, "bin": number, "choice": name, **energy}
                frames.append(pd.DataFrame({"option": known, "share": share} | where))
    return pd.concat(frames, ignore_index=True)


def full_table(multiverse, found):
    """Every specification with its results, for queries of one's own."""
    results = {key: values.ravel() for key, values in found.items()}
    return pd.concat([multiverse.specifications(), pd.DataFrame(results)], axis=1)
