"""Check data/: checksums of files, schemas and sources of tables, and tables against others."""

from pathlib import Path

from _logged import run
from inference_energy.coefficients import agents
from inference_energy.errors import InputError
from inference_energy.evidence import lengths
from inference_energy.method import datasheets
from inference_energy.reuse import checksums
from inference_energy.tables import read_table, write_text


def _refused(held):
    """Function of tables that gives what cannot be, of one that tells what is unusual too."""
    return lambda *tables: [sentence for is_problem, sentence in held(*tables) if is_problem]


# tables that are held against each other
ACROSS = {
    ("gpus", "nodes", "node_power"): _refused(datasheets.held),
    ("wall_power", "mlperf_benchmarks", "gpus", "nodes", "node_power"): _refused(
        datasheets.metered
    ),
    ("agent_tokens", "models"): _refused(agents.held),
    ("output_lengths", "mlenergy"): lengths.problems,
}


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
    for names, hold in ACROSS.items():
        if set(names) <= set(known):
            problems += hold(*(known[name] for name in names))
    if problems:
        raise InputError(problems)
    write_text(snakemake.output[0], "\n".join(lines) + "\n")


if __name__ == "__main__":
    run(main, snakemake)
