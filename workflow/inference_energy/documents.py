"""YAML documents: read strictly, and checked against JSON Schemas.

Nowhere else does YAML become values. PyYAML reads YAML 1.1, in which ``010`` is 8, ``10:12`` is 612
and ``1e9`` is text; numbers are read here as YAML 1.2 (core schema) has them: 10, text, and 1e9.
So are truth values, of which ``yes`` and ``no`` are none. What 1.1 takes for dates it still does,
and what is no text, number or truth value is refused.
"""

import math
import os
import re
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import ValidationError, Validator, validator_for

from inference_energy.errors import InputError
from inference_energy.project import AnyPath, read_at_most
from inference_energy.secrecy import looks_secret

Schema = dict[str, Any]

# the loader of libyaml is ten times as fast, where PyYAML was built with it
BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# beyond these no file of this project, but one that would end in a crash or fill the memory
DEEPEST = 40
LARGEST = 100_000
LARGEST_FILE = 2**22
SHOWN = 80
# beyond this, floats no longer tell integers apart
LARGEST_NUMBER = 2**53
# nearer to zero than this are none but zero
LEAST_NUMBER = math.ulp(0.0)
# beyond this, Python takes digits for an attack
MOST_DIGITS = sys.int_info.default_max_str_digits
STANDARD = "tag:yaml.org,2002:"
INTEGER, FLOAT, MERGED = f"{STANDARD}int", f"{STANDARD}float", f"{STANDARD}merge"
TRUTH = f"{STANDARD}bool"
NUMBERS = {
    INTEGER: re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    FLOAT: re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
        r"|\.(nan|NaN|NAN)"
    ),
}
"""Numbers of the core schema of YAML 1.2, by tag; the first that fits the whole text."""
FORMS = NUMBERS | {
    TRUTH: re.compile("true|True|TRUE|false|False|FALSE"),
    f"{STANDARD}timestamp": yaml.SafeLoader.timestamp_regexp,
}
"""What is written of values whose tag a file may state; PyYAML ends in a traceback at others."""
PAIRS = {f"{STANDARD}omap", f"{STANDARD}pairs"}
"""Tags of what is neither a mapping nor a list of values."""
LINE_END = re.compile("[\x85\u2028\u2029]")
"""Ends of lines for YAML 1.1, text for 1.2, of which a reader makes blanks or other keys."""
NOT_ZERO = re.compile("[-+0.]*[1-9]")
"""The beginning of a decimal number that is not zero, whatever its exponent."""
SURROGATE = re.compile("[\ud800-\udfff]")
# tabs and line ends are text, the others are for terminals; the last show text in another order
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
# Letters and marks that show nothing, beside the characters of Unicode's category C.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\uffa0\U00016fe4\U0001d159"
    "\U000e0100-\U000e01ef]"
)
SCHEMAS = Path(__file__).parent.parent / "schemas"

BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "of at least",
    "exclusiveMaximum": "below",
    "maximum": "of at most",
}
BOUNDING = {"type", *BOUNDS}
"""Rules of which a value that is no number, or is far off, breaks those of all its bounds."""
RANGES = (("p5", "p95"), ("lower", "upper"))
"""Keys that a mapping has for the ends of a range."""
OFFERED, SHORTEST = 3, 3
"""Names that are offered for a word which begins them, and the letters that it has at least."""
CLOSE = 0.8
"""Likeness of names of files with other endings, above which one may be meant."""
MOST_NEIGHBOURS = 1000
"""Files of a folder that a name which is not there is held against."""
MOST_VALIDATORS = 64
VALIDATORS: dict[int, tuple[Schema, Validator]] = {}
"""Schemas, held so that no other takes their place, and their validators, by identity."""
PLAIN = {"string": "text", "boolean": "true or false", "object": "keys with values", "null": "null"}


@contextmanager
def collecting(problems: list[str]) -> Iterator[None]:
    """Add the problems of an InputError to a list and go on behind the block."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def read(path: AnyPath) -> Any:
    """Read a YAML file.

    Parameters
    ----------
    path : str or path-like
        UTF-8, with or without a byte order mark.

    Returns
    -------
    object
        Mappings with text as keys, lists, text, finite numbers, truth values and None.

    Raises
    ------
    InputError
        Naming the file, and where it can the line: no such file, a folder, not readable, not
        UTF-8, empty, not YAML, and what :func:`parse` refuses.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is no file; allowed is a YAML file; put one in its place")
        data = b"" if found.st_size > LARGEST_FILE else read_at_most(path, LARGEST_FILE)
        if max(found.st_size, len(data)) > LARGEST_FILE:
            size = f"{found.st_size:.6g}" if found.st_size else f"more than {LARGEST_FILE}"
            raise InputError(
                f"{path}: is {size} bytes; allowed are at most {LARGEST_FILE}; shorten it"
            )
    except FileNotFoundError:
        told = f"{path}: no such file; restore it, or correct the name{near_path(path)}"
        raise InputError(told) from None
    except (OSError, ValueError) as error:
        # a path with a NUL is a ValueError
        reason = getattr(error, "strerror", error)
        raise InputError(f"{path!s:.200}: cannot be read ({reason}); make it readable") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; only UTF-8 text is"
            " allowed; save the file as UTF-8"
        ) from None
    return parse(text, path)


