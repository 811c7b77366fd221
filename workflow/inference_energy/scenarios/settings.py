"""What config/scenarios.yaml may not say twice: names, and the inputs and values of a map."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from inference_energy.tables import format_number


def repeated_problems(settings: Mapping[str, Any], where: str) -> list[str]:
    """Say which tasks, maps, inputs or values stand for more than one row of a table.

    Parameters
    ----------
    settings : dict
        Content of config/scenarios.yaml, right by its schema.
    where : str
        The file, which every sentence begins with.
    """
    problems = []
    for key in ("tasks", "maps"):
        for name in _several(each["name"] for each in settings[key]):
            problems.append(
                f"{where}: key {key}: name {name}: several of them have it; allowed is a name of"
                " its own for each; rename or remove all but one"
            )
    for each in settings["maps"]:
        place = f"{where}: key maps: name {each['name']}"
        axes = {axis: each[axis] for axis in ("x", "y") if axis in each}
        for name in _several(axis["input"] for axis in axes.values()):
            problems.append(
                f"{place}: keys x.input and y.input: value {name}: both axes vary one input;"
                " allowed are two inputs; change one, or remove y"
            )
        for axis, stated in axes.items():
            written = {value: format_number(value) for value in stated["values"]}
            for text in _several(written.values()):
                alike = ", ".join(str(value) for value, own in written.items() if own == text)
                problems.append(
                    f"{place}: key {axis}.values: values {alike}: are {text} in the six digits of"
                    " the table; allowed are values that differ in them; remove all but one"
                )
    return problems


def _several(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
