"""Requests held against the context of the model that they are of."""

from collections.abc import Iterable, Mapping

import duckdb
import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.hardware import LONGEST, longest_context, longest_contexts
from inference_energy.requests.formats import TOKENS, Column, LogColumns, bare_name, literal
from inference_energy.requests.log import Log, Unit, connect, describe
from inference_energy.requests.sums import MOST_TOLD, first_row

ANY = "any known model"
"""What the largest context of the table is of, for requests whose model it does not know."""


def over_context(
    connection: duckdb.DuckDBPyConnection, log: Log, unit: Unit, models: pd.DataFrame, examples: int
) -> tuple[int, list[int]]:
    """Find the rows of the view ``counted`` that are longer than the context of their model.

    Of a row that stands for many requests the mean request is. A row's model is what the format
    says that its name stands for, else that of this name; a row of no known model is held against
    the largest context of all.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the views ``requests``, ``nearby`` and ``counted`` of the unit.
    log : Log
        The log.
    unit : Unit
        The part of it that the views have.
    models : DataFrame
        Table of schema ``models``.
    examples : int
        How many rows are named.

    Returns
    -------
    count, places : int, list of int
        How many there are, and the numbers of the first.

    Raises
    ------
    InputError
        With row and values, if any is longer than LONGEST contexts.
    """
    rows = f"SELECT row, {bare_name('model')} AS name, mean_input, mean_output FROM counted"
    least = min(longest_contexts(models["model"], models).values())
    (most,) = connection.execute(
        "SELECT max(input)::DOUBLE + max(output)::DOUBLE FROM nearby"
    ).fetchall()[0]
    if most is None or most <= least:
        return 0, []
    longer = f"SELECT * FROM ({rows}) WHERE mean_input + mean_output > {least!r}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE longer AS {longer}")
    names = connection.execute("SELECT DISTINCT name FROM longer").df()["name"]
    known = _contexts(names.dropna(), log.form.get("models", {}), models)
    connection.register("contexts_frame", known)
    held = (
        f"SELECT row, mean_input, mean_output, coalesce(model, {literal(ANY)}) AS of,"
        f" coalesce(context, {float(models['context_tokens'].max())!r}) AS most,"
        " (mean_input + mean_output) / most AS ratio"
        " FROM longer LEFT JOIN contexts_frame USING (name)"
    )
    sql = f"SELECT count(*), min(row, {examples}) FROM ({held}) WHERE ratio > 1"
    count, places = connection.execute(sql).fetchall()[0]
    sql = f"FROM ({held}) WHERE ratio > {LONGEST!r} ORDER BY row LIMIT {MOST_TOLD}"
    absurd = connection.execute(sql).fetchall()
    connection.unregister("contexts_frame")
    connection.execute("DROP TABLE longer")
    if absurd:
        read = read_as(log, describe(connection, unit.file, log.kind))
        raise InputError([_problem(unit.file, read, *row) for row in absurd])
    return count, places or []


def over_served(lengths: pd.DataFrame, served: str, log: Log, models: pd.DataFrame) -> int:
    """Count the requests of no known model that are longer than the context of the one that serves
    them, by the mean lengths of their cells.

    Those beyond the largest context of all are none of them: ``over_context`` has them.

    Parameters
    ----------
    lengths : DataFrame
        As the table ``lengths`` of the counts.
    served : str
        Model of the deployment.
    log : Log
        The log.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    int
        0 where the context of ``served`` is not known.

    Raises
    ------
    InputError
        If any are longer than LONGEST contexts.
    """
    context, most = longest_context(served, models), float(models["context_tokens"].max())
    names = lengths["model"].dropna().unique()
    known = set(_contexts(names, log.form.get("models", {}), models)["name"])
    own = lengths[~lengths["model"].isin(known)]
    tokens = (own["input"] + own["output"]) / own["n"]
    absurd = own[(tokens > LONGEST * context) & (tokens <= LONGEST * most)]
    if len(absurd):
        first = absurd.iloc[int(np.argmax(tokens[absurd.index]))]
        read = read_as(log, describe(connect(), log.files[0], log.kind))
        raise InputError(
            f"key log: columns of input and output tokens: {absurd['n'].sum()} requests of no known"
            f" model, the longest of {first['input'] / first['n']:.6g} and"
            f" {first['output'] / first['n']:.6g} tokens, read of {read}, are more than"
            f" {LONGEST:g} times the context of the deployment's model {served}, {context:.15g}"
            f" tokens (context_tokens of data/models.csv); allowed is at most {LONGEST:g} times;"
            " write tokens of each request alone: not in another unit, nor what a counter has added"
            " up so far; or name the columns"
            " of the tokens by another format, or take out what the deployment does not answer"
        )
    return int(own.loc[(tokens > context) & (tokens <= most), "n"].sum())


def _contexts(
    names: Iterable[str], stated: Mapping[str, str], models: pd.DataFrame
) -> pd.DataFrame:
    """Model and context [tokens] of the names of a log that are of a known one."""
    meant = {name: stated.get(name, name) for name in names}
    contexts = longest_contexts(meant.values(), models)
    found = [(name, model, contexts[model]) for name, model in meant.items() if model in contexts]
    return pd.DataFrame(found, columns=["name", "model", "context"]).astype(
        {"name": object, "model": object, "context": float}
    )


def read_as(log: Log, known: LogColumns) -> str:
    """Say which columns of a log are its tokens, and by which format; ``known``: those there."""
    columns = " and ".join(
        f"{column_told(log.form['columns'][of], known)} as {of}" for of in TOKENS[:2]
    )
    return f"{columns} tokens{f', by the format {log.name}' if log.name else ''}"


def column_told(column: Column, known: LogColumns) -> str:
    """Write a column of a format as a message has it: of several the first that a log has."""
    if isinstance(column, str):
        return column
    if isinstance(column, list):
        return ".".join(column)
    if "first" in column:
        there = [one for one in column["first"] if known.find(one)]
        return " or ".join(column_told(one, known) for one in there[:1] or column["first"])
    return str(column["attribute"])


def _problem(
    file: str,
    read: str,
    row: int,
    asked: float,
    answered: float,
    model: str,
    context: float,
    ratio: float,
) -> str:
    return (
        f"{file}, row {row + first_row(file)}: columns of input and output tokens: values"
        f" {asked:.15g} and {answered:.15g}, read of {read}: together are {ratio:.3g} times the"
        f" longest context of {model}, {context:.15g} tokens (context_tokens of data/models.csv);"
        f" allowed is at most {LONGEST:g} times; write tokens of each request alone: not in another"
        " unit, nor what a counter has added up so far, of which each row is the difference to the"
        " one before; or name the columns of the tokens by another format (format=NAME or a file of"
        " your own)"
    )