@cache
def read_schema(name: str) -> Schema:
    """JSON Schema of a YAML document, by the name of its file without ``.schema.yaml``."""
    return read(SCHEMAS / f"{name}.schema.yaml")


def parse(text: str, where: AnyPath) -> Any:
    """Turn YAML text into values; ``where`` names its file in messages.

    Raises
    ------
    InputError
        Text that is empty or not YAML; keys that stand twice or are no text; values other than
        text, finite numbers, truth values and null, such as dates; nesting and anchors that go
        beyond any use; ends of lines that are such for some readers alone.
    """
    try:
        _refuse_line_ends(text, where)
        _refuse_oversized(text, where)
        loader = _Loader(text)
        content = loader.get_single_data()
    except yaml.YAMLError as error:
        place = _place(error, text)
        if isinstance(error, _UnreadableError):
            told = f"{where}{place}: a value cannot be read ({error.problem}); correct it"
            raise InputError(told) from None
        reason = getattr(error, "problem", None) or getattr(error, "reason", None)
        raise InputError(f"{where}{place}: not YAML ({reason}); correct the syntax") from None
    except ValueError as error:
        reason = in_short(str(error))
        raise InputError(f"{where}: a value cannot be read ({reason}); correct it") from None
    if content is None:
        raise InputError(f"{where}: is empty; allowed are keys with values; state them")
    problems = [
        f"{where}, line {line}: key {key}: stands there twice; allowed is once; remove one of them"
        for line, key in loader.repeated
    ]
    problems += _value_problems(content, where)
    if problems:
        raise InputError(problems)
    return content


def _place(error: yaml.YAMLError, text: str) -> str:
    """Line, and column where it is known, of what is wrong with a text."""
    mark = getattr(error, "problem_mark", None)
    if mark:
        return f", line {mark.line + 1}, column {mark.column + 1}"
    # of a character that may stand nowhere the loader tells which, and its place in bytes
    character = getattr(error, "character", None)
    found = text.find(chr(character)) if isinstance(character, int) else -1
    return f", line {text.count(chr(10), 0, found) + 1}" if found >= 0 else ""


def repeated_keys(text: str) -> list[str]:
    """Keys that stand twice in a mapping of a YAML text; none where it is not YAML."""
    try:
        loader = _Loader(text)
        loader.get_single_data()
    except (yaml.YAMLError, ValueError):
        return []
    return [key for _, key in loader.repeated]


class _UnreadableError(yaml.constructor.ConstructorError):
    """A value that is written as YAML has it, and is none, such as the 99th of a month."""


