"""What the cells of one row, and the rows of one series, say of each other, by the schema.

Five annotations are about a row. ``x-at-most`` of a column names another of the same row that it
is at most, and ``x-decimals`` one that states how many decimals it has at most. ``x-filled-where``
of a column has the values of another, ``{relation: [within]}``, of the rows that need it; in others
it is empty. ``x-by`` of a column gives bounds for each value of another column, as ``{quantity:
{PUE: {minimum: 1, maximum: 3, x-reason: ...}}}``. ``x-agree`` of a schema is a list of products of
columns, each with the ``powers`` of the columns, the ``minimum`` and ``maximum`` of the product
and the ``x-reason``: power is throughput times the energy of a token, whichever is mistyped. A
``where`` lists the values of other columns, ``{attention: [gqa]}``, of the rows that it is about.
``x-usual`` of either has bounds within these, beyond which a number is possible but unusual.
``x-or`` of a product lists other bounds, each with its ``x-reason``, of rows whose columns ``of``,
``{bandwidth_tb_s: {minimum: 50, maximum: 1e5}}``, are within theirs: machines of another kind.

``x-rows`` has such products of the rows ``by`` one source: of the numbers of column ``value`` whose
column ``name`` says what they are.

``x-sums`` has, instead of one product, ``terms`` that are added, each with its powers, and the
product ``to`` that their sum is over: the energy of two kinds of GPUs is that of all.

``x-states`` of a schema has the forms in which the text of column ``by`` states numbers of its row,
as patterns whose groups are the columns: ``in (?P<input_tokens>\\d+)``. Names that ``_x_`` joins
are a product of columns, of which an empty one counts as one.

Three are about a series, the rows that share the cell of a column. ``x-even`` of a column names
that one: the numbers are even steps from 0 to 1. ``x-rises`` names it and a column of such steps,
along which the numbers never fall. ``x-same`` names it: all its rows have one number.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.documents import Schema

EVEN = 0.05
"""Share of a step by which a level may be off it: levels are written with a few decimals. [1]"""

PRODUCT = "_x_"
"""Joins columns in the name of a group of ``x-states``."""

Broken = tuple[str, NDArray[np.int_], list[str]]
"""Columns, positions of rows, and of each what is there, what is allowed and the remedy."""


def broken(typed: pd.DataFrame, spec: Schema) -> Iterator[Broken]:
    """Find the rows whose cells cannot all be right.

    Parameters
    ----------
    typed : DataFrame
        Columns of the schema; a rule holds for rows that have all its numbers.
    spec : dict
        Schema of a row.

    Yields
    ------
    columns : str
        The column, or those of a product.
    places : ndarray of int, shape (broken rows,)
        Positions of the rows that break a rule.
    sentences : list of str
        Of each the value, what is allowed and why, and the remedy.
    """
    for name, column in spec["properties"].items():
        if "x-at-most" in column:
            yield _above(typed, name, column["x-at-most"])
        if "x-decimals" in column:
            yield _longer(typed, name, column["x-decimals"])
        for other, values in column.get("x-filled-where", {}).items():
            yield _wrongly_filled(typed, name, other, values)
        for other, bounds in column.get("x-by", {}).items():
            for value, limits in bounds.items():
                yield _outside(typed, name, f"where {other} is {value}", limits, other, value)
        if "x-even" in column:
            yield _uneven(typed, name, column["x-even"])
        if "x-rises" in column:
            yield _falling(typed, name, *column["x-rises"])
        if "x-same" in column:
            yield _differing(typed, name, column["x-same"])
    for rule in spec.get("x-agree", []):
        yield _disagreeing(typed, rule)
    for rule in spec.get("x-sums", []):
        yield _adding_up_otherwise(typed, rule)
    for rule in spec.get("x-rows", {}).get("rules", []):
        yield _rows_disagreeing(typed, spec["x-rows"], rule)
    if "x-states" in spec:
        yield from _stated_otherwise(typed, **spec["x-states"])


def unusual(typed: pd.DataFrame, spec: Schema) -> Iterator[Broken]:
    """Find the rows that are possible but unusual.

    Parameters
    ----------
    typed, spec
        As for :func:`broken`, of which nothing is.

    Yields
    ------
    columns, places, sentences
        As of :func:`broken`.
    """
    for name, column in spec["properties"].items():
        for other, bounds in column.get("x-by", {}).items():
            for value, limits in bounds.items():
                if "x-usual" in limits:
                    usual = limits | limits["x-usual"]
                    form = "unusual; {}; usual is {}"
                    yield _outside(
                        typed, name, f"where {other} is {value}", usual, other, value, form
                    )
    for rule in spec.get("x-agree", []):
        if "x-usual" in rule:
            usual = rule | rule["x-usual"] | {"x-or": []}
            yield _disagreeing(typed, usual, "unusual; {}; usual is {}")


def _above(typed: pd.DataFrame, name: str, other: str) -> Broken:
    low, high = _numbers(typed, name), _numbers(typed, other)
    places = np.flatnonzero(low > high)
    return (
        f'column "{name}"',
        places,
        [
            f"value {low[place]:.6g}; allowed is at most {other}, {high[place]:.6g}; correct one"
            " of them"
            for place in places
        ],
    )


def _longer(typed: pd.DataFrame, name: str, other: str) -> Broken:
    """Numbers that the decimals which another column states cannot write."""
    numbers, decimals = _numbers(typed, name), _numbers(typed, other)
    known = np.flatnonzero(np.isfinite(numbers) & np.isfinite(decimals))
    places = [place for place in known if -_exponent(numbers[place]) > decimals[place]]
    return (
        f'column "{name}"',
        np.array(places, int),
        [
            f"value {numbers[place]:.15g}; allowed are at most the {decimals[place]:g} decimals"
            f" that {other} states; correct one of them"
            for place in places
        ],
    )


def _exponent(number: float) -> int:
    """Power of ten of the last digit of a number as it is written."""
    return int(Decimal(str(number)).normalize().as_tuple().exponent)


def _wrongly_filled(typed: pd.DataFrame, name: str, other: str, values: list[str]) -> Broken:
    """Rows that lack a cell which another column asks for, or have one that none does."""
    filled, needed = typed[name].notna().to_numpy(), typed[other].isin(values).to_numpy(bool)
    places, where = np.flatnonzero(filled != needed), f"{other} is {' or '.join(values)}"
    return (
        f'column "{name}"',
        places,
        [
            f"is empty; a number is needed where {where}; fill the cell, or correct {other}"
            if needed[place]
            else f"is filled; allowed is that where {where}, and nowhere else; empty the cell, or"
            f" correct {other}"
            for place in places
        ],
    )


def _outside(
    typed: pd.DataFrame,
    name: str,
    where: str,
    limits: Mapping[str, Any],
    other: str,
    value: str,
    form: str = "{}; allowed is {}; correct the value or remove the row",
) -> Broken:
    """Numbers beyond the bounds of a value of another column; ``form`` as of ``_disagreeing``."""
    numbers = _numbers(typed, name)
    of_value = (typed[other] == value).to_numpy(bool, na_value=False)
    places = np.flatnonzero(of_value & _beyond(numbers, limits))
    return (
        f'column "{name}"',
        places,
        [
            form.format(
                f"value {numbers[place]:.6g}", f"{_range(limits)} {where}, as {limits['x-reason']}"
            )
            for place in places
        ],
    )


def _uneven(typed: pd.DataFrame, name: str, by: str) -> Broken:
    """Of each series the first row that is no even step."""
    places, sentences = [], []
    for value, own, levels in _series(typed, by, name):
        count = len(own)
        steps = np.linspace(0, 1, count) if count > 1 else np.full(1, np.nan)
        off = np.flatnonzero(~(np.abs(levels - steps) <= EVEN / max(count - 1, 1)))
        if not off.size:
            continue
        first = off[0]
        allowed = f"allowed are 2 or more even steps from 0 to 1 for {by} {value}, which has 1"
        if count > 1:
            allowed = (
                f"allowed is {steps[first]:.6g}, as the {count} rows of {by} {value} are even"
                " steps from 0 to 1"
            )
        places.append(own[first])
        sentences.append(
            f"value {levels[first]:.6g}; {allowed}; correct it, or state the rows that are missing"
        )
    return f'column "{name}"', np.array(places, int), sentences


def _falling(typed: pd.DataFrame, name: str, by: str, along: str) -> Broken:
    """Rows of each series with less than a row before has."""
    numbers, places, sentences = _numbers(typed, name), [], []
    for value, own, levels in _series(typed, by, along):
        for before, after in itertools.pairwise(range(len(own))):
            known, number = numbers[own[before]], numbers[own[after]]
            if number < known:
                places.append(own[after])
                sentences.append(
                    f"value {number:.6g}; allowed is at least {known:.6g}, which {by} {value} has"
                    f" at {along} {levels[before]:.6g}, as it never falls; correct one of them"
                )
    return f'column "{name}"', np.array(places, int), sentences


def _differing(typed: pd.DataFrame, name: str, by: str) -> Broken:
    """Rows of each series with another number than most of its rows have."""
    numbers, places, sentences = _numbers(typed, name), [], []
    for value, found in typed.groupby(by, sort=False).indices.items():
        own = numbers[found]
        # of numbers as frequent as each other the least, whatever the order of the rows
        each, counts = np.unique(own[~np.isnan(own)], return_counts=True)
        usual = each[counts == counts.max(initial=0)].min(initial=np.inf)
        for place in np.asarray(found)[np.abs(own - usual) > 0]:
            places.append(place)
            sentences.append(
                f"value {numbers[place]:.6g}; allowed is {usual:.6g}, which most rows of {by}"
                f" {value} have, as it is one number; correct it, or give each number a series of"
                " its own"
            )
    return f'column "{name}"', np.array(places, int), sentences


def _series(
    typed: pd.DataFrame, by: str, along: str
) -> Iterator[tuple[Any, NDArray[np.int_], NDArray[np.float64]]]:
    """Value of ``by``, its rows in the order of ``along``, their numbers in it if all have one."""
    levels = _numbers(typed, along)
    for value, found in typed.groupby(by, sort=False).indices.items():
        own = np.asarray(found)
        ordered = own[np.argsort(levels[own], kind="stable")]
        if not np.isnan(levels[ordered]).any():
            yield value, ordered, levels[ordered]


def _disagreeing(
    typed: pd.DataFrame,
    rule: Mapping[str, Any],
    form: str = "{}; allowed is {}; correct the one that is wrong",
) -> Broken:
    """Products beyond the bounds of a rule; ``form`` takes what is there and what may be."""
    columns = {name: _numbers(typed, name) for name in rule["powers"]}
    product = np.ones(len(typed))
    for name, power in rule["powers"].items():
        product = product * columns[name] ** power
    about, where = np.full(len(typed), True), [""] * len(typed)
    for name, values in rule.get("where", {}).items():
        about &= typed[name].isin(values).to_numpy(bool)
        where = [
            f"{told} where {name} is {value}"
            for told, value in zip(where, typed[name], strict=True)
        ]
    wrong, others = about & _beyond(product, rule), ""
    for other in rule.get("x-or", []):
        of = other["of"]
        is_other = ~np.any([_beyond(_numbers(typed, name), of[name]) for name in of], axis=0)
        wrong &= ~is_other | _beyond(product, other)
        kinds = " and ".join(f"{name} is {_range(of[name])}" for name in of)
        others += f", or {_range(other)} where {kinds}, as {other['x-reason']}"
    places = np.flatnonzero(wrong)
    written = _written(rule["powers"])
    return (
        "columns " + ", ".join(f'"{name}"' for name in columns),
        places,
        [
            form.format(
                f"values {', '.join(f'{column[place]:.6g}' for column in columns.values())} make"
                f" {written} {product[place]:.6g}",
                f"{_range(rule)}{where[place]}, as {rule['x-reason']}{others}",
            )
            for place in places
        ],
    )


def _adding_up_otherwise(typed: pd.DataFrame, rule: Mapping[str, Any]) -> Broken:
    """Sums of products, over another product, beyond the bounds of a rule."""
    names = dict.fromkeys(name for each in [*rule["terms"], rule["to"]] for name in each)
    columns = {name: _numbers(typed, name) for name in names}

    def product(powers: Mapping[str, int]) -> NDArray[np.float64]:
        found = np.ones(len(typed))
        for name, power in powers.items():
            found = found * columns[name] ** power
        return found

    share = np.sum([product(term) for term in rule["terms"]], axis=0) / product(rule["to"])
    places = np.flatnonzero(_beyond(share, rule))
    whole = _written(rule["to"])
    written = " + ".join(map(_written, rule["terms"]))
    return (
        "columns " + ", ".join(f'"{name}"' for name in columns),
        places,
        [
            f"values {', '.join(f'{column[place]:.6g}' for column in columns.values())} make"
            f" {written}{f' over {whole}' if whole else ''} {share[place]:.6g}; {_allowed(rule)},"
            f" as {rule['x-reason']}; correct the one that is wrong"
            for place in places
        ],
    )


def _rows_disagreeing(
    typed: pd.DataFrame, rows: Mapping[str, Any], rule: Mapping[str, Any]
) -> Broken:
    """Of each source whose numbers cannot all be right, the row of the rule's first."""
    numbers, names = _numbers(typed, rows["value"]), typed[rows["name"]].to_numpy()
    places, sentences = [], []
    for source, found in typed.groupby(rows["by"], sort=False).indices.items():
        place = {names[row]: row for row in found}
        if not set(rule["powers"]) <= set(place):
            continue
        values = {name: numbers[place[name]] for name in rule["powers"]}
        product = np.prod([values[name] ** power for name, power in rule["powers"].items()])
        if _beyond(product, rule):
            places.append(place[next(iter(values))])
            sentences.append(
                f"values {', '.join(f'{value:.6g}' for value in values.values())} of"
                f" {rows['by']} {source} make {_written(rule['powers'])} {product:.6g};"
                f" {_allowed(rule)}, as {rule['x-reason']}; correct the one that is wrong"
            )
    return f'column "{rows["value"]}"', np.array(places, int), sentences


