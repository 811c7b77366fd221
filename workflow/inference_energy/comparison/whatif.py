"""What a change of assumptions does: the answer before and after, what moved it, and why."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.claims.headline import numbers
from inference_energy.claims.judge import HOLDS, deciding_digits, judge
from inference_energy.claims.selectors import Results
from inference_energy.comparison.attribution import attribution
from inference_energy.comparison.medians import (
    LEVERS,
    QUARTILES,
    ExactMedians,
    Texts,
    fitted_from,
)
from inference_energy.comparison.sides import PUBLISHED, REWRITTEN, Side
from inference_energy.energy import exact
from inference_energy.energy.fleet import mix
from inference_energy.errors import InputError
from inference_energy.laws.fitting import Served
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.differences import (
    SEVERAL,
    Path,
    choices,
    differing,
    plain_differences,
    quantities,
)
from inference_energy.method.files import source_of
from inference_energy.method.materials import MaterialsOf
from inference_energy.method.setup import TRIMMED, Setup
from inference_energy.method.wording import (
    JOINED,
    LABELS,
    OF_MODELS,
    change_text,
    differing_keys,
    words,
)
from inference_energy.paper import estimate
from inference_energy.rounding import largest_first, ranking, ratio, relative
from inference_energy.text import counted, number, percent, told_apart, with_unit

ENGINES = ["published", "exact"]

NAMED, FELT, HARDLY = 3, 0.005, 0.0005
"""Settings that a sentence names at most, change of a median that counts as one [1], and one below
which it is hardly there [1]."""

UNSEEN = 1e-5
"""Change that tables of results/ need not show: of the six digits that they have, the last is up to
so much of a number. [1]"""

UNSCORED = dict.fromkeys(HOLDS, "would hold") | {
    "by construction": "would hold by construction",
    "borderline": "would be borderline",
    "not reproduced": "would not hold",
}
"""What a verdict says of a method that is not the paper's, and so not scored by its claims."""

JUDGING = {LABELS[key]: key for key in ("kind", "claims", "published")}
"""Settings, in words, that decide how numbers are judged, and move none; keys of a method."""

OF_TABLES = (LABELS["data"], LABELS["published"])
"""Settings, in words, that are a state of tables, and told by their rows."""

FLEET = "fleet, with long queries"
"""Headline of both regimes whose change is shared among the settings besides the medians."""

SHARED = ("traditional median", "long median", FLEET)
"""Headlines of which the factors are always asked for."""

CANCELS = ", as what they do cancels"
"""Why a median stays that each of several settings moves."""

LACKING = "–"
"""What stands on the side of a claim that does not make it."""

LONG_CHANGE = 120
"""Characters of a change beyond which a sentence says only what kind of change it is."""


@dataclass(frozen=True)
class Published:
    """What numbers are held against.

    Parameters
    ----------
    claims : DataFrame
        Published claims of all versions.
    figures : dict of str to dict
        Published figures by kind, as for :class:`Results`.
    """

    claims: pd.DataFrame
    figures: Mapping[str, dict[str, float]]

    def of(self, version: str) -> pd.DataFrame:
        """Claims of a version of the paper."""
        return self.claims[self.claims["version"] == version]


@dataclass(frozen=True)
class Answer:
    """What a side of the question answers.

    Parameters
    ----------
    side : Side
        Method and state of the data.
    tables : dict of str to DataFrame
        energy_per_query, fleet, output_tokens, blend with the law of each model, and the lines of
        test_time that are quoted.
    curves : dict of str to DataFrame
        Regime to the density of the blend's ln E: energy_wh [Wh], density [1 per unit of ln Wh].
    """

    side: Side
    tables: Mapping[str, pd.DataFrame]
    curves: Mapping[str, pd.DataFrame]

    def median(self, regime: str, engine: str = "exact") -> float:
        """Median of the blend in a regime. [Wh]"""
        table = self.tables["energy_per_query"]
        line = table[
            (table["engine"] == engine)
            & (table["regime"] == regime)
            & (table["subject"] == TRIMMED)
            & (table["pathway"] == "baseline")
            & (table["statistic"] == "p50")
        ]
        return float(line["value"].item())


def fitted(side: Side, materials_of: MaterialsOf) -> dict[str, Served]:
    """Throughput laws of a side's models; ``materials_of`` as for :func:`ask`."""
    given = materials_of(side.method)
    return fit_suitable(side.method, given["table"], given.get("hardware"))


def needed(base: Side, head: Side) -> Sequence[Side]:
    """Sides whose laws are to be fitted: the new one alone where both follow from the same."""
    return (head,) if fitted_from(base.method) == fitted_from(head.method) else (base, head)