class _Loader(BASE):
    """A loader of YAML 1.2's numbers and truth values that notes keys which stand twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[tuple[int, str]] = []
        self.noted: set[yaml.Node] = set()

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            for tag, number in NUMBERS.items():
                if number.fullmatch(value):
                    return tag
            tag = super().resolve(kind, value, implicit)
            is_none = tag in NUMBERS or (tag == TRUTH and not FORMS[TRUTH].fullmatch(value))
            return self.DEFAULT_SCALAR_TAG if is_none else tag
        return super().resolve(kind, value, implicit)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag in PAIRS:
            reason = f"{node.tag.replace(STANDARD, '!!')} makes pairs, allowed is a mapping"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)
        form = FORMS.get(node.tag)
        if form and not (isinstance(node.value, str) and form.fullmatch(node.value)):
            reason = f"what is tagged {node.tag.replace(STANDARD, '!!')} is none"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise _UnreadableError(None, None, str(error), node.start_mark) from None

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > MOST_DIGITS:
            raise ValueError(f"a whole number of {len(node.value)} digits")
        return int(node.value, 0) if node.value[:2] in ("0o", "0x") else int(node.value)

    def construct_float(self, node: yaml.ScalarNode) -> float:
        value: float = self.construct_yaml_float(node)
        if underflows(node.value, value):
            raise ValueError(
                f"the number {in_short(node.value)} is nearer to 0 than {LEAST_NUMBER}, the least"
                " that is read"
            )
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self._note(node)
        return super().construct_mapping(node, deep)

    def _note(self, node: yaml.Node) -> None:
        """Note the keys that stand twice in a mapping, and in those that it merges."""
        if not isinstance(node, yaml.MappingNode) or node in self.noted:
            return
        self.noted.add(node)
        seen = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                self.repeated.append((key.start_mark.line + 1, name))
            seen.add(name)
            if key.tag == MERGED:
                # what is merged is taken over without being a mapping of its own
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self._note(part)


_Loader.add_constructor(INTEGER, _Loader.construct_integer)
_Loader.add_constructor(FLOAT, _Loader.construct_float)


class _Dumper(yaml.SafeDumper):
    """A dumper that puts text in quotes that YAML 1.2 would take for a number.

    Ends of lines that are such for some readers alone are escaped.
    """

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            for tag, number in NUMBERS.items():
                if number.fullmatch(value):
                    return tag
        return super().resolve(kind, value, implicit)

    def of_text(self, text: str) -> yaml.Node:
        style = '"' if LINE_END.search(text) else None
        return self.represent_scalar(self.DEFAULT_SCALAR_TAG, text, style)

    def on_one_line(self, line: "Line") -> yaml.Node:
        return self.represent_mapping(f"{STANDARD}map", line, flow_style=True)


class Line(dict[str, Any]):
    """A mapping that :func:`dump` writes on one line, with all that it holds."""


_Dumper.add_representer(str, _Dumper.of_text)
_Dumper.add_representer(Line, _Dumper.on_one_line)


def number_problems(text: str) -> list[str]:
    """Say of what Python takes for a number, as Snakemake does, that YAML 1.2 does not.

    Parameters
    ----------
    text : str
        A value of the command line: digits with ``_`` between them, or of another script.
    """
    try:
        number = float(text)
    except ValueError:
        return []
    if not math.isfinite(number) or any(form.fullmatch(text) for form in NUMBERS.values()):
        return []
    return [
        f"value {text}: is no number as YAML writes it; allowed are the digits 0 to 9 without"
        f" anything between them; write {number:.15g}"
    ]


def dump(content: object, **form: Any) -> str:
    """Write YAML that :func:`parse`, and a reader of YAML 1.1, read as it was.

    Parameters
    ----------
    content : object
        Mappings, lists, text, numbers, truth values and None.
    **form
        Arguments of ``yaml.dump`` for its layout.
    """
    return yaml.dump(content, Dumper=_Dumper, **form)


def _refuse_line_ends(text: str, where: AnyPath) -> None:
    """Refuse ends of lines that are text for some readers of YAML, and ends for others."""
    found = LINE_END.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(
            f"{where}, line {line}: holds U+{ord(found[0]):04X}, an end of a line for some readers"
            " alone; allowed are line feeds; put one in its place, or take it out"
        )


def _refuse_oversized(text: str, where: AnyPath) -> None:
    """Refuse what would crash the loader or never end, before it is built."""
    sizes: dict[str | None, int] = {}
    around: list[list[Any]] = []
    aliased = False
    events: Iterator[Any] = yaml.parse(text, Loader=BASE)
    for event in events:
        at = f"{where}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.CollectionStartEvent):
            around.append([event.anchor, 1])
            if len(around) > DEEPEST:
                raise InputError(
                    f"{at}: nested deeper than the {DEEPEST} levels that are allowed; flatten it"
                )
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = around.pop()
        elif isinstance(event, yaml.AliasEvent):
            aliased = True
            within = any(anchor == event.anchor for anchor, _ in around)
            anchor, size = None, LARGEST if within else sizes.get(event.anchor, 1)
        else:
            anchor, size = getattr(event, "anchor", None), 1
        sizes[anchor] = size
        if around:
            around[-1][1] += size
            if around[-1][1] > LARGEST:
                told = (
                    f"anchors stand for themselves or for more than the {LARGEST} values that are"
                    " allowed; write the values out"
                    if aliased
                    else f"holds more than the {LARGEST} values that are allowed; shorten it"
                )
                raise InputError(f"{at}: {told}")


def json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Object of a JSON document, for ``object_pairs_hook``.

    Parameters
    ----------
    pairs : list of tuple
        Its keys and values.

    Raises
    ------
    InputError
        A key that stands there twice, or text that UTF-8 cannot hold; without the file's name.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise InputError(f'"{repeated}" stands there twice; allowed is once')
    for key, value in pairs:
        if is_unwritable(key) or (isinstance(value, str) and is_unwritable(value)):
            raise InputError(
                f"{key!a} holds half a character (a lone surrogate); only text that UTF-8 can "
                "hold is allowed"
            )
    return found


def json_number(text: str) -> float:
    """Number of a JSON document that is not whole, for ``parse_float``.

    Raises
    ------
    InputError
        A number that is read as zero and is another; without the file's name.
    """
    value = float(text)
    if underflows(text, value):
        raise InputError(
            f'holds the number "{text[:SHOWN]}"; allowed are 0 and numbers from {LEAST_NUMBER}'
        )
    return value


def underflows(text: str, value: float) -> bool:
    """Whether a number was read as zero though its text is that of another."""
    return value == 0 and NOT_ZERO.match(text) is not None


def is_unwritable(text: str) -> bool:
    """Whether a text holds a lone surrogate, which no UTF-8 file can hold."""
    return SURROGATE.search(text) is not None


def shows(text: str) -> bool:
    """Whether a text holds a character that shows, and not blanks and invisible ones alone."""
    if text.isascii() and text.isprintable():
        # most texts, told apart from the others at once
        return not text.isspace() and bool(text)
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return any(unicodedata.category(character)[0] not in "CZ" for character in plain)


def _unshowable(text: str) -> str:
    """Why a text cannot be written into a page or a table, with the remedy; nothing if it can."""
    # most texts, told apart from the others at once
    if text.isascii() and text.isprintable() and not text.isspace():
        return ""
    if text and not is_unwritable(text) and not shows(text):
        return "holds nothing that shows; write it out or remove it"
    if is_unwritable(text):
        return "holds half a character (a lone surrogate); write it out or remove it"
    return "holds a control character; remove it" if CONTROL.search(text) else ""


def _is_json(value: object) -> bool:
    """Whether a document has only values that JSON has, and no number or text refused here."""
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and not _unshowable(key) and _is_json(item)
            for key, item in value.items()
        )
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, str):
        return not _unshowable(value) and not looks_secret(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) <= LARGEST_NUMBER)


def _value_problems(value: object, where: AnyPath) -> list[str]:
    """Problems of values that JSON does not have, one sentence each."""
    # almost always there are none, which is told without the path of every value
    return [] if _is_json(value) else _unlike_json(value, where, "")


def _unlike_json(value: object, where: AnyPath, path: str) -> list[str]:
    """Problems of the values at a path and below it, each with its own path."""
    at = f"{where}: key {path or '(top)'}"
    if isinstance(value, dict):
        problems = [
            f"{at}: key {key!r}: is no text; allowed are names; put it in quotes or correct it"
            for key in value
            if not isinstance(key, str)
        ]
        problems += [
            f"{at}: key {in_short(key)}: {reason}"
            for key in value
            if isinstance(key, str) and (reason := _unshowable(key))
        ]
        for key, item in value.items():
            problems += _unlike_json(item, where, f"{path}.{key}" if path else str(key))
        return problems
    if isinstance(value, list | tuple):
        return [
            problem
            for place, item in enumerate(value)
            for problem in _unlike_json(item, where, f"{path}.{place}" if path else str(place))
        ]
    if isinstance(value, float) and not math.isfinite(value):
        return [f"{at}: value {value}: allowed are finite numbers; correct the value"]
    if isinstance(value, str) and looks_secret(value):
        # without the value, which the message would repeat
        return [
            f"{at}: looks like a secret, which results would repeat; allowed is text that holds"
            " none; take it out, and set OPENAI_API_KEY where a server needs a key"
        ]
    if isinstance(value, str) and (reason := _unshowable(value)):
        return [f"{at}: value {in_short(value)}: {reason}"]
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return [
            f"{at}: value of {value.bit_length()} bits: allowed are whole numbers up to 2^53,"
            " beyond which neighbours cannot be told apart; correct the value"
        ]
    if value is None or isinstance(value, str | int | float):
        return []
    return [
        f"{at}: value {value}: is a {type(value).__name__}; allowed are text, numbers, true, false"
        " and null; put it in quotes or correct it"
    ]


def schema_problems(
    instance: object, schema: Schema, where: AnyPath, stated: Mapping[str, Any] | None = None
) -> list[str]:
    """Problems of a document against a JSON Schema, one sentence each.

    Parameters
    ----------
    instance : object
        The document.
    schema : dict
        JSON Schema, draft 2020-12, with references into its own ``$defs`` only.
    where : str
        File, for the messages.
    stated : dict, optional
        The part of it that its file states itself, if it takes the rest from elsewhere.

    Returns
    -------
    list of str
        Key, value, what is allowed, and the remedy; for an unknown key the nearest allowed one
        that is not stated, and the nearest of all where it is one that is stated.
    """
    problems = _value_problems(instance, where)
    if problems:
        return problems
    errors = list(_validator(schema).iter_errors(instance))
    if stated is not None:
        errors = _without_idle(errors, instance, schema, stated)
    missing: dict[tuple[Any, ...], list[str]] = {}
    for error in errors:
        kind: Any = error.kind
        if kind.name == "required":
            missing.setdefault(tuple(error.instance_path), []).append(kind.property)
    for error in _narrowest(errors, schema):
        place = tuple(error.instance_path)
        path = ".".join(map(str, place)) or "(top)"
        if error.kind.name == "required":
            # what one mapping lacks is told together, where the first is
            keys = missing.pop(place, None)
            told = [_missing(keys, instance, schema, place, stated)] if keys else []
        else:
            told = _told(error, instance, schema, stated)
        problems += [f"{where}: key {path}: {problem}" for problem in told]
    return problems or [
        f"{where}: key {path}: value {number}: allowed is {allowed(node, schema)}; write it without"
        " point and exponent"
        for path, number, node in _pointed(instance, schema)
    ]


def _without_idle(
    errors: Sequence[ValidationError], instance: Any, schema: Schema, stated: Mapping[str, Any]
) -> list[ValidationError]:
    """Errors, those apart that a document has only as a key is there whose null removes nothing."""
    idle = {
        place
        for error in errors
        if (place := tuple(error.instance_path)) and _is_idle(place, instance, stated)
    }
    if not idle:
        return list(errors)
    others = _validator(schema).iter_errors(_lacking(instance, idle))
    return [
        *(error for error in errors if tuple(error.instance_path) in idle),
        *(error for error in others if not _lacks(error, idle)),
    ]


def _lacks(error: ValidationError, places: Collection[tuple[Any, ...]]) -> bool:
    """Whether what a document lacks is the key at one of some places."""
    kind: Any = error.kind
    return kind.name == "required" and (*error.instance_path, kind.property) in places


def _is_idle(place: tuple[Any, ...], instance: Any, stated: Mapping[str, Any]) -> bool:
    """Whether a null stays that a file states, which takes the rest from elsewhere, to remove."""
    own: Any = stated if "extends" in stated else None
    for step in place:
        if not (isinstance(own, dict) and isinstance(instance, dict) and str(step) in own):
            return False
        own, instance = own[str(step)], instance[str(step)]
    return own is None and instance is None


def _lacking(tree: Any, places: Collection[Sequence[Any]]) -> Any:
    """Copy of the mappings of a document without the keys at some places."""
    if not isinstance(tree, dict):
        return tree
    return {
        key: _lacking(part, [rest for first, *rest in places if str(first) == key])
        for key, part in tree.items()
        if not any(list(map(str, place)) == [key] for place in places)
    }


def _validator(schema: Schema) -> Validator:
    """Validator of a schema, made once as long as the schema is the same object."""
    known = VALIDATORS.get(id(schema))
    if known is None or known[0] is not schema:
        if len(VALIDATORS) >= MOST_VALIDATORS:
            VALIDATORS.clear()
        known = VALIDATORS[id(schema)] = schema, validator_for(schema)
    return known[1]


def _pointed(instance: object, schema: Schema) -> Iterator[tuple[str, float, Schema]]:
    """Yield floats in place of whole numbers, which JSON Schema lets pass: path, value, node."""
    for place, number in _whole_floats(instance):
        node: Any = resolved(schema, schema)
        for key in place:
            others = node.get("items" if isinstance(key, int) else "additionalProperties")
            rules = node.get("properties", {})
            node = others if isinstance(key, int) else rules.get(key, others)
            if not isinstance(node, dict):
                break
            node = resolved(node, schema)
        else:
            kinds, choices = node.get("type", ()), node.get("enum", ())
            is_whole = "integer" in kinds and "number" not in kinds
            if is_whole or any(type(choice) is int for choice in choices):
                yield ".".join(map(str, place)), number, node


def _whole_floats(
    value: object, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """Yield the floats of a document that have no fraction, each with the keys that lead to it."""
    if isinstance(value, float) and value.is_integer():
        yield place, value
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list | float):
            yield from _whole_floats(part, (*place, key))


def order_problems(value: object, where: AnyPath, path: str = "") -> list[str]:
    """Problems of ranges whose lower end is not below the upper one, one sentence each."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return []
    problems = []
    for low, high in RANGES:
        lower, upper = value.get(low), value.get(high)
        if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
            problems.append(
                f"{where}: key {path}: value {low} = {lower:g}, {high} = {upper:g}: allowed is"
                f" {low} < {high}; swap or correct them"
            )
    for key, part in value.items():
        problems += order_problems(part, where, f"{path}.{key}" if path else str(key))
    return problems


