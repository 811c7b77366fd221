"""What selectors of findings and claims ask for, checked before any rule runs."""

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from inference_energy.claims.selectors import keys_of, parts_of
from inference_energy.documents import Schema, collecting, near
from inference_energy.errors import InputError
from inference_energy.method.files import merge
from inference_energy.method.materials import tables_of
from inference_energy.method.setup import TRIMMED, UNTRIMMED
from inference_energy.names import column_of, names_of
from inference_energy.project import provided
from inference_energy.tables import decode, load_schema, read_bytes

RESULTS_OF_ANY = ("energy_per_query", "fleet", "output_tokens", "throughput_laws")
RESULTS = (*RESULTS_OF_ANY, "sensitivity")
"""Result tables that selectors can ask: of any engine, and those that a method has written."""

VENDORS = ("data/throughput/deepseek_r1.csv", "data/throughput/trtllm.csv")
"""Throughput tables, besides the method's own, that its laws can be held against."""

LINES = ("benchmark", "law_prediction", "law_ratio", "listed_power")
"""What selectors can ask of throughput tables."""

NO_TYPING_ERROR = {
    "model": ("data/models.csv#model", "data/models.csv#aliases"),
    "gpu": ("data/gpus.csv#gpu",),
}
"""Homes of names that a selector can ask for though a throughput table has no row of them, as where
its rows were taken out: such a finding is not computed, and such a claim not testable."""

PUBLISHED = {
    "estimate": ("data/published/estimates.csv", ("id",)),
    "reference": ("data/published/references.csv", ("quantity",)),
    "published": ("data/published/claims.csv", ("version", "claim")),
    "published_upper": ("data/published/claims.csv", ("version", "claim")),
}
"""Published numbers: their table, and the columns that name one."""


def selector_problems(finding: Mapping[str, Any], method: Mapping[str, Any] | None) -> list[str]:
    """Problems of a finding's selectors, one sentence each.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    method : dict or None
        The resolved method that it names; none: the name is wrong, which is said elsewhere.
    """
    if method is None:
        return []
    before = merge(method, finding.get("context", {}))
    after = merge(before, finding.get("override", {}))
    asked = [(f"values.{name}", of, before) for name, of in finding.get("values", {}).items()]
    for name, quantity in finding.get("quantities", {}).items():
        sides = {"value": (before, after), "before": (before,), "after": (after,)}
        for side in sorted(sides.keys() & quantity.keys()):
            key = f"quantities.{name}.{side}"
            asked += [(key, quantity[side], of) for of in sides[side]]
    engine = finding.get("engine", "exact")
    where = f"config/findings.yaml: {finding['id']}"
    return list(
        dict.fromkeys(
            f"{where}: key {key}: {problem}"
            for key, quantity, of in asked
            for problem in _problems(quantity, engine, of)
        )
    )


