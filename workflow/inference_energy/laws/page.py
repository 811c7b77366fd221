"""Page of the throughput laws' errors."""

from typing import Any

import pandas as pd

from inference_energy.templates import render

SHAPES = ("prefill-heavy", "balanced", "decode-heavy", "long")


def laws_page(errors: pd.DataFrame, path: str) -> str:
    """Errors of the throughput laws on rows that they have not seen, as a Markdown page.

    Parameters
    ----------
    errors : DataFrame
        Table of schema ``law_errors``.
    path : str
        Benchmark table that was predicted.
    """
    shapes = [shape for shape in SHAPES if shape in set(errors["region"])]
    return render("laws.md.jinja", path=path, shapes=shapes, laws=_laws(errors))


def _laws(errors: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per split and law: number of predictions, and the errors by region."""
    rows = []
    for (split, law), lines in errors.groupby(["split", "law"], sort=False):
        by_region = lines.pivot_table("value", "region", "statistic")
        overall = lines[lines["region"] == "all"]
        rows.append(
            {
                "split": split,
                "law": law,
                "predictions": overall["n"].iloc[0],
                "errors": by_region.reindex(["all", *SHAPES]).to_dict("index"),
            }
        )
    return rows