def _narrowest(errors: Sequence[ValidationError], schema: Schema) -> list[ValidationError]:
    """Errors, of those that one value has of several bounds that of the narrowest alone."""
    best: dict[tuple[Any, ...], ValidationError] = {}
    for error in errors:
        place = tuple(error.instance_path)
        if _kind_of(error) not in BOUNDING:
            continue
        if place not in best or _width(error, schema) < _width(best[place], schema):
            best[place] = error
    return [
        error
        for error in errors
        if _kind_of(error) not in BOUNDING or error is best[tuple(error.instance_path)]
    ]


def _kind_of(error: ValidationError) -> str:
    details: Any = error.kind
    return str(details.name)


def _width(error: ValidationError, schema: Schema) -> float:
    """Width of what is allowed by the bounds beside the one that a value breaks."""
    node = _broken_node(error, schema)
    low = max(node.get(key, -math.inf) for key in ("minimum", "exclusiveMinimum"))
    return float(min(node.get(key, math.inf) for key in ("maximum", "exclusiveMaximum")) - low)


def _broken_node(error: ValidationError, schema: Schema) -> Any:
    """Part of a schema that holds the rule which a value breaks."""
    node: Any = schema
    for step in error.schema_path[:-1]:
        node = node[step]
    return node


def _told(
    error: ValidationError, instance: Any, schema: Schema, stated: Mapping[str, Any] | None
) -> list[str]:
    value, own = instance, instance if stated is None else stated
    for step in error.instance_path:
        # the path of a key of digits is a number
        value = value[str(step)] if isinstance(value, dict) else value[step]
        own = own.get(str(step), {}) if isinstance(own, dict) else value
    node = _broken_node(error, schema)
    details: Any = error.kind
    kind = details.name
    if kind == "additionalProperties":
        return [_unknown(key, node, own) for key in details.unexpected]
    if kind in ("anyOf", "oneOf") and all("required" in option for option in node[kind]):
        options = ", or ".join(" and ".join(option["required"]) for option in node[kind])
        return [f"allowed is {options}; state {'one of them' if kind == 'anyOf' else 'one'}"]
    if kind == "falseSchema":
        return [f"value {in_short(value)}: not allowed with the other keys; remove it"]
    if kind in ("minLength", "minProperties", "minItems") and not value:
        return ["is empty; state it"]
    if kind == "uniqueItems":
        return [f"value {in_short(value)}: allowed is each once; remove what stands there twice"]
    if kind == "contains":
        held = allowed(node["contains"], schema)
        return [f"value {in_short(value)}: allowed is a list that holds {held}; add it"]
    if kind == "propertyNames":
        return [f"{details.error.message}: not allowed as a name; correct it"]
    reason = f", as {node['x-reason']}" if "x-reason" in node else ""
    if stated is not None and _is_idle(tuple(error.instance_path), instance, stated):
        expected = _expected(node, schema)
        return [
            f"value null: there is nothing for it to remove; allowed is {expected}; leave the key"
            " out"
        ]
    remedy = node.get("x-remedy", "correct the value")
    words = _words(node, schema)
    hint = near(value, words) if isinstance(value, str) else ""
    if not isinstance(value, str) and str(value) in words:
        remedy = "write it in quotes"
    return [
        f"value {in_short(value)}: allowed is {_expected(node, schema)}{reason}; {remedy}{hint}"
    ]


