"""What a stress test publishes: its tables, figures and report, from the cells run so far."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from inference_energy.drawing import save
from inference_energy.errors import InputError
from inference_energy.meters.common import LEAST
from inference_energy.power.measured import USUAL_DRAWN, USUAL_DRAWN_OF_NODE
from inference_energy.readers.consistency import ABOVE_TDP, BELOW_TDP
from inference_energy.reports import to_html, told
from inference_energy.stress import tables
from inference_energy.stress.benchmark import benchmark_table
from inference_energy.stress.collect import collect
from inference_energy.stress.figures import draw
from inference_energy.stress.forecast import LAW, Forecast
from inference_energy.stress.freshness import check_averaging
from inference_energy.stress.impact import (
    boundaries,
    impact_table,
    parts_table,
    predicted_ratios,
    predicted_table,
)
from inference_energy.stress.lateness import Lateness, lateness
from inference_energy.stress.page import report
from inference_energy.stress.plan import LEAST_REPETITIONS, Finding, Measured
from inference_energy.stress.power import (
    SETTLING,
    check_idle,
    check_use,
    idle_power,
    total_energy,
)
from inference_energy.stress.power_sources import NAMES, PowerSource
from inference_energy.stress.records import client_version
from inference_energy.stress.timeline import timeline_table
from inference_energy.tables import guarded, load_schema, read_table, write_table, write_text
from inference_energy.units import mean_power

if TYPE_CHECKING:
    from inference_energy.stress.runner import StressTest

GONE = "no answer"
"""Kind of the finding on a source that may answer, or be mended, later."""

CELL = ("cell", "output_tokens", "concurrency", "repetition")
GPU = re.compile(r"(.* |)gpu \S+")
"""Name of a GPU, behind that of its host or log where there are several."""

OfCell = tuple[str, str, str, str]
"""A finding, with its cell before it, or ``all``."""

SLOW = ("stale", "averaged")
"""Kinds of findings on a meter that shows the load of a cell after its end: no power at rest."""

MEASURED = ("energy_j", "power_w", "energy_wh", "energy_above_idle_wh")
"""Columns of a cell's power that come from its energy."""


def publish(test: "StressTest") -> pd.DataFrame:
    """Write all tables, the figures and the report of a test from the cells run so far.

    Returns
    -------
    DataFrame
        Table stress_findings.
    """
    settings, folder = test.settings, test.folder
    findings = [("all", *remark) for remark in test.remarks]
    findings += [(name, *f) for name, cell in test.measured.items() for f in cell["findings"]]
    findings += [("all", *finding) for finding in _check_settings(settings, test.power_sources)]
    rows, seen = [], {}
    busy = pd.concat([*test.pilots, *(cell["requests"] for cell in test.measured.values())])
    for scope in NAMES:
        power_sources = [source for source in test.power_sources if source.scope == scope]
        if power_sources and any(len(cell["requests"]) for cell in test.measured.values()):
            found, more, samples = scope_power(test, scope, power_sources)
            if samples is not None:
                seen[scope] = samples
            rows += found
            findings += more
    findings += refuse_less_than_parts(rows)
    cells = pd.DataFrame([cell["row"] for cell in test.measured.values()])
    cells = cells.reindex(columns=list(load_schema("stress_cells")["properties"]))
    power = pd.DataFrame(rows, columns=list(load_schema("stress_power")["properties"]))
    columns = ["cell", "kind", "refuses", "message"]
    notes = pd.DataFrame(findings, columns=columns).drop_duplicates(ignore_index=True)
    notes["refuses"] = notes["refuses"].replace("", None)
    measured = {
        "cells": cells,
        "power": power,
        "findings": notes,
        "timeline": timeline_table(seen, busy),
    }
    for name, frame in measured.items():
        write_table(frame, folder / f"{name}.csv", f"stress_{name}")
    if (cells["status"] == "measured").any():
        benchmark = benchmark_table(cells, power, notes, settings, folder)
        write_rows(benchmark, folder / "benchmark.csv")
    known = {
        "power_sources": [source.named for source in test.power_sources],
        "reason": test.forecast.reason,
        "versions": _versions(folder, cells),
    }
    tell(settings, measured, test.published, test.forecast, test.predictions, known, folder)
    return notes


