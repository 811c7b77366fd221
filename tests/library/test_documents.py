"""YAML is read strictly, and what a schema refuses is told with what is allowed."""

import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import documents
from inference_energy.documents import (
    allowed,
    apart,
    collecting,
    dump,
    order_problems,
    parse,
    read,
    schema_problems,
    shows,
    typed,
    unusual,
    with_defaults,
)
from inference_energy.errors import InputError

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["power"],
    "properties": {
        "power": {"$ref": "#/$defs/power"},
        "kind": {"enum": ["paper", "user", None]},
        "unit": {"const": "1"},
        "lengths": {"type": "array", "minItems": 2, "items": {"type": "integer", "minimum": 1}},
        "models": {"type": "object", "additionalProperties": {"$ref": "#/$defs/power"}},
        "samples": {"enum": [16, 32]},
        "either": {"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
    },
    "$defs": {
        "power": {
            "type": "object",
            "additionalProperties": False,
            "required": ["value"],
            "properties": {"value": {"type": "number", "exclusiveMinimum": 0, "maximum": 9}},
        }
    },
}
RIGHT = {"power": {"value": 1}}


def refusal(function, *arguments):
    """Message of the InputError that a call ends with."""
    with pytest.raises(InputError) as error:
        function(*arguments)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("# nothing\n", ["is empty"]),
        ("2025-01-01", ["key (top)", "value 2025-01-01", "is a date", "in quotes"]),
        ("a:\n  b: [x, 2025-01-01]", ["key a.b.1", "is a date"]),
        ("1: x", ["key (top): key 1", "is no text"]),
        ("a: {true: x}", ["key a: key True", "is no text"]),
        ("a: 1\nb: 2\na: 3", ["line 3: key a", "twice"]),
        ("x: {c: 1, c: 2}\ny:\n  - d: 1\n    d: 2", ["line 1: key c", "line 4: key d"]),
        ("a: .inf", ["key a", "finite"]),
        *(
            (f"a: '{text}'", ["key a: value", "holds nothing that shows"])
            for text in (" ", "\u200b\u200d", "\u3164", "\u2800 \ufe0f", "\ufeff", "\U000e0041")
        ),
        ("a: .nan", ["key a", "finite"]),
        ("a: !!set {b}", ["key a", "is a set"]),
        ("a: !!binary aGk=", ["key a", "is a bytes"]),
        ("a: !other b", ["line 1, column 4", "not YAML"]),
        *(
            (f"a: {tag} {value}", ["line 1, column 4", "not YAML"])
            for tag, value in (
                ("!!bool", "maybe"),
                ("!!bool", "[true]"),
                ("!!timestamp", "someday"),
                ("!!float", '""'),
                ("!!float", "1_0.0"),
                ("!!int", "[1]"),
                ("!!int", "1_0"),
                ("!!int", "8.5"),
                ("!!map", "[1]"),
                ("!!set", "[1]"),
            )
        ),
        *(
            (f"a: {tag} [b: 1]", ["line 1, column 4", "makes pairs", "allowed is a mapping"])
            for tag in ("!!omap", "!!pairs")
        ),
        *(
            (f"a: 1\n{text}", ["line 2", f"U+{ord(end):04X}", "allowed are line feeds"])
            for end in "\x85\u2028\u2029"
            for text in (f"b: x{end}c: 1", f"b: 'x{end}y'", f"# x{end}b: 1")
        ),
        ("a: b\n\tc: d", ["line 2, column 1", "not YAML"]),
        ("a: [1", ["not YAML"]),
        ("a: 1\n---\nb: 2", ["not YAML", "another document"]),
        ("b: 1\na: 2025-99-99", ["line 2, column 4: a value cannot be read (month must be"]),
        ("b: 1\na: [" + "9" * 5_000 + "]", ["line 2, column 5: a value cannot be read (a whole"]),
        ("? [a]\n: b", ["not YAML"]),
        ("a: *b", ["not YAML", "undefined alias"]),
        ("\x00", ["line 1: not YAML"]),
        ("a: caf\xe9\nb: 1\x07", ["line 2: not YAML", "characters are not allowed"]),
        ("[" + "1," * 100_001 + "]", ["line 1: holds more than the 100000 values"]),
        ('a: "b\\0c"', ["key a", "a control character"]),
        ('"a\\e[2J": b', ["key 'a\\x1b[2J'", "a control character"]),
        ('a: "\\u202e50 %\\u202c"', ["key a", "a control character"]),
        ('a: "b\\u2066c"', ["key a", "a control character"]),
        (
            "a: {source: 'https://h/x?api_key=hunter2hunter2'}",
            ["key a.source: looks like a secret"],
        ),
        ("[" * 100_000, ["line 1", "nested deeper"]),
        ("a: &a [*a]", ["anchors", "themselves"]),
    ],
)
def test_what_is_no_plain_document_is_refused_with_its_place(text, words):
    message = refusal(parse, text, "config/x.yaml")
    assert "hunter2" not in message
    assert all(line.startswith("config/x.yaml") for line in message.splitlines())
    assert [word for word in words if word not in message] == []