def _stated_otherwise(typed: pd.DataFrame, by: str, forms: Iterable[str]) -> Iterator[Broken]:
    """Numbers of each column that are not what a text of their row says."""
    found = [
        (place, said)
        for form in map(re.compile, forms)
        for place, text in enumerate(typed[by])
        if isinstance(text, str) and (said := form.search(text))
    ]
    for name in dict.fromkeys(name for _, said in found for name in said.groupdict()):
        factors = [_numbers(typed, each) for each in name.split(PRODUCT)]
        numbers = factors[0]
        for factor in factors[1:]:
            numbers = numbers * np.where(np.isnan(factor), 1, factor)
        wrong = {
            place: f"value {numbers[place]:.6g}; allowed is {said[name]}, which column {by} says"
            f" ({said[0]}); correct the one that is wrong"
            for place, said in found
            if said.groupdict().get(name) and abs(numbers[place] - float(said[name])) > 0
        }
        places = sorted(wrong)
        columns = " x ".join(f'"{each}"' for each in name.split(PRODUCT))
        told = f"{'columns' if len(factors) > 1 else 'column'} {columns}"
        yield told, np.array(places, int), [wrong[place] for place in places]


def _written(powers: Mapping[str, int]) -> str:
    """Write a product of powers."""
    above = " x ".join(name for name, power in powers.items() if power > 0)
    return (above or ("1" if powers else "")) + "".join(
        f" / {name}" + (f"^{-power}" if power < -1 else "")
        for name, power in powers.items()
        if power < 0
    )


def _numbers(typed: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return typed[name].to_numpy(float, na_value=np.nan)


def _beyond(numbers: NDArray[np.float64], limits: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Whether numbers are below a minimum or above a maximum; NaN is neither."""
    return (numbers < limits["minimum"]) | (numbers > limits["maximum"])


def _allowed(limits: Mapping[str, Any]) -> str:
    return f"allowed is {_range(limits)}"


def _range(limits: Mapping[str, Any]) -> str:
    return f"{limits['minimum']:.6g} to {limits['maximum']:.6g}"