def tell(
    settings: Mapping[str, Any],
    measured: Mapping[str, pd.DataFrame],
    published: float,
    forecast: Forecast,
    predictions: Mapping[str, Mapping[float, float]],
    known: Mapping[str, Any],
    folder: Path,
    kinds: Sequence[str] = ("svg",),
) -> None:
    """Write what measured tables tell: the other tables, the figures and the report.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml, with ``lengths`` and ``planned``, the number of cells.
    measured : dict of str to DataFrame
        Tables cells, power, findings and timeline, each of schema ``stress_`` and its name.
    published : float
        The paper's ratio of the longest query to the shortest [1].
    forecast : Forecast
        What the laws predict.
    predictions : dict of str to dict
        Energies per query by output tokens that the settings state, by name [Wh].
    known : dict
        As for ``page.report``.
    folder : Path
        Where to write.
    kinds : sequence of str
        Of files of each figure, svg among them.
    """
    level = settings["confidence"]
    power = measured["power"]
    energy = tables.energy_table(power, level)
    first = next(iter(predictions.values()), None)
    ratios = tables.ratio_table(power, published, first, level)
    means = boundaries(energy, power, forecast)
    predicted = predicted_table(means, predictions, forecast)
    forecasts = predicted_ratios(predicted, ratios)
    if first is None:
        ratios = _with_law(ratios, forecasts)
    derived = {
        "energy": energy,
        "ratio": ratios,
        "impact": impact_table(means, settings["factors"]),
        "parts": parts_table(power, forecast, level),
        "predicted": predicted,
    }
    for name, frame in derived.items():
        path, schema = folder / f"{name}.csv", f"stress_{name}"
        write_table(frame, path, schema)
        # report and figures show what the tables say, with their digits
        derived[name] = read_table(path, schema) if len(frame) else frame
    named = {**measured, **derived, "forecasts": predicted_ratios(derived["predicted"], ratios)}
    _write_report(settings, named, known, folder, kinds)


def _versions(folder: Path, cells: pd.DataFrame) -> list[str]:
    """Versions of AIPerf that the summaries of the measured cells state."""
    used = cells.loc[cells["status"] == "measured", "cell"]
    return sorted({said for name in used if (said := client_version(folder / name))})