def _missing(
    keys: Sequence[str], instance: Any, schema: Schema, place: tuple[Any, ...], stated: Any
) -> str:
    """Say what each key is that a mapping lacks, and which of its keys they belong to."""
    names = _listed(keys)
    what, state = f"missing keys {names}", "state them"
    if len(keys) == 1:
        what, state = f"missing key {names}", "state it"
    if stated is not None and not place:
        elsewhere = [key for key in schema.get("x-file", {}) if key not in stated]
        if elsewhere:
            return f"{what}; {state}, or {_listed(elsewhere)}: the one to take them from"
    mapping, nodes = _at(place, instance, schema)
    beside = [key for key in mapping if place and _parts(nodes, key, schema)]
    among = f" beside {_listed(beside)}" if beside else ""
    told = _of_each({key: _allowed_of(_parts(nodes, key, schema), schema) for key in keys})
    remedies = {key: _remedy_of(_parts(nodes, key, schema), schema) for key in keys}
    also = [_of_each({key: remedy}, len(keys)) for key, remedy in remedies.items() if remedy]
    verb = "is" if len(keys) == 1 else "are"
    own: Any = stated
    for step in place:
        own = own.get(str(step)) if isinstance(own, dict) else None
    nulls = [key for key in keys if isinstance(own, dict) and key in own and own[key] is None]
    if nulls:
        also.append(f"or take out {_listed([f'{key}: null' for key in nulls])} to keep it")
    return "; ".join([what, f"allowed {verb} {told}", f"{state}{among}", *also])