def test_anchors_that_stand_for_too_much_are_refused_before_they_are_built():
    lines = ["a0: &a0 [" + ",".join("x" * 9) + "]"]
    for step in range(1, 12):
        lines.append(f"a{step}: &a{step} [" + ",".join([f"*a{step - 1}"] * 9) + "]")
    assert "anchors" in refusal(parse, "\n".join(lines), "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("10:12", "10:12"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1e9", 1e9),
        ("1.5e-3", 1.5e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7),
        ("-0", 0),
        ("'010'", "010"),
        ("!!int 010", 10),
        ("!!float 8", 8.0),
    ],
)
def test_numbers_are_those_of_yaml_1_2(text, value):
    read = parse(f"a: {text}", "x")["a"]
    assert (read, type(read)) == (value, type(value))
    assert typed(text.strip("'"), {"type": "number"}) == (value if text[0] != "'" else 10)


def test_truth_values_are_those_of_yaml_1_2():
    """The words of YAML 1.1, of which one is the code of a country, are text."""
    for word, value in (("true", True), ("false", False)):
        for text in (word, word.title(), word.upper(), f"!!bool {word}"):
            assert parse(f"a: {text}", "x")["a"] is value
    words = [
        text
        for word in ("yes", "no", "on", "off", "y", "n")
        for text in (word, word.title(), word.upper())
    ]
    for text in (*words, "tRUE"):
        assert parse(f"{text}: {text}", "x") == {text: text}
        assert yaml.safe_load(dump({"a": text})) == {"a": text}
        assert typed(text, {"type": "boolean"}) == text
        assert "not YAML" in refusal(parse, f"a: !!bool {text}", "x")
    schema = {"properties": {"a": {"type": "boolean"}}}
    (told,) = schema_problems(parse("a: no", "x"), schema, "x")
    assert told == "x: key a: value 'no': allowed is true or false; correct the value"


@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_of_many_digits_is_refused(digits):
    message = refusal(parse, "a: " + "9" * digits, "x")
    assert len(message) < 300
    assert "correct" in message


@pytest.mark.parametrize("zeros", ["0e-400", "-0.00e-999", "0.0", ".0e9"])
def test_a_number_that_underflows_is_no_zero(zeros):
    assert parse(f"a: {zeros}", "x") == {"a": 0.0}
    for text in ("1e-400", "-2.5E-999", f"0.{'0' * 400}1", f"!!float 0.{'0' * 30}1e-400"):
        message = refusal(parse, f"b: 1\na: {text}", "x.yaml")
        number = text.removeprefix("!!float ")
        assert message == (
            "x.yaml, line 2, column 4: a value cannot be read (the number"
            f" {documents.in_short(number)} is nearer to 0 than 5e-324, the least that is read);"
            " correct it"
        )


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.text(
            st.characters(exclude_categories=["Cc", "Cs"], include_characters="\t\n\x85")
        ).filter(lambda text: not text or (shows(text) and not documents.CONTROL.search(text)))
        # what either version of YAML could take for a number
        | st.text("0123456789:_.+-eoxabfinN")
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text("ab1.: #-", min_size=1).filter(shows), inner)
        ),
        max_leaves=8,
    ).filter(lambda value: value is not None)
)
def test_what_is_written_is_read_as_it_was(content):
    for form in ({}, {"allow_unicode": True, "width": 100, "sort_keys": False}):
        text = dump(content, **form)
        assert parse(text, "x") == content
        assert yaml.safe_load(text) == content


def test_what_is_allowed_but_unusual_is_told_with_what_is_usual():
    schema = {
        "properties": {"pue": {"$ref": "#/$defs/pue", "minimum": 1, "maximum": 3}},
        "$defs": {"pue": {"type": "number", "x-reason": "facts", "x-usual": {"maximum": 2}}},
    }
    assert unusual({"pue": 1.5}, schema, "x") == []
    (told,) = unusual({"pue": 2.5}, schema, "x")
    assert told == "x: key pue: value 2.5: unusual; usual is a number of at most 2; check it"


def test_a_bound_is_told_with_its_reason_and_remedy():
    pue = {"type": "number", "maximum": 3, "x-reason": "so it is", "x-remedy": "state less"}
    (told,) = schema_problems({"pue": 4}, {"properties": {"pue": pue}}, "x")
    assert told == "x: key pue: value 4: allowed is a number of at most 3, as so it is; state less"


def test_anchors_stand_for_their_values():
    assert parse("a: &a {b: 1}\nc: *a", "x") == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "k: {<<: {value: 1, value: 2}}",
        "k: {<<: [{a: 1}, {value: 1, value: 2}]}",
        "k: {<<: {<<: {value: 1, value: 2}}}",
        "k: {<<: &v {value: 1, value: 2}}\nl: *v",
        "v: &v {value: 1, value: 2}\nk: {<<: *v}\nl: {<<: *v}",
    ],
)
def test_keys_that_stand_twice_in_what_is_merged_are_told_once(text):
    assert refusal(parse, text, "x").count("key value: stands there twice") == 1


