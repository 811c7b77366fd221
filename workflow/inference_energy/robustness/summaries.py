"""What the specifications say together."""

from collections.abc import Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.claims import judge, selectors
from inference_energy.energy.equation import Array
from inference_energy.robustness.choices import JOINED, QUARTILES, Multiverse, headline
from inference_energy.rounding import NOISE, cut, ranking


def distinct(multiverse: Multiverse, found: Mapping[str, Array]) -> tuple[Array, NDArray[np.bool_]]:
    """Which specifications give the same results, and what each counts.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.

    Returns
    -------
    weights : ndarray
        One axis per choice: one over the number of specifications that give the same results in
        every number, so that each result counts once; zero where the options contradict each
        other. [1]
    first : ndarray of bool
        The same shape: the first specification of each result.
    """
    allowed = multiverse.allowed.ravel()
    # not a number where a specification lacks a model
    table = np.stack([np.nan_to_num(ranking(v).ravel()[allowed]) for v in found.values()], axis=1)
    rows = np.ascontiguousarray(table).view(np.dtype((np.void, table.itemsize * table.shape[1])))
    _, place, group, size = np.unique(
        rows.ravel(), return_index=True, return_inverse=True, return_counts=True
    )
    weights, first = np.zeros(allowed.size), np.zeros(allowed.size, dtype=bool)
    weights[allowed] = 1 / size[group]
    first[np.flatnonzero(allowed)[place]] = True
    return weights.reshape(multiverse.shape), first.reshape(multiverse.shape)


def explained(values: Array) -> tuple[Array, Array]:
    """Share of the variance over a full factorial that each factor explains.

    The main effect is the variance of the means over all other factors, the total effect the mean
    of the variances at fixed values of all others, each over the variance: as every combination
    counts alike and the factors are independent, the functional decomposition (ANOVA) in closed
    form, in which no total effect is below the main effect.

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
    if variance <= (NOISE * np.abs(values).max()) ** 2:
        return np.zeros(values.ndim), np.zeros(values.ndim)
    main, total = [], []
    for axis in range(values.ndim):
        others = tuple(a for a in range(values.ndim) if a != axis)
        main.append(values.mean(axis=others).var())
        total.append(values.var(axis=axis).mean())
    return cut(np.array(main) / variance), cut(np.array(total) / variance)


def distribution(
    multiverse: Multiverse, found: Mapping[str, Array], first: NDArray[np.bool_]
) -> pd.DataFrame:
    """Percentiles of the headline over all results, and the base method's place in them.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.
    first : ndarray of bool
        From :func:`distinct`.

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
            base, values = values[multiverse.place], values[first]
            statistics = {"min": values.min(), "max": values.max(), "published": base}
            statistics |= {f"p{p}": np.percentile(values, p) for p in (5, 25, 50, 75, 95)}
            # equal ones count half
            same = np.isclose(values, base, rtol=1e-9, atol=0)
            rank = ((values < base) & ~same).mean() + same.mean() / 2
            lines += [(regime, quantity, s, float(v), unit) for s, v in statistics.items()]
            lines.append((regime, quantity, "published_rank", float(rank), "1"))
    return pd.DataFrame(lines, columns=["regime", "quantity", "statistic", "value", "unit"])


def variance(multiverse: Multiverse, found: Mapping[str, Array]) -> pd.DataFrame:
    """Share of the variance of the log median that each choice explains.

    Every specification counts alike, equal results as often as they occur: otherwise the choices
    would not be independent, as :func:`explained` demands. Nor are those of which a pair is
    refused, which therefore stand together.

    Returns
    -------
    DataFrame
        regime, choice (one, or several that stand together), effect (main, total), value, unit.
    """
    lines = []
    names = [JOINED.join(factor) for factor in multiverse.factors]
    for regime in multiverse.base["regimes"]:
        effects = explained(np.log(multiverse.factorial(found[headline(regime)])))
        for effect, values in zip(("main", "total"), effects, strict=True):
            pairs = zip(names, values, strict=True)
            lines += [(regime, name, effect, float(value), "1") for name, value in pairs]
    return pd.DataFrame(lines, columns=["regime", "choice", "effect", "value", "unit"])