def ask(
    sides: Sequence[Side],
    laws: Sequence[Mapping[str, Served]],
    materials_of: MaterialsOf,
    longer: float,
    apply: Callable[..., Any] = map,
) -> tuple[Answer, Answer, list[dict]]:
    """Compute what two methods say, and which setting did it.

    Parameters
    ----------
    sides : sequence of Side
        The two methods.
    laws : sequence of dict
        Throughput laws, from :func:`fitted`, of the sides that are :func:`needed`.
    materials_of : callable
        Resolved method to what it is built from, the keyword arguments of ``build``.
    longer : float
        Factor of the output tokens at which ratios are comparable. [1]
    apply : callable
        Applies a function to each regime, as ``map``: that of a pool of processes needs
        ``materials_of`` that can be pickled.

    Returns
    -------
    base, head : Answer
    shares : list of dict
        From :func:`shapley_factors`.
    """
    both = (laws[0], laws[-1])
    asked = partial(_of_regime, sides, both, materials_of, longer)
    *parts, values = zip(*apply(asked, sides[0].method["regimes"]), strict=True)
    base, head = (_both_kinds(_joined(side, of)) for side, of in zip(sides, parts, strict=True))
    shares = _shares(base.side.method, head.side.method, values)
    lines = headlines(base, head, longer)
    return base, head, shapley_factors(base.side.method, head.side.method, shares, lines)


def _joined(side: Side, parts: Sequence[tuple[dict, dict]]) -> Answer:
    """Answer of what its regimes have of it."""
    tables: dict[str, list] = {}
    for of_regime, _ in parts:
        for name, table in of_regime.items():
            tables.setdefault(name, []).append(table)
    whole = {name: pd.concat(some, ignore_index=True) for name, some in tables.items()}
    return Answer(side, whole, {k: curve for _, curves in parts for k, curve in curves.items()})


def _both_kinds(answer: Answer) -> Answer:
    """The answer with the day of a fleet that has both kinds of queries."""
    share = answer.side.method["fleet"]["long_share"]["value"]
    days = estimate.with_mixed(answer.tables["fleet"], share)
    return replace(answer, tables={**answer.tables, "fleet": days})


def _of_regime(
    sides: Sequence[Side],
    laws: Sequence[Mapping[str, Served]],
    materials_of: MaterialsOf,
    longer: float,
    regime: str,
) -> tuple:
    """Tables and curves of both sides in a regime, and what it has of the mixtures of both."""
    setups = [
        build(side.method, **materials_of(side.method), laws=own)
        for side, own in zip(sides, laws, strict=True)
    ]
    alone = [replace(setup, regimes={regime: setup.regimes[regime]}) for setup in setups]
    days = estimate.fleets_of_one_kind(alone, ENGINES)
    parts = [_part(setup, day, longer) for setup, day in zip(alone, days, strict=True)]
    medians = [_joined(side, [of]).median(regime) for side, of in zip(sides, parts, strict=True)]
    is_still = abs(_factor(*medians) - 1) < HARDLY
    methods = [side.method for side in sides]
    return *parts, _mixtures(methods, laws, materials_of, regime, is_still)


def _part(setup: Setup, days: pd.DataFrame, longer: float) -> tuple[dict, dict]:
    """What a setup of one regime has of the tables and curves of an :class:`Answer`."""
    ((name, regime),) = setup.regimes.items()
    tables = {
        "energy_per_query": estimate.energy_per_query(setup, ENGINES),
        "output_tokens": estimate.output_tokens(setup, ENGINES),
        "blend": estimate.blend(setup).assign(
            law=lambda places: places["model"].map({m.name: m.law.name for m in setup.models})
        ),
        "fleet": days,
    }
    if name == "traditional":
        tables["test_time"] = _longer(setup, longer)
    return tables, {name: _curve(setup, regime)}


def _blend(setup: Setup, regime: Any) -> Any:
    models, members = exact.regime_energy(setup, regime)
    return exact.blend_energy(setup, models, members)


def _longer(setup: Setup, factor: float) -> pd.DataFrame:
    base = setup.regimes["traditional"]
    longer = replace(base, output_tokens=base.output_tokens.scaled(factor))
    medians = [_blend(setup, regime).quantile(0.5) for regime in (longer, base)]
    return pd.DataFrame(
        [
            {
                "compared": f"{factor:g} times",
                "subject": TRIMMED,
                "statistic": "p50",
                "quantity": "energy ratio",
                "value": ratio(*medians),
            }
        ]
    )


def _curve(setup: Setup, regime: Any, points: int = 121) -> pd.DataFrame:
    energy = _blend(setup, regime)
    # of the queries that need energy, where some answer nothing
    zero = energy.zero_mass
    low, high = (energy.quantile(zero + level * (1 - zero)) for level in (0.02, 0.98))
    edges = np.geomspace(low, high, points)
    share = np.diff([energy.cdf(edge) for edge in edges])
    middles = np.sqrt(edges[:-1] * edges[1:])
    return pd.DataFrame({"energy_wh": middles, "density": share / np.diff(np.log(edges))})


def headlines(base: Answer, head: Answer, longer: float) -> list[dict]:
    """Quantities that both sides give: quantity, unit, old, new, factor (1 if it is rounding)."""
    tables = [
        numbers(Results(a.side.method, dict(a.tables), {}), "exact", f"{longer:g} times")
        for a in (base, head)
    ]
    both = tables[0].merge(tables[1], on=["quantity", "unit", "claim"], suffixes=("_old", "_new"))
    return [
        {
            "quantity": line["quantity"],
            "unit": line["unit"],
            "old": line["value_old"],
            "new": line["value_new"],
            "factor": _factor(line["value_old"], line["value_new"]),
        }
        for line in both.to_dict("records")
    ]


