"""Page of the scenarios."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from inference_energy.scenarios.figures import INPUTS
from inference_energy.scenarios.tables import grids
from inference_energy.templates import render
from inference_energy.text import within


def page(
    settings: Mapping[str, Any], tasks: pd.DataFrame, maps: pd.DataFrame, facility: pd.DataFrame
) -> str:
    """Tasks and maps as a Markdown page; the figures are beside it, by the maps' names.

    Parameters
    ----------
    settings : dict
        Content of config/scenarios.yaml.
    tasks, maps, facility : DataFrame
        Tables of schema ``scenarios_tasks``, ``scenarios_maps`` and ``facility``.
    """
    drawn = {name: set(rows["method"]) for name, rows in maps.groupby("map")}
    values = tasks.set_index(["task", "method", "statistic"])["value"].to_dict()
    beyond = tasks.set_index(["task", "method"])["extrapolated"].to_dict()
    return render(
        "scenarios/scenarios.md.jinja",
        methods=settings["methods"],
        tasks=settings["tasks"],
        values=values,
        beyond=beyond,
        grids=list(grids(settings, facility)),
        without={
            each["name"]: [name for name in settings["methods"] if name not in drawn[each["name"]]]
            for each in settings["maps"]
        },
        beyond_of={
            name: rows["extrapolated"].eq("yes").any() for name, rows in maps.groupby("map")
        },
        maps=settings["maps"],
        inputs={name: within(words) for name, words in INPUTS.items()},
    )
