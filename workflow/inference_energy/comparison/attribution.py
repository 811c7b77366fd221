"""Which setting moved a headline: Shapley and Owen values."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from math import comb
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.base import Array
from inference_energy.method.differences import Path, choices, differing, with_settings
from inference_energy.method.wording import JOINED

Player = TypeVar("Player", bound=Hashable)
Value = Callable[[frozenset[Player]], Array]
"""Worth of players, of one or several headlines."""

Headline = Callable[[Mapping[str, Any]], Mapping[str, float]]
"""A method's headlines by name."""

Settings = Mapping[str, Sequence[Path]]
"""Differing paths by setting."""

AFTER_THE_HEADLINE = ("pathways", "fleet", "sensitivities", "monte_carlo")
"""Sections that are joined to one setting when more than MOST_SETTINGS differ."""


INSEPARABLE = ("benchmarks", "throughput_law", "input_charge", "blend")
"""Sections that are joined to one setting when a mixture of two methods has too few models, or
charges input twice."""


SERVED = (*INSEPARABLE, "serving", "node_power", "power_utilisation")
"""Sections that are joined to one setting where one method states how its models are served: its
law, its power and its models follow from that."""


CHOSEN = ("benchmarks", "blend")
"""Sections of SERVED that are so only together: rows of another law, and who of them is taken. Of
the same rows the blend is a setting of its own, and so are the rows of the same blend."""


JOINABLE = (INSEPARABLE, (*INSEPARABLE, "serving"), SERVED)
"""Sections that are joined where a mixture is no method, the fewest first."""


MOST_SETTINGS = 10


MOST_PARTS = 4


def _log(value: float) -> float:
    """Logarithm of a headline; NaN of one that is zero, which nothing multiplies."""
    return float(np.log(value)) if value > 0 else np.nan


def _share(player: Player, players: Collection[Player], value: Value[Player]) -> Array:
    others = [other for other in players if other != player]
    n = len(players)
    parts = (
        (value(frozenset((*chosen, player))) - value(frozenset(chosen))) / (n * comb(n - 1, size))
        for size in range(n)
        for chosen in combinations(others, size)
    )
    return sum(parts, np.zeros(()))


def shapley(players: Collection[Player], value: Value[Player]) -> dict[Player, Array]:
    """Shapley values, exactly, over all subsets.

    Parameters
    ----------
    players : sequence
        Hashable players, at least one.
    value : callable
        Frozenset of players to a number or array.

    Returns
    -------
    dict
        Player to its share; the shares add up to ``value(all) - value(none)``.
    """
    return {player: _share(player, players, value) for player in players}


def owen(
    groups: Mapping[str, Sequence[Player]], group: str, value: Value[Player]
) -> dict[Player, Array]:
    """Owen values of the members of one group; they add up to the group's Shapley value.

    Parameters
    ----------
    groups : dict
        Group to the list of its members.
    group
        The group whose members get their shares.
    value : callable
        Frozenset of members to a number or array.
    """

    def group_share(chosen_members: frozenset[Player]) -> Array:
        def quotient(chosen_groups: frozenset[str]) -> Array:
            return value(
                frozenset(
                    member
                    for g in chosen_groups
                    for member in (chosen_members if g == group else groups[g])
                )
            )

        return _share(group, list(groups), quotient)

    return shapley(groups[group], group_share)


def _joined(settings: Settings, names: Collection[str]) -> Settings:
    """Join several settings to one, where they differ."""
    present = [name for name in settings if name in names]
    kept = {name: paths for name, paths in settings.items() if name not in names}
    joined = [path for name in present for path in settings[name]]
    return {**kept, JOINED.join(present): joined} if joined else kept


def _few(settings: Settings, names: Collection[str]) -> Settings:
    """Join what is one setting of two methods, and what comes after the headline if it is much."""
    settings = _joined(settings, names)
    return _joined(settings, AFTER_THE_HEADLINE) if len(settings) > MOST_SETTINGS else settings


