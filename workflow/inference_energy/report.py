"""Text for readers, written from the result tables."""

from inference_energy.claims import VERDICTS, counts, deciding, distance


def markdown_table(header, rows):
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def _number(value):
    return "" if value != value else f"{value:.4g}"


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
                        _number(line["computed"]),
                        _number(exact.get(line["claim"], float("nan"))),
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
        f" {_number(line['computed'])}{unit}, {distance(line):.2f} times the nearest published"
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
                f" computed {_number(line['computed'])}{unit}"
            )
    return "\n".join([*lines, "Details: results/claims.md"])


def laws_page(errors, path):
    """Errors of the throughput laws on rows that they have not seen, as a Markdown page.

    Parameters
    ----------
    errors : DataFrame
        Table of schema ``law_errors``.
    path : str
        Benchmark table that was predicted.
    """
    wide = errors.pivot_table(
        index=["split", "law"], columns=["statistic", "region"], values="value", sort=False
    )
    counts = errors[errors["region"] == "all"].groupby(["split", "law"])["n"].first()
    shapes = ("prefill-heavy", "balanced", "decode-heavy", "long")
    regions = [region for region in shapes if region in wide["bias"]]
    rows = []
    for (split, law), line in wide.iterrows():
        mean, p90 = line["mean_absolute_error"], line["p90_absolute_error"]["all"]
        cells = [mean["all"], p90, line["bias"]["all"], *(mean[r] for r in regions)]
        texts = ["" if cell != cell else f"{cell:.1f}" for cell in cells]
        rows.append([split, law, counts[split, law], *texts])
    header = ["left out", "law", "predictions", "mean error %", "P90 %", "bias %"]
    return "\n".join(
        [
            f"# Throughput laws on {path}",
            "",
            "Absolute relative error of the predicted throughput on rows that a law has not seen;"
            " the columns by shape are means.",
            "",
            markdown_table([*header, *(f"{r} %" for r in regions)], rows),
            "",
        ]
    )
