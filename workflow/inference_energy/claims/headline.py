"""The numbers that a reader quotes, one per line, with what the paper prints."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.claims.judge import DECIDED, deciding, printed
from inference_energy.claims.selectors import Results, evaluate
from inference_energy.method.differences import quantities as quantities_of
from inference_energy.text import is_missing

QUERY = "energy_per_query[regime={}; subject=frontier blend; pathway={}; statistic={}]"
FLEET = "fleet[scenario={}; pathway={}; statistic=p50]"
LONGER = "test_time[compared={}; subject=frontier blend; statistic=p50; quantity=energy ratio]"
MEDIAN = QUERY.format("traditional", "baseline", "p50")


RATIO = "long over traditional, medians"
"""Headline beside which its ratio at equal tokens stands."""

QUOTED = (
    "traditional query, median",
    "long query, median",
    "fleet, with long queries",
    RATIO,
    "fleet, traditional",
    "fleet, with long queries, improved",
    "lever, combined",
)
"""Quantities of the table, what is quoted most first."""

MOST_LINES = 60
"""Lines of the table, so that a reader sees it whole; so many methods may be run, each with one."""

MOST_CHANGED = 80
"""Lines of ``git diff results/`` that an edit of one assumption changes at most, so that it can be
reviewed, of as many methods as can have a line each."""

OF_A_LINE, OF_THE_EDIT = 2, 8
"""Lines of that diff: a line of the headline or a member of a blend goes and comes; and what the
edited method states, with what becomes unusual of those that follow it."""

MEDIANS = 2
"""Quantities, the medians of both regimes, that every method keeps before the paper's have more."""

OF_THE_BLEND = (
    *("benchmarks", "throughput_law", "serving", "node_power", "power_utilisation", "pue"),
    *("regimes", "input_charge", "blend"),
)
"""Sections whose edit moves who is in the blend or its medians, not only quoted numbers."""


def _lever(pathway: str) -> str:
    return f"{MEDIAN} / {QUERY.format('traditional', pathway, 'p50')}"


def quantities(longer: str) -> dict[str, tuple[str, str, str]]:
    """Quantities in words, each with its selector, its unit and the claim about it.

    Parameters
    ----------
    longer : str
        The lengthened queries of the table ``test_time``, such as ``15 times``.
    """
    of = {
        f"{regime} query, {words}": (
            QUERY.format(regime, "baseline", statistic),
            "Wh",
            f"{claim}-{regime}",
        )
        for regime in ("traditional", "long")
        for words, statistic, claim in (
            ("median", "p50", "median"),
            ("lower quartile", "p25", "p25"),
            ("upper quartile", "p75", "p75"),
        )
    }
    of[RATIO] = (
        f"{QUERY.format('long', 'baseline', 'p50')} / {MEDIAN}",
        "1",
        "ratio-energy",
    )
    of[_lengthened(longer)] = (LONGER.format(longer), "1", "")
    of["fleet, traditional"] = (
        FLEET.format("traditional", "baseline"),
        "GWh/day",
        "fleet-baseline",
    )
    of["fleet, with long queries"] = (FLEET.format("mixed", "baseline"), "GWh/day", "fleet-mixed")
    of["fleet, with long queries, improved"] = (
        FLEET.format("mixed", "improved"),
        "GWh/day",
        "fleet-mixed-improved",
    )
    for pathway in ("hardware", "model", "serving", "combined"):
        claim = f"lever-{pathway}-traditional"
        of[f"lever, {pathway}"] = (_lever(pathway), "1", claim)
    return of


def _lengthened(longer: str) -> str:
    return f"{longer} the output tokens, medians"


def numbers(results: Results, engine: str, longer: str) -> pd.DataFrame:
    """Compute the quantities that an engine gives: quantity, value, unit, claim.

    Parameters
    ----------
    results : Results
        Tables energy_per_query, fleet and test_time.
    engine : str
        published or exact.
    longer : str
        As for :func:`quantities`.
    """
    lines = [
        (name, evaluate(selector, results, engine), unit, claim)
        for name, (selector, unit, claim) in quantities(longer).items()
    ]
    return pd.DataFrame(lines, columns=["quantity", "value", "unit", "claim"]).dropna(
        subset=["value"], ignore_index=True
    )


