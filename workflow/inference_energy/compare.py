"""Two methods side by side: settings that differ, results that move, and which setting does it.

The change of a headline from base to head is its log ratio. Each differing setting gets three
shares of it: alone on top of the base, last on the way to the head, and its Shapley value, the
average over every order in which the settings can be changed (Shapley 1953). Parts of a setting
get Owen values (Owen 1977), which add up to the Shapley value of their setting.
"""

import json
from copy import deepcopy
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from inference_energy.analytic import blend_energy, regime_energy
from inference_energy.claims import deciding
from inference_energy.errors import InputError
from inference_energy.methods import WHOLE, build, fit_laws
from inference_energy.report import markdown_table
from inference_energy.tables import format_number, load_schema

IDENTITY = ("id", "title", "kind", "claims")
"""What a method is called; not a setting."""

AFTER_THE_HEADLINE = ("pathways", "fleet", "sensitivities", "monte_carlo")
"""Sections that are joined to one setting when more than MOST_SETTINGS differ."""

INSEPARABLE = ("benchmarks", "throughput_law", "blend")
"""Sections that are joined to one setting when a mixture of two methods has too few models."""

MOST_SETTINGS = 10
MOST_PARTS = 4
SHOWN_ABOVE = 5e-5
"""Interactions below this are in the table only: as a factor they print as one. [ln]"""

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


def quantities(tree, path=()):
    """Yield (path as a tuple of keys, mapping) of every quantity of a resolved method."""
    if any(key in tree for key in (*WHOLE, "source")):
        yield path, tree
        return
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from quantities(value, (*path, key))


def _leaves(tree, path=()):
    """Dotted path to value of everything in a quantity but its source."""
    leaves = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, (*path, key))
        elif key != "source":
            text = isinstance(value, list) and all(isinstance(item, str) for item in value)
            leaves[(*path, key)] = sorted(value) if text else value
    return leaves


def differing(base, head):
    """Settings in which two resolved methods differ.

    Parameters
    ----------
    base, head : dict
        Resolved methods.

    Returns
    -------
    dict of str to list of tuple
        Section of the method file to the paths of its quantities that differ; a quantity counts
        once, whether one of its numbers differs or all do. Sources alone are no difference.
    """
    olds, news = dict(quantities(base)), dict(quantities(head))
    settings = {}
    for path in olds | news:
        if _leaves(olds.get(path, {})) != _leaves(news.get(path, {})):
            settings.setdefault(path[0], []).append(path)
    return settings


def differences(base, head):
    """Every value in which two resolved methods differ.

    Returns
    -------
    DataFrame
        setting, path (dotted), base, head (text, empty where not stated), unit, base_source,
        head_source.
    """
    olds, news = dict(quantities(base)), dict(quantities(head))
    lines = []
    for setting, paths in differing(base, head).items():
        for path in paths:
            old, new = olds.get(path, {}), news.get(path, {})
            before, after = _leaves(old), _leaves(new)
            lines += [
                {
                    "setting": setting,
                    "path": ".".join((*path, *leaf)),
                    "base": _text(before.get(leaf)),
                    "head": _text(after.get(leaf)),
                    "unit": new.get("unit", old.get("unit")),
                    "base_source": old.get("source"),
                    "head_source": new.get("source"),
                }
                for leaf in before | after
                if before.get(leaf) != after.get(leaf) and leaf[-1] != "unit"
            ]
    columns = ["setting", "path", "base", "head", "unit", "base_source", "head_source"]
    return pd.DataFrame(lines, columns=columns, dtype=object)


def _text(value):
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return format_number(value)
    return value if isinstance(value, str) else json.dumps(value)


def with_settings(base, head, paths):
    """Return the base method with the quantities at ``paths`` as the head states them."""
    mixed = deepcopy(base)
    for path in paths:
        place, source = mixed, head
        for key in path[:-1]:
            place = place.setdefault(key, {})
            source = source.get(key, {})
        if path[-1] in source:
            place[path[-1]] = deepcopy(source[path[-1]])
        else:
            place.pop(path[-1], None)
    return mixed


def _share(player, players, value):
    others = [other for other in players if other != player]
    n = len(players)
    return sum(
        (value(frozenset((*chosen, player))) - value(frozenset(chosen))) / (n * comb(n - 1, size))
        for size in range(n)
        for chosen in combinations(others, size)
    )


