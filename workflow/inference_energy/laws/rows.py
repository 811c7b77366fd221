"""Which benchmark rows count."""


def usable_rows(table, benchmarks):
    """Rows of a benchmark table that a method uses.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``throughput``.
    benchmarks : dict
        The method's section: ``precision`` (list) and optionally ``models``, ``gpus``, ``sources``
        (lists of what is kept), ``exclude_sources``, ``exclude_confidence``.

    Returns
    -------
    DataFrame
        In the table's order; rows without both lengths are left out.
    """
    keep = table["precision"].isin(benchmarks["precision"])
    keep &= table["input_tokens"].notna() & table["output_tokens"].notna()
    columns = {"models": "model", "gpus": "gpu", "sources": "source_id"}
    for key, column in columns.items():
        if key in benchmarks:
            keep &= table[column].isin(benchmarks[key])
    for key, column in {"exclude_sources": "source_id", "exclude_confidence": "confidence"}.items():
        keep &= ~table[column].isin(benchmarks.get(key, []))
    return table[keep]