def one_at_a_time(multiverse: Multiverse, found: Mapping[str, Array]) -> pd.DataFrame:
    """Headline with one option changed from the base method, where that is not refused.

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
            if not multiverse.allowed[tuple(place)]:
                continue
            for regime, statistic in product(multiverse.base["regimes"], QUARTILES):
                values = found[headline(regime, statistic)]
                value = float(values[tuple(place)])
                ratio = value / float(values[multiverse.place])
                lines.append((name, option, regime, statistic, value, "Wh", ratio))
    columns = ["choice", "option", "regime", "statistic", "value", "unit", "ratio"]
    return pd.DataFrame(lines, columns=columns)


def claim_shares(
    multiverse: Multiverse,
    found: Mapping[str, Array],
    first: NDArray[np.bool_],
    published: pd.DataFrame,
    figures: Mapping[str, dict[str, float]],
) -> pd.DataFrame:
    """Share of the distinct specifications in which each claim holds.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.
    first : ndarray of bool
        From :func:`distinct`.
    published : DataFrame
        Claims of one version of the paper.
    figures : dict
        Published figures, as in :class:`claims.selectors.Results`.

    Returns
    -------
    DataFrame
        claim, published, unit, specifications (distinct ones in which it can be tested), share (of
        these in which it holds), p5, p50, p95 (of the computed number), base (whether it holds in
        the base method by the exact engine). Claims on quantities that the multiverse does not have
        are left out.
    """
    results = selectors.Results({}, {}, figures)
    lines = []
    claims: list[dict[Any, Any]] = published.to_dict("records")
    for claim in claims:
        computed = _quantity(claim["quantity"], found, results)
        if computed is None:
            continue
        values = np.broadcast_to(computed, multiverse.shape)
        known = first & ~np.isnan(values)
        hold = judge.holds_in(claim, values)
        percentiles = np.percentile(values[known], (5, 50, 95))
        lines.append(
            {
                "claim": claim["claim"],
                "published": judge.printed(claim),
                "unit": claim["unit"],
                "specifications": int(known.sum()),
                "share": float(hold[known].mean()),
                **{f"p{p}": float(v) for p, v in zip((5, 50, 95), percentiles, strict=True)},
                "base": "holds" if hold[multiverse.place] else "fails",
            }
        )
    return pd.DataFrame(lines)


def _quantity(
    quantity: object, found: Mapping[str, Array], results: selectors.Results
) -> Array | None:
    if not isinstance(quantity, str):
        return None
    values: list[Any] = []
    for selector in quantity.split(" / "):
        table = selector.split("[")[0]
        if selector in found:
            values.append(found[selector])
        elif table in results.published:
            values.append(selectors.evaluate(selector, results, "exact"))
        else:
            return None
    quotient: Array = reduce(np.divide, values)
    return quotient


def curve(
    multiverse: Multiverse,
    found: Mapping[str, Array],
    weights: Array,
    first: NDArray[np.bool_],
    bins: int = 60,
) -> pd.DataFrame:
    """Sorted medians, and how often each option occurs along them.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    found : dict of str to ndarray
        From :func:`outcomes`.
    weights, first : ndarray
        From :func:`distinct`.
    bins : int
        Groups of as many distinct results each, in ascending order of the median.

    Returns
    -------
    DataFrame
        regime, bin (1 is lowest), choice, option, share (of the bin's results that come with the
        option; of one that comes with several, each has its part) [1], p25, p50, p75 (medians over
        the bin's results). [Wh]
    """
    frames = []
    options, weights = multiverse.specifications(), weights.ravel()
    counted = np.flatnonzero(weights)
    for regime in multiverse.base["regimes"]:
        quartiles = {q: found[headline(regime, q)].ravel() for q in QUARTILES}
        order = counted[np.argsort(ranking(quartiles["p50"][counted]), kind="stable")]
        # equal results stand next to each other and count as one
        place = np.cumsum(weights[order]) - weights[order] / 2
        count = min(bins, int(first.sum()))
        group = np.minimum((place / weights.sum() * count).astype(int), count - 1)
        for number in range(count):
            members = order[group == number]
            energy = {q: float(np.median(values[members])) for q, values in quartiles.items()}
            held = weights[members]
            for name in multiverse.choices:
                taken = options[name].cat.codes.to_numpy()[members]
                known = list(options[name].cat.categories)
                share = np.bincount(taken, held, minlength=len(known)) / held.sum()
                where = {"regime": regime, "bin": number + 1, "choice": name, **energy}
                frames.append(pd.DataFrame({"option": known, "share": share} | where))
    return pd.concat(frames, ignore_index=True)


def full_table(multiverse: Multiverse, found: Mapping[str, Array], weights: Array) -> pd.DataFrame:
    """Every specification with its weight and results, for queries of one's own."""
    results = {key: values.ravel() for key, values in found.items()}
    table = pd.concat([multiverse.specifications(), pd.DataFrame(results)], axis=1)
    table.insert(len(multiverse.choices), "weight", weights.ravel())
    return table[multiverse.allowed.ravel()].reset_index(drop=True)
