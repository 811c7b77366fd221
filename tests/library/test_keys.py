"""Tables of keys from a schema."""

from inference_energy.keys import key_tables


def test_a_small_schema_becomes_these_tables():
    schema = {
        "properties": {
            "power": {"description": "Of a node", "$ref": "#/$defs/power"},
            "seed": {"description": "Of a | b", "type": "integer", "minimum": 0, "default": 42},
            "tasks": {
                "description": "Some",
                "type": "array",
                "items": {
                    "title": "task",
                    "description": "One",
                    "properties": {"name": {"description": "Its name", "type": "string"}},
                },
            },
        },
        "required": ["power"],
        "$defs": {
            "source": {"description": "Where", "type": "string"},
            "power": {
                "description": "A power",
                "required": ["value", "unit", "source"],
                "properties": {
                    "value": {"description": "It", "unit": "kW", "type": "number"},
                    "unit": {"description": "Of it", "const": "kW"},
                    "source": {"$ref": "#/$defs/source"},
                },
            },
        },
    }
    schema["properties"]["named"] = {
        "description": "By name",
        "x-null": "removes it",
        "additionalProperties": {
            "title": "name",
            "x-null": "removes it",
            "description": "One",
            "$ref": "#/$defs/power",
        },
    }
    assert key_tables(schema).splitlines() == [
        "| key | allowed | unit | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        "| `power` | *power* | kW |  | Of a node |",
        "| `seed` | a whole number of at least 0 |  | 42 | Of a \\| b |",
        "| `tasks` | a list |  | optional | Some |",
        "| `tasks[]` | keys `name` |  |  | One |",
        "| `tasks[].name` | text |  | optional | Its name |",
        "| `named` | names with values |  | optional; `null` removes it | By name |",
        "| `named.<name>` | *power* | kW | optional; `null` removes it | One |",
        "",
        "| key | allowed | unit | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        "| *power* | keys `value`, `unit`, `source` | kW |  | A power |",
        "| *power* `value` | a number | kW |  | It |",
    ]
