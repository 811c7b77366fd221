"""The project's own stress tests, told from their committed tables as a test tells its own."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.agreement import unusual
from inference_energy.errors import InputError
from inference_energy.method.datasheets import Bound, against, unnamed
from inference_energy.method.plausible import Hardware, rows_held_against
from inference_energy.peers.rows import own_rows
from inference_energy.peers.score import QUANTITIES
from inference_energy.power.measured import LEAST_DRAWN, RATED, USUAL_DRAWN
from inference_energy.stress.forecast import LAW, Forecast
from inference_energy.stress.plan import LEAST_REPETITIONS
from inference_energy.stress.results import tell
from inference_energy.stress.tables import energy_per_query
from inference_energy.tables import load_schema
from inference_energy.templates import render

FACTS = ("gpu", "n_gpus", "tensor_parallel", "precision", "engine")
METER = "NVML"
TEMPLATE = "stress/own_node.md.jinja"
NODE, GPUS = "node", "gpu"

DRAWN = Bound(
    (LEAST_DRAWN, RATED),
    (USUAL_DRAWN, RATED),
    "a GPU holds itself to its rated power, and one that serves draws more than one without work",
)
"""Power of a cell over the rated power of its GPUs. [1]"""
IDLE = Bound(
    (0.03, 0.5),
    (0.06, 0.3),
    "a GPU that holds a model and does not work draws a tenth to a fifth of its rated power",
)
"""Power without a request over the rated power of the GPUs. Of the project's cells 0.17. [1]"""

PILOT = "pilot-"
"""Before the name of a cell that is a test's pilot: one wave of its longest queries."""

CUT_SHORT = "Time was over after the pilot, which stands for the cells: the findings say what it is"


def settings_of(cells: pd.DataFrame, conditions: str = "") -> dict[str, Any]:
    """Settings of a test, as the report and the laws need them.

    Parameters
    ----------
    cells : DataFrame
        Rows of schema ``own_node`` of one test.
    conditions : str
        What else the report states of it.
    """
    row = cells.iloc[0]
    pilots = cells["cell"].str.startswith(PILOT).all()
    endpoint = f"on one machine with the client, {row['engine']} {row['engine_version']}"
    return {
        "endpoint": endpoint,
        "model": row["model"],
        "name": row["test"],
        "facts": {name: row[name] for name in FACTS}
        | {name: int(row[name]) for name in ("n_gpus", "tensor_parallel")},
        "input_tokens": round(float(row["input_tokens"])),
        "lengths": sorted(map(int, set(cells["output_tokens"]))),
        "concurrency": sorted(map(int, set(cells["concurrency"]))),
        "repetitions": int(cells["repetition"].max()),
        "planned": len(cells),
        "cut_short": CUT_SHORT if pilots else "",
        "conditions": conditions,
        "confidence": 0.95,
        "factors": {},
    }


def held(cells: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame, where: str) -> list[str]:
    """Hold cells against what their GPUs draw and compute.

    Parameters
    ----------
    cells : DataFrame
        Schema ``own_node``.
    models, gpus : DataFrame
        Tables of those schemas.
    where : str
        The table of cells, for messages.

    Returns
    -------
    list of str
        What is possible but unusual, a sentence each.

    Raises
    ------
    InputError
        All that cannot be.
    """
    found = [*_powers(cells, gpus, where), *_unusual(cells, where)]
    rows = own_rows(cells, models).assign(nodes=1, pipeline_parallel=1)
    found += rows_held_against(rows, Hardware(models, gpus), where)
    if problems := [sentence for is_problem, sentence in found if is_problem]:
        raise InputError(problems)
    return [sentence for _, sentence in found]


def _powers(cells: pd.DataFrame, gpus: pd.DataFrame, where: str) -> Iterator[tuple[bool, str]]:
    """Powers of cells against the rated power [W] of their GPUs."""
    rated = dict(zip(gpus["gpu"], gpus["tdp_w"].astype(float), strict=True))
    for row in cells.to_dict("records"):
        place = f"{where}: test {row['test']}, cell {row['cell']}"
        if row["gpu"] not in rated:
            yield True, unnamed(place, row["gpu"], rated)
            continue
        count, each = int(row["n_gpus"]), rated[row["gpu"]]
        for column, bound in (("power_w", DRAWN), ("idle_power_w", IDLE)):
            share = row[column] / (count * each)
            told = (
                f"{share:.3g} times that of {count} x {each:g} W (n_gpus, and tdp_w of"
                f" {row['gpu']} in data/gpus.csv)"
            )
            yield from against(
                bound, share, f'{place}: column "{column}": value {row[column]:g}', told
            )


