"""Page of the throughput laws' errors."""

from inference_energy.text import markdown_table


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