def _as_served(
    settings: Settings, base: Mapping[str, Any], head: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """Sections that are one setting as only one of two methods has ``serving``, the fewest first;
    none where both or neither have it.
    """
    if ("serving" in base) == ("serving" in head):
        return [()]
    if len(settings.keys() & set(CHOSEN)) != 1:
        return [SERVED]
    return [tuple(name for name in SERVED if name not in CHOSEN), SERVED]


def attribution(
    base: Mapping[str, Any], head: Mapping[str, Any], headline: Headline
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Share of every differing setting in the change of the headlines.

    Parameters
    ----------
    base, head : dict
        Resolved methods.
    headline : callable
        Method to a dict of headline name to its value; of one that is zero, shares are NaN.

    Returns
    -------
    shares : DataFrame
        headline, setting, part (empty for the whole setting), statistic (from base, from head,
        shapley), value (share of the log ratio). [ln]
    interactions : DataFrame
        headline, first, second, value: what both settings change together beyond the sum of what
        each changes alone, from the base. [ln]
    ends : DataFrame
        headline, base, head: the two values of each headline.

    Raises
    ------
    InputError
        If one of the two methods cannot be asked.
    """
    sections = differing(base, head)
    served = _as_served(sections, base, head)
    tried = [_few(of, names) for names in served for of in (choices(base, head), sections)]
    whole = tried[-1]
    for each in (*tried, *(_joined(whole, names) for names in JOINABLE)):
        with suppress(InputError):
            return _attributed(base, head, headline, each)
    # of all as one, in one piece, the two methods are the only mixtures
    return _attributed(base, head, headline, _joined(whole, whole), parted=False)


class _Mixtures:
    """Logarithms of the headlines of methods between two, each of which is asked once.

    Attributes
    ----------
    names : list of str
        Headlines, in the order of the values; known once one was asked.
    """

    def __init__(
        self,
        base: Mapping[str, Any],
        head: Mapping[str, Any],
        headline: Headline,
        settings: Settings,
    ) -> None:
        self.names: list[str] = []
        self._ends, self._headline, self._settings = (base, head), headline, settings
        self._known: dict[frozenset[Path], Array] = {}

    def of_paths(self, paths: frozenset[Path]) -> Array:
        """Values of the base with some paths of the head."""
        if paths not in self._known:
            values = self._headline(with_settings(*self._ends, paths))
            self.names = list(values)
            self._known[paths] = np.array([_log(values[name]) for name in self.names])
        return self._known[paths]

    def of_settings(self, chosen: frozenset[str]) -> Array:
        """Values of the base with some settings of the head."""
        return self.of_paths(frozenset(path for name in chosen for path in self._settings[name]))


def _attributed(
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    headline: Headline,
    settings: Settings,
    parted: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    mixtures = _Mixtures(base, head, headline, settings)
    value = mixtures.of_settings
    start, end = value(frozenset()), value(frozenset(settings))
    shares, pairs = _shares(settings, mixtures, parted), _pairs(settings, value)

    def long(lines: Iterable[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
        headlines = enumerate(mixtures.names)
        frame = [(h, *line[:-1], line[-1][i]) for i, h in headlines for line in lines]
        return pd.DataFrame(frame, columns=["headline", *columns])

    return (
        long(shares, ["setting", "part", "statistic", "value"]),
        long(pairs, ["first", "second", "value"]),
        pd.DataFrame({"headline": mixtures.names, "base": np.exp(start), "head": np.exp(end)}),
    )


def _shares(
    settings: Settings, mixtures: _Mixtures, parted: bool
) -> list[tuple[str, str, str, Array]]:
    """Setting, part, statistic, and values: of every setting, then of the parts of each."""
    value = mixtures.of_settings
    by_setting = _alone(settings, settings, value) | {"shapley": shapley(list(settings), value)}
    rows = [(name, "", s, v) for s, each in by_setting.items() for name, v in each.items()]
    everything = [path for paths in settings.values() for path in paths]
    for name, paths in settings.items():
        # settings that were joined cannot be taken apart
        if parted and 1 < len(paths) <= MOST_PARTS and all(path[0] == name for path in paths):
            by_part = _alone(paths, everything, mixtures.of_paths) | {
                "shapley": owen(settings, name, mixtures.of_paths)
            }
            rows += [
                (name, ".".join(p), s, v) for s, each in by_part.items() for p, v in each.items()
            ]
    return rows


def _alone(
    members: Collection[Player], everything: Collection[Player], value: Value[Player]
) -> dict[str, dict[Player, Array]]:
    """What each member changes first of all, and last of all."""
    players = frozenset(everything)
    none, whole = value(frozenset()), value(players)
    return {
        "from base": {m: value(frozenset([m])) - none for m in members},
        "from head": {m: whole - value(players - {m}) for m in members},
    }


def _pairs(settings: Settings, value: Value[str]) -> list[tuple[str, str, Array]]:
    """Two settings, and what both change beyond the sum of what each changes alone."""
    return [
        (
            a,
            b,
            value(frozenset([a, b]))
            - value(frozenset([a]))
            - value(frozenset([b]))
            + value(frozenset()),
        )
        for a, b in combinations(settings, 2)
    ]
