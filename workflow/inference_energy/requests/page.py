"""The page of a log: its answer in sentences and short tables, from a template."""

from collections.abc import Collection, Mapping, Sequence
from math import inf
from typing import Any

import pandas as pd

from inference_energy.laws.hardware import FASTEST
from inference_energy.requests.counts import (
    FASTER,
    FASTER_SERVED,
    HOLDS_INPUT,
    LEAST_RATE,
    MOST_RATE,
    OVER_SERVED,
    RUNNING_TOTAL,
    SAME,
    USUAL_RATE,
)
from inference_energy.requests.duplicates import ROUNDED, SHARED
from inference_energy.requests.energies import BLEND
from inference_energy.requests.formats import COLUMNS, HIDDEN
from inference_energy.requests.retold import HOPS, STATES
from inference_energy.requests.usable import all_rows, is_much, lost, rows_of, untimed
from inference_energy.templates import render
from inference_energy.units import SECONDS_PER_HOUR

LARGEST_SHOWN = 10
GROUPS_SHOWN = 24
FILES_SHOWN = 10
MODELS_SHOWN = 5

MOST = 0.5
"""Rows whose times cannot be, over those that have any, above which all may be in another unit."""

LEAST_ALIKE = 0.001
"""Share of rows that are the same as another, above which the page begins with them [1]: of a
thousand requests a second as many start in the same millisecond, and one pair in some thousands has
the same lengths by chance."""

COLUMNS_TOLD = {"finish": "end", "elsewhere": "answered elsewhere"}
"""What columns of a requests view are called, where not by their names."""

NAMED = {"by_model": "model", "by_tenant": "tenant"}
"""Tables whose rows have names, and the column of these."""

ASKED_FOR = ("start", "finish", "model", "tenant", "cached")
"""Columns of a requests view without which the answer lacks a table, or is another."""


