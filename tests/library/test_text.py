"""Numbers, ranges, shares and tables are written in one way each."""

import ast
import doctest
import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import text
from repository import ROOT

NUMBERS = st.floats(1e-6, 1e12)
MISSING = (None, math.nan, pd.NA)


def test_examples_of_the_docstrings_hold():
    failed, tried = doctest.testmod(text)
    assert tried > 10
    assert failed == 0


@given(st.floats(1e-3, 1e15))
def test_an_energy_has_the_unit_of_its_size(wh):
    written, unit = text.energy(wh).split()
    size = {"Wh": 1, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9}[unit]
    assert float(written.replace(",", "")) * size == pytest.approx(wh, rel=0.006)
    assert unit == "GWh" or float(written.replace(",", "")) <= 1000
    assert unit == "Wh" or float(written.replace(",", "")) >= 1


def test_nothing_else_writes_a_share_in_per_cent():
    specs = [
        (path.name, ast.unparse(node))
        for top in ("inference_energy", "scripts", "notebooks")
        for path in (ROOT / "workflow" / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FormattedValue) and node.format_spec
        if ast.unparse(node.format_spec).rstrip("'\"").endswith("%")
    ]
    assert specs == []


@given(st.floats(1e-3, 999), st.integers(2, 4))
def test_number_keeps_its_significant_digits(value, digits):
    written = text.number(value, digits)
    assert "e" not in written
    assert float(written) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits))
    # trailing zeros are written; a number may have more digits before the point
    assert len(written.replace(".", "").lstrip("0")) >= digits or float(written) >= 10 ** (
        digits - 1
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.13, "0.130"), (0.9999, "1.00"), (12.34, "12.3"), (9717, "9,717"), (0, "0"), (-0.0, "0")],
)
def test_number_is_written_plainly(value, written):
    assert text.number(value) == written


@given(NUMBERS, st.integers(2, 5))
def test_grouped_number_has_no_exponent_and_is_the_rounded_one(value, digits):
    written = text.grouped(value, digits)
    assert "e" not in written.lower()
    assert Decimal(written.replace(",", "")) == Decimal(f"{value:.{digits}g}")
    whole = written.partition(".")[0]
    assert [len(group) for group in whole.split(",")[1:]] == [3] * whole.count(",")


@given(NUMBERS)
def test_compact_number_is_whole_from_a_thousand_on(value):
    written = text.compact(value)
    assert ("." not in written and "e" not in written) if value >= 1000 else "," not in written


@given(st.floats(-10, 10))
def test_percent_is_a_hundred_times_the_share(share):
    assert float(text.percent(share, ".6f").removesuffix(" %")) == pytest.approx(
        100 * share, abs=1e-6
    )
    # the form that Python itself has for a share rounds alike
    assert text.percent(share) == f"{share:.0%}".replace("%", " %")


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize(
    "write",
    [text.short, text.count, text.grouped, text.compact, text.apart, text.percent, text.factor],
)
def test_what_is_missing_is_written_as_asked(write, missing):
    assert write(missing) == ""
    assert write(missing, missing="–") == "–"


@pytest.mark.parametrize("missing", MISSING)
def test_missing_cells_are_blank(missing):
    assert text.fixed(missing, 1) == ""
    assert text.blank(missing) == ""
    assert text.blank(missing, "none") == "none"


@pytest.mark.parametrize("value", ["text", 0, 0.0, False, ""])
def test_present_cells_are_kept(value):
    assert text.blank(value) is value


def test_intervals_and_spans_take_a_way_of_writing():
    assert text.interval(1234, 500, 2000, text.count) == "1,234 (500–2,000)"
    assert text.span(1234, 2000, text.count, " to ") == "1,234 to 2,000"


def test_markdown_table_keeps_bars_of_cells_apart():
    assert (
        text.markdown_table(["a", "b"], [["x|y", 1]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"
    )


@pytest.mark.parametrize(("value", "decimals", "written"), [(0.125, 2, "0.13"), (2.5, 0, "3")])
def test_half_is_rounded_up_as_a_reader_does(value, decimals, written):
    assert str(text.rounded(value, decimals)) == written
