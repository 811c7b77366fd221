"""Settings of a method in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from inference_energy.text import MOST_DIGITS, short, told_apart

LABELS = {
    "benchmarks": "benchmark rows",
    "data": "tables of data/",
    "pue": "PUE",
    "input_charge.input_tokens_per_output_token": "input tokens per output token charged",
    "node_power.default": "node power",
    "monte_carlo": "Monte Carlo",
    "kind": "kind of method",
    "claims": "version of the claims",
    "published": "published numbers",
}
"""Settings whose words are not those of their path."""

OF_THE_SOURCE = "source_states"
"""Key for what a source states, where the value beside it is another; the run writes it."""

BY_ITSELF = ("distribution", "name", "kinds")
"""Keys whose values need no name before them."""

DEFAULTS: Mapping[str, Any] = {"ranked_by": "median", "error": "ignored", "minimum": 0}
"""Keys of a quantity that may be left out, and what they then are, as the method's schema says."""

ALL_UNLESS_STATED = ("precision", "models", "gpus", "sources")
"""Keys that choose among the rows of a table: of one that is left out every row counts."""

OF_MODELS = "node_power.models"
"""Setting whose keys are names of models, which are written as they are."""

JOINED = " + "
"""Between the names of settings that are joined to one."""


def words(path: str) -> str:
    """Write the path of a setting, or of several that were joined, in words."""
    if JOINED in path:
        return JOINED.join(map(words, path.split(JOINED)))
    if path.startswith(f"{OF_MODELS}."):
        return f"{words(OF_MODELS)} {path.removeprefix(f'{OF_MODELS}.')}"
    section, _, key = path.partition(".")
    if section == "benchmarks" and key:
        return f"{LABELS[section]} {words(key)}"
    return LABELS.get(path, path.removeprefix("regimes.").replace("_", " ").replace(".", " "))


def quantity_text(quantity: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Write a quantity of a method; of one with many keys those that differ from ``other``."""
    if not quantity:
        return "none"
    if "value" in quantity:
        return _plain(quantity["value"], other.get("value"))
    if "factors" in quantity:
        beside = other.get("factors", [])
        return " x ".join(_plain(*pair) for pair in _beside(quantity["factors"], beside))
    if _is_range(quantity):
        ends = (told_apart(quantity[end], other.get(end, quantity[end])) for end in ("p5", "p95"))
        return "-".join(own for own, _ in ends)
    keys = differing_keys(quantity, other)
    shown = [key for key in keys if key in quantity or key in DEFAULTS] or keys
    return ", ".join(
        _plain(_given(quantity, key), _given(other, key))
        if key in BY_ITSELF
        else f"{words(key)} {_plain(_given(quantity, key), _given(other, key))}"
        for key in shown
    )


def _is_range(quantity: Mapping[str, Any]) -> bool:
    return {"p5", "p95"} <= quantity.keys() and quantity.get("distribution") == "log-normal"


def change_text(
    setting: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Write a change: what changed, which is one key of the setting where it can be, old, new.

    Parameters
    ----------
    setting : str
        In words.
    old, new : mapping
        The quantity on both sides; empty where a side has none.
    """
    keys = differing_keys(new, old)
    is_one = any({"value", "factors"} & q.keys() or _is_range(q) or not q for q in (old, new))
    if is_one or len(keys) != 1 or keys[0] in BY_ITSELF:
        return setting, quantity_text(old, new), quantity_text(new, old)
    (key,) = keys
    before, after = _given(old, key), _given(new, key)
    return f"{setting} {words(key)}", _plain(before, after), _plain(after, before)


def differing_keys(quantity: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys in which a quantity differs from another, its source and unit apart."""
    keys = [key for key in {**quantity, **other} if key not in ("source", OF_THE_SOURCE, "unit")]
    return [key for key in keys if _given(quantity, key) != _given(other, key)]


def _given(quantity: Mapping[str, Any], key: str) -> Any:
    every = "table" in quantity and key in ALL_UNLESS_STATED
    return quantity.get(key, "all" if every else DEFAULTS.get(key))


def _plain(value: Any, other: Any = None, joint: str = ", ") -> str:
    """Write a value, its numbers in as many digits as tell them from those of another."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        others = other if isinstance(other, dict) else {}
        return joint.join(
            f"{words(key)} {_plain(each, others.get(key))}"
            for key, each in value.items()
            if key != "unit"
        )
    if isinstance(value, list):
        return joint.join(_plain(*pair, " to ") for pair in _beside(value, other))
    if _is_number(value):
        return told_apart(value, other if _is_number(other) else value, short, MOST_DIGITS)[0]
    return str(value)


def _beside(values: list, others: Any) -> Iterator[tuple[Any, Any]]:
    """Values of a list, each with the one at its place in another, if that is as long."""
    alike = isinstance(others, list) and len(others) == len(values)
    return zip(values, others if alike else [None] * len(values), strict=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