def shapley(players, value):
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


def owen(groups, group, value):
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

    def group_share(chosen_members):
        def quotient(chosen_groups):
            return value(
                frozenset(
                    member
                    for g in chosen_groups
                    for member in (chosen_members if g == group else groups[g])
                )
            )

        return _share(group, list(groups), quotient)

    return shapley(groups[group], group_share)


def _joined(settings, names):
    """Join several settings to one, where they differ."""
    present = [name for name in settings if name in names]
    kept = {name: paths for name, paths in settings.items() if name not in names}
    joined = [path for name in present for path in settings[name]]
    return kept | ({" + ".join(present): joined} if joined else {})


def exact_medians(sources):
    """Headline function for :func:`attribution`: the exact median of the blend in each regime.

    Parameters
    ----------
    sources : callable
        Resolved method to what it is built from, the keyword arguments of ``build``.

    Returns
    -------
    callable
        Resolved method to a dict of headline to median. [Wh]
    """
    fitted = {}

    def medians(method):
        given = sources(method)
        # a fit takes much longer than a median, and few mixtures differ in what is fitted
        key = json.dumps([method["benchmarks"], method["throughput_law"]])
        if key not in fitted:
            fitted[key] = fit_laws(method, given["table"], given.get("hardware"))
        setup = build(method, **given, laws=fitted[key])
        answer = {}
        for regime in setup.regimes.values():
            models, names = regime_energy(setup, regime)
            answer[f"{regime.name} median"] = blend_energy(setup, models, names).quantile(0.5)
        return answer

    return medians


def attribution(base, head, headline):
    """Share of every differing setting in the change of the headlines.

    Parameters
    ----------
    base, head : dict
        Resolved methods.
    headline : callable
        Method to a dict of headline name to its value, a positive number.

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
        If the settings of the two methods cannot be mixed even after those that decide which
        models there are have been joined.
    """
    settings = differing(base, head)
    if len(settings) > MOST_SETTINGS:
        settings = _joined(settings, AFTER_THE_HEADLINE)
    try:
        return _attributed(base, head, headline, settings)
    except InputError:
        joined = _joined(settings, INSEPARABLE)
        if len(joined) == len(settings):
            raise
        return _attributed(base, head, headline, joined)