def _factor(old: float, new: float) -> float:
    """Ratio of two numbers; one where they differ by rounding, NaN where there is none."""
    return 1.0 if old == new else 1.0 + relative(new, old)


def both(old: Any, new: Any, *how: Any) -> tuple[str, str]:
    """Write two computed numbers, as :func:`told_apart` does; alike if they differ by rounding."""
    return told_apart(old, new if relative(new, old) else old, *how)


def shapley_factors(
    base: dict, head: dict, shares: pd.DataFrame, lines: Sequence[dict]
) -> list[dict]:
    """Factor of each differing quantity on headlines, none where only one differs.

    Parameters
    ----------
    base, head : dict
        Resolved methods.
    shares : DataFrame
        From ``attribution``, of every regime.
    lines : list of dict
        From :func:`headlines`.

    Returns
    -------
    list of dict
        setting (in words), and its factor on each of SHARED, on the headline that moves most where
        the medians hardly do, and for a setting that moves none of these on one that it moves; the
        factors of a headline multiply to its change (Shapley 1953, in the logarithm); NaN where a
        median is zero. The quantities of a section have their own (Owen 1977), unless they are
        many.
    """
    if shares.empty:
        return []
    own = shares[shares["statistic"] == "shapley"]
    apart = set(own.loc[own["part"] != "", "setting"])
    own = own[(own["part"] != "") | ~own["setting"].isin(apart)]
    settings = choices(base, head)
    alone = {name: ".".join(paths[0]) for name, paths in settings.items() if len(paths) == 1}
    own = own.assign(setting=own["part"].where(own["part"] != "", own["setting"].replace(alone)))
    # nothing has a factor on a median of zero
    defined = own.groupby("headline")["value"].transform(lambda logs: logs.notna().all())
    wide = own[defined].pivot_table(index="setting", columns="headline", values="value", sort=False)
    wide = wide.reindex(columns=own["headline"].unique())
    wide = wide[_told(wide, lines)]
    order = largest_first(wide.abs().max(axis=1).to_dict())
    return [
        {"setting": words(name)} | {h: float(np.exp(wide.loc[name, h])) for h in wide.columns}
        for name in order
    ]


def _told(wide: pd.DataFrame, lines: Sequence[dict]) -> list[str]:
    """Headlines of which factors are told, of the logarithms of all by setting and headline."""
    told, medians = list(SHARED), [line for line in lines if _is_median(line)]
    if _hardly_move(medians):
        told += [line["quantity"] for line in _most_moved(lines)[:1]]
    told = [name for name in told if name in wide]
    moved = (line["quantity"] for line in _most_moved(lines))
    others = dict.fromkeys([*(name for name in moved if name in wide), *wide])
    for _, factors in wide.iterrows():
        if not _moves_one(factors[told]):
            told += [name for name in others if _moves_one(factors[[name]])][:1]
    return list(dict.fromkeys(told))


def _moves_one(logs: pd.Series) -> bool:
    """Whether a setting moves a headline, of the logarithms of its factors."""
    return any(relative(float(np.exp(log)), 1.0) for log in logs.dropna())


def _is_median(line: Mapping[str, Any]) -> bool:
    return bool(line["quantity"].endswith("query, median"))


def _hardly_move(medians: Sequence[dict]) -> bool:
    """Whether medians move so little that another headline is told besides."""
    return all(abs(line["factor"] - 1) < HARDLY for line in medians)


def _most_moved(lines: Sequence[dict]) -> list[dict]:
    """Headlines besides the medians that move, those that move most first; where a median moves,
    though hardly, none that hardly moves either.
    """
    others = [line for line in lines if not _is_median(line)]
    still = all(line["factor"] == 1 for line in lines if _is_median(line))
    moved = {
        i: abs(float(np.log(line["factor"])))
        for i, line in enumerate(others)
        if line["factor"] != 1 and 0 < line["factor"] < np.inf
        if still or abs(line["factor"] - 1) >= HARDLY
    }
    return [others[i] for i in largest_first(moved)]


def _mixtures(
    methods: Sequence[dict],
    laws: Sequence[Mapping[str, Served]],
    materials_of: MaterialsOf,
    regime: str,
    is_still: bool,
) -> dict[str, dict[str, float]]:
    """Median [Wh] and day [GWh/day] of a regime of all mixtures of two methods that the shares
    need, by the mixture; none where only one setting differs.

    Quartiles and levers are there where the median is still, so that one may be what moves most;
    where it moves and pathways differ, the lever that each of them moves.
    """
    base, head = methods
    known: dict[str, dict[str, float]] = {}
    settings = choices(base, head)
    if sum(map(len, settings.values())) < 2:
        return known
    levers: Sequence[str] = ()
    if regime == "traditional":
        levers = LEVERS if is_still else ["combined"] * ("pathways" in settings)
    medians = ExactMedians(materials_of, [regime], days=True, quartiles=is_still, levers=levers)
    for method, laws_of in zip(methods, laws, strict=True):
        medians.take(method, laws_of)

    text = Texts()

    def noted(method: Mapping[str, Any]) -> dict[str, float]:
        return known.setdefault(text(method), medians(method))

    attribution(base, head, noted)
    return known


