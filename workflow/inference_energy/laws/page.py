"""Page of the throughput laws' errors."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from inference_energy.laws.engines import engine_name
from inference_energy.laws.load_scores import ELSEWHERE, SCALED, SCALES, SPLITS, statistics
from inference_energy.laws.mixed import SPREAD_GROUPS
from inference_energy.laws.training import counted_once, over_nodes
from inference_energy.templates import render

AIMS: tuple[tuple[str, tuple[tuple[str, str], ...], dict[str, float]], ...] = (
    (
        "shape",
        (("trtllm-0.17", "all"), ("trtllm-0.19", "all")),
        {"mean_absolute_error": 4.0, "p90_absolute_error": 9.0},
    ),
    ("configuration", (("all", "all"),), {"median_factor": 1.10, "p90_factor": 1.35}),
    ("model", (("all", "all"),), {"median_factor": 1.15, "p90_factor": 1.5}),
    (
        "source",
        tuple(
            (source, kind)
            for source in ("trtllm-0.17", "trtllm-0.19")
            for kind in ("all", ELSEWHERE)
        ),
        {"mean_absolute_error": 7.0, "p90_absolute_error": 15.0},
    ),
)
"""What is left out, source and class of rows, and the most that its errors are aimed to be."""

CLASSES = ("dense", "mixture")
"""Classes of models."""

COVERED = (85.0, 95.0)
"""Share of rows that a 90 % interval is aimed to hold. [%]"""

SHAPES = ("prefill-heavy", "balanced", "decode-heavy", "long")


def laws_page(errors: pd.DataFrame, path: str, note: str = "", unusual: Sequence[str] = ()) -> str:
    """Errors of the throughput laws on rows that they have not seen, as a Markdown page.

    Parameters
    ----------
    errors : DataFrame
        Table of schema ``law_errors``.
    path : str
        Benchmark table that was predicted.
    note : str
        What a reader of the errors has to know.
    unusual : sequence of str
        Warnings about rows of the table.
    """
    shapes = [shape for shape in SHAPES if shape in set(errors["region"])]
    return render(
        "laws/laws.md.jinja",
        path=path,
        note=note,
        shapes=shapes,
        laws=_laws(errors),
        unusual=unusual,
    )


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


def load_page(scores: pd.DataFrame, before: str) -> str:
    """Errors of the law that knows load on what was left out, as a Markdown page.

    Parameters
    ----------
    scores : DataFrame
        Table of schema ``load_scores``.
    before : str
        Law that stands beside it.
    """
    rows = scores.set_index(["left_out", "law", "source", "class"])

    def of(left_out: str, law: str, source: str = "all", kind: str = "all") -> dict[str, Any]:
        found = rows.loc[[(left_out, law, source, kind)]]
        values = dict(zip(found["statistic"], found["value"], strict=True))
        return {"left_out": left_out, "law": law, "source": source, "class": kind} | {
            "n": found["n"].iloc[0],
            **values,
        }

    known = list(dict.fromkeys(rows.index))
    overall = [of(split, "at-load") for split in SPLITS]
    classes = [of(*key) for key in known if key[1:3] == ("at-load", "all") and key[3] in CLASSES]
    return render(
        "laws/load.md.jinja",
        before=before,
        after="at-load",
        overall=overall,
        aims=[
            _aim(of(split, "at-load", *which), most)
            for split, rows_of, most in AIMS
            for which in rows_of
            if (split, "at-load", *which) in rows.index
        ],
        covered=COVERED,
        not_covered=[
            line
            for line in overall + classes
            if not COVERED[0] <= line["coverage_90"] <= COVERED[1]
        ],
        classes=classes,
        sources=[
            of(*key)
            for key in known
            if key[1] == "at-load"
            and key[2:] != ("all", "all")
            and key[2] != "all"
            and key[3] == "all"
        ],
        unseen=[
            of("source", "at-load", *key[2:]) | {"before": of(*key)}
            for key in known
            if key[1] == before and ("source", "at-load", *key[2:]) in rows.index
        ],
        scaled=[of(split, law) for split in SCALED for law in SCALES],
        groups=f"{SPREAD_GROUPS:g}",
    )


def _aim(line: dict[str, Any], most: dict[str, float]) -> dict[str, Any]:
    """A line of the scores with the most that its errors are aimed to be, and whether they are."""
    found = {name: line[name] for name in most}
    reached = all(found[name] <= most[name] for name in most)
    return line | {"most": most, "found": found, "reached": reached}


def predicted_page(
    predictions: pd.DataFrame, path: str, unusual: Sequence[str] = (), left_out: Sequence[str] = ()
) -> str:
    """How the law fitted to the committed tables predicts a user's table, as a Markdown page.

    Parameters
    ----------
    predictions : DataFrame
        Columns of schema ``load_predictions``, and ``sigma``.
    path : str
        The user's table.
    unusual : sequence of str
        Warnings about its rows.
    left_out : sequence of str
        Which of its rows are not predicted, and why.
    """
    named = predictions["beyond"].str.split("; ").explode()
    groups = {"all": predictions}
    engine = predictions["engine"].map(engine_name, na_action="ignore")
    for column, names in (("class", "class"), ("engine", engine), ("model", "model")):
        groups |= {f"{column} {name}": own for name, own in predictions.groupby(names)}
    return render(
        "laws/load_predicted.md.jinja",
        path=path,
        committed=int(predictions["committed"].eq("yes").sum()),
        counted_once=int(counted_once(predictions).sum()),
        over_nodes=int(over_nodes(predictions).sum()),
        extrapolated=int(predictions["beyond"].ne("").sum()),
        beyond=named[named.ne("")].value_counts().to_dict(),
        unusual=unusual,
        left_out=left_out,
        groups=[
            {"name": name, "n": len(own)}
            | {
                key: value
                for key, value, _ in statistics(own["measured"], own["predicted"], own["sigma"])
            }
            for name, own in groups.items()
        ],
    )
