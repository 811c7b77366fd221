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
ENERGY = re.compile(r"(^|_)(energy|energies|joules?)(_|$)|\w_(j|wh|kwh|gwh)$")
UTILISATION = re.compile(r"(^|_)utilisation(_|$)")
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
    """What a factor is called: a variable, an attribute, a column, or the array that it is of.

    What lies between a start and an end is a time.
    """
    if isinstance(factor, ast.Name):
        return factor.id
    if isinstance(factor, ast.Attribute):
        return factor.attr
    if isinstance(factor, ast.Subscript):
        key = factor.slice
        return key.value if isinstance(getattr(key, "value", None), str) else name(factor.value)
    if isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Sub):
        ends = {name(factor.left), name(factor.right)}
        return "time" if ends in ({"start", "end"}, {"begin", "end"}) else ""
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


def test_of_power_energy_and_time_each_follows_from_the_others():
    # a load of 250 W for 8 s takes 2000 J
    assert units.joules(250.0, 8.0) == 2000
    assert units.mean_power(2000.0, 8.0) == 250
    assert units.duration(2000.0, 250.0) == 8
    assert units.rate(250.0, 2000.0) == 1 / 8


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


PARTS = {
    "power and time or throughput": (POWER, TIME),
    "power and energy": (POWER, ENERGY),
    "energy and time or throughput": (ENERGY, TIME),
    "power and its utilisation": (POWER, UTILISATION),
    "a PUE": (PUE,),
}
"""What Eq. 1 multiplies or divides, and no module besides."""


def converted_on(source):
    """Products of a Python text that go on from joules to Wh or back: by tokens, for one."""
    named = [[name(factor) for factor in product] for product in products(source)]
    return [
        names
        for names in named
        if "J_PER_WH" in names and sum(not one.isupper() for one in names) > 1
    ]


@pytest.mark.parametrize("part", PARTS)
def test_no_other_module_multiplies_out_a_part_of_the_equation(part):
    assert found(lambda source: multiplied(source, *PARTS[part]), EQUATION) == {}


def test_no_other_module_goes_from_power_to_energy_or_from_joules_per_token_to_wh():
    assert found(lambda source: "SECONDS_TO_WH_PER_KW" in source, EQUATION) == {}
    assert found(converted_on, EQUATION) == {}


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("power and time or throughput", "pue * node_power * utilisation * n / (3.6 * throughput)"),
        ("power and time or throughput", "energy = model.node_power * seconds"),
        ("power and time or throughput", 'h = runs["duration_s"] / n * runs["node_power_w"]'),
        ("power and time or throughput", "joules = power_w * (a + b) * time"),
        ("power and energy", 'whole["accelerator_power_w"] * whole["gpus"] / energy'),
        ("energy and time or throughput", "watts = energy / (end - start)"),
        ("energy and time or throughput", 'energy_j / row["duration_s"]'),
        ("power and its utilisation", "model.node_power * self.power_utilisation"),
        ("a PUE", "node * setup.pue"),
    ],
)
def test_a_part_of_the_equation_that_is_written_out_is_found(part, source):
    assert multiplied(source, *PARTS[part]) != []


def test_joules_per_token_that_become_an_energy_elsewhere_are_found():
    assert converted_on("wh = token_energy(watts, rate) * lengths[:, 1] / J_PER_WH") != []
    assert converted_on("each = energy * J_PER_WH / tokens") != []
    assert converted_on("joules = KILO * J_PER_WH * kilowatt_hours") == []


def test_conversions_that_are_written_out_are_found():
    assert numbers("energy = -joules / 3600", converts) == [3600]
    assert numbers("minutes = int(time) // 60", converts) == [60]
    assert numbers("size = memory * 1024**2", converts) == [1024**2]
    assert numbers("gwh = energy * n * 1e-9", is_prefix) == [1e-9]
    assert numbers("flops = 2e9 * parameters", is_prefix) == [2e9]
    assert numbers("energy *= 1000", is_prefix) == [1000]


@pytest.mark.parametrize("text", ["{{ x / 1000 }}", "1e3*x", "(a) / 1e-6", "x / 3.6", "1_000 * y"])
def test_conversions_in_templates_are_found(text):
    assert FACTOR.search(text)


@pytest.mark.parametrize("text", ["x.1000 * y", "/1000px", "a10000 * b", "1000, 2", "x / 10"])
def test_other_numbers_in_templates_are_none(text):
    assert not FACTOR.search(text)