def _shares(
    base: dict, head: dict, values: Sequence[Mapping[str, Mapping[str, float]]]
) -> pd.DataFrame:
    """Share of each setting in the change of the headlines that :func:`_mixtures` has values of.

    Each regime's values of the mixtures are from :func:`_mixtures`: what a fleet takes follows from
    those of all regimes.
    """
    if not all(values):
        return pd.DataFrame()

    text = Texts()

    def headline(method: Mapping[str, Any]) -> dict[str, float]:
        mixture = text(method)
        if not all(mixture in known for known in values):
            raise InputError([f"{head['id']}: its settings cannot be mixed with {base['id']}'s"])
        of = {name: value for known in values for name, value in known[mixture].items()}
        named = {name: value for name, value in of.items() if name.endswith(" median")}
        share = method["fleet"]["long_share"]["value"]
        for words_of, day in ((FLEET, "day"), (f"{FLEET}, improved", "improved day")):
            named[words_of] = mix(share, of[f"traditional {day}"], of[f"long {day}"])
        named["fleet, traditional"] = of["traditional day"]
        for name, value in of.items():
            regime, _, statistic = name.partition(" ")
            if statistic in QUARTILES:
                named[f"{regime} query, {statistic}"] = value
            elif statistic.startswith("lever, "):
                named[statistic] = value
        return named

    return attribution(base, head, headline)[0]


def members(base: Answer, head: Answer) -> dict[str, list[dict]]:
    """Who is in the blend on either side, by regime, and what decides.

    Returns
    -------
    dict of str to list of dict
        model, before, after (share of the blend [1], 0 where a side does not have it), old, new:
        what ranks the models of the new side (median energy [Wh], or parameters [billions]), laws:
        names of the throughput law on both sides; None where a side does not have it; first_out:
        whether it is the first that is left out, on both sides, each by what ranks its models.
    """
    rows: dict[str, list[dict]] = {}
    sides = [a.tables["blend"].set_index(["regime", "model"]) for a in (base, head)]
    ranked = "parameters" if (sides[1]["ranked_by"] == "parameters").all() else "median"
    first_out = [_first_left_out(answer) for answer in (base, head)]
    for regime, model in dict.fromkeys([*sides[1].index, *sides[0].index]):
        own = [s.loc[(regime, model)] if (regime, model) in s.index else None for s in sides]
        before, after = (0.0 if line is None else float(line["share"]) for line in own)
        old, new = (None if line is None else float(line[ranked]) for line in own)
        row = {"model": model, "before": before, "after": after, "old": old, "new": new}
        row["laws"] = tuple(None if line is None else line["law"] for line in own)
        row["first_out"] = tuple(of.get(regime) == model for of in first_out)
        rows.setdefault(regime, []).append(row)
    return rows


def _first_left_out(answer: Answer) -> dict[str, str]:
    """Model that is the next to come into the blend, by regime; none where every model is in it."""
    count = answer.side.method["blend"]["models"]
    first: dict[str, str] = {}
    for regime, places in answer.tables["blend"].groupby("regime"):
        # by place, as a model that is taken may have no share; of models that tie, those with one
        # are the ones that are taken
        order = np.lexsort((places["share"] == 0, -ranking(places[places["ranked_by"].iloc[0]])))
        first |= {str(regime): places["model"].iloc[place] for place in order[count : count + 1]}
    return first


def flipped_claims(
    base: Answer, head: Answer, published: Published, before: Published | None = None
) -> list[dict]:
    """Claims whose verdict differs: claim, published, unit, old, new, exact, digits, drawn, before,
    after.

    Each side is held against the version of the paper that it names; a claim that one of two
    versions alone makes has no verdict to differ from. One that an edit has added to a version or
    removed is LACKING where it is not, without a number.
    A verdict here is whether the number is the published one. The caveats of the findings are left
    out, so no verdict is named as one that has them. Of a method that is not the paper's it is said
    whether the claim would hold.
    ``exact`` holds both numbers without sampling: where they are one, only the draw has moved.
    ``digits`` are those in which the four numbers tell whether they are the published one.
    ``drawn`` is whether the draw alone decides: what is published and the number without sampling
    are the same on both sides, and what that says of the claim too.

    Parameters
    ----------
    base, head : Answer
        Both sides.
    published : Published
        What the new side is held against.
    before : Published, optional
        What the other one is, if that is otherwise.
    """
    held = [(base, before or published), (head, published)]
    judged = [
        judge(
            against.claims,
            a.side.method["claims"],
            Results(a.side.method, dict(a.tables), against.figures),
            {},
            [],
            ENGINES,
        )
        for a, against in held
    ]
    same = base.side.method["claims"] == head.side.method["claims"]
    one = held[0][1] is published and same
    unsampled = [t[t["engine"] == "exact"].set_index("claim") for t in judged]
    exact = [table["computed"] for table in unsampled]
    of_base, of_head = (table.drop_duplicates("claim") for table in judged)
    both = of_base.merge(of_head, on="claim", suffixes=("_old", "_new"))
    lines: list[dict[Any, Any]] = both.to_dict("records")
    stated: list[dict[Any, Any]] = [
        against.of(a.side.method["claims"]).set_index("claim").to_dict("index")
        for a, against in held[one:]
    ]
    changed = [
        {
            "claim": line["claim"],
            "published": _printed(line),
            "unit": line["unit_new"],
            "old": line["computed_old"],
            "new": line["computed_new"],
            "exact": (without := [of.get(line["claim"]) for of in exact]),
            "digits": max(
                deciding_digits(
                    of[line["claim"]], (line["computed_old"], line["computed_new"], *without)
                )
                for of in stated
            ),
            "drawn": _is_drawn(line, without, [of["verdict"] for of in unsampled]),
            "before": _verdict(line["verdict_old"], base),
            "after": _verdict(line["verdict_new"], head),
        }
        for line in lines
        if _differ(line["verdict_old"], line["verdict_new"], is_scored(base) and is_scored(head))
    ]
    if one or not same:
        return changed
    sides = ((1, of_head, head), (0, of_base, base))
    return changed + [
        _of_one_side(line, stated[i][line["claim"]], exact[i].get(line["claim"]), answer, i == 1)
        for i, table, answer in sides
        for line in table[~table["claim"].isin(both["claim"])].to_dict("records")
    ]