def _at(place: tuple[Any, ...], instance: Any, schema: Schema) -> tuple[Any, list[Schema]]:
    """Mapping at a place of a document, and the parts of the schema that it has to fit."""
    nodes = [schema]
    for step in place:
        instance = instance[str(step) if isinstance(instance, dict) else step]
        nodes = _parts(nodes, str(step), schema)
    return instance, nodes


def _parts(nodes: Iterable[Schema], key: str, schema: Schema) -> list[Schema]:
    """Parts of a schema that a key of a mapping has to fit, by those that the mapping has to."""
    return [part for node in nodes for part in _described(node, key, schema)]


def _allowed_of(parts: Iterable[Schema], schema: Schema) -> str:
    told: list[str] = []
    for part in parts:
        expected, words = _expected(part, schema), _words(part, schema)
        # words are joined with those of the other parts, not told as one choice among them
        told += words if words and expected == _either(words) else [expected]
    return _either(list(dict.fromkeys(told)))


def _remedy_of(parts: Sequence[Schema], schema: Schema) -> str | None:
    return resolved(parts[0], schema).get("x-remedy") if parts else None


def _of_each(told: Mapping[str, str], keys: int | None = None) -> str:
    """What is told of keys, with their names where there are several."""
    if (keys or len(told)) == 1:
        return next(iter(told.values()))
    return ", ".join(f"{key}: {words}" for key, words in told.items())


