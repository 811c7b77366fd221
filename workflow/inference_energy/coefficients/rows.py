"""The measured rows behind a coefficient, and how near they are to it."""

from collections.abc import Iterable, Mapping

import pandas as pd

from inference_energy.laws.training import STEADY_TABLE, steady_rows, training_rows

TIERS = {
    "A": "this model was measured on this GPU in this format",
    "B": "this model was measured, on another GPU or in another format",
    "C": "this model was not measured: its architecture alone is known",
}
"""How near the measured throughput is to a coefficient. Models of the same architecture and size
count as one."""

FIRST_LINE = 2
"""Line of a table's file that its first row is on."""


def located_rows(
    tables: Mapping[str, pd.DataFrame], steady: pd.DataFrame, hardware: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Rows that the law with load is fitted to, with their ``table`` and ``line`` of its file.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``benchmarks.THROUGHPUT_TABLES``, by path.
    steady : DataFrame
        ``benchmarks.STEADY_TABLE``.
    hardware : mapping of str to DataFrame
        Tables ``models`` and ``gpus``.
    """
    every = dict(tables) | {STEADY_TABLE: steady_rows(steady)}
    placed = [
        rows.assign(table=path, line=range(FIRST_LINE, FIRST_LINE + len(rows)))
        for path, rows in every.items()
    ]
    return training_rows(placed, steady.iloc[:0], hardware).astype({"line": int})


def add_tiers(kinds: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Append the tier of every kind and how many rows are behind it.

    Parameters
    ----------
    kinds : DataFrame
        network, gpu, precision.
    rows : DataFrame
        From :func:`located_rows`.

    Returns
    -------
    DataFrame
        ``kinds`` with ``tier``, of TIERS, and ``n_rows``: of the model on the GPU in the format
        in tier A, of the model in tier B, none in tier C.
    """
    own = ["network", "gpu", "precision"]
    same = rows.groupby(own).size().reindex(pd.MultiIndex.from_frame(kinds[own]), fill_value=0)
    model = kinds["network"].map(rows.groupby("network").size()).fillna(0)
    counts = zip(same, model, strict=True)
    tiers = ["A" if here else "B" if anywhere else "C" for here, anywhere in counts]
    n_rows = [int(here or anywhere) for here, anywhere in zip(same, model, strict=True)]
    return kinds.assign(tier=tiers, n_rows=n_rows)


def rows_behind(networks: pd.Series, rows: pd.DataFrame) -> pd.DataFrame:
    """Where the measured rows of every model are.

    Parameters
    ----------
    networks : Series
        Network by model, for all models of the coefficients.
    rows : DataFrame
        From :func:`located_rows`.

    Returns
    -------
    DataFrame
        Schema ``coefficients_rows``.
    """
    keys = ["network", "gpu", "precision", "table", "source_id"]
    places = rows.groupby(keys)["line"].agg(["size", lines]).reset_index()
    named = networks.rename("network").rename_axis("model").reset_index()
    found = named.merge(places, on="network").drop(columns="network")
    return found.rename(columns={"precision": "format", "size": "n_rows"})


def lines(numbers: Iterable[int]) -> str:
    """Write line numbers, those that follow each other as a range.

    Examples
    --------
    >>> lines([7, 2, 3, 4])
    '2-4; 7'
    """
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return "; ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