def _is_drawn(
    line: Mapping[Any, Any], exact: Sequence[float | None], verdicts: Sequence[pd.Series]
) -> bool:
    """Whether only the draw moved, of a claim's numbers and verdicts without sampling."""
    published = [
        [line[f"{key}_{side}"] for key in ("published", "unit")] for side in ("old", "new")
    ]
    old, new = exact
    if old is None or new is None or published[0] != published[1] or relative(new, old) != 0:
        return False
    told = [of[line["claim"]] for of in verdicts]
    return bool(told[0] == told[1])


def _of_one_side(
    line: Mapping[Any, Any],
    stated: Mapping[str, Any],
    without: float | None,
    answer: Answer,
    is_new: bool,
) -> dict[str, Any]:
    """A claim that one side alone makes, as :func:`flipped_claims` has it."""
    pairs = (
        (None, line["computed"]),
        (None, without),
        (LACKING, _verdict(line["verdict"], answer)),
    )
    numbers, exact, verdicts = (pair if is_new else pair[::-1] for pair in pairs)
    return {
        **{key: line[key] for key in ("claim", "published", "unit")},
        **dict(zip(("old", "new"), numbers, strict=True)),
        "exact": [*exact],
        "digits": deciding_digits(stated, (line["computed"], without)),
        "drawn": False,
        **dict(zip(("before", "after"), verdicts, strict=True)),
    }


def _printed(line: Mapping[str, Any]) -> str:
    """What is published on both sides, in words without the unit that stands after them."""
    old, new = line["published_old"], line["published_new"]
    if line["unit_old"] != line["unit_new"]:
        old = with_unit(old, line["unit_old"])
    return " -> ".join(dict.fromkeys((old, new)))


def decisive_settings(
    base: Answer,
    head: Answer,
    settings: Sequence[dict],
    published: Published,
    before: Published | None = None,
) -> list[str]:
    """Settings, in words, that move a verdict on the numbers of the new side, each by itself.

    Parameters
    ----------
    base, head, published, before
        As for :func:`flipped_claims`.
    settings : list of dict
        From :func:`changed_settings`.
    """
    method = head.side.method
    moving = []
    for words_of, key in JUDGING.items():
        if words_of not in [setting["setting"] for setting in settings]:
            continue
        side = replace(head.side, method=method | {key: base.side.method[key]})
        other, against = replace(head, side=side), published
        if key == "published" and before:
            against = before
        named = [
            set(of.of(a.side.method["claims"])["claim"])
            for a, of in ((other, against), (head, published))
        ]
        if (
            is_scored(other) != is_scored(head)
            or named[0] != named[1]
            or flipped_claims(other, head, published, against)
        ):
            moving.append(words_of)
    return moving


def is_scored(answer: Answer) -> bool:
    """Whether a side is a method of the paper's, whose claims are judged."""
    return bool(answer.side.method["kind"] != "user")


def _verdict(verdict: str, answer: Answer) -> str:
    return verdict if is_scored(answer) else UNSCORED.get(verdict, verdict)


def _differ(before: str, after: str, scored: bool) -> bool:
    """Whether two verdicts differ; where a side is not scored, whether the claim would hold."""
    return before != after and (
        scored or UNSCORED.get(before, before) != UNSCORED.get(after, after)
    )