def test_all_keys_that_stand_twice_are_told_at_once():
    message = refusal(parse, "a: 1\na: 2\nb: {c: 1, c: 2}", "x")
    assert message.count("stands there twice") == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, ["no such file"]),
        (lambda path: path.mkdir(), ["is no file"]),
        (lambda path: path.write_bytes(b"a: b\nc: \xe9\n"), [", line 2", "0xe9", "UTF-8"]),
        (lambda path: path.write_bytes("a: b\n".encode("utf-16")), ["UTF-8"]),
        (lambda path: path.symlink_to(path.name), ["cannot be read"]),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, make, words):
    path = tmp_path / "x.yaml"
    make(path)
    message = refusal(read, path)
    assert message.startswith(str(path)) and "\n" not in message
    assert [word for word in words if word not in message] == []


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\r\n")
    assert read(path) == {"a": "b"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"powr": 1}, ["unknown key powr", "allowed are power, kind"]),
        ({"knid": "user"}, ["unknown key knid", "did you mean kind?"]),
        ({"power": {"vlaue": 1}}, ["key power: unknown key vlaue", "did you mean value?"]),
        ({"power": {"vlaue": 1}}, ["missing key value; allowed is a number above 0"]),
        ({"power": {"value": 10}}, ["key power.value: value 10", "above 0 and of at most 9"]),
        ({"power": 3}, ["key power: value 3: allowed is keys with values"]),
        ({"kind": "papr"}, ["value 'papr': allowed is paper, user or null"]),
        ({"unit": 1}, ["value 1: allowed is '1'; write it in quotes"]),
        ({"unit": 2}, ["value 2: allowed is '1'; correct the value"]),
        ({"lengths": [1]}, ["a list of at least 2 (each a whole number of at least 1)"]),
        ({"lengths": [1, 0]}, ["key lengths.1: value 0"]),
        ({"models": {"A": {"valu": 1}}}, ["key models.A: unknown key valu"]),
        ({"either": {"c": 1}}, ["allowed is a, or b and c; state one of them"]),
        ({"power": {"value": float("inf")}}, ["key power.value", "finite"]),
        ({1: "x"}, ["key 1", "is no text"]),
        ({"lengths": [3, 1e6]}, ["key lengths.1: value 1000000.0", "without point and exponent"]),
        ({"samples": 16.0}, ["key samples: value 16.0: allowed is 16 or 32; write it without"]),
        ({"kind": "a\x1b[31mb"}, ["key kind: value 'a\\x1b[31mb': holds a control character"]),
        ({"models": {"A\x00": {"value": 1}}}, ["holds a control character"]),
    ],
)
def test_what_a_schema_refuses_is_told_with_what_is_allowed(change, words):
    problems = schema_problems(RIGHT | change, SCHEMA, "f.yaml")
    assert problems and all(problem.startswith("f.yaml: key ") for problem in problems)
    assert [word for word in words if word not in "\n".join(problems)] == []


NARROWED = {
    "properties": {
        "pue": {
            "$ref": "#/$defs/factor",
            "properties": {"value": {"type": "number", "minimum": 1, "maximum": 3}},
        }
    },
    "$defs": {
        "factor": {
            "properties": {"value": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}}
        }
    },
}


@pytest.mark.parametrize("value", ["1.2 or so", [1.2], None, {"a": 1}, 0.5, 0, -7, 5, 5000])
def test_of_bounds_within_each_other_the_narrow_ones_are_told(value):
    (problem,) = schema_problems({"pue": {"value": value}}, NARROWED, "m.yaml")
    told = "null" if value is None else repr(value)
    assert problem == (
        f"m.yaml: key pue.value: value {told}: allowed is a number of at least 1 and of at most"
        " 3; correct the value"
    )
    wide_first = {"properties": {"pue": NARROWED["$defs"]["factor"]}, "allOf": [NARROWED]}
    wide_first["$defs"] = NARROWED["$defs"]
    assert schema_problems({"pue": {"value": value}}, wide_first, "m.yaml") == [problem]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"a": {"p5": 1, "p95": 2}, "b": [{"lower": 0, "upper": 0.1}]}, []),
        ({"a": {"p5": 2, "p95": 2}}, ["key a: value p5 = 2, p95 = 2: allowed is p5 < p95"]),
        (
            {"b": [{"c": {"lower": 20, "upper": 4}}]},
            ["key b.0.c: value lower = 20, upper = 4: allowed is lower < upper"],
        ),
        ({"p5": "x", "p95": 1, "lower": 3}, []),
    ],
)
def test_ranges_rise(content, told):
    expected = [f"f.yaml: {problem}; swap or correct them" for problem in told]
    assert order_problems(content, "f.yaml") == expected


def test_words_of_several_options_are_told_as_one_list():
    options = [{"const": "coupled"}, {"enum": ["log-normal", "fixed"]}]
    schema = {
        "type": "object",
        "required": ["kind"],
        "anyOf": [{"properties": {"kind": option}} for option in options],
    }
    (problem,) = schema_problems({}, schema, "f.yaml")
    assert "allowed is coupled, log-normal or fixed; state it" in problem
    options[1]["enum"] = ["1"]
    (problem,) = schema_problems({}, schema, "f.yaml")
    assert "allowed is coupled or '1'; state it" in problem