def _attributed(base, head, headline, settings):
    known, names = {}, None

    def of_paths(paths):
        nonlocal names
        if paths not in known:
            values = headline(with_settings(base, head, paths))
            names = list(values)
            known[paths] = np.log([values[name] for name in names])
        return known[paths]

    def of_settings(chosen):
        return of_paths(frozenset(path for name in chosen for path in settings[name]))

    def alone(members, everything, of):
        none, whole = of(frozenset()), of(frozenset(everything))
        return {
            "from base": {m: of(frozenset([m])) - none for m in members},
            "from head": {m: whole - of(frozenset(everything) - {m}) for m in members},
        }

    start, end = of_settings(frozenset()), of_settings(frozenset(settings))
    rows = []
    by_setting = alone(settings, settings, of_settings) | {
        "shapley": shapley(list(settings), of_settings)
    }
    rows += [(name, "", s, v) for s, each in by_setting.items() for name, v in each.items()]
    everything = [path for paths in settings.values() for path in paths]
    for name, paths in settings.items():
        # settings that were joined cannot be taken apart
        if 1 < len(paths) <= MOST_PARTS and all(path[0] == name for path in paths):
            by_part = alone(paths, everything, of_paths) | {
                "shapley": owen(settings, name, of_paths)
            }
            rows += [
                (name, ".".join(p), s, v) for s, each in by_part.items() for p, v in each.items()
            ]
    pairs = [
        (
            a,
            b,
            of_settings(frozenset([a, b]))
            - of_settings(frozenset([a]))
            - of_settings(frozenset([b]))
            + start,
        )
        for a, b in combinations(settings, 2)
    ]

    def long(lines, columns):
        frame = [(h, *line[:-1], line[-1][i]) for i, h in enumerate(names) for line in lines]
        return pd.DataFrame(frame, columns=["headline", *columns])

    return (
        long(rows, ["setting", "part", "statistic", "value"]),
        long(pairs, ["first", "second", "value"]),
        pd.DataFrame({"headline": names, "base": np.exp(start), "head": np.exp(end)}),
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
            "ratio": (
                lines["value_head"] / lines["value_base"].where(lines["value_base"] != 0)
            ).to_numpy(),
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
    return pd.DataFrame(lines, columns=list(COLUMNS))


def share_text(value, total):
    """Write a share of a log ratio as a factor and, where the total is not zero, in per cent."""
    part = f"{100 * value / total:.1f} %" if abs(total) > SHOWN_ABOVE else ""
    return f"x {np.exp(value):.4g}", part


def comparison_page(table, base, head, shown=10):
    """Comparison of two methods as a Markdown page.

    Parameters
    ----------
    table : DataFrame
        The comparison table.
    base, head : str
        Names of the methods.
    shown : int
        Results shown per table.
    """
    table = table.astype(object).where(table.notna(), None)
    kinds = {kind: lines.to_dict("records") for kind, lines in table.groupby("kind")}
    parts = [f"# From `{base}` to `{head}`", ""]
    for line in kinds.get("headline", []):
        parts.append(
            f"- **{line['subject']}**: {line['base']} to {line['head']} Wh,"
            f" {100 * np.expm1(line['value']):+.1f} %"
        )
    parts += ["", "## Which setting moves the headline", ""]
    rows = []
    for line in kinds.get("headline", []):
        own = [
            entry
            for kind in ("attribution", "part")
            for entry in kinds.get(kind, [])
            if entry["subject"] == line["subject"]
        ]
        for kind, item in dict.fromkeys((entry["kind"], entry["item"]) for entry in own):
            by = {e["statistic"]: e["value"] for e in own if (e["kind"], e["item"]) == (kind, item)}
            factor, percent = share_text(by["shapley"], line["value"])
            rows.append(
                [
                    line["subject"],
                    f"`{item}`" if kind == "attribution" else f"of which `{item}`",
                    share_text(by["from base"], 0)[0],
                    share_text(by["from head"], 0)[0],
                    factor,
                    percent,
                ]
            )
    if rows:
        header = [
            "headline",
            "setting",
            "alone, from base",
            "last, to head",
            "Shapley",
            "of the change",
        ]
        parts.append(markdown_table(header, rows))
    else:
        parts.append("No setting differs.")
    acting = [line for line in kinds.get("interaction", []) if abs(line["value"]) > SHOWN_ABOVE]
    if acting:
        parts += ["", "Settings that act together more or less than alone, from the base:", ""]
        parts += [
            f"- {line['subject']}: {line['item']}: x {np.exp(line['value']):.4g}" for line in acting
        ]
    parts += ["", "## Settings that differ", ""]
    columns = ("item", "base", "head", "unit", "base_source", "head_source")
    parts.append(
        markdown_table(
            ["setting", base, head, "unit", f"source of {base}", f"source of {head}"],
            [[line[c] or "" for c in columns] for line in kinds.get("setting", [])],
        )
    )
    verdicts = kinds.get("verdict", [])
    parts += ["", f"## Verdicts that flip: {len(verdicts)}", ""]
    if verdicts:
        rows = [[v["item"], v["base"], v["head"]] for v in verdicts]
        parts.append(markdown_table(["claim", base, head], rows))
    parts += ["", "## Results that move", ""]
    for line in kinds.get("unchanged", []):
        results = [r for r in kinds.get("result", []) if r["subject"] == line["subject"]]
        results.sort(key=lambda r: -abs(np.log(r["value"])) if r["value"] else -np.inf)
        parts += [f"### {line['subject']}: {len(results)} move, {line['value']:g} do not", ""]
        if results:
            rows = [
                [
                    r["item"],
                    r["statistic"],
                    r["base"] or "",
                    r["head"] or "",
                    r["unit"],
                    _ratio(r["value"]),
                ]
                for r in results[:shown]
            ]
            parts.append(markdown_table(["result", "statistic", base, head, "unit", "ratio"], rows))
            if len(results) > shown:
                parts += ["", f"and {len(results) - shown} more in the table beside this page."]
            parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _ratio(value):
    return "" if value is None else f"{value:.4g}"