def changed_settings(base: dict, head: dict, edited: bool = False) -> list[dict]:
    """Every quantity that differs, and last what decides verdicts alone.

    Parameters
    ----------
    base, head : dict
        Resolved methods.
    edited : bool
        Whether both are one method, before an edit and after it.

    Returns
    -------
    list of dict
        group and setting (both in words), name (the setting, or the one key of it that differs),
        old, new, unit, sources (those of the keys that differ), and which these are. Of a model's
        node power a side that states none has the default, which is charged.
    """
    lines = []
    for group, paths in choices(base, head).items():
        for path in paths:
            setting = words(".".join(path))
            whole, old, new = _both(base, head, path)
            stated = old, new
            used = [
                own or _default_power(side, path)
                for own, side in zip(stated, (base, head), strict=True)
            ]
            name, *texts = change_text(whole, *used)
            before, after = (
                text if own or not of else f"{with_unit(text, of['unit'])} (the default)"
                for text, own, of in zip(texts, stated, used, strict=True)
            )
            keys = differing_keys(new, old)
            lines.append(
                {
                    "group": words(group),
                    "setting": setting,
                    "name": name,
                    "old": before,
                    "new": after,
                    "keys": [words(key) for key in keys],
                    "in_unit": (_ends_in_unit(old, new), _ends_in_unit(new, old)),
                    "unit": new.get("unit", old.get("unit", "1")),
                    "old_source": source_of(old, keys),
                    "new_source": source_of(new, keys),
                }
            )
    plain = plain_differences(base, head)
    # a draft's kind is its own, and no change where another is, or where it says none
    is_own = not edited and (lines or "claims" in plain or head["kind"] == "user")
    for key in JUDGING.values():
        if key in plain and not (key == "kind" and is_own):
            old, new = plain[key]
            named = dict.fromkeys(("group", "setting", "name"), words(key))
            of = {"old": old, "new": new, "keys": [words(key)], "in_unit": (False, False)}
            lines.append(named | of | {"unit": "1", "old_source": None, "new_source": None})
    return lines


def changed_sources(base: dict, head: dict) -> list[dict]:
    """Every quantity whose source alone differs: setting (in words), old, new."""
    moved = {path for paths in differing(base, head).values() for path in paths}
    olds = dict(quantities(base))
    return [
        {
            "setting": words(".".join(path)),
            "old": olds[path].get("source"),
            "new": new.get("source"),
        }
        for path, new in quantities(head)
        if path in olds and path not in moved and olds[path].get("source") != new.get("source")
    ]


def _both(base: dict, head: dict, path: Path) -> tuple[str, dict, dict]:
    """Words of the quantity that a path leads to, or into, and what it is on both sides.

    Of one choice of a section, the section as the new side has it, with the choice of each side.
    """
    section, *choice = path
    if section not in SEVERAL or not choice:
        return words(".".join(path)), _at(base, path), _at(head, path)
    others = {key: value for key, value in head[section].items() if key not in choice}
    old, new = (
        others
        | {key: side[section][key] for key in choice if key in side[section]}
        | {"source": source_of(side[section], choice)}
        for side in (base, head)
    )
    return words(section), old, new


def _default_power(side: dict, path: Path) -> dict:
    """Node power that a model is charged of which a side states none; empty of other settings."""
    *section, _ = path
    return _at(side, ("node_power", "default")) if ".".join(section) == OF_MODELS else {}


def _at(tree: Any, path: tuple) -> dict:
    for key in path:
        tree = tree.get(key, {}) if isinstance(tree, dict) else {}
    return tree if isinstance(tree, dict) else {}


def _ends_in_unit(quantity: dict, other: dict) -> bool:
    """Whether a quantity, as :func:`quantity_text` writes it, ends in a number in its unit."""
    if not quantity or quantity.get("unit", "1") == "1":
        return False
    shown = [key for key in differing_keys(quantity, other) if key in quantity]
    return bool({"value", "p5"} & quantity.keys()) or shown[-1:] == ["median"]


