"""What the specifications say together."""

from functools import reduce
from itertools import product

import numpy as np
import pandas as pd

from inference_energy.claims import judge, selectors
from inference_energy.robustness.choices import QUARTILES, headline
from inference_energy.rounding import cut, ranking


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
    return cut(np.array(main) / variance), cut(np.array(total) / variance)


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
    evidence = selectors.Evidence({}, {}, figures)
    lines = []
    for claim in published.to_dict("records"):
        values = _quantity(claim["quantity"], found, evidence)
        if values is None:
            continue
        values = np.broadcast_to(values, multiverse.shape)
        known = ~np.isnan(values)
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


def _quantity(quantity, found, evidence):
    if not isinstance(quantity, str):
        return None
    values = []
    for selector in quantity.split(" / "):
        table = selector.split("[")[0]
        if selector in found:
            values.append(found[selector])
        elif table in evidence.figures:
            values.append(selectors.evaluate(selector, evidence, "exact"))
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
        order = np.argsort(ranking(quartiles["p50"]), kind="stable")
        for number, members in enumerate(np.array_split(order, min(bins, len(order))), start=1):
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