def _with_law(ratios: pd.DataFrame, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Table of ratios with the law's beside the measured ones."""
    law = forecasts[forecasts["prediction"] == LAW].set_index(["scope", "concurrency"])["ratio"]
    places = pd.MultiIndex.from_frame(ratios[["scope", "concurrency"]])
    return ratios.assign(predicted=law.reindex(places).to_numpy(float))


def _write_report(
    settings: Mapping[str, Any],
    named: Mapping[str, pd.DataFrame],
    known: Mapping[str, Any],
    folder: Path,
    kinds: Sequence[str],
) -> None:
    """Write the figures and the report, in Markdown and as one page."""
    images = {}
    for name, figure in draw(named).items():
        for kind in kinds:
            save(figure, folder / f"{name}.{kind}")
        images[name] = (folder / f"{name}.svg").read_bytes()
    text = told(report(settings, named, known), folder)
    write_text(folder / "report.md", text)
    write_text(folder / "report.html", to_html(f"Stress test of {settings['model']}", text, images))


def _check_settings(
    settings: Mapping[str, Any], power_sources: Sequence[PowerSource]
) -> list[Finding]:
    """Findings on what the settings leave open."""
    findings = []
    told = settings["gpus"] or settings["facts"].get("n_gpus")
    if told is None and any(source.scope == "gpu" for source in power_sources):
        message = "gpus is not given: all GPUs seen are charged, a missing one goes unnoticed"
        findings.append(Finding("gpus", "", message))
    if settings["repetitions"] < LEAST_REPETITIONS:
        message = (
            f"{settings['repetitions']} repetitions: no intervals; {LEAST_REPETITIONS} are needed"
        )
        findings.append(Finding("repetitions", "", message))
    return findings


def scope_power(
    test: "StressTest", scope: str, power_sources: Sequence[PowerSource]
) -> tuple[list[dict[str, Any]], list[OfCell], pd.DataFrame | None]:
    """Rows of the power table of one scope, findings with their cells, and all samples.

    Parameters
    ----------
    test : StressTest
        With its measured cells.
    scope : str
        gpu, cpu or node.
    power_sources : list of PowerSource
        That measure it.
    """
    cells = {name: cell for name, cell in test.measured.items() if len(cell["requests"])}
    settings = test.settings
    try:
        samples, averaging, found = collect(
            power_sources, cells, test.folder, settings, test.pilots, test.pilot_samples
        )
    except InputError as error:
        # what is on a network may be gone for a while, and a log can be mended after the test
        again = "ask" if power_sources[0].kind == "prometheus" else "read"
        told = (f"{problem}; start again to {again} it" for problem in error.problems)
        return [], [("all", *Finding(GONE, "energy", message)) for message in told], None
    findings = [("all", *finding) for finding in found]
    if samples is None:
        return [], findings, None
    gpus = settings["gpus"] or _counted(settings, samples["meter"])
    expected = _numbered(gpus, samples["meter"]) if isinstance(gpus, list) else gpus
    expected = expected if scope == "gpu" else None
    if isinstance(expected, list):
        # others are neither charged nor shown; with none of them it is said which are missing
        own = samples[samples["meter"].isin(expected)]
        samples = own if len(own) else samples
    busy = pd.concat([*test.pilots, *(cell["requests"] for cell in cells.values())])
    idle = idle_power(samples, busy["start_s"], busy["end_s"])
    late = lateness(samples, busy["start_s"].to_numpy(float), busy["end_s"].to_numpy(float))
    rows = []
    for name, cell in cells.items():
        window = cell["window"]
        if window is None or cell["row"]["status"] != "measured":
            continue
        row, found = _cell_power(cell, window, samples, expected, averaging, late, idle)
        slow = any(finding.kind in SLOW for finding in found)
        if not slow:
            found += check_rest(cell, window, samples, busy, scope)
        findings += [(name, *finding) for finding in found]
        rows.append(row | {"scope": scope, "source": ", ".join(s.named for s in power_sources)})
        rows[-1] |= {"idle_w": np.nan if slow else idle, "energy_above_idle_wh": np.nan}
        if row["energy_j"] > 0 and idle < row["power_w"]:
            share = 1 - idle / row["power_w"]
            rows[-1]["energy_above_idle_wh"] = row["energy_wh"] * share
    if scope == "gpu":
        charged = len(expected) if isinstance(expected, list) else samples["meter"].nunique()
        gpu, rated = settings["facts"].get("gpu"), test.forecast.tdp_w
        findings += refuse_above_tdp(rows, charged, gpu, rated)
        findings += tell_low_power(rows, charged, rated, USUAL_DRAWN)
    if scope == "node":
        gpus, rated = _stated_gpus(settings), test.forecast.tdp_w
        findings += refuse_kilowatts(rows, gpus, rated)
        findings += tell_low_power(rows, gpus, rated, USUAL_DRAWN_OF_NODE)
    return rows, findings, samples


def _counted(settings: Mapping[str, Any], meters: Iterable[str]) -> int | None:
    """GPUs that the facts say there are, where each has a meter; None where one may be of all."""
    number = settings["facts"].get("n_gpus")
    return number if all(GPU.fullmatch(meter) for meter in set(meters)) else None


def _numbered(numbers: Sequence[int], meters: Iterable[str]) -> list[str]:
    """Names of GPUs by their numbers, on each host or in each log that has any."""
    places = {found[1] for meter in meters if (found := GPU.fullmatch(meter))}
    return [f"{place}gpu {number}" for place in sorted(places or {""}) for number in numbers]


def _taken_away(row: dict[str, Any], kind: str, message: str) -> OfCell:
    """Take away the energy of a row, whose power cannot be; the finding that says so."""
    row.update(dict.fromkeys(MEASURED, np.nan))
    return (row["cell"], *Finding(kind, "energy", message))


def refuse_above_tdp(
    rows: list[dict[str, Any]], gpus: int, gpu: str | None, tdp: float
) -> list[OfCell]:
    """Take away energies of GPUs that would draw more than they can; findings on them.

    Parameters
    ----------
    rows : list of dict
        GPUs' of the table stress_power; those of such GPUs are changed.
    gpus : int
        How many are charged.
    gpu, tdp : str, float
        Which they are, and what one is rated at [W]; NaN where that is not known.
    """
    findings = []
    for row in rows:
        if not row["power_w"] > ABOVE_TDP * tdp * gpus:
            continue
        message = (
            f"{row['source']}: {row['power_w'] / gpus:.4g} W for each of {gpus} GPUs is more than "
            f"a {gpu} draws (TDP {tdp:.4g} W): correct the unit, or facts (gpu), or look whether "
            "one meter sees several GPUs"
        )
        findings.append(_taken_away(row, "above TDP", message))
    return findings


def _stated_gpus(settings: Mapping[str, Any]) -> int:
    """How many GPUs the settings say that a node has at least; 0 where they do not."""
    gpus = settings["gpus"]
    gpus = len(gpus) if isinstance(gpus, list) else gpus or 0
    return max(gpus, settings["facts"].get("n_gpus", 0))


def refuse_kilowatts(rows: list[dict[str, Any]], gpus: int, tdp: float) -> list[OfCell]:
    """Take away energies of a node that draws less than its GPUs do whatever they do.

    Parameters
    ----------
    rows : list of dict
        A node's of the table stress_power; those of such a node are changed.
    gpus : int
        How many it has; 0 where that is not known.
    tdp : float
        What one is rated at [W]; NaN where that is not known.
    """
    least = gpus * (LEAST["gpu"] if np.isnan(tdp) else BELOW_TDP * tdp)
    findings = []
    for row in rows:
        if not row["power_w"] < least:
            continue
        message = (
            f"{row['source']}: {row['power_w']:.4g} W is less than the {least:.4g} W that its "
            f"{gpus} GPUs take at least: it looks like kilowatts; correct the unit, or how many "
            "GPUs there are (gpus, facts)"
        )
        findings.append(_taken_away(row, "units", message))
    return findings


def tell_low_power(
    rows: Iterable[Mapping[str, Any]], gpus: int, tdp: float, usual: float
) -> list[OfCell]:
    """Tell cells in which GPUs, or the node of so many, draw less than any were measured at work.

    Parameters
    ----------
    rows : list of dict
        Of the table stress_power.
    gpus : int
        How many there are; 0 where that is not known.
    tdp : float
        What one is rated at [W]; NaN where that is not known.
    usual : float
        Power over the rated power of all that is usual at least. [1]
    """
    rated = gpus * tdp
    return [
        (
            row["cell"],
            *Finding(
                "low power",
                "",
                f"{row['source']}: {row['power_w']:.4g} W is {row['power_w'] / rated:.3g} times the"
                f" rated power of {gpus} GPUs ({tdp:.4g} W each); usual at work is at least"
                f" {usual:g}: compare its unit, which GPUs it sees, and its clock with the"
                " client's",
            ),
        )
        for row in rows
        if row["power_w"] < usual * rated
    ]


def refuse_less_than_parts(rows: list[dict[str, Any]]) -> list[OfCell]:
    """Take away a node's energy that is less than that of its own GPUs and CPUs; findings on it.

    Parameters
    ----------
    rows : list of dict
        Of the table stress_power; those of such a node are changed.
    """
    findings: list[OfCell] = []
    parts: dict[str, float] = {}
    for row in rows:
        if row["scope"] != "node":
            parts[row["cell"]] = parts.get(row["cell"], 0.0) + np.nan_to_num(row["power_w"])
    for row in rows:
        within = parts.get(row["cell"], 0.0)
        if row["scope"] != "node" or not row["power_w"] < within:
            continue
        message = (
            f"{row['source']}: {row['power_w']:.4g} W is less than the {within:.4g} W of the "
            "node's own GPUs and CPUs: it is another node's, or one of several supplies or outlets;"
            " give the log of all, with the column meter or a file each"
        )
        findings.append(_taken_away(row, "less than its parts", message))
    return findings


def _cell_power(
    cell: Measured,
    window: tuple[float, float],
    samples: pd.DataFrame,
    expected: list[str] | int | None,
    averaging: float,
    late: Mapping[str, Lateness],
    idle: float,
) -> tuple[dict[str, Any], list[Finding]]:
    """Energy, power and load of one cell over its window, and findings."""
    start, end = window
    row = cell["row"]
    energy, found = total_energy(samples, start, end, expected, late=late)
    found += check_averaging("the meter", averaging, end - start)
    found += check_use(samples, window, idle, mean_power(energy, end - start))
    if any(finding.refuses for finding in found):
        energy = np.nan
    inside = samples[samples["time_s"].between(start, end)]
    return {key: row[key] for key in CELL} | {
        "energy_j": energy,
        "power_w": mean_power(energy, end - start),
        "utilisation": inside["utilisation"].mean(),
        "memory_gb": inside.groupby("meter")["memory_gb"].mean().sum(min_count=1),
        "clock_mhz": inside["clock_mhz"].mean(),
        "energy_wh": tables.energy_per_query(energy, row["window_tokens"], row["delivered_tokens"]),
    }, found


def check_rest(
    cell: Measured,
    window: tuple[float, float],
    samples: pd.DataFrame,
    busy: pd.DataFrame,
    scope: str,
) -> list[Finding]:
    """Findings on the meters of a scope between the requests before a cell and its own.

    Parameters
    ----------
    cell : dict
        Of which ``begun`` is used.
    window : (float, float)
        Its steady window [s].
    samples, busy : DataFrame
        Samples of the meters, and all requests of the test; :data:`SETTLING` after a request
        meters still tell of it.
    scope : str
        gpu, cpu or node.
    """
    before = busy["end_s"][busy["end_s"] < cell["begun"]].max()
    before = before + SETTLING if np.isfinite(before) else -np.inf
    rested = samples[(samples["time_s"] > before) & (samples["time_s"] <= window[1])]
    return check_idle(rested, cell["begun"], window, scope)


def write_rows(frame: pd.DataFrame, path: Path) -> None:
    """Write benchmark rows, of which facts may be missing that a deployment states."""
    frame = frame.map(guarded)
    write_text(path, frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