def sentence(
    settings: list[dict],
    lines: list[dict],
    shares: Sequence[dict] = (),
    rows: Sequence[dict] = (),
    sources: Sequence[dict] = (),
    decisive: Collection[str] = (),
    drawn: int = 0,
) -> str:
    """Say in one sentence what was changed and what the medians do, or else what moves most.

    Parameters
    ----------
    settings, lines, shares : list of dict
        From :func:`changed_settings`, :func:`headlines` and :func:`shapley_factors`: the setting
        that moves most stands first, and all are named if they are few.
    rows : list of dict
        From ``sides.changed_rows``, where the tables of data/ differ.
    sources : list of dict
        From :func:`changed_sources`.
    decisive : collection of str
        From :func:`decisive_settings`.
    drawn : int
        Verdicts that change by the draw alone, of :func:`flipped_claims`.
    """
    judging = [s for s in settings if s["setting"] in JUDGING]
    settings = [s for s in settings if s not in judging]
    if not settings:
        told = _of_verdicts(judging, decisive, rows, alone=True)
        return _of_no_number(told, sources)
    place = {part: i for i, share in enumerate(shares) for part in share["setting"].split(JOINED)}

    def at(setting: dict) -> int:
        return place.get(setting["setting"], place.get(setting["group"], len(shares)))

    ordered = sorted(settings, key=at)
    medians = [line for line in lines if _is_median(line)]
    most = _most_moved(lines)[:1] if _hardly_move(medians) else []
    named = [*SHARED[:2], *(line["quantity"] for line in most)]
    idle = [s for s in ordered if at(s) < len(shares) and _is_idle(shares[at(s)], named)]
    # where none moves what is told, that is told of all
    idle = idle if len(idle) < len(ordered) else []
    moving = [s for s in ordered if s not in idle]

    def by(setting: dict, line: dict) -> float:
        share = shares[at(setting)] if at(setting) < len(shares) else {}
        return float(share.get(_factor_of(line), np.nan))

    told = []
    known: list[dict] = []
    for some, of in _apart(moving, [*medians, *most], by):
        plural = _are_many(some, rows)
        moves = [_moves(line, shares, plural) for line in of]
        if all(line["factor"] == 1 for line in of) and len({CANCELS in m for m in moves}) == 1:
            # the verb once, and once why
            moves = [moves[0], *(move.partition(" ")[2] for move in moves[1:])]
            moves[:-1] = [move.removesuffix(CANCELS) for move in moves[:-1]]
        # set apart from what follows
        moves[:-1] = [f"{move}," if CANCELS in move else move for move in moves[:-1]]
        what = _together(some, rows, bool(shares), known)
        if len(some) > 1 and any(not _alike(some, line, by) for line in of):
            what += " together"
        told.append(f"{what} {listed(moves)}")
        known += some
    told[0] = f"{told[0][0].upper()}{told[0][1:]}"
    if idle:
        verb = "move" if _are_many(idle, rows) else "moves"
        besides = "".join(f' nor "{line["quantity"]}"' for line in most)
        told.append(
            f"{_together(idle, rows, True)} {verb} neither median{besides}"
            f"{_but_moves([shares[i] for i in sorted(set(map(at, idle)))], named, verb)}"
        )
    told += _of_verdicts(judging, decisive, rows, alone=False)
    if drawn:
        told.append(
            f"{counted(drawn, 'verdict changes', 'verdicts change')} by the draw alone, within the"
            " error of sampling"
        )
    return f"{'; '.join(told)}."


def _apart(
    settings: list[dict], lines: list[dict], by: Callable[[dict, dict], float]
) -> list[tuple[list[dict], list[dict]]]:
    """Settings with the headlines that they move, the one that moves these most first; those that
    none moves stand with the first.

    ``by`` gives the factor of a setting on a headline, NaN where nobody knows.
    """
    groups: list[tuple[list[dict], list[dict]]] = []
    unmoved = []
    for line in lines:
        movers = [s for s in settings if relative(by(s, line), 1.0) != 0]
        same = next((of for some, of in groups if some == movers), None)
        if not movers:
            unmoved.append(line)
        elif same is None:
            groups.append((movers, [line]))
        else:
            same.append(line)
    if not groups:
        return [(settings, lines)]
    ordered = []
    for some, of in groups:
        most = {i: max(abs(np.log(by(s, line))) for line in of) for i, s in enumerate(some)}
        ordered.append(([some[i] for i in largest_first(most)], of))
    ordered.sort(key=lambda group: min(map(settings.index, group[0])))
    first = ordered[0][1]
    first[:] = [line for line in lines if line in first or line in unmoved]
    return ordered


def _alike(settings: list[dict], line: dict, by: Callable[[dict, dict], float]) -> bool:
    """Whether each of some settings moves a headline as all together do, as far as is known."""
    if line["factor"] == 1:
        return True
    moved = [relative(by(s, line), 1.0) for s in settings]
    return all(np.isnan(own) or own * (line["factor"] - 1) > 0 for own in moved)


def _of_no_number(told: Sequence[str], sources: Sequence[dict]) -> str:
    """Say what was changed where it moves no number, of what is told of verdicts and of sources."""
    of = ", ".join(source["setting"] for source in sources)
    if not told:
        return f"No number differs; the source of {of} does." if sources else "Nothing differs."
    said = "; ".join([*told, *([f"the source of {of} differs too"] if sources else [])])
    return f"{said[0].upper()}{said[1:]}."


def _of_verdicts(
    judging: Sequence[dict], decisive: Collection[str], rows: Sequence[dict], alone: bool
) -> list[str]:
    """Say of settings that decide how numbers are judged what they move, and which move nothing.

    ``alone`` is whether no other setting differs.
    """
    deciding = [s for s in judging if s["setting"] in decisive]
    what = "no {}, only verdicts" if alone else "verdicts alone"
    if [s["setting"] for s in deciding] == [LABELS["kind"]]:
        # a claim of a method that is not the paper's holds as it did, without a verdict
        what = f"{'no {}, ' if alone else ''}only whether claims are scored"
    parts = {
        what: deciding,
        "neither {} nor verdict": [s for s in judging if s["setting"] not in decisive],
    }
    told = []
    for moved, of in parts.items():
        # the number of a claim may be one over a published one
        number_of = "headline" if any(s["setting"] in OF_TABLES for s in of) else "number"
        verb = "move" if _are_many(of, rows) else "moves"
        if of:
            names = listed([_change(s, rows) for s in of])
            told.append(f"{names} {verb} {moved.format(number_of)}")
    return told


def _are_many(settings: Sequence[dict], rows: Sequence[dict]) -> bool:
    """Whether what is named of settings takes the plural, as several tables do."""
    named = [len({row["table"] for row in _rows_of(s, rows)}) or 1 for s in settings]
    return sum(named) > 1