def test_a_key_that_is_there_already_is_not_offered_but_named():
    (problem,) = schema_problems(RIGHT | {"powers": 1}, SCHEMA, "f.yaml")
    assert "did you mean" not in problem
    assert problem.endswith("; power is stated beside it")
    ends = SCHEMA | {"properties": {"method": {}, "methods": {}}, "required": []}
    (problem,) = schema_problems({"methods": [], "methodss": []}, ends, "f.yaml")
    assert problem.endswith("; did you mean method? methods is stated beside it")


def test_a_key_that_is_there_by_inheritance_alone_is_offered():
    (problem,) = schema_problems(RIGHT | {"powers": 1}, SCHEMA, "f.yaml", stated={"powers": 1})
    assert problem.endswith("did you mean power?")


def test_keys_apart_need_and_exclude_no_others():
    schema = SCHEMA | {"then": {"properties": {"unit": False}}, "if": {"required": ["kind"]}}
    part = {"kind": "user", "unit": "1", "models": {"A": {}}, "either": {}}
    assert len(schema_problems(part, schema, "f.yaml")) == 4
    assert schema_problems(part, apart(schema), "f.yaml") == []
    (problem,) = schema_problems({"models": {"A": {"valu": 1}}}, apart(schema), "f.yaml")
    assert "unknown key valu" in problem


def test_a_right_document_has_no_problems():
    assert schema_problems(RIGHT, SCHEMA, "f.yaml") == []


def test_a_long_value_is_cut():
    (problem,) = schema_problems(RIGHT | {"kind": "x" * 1000}, SCHEMA, "f.yaml")
    assert len(problem) < 200


def test_the_problems_of_several_blocks_are_collected():
    problems = []
    for name in ("a", "b"):
        with collecting(problems):
            raise InputError([name, name * 2])
    assert problems == ["a", "aa", "b", "bb"]


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("30", {"type": "number"}, 30),
        ("0.5", {"type": ["number", "null"]}, 0.5),
        ("null", {"type": ["number", "null"]}, None),
        ("true", {"type": "boolean"}, True),
        ("70", {"type": "string"}, "70"),
        ("null", {"type": "string"}, "null"),
        ("null", {"type": ["string", "null"]}, None),
        ("", {"type": ["string", "null"]}, None),
        (["1", "8"], {"type": "array", "items": {"type": "integer"}}, [1, 8]),
        (["1", "a"], {"type": ["string", "array"], "items": {"type": "string"}}, ["1", "a"]),
        ({"a": "1"}, {"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"b": "true", "c": "{x}"}, {"type": "object"}, {"b": True, "c": "{x}"}),
        ("three", {"type": "integer"}, "three"),
        (3.5, {"type": "string"}, 3.5),
    ],
)
def test_text_of_the_command_line_becomes_what_the_schema_asks_for(value, schema, expected):
    assert typed(value, schema) == expected
    assert type(typed(value, schema)) is type(expected)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dates(),
        lambda parts: (
            st.lists(parts, max_size=3)
            | st.dictionaries(st.text(max_size=2) | st.integers(), parts, max_size=3)
        ),
    )
)
def test_a_value_that_json_has_not_is_seen_at_once_and_told(value):
    assert documents._is_json(value) == (documents._unlike_json(value, "mine.yaml", "") == [])


@given(st.text())
def test_text_stays_text_where_text_is_asked_for(value):
    assert typed(value, {"type": "string"}) == value


@given(st.text())
def test_any_text_is_a_document_or_refused(text):
    try:
        parse(text, "x")
    except InputError as error:
        assert all(problem.startswith("x") for problem in error.problems)


def test_what_is_allowed_is_said_in_words():
    assert allowed(SCHEMA["properties"]["power"], SCHEMA) == "keys with values"
    assert allowed({"type": ["string", "null"]}, {}) == "text or null"
    assert allowed({"type": "string", "pattern": "^a"}, {}) == "text like ^a"
    assert allowed({"type": "array"}, {}) == "a list"
    assert allowed({"const": True}, {}) == "true"
    assert allowed({}, {}) == "any value"
    options = [{"type": "string"}, {"properties": {"first": {}, "last": {}}}]
    assert allowed({"anyOf": options}, {}) == "text or a mapping with first, last"
    assert allowed({"type": "object", "anyOf": [{"required": ["a"]}]}, {}) == "keys with values"


def test_keys_that_are_left_out_have_their_defaults():
    schema = {
        "properties": {"a": {"default": 1}, "b": {"$ref": "#/$defs/b"}, "c": {}},
        "$defs": {"b": {"properties": {"d": {"default": "x"}, "e": {}}}},
    }
    assert with_defaults({"b": {"e": 2}}, schema, schema) == {"a": 1, "b": {"d": "x", "e": 2}}
    assert with_defaults({"a": 3, "c": [1]}, schema, schema) == {"a": 3, "c": [1]}
    assert with_defaults({"b": "text"}, schema, schema) == {"a": 1, "b": "text"}


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("H100", "H100-SXM-80GB or H100-PCIe-80GB"),
        ("h200", "H200-SXM-141GB"),
        ("H200-SXM", "H200-SXM-141GB"),
        ("B300", "B200"),
        ("H1", ""),
        ("TPU", ""),
    ],
)
def test_names_that_a_word_begins_are_offered_before_those_like_it(word, offered):
    known = ["B200", "H100-SXM-80GB", "H100-PCIe-80GB", "H200-SXM-141GB"]
    assert documents.near(word, known) == (f"; did you mean {offered}?" if offered else "")


