"""The numbers that a reader quotes, one per line, with what the paper prints."""

import pandas as pd

from inference_energy.claims.judge import DECIDED, deciding, printed
from inference_energy.claims.selectors import Results, evaluate
from inference_energy.text import is_missing

QUERY = "energy_per_query[regime={}; subject=frontier blend; pathway={}; statistic={}]"
FLEET = "fleet[scenario={}; pathway={}; statistic=p50]"
LONGER = "test_time[compared={}; subject=frontier blend; statistic=p50; quantity=energy ratio]"
MEDIAN = QUERY.format("traditional", "baseline", "p50")


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
    of["long over traditional, medians"] = (
        f"{QUERY.format('long', 'baseline', 'p50')} / {MEDIAN}",
        "1",
        "ratio-energy",
    )
    of[f"{longer} the output tokens, medians"] = (LONGER.format(longer), "1", "")
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
        method, quantity, value, lower, upper (quartiles, of a median), unit, published, verdict
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
    left_out = table["claim"].isin(restated) | table["quantity"].str.endswith(" quartile")
    table = table[~left_out].reset_index(drop=True)
    decided = deciding(claims).set_index("claim")
    scored = decided[~decided["verdict"].isin(["not scored", "not testable"])]
    version = published[published["version"] == results.method["claims"]]
    prints = {line["claim"]: printed(line) for line in version.to_dict("records")}
    table["published"] = [prints[c] if c in scored.index else None for c in table["claim"]]
    table["verdict"] = [
        _verdict(scored.loc[c]) if c in scored.index else None for c in table["claim"]
    ]
    return table.drop(columns="claim").assign(method=name)


def _verdict(line: pd.Series) -> str:
    note = "" if is_missing(line["note"]) else line["note"]
    exact = DECIDED.match(note)
    return f"{line['verdict']} ({exact[1]} without sampling)" if exact else line["verdict"]