def _rows_of(setting: dict, rows: Sequence[dict]) -> list[dict]:
    """Rows that differ in the tables that a setting is the state of."""
    if setting["setting"] not in OF_TABLES:
        return []
    judging = setting["setting"] in JUDGING
    return [row for row in rows if (row["table"] in PUBLISHED) == judging]


def _is_idle(share: Mapping[str, float], headlines: Collection[str]) -> bool:
    """Whether a setting moves none of some headlines."""
    return all(relative(share[name], 1.0) == 0 for name in headlines if name in share)


def _but_moves(shares: Sequence[dict], named: Collection[str], verb: str) -> str:
    """Say what settings do to a headline of which they have factors, and that is not named."""
    moved: dict[str, float] = {}
    for share in shares:
        for name, factor in share.items():
            if name not in ("setting", *named) and relative(factor, 1.0):
                moved[name] = moved.get(name, 1.0) * factor
    if not moved:
        return ""
    name = max(moved, key=lambda name: abs(ranking(np.log(moved[name]))))
    times = "multiply" if verb == "move" else "multiplies"
    return f', but {times} "{name}" by {number(moved[name])}'


def _together(
    settings: Sequence[dict], rows: Sequence[dict], ordered: bool, known: Sequence[dict] = ()
) -> str:
    """Name what was changed, all if it is little and in order, else the first and how many more; of
    what is known already the name alone.
    """

    def named(setting: dict) -> str:
        return setting["name"] if setting in known else _change(setting, rows)

    if len(settings) == 1 or (ordered and len(settings) <= NAMED):
        return listed([named(s) for s in settings])
    others = len(settings) - 1
    return f"{named(settings[0])} and {others} other setting{'s' if others > 1 else ''}"


def listed(parts: Sequence[str]) -> str:
    """Write names one after the other, the last after an and."""
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def _change(setting: dict, rows: Sequence[dict]) -> str:
    if setting["setting"] in OF_TABLES:
        return _change_of_data(_rows_of(setting, rows)) or f"a change of the {setting['setting']}"
    # once, after the new number, unless there is none
    before, after = setting["in_unit"]
    ends = [f" {setting['unit']}" if in_unit else "" for in_unit in (before and not after, after)]
    change = f"{setting['name']} {setting['old']}{ends[0]} -> {setting['new']}{ends[1]}"
    if len(change) <= LONG_CHANGE:
        return change
    # the choice of a section is named by its key already
    if [setting["setting"]] == [f"{setting['group']} {key}" for key in setting["keys"]]:
        return f"a change of {setting['setting']}"
    return f"{setting['setting']} ({', '.join(setting['keys'])})"


def _change_of_data(rows: Sequence[dict]) -> str:
    tables = list(dict.fromkeys(row["table"] for row in rows))
    if len(tables) == 1 and len(rows) > 1 and rows[-1]["change"] != "more":
        return f"the change of {len(rows)} rows in {tables[0]}"
    if len(rows) != 1:
        return " and ".join(f"the change of {table}" for table in tables)
    (row,) = rows
    if row["change"] == REWRITTEN:
        return f"another order or spelling of the rows of {row['table']}"
    place = f"the row {row['change']} in {row['table']}"
    changes = (f"{place} ({row[words]})" for words in ("row", "brief"))
    return next((change for change in changes if len(change) <= LONG_CHANGE), place)


def _factor_of(line: Mapping[str, Any]) -> str:
    """What the factor of a setting on a headline is called."""
    regime = line["quantity"].split()[0]
    return f"{regime} median" if _is_median(line) else str(line["quantity"])


def _moves(line: dict, shares: Sequence[dict], plural: bool) -> str:
    """Say what a headline does."""
    if not _is_median(line):
        return _by(f'"{line["quantity"]}"', line, plural)
    regime, old, change = line["quantity"].split()[0], number(line["old"]), line["factor"]
    ending = "" if plural else "s"
    if change == 1:
        moved = any(abs(share[f"{regime} median"] - 1) > FELT for share in shares)
        cancels = CANCELS if moved else ""
        return f"leave{ending} the {regime} median at {old} Wh{cancels}"
    if change == 0:
        return f"lower{ending} the {regime} median from {old} Wh to zero"
    return _by(f"the {regime} median", line, plural)


def _by(name: str, line: dict, plural: bool) -> str:
    """Say by how much a headline rises or falls."""
    change = line["factor"]
    ending = "" if plural else "s"
    verb = "raise" if change > 1 else "lower"
    if abs(change - 1) < UNSEEN:
        told = with_unit(number(line["new"]), line["unit"])
        return f"{verb}{ending} {name} by less than {percent(UNSEEN, 'g')}, {told}"
    old, new = told_apart(line["old"], line["new"])
    told = f"{old} -> {with_unit(new, line['unit'])}"
    # whether it is twice as much, rounding does not decide
    if not 0.5 < ranking(change) < 2:
        times = "multiply" if plural else "multiplies"
        return f"{times} {name} by {number(change)}, {told}"
    by = percent(abs(change - 1), ".1f" if abs(change - 1) >= HARDLY else ".1g")
    return f"{verb}{ending} {name} by {by}, {told}"
