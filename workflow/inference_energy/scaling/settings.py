"""What numbers of config/scaling.yaml say of one another: the totals of a trace, and all steps."""

from collections.abc import Mapping
from typing import Any

MOST_STEPS = 2000
"""Steps of all tasks together. Each is computed alone, which takes a law that knows load about a
thousandth of a second and a tenth of a megabyte; public traces have some ten steps a session."""

PARTS = {
    "sessions": ("steps", "a session has a step or more"),
    "cached_tokens": ("input_tokens", "what was found in the cache is a part of the input"),
}
"""Totals of a trace, each with the one that it is at most, and why."""


def observed_steps(observed: Mapping[str, Any]) -> int:
    """Mean steps of a session of the trace, as a whole number.

    Parameters
    ----------
    observed : dict
        Key ``agents.observed`` of config/scaling.yaml.
    """
    return round(observed["steps"] / observed["sessions"])


def agent_problems(settings: Mapping[str, Any], where: str) -> list[str]:
    """Say which totals contradict each other, and whether the tasks have too many steps.

    Parameters
    ----------
    settings : dict
        Content of config/scaling.yaml, right by its schema.
    where : str
        The file, which every sentence begins with.
    """
    config = settings["agents"]
    observed = config["observed"]
    problems = [
        f"{where}: key agents.observed.{part}: value {observed[part]:.15g}; allowed is at most"
        f" {whole}, {observed[whole]:.15g}, as {reason}; correct one of them"
        for part, (whole, reason) in PARTS.items()
        if observed[part] > observed[whole]
    ]
    if problems:
        return problems
    steps = {
        task["name"]: observed_steps(observed) if task.get("observed") else task["steps"]
        for task in config["tasks"]
    }
    total = sum(steps.values())
    if total > MOST_STEPS:
        name, most = max(steps.items(), key=lambda item: item[1])
        problems.append(
            f"{where}: key agents.tasks: name {name}: value {most} steps: all tasks have {total}"
            f" together; allowed is at most {MOST_STEPS}, as each is computed alone, and public"
            " traces have some ten steps a session; lower steps, or of what was observed correct"
            " steps or sessions"
        )
    return problems