def claim_problems(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Problems of the selectors and inputs of published claims, one sentence each.

    Parameters
    ----------
    methods : dict of str to dict
        Resolved methods by name; those of the paper say what a claim of their version can ask for.
    """
    path = provided(PUBLISHED["published"][0])
    paper = {method["claims"]: method for method in methods.values() if method["kind"] == "paper"}
    return [
        f"{path}: claim {claim} of {version}: {problem}"
        for claim, version, quantity, stated in _claims(path)
        if version in paper
        for problem in [
            *(_problems(quantity, "published", paper[version]) if quantity else []),
            *(_input_problems(stated, paper[version]) if stated else []),
        ]
    ]


def _claims(path: str) -> list[list[str]]:
    """Claim, version, quantity and input of each; none if unreadable, which is told elsewhere."""
    columns = ("claim", "version", "quantity")
    try:
        text = decode(path, read_bytes(path))
        rows = csv.DictReader(io.StringIO(text, newline=""))
        return [[*(row[column] for column in columns), row.get("input") or ""] for row in rows]
    except (InputError, KeyError, csv.Error):
        return []


def _problems(quantity: str, engine: str, method: Mapping[str, Any]) -> list[str]:
    """Problems of a selector, or of the ratio of several, one sentence each."""
    problems: list[str] = []
    for selector in quantity.split(" / "):
        with collecting(problems):
            _check(selector.strip(), engine, method)
    return problems


def _input_problems(stated: str, method: Mapping[str, Any]) -> list[str]:
    """Problems of an input, which would let any number of its claim hold by construction."""
    problems: list[str] = []
    with collecting(problems):
        _at(method, stated.split("."), f"input {stated!r}", "it, or leave the cell empty")
    return problems


def _check(selector: str, engine: str, method: Mapping[str, Any]) -> None:
    """Refuse a selector of what is not there, with an InputError."""
    table, wanted = parts_of(selector)
    computed = RESULTS if engine == "published" else (*RESULTS_OF_ANY, *LINES)
    if table not in (known := [*computed, *PUBLISHED, "setting"]):
        raise InputError(
            f"claim quantity {selector!r}: unknown table {table}; allowed are {', '.join(known)};"
            f" correct the selector{near(table, known)}"
        )
    if table == "setting":
        _check_setting(selector, method)
    elif table in PUBLISHED:
        path, columns = PUBLISHED[table]
        _check_columns(selector, wanted, {columns[-1]: {}})
        named = [column_of(provided(path), column) for column in columns]
        for value in wanted.values():
            for part, names in zip(value.split("/", len(columns) - 1), named, strict=False):
                _known(selector, "name", part, names, path)
    elif table in RESULTS:
        _check_columns(selector, wanted, load_schema(table)["properties"])
        for column in ("subject", "model"):
            models = names_of("#model", tables_of(method))
            if column == "subject" and models is not None:
                models = [*models, TRIMMED, UNTRIMMED]
            if not _is_elsewhere(wanted.get(column), "model"):
                where = "the method's throughput tables"
                _known(selector, column, wanted.get(column), models, where)
    elif table in LINES:
        columns = load_schema("throughput")["properties"] | {"table": {}, "serving_engine": {}}
        _check_columns(selector, wanted, columns)
        paths = {Path(path).stem: [provided(path)] for path in VENDORS}
        paths |= {"paper": tables_of(method)}
        of = wanted.get("table")
        _known(selector, "table", of, list(paths), "the tables of the method and of vendors")
        for column in ("model", "gpu"):
            names = names_of(f"#{column}", paths.get(of or "", []))
            if not _is_elsewhere(wanted.get(column), column):
                _known(selector, column, wanted.get(column), names, f"table {of}")


def _check_setting(selector: str, method: Mapping[str, Any]) -> None:
    """Refuse a path into a method that leads to no number."""
    value = _at(method, keys_of(selector), f"claim quantity {selector!r}", "the selector")
    if isinstance(value, bool) or not isinstance(value, int | float):
        below = f", {', '.join(map(str, value))}" if isinstance(value, dict) else ""
        raise InputError(
            f"claim quantity {selector!r}: is no number; allowed is the path of a number{below};"
            " correct the selector"
        )


def _at(method: Mapping[str, Any], keys: list[str], what: str, wrong: str) -> Any:
    """What a method has at a path; a key that is not there is refused, with an InputError."""
    value: Any = method
    for place, key in enumerate(keys):
        if not isinstance(value, dict) or key not in value:
            at = ".".join(keys[:place])
            where = f"the keys of {at}" if at else "the keys of the method"
            known = list(map(str, value)) if isinstance(value, dict) else []
            allowed = f"{where}, {', '.join(known)}" if known else f"{at} alone, which has no keys"
            raise InputError(
                f"{what}: no such key {key}; allowed are {allowed}; correct {wrong}"
                f"{near(key, known)}"
            )
        value = value[key]
    return value


def _check_columns(selector: str, wanted: Mapping[str, str], columns: Schema) -> None:
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


def _known(
    selector: str, column: str, value: str | None, known: Collection[str] | None, where: str
) -> None:
    """Refuse a value that is none of the known ones, if any are known."""
    if value is not None and known and value not in known:
        raise InputError(
            f"claim quantity {selector!r}: {column} = {value}: no such name; allowed are those of"
            f" {where}; correct the selector{near(value, known)}"
        )


def _is_elsewhere(value: str | None, column: str) -> bool:
    """Whether the project's tables know a name of which a throughput table may have no row."""
    homes = (names_of(home) for home in NO_TYPING_ERROR[column])
    return any(value in names for names in homes if names is not None)