def test_three_of_many_names_are_offered():
    assert documents.near("run", [f"run-{i}" for i in range(9)]) == (
        "; did you mean run-0, run-1 or run-2?"
    )


def test_the_nearest_path_is_offered_for_one_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "data/throughput/oviedo.csv"
    table.parent.mkdir(parents=True)
    table.touch()
    whole, meant = "data/throughput/oviedo.csv", "; did you mean {}?"
    for path in ("data/throughput/ovideo.csv", "dat/througput/oviedo.csv", f"./{whole[:-1]}"):
        assert documents.near_path(path) == meant.format(whole)
        assert documents.near_path(tmp_path / path) == meant.format(tmp_path / whole)
    for path in ("oviedo.csv", "somewhere/else/oviedo.csv"):
        assert documents.near_path(path) == ""
        assert documents.near_path(path, [whole]) == meant.format(whole)
    for path in (
        "",
        "x" * 5000,
        "a/" * 3000,
        "a\0b",
        f"{whole}/x",
        "../none/x",
        "data/throughput/a.csv",
    ):
        assert documents.near_path(path) == ""


def test_what_is_there_and_no_file_is_not_offered_again(tmp_path):
    os.mkfifo(tmp_path / "log.csv")
    assert documents.near_path(tmp_path / "log.csv") == "; what is there is no file"
    assert documents.near_path(tmp_path) == ""


def test_a_link_that_leads_nowhere_is_no_nearest_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("evidence.yaml", "evidences.yaml"):
        (tmp_path / name).symlink_to("nowhere")
    assert documents.near_path("evidence.yaml") == ""
    (tmp_path / "evidenced.yaml").touch()
    assert documents.near_path("evidence.yaml") == "; did you mean evidenced.yaml?"


def test_what_is_wrong_with_a_file_is_told_in_full(tmp_path, monkeypatch):
    path = tmp_path / "x.yaml"
    assert refusal(read, path) == f"{path}: no such file; restore it, or correct the name"
    (tmp_path / "xs.yaml").touch()
    assert refusal(read, path).endswith(f"; did you mean {tmp_path}/xs.yaml?")
    path.mkdir()
    assert refusal(read, path) == (
        f"{path}: is no file; allowed is a YAML file; put one in its place"
    )
    assert refusal(read, "a\0b") == (
        "a\\x00b: cannot be read (embedded null byte); make it readable"
    )
    long = "x" * 300
    assert refusal(read, long) == (
        f"{long[:200]}: cannot be read (File name too long); make it readable"
    )
    path.rmdir()
    path.write_bytes(b"a: b\nc: d\ne: \xe9\n")
    assert refusal(read, path) == (
        f"{path}, line 3: byte 0xe9 is not UTF-8; only UTF-8 text is allowed; save the file as"
        " UTF-8"
    )
    monkeypatch.setattr(documents, "LARGEST_FILE", 9)
    path.write_text("a: 123456")
    assert read(path) == {"a": 123456}
    path.write_text("a: 1234567")
    assert refusal(read, path) == f"{path}: is 10 bytes; allowed are at most 9; shorten it"
    # what the system says has no size before it is read
    endless = "/proc/self/status"
    assert refusal(read, endless) == (
        f"{endless}: is more than 9 bytes; allowed are at most 9; shorten it"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ": is empty; allowed are keys with values; state them"),
        (
            "a: 1\nb: {a: 1,\n a: 2}",
            ", line 3: key a: stands there twice; allowed is once; remove one of them",
        ),
        ("a: b\n\tc: d", ", line 2, column 1: not YAML (found a tab character"),
        (
            "b: 1\na: 2025-99-99",
            ", line 2, column 4: a value cannot be read (month must be in 1..12",
        ),
        (
            "a: !!omap [b: 1]",
            ", line 1, column 4: not YAML (!!omap makes pairs, allowed is a mapping); correct the"
            " syntax",
        ),
        (
            "a: !!bool maybe",
            ", line 1, column 4: not YAML (what is tagged !!bool is none); correct the syntax",
        ),
        (
            "a:\n- " + "[" * 40 + "]" * 40,
            ", line 2: nested deeper than the 40 levels that are allowed; flatten it",
        ),
        (
            "a: 1\nb: c\u2028d",
            ", line 2: holds U+2028, an end of a line for some readers alone; allowed are line"
            " feeds; put one in its place, or take it out",
        ),
        (
            "a: &a\n- *a",
            ", line 2: anchors stand for themselves or for more than the 100000 values that are"
            " allowed; write the values out",
        ),
        (
            "x: {a.b: [.inf]}",
            ": key x.a.b.0: value inf: allowed are finite numbers; correct the value",
        ),
        (
            "- 1: b",
            ": key 0: key 1: is no text; allowed are names; put it in quotes or correct it",
        ),
        (
            "- 2025-01-01",
            ": key 0: value 2025-01-01: is a date; allowed are text, numbers, true, false and"
            " null; put it in quotes or correct it",
        ),
        (
            "a: 9007199254740993",
            ": key a: value of 54 bits: allowed are whole numbers up to 2^53, beyond which"
            " neighbours cannot be told apart; correct the value",
        ),
        (
            "a: sk-hunter2hunter2hunter2",
            ": key a: looks like a secret, which results would repeat; allowed is text that holds"
            " none; take it out, and set OPENAI_API_KEY where a server needs a key",
        ),
        ("a: ' '", ": key a: value ' ': holds nothing that shows; write it out or remove it"),
        ('a: "b\\a"', ": key a: value 'b\\x07': holds a control character; remove it"),
    ],
)
def test_what_is_no_plain_document_is_told_in_full(text, told):
    message = refusal(parse, text, "x.yaml")
    assert "\n" not in message
    assert message.startswith(f"x.yaml{told}") or message == f"x.yaml: key (top){told[6:]}"


