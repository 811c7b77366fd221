"""Two methods side by side: settings that differ, results that move, and which setting does it.

The change of a headline from base to head is its log ratio. Each differing setting gets three
shares of it: alone on top of the base, last on the way to the head, and its Shapley value, the
average over every order in which the settings can be changed (Shapley 1953). Parts of a setting
get Owen values (Owen 1977), which add up to the Shapley value of their setting.
"""

import numpy as np
import pandas as pd

from inference_energy.claims.judge import deciding
from inference_energy.comparison.attribution import attribution
from inference_energy.method.differences import differences
from inference_energy.rounding import cut, ratio
from inference_energy.tables import format_number, load_schema

IDENTITY = ("id", "title", "kind", "claims")
"""What a method is called; not a setting."""


ALL = "all settings"


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


def moved(name, base, head):
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


def flips(base, head):
    """Claims that both claims tables judge and judge differently: claim, base, head."""
    verdicts = [deciding(table).set_index("claim")["verdict"] for table in (base, head)]
    both = pd.concat(verdicts, axis=1, keys=["base", "head"], join="inner")
    return both[both["base"] != both["head"]].rename_axis("claim").reset_index()


def comparison(base, head, results_base, results_head, headline):
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
        {"kind": "setting", "subject": d.pop("setting"), "item": d.pop("path")} | d
        for d in differences(base, head).to_dict("records")
    ]
    shares, interactions, ends = attribution(base, head, headline)
    for end in ends.to_dict("records"):
        lines.append(
            {
                "kind": "headline",
                "subject": end["headline"],
                "item": ALL,
                "statistic": "change",
                "base": format_number(end["base"]),
                "head": format_number(end["head"]),
                "value": np.log(end["head"] / end["base"]),
                "unit": "ln",
            }
        )
    lines += [
        {
            "kind": "part" if s["part"] else "attribution",
            "subject": s["headline"],
            "item": s["part"] or s["setting"],
            "statistic": s["statistic"],
            "value": s["value"],
            "unit": "ln",
        }
        for s in shares.to_dict("records")
    ]
    lines += [
        {
            "kind": "interaction",
            "subject": i["headline"],
            "item": f"{i['first']} x {i['second']}",
            "statistic": "from base",
            "value": i["value"],
            "unit": "ln",
        }
        for i in interactions.to_dict("records")
    ]
    for flip in flips(results_base["claims"], results_head["claims"]).to_dict("records"):
        claim = flip.pop("claim")
        lines.append({"kind": "verdict", "subject": "claims", "item": claim} | flip)
    for name in results_base:
        if name == "claims":
            continue
        changed, same = moved(name, results_base[name], results_head[name])
        lines.append(
            {"kind": "unchanged", "subject": name, "item": "lines", "value": same, "unit": "lines"}
        )
        lines += [
            {
                "kind": "result",
                "subject": name,
                "item": line["item"],
                "statistic": line["statistic"],
                "base": format_number(line["base"]) or None,
                "head": format_number(line["head"]) or None,
                "value": line["ratio"],
                "unit": line["unit"],
            }
            for line in changed.to_dict("records")
        ]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    table.loc[table["unit"] == "ln", "value"] = cut(table.loc[table["unit"] == "ln", "value"])
    return table
