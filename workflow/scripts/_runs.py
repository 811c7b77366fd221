"""Read what a deployment starts from: its benchmark runs, and the table behind its law."""

from pathlib import Path

import pandas as pd
from inference_energy.deployments.files import renamed
from inference_energy.deployments.runs import join_runs
from inference_energy.errors import InputError
from inference_energy.readers import detect_and_read, read_facts
from inference_energy.tables import read_table


def read_runs(paths, facts):
    """Read all benchmark files into one table; the problems of all of them at once."""
    tables, problems = [], []
    names = [Path(path).name for path in paths]
    for path, name in zip(paths, names, strict=True):
        try:
            table = detect_and_read(path, read_facts(path) | facts)
        except InputError as error:
            problems += error.problems
            continue
        if names.count(name) > 1:
            # the files of a stress test have one name, so the path tells them apart
            table["source_file"] = table["source_file"].replace(name, path)
        tables.append((path, table))
    if problems:
        raise InputError(problems)
    return join_runs(tables)


def with_renamed(method, paths, where):
    """Return a deployment with warnings of what its facts call by another name than its files."""
    found = renamed(paths, method["deployment"].get("facts", {}), where)
    return method | ({"warnings": [*method.get("warnings", []), *found]} if found else {})


def read_background(read):
    """Table that a law of many configurations starts from; none for other laws."""
    if not getattr(read, "background", None):
        return None
    table = pd.concat([read_table(path, "throughput") for path in read.background])
    return table.drop_duplicates(ignore_index=True)
