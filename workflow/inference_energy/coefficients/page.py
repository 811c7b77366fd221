"""Page that says how to use the coefficients and how to cite them."""

import pandas as pd

from inference_energy.coefficients.rows import TIERS
from inference_energy.coefficients.table import FORMATS, LOADS, QUERY
from inference_energy.templates import render

EXAMPLE = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "format": "FP8",
    "load": "64",
    "computed": 1200,
    "cached": 800,
    "output": 400,
    "pue": 1.2,
}
"""Row and query of the worked example: lengths [tokens] and PUE [1]."""

SHOWN = ("Llama 3.1 8B", "Llama 3.1 70B", "Qwen3 235B A22B", "DeepSeek-R1")
"""Models of the page's table, at the loads FEW and BEST on the GPU of GPU in FP8."""

GPU, FEW, BEST = "H200-SXM-141GB", "8", "best"


def page(table: pd.DataFrame) -> str:
    """Write the page as Markdown.

    Parameters
    ----------
    table : DataFrame
        Schema ``coefficients``.
    """
    keys = ["model", "gpu", "format", "load"]
    row = table.set_index(keys).loc[tuple(EXAMPLE[key] for key in keys)]
    kinds = {"computed": "input", "cached": "cached", "output": "output"}
    parts = {name: row[f"{kind}_wh"] * EXAMPLE[name] / 1e6 for name, kind in kinds.items()}
    outer = {
        end: EXAMPLE["pue"]
        * sum(row[f"{kind}_{end}_wh"] * EXAMPLE[name] / 1e6 for name, kind in kinds.items())
        for end in ("p5", "p95")
    }
    few = table[table["gpu"].eq(GPU) & table["format"].eq("FP8") & table["load"].isin((FEW, BEST))]
    return render(
        "coefficients/coefficients.md.jinja",
        example=EXAMPLE,
        row=row.to_dict(),
        parts=parts,
        total=EXAMPLE["pue"] * sum(parts.values()),
        outer=outer,
        query=QUERY,
        formats=FORMATS,
        loads=list(LOADS),
        tiers=TIERS,
        counts=table.drop_duplicates(["model", "gpu", "format"])["tier"].value_counts().to_dict(),
        models=table["model"].nunique(),
        n=len(table),
        shown=few[few["model"].isin(SHOWN)].to_dict("records"),
        gpu=GPU,
    )
