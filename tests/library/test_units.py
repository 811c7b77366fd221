"""Conversions and Eq. 1 are written once: no other module multiplies them out."""

import ast
import re
from pathlib import Path

import pytest
from inference_energy import units

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "workflow" / "inference_energy"
SOURCES = [
    path
    for folder in ("workflow", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != LIBRARY / "units.py"
]
EQUATION = {LIBRARY / "energy" / "equation.py", LIBRARY / "method" / "boundary.py"}
TEMPLATES = [
    path
    for folder in ("templates", "rules", "report")
    for path in sorted((ROOT / "workflow" / folder).rglob("*"))
    if path.is_file()
]
CONVERSIONS = {3.6, 60.0, 3600.0, 86400.0, 1 / 3.6, *(2.0**k for k in (10, 20, 30, 40))}
POWERS_OF_TEN = {10.0**k for k in (-12, -9, -6, -3, 3, 6, 9, 12)}
PRODUCTS = ast.Mult | ast.Div | ast.FloorDiv | ast.Mod
WRITTEN = r"(?:(?:1|10)(?:000|_000)+|1e-?\d+|3\.6|3600|86400|1024)(?:\.0*)?"
FACTOR = re.compile(rf"[*/]\s*{WRITTEN}(?![\w.])|(?<![\w.]){WRITTEN}\s*[*/](?![*/])")
"""A conversion that is multiplied or divided by, in a text that is no Python."""
TIME = re.compile(r"(^|_)(seconds|hours|time|duration|throughput|tps|speed)(_|$)|\w_s$")
POWER = re.compile(r"(^|_)(power|watts?|kilowatts?|kw)(_|$)|\w_w$")
PUE = re.compile(r"(^|_)pue(_|$)")


def products(source):
    """Factors of every product and quotient of a Python text, each whole: lists of nodes."""

    def factors(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS):
            return factors(node.left) + factors(node.right)
        if isinstance(node, ast.UnaryOp):
            return factors(node.operand)
        return [node]

    return [
        factors(node.value if isinstance(node, ast.AugAssign) else node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, PRODUCTS)
    ]


def name(factor):
    """What a factor is called: a variable, an attribute, a column, or the array that it is of."""
    if isinstance(factor, ast.Name):
        return factor.id
    if isinstance(factor, ast.Attribute):
        return factor.attr
    if isinstance(factor, ast.Subscript):
        key = factor.slice
        return key.value if isinstance(getattr(key, "value", None), str) else name(factor.value)
    return ""


def value(factor):
    """Number that a factor is, or power of numbers; none if it is neither."""
    if isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Pow):
        base, exponent = value(factor.left), value(factor.right)
        return None if base is None or exponent is None else base**exponent
    if isinstance(factor, ast.Constant) and isinstance(factor.value, int | float):
        return factor.value
    return None


def numbers(source, wanted):
    """Numbers of a Python text that are factors of a product and among those wanted."""
    found = [value(factor) for product in products(source) for factor in product]
    return [number for number in found if number is not None and wanted(number)]


def converts(number):
    """Whether a number is a conversion."""
    return number in CONVERSIONS


def is_prefix(number):
    """Whether a number is a prefix, or some millions."""
    return number in POWERS_OF_TEN or (number >= 1e6 and number % 1e6 == 0)


def multiplied(source, *patterns):
    """Products of a Python text with a factor of every pattern."""
    named = [[name(factor) for factor in product] for product in products(source)]
    return [
        names
        for names in named
        if all(any(pattern.search(one) for one in names) for pattern in patterns)
    ]


def found(look, besides=()):
    """What a look at each source finds, by file; sources besides some."""
    answers = {
        str(path.relative_to(ROOT)): look(path.read_text(encoding="utf-8"))
        for path in SOURCES
        if path not in besides
    }
    return {path: answer for path, answer in answers.items() if answer}


def test_the_conversions_agree_with_one_another():
    assert pytest.approx(units.W_PER_KW / units.J_PER_WH) == units.SECONDS_TO_WH_PER_KW
    assert units.SECONDS_PER_DAY == 86400
    prefixes = (units.NANO, units.MICRO, units.MILLI, 1, units.KILO, units.MEGA, units.GIGA)
    assert [units.KILO * one for one in prefixes[:-1]] == pytest.approx(prefixes[1:])
    assert units.KILO * units.GIGA == units.TERA


def test_no_other_module_writes_a_conversion():
    assert len(SOURCES) > 100
    assert found(lambda source: numbers(source, converts)) == {}


def test_no_other_module_writes_a_prefix_as_a_power_of_ten():
    assert found(lambda source: numbers(source, is_prefix)) == {}


def test_no_template_rule_or_caption_writes_a_conversion():
    assert len(TEMPLATES) > 50
    writing = {path for path in TEMPLATES if FACTOR.search(path.read_text(encoding="utf-8"))}
    assert writing == set()


def test_per_cent_are_made_in_one_place():
    assert found(lambda source: numbers(source, lambda number: number == units.PERCENT)) == {}
    made = re.compile(r"(?<![\w.])100\s*\*|[*/]\s*100(?![\w.%])")
    pages = [path for path in TEMPLATES if path.suffix != ".rst"]
    assert [path for path in pages if made.search(path.read_text(encoding="utf-8"))] == []


OF_THEIR_OWN = {
    # what a client's file says twice, no energy of a query
    "workflow/inference_energy/readers/consistency.py",
}


def test_no_other_module_multiplies_power_by_time_or_by_a_pue():
    assert found(lambda source: "SECONDS_TO_WH_PER_KW" in source, EQUATION) == {}
    written_out = found(lambda source: multiplied(source, POWER, TIME), EQUATION)
    assert set(written_out) == OF_THEIR_OWN
    assert found(lambda source: multiplied(source, PUE), EQUATION) == {}


@pytest.mark.parametrize(
    "source",
    [
        "pue * node_power * utilisation * tokens / (3.6 * throughput)",
        "energy = model.node_power * seconds",
        'hours = runs["duration_s"] / n * runs["node_power_w"]',
        "joules = power_w * (a + b) * time",
    ],
)
def test_an_equation_that_is_written_out_is_found(source):
    assert multiplied(source, POWER, TIME) != []


def test_conversions_that_are_written_out_are_found():
    assert numbers("energy = -joules / 3600", converts) == [3600]
    assert numbers("minutes = int(time) // 60", converts) == [60]
    assert numbers("size = memory * 1024**2", converts) == [1024**2]
    assert numbers("gwh = energy * n * 1e-9", is_prefix) == [1e-9]
    assert numbers("flops = 2e9 * parameters", is_prefix) == [2e9]
    assert numbers("energy *= 1000", is_prefix) == [1000]
    assert multiplied("node * setup.pue", PUE) == [["node", "pue"]]


@pytest.mark.parametrize("text", ["{{ x / 1000 }}", "1e3*x", "(a) / 1e-6", "x / 3.6", "1_000 * y"])
def test_conversions_in_templates_are_found(text):
    assert FACTOR.search(text)


@pytest.mark.parametrize("text", ["x.1000 * y", "/1000px", "a10000 * b", "1000, 2", "x / 10"])
def test_other_numbers_in_templates_are_none(text):
    assert not FACTOR.search(text)