def test_half_a_character_is_told_in_full():
    told = "holds half a character (a lone surrogate); write it out or remove it"
    assert schema_problems({"a": ["\ud800"], "\udfff": 1}, {}, "x") == [
        f"x: key (top): key '\\udfff': {told}",
        f"x: key a.0: value '\\ud800': {told}",
    ]


def test_the_bounds_of_a_document_are_allowed():
    assert parse("a: 9007199254740992\nb: -9007199254740992", "x") == {"a": 2**53, "b": -(2**53)}
    assert parse("[" * 40 + "]" * 40, "x")
    assert len(parse("[" + "1," * 99_999 + "]", "x")) == 99_999
    digits = "1" * documents.MOST_DIGITS
    assert f"value of {int(digits).bit_length()} bits" in refusal(parse, f"a: {digits}", "x")
    told = f"a whole number of {len(digits) + 1} digits"
    assert told in refusal(parse, f"a: {digits}1", "x")


def test_what_anchors_stand_for_is_counted_once_for_each_time():
    ten = "a: &a [" + "x," * 10 + "]\n"
    assert len(parse(ten + "b: [" + "*a," * 9000 + "]", "x")["b"]) == 9000
    assert "anchors stand for" in refusal(parse, ten + "b: [" + "*a," * 9200 + "]", "x")
    assert len(parse("a: &a x\nb: [" + "*a," * 90_000 + "]", "x")["b"]) == 90_000


def test_keys_that_stand_twice_are_listed_of_a_text_alone():
    assert documents.repeated_keys("{a: 1, b: {c: 1, c: 2}, a: 2}") == ["a", "c"]
    assert documents.repeated_keys("a: [") == documents.repeated_keys("a: 2025-99-99") == []
    assert documents.repeated_keys("a: 1") == []


def test_a_line_is_written_on_one():
    content = {"a": documents.Line(b=[1, {"c": 2}]), "d": {"e": 1}}
    assert dump(content) == "a: {b: [1, {c: 2}]}\nd:\n  e: 1\n"
    assert dump({"a": "b\u2028c"}) == 'a: "b\\Lc"\n'
    assert dump({"a": "010", "b": "1e9", "c": "x"}) == "a: '010'\nb: '1e9'\nc: x\n"


def test_a_document_of_json_has_each_key_once_and_text_that_can_be_written():
    assert documents.json_object([("a", 1), ("b", "x")]) == {"a": 1, "b": "x"}
    assert refusal(documents.json_object, [("a", 1), ("b", 2), ("b", 3)]) == (
        '"b" stands there twice; allowed is once'
    )
    for pairs, shown in (([("\ud800", 1)], r"'\ud800'"), ([("a", 1), ("b", "\udfff")], "'b'")):
        assert refusal(documents.json_object, pairs) == (
            f"{shown} holds half a character (a lone surrogate); only text that UTF-8 can hold is"
            " allowed"
        )
    assert documents.json_number("2.5e1") == 25.0
    assert documents.json_number("-0.0e-9") == 0
    for text in ("1e-400", "0." + "0" * 400 + "1"):
        assert refusal(documents.json_number, text) == (
            f'holds the number "{text[:80]}"; allowed are 0 and numbers from 5e-324'
        )


def test_text_that_can_be_written_shows():
    assert shows("a") and shows("\u200bé") and shows("a\tb")
    assert not any(map(shows, ("", " ", "\t", "\u200b", "\u3164 ", "\u00a0")))


LACKING = {
    "type": "object",
    "required": ["pue", "power", "node"],
    "x-file": {"extends": {}, "title": {}},
    "properties": {
        "pue": {"type": "number", "minimum": 1, "x-remedy": "state it over IT energy"},
        "power": {"$ref": "#/$defs/power"},
        "node": {
            "type": "object",
            "required": ["gpus", "kind"],
            "properties": {
                "gpus": {"type": "integer"},
                "kind": {"enum": ["dense", "moe"], "x-remedy": "take that of its table"},
                "name": {"type": "string"},
            },
        },
    },
    "$defs": {"power": {"type": "object", "required": ["value"], "properties": {"value": {}}}},
}


