"""Write a resolved method as YAML, once it is held against the tables that it is built from.

What its own file states is written apart: a change of what it inherits is told of its parent.
"""

import sys
from pathlib import Path

import pandas as pd
from _logged import run
from _setups import read_traces
from inference_energy.comparison.snapshots import committed_file
from inference_energy.documents import dump, parse, read
from inference_energy.errors import InputError
from inference_energy.method.files import method_path, removed, resolve, warnings
from inference_energy.method.plausible import KNOWN, Tables, held_against
from inference_energy.method.provenance import (
    on_one_line,
    stated_alone,
    with_copied_sources,
    with_marks_of,
    with_true_sources,
)
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Write the method with all that it inherits, and what is unusual about it."""
    read_from, method = snakemake.input, snakemake.params.method
    rows = [read_table(path, "throughput") for path in read_from.throughput_tables]
    tables = Tables(*(read_table(read_from[name], name) for name in KNOWN))
    traces = read_traces(read_from.traces)
    lengths = read_table(read_from.traces, "request_lengths")
    table = pd.concat(rows, ignore_index=True)
    problems, unusual = held_against(method, table, tables, traces, lengths)
    if problems:
        raise InputError(problems)
    unusual = [*warnings(method, read(read_from.schema), method_path(method["id"])), *unusual]
    path = snakemake.output[0]
    method, told = _with_true_sources(method, read_from.files, path)
    for file, text in told:
        # a parent whose results lie here says it itself
        if file == read_from.files[0] or not _resolved(path, file).exists():
            print(text, file=sys.stderr)
    stated = [read(file) for file in read_from.files]
    own, gone = stated[0], removed(method, stated)
    parent = {"extends": own["extends"]} if "extends" in own else {}
    remarks = {"warnings": unusual} if unusual else {}
    _write(path, on_one_line(method) | ({"removed": gone} if gone else {}) | remarks)
    _write(snakemake.output[1], parent | on_one_line(stated_alone(method, own)) | remarks)


def _write(path, content):
    text = dump(content, sort_keys=False, allow_unicode=True, width=float("inf"))
    write_text(path, text)


def _with_true_sources(method, names, path):
    """The method with the marks of its sources and of those that it extends, and the warnings."""
    files = {name: read(name) for name in names}
    # what was committed, not what lies there: an edit and another are one change; a new method is
    # held against the nearest that it extends
    written = [path, *(_resolved(path, file) for file in names[1:])]
    committed = [committed_file(Path(), each) for each in written]
    above, told, before = {}, [], None
    for place in reversed(range(len(names))):
        of = dict(list(files.items())[place:])
        stems = {Path(file).stem: content for file, content in of.items()}
        marked, told = resolve(Path(names[place]).stem, stems) if place else method, []
        new = next((i for i, text in enumerate(committed[place:]) if text is not None), None)
        earlier, before = before, None
        if new is not None:
            before = parse(committed[place + new], written[place + new])
            marked, told = with_true_sources(marked, before, of, new)
            if earlier is not None:
                parent = above[names[place + 1]]
                marked = with_marks_of(parent, earlier, marked, files[names[place]])
        marked, copied = with_copied_sources(marked, above, of)
        above, told = {names[place]: marked} | above, told + copied
    return marked, told


def _resolved(path, file):
    """Where the method of a file is written, beside one at a path."""
    return Path(path).parents[1] / Path(file).stem / Path(path).name


if __name__ == "__main__":
    run(main, snakemake)