def page(
    title: str,
    tables: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    settings: Mapping[str, Any],
    load: Mapping[str, Any],
    left_out: Sequence[str] = (),
    power_measured: bool = False,
    rows_of_many: bool = False,
    knows_load: bool = False,
    zone_hours: float = 0.0,
    read_by: tuple[str, Collection[str]] = ("", ()),
    unusual: Sequence[str] = (),
    fastest: float = inf,
    free: int = 0,
) -> str:
    """Write the page.

    Parameters
    ----------
    title : str
        The log and what it is charged by.
    tables : dict of str to DataFrame
        As from ``answers``, by name.
    table : DataFrame
        As from ``energies``.
    settings : dict
        config/requests.yaml.
    load : dict
        ``load`` and ``copies``, as from ``files.load``.
    left_out : sequence of str
        Names of files that were not read, as they are hidden.
    power_measured : bool
        Whether the power of the node was measured or stated at one load, and is the same at any.
    rows_of_many : bool
        Whether a row of the log can stand for many requests.
    knows_load : bool
        Whether a law that charges the log knows the load.
    zone_hours : float
        As from ``usable.zone_hours``. [h]
    read_by : tuple
        Name of the log's format, empty of a day that is drawn, and the columns of a requests view
        that it gives.
    unusual : sequence of str
        What is unusual of the deployment, a sentence each.
    fastest : float
        What the GPUs of the deployment give one request at most. [tokens/s]
    free : int
        As from ``answers.free``.

    Returns
    -------
    str
        Markdown.
    """
    whole = tables["by_model"].iloc[0]
    parts = tables["parts"].set_index(["model", "part"])["energy_wh_p50"]
    energy = table["weight"] * table["energy"]
    optional = dict.fromkeys(("by_hour", "by_tenant", "load"))
    shown = optional | {name: frame.to_dict("records") for name, frame in tables.items()}
    named = {of: name for of, name in NAMED.items() if of in tables}
    hidden = sum(int(tables[of][name].str.startswith(HIDDEN).sum()) for of, name in named.items())
    kinds = tables["kinds"].set_index("kind")["rows"]
    blended = tables["by_model"][tables["by_model"]["charged_as"] == BLEND]
    form, stated = read_by
    counted = rows_of(kinds.rename("rows").reset_index())
    is_load_asked = knows_load and load["load"] == "measured"
    (lost_rows, lost_kinds), (untimed_rows, untimed_kinds) = (
        lost(counted),
        untimed(counted, is_load_asked),
    )
    return render(
        "requests/report.md.jinja",
        title=title,
        whole=whole.to_dict(),
        mean_wh=whole["energy_wh_mean"] / whole["requests"],
        node_hours=float((table["weight"] * table["seconds"]).sum()) / SECONDS_PER_HOUR,
        extrapolated=float((energy * table["extrapolated"]).sum() / energy.sum())
        if energy.any()
        else 0.0,
        free_cached=0 if parts["all", "cached"] else whole["cached_tokens"],
        load=load,
        knows_load=knows_load,
        zone_hours=zone_hours,
        is_load_asked=is_load_asked,
        is_loaded="load" in tables and tables["load"]["energy_wh_p50"].notna().any(),
        rows=all_rows(counted),
        lost_rows=lost_rows,
        lost_kinds=lost_kinds,
        much_lost=is_much(lost_rows, all_rows(counted)),
        rounded_ids=kinds.get(ROUNDED, 0),
        free=free,
        much_free=is_much(free, whole["requests"]),
        untimed_rows=untimed_rows,
        untimed_kinds=untimed_kinds,
        long_from=settings["long_from"]["value"],
        largest_shown=LARGEST_SHOWN,
        groups_shown=GROUPS_SHOWN,
        left_out=left_out,
        files_shown=FILES_SHOWN,
        power_measured=power_measured,
        rows_of_many=rows_of_many,
        pages_missing=bool(kinds.get("no last page", 0)),
        alike=kinds.get(SAME, 0) if kinds.get(SAME, 0) > LEAST_ALIKE * kinds["rows"] else 0,
        states=kinds.get(STATES, 0),
        hops=kinds.get(HOPS, 0),
        shared_ids=kinds.get(SHARED, 0),
        over_context=kinds.get("over context", 0),
        doubted=doubted_times(kinds.to_dict()),
        most_rate=MOST_RATE,
        least_rate=LEAST_RATE,
        usual_rate=USUAL_RATE,
        fastest=fastest,
        at_a_reading=FASTEST,
        holds_input=kinds.get(HOLDS_INPUT, 0),
        running_total=kinds.get(RUNNING_TOTAL, 0),
        over_served=kinds.get(OVER_SERVED, 0),
        unusual=unusual,
        blended=blended["model"].tolist(),
        blended_share=blended["energy_share"].sum(),
        models_shown=MODELS_SHOWN,
        hidden=hidden,
        form=form,
        columns=[COLUMNS_TOLD.get(name, name) for name in COLUMNS if name in stated],
        lacking=[COLUMNS_TOLD.get(name, name) for name in ASKED_FOR if name not in stated],
        tables=shown,
    )


def doubted_times(kinds: Mapping[Any, Any]) -> dict[str, int]:
    """Rows whose times cannot be, of each kind of which so many are that the unit of all is in
    doubt; ``kinds`` are the rows of every kind.
    """
    rows = kinds["rows"]
    ended, started = (rows - kinds.get(f"no {time}", 0) for time in ("end", "time"))
    least = {
        "no_time": MOST * rows,
        "too_fast": MOST * ended,
        FASTER.replace(" ", "_"): MOST * ended,
        FASTER_SERVED.replace(" ", "_"): MOST * ended,
        "too_slow": MOST * ended,
        # those of a trace that counts from its own beginning go through these days
        "early_1970": started - 1,
    }
    found = {kind: int(kinds.get(kind.replace("_", " "), 0)) for kind in least}
    found[FASTER.replace(" ", "_")] += found["too_fast"]
    return {kind: count if count > max(least[kind], 0) else 0 for kind, count in found.items()}