@pytest.mark.parametrize(
    ("content", "stated", "told"),
    [
        (
            {"power": {"value": 1}, "node": {"gpus": 1, "kind": "moe"}},
            None,
            [
                "(top): missing key pue; allowed is a number of at least 1; state it; state it over"
                " IT energy"
            ],
        ),
        (
            {"node": {"gpus": 1, "kind": "moe"}},
            None,
            [
                "(top): missing keys pue and power; allowed are pue: a number of at least 1, power:"
                " keys with values (value); state them; pue: state it over IT energy"
            ],
        ),
        (
            {"pue": 1, "node": {"gpus": 1, "kind": "moe"}},
            {"node": {}},
            ["(top): missing key power; state it, or extends and title: the one to take them from"],
        ),
        (
            {"pue": 1},
            {"title": "x"},
            [
                "(top): missing keys power and node; state them, or extends: the one to take them"
                " from"
            ],
        ),
        (
            {"pue": 1},
            {"title": "x", "extends": "y"},
            [
                "(top): missing keys power and node; allowed are power: keys with values (value),"
                " node: keys with values (gpus and kind); state them"
            ],
        ),
        (
            {"pue": 1, "power": {"value": 1}, "node": {"name": "x"}},
            {"pue": 1},
            [
                "node: missing keys gpus and kind; allowed are gpus: a whole number, kind: dense or"
                " moe; state them beside name; kind: take that of its table"
            ],
        ),
        (
            {"pue": 0, "power": {}, "node": {"gpus": 1, "kind": "moe"}},
            None,
            [
                "power: missing key value; allowed is any value; state it",
                "pue: value 0: allowed is a number of at least 1; state it over IT energy",
            ],
        ),
    ],
)
def test_what_is_missing_is_told_together_with_what_it_may_be(content, stated, told):
    problems = schema_problems(content, LACKING, "m.yaml", stated)
    assert sorted(problems) == sorted(f"m.yaml: key {problem}" for problem in told)


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        (
            {"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
            {},
            "allowed is a, or b and c; state one of them",
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 2},
            "allowed is a, or b; state one",
        ),
        ({"type": "string", "minLength": 1}, "", "is empty; state it"),
        ({"type": "object", "minProperties": 1}, {}, "is empty; state it"),
        ({"type": "array", "minItems": 1}, [], "is empty; state it"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            [1],
            "value [1]: allowed is a list of 2 (each a whole number); correct the value",
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
            [1, 2, 3],
            "value [1, 2, 3]: allowed is a list of 1 to 2 (each a whole number); correct the value",
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "maxItems": 1},
            [1, 2],
            "value [1, 2]: allowed is a list of 0 to 1 (each a whole number); correct the value",
        ),
        (
            {"type": "array", "items": {}, "minItems": 2},
            [1],
            "value [1]: allowed is a list; correct the value",
        ),
        (
            {"uniqueItems": True},
            [1, 1],
            "value [1, 1]: allowed is each once; remove what stands there twice",
        ),
        (
            {"contains": {"const": "published"}},
            ["x"],
            "value ['x']: allowed is a list that holds published; add it",
        ),
        (False, 1, "value 1: not allowed with the other keys; remove it"),
        (
            {"propertyNames": {"pattern": "^a"}},
            {"b": 1},
            '"b" does not match "^a": not allowed as a name; correct it',
        ),
        (
            {"enum": ["paper", "user"]},
            "papr",
            "value 'papr': allowed is paper or user; correct the value; did you mean paper?",
        ),
        ({"enum": ["1", "2"]}, 1, "value 1: allowed is '1' or '2'; write it in quotes"),
        (
            {"type": "string", "pattern": "^[A-Z]+$", "x-words": "text in capitals"},
            "x",
            "value 'x': allowed is text in capitals; correct the value",
        ),
        (
            {"type": ["integer", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            9,
            "value 9: allowed is a whole number above 0 and below 9 or null; correct the value",
        ),
    ],
)
def test_what_a_value_may_be_is_told_in_full(schema, value, told):
    schema = {"properties": {"k": {"properties": {"v": schema}}}}
    assert schema_problems({"k": {"v": value}}, schema, "f.yaml") == [f"f.yaml: key k.v: {told}"]


def test_a_key_of_digits_is_found_in_the_document():
    schema = {"additionalProperties": {"type": "array", "items": {"enum": ["paper"]}}}
    assert schema_problems({"2025": ["papr"]}, schema, "f.yaml") == [
        "f.yaml: key 2025.0: value 'papr': allowed is paper; correct the value; did you mean paper?"
    ]


