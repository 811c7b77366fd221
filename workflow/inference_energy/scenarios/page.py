"""Page of the scenarios."""

from inference_energy.scenarios.figures import INPUTS
from inference_energy.templates import render


def page(settings, tasks, facility):
    """Tasks and maps as a Markdown page; the figures are beside it, by the maps' names.

    Parameters
    ----------
    settings : dict
        Content of config/scenarios.yaml.
    tasks, facility : DataFrame
        Tables of schema ``scenarios_tasks`` and ``facility``.
    """
    values = tasks.set_index(["task", "method", "statistic"])["value"].to_dict()
    beyond = tasks.set_index(["task", "method"])["extrapolated"].to_dict()
    known = facility.set_index("fact")["subject"]
    return render(
        "scenarios/scenarios.md.jinja",
        methods=settings["methods"],
        tasks=settings["tasks"],
        values=values,
        beyond=beyond,
        grids={grid: known[grid] for grid in settings["grids"]},
        maps=settings["maps"],
        inputs={name: words.lower().replace("pue", "PUE") for name, words in INPUTS.items()},
    )
