"""What a finding's selectors ask for, held against tables and method before any rule runs."""

from pathlib import Path

from inference_energy.claims.selectors import parts_of
from inference_energy.documents import collecting, near
from inference_energy.errors import InputError
from inference_energy.method.setup import TRIMMED, UNTRIMMED
from inference_energy.method.sources import tables_of
from inference_energy.names import column_of
from inference_energy.project import provided
from inference_energy.tables import load_schema

RESULTS_OF_ANY = ("energy_per_query", "fleet", "output_tokens", "throughput_laws")
RESULTS = (*RESULTS_OF_ANY, "sensitivity")
"""Result tables that selectors can ask: of any engine, and those that a method has written."""

VENDORS = ("data/throughput/deepseek_r1.csv", "data/throughput/trtllm.csv")
"""Throughput tables, besides the method's own, that its laws can be held against."""

LINES = ("benchmark", "law_prediction", "law_ratio", "listed_power")
"""What selectors can ask of throughput tables."""

PUBLISHED = {
    "estimate": ("data/published/estimates.csv", ("id",)),
    "reference": ("data/published/references.csv", ("quantity",)),
    "published": ("data/published/claims.csv", ("version", "claim")),
    "published_upper": ("data/published/claims.csv", ("version", "claim")),
}
"""Published numbers: their table, and the columns that name one."""


def selector_problems(finding, method):
    """Problems of a finding's selectors, one sentence each.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    method : dict or None
        The resolved method that it names; none: the name is wrong, which is said elsewhere.
    """
    problems = []
    stated = {f"values.{name}": selector for name, selector in finding.get("values", {}).items()}
    for name, quantity in finding.get("quantities", {}).items():
        sides = {"value", "before", "after"} & quantity.keys()
        stated |= {f"quantities.{name}.{side}": quantity[side] for side in sorted(sides)}
    for key, quantity in stated.items() if method else ():
        wrong = []
        for selector in quantity.split(" / "):
            with collecting(wrong):
                _check(selector.strip(), finding.get("engine", "exact"), method)
        problems += [f"config/findings.yaml: {finding['id']}: key {key}: {p}" for p in wrong]
    return problems


def _check(selector, engine, method):
    """Refuse a selector of what is not there, with an InputError."""
    table, wanted = parts_of(selector)
    computed = RESULTS if engine == "published" else (*RESULTS_OF_ANY, *LINES)
    if table not in (known := [*computed, *PUBLISHED, "setting"]):
        raise InputError(
            f"claim quantity {selector!r}: unknown table {table}; allowed are {', '.join(known)};"
            f" correct the selector{near(table, known)}"
        )
    if table in PUBLISHED:
        path, columns = PUBLISHED[table]
        named = [column_of(provided(path), column) for column in columns]
        for value in wanted.values():
            for part, known in zip(value.split("/", len(columns) - 1), named, strict=False):
                _known(selector, "name", part, known, path)
    elif table in RESULTS:
        _check_columns(selector, wanted, load_schema(table)["properties"])
        for column in ("subject", "model"):
            models = _models(tables_of(method))
            if column == "subject" and models is not None:
                models = [*models, TRIMMED, UNTRIMMED]
            _known(selector, column, wanted.get(column), models, "the method's throughput tables")
    elif table in LINES:
        columns = load_schema("throughput")["properties"] | {"table": {}, "serving_engine": {}}
        _check_columns(selector, wanted, columns)
        paths = {Path(path).stem: [provided(path)] for path in VENDORS}
        paths |= {"paper": tables_of(method)}
        of = wanted.get("table")
        _known(selector, "table", of, list(paths), "the tables of the method and of vendors")
        _known(selector, "model", wanted.get("model"), _models(paths.get(of, [])), f"table {of}")


def _check_columns(selector, wanted, columns):
    """Refuse columns that a table does not have, and values that a column cannot have."""
    for name, value in wanted.items():
        if name not in columns:
            raise InputError(
                f"claim quantity {selector!r}: unknown column {name}; allowed are"
                f" {', '.join(columns)}; correct the selector{near(name, columns)}"
            )
        known = columns[name].get("enum")
        if known:
            _known(selector, name, value, list(map(str, known)), ", ".join(map(str, known)))


def _known(selector, column, value, known, where):
    """Refuse a value that is none of the known ones, if any are known."""
    if value is not None and known and value not in known:
        raise InputError(
            f"claim quantity {selector!r}: {column} = {value}: no such name; allowed are those of"
            f" {where}; correct the selector{near(value, known)}"
        )


def _models(paths):
    """Models of throughput tables; none if one cannot be read, which is told elsewhere."""
    found = [column_of(path, "model") for path in paths]
    return None if None in found else list(dict.fromkeys(model for of in found for model in of))