def headline(
    name: str, results: Results, claims: pd.DataFrame, published: pd.DataFrame, longer: str
) -> pd.DataFrame:
    """Lines of results/headline.csv of one method.

    Parameters
    ----------
    name : str
        Method.
    results, longer
        As for :func:`numbers`.
    claims : DataFrame
        The method's claims table.
    published : DataFrame
        Published claims of all versions.

    Returns
    -------
    DataFrame
        method, quantity, value, lower, upper (quartiles, of a median), at_equal_tokens (of the
        ratio of the medians, that of lengthened queries), unit, published, verdict
        (with the number without sampling, where that decides against the value). A method that is
        not the paper's has no verdicts, and nothing was published of it. Numbers that restate an
        input are left out.
    """
    restated = published.dropna(subset=["input"])["claim"]
    table = numbers(results, "published", longer)
    values = table.set_index("quantity")["value"]
    for side in ("lower", "upper"):
        quartile = table["quantity"].str.replace("median", f"{side} quartile", regex=False)
        table[side] = quartile.where(quartile.str.contains("quartile")).map(values)
    at_equal_tokens = values.get(_lengthened(longer))
    table["at_equal_tokens"] = [at_equal_tokens if q == RATIO else None for q in table["quantity"]]
    table["at_equal_tokens"] = table["at_equal_tokens"].astype(float)
    kept = table["quantity"].isin(QUOTED) & ~table["claim"].isin(restated)
    table = table[kept].reset_index(drop=True)
    decided = deciding(claims).set_index("claim")
    scored = decided[~decided["verdict"].isin(["not scored", "not testable"])]
    version = published[published["version"] == results.method["claims"]]
    prints = {line["claim"]: printed(line) for line in version.to_dict("records")}
    table["published"] = [prints[c] if c in scored.index else None for c in table["claim"]]
    table["verdict"] = [
        _verdict(scored.loc[c]) if c in scored.index else None for c in table["claim"]
    ]
    return table.drop(columns="claim").assign(method=name)


def moved_together(methods: Mapping[str, Mapping[str, Any]]) -> list[set[str]]:
    """Methods that one edit moves with the members of their blends, for every such edit.

    Parameters
    ----------
    methods : dict
        Resolved methods by name.

    Returns
    -------
    list of set of str
        Methods that have a quantity of OF_THE_BLEND alike, with its source, as they do that inherit
        it from one file; or a table of throughput.
    """
    holding: dict[str, set[str]] = {}
    for name, method in methods.items():
        tables = method["benchmarks"]["table"]
        alike = [repr(table) for table in (tables if isinstance(tables, list) else [tables])]
        alike += [
            repr((path, sorted(quantity.items())))
            for path, quantity in quantities_of(method)
            # the power of one model moves it alone
            if path[0] in OF_THE_BLEND and path[:2] != ("node_power", "models")
        ]
        for each in alike:
            holding.setdefault(each, set()).add(name)
    return list(holding.values())


def together(
    tables: Sequence[pd.DataFrame], methods: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Lines of all methods, of many methods those that are quoted most.

    Parameters
    ----------
    tables : sequence of DataFrame
        Lines of each method, from :func:`headline`.
    methods : dict
        The resolved methods by name.

    Returns
    -------
    DataFrame
        As many quantities of every method as :data:`MOST_CHANGED` allows; those that no paper
        states are left out first, of all their methods alike, but for the medians. Where blends
        are too many for both medians of each, they do not count; of more methods than have lines
        each has one.
    """
    whole = len(QUOTED)
    # of the paper's methods, and of the others
    medians = [
        *((whole, n) for n in range(whole, MEDIANS - 1, -1)),
        *((n, MEDIANS) for n in range(whole - 1, MEDIANS - 1, -1)),
    ]
    one = [(n, 1) for n in range(whole, 0, -1)]
    tried = [(most, moved_together(methods)) for most in medians]
    tried += [(most, []) for most in medians + one]
    choices = (([_quoted(table, *most) for table in tables], edits) for most, edits in tried)
    fits = (chosen for chosen, edits in choices if _changed(chosen, methods, edits) <= MOST_CHANGED)
    last = [_quoted(table, 1, 1) for table in tables]
    return pd.concat(next(fits, last), ignore_index=True)


def _changed(
    chosen: Sequence[pd.DataFrame],
    methods: Mapping[str, Mapping[str, Any]],
    edits: Sequence[Collection[str]],
) -> int:
    """Lines that the edit which changes most of them does: of what is quoted of every method, or
    with the blends of those that it moves.
    """
    counts = pd.concat(chosen)["method"].value_counts()
    lines = {str(name): int(count) for name, count in counts.items()}
    with_blend = {name: lines[name] + int(methods[name]["blend"]["models"]) for name in lines}
    moved = [sum(lines.values()), *(sum(with_blend[name] for name in edit) for edit in edits)]
    return OF_A_LINE * max(moved) + OF_THE_EDIT


def _quoted(table: pd.DataFrame, of_scored: int, of_others: int) -> pd.DataFrame:
    """So many of a method's lines, the most quoted, by whether any has a verdict."""
    most = of_scored if table["verdict"].notna().any() else of_others
    return table[table["quantity"].map(QUOTED.index).rank() <= most]


def _verdict(line: pd.Series) -> str:
    note = "" if is_missing(line["note"]) else line["note"]
    exact = DECIDED.match(note)
    return f"{line['verdict']} ({exact[1]} without sampling)" if exact else line["verdict"]