def test_a_whole_number_with_a_point_is_told_wherever_it_stands():
    schema = {
        "properties": {
            "a": {"$ref": "#/$defs/each"},
            "b": {"additionalProperties": {"type": ["integer", "null"]}},
            "c": {"type": ["integer", "number"]},
            "d": {"type": "number"},
            "e": {"enum": [1, "x"]},
        },
        "$defs": {"each": {"type": "array", "items": {"type": "integer", "minimum": 1}}},
    }
    content = {
        "a": [1, 2.0],
        "b": {"x": 3.0, "y": 4},
        "c": 1.0,
        "d": 2.0,
        "e": 1.0,
        "unknown": {"f": 1.0, "g": [1.0]},
    }
    assert schema_problems(content, schema, "f.yaml") == [
        f"f.yaml: key {key}: value {value}: allowed is {kind}; write it without point and exponent"
        for key, value, kind in (
            ("a.1", 2.0, "a whole number of at least 1"),
            ("b.x", 3.0, "a whole number or null"),
            ("e", 1.0, "1 or x"),
        )
    ]


def test_what_is_usual_is_read_in_every_part_of_a_schema():
    schema = {
        "properties": {
            "a": {"items": {"type": "number", "maximum": 9, "x-usual": {"minimum": 2}}},
            "b": {"anyOf": [{"type": "null"}, {"type": "number", "x-usual": {"maximum": 2}}]},
        }
    }
    assert unusual({"a": [2, 3], "b": None}, schema, "x") == []
    assert unusual({"a": [2, 1]}, schema, "x") == [
        "x: key a.1: value 1: unusual; usual is a number of at least 2 and of at most 9; check it"
    ]
    (told,) = unusual({"b": 3}, schema, "x")
    assert told == "x: key b: value 3: unusual; usual is null or a number of at most 2; check it"


def test_validators_are_kept_of_some_schemas_and_of_no_other(monkeypatch):
    monkeypatch.setattr(documents, "MOST_VALIDATORS", 2)
    monkeypatch.setattr(documents, "VALIDATORS", {})
    schemas = [{"properties": {"a": {"maximum": most}}} for most in range(5)]
    for _ in range(2):
        for most, schema in enumerate(schemas):
            assert schema_problems({"a": most}, schema, "x") == []
            assert len(schema_problems({"a": most + 1}, schema, "x")) == 1
            assert len(documents.VALIDATORS) <= 2


def test_what_other_keys_decide_is_told_of_each_way():
    schema = {
        "properties": {"kind": {"enum": ["a", "b"]}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": "a"}}},
                "then": {"properties": {"size": {"type": "integer"}}},
                "else": {"properties": {"size": {"type": "string"}}},
            }
        ],
        "required": ["size"],
    }
    assert schema_problems({"kind": "a"}, schema, "x") == [
        "x: key (top): missing key size; allowed is a whole number or text; state it"
    ]


def test_an_unknown_key_is_told_with_those_of_the_file_and_the_nearest():
    schema = {
        "additionalProperties": False,
        "properties": {"power": {}, "pue": {}},
        "x-file": {"extends": {}},
    }
    assert schema_problems({"extend": 1}, schema, "x") == [
        "x: key (top): unknown key extend; allowed are power, pue; remove it or correct its name;"
        " did you mean extends?"
    ]
    assert schema_problems({"zzz": 1}, schema, "x") == [
        "x: key (top): unknown key zzz; allowed are power, pue; remove it or correct its name"
    ]


def test_a_value_is_written_on_one_line_and_shown_in_short():
    assert documents.in_short("x" * 78) == repr("x" * 78)
    assert documents.in_short("x" * 79) == f"'{'x' * 76}..."
    assert documents.written("a " * 100) == ("a " * 100).join("''")
    assert documents.written([1, {"b": "2"}]) == "[1, {b: '2'}]"
    assert documents.written(None) == "null"
    assert typed("~", {"type": ["string", "null"]}) is None
    assert typed("~", {"type": "string"}) == "~"


def test_a_default_goes_before_none_of_what_is_stated():
    schema = {"$ref": "#/$defs/a", "default": 3, "$defs": {"a": {"default": 1, "type": "integer"}}}
    assert documents.resolved(schema, schema) == {"default": 3, "type": "integer"} | {
        "$defs": schema["$defs"]
    }


def test_names_in_folders_are_offered_by_what_they_are_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("tables.csv", "tables.yaml", "oviedo.csv"):
        (tmp_path / name).touch()
    # of the same ending first, whatever other endings are nearer
    assert documents.near_path("table.yaml") == "; did you mean tables.yaml?"
    assert documents.near_path("oviedo.cvs") == "; did you mean oviedo.csv?"
    # another ending only where the whole is alike
    assert documents.near_path("ovi.yaml") == ""
    monkeypatch.setattr(documents, "MOST_NEIGHBOURS", 0)
    assert documents.near_path("table.yaml") == ""


def test_the_line_of_what_cannot_be_read_is_counted_from_the_first(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\na: \xe9\n")
    assert refusal(read, path).startswith(f"{path}, line 2: byte 0xe9")
    path.write_text("a: 1\na: 2\n")
    assert refusal(read, path).startswith(f"{path}, line 2: key a: stands there twice")
    # of a character that stands twice the first
    assert refusal(parse, "a: 1\nb: \x07\nc: \x07\n", "x").startswith("x, line 2: not YAML")


def test_a_schema_is_read_by_its_name_and_once():
    schema = documents.read_schema("config")
    assert "methods" in schema["properties"]
    assert documents.read_schema("config") is schema