def _described(node: Schema, key: str, schema: Schema) -> list[Schema]:
    """Parts of a schema that a key of a mapping, or an item, has to fit.

    Several where other keys decide which one.
    """
    known = node.get("properties", {}).get(key)
    if isinstance(known, dict):
        return [known]
    if "$ref" in node:
        found = _described(resolved({"$ref": node["$ref"]}, schema), key, schema)
        if found:
            return found
    branches = [node.get("then"), node.get("else")]
    branches += [part for word in ("allOf", "anyOf", "oneOf") for part in node.get(word, [])]
    found = [part for b in branches if isinstance(b, dict) for part in _described(b, key, schema)]
    others = [node.get(word) for word in ("additionalProperties", "items")]
    return found or [part for part in others if isinstance(part, dict)]


def _expected(node: Schema, schema: Schema) -> str:
    """What a schema allows, of a mapping with the keys that it has to have."""
    keys = resolved(node, schema).get("required", [])
    told = allowed(node, schema)
    return f"{told} ({_listed(keys)})" if told == PLAIN["object"] and keys else told


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _words(node: Schema, schema: Schema) -> list[str]:
    """Words that a schema allows as a value, none if it allows any."""
    node = resolved(node, schema)
    words = node.get("enum", [node["const"]] if "const" in node else [])
    others = [word for option in node.get("anyOf", []) for word in _words(option, schema)]
    return [word for word in [*words, *others] if isinstance(word, str)]


def unusual(instance: object, schema: Schema, where: AnyPath) -> list[str]:
    """Warnings of numbers that are allowed, but unusual, one sentence each.

    Parameters
    ----------
    instance, schema, where
        As for :func:`schema_problems`; the document is right by its schema. What is usual stands
        in the schema as ``x-usual``: ``minimum``, ``maximum``, or both.
    """
    narrow = _narrowed(schema)
    return [
        problem.replace(": allowed is ", ": unusual; usual is ", 1).rpartition("; ")[0]
        + "; check it"
        for problem in schema_problems(instance, narrow, where)
    ]


def _narrowed(node: Any) -> Any:
    """Copy of a schema that allows only what is usual, without remedies and reasons."""
    if isinstance(node, list):
        return [_narrowed(item) for item in node]
    if not isinstance(node, dict):
        return node
    narrowed = {key: _narrowed(value) for key, value in node.items() if key[:2] != "x-"}
    return narrowed | node.get("x-usual", {})


def apart(node: Any) -> Any:
    """Copy of a schema that says what each key may be, not which others it needs or excludes.

    It is for a part of a document that is not completed from elsewhere.
    """
    if isinstance(node, list):
        return [apart(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: part if key == "if" else apart(part)
        for key, part in node.items()
        if key != "required" and (part is not False or key == "additionalProperties")
    }


def _unknown(key: str, node: Schema, stated: Collection[str]) -> str:
    names = list(node.get("properties", {}))
    known = [*names, *node.get("x-file", {})]
    hint = near(key, [name for name in known if name not in stated])
    nearest = get_close_matches(key, known, n=1)
    if nearest and nearest[0] in stated:
        hint += f"{'' if hint else ';'} {nearest[0]} is stated beside it"
    return f"unknown key {key}; allowed are {', '.join(names)}; remove it or correct its name{hint}"


def typed(value: Any, schema: Schema) -> Any:
    """Turn text into the values that a schema asks for.

    Snakemake's command line leaves everything inside lists and mappings as text. What may be text
    stays text, or None where it says null and that is allowed.

    Parameters
    ----------
    value : object
        As from ``--config``; what is no text stays as it is.
    schema : dict
        JSON Schema of the value, without references.
    """
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {key: typed(item, known.get(key, {})) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item, schema.get("items", {})) for item in value]
    if not isinstance(value, str):
        return value
    kinds = schema.get("type", [])
    if "string" in kinds and not (value in ("null", "~", "") and "null" in kinds):
        return value
    try:
        read = yaml.load(value, Loader=_Loader)
    except (yaml.YAMLError, ValueError):
        return value
    return read if isinstance(read, int | float | None) else value


def near(word: object, choices: Iterable[object]) -> str:
    """Offer the choices that a word begins, as H100 does, or the nearest; nothing if none is."""
    text, names = str(word), [str(choice) for choice in choices]
    begun = [name for name in names if name.casefold().startswith(text.casefold())]
    # a name of other letters alone is the nearest
    is_part = len(text) >= SHORTEST and all(len(name) > len(text) for name in begun)
    found = begun[:OFFERED] if is_part else []
    found = found or get_close_matches(text, names, n=1)
    return f"; did you mean {_either(found)}?" if found else ""


