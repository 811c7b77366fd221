"""Numbers that a finding needs beside the result tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.claims.selectors import Results
from inference_energy.method.build import build
from inference_energy.method.setup import Setup
from inference_energy.paper import estimate
from inference_energy.tables import format_number


def law_ratios(setup: Setup, vendor: pd.DataFrame) -> pd.DataFrame:
    """Throughput that the fitted laws predict over the one that a vendor table lists.

    Parameters
    ----------
    setup : Setup
        Method whose laws predict.
    vendor : DataFrame
        Rows of schema ``throughput``; those of models without a law are left out.

    Returns
    -------
    DataFrame
        model, gpu, tensor_parallel, precision, input_tokens, output_tokens, source_id, predicted,
        measured [tokens/s] and value, their ratio [1].
    """
    models = {model.name: model for model in setup.models}
    keys = ["model", "gpu", "tensor_parallel", "precision", "input_tokens", "output_tokens"]
    rows = vendor[vendor["model"].isin(models)].dropna(subset=["input_tokens", "output_tokens"])
    rows = rows[[*keys, "source_id", "throughput_tps"]].rename(
        columns={"throughput_tps": "measured"}
    )
    rows = rows.reset_index(drop=True)
    predicted = pd.Series(np.nan, rows.index)
    for name, own in rows.groupby("model"):
        lengths = own[["input_tokens", "output_tokens"]].to_numpy(float)
        predicted.loc[own.index] = models[str(name)].throughput(*lengths.T)
    return rows.assign(predicted=predicted, value=predicted / rows["measured"])


def benchmark_lines(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Throughput tables as one table that selectors can ask: ``value`` is the throughput.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Tables of schema ``throughput`` by name, which becomes the column ``table``.

    Returns
    -------
    DataFrame
        Keys as text, numbers as the result tables print them.
    """
    # the engine of a result is the one that computed it, here it is the one that served
    frames = [
        table.rename(columns={"engine": "serving_engine"}).assign(
            table=name, value=table["throughput_tps"]
        )
        for name, table in tables.items()
    ]
    return _with_text_keys(pd.concat([frame.dropna(axis=1, how="all") for frame in frames]))


def listed_powers(lines: pd.DataFrame) -> pd.DataFrame:
    """Node power that throughput tables list, of the lines of :func:`benchmark_lines`. [kW]"""
    if "listed_node_power_kw" not in lines:
        return lines.iloc[:0]
    lines = lines[lines["listed_node_power_kw"] != ""]
    return lines.assign(value=lines["listed_node_power_kw"].astype(float))


def _with_text_keys(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [column for column in frame.columns if column != "value"]
    text = {
        key: frame[key].map(lambda v: v if isinstance(v, str) else format_number(v)) for key in keys
    }
    return frame.assign(**text)


def exact_results(
    method: Mapping[str, Any],
    materials: Mapping[str, Any],
    published: Mapping[str, dict[str, float]],
    vendor: dict[str, pd.DataFrame] | None = None,
) -> Results:
    """Results of the exact engine for a method that has not been run.

    Parameters
    ----------
    method : dict
        Resolved method.
    materials : dict
        What it is built from, the keyword arguments of ``build``.
    published : dict of str to dict
        Published numbers, as of :class:`Results`.
    vendor : dict of str to DataFrame, optional
        Further throughput tables by name; with them selectors can ask for ``benchmark`` [tokens/s],
        ``listed_power`` [kW], ``law_prediction`` [tokens/s] and ``law_ratio``.

    Returns
    -------
    Results
    """
    setup = build(method, **materials)
    tables = {
        "energy_per_query": estimate.energy_per_query(setup, ["exact"]),
        "output_tokens": estimate.output_tokens(setup, ["exact"]),
        "fleet": estimate.fleet(setup, ["exact"]),
        "throughput_laws": estimate.throughput_laws(setup),
    }
    if vendor:
        named = {"paper": materials["table"]} | vendor
        ratios = _with_text_keys(
            pd.concat(
                [law_ratios(setup, table).assign(table=name) for name, table in named.items()]
            )
        )
        lines = benchmark_lines(named)
        tables |= {
            "benchmark": lines,
            "listed_power": listed_powers(lines),
            "law_ratio": ratios,
            "law_prediction": ratios.assign(value=ratios["predicted"].astype(float)),
        }
    return Results(method, tables, published)
