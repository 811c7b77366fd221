"""The keys of every file of config/, as tables from their schemas."""

from collections.abc import Mapping
from typing import Any

from inference_energy.documents import Schema, allowed, resolved, written
from inference_energy.text import markdown_table

HEADER = ["key", "allowed", "unit", "default", "meaning"]


def key_tables(schema: Schema, defaults: Mapping[str, Any] | None = None) -> str:
    """Describe all keys of a file.

    Parameters
    ----------
    schema : dict
        JSON Schema of the file, each key with a ``description``, numbers with their ``unit``.
        What stands below names of a user's choice, or in a list, has a ``title`` if it has keys
        or a meaning of its own; ``x-file`` holds keys that only the file itself has, ``x-null``
        says what null does to a key that a file takes from elsewhere.
    defaults : dict, optional
        Values of keys at the top, for a file that states all its defaults.

    Returns
    -------
    str
        Markdown table of the keys, and one of the kinds of mappings that several of them share.
        Units and sources that every quantity has stand only among the keys of its mapping.
    """
    top = schema.get("items", schema)
    own = {key: rule | {"default": ""} for key, rule in schema.get("x-file", {}).items()}
    top = top | {"properties": own | top["properties"]}
    tables = [markdown_table(HEADER, _rows(top, schema, "", "", defaults or {}))]
    kinds = {name: kind for name, kind in schema.get("$defs", {}).items() if "properties" in kind}
    rows = []
    for name, kind in kinds.items():
        rows.append(_row(f"*{name}*", kind, schema, ""))
        rows += _rows(kind, schema, f"*{name}* ")
    if rows:
        tables.append(markdown_table(HEADER, rows))
    return "\n\n".join(tables)


def _rows(
    node: Schema,
    schema: Schema,
    prefix: str = "",
    path: str = "",
    defaults: Mapping[str, Any] | None = None,
) -> list[list[str]]:
    """Rows of the keys of a mapping and of those below, ``prefix`` before each key's path."""
    rows = []
    for key, child in node["properties"].items():
        if _is_provenance(key, child):
            continue
        default = written(defaults[key]) if defaults else _default(key, child, node)
        rows += _rows_of(child, schema, prefix, path + key, default)
        for part, mark in (("additionalProperties", ".<{}>"), ("items", "[]")):
            each = child.get(part)
            if isinstance(each, dict) and "title" in each:
                place = path + key + mark.format(each["title"])
                default = _default(each["title"], each, {}) if "x-null" in each else ""
                rows += _rows_of(each, schema, prefix, place, default)
    return rows


def _rows_of(
    child: Schema, schema: Schema, prefix: str, place: str, default: str
) -> list[list[str]]:
    """Row of one key, and those below it; what a key shares with others is told once."""
    rows = [_row(f"{prefix}`{place}`", child, schema, default)]
    if "properties" in child:
        rows += _rows(child, schema, prefix, f"{place}.")
    return rows


def _row(name: str, child: Schema, schema: Schema, default: str) -> list[str]:
    node = resolved(child, schema)
    cells = [name, _allowed(child, schema), _unit(node), default, node["description"]]
    return [" ".join(str(cell).split()) for cell in cells]


def _is_provenance(key: str, child: Schema) -> bool:
    """Whether a key says of a quantity what its row does: the one unit, where it comes from."""
    is_source = child.get("$ref", "").endswith(("/source", "/sources"))
    return is_source or (key == "unit" and "const" in child)


def _allowed(child: Schema, schema: Schema) -> str:
    """What a key may hold: a kind of mapping, a mapping's keys, or a value."""
    branches = [child[part] for part in ("then", "else") if "$ref" in child.get(part, {})]
    named = [node for node in branches or [child] if "$ref" in node]
    if named and all("properties" in resolved(node, schema) for node in named):
        return " or ".join(f"*{node['$ref'].rpartition('/')[2]}*" for node in named)
    is_mapping = not isinstance(child.get("type"), list)
    if is_mapping and "properties" in child:
        return "keys " + ", ".join(f"`{key}`" for key in child["properties"])
    if set(child) == {"description"}:
        return "keys with values"
    if is_mapping and isinstance(child.get("additionalProperties"), dict):
        return "names with values"
    if "title" in child.get("items", {}):
        return "a list"
    pattern = resolved(child, schema).get("pattern", "")
    return allowed(child, schema).replace(pattern or "\0", f"`{pattern}`")


def _unit(node: Schema) -> str:
    """Unit of a number, or of the numbers of a mapping."""
    stated = node.get("properties", {}).get("unit", {})
    return node.get("unit") or stated.get("const") or ", ".join(stated.get("enum", []))


def _default(key: str, child: Schema, node: Schema) -> str:
    if "default" in child:
        return child["default"] if child["default"] == "" else written(child["default"])
    parts = [node.get("then", {}), node.get("else", {}), *node.get("anyOf", [])]
    parts += [*node.get("oneOf", []), *(case["then"] for case in node.get("allOf", []))]
    needed = {name for part in (node, *parts) for name in part.get("required", [])}
    if "x-null" in child:
        return f"optional; `null` {child['x-null']}"
    return "" if key in needed else "optional"