def near_path(path: AnyPath, known: Iterable[str] = ()) -> str:
    """Offer the path that leads somewhere and is nearest to one that does not.

    Parameters
    ----------
    path : str or path-like
        A path, of which every name that is not there is held against its neighbours.
    known : iterable of str
        Paths of which one may be meant where the names above it are lost.
    """
    if os.path.exists(path):
        return "" if os.path.isdir(path) else "; what is there is no file"
    is_absolute, names = Path(path).is_absolute(), Path(path).parts
    found = Path(names[0]) if is_absolute else Path() if names else None
    for name in names[is_absolute:]:
        found = _nearest(found, name) if found else None
    others = [each for each in known if Path(each).name == Path(path).name]
    meant = [*([found.as_posix()] if found else []), *others]
    return f"; did you mean {meant[0]}?" if meant else near(path, known)


def _nearest(folder: Path, name: str) -> Path | None:
    """What is in a folder by a name, or by the nearest one."""
    with suppress(OSError, ValueError):
        if (folder / name).exists():
            return folder / name
        with os.scandir(folder) as entries:
            # not the link that leads nowhere and is asked for itself
            names = sorted(e.name for e in islice(entries, MOST_NEIGHBOURS) if os.path.exists(e))
        # an ending that files have in common makes them no nearer
        ending = Path(name).suffix
        alike = {Path(each).stem: each for each in names if Path(each).suffix == ending}
        found = [alike[stem] for stem in get_close_matches(Path(name).stem, alike, n=1)]
        others = [each for each in names if Path(each).suffix != ending]
        found = found or get_close_matches(name, others, n=1, cutoff=CLOSE)
        return folder / found[0] if found else None
    return None


def in_short(value: object) -> str:
    """A value of a file as a message shows it: the first SHOWN characters at most."""
    # what YAML has another word for than Python
    text = written(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def allowed(node: Schema, schema: Schema) -> str:
    """Say what a schema allows as a value.

    Parameters
    ----------
    node : dict
        Part of a JSON Schema.
    schema : dict
        The schema that its references point into.
    """
    if "$ref" in node:
        return allowed(resolved(node, schema), schema)
    if "const" in node:
        return written(node["const"])
    if "enum" in node:
        return _either([written(choice) for choice in node["enum"]])
    if "anyOf" in node and not {"type", "properties"} & set(node):
        return _either(list(dict.fromkeys(_branch(option, schema) for option in node["anyOf"])))
    kinds = node.get("type", ["object"] if {"properties", "if"} & set(node) else [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return _either([_kind(kind, node, schema) for kind in kinds]) or "any value"


def _branch(option: Schema, schema: Schema) -> str:
    """One of several kinds of value; a mapping by its keys, as another may be allowed too."""
    keys = ", ".join(option.get("properties", {}))
    return f"a mapping with {keys}" if keys else allowed(option, schema)


def resolved(node: Schema, schema: Schema) -> Schema:
    """Part of a schema that a node refers to, or the node itself; what it states goes first."""
    if "$ref" not in node:
        return node
    found = schema
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found | {key: value for key, value in node.items() if key != "$ref"}


def with_defaults(value: Any, node: Schema, schema: Schema) -> Any:
    """Document with what its schema states as ``default`` for keys that it leaves out.

    Parameters
    ----------
    value : object
        Document, or part of one.
    node, schema : dict
        Part of the JSON Schema that describes it, and the schema that its references point into.
    """
    if not isinstance(value, dict):
        return value
    known = resolved(node, schema).get("properties", {})
    filled = {key: part["default"] for key, part in known.items() if "default" in part}
    parts = {key: with_defaults(part, known.get(key, {}), schema) for key, part in value.items()}
    return filled | parts


def _kind(kind: str, node: Schema, schema: Schema) -> str:
    if kind in ("number", "integer"):
        name = "a number" if kind == "number" else "a whole number"
        limits = [f"{word} {node[key]}" for key, word in BOUNDS.items() if key in node]
        return " ".join([name, " and ".join(limits)]).strip()
    if kind == "array":
        items = node.get("items", {})
        return f"a list{_count(node)} (each {allowed(items, schema)})" if items else "a list"
    if kind == "string" and "pattern" in node:
        return node.get("x-words", f"text like {node['pattern']}")
    return PLAIN[kind]


def _count(node: Schema) -> str:
    least, most = node.get("minItems", 0), node.get("maxItems")
    if most is not None:
        return f" of {least}" if least == most else f" of {least} to {most}"
    return f" of at least {least}" if least > 1 else ""


def written(value: object) -> str:
    """Write a value as in YAML, on one line: text that looks like a number in quotes."""
    return dump(value, default_flow_style=True, width=math.inf).splitlines()[0]


def _either(choices: Sequence[str]) -> str:
    *first, last = choices or [""]
    return f"{', '.join(first)} or {last}" if first else last
