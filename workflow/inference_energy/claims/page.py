"""Pages of the claims and of the findings."""

from inference_energy.claims.findings import rank
from inference_energy.claims.judge import VERDICTS, counts, deciding, distance
from inference_energy.text import cell_number, markdown_table


def _failing(table):
    lines = deciding(table)
    return lines[lines["verdict"] == "not reproduced"]


def claims_page(tables, titles):
    """Verdicts on all methods as a Markdown page.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Claims table of each method.
    titles : dict of str to str
        Title of each method.

    Returns
    -------
    str
        Counts first, then what does not reproduce, then every claim.
    """
    parts = ["# What the paper publishes and what this pipeline computes", ""]
    parts += [
        "A published figure is reproduced when the computed value, rounded as the paper prints it,"
        " is the printed value. A caveat is a documented choice that would change the printed"
        " value.",
        "",
        markdown_table(
            ["method", "held against", "claims", *VERDICTS],
            [
                [
                    f"`{name}`",
                    table["source"].iloc[0],
                    len(deciding(table)),
                    *counts(table).values(),
                ]
                for name, table in tables.items()
            ],
        ),
    ]
    for name, table in tables.items():
        parts += ["", f"## {titles[name]} (`{name}`)", ""]
        failing = _failing(table)
        if len(failing):
            parts += ["Not reproduced:", ""]
            parts += [f"- {_sentence(line)}" for line in failing.to_dict("records")]
            parts += [""]
        exact = table[table["engine"] == "exact"].set_index("claim")["computed"]
        parts.append(
            markdown_table(
                ["claim", "published", "computed", "exact", "unit", "verdict", "note"],
                [
                    [
                        line["claim"],
                        line["published"],
                        cell_number(line["computed"]),
                        cell_number(exact.get(line["claim"], float("nan"))),
                        line["unit"],
                        line["verdict"],
                        line["note"] or "",
                    ]
                    for line in deciding(table).to_dict("records")
                ],
            )
        )
    return "\n".join(parts) + "\n"


def _sentence(line):
    note = f" ({line['note']})" if line["note"] else ""
    unit = "" if line["unit"] == "1" else f" {line['unit']}"
    return (
        f"**{line['claim']}**: published {line['published']}{unit}, computed"
        f" {cell_number(line['computed'])}{unit}, {distance(line):.2f} times the nearest published"
        f" figure{note}"
    )


def console_summary(tables, kinds):
    """Few lines: how many claims reproduce, and which of a paper's own method do not."""
    lines = []
    for name, table in tables.items():
        tally = ", ".join(f"{n} {verdict}" for verdict, n in counts(table).items() if n)
        lines.append(f"{name}: {len(deciding(table))} claims: {tally}")
        for line in _failing(table).to_dict("records") if kinds[name] == "paper" else []:
            unit = "" if line["unit"] == "1" else f" {line['unit']}"
            lines.append(
                f"  not reproduced: {line['claim']}: published {line['published']}{unit},"
                f" computed {cell_number(line['computed'])}{unit}"
            )
    return "\n".join([*lines, "Details: results/claims.md"])


def findings_page(findings, computed, explanations):
    """Findings as a Markdown page, largest effect on the headline first."""
    known = {finding["id"]: finding for finding in findings}
    order = rank(computed)
    parts = [
        "# What the weak points of the method change",
        "",
        "Each is computed with the exact engine unless the engine is named; the order is that of"
        " the effect on the traditional median. Findings that do not touch it come last.",
        "",
        markdown_table(
            ["finding", "claimed or done", "alternative", "traditional median"],
            [
                [
                    f"[{name}](#{name})",
                    known[name]["claimed"],
                    known[name]["alternative"],
                    f"{computed[name]['traditional'].change:+.1f} %"
                    if "traditional" in computed[name]
                    else "",
                ]
                for name in order
            ],
        ),
    ]
    for name in order:
        finding = known[name]
        engine = finding.get("engine", "exact")
        parts += [
            "",
            f"## {name}",
            "",
            explanations[name],
            "",
            f"Method `{finding['method']}`, engine {engine}:",
            "",
            markdown_table(
                ["quantity", "before", "after", "unit", "change"],
                [
                    [e.name, f"{e.before:.4g}", f"{e.after:.4g}", e.unit, f"{e.change:+.1f} %"]
                    for e in computed[name].values()
                ],
            ),
        ]
    return "\n".join(parts) + "\n"
