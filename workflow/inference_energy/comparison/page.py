"""Pages of two compared methods and of two revisions."""

import base64
import html
from math import inf
from pathlib import Path

import numpy as np

from inference_energy.text import markdown_table

SHOWN_ABOVE = 5e-5
"""Interactions below this are in the table only: as a factor they print as one. [ln]"""


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


HEADLINE = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}


TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def _percent(relative):
    if relative is None:
        return ""
    return "from zero" if relative == inf else f"{100 * relative:+.3g} %"


def _size(moved):
    return -inf if moved.relative is None else abs(moved.relative)


def _name(keys):
    return ", ".join(f"{k}={v}" for k, v in keys.items() if v)


def _count(number, one, many):
    return f"{number} {one if number == 1 else many}"


def changes_page(changes, since, commit, shown=10):
    """Changes as a Markdown page fit for a pull request.

    Parameters
    ----------
    changes : Changes
        What differs.
    since, commit : str
        The revision as asked for, and its commit.
    shown : int
        Values shown per table; the largest relative change comes first.

    Returns
    -------
    str
        Headline, claims, settings, tables, data, figures; what did not move is counted.
    """
    results = [t for t in changes.tables if t.path.startswith("results/")]
    data = [t for t in changes.tables if t.path.startswith("data/")]
    figures = f"{_count(len(changes.figures), 'figure', 'figures')} moved"
    parts = [f"# Changes since {since} ({commit})", ""]
    if not changes.any:
        rows = sum(t.unchanged for t in results)
        parts.append(
            f"Nothing moved: {_count(rows, 'line', 'lines')} of"
            f" {_count(len(results), 'table', 'tables')},"
            f" {_count(sum(t.unchanged for t in data), 'row', 'rows')} of data and"
            f" {_count(changes.unchanged_files, 'other file', 'other files')} are as they were."
        )
        return "\n".join(parts) + "\n"
    parts += ["## Headline", "", *_headline(results), "", "## Claims", "", *_claims(results)]
    if changes.settings:
        parts += ["", "## Settings", ""]
        rows = [
            [path.split("/")[1], s["path"], s["base"] or "", s["head"] or "", s["unit"] or ""]
            for path, lines in changes.settings.items()
            for s in lines
        ]
        parts.append(markdown_table(["method", "setting", "before", "after", "unit"], rows))
    parts += ["", "## Tables", ""]
    moving = sorted(
        (t for t in results if t.any), key=lambda t: -max(map(_size, t.moved), default=-inf)
    )
    still = [t for t in results if not t.any]
    for table in moving:
        parts += _table_part(table, shown)
    parts += [f"{_count(len(still), 'table', 'tables')} of results did not move."]
    parts += ["", "## Data", ""]
    for table in data:
        if table.any:
            parts += _table_part(table, shown)
    parts.append(
        f"{_count(sum(not t.any for t in data), 'table', 'tables')} of data did not change."
    )
    parts += ["", "## Figures", "", f"{figures}." if not changes.figures else f"{figures}:", ""]
    parts += [f"- {path}{_presence(old, new)}" for path, old, new in changes.figures]
    if changes.texts:
        parts += ["", "## Other files", "", *[f"- {path}" for path in changes.texts]]
    return "\n".join(parts).rstrip() + "\n"


def _presence(old, new):
    return " (new)" if old is None else " (gone)" if new is None else ""


def _headline(results):
    rows = [
        [
            table.path.split("/")[1],
            moved.keys["regime"],
            moved.keys["engine"],
            moved.before,
            moved.after,
            _percent(moved.relative),
        ]
        for table in results
        if table.path.endswith("/energy_per_query.csv")
        for moved in table.moved
        if moved.column == "value" and HEADLINE.items() <= moved.keys.items()
    ]
    if not rows:
        return ["The median of the frontier blend did not move."]
    header = ["method", "regime", "engine", "before [Wh]", "after [Wh]", "change"]
    return [markdown_table(header, rows)]


def _claims(results):
    tables = [t for t in results if t.path.endswith("/claims.csv")]
    flipped = [
        [table.path.split("/")[1], moved.keys["claim"], moved.before, moved.after]
        for table in tables
        for moved in table.moved
        if moved.column == "verdict" and moved.keys.get("engine", "") in ("", "published")
    ]
    judged = sum(t.unchanged for t in tables) + sum(
        len({tuple(m.keys.items()) for m in t.moved}) for t in tables
    )
    if not flipped:
        return [f"No verdict flipped; {_count(judged, 'line', 'lines')} of claims compared."]
    return [markdown_table(["method", "claim", "before", "after"], flipped)]


def _table_part(table, shown):
    for word, lines in (("new", table.added), ("gone", table.removed)):
        if lines and len(lines) == table.rows:
            return [f"### {table.path}: {word}, {_count(len(lines), 'row', 'rows')}", ""]
    rows = len({tuple(m.keys.items()) for m in table.moved})
    parts = [
        f"### {table.path}: {len(table.added)} added, {len(table.removed)} removed, {rows} altered,"
        f" {table.unchanged} unchanged",
        "",
    ]
    ordered = sorted(table.moved, key=_size, reverse=True)
    if ordered:
        parts.append(
            markdown_table(
                ["row", "column", "before", "after", "change"],
                [
                    [_name(m.keys), m.column, m.before, m.after, _percent(m.relative)]
                    for m in ordered[:shown]
                ],
            )
        )
        parts.append("")
    if len(ordered) > shown:
        parts += [f"and {len(ordered) - shown} more values.", ""]
    for word, lines in (("added", table.added), ("removed", table.removed)):
        parts += [f"- {word}: {_name(row)}" for row in lines[:shown]]
        if len(lines) > shown:
            parts.append(f"- {word}: and {len(lines) - shown} more")
        if lines:
            parts.append("")
    return parts


def figures_page(changes, since, commit):
    """Before and after of every figure that moved, side by side, as one self-contained page.

    Returns
    -------
    str
        HTML with the figures inside.
    """
    title = html.escape(f"Figures that moved since {since} ({commit})")
    body = [f"<h1>{title}</h1>"]
    if not changes.figures:
        body.append("<p>No figure moved.</p>")
    for path, old, new in changes.figures:
        cells = "".join(
            f"<figure><figcaption>{word}</figcaption>{_image(path, content)}</figure>"
            for word, content in (("before", old), ("after", new))
        )
        body.append(f"<h2>{html.escape(path)}</h2><div>{cells}</div>")
    style = (
        "body{font-family:sans-serif;margin:2em}div{display:flex;gap:1em}"
        "figure{flex:1;margin:0}img{width:100%;border:1px solid #ccc;background:#fff}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _image(path, content):
    if content is None:
        return "<p>does not exist</p>"
    kind = TYPES[Path(path).suffix]
    data = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(path)}" src="data:{kind};base64,{data}">'