def _unusual(cells: pd.DataFrame, where: str) -> Iterator[tuple[bool, str]]:
    """What the schema calls unusual of the cells."""
    for columns, places, sentences in unusual(cells, load_schema("own_node")):
        for place, sentence in zip(places, sentences, strict=True):
            row = cells.iloc[place]
            yield False, f"{where}: test {row['test']}, cell {row['cell']}: {columns}: {sentence}"


def measured_tables(cells: pd.DataFrame, timeline: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of a stress test from the committed ones.

    Parameters
    ----------
    cells, timeline : DataFrame
        Rows of schemas ``own_node`` and ``own_node_timeline`` of one test.

    Returns
    -------
    dict of str to DataFrame
        cells, power, findings and timeline, each of schema ``stress_`` and its name.
    """
    told = cells.assign(status="measured", scope=GPUS, source=METER, idle_w=cells["idle_power_w"])
    queries = [told["energy_j"], told["window_tokens"], told["delivered_tokens"]]
    told["energy_wh"] = [energy_per_query(*of) for of in zip(*queries, strict=True)]
    told["energy_above_idle_wh"] = told["energy_wh"] * (1 - told["idle_w"] / told["power_w"])
    remarks = [
        {"cell": name, "kind": remark.partition(": ")[0], "message": remark.partition(": ")[2]}
        for name, remark in zip(told["cell"], told["remark"], strict=True)
        if isinstance(remark, str)
    ]
    if told["repetition"].max() < LEAST_REPETITIONS:
        message = f"{told['repetition'].max()} repetitions: no intervals; {LEAST_REPETITIONS} are"
        remarks.insert(0, {"cell": "all", "kind": "repetitions", "message": f"{message} needed"})
    findings = pd.DataFrame(remarks, columns=["cell", "kind", "refuses", "message"])
    return {
        "cells": told[list(load_schema("stress_cells")["properties"])],
        "power": told[list(load_schema("stress_power")["properties"])],
        "findings": findings.astype({"refuses": object}).replace({np.nan: None}),
        "timeline": timeline[list(load_schema("stress_timeline")["properties"])],
    }


def tell_test(
    cells: pd.DataFrame,
    timeline: pd.DataFrame,
    sources: pd.DataFrame,
    published: float,
    forecast: Forecast,
    folder: Path,
) -> None:
    """Write the tables, figures and report of a test of the project's own.

    Parameters
    ----------
    cells, timeline : DataFrame
        As for :func:`measured_tables`.
    sources : DataFrame
        Schema ``sources``: the note on the test's own is what the report states of it.
    published, forecast, folder
        As for ``results.tell``.
    """
    known = {
        "power_sources": [METER],
        "reason": forecast.reason,
        "versions": sorted(set(cells["client_version"])),
    }
    measured = measured_tables(cells, timeline)
    notes = sources.set_index("source_id")["note"]
    settings = settings_of(cells, notes[cells["source_id"].iloc[0]])
    tell(settings, measured, published, forecast, {}, known, folder, ("svg", "png"))


def page(
    cells: pd.DataFrame,
    told: Mapping[str, Mapping[str, pd.DataFrame]],
    others: pd.DataFrame,
    sources: pd.DataFrame,
    folder: str,
    unusual: Sequence[str] = (),
) -> str:
    """Write the page of the project's own measurements, in Markdown.

    Parameters
    ----------
    cells : DataFrame
        Schema ``own_node``.
    told : dict of str to dict
        Tables predicted, ratio and power of each test, as :func:`tell_test` writes them.
    others : DataFrame
        From ``peers.own_node.beside``.
    sources : DataFrame
        Schema ``sources``.
    folder : str
        Of the reports, as the page names it.
    unusual : sequence of str
        What is unusual of the cells, a sentence each.
    """
    slowest = cells.nsmallest(1, "clock_mhz").iloc[0]
    away = cells["log_energy_j"] / cells["energy_j"] - 1
    farthest = cells.assign(away=away.abs()).nlargest(1, "away").iloc[0]
    ratios = pd.concat([tables["ratio"] for tables in told.values()], ignore_index=True)
    notes = sources.set_index("source_id").loc[sorted(set(cells["source_id"]))]
    return render(
        TEMPLATE,
        folder=folder,
        sources=notes.reset_index().to_dict("records"),
        tests=list(_tests(cells, told)),
        errors=_errors(table["predicted"] for table in told.values()),
        others=_others(pd.concat([_of_law(told.values()), others], ignore_index=True)),
        law_below=int((ratios["predicted"] < ratios["measured"]).sum()),
        ratios=len(ratios),
        meters=away.agg(["min", "max"]).to_dict(),
        farthest=farthest.to_dict(),
        pilots=cells[cells["cell"].str.startswith(PILOT)].to_dict("records"),
        capped=slowest.to_dict(),
        idlest=cells.nsmallest(1, "utilisation").iloc[0].to_dict(),
        repeated=list(_repeated(cells)),
        fastest=cells["clock_mhz"].max(),
        unusual=unusual,
    )


def _tests(
    cells: pd.DataFrame, told: Mapping[str, Mapping[str, pd.DataFrame]]
) -> Iterable[dict[str, Any]]:
    """Each test with its lines: what was measured, and what was predicted of it."""
    for name, own in cells.groupby("test", sort=True):
        predicted = told[str(name)]["predicted"]
        beside = {
            (line.scope, line.concurrency, line.output_tokens, line.prediction): line
            for line in predicted.itertuples()
        }
        lines = []
        for cell in own.to_dict("records"):
            place = (cell["concurrency"], cell["output_tokens"])
            law, revised = beside[GPUS, *place, LAW], beside.get((NODE, *place, "revised"))
            energy = (cell["energy_j"], cell["window_tokens"], cell["delivered_tokens"])
            lines.append(
                cell
                | {"energy_wh": energy_per_query(*energy), "law": law, "revised": revised}
                | {"node_wh": revised.measured if revised else np.nan}
            )
        yield {
            "name": name,
            "first": lines[0],
            "lines": lines,
            "ratios": list(_ratios(told[str(name)]["ratio"], own)),
        }


def _repeated(cells: pd.DataFrame) -> Iterable[dict[Hashable, Any]]:
    """What more than one test measured, by day: how far a result is repeated."""
    keys = ["model", "precision", "gpu", "concurrency", "output_tokens"]
    queries = [cells["energy_j"], cells["window_tokens"], cells["delivered_tokens"]]
    told = cells.assign(energy_wh=[energy_per_query(*of) for of in zip(*queries, strict=True)])
    for _, group in told.groupby(keys, sort=True):
        if len(set(group["test"])) > 1:
            group = group.sort_values("window_start")
            energies = zip(group["energy_wh"], group["window_start"], strict=True)
            yield group.iloc[0].to_dict() | {
                "days": ", ".join(f"{energy:.3g} ({start[:10]})" for energy, start in energies),
                "quotient": group["energy_wh"].max() / group["energy_wh"].min(),
            }


def _of_law(told: Iterable[Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Energies by the law with load, in the form of those of other estimators."""
    every = pd.concat([tables["predicted"] for tables in told], ignore_index=True)
    own = every[(every["prediction"] == LAW) & (every["scope"] == GPUS)]
    own = own.dropna(subset=["measured"])[["prediction", "measured", "predicted"]]
    return own.assign(quantity=QUANTITIES["energy_per_token_j"])


def _others(others: pd.DataFrame) -> dict[Hashable, list[dict[str, Any]]]:
    """How far other estimators are off, by quantity, the nearest first."""
    found: dict[Hashable, list[dict[str, Any]]] = {}
    for quantity, own in others.groupby("quantity", sort=True):
        lines = []
        for name, group in own.groupby("prediction"):
            quotients = group["measured"] / group["predicted"]
            lines.append({"prediction": name} | _spread(quotients))
        found[quantity] = sorted(lines, key=lambda line: line["median"])
    return found


def _spread(quotients: pd.Series) -> dict[str, Any]:
    """Number, ends and median factor of measured over predicted."""
    return {
        "n": len(quotients),
        "low": quotients.min(),
        "high": quotients.max(),
        "median": np.exp(np.log(quotients).abs().median()),
    }


def _ratios(ratios: pd.DataFrame, cells: pd.DataFrame) -> Iterable[dict[Hashable, Any]]:
    """Ratios of a test, with those of an output token: its energy, power and time."""
    places = ["concurrency", "output_tokens"]
    at = cells.groupby(places)[["power_w", "throughput_tps"]].mean().to_dict("index")
    for line in ratios.to_dict("records"):
        short, long = (at[line["concurrency"], line[end]] for end in ("shortest", "longest"))
        yield line | {
            "token": line["measured"] * line["shortest"] / line["longest"],
            "power": long["power_w"] / short["power_w"],
            "time": short["throughput_tps"] / long["throughput_tps"],
        }


def _errors(predicted: Iterable[pd.DataFrame]) -> list[dict[str, Any]]:
    """How far each prediction is off over all cells, and how often its interval holds them."""
    # every length is predicted at every load, also where no cell was run
    every = pd.concat(predicted, ignore_index=True).dropna(subset=["measured"])
    every = every[(every["prediction"] == LAW) == (every["scope"] == GPUS)]
    rows = []
    for name, group in every.groupby("prediction", sort=True):
        inside = group["measured"].between(group["low"], group["high"])
        rows.append(
            _spread(group["quotient"])
            | {
                "prediction": name,
                "of": "GPU, measured" if name == LAW else "node, computed",
                "widths": (group["high"] / group["low"]).agg(["min", "max"]).to_dict(),
                "inside": int(inside.sum()),
            }
        )
    return rows
