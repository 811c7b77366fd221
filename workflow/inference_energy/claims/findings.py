"""Weak points of a method, each computed: what changes when it is done the other way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from inference_energy.claims.selectors import Results, evaluate
from inference_energy.documents import Schema, collecting, near
from inference_energy.errors import InputError, UnansweredError
from inference_energy.method.files import ChargedTwiceError, check, merge
from inference_energy.rounding import ranking, relative
from inference_energy.units import PERCENT

BLEND_MEDIAN = (
    "energy_per_query[regime={}; subject=frontier blend; pathway=baseline; statistic=p50]"
)


HEADLINES = {
    regime: {"name": f"{regime} median", "unit": "Wh", "value": BLEND_MEDIAN.format(regime)}
    for regime in ("traditional", "long")
}
"""Quantities that a finding with an override reports; the first orders the findings."""


@dataclass(frozen=True)
class Effect:
    """A quantity as the method has it (before) and as the finding has it (after)."""

    name: str
    unit: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Change from before to after, zero if it is rounding. [%]"""
        return PERCENT * relative(self.after, self.before)


def override_problems(
    finding: Mapping[str, Any], method: Mapping[str, Any] | None, schema: Schema
) -> list[str]:
    """Problems of a finding's overrides, applied to its method, against the method's schema.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    method : dict or None
        The resolved method that it names; none: the name is wrong, which is said elsewhere.
    schema : dict
        JSON Schema of a resolved method.
    """
    if method is None:
        return []
    stated = merge(finding.get("context", {}), finding.get("override", {}))
    where = f"config/findings.yaml: {finding['id']}: override"
    changed = merge(merge(method, finding.get("context", {})), finding.get("override", {}))
    try:
        check(changed, schema, method["id"], where, stated)
    except ChargedTwiceError as error:
        # the law is the method's own, which may be another than when the finding was written
        return error.problems if "throughput_law" in stated else []
    except InputError as error:
        return error.problems
    return []


def _quantities(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Quantities that a finding reports, by name."""
    on_headline = "override" in finding and finding.get("headline", True)
    stated: dict[str, Any] = finding.get("quantities", {})
    return (HEADLINES if on_headline else {}) | stated


def effects(
    finding: Mapping[str, Any], results: Results, alternative: Results, own: Results
) -> dict[str, Effect]:
    """Every quantity of a finding, before and after.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    results, alternative : Results
        Exact results of the finding's method, and under its override.
    own : Results
        Results of the method as they were written, for the engine ``published``.

    Returns
    -------
    dict of str to Effect

    Raises
    ------
    UnansweredError
        Listing every quantity that the results do not have.
    """
    quantities = _quantities(finding)
    engine = finding.get("engine", "exact")
    before, after = (own, own) if engine == "published" else (results, alternative)
    found, problems = {}, []
    for key, quantity in quantities.items():
        sides = (
            (quantity.get("before", quantity.get("value")), before),
            (quantity.get("after", quantity.get("value")), after),
        )
        values = [evaluate(selector, where, engine) for selector, where in sides]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            selector = sides[values.index(None)][0]
            problems.append(_nothing(finding, f"quantities.{key}", selector))
        else:
            found[key] = Effect(quantity["name"], quantity["unit"], *known)
    if problems:
        raise UnansweredError(problems)
    return found


def _nothing(finding: Mapping[str, Any], key: str, selector: object) -> str:
    return (
        f"config/findings.yaml: {finding['id']}: {key}: value {selector!r}: selects nothing;"
        " allowed is a line of the results; correct the selector"
    )


def explain(
    finding: Mapping[str, Any], found: Mapping[str, Effect], results: Results, own: Results
) -> str:
    """Write a finding's paragraph from the numbers.

    The format string can use every quantity (``{key.before}``, ``{key.after}``, ``{key.change}``
    [%], also ``traditional`` and ``long`` where there is an override) and every entry of
    ``values``.

    Raises
    ------
    InputError
        If it names something else.
    UnansweredError
        Listing every value that selects nothing.
    """
    engine = finding.get("engine", "exact")
    where = own if engine == "published" else results
    values = {
        name: evaluate(selector, where, engine)
        for name, selector in finding.get("values", {}).items()
    }
    lacking = [name for name, value in values.items() if value is None]
    if lacking:
        raise UnansweredError(
            _nothing(finding, f"values.{n}", finding["values"][n]) for n in lacking
        )
    return " ".join(written(finding, "explanation", {**found, **values}).split())


def written(finding: Mapping[str, Any], key: str, names: Mapping[str, object]) -> str:
    """Sentence of a finding, its format string at ``key``, with what the names stand for.

    Raises
    ------
    InputError
        If it names something else, or writes it as it cannot be written.
    """
    try:
        return str(finding[key].format(**names))
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        meant = near(error.args[0], names) if isinstance(error, KeyError) else ""
        raise InputError(
            f"config/findings.yaml: {finding['id']}: key {key}: cannot be written ({error});"
            f" allowed are {', '.join(names)}; correct the name or its selector{meant}"
        ) from None


def wording_problems(finding: Mapping[str, Any]) -> list[str]:
    """Problems of a finding's sentences, told before any number is computed.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    """
    quantities = dict.fromkeys(_quantities(finding), Effect("", "", 1.0, 1.0))
    of_claim = dict.fromkeys(("computed", "published"), 1.0)
    # a setting can be a whole number, and be written like one
    values = {
        name: 1 if str(selector).startswith("setting[") and " / " not in selector else 1.0
        for name, selector in finding.get("values", {}).items()
    }
    problems: list[str] = []
    with collecting(problems):
        written(finding, "explanation", {**quantities, **values})
    with collecting(problems):
        if "note" in finding:
            written(finding, "note", {**values, **of_claim})
    return problems


def rank(computed: Mapping[str, Mapping[str, Effect]]) -> list[str]:
    """Findings by the size of their effect on the headline, then on whatever they move most.

    Parameters
    ----------
    computed : dict of str to dict of str to Effect
        Effects by finding.

    Returns
    -------
    list of str
        Ids; findings without an override come after those with one, equal ones by name.
    """

    def size(finding: str) -> tuple[float, float, str]:
        found = computed[finding]
        headline = abs(found["traditional"].change) if "traditional" in found else -1.0
        largest = max(abs(effect.change) for effect in found.values())
        return float(-ranking(headline)), float(-ranking(largest)), finding

    return sorted(computed, key=size)


def findings_table(
    findings: Iterable[Mapping[str, Any]], computed: Mapping[str, Mapping[str, Effect]]
) -> pd.DataFrame:
    """Effects of all findings as the findings table, in order of rank."""
    known = {finding["id"]: finding for finding in findings}
    return pd.DataFrame(
        [
            {
                "rank": place,
                "finding": name,
                "method": known[name]["method"],
                "claimed": known[name]["claimed"],
                "alternative": known[name]["alternative"],
                "engine": known[name].get("engine", "exact"),
                "quantity": effect.name,
                "before": effect.before,
                "after": effect.after,
                "unit": effect.unit,
                "change_percent": effect.change,
            }
            for place, name in enumerate(rank(computed), start=1)
            for effect in computed[name].values()
        ]
    )
