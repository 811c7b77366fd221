"""Two methods side by side: settings that differ, results that move, and which setting does it.

The change of a headline from base to head is its log ratio. Each differing setting gets three
shares of it: alone on top of the base, last on the way to the head, and its Shapley value, the
average over every order in which the settings can be changed (Shapley 1953). Parts of a setting
get Owen values (Owen 1977), which add up to the Shapley value of their setting.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.claims.judge import deciding
from inference_energy.comparison.attribution import Headline, attribution
from inference_energy.method.differences import differences
from inference_energy.rounding import cut, ratio
from inference_energy.tables import format_number, load_schema

IDENTITY = ("id", "title", "kind", "claims")
"""What a method is called; not a setting."""


ALL = "all settings"

Line = dict[Any, Any]
"""Line of the table by column; what it leaves out is empty."""


COLUMNS = (
    "kind",
    "subject",
    "item",
    "statistic",
    "base",
    "head",
    "value",
    "unit",
    "base_source",
    "head_source",
)


def moved(name: str, base: pd.DataFrame, head: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Lines of a result table whose value differs between two methods.

    Parameters
    ----------
    name : str
        Schema of the table.
    base, head : DataFrame
        The table under each method.

    Returns
    -------
    moved : DataFrame
        item (the keys but the statistic), statistic, base, head, ratio, unit; a line that only
        one method has leaves the other's value empty.
    unchanged : int
        Number of lines that are equal.
    """
    key = load_schema(name)["x-key"]
    both = base.merge(head, on=key, how="outer", suffixes=("_base", "_head"))
    same = both["value_base"] == both["value_head"]
    lines = both[~same]
    last = key[-1]
    return pd.DataFrame(
        {
            "item": [
                "; ".join(f"{k}={line[k]}" for k in key[:-1]) for line in lines.to_dict("records")
            ],
            "statistic": lines[last].to_numpy(),
            "base": lines["value_base"].to_numpy(),
            "head": lines["value_head"].to_numpy(),
            "ratio": [
                ratio(new, old)
                for new, old in zip(lines["value_head"], lines["value_base"], strict=True)
            ],
            "unit": lines["unit_head"].fillna(lines["unit_base"]).to_numpy(),
        }
    ), int(same.sum())


def flips(base: pd.DataFrame, head: pd.DataFrame) -> pd.DataFrame:
    """Claims that both claims tables judge and judge differently: claim, base, head."""
    verdicts = [deciding(table).set_index("claim")["verdict"] for table in (base, head)]
    both = pd.concat(verdicts, axis=1, keys=["base", "head"], join="inner")
    return both[both["base"] != both["head"]].rename_axis("claim").reset_index()


def comparison(
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    results_base: Mapping[str, pd.DataFrame],
    results_head: Mapping[str, pd.DataFrame],
    headline: Headline,
) -> pd.DataFrame:
    """Everything that differs between two methods, as one long table.

    Parameters
    ----------
    base, head : dict
        Resolved methods.
    results_base, results_head : dict of str to DataFrame
        Result tables by schema, and ``claims``.
    headline : callable
        As for :func:`attribution`.

    Returns
    -------
    DataFrame
        Columns of the comparison table.
    """
    lines = [
        *_settings(base, head),
        *_attributed(base, head, headline),
        *_verdicts(results_base["claims"], results_head["claims"]),
    ]
    for name in results_base:
        if name != "claims":
            lines += _results(name, results_base[name], results_head[name])
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    table.loc[table["unit"] == "ln", "value"] = cut(table.loc[table["unit"] == "ln", "value"])
    return table


def _settings(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Line]:
    """Every value in which the methods differ."""
    for line in differences(base, head).to_dict("records"):
        yield {"kind": "setting", "subject": line.pop("setting"), "item": line.pop("path")} | line


def _attributed(
    base: Mapping[str, Any], head: Mapping[str, Any], headline: Headline
) -> Iterator[Line]:
    """Change of every headline, and what each setting, part and pair of settings has of it."""
    shares, interactions, ends = attribution(base, head, headline)
    for end in ends.to_dict("records"):
        yield {
            "kind": "headline",
            "subject": end["headline"],
            "item": ALL,
            "statistic": "change",
            "base": format_number(end["base"]),
            "head": format_number(end["head"]),
            "value": np.log(end["head"] / end["base"]),
            "unit": "ln",
        }
    for share in shares.to_dict("records"):
        yield {
            "kind": "part" if share["part"] else "attribution",
            "subject": share["headline"],
            "item": share["part"] or share["setting"],
            "statistic": share["statistic"],
            "value": share["value"],
            "unit": "ln",
        }
    for pair in interactions.to_dict("records"):
        yield {
            "kind": "interaction",
            "subject": pair["headline"],
            "item": f"{pair['first']} x {pair['second']}",
            "statistic": "from base",
            "value": pair["value"],
            "unit": "ln",
        }


def _verdicts(base: pd.DataFrame, head: pd.DataFrame) -> Iterator[Line]:
    """Claims that are judged differently."""
    for flip in flips(base, head).to_dict("records"):
        claim = flip.pop("claim")
        yield {"kind": "verdict", "subject": "claims", "item": claim} | flip


def _results(name: str, base: pd.DataFrame, head: pd.DataFrame) -> Iterator[Line]:
    """How many lines of a result table are equal, and the others."""
    changed, same = moved(name, base, head)
    yield {"kind": "unchanged", "subject": name, "item": "lines", "value": same, "unit": "lines"}
    for line in changed.to_dict("records"):
        yield {
            "kind": "result",
            "subject": name,
            "item": line["item"],
            "statistic": line["statistic"],
            "base": format_number(line["base"]) or None,
            "head": format_number(line["head"]) or None,
            "value": line["ratio"],
            "unit": line["unit"],
        }
