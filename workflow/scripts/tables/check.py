"""Check data/: checksums of files, schemas and sources of tables, and GPUs against their nodes."""

from pathlib import Path

from _logged import run
from inference_energy.errors import InputError
from inference_energy.method import datasheets
from inference_energy.reuse import checksums
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read all tables; report the problems of all of them together."""
    problems = list(checksums.problems(Path(snakemake.input.sums).parent))
    lines, sources, cited, known = [], set(), {}, {}
    for path, schema in zip(snakemake.input.tables, snakemake.params.schemas, strict=True):
        try:
            table = read_table(path, schema)
        except InputError as error:
            problems += error.problems
            continue
        lines.append(f"{path}: {len(table)} rows")
        known[schema] = table
        if schema == "sources":
            sources = set(table["source_id"])
        elif "source_id" in table:
            cited |= dict.fromkeys(table["source_id"].dropna(), path)
    problems += [
        f"{path}: column source_id: value {source}: allowed are the sources of data/sources.csv;"
        " describe it there or correct the name"
        for source, path in cited.items()
        if sources and source not in sources
    ]
    if {"gpus", "nodes", "node_power"} <= set(known):
        found = datasheets.held(known["gpus"], known["nodes"], known["node_power"])
        problems += [sentence for is_problem, sentence in found if is_problem]
    if problems:
        raise InputError(problems)
    write_text(snakemake.output[0], "\n".join(lines) + "\n")


if __name__ == "__main__":
    run(main, snakemake)
